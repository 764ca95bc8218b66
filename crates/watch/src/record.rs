//! What a look changes in the store: the observation, what is tracked, issues and the log, all in one transaction.

use serde_json::json;

use watchkeeper_fleet::HostEntry;
use watchkeeper_health::{Change, Facts, outcomes, run_checks};
use watchkeeper_model::{
    CheckOutcome, Finding, Fingerprint, HostName, Issue, IssueNumber, IssueState, Timestamp,
    visible,
};
use watchkeeper_store::{NewIssue, StoreError, Tx};

use crate::issues::about;
use crate::look::{Seen, privilege_result};
use crate::tracking::{Tracked, firing_subjects, track};
use crate::watch::{Watch, with};
use crate::{WatchError, settle};

/// Longest title and account of an issue about the watch itself, in characters.
const MAX_OWN_TITLE_CHARS: usize = 200;
const MAX_OWN_DETAIL_CHARS: usize = 4_000;
/// How soon a host is looked at again where one more look decides something.
const LOOK_AGAIN_SOON: std::time::Duration = std::time::Duration::from_secs(30);

impl Watch {
    /// Stores a look and everything that follows from it. `next_due` is when the host is to be looked at again; without
    /// it, when it was to be anyway.
    pub(crate) async fn record_look(
        &self,
        entry: &HostEntry,
        seen: &Seen,
        next_due: Option<Timestamp>,
    ) -> Result<Vec<Tracked>, WatchError> {
        let look = &seen.look;
        let thresholds = self.current().settings.thresholds.of(entry);
        let mut tx = self.store().begin().await?;
        // First, because it holds the host's row until the commit: two looks at one host are stored one after the other.
        let outcome = look.result.as_ref().map(drop);
        let next_due = match next_due {
            Some(at) => at,
            None => self
                .or_absent(tx.hosts().get(&look.host).await)?
                .map_or(look.at, |host| host.next_due.max(look.at)),
        };
        tx.hosts()
            .finish_look(&look.host, self.controller(), look.at, outcome, next_due)
            .await?;
        let previous = self.or_absent(tx.observations().latest(&look.host).await)?;
        let previous: Option<Facts> =
            previous.and_then(|seen| serde_json::from_value(seen.body).ok());
        let known = tx.findings().of_host(&look.host).await?;
        self.remember_corrupt(&known.corrupt);
        let mut results = run_checks(look, previous.as_ref(), &thresholds);
        results.extend(privilege_result(&look.host, entry.become_root, seen));
        let results = outcomes(results, &firing_subjects(&known.rows));
        let mut tracked = track(look, results, known.rows);
        let soon = look.at.after(LOOK_AGAIN_SOON);
        if next_due > soon
            && tracked
                .iter()
                .any(|subject| subject.memory.state.wants_look())
        {
            tx.hosts().make_due(&look.host, soon).await?;
        }
        for subject in &mut tracked {
            match self.follow_issue(&mut tx, subject, look.at).await {
                // The issue cannot be read, or a person changes it at this moment; the other subjects go on.
                Err(WatchError::Store(StoreError::CorruptRow(row))) => {
                    self.remember_corrupt(&[row]);
                }
                Err(WatchError::Store(error)) if error.is_conflict() => {
                    tracing::info!(host.id = %look.host, error = %error, "an issue is followed at the next look");
                }
                followed => followed?,
            }
        }
        self.keep(&mut tx, seen, &tracked).await?;
        if let Ok(facts) = &look.result {
            self.learn_host(&mut tx, entry, facts, previous.as_ref())
                .await?;
        }
        tx.commit().await?;
        Ok(tracked)
    }

    async fn keep(&self, tx: &mut Tx, seen: &Seen, tracked: &[Tracked]) -> Result<(), WatchError> {
        let look = &seen.look;
        let (gone, kept): (Vec<&Tracked>, Vec<&Tracked>) = tracked
            .iter()
            .partition(|subject| subject.forgettable(look.at));
        let rows: Vec<_> = kept
            .iter()
            .map(|subject| subject.row(look, look.at))
            .collect();
        tx.findings().upsert(&rows).await?;
        let gone: Vec<Fingerprint> = gone
            .iter()
            .filter(|subject| subject.was_known)
            .map(|subject| subject.fingerprint)
            .collect();
        tx.findings().delete(&gone).await?;
        if let Ok(facts) = &look.result {
            let body = serde_json::to_value(facts).unwrap_or_default();
            tx.observations().insert(&look.host, look.at, &body).await?;
        }
        Ok(())
    }

    /// Opens, reopens, counts or resolves the issue of one subject.
    async fn follow_issue(
        &self,
        tx: &mut Tx,
        subject: &mut Tracked,
        now: Timestamp,
    ) -> Result<(), WatchError> {
        match (&subject.change, subject.seen_now()) {
            (Some(Change::Fired { .. }), Some(finding)) => {
                let finding = finding.clone();
                subject.issue = Some(
                    self.open_issue(tx, &finding, subject.fingerprint, now)
                        .await?,
                );
            }
            (Some(Change::StillFiring | Change::SeverityChanged { .. }), Some(finding)) => {
                let finding = finding.clone();
                self.see_again(tx, subject, &finding, now).await?;
            }
            (Some(Change::Cleared), _) => {
                if let Some(number) = subject.issue {
                    let text = match &subject.result.outcome {
                        CheckOutcome::Passed { detail } => format!("the check passes: {detail}"),
                        _ => "the check passes".to_owned(),
                    };
                    self.resolve_issue(tx, number, &text, now).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The issue of a finding that has just become one: the active one, one that was resolved not long ago, or a new one.
    async fn open_issue(
        &self,
        tx: &mut Tx,
        finding: &Finding,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<IssueNumber, WatchError> {
        if let Some(active) = tx.issues().find_active(fingerprint).await? {
            tx.issues()
                .seen_again(active.number, finding.severity, now)
                .await?;
            return Ok(active.number);
        }
        let since = now.before(self.current().settings.looking.reopen_within);
        if let Some(resolved) = tx.issues().find_resolved(fingerprint, since).await? {
            self.reopen(tx, &resolved, finding, now).await?;
            return Ok(resolved.number);
        }
        let new = NewIssue {
            host: Some(finding.host.clone()),
            title: lasting(&finding.summary),
            severity: finding.severity,
            fingerprint: Some(fingerprint),
            at: now,
        };
        let issue = tx.issues().create(new).await?;
        let record = self.record("issue.opened", about(&issue), finding.summary.clone());
        tx.log()
            .append(with(record, "severity", json!(finding.severity)))?;
        Ok(issue.number)
    }

    async fn reopen(
        &self,
        tx: &mut Tx,
        issue: &Issue,
        finding: &Finding,
        now: Timestamp,
    ) -> Result<(), WatchError> {
        tx.issues()
            .change(issue.number, IssueState::Resolved, IssueState::Open, now)
            .await?;
        tx.issues()
            .seen_again(issue.number, finding.severity, now)
            .await?;
        tx.log()
            .append(self.record("issue.reopened", about(issue), finding.summary.clone()))?;
        Ok(())
    }

    /// The trouble goes on. An issue that a person resolved meanwhile is open again; one they closed stays closed.
    async fn see_again(
        &self,
        tx: &mut Tx,
        subject: &mut Tracked,
        finding: &Finding,
        now: Timestamp,
    ) -> Result<(), WatchError> {
        let issue = match subject.issue {
            Some(number) => tx.issues().get(number).await?,
            None => None,
        };
        let Some(issue) = issue else {
            subject.issue = Some(
                self.open_issue(tx, finding, subject.fingerprint, now)
                    .await?,
            );
            return Ok(());
        };
        match issue.state {
            IssueState::Open | IssueState::Acknowledged => {
                tx.issues()
                    .seen_again(issue.number, finding.severity, now)
                    .await?;
            }
            IssueState::Resolved => self.reopen(tx, &issue, finding, now).await?,
            IssueState::Closed => return Ok(()),
        }
        if let Some(Change::SeverityChanged { from, to }) = subject.change {
            let text = format!("{from} is now {to}: {}", finding.summary);
            tx.log()
                .append(self.record("issue.severity_changed", about(&issue), text))?;
        }
        Ok(())
    }

    /// Resolves an issue on positive evidence, and withdraws what waits for it.
    pub(crate) async fn resolve_issue(
        &self,
        tx: &mut Tx,
        number: IssueNumber,
        text: &str,
        now: Timestamp,
    ) -> Result<(), WatchError> {
        let Some(issue) = self.or_absent(tx.issues().get(number).await)? else {
            return Ok(());
        };
        if !issue.state.is_active() {
            return Ok(());
        }
        match tx
            .issues()
            .change(number, issue.state, IssueState::Resolved, now)
            .await
        {
            // A person has just resolved or closed it.
            Err(error) if error.is_conflict() => return Ok(()),
            changed => changed?,
        }
        tx.log()
            .append(self.record("issue.resolved", about(&issue), text))?;
        self.withdraw_for(tx, number).await
    }

    /// An issue about the watch itself, e.g. a configuration that cannot be loaded. `key` tells one from another.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn raise_own_issue(
        &self,
        key: &str,
        title: &str,
        detail: &str,
    ) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        self.raise_own_issue_in(&mut tx, key, None, (title, detail))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same within a transaction, and perhaps about a host.
    pub(crate) async fn raise_own_issue_in(
        &self,
        tx: &mut Tx,
        key: &str,
        host: Option<&HostName>,
        (title, detail): (&str, &str),
    ) -> Result<(), WatchError> {
        let (fingerprint, now) = (own_fingerprint(key), self.now());
        if let Some(active) = tx.issues().find_active(fingerprint).await? {
            tx.issues()
                .seen_again(active.number, watchkeeper_model::Severity::Warning, now)
                .await?;
        } else {
            let new = NewIssue {
                host: host.cloned(),
                title: visible(&settle::said(title, MAX_OWN_TITLE_CHARS)).into_owned(),
                severity: watchkeeper_model::Severity::Warning,
                fingerprint: Some(fingerprint),
                at: now,
            };
            let issue = tx.issues().create(new).await?;
            tx.log().append(self.record(
                "issue.opened",
                about(&issue),
                settle::said(detail, MAX_OWN_DETAIL_CHARS),
            ))?;
        }
        Ok(())
    }

    /// The trouble with the watch itself is over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clear_own_issue(&self, key: &str) -> Result<(), WatchError> {
        let mut tx = self.store().begin().await?;
        self.clear_own_issue_in(&mut tx, key).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same within a transaction.
    pub(crate) async fn clear_own_issue_in(
        &self,
        tx: &mut Tx,
        key: &str,
    ) -> Result<(), WatchError> {
        if let Some(active) = tx.issues().find_active(own_fingerprint(key)).await? {
            self.resolve_issue(tx, active.number, "it is well again", self.now())
                .await?;
        }
        Ok(())
    }
}

/// A sentence that is still true tomorrow: without "3 min ago".
fn lasting(summary: &str) -> String {
    let words: Vec<&str> = summary.split(' ').collect();
    let is_age = |at: usize| {
        let age = words.get(at..at + 3);
        age.is_some_and(|age| {
            age[0].parse::<f64>().is_ok() && age[2].trim_end_matches([':', ',', '.']) == "ago"
        })
    };
    let Some(at) = (0..words.len()).find(|at| is_age(*at)) else {
        return summary.to_owned();
    };
    let tail: String = words[at + 2]
        .chars()
        .skip_while(|c| c.is_alphabetic())
        .collect();
    let before = words[..at].join(" ") + &tail;
    let after = words[at + 3..].join(" ");
    if after.is_empty() {
        before
    } else {
        format!("{before} {after}")
    }
}

pub(crate) fn own_fingerprint(key: &str) -> Fingerprint {
    let check = watchkeeper_model::CheckName::new("watch").expect("it is a valid word");
    Fingerprint::of(&HostName::local(), &check, key)
}

#[cfg(test)]
mod tests {
    use super::lasting;

    #[test]
    fn a_title_holds_no_age() {
        let cases = [
            (
                "nginx.service failed 4 s ago: killed by signal KILL",
                "nginx.service failed: killed by signal KILL",
            ),
            ("it failed 3 min ago", "it failed"),
            (
                "/ is 91 % full (1.9 GiB left)",
                "/ is 91 % full (1.9 GiB left)",
            ),
            ("ago", "ago"),
        ];
        for (summary, title) in cases {
            assert_eq!(lasting(summary), title);
        }
    }
}
