//! Whether who asked may still ask. A question may wait for hours, and what comes of its answer is in its person's name:
//! so what they may do is looked at once more when it is answered, and again before anything is proposed or changed.
//!
//! The accounts are the system's, and each machine has its own. A question remembers on which machine its person was found
//! to be allowed by account; there, who is not known any more may nothing. On another machine, such as one that only has a
//! model, an account that is not known says nothing, and what was found when it was asked counts. It counts, too, where
//! the account never was what allowed it: a process may have the group without its account.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use watchkeeper_model::{Person, Said, visible};
use watchkeeper_policy::{NotAllowed, Operation, Role, may};

use crate::watch::Watch;

/// How long the system may take to say what an account is: it may ask a directory over the network.
const SAID_WITHIN: Duration = Duration::from_secs(10);
/// Where a question says on which machine its person's account was found to be allowed.
const ALLOWED_ON: &str = "allowed_on";

/// What accounts are to the watch.
pub trait Roles: fmt::Debug + Send + Sync {
    /// What this account is now; none where this machine has no such account. It may block.
    fn role_of(&self, person: &Person) -> Option<Role>;
}

/// Why somebody may not have any more what they asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoLonger {
    /// Their role was taken away.
    #[error("{person} asked for it and may not any more: {why}")]
    Allowed {
        /// Who.
        person: String,
        /// Who may.
        why: NotAllowed,
    },
    /// There is no such account any more.
    #[error("{person} asked for it and is no account of this machine any more")]
    Known {
        /// Who.
        person: String,
    },
    /// It cannot be told now.
    #[error("the system did not say what the account {person} may do")]
    Told {
        /// Who.
        person: String,
    },
}

impl Watch {
    /// Has it looked up here what accounts are.
    pub fn asks_roles_of(&self, roles: Arc<dyn Roles>) {
        // The first is the one: it is said once, where everything is put together.
        let _ = self.roles().set(roles);
    }

    /// Notes with a question that its person's account allows it, where that is so.
    pub(super) async fn note_standing(&self, person: &Person, body: &mut Value) {
        let Some(roles) = self.roles().get() else {
            return;
        };
        if let Ok(Some(role)) = looked_up(roles, person).await
            && may(role, Operation::Ask).is_ok()
        {
            body[ALLOWED_ON] = Value::from(self.machine());
        }
    }

    /// Whether who said something may still do this.
    pub(super) async fn may_still(
        &self,
        person: &Person,
        said: &Said,
        operation: Operation,
    ) -> Result<(), NoLonger> {
        let (Some(roles), Some(machine)) = (self.roles().get(), said.body[ALLOWED_ON].as_str())
        else {
            return Ok(());
        };
        let name = || visible(&person.name).into_owned();
        match looked_up(roles, person).await {
            Ok(Some(role)) => may(role, operation).map_err(|why| NoLonger::Allowed {
                person: name(),
                why,
            }),
            Ok(None) if machine == self.machine() => Err(NoLonger::Known { person: name() }),
            Ok(None) => Ok(()),
            Err(()) => Err(NoLonger::Told { person: name() }),
        }
    }

    /// The machine that this controller runs on: its name without what tells one run from another.
    fn machine(&self) -> &str {
        let name = self.controller().as_str();
        name.rsplit_once('-').map_or(name, |(machine, _)| machine)
    }
}

async fn looked_up(roles: &Arc<dyn Roles>, person: &Person) -> Result<Option<Role>, ()> {
    let (roles, person) = (Arc::clone(roles), person.clone());
    let role = tokio::task::spawn_blocking(move || roles.role_of(&person));
    match tokio::time::timeout(SAID_WITHIN, role).await {
        Ok(Ok(role)) => Ok(role),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}
