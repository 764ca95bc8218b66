//! Following one action to its end: what has happened so far, then every event as it comes.
//!
//! Signals are for speed and the store is the truth. A follower listens first and reads the store then, so that
//! nothing falls between; it reads again after it fell behind, and now and then, because another controller's signals
//! do not come here. What it has told it does not tell twice, and it never tells an earlier state after a later one.
//!
//! The stream ends with the last state. Where no daemon runs it also ends when this process does nothing more about the
//! action: a host that was not reached leaves it approved, and nobody here tries again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::MissedTickBehavior;
use watchkeeper_model::{ActionNumber, Phase};
use watchkeeper_watch::WatchError;
use watchkeeper_watch::view::RunEvent;

use crate::own::Rest;
use crate::problem::Problem;
use crate::routes::Shared;
use crate::stream::{NobodyReads, Outlet};

/// How often the store is read where no signal comes.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Why following ends.
enum End {
    /// The last state was told.
    Last,
    /// The store does not answer.
    Broken(WatchError),
    /// Nobody reads.
    NobodyReads,
}

impl From<WatchError> for End {
    fn from(error: WatchError) -> Self {
        Self::Broken(error)
    }
}

impl From<NobodyReads> for End {
    fn from(_: NobodyReads) -> Self {
        Self::NobodyReads
    }
}

/// Tells all about an action until it is over.
pub(crate) async fn follow(shared: &Shared, number: ActionNumber, outlet: &Outlet) {
    let follower = Follower {
        shared,
        number,
        outlet,
        events: shared.serving.watch.run_events(),
        told: Told::default(),
        signalled_end: None,
    };
    match follower.run().await {
        Ok(never) => match never {},
        Err(End::Last | End::NobodyReads) => {}
        Err(End::Broken(error)) => outlet.fail(&Problem::from(error)).await,
    }
}

struct Follower<'a> {
    shared: &'a Shared,
    number: ActionNumber,
    outlet: &'a Outlet,
    events: broadcast::Receiver<RunEvent>,
    told: Told,
    /// An end that was signalled while the store was read, and is still to be heard.
    signalled_end: Option<RunEvent>,
}

impl Follower<'_> {
    async fn run(mut self) -> Result<Infallible, End> {
        // The first tick comes at once.
        let mut look_again = tokio::time::interval(LOOK_AGAIN);
        look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Some(event) = self.signalled_end.take() {
                self.hear(event).await?;
            }
            tokio::select! {
                // What was signalled is told before the end that it led to.
                biased;
                event = self.events.recv() => match event {
                    Ok(event) if number_of(&event) == self.number => self.hear(event).await?,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.catch_up().await?,
                    Err(RecvError::Closed) => return Err(End::Last),
                },
                _ = look_again.tick() => self.catch_up().await?,
                rest = self.shared.own.come_to_rest(self.number), if !self.shared.serving.daemon => {
                    return Err(self.rest(rest).await);
                }
            }
        }
    }

    /// Tells what the store knows and was not told yet; before it, what was signalled until the store was read.
    async fn catch_up(&mut self) -> Result<(), End> {
        let story = self.shared.serving.watch.action_story(self.number).await?;
        loop {
            match self.events.try_recv() {
                Ok(event) if number_of(&event) != self.number => {}
                Ok(event @ RunEvent::State { last: true, .. }) => self.signalled_end = Some(event),
                Ok(event) => self.tell_if_news(event).await?,
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for event in story {
            if self.told.is_news_of_the_store(&event) {
                self.tell(event).await?;
            }
        }
        Ok(())
    }

    /// Tells what was signalled, if it is news.
    async fn hear(&mut self, event: RunEvent) -> Result<(), End> {
        if !matches!(event, RunEvent::State { last: true, .. }) {
            return self.tell_if_news(event).await;
        }
        // What led to the end may have been missed, and a daemon tries again later what is not over.
        self.catch_up().await?;
        let now = self.shared.serving.watch.action_state(self.number).await?;
        let over = matches!(now, RunEvent::State { last: true, .. });
        let last = over || !self.shared.serving.daemon;
        self.tell_if_news(with_last(event, last)).await
    }

    /// Nothing more will be done here.
    async fn rest(&mut self, rest: Rest) -> End {
        let why = match rest {
            Rest::Broken(problem) => {
                self.outlet.fail(&problem).await;
                return End::Last;
            }
            Rest::Later(why) => Some(why),
            Rest::Over => None,
        };
        match self.tell_the_end(why).await {
            Ok(()) => End::Last,
            Err(end) => end,
        }
    }

    async fn tell_the_end(&mut self, why: Option<String>) -> Result<(), End> {
        self.catch_up().await?;
        let mut now = self.shared.serving.watch.action_state(self.number).await?;
        if let RunEvent::State { text, last, .. } = &mut now
            && !*last
        {
            *last = true;
            *text =
                why.unwrap_or_else(|| "no daemon runs, and nobody here goes on with it".to_owned());
        }
        self.tell(now).await
    }

    async fn tell_if_news(&mut self, event: RunEvent) -> Result<(), End> {
        if self.told.is_news(&event) {
            self.tell(event).await
        } else {
            Ok(())
        }
    }

    async fn tell(&mut self, event: RunEvent) -> Result<(), End> {
        self.outlet.send("run", &event).await?;
        let last = matches!(event, RunEvent::State { last: true, .. });
        self.told.remember(event);
        if last { Err(End::Last) } else { Ok(()) }
    }
}

/// A step's place in a run.
type Place = (bool, u32);

fn place(phase: Phase, index: u32) -> Place {
    (phase == Phase::Undo, index)
}

/// What a follower has told.
#[derive(Debug, Default)]
struct Told {
    state: Option<(String, String)>,
    started: BTreeSet<Place>,
    printed: BTreeSet<Place>,
    ended: BTreeSet<Place>,
}

impl Told {
    /// Whether a signalled event was not told yet.
    fn is_news(&self, event: &RunEvent) -> bool {
        match event {
            RunEvent::State {
                state, text, last, ..
            } => {
                let told = self.state.as_ref();
                let again = told.is_some_and(|(word, words)| (word, words) == (state, text));
                *last || !(again || self.is_beyond(state))
            }
            RunEvent::StepStarted { phase, index, .. } => {
                !self.started.contains(&place(*phase, *index))
            }
            RunEvent::Output { phase, index, .. } | RunEvent::StepEnded { phase, index, .. } => {
                !self.ended.contains(&place(*phase, *index))
            }
        }
    }

    /// Whether an event from the store was not told yet. It has no words of its own for a state, and all of a step's
    /// output in one piece.
    fn is_news_of_the_store(&self, event: &RunEvent) -> bool {
        match event {
            RunEvent::State { state, last, .. } => {
                let told = self.state.as_ref();
                let again = told.is_some_and(|(word, _)| word == state);
                *last || !(again || self.is_beyond(state))
            }
            RunEvent::Output { phase, index, .. } => {
                self.is_news(event) && !self.printed.contains(&place(*phase, *index))
            }
            RunEvent::StepStarted { .. } | RunEvent::StepEnded { .. } => self.is_news(event),
        }
    }

    /// Whether a later state than this one was told.
    fn is_beyond(&self, state: &str) -> bool {
        self.state
            .as_ref()
            .is_some_and(|(told, _)| order(told) > order(state))
    }

    fn remember(&mut self, event: RunEvent) {
        match event {
            RunEvent::State { state, text, .. } => self.state = Some((state, text)),
            RunEvent::StepStarted { phase, index, .. } => {
                self.started.insert(place(phase, index));
            }
            RunEvent::Output { phase, index, .. } => {
                self.printed.insert(place(phase, index));
            }
            RunEvent::StepEnded { phase, index, .. } => {
                self.ended.insert(place(phase, index));
            }
        }
    }
}

/// The order in which a run takes its states.
fn order(state: &str) -> u8 {
    match state {
        "proposed" | "held" => 0,
        "approved" => 1,
        "running" => 2,
        "verifying" => 3,
        "failed" => 4,
        _ => 5,
    }
}

fn with_last(mut event: RunEvent, is_last: bool) -> RunEvent {
    if let RunEvent::State { last, .. } = &mut event {
        *last = is_last;
    }
    event
}

fn number_of(event: &RunEvent) -> ActionNumber {
    match event {
        RunEvent::State { number, .. }
        | RunEvent::StepStarted { number, .. }
        | RunEvent::Output { number, .. }
        | RunEvent::StepEnded { number, .. } => *number,
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::StepOutcome;

    use super::*;

    const NUMBER: ActionNumber = ActionNumber(0);

    fn state(word: &str, text: &str) -> RunEvent {
        RunEvent::State {
            number: NUMBER,
            state: word.to_owned(),
            text: text.to_owned(),
            last: false,
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

    fn printed(index: u32) -> RunEvent {
        RunEvent::Output {
            number: NUMBER,
            phase: Phase::Apply,
            index,
            stderr: false,
            text: "x".to_owned(),
        }
    }

    fn ended(phase: Phase, index: u32) -> RunEvent {
        RunEvent::StepEnded {
            number: NUMBER,
            phase,
            index,
            outcome: StepOutcome::Cancelled,
        }
    }

    fn told(events: Vec<RunEvent>) -> Told {
        let mut told = Told::default();
        events.into_iter().for_each(|event| told.remember(event));
        told
    }

    #[test]
    fn a_step_is_told_once_by_whichever_comes_first() {
        let told = told(vec![started(0), ended(Phase::Apply, 0)]);
        for event in [started(0), printed(0), ended(Phase::Apply, 0)] {
            assert!(!told.is_news(&event), "{event:?}");
            assert!(!told.is_news_of_the_store(&event), "{event:?}");
        }
        assert!(told.is_news(&started(1)));
        assert!(
            told.is_news(&ended(Phase::Undo, 0)),
            "its undo is another step"
        );
    }

    #[test]
    fn output_comes_in_pieces_as_it_is_printed_and_whole_from_the_store_or_not_at_all() {
        let told = told(vec![started(0), printed(0)]);
        assert!(told.is_news(&printed(0)), "the next piece");
        assert!(
            !told.is_news_of_the_store(&printed(0)),
            "parts of it were told"
        );
        assert!(told.is_news_of_the_store(&printed(1)));
    }

    #[test]
    fn an_earlier_state_is_never_told_after_a_later_one() {
        let told = told(vec![state("verifying", "")]);
        assert!(!told.is_news(&state("running", "")));
        assert!(!told.is_news_of_the_store(&state("running", "")));
        assert!(told.is_news(&state("verifying", "all steps ended well")));
        assert!(!told.is_news_of_the_store(&state("verifying", "in the store's words")));
        assert!(told.is_news(&state("fixed", "")));
    }
}
