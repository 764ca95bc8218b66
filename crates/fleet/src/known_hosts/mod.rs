//! Which host keys are believed: our own reading of known_hosts files, at least as strict as OpenSSH's.
//!
//! Nothing is ever learned by looking: a key is known because a line grants it, and only [`crate::enrol`] writes
//! lines. Any plain key known for a name makes every other key a changed one, also one of another algorithm;
//! `@revoked` wins over all; a certificate counts only under a matching `@cert-authority`, for its principal and
//! in its time, and otherwise as the plain key in it. Stricter than OpenSSH in two things: a certificate without
//! principals, or with a pattern for one, is good for no host.

mod judge;
mod line;
mod name;

pub use judge::{CertificateRefused, Judgement, Offered, judge};
pub use line::{BrokenLine, KnownHosts, KnownHostsUnreadable, MAX_KNOWN_HOSTS_BYTES, Place};
pub use name::{fingerprint, lookup_name};

pub(crate) use line::{Line, Marker, parse_line};
pub(crate) use name::Names;

#[cfg(test)]
mod tests;
