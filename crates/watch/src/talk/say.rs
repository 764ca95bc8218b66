//! What a person says: kept without its secrets, and queued to be answered, in one transaction.

use serde_json::{Value, json};
use watchkeeper_agent::redact;
use watchkeeper_model::{
    Conversation, ConversationKind, ConversationNumber, HostName, JobNumber, JobRequest, Person,
    Priority, Said, Speaker, bounded, for_terminal, visible,
};
use watchkeeper_store::{NewJob, NewSaid, Tx};

use crate::WatchError;
use crate::queue::MayHave;
use crate::talk::begin::open;
use crate::talk::{TalkRefused, is_theirs};
use crate::view::Asked;
use crate::watch::Watch;

/// Longest question, in bytes; a page of a log may stand in it.
const MAX_QUESTION_BYTES: usize = 32 * 1024;
/// Most turns of one conversation.
const MAX_TURNS: i64 = 400;
/// Most bytes of one conversation.
const MAX_CONVERSATION_BYTES: i64 = 2 * 1024 * 1024;
/// Longest title, in characters.
const MAX_TITLE_CHARS: usize = 80;

/// What a person says, and to whom.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// The words.
    pub text: String,
    /// The hosts the talk is about from now on; none: as before.
    pub hosts: Option<Vec<HostName>>,
    /// The lane that answers from now on; none: as before. An empty name is any lane.
    pub lane: Option<String>,
}

impl Watch {
    /// Says something in a conversation and queues its answer.
    ///
    /// # Errors
    /// Refuses who has no part in it, what is empty or too long, a second question before the first is answered, and
    /// where nobody could answer; then nothing was kept.
    pub async fn say(
        &self,
        number: ConversationNumber,
        person: &Person,
        words: Words,
    ) -> Result<Asked, WatchError> {
        let (text, redacted) = fit_to_keep(&words.text)?;
        if let Some(hosts) = &words.hosts {
            self.known_hosts(hosts)?;
        }
        let mut body = json!({ "person": person });
        self.note_standing(person, &mut body).await;
        let mut tx = self.store().begin().await?;
        let stands = tx.conversations().lock(number).await?;
        let stands = stands.ok_or(TalkRefused::NoSuchConversation { number })?;
        self.may_go_on(&mut tx, &stands, person).await?;
        let stands = self.aimed(&mut tx, stands, &words).await?;
        let seq = stands.turns + 1;
        let job = self.queue_answer(&mut tx, &stands, seq, person).await?;
        if stands.title.is_empty() {
            tx.conversations().entitle(number, &title(&text)).await?;
        }
        body["job"] = json!(job);
        if let Some(action) = stands.action {
            let action = tx.actions().get(action).await?.map(open).transpose()?;
            body["revision"] = action.map_or(Value::Null, |action| json!(action.revision));
        }
        let said = NewSaid {
            by: Speaker::Person,
            at: self.now(),
            text,
            body,
        };
        tx.conversations().say(number, said).await?;
        tx.commit().await?;
        Ok(Asked {
            conversation: number,
            seq,
            job,
            redacted,
        })
    }

    /// Whether this person may say one more thing in this conversation now.
    async fn may_go_on(
        &self,
        tx: &mut Tx,
        stands: &Conversation,
        person: &Person,
    ) -> Result<(), WatchError> {
        let number = stands.number;
        if !is_theirs(stands, person) {
            let person = visible(&stands.person.name).into_owned();
            return Err(TalkRefused::OfAnother { number, person }.into());
        }
        if stands.turns >= MAX_TURNS || stands.bytes >= MAX_CONVERSATION_BYTES {
            return Err(TalkRefused::Full { number }.into());
        }
        let last = tx.conversations().said(number, None, 1).await?;
        let last = last.rows.into_iter().next();
        let asked = last.as_ref().and_then(job_of);
        if let Some(job) = asked
            && let Some(job) = tx.jobs().get(job).await?
            && matches!(job.state.as_str(), "queued" | "leased")
        {
            return Err(TalkRefused::StillAnswering { job: job.number }.into());
        }
        Ok(())
    }

    /// The conversation with the hosts and the lane that the person names now.
    async fn aimed(
        &self,
        tx: &mut Tx,
        stands: Conversation,
        words: &Words,
    ) -> Result<Conversation, WatchError> {
        let lane = match &words.lane {
            None => stands.lane.clone(),
            Some(any) if any.is_empty() => None,
            Some(lane) => Some(lane.clone()),
        };
        self.somebody_answers(tx, lane.as_deref()).await?;
        let hosts = match &words.hosts {
            Some(hosts) if stands.kind != ConversationKind::Discuss => hosts.clone(),
            _ => stands.hosts.clone(),
        };
        if (&hosts, &lane) != (&stands.hosts, &stands.lane) {
            tx.conversations()
                .aim(stands.number, &hosts, lane.as_deref())
                .await?;
        }
        Ok(Conversation {
            hosts,
            lane,
            ..stands
        })
    }

    async fn queue_answer(
        &self,
        tx: &mut Tx,
        stands: &Conversation,
        seq: i64,
        person: &Person,
    ) -> Result<JobNumber, WatchError> {
        let now = self.now();
        let request = JobRequest::AnswerPerson {
            conversation: stands.number,
            seq,
        };
        let deadline = now.after(self.current().settings.asking.deadline);
        let new = NewJob {
            lanes: self.lanes_of(stands)?,
            asked_by: Some(person.name.clone()),
            ..NewJob::new(request, Priority::Interactive, now, deadline)
        };
        Ok(self.queue_job_in(tx, new).await?.job().number)
    }
}

impl Watch {
    /// The lanes that may answer: the one that its person wants, of those that may have what the hosts say that the
    /// conversation is about. One about all hosts goes to any; then each look is asked about by itself.
    fn lanes_of(&self, stands: &Conversation) -> Result<Option<Vec<String>>, WatchError> {
        let mut allowed: Option<Vec<String>> = stands.lane.clone().map(|lane| vec![lane]);
        for host in &stands.hosts {
            let these = match self.lanes_for(&*self.entry(host)?) {
                MayHave::Any => continue,
                MayHave::None(why) => return Err(TalkRefused::MayNotLeave(why).into()),
                MayHave::These(these) => these,
            };
            let both: Vec<String> = match &allowed {
                None => these,
                Some(allowed) => these
                    .into_iter()
                    .filter(|lane| allowed.contains(lane))
                    .collect(),
            };
            if both.is_empty() {
                let host = host.clone();
                return Err(TalkRefused::NoLaneForAll { host }.into());
            }
            allowed = Some(both);
        }
        Ok(allowed)
    }
}

/// The job that answers what was said.
fn job_of(said: &Said) -> Option<JobNumber> {
    (said.by == Speaker::Person)
        .then(|| said.body["job"].as_i64().map(JobNumber))
        .flatten()
}

/// A person's own words as they are kept: without secrets, and with nothing hidden in them. Says whether a secret went.
fn fit_to_keep(text: &str) -> Result<(String, bool), TalkRefused> {
    let text = text.trim();
    let (bytes, limit) = (text.len(), MAX_QUESTION_BYTES);
    if text.is_empty() {
        return Err(TalkRefused::Empty);
    }
    if bytes > limit {
        return Err(TalkRefused::TooLong { bytes, limit });
    }
    let redacted = redact(text);
    let is_other = redacted != text;
    // Written out, a hidden character takes more bytes than it had: a text of nothing else could outgrow its place.
    let kept = bounded(&for_terminal(&redacted), MAX_QUESTION_BYTES).into_owned();
    if kept.len() > Said::MAX_BYTES {
        let bytes = kept.len();
        return Err(TalkRefused::TooLong { bytes, limit });
    }
    Ok((kept, is_other))
}

/// What a conversation is called that begins with this.
fn title(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty());
    bounded(&visible(first.unwrap_or_default().trim()), MAX_TITLE_CHARS).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_kept_as_it_is_but_for_secrets_and_what_hides() {
        let kept = |text: &str| fit_to_keep(text).expect("it can be kept");
        let plain = "why is nginx down?\nit was fine";
        assert_eq!(kept(plain), (plain.to_owned(), false));
        let (text, redacted) = kept("use password=hunter2hunter2 on web1");
        assert!(!text.contains("hunter2") && redacted, "{text}");
        assert_eq!(kept(" a\u{1b}[2J\u{202e}b ").0, "a\\u{1b}[2J\\u{202e}b");
        assert_eq!(kept("what is \u{26a0}\u{fe0f}?").0, "what is \u{26a0}?");
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(fit_to_keep(" \n"), Err(TalkRefused::Empty));
        for long in ["x", "\u{202e}", "日"] {
            let text = long.repeat(MAX_QUESTION_BYTES / long.len() + 1);
            let refused = fit_to_keep(&text).expect_err("it is too long");
            assert!(matches!(refused, TalkRefused::TooLong { .. }), "{long}");
        }
    }

    #[test]
    fn a_conversation_is_called_by_its_first_line() {
        assert_eq!(title("\n  why?\nbecause"), "why?");
        assert_eq!(title(&"x".repeat(200)).chars().count(), MAX_TITLE_CHARS);
    }
}
