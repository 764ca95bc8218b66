//! What is told again while it lasts, and how things stand once a day.

use std::time::Duration;

use watchkeeper_model::{DeliveryState, Issue, IssueState, Severity, Timestamp};
use watchkeeper_notify::{Event, Notice, span_words};
use watchkeeper_store::{ActionFilter, IssueFilter, LogFilter, Read, ToldIssue};

use super::CLOCK_SLACK;
use super::known::Known;
use super::settings::{DailyDigest, Notifying};
use crate::WatchError;
use crate::settle;
use crate::view::what_it_does;
use crate::watch::Watch;

/// The key of the time for which the last digest was made.
const DIGEST: &str = "notify.digest";
/// Critical troubles that are told again at a time.
const REMINDED_AT_ONCE: u32 = 200;
/// Lines of troubles and actions in a digest.
const LINES: usize = 20;
/// Entries that are counted for a digest.
const ENTRIES_COUNTED: u32 = 1_000;
/// What a digest looks back on.
const DAY: Duration = Duration::from_secs(86_400);

impl Watch {
    /// Tells again of critical troubles that nobody has acknowledged. Says of how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remind(&self) -> Result<usize, WatchError> {
        let notifying = self.channels();
        let Some(repeat) = notifying.repeat else {
            return Ok(0);
        };
        if notifying.channels.is_empty() {
            return Ok(0);
        }
        let filter = IssueFilter {
            states: vec![IssueState::Open],
            severities: vec![Severity::Critical],
            ..IssueFilter::default()
        };
        let mut read = self.store().read().await?;
        let mut open = read.issues().list(&filter, REMINDED_AT_ONCE).await?;
        self.remember_corrupt(&open.corrupt);
        open.rows.sort_by_key(|issue| issue.number);
        // What waits for a channel that fails tells of it already.
        let states = read.channels().list().await?.rows;
        let failing: Vec<String> = states
            .into_iter()
            .filter(|state| state.failures > 0)
            .map(|state| state.name)
            .collect();
        let mut due = Vec::new();
        for issue in open.rows {
            let told = read.told().of_issue(issue.number).await?.rows;
            if !self.is_remindable(&notifying, &issue, &told, repeat) {
                continue;
            }
            let known = self.known_of(&mut read, issue.number, &notifying).await?;
            let notice = self.reminder(&issue, &known);
            let channels = self.to_be_reminded(&notifying, &issue, &notice, &told, repeat);
            if !channels.is_empty() {
                due.push((notice, channels));
            }
        }
        drop(read);
        if due.is_empty() {
            return Ok(0);
        }
        let reminded = due.len();
        let mut tx = self.store().begin().await?;
        for (notice, channels) in due {
            let Some(issue) = notice.issue else { continue };
            for channel in channels {
                // Of two controllers that see the same, the second finds it told.
                let told = tx.told().of_issue(issue).await?;
                let told = told.rows.iter().find(|told| told.channel == channel);
                let last = told.map(|told| told.at);
                if last.is_some_and(|at| !is_due(at, repeat, self.now())) {
                    continue;
                }
                let again = ToldIssue {
                    issue,
                    channel: channel.clone(),
                    severity: notice.severity,
                    at: self.now(),
                };
                tx.told().tell(&again).await?;
                // Where it was told by a clock that was ahead, the time begins anew, and that is all.
                let was_ahead = last.is_some_and(|at| lies_ahead(at, self.now()));
                if was_ahead || failing.contains(&channel) {
                    continue;
                }
                self.put_into(&mut tx, &notifying, &channel, notice.clone(), None)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(reminded)
    }

    fn reminder(&self, issue: &Issue, known: &Known) -> Notice {
        let cause = known
            .finding
            .as_ref()
            .map(|(check, subject, cause)| format!("{check} {subject} {cause}"));
        Notice {
            event: Event::StillOpen,
            severity: issue.severity,
            at: self.now(),
            host: issue.host.clone(),
            issue: Some(issue.number),
            action: None,
            cause: settle::said(&cause.unwrap_or_default(), Notice::MAX_TITLE_CHARS),
            title: settle::said(&issue.title, Notice::MAX_TITLE_CHARS),
            text: format!(
                "open for {}, and nobody has acknowledged it",
                span_words(self.now().since(issue.first_seen))
            ),
            of_channel: known.of_channel.clone(),
        }
    }

    /// The channels that heard of it long ago, or should have and did not.
    fn to_be_reminded(
        &self,
        notifying: &Notifying,
        issue: &Issue,
        notice: &Notice,
        told: &[ToldIssue],
        repeat: Duration,
    ) -> Vec<String> {
        let groups = self.groups_at(issue.host.as_ref());
        let mut channels = notifying.routing().channels_for(notice, &groups);
        channels.retain(|channel| is_due(heard_at(issue, told, channel), repeat, self.now()));
        channels
    }

    /// Whether it may be time for any channel. Most of the time it is not, and nothing else is asked.
    fn is_remindable(
        &self,
        notifying: &Notifying,
        issue: &Issue,
        told: &[ToldIssue],
        repeat: Duration,
    ) -> bool {
        let names = notifying.names();
        names
            .iter()
            .any(|name| is_due(heard_at(issue, told, name), repeat, self.now()))
    }

    /// Makes the digest when it is due. True where it was.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn make_digest(&self) -> Result<bool, WatchError> {
        let notifying = self.channels();
        let Some(digest) = &notifying.digest else {
            return Ok(false);
        };
        let now = self.now();
        let due = digest.at.last_before(now);
        let mut read = self.store().read().await?;
        let seen = read.meta().get(DIGEST).await?;
        let last = seen.as_deref().and_then(|last| last.parse::<i64>().ok());
        // The first one is tomorrow's; after a clock that was ahead it goes on from now.
        let is_due = match last.map(Timestamp::from_millis) {
            Some(last) if last <= now.after(CLOCK_SLACK) => {
                if last >= due {
                    return Ok(false);
                }
                true
            }
            _ => false,
        };
        let text = if is_due {
            self.how_things_stand(&mut read).await?
        } else {
            String::new()
        };
        drop(read);
        let mut tx = self.store().begin().await?;
        let mark = due.as_millis().to_string();
        if !tx.meta().swap(DIGEST, seen.as_deref(), &mark).await? {
            return Ok(false);
        }
        if is_due {
            let notice = self.digest_notice(text);
            for channel in channels_of(digest, &notifying) {
                self.put_into(&mut tx, &notifying, &channel, notice.clone(), None)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(is_due)
    }

    fn digest_notice(&self, text: String) -> Notice {
        Notice {
            event: Event::Digest,
            severity: Severity::Info,
            at: self.now(),
            host: None,
            issue: None,
            action: None,
            cause: String::new(),
            title: format!("{}: how things stand", self.current().settings.name),
            text,
            of_channel: None,
        }
    }

    /// The text of a digest. What follows `- ` is theirs, and has no line ends.
    async fn how_things_stand(&self, read: &mut Read) -> Result<String, WatchError> {
        let filter = IssueFilter {
            states: vec![IssueState::Open, IssueState::Acknowledged],
            ..IssueFilter::default()
        };
        let mut issues = read.issues().list(&filter, ENTRIES_COUNTED).await?.rows;
        issues.sort_by_key(|issue| (std::cmp::Reverse(issue.severity), issue.number));
        let held = ActionFilter {
            states: vec!["held"],
            ..ActionFilter::default()
        };
        let held = read.actions().list(&held, ENTRIES_COUNTED).await?.rows;
        let since = self.now().before(DAY);
        let mut counted = Vec::new();
        for (event, word) in [
            ("issue.opened", "opened"),
            ("issue.resolved", "resolved"),
            ("action.fixed", "repaired"),
        ] {
            let filter = LogFilter {
                event_prefix: Some(event.to_owned()),
                since: Some(since),
                ..LogFilter::default()
            };
            let count = read.log().list(&filter, ENTRIES_COUNTED).await?.rows.len();
            counted.push(format!("{} {word}", counted_as(count)));
        }
        let dead: i64 = read
            .deliveries()
            .unsent()
            .await?
            .iter()
            .filter(|(_, state, _)| *state == DeliveryState::Dead)
            .map(|(_, _, count)| count)
            .sum();
        let mut lines = vec![format!(
            "{} open, {} waiting for approval; since yesterday {}",
            counted_as(issues.len()),
            counted_as(held.len()),
            counted.join(", ")
        )];
        let one_line = |text: String| watchkeeper_notify::one_line(&text, Notice::MAX_TITLE_CHARS);
        for issue in issues.iter().take(LINES) {
            let host = issue.host.as_ref().map(|host| format!("{host}: "));
            let title = settle::said(&issue.title, Notice::MAX_TITLE_CHARS);
            let text = format!("{} {}{title}", issue.severity, host.unwrap_or_default());
            lines.push(format!("- {}", one_line(text)));
        }
        for action in held.iter().take(LINES) {
            let what = what_it_does(&action.plan.steps);
            let text = format!("action {} on {}: {what}", action.number, action.plan.host);
            lines.push(format!("- {}", one_line(text)));
        }
        if dead > 0 {
            let messages = if dead == 1 {
                "message was"
            } else {
                "messages were"
            };
            lines.push(format!(
                "{dead} {messages} given up: watchkeeper notify list --state dead"
            ));
        }
        Ok(lines.join("\n"))
    }
}

/// When a channel last heard of an issue; where it never did, since when it might have.
fn heard_at(issue: &Issue, told: &[ToldIssue], channel: &str) -> Timestamp {
    let heard = told.iter().find(|told| told.channel == channel);
    heard.map_or(issue.changed_at, |told| told.at)
}

fn channels_of(digest: &DailyDigest, notifying: &Notifying) -> Vec<String> {
    let wanted = |name: &String| digest.channels.is_empty() || digest.channels.contains(name);
    notifying.names().into_iter().filter(wanted).collect()
}

/// A count, of which no more is known than that it is so great where it is as great as is counted.
fn counted_as(count: usize) -> String {
    match count >= ENTRIES_COUNTED as usize {
        true => format!("{count} or more"),
        false => count.to_string(),
    }
}

/// Whether something that was told then is to be told again; also where that then lies ahead, by a clock set back since.
fn is_due(told_at: Timestamp, repeat: Duration, now: Timestamp) -> bool {
    now.since(told_at) >= repeat || lies_ahead(told_at, now)
}

fn lies_ahead(at: Timestamp, now: Timestamp) -> bool {
    at > now.after(CLOCK_SLACK)
}
