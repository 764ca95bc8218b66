//! Actions as they are read: the list, and the sheet on which a person decides. What changes them is in `actions`.

use watchkeeper_model::{Action, ActionNumber, ActionState, HostName, IssueNumber};
use watchkeeper_store::ActionFilter;

use crate::issues::last_diagnosis;
use crate::view::{ActionLine, ActionSheet, PastAction, what_it_does};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// Actions in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 200;
/// Effects that a line of a list names.
const REASONS_SHOWN: usize = 3;
/// Earlier actions shown on a sheet.
const BEFORE_SHOWN: u32 = 5;
/// A diagnosis and what it proposes are written down at one moment.
const JUST_AFTER: std::time::Duration = std::time::Duration::from_millis(1);

/// Which actions are asked for.
#[derive(Clone, Debug, Default)]
pub struct ActionQuery {
    /// Those that are over, too.
    pub all: bool,
    /// On this host.
    pub host: Option<HostName>,
    /// For this issue.
    pub issue: Option<IssueNumber>,
    /// At most so many.
    pub limit: Option<i64>,
}

impl Watch {
    /// Actions, the newest first; those that wait or are under way unless all are asked for.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn actions(&self, query: &ActionQuery) -> Result<Vec<ActionLine>, WatchError> {
        let live = vec!["held", "approved", "running", "verifying"];
        let filter = ActionFilter {
            states: if query.all { Vec::new() } else { live },
            host: query.host.clone(),
            issue: query.issue,
            ..ActionFilter::default()
        };
        let limit = settle::page(query.limit, DEFAULT_PAGE);
        let mut read = self.store().read().await?;
        let found = read.actions().list(&filter, limit).await?;
        self.remember_corrupt(&found.corrupt);
        let mut lines = Vec::with_capacity(found.rows.len());
        for action in &found.rows {
            let title = match action.issue {
                Some(number) => self.or_absent(read.issues().get(number).await)?,
                None => None,
            };
            let title = title.map(|issue| issue.title);
            lines.push(line(action, title));
        }
        lines.reverse();
        Ok(lines)
    }

    /// One action with its run and what was done before.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn action(&self, number: ActionNumber) -> Result<ActionSheet, WatchError> {
        let mut read = self.store().read().await?;
        let action = read
            .actions()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchAction { number })?;
        let issue_title = match action.issue {
            Some(issue) => self.or_absent(read.issues().get(issue).await)?,
            None => None,
        };
        let issue_title = issue_title.map(|issue| issue.title);
        let run = self.or_absent(read.runs().of_action(number).await)?;
        let run = run.map(|stored| stored.run);
        let before = match action.fingerprint {
            Some(fingerprint) => {
                let filter = ActionFilter {
                    fingerprint: Some(fingerprint),
                    before: Some(number),
                    ..ActionFilter::default()
                };
                read.actions()
                    .list(&filter, BEFORE_SHOWN)
                    .await?
                    .rows
                    .iter()
                    .map(past)
                    .collect()
            }
            None => Vec::new(),
        };
        let conversations = self.talks_about(&mut read, number).await?;
        let diagnosis = match action.issue {
            // What was concluded later is not why it was proposed.
            Some(issue) => {
                let until = Some(action.proposed_at.after(JUST_AFTER));
                last_diagnosis(&mut read, issue, until).await?
            }
            None => None,
        };
        Ok(ActionSheet {
            action,
            issue_title,
            run,
            before,
            diagnosis: diagnosis.and_then(|(_, detail)| detail),
            conversations,
        })
    }
}

/// One line of a list.
pub(crate) fn line(action: &Action, issue_title: Option<String>) -> ActionLine {
    ActionLine {
        number: action.number,
        risk: action.assessment.level,
        risk_because: action
            .assessment
            .effects
            .iter()
            .filter(|effect| effect.level == action.assessment.level)
            .take(REASONS_SHOWN)
            .map(|effect| effect.sentence.clone())
            .collect(),
        host: action.plan.host.clone(),
        what: what_it_does(&action.plan.steps),
        for_what: issue_title.unwrap_or_else(|| action.reason.clone()),
        issue: action.issue,
        state: action.state.as_str().to_owned(),
        proposed_at: action.proposed_at,
        expires_at: match &action.state {
            ActionState::Held { approve_by, .. } => Some(*approve_by),
            ActionState::Approved { execute_by, .. } => Some(*execute_by),
            _ => None,
        },
    }
}

fn past(action: &Action) -> PastAction {
    PastAction {
        number: action.number,
        state: action.state.as_str().to_owned(),
        what: what_it_does(&action.plan.steps),
        at: action.proposed_at,
    }
}
