//! What the template of a diagnosis is given. It has a sample, with which a test renders it.

use serde::Serialize;
use watchkeeper_model::{ActionNumber, Finding, HostName, Plan, Step};

use super::fence::{Boundary, block, line};
use crate::HostTraits;
use crate::machine::Known;
use crate::reduce::{TextKind, reduce};

/// Most bytes of one piece of evidence.
const MAX_PIECE_BYTES: usize = 2_000;
/// Most bytes of all evidence together.
const MAX_EVIDENCE_BYTES: usize = 10_000;
/// Most characters of a line such as the summary.
const MAX_LINE_CHARS: usize = 400;
/// Longest name of a system.
const MAX_SYSTEM_CHARS: usize = 24;
/// Most earlier attempts that are told.
const MAX_ATTEMPTS: usize = 5;
/// Most notes that are told.
const MAX_KNOWN: usize = 5;
/// Most bytes of one note.
const MAX_KNOWN_BYTES: usize = 800;
/// Most other hosts that are named.
const MAX_PEERS: usize = 8;

/// For `system.hbs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SystemContext {
    /// What the watch is called here.
    pub name: String,
}

impl SystemContext {
    /// A sample.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            name: "hal".to_owned(),
        }
    }
}

/// One piece of evidence, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// What it is cited by.
    pub label: String,
    /// Where it was seen.
    pub source: String,
    /// What was seen.
    pub text: String,
}

/// Something that was tried before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Which action.
    pub number: ActionNumber,
    /// Its steps.
    pub steps: String,
    /// What became of it: the state's word, with the reason of a rejection.
    pub outcome: String,
}

impl Attempt {
    /// An attempt, fit to be shown.
    #[must_use]
    pub fn new(number: ActionNumber, steps: &[Step], outcome: &str) -> Self {
        let steps: Vec<String> = steps.iter().map(Step::summary).collect();
        Self {
            number,
            steps: line(&steps.join(", "), MAX_LINE_CHARS),
            outcome: line(outcome, MAX_LINE_CHARS),
        }
    }
}

/// A kind of step and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepKind {
    /// The word for it.
    pub kind: &'static str,
    /// What it does and what it needs.
    pub meaning: &'static str,
}

/// The kinds a model may propose. A stop is not among them: it is only ever the inverse of a start.
pub(crate) const STEP_KINDS: [StepKind; 7] = [
    StepKind {
        kind: "unit_restart",
        meaning: "restart a unit; needs \"unit\" with its suffix",
    },
    StepKind {
        kind: "unit_start",
        meaning: "start a unit; needs \"unit\"",
    },
    StepKind {
        kind: "unit_reload",
        meaning: "have a unit read its configuration again; needs \"unit\"",
    },
    StepKind {
        kind: "unit_reset_failed",
        meaning: "forget that a unit failed, and its start counter; needs \"unit\"",
    },
    StepKind {
        kind: "journal_vacuum",
        meaning: "delete the oldest journal files; needs \"keep_mib\", what may stay",
    },
    StepKind {
        kind: "package_cache_clean",
        meaning: "delete downloaded packages that are not in use",
    },
    StepKind {
        kind: "shell",
        meaning: "a POSIX shell script in \"script\"; the last resort",
    },
];

/// For `diagnose.hbs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnoseFinding {
    /// The host.
    pub host: String,
    /// Its system, as far as it is known.
    pub system: String,
    /// The check.
    pub check: String,
    /// The finding's severity.
    pub severity: &'static str,
    /// What the check found, fenced under `F1`.
    pub finding: String,
    /// What was seen, each fenced under its label from `F2`.
    pub evidence: Vec<String>,
    /// How many pieces of evidence are left out.
    pub left_out: usize,
    /// Notes, each fenced with its origin.
    pub known: Vec<String>,
    /// What was tried before, the latest last.
    pub attempts: Vec<Attempt>,
    /// Other hosts that may be looked at.
    pub peers: String,
    /// Whether the model has tools; without, it answers by the schema.
    pub tools: bool,
    /// The steps there are.
    pub kinds: Vec<StepKind>,
    /// Most steps of a proposal.
    pub max_steps: usize,
    /// The mark of the fences.
    pub boundary: Boundary,
}

impl DiagnoseFinding {
    /// The question about a finding, for a model without tools: everything from the host redacted, visible, bounded and
    /// free of the mark.
    #[must_use]
    pub fn new(
        finding: &Finding,
        host: &HostTraits,
        attempts: &[Attempt],
        boundary: Boundary,
    ) -> Self {
        let pieces = pieces(finding, MAX_EVIDENCE_BYTES);
        let fenced = |piece: &Piece| boundary.fence(&piece.label, &piece.source, &piece.text);
        Self {
            host: finding.host.to_string(),
            system: system(host.os.as_deref()),
            check: finding.check.to_string(),
            severity: finding.severity.as_str(),
            finding: fenced(&pieces[0]),
            evidence: pieces[1..].iter().map(fenced).collect(),
            left_out: finding.evidence.len() + 1 - pieces.len(),
            known: Vec::new(),
            attempts: latest(attempts, &boundary),
            peers: String::new(),
            tools: false,
            kinds: STEP_KINDS.to_vec(),
            max_steps: Plan::MAX_STEPS,
            boundary,
        }
    }

    /// With notes, for a model that has tools or not.
    #[must_use]
    pub fn with(mut self, known: &[Known], peers: &[HostName], tools: bool) -> Self {
        self.known = notes(known, &self.boundary);
        let names: Vec<&str> = peers.iter().take(MAX_PEERS).map(HostName::as_str).collect();
        self.peers = names.join(", ");
        self.tools = tools;
        self
    }

    /// A sample.
    ///
    /// # Panics
    /// Never: the names in it are valid.
    #[must_use]
    pub fn sample() -> Self {
        use watchkeeper_model::{CheckName, Evidence, Severity, UnitName};
        let finding = Finding {
            host: HostName::new("web1").expect("a host's name"),
            check: CheckName::new("units").expect("a check's name"),
            subject: "nginx.service".to_owned(),
            severity: Severity::Critical,
            summary: "nginx.service failed 3 min ago: exit code 1".to_owned(),
            cause: "exit code 1".to_owned(),
            evidence: vec![Evidence::new(
                "journal",
                "bind() to 0.0.0.0:80 failed (98: Address already in use)",
            )],
        };
        let host = HostTraits {
            os: Some("debian".to_owned()),
            init: None,
        };
        let unit = UnitName::new("nginx.service").expect("a unit's name");
        let attempt = Attempt::new(ActionNumber(0), &[Step::UnitRestart { unit }], "not_fixed");
        Self::new(&finding, &host, &[attempt], Boundary::from_random([7; 16]))
    }
}

/// The latest attempts, without the mark.
fn latest(attempts: &[Attempt], boundary: &Boundary) -> Vec<Attempt> {
    let from = attempts.len().saturating_sub(MAX_ATTEMPTS);
    let without = |attempt: &Attempt| Attempt {
        number: attempt.number,
        steps: boundary.without(&attempt.steps),
        outcome: boundary.without(&attempt.outcome),
    };
    attempts[from..].iter().map(without).collect()
}

/// The name of a system, which stands outside of any fence: one word of what systems are called by, so that a host cannot
/// say more there.
fn system(os: Option<&str>) -> String {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = os
        .unwrap_or_default()
        .chars()
        .take_while(|c| in_name(*c))
        .take(MAX_SYSTEM_CHARS)
        .collect();
    if name.is_empty() {
        "not known".to_owned()
    } else {
        name
    }
}

/// What the check found, as `F1`, and as much of the evidence as fits in so many bytes, from `F2`.
pub(crate) fn pieces(finding: &Finding, bytes: usize) -> Vec<Piece> {
    let subject = if finding.subject.is_empty() {
        "the host as a whole"
    } else {
        &finding.subject
    };
    let found = |what: &str, text: &str| format!("{what}: {}", line(text, MAX_LINE_CHARS));
    let mut pieces = vec![Piece {
        label: "F1".to_owned(),
        source: "what the check found".to_owned(),
        text: [
            found("subject", subject),
            found("summary", &finding.summary),
            found("cause", &finding.cause),
        ]
        .join("\n"),
    }];
    let mut room = bytes;
    let each = MAX_PIECE_BYTES.min(bytes / 3);
    for (at, evidence) in finding.evidence.iter().enumerate() {
        let text = reduce(&block(&evidence.text), TextKind::Unknown, each).text;
        if text.len() > room {
            break;
        }
        room -= text.len();
        pieces.push(Piece {
            label: format!("F{}", at + 2),
            source: line(&evidence.source, 40),
            text,
        });
    }
    pieces
}

/// Notes, each fenced with its origin.
pub(crate) fn notes(known: &[Known], boundary: &Boundary) -> Vec<String> {
    let fenced = |note: &Known| {
        let about = note.host.as_ref().map(|host| format!(", about {host}"));
        let found = if note.confirmed {
            ", found right by a person"
        } else {
            ""
        };
        let title = format!(
            "from {}{}{found}: {}",
            line(&note.from_where, 60),
            about.unwrap_or_default(),
            line(&note.title, 80),
        );
        boundary.fence(&note.label, &title, &note_text(note))
    };
    known.iter().take(MAX_KNOWN).map(fenced).collect()
}

/// What is shown of a note.
pub(crate) fn note_text(note: &Known) -> String {
    reduce(&block(&note.text), TextKind::Plain, MAX_KNOWN_BYTES).text
}

/// What stands in the place of notes for which there is no room.
pub(crate) fn left_out(notes: usize) -> Vec<String> {
    let said = format!("({notes} notes are left out here; call knowledge or similar_issues.)");
    (notes > 0).then_some(said).into_iter().collect()
}

/// The notes that are told.
pub(crate) fn told(known: &[Known]) -> &[Known] {
    &known[..known.len().min(MAX_KNOWN)]
}
