//! `[llm]`: how long and how often a model is asked. Which models there are is said in `[[lanes]]`.

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;

use super::Faults;
use crate::config::key::Key;

/// How long and how often a model is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LlmSection {
    /// Tries before a job is given up.
    pub(crate) attempts: u32,
    /// The pause before the second try; it doubles with each.
    pub(crate) pause: Span,
    /// How long a worker that says nothing keeps a job.
    pub(crate) lease: Span,
    /// After this time a job is given up.
    pub(crate) deadline: Span,
}

impl Default for LlmSection {
    fn default() -> Self {
        Self {
            attempts: 3,
            pause: Span::seconds(30),
            lease: Span::minutes(2),
            deadline: Span::hours(6),
        }
    }
}

impl LlmSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("llm").name(name);
        faults.count(key("attempts"), self.attempts, 1, 100);
        faults.span(key("pause"), self.pause, Span::seconds(0), Span::hours(1));
        faults.span(key("lease"), self.lease, Span::seconds(5), Span::hours(1));
        faults.span(
            key("deadline"),
            self.deadline,
            Span::minutes(1),
            Span::days(30),
        );
    }
}
