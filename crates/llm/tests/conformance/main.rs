//! What every provider must do with what servers really send, case by case, over real HTTP against the scripted
//! server. A case that is the same for all protocols is written once and run for each by name; what only one protocol
//! has stands in a file of its own.

mod addresses;
mod answers;
mod anthropic;
mod cancelling;
mod connections;
mod context;
mod errors;
mod keys;
mod limits;
mod ollama;
mod openai;
mod strangers;
mod support;
mod time;
mod tools;
mod vectors;
