//! From notices to one message: what stands in its title and its text. Notices about the same thing are one story; one
//! cause on several hosts is one message that names the hosts; anything else together is a summary.

use std::collections::BTreeSet;

use watchkeeper_model::{Severity, Timestamp};

use crate::notice::{MAX_NOTICES, Notice, Urgency};
use crate::story::{Story, stories};
use crate::text::{Line, Text, one_line};

/// Hosts and stories named in one message; of more it says how many.
const MAX_NAMED: usize = 30;

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

impl Message {
    /// The one thing that it tells of, as a word that is the same in every message about it.
    #[must_use]
    pub fn thread(&self) -> Option<String> {
        let of = |notice: &Notice| match (notice.issue, notice.action) {
            (Some(issue), _) => Some(format!("issue-{issue}")),
            (None, Some(action)) => Some(format!("action-{action}")),
            (None, None) => None,
        };
        let first = of(self.notices.first()?)?;
        let same = |notice: &Notice| of(notice).as_ref() == Some(&first);
        (self.more == 0 && self.notices.iter().all(same)).then_some(first)
    }
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

/// How much a message of these asks for.
#[must_use]
pub fn urgency_of(notices: &[Notice]) -> Urgency {
    of_all(&stories(notices))
}

fn of_all(stories: &[Story<'_>]) -> Urgency {
    let urgency = stories.iter().map(Story::urgency).max();
    urgency.unwrap_or(Urgency::Information)
}

/// Whether all of it has one cause.
fn one_cause(notices: &[Notice]) -> bool {
    let first = notices.first().map(|notice| notice.cause.as_str());
    first.is_some_and(|cause| !cause.is_empty())
        && notices
            .iter()
            .all(|notice| Some(notice.cause.as_str()) == first)
}

/// Makes one message of notices that is told when it is made; `more` are known by their number only.
#[must_use]
pub fn compose(teller: Teller, notices: Vec<Notice>, more: u64) -> Message {
    let now = teller.at;
    compose_at(now, teller, notices, more)
}

/// The same for a message that is told later than it was made: what happened long before says so.
#[must_use]
pub fn compose_at(now: Timestamp, teller: Teller, notices: Vec<Notice>, more: u64) -> Message {
    let stories = stories(&notices);
    let urgency = of_all(&stories);
    let (title, text) = match &stories[..] {
        [] if more == 0 => ("nothing to tell".to_owned(), Text::default()),
        [one] if more == 0 => (one.headline(), Text(one.lines(now))),
        [first, others @ ..] if more == 0 && one_cause(&notices) => {
            (headline_of_hosts(first, others), list(&stories, more, now))
        }
        _ => (count(&stories, more), list(&stories, more, now)),
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
        urgency,
        priority: teller.priority,
        click: teller.click,
        notices,
        more,
    }
}

/// The first story, and on how many other hosts it is like it. What is over elsewhere is told apart.
fn headline_of_hosts(first: &Story<'_>, others: &[Story<'_>]) -> String {
    let (alike, over): (Vec<_>, Vec<_>) = others
        .iter()
        .partition(|story| story.is_over() == first.is_over());
    let hosts: BTreeSet<_> = alike.iter().filter_map(|story| story.host()).collect();
    let elsewhere =
        hosts.len() - usize::from(first.host().is_some_and(|host| hosts.contains(host)));
    let and = match (elsewhere, alike.len()) {
        (0, 0) => String::new(),
        (0, more) => format!(", and {more} more"),
        (1, _) => ", and on 1 other host".to_owned(),
        (others, _) => format!(", and on {others} other hosts"),
    };
    let ended = match over.len() {
        0 => String::new(),
        count => format!("; {count} over"),
    };
    format!("{}{and}{ended}", first.headline())
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
    let warnings = of(Severity::Warning);
    let warning = if warnings == 1 { "warning" } else { "warnings" };
    // Of what is left out only the number is known; the worst is not among it.
    let parts = if more > 0 {
        vec![critical]
    } else {
        vec![critical, (warnings, warning), (over, "over")]
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

fn list(stories: &[Story<'_>], more: u64, now: Timestamp) -> Text {
    let named = stories.iter().take(MAX_NAMED);
    let mut text = Text(named.map(|story| story.line(now)).collect());
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
    let stories = stories(&notices);
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
    use crate::notice::Event;
    use crate::notice::tests::{NOON, opened};

    fn made(notices: Vec<Notice>, more: u64) -> Message {
        made_at(NOON, notices, more)
    }

    fn made_at(now: Timestamp, notices: Vec<Notice>, more: u64) -> Message {
        let teller = Teller {
            watch: "hal".to_owned(),
            id: "id".to_owned(),
            at: NOON,
            priority: None,
            click: None,
        };
        compose_at(now, teller, notices, more)
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
    fn of_one_cause_what_is_over_is_told_apart() {
        let over = resolved(&nginx("web2", 2));
        let message = made(vec![nginx("web1", 1), nginx("web2", 2), over], 0);
        assert_eq!(
            message.title,
            "critical: web1: nginx.service has failed; 1 over"
        );
        assert_eq!(message.urgency, Urgency::Critical);
        let ends: Vec<Notice> = (1..=3)
            .map(|n| resolved(&nginx(&format!("web{n}"), n)))
            .collect();
        assert_eq!(
            made(ends, 0).title,
            "resolved: web1: nginx.service has failed, and on 2 other hosts"
        );
    }

    #[test]
    fn what_is_told_late_says_when_it_happened() {
        let hours = |n: u64| NOON.after(std::time::Duration::from_secs(n * 3_600));
        let one = made_at(hours(7), vec![nginx("web1", 12)], 0);
        assert_eq!(
            one.text.plain(4_000).lines().next(),
            Some("Opened, 7 h ago: web1 nginx.service has failed")
        );
        let two = vec![nginx("web1", 1), nginx("web2", 2)];
        assert_eq!(
            made_at(hours(72), two, 0).text.plain(4_000),
            "- critical: web1 nginx.service has failed, 3 days ago\n\
             - critical: web2 nginx.service has failed, 3 days ago"
        );
        let said = Notice {
            event: Event::Message,
            text: "come down".to_owned(),
            ..opened("web1", 1, "lunch", Severity::Info)
        };
        let late = made_at(hours(1), vec![said], 0);
        assert!(
            late.text
                .plain(4_000)
                .starts_with("Said 60 min ago:\ncome down")
        );
    }

    #[test]
    fn an_action_that_was_decided_does_not_wait() {
        let expired = Notice {
            event: Event::Expired,
            ..held("web1", 12, 7)
        };
        let message = made(vec![nginx("web1", 12), held("web1", 12, 7), expired], 0);
        assert_eq!(message.title, "critical: web1: nginx.service has failed");
    }

    #[test]
    fn a_message_about_one_issue_belongs_to_its_thread() {
        let one = made(vec![nginx("web1", 12), held("web1", 12, 7)], 0);
        assert_eq!(one.thread().as_deref(), Some("issue-12"));
        assert_eq!(
            made(vec![nginx("web1", 1), nginx("web2", 2)], 0).thread(),
            None
        );
        assert_eq!(made(vec![nginx("web1", 1)], 3).thread(), None);
    }

    #[test]
    fn many_notices_are_gathered_in_no_time() {
        let notices: Vec<Notice> = (0..50_000).map(|n| nginx("web1", n)).collect();
        let (kept, left_out) = gather(notices);
        assert_eq!((kept.len(), left_out), (MAX_NOTICES, 49_900));
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
