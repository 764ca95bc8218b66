//! `ask`: one question, one answer.

use watchkeeper_model::ConversationKind;
use watchkeeper_server::SayBody;

use super::super::{Ended, answer, put};
use super::args::AskArgs;
use super::screen::Screen;
use super::{begin, new_talk, say, words};
use crate::args::Output;
use crate::session::Session;
use crate::show;

/// Asks, and shows the answer. The status: 0 answered.
pub(in crate::commands) async fn run(session: &Session, args: &AskArgs) -> Ended {
    let text = words(session, &args.words, "question")?;
    let talk = begin(session, new_talk(ConversationKind::Ask, &args.about)).await?;
    let mut screen = Screen::new(session);
    let body = SayBody {
        text,
        ..SayBody::default()
    };
    let heard = say(session, talk.number, &body, &mut screen).await?;
    let answered = match heard.or_failed() {
        Ok(answered) => answered,
        Err(error) => {
            screen.broken_off()?;
            return Err(error);
        }
    };
    screen.answer(&answered)?;
    match session.output {
        Output::Json => answer(session.output, &answered, |_| String::new())?,
        Output::Text => put(&show::answer_foot(
            &session.page_now(),
            &answered,
            &session.called,
        ))?,
    }
    Ok(0)
}
