//! The catalogue of typed steps and the protocol that runs one on a host at most once.
