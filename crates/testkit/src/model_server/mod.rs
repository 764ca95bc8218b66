//! A scripted model server that speaks Ollama's wire protocol over real HTTP on a port of its own.
//!
//! Unscripted it behaves as Ollama does: it knows its models, serves one generation at a time, keeps to a JSON schema,
//! counts tokens, refuses or cuts a prompt that is too long, ends an answer at `num_predict`, loads and unloads. A
//! script says what the next generations do instead, one turn each, in the words of the test:
//!
//! ```ignore
//! let server = ModelServer::start().await.replies("the disk is full").then_cuts_after(3);
//! ```
//!
//! It records every request and sees when a client goes away. It ends when its last handle is dropped.

mod facts;
mod generation;
mod record;
mod schema;
mod server;
mod service;
mod turn;

pub use record::{Outcome, Recorded};
pub use schema::conforming;
pub use server::{FakeModel, MODEL, ModelServer};
pub use turn::{Gate, Turn};
