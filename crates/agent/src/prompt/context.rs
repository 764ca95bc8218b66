//! What the templates are given. Each has a sample, with which a test renders them.

use std::fmt;

use serde::Serialize;
use watchkeeper_model::{ActionNumber, Finding, Plan, Step, bounded, visible, visible_block};

use crate::{HostTraits, redact};

/// Most characters of one piece of evidence.
const MAX_PIECE_CHARS: usize = 1_500;
/// Most characters of all evidence together.
const MAX_EVIDENCE_CHARS: usize = 10_000;
/// Most characters of a line such as the summary.
const MAX_LINE_CHARS: usize = 400;
/// Most earlier attempts that are told.
const MAX_ATTEMPTS: usize = 5;

/// The mark of a fence: random for every prompt, so that no text from a host can hold it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Boundary(String);

impl Boundary {
    /// A mark out of random bytes; the caller brings them, because this crate has no chance.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The mark.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boundary(…)")
    }
}

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
            steps: line(&steps.join(", ")),
            outcome: line(outcome),
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

/// For `diagnose_finding.hbs`.
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
    /// The finding's subject.
    pub subject: String,
    /// The finding's summary.
    pub summary: String,
    /// The finding's cause.
    pub cause: String,
    /// What was seen.
    pub evidence: Vec<Piece>,
    /// How many pieces of evidence are left out.
    pub left_out: usize,
    /// What was tried before, the latest last.
    pub attempts: Vec<Attempt>,
    /// The steps there are.
    pub kinds: Vec<StepKind>,
    /// Most steps of a proposal.
    pub max_steps: usize,
    /// The mark of the fences.
    pub boundary: Boundary,
}

impl DiagnoseFinding {
    /// The question about a finding: everything from the host redacted, visible, bounded and free of the mark.
    #[must_use]
    pub fn new(
        finding: &Finding,
        host: &HostTraits,
        attempts: &[Attempt],
        boundary: Boundary,
    ) -> Self {
        let line = |text: &str| unmarked(&line(text), &boundary);
        let (evidence, left_out) = pieces(finding, &boundary);
        Self {
            host: finding.host.to_string(),
            system: line(host.os.as_deref().unwrap_or("not known")),
            check: finding.check.to_string(),
            severity: finding.severity.as_str(),
            subject: line(if finding.subject.is_empty() {
                "the host as a whole"
            } else {
                &finding.subject
            }),
            summary: line(&finding.summary),
            cause: line(&finding.cause),
            evidence,
            left_out,
            attempts: attempts[attempts.len().saturating_sub(MAX_ATTEMPTS)..].to_vec(),
            kinds: STEP_KINDS.to_vec(),
            max_steps: Plan::MAX_STEPS,
            boundary,
        }
    }

    /// A sample.
    ///
    /// # Panics
    /// Never: the names in it are valid.
    #[must_use]
    pub fn sample() -> Self {
        use watchkeeper_model::{CheckName, Evidence, HostName, Severity, UnitName};
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

/// As much of the evidence as fits, and how many pieces do not.
fn pieces(finding: &Finding, boundary: &Boundary) -> (Vec<Piece>, usize) {
    let mut pieces = Vec::new();
    let mut room = MAX_EVIDENCE_CHARS;
    for evidence in &finding.evidence {
        let text = block(&evidence.text);
        let chars = text.chars().count();
        if chars > room {
            break;
        }
        room -= chars;
        pieces.push(Piece {
            source: unmarked(&bounded(&line(&evidence.source), 40), boundary),
            text: unmarked(&text, boundary),
        });
    }
    let left_out = finding.evidence.len() - pieces.len();
    (pieces, left_out)
}

fn line(text: &str) -> String {
    bounded(&visible(&redact(text)), MAX_LINE_CHARS).into_owned()
}

fn block(text: &str) -> String {
    bounded(&visible_block(&redact(text)), MAX_PIECE_CHARS).into_owned()
}

/// The text without the mark, should it stand in it against all odds.
fn unmarked(text: &str, boundary: &Boundary) -> String {
    text.replace(boundary.as_str(), "(mark)")
}
