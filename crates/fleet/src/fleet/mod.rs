//! The fleet: the inventory with one kept connection per host. Everything that runs on a host runs through here.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;
use watchkeeper_model::{HostName, LookFailure};

use crate::{Connection, HostEntry, Inventory, Output, RemoteCommand};

/// How long a connection is kept that nobody uses, if the caller does not say.
pub const DEFAULT_IDLE: Duration = Duration::from_secs(15 * 60);
/// How often the kept connections are looked through for idle ones.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Makes the connection that an entry asks for. [`crate::Engines`] makes real ones, tests their own.
#[async_trait]
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// A connection for this host. It need not be connected yet.
    ///
    /// # Errors
    /// When the entry cannot be used, or there is no way.
    async fn connect(&self, entry: &HostEntry) -> Result<Arc<dyn Connection>, LookFailure>;
}

/// A handle on the fleet; its clones are one fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connector: Arc<dyn Connector>,
    idle: Duration,
    inventory: RwLock<Arc<Inventory>>,
    kept: std::sync::Mutex<Kept>,
    /// Connections being closed, which nobody waits for but [`Fleet::close_all`].
    closing: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Kept {
    slots: HashMap<HostName, Arc<Slot>>,
    swept: Instant,
}

/// The place of one host's connection.
#[derive(Debug)]
struct Slot {
    entry: Arc<HostEntry>,
    connection: Mutex<Option<Arc<dyn Connection>>>,
    used: std::sync::Mutex<Instant>,
}

impl Fleet {
    /// The hosts of this inventory, reached by this connector.
    #[must_use]
    pub fn new(inventory: Inventory, connector: Arc<dyn Connector>) -> Self {
        Self::with_idle(inventory, connector, DEFAULT_IDLE)
    }

    /// The same, with another time after which an unused connection is closed.
    #[must_use]
    pub fn with_idle(inventory: Inventory, connector: Arc<dyn Connector>, idle: Duration) -> Self {
        let kept = Kept {
            slots: HashMap::new(),
            swept: Instant::now(),
        };
        Self {
            inner: Arc::new(Inner {
                connector,
                idle,
                inventory: RwLock::new(Arc::new(inventory)),
                kept: std::sync::Mutex::new(kept),
                closing: Mutex::default(),
            }),
        }
    }

    /// The inventory as it is now.
    #[must_use]
    pub fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(
            &self
                .inner
                .inventory
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The names of all hosts, sorted.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostName> {
        self.inventory()
            .entries()
            .map(|entry| entry.name.clone())
            .collect()
    }

    /// One host's entry.
    #[must_use]
    pub fn entry(&self, host: &HostName) -> Option<Arc<HostEntry>> {
        self.inventory().get(host).cloned()
    }

    /// Runs a command on a host, over its kept connection.
    ///
    /// # Errors
    /// As [`Connection::run`], and when the host is not in the inventory or its entry cannot be used.
    pub async fn run(
        &self,
        host: &HostName,
        command: RemoteCommand,
    ) -> Result<Output, LookFailure> {
        self.sweep().await;
        let slot = self.slot(host)?;
        let connection = slot.connection(&*self.inner.connector).await?;
        let result = connection.run(command).await;
        slot.touch();
        if result.as_ref().is_err_and(is_about_the_connection) {
            // The next one looks at the configuration again: what was wrong may have been mended there.
            slot.forget(&connection).await;
        }
        result
    }

    /// Takes another inventory. Connections of hosts whose entries did not change are kept, the others closed.
    pub async fn reload(&self, inventory: Inventory) {
        let inventory = Arc::new(inventory);
        *self
            .inner
            .inventory
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::clone(&inventory);
        self.drop_slots(|name, slot| inventory.get(name).is_none_or(|entry| *entry != slot.entry))
            .await;
    }

    /// Closes the connections that were not used for the idle time. Runs now and then by itself while commands run.
    pub async fn close_idle(&self) {
        self.drop_slots(|_, slot| slot.is_idle(self.inner.idle))
            .await;
    }

    /// Closes all connections and waits for that. The next command connects anew.
    pub async fn close_all(&self) {
        self.drop_slots(|_, _| true).await;
        let mut closing = std::mem::take(&mut *self.inner.closing.lock().await);
        while closing.join_next().await.is_some() {}
    }

    /// The host's place, made anew where its entry has changed.
    fn slot(&self, host: &HostName) -> Result<Arc<Slot>, LookFailure> {
        let entry = self.entry(host).ok_or_else(|| LookFailure::Misconfigured {
            detail: format!("{host} is not in the inventory"),
        })?;
        let mut kept = self
            .inner
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let slot = match kept.slots.get(host) {
            Some(slot) if slot.entry == entry => Arc::clone(slot),
            _ => {
                let slot = Arc::new(Slot::new(entry));
                kept.slots.insert(host.clone(), Arc::clone(&slot));
                slot
            }
        };
        slot.touch();
        Ok(slot)
    }

    async fn sweep(&self) {
        let due = {
            let mut kept = self
                .inner
                .kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let due = kept.swept.elapsed() >= SWEEP_EVERY.min(self.inner.idle);
            if due {
                kept.swept = Instant::now();
            }
            due
        };
        if due {
            self.close_idle().await;
        }
    }

    /// Takes places out and closes what is in them, without waiting.
    async fn drop_slots(&self, which: impl Fn(&HostName, &Slot) -> bool) {
        let dropped: Vec<_> = {
            let mut kept = self
                .inner
                .kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            kept.slots
                .extract_if(|name, slot| which(name, slot))
                .map(|(_, slot)| slot)
                .collect()
        };
        let mut closing = self.inner.closing.lock().await;
        while closing.try_join_next().is_some() {}
        for slot in dropped {
            closing.spawn(async move {
                if let Some(connection) = slot.connection.lock().await.take() {
                    connection.close().await;
                }
            });
        }
    }
}

/// Whether a failure says something of the way to the host, and not of the command.
fn is_about_the_connection(failure: &LookFailure) -> bool {
    !matches!(
        failure,
        LookFailure::TimedOut { .. }
            | LookFailure::TooLarge { .. }
            | LookFailure::RootRefused { .. }
            | LookFailure::CommandRefused { .. }
    )
}

impl Slot {
    fn new(entry: Arc<HostEntry>) -> Self {
        Self {
            entry,
            connection: Mutex::default(),
            used: std::sync::Mutex::new(Instant::now()),
        }
    }

    /// The connection, made if there is none. Who comes meanwhile waits, on this host alone.
    async fn connection(
        &self,
        connector: &dyn Connector,
    ) -> Result<Arc<dyn Connection>, LookFailure> {
        let mut slot = self.connection.lock().await;
        if let Some(connection) = slot.as_ref() {
            return Ok(Arc::clone(connection));
        }
        let connection = connector.connect(&self.entry).await?;
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Lets go of this connection, unless another has taken its place. Commands that still run on it go on.
    async fn forget(&self, connection: &Arc<dyn Connection>) {
        let mut slot = self.connection.lock().await;
        if slot
            .as_ref()
            .is_some_and(|kept| Arc::ptr_eq(kept, connection))
        {
            *slot = None;
        }
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether nobody used it for so long and nobody uses it now.
    fn is_idle(&self, idle: Duration) -> bool {
        let busy = self.connection.try_lock().map_or(true, |slot| {
            slot.as_ref()
                .is_some_and(|connection| Arc::strong_count(connection) > 1)
        });
        !busy
            && self
                .used
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .elapsed()
                >= idle
    }
}

#[cfg(test)]
mod tests;
