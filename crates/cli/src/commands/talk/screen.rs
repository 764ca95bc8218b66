//! What is shown while something is answered. On a terminal: how long it waits and what is done, in a line that is
//! replaced; what is looked at, dimmed; the text as it comes. Elsewhere: the looks on standard error, the text whole at
//! the end. With `--output json`: nothing before the end.

use std::io::Write as _;
use std::time::{Duration, Instant};

use watchkeeper_model::{JobNumber, for_terminal, visible, visible_block};
use watchkeeper_watch::view::{Answer, Asked, JobEvent};

use super::super::again::{say_away, say_back};
use super::super::put;
use crate::args::Output;
use crate::failure::CommandError;
use crate::session::Session;
use crate::show::{self, Flow, Tone, clip};

/// Goes back to the beginning of the line and empties it.
const EMPTY_LINE: &str = "\r\u{1b}[K";

/// What takes longer is said with how long it takes so far.
const LONG: Duration = Duration::from_secs(5);

/// Where an answer is shown.
pub(super) struct Screen<'s> {
    session: &'s Session,
    flow: Flow,
    /// What has been shown of the answer so far.
    streamed: String,
    /// The line that stands and is to be replaced, and since when.
    stands: Option<(String, Instant)>,
    told_to_wait: bool,
    thinks: bool,
    /// Why it was put back, as was told last, where nothing of an answer came since.
    put_back: Option<String>,
}

impl<'s> Screen<'s> {
    /// For this session.
    pub(super) fn new(session: &'s Session) -> Self {
        Self {
            session,
            flow: Flow::new(session.page_now()),
            streamed: String::new(),
            stands: None,
            told_to_wait: false,
            thinks: false,
            put_back: None,
        }
    }

    fn text(&self) -> bool {
        self.session.output == Output::Text
    }

    /// Whether the text is shown as it comes.
    fn streams(&self) -> bool {
        self.text() && self.session.reads
    }

    /// Something was asked.
    pub(super) fn asked(&self, asked: &Asked) {
        if asked.redacted && self.text() {
            let line = "note: what looked like a secret was taken out of what you wrote";
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// Something happened to it.
    pub(super) fn heard(&mut self, event: &JobEvent) -> Result<(), CommandError> {
        if !self.text() {
            return Ok(());
        }
        match event {
            JobEvent::Waiting { ahead, about_ms } => self.waits(*ahead, *about_ms),
            JobEvent::Started { model, .. } => self.passing(&format!("{} reads", visible(model))),
            JobEvent::Thinking { .. } => {
                if !std::mem::replace(&mut self.thinks, true) {
                    self.passing("thinking");
                }
            }
            JobEvent::Note { kind, text } => self.note(kind, text)?,
            JobEvent::Token { text } if self.streams() => {
                self.clear();
                self.put_back = None;
                self.streamed.push_str(text);
                put(&self.flow.push(text))?;
            }
            JobEvent::PutBack { why } => self.put_back(why)?,
            JobEvent::Token { .. }
            | JobEvent::Done { .. }
            | JobEvent::Failed { .. }
            | JobEvent::Cancelled => {}
        }
        Ok(())
    }

    /// The text of the answer, where it was not shown as it came, and a line end behind it.
    pub(super) fn answer(&mut self, answer: &Answer) -> Result<(), CommandError> {
        if !self.text() {
            return Ok(());
        }
        self.clear();
        if !self.session.reads {
            return put(&(for_terminal(answer.text.trim_end()) + "\n"));
        }
        self.end_flow()?;
        // What is kept is kept as it looks, or with everything in it written out.
        let streamed = for_terminal(&self.streamed);
        let written_out = visible_block(&self.streamed);
        let rest = if not_shown(&written_out, &answer.text).is_empty() {
            ""
        } else {
            not_shown(&streamed, &answer.text).trim()
        };
        if !rest.is_empty() {
            put(&show::flowed(&self.session.page_now(), rest))?;
        }
        self.streamed.clear();
        Ok(())
    }

    /// The daemon went away in the middle.
    pub(super) fn daemon_is_away(
        &mut self,
        job: JobNumber,
        within: Duration,
    ) -> Result<(), CommandError> {
        if self.text() {
            self.broken_off()?;
        }
        say_away(self.session, &format!("job {job} goes on then"), within);
        Ok(())
    }

    /// It is there again.
    pub(super) fn daemon_is_back(&self, job: JobNumber) {
        say_back(self.session, &format!("job {job}"));
    }

    /// Nothing more is heard.
    pub(super) fn over(&mut self) {
        self.clear();
        self.told_to_wait = false;
        self.thinks = false;
    }

    /// Ends the line of a text that broke off.
    pub(super) fn broken_off(&mut self) -> Result<(), CommandError> {
        self.clear();
        self.end_flow()?;
        self.streamed.clear();
        Ok(())
    }

    fn end_flow(&mut self) -> Result<(), CommandError> {
        let rest = self.flow.finish();
        let ends = if self.flow.is_at_line_start() {
            ""
        } else {
            "\n"
        };
        self.flow = Flow::new(self.session.page_now());
        put(&(rest + ends))
    }

    fn waits(&mut self, ahead: i64, about_ms: Option<u64>) {
        let line = show::waiting(ahead, about_ms);
        if self.session.progress {
            self.passing(&line);
        } else if ahead > 0 && !std::mem::replace(&mut self.told_to_wait, true) {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// A line that the next one replaces; on a terminal only.
    fn passing(&mut self, line: &str) {
        if !self.session.progress || !self.streamed.is_empty() {
            return;
        }
        self.draw(line);
        self.stands = Some((line.to_owned(), Instant::now()));
    }

    /// Time passes. What takes long is said with how long it takes so far: a model that is loaded first may take a minute.
    pub(super) fn tick(&self) {
        let Some((line, since)) = &self.stands else {
            return;
        };
        let so_far = since.elapsed();
        if so_far >= LONG {
            self.draw(&format!("{line}, for {} so far", show::span(so_far)));
        }
    }

    /// Puts a line in the place of the one that stands, within the width of the terminal: only one line can be replaced.
    fn draw(&self, line: &str) {
        let page = self.session.page_now();
        let line = page.paint(Tone::Dim, &clip(line, page.width.saturating_sub(1)));
        let _ = write!(std::io::stderr(), "{EMPTY_LINE}{line}");
    }

    fn clear(&mut self) {
        if self.stands.take().is_some() {
            let _ = write!(std::io::stderr(), "{EMPTY_LINE}");
        }
    }

    fn note(&mut self, kind: &str, text: &str) -> Result<(), CommandError> {
        self.clear();
        if self.streams() && !self.streamed.is_empty() {
            // What the model said before it looked stays; what follows is another paragraph.
            self.end_flow()?;
            self.streamed.clear();
        }
        let page = self.session.page_now();
        let line = page.wrap(&format!("{}: {}", visible(kind), visible(text)), 2);
        let _ = writeln!(std::io::stderr(), "{}", page.paint(Tone::Dim, &line));
        self.thinks = false;
        Ok(())
    }

    /// What has come so far does not count. Who waits is told once why, and not at every try that ends the same.
    fn put_back(&mut self, why: &str) -> Result<(), CommandError> {
        self.broken_off()?;
        if self.put_back.as_deref() == Some(why) {
            return Ok(());
        }
        let page = self.session.page_now();
        let line = page.wrap(&format!("begins again: {}", visible(why)), 2);
        let line = self.session.page.paint(Tone::Warn, &line);
        let _ = writeln!(std::io::stderr(), "{line}");
        self.put_back = Some(why.to_owned());
        Ok(())
    }
}

/// What of the answer was not shown as it came: nothing where what was shown ends with it, what follows where the answer
/// begins with what was shown, and else all of it. Blanks do not count.
fn not_shown<'t>(streamed: &str, text: &'t str) -> &'t str {
    let words = |text: &str| -> String { text.split_whitespace().collect() };
    let (shown, whole) = (words(streamed), words(text));
    if shown.ends_with(&whole) {
        return "";
    }
    if shown.is_empty() || !whole.starts_with(&shown) {
        return text;
    }
    let mut left = shown.chars().count();
    for (at, c) in text.char_indices() {
        if left == 0 {
            return &text[at..];
        }
        left -= usize::from(!c.is_whitespace());
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_shown_as_it_came_is_not_shown_again() {
        let whole = "The disk is full.";
        assert_eq!(not_shown("Let me see.\nThe disk\nis full.", whole), "");
        assert_eq!(not_shown("", ""), "");
        assert_eq!(not_shown("", whole), whole);
        let marked = "The disk is full [E1].\n(Unsupported: there is no E1)";
        assert_eq!(
            not_shown("The disk  is full [E1].", marked).trim(),
            "(Unsupported: there is no E1)"
        );
        assert_eq!(not_shown("The disk is empty.", marked), marked);
    }
}
