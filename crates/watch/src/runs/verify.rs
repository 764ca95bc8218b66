//! Whether it worked. Only a probe decides, after things have settled; what cannot be told is inconclusive.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::{HostEntry, RemoteCommand};
use watchkeeper_health::{outcomes, run_checks};
use watchkeeper_model::{
    Action, ActionState, CheckName, CheckOutcome, Run, UnitName, Verification, Verified, bounded,
    visible,
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
        Ok(match &action.plan.verify {
            Verification::CheckPasses { check, subject, .. } => {
                self.check_passes(&entry, check, subject).await
            }
            Verification::UnitActive { unit, .. } => self.unit_active(&entry, unit).await,
            Verification::HostAnswers { .. } => match self.look(&entry).await.look.result {
                Ok(_) => Answer::Fixed("the host answers".to_owned()),
                Err(failure) => Answer::NotFixed(failure.to_string()),
            },
        })
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
