//! Servers that take messages for people: Gotify, ntfy, whoever takes a webhook, and a mail server. Each behaves as the
//! real one does, keeps what it was sent, and fails in the ways that real ones fail when a test says so.

mod gotify;
mod hook;
mod mail;
mod ntfy;
mod wire;

pub use gotify::{Gotify, GotifyMessage};
pub use hook::{Hook, Received};
pub use mail::{Mail, MailFault, MailServer};
pub use ntfy::{Ntfy, NtfyMessage};
pub use wire::Fault;
