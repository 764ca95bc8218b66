//! What is known of what a talk is about, told to the model with each question: for a talk about an action, what was done
//! about the like before; then what fits the words. The rules of reach and of what may leave are those of a diagnosis; a
//! talk about several hosts is told only what may speak for all of them.

use watchkeeper_agent::Known;
use watchkeeper_knowledge::Audience;
use watchkeeper_llm::Lane;
use watchkeeper_model::{
    Action, Collection, Conversation, Entry, EntryNumber, Finding, HostName, Said, Source,
};
use watchkeeper_store::Read;

use crate::WatchError;
use crate::investigate::as_known;
use crate::knowledge::KnownQuery;
use crate::watch::Watch;

/// Notes that a question is told with.
const MOST_TOLD: usize = 4;
/// Of these, how many are about the same subject of the same check.
const MOST_ALIKE: usize = 2;

/// An entry as it is told to a model.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) entry: EntryNumber,
    pub(super) known: Known,
    /// The hosts that it speaks of or comes from.
    pub(super) rests_on: Vec<HostName>,
}

/// What a question is about.
pub(super) struct Matter<'q> {
    pub(super) conversation: &'q Conversation,
    pub(super) said: &'q Said,
    pub(super) action: Option<&'q Action>,
}

impl Watch {
    /// What is known of it, with labels that go on after so many.
    pub(super) async fn known_of_talk(
        &self,
        matter: &Matter<'_>,
        labels: usize,
        lane: &Lane,
    ) -> Result<Vec<Noted>, WatchError> {
        let hosts: Vec<HostName> = match matter.action {
            Some(action) => vec![action.plan.host.clone()],
            None => matter.conversation.hosts.clone(),
        };
        let about = match hosts.as_slice() {
            [only] => vec![only.clone()],
            _ => Vec::new(),
        };
        let audience = Audience::Hosts(about);
        let mut read = self.store().read().await?;
        let finding = self.finding_of_action(&mut read, matter.action).await?;
        let alike = match &finding {
            Some(finding) => self.like_entries(&mut read, finding).await?,
            None => Vec::new(),
        };
        drop(read);
        let told =
            |entry: &Entry| audience.hears(&entry.reach()) && self.entry_may_be_sent(entry, lane);
        let mut entries: Vec<Entry> = alike.into_iter().filter(told).take(MOST_ALIKE).collect();
        let query = KnownQuery {
            text: words(finding.as_ref(), matter.said),
            collections: vec![Collection::Issues, Collection::Knowledge],
            audience: audience.clone(),
            limit: MOST_TOLD + MOST_ALIKE,
            ..KnownQuery::default()
        };
        for found in self.known(&query).await? {
            let entry = found.entry;
            let is_new = entries.iter().all(|other| other.number != entry.number);
            if is_new && told(&entry) && entries.len() < MOST_TOLD {
                entries.push(entry);
            }
        }
        let numbers: Vec<EntryNumber> = entries.iter().map(|entry| entry.number).collect();
        self.was_shown(&numbers).await?;
        Ok((labels + 1..)
            .zip(entries)
            .map(|(label, entry)| noted(label, entry))
            .collect())
    }

    /// The finding that an action is for.
    async fn finding_of_action(
        &self,
        read: &mut Read,
        action: Option<&Action>,
    ) -> Result<Option<Finding>, WatchError> {
        let Some(fingerprint) = action.and_then(|action| action.fingerprint) else {
            return Ok(None);
        };
        let row = self.or_absent(read.findings().get(fingerprint).await)?;
        Ok(row.and_then(|row| row.finding))
    }
}

/// What is searched for.
fn words(finding: Option<&Finding>, said: &Said) -> String {
    let about = finding.map_or_else(String::new, |finding| {
        format!("{} {} {} ", finding.check, finding.subject, finding.cause)
    });
    about + &said.text
}

fn noted(label: usize, entry: Entry) -> Noted {
    let from = match &entry.source {
        Source::Host { host, .. } => Some(host.clone()),
        _ => None,
    };
    Noted {
        entry: entry.number,
        rests_on: entry.host.clone().into_iter().chain(from).collect(),
        known: as_known(label, entry),
    }
}
