//! What can go wrong in a use case. Each variant tells the server which answer to give; none is silent.

use watchkeeper_fleet::EnrolError;
use watchkeeper_model::{
    ActionNumber, ApprovalRefused, HostName, InvalidTransition, IssueNumber, LookFailure,
};
use watchkeeper_remedy::PlanError;
use watchkeeper_store::StoreError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no such action.
    #[error("there is no action {number}")]
    NoSuchAction {
        /// The number asked for.
        number: ActionNumber,
    },
    /// There is no such issue.
    #[error("there is no issue {number}")]
    NoSuchIssue {
        /// The number asked for.
        number: IssueNumber,
    },
    /// There is no such host.
    #[error("there is no host {host} in the inventory")]
    NoSuchHost {
        /// The name asked for.
        host: HostName,
    },
    /// A decision was refused.
    #[error(transparent)]
    Approval(#[from] ApprovalRefused),
    /// The state does not allow it.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// Somebody else was quicker.
    #[error("{what} was changed by somebody else at the same moment")]
    LostRace {
        /// What was changed.
        what: String,
    },
    /// What was asked cannot be done as it was said.
    #[error("{why}")]
    Invalid {
        /// Why not.
        why: String,
    },
    /// The steps cannot be made into a plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A host key was not accepted.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// The host could not be asked.
    #[error("could not ask {host}")]
    Host {
        /// Which.
        host: HostName,
        /// Why.
        #[source]
        source: LookFailure,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WatchError {
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid { why: why.into() }
    }
}
