//! The agent: a pure state machine. Events go in, effects come out; it waits for nothing, reads no clock and can be
//! written down at any moment and taken up again.
//!
//! A finding goes this way: a small model may sort it first; then the main model looks with tools, one question after
//! another, until it concludes; then a second opinion may object or raise the risk. Every way there is bounded by
//! [`Limits`]: when one is used up, the looking ends and one last question without tools asks for a conclusion from what
//! was seen. What cannot be used of an answer becomes one line back to the model, and so many of these end the looking
//! too. A talk with a person is the same machine with another task.
//!
//! What is sure whatever a model says: nothing is proposed but for an allowed host; a small model's word that the main
//! one is not needed leads to no proposal; a second opinion never makes anything likelier or safer; a conclusion whose
//! every sentence lacks its evidence is insufficient evidence; nothing follows a finish.
//!
//! Parts: `words` (events and effects), `task`, `conclusion`, `case` (what is asked, after it was rendered), `reading` and
//! `looking` (calls of tools), `closing` (answers that end it), `judging` (claims, second opinion, the finish), `compose` (what is
//! said to models), `fitting` (what is done when that is too long).

mod case;
mod closing;
mod compose;
mod conclusion;
mod fitting;
mod judging;
mod looking;
mod reading;
mod task;
mod triage;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_model::HostName;

pub use conclusion::{
    Claim, Conclusion, LookedAt, Outcome, Revised, SecondOpinion, Spent, Summarised,
};
pub use task::{ActionBrief, ConverseTask, DiagnoseTask, EarlierLook, Known, Limits, Task};
pub use words::{
    Answer, Ask, CallId, Effect, Event, Line, Look, ModelRole, NoAnswer, RawCall, Seen, ToolSpec,
    Use,
};

use crate::prompt::{Boundary, PromptError, Prompts};
use crate::tools::Propose;
use case::{Case, Texts};

/// Questions beyond the steps that there can ever be: sorting, last words, second opinion, summaries, what was too long.
const FURTHER_ASKS: u32 = 16;

/// One investigation. It is its own checkpoint: written down and read again, it goes on where it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Investigation {
    case: Case,
    limits: Limits,
    boundary: Boundary,
    texts: Texts,
    /// What is said between the main model and us: the system's line, what was said before, the question, and on.
    lines: Vec<Line>,
    /// Where the question stands in the lines.
    question_at: usize,
    /// The places of what was said before, for each of the lines before the question.
    before: Vec<i64>,
    /// The older part of what was said before, in short.
    summarised: Option<Summarised>,
    seen: Vec<LookedAt>,
    /// Calls that were made, in their canonical form, and their labels.
    made: BTreeMap<String, String>,
    phase: Phase,
    spent: Spent,
    counts: Counts,
    /// What was proposed so far.
    draft: Option<Propose>,
    /// The model that answered last.
    model: String,
    /// Why the looking is to end after what is still open.
    stop: Option<String>,
}

/// Where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// The small model is asked.
    Triage,
    /// The main model is asked, with tools.
    Looking,
    /// Tools are used.
    Using(Vec<Slot>),
    /// The main model is asked for the last word.
    Closing {
        /// Why there are no more looks; none where there are no tools.
        why: Option<String>,
        /// Answers that could not be used.
        refused: Vec<String>,
    },
    /// The doubting model is asked.
    Critic(Box<Conclusion>),
    /// A part of the lines is summarised.
    Summarising {
        from: usize,
        to: usize,
        then: Box<Self>,
    },
    /// It is over.
    Over(Box<Conclusion>),
}

/// A call of the last answer, in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Slot {
    /// Waits for what is seen.
    Open { name: String, using: Use },
    /// Has its line.
    Filled(Line),
}

/// What is counted beside what is spent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counts {
    steps: u32,
    refusals: u32,
    repeats: u32,
    wordy: u32,
    /// Whether a conclusion without support was handed back already.
    handed_back: bool,
    calls: u32,
    labels: u32,
    per_host: BTreeMap<HostName, u32>,
    /// How much shorter than at first what was seen is shown.
    shrunk: u32,
    summaries: u32,
}

impl Investigation {
    /// Begins. The boundary is random, for this investigation alone.
    ///
    /// # Errors
    /// Says which prompt cannot be rendered.
    pub fn begin(
        task: Task,
        limits: Limits,
        prompts: &Prompts,
        boundary: Boundary,
    ) -> Result<(Self, Vec<Effect>), PromptError> {
        let summarised = match &task {
            Task::Converse(talk) => talk.summarised.clone(),
            Task::Diagnose(_) => None,
        };
        let (case, texts, said, seen) = case::open(task, &limits, prompts, &boundary)?;
        let (before, said): (Vec<i64>, Vec<Line>) = said.into_iter().unzip();
        let mut lines = vec![Line::System {
            text: texts.system.clone(),
        }];
        lines.extend(said);
        let question_at = lines.len();
        lines.push(Line::User {
            text: texts.question.clone(),
        });
        let phase = if case.wants_triage(&limits) {
            Phase::Triage
        } else {
            Phase::first(&limits)
        };
        let mut begun = Self {
            counts: Counts {
                labels: case.labels_from(),
                ..Counts::default()
            },
            case,
            limits,
            boundary,
            texts,
            lines,
            question_at,
            before,
            summarised,
            seen,
            made: BTreeMap::new(),
            phase,
            spent: Spent::default(),
            draft: None,
            model: String::new(),
            stop: None,
        };
        let effects = begun.emit();
        Ok((begun, effects))
    }

    /// Takes what has happened and says what is to be done now. Never panics, whatever comes; what was not asked for is
    /// not heeded.
    pub fn on(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Elapsed(time) => {
                self.spent.time = self.spent.time.saturating_add(time);
                Vec::new()
            }
            Event::Seen(seen) => self.on_seen(seen),
            Event::Answered(answer) if self.asks() => self.on_answer(answer),
            Event::NoAnswer(why) if self.asks() => self.on_no_answer(why),
            Event::Answered(_) | Event::NoAnswer(_) => Vec::new(),
        }
    }

    /// What was said between the main model and us.
    #[must_use]
    pub fn transcript(&self) -> &[Line] {
        &self.lines
    }

    /// What was looked at so far, the finding's own evidence first; with what the model was shown of it.
    #[must_use]
    pub fn looked_at(&self) -> &[LookedAt] {
        &self.seen
    }

    /// What it took so far.
    #[must_use]
    pub const fn spent(&self) -> &Spent {
        &self.spent
    }

    /// After a restart from a checkpoint: what is still to be done. Nothing that was answered or seen is asked again.
    #[must_use]
    pub fn resume(&self) -> Vec<Effect> {
        match &self.phase {
            Phase::Over(conclusion) => vec![Effect::Finish(conclusion.clone())],
            Phase::Using(slots) => open_uses(slots),
            _ => self.ask().map(Effect::Ask).into_iter().collect(),
        }
    }

    /// Whether a model's answer is waited for.
    const fn asks(&self) -> bool {
        !matches!(self.phase, Phase::Using(_) | Phase::Over(_))
    }

    fn on_answer(&mut self, mut answer: Answer) -> Vec<Effect> {
        self.count(&answer);
        answer.text = said_aloud(&answer.text).to_owned();
        match std::mem::replace(&mut self.phase, Phase::Looking) {
            Phase::Triage => self.take_triage(&answer),
            Phase::Looking => {
                self.counts.steps += 1;
                self.model.clone_from(&answer.model);
                self.take_looking(answer)
            }
            Phase::Closing { why, refused } => {
                self.model.clone_from(&answer.model);
                self.take_closing(&answer, why, refused)
            }
            Phase::Critic(draft) => self.take_critic(&answer, *draft),
            Phase::Summarising { from, to, then } => self.take_summary(&answer, from, to, *then),
            kept @ (Phase::Using(_) | Phase::Over(_)) => {
                self.phase = kept;
                Vec::new()
            }
        }
    }

    fn on_no_answer(&mut self, why: NoAnswer) -> Vec<Effect> {
        let why = match why {
            NoAnswer::TooLong { room } => return self.on_too_long(room),
            NoAnswer::Failed(why) => crate::prompt::line(&why, 400),
        };
        match std::mem::replace(&mut self.phase, Phase::Looking) {
            Phase::Triage => self.go_on(),
            Phase::Critic(draft) => self.without_second_opinion(*draft),
            _ => self.finish_unanswered(&format!("the model did not answer: {why}")),
        }
    }

    /// Adds what an answer took; what a server does not count is estimated.
    fn count(&mut self, answer: &Answer) {
        let prompt = if answer.prompt_tokens > 0 {
            answer.prompt_tokens
        } else {
            self.ask().map_or(0, |ask| ask.tokens())
        };
        let output = if answer.output_tokens > 0 {
            answer.output_tokens
        } else {
            fitting::tokens_of_answer(answer)
        };
        let spent = &mut self.spent;
        spent.prompt_tokens = spent.prompt_tokens.saturating_add(prompt);
        spent.output_tokens = spent.output_tokens.saturating_add(output);
    }

    /// Asks the main model on, or for the last word where something is used up.
    fn go_on(&mut self) -> Vec<Effect> {
        self.phase = match self.stop.take().or_else(|| self.used_up()) {
            _ if !self.limits.tools => Phase::first(&self.limits),
            Some(why) => Phase::Closing {
                why: Some(why),
                refused: Vec::new(),
            },
            None => Phase::Looking,
        };
        self.emit()
    }

    /// What is used up, in words.
    fn used_up(&self) -> Option<String> {
        let (limits, counts) = (&self.limits, &self.counts);
        if counts.steps >= limits.steps {
            Some(format!("all {} steps are used", limits.steps))
        } else if self.spent.tokens() >= limits.tokens {
            Some(format!("all {} tokens are used", limits.tokens))
        } else if self.spent.time >= limits.time {
            Some(format!("the {} s are over", limits.time.as_secs()))
        } else if self.spent.uses >= limits.calls {
            Some(format!("all {} looks are used", limits.calls))
        } else {
            None
        }
    }

    /// Whether there is not even room for a last word.
    fn is_over_time(&self) -> bool {
        self.spent.time > self.limits.time.saturating_add(self.limits.time / 4)
            || self.spent.asks >= self.limits.steps.saturating_add(FURTHER_ASKS)
    }

    /// Asks what this phase asks, made to fit.
    fn emit(&mut self) -> Vec<Effect> {
        if self.is_over_time() {
            return match std::mem::replace(&mut self.phase, Phase::Looking) {
                Phase::Critic(draft) => self.without_second_opinion(*draft),
                _ => self.finish_spent("its time or its questions are used up"),
            };
        }
        match self.fitting_ask() {
            Some(ask) => {
                self.spent.asks += 1;
                vec![Effect::Ask(ask)]
            }
            None => match std::mem::replace(&mut self.phase, Phase::Looking) {
                Phase::Critic(draft) => self.without_second_opinion(*draft),
                Phase::Triage => self.go_on(),
                // Without tools, and with what was seen in its shortest form, it may still fit.
                Phase::Looking => {
                    self.phase = Phase::Closing {
                        why: Some("the model's context is full".to_owned()),
                        refused: Vec::new(),
                    };
                    self.emit()
                }
                _ => self.finish_too_long(),
            },
        }
    }
}

impl Phase {
    /// The first question to the main model.
    const fn first(limits: &Limits) -> Self {
        if limits.tools {
            Self::Looking
        } else {
            Self::Closing {
                why: None,
                refused: Vec::new(),
            }
        }
    }
}

/// An answer without the thinking that some servers leave in it.
fn said_aloud(text: &str) -> &str {
    match text.rfind("</think>") {
        Some(at) => &text[at + "</think>".len()..],
        None if text.trim_start().starts_with("<think>") => "",
        None => text,
    }
}

fn open_uses(slots: &[Slot]) -> Vec<Effect> {
    let open = slots.iter().filter_map(|slot| match slot {
        Slot::Open { using, .. } => Some(Effect::Use(using.clone())),
        Slot::Filled(_) => None,
    });
    open.collect()
}

#[cfg(test)]
mod tests;
