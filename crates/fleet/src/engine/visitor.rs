//! What russh asks of us during a connection: whether the host's key is believed. And what it tells: why the
//! connection ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::Error;
use russh::client::{DisconnectReason, Handler};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use watchkeeper_model::{Clock, LookFailure};

use super::config::{KEEPALIVE_INTERVAL, KEEPALIVES_UNANSWERED};
use crate::SshTarget;
use crate::known_hosts::{Judgement, KnownHosts, Offered, judge};
use crate::rendered::excerpt;

/// What was learned of a connection beside its work.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Why the host's key is not believed.
    refused: Option<LookFailure>,
    /// The key that was shown, to one who only looks.
    shown: Option<PublicKey>,
    /// Why the connection ended.
    ended: Option<String>,
}

/// What was learned, shared between the connection's task and those who wait for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Learned>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the host's key is not believed.
    pub(super) fn refused(&self) -> Option<LookFailure> {
        self.lock().refused.clone()
    }

    /// The key that was shown.
    pub(super) fn shown(&self) -> Option<PublicKey> {
        self.lock().shown.clone()
    }

    /// Why the connection ended.
    pub(super) fn ended(&self) -> Option<String> {
        self.lock().ended.clone()
    }
}

/// How a host's key is looked at.
pub(super) enum Eye {
    /// It must be known.
    Judges {
        known: Arc<KnownHosts>,
        clock: Arc<dyn Clock>,
    },
    /// It is taken down, and the connection ends.
    Peeks,
}

/// The client's side of one connection.
pub(super) struct Visitor {
    pub(super) target: Arc<SshTarget>,
    pub(super) eye: Eye,
    pub(super) notes: Notes,
}

impl Visitor {
    fn look(&self, offered: &PublicKeyOrCertificate) -> bool {
        let Eye::Judges { known, clock } = &self.eye else {
            self.notes.lock().shown = Some(offered.public_key());
            return false;
        };
        let (host, port) = place(&self.target);
        let key = offered.public_key();
        let offered = match offered.certificate() {
            Some(certificate) => Offered::Certificate(certificate),
            None => Offered::Key(&key),
        };
        let judgement = judge(known, host, port, offered, clock.now());
        let failure = into_failure(judgement, &self.target.host_key_name());
        let believed = failure.is_none();
        self.notes.lock().refused = failure;
        believed
    }
}

/// Under which host and port a target's key is kept: an alias stands for itself.
pub(super) fn place(target: &SshTarget) -> (&str, u16) {
    match &target.host_key_alias {
        Some(alias) => (alias, SshTarget::DEFAULT_PORT),
        None => (&target.address, target.port),
    }
}

/// The failure that a judgement means, if it means one.
fn into_failure(judgement: Judgement, host: &str) -> Option<LookFailure> {
    let host = excerpt(host.as_bytes());
    match judgement {
        Judgement::Known { .. } | Judgement::Certified { .. } => None,
        Judgement::Unknown {
            fingerprint,
            certificate,
        } => {
            if let Some(why) = certificate {
                tracing::warn!(host.name = host, %why, "the host's certificate does not count");
            }
            Some(LookFailure::HostKeyUnknown { host, fingerprint })
        }
        Judgement::Changed { known, offered, at } => {
            tracing::warn!(host.name = host, %at, known, offered, "the host key has changed");
            Some(LookFailure::HostKeyChanged {
                host,
                known,
                offered,
            })
        }
        Judgement::Revoked { fingerprint, at } => {
            tracing::warn!(host.name = host, %at, fingerprint, "the host key is revoked");
            Some(LookFailure::HostKeyRevoked { host, fingerprint })
        }
    }
}

impl Handler for Visitor {
    type Error = Error;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Error> {
        Ok(self.look(offered))
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Error>) -> Result<(), Error> {
        let said = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let message = excerpt(info.message.as_bytes());
                format!("the other side ended it: {message}")
            }
            DisconnectReason::Error(error) => describe(&error),
        };
        self.notes.lock().ended = Some(said);
        Ok(())
    }
}

/// An error of russh in our words, bounded and harmless.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::HUP | Error::Disconnect | Error::SendError | Error::RecvError => {
            "the other side closed it".to_owned()
        }
        Error::IO(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the other side closed it".to_owned()
        }
        Error::KeepaliveTimeout => format!(
            "nothing came back for {} s",
            KEEPALIVE_INTERVAL.as_secs() * (KEEPALIVES_UNANSWERED as u64 + 1)
        ),
        Error::NoCommonAlgo { kind, theirs, .. } => excerpt(
            format!(
                "no {} algorithm in common; it has {}",
                format!("{kind:?}").to_ascii_lowercase(),
                theirs.join(",")
            )
            .as_bytes(),
        ),
        other => excerpt(other.to_string().as_bytes()),
    }
}
