//! `do`: a wish in words becomes a proposed action, by the person, through the one way. Nothing runs but what the
//! standing orders let run, or somebody approves.

use std::io::Write as _;

use anyhow::anyhow;
use serde::Serialize;
use watchkeeper_model::{ConversationKind, ConversationNumber};
use watchkeeper_server::SayBody;
use watchkeeper_watch::view::{ActionSheet, Answer, ProposedLine};

use super::super::{Ended, answer, put};
use super::args::DoArgs;
use super::lines::{Lines, Typed};
use super::screen::Screen;
use super::{begin, new_talk, say, words};
use crate::args::Output;
use crate::failure::{CommandError, Kind};
use crate::session::Session;
use crate::show;

/// The wish was not clear: what `EX_DATAERR` is in sysexits.h.
const NOT_CLEAR: u8 = 65;

/// What `--output json` says of a wish.
#[derive(Debug, Serialize)]
struct Wished {
    /// What the model made of it, or asks back.
    answer: Answer,
    /// The action that came of it.
    sheet: Option<ActionSheet>,
}

/// Has a wish proposed. The status: 0 there is an action, 65 a question back, 77 the standing orders forbid it.
pub(in crate::commands) async fn run(session: &Session, args: &DoArgs) -> Ended {
    let text = words(session, &args.words, "wish")?;
    let talk = begin(session, new_talk(ConversationKind::Do, &args.about)).await?;
    let mut said = text;
    loop {
        let answered = wished(session, talk.number, said).await?;
        if let Some(proposed) = answered.proposed.clone() {
            return proposal(session, answered, &proposed).await;
        }
        match back(session, answered).await? {
            Some(more) => said = more,
            None => return Ok(NOT_CLEAR),
        }
    }
}

async fn wished(
    session: &Session,
    talk: ConversationNumber,
    text: String,
) -> Result<Answer, CommandError> {
    let mut screen = Screen::new(session);
    let body = SayBody {
        text,
        ..SayBody::default()
    };
    let heard = say(session, talk, &body, &mut screen).await?;
    let answered = match heard.or_failed() {
        Ok(answered) => answered,
        Err(error) => {
            screen.broken_off()?;
            return Err(error);
        }
    };
    screen.answer(&answered)?;
    Ok(answered)
}

async fn proposal(session: &Session, answered: Answer, proposed: &ProposedLine) -> Ended {
    let path = format!("/v1/actions/{}", proposed.action);
    let sheet: ActionSheet = session.client.get(&path).await?;
    let refused = sheet.action.state.as_str() == "refused";
    match session.output {
        Output::Json => {
            let wished = Wished {
                answer: answered,
                sheet: Some(sheet),
            };
            answer(session.output, &wished, |_| String::new())?;
        }
        Output::Text => {
            let page = session.page_now();
            put(&format!(
                "\n{}",
                show::action_sheet(&page, &sheet, &session.called)
            ))?;
        }
    }
    Ok(if refused {
        Kind::Refused.exit_status()
    } else {
        0
    })
}

/// Nothing was proposed: what was said is a question back, or why not. On a terminal the person may answer.
async fn back(session: &Session, answered: Answer) -> Result<Option<String>, CommandError> {
    if session.output == Output::Json {
        let wished = Wished {
            answer: answered,
            sheet: None,
        };
        answer(session.output, &wished, |_| String::new())?;
        return Ok(None);
    }
    let page = session.page_now();
    put(&show::answer_foot(&page, &answered, &session.called))?;
    if !session.terminal {
        // Where there is a reason, it stands below the answer.
        if answered.not_proposed.is_none() {
            let _ = writeln!(
                std::io::stderr(),
                "nothing was proposed; say more precisely what is to be done, and where"
            );
        }
        return Ok(None);
    }
    let mut lines = Lines::of_this_terminal(None)?;
    match lines.next("> ").await? {
        Typed::Line(line) if !line.trim().is_empty() => Ok(Some(line)),
        Typed::Line(_) | Typed::Interrupted | Typed::End => {
            let error = anyhow!("nothing was proposed");
            Err(CommandError::failed(error).kind(Kind::Interrupted))
        }
    }
}
