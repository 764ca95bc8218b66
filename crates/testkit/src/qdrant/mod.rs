//! A Qdrant server with state, over real gRPC: collections, points, filters and exact search by cosine, of what
//! Watchkeeper asks for. Statuses and messages are those of a real one. What is not served says so.

mod conditions;
mod points;
mod server;

pub use server::QdrantServer;
