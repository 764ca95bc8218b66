//! `chat`: a talk that goes on. On a terminal with an editor, history and text as it comes; elsewhere the lines of
//! standard input are answered one after the other.

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use serde::Serialize;
use watchkeeper_model::{Conversation, ConversationKind, HostName, visible};
use watchkeeper_server::{SayBody, TalkBody};
use watchkeeper_watch::view::{Answer, ConversationSheet, QueueView, SystemLine};

use super::super::{Ended, answer, put};
use super::args::ChatArgs;
use super::lines::{Lines, Typed};
use super::screen::Screen;
use super::slash::{HELP, HELP_COLUMN, Slash, slash};
use super::{Heard, begin, json_line, new_talk, say};
use crate::args::Output;
use crate::failure::{CommandError, Kind};
use crate::session::Session;
use crate::show::{self, Tone};

/// The prompt.
pub(super) const PROMPT: &str = "> ";
/// Turns that are shown of a talk that goes on.
const SHOWN_AGAIN: usize = 6;
/// Empties the terminal and goes to its top.
const EMPTY_SCREEN: &str = "\u{1b}[H\u{1b}[2J";

/// One exchange of a talk for machines.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Exchange<'e> {
    /// It was answered.
    Answer(&'e Answer),
    /// It was not.
    Failed {
        /// Why not.
        why: &'e str,
    },
    /// What was said so far.
    History(&'e ConversationSheet),
}

/// A chat under way.
struct Chat<'s> {
    session: &'s Session,
    talk: Conversation,
    /// Hosts and lane that are said with the next question.
    hosts: Option<Vec<HostName>>,
    lane: Option<String>,
    last_model: Option<String>,
    status: u8,
}

/// Talks until there is nothing more to say. The status: 0; where nobody types, that of the first question that was not
/// answered.
pub(in crate::commands) async fn run(session: &Session, args: &ChatArgs) -> Ended {
    if args.list {
        let talks: Vec<Conversation> = session.client.get("/v1/conversations").await?;
        answer(session.output, &talks, |talks| {
            show::talk_list(&session.page, talks, &session.called)
        })?;
        return Ok(0);
    }
    let mut chat = Chat::begin(session, args).await?;
    let mut lines = if session.types && session.reads {
        let history = args.history.clone().or_else(|| Some(session.history()));
        Lines::of_this_terminal(history)?
    } else {
        Lines::Input
    };
    loop {
        match lines.next(PROMPT).await? {
            Typed::End => break,
            Typed::Interrupted => hint(session, "Ctrl-D or /exit leaves"),
            Typed::Line(line) if line.trim().is_empty() => {}
            Typed::Line(line) => {
                lines.remember(&line);
                if chat.typed(&line).await? {
                    break;
                }
            }
        }
    }
    chat.farewell();
    Ok(chat.status)
}

impl<'s> Chat<'s> {
    async fn begin(session: &'s Session, args: &ChatArgs) -> Result<Self, CommandError> {
        let talk = match args.resume {
            None => begin(session, new_talk(ConversationKind::Chat, &args.about)).await?,
            Some(number) => {
                session.serve_own_lanes();
                let number = match number {
                    Some(number) => number,
                    None => last(session).await?,
                };
                let sheet: ConversationSheet = session
                    .client
                    .get(&format!("/v1/conversations/{number}"))
                    .await?;
                if let Some(action) = sheet.conversation.action {
                    let error = anyhow!("talk {number} is about action {action}");
                    let next = format!("watchkeeper approve discuss {action}");
                    return Err(CommandError::usage(error).hint(next));
                }
                show_again(session, &sheet)?;
                sheet.conversation
            }
        };
        let said = |names: &[HostName]| (!names.is_empty()).then(|| names.to_vec());
        let chat = Self {
            hosts: args.resume.and_then(|_| said(&args.about.host)),
            lane: args.resume.and_then(|_| args.about.lane.clone()),
            session,
            talk,
            last_model: None,
            status: 0,
        };
        chat.greet()?;
        Ok(chat)
    }

    fn shows(&self) -> bool {
        self.session.types && self.session.reads && self.session.output == Output::Text
    }

    fn greet(&self) -> Result<(), CommandError> {
        if !self.shows() {
            return Ok(());
        }
        let page = self.session.page_now();
        let title = format!("talk {} · {}", self.talk.number, self.about());
        let hint = "/help says what else can be typed; Ctrl-C stops an answer, Ctrl-D leaves";
        put(&format!(
            "{}\n{}\n\n",
            page.paint(Tone::Strong, &page.wrap(&title, 2)),
            page.paint(Tone::Dim, &page.wrap(hint, 2))
        ))
    }

    fn about(&self) -> String {
        let hosts = self.hosts.as_ref().unwrap_or(&self.talk.hosts);
        if hosts.is_empty() {
            "about all hosts".to_owned()
        } else {
            let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            format!("about {}", names.join(", "))
        }
    }

    fn answers(&self) -> String {
        let lane = self.lane.as_ref().or(self.talk.lane.as_ref());
        let lane = lane.filter(|lane| !lane.is_empty());
        let lane = lane.map_or_else(
            || "any lane answers".to_owned(),
            |lane| format!("lane {lane} answers"),
        );
        match &self.last_model {
            Some(model) => format!("{lane}; the last answer was by {}", visible(model)),
            None => lane,
        }
    }

    /// Takes one line. True where it ends the chat.
    async fn typed(&mut self, line: &str) -> Result<bool, CommandError> {
        // What was pasted in several lines is a question, whatever its first one looks like.
        if !line.trim_start().starts_with('/') || line.trim().contains('\n') {
            self.question(line).await?;
            return Ok(false);
        }
        match slash(line.trim()) {
            Ok(Slash::Exit) => return Ok(true),
            Ok(slash) => self.command(slash).await?,
            Err(why) => hint(self.session, &why),
        }
        Ok(false)
    }

    async fn command(&mut self, slash: Slash) -> Result<(), CommandError> {
        match slash {
            Slash::Help => help(self.session, HELP)?,
            Slash::Hosts(None) => aside(self.session, &format!("{}\n", self.about()))?,
            Slash::Hosts(Some(hosts)) => match self.unknown_host(&hosts).await? {
                Some(name) => hint(
                    self.session,
                    &format!("there is no host {name}: watchkeeper systems"),
                ),
                None => {
                    self.hosts = Some(hosts);
                    aside(self.session, &format!("{}\n", self.about()))?;
                }
            },
            Slash::Model(None) => aside(self.session, &format!("{}\n", self.answers()))?,
            Slash::Model(Some(lane)) => match self.other_lanes(&lane).await? {
                Some(others) => hint(
                    self.session,
                    &format!("there is no lane {lane}; there is {others}"),
                ),
                None => {
                    self.lane = Some(lane);
                    aside(self.session, &format!("{}\n", self.answers()))?;
                }
            },
            Slash::History => {
                let sheet = self.sheet().await?;
                history(self.session, &sheet)?;
            }
            Slash::Clear => self.clear().await?,
            Slash::Save(path) => {
                let sheet = self.sheet().await?;
                if !save(self.session, &sheet, &path) {
                    self.fails(Kind::Failed.exit_status());
                }
            }
            Slash::Sheet => hint(
                self.session,
                "no action is discussed here: approve discuss N",
            ),
            Slash::Exit => {}
        }
        Ok(())
    }

    /// The first of these hosts that is not in the inventory.
    async fn unknown_host(&self, hosts: &[HostName]) -> Result<Option<HostName>, CommandError> {
        if hosts.is_empty() {
            return Ok(None);
        }
        let systems: Vec<SystemLine> = self.session.client.get("/v1/systems").await?;
        let is_known = |host: &&HostName| systems.iter().any(|system| system.host == **host);
        Ok(hosts.iter().find(|host| !is_known(host)).cloned())
    }

    /// The lanes that there are, where this one is none of them. Where nobody has told of any yet, none is missed.
    async fn other_lanes(&self, wanted: &str) -> Result<Option<String>, CommandError> {
        let queue: QueueView = self.session.client.get("/v1/queue?limit=1").await?;
        let mut names: Vec<&str> = queue.lanes.iter().map(|lane| lane.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let is_known = wanted.is_empty() || names.is_empty() || names.contains(&wanted);
        Ok((!is_known).then(|| names.join(", ")))
    }

    async fn sheet(&self) -> Result<ConversationSheet, CommandError> {
        let path = format!("/v1/conversations/{}", self.talk.number);
        Ok(self.session.client.get(&path).await?)
    }

    async fn clear(&mut self) -> Result<(), CommandError> {
        let body = TalkBody {
            kind: ConversationKind::Chat,
            hosts: self.hosts.take().unwrap_or_else(|| self.talk.hosts.clone()),
            action: None,
            lane: self
                .lane
                .take()
                .or_else(|| self.talk.lane.clone())
                .filter(|lane| !lane.is_empty()),
        };
        self.talk = begin(self.session, body).await?;
        if self.shows() {
            put(EMPTY_SCREEN)?;
        }
        self.greet()
    }

    async fn question(&mut self, line: &str) -> Result<(), CommandError> {
        let body = SayBody {
            text: line.to_owned(),
            hosts: self.hosts.clone(),
            lane: self.lane.clone(),
        };
        let mut screen = Screen::new(self.session);
        let heard = say(self.session, self.talk.number, &body, &mut screen).await?;
        if !matches!(heard, Heard::Refused(_)) {
            self.talk.turns += 1;
        }
        match &heard {
            Heard::Answered(answered) => {
                if let Some(hosts) = self.hosts.take() {
                    self.talk.hosts = hosts;
                }
                if let Some(lane) = self.lane.take() {
                    self.talk.lane = Some(lane);
                }
                self.last_model = Some(answered.model.clone());
                show_answer(self.session, &mut screen, answered)?;
            }
            other => {
                let status = show_failure(self.session, &mut screen, other)?;
                self.fails(status);
            }
        }
        Ok(())
    }

    /// Remembers that something failed. Who types has seen it; a script learns of the first failure by the status.
    fn fails(&mut self, status: u8) {
        if self.status == 0 && !self.session.types {
            self.status = status;
        }
    }

    fn farewell(&self) {
        if self.shows() && self.talk.turns > 0 {
            let resume = self.session.called.command("chat --resume");
            hint(
                self.session,
                &format!("kept: {resume} {}", self.talk.number),
            );
        }
    }
}

/// Shows an answer that has come.
pub(super) fn show_answer(
    session: &Session,
    screen: &mut Screen<'_>,
    answered: &Answer,
) -> Result<(), CommandError> {
    if session.output == Output::Json {
        return json_line(&Exchange::Answer(answered));
    }
    screen.answer(answered)?;
    let foot = show::answer_foot(&session.page_now(), answered, &session.called);
    let end = if session.reads { "\n" } else { "" };
    put(&(foot + end))
}

/// Shows that there is none. The status that it means.
pub(super) fn show_failure(
    session: &Session,
    screen: &mut Screen<'_>,
    heard: &Heard,
) -> Result<u8, CommandError> {
    screen.broken_off()?;
    let (said, status, hints) = match heard {
        Heard::Failed(why) => (
            format!("there is no answer: {why}"),
            Kind::Failed,
            Vec::new(),
        ),
        Heard::Refused(error) => (
            format!("there is no answer: {}", error.line()),
            error.kind,
            error.hints.clone(),
        ),
        Heard::Answered(_) | Heard::Stopped => {
            ("stopped".to_owned(), Kind::Interrupted, Vec::new())
        }
    };
    if session.output == Output::Json {
        json_line(&Exchange::Failed { why: &said })?;
    } else {
        hint(session, &said);
        for next in hints {
            hint(session, &format!("Try: {next}"));
        }
    }
    Ok(status.exit_status())
}

/// Shows a text that is asked for of this program; where objects are read, it does not stand between them.
pub(super) fn aside(session: &Session, text: &str) -> Result<(), CommandError> {
    if session.output == Output::Json {
        let _ = write!(std::io::stderr(), "{text}");
        return Ok(());
    }
    put(text)
}

/// Shows what can be typed, each line within the width of the page.
pub(super) fn help(session: &Session, text: &str) -> Result<(), CommandError> {
    let page = session.page_now();
    let wrapped = |line: &str| {
        let (typed, does): (String, String) = (
            line.chars().take(HELP_COLUMN).collect(),
            line.chars().skip(HELP_COLUMN).collect(),
        );
        if typed.ends_with(' ') {
            format!("{typed}{}\n", page.wrap(&does, HELP_COLUMN))
        } else {
            format!("  {}\n", page.wrap(line.trim(), 2))
        }
    };
    aside(session, &text.lines().map(wrapped).collect::<String>())
}

/// Shows what was said so far.
pub(super) fn history(session: &Session, sheet: &ConversationSheet) -> Result<(), CommandError> {
    if session.output == Output::Json {
        return json_line(&Exchange::History(sheet));
    }
    put(&show::said_again(&session.page_now(), &sheet.said))
}

/// Says something beside the talk.
pub(super) fn hint(session: &Session, text: &str) {
    let shown = session.called.respell(text).into_owned();
    let page = session.page_now();
    let line = page.wrap(&watchkeeper_model::visible(&shown), 2);
    let line = session.page.paint(Tone::Dim, &line);
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The person's last chat in which something was said.
async fn last(session: &Session) -> Result<watchkeeper_model::ConversationNumber, CommandError> {
    let path = "/v1/conversations?kind=chat&limit=100";
    let talks: Vec<Conversation> = session.client.get(path).await?;
    let last = talks.iter().find(|talk| talk.turns > 0);
    let last = last.map(|talk| talk.number);
    last.ok_or_else(|| {
        CommandError::usage(anyhow!("there is no talk to go on with")).hint("watchkeeper chat")
    })
}

fn show_again(session: &Session, sheet: &ConversationSheet) -> Result<(), CommandError> {
    if session.output == Output::Json || !session.reads {
        return Ok(());
    }
    let earlier = sheet.said.len().saturating_sub(SHOWN_AGAIN);
    let page = session.page_now();
    if earlier > 0 {
        let line = format!("… {earlier} earlier, /history shows them\n\n");
        put(&page.paint(Tone::Dim, &line))?;
    }
    put(&show::said_again(&page, &sheet.said[earlier..]))
}

/// Writes a talk to a new file, its owner's only. What is there already stays. Says whether it is written.
pub(super) fn save(session: &Session, sheet: &ConversationSheet, path: &Path) -> bool {
    use std::os::unix::fs::OpenOptionsExt as _;
    let page = show::Page {
        colour: false,
        ..session.page_now()
    };
    let text = show::said_again(&page, &sheet.said);
    let mut options = std::fs::OpenOptions::new();
    let written = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match &written {
        Ok(()) => hint(session, &format!("written to {}", path.display())),
        Err(error) => hint(
            session,
            &format!("could not write {}: {error}", path.display()),
        ),
    }
    written.is_ok()
}
