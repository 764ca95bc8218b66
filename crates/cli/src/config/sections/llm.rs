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
    /// How long a question that is over is kept.
    pub(crate) keep_jobs: Span,
    /// How long a question that was given up is kept: until then it can be asked again.
    pub(crate) keep_dead: Span,
    /// Questions that may wait in all; beyond it a hundred more, for people only.
    pub(crate) waiting: u32,
    /// Questions about one host that may wait.
    pub(crate) waiting_of_host: u32,
    /// Questions of one person that may wait.
    pub(crate) waiting_of_person: u32,
}

impl Default for LlmSection {
    fn default() -> Self {
        Self {
            attempts: 3,
            pause: Span::seconds(30),
            lease: Span::minutes(2),
            deadline: Span::hours(6),
            keep_jobs: Span::days(30),
            keep_dead: Span::days(90),
            waiting: 20_000,
            waiting_of_host: 200,
            waiting_of_person: 20,
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
        for (name, kept) in [("keep_jobs", self.keep_jobs), ("keep_dead", self.keep_dead)] {
            faults.span(key(name), kept, Span::days(1), Span::days(3_650));
        }
        if self.keep_dead < self.keep_jobs {
            let why = format!(
                "llm.keep_dead is {}, and must not be shorter than llm.keep_jobs ({})",
                self.keep_dead, self.keep_jobs
            );
            faults.add(key("keep_dead"), why);
        }
        faults.count(key("waiting"), self.waiting, 1, 1_000_000);
        faults.count(key("waiting_of_host"), self.waiting_of_host, 1, 100_000);
        faults.count(key("waiting_of_person"), self.waiting_of_person, 1, 10_000);
    }
}
