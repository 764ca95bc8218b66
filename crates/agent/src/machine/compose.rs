//! What is said to models in each phase.

use watchkeeper_model::{Proposal, Step};

use super::fitting::LeftRoom;
use super::{Ask, Conclusion, Investigation, Line, LookedAt, ModelRole, Phase, Revised, ToolSpec};
use crate::reduce::{TextKind, reduce};
use crate::tools::ToolName;

/// From so many times on that looks are shown in half the bytes, only the core tools are told.
const SHORT_OF_ROOM: u32 = 2;
/// The tools that matter most.
const CORE_TOOLS: [ToolName; 7] = [
    ToolName::UnitStatus,
    ToolName::Logs,
    ToolName::Command,
    ToolName::ReadFile,
    ToolName::Output,
    ToolName::Propose,
    ToolName::Conclude,
];
/// Least bytes shown of one look.
const LEAST_SHOWN: usize = 240;

impl Investigation {
    /// What is asked in this phase; none where no model is.
    pub(super) fn ask(&self) -> Option<Ask> {
        let ask = |role, messages, schema| Ask {
            role,
            messages,
            tools: Vec::new(),
            schema,
        };
        match &self.phase {
            Phase::Triage => Some(ask(
                ModelRole::Triage,
                pair(&self.texts.triage, self.texts.finding.clone()),
                Some(super::triage::schema()),
            )),
            Phase::Looking => Some(Ask {
                tools: self.told_tools(),
                ..ask(ModelRole::Main, self.lines.clone(), None)
            }),
            Phase::Closing { why, refused } => Some(ask(
                ModelRole::Main,
                self.closing_lines(why.as_deref(), refused),
                self.closing_schema(),
            )),
            Phase::Critic(draft) => Some(ask(
                ModelRole::Critic,
                pair(&self.texts.critic, self.to_be_doubted(draft)),
                Some(super::judging::critic_schema()),
            )),
            Phase::Summarising { from, to, .. } => Some(ask(
                ModelRole::Main,
                pair(&self.texts.summarise, self.to_be_summarised(*from, *to)),
                None,
            )),
            Phase::Using(_) | Phase::Over(_) => None,
        }
    }

    /// The tools as they are told. Where room is short, only those that matter most; the others still work.
    fn told_tools(&self) -> Vec<ToolSpec> {
        let one_host = self.case.hosts.len() == 1;
        let short = self.counts.shrunk >= SHORT_OF_ROOM;
        let names = self.case.tools().into_iter();
        names
            .filter(|name| !short || CORE_TOOLS.contains(name))
            .map(|name| {
                if one_host {
                    name.spec_for_one_host()
                } else {
                    name.spec()
                }
            })
            .collect()
    }

    /// The last question: what was asked, all that was seen, and why there is no more. Calls are left out, so that it can be
    /// asked without tools.
    fn closing_lines(&self, why: Option<&str>, refused: &[String]) -> Vec<Line> {
        let mut lines: Vec<Line> = self.lines[..self.question_at].to_vec();
        let mut parts = vec![self.question().to_owned()];
        if let Some(why) = why {
            parts.extend(self.shown_looks(self.shown_bytes()));
            if let Some(draft) = &self.draft {
                let steps = described(&draft.steps);
                parts.push(format!(
                    "You proposed: {steps}. Say it again if it still holds."
                ));
            }
            let how = if self.case.finding().is_some() {
                "Answer with the JSON object of the schema: \"host\", \"cause\" with labels like [E2], \"confidence\", \"evidence\" (labels), \"proposal\" or null."
            } else {
                "Answer now, and say what could not be seen."
            };
            parts.push(format!(
                "There are no more looks: {why}. Conclude from what was seen, without tools. {how}"
            ));
        }
        if let Some(refused) = refused.last() {
            parts.push(format!("The last answer was refused: {refused}."));
        }
        lines.push(Line::User {
            text: parts.join("\n\n"),
        });
        lines
    }

    /// The question, in its short form where room is short.
    fn question(&self) -> &str {
        self.lines[self.question_at].text()
    }

    /// What was seen by tools, each fenced.
    fn shown_looks(&self, room: usize) -> Vec<String> {
        let looks = self.seen.iter().filter(|look| look.tool != "finding");
        looks.map(|look| self.fenced(look, room)).collect()
    }

    /// One look, fenced under its label, in so many bytes.
    pub(super) fn shown_look(&self, label: &str, room: usize) -> String {
        let look = self.seen.iter().find(|look| look.label == label);
        look.map_or_else(String::new, |look| self.fenced(look, room))
    }

    fn fenced(&self, look: &LookedAt, room: usize) -> String {
        let shown = match &look.failed {
            Some(why) => format!("(failed: {why})"),
            None if look.shown.is_empty() && look.bytes == 0 => "(nothing: it is empty)".to_owned(),
            None => reduce(&look.shown, TextKind::Plain, room).text,
        };
        self.boundary.fence(&look.label, &look.input, &shown)
    }

    /// Bytes shown of one look, by how short room is.
    pub(super) fn shown_bytes(&self) -> usize {
        let shrunk = self.counts.shrunk.min(8);
        (self.limits.shown_bytes >> shrunk).max(LEAST_SHOWN)
    }

    fn to_be_doubted(&self, draft: &Conclusion) -> String {
        let mut parts = vec![self.texts.finding.clone()];
        parts.extend(self.shown_looks(self.shown_bytes() / 2));
        let mut said = vec![draft.text.clone()];
        said.push(format!("confidence: {}", word_of(draft)));
        said.extend(draft.proposal.as_ref().map(proposed));
        said.extend(draft.revision.as_ref().map(revised));
        let said = said.join("\n");
        parts.push(
            self.boundary
                .fence("C", "the conclusion to be doubted", &said),
        );
        parts.join("\n\n")
    }

    fn to_be_summarised(&self, from: usize, to: usize) -> String {
        let said: Vec<String> = self.lines[from..to].iter().map(said).collect();
        let said = match self.limits.room {
            Some(room) => LeftRoom(room).cut(&said.join("\n")),
            None => said.join("\n"),
        };
        self.boundary.fence("S", "what was said", &said)
    }

    /// Shows looks in fewer bytes, in the lines as well.
    pub(super) fn show_less(&mut self) {
        self.counts.shrunk += 1;
        let room = self.shown_bytes();
        let lean = Line::User {
            text: self.texts.lean.clone(),
        };
        self.lines[self.question_at] = lean;
        for at in self.question_at + 1..self.lines.len() {
            let Line::Tool {
                label: Some(label), ..
            } = &self.lines[at]
            else {
                continue;
            };
            let shorter = format!(
                "{}\n(Shown in short; call output with label {label} for more.)",
                self.shown_look(label, room)
            );
            if let Line::Tool { text, .. } = &mut self.lines[at]
                && shorter.len() < text.len()
            {
                *text = shorter;
            }
        }
    }
}

fn pair(system: &str, user: String) -> Vec<Line> {
    vec![
        Line::System {
            text: system.to_owned(),
        },
        Line::User { text: user },
    ]
}

fn said(line: &Line) -> String {
    match line {
        Line::System { text } | Line::User { text } => format!("person: {text}"),
        Line::Assistant { text, calls } => {
            let calls: Vec<String> = calls
                .iter()
                .map(|call| format!("{} {}", call.name, call.arguments))
                .collect();
            format!("model: {text} {}", calls.join("; "))
        }
        Line::Tool { name, text, .. } => format!("{name}: {text}"),
    }
}

fn word_of(draft: &Conclusion) -> &'static str {
    use watchkeeper_model::Confidence;
    match draft.confidence {
        Confidence::InsufficientEvidence => "insufficient evidence",
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn proposed(proposal: &Proposal) -> String {
    format!(
        "proposed on {}, because {}:\n{}",
        proposal.host,
        proposal.reason,
        whole(&proposal.steps)
    )
}

fn revised(revision: &Revised) -> String {
    format!(
        "other steps, because {}:\n{}",
        revision.reason,
        whole(&revision.steps)
    )
}

/// Steps in a line.
fn described(steps: &[Step]) -> String {
    let steps: Vec<String> = steps.iter().map(Step::summary).collect();
    steps.join(", ")
}

/// Steps with their scripts.
fn whole(steps: &[Step]) -> String {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Step::Shell { script } => format!("- shell:\n{}", crate::prompt::block(script)),
            step => format!("- {}", step.summary()),
        })
        .collect();
    steps.join("\n")
}
