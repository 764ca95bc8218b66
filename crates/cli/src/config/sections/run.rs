//! `[run]`: how what is approved is executed and verified.

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;

use super::Faults;
use crate::config::key::Key;

/// How what is approved is executed and verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunSection {
    /// How long a controller that says nothing keeps a run; then another takes it over.
    pub(crate) lease: Span,
    /// Actions that run side by side.
    pub(crate) parallel: u32,
    /// Looks that a verification takes before its outcome is called inconclusive.
    pub(crate) verify_looks: u32,
    /// The pause before each of them.
    pub(crate) verify_pause: Span,
    /// How long a host may stay out of reach in the middle of a run before its outcome is called unknown.
    pub(crate) patience: Span,
}

impl Default for RunSection {
    fn default() -> Self {
        Self {
            lease: Span::seconds(60),
            parallel: 8,
            verify_looks: 3,
            verify_pause: Span::seconds(10),
            patience: Span::hours(24),
        }
    }
}

impl RunSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("run").name(name);
        faults.span(key("lease"), self.lease, Span::seconds(5), Span::hours(1));
        faults.count(key("parallel"), self.parallel, 1, 100);
        faults.count(key("verify_looks"), self.verify_looks, 1, 100);
        faults.span(
            key("verify_pause"),
            self.verify_pause,
            Span::seconds(0),
            Span::hours(1),
        );
        faults.span(
            key("patience"),
            self.patience,
            Span::minutes(1),
            Span::days(30),
        );
    }
}
