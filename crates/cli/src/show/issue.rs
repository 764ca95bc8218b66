//! Issues: the list, the sheet with its timeline, and single entries of the log.

use std::fmt::Write as _;

use watchkeeper_model::{Actor, LogEntry, Severity, visible};
use watchkeeper_watch::view::{IssueLine, IssueSheet};

use super::check::{count, severity_mark};
use super::diagnosis::{before, diagnosis};
use super::page::{Page, Tone, clip, columns};
use super::table::Table;
use super::time::{ago, clock};
use crate::called::Called;

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical => Tone::Bad,
        Severity::Warning => Tone::Warn,
        Severity::Info => Tone::Dim,
    }
}

/// The list of issues.
pub(crate) fn issue_list(
    page: &Page,
    issues: &[IssueLine],
    active_only: bool,
    called: &Called,
) -> String {
    if issues.is_empty() {
        return if active_only {
            format!(
                "no issues   {} shows those that are over\n",
                called.command("issues list --all")
            )
        } else {
            "no issues yet\n".to_owned()
        };
    }
    let mut table = Table::new(&[
        "#", "severity", "state", "host", "what", "seen", "last", "doing",
    ]);
    for line in issues {
        let issue = &line.issue;
        table.row(vec![
            issue.number.to_string().into(),
            (tone(issue.severity), issue.severity.as_str()).into(),
            issue.state.as_str().into(),
            issue.host.as_ref().map_or("-", |host| host.as_str()).into(),
            issue.title.clone().into(),
            format!("{}×", issue.seen_count).into(),
            ago(page.now, issue.last_seen).into(),
            line.doing.clone().unwrap_or_default().into(),
        ]);
    }
    table.render(page)
}

/// The sheet of one issue.
pub(crate) fn issue_sheet(page: &Page, sheet: &IssueSheet, called: &Called) -> String {
    let issue = &sheet.issue;
    let mut text = String::new();
    let title = format!("Issue {} · {}", issue.number, issue.state);
    let _ = writeln!(
        text,
        "{}   {}",
        page.paint(Tone::Strong, &title),
        severity_mark(page, issue.severity).trim_end()
    );
    let place = issue
        .host
        .as_ref()
        .map_or_else(String::new, |host| format!("{host}: "));
    let _ = writeln!(
        text,
        "  {}",
        page.wrap(&format!("{place}{}", visible(&issue.title)), 2)
    );
    let seen = format!(
        "seen in {}, first {}, last {}",
        count(issue.seen_count, "look"),
        ago(page.now, issue.first_seen),
        ago(page.now, issue.last_seen)
    );
    let _ = writeln!(text, "  {}", page.paint(Tone::Dim, &seen));
    if let Some(doing) = &sheet.doing {
        let _ = writeln!(text, "  now: {}", visible(doing));
    }
    if let Some(diagnosed) = &sheet.diagnosed {
        let _ = writeln!(text, "\n  what it means");
        text.push_str(&diagnosis(page, diagnosed, 4));
    } else if let Some(diagnosis) = &sheet.diagnosis {
        let _ = writeln!(text, "\n  what it means");
        for paragraph in diagnosis
            .split("\n\n")
            .filter(|part| !part.trim().is_empty())
        {
            let _ = writeln!(text, "    {}", page.wrap(&visible(paragraph.trim()), 4));
        }
    }
    if !sheet.learned.is_empty() {
        text.push('\n');
        text.push_str(&before(page, &sheet.learned, 2));
    }
    if let Some(finding) = &sheet.finding {
        let _ = writeln!(text, "\n  what was seen");
        for piece in &finding.evidence {
            let _ = writeln!(
                text,
                "    {}",
                page.wrap(
                    &format!("{}: {}", visible(&piece.source), visible(&piece.text)),
                    4
                )
            );
        }
    }
    let _ = writeln!(text, "\n  what happened");
    for entry in &sheet.timeline {
        // What is said nowhere else is told whole.
        let whole = sheet.finding.is_none() || matches!(entry.record.actor, Actor::Person { .. });
        let _ = writeln!(text, "    {}", story_line(page, entry, whole));
    }
    if !sheet.actions.is_empty() {
        text.push('\n');
    }
    for action in &sheet.actions {
        let line = format!(
            "action {}: {} ({}, {})",
            action.number,
            visible(&action.what),
            action.risk,
            action.state.replace('_', " ")
        );
        let show = called.command(&format!("approve show {}", action.number));
        let beside = columns(&line) + columns(&show) + 5 <= page.width;
        let between = if beside { "   " } else { "\n    " };
        let _ = writeln!(
            text,
            "  {}{between}{}",
            page.wrap(&line, 4),
            page.paint(Tone::Strong, &show)
        );
        for because in &action.risk_because {
            let because = page.wrap(&visible(because), 4);
            let _ = writeln!(text, "    {}", page.paint(Tone::Dim, &because));
        }
    }
    text
}

/// An entry of the log: when, what, about what, by whom; and under it what there is to say.
pub(crate) fn log_entry(page: &Page, entry: &LogEntry) -> String {
    let record = &entry.record;
    let mut about: Vec<String> = record.about.host.iter().map(ToString::to_string).collect();
    about.extend(record.about.issue.map(|number| format!("issue {number}")));
    about.extend(record.about.action.map(|number| format!("action {number}")));
    about.push(format!("by {}", record.actor));
    let mut text = format!(
        "{}  {}  {}",
        page.paint(Tone::Dim, &clock(page.now, record.at)),
        page.paint(Tone::Strong, &visible(&record.event)),
        page.paint(Tone::Dim, &about.join(" · ")),
    );
    if let Some(said) = said(entry) {
        let _ = write!(
            text,
            "\n{}{}",
            " ".repeat(LOG_INDENT),
            page.wrap(&said, LOG_INDENT)
        );
    }
    text
}

/// Where the text of an entry begins.
const LOG_INDENT: usize = 10;
/// Most columns of the text of an entry; the whole stands in the JSON.
const LOG_TEXT: usize = 400;

/// What an entry says, on one line.
fn said(entry: &LogEntry) -> Option<String> {
    let said = entry.record.body.get("text")?.as_str()?;
    let one_line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    (!one_line.is_empty()).then(|| clip(&visible(&one_line), LOG_TEXT))
}

/// An entry in the story of one issue, on one line.
fn story_line(page: &Page, entry: &LogEntry, whole: bool) -> String {
    let when = clock(page.now, entry.record.at);
    let event = format!("{:<18}", visible(&entry.record.event));
    let before = when.len() + event.len() + 8;
    let text = said(entry).unwrap_or_default();
    let text = if whole {
        page.wrap(&text, before)
    } else {
        clip(&text, page.width.saturating_sub(before).max(20))
    };
    format!(
        "{}  {}  {text}",
        page.paint(Tone::Dim, &when),
        page.paint(Tone::Strong, &event)
    )
}
