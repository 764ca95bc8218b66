//! Shell text into a syntax tree that two parsers agree on, and back into one canonical text; pure and total.
//!
//! What the commands in the tree do is `risk`'s to say. Nothing here expands anything: a tree says what was written.

mod tree;

pub use tree::*;
