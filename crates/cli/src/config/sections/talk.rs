//! `[talk]`: how long talks are kept, and how long a question waits for a daemon that went away.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;

use super::Faults;
use crate::config::key::Key;

/// How long talks are kept, and how long is waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TalkSection {
    /// A talk in which nothing is said for so long is removed, but for one about an action that is not over.
    pub(crate) keep: Span,
    /// How long a command waits for a daemon that went away while it answered.
    pub(crate) daemon_back_within: Span,
}

impl Default for TalkSection {
    fn default() -> Self {
        Self {
            keep: Span::days(365),
            daemon_back_within: Span::minutes(3),
        }
    }
}

impl TalkSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("talk").name(name);
        faults.span(key("keep"), self.keep, Span::days(1), Span::days(36_500));
        let (least, most) = (Span(Duration::ZERO), Span::days(1));
        faults.span(
            key("daemon_back_within"),
            self.daemon_back_within,
            least,
            most,
        );
    }
}
