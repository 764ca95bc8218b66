//! Why a link decided nothing. Each has a page of its own, so each is a variant; nothing was changed after any of them.

use watchkeeper_model::{
    Action, ActionNumber, ApprovalRefused, DeviceNumber, Proposer, Revision, Timestamp,
};
use watchkeeper_policy::MayNotApprove;
use watchkeeper_store::StoreError;

use crate::WatchError;

/// Why a link, or what makes a browser known, was refused.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefused {
    /// Nobody made it, or long ago.
    #[error("there is no such link")]
    NoSuchLink,
    /// It is not this browser's person's.
    #[error("the link is for {person}, and this browser is not known as theirs")]
    NotThisBrowser {
        /// For whom it is.
        person: String,
        /// Whose the browser is known as, where it is known.
        known_as: Option<String>,
    },
    /// It has decided before.
    #[error("the link has been used already, at {at}")]
    Used {
        /// To which action it led.
        action: ActionNumber,
        /// When it was used.
        at: Timestamp,
        /// For what, as a word.
        decision: String,
        /// On which device.
        by: DeviceNumber,
    },
    /// A newer one for the same decision has ended it: the message was sent again.
    #[error("a newer link took the place of this one, at {at}")]
    Replaced {
        /// To which action it led.
        action: ActionNumber,
        /// When.
        at: Timestamp,
    },
    /// It was good for a time, which is over.
    #[error("the link was good until {at}")]
    Expired {
        /// To which action it led.
        action: Option<ActionNumber>,
        /// Until when.
        at: Timestamp,
    },
    /// What it led to is not what stands now.
    #[error("action {action} is at revision {current}, and the link is for revision {asked}")]
    Edited {
        /// Which action.
        action: ActionNumber,
        /// The revision of the link.
        asked: Revision,
        /// The revision that stands.
        current: Revision,
        /// Who made that.
        by: Proposer,
    },
    /// It does not wait for a decision any more.
    #[error("action {} is {}", .action.number, .action.state.as_str())]
    Over {
        /// The action as it stands.
        action: Box<Action>,
    },
    /// The request did not bring the form that was handed out last, on this link and this device.
    #[error("the form was used before, is too old, or was handed to another browser")]
    NoForm,
    /// A rejection without a reason.
    #[error("a rejection needs a reason")]
    NoReason,
    /// This person may not decide about this action.
    #[error(transparent)]
    MayNotApprove(#[from] MayNotApprove),
    /// A person has so many browsers already.
    #[error("{person} has {limit} browsers already")]
    TooManyDevices {
        /// Who.
        person: String,
        /// How many are allowed.
        limit: i64,
    },
    /// It could not be done.
    #[error(transparent)]
    Watch(WatchError),
}

impl From<WatchError> for LinkRefused {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::MayNotApprove(refused) => Self::MayNotApprove(refused),
            other => Self::Watch(other),
        }
    }
}

impl From<StoreError> for LinkRefused {
    fn from(error: StoreError) -> Self {
        Self::Watch(error.into())
    }
}

impl LinkRefused {
    /// Whether the state or the revision was another than expected at the last moment: read again, the reason is plain.
    pub(super) fn is_a_race(&self) -> bool {
        match self {
            Self::Watch(
                WatchError::LostRace { .. }
                | WatchError::Transition(_)
                | WatchError::Approval(
                    ApprovalRefused::NotHeld(_)
                    | ApprovalRefused::OtherRevision { .. }
                    | ApprovalRefused::OtherDigest { .. },
                ),
            ) => true,
            Self::Watch(WatchError::Store(error)) => error.is_conflict(),
            _ => false,
        }
    }
}
