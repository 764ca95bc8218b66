//! Talking with the watch: `ask`, `chat`, `do` and `approve discuss`. Here is what they share: how a talk begins and where
//! words come from. One thing is said and its answer heard in `hear`, what is shown of it is the screen's (`screen`), what
//! is typed comes from `lines`.

mod args;
mod ask;
mod chat;
mod decide;
mod discuss;
mod hear;
mod lines;
mod screen;
mod slash;
mod wish;

use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use watchkeeper_model::{Conversation, ConversationKind};
use watchkeeper_server::TalkBody;

pub(crate) use args::{AskArgs, ChatArgs, DiscussArgs, DoArgs};
pub(super) use ask::run as ask;
pub(super) use chat::run as chat;
pub(super) use discuss::run as discuss;
use hear::{Heard, say};
pub(super) use wish::run as wish;

use crate::failure::CommandError;
use crate::session::Session;

/// Longest text that is read from standard input, in bytes. It is more than a question may have, so that one that is too
/// long is refused and not cut.
const MAX_INPUT_BYTES: u64 = 64 * 1024;
/// Begins a talk.
async fn begin(session: &Session, body: TalkBody) -> Result<Conversation, CommandError> {
    session.serve_own_lanes();
    Ok(session.client.post("/v1/conversations", &body).await?)
}

fn new_talk(kind: ConversationKind, about: &args::AboutArgs) -> TalkBody {
    TalkBody {
        kind,
        hosts: about.host.clone(),
        action: None,
        lane: about.lane.clone(),
    }
}

/// The words of a question: as they were typed, or from standard input.
fn words(session: &Session, typed: &[String], what: &str) -> Result<String, CommandError> {
    let dash = typed.len() == 1 && typed[0] == "-";
    if !typed.is_empty() && !dash {
        return said(typed.join(" "), what);
    }
    if session.types && !dash {
        return Err(
            CommandError::usage(anyhow!("what is the {what}?")).hint(format!(
                "type it behind the command, or pipe it: echo … | {}",
                session.called.first_word()
            )),
        );
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_INPUT_BYTES)
        .read_to_end(&mut bytes)
        .with_context(|| format!("the {what} could not be read"))?;
    if bytes.len() as u64 == MAX_INPUT_BYTES {
        let limit = MAX_INPUT_BYTES / 1024;
        let error = anyhow!("the {what} is too long: it has {limit} KiB and more");
        return Err(CommandError::usage(error));
    }
    said(String::from_utf8_lossy(&bytes).into_owned(), what)
}

fn said(text: String, what: &str) -> Result<String, CommandError> {
    if text.trim().is_empty() {
        return Err(CommandError::usage(anyhow!("the {what} is empty")));
    }
    Ok(text)
}

/// One line of JSON, for talks that go on.
fn json_line(value: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_string(value)?;
    super::put(&(watchkeeper_model::visible_json(&json).into_owned() + "\n"))
}
