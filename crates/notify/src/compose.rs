//! From notices to one message: what stands in its title and its text. Notices about the same thing are one story, told
//! by its beginning and its end; one cause on several hosts is one message that names the hosts; anything else together
//! is a summary.

use std::collections::BTreeSet;

use watchkeeper_model::{Severity, Timestamp};

use crate::notice::{Event, MAX_NOTICES, Notice, Urgency};
use crate::text::{Line, Text, one_line};

/// Hosts and stories named in one message; of more it says how many.
const MAX_NAMED: usize = 30;
/// Lines of a text that are kept.
const MAX_LINES: usize = 40;

/// What is sent: the same for every channel, which writes it as it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same at every try: who gets it twice can tell.
    pub id: String,
    /// When it was made.
    pub at: Timestamp,
    /// What the watch is called.
    pub watch: String,
    /// One line in which everything is visible.
    pub title: String,
    /// More.
    pub text: Text,
    /// How much it asks for.
    pub urgency: Urgency,
    /// The number from 0 to 10 that a person gave it.
    pub priority: Option<u8>,
    /// The page that opens when it is touched.
    pub click: Option<String>,
    /// What it tells of.
    pub notices: Vec<Notice>,
    /// Notices that it tells of by their number only.
    pub more: u64,
}

/// Who tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Teller {
    /// What the watch is called.
    pub watch: String,
    /// Its message's id.
    pub id: String,
    /// When the message was made.
    pub at: Timestamp,
    /// The number from 0 to 10 that a person gave it.
    pub priority: Option<u8>,
    /// The page that opens when it is touched.
    pub click: Option<String>,
}

/// Notices about one thing, in their order.
struct Story<'n>(Vec<&'n Notice>);

impl<'n> Story<'n> {
    /// The notice that says what it is about: the last that begins it, else the last.
    fn lead(&self) -> &'n Notice {
        let begins = self.0.iter().rev().find(|notice| notice.event.opens());
        begins
            .or(self.0.last())
            .copied()
            .expect("a story has a notice")
    }

    fn has(&self, event: Event) -> bool {
        self.0.iter().any(|notice| notice.event == event)
    }

    fn is_over(&self) -> bool {
        let last = |wanted: fn(Event) -> bool| {
            let place = self.0.iter().rposition(|notice| wanted(notice.event));
            place.map_or(0, |place| place + 1)
        };
        last(|event| event == Event::Resolved) > last(Event::opens)
    }

    fn began_here(&self) -> bool {
        self.0.iter().any(|notice| notice.event.opens())
    }

    fn severity(&self) -> Severity {
        let all = self.0.iter().map(|notice| notice.severity);
        all.max().unwrap_or(Severity::Info)
    }

    fn urgency(&self) -> Urgency {
        if self.is_over() {
            return Urgency::Information;
        }
        let all = self.0.iter().map(|notice| notice.urgency());
        all.max().unwrap_or(Urgency::Information)
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

    fn headline(&self) -> String {
        let lead = self.lead();
        let host = lead
            .host
            .as_ref()
            .map_or_else(String::new, |host| format!("{host}: "));
        let held = self.0.iter().rev().find(|one| one.event == Event::Held);
        let waits = match held.and_then(|held| held.action) {
            Some(action) if lead.event != Event::Held && !self.is_over() => {
                format!("; action {action} waits")
            }
            _ => String::new(),
        };
        let title = one_line(&lead.title, Notice::MAX_TITLE_CHARS);
        format!("{}{host}{title}{waits}", self.mark())
    }

    /// One line of a message that tells several stories.
    fn line(&self) -> Line {
        let lead = self.lead();
        let mut line = Line::ours("- ").and(self.mark());
        if let Some(host) = &lead.host {
            line = line.and_theirs(host.to_string()).and(" ");
        }
        line = line.and_theirs(one_line(&lead.title, Notice::MAX_TITLE_CHARS));
        if let Some(action) = self.0.iter().rev().find_map(|one| one.action) {
            let word = if self.has(Event::Held) && !self.is_over() {
                "waits"
            } else {
                "was taken"
            };
            line = line.and(format!(" (action {action} {word})"));
        }
        line
    }

    /// All that is known of it.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for notice in &self.0 {
            if !matches!(notice.event, Event::Message | Event::Digest | Event::Test) {
                lines.push(named(notice));
            }
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

/// What happened, in words of ours and theirs.
fn named(notice: &Notice) -> Line {
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
        Event::Message | Event::Digest | Event::Test => "",
    };
    let mut line = Line::ours(format!("{word}: "));
    if let Some(host) = &notice.host {
        line = line.and_theirs(host.to_string()).and(" ");
    }
    line.and_theirs(one_line(&notice.title, Notice::MAX_TITLE_CHARS))
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

fn stories(notices: &[Notice]) -> Vec<Story<'_>> {
    let mut threads: Vec<(String, Story<'_>)> = Vec::new();
    for notice in notices {
        let thread = notice.thread();
        match threads.iter_mut().find(|(known, _)| *known == thread) {
            Some((_, story)) => story.0.push(notice),
            None => threads.push((thread, Story(vec![notice]))),
        }
    }
    threads.into_iter().map(|(_, story)| story).collect()
}

/// Whether all of it has one cause.
fn one_cause(notices: &[Notice]) -> bool {
    let first = notices.first().map(|notice| notice.cause.as_str());
    first.is_some_and(|cause| !cause.is_empty())
        && notices
            .iter()
            .all(|notice| Some(notice.cause.as_str()) == first)
}

/// Makes one message of notices; `more` are known by their number only.
#[must_use]
pub fn compose(teller: Teller, notices: Vec<Notice>, more: u64) -> Message {
    let mut stories = stories(&notices);
    // The worst that is still there first; among equals in their order.
    stories.sort_by_key(|story| (story.is_over(), std::cmp::Reverse(story.urgency())));
    let urgency = stories.iter().map(Story::urgency).max();
    let (title, text) = match &stories[..] {
        [] => ("nothing to tell".to_owned(), Text::default()),
        [one] if more == 0 => (one.headline(), Text(one.lines())),
        [first, ..] if more == 0 && one_cause(&notices) => {
            (headline_of_hosts(first, &stories), list(&stories, more))
        }
        _ => (count(&stories, more), list(&stories, more)),
    };
    let mut text = text;
    if text.0.is_empty() {
        text.push(Line::default().and_prose(title.as_str()));
    }
    let title = one_line(&title, Notice::MAX_TITLE_CHARS);
    drop(stories);
    Message {
        id: teller.id,
        at: teller.at,
        watch: teller.watch,
        title,
        text,
        urgency: urgency.unwrap_or(Urgency::Information),
        priority: teller.priority,
        click: teller.click,
        notices,
        more,
    }
}

fn headline_of_hosts(first: &Story<'_>, stories: &[Story<'_>]) -> String {
    let hosts: BTreeSet<_> = stories
        .iter()
        .filter_map(|story| story.lead().host.as_ref())
        .collect();
    let others = hosts.len().saturating_sub(1);
    let and = match others {
        0 => format!(", and {} more", stories.len() - 1),
        1 => ", and on 1 other host".to_owned(),
        others => format!(", and on {others} other hosts"),
    };
    format!("{}{and}", first.headline())
}

fn count(stories: &[Story<'_>], more: u64) -> String {
    let total = stories.len() as u64 + more;
    let over = stories.iter().filter(|story| story.is_over()).count();
    let of = |severity| {
        stories
            .iter()
            .filter(|story| !story.is_over() && story.severity() == severity)
            .count()
    };
    let critical = (of(Severity::Critical), "critical");
    // Of what is left out only the number is known; the worst is not among it.
    let parts = if more > 0 {
        vec![critical]
    } else {
        vec![
            critical,
            (of(Severity::Warning), "warnings"),
            (over, "over"),
        ]
    };
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    match said.is_empty() {
        true => format!("{total} notices"),
        false => format!("{total} notices: {}", said.join(", ")),
    }
}

fn list(stories: &[Story<'_>], more: u64) -> Text {
    let mut text = Text(stories.iter().take(MAX_NAMED).map(Story::line).collect());
    let unnamed = stories.len().saturating_sub(MAX_NAMED) as u64 + more;
    if unnamed > 0 {
        let line = Line::ours(format!("and {unnamed} more: "));
        text.push(line.and_theirs("watchkeeper issues list --all"));
    }
    text
}

/// Keeps of many notices those that one delivery may have: of each story its beginning and its end, the worst stories
/// first. Says how many stories are left out.
#[must_use]
pub fn gather(notices: Vec<Notice>) -> (Vec<Notice>, u64) {
    if notices.len() <= MAX_NOTICES {
        return (notices, 0);
    }
    let mut stories = stories(&notices);
    stories.sort_by_key(|story| (story.is_over(), std::cmp::Reverse(story.urgency())));
    let mut kept: Vec<Notice> = Vec::new();
    let mut left_out = 0;
    for story in stories {
        let lead = story.lead();
        let last = story.0.last().copied().unwrap_or(lead);
        let needed = if std::ptr::eq(lead, last) { 1 } else { 2 };
        if kept.len() + needed > MAX_NOTICES {
            left_out += 1;
            continue;
        }
        kept.push(lead.clone());
        if needed == 2 {
            kept.push(last.clone());
        }
    }
    (kept, left_out)
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::{ActionNumber, IssueNumber};

    use super::*;
    use crate::notice::tests::opened;

    fn made(notices: Vec<Notice>, more: u64) -> Message {
        let teller = Teller {
            watch: "hal".to_owned(),
            id: "id".to_owned(),
            at: Timestamp::from_millis(0),
            priority: None,
            click: None,
        };
        compose(teller, notices, more)
    }

    fn nginx(host: &str, issue: i64) -> Notice {
        opened(host, issue, "nginx.service has failed", Severity::Critical)
    }

    fn held(host: &str, issue: i64, action: i64) -> Notice {
        Notice {
            event: Event::Held,
            action: Some(ActionNumber(action)),
            title: "restart nginx.service (low)".to_owned(),
            ..nginx(host, issue)
        }
    }

    fn resolved(of: &Notice) -> Notice {
        Notice {
            event: Event::Resolved,
            ..of.clone()
        }
    }

    #[test]
    fn a_trouble_and_the_action_that_waits_for_it_are_one_message() {
        let message = made(vec![nginx("web1", 12), held("web1", 12, 7)], 0);
        assert_eq!(
            message.title,
            "critical: web1: nginx.service has failed; action 7 waits"
        );
        assert_eq!(
            message.text.plain(4_000),
            "Opened: web1 nginx.service has failed\nWaits for you: web1 restart nginx.service (low)\n\
             Issue 12: watchkeeper issues show 12\nAction 7: watchkeeper approve show 7"
        );
        assert_eq!(message.urgency, Urgency::Critical);
    }

    #[test]
    fn ten_hosts_with_one_cause_are_one_message_that_names_them() {
        let notices = (1..=10).map(|n| nginx(&format!("web{n}"), n)).collect();
        let message = made(notices, 0);
        assert_eq!(
            message.title,
            "critical: web1: nginx.service has failed, and on 9 other hosts"
        );
        let text = message.text.plain(4_000);
        assert_eq!(text.lines().count(), 10);
        assert!(
            text.contains("- critical: web10 nginx.service has failed"),
            "{text}"
        );
    }

    #[test]
    fn what_is_over_before_it_was_told_asks_for_nothing() {
        let began = nginx("web1", 12);
        let message = made(vec![began.clone(), resolved(&began)], 0);
        assert_eq!(
            message.title,
            "came and went: web1: nginx.service has failed"
        );
        assert_eq!(message.urgency, Urgency::Information);
        let again = made(vec![began.clone(), resolved(&began), began.clone()], 0);
        assert_eq!(again.urgency, Urgency::Critical, "it is back");
    }

    #[test]
    fn a_summary_says_how_many_of_what_and_the_worst_come_first() {
        let full = Notice {
            cause: "disk / full".to_owned(),
            ..opened("db1", 2, "/ is full", Severity::Warning)
        };
        let message = made(vec![full, resolved(&nginx("web1", 1)), nginx("web2", 3)], 4);
        assert_eq!(message.title, "7 notices: 1 critical");
        let text = message.text.plain(4_000);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "- critical: web2 nginx.service has failed",
                "- warning: db1 / is full",
                "- resolved: web1 nginx.service has failed",
                "and 4 more: watchkeeper issues list --all",
            ]
        );
    }

    #[test]
    fn hostile_titles_are_one_visible_line_and_bounded() {
        let hostile = format!("a\r\nBcc: evil@example.org\u{1b}[2J{}", "x".repeat(5_000));
        let message = made(vec![opened("web1", 1, &hostile, Severity::Warning)], 0);
        assert!(!message.title.contains(['\r', '\n', '\u{1b}']));
        assert!(message.title.chars().count() <= Notice::MAX_TITLE_CHARS);
        assert!(message.title.contains("a\\r\\nBcc"), "{}", message.title);
    }

    #[test]
    fn of_many_notices_the_worst_stories_are_kept_and_the_others_counted() {
        let mut notices: Vec<Notice> = (1..=300)
            .map(|n| opened("web1", n, "x", Severity::Warning))
            .collect();
        notices.push(nginx("db1", 999));
        let (kept, left_out) = gather(notices);
        assert_eq!((kept.len(), left_out), (MAX_NOTICES, 201));
        assert_eq!(kept[0].issue, Some(IssueNumber(999)));
        let message = made(kept, left_out);
        assert!(
            message.title.starts_with("301 notices: 1 critical"),
            "{}",
            message.title
        );
        assert!(message.text.plain(100_000).contains("and 271 more"));
    }
}
