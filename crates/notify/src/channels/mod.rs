//! The ways to channels: one request or one mail for one message, within a time, with an answer that says whether to
//! try again, when, or never. Secrets are read from their files at every message, so that a mended one is used at once.

mod address;
mod error;
mod gotify;
mod http;
mod mail;
mod ntfy;
mod secret;
mod webhook;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use watchkeeper_model::Timestamp;

use crate::compose::Message;
use crate::settings::{ChannelKind, ChannelSettings, InvalidChannel};

pub(crate) use address::Address;
pub use error::{Again, SendError};
pub use secret::MAX_SECRET_BYTES;
pub use webhook::{Signature, sign};

/// One way to tell people.
#[async_trait]
pub trait Channel: Debug + Send + Sync {
    /// How it is configured.
    fn settings(&self) -> &ChannelSettings;

    /// Sends one message, at a time that goes with it.
    ///
    /// # Errors
    /// Says why not, and whether to try again. After an error it may have arrived all the same.
    async fn send(&self, message: &Message, now: Timestamp) -> Result<(), SendError>;

    /// Asks whether somebody is there, without telling anything; none where that cannot be asked.
    ///
    /// # Errors
    /// Says why not.
    async fn examine(&self) -> Result<Option<String>, SendError>;

    /// What is another text when the settings or the file with the secret are others: what was refused is tried again
    /// only then.
    async fn stamp(&self) -> String {
        secret::stamp(self.settings()).await
    }
}

/// Why a channel cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is said wrong.
    #[error(transparent)]
    Invalid(#[from] InvalidChannel),
    /// The file with its authority.
    #[error("channel {channel}: the authority in ca_file cannot be used ({why})")]
    Authority {
        /// Which channel.
        channel: String,
        /// What is wrong.
        why: String,
    },
    /// This system trusts nobody.
    #[error(
        "channel {channel}: this system has no certificates to trust; install its ca-certificates"
    )]
    NoRoots {
        /// Which channel.
        channel: String,
    },
}

/// Makes the way to a channel. Nothing is sent yet.
///
/// # Errors
/// Says what is wrong with its settings, or with what this system trusts.
pub fn open(settings: ChannelSettings) -> Result<Arc<dyn Channel>, OpenError> {
    settings.validate()?;
    Ok(match settings.kind {
        ChannelKind::Gotify => Arc::new(gotify::Gotify::new(settings)?),
        ChannelKind::Ntfy => Arc::new(ntfy::Ntfy::new(settings)?),
        ChannelKind::Webhook => Arc::new(webhook::Webhook::new(settings)?),
        ChannelKind::Mail => Arc::new(mail::Mail::new(settings)?),
    })
}
