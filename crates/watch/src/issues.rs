//! Issues as people handle them: list, show, create, acknowledge, note, resolve, close. What the looks do to
//! them is in `tracking`.

use watchkeeper_model::{
    About, Action, HostName, InvalidTransition, Issue, IssueNumber, IssueState, LogEntry, Person,
    Severity, Timestamp, visible,
};
use watchkeeper_store::{
    ActionFilter, IssueFilter, JobFilter, LogFilter as StoredFilter, LogOrder, Read,
};

use crate::sheets::line;
use crate::view::{DiagnosisView, IssueLine, IssueSheet};
use crate::watch::Watch;
use crate::{WatchError, settle};

/// Longest title and note of a person, in characters.
const MAX_TITLE_CHARS: usize = 200;
const MAX_NOTE_CHARS: usize = 4_000;
/// Issues in one answer, where nothing else is asked for.
const DEFAULT_PAGE: i64 = 200;
/// Actions shown with an issue.
const ACTIONS_SHOWN: u32 = 20;

/// Which issues are asked for.
#[derive(Clone, Debug, Default)]
pub struct IssueQuery {
    /// Those that are over, too.
    pub all: bool,
    /// Of this host.
    pub host: Option<HostName>,
    /// At most so many.
    pub limit: Option<i64>,
}

/// An issue that a person makes.
#[derive(Clone, Debug)]
pub struct NewIssue {
    /// One line.
    pub title: String,
    /// Where.
    pub host: Option<HostName>,
    /// How bad.
    pub severity: Severity,
    /// More about it.
    pub note: Option<String>,
}

impl Watch {
    /// Issues, the newest first; open and acknowledged ones unless all are asked for.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn issues(&self, query: &IssueQuery) -> Result<Vec<IssueLine>, WatchError> {
        let active = vec![IssueState::Open, IssueState::Acknowledged];
        let filter = IssueFilter {
            states: if query.all { Vec::new() } else { active },
            host: query.host.clone(),
            ..IssueFilter::default()
        };
        let limit = settle::page(query.limit, DEFAULT_PAGE);
        let mut read = self.store().read().await?;
        let issues = read.issues().list(&filter, limit).await?;
        self.remember_corrupt(&issues.corrupt);
        let mut lines = Vec::with_capacity(issues.rows.len());
        for issue in issues.rows {
            let doing = doing(&mut read, &issue).await?;
            lines.push(IssueLine { issue, doing });
        }
        Ok(lines)
    }

    /// One issue with its evidence, timeline and actions.
    ///
    /// # Errors
    /// When there is none of this number, or the store does not answer.
    pub async fn issue(&self, number: IssueNumber) -> Result<IssueSheet, WatchError> {
        let mut read = self.store().read().await?;
        let issue = read
            .issues()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchIssue { number })?;
        let finding = match issue.fingerprint {
            Some(fingerprint) => self.or_absent(read.findings().get(fingerprint).await)?,
            None => None,
        };
        let finding = finding.and_then(|tracked| tracked.finding);
        let filter = StoredFilter {
            issue: Some(number),
            order: LogOrder::NewestFirst,
            ..StoredFilter::default()
        };
        let shown = u32::try_from(IssueSheet::TIMELINE).unwrap_or(u32::MAX);
        let mut timeline = read.log().list(&filter, shown).await?.rows;
        timeline.reverse();
        let last = last_diagnosis(&mut read, number, None).await?;
        let diagnosis = last.as_ref().map(|(text, _)| text.clone());
        let diagnosed = last.and_then(|(_, detail)| detail);
        let actions = actions_of(&mut read, number).await?;
        let learned = match &finding {
            Some(finding) => {
                let own = of_this_time(&actions, &timeline);
                self.done_before(&mut read, finding, &own).await?
            }
            None => Vec::new(),
        };
        let doing = doing(&mut read, &issue).await?;
        let title = Some(issue.title.clone());
        let actions = actions
            .iter()
            .map(|action| line(action, title.clone()))
            .collect();
        Ok(IssueSheet {
            issue,
            doing,
            diagnosis,
            diagnosed,
            learned,
            finding,
            timeline,
            actions,
        })
    }

    /// Writes down a trouble that no check found.
    ///
    /// # Errors
    /// Refuses an empty or overlong title, and a host that is not watched.
    pub async fn create_issue(
        &self,
        person: Person,
        new: NewIssue,
    ) -> Result<IssueNumber, WatchError> {
        let title = checked("title", &new.title, MAX_TITLE_CHARS)?;
        let title = visible(&title).into_owned();
        if let Some(host) = &new.host {
            self.entry(host)?;
        }
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let stored = watchkeeper_store::NewIssue {
            host: new.host.clone(),
            title: title.clone(),
            severity: new.severity,
            fingerprint: None,
            at: now,
        };
        let issue = tx.issues().create(stored).await?;
        let about = about(&issue);
        tx.log()
            .append(self.record_by(person.clone(), "issue.created", about.clone(), title))?;
        if let Some(note) = &new.note {
            let note = checked("note", note, MAX_NOTE_CHARS)?;
            tx.log()
                .append(self.record_by(person, "issue.noted", about, note))?;
        }
        tx.commit().await?;
        Ok(issue.number)
    }

    /// Adds a note.
    ///
    /// # Errors
    /// Refuses an empty or overlong note.
    pub async fn note_issue(
        &self,
        number: IssueNumber,
        person: Person,
        note: &str,
    ) -> Result<(), WatchError> {
        let note = checked("note", note, MAX_NOTE_CHARS)?;
        let mut tx = self.store().begin().await?;
        let issue = tx
            .issues()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchIssue { number })?;
        tx.log()
            .append(self.record_by(person, "issue.noted", about(&issue), note))?;
        tx.commit().await?;
        Ok(())
    }

    /// Acknowledges, resolves or closes an issue. What was proposed for an issue that is over is withdrawn.
    ///
    /// # Errors
    /// Refuses what its state does not allow.
    pub async fn change_issue(
        &self,
        number: IssueNumber,
        person: Person,
        to: IssueState,
        note: Option<String>,
    ) -> Result<(), WatchError> {
        let note = note
            .map(|note| checked("note", &note, MAX_NOTE_CHARS))
            .transpose()?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let issue = tx
            .issues()
            .get(number)
            .await?
            .ok_or(WatchError::NoSuchIssue { number })?;
        if to == IssueState::Open || !issue.state.may_become(to) {
            let what = format!("issue {number}");
            return Err(InvalidTransition {
                what,
                from: issue.state.as_str(),
                to: to.as_str(),
            }
            .into());
        }
        tx.issues().change(number, issue.state, to, now).await?;
        let event = format!("issue.{to}");
        let text = note.unwrap_or_else(|| format!("was {}", issue.state));
        tx.log()
            .append(self.record_by(person, &event, about(&issue), text))?;
        if !to.is_active() {
            self.withdraw_for(&mut tx, number).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// What an entry of the log about this issue is about.
pub(crate) fn about(issue: &Issue) -> About {
    About {
        host: issue.host.clone(),
        issue: Some(issue.number),
        ..About::default()
    }
}

fn checked(what: &str, text: &str, max: usize) -> Result<String, WatchError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(WatchError::invalid(format!("the {what} is empty")));
    }
    if text.chars().count() > max {
        return Err(WatchError::invalid(format!(
            "the {what} is longer than {max} characters"
        )));
    }
    Ok(settle::said(text, max))
}

/// The actions since the trouble came back last: those before belong to a time that is over, and tell how it ended.
fn of_this_time(actions: &[Action], timeline: &[LogEntry]) -> Vec<Action> {
    let back = timeline
        .iter()
        .rfind(|entry| entry.record.event == "issue.reopened")
        .map(|entry| entry.record.at);
    let is_of_this_time = |action: &&Action| back.is_none_or(|at| action.proposed_at >= at);
    actions.iter().filter(is_of_this_time).cloned().collect()
}

async fn actions_of(read: &mut Read, number: IssueNumber) -> Result<Vec<Action>, WatchError> {
    let filter = ActionFilter {
        issue: Some(number),
        ..ActionFilter::default()
    };
    Ok(read.actions().list(&filter, ACTIONS_SHOWN).await?.rows)
}

/// What an issue was taken for last, before a moment where one is named: the text, and the detail where it was a model.
pub(crate) async fn last_diagnosis(
    read: &mut Read,
    number: IssueNumber,
    until: Option<Timestamp>,
) -> Result<Option<(String, Option<DiagnosisView>)>, WatchError> {
    let filter = StoredFilter {
        issue: Some(number),
        event_prefix: Some("issue.diagnosed".to_owned()),
        until,
        order: LogOrder::NewestFirst,
        ..StoredFilter::default()
    };
    let found = read.log().list(&filter, 1).await?.rows;
    Ok(found.into_iter().next().map(|entry| {
        let body = entry.record.body;
        let text = body.get("text").and_then(|text| text.as_str());
        let detail = body.get("diagnosis").cloned();
        (
            text.unwrap_or_default().to_owned(),
            detail.and_then(|detail| serde_json::from_value(detail).ok()),
        )
    }))
}

/// What is being done about an issue: derived from its actions and jobs, never stored.
async fn doing(read: &mut Read, issue: &Issue) -> Result<Option<String>, WatchError> {
    if !issue.state.is_active() {
        return Ok(None);
    }
    let actions = actions_of(read, issue.number).await?;
    if let Some(action) = actions.iter().find(|action| action.state.is_live()) {
        let said = match action.state.as_str() {
            "held" => format!("action {} waits for approval", action.number),
            "approved" => format!("action {} is about to run", action.number),
            "running" => format!("action {} is running", action.number),
            "verifying" => format!("action {} is being verified", action.number),
            other => format!("action {} is {other}", action.number),
        };
        return Ok(Some(said));
    }
    let asking = JobFilter {
        states: vec!["queued", "leased"],
        issue: Some(issue.number),
        ..JobFilter::default()
    };
    if !read.jobs().list(&asking, 1).await?.rows.is_empty() {
        return Ok(Some("a model is asked".to_owned()));
    }
    let last = actions.first().map(|action| {
        format!(
            "action {}: {}",
            action.number,
            action.state.as_str().replace('_', " ")
        )
    });
    Ok(last)
}
