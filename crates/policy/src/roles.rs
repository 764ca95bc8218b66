//! What each role may do. Which account has which role is told where it connects.

use std::fmt;

/// What an account is to the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Anybody who can reach the watch.
    Viewer,
    /// Root, a member of the operators' group, or the owner of a store of their own.
    Operator,
    /// The account the daemon itself runs as: whatever gets hold of the daemon must not approve its own actions.
    Daemon,
}

/// What is asked of the watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Reads what is stored.
    Look,
    /// Has hosts looked at now.
    Check,
    /// Makes, acknowledges, notes, resolves and closes issues.
    TrackIssue,
    /// Approves, rejects and edits actions.
    Approve,
    /// Accepts a host's key.
    Enrol,
    /// Has a model answer: asks, talks, wishes.
    Ask,
    /// Changes what is known: adds, edits, verifies, forgets, imports, indexes.
    Teach,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 7] = [
        Self::Look,
        Self::Check,
        Self::TrackIssue,
        Self::Approve,
        Self::Enrol,
        Self::Ask,
        Self::Teach,
    ];

    /// What it is, as a verb.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Check => "have hosts checked",
            Self::TrackIssue => "change issues",
            Self::Approve => "decide about actions",
            Self::Enrol => "enrol hosts",
            Self::Ask => "ask a model",
            Self::Teach => "change what is known",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Only operators may.
    #[error("only root and members of the operators' group may {operation}")]
    OperatorsOnly {
        /// What was asked.
        operation: Operation,
    },
    /// The daemon's own account may not, so that the watch cannot approve itself.
    #[error("the daemon's own account may never {operation}")]
    NeverTheDaemon {
        /// What was asked.
        operation: Operation,
    },
}

/// Whether a role may do something.
///
/// # Errors
/// Says who may.
pub const fn may(role: Role, operation: Operation) -> Result<(), NotAllowed> {
    match (role, operation) {
        (Role::Operator, _)
        | (Role::Viewer | Role::Daemon, Operation::Look)
        | (Role::Daemon, Operation::Check | Operation::TrackIssue) => Ok(()),
        // What is asked for in words becomes a proposal in the asker's name, and the daemon has none.
        (
            Role::Daemon,
            Operation::Approve | Operation::Enrol | Operation::Ask | Operation::Teach,
        ) => Err(NotAllowed::NeverTheDaemon { operation }),
        (
            Role::Viewer,
            Operation::Check
            | Operation::TrackIssue
            | Operation::Approve
            | Operation::Enrol
            | Operation::Ask
            | Operation::Teach,
        ) => Err(NotAllowed::OperatorsOnly { operation }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_may_everything_and_viewers_only_look() {
        for operation in Operation::ALL {
            assert_eq!(may(Role::Operator, operation), Ok(()));
            assert_eq!(
                may(Role::Viewer, operation).is_ok(),
                operation == Operation::Look
            );
        }
    }

    #[test]
    fn the_daemons_own_account_never_approves() {
        let refused = may(Role::Daemon, Operation::Approve).expect_err("never");
        assert_eq!(
            refused.to_string(),
            "the daemon's own account may never decide about actions"
        );
        assert!(may(Role::Daemon, Operation::Enrol).is_err());
    }
}
