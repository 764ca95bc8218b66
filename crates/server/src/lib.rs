//! The HTTP API over the use cases: unix socket, peer credentials, problem replies, event streams.
