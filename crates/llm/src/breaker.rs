//! A circuit breaker: after some failures in a row an endpoint is left alone for a while, then tried by one question,
//! and only if that is answered do the others follow. Pure: what time it is, and what became of a question, is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Span, Timestamp};

/// When an endpoint is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// Failures in a row after which it is left alone.
    pub failures: u32,
    /// How long it is left alone at first; each probe that fails doubles it.
    pub pause: Span,
    /// The longest it is left alone.
    pub longest: Span,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 3,
            pause: Span::seconds(15),
            longest: Span::minutes(10),
        }
    }
}

/// Whether an endpoint may be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It may.
    Yes,
    /// It may, by the one who is told this, and by nobody else until that is answered.
    Probe,
    /// It may not.
    No {
        /// When it is worth asking again.
        until: Timestamp,
    },
}

/// How an endpoint has behaved lately.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Everybody asks.
    Closed { failures: u32 },
    /// Nobody asks before `until`.
    Open { until: Timestamp, pause: Duration },
    /// One asks. Who has not said by `until` how it went is thought lost, and another may.
    HalfOpen { until: Timestamp, pause: Duration },
}

/// How long a probe may take until another may follow: as long as a whole answer at the most.
const PROBE_PATIENCE: Duration = Duration::from_secs(15 * 60);

impl Breaker {
    /// A closed one.
    #[must_use]
    pub const fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
        }
    }

    /// Whether the endpoint may be asked now. Who is told [`May::Probe`] must say how it went.
    pub fn may_try(&mut self, now: Timestamp) -> May {
        match self.state {
            State::Closed { .. } => May::Yes,
            State::Open { until, pause } | State::HalfOpen { until, pause } if now >= until => {
                self.state = State::HalfOpen {
                    until: now.after(PROBE_PATIENCE),
                    pause,
                };
                May::Probe
            }
            State::Open { until, .. } | State::HalfOpen { until, .. } => May::No { until },
        }
    }

    /// Whether it would let anybody through now; unlike [`Self::may_try`] it takes no probe.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        match self.state {
            State::Closed { .. } => false,
            State::Open { until, .. } | State::HalfOpen { until, .. } => now < until,
        }
    }

    /// A question was answered.
    pub fn succeeded(&mut self, _now: Timestamp) {
        self.state = State::Closed { failures: 0 };
    }

    /// A question failed, and the endpoint is to blame (see [`crate::LlmError::blames_the_lane`]).
    pub fn failed(&mut self, now: Timestamp) {
        self.state = match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if failures < self.settings.failures {
                    State::Closed { failures }
                } else {
                    self.open(now, self.settings.pause.0)
                }
            }
            State::HalfOpen { pause, .. } => self.open(now, pause.saturating_mul(2)),
            // Of those that were under way when it opened.
            open @ State::Open { .. } => open,
        };
    }

    /// The endpoint asked to be left alone for this long, which says more than a count of failures.
    pub fn asked_to_wait(&mut self, now: Timestamp, wait: Duration) {
        let pause = match self.state {
            State::Closed { .. } => self.settings.pause.0,
            State::Open { pause, .. } | State::HalfOpen { pause, .. } => pause,
        };
        self.state = State::Open {
            until: now.after(wait.min(self.settings.longest.0)),
            pause,
        };
    }

    /// A probe was given back without an answer either way, such as when its question was cancelled.
    pub fn gave_back(&mut self, now: Timestamp) {
        if let State::HalfOpen { pause, .. } = self.state {
            self.state = State::Open { until: now, pause };
        }
    }

    /// The state in one word: `closed`, `open`, `half-open`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        }
    }

    fn open(&self, now: Timestamp, pause: Duration) -> State {
        let pause = pause.min(self.settings.longest.0);
        State::Open {
            until: now.after(pause),
            pause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a breaker, in the order it happens.
    #[derive(Debug)]
    enum Then {
        /// A question failed.
        Fails,
        /// A question was answered.
        Answers,
        /// It asked to wait for so many seconds.
        Waits(u64),
        /// The probe was given back.
        GivesBack,
        /// At so many seconds somebody asks whether they may.
        At(i64, Said),
        /// Its word is this.
        Is(&'static str),
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Said {
        Yes,
        Probe,
        Until(i64),
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    /// Three failures open it for 10 seconds, 35 at most.
    fn check(story: &[Then]) {
        let mut breaker = Breaker::new(BreakerSettings {
            failures: 3,
            pause: Span::seconds(10),
            longest: Span::seconds(35),
        });
        let mut now = at(0);
        for (step, then) in story.iter().enumerate() {
            match then {
                Then::Fails => breaker.failed(now),
                Then::Answers => breaker.succeeded(now),
                Then::Waits(seconds) => breaker.asked_to_wait(now, Duration::from_secs(*seconds)),
                Then::GivesBack => breaker.gave_back(now),
                Then::Is(word) => assert_eq!(breaker.word(), *word, "step {step} of {story:?}"),
                Then::At(second, expected) => {
                    now = at(*second);
                    let was_open = breaker.is_open(now);
                    let said = match breaker.may_try(now) {
                        May::Yes => Said::Yes,
                        May::Probe => Said::Probe,
                        May::No { until } => Said::Until(until.as_millis() / 1000),
                    };
                    assert_eq!(said, *expected, "step {step} of {story:?}");
                    assert_eq!(was_open, matches!(said, Said::Until(_)));
                }
            }
        }
    }

    use Said::{Probe, Until, Yes};
    use Then::{Answers, At, Fails, GivesBack, Is, Waits};

    #[test]
    fn only_failures_in_a_row_open_it() {
        check(&[
            Fails,
            Fails,
            Answers,
            Fails,
            Fails,
            At(0, Yes),
            Is("closed"),
        ]);
        check(&[
            Fails,
            Fails,
            Fails,
            Is("open"),
            At(0, Until(10)),
            At(9, Until(10)),
        ]);
    }

    #[test]
    fn after_the_pause_one_probe_goes_through_and_nobody_else() {
        check(&[
            Fails,
            Fails,
            Fails,
            At(10, Probe),
            Is("half-open"),
            At(10, Until(910)),
            At(11, Until(910)),
        ]);
    }

    #[test]
    fn a_probe_that_is_answered_closes_it() {
        check(&[
            Fails,
            Fails,
            Fails,
            At(10, Probe),
            Answers,
            At(10, Yes),
            Fails,
            At(10, Yes),
        ]);
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_the_longest() {
        check(&[
            Fails,
            Fails,
            Fails,
            At(10, Probe),
            Fails,
            At(10, Until(30)),
            At(30, Probe),
            Fails,
            At(30, Until(65)),
            At(65, Probe),
            Fails,
            At(65, Until(100)),
        ]);
    }

    #[test]
    fn what_was_under_way_when_it_opened_does_not_keep_it_open_longer() {
        check(&[
            Fails,
            Fails,
            Fails,
            At(5, Until(10)),
            Fails,
            Fails,
            At(5, Until(10)),
        ]);
    }

    #[test]
    fn a_probe_that_is_never_heard_of_again_is_followed_by_another() {
        check(&[
            Fails,
            Fails,
            Fails,
            At(10, Probe),
            At(909, Until(910)),
            At(910, Probe),
        ]);
    }

    #[test]
    fn a_probe_that_was_cancelled_is_free_for_the_next() {
        check(&[Fails, Fails, Fails, At(10, Probe), GivesBack, At(10, Probe)]);
        check(&[GivesBack, At(0, Yes)]);
    }

    #[test]
    fn what_a_server_asks_for_is_granted_up_to_the_longest() {
        check(&[
            Waits(20),
            At(0, Until(20)),
            At(20, Probe),
            Answers,
            At(20, Yes),
        ]);
        check(&[Waits(3600), At(0, Until(35))]);
        check(&[Waits(5), At(5, Probe), Fails, At(5, Until(25))]);
    }
}
