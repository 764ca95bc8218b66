//! `approve discuss N`: the sheet, then a talk about it. Only two typed lines decide, `approve N` and `reject N REASON`,
//! and only about what was shown last: revision and digest go with the decision, and what has changed meanwhile is shown
//! first. Whatever the model writes is talk.

use watchkeeper_model::{Action, ActionNumber, ActionState, ConversationKind, Digest, Revision};
use watchkeeper_server::{ApproveBody, RejectBody, SayBody, TalkBody};
use watchkeeper_watch::view::{ActionSheet, ConversationSheet};

use super::super::{Ended, approve, put};
use super::args::DiscussArgs;
use super::chat::{PROMPT, help, hint, history, save, show_answer, show_failure};
use super::decide::{Decision, decision, sounds_like_yes};
use super::lines::{Lines, Typed};
use super::screen::Screen;
use super::slash::{DISCUSS_HELP, Slash, slash};
use super::{Heard, begin, json_line, say};
use crate::args::Output;
use crate::failure::CommandError;
use crate::session::Session;
use crate::show::{self, Tone};

/// A discussion under way.
struct Discussion<'s> {
    session: &'s Session,
    talk: watchkeeper_model::ConversationNumber,
    number: ActionNumber,
    /// The action as it was shown last.
    shown: Action,
    status: u8,
}

/// What follows a line.
enum After {
    /// The next one.
    Next,
    /// Nothing: it was decided, or the person leaves. With the status.
    Ends(u8),
}

/// Shows the sheet and talks until it is decided or left. The status: of the run where it was approved, else 0.
pub(in crate::commands) async fn run(session: &Session, args: &DiscussArgs) -> Ended {
    let number = args.number;
    let sheet = sheet_of(session, number).await?;
    let body = TalkBody {
        kind: ConversationKind::Discuss,
        hosts: Vec::new(),
        action: Some(number),
        lane: args.lane.clone(),
    };
    let talk = begin(session, body).await?;
    let mut discussion = Discussion {
        session,
        talk: talk.number,
        number,
        shown: sheet.action.clone(),
        status: 0,
    };
    discussion.show(&sheet)?;
    if session.types && session.reads && session.output == Output::Text {
        let line = format!(
            "ask about it, or say what should be different; `approve {number}` or `reject {number} REASON` decides; /help"
        );
        let page = session.page_now();
        put(&format!(
            "{}\n\n",
            page.paint(Tone::Dim, &page.wrap(&line, 2))
        ))?;
    }
    let mut lines = if session.types && session.reads {
        Lines::of_this_terminal(None)?
    } else {
        Lines::Input
    };
    loop {
        let after = match lines.next(PROMPT).await? {
            Typed::End => return Ok(discussion.status),
            Typed::Interrupted => {
                hint(session, "Ctrl-D or /exit leaves; the action waits on");
                After::Next
            }
            Typed::Line(line) if line.trim().is_empty() => After::Next,
            Typed::Line(line) => {
                lines.remember(&line);
                discussion.typed(&line).await?
            }
        };
        if let After::Ends(status) = after {
            return Ok(status);
        }
    }
}

async fn sheet_of(session: &Session, number: ActionNumber) -> Result<ActionSheet, CommandError> {
    Ok(session.client.get(&format!("/v1/actions/{number}")).await?)
}

/// What an approval is bound to.
fn bound(action: &Action) -> (Revision, Digest) {
    (action.revision, action.digest)
}

impl Discussion<'_> {
    /// Shows the whole sheet. From then on it is what a decision is about.
    fn show(&mut self, sheet: &ActionSheet) -> Result<(), CommandError> {
        self.shown = sheet.action.clone();
        if self.session.output == Output::Json {
            return json_line(sheet);
        }
        let page = self.session.page_now();
        put(&(show::action_sheet(&page, sheet, &self.session.called) + "\n"))
    }

    /// Shows what another revision changes, then the whole sheet.
    fn show_changed(&mut self, sheet: &ActionSheet) -> Result<(), CommandError> {
        if self.session.output == Output::Text && self.shown.revision != sheet.action.revision {
            let page = self.session.page_now();
            let diff = show::revision_diff(&page, &self.shown, &sheet.action);
            put(&format!("\n{diff}\n"))?;
        }
        self.show(sheet)
    }

    async fn typed(&mut self, line: &str) -> Result<After, CommandError> {
        match decision(line, self.number) {
            Some(Decision::Approve) => return self.approve().await,
            Some(Decision::Reject(reason)) => return self.reject(reason).await,
            Some(Decision::RejectWithoutReason) => {
                let say = format!("a rejection needs a reason: reject {} REASON", self.number);
                hint(self.session, &say);
                return Ok(After::Next);
            }
            None => {}
        }
        if line.trim_start().starts_with('/') && !line.trim().contains('\n') {
            return self.command(line.trim()).await;
        }
        self.talk(line).await?;
        if sounds_like_yes(line) {
            let number = self.number;
            let say = if decision(line.trim(), number) == Some(Decision::Approve) {
                format!("that was talk: more than the words came with it. Type `approve {number}`")
            } else {
                format!("that was talk; `approve {number}` approves")
            };
            hint(self.session, &say);
        }
        Ok(After::Next)
    }

    async fn command(&mut self, line: &str) -> Result<After, CommandError> {
        match slash(line) {
            Ok(Slash::Exit) => return Ok(After::Ends(self.status)),
            Ok(Slash::Help) => help(self.session, DISCUSS_HELP)?,
            Ok(Slash::Sheet) => {
                let sheet = sheet_of(self.session, self.number).await?;
                self.show_changed(&sheet)?;
            }
            Ok(Slash::History) => history(self.session, &self.talk_sheet().await?)?,
            Ok(Slash::Save(path)) => {
                save(self.session, &self.talk_sheet().await?, &path);
            }
            Ok(Slash::Hosts(_) | Slash::Model(_) | Slash::Clear) => {
                hint(self.session, "not while an action is discussed; /help");
            }
            Err(why) => hint(self.session, &why),
        }
        Ok(After::Next)
    }

    async fn talk_sheet(&self) -> Result<ConversationSheet, CommandError> {
        let path = format!("/v1/conversations/{}", self.talk);
        Ok(self.session.client.get(&path).await?)
    }

    /// Says something. Whatever was answered, the action is looked at again: others may have changed it, too.
    async fn talk(&mut self, line: &str) -> Result<(), CommandError> {
        let body = SayBody {
            text: line.to_owned(),
            ..SayBody::default()
        };
        let mut screen = Screen::new(self.session);
        match say(self.session, self.talk, &body, &mut screen).await? {
            Heard::Answered(answered) => show_answer(self.session, &mut screen, &answered)?,
            other => {
                let status = show_failure(self.session, &mut screen, &other)?;
                // Who types has seen it; a script learns of the first failure by the status.
                if self.status == 0 && !self.session.types {
                    self.status = status;
                }
            }
        }
        let sheet = sheet_of(self.session, self.number).await?;
        if bound(&sheet.action) != bound(&self.shown) {
            self.show_changed(&sheet)?;
        }
        Ok(())
    }

    /// Approves what was shown last, and nothing else.
    async fn approve(&mut self) -> Result<After, CommandError> {
        let sheet = sheet_of(self.session, self.number).await?;
        if bound(&sheet.action) != bound(&self.shown) {
            self.show_changed(&sheet)?;
            let say = format!(
                "not approved: it has changed since it was shown. Read it, then type approve {} again",
                self.number
            );
            hint(self.session, &say);
            return Ok(After::Next);
        }
        let body = ApproveBody {
            revision: self.shown.revision,
            digest: self.shown.digest,
            reason: Some(format!("after conversation {}", self.talk)),
        };
        let path = format!("/v1/actions/{}/approve", self.number);
        let now: ActionSheet = match self.session.client.post(&path, &body).await {
            Ok(now) => now,
            Err(error) => return self.refused(error.into()),
        };
        if let ActionState::Held { approvals, .. } = &now.action.state {
            approve::still_held(self.session, &now, approvals.len())?;
            return Ok(After::Ends(0));
        }
        let status = approve::approved(self.session, &now.action, false).await?;
        Ok(After::Ends(status))
    }

    async fn reject(&mut self, reason: String) -> Result<After, CommandError> {
        let path = format!("/v1/actions/{}/reject", self.number);
        let body = RejectBody { reason };
        let sheet: ActionSheet = match self.session.client.post(&path, &body).await {
            Ok(sheet) => sheet,
            Err(error) => return self.refused(error.into()),
        };
        match self.session.output {
            Output::Json => json_line(&sheet)?,
            Output::Text => put(&format!(
                "action {} is rejected; the same repair is not proposed again until the evidence changes\n",
                self.number
            ))?,
        }
        Ok(After::Ends(0))
    }

    /// A decision that was refused ends nothing on a terminal; elsewhere nobody is there to try again.
    fn refused(&mut self, error: CommandError) -> Result<After, CommandError> {
        if !self.session.types {
            return Err(error);
        }
        let mut say = format!("nothing was decided: {}", error.line());
        for more in &error.hints {
            say.push_str(&format!(". Try: {more}"));
        }
        hint(self.session, &say);
        Ok(After::Next)
    }
}
