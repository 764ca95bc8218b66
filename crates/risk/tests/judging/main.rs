//! How well commands are judged: over labelled corpora, and over rewrites of them that mean the same.

#![expect(clippy::print_stdout, reason = "the figures are for people")]

mod corpus;
mod gates;
mod rewrites;
