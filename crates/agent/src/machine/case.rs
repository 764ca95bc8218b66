//! What is asked, after the prompts were rendered: all that the machine must know later.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{ConversationKind, Finding, HostName, Said, Severity, Speaker};

use super::fitting::summary_line;
use super::{ConverseTask, DiagnoseTask, Known, Limits, Line, LookedAt, Task};
use crate::claims::{Citable, Ground};
use crate::prompt::{
    Boundary, DiagnoseFinding, PromptError, Prompts, Talk, block, left_out, line, note_text,
    pieces, question, told,
};
use crate::reduce::{TextKind, reduce};
use crate::tools::ToolName;

/// Bytes of a finding's evidence that are shown where the context is short.
const LEAN_EVIDENCE_BYTES: usize = 2_400;
/// Most bytes kept of something that was looked at for an earlier question.
const MAX_EARLIER_BYTES: usize = 2_000;
/// Longest text of what was said before, in bytes; what is longer is cut and says so.
const MAX_SAID_BYTES: usize = 8 * 1024;

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Case {
    pub(super) about: Matter,
    /// The host that is meant where none is named.
    pub(super) host: Option<HostName>,
    /// The hosts that may be looked at.
    pub(super) hosts: Vec<HostName>,
    /// The hosts for which something may be proposed.
    pub(super) may_change: Vec<HostName>,
    pub(super) notes: Vec<Note>,
    /// Texts that everybody in the case knows.
    pub(super) given: Vec<String>,
    first_label: u32,
}

/// What it is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Matter {
    /// A finding.
    Finding(Box<Finding>),
    /// A talk.
    Talk(ConversationKind),
}

/// Something that can be cited and was not looked at here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) label: String,
    pub(super) title: String,
    pub(super) text: String,
}

/// The rendered prompts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Texts {
    pub(super) system: String,
    pub(super) question: String,
    /// The question for a short context.
    pub(super) lean: String,
    /// The finding alone, fenced.
    pub(super) finding: String,
    pub(super) triage: String,
    pub(super) critic: String,
    pub(super) summarise: String,
}

/// What was said before, each with its place.
type Before = Vec<(i64, Line)>;

/// The case of a task, its prompts, what was said before, and what was seen before.
pub(super) fn open(
    task: Task,
    limits: &Limits,
    prompts: &Prompts,
    boundary: &Boundary,
) -> Result<(Case, Texts, Before, Vec<LookedAt>), PromptError> {
    let (case, asked, before, seen) = match task {
        Task::Diagnose(task) => of_finding(task, limits, prompts, boundary)?,
        Task::Converse(task) => of_talk(task, limits, prompts, boundary)?,
    };
    let texts = Texts {
        system: prompts.system()?,
        question: asked.question,
        lean: asked.lean,
        finding: asked.finding,
        triage: prompts.triage(boundary)?,
        critic: prompts.critic(boundary)?,
        summarise: prompts.summarise(boundary)?,
    };
    Ok((case, texts, before, seen))
}

struct Asked {
    question: String,
    lean: String,
    finding: String,
}

type Opened = (Case, Asked, Before, Vec<LookedAt>);

fn of_finding(
    task: DiagnoseTask,
    limits: &Limits,
    prompts: &Prompts,
    boundary: &Boundary,
) -> Result<Opened, PromptError> {
    let finding = crate::redact_finding(task.finding);
    let asked = DiagnoseFinding::new(&finding, &task.traits, &task.attempts, boundary.clone())
        .with(&task.similar, &task.peers, limits.tools);
    let lean = DiagnoseFinding {
        evidence: pieces(&finding, LEAN_EVIDENCE_BYTES)[1..]
            .iter()
            .map(|piece| boundary.fence(&piece.label, &piece.source, &piece.text))
            .collect(),
        known: left_out(asked.known.len()),
        ..asked.clone()
    };
    let seen = pieces(&finding, usize::MAX)
        .into_iter()
        .map(|piece| LookedAt {
            label: piece.label,
            host: Some(finding.host.clone()),
            tool: "finding".to_owned(),
            bytes: piece.text.len() as u64,
            input: piece.source,
            shown: piece.text,
            failed: None,
            is_note: false,
            took_ms: 0,
        })
        .take(asked.evidence.len() + 1)
        .collect();
    let alone: Vec<&str> = std::iter::once(&asked.finding)
        .chain(&asked.evidence)
        .map(String::as_str)
        .collect();
    let texts = Asked {
        finding: alone.join("\n\n"),
        question: prompts.diagnose(&asked)?,
        lean: prompts.diagnose(&lean)?,
    };
    let mut hosts = vec![finding.host.clone()];
    hosts.extend(task.peers.into_iter().filter(|peer| *peer != finding.host));
    let case = Case {
        host: Some(finding.host.clone()),
        hosts,
        may_change: vec![finding.host.clone()],
        notes: told(&task.similar).iter().map(note).collect(),
        given: vec![
            finding.host.to_string(),
            line(&finding.subject, 400),
            line(&finding.summary, 400),
            line(&finding.cause, 400),
        ],
        first_label: 1,
        about: Matter::Finding(Box::new(finding)),
    };
    Ok((case, texts, Vec::new(), seen))
}

fn of_talk(
    task: ConverseTask,
    limits: &Limits,
    prompts: &Prompts,
    boundary: &Boundary,
) -> Result<Opened, PromptError> {
    // Without an action there is nothing to discuss; it is a question then.
    let kind = match task.kind {
        ConversationKind::Discuss if task.action.is_none() => ConversationKind::Ask,
        kind => kind,
    };
    let talk = Talk::new(&task, limits.tools, boundary);
    let texts = Asked {
        question: prompts.talk(kind, &talk)?,
        finding: question(&task.question, boundary),
        lean: prompts.talk(kind, &talk.lean(&task))?,
    };
    let mut hosts = task.hosts;
    let acted = task.action.as_ref().map(|action| action.plan.host.clone());
    let host = task.host.or_else(|| acted.clone());
    hosts.extend(host.iter().chain(&acted).cloned());
    hosts.sort();
    hosts.dedup();
    let may_change = match kind {
        ConversationKind::Do => hosts.clone(),
        ConversationKind::Discuss => acted.into_iter().collect(),
        ConversationKind::Ask | ConversationKind::Chat => Vec::new(),
    };
    let mut notes: Vec<Note> = told(&task.known).iter().map(note).collect();
    notes.extend(task.earlier.iter().map(|look| Note {
        label: look.label.clone(),
        title: line(&look.title, 200),
        text: reduce(&block(&look.shown), TextKind::Plain, MAX_EARLIER_BYTES).text,
    }));
    let used = task.earlier.iter().filter_map(|look| number(&look.label));
    let case = Case {
        about: Matter::Talk(kind),
        // With one host there is no doubt which is meant.
        host: host.or_else(|| (hosts.len() == 1).then(|| hosts[0].clone())),
        may_change,
        notes,
        given: vec![block(&task.question)],
        first_label: used.max().unwrap_or(0).saturating_add(1),
        hosts,
    };
    let said = |said: &Said| (said.seq, said_line(said, boundary));
    let summed = task.summarised.iter();
    let summed = summed.map(|before| (before.through, summary_line(&before.text, boundary)));
    let before = summed.chain(task.history.iter().map(said));
    Ok((case, texts, before.collect(), Vec::new()))
}

fn note(known: &Known) -> Note {
    Note {
        label: known.label.clone(),
        title: line(&known.title, 200),
        text: note_text(known),
    }
}

/// The number of a label such as `E3`.
fn number(label: &str) -> Option<u32> {
    label.strip_prefix('E')?.parse().ok()
}

/// Something that was said before, as a line.
fn said_line(said: &Said, boundary: &Boundary) -> Line {
    let text = boundary.without(&block(&said.text));
    let text = reduce(&text, TextKind::Plain, MAX_SAID_BYTES).text;
    match said.by {
        Speaker::Person => Line::User { text },
        Speaker::Model => Line::Assistant {
            text,
            calls: Vec::new(),
        },
        Speaker::Watch => Line::User {
            text: boundary.fence("W", "told by the watch", &text),
        },
    }
}

impl Case {
    /// Whether a small model sorts first. What is critical always goes to the main one.
    pub(super) fn wants_triage(&self, limits: &Limits) -> bool {
        let sortable = self
            .finding()
            .is_some_and(|finding| finding.severity != Severity::Critical);
        limits.triage && sortable
    }

    pub(super) const fn labels_from(&self) -> u32 {
        self.first_label
    }

    pub(super) fn finding(&self) -> Option<&Finding> {
        match &self.about {
            Matter::Finding(finding) => Some(finding),
            Matter::Talk(_) => None,
        }
    }

    /// The tools there are for it.
    pub(super) fn tools(&self) -> Vec<ToolName> {
        let offered = |name: &ToolName| match name {
            ToolName::Conclude => self.finding().is_some(),
            ToolName::Propose => !self.may_change.is_empty(),
            ToolName::Compare => self.hosts.len() > 1,
            _ => true,
        };
        ToolName::ALL.into_iter().filter(offered).collect()
    }

    /// What claims may rest on.
    pub(super) fn ground<'a>(&'a self, seen: &'a [LookedAt]) -> Ground<'a> {
        let looks = seen.iter().map(|look| Citable {
            label: &look.label,
            title: &look.input,
            text: &look.shown,
            is_note: look.is_note,
        });
        let notes = self.notes.iter().map(|note| Citable {
            label: &note.label,
            title: &note.title,
            text: &note.text,
            is_note: note.label.starts_with('K'),
        });
        Ground {
            evidence: looks.chain(notes).collect(),
            given: self.given.iter().map(String::as_str).collect(),
            hosts: self.hosts.iter().collect(),
            notes_suffice: self.finding().is_none(),
        }
    }
}
