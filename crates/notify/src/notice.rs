//! Notices: what is to be told, before it is decided to whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    ActionNumber, Digest, DigestWriter, HostName, IssueNumber, Severity, Timestamp, UnknownWord,
};

/// Most notices that one delivery keeps; of more it says how many.
pub const MAX_NOTICES: usize = 100;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// There is a trouble.
    Opened,
    /// A trouble has become worse.
    Worse,
    /// A trouble that was over is back.
    Reopened,
    /// The watch will not go on by itself.
    Escalated,
    /// It is known, or believed, what a trouble comes from.
    Diagnosed,
    /// A critical trouble is still there, and nobody has said that they know of it.
    StillOpen,
    /// A trouble is over.
    Resolved,
    /// An action waits for a person.
    Held,
    /// How an action ended.
    Outcome,
    /// Nobody decided about an action in time.
    Expired,
    /// A person has something to say.
    Message,
    /// How things stand, once a day.
    Digest,
    /// Whether a channel works.
    Test,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 13] = [
        Self::Opened,
        Self::Worse,
        Self::Reopened,
        Self::Escalated,
        Self::Diagnosed,
        Self::StillOpen,
        Self::Resolved,
        Self::Held,
        Self::Outcome,
        Self::Expired,
        Self::Message,
        Self::Digest,
        Self::Test,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Worse => "worse",
            Self::Reopened => "reopened",
            Self::Escalated => "escalated",
            Self::Diagnosed => "diagnosed",
            Self::StillOpen => "still_open",
            Self::Resolved => "resolved",
            Self::Held => "held",
            Self::Outcome => "outcome",
            Self::Expired => "expired",
            Self::Message => "message",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }

    /// Which notices may stand in one message.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Opened
            | Self::Worse
            | Self::Reopened
            | Self::Escalated
            | Self::Diagnosed
            | Self::Held
            | Self::Expired => Class::Trouble,
            Self::StillOpen => Class::Reminder,
            Self::Resolved | Self::Outcome => Class::Over,
            Self::Message | Self::Digest | Self::Test => Class::Alone,
        }
    }

    /// Whether it says that there is a trouble, for those who have not heard of it.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(
            self,
            Self::Opened | Self::Worse | Self::Reopened | Self::StillOpen
        )
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Event {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|event| event.as_str() == text)
            .ok_or_else(|| UnknownWord::new("event", text))
    }
}

/// What kind of message a notice belongs into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A trouble and what is to be decided about it.
    Trouble,
    /// That a trouble is still there.
    Reminder,
    /// That it is over, or how an action ended.
    Over,
    /// A message of its own.
    Alone,
}

impl Class {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Reminder => "reminder",
            Self::Over => "over",
            Self::Alone => "alone",
        }
    }
}

/// How much a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Worth knowing.
    Information,
    /// Wants attention.
    Attention,
    /// Critical: it passes quiet hours.
    Critical,
}

impl Urgency {
    /// Gotify's number for it.
    #[must_use]
    pub const fn gotify(self) -> u8 {
        match self {
            Self::Information => 2,
            Self::Attention => 5,
            Self::Critical => 8,
        }
    }

    /// What a person means by a number from 0 to 10.
    #[must_use]
    pub const fn of_priority(priority: u8) -> Self {
        match priority {
            0..=3 => Self::Information,
            4..=7 => Self::Attention,
            _ => Self::Critical,
        }
    }

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Attention => "attention",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Urgency {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Information, Self::Attention, Self::Critical]
            .into_iter()
            .find(|urgency| urgency.as_str() == text)
            .ok_or_else(|| UnknownWord::new("urgency", text))
    }
}

impl From<Severity> for Urgency {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Information,
            Severity::Warning => Self::Attention,
            Severity::Critical => Self::Critical,
        }
    }
}

/// What is to be told. Its texts may come from hosts: redacted and bounded, and made fit for each channel when they are
/// sent there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What has happened.
    pub event: Event,
    /// How bad it is.
    pub severity: Severity,
    /// When it happened.
    pub at: Timestamp,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostName>,
    /// The trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<IssueNumber>,
    /// The action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionNumber>,
    /// What makes notices of several hosts one message: check, subject and cause. Empty: it stands for itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// One line, without the host.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The channel whose own trouble it tells: it is not sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_channel: Option<String>,
}

impl Notice {
    /// Longest title, in characters.
    pub const MAX_TITLE_CHARS: usize = 200;
    /// Longest text, in characters.
    pub const MAX_TEXT_CHARS: usize = 2_000;

    /// How much it asks for.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self.event {
            Event::Resolved | Event::Diagnosed | Event::Digest => Urgency::Information,
            Event::Held | Event::Expired => Urgency::from(self.severity).max(Urgency::Attention),
            _ => self.severity.into(),
        }
    }

    /// What it is about: notices about the same are one line of a message, told by the last of them.
    #[must_use]
    pub fn thread(&self) -> String {
        match (self.issue, self.action) {
            (Some(issue), _) => format!("issue {issue}"),
            (None, Some(action)) => format!("action {action}"),
            // Of tests, and of words on how things stand, only the last is of interest.
            (None, None) if self.is_replaced() => self.event.to_string(),
            (None, None) => format!("{} {} {}", self.event, self.at, self.title),
        }
    }

    /// Whether a newer one of its kind takes its place while it waits.
    #[must_use]
    pub const fn is_replaced(&self) -> bool {
        matches!(self.event, Event::Digest | Event::Test)
    }

    /// What notices have in common that go into one message.
    #[must_use]
    pub fn key(&self) -> Digest {
        self.key_of(self.event.class())
    }

    /// The key it would have as one of another class: an end joins the message about the beginning while that waits.
    #[must_use]
    pub fn key_of(&self, class: Class) -> Digest {
        let what = if self.cause.is_empty() || class == Class::Alone {
            self.thread()
        } else {
            self.cause.clone()
        };
        DigestWriter::new("watchkeeper notice 1")
            .field(class.as_str())
            .field(what)
            .finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Noon of an ordinary day.
    pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_781_524_800_000);

    /// A notice of an opened issue, for tests.
    pub(crate) fn opened(host: &str, issue: i64, title: &str, severity: Severity) -> Notice {
        Notice {
            event: Event::Opened,
            severity,
            at: NOON,
            host: Some(HostName::new(host).expect("a name")),
            issue: Some(IssueNumber(issue)),
            action: None,
            cause: "units nginx.service exit-code".to_owned(),
            title: title.to_owned(),
            text: String::new(),
            of_channel: None,
        }
    }

    #[test]
    fn every_event_reads_itself() {
        for event in Event::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
        }
        assert!("often".parse::<Event>().is_err());
    }

    #[test]
    fn one_cause_on_two_hosts_is_one_key_and_another_cause_is_another() {
        let one = opened("web1", 1, "a", Severity::Warning);
        let other = opened("web2", 2, "b", Severity::Warning);
        assert_eq!(one.key(), other.key());
        let full = Notice {
            cause: "disk / full".to_owned(),
            ..other.clone()
        };
        assert_ne!(one.key(), full.key());
        let alone = Notice {
            cause: String::new(),
            ..other.clone()
        };
        assert_ne!(one.key(), alone.key());
        let over = Notice {
            event: Event::Resolved,
            ..one.clone()
        };
        assert_ne!(one.key(), over.key());
        assert_eq!(one.key(), over.key_of(Class::Trouble));
    }

    #[test]
    fn a_held_action_always_wants_attention() {
        let held = Notice {
            event: Event::Held,
            ..opened("web1", 1, "a", Severity::Info)
        };
        assert_eq!(held.urgency(), Urgency::Attention);
        assert_eq!(
            [0, 2, 5, 8, 10].map(|n| Urgency::of_priority(n).gotify()),
            [2, 2, 5, 8, 8]
        );
    }
}
