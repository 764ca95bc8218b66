//! From an entry of the log, and what is known of what it is about, to a notice. Pure: the same entry is the same notice
//! wherever it is read.

use watchkeeper_model::{Action, CheckName, Issue, LogRecord, Severity};
use watchkeeper_notify::{Event, Notice};

use crate::settle;
use crate::view::what_it_does;

/// What is known of what an entry is about.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The issue.
    pub(super) issue: Option<Issue>,
    /// Check, subject and cause of its finding.
    pub(super) finding: Option<(CheckName, String, String)>,
    /// The action.
    pub(super) action: Option<Action>,
    /// The channel whose own trouble the issue is.
    pub(super) of_channel: Option<String>,
}

/// Whether an entry of this event may be told, so that what it is about is worth reading.
pub(super) fn may_be_told(event: &str) -> bool {
    event_of_issue(event).is_some()
        || matches!(event, "action.proposed" | "action.edited")
        || outcome(event).is_some()
}

/// The notice that an entry is, if it is one.
pub(super) fn notice_of(record: &LogRecord, known: &Known) -> Option<Notice> {
    if let Some(event) = event_of_issue(&record.event) {
        return of_issue(event, record, known);
    }
    if matches!(record.event.as_str(), "action.proposed" | "action.edited") {
        return held(record, known);
    }
    outcome(&record.event).and_then(|outcome| of_action(outcome, record, known))
}

fn event_of_issue(event: &str) -> Option<Event> {
    Some(match event {
        "issue.opened" | "issue.created" => Event::Opened,
        "issue.reopened" => Event::Reopened,
        "issue.severity_changed" => Event::Worse,
        "issue.escalated" => Event::Escalated,
        "issue.diagnosed" => Event::Diagnosed,
        "issue.resolved" | "issue.closed" => Event::Resolved,
        _ => return None,
    })
}

fn of_issue(event: Event, record: &LogRecord, known: &Known) -> Option<Notice> {
    let issue = known.issue.as_ref()?;
    let said = said(record);
    let notice = Notice {
        text: if said == issue.title {
            String::new()
        } else {
            said
        },
        ..begun(event, issue.severity, record, known, &issue.title)
    };
    Some(notice)
}

/// An action that waits for a person.
fn held(record: &LogRecord, known: &Known) -> Option<Notice> {
    let action = known.action.as_ref()?;
    if !matches!(action.state, watchkeeper_model::ActionState::Held { .. }) {
        return None;
    }
    let severity = known.issue.as_ref().map(|issue| issue.severity);
    let revision = match action.revision.0 {
        1 => String::new(),
        revision => format!(", revision {revision}"),
    };
    let title = format!(
        "action {}{revision}: {} (risk {})",
        action.number,
        what_it_does(&action.plan.steps),
        action.assessment.level
    );
    let severity = severity.unwrap_or(Severity::Warning).max(Severity::Warning);
    Some(Notice {
        text: settle::said(&action.reason, Notice::MAX_TEXT_CHARS),
        ..begun(Event::Held, severity, record, known, &title)
    })
}

/// How an action ended: in words, how bad that is at least, and as what it is told.
#[derive(Clone, Copy)]
struct Ending(&'static str, Severity, Event);

fn outcome(event: &str) -> Option<Ending> {
    let (words, severity) = match event {
        "action.fixed" => ("fixed it", Severity::Info),
        "action.stale" => ("was not run, because the world has changed", Severity::Info),
        "action.not_fixed" => ("did not help", Severity::Warning),
        "action.inconclusive" => (
            "was run, and whether it helped is not known",
            Severity::Warning,
        ),
        "action.undone" => ("failed, and was undone", Severity::Warning),
        "action.failed" => ("failed", Severity::Warning),
        "action.undo_failed" => ("failed, and could not be undone", Severity::Critical),
        "action.unknown" => ("has no known outcome: look at the host", Severity::Critical),
        "action.expired" => {
            return Some(Ending(
                "was decided by nobody in time",
                Severity::Warning,
                Event::Expired,
            ));
        }
        _ => return None,
    };
    Some(Ending(words, severity, Event::Outcome))
}

fn of_action(
    Ending(words, least, event): Ending,
    record: &LogRecord,
    known: &Known,
) -> Option<Notice> {
    let action = known.action.as_ref()?;
    let of_issue = known.issue.as_ref().map(|issue| issue.severity);
    let severity = match least {
        Severity::Info => Severity::Info,
        least => of_issue.unwrap_or(least).max(least),
    };
    let what = what_it_does(&action.plan.steps);
    let title = format!("action {} ({what}) {words}", action.number);
    Some(Notice {
        text: said(record),
        ..begun(event, severity, record, known, &title)
    })
}

fn begun(
    event: Event,
    severity: Severity,
    record: &LogRecord,
    known: &Known,
    title: &str,
) -> Notice {
    let cause = known
        .finding
        .as_ref()
        .map(|(check, subject, cause)| format!("{check} {subject} {cause}"));
    Notice {
        event,
        severity,
        at: record.at,
        host: record.about.host.clone(),
        issue: known.issue.as_ref().map(|issue| issue.number),
        action: record.about.action,
        cause: settle::said(&cause.unwrap_or_default(), Notice::MAX_TITLE_CHARS),
        title: settle::said(title, Notice::MAX_TITLE_CHARS),
        text: String::new(),
        of_channel: known.of_channel.clone(),
    }
}

/// What the entry says, redacted once more: it goes further than the log.
fn said(record: &LogRecord) -> String {
    let text = record.body.get("text").and_then(|text| text.as_str());
    settle::said(text.unwrap_or_default(), Notice::MAX_TEXT_CHARS)
}
