//! SSH by russh: connections that are kept, many commands at once on each, and an exact word for every failure.
//!
//! A [`RusshEngine`] is one per controller and holds what its connections share: decrypted keys and parsed
//! known_hosts files, read anew when a file changes. A [`RusshConnection`] is one per host. It dials when it must
//! (`dial`), proves the host ([`crate::known_hosts`]) and itself (`login`), and then runs each command on a channel
//! of its own (`session`). A command is sent at most once: only what failed before its line was sent is tried
//! again, once, over a new connection.
//!
//! Traps of russh that this knows of. A handshake given up on goes on in its task, so every wire can be cut
//! (`wire`). A connection lost in the middle of a login looks like a refusal, so the loss is asked for first.
//! The receiving window opens again before data is taken, so the size limit is kept while reading. The end of
//! a channel says nothing about the process: it is told TERM, and its own wrapper ends it.

mod config;
mod dial;
mod keys;
mod link;
mod login;
mod session;
mod visitor;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watchkeeper_model::{Clock, LookFailure};

use crate::enrol::OfferedKey;
use crate::known_hosts::{KnownHosts, KnownHostsUnreadable};
use crate::rendered::Rendered;
use crate::{Connection, Output, RemoteCommand, SshTarget};

use link::Link;

pub use config::{
    KEEPALIVE_INTERVAL, KEEPALIVES_UNANSWERED, MAX_KEYS_TRIED, SESSIONS_PER_CONNECTION,
};

/// What all russh connections of one controller share.
#[derive(Debug)]
pub struct RusshEngine {
    clock: Arc<dyn Clock>,
    keys: keys::KeyRing,
    known_hosts: config::KnownHostsCache,
}

impl RusshEngine {
    /// An engine; certificates of hosts are judged by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            keys: keys::KeyRing::default(),
            known_hosts: config::KnownHostsCache::default(),
        })
    }

    /// A connection to this target. Nothing is dialled before the first command.
    #[must_use]
    pub fn connection(self: &Arc<Self>, target: SshTarget) -> RusshConnection {
        RusshConnection {
            engine: Arc::clone(self),
            target: Arc::new(target),
            kept: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// The key that a host shows now, without a login there. Jump hosts on the way are judged and logged in to.
    ///
    /// # Errors
    /// When no key is shown.
    pub async fn offered_key(&self, target: &SshTarget) -> Result<OfferedKey, LookFailure> {
        dial::peek(self, target).await
    }

    fn known_hosts(&self, files: &[PathBuf]) -> Result<Arc<KnownHosts>, KnownHostsUnreadable> {
        self.known_hosts.read(files)
    }
}

/// One host over russh. What it has open closes when it is dropped.
#[derive(Debug)]
pub struct RusshConnection {
    engine: Arc<RusshEngine>,
    target: Arc<SshTarget>,
    kept: Mutex<Kept>,
    tasks: TaskTracker,
}

/// What is left of earlier dials.
#[derive(Debug, Default)]
struct Kept {
    link: Option<Arc<Link>>,
    /// The last dial that failed: those who waited for it share its failure, instead of dialling one after another.
    failed: Option<(Instant, LookFailure)>,
}

impl RusshConnection {
    /// Where it goes.
    #[must_use]
    pub fn target(&self) -> &SshTarget {
        &self.target
    }

    /// The kept connection, or a new one. Only one dials at a time.
    async fn link(&self) -> Result<Arc<Link>, LookFailure> {
        let arrived = Instant::now();
        let mut kept = self.kept.lock().await;
        if let Some(link) = kept.link.as_ref().filter(|link| link.is_alive()) {
            return Ok(Arc::clone(link));
        }
        kept.link = None;
        if let Some((ended, failure)) = &kept.failed
            && *ended >= arrived
        {
            return Err(failure.clone());
        }
        match dial::dial(&self.engine, &self.target).await {
            Ok(link) => {
                let link = Arc::new(link);
                kept.link = Some(Arc::clone(&link));
                kept.failed = None;
                Ok(link)
            }
            Err(failure) => {
                kept.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn run_on(
        &self,
        link: Arc<Link>,
        rendered: Arc<Rendered>,
    ) -> Result<Output, session::Failed> {
        let given_up = CancellationToken::new();
        let _guard = given_up.clone().drop_guard();
        let conversation = session::converse(link, rendered, given_up);
        // A task of its own: when the caller lets go, the host still has to be told.
        match self.tasks.spawn(conversation).await {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

#[async_trait]
impl Connection for RusshConnection {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        let rendered = Arc::new(command.render(&self.target.login)?);
        let link = self.link().await?;
        match self.run_on(link, Arc::clone(&rendered)).await {
            Ok(output) => Ok(output),
            Err(session::Failed::BeforeItWasSent) => {
                let link = self.link().await?;
                let again = self.run_on(link, rendered).await;
                again.map_err(session::Failed::into_failure)
            }
            Err(failed) => Err(failed.into_failure()),
        }
    }

    async fn close(&self) {
        let link = self.kept.lock().await.link.take();
        if let Some(link) = link {
            link.close().await;
        }
    }
}
