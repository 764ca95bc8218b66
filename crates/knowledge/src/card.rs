//! What a search may ask of an entry beside its words: the card that an index keeps of each, and the filter.

use watchkeeper_model::{Collection, Entry, EntryNumber, HostName, Reach, Timestamp};

/// What of an entry decides whether a search may find it. Its text is not kept here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its number.
    pub number: EntryNumber,
    /// Its collection.
    pub collection: Collection,
    /// What it is.
    pub kind: String,
    /// The host it is about.
    pub host: Option<HostName>,
    /// Words to filter by.
    pub labels: Vec<String>,
    /// For whom it may speak.
    pub reach: Reach,
    /// After this it is not found.
    pub expires_at: Option<Timestamp>,
}

impl From<&Entry> for Card {
    fn from(entry: &Entry) -> Self {
        Self {
            number: entry.number,
            collection: entry.collection,
            kind: entry.kind.clone(),
            host: entry.host.clone(),
            labels: entry.labels.clone(),
            reach: entry.reach(),
            expires_at: entry.expires_at,
        }
    }
}

/// Whose question a search answers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Audience {
    /// A person who looks: everything is shown, with where it comes from.
    #[default]
    Person,
    /// A model that looks into these hosts: only what may speak for one of them.
    Hosts(Vec<HostName>),
}

impl Audience {
    /// Whether an entry of this reach may speak here.
    #[must_use]
    pub fn hears(&self, reach: &Reach) -> bool {
        match self {
            Self::Person => true,
            Self::Hosts(_) if *reach == Reach::All => true,
            Self::Hosts(hosts) => hosts.iter().any(|host| reach.includes(host)),
        }
    }
}

/// Which entries a search may find; what is none or empty does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of one of these collections.
    pub collections: Vec<Collection>,
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// With all of these labels.
    pub labels: Vec<String>,
    /// About this host.
    pub host: Option<HostName>,
    /// Whose question it is.
    pub audience: Audience,
    /// What time it is: what has expired is not found.
    pub at: Timestamp,
}

impl Filter {
    /// Everything that a person may find at this time.
    #[must_use]
    pub const fn everything(at: Timestamp) -> Self {
        Self {
            collections: Vec::new(),
            kinds: Vec::new(),
            labels: Vec::new(),
            host: None,
            audience: Audience::Person,
            at,
        }
    }

    /// Whether an entry may be found.
    #[must_use]
    pub fn admits(&self, card: &Card) -> bool {
        let any = |list: &[String], one: &String| list.is_empty() || list.contains(one);
        (self.collections.is_empty() || self.collections.contains(&card.collection))
            && any(&self.kinds, &card.kind)
            && self.labels.iter().all(|label| card.labels.contains(label))
            && (self.host.is_none() || self.host == card.host)
            && card.expires_at.is_none_or(|end| end > self.at)
            && self.audience.hears(&card.reach)
    }
}
