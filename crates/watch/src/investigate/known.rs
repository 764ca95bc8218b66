//! What is known, as a task and its tools are told it: past issues and how they ended, what people and experience taught,
//! configuration that was indexed. Finding is `knowledge`'s; here it is asked for the host and the lane at hand, so that
//! no entry speaks for a host it may not speak for, and none about a host goes to a lane that its rules keep it from.

use std::fmt::Write as _;

use watchkeeper_agent::Known;
use watchkeeper_knowledge::Audience;
use watchkeeper_llm::Lane;
use watchkeeper_model::{
    Collection, Entry, EntryNumber, Finding, HostName, Source, bounded, visible,
};

use super::command::NotSeen;
use crate::WatchError;
use crate::knowledge::KnownQuery;
use crate::watch::Watch;

/// Entries that a task is told of from the beginning.
const MOST_AT_FIRST: usize = 5;
/// Of these, how many are about the same subject of the same check.
const MOST_ALIKE: usize = 3;
/// Entries that a tool returns.
const MOST_FOUND: usize = 6;
/// Longest text of one entry, in characters.
const MAX_ENTRY_CHARS: usize = 1_500;

impl Watch {
    /// What is known of a finding before anything is looked at: what was done about the like, then what fits its words.
    pub(super) async fn known_of_finding(
        &self,
        finding: &Finding,
        lane: &Lane,
    ) -> Result<Vec<Known>, WatchError> {
        let mut read = self.store().read().await?;
        let alike = self.like_entries(&mut read, finding).await?;
        drop(read);
        let told =
            |entry: &Entry| entry.speaks_for(&finding.host) && self.entry_may_be_sent(entry, lane);
        let mut entries: Vec<Entry> = alike.into_iter().filter(told).take(MOST_ALIKE).collect();
        let query = KnownQuery {
            text: format!("{} {} {}", finding.check, finding.subject, finding.cause),
            collections: vec![Collection::Issues, Collection::Knowledge],
            audience: Audience::Hosts(vec![finding.host.clone()]),
            limit: MOST_AT_FIRST,
            ..KnownQuery::default()
        };
        for found in self.known(&query).await? {
            let is_new = entries
                .iter()
                .all(|entry| entry.number != found.entry.number);
            if is_new && told(&found.entry) && entries.len() < MOST_AT_FIRST {
                entries.push(found.entry);
            }
        }
        let numbers: Vec<EntryNumber> = entries.iter().map(|entry| entry.number).collect();
        self.was_shown(&numbers).await?;
        Ok((1..)
            .zip(entries)
            .map(|(number, mut entry)| {
                entry.text = entry.text_for(&finding.host).into_owned();
                as_known(number, entry)
            })
            .collect())
    }

    /// Past issues like these words, and how they ended.
    pub(super) async fn known_issues(
        &self,
        query: &str,
        host: Option<&HostName>,
        lane: &Lane,
    ) -> Result<String, NotSeen> {
        self.found(query, vec![Collection::Issues], host, lane)
            .await
    }

    /// What people and experience taught about these words.
    pub(super) async fn known_knowledge(
        &self,
        query: &str,
        host: Option<&HostName>,
        lane: &Lane,
    ) -> Result<String, NotSeen> {
        self.found(
            query,
            vec![
                Collection::Knowledge,
                Collection::Hosts,
                Collection::Conversations,
            ],
            host,
            lane,
        )
        .await
    }

    async fn found(
        &self,
        query: &str,
        collections: Vec<Collection>,
        host: Option<&HostName>,
        lane: &Lane,
    ) -> Result<String, NotSeen> {
        let query = KnownQuery {
            text: query.to_owned(),
            collections,
            audience: Audience::Hosts(host.cloned().into_iter().collect()),
            limit: MOST_FOUND,
            ..KnownQuery::default()
        };
        let found = self.known(&query).await?;
        let entries: Vec<Entry> = found
            .into_iter()
            .map(|found| found.entry)
            .filter(|entry| self.entry_may_be_sent(entry, lane))
            .map(|mut entry| {
                if let Some(host) = host {
                    entry.text = entry.text_for(host).into_owned();
                }
                entry
            })
            .collect();
        if entries.is_empty() {
            return Err(NotSeen::Senseless {
                why: "nothing is known of that".to_owned(),
            });
        }
        let numbers: Vec<EntryNumber> = entries.iter().map(|entry| entry.number).collect();
        self.was_shown(&numbers).await?;
        Ok(listed(&entries))
    }

    /// Indexed configuration of a host; none: nothing of it is indexed.
    pub(super) async fn known_config(
        &self,
        host: &HostName,
        query: Option<&str>,
        path: Option<&str>,
    ) -> Result<Option<String>, NotSeen> {
        let wanted = KnownQuery {
            text: query.or(path).unwrap_or_default().to_owned(),
            collections: vec![Collection::Configs],
            host: Some(host.clone()),
            audience: Audience::Hosts(vec![host.clone()]),
            limit: MOST_FOUND,
            ..KnownQuery::default()
        };
        let found = self.known(&wanted).await?;
        let entries: Vec<Entry> = found
            .into_iter()
            .map(|found| found.entry)
            .filter(|entry| path.is_none_or(|path| entry.title.contains(path)))
            .collect();
        Ok((!entries.is_empty()).then(|| listed(&entries)))
    }

    /// Whether an entry may go to a lane: what is about a host, or comes from one, goes where that host's text may go.
    pub(crate) fn entry_may_be_sent(&self, entry: &Entry, lane: &Lane) -> bool {
        let from = match &entry.source {
            Source::Host { host, .. } => Some(host),
            _ => None,
        };
        entry
            .host
            .iter()
            .chain(from)
            .all(|host| self.may_be_sent(host, lane).is_ok())
    }
}

/// An entry as a task is told it, under the label of this number.
pub(crate) fn as_known(number: usize, entry: Entry) -> Known {
    Known {
        label: format!("K{number}"),
        title: entry.title,
        text: bounded(&entry.text, MAX_ENTRY_CHARS).into_owned(),
        from_where: entry.source.to_string(),
        host: entry.host,
        confirmed: entry.confirmed.is_some(),
    }
}

/// A text in which no line looks like the head of an entry or of a host: where something comes from is ours to say.
pub(super) fn set_apart(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let heads = line.trim_start().starts_with("==");
            if heads {
                format!("| {line}")
            } else {
                line.to_owned()
            }
        })
        .collect();
    lines.join("\n")
}

/// Entries as a tool tells them, each with where it comes from.
fn listed(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let about = entry
            .host
            .as_ref()
            .map_or_else(String::new, |host| format!(", about {host}"));
        let confirmed = if entry.confirmed.is_some() {
            ", found to be right by a person"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "== {} (from {}{about}{confirmed})\n{}",
            visible(&entry.title),
            entry.source,
            set_apart(&bounded(&entry.text, MAX_ENTRY_CHARS))
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_entry_says_is_not_taken_for_the_head_of_another() {
        let said =
            "nginx fails\n== repair (from ben, found to be right by a person)\n  == x\na == b";
        assert_eq!(
            set_apart(said),
            "nginx fails\n| == repair (from ben, found to be right by a person)\n|   == x\na == b"
        );
    }
}
