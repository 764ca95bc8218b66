//! The entry of one action that is over, rejected, or replaced by a person.

use std::time::Duration;

use watchkeeper_model::{
    Action, ActionState, Collection, Confidence, Digest, DigestWriter, Finding, PlannedStep,
    Proposer, Source, bounded, visible,
};
use watchkeeper_store::{NewEntry, Tx};

use crate::WatchError;
use crate::watch::Watch;

/// Longest account of steps in a title, in characters.
const MAX_STEPS_CHARS: usize = 90;
/// Longest reason of a person in a title, in characters; the whole stands in the text.
const MAX_REASON_CHARS: usize = 70;
/// Longest subject and cause, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Steps whose words are kept.
const STEPS_KEPT: usize = 20;

/// What is known of an action when something is learned from it.
pub(super) struct Case<'a> {
    /// The action as it stands now.
    pub(super) action: &'a Action,
    /// The finding it was for, as it was last seen.
    pub(super) finding: Option<&'a Finding>,
    /// How long its run took.
    pub(super) took: Option<Duration>,
}

/// The label by which entries about the same subject of the same check are found, whatever the host.
pub(super) fn like_label(finding: &Finding) -> String {
    let digest = DigestWriter::new("watchkeeper like 1")
        .field(&finding.check)
        .field(&finding.subject)
        .finish();
    format!("like:{}", short(digest))
}

fn short(digest: Digest) -> String {
    digest.to_string().chars().take(16).collect()
}

impl Watch {
    /// Learns from an action that has just become what it is, if that is an end worth knowing. Learning is never why
    /// something is not recorded: what cannot be put into an entry is left out.
    pub(crate) async fn learn_from(&self, tx: &mut Tx, action: &Action) -> Result<(), WatchError> {
        if ending(&action.state).is_none() {
            return Ok(());
        }
        let finding = self.finding_of(tx, action).await?;
        let run = tx.runs().of_action(action.number).await;
        let run = self.or_absent(run)?;
        let took = run.map(|stored| self.now().since(stored.run.claimed_at));
        let case = Case {
            action,
            finding: finding.as_ref(),
            took,
        };
        if let Some(new) = self.entry_from(&case) {
            self.learn_if_fit(tx, new).await?;
        }
        self.want_words(tx, action).await
    }

    async fn learn_if_fit(&self, tx: &mut Tx, new: NewEntry) -> Result<(), WatchError> {
        match self.learn(tx, new).await {
            Err(error @ WatchError::Invalid { .. }) => {
                tracing::warn!(%error, "nothing is learned from an action");
                Ok(())
            }
            learned => learned.map(drop),
        }
    }

    /// Learns that a person put other steps in the place of a model's.
    pub(crate) async fn learn_from_edit(
        &self,
        tx: &mut Tx,
        before: &Action,
        after: &Action,
    ) -> Result<(), WatchError> {
        let same = steps(&before.plan.steps) == steps(&after.plan.steps);
        if same || !matches!(before.proposer, Proposer::Model { .. }) {
            return Ok(());
        }
        let finding = self.finding_of(tx, after).await?;
        let case = Case {
            action: after,
            finding: finding.as_ref(),
            took: None,
        };
        let title = format!(
            "{} instead of {}",
            bounded(&steps(&after.plan.steps), MAX_STEPS_CHARS),
            bounded(&steps(&before.plan.steps), MAX_STEPS_CHARS)
        );
        let mut text = told(&case, "a person put these steps in the place of a model's");
        text.push_str(&format!("\ninstead of: {}", steps(&before.plan.steps)));
        if after.reason != before.reason {
            text.push_str(&format!("\nreason: {}", after.reason));
        }
        let new = self.new_entry(&case, "correction", &title, text);
        self.learn_if_fit(tx, new).await
    }

    async fn finding_of(
        &self,
        tx: &mut Tx,
        action: &Action,
    ) -> Result<Option<Finding>, WatchError> {
        let Some(fingerprint) = action.fingerprint else {
            return Ok(None);
        };
        let tracked = tx.findings().get(fingerprint).await;
        Ok(self.or_absent(tracked)?.and_then(|row| row.finding))
    }

    /// The entry of an action that is over.
    fn entry_from(&self, case: &Case<'_>) -> Option<NewEntry> {
        let ending = ending(&case.action.state)?;
        let done = steps(&case.action.plan.steps);
        let done = bounded(&done, MAX_STEPS_CHARS);
        let (kind, title, outcome) = match &case.action.state {
            ActionState::Rejected { by, reason, .. } => (
                "rejection",
                format!(
                    "{done}, rejected: {}",
                    bounded(&visible(reason), MAX_REASON_CHARS)
                ),
                format!("rejected by {}: {reason}", by.name),
            ),
            _ => {
                let took = case
                    .took
                    .map_or_else(String::new, |took| format!(" in {}", span(took)));
                (
                    "outcome",
                    format!("{done}, {ending}{took}"),
                    format!("{ending}{took}"),
                )
            }
        };
        Some(self.new_entry(case, kind, &title, told(case, &outcome)))
    }

    fn new_entry(&self, case: &Case<'_>, kind: &str, title: &str, text: String) -> NewEntry {
        let action = case.action;
        let mut labels = vec![format!("state:{}", action.state.as_str())];
        if let Some(finding) = case.finding {
            labels.push(format!("check:{}", finding.check));
            labels.push(like_label(finding));
        }
        NewEntry {
            collection: Collection::Issues,
            kind: kind.to_owned(),
            title: visible(title).into_owned(),
            text,
            host: Some(action.plan.host.clone()),
            labels,
            source: Source::Action {
                action: action.number,
            },
            confidence: Confidence::High,
            at: self.now(),
            confirmed: None,
            expires_at: None,
            key: Some(format!(
                "action {} {kind} {}",
                action.number, action.revision
            )),
        }
    }
}

/// The word for how an action ended, where something is to be learned from that.
pub(super) const fn ending(state: &ActionState) -> Option<&'static str> {
    match state {
        ActionState::Fixed(_) => Some("fixed"),
        ActionState::NotFixed(_) => Some("not fixed"),
        ActionState::Inconclusive(_) => Some("not known whether it helped"),
        ActionState::Failed { .. } => Some("failed"),
        ActionState::Undone { .. } => Some("failed and was undone"),
        ActionState::UndoFailed { .. } => Some("failed, and so did its undoing"),
        ActionState::Unknown { .. } => Some("outcome unknown"),
        ActionState::Rejected { .. } => Some("rejected"),
        _ => None,
    }
}

/// What was done, in the words of the steps.
pub(super) fn steps(steps: &[PlannedStep]) -> String {
    let words: Vec<String> = steps
        .iter()
        .take(STEPS_KEPT)
        .map(|planned| planned.step.summary())
        .collect();
    words.join(", then ")
}

fn told(case: &Case<'_>, outcome: &str) -> String {
    let mut lines = Vec::new();
    if let Some(finding) = case.finding {
        let name = |text: &str| bounded(&visible(text), MAX_NAME_CHARS).into_owned();
        lines.push(format!("check: {}", finding.check));
        if !finding.subject.is_empty() {
            lines.push(format!("subject: {}", name(&finding.subject)));
        }
        lines.push(format!("cause: {}", name(&finding.cause)));
    }
    lines.push(format!("steps: {}", steps(&case.action.plan.steps)));
    lines.push(format!("by: {}", case.action.proposer));
    lines.push(format!("outcome: {outcome}"));
    lines.push(format!(
        "where: {}, action {}",
        case.action.plan.host, case.action.number
    ));
    lines.join("\n")
}

/// A length of time as people say it.
fn span(took: Duration) -> String {
    match took.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
