//! What was talked about, as entries: at every answer the question and the answer are added to the entry of their
//! conversation, in the transaction that keeps the answer, so that a talk is there however it ends. What a model answered is
//! an opinion: it speaks for the one host that the answers rest on, and where that is not one, for none until a person finds
//! it to be right. It is kept as long as the talk itself.

use watchkeeper_model::{Collection, Confidence, Conversation, HostName, Source, bounded};
use watchkeeper_store::{NewEntry, Tx};

use crate::watch::Watch;
use crate::{WatchError, settle};

/// Longest question, in characters.
const MAX_QUESTION_CHARS: usize = 1_000;
/// Longest answer, in characters; the whole stands in the conversation.
const MAX_ANSWER_CHARS: usize = 3_000;
/// Longest text of a talk, in bytes; what was said first is dropped first.
const MAX_TALK_BYTES: usize = 16 * 1024;
/// What parts one question from the one before.
const PARTS: &str = "\n\nasked: ";

/// A question and its answer.
pub(crate) struct Exchange<'a> {
    /// What the person said.
    pub(crate) asked: &'a str,
    /// What the model said.
    pub(crate) answered: &'a str,
    /// Which model.
    pub(crate) model: &'a str,
    /// The hosts that the talk rests on.
    pub(crate) rests_on: &'a [HostName],
}

impl Watch {
    /// Adds an answer to what is known of its conversation. What does not fit an entry is left out.
    pub(crate) async fn learn_from_talk(
        &self,
        tx: &mut Tx,
        talk: &Conversation,
        exchange: &Exchange<'_>,
    ) -> Result<(), WatchError> {
        let key = format!("conversation {}", talk.number);
        let before = match tx.entries().by_key(&key).await {
            Ok(before) => before.map(|stored| stored.entry.text),
            Err(watchkeeper_store::StoreError::CorruptRow(row)) => {
                self.remember_corrupt(&[row]);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.now();
        let keep = self.current().settings.asking.keep_talks;
        let new = NewEntry {
            collection: Collection::Conversations,
            kind: talk.kind.as_str().to_owned(),
            title: settle::said(&talk.title.replace('\n', " "), 200),
            text: added(before.as_deref(), exchange),
            host: about_one(talk, exchange.rests_on).cloned(),
            labels: vec![format!("conversation:{}", talk.number)],
            source: Source::Model {
                name: exchange.model.to_owned(),
            },
            confidence: Confidence::Low,
            at: now,
            confirmed: None,
            expires_at: Some(now.after(keep)),
            key: Some(key),
        };
        match self.learn(tx, new).await {
            Ok(_) => Ok(()),
            Err(WatchError::Invalid { .. }) => {
                tracing::debug!(conversation = %talk.number, "it does not fit an entry");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// The one host that a talk is about; none: it is about several, or about no host at all.
fn about_one<'a>(talk: &'a Conversation, rests_on: &'a [HostName]) -> Option<&'a HostName> {
    match (rests_on, talk.hosts.as_slice()) {
        ([one], _) | ([], [one]) => Some(one),
        _ => None,
    }
}

/// The text of a talk with one more answer, without what was said first where it grows too long.
fn added(before: Option<&str>, exchange: &Exchange<'_>) -> String {
    let one = format!(
        "asked: {}\nanswered: {}",
        bounded(exchange.asked.trim(), MAX_QUESTION_CHARS),
        bounded(exchange.answered.trim(), MAX_ANSWER_CHARS),
    );
    let mut text = match before {
        Some(before) => format!("{before}\n\n{one}"),
        None => one,
    };
    while text.len() > MAX_TALK_BYTES {
        let Some(next) = text.find(PARTS) else { break };
        text.drain(..next + 2);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_talk_grows_by_its_answers_and_loses_its_beginning() {
        let say = |asked: &'static str, answered: &'static str| Exchange {
            asked,
            answered,
            model: "qwen3",
            rests_on: &[],
        };
        let first = added(None, &say("why is it slow?", "the disk"));
        assert_eq!(first, "asked: why is it slow?\nanswered: the disk");
        let second = added(Some(&first), &say("since when?", "noon"));
        assert!(
            second.starts_with(&first) && second.ends_with("asked: since when?\nanswered: noon")
        );
        let long = "x".repeat(2_900);
        let mut text = first;
        for _ in 0..9 {
            let more = Exchange {
                asked: "and then?",
                answered: &long,
                model: "qwen3",
                rests_on: &[],
            };
            text = added(Some(&text), &more);
        }
        assert!(text.len() <= MAX_TALK_BYTES && text.starts_with("asked: and then?"));
    }
}
