//! Whether it worked. Only a probe decides, after things have settled; what cannot be told is inconclusive.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::{HostEntry, RemoteCommand};
use watchkeeper_health::{outcomes, run_checks};
use watchkeeper_model::{
    Action, ActionState, CheckName, CheckOutcome, PlannedStep, Run, Step, UnitName, Verification,
    Verified, bounded, visible,
};

use super::follow::Followed;
use crate::WatchError;
use crate::look::{Seen, privilege_result};
use crate::watch::Watch;

/// What one look says.
enum Answer {
    Fixed(String),
    NotFixed(String),
    CannotTell(String),
}

impl Watch {
    pub(super) async fn verify(
        &self,
        action: &Action,
        run: &Run,
        stop: &CancellationToken,
    ) -> Result<Followed, WatchError> {
        let ActionState::Verifying { look_at, .. } = &action.state else {
            return Err(WatchError::invalid("only what ended well is verified"));
        };
        let settling = look_at.since(self.now());
        if !self.keeping_lease(run, waited(settling, stop)).await {
            return Ok(Followed::Later {
                why: "the controller stopped before the verification".to_owned(),
            });
        }
        let limits = self.current().settings.running.clone();
        let mut answer = Answer::CannotTell("no look was made".to_owned());
        for look in 0..limits.verify_looks.max(1) {
            if look > 0
                && !self
                    .keeping_lease(run, waited(limits.verify_pause, stop))
                    .await
            {
                return Ok(Followed::Later {
                    why: "the controller stopped during the verification".to_owned(),
                });
            }
            answer = self
                .keeping_lease(run, self.ask_whether_fixed(action))
                .await?;
            if matches!(answer, Answer::Fixed(_)) {
                break;
            }
        }
        self.verified(action, run, answer).await
    }

    async fn verified(
        &self,
        action: &Action,
        run: &Run,
        answer: Answer,
    ) -> Result<Followed, WatchError> {
        let (id, at) = (run.id.clone(), self.now());
        let (to, text) = match answer {
            Answer::Fixed(seen) => (
                ActionState::Fixed(Verified {
                    run: id,
                    at,
                    seen: seen.clone(),
                }),
                seen,
            ),
            Answer::NotFixed(seen) if !action.plan.undo.is_empty() => {
                let why = format!("it did not help: {seen}");
                (
                    ActionState::Failed {
                        run: id,
                        at,
                        why: why.clone(),
                    },
                    why,
                )
            }
            Answer::NotFixed(seen) => (
                ActionState::NotFixed(Verified {
                    run: id,
                    at,
                    seen: seen.clone(),
                }),
                seen,
            ),
            Answer::CannotTell(seen) => (
                ActionState::Inconclusive(Verified {
                    run: id,
                    at,
                    seen: seen.clone(),
                }),
                seen,
            ),
        };
        Ok(Followed::To(Box::new(
            self.move_on(action, to, &text).await?,
        )))
    }

    async fn ask_whether_fixed(&self, action: &Action) -> Result<Answer, WatchError> {
        let entry = self.entry(&action.plan.host)?;
        let answer = self.seen_now(&entry, &action.plan.verify).await;
        if matches!(answer, Answer::Fixed(_))
            && let Some(why) = self.does_not_hold(&entry, &action.plan.steps).await
        {
            return Ok(Answer::CannotTell(why));
        }
        Ok(answer)
    }

    async fn seen_now(&self, entry: &HostEntry, verify: &Verification) -> Answer {
        match verify {
            Verification::CheckPasses { check, subject, .. } => {
                self.check_passes(entry, check, subject).await
            }
            Verification::UnitActive { unit, .. } => self.unit_active(entry, unit).await,
            Verification::HostAnswers { .. } => match self.look(entry).await.look.result {
                Ok(_) => Answer::Fixed("the host answers".to_owned()),
                Err(failure) => Answer::NotFixed(failure.to_string()),
            },
        }
    }

    /// What one look does not show: a service that ends again and again runs at this moment, or is no failure while
    /// systemd is about to restart it. It is not undone for that: stopped, it would not even be a failure any more.
    async fn does_not_hold(&self, entry: &HostEntry, steps: &[PlannedStep]) -> Option<String> {
        let started = steps.iter().filter_map(|planned| match &planned.step {
            Step::UnitStart { unit } | Step::UnitRestart { unit } => Some(unit),
            _ => None,
        });
        for unit in started {
            let command = RemoteCommand::new("systemctl")
                .arg("show")
                .arg("--property=SubState,NRestarts")
                .arg("--")
                .arg(unit);
            match self.fleet().run(&entry.name, command).await {
                Ok(output) if output.exit.success() => {
                    let said = String::from_utf8_lossy(&output.stdout).into_owned();
                    if let Some(how) = restarts(&said) {
                        return Some(format!("{unit} {how}"));
                    }
                }
                // No systemd: the check's word stands.
                Ok(_) => {}
                Err(failure) => return Some(format!("whether {unit} holds: {failure}")),
            }
        }
        None
    }

    async fn check_passes(&self, entry: &HostEntry, check: &CheckName, subject: &str) -> Answer {
        let seen = self.look(entry).await;
        match self.outcome_of(entry, &seen, check, subject) {
            Some(CheckOutcome::Passed { detail }) => Answer::Fixed(words(check, subject, &detail)),
            Some(CheckOutcome::Found { finding }) => Answer::NotFixed(finding.summary),
            Some(CheckOutcome::Unknown { why }) => Answer::CannotTell(words(check, subject, &why)),
            None => Answer::CannotTell(format!("the check {check} said nothing")),
        }
    }

    fn outcome_of(
        &self,
        entry: &HostEntry,
        seen: &Seen,
        check: &CheckName,
        subject: &str,
    ) -> Option<CheckOutcome> {
        let thresholds = self.current().settings.thresholds.of(entry);
        let mut results = run_checks(&seen.look, None, &thresholds);
        results.extend(privilege_result(&entry.name, entry.become_root, seen));
        outcomes(results, &[(check.clone(), subject.to_owned())])
            .into_iter()
            .find(|result| result.check == *check && result.subject == subject)
            .map(|result| result.outcome)
    }

    async fn unit_active(&self, entry: &HostEntry, unit: &UnitName) -> Answer {
        let command = RemoteCommand::new("systemctl")
            .arg("is-active")
            .arg("--")
            .arg(unit);
        match self.fleet().run(&entry.name, command).await {
            Ok(output) if output.exit.success() => Answer::Fixed(format!("{unit} is active")),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                Answer::NotFixed(format!("{unit} is {}", bounded(&visible(said.trim()), 80)))
            }
            Err(failure) => Answer::CannotTell(failure.to_string()),
        }
    }
}

/// How a service does not hold that was started not long ago, by its state and how often systemd restarted it since.
fn restarts(shown: &str) -> Option<String> {
    let value = |key: &str| {
        shown
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let times: u32 = value("NRestarts").and_then(|times| times.parse().ok())?;
    if value("SubState").is_some_and(|state| state.starts_with("auto-restart")) {
        return Some("has ended again, and systemd is about to restart it".to_owned());
    }
    match times {
        0 => None,
        1 => Some("runs, and systemd has restarted it once since it was started".to_owned()),
        _ => Some(format!(
            "runs, and systemd has restarted it {times} times since it was started"
        )),
    }
}

fn words(check: &CheckName, subject: &str, detail: &str) -> String {
    if subject.is_empty() {
        format!("{check}: {detail}")
    } else {
        format!("{check} {}: {detail}", visible(subject))
    }
}

/// Waits; false when told to stop before.
async fn waited(span: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(span) => true,
        () = stop.cancelled() => false,
    }
}
