//! What can go wrong in a use case. Each variant tells the server which answer to give; none is silent.

use watchkeeper_fleet::EnrolError;
use watchkeeper_model::{
    ActionNumber, ApprovalRefused, DeliveryNumber, DeviceNumber, EntryNumber, HostName,
    InvalidTransition, IssueNumber, JobNumber, LookFailure,
};
use watchkeeper_policy::MayNotApprove;
use watchkeeper_remedy::PlanError;
use watchkeeper_store::{EnqueueRefused, StoreError};

use crate::talk::TalkRefused;

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
    /// There is no such entry of what is known.
    #[error("there is no entry {number}")]
    NoSuchEntry {
        /// The number asked for.
        number: EntryNumber,
    },
    /// There is no such browser.
    #[error("there is no device {number}")]
    NoSuchDevice {
        /// The number asked for.
        number: DeviceNumber,
    },
    /// There is no such job.
    #[error("there is no job {number}")]
    NoSuchJob {
        /// The number asked for.
        number: JobNumber,
    },
    /// There is no such delivery.
    #[error("there is no delivery {number}")]
    NoSuchDelivery {
        /// The number asked for.
        number: DeliveryNumber,
    },
    /// There is no such channel.
    #[error("there is no channel `{name}`")]
    NoSuchChannel {
        /// The name asked for.
        name: String,
    },
    /// Nobody knows of such a lane.
    #[error("there is no lane `{name}`")]
    NoSuchLane {
        /// The name asked for.
        name: String,
    },
    /// So much waits for the models already that nothing is added.
    #[error(transparent)]
    QueueFull(#[from] EnqueueRefused),
    /// A decision was refused.
    #[error(transparent)]
    Approval(#[from] ApprovalRefused),
    /// This person may not approve it.
    #[error(transparent)]
    MayNotApprove(#[from] MayNotApprove),
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
    /// Nothing was said.
    #[error(transparent)]
    Talk(#[from] TalkRefused),
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

/// Whose move it is after an error: what whoever asked can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such thing.
    NoSuchThing,
    /// This person may not, and another may.
    NotTheirs,
    /// What stands is not what was decided about: look again.
    Conflict,
    /// What was asked cannot be done as it was said.
    Invalid,
    /// A host did not answer as it should.
    Host,
    /// So much waits already that nothing is added.
    Full,
    /// The store does not answer now; nothing was changed.
    Unavailable,
    /// Whether it took effect is not known: look again.
    Uncertain,
    /// Something is broken here; somebody must mend it.
    Broken,
}

impl WatchError {
    /// Whose move it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NoSuchAction { .. }
            | Self::NoSuchIssue { .. }
            | Self::NoSuchHost { .. }
            | Self::NoSuchDevice { .. }
            | Self::NoSuchEntry { .. }
            | Self::NoSuchJob { .. }
            | Self::NoSuchDelivery { .. }
            | Self::NoSuchChannel { .. }
            | Self::NoSuchLane { .. } => Fault::NoSuchThing,
            Self::QueueFull(_) => Fault::Full,
            Self::MayNotApprove(_) => Fault::NotTheirs,
            Self::Talk(refused) => match refused {
                TalkRefused::NoSuchConversation { .. } => Fault::NoSuchThing,
                TalkRefused::OfAnother { .. } => Fault::NotTheirs,
                TalkRefused::StillAnswering { .. } | TalkRefused::Decided { .. } => Fault::Conflict,
                TalkRefused::NoModel => Fault::Unavailable,
                TalkRefused::Full { .. }
                | TalkRefused::Empty
                | TalkRefused::TooLong { .. }
                | TalkRefused::NoSuchLane { .. }
                | TalkRefused::MayNotLeave(_)
                | TalkRefused::NoLaneForAll { .. }
                | TalkRefused::NoAction => Fault::Invalid,
            },
            Self::Approval(_) | Self::Transition(_) | Self::LostRace { .. } => Fault::Conflict,
            Self::Invalid { .. } | Self::Plan(_) => Fault::Invalid,
            Self::Host { .. } => Fault::Host,
            Self::Enrol(error) => match error {
                EnrolError::Mismatch { .. }
                | EnrolError::Changed { .. }
                | EnrolError::HeldByPattern { .. }
                | EnrolError::Revoked { .. } => Fault::Conflict,
                EnrolError::BadName { .. } => Fault::Invalid,
                EnrolError::TooLarge { .. } | EnrolError::Io { .. } => Fault::Broken,
            },
            Self::Store(StoreError::Uncertain { .. }) => Fault::Uncertain,
            Self::Store(StoreError::TooLarge { .. }) => Fault::Invalid,
            Self::Store(error) if error.is_conflict() => Fault::Conflict,
            Self::Store(error) if error.retryable() => Fault::Unavailable,
            Self::Store(_) => Fault::Broken,
        }
    }

    /// What a person can do about it, where that is known here; empty where looking again says more.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Host { source, .. } => source.remedy(),
            Self::QueueFull(_) => {
                "ask again when less waits, or take something back: watchkeeper queue list"
                    .to_owned()
            }
            Self::Talk(refused) => refused.advice(),
            Self::NoSuchHost { .. } => "watchkeeper systems".to_owned(),
            Self::NoSuchAction { .. } => "watchkeeper approve list --all".to_owned(),
            Self::NoSuchIssue { .. } => "watchkeeper issues list --all".to_owned(),
            Self::NoSuchEntry { .. } => "watchkeeper knowledge list".to_owned(),
            Self::NoSuchJob { .. } => "watchkeeper queue list --all".to_owned(),
            Self::MayNotApprove(MayNotApprove::OwnRequest { .. }) => {
                "ask another operator, or say `own_requests = \"allow\"` in the standing orders"
                    .to_owned()
            }
            Self::Enrol(EnrolError::Mismatch { name, .. }) => format!(
                "do not accept it: compare the fingerprint on {name}'s console, and find out who answers there"
            ),
            Self::Enrol(EnrolError::Changed { .. }) => {
                "find out why the key has changed; if that is right, ask for it to be replaced"
                    .to_owned()
            }
            Self::Enrol(EnrolError::Revoked { .. }) => {
                "do not connect; give the host a new key".to_owned()
            }
            _ => String::new(),
        }
    }

    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid { why: why.into() }
    }
}
