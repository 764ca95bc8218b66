//! What is known: entries that people and experience taught, each with where it comes from and how far it is trusted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::guards;
use crate::{
    ActionNumber, Confidence, Digest, DigestWriter, EntryNumber, HostName, IssueNumber, Timestamp,
    UnknownWord,
};

/// A collection of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Troubles and how they ended.
    Issues,
    /// What people and experience taught.
    Knowledge,
    /// Configuration files, by part.
    Configs,
    /// What hosts are like.
    Hosts,
    /// What was talked about.
    Conversations,
}

impl Collection {
    /// Every collection.
    pub const ALL: [Self; 5] = [
        Self::Issues,
        Self::Knowledge,
        Self::Configs,
        Self::Hosts,
        Self::Conversations,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::Knowledge => "knowledge",
            Self::Configs => "configs",
            Self::Hosts => "hosts",
            Self::Conversations => "conversations",
        }
    }
}

impl std::str::FromStr for Collection {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|collection| collection.as_str() == text)
            .ok_or_else(|| UnknownWord::new("collection", text))
    }
}

/// Where an entry comes from. It decides for whom the entry may speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// It came with Watchkeeper.
    Shipped,
    /// A person wrote it.
    Person {
        /// Who.
        name: String,
    },
    /// An action that is over: what was done and how it ended, as the watch itself recorded it.
    Action {
        /// Which.
        action: ActionNumber,
    },
    /// An issue that is over.
    Issue {
        /// Which.
        issue: IssueNumber,
    },
    /// A model put it into words. It is an opinion.
    Model {
        /// Which model.
        name: String,
    },
    /// Text of a host, such as a configuration file. It speaks for that host only.
    Host {
        /// Which host.
        host: HostName,
        /// What was read there.
        what: String,
    },
    /// A file of the operator's repository.
    Repository {
        /// Its path there.
        path: String,
    },
    /// It was imported.
    Import {
        /// What the file calls its origin.
        origin: String,
    },
}

/// One entry of what is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub number: EntryNumber,
    /// Its collection.
    pub collection: Collection,
    /// A word for what it is, e.g. `command`, `pattern`, `outcome`, `rejection`, `correction`, `file`.
    pub kind: String,
    /// Its topic, in a line.
    pub title: String,
    /// What it says; redacted.
    pub text: String,
    /// The host it is about; none: it is about all.
    pub host: Option<HostName>,
    /// Further words to filter by.
    pub labels: Vec<String>,
    /// Where it comes from.
    pub source: Source,
    /// How sure it is.
    pub confidence: Confidence,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// Who found it to be right, and when.
    pub confirmed: Option<Confirmed>,
    /// After this it is not found any more.
    pub expires_at: Option<Timestamp>,
    /// How often it was shown to a model.
    #[serde(rename = "shown_count")]
    pub used: i64,
}

/// That a person found an entry to be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// Longest title, in characters.
    pub const MAX_TITLE_CHARS: usize = 200;
    /// Longest text, in bytes.
    pub const MAX_TEXT_BYTES: usize = 64 * 1024;
    /// Most labels.
    pub const MAX_LABELS: usize = 20;

    /// What is embedded and compared: the same title and text are the same entry.
    #[must_use]
    pub fn digest_of(collection: Collection, title: &str, text: &str) -> Digest {
        DigestWriter::new("watchkeeper entry 1")
            .field(collection.as_str())
            .field(title)
            .field(text)
            .finish()
    }

    /// For whom the entry may speak. Text of a host, and what a model made of it, speaks for that host only, unless a
    /// person has found it to be right; where a model's or a file's words name no host, they speak for none. What the watch
    /// itself recorded speaks for all, with the name of its host beside it.
    #[must_use]
    pub fn reach(&self) -> Reach {
        if self.confirmed.is_some() || !guards::stands(guards::Guard::Speaking) {
            return Reach::All;
        }
        match &self.source {
            Source::Host { host, .. } => Reach::Host(host.clone()),
            Source::Model { .. } | Source::Import { .. } => {
                self.host.clone().map_or(Reach::Nobody, Reach::Host)
            }
            Source::Shipped
            | Source::Person { .. }
            | Source::Action { .. }
            | Source::Issue { .. }
            | Source::Repository { .. } => Reach::All,
        }
    }

    /// What the entry says when a host is looked into. What the watch recorded on another host is told with its steps and their
    /// end, and without that host's own words (a cause can be text of the host), until a person has found it to be right.
    #[must_use]
    pub fn text_for(&self, host: &HostName) -> Cow<'_, str> {
        let recorded = matches!(self.source, Source::Action { .. } | Source::Issue { .. });
        let of_another = self.host.as_ref().is_some_and(|own| own != host);
        let whole = !recorded || !of_another || self.confirmed.is_some();
        if whole || !guards::stands(guards::Guard::Speaking) {
            return Cow::Borrowed(&self.text);
        }
        let is_told = |line: &&str| {
            let subject = line.strip_prefix("subject: ");
            !line.starts_with("cause: ")
                && subject.is_none_or(|name| !name.contains(char::is_whitespace))
        };
        let lines = self.text.lines();
        let lines = lines.take_while(|line| !line.starts_with("reason: "));
        let told: Vec<&str> = lines.filter(is_told).collect();
        Cow::Owned(told.join("\n"))
    }

    /// Whether the entry may speak when this host is looked into.
    #[must_use]
    pub fn speaks_for(&self, host: &HostName) -> bool {
        self.reach().includes(host)
    }
}

/// For which hosts an entry may speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// For every host.
    All,
    /// For one.
    Host(HostName),
    /// For none, until a person has found it to be right.
    Nobody,
}

impl Reach {
    /// Whether the host is among them.
    #[must_use]
    pub fn includes(&self, host: &HostName) -> bool {
        match self {
            Self::All => true,
            Self::Host(own) => own == host,
            Self::Nobody => false,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |text: &str| crate::visible(text).into_owned();
        match self {
            Self::Shipped => f.write_str("shipped"),
            Self::Person { name } => f.write_str(&shown(name)),
            Self::Action { action } => write!(f, "action {action}"),
            Self::Issue { issue } => write!(f, "issue {issue}"),
            Self::Model { name } => write!(f, "model {}", shown(name)),
            Self::Host { host, what } => write!(f, "{host}: {}", shown(what)),
            Self::Repository { path } => write!(f, "repository: {}", shown(path)),
            Self::Import { origin } => write!(f, "import: {}", shown(origin)),
        }
    }
}
