//! What one generation does, as a script says it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

/// How long anything in a test is waited for.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// A gate that a scripted answer waits at until the test opens it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<GateState>);

#[derive(Debug)]
struct GateState {
    open: watch::Sender<bool>,
    reached: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(GateState {
            open: watch::Sender::new(false),
            reached: watch::Sender::new(false),
        }))
    }

    /// Opens it, for good.
    pub fn open(&self) {
        self.0.open.send_replace(true);
    }

    /// Waits until an answer stands before it.
    ///
    /// # Panics
    /// When none comes within the deadline.
    pub async fn is_reached(&self) {
        wait_for(&self.0.reached, "an answer that stands at the gate").await;
    }

    pub(super) async fn pass(&self) {
        self.0.reached.send_replace(true);
        let mut open = self.0.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}

async fn wait_for(flag: &watch::Sender<bool>, what: &str) {
    let mut seen = flag.subscribe();
    assert!(
        tokio::time::timeout(DEADLINE, seen.wait_for(|set| *set))
            .await
            .is_ok(),
        "waited in vain for {what}"
    );
}

/// What one generation does.
#[derive(Clone, Debug)]
pub struct Turn {
    pub(super) kind: Kind,
    pub(super) gate: Option<Gate>,
    pub(super) gap: Option<(usize, Gate)>,
    pub(super) pace: Option<Duration>,
    pub(super) chopping: Chopping,
    pub(super) ending: Ending,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Frames as the protocol writes them.
    Answer(Answer),
    /// A refusal as the protocol words it.
    Refusal {
        status: u16,
        headers: Vec<(String, String)>,
        text: String,
        code: String,
    },
    /// Tokens for ever.
    Unending,
    /// Something else, byte for byte.
    Raw {
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
    },
    /// The same bytes for ever.
    Endless { line: Bytes },
    /// Not even a status line.
    Silence,
    /// The connection is closed without a word.
    Slam,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) thinking: String,
    pub(super) text: String,
    /// Overrides how the text is cut into tokens.
    pub(super) tokens: Option<Vec<String>>,
    pub(super) calls: Vec<Call>,
    pub(super) done_reason: Option<String>,
    pub(super) prompt_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    /// Whether it says nothing about what it read and wrote.
    pub(super) counts_nothing: bool,
}

/// A tool call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// A text is sent as it is, where the protocol has arguments as text.
    pub(super) arguments: Value,
}

impl Call {
    pub(super) fn arguments_as_text(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            arguments => arguments.to_string(),
        }
    }
}

/// Where the bytes are cut into chunks.
#[derive(Clone, Debug)]
pub(super) enum Chopping {
    Lines,
    Every(usize),
    At(Vec<usize>),
}

/// How the lines end; numbers count lines that were sent before.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Done,
    Cut(usize),
    Quiet(usize),
    Error(usize, String),
    Hang(usize),
}

impl Turn {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            gate: None,
            gap: None,
            pace: None,
            chopping: Chopping::Lines,
            ending: Ending::Done,
        }
    }

    /// Answers with a text, about a word to a token.
    #[must_use]
    pub fn replies(text: impl Into<String>) -> Self {
        Self::of(Kind::Answer(Answer {
            text: text.into(),
            ..Answer::default()
        }))
    }

    /// Answers with exactly these tokens.
    #[must_use]
    pub fn tokens<T: Into<String>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        Self::of(Kind::Answer(Answer {
            text: tokens.concat(),
            tokens: Some(tokens),
            ..Answer::default()
        }))
    }

    /// Calls tools, each with an id, a name and arguments; an empty id is left out, as by older servers. Arguments
    /// that are a string are sent as that text, which need not be JSON.
    #[must_use]
    pub fn calls_tools<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str, Value)>) -> Self {
        let calls = calls.into_iter().map(|(id, name, arguments)| Call {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments,
        });
        Self::of(Kind::Answer(Answer {
            calls: calls.collect(),
            ..Answer::default()
        }))
    }

    /// Refuses with a status and an error, as the protocol words it.
    #[must_use]
    pub fn refuses(status: u16, error: &str) -> Self {
        Self::refuses_as(status, "", error)
    }

    /// Refuses with a word for the kind of error where the protocol has such words: `insufficient_quota`.
    #[must_use]
    pub fn refuses_as(status: u16, code: &str, error: &str) -> Self {
        Self::of(Kind::Refusal {
            status,
            headers: Vec::new(),
            text: error.to_owned(),
            code: code.to_owned(),
        })
    }

    /// Refuses because too much is waiting, and says when to come again.
    #[must_use]
    pub fn is_busy(retry_after: &str) -> Self {
        Self::is_busy_with(503, retry_after)
    }

    /// Refuses with another status because too much is waiting: 429, or 529.
    #[must_use]
    pub fn is_busy_with(status: u16, retry_after: &str) -> Self {
        Self::of(Kind::Refusal {
            status,
            headers: vec![("retry-after".to_owned(), retry_after.to_owned())],
            text: "server busy, please try again.  maximum pending requests exceeded".to_owned(),
            code: String::new(),
        })
    }

    /// Sends exactly this.
    #[must_use]
    pub fn sends(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::of(Kind::Raw {
            status,
            headers: headers.collect(),
            body: body.into(),
        })
    }

    /// Answers as a web server that is no model server.
    #[must_use]
    pub fn speaks_html() -> Self {
        let page = "<!DOCTYPE html>\n<html><body><h1>It works</h1></body></html>\n";
        Self::sends(200, &[("content-type", "text/html")], page)
    }

    /// Points elsewhere.
    #[must_use]
    pub fn redirects_to(url: &str) -> Self {
        Self::sends(307, &[("location", url)], "")
    }

    /// Says tokens for ever, long ones, so that a limit is soon reached.
    #[must_use]
    pub fn never_ends() -> Self {
        Self::of(Kind::Unending)
    }

    /// Sends one line for ever.
    #[must_use]
    pub fn never_ends_its_line() -> Self {
        Self::of(Kind::Endless {
            line: Bytes::from(vec![b'x'; 64 * 1024]),
        })
    }

    /// Takes the request and says nothing, not even a status.
    #[must_use]
    pub fn says_nothing() -> Self {
        Self::of(Kind::Silence)
    }

    /// Takes the request and closes the connection.
    #[must_use]
    pub fn slams_the_door() -> Self {
        Self::of(Kind::Slam)
    }

    fn answer(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        if let Kind::Answer(answer) = &mut self.kind {
            change(answer);
        }
        self
    }

    /// Thinks this first.
    #[must_use]
    pub fn thinking(self, text: &str) -> Self {
        self.answer(|answer| answer.thinking = text.to_owned())
    }

    /// Says this before it calls.
    #[must_use]
    pub fn saying(self, text: &str) -> Self {
        self.answer(|answer| answer.text = text.to_owned())
    }

    /// Gives this reason for its end.
    #[must_use]
    pub fn done_because(self, reason: &str) -> Self {
        self.answer(|answer| answer.done_reason = Some(reason.to_owned()))
    }

    /// Claims to have read and written so many tokens.
    #[must_use]
    pub fn counting(self, prompt_tokens: u64, output_tokens: u64) -> Self {
        self.answer(|answer| {
            answer.prompt_tokens = Some(prompt_tokens);
            answer.output_tokens = Some(output_tokens);
        })
    }

    /// Says nothing about what it has read and written.
    #[must_use]
    pub fn counting_nothing(self) -> Self {
        self.answer(|answer| answer.counts_nothing = true)
    }

    /// Lets this much time pass before each piece.
    #[must_use]
    pub const fn one_piece_every(mut self, pause: Duration) -> Self {
        self.pace = Some(pause);
        self
    }

    /// Sends its first byte, headers included, only once the gate is open.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Sends so many lines and goes on once the gate is open.
    #[must_use]
    pub fn pausing_after(mut self, lines: usize, gate: &Gate) -> Self {
        self.gap = Some((lines, gate.clone()));
        self
    }

    /// Sends so many bytes at a time.
    #[must_use]
    pub fn in_chunks_of(mut self, bytes: usize) -> Self {
        self.chopping = Chopping::Every(bytes.max(1));
        self
    }

    /// Cuts its bytes into chunks at these offsets, inside a character where one lies there.
    #[must_use]
    pub fn split_at(mut self, offsets: &[usize]) -> Self {
        self.chopping = Chopping::At(offsets.to_vec());
        self
    }

    /// Cuts the connection after so many lines.
    #[must_use]
    pub fn cut_after(mut self, lines: usize) -> Self {
        self.ending = Ending::Cut(lines);
        self
    }

    /// Ends in good order after so many lines, without the one that says `done`.
    #[must_use]
    pub fn ended_after(mut self, lines: usize) -> Self {
        self.ending = Ending::Quiet(lines);
        self
    }

    /// Reports an error inside the stream after so many lines.
    #[must_use]
    pub fn failing_after(mut self, lines: usize, error: &str) -> Self {
        self.ending = Ending::Error(lines, error.to_owned());
        self
    }

    /// Falls silent after so many lines and keeps the connection.
    #[must_use]
    pub fn hanging_after(mut self, lines: usize) -> Self {
        self.ending = Ending::Hang(lines);
        self
    }
}
