//! Following an approved action to its end. Where the daemon goes away meanwhile, what runs on the host goes on there: the
//! command waits for the daemon (`again.rs`), and tells what is new since.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::anyhow;
use http::Method;
use watchkeeper_model::{ActionNumber, Phase, Span};
use watchkeeper_watch::view::RunEvent;

use super::again::{Again, again, is_away, say_away, say_back};
use super::put;
use crate::args::Output;
use crate::client::Events;
use crate::failure::{CommandError, Kind};
use crate::interrupts::Hears;
use crate::session::Session;
use crate::show;

/// Shows what happens until it is over. The exit status: 0 fixed, 1 anything else, none where the stream broke.
pub(super) async fn follow(
    session: &Session,
    number: ActionNumber,
) -> Result<Option<u8>, CommandError> {
    let path = format!("/v1/actions/{number}/events");
    session.interrupts.ask_for_it();
    // With a daemon the run goes on without this command; alone, it is this process that would leave it.
    let mut hears = (!session.works_itself()).then(|| session.interrupts.hear());
    let events = session.client.events(Method::GET, &path, None::<&()>);
    let mut events = events.await?;
    let mut shown = Shown::default();
    loop {
        let next = match &mut hears {
            None => events.next().await,
            Some(hears) => tokio::select! {
                next = events.next() => next,
                () = hears.pressed() => return Err(not_followed(number)),
            },
        };
        let event: RunEvent = match (next, &mut hears) {
            (Ok(Some(event)), _) => event.read()?,
            (Ok(None), None) => return Ok(None),
            (Ok(None), Some(hears)) => {
                events = back(session, number, &path, hears).await?;
                shown.begin_again();
                continue;
            }
            (Err(error), Some(hears)) if is_away(&error) => {
                events = back(session, number, &path, hears).await?;
                shown.begin_again();
                continue;
            }
            (Err(error), _) => {
                let next = format!("watchkeeper approve show {number}");
                return Err(CommandError::from(error).hint(next));
            }
        };
        let ended = match &event {
            RunEvent::State {
                state, last: true, ..
            } => Some(u8::from(state != "fixed")),
            _ => None,
        };
        if let Some(event) = shown.news(event)
            && session.output == Output::Text
            && let Some(line) = show::run_event(&session.page, &event)
        {
            put(&(line + "\n"))?;
        }
        if ended.is_some() {
            return Ok(ended);
        }
    }
}

/// Waits for the daemon, and follows it from the beginning of what it tells.
async fn back(
    session: &Session,
    number: ActionNumber,
    path: &str,
    hears: &mut Hears,
) -> Result<Events, CommandError> {
    let within = session.daemon_back_within;
    let goes_on = format!("what action {number} has begun on its host goes on there");
    say_away(session, &goes_on, within);
    match again(session, path, hears).await {
        Again::Back(events) => {
            say_back(session, &format!("action {number}"));
            Ok(events)
        }
        Again::Stopped => Err(not_followed(number)),
        Again::Refused(error) => Err(error.into()),
        Again::NotBack(error) => Err(not_back(error, number, within)),
    }
}

fn not_followed(number: ActionNumber) -> CommandError {
    CommandError::failed(anyhow!("stopped following; action {number} goes on"))
        .kind(Kind::Interrupted)
        .hint(format!("watchkeeper approve show {number}"))
}

fn not_back(error: anyhow::Error, number: ActionNumber, within: Duration) -> CommandError {
    let what = format!(
        "the daemon did not come back within {}; what action {number} has begun on its host goes on there, and the daemon \
         looks how it ended when it is back",
        Span(within)
    );
    CommandError::failed(error.context(what)).hint(format!("watchkeeper approve show {number}"))
}

/// A step's place in a run, and one of its streams.
type Place = (bool, u32);
type Stream = (bool, u32, bool);

/// What was shown. A daemon that is back tells from the beginning, and what a step has printed in other pieces.
#[derive(Debug, Default)]
struct Shown {
    state: Option<String>,
    started: BTreeSet<Place>,
    ended: BTreeSet<Place>,
    printed: BTreeMap<Stream, Printed>,
}

/// What a stream of a step has printed, and how much of that was told again.
#[derive(Debug, Default)]
struct Printed {
    text: String,
    again: usize,
}

impl Shown {
    /// The stream begins again.
    fn begin_again(&mut self) {
        for printed in self.printed.values_mut() {
            printed.again = 0;
        }
    }

    /// What of an event was not shown yet.
    fn news(&mut self, event: RunEvent) -> Option<RunEvent> {
        let is_new = match &event {
            RunEvent::State {
                state, text, last, ..
            } => {
                let again = self.state.as_ref() == Some(state) && text.is_empty() && !last;
                self.state = Some(state.clone());
                !again
            }
            RunEvent::StepStarted { phase, index, .. } => {
                self.started.insert(place(*phase, *index))
            }
            RunEvent::StepEnded { phase, index, .. } => self.ended.insert(place(*phase, *index)),
            RunEvent::Output { .. } => return self.news_of_output(event),
        };
        is_new.then_some(event)
    }

    fn news_of_output(&mut self, event: RunEvent) -> Option<RunEvent> {
        let RunEvent::Output {
            number,
            phase,
            index,
            stderr,
            text,
        } = event
        else {
            return None;
        };
        let (undo, index_of) = place(phase, index);
        let printed = self.printed.entry((undo, index_of, stderr)).or_default();
        let text = printed.news(text);
        (!text.is_empty()).then_some(RunEvent::Output {
            number,
            phase,
            index,
            stderr,
            text,
        })
    }
}

impl Printed {
    fn news(&mut self, piece: String) -> String {
        let known = &self.text[self.again..];
        if known.starts_with(&piece) {
            self.again += piece.len();
            return String::new();
        }
        let news = match piece.strip_prefix(known) {
            Some(news) => news.to_owned(),
            // It is told otherwise than before, such as shortened: better twice than not at all.
            None => piece,
        };
        self.text.push_str(&news);
        self.again = self.text.len();
        news
    }
}

fn place(phase: Phase, index: u32) -> Place {
    (phase == Phase::Undo, index)
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::StepOutcome;

    use super::*;

    const NUMBER: ActionNumber = ActionNumber(0);

    fn state(state: &str, text: &str) -> RunEvent {
        RunEvent::State {
            number: NUMBER,
            state: state.to_owned(),
            text: text.to_owned(),
            last: state == "fixed",
        }
    }

    fn started(index: u32) -> RunEvent {
        RunEvent::StepStarted {
            number: NUMBER,
            phase: Phase::Apply,
            index,
            what: String::new(),
        }
    }

    fn ended(index: u32) -> RunEvent {
        RunEvent::StepEnded {
            number: NUMBER,
            phase: Phase::Apply,
            index,
            outcome: StepOutcome::Cancelled,
        }
    }

    fn printed(text: &str) -> RunEvent {
        RunEvent::Output {
            number: NUMBER,
            phase: Phase::Apply,
            index: 0,
            stderr: false,
            text: text.to_owned(),
        }
    }

    fn all_news(shown: &mut Shown, events: Vec<RunEvent>) -> Vec<RunEvent> {
        let news = events.into_iter().filter_map(|event| shown.news(event));
        news.collect()
    }

    #[test]
    fn what_was_shown_before_the_daemon_went_away_is_not_shown_again() {
        let mut shown = Shown::default();
        let before = vec![
            state("running", "begun"),
            started(0),
            printed("one\n"),
            printed("two\n"),
        ];
        assert_eq!(all_news(&mut shown, before.clone()), before);
        shown.begin_again();
        let after = vec![
            started(0),
            printed("one\ntwo\nthree\n"),
            ended(0),
            state("running", ""),
            started(1),
            state("running", "no answer, asked again in 5 s"),
            state("fixed", ""),
        ];
        let news = vec![
            printed("three\n"),
            ended(0),
            started(1),
            state("running", "no answer, asked again in 5 s"),
            state("fixed", ""),
        ];
        assert_eq!(all_news(&mut shown, after), news);
    }

    #[test]
    fn what_a_step_prints_again_in_smaller_pieces_is_shown_once() {
        let mut shown = Shown::default();
        shown.news(printed("one\ntwo\n"));
        shown.begin_again();
        let pieces = vec![printed("one\n"), printed("tw"), printed("o\nthree\n")];
        assert_eq!(all_news(&mut shown, pieces), [printed("three\n")]);
        assert_eq!(shown.news(printed("three\n")), Some(printed("three\n")));
    }

    #[test]
    fn what_is_told_otherwise_is_shown() {
        let mut shown = Shown::default();
        shown.news(printed("a long text"));
        shown.begin_again();
        let other = printed("a [output is missing here] text");
        assert_eq!(shown.news(other.clone()), Some(other));
    }
}
