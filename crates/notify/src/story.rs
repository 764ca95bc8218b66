//! Stories: the notices about one thing, told by its beginning and its end. A story of its own is told whole; several are
//! told in a line each. What is told long after it happened says how long.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_model::{ActionNumber, HostName, Severity, Timestamp};

use crate::notice::{Event, Notice, Urgency};
use crate::text::{Line, one_line};

/// Lines of a text that are kept.
const MAX_LINES: usize = 40;
/// What is told so much later says when it happened.
const LATE: Duration = Duration::from_secs(15 * 60);

/// Notices about one thing, in their order.
pub(crate) struct Story<'n>(pub(crate) Vec<&'n Notice>);

impl<'n> Story<'n> {
    /// The notice that says what it is about: the last that begins it, else the last.
    pub(crate) fn lead(&self) -> &'n Notice {
        let begins = self.0.iter().rev().find(|notice| notice.event.opens());
        begins
            .or(self.0.last())
            .copied()
            .expect("a story has a notice")
    }

    pub(crate) fn host(&self) -> Option<&'n HostName> {
        self.lead().host.as_ref()
    }

    pub(crate) fn is_over(&self) -> bool {
        let last = |wanted: fn(Event) -> bool| {
            let place = self.0.iter().rposition(|notice| wanted(notice.event));
            place.map_or(0, |place| place + 1)
        };
        last(|event| event == Event::Resolved) > last(Event::opens)
    }

    fn began_here(&self) -> bool {
        self.0.iter().any(|notice| notice.event.opens())
    }

    pub(crate) fn severity(&self) -> Severity {
        let all = self.0.iter().map(|notice| notice.severity);
        all.max().unwrap_or(Severity::Info)
    }

    pub(crate) fn urgency(&self) -> Urgency {
        if self.is_over() {
            return Urgency::Information;
        }
        let all = self.0.iter().map(|notice| notice.urgency());
        all.max().unwrap_or(Urgency::Information)
    }

    /// The action that waits for a person, as far as this story tells.
    fn waiting(&self) -> Option<ActionNumber> {
        let place = self.0.iter().rposition(|one| one.event == Event::Held)?;
        let action = self.0[place].action?;
        let ended = |one: &&Notice| {
            one.action == Some(action) && matches!(one.event, Event::Outcome | Event::Expired)
        };
        let is_decided = self.0[place..].iter().any(ended);
        (!is_decided && !self.is_over()).then_some(action)
    }

    /// What stands before the title.
    fn mark(&self) -> &'static str {
        let lead = self.lead();
        match lead.event {
            _ if self.is_over() && self.began_here() => "came and went: ",
            _ if self.is_over() => "resolved: ",
            Event::Opened => match lead.severity {
                Severity::Critical => "critical: ",
                Severity::Warning => "warning: ",
                Severity::Info => "",
            },
            Event::Worse => "worse: ",
            Event::Reopened => "back again: ",
            Event::StillOpen => "still there: ",
            Event::Escalated => "needs you: ",
            Event::Held => "approve? ",
            _ => "",
        }
    }

    pub(crate) fn headline(&self) -> String {
        let lead = self.lead();
        let host = lead
            .host
            .as_ref()
            .map_or_else(String::new, |host| format!("{host}: "));
        let waits = match self.waiting() {
            Some(action) if lead.event != Event::Held => format!("; action {action} waits"),
            _ => String::new(),
        };
        let title = one_line(&lead.title, Notice::MAX_TITLE_CHARS);
        format!("{}{host}{title}{waits}", self.mark())
    }

    /// One line of a message that tells several stories.
    pub(crate) fn line(&self, now: Timestamp) -> Line {
        let lead = self.lead();
        let mut line = Line::ours("- ").and(self.mark());
        if let Some(host) = &lead.host {
            line = line.and_theirs(host.to_string()).and(" ");
        }
        line = line.and_theirs(one_line(&lead.title, Notice::MAX_TITLE_CHARS));
        if let Some(ago) = late(lead.at, now) {
            line = line.and(format!(", {ago}"));
        }
        let last = self.0.iter().rev().find_map(|one| one.action);
        match (self.waiting(), last) {
            (Some(action), _) => line.and(format!(" (action {action} waits)")),
            (None, Some(action)) => line.and(format!(" (action {action} was taken)")),
            (None, None) => line,
        }
    }

    /// All that is known of it.
    pub(crate) fn lines(&self, now: Timestamp) -> Vec<Line> {
        let mut lines = Vec::new();
        for notice in &self.0 {
            lines.extend(named(notice, now));
            lines.extend(of_text(notice));
        }
        if let Some(issue) = self.0.iter().find_map(|notice| notice.issue) {
            lines.push(
                Line::ours(format!("Issue {issue}: "))
                    .and_theirs(format!("watchkeeper issues show {issue}")),
            );
        }
        if let Some(action) = self.0.iter().rev().find_map(|notice| notice.action) {
            lines.push(
                Line::ours(format!("Action {action}: "))
                    .and_theirs(format!("watchkeeper approve show {action}")),
            );
        }
        lines
    }
}

/// What happened, in words of ours and theirs. What a person says, a digest and a test are named by their titles; only that
/// they come late is told.
fn named(notice: &Notice, now: Timestamp) -> Option<Line> {
    let word = match notice.event {
        Event::Opened => "Opened",
        Event::Worse => "Worse",
        Event::Reopened => "Back again",
        Event::Escalated => "The watch will not go on by itself",
        Event::Diagnosed => "Diagnosed",
        Event::StillOpen => "Still there",
        Event::Resolved => "Resolved",
        Event::Held => "Waits for you",
        Event::Outcome => "Action",
        Event::Expired => "Expired",
        Event::Message | Event::Digest | Event::Test => {
            return late(notice.at, now).map(|ago| Line::ours(format!("Said {ago}:")));
        }
    };
    let mut line = match late(notice.at, now) {
        Some(ago) => Line::ours(format!("{word}, {ago}: ")),
        None => Line::ours(format!("{word}: ")),
    };
    if let Some(host) = &notice.host {
        line = line.and_theirs(host.to_string()).and(" ");
    }
    Some(line.and_theirs(one_line(&notice.title, Notice::MAX_TITLE_CHARS)))
}

/// How long ago something happened that is told late.
fn late(at: Timestamp, now: Timestamp) -> Option<String> {
    let past = now.since(at);
    (past >= LATE).then(|| format!("{} ago", span_words(past)))
}

/// A length of time in its largest unit: `45 min`, `7 h`, `3 days`.
#[must_use]
pub fn span_words(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

fn of_text(notice: &Notice) -> Vec<Line> {
    let lines = notice.text.lines().filter(|line| !line.trim().is_empty());
    let written = |line: &str| match notice.event {
        Event::Digest => match line.strip_prefix("- ") {
            // What follows is a title, which is theirs; a title has no line ends, so nobody else begins a line.
            Some(theirs) => Line::ours("- ").and_theirs(theirs),
            None => Line::ours(line),
        },
        Event::Message | Event::Test => Line::default().and_prose(line),
        _ => Line::theirs(line),
    };
    let mut lines: Vec<Line> = lines.take(MAX_LINES + 1).map(written).collect();
    if lines.len() > MAX_LINES {
        lines.truncate(MAX_LINES);
        lines.push(Line::ours("…"));
    }
    lines
}

/// The stories of notices, the worst that is still there first; among equals in their order.
pub(crate) fn stories(notices: &[Notice]) -> Vec<Story<'_>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut stories: Vec<Story<'_>> = Vec::new();
    for notice in notices {
        let place = *places.entry(notice.thread()).or_insert(stories.len());
        if place == stories.len() {
            stories.push(Story(Vec::new()));
        }
        stories[place].0.push(notice);
    }
    stories.sort_by_key(|story| (story.is_over(), std::cmp::Reverse(story.urgency())));
    stories
}
