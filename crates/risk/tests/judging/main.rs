//! How well commands are judged: over labelled corpora, and over rewrites of them that mean the same.

mod corpus;
mod gates;
mod rewrites;
