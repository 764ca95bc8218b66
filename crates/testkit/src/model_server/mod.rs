//! A scripted model server that speaks the protocols of Ollama, OpenAI and Anthropic over real HTTP on a port of its
//! own, all three of them at once, told apart by the path.
//!
//! Unscripted it behaves as the real ones do: it knows its models, serves one generation at a time, keeps to a JSON
//! schema, calls the tool it is given when there is only one, counts tokens, refuses or cuts a prompt that is too
//! long, ends an answer at its limit, loads and unloads, fetches models line by line, and makes vectors in which texts
//! that share words lie near each other. A script says what the next generations do instead, one turn each, in the words of the test:
//!
//! ```ignore
//! let server = ModelServer::start().await.replies("the disk is full").then_cuts_after(3);
//! ```
//!
//! It records every request and sees when a client goes away. It ends when its last handle is dropped.

mod anthropic;
mod body;
mod facts;
mod generation;
mod ollama;
mod openai;
mod record;
mod schema;
mod server;
mod service;
mod turn;
mod wire;

pub use crate::tls::authority;
pub use record::{Outcome, Recorded};
pub use schema::conforming;
pub use server::{FakeModel, MODEL, ModelServer};
pub use turn::{Gate, Turn};
