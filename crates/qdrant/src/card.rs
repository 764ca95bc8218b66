//! The card of an entry as a payload, and a filter as conditions on it. They say the same as `Filter::admits`; the suite
//! of cases holds them to it.

use qdrant_client::Payload;
use qdrant_client::qdrant::{Condition, Filter as Conditions, Range, Value};
use watchkeeper_knowledge::{Audience, Card, Filter};
use watchkeeper_model::{HostName, Reach};

/// An entry that may speak for all, and one that may for none.
const ALL: &str = "all";
const NOBODY: &str = "nobody";

pub(crate) fn payload(card: &Card) -> Payload {
    let mut payload = Payload::new();
    payload.insert("collection", card.collection.as_str());
    payload.insert("kind", card.kind.as_str());
    payload.insert(
        "labels",
        card.labels
            .iter()
            .map(|label| Value::from(label.as_str()))
            .collect::<Vec<_>>(),
    );
    payload.insert("reach", reach(&card.reach));
    if let Some(host) = &card.host {
        payload.insert("host", host.as_str());
    }
    if let Some(end) = card.expires_at {
        payload.insert("expires_at", end.as_millis());
    }
    payload
}

pub(crate) fn condition(filter: &Filter) -> Conditions {
    let mut must = Vec::new();
    if !filter.collections.is_empty() {
        let words: Vec<String> = filter
            .collections
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect();
        must.push(Condition::matches("collection", words));
    }
    if !filter.kinds.is_empty() {
        must.push(Condition::matches("kind", filter.kinds.clone()));
    }
    for label in &filter.labels {
        must.push(Condition::matches("labels", label.clone()));
    }
    if let Some(host) = &filter.host {
        must.push(Condition::matches("host", host.to_string()));
    }
    if let Audience::Hosts(hosts) = &filter.audience {
        let mut reaches = vec![ALL.to_owned()];
        reaches.extend(hosts.iter().map(of_host));
        must.push(Condition::matches("reach", reaches));
    }
    let later = Range {
        gt: Some(filter.at.as_millis() as f64),
        ..Range::default()
    };
    let lasts = Conditions::should([
        Condition::is_empty("expires_at"),
        Condition::range("expires_at", later),
    ]);
    must.push(lasts.into());
    Conditions::must(must)
}

fn reach(reach: &Reach) -> String {
    match reach {
        Reach::All => ALL.to_owned(),
        Reach::Host(host) => of_host(host),
        Reach::Nobody => NOBODY.to_owned(),
    }
}

fn of_host(host: &HostName) -> String {
    format!("host {host}")
}
