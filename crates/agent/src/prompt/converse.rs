//! What the templates of talks are given: `ask`, `chat`, `do` and `discuss`.

use serde::Serialize;
use watchkeeper_model::{HostName, Plan, PlannedStep};

use super::StepKind;
use super::context::{STEP_KINDS, left_out, notes};
use super::fence::{Boundary, block, line};
use crate::machine::{ActionBrief, ConverseTask, EarlierLook};
use crate::reduce::{TextKind, reduce};

/// Most hosts that are named.
const MAX_HOSTS: usize = 30;
/// Bytes shown of all that was looked at earlier.
const MAX_EARLIER_BYTES: usize = 4_000;
/// Bytes shown of one of these.
const EARLIER_BYTES: usize = 800;
/// Most earlier looks that are only named.
const MAX_NAMED: usize = 30;
/// Longest question, in characters.
const MAX_QUESTION_CHARS: usize = 16_000;

/// For `ask.hbs`, `chat.hbs`, `do.hbs` and `discuss.hbs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Talk {
    host: String,
    hosts: String,
    more_hosts: usize,
    known: Vec<String>,
    earlier: Vec<String>,
    action: Option<Acted>,
    question: String,
    tools: bool,
    kinds: Vec<StepKind>,
    max_steps: usize,
    boundary: Boundary,
}

/// The action a talk is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Acted {
    number: i64,
    state: String,
    plan: String,
}

impl Talk {
    /// What is asked, everything in it fit to be shown.
    pub(crate) fn new(task: &ConverseTask, tools: bool, boundary: &Boundary) -> Self {
        let names: Vec<&str> = task
            .hosts
            .iter()
            .take(MAX_HOSTS)
            .map(HostName::as_str)
            .collect();
        Self {
            host: task
                .host
                .as_ref()
                .map_or_else(String::new, HostName::to_string),
            hosts: names.join(", "),
            more_hosts: task.hosts.len() - names.len(),
            known: notes(&task.known, boundary),
            earlier: earlier(&task.earlier, MAX_EARLIER_BYTES, boundary),
            action: task
                .action
                .as_ref()
                .map(|action| Acted::new(action, boundary)),
            question: question(&task.question, boundary),
            tools,
            kinds: STEP_KINDS.to_vec(),
            max_steps: Plan::MAX_STEPS,
            boundary: boundary.clone(),
        }
    }

    /// For a model whose context is short: what was looked at earlier is only named, and notes are left out.
    pub(crate) fn lean(mut self, task: &ConverseTask) -> Self {
        self.known = left_out(self.known.len());
        self.earlier = earlier(&task.earlier, 0, &self.boundary);
        self
    }
}

/// What was looked at earlier: the latest in short, as far as there is room, and all others by their labels.
fn earlier(looks: &[EarlierLook], mut room: usize, boundary: &Boundary) -> Vec<String> {
    let (mut shown, mut named) = (Vec::new(), Vec::new());
    for look in looks.iter().rev() {
        let text = reduce(&block(&look.shown), TextKind::Plain, EARLIER_BYTES).text;
        if text.len() <= room {
            room -= text.len();
            shown.push(boundary.fence(&look.label, &look.title, &text));
        } else {
            named.push(format!("{}: {}", look.label, line(&look.title, 100)));
        }
    }
    if !named.is_empty() {
        named.truncate(MAX_NAMED);
        let title = "seen earlier; call output with a label to see it again";
        shown.push(boundary.fence("earlier", title, &named.join("\n")));
    }
    shown.reverse();
    shown
}

/// What a person says, without secrets and the mark.
pub(crate) fn question(text: &str, boundary: &Boundary) -> String {
    let shown = block(text);
    boundary.without(&watchkeeper_model::bounded(&shown, MAX_QUESTION_CHARS))
}

impl Acted {
    fn new(action: &ActionBrief, boundary: &Boundary) -> Self {
        let plan = &action.plan;
        let mut lines = vec![
            format!("host: {}", plan.host),
            format!(
                "as: {} ({})",
                line(&plan.login, 60),
                plan.privilege.as_str()
            ),
            format!("for: {}", line(&action.finding, 400)),
            format!("reason: {}", line(&action.reason, 1_000)),
            format!("risk: {}", block(&action.risk)),
        ];
        lines.extend(steps("step", &plan.steps));
        lines.push(format!("verified by: {}", plan.verify.summary()));
        lines.extend(steps("undo", &plan.undo));
        if plan.undo.is_empty() {
            lines.push("undo: nothing can put it back".to_owned());
        }
        let title = format!("action {} as it would run", action.number);
        Self {
            number: action.number.0,
            state: line(&action.state, 200),
            plan: boundary.fence("A", &title, &lines.join("\n")),
        }
    }
}

fn steps(word: &str, steps: &[PlannedStep]) -> Vec<String> {
    let numbered = steps.iter().enumerate();
    numbered
        .map(|(at, step)| {
            format!(
                "{word} {}: {}, by this script:\n{}",
                at + 1,
                step.step.summary(),
                block(&step.script).trim_end()
            )
        })
        .collect()
}
