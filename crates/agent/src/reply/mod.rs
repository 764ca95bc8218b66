//! A model's reply: the schema it must be of, and what becomes of it. A reply is taken whole or refused whole, and a
//! refused one is never an action. Words in it that look like approval, policy or configuration are just words.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::Value;
use watchkeeper_model::{
    Confidence, Diagnosis, Finding, HostName, InvalidName, Plan, Proposal, Proposer, RiskLevel,
    Step, UnitName, Verification, bounded, visible,
};
use watchkeeper_risk::Opinion;

use crate::prompt::STEP_KINDS;
use crate::redact;

/// Seconds that things may settle before the look that verifies a model's proposal.
const SETTLE_S: u32 = 15;

/// A reply that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelReply {
    /// What it concludes and proposes.
    pub diagnosis: Diagnosis,
    /// The lines it takes as evidence, in its own words.
    pub evidence: Vec<String>,
    /// What it thinks of the risk; this can raise the assessment, never lower it.
    pub opinion: Option<Opinion>,
}

impl ModelReply {
    /// Longest reply, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// Most characters of the cause.
    pub const MAX_CAUSE_CHARS: usize = 2_000;
    /// Most characters of a reason.
    pub const MAX_REASON_CHARS: usize = 1_000;
    /// Most lines of evidence.
    pub const MAX_EVIDENCE: usize = 20;
    /// Most characters of a line of evidence.
    pub const MAX_EVIDENCE_CHARS: usize = 1_000;
}

/// Why a reply is refused. The texts in it are made visible and cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyRefused {
    /// It is too long.
    #[error("the reply has {bytes} bytes, more than {limit}")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not JSON.
    #[error("the reply is not JSON (line {line}, column {column})")]
    NotJson {
        /// The line at which it stops being JSON.
        line: usize,
        /// The column.
        column: usize,
    },
    /// It is JSON, but not of the schema.
    #[error("the reply is not of the schema: {detail}")]
    NotOfSchema {
        /// What is wrong.
        detail: String,
    },
    /// It is about another host.
    #[error("the reply is about the host {found}, and {expected} was asked about")]
    OtherHost {
        /// The host it names.
        found: String,
        /// The host that was asked about.
        expected: String,
    },
    /// It proposes something for another host.
    #[error("the reply proposes something for the host {found}, and {expected} was asked about")]
    ProposalForOtherHost {
        /// The host it names.
        found: String,
        /// The host that was asked about.
        expected: String,
    },
    /// It names no cause.
    #[error("the reply names no cause")]
    EmptyCause,
    /// It proposes something without a reason.
    #[error("the reply proposes something without a reason")]
    EmptyReason,
    /// A text in it is too long.
    #[error("{field} of the reply has more than {limit} characters")]
    TextTooLong {
        /// Which text.
        field: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It says that the evidence does not tell, and proposes something all the same.
    #[error("the reply finds the evidence insufficient and proposes something all the same")]
    UnsureProposal,
    /// It proposes nothing in as many words.
    #[error("the reply proposes no steps")]
    NoSteps,
    /// It proposes too much.
    #[error("the reply proposes {steps} steps, more than {limit}")]
    TooManySteps {
        /// How many.
        steps: usize,
        /// The limit.
        limit: usize,
    },
    /// It gives too much evidence.
    #[error("the reply gives {pieces} pieces of evidence, more than {limit}")]
    TooMuchEvidence {
        /// How many.
        pieces: usize,
        /// The limit.
        limit: usize,
    },
    /// A step of a kind that there is not, or that is not for a model to propose.
    #[error("step {number} of the reply is of the kind {kind}, which a model cannot propose")]
    UnknownStepKind {
        /// Which step, from 1.
        number: usize,
        /// The kind.
        kind: String,
    },
    /// A step whose unit cannot be one.
    #[error("step {number} of the reply names no unit")]
    InvalidUnit {
        /// Which step, from 1.
        number: usize,
        /// What is wrong with the name.
        #[source]
        source: InvalidName,
    },
    /// A step with something missing, wrong or too much.
    #[error("step {number} of the reply is no step: {detail}")]
    InvalidStep {
        /// Which step, from 1.
        number: usize,
        /// What is wrong.
        detail: String,
    },
    /// A script that is too long.
    #[error("the script of step {number} of the reply has {bytes} bytes, more than {limit}")]
    ScriptTooLong {
        /// Which step, from 1.
        number: usize,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A script without text.
    #[error("the script of step {number} of the reply is empty")]
    EmptyScript {
        /// Which step, from 1.
        number: usize,
    },
    /// A script that holds what looks like a secret: it would be stored and shown.
    #[error("the script of step {number} of the reply holds what looks like a secret")]
    SecretInScript {
        /// Which step, from 1.
        number: usize,
    },
}

/// The cause of a finding, and a repair.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Reply")]
struct Wire {
    /// The host that was asked about.
    host: String,
    /// The cause, in one or two sentences.
    #[schemars(length(max = ASKED_CAUSE_CHARS))]
    cause: String,
    /// How sure this is.
    confidence: Confidence,
    /// The few lines that show it.
    #[schemars(length(max = ASKED_EVIDENCE), inner(length(max = ASKED_EVIDENCE_CHARS)))]
    evidence: Vec<String>,
    /// What to do; null where nothing should be done.
    #[serde(default)]
    proposal: Option<ProposalWire>,
}

/// A repair.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProposalWire {
    /// The host to repair.
    host: String,
    /// The steps, in order.
    #[schemars(with = "Vec<Step>", length(min = 1, max = ASKED_STEPS))]
    steps: Vec<Value>,
    /// Why these steps.
    #[schemars(length(max = ASKED_REASON_CHARS))]
    reason: String,
    /// Given only where the steps are riskier than they look.
    #[serde(default)]
    risk: Option<RiskWire>,
}

/// An opinion of the risk.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RiskWire {
    /// How bad.
    level: LevelWire,
    /// Why.
    #[schemars(length(max = ASKED_REASON_CHARS))]
    reason: String,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LevelWire {
    Low,
    Medium,
    High,
}

/// What a reply is asked to hold at most. A server that makes a grammar of the schema holds a model to it that would
/// otherwise go on until its tokens are used up, when nothing of the answer counts; what is longer is read all the same,
/// within the limits of [`ModelReply`].
const ASKED_CAUSE_CHARS: usize = 400;
const ASKED_EVIDENCE: usize = 8;
const ASKED_EVIDENCE_CHARS: usize = 120;
const ASKED_STEPS: usize = 6;
const ASKED_REASON_CHARS: usize = 240;

/// The JSON schema of a reply about a finding of this host, with everything in place: model servers turn it into a
/// grammar, in which no other host can be named.
#[must_use]
pub fn reply_schema(host: &HostName) -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema: Schema = settings.into_generator().into_root_schema_for::<Wire>();
    let mut schema = schema.to_value();
    keep_offered_kinds(&mut schema);
    // Asked for outright, so that a model says `null` where it proposes nothing.
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.push(Value::from("proposal"));
    }
    for of_host in ["/properties/host", "/properties/proposal/properties/host"] {
        if let Some(Value::Object(said)) = schema.pointer_mut(of_host) {
            said.insert("enum".to_owned(), Value::from(vec![host.as_str()]));
        }
    }
    schema
}

/// Leaves out the kinds of steps that a model may not propose.
fn keep_offered_kinds(schema: &mut Value) {
    let offered = |variant: &Value| {
        let kind = variant
            .pointer("/properties/kind/const")
            .and_then(Value::as_str);
        kind.is_none_or(|kind| STEP_KINDS.iter().any(|offered| offered.kind == kind))
    };
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                if let ("oneOf" | "anyOf", Value::Array(variants)) = (key.as_str(), &mut *value) {
                    variants.retain(offered);
                }
                keep_offered_kinds(value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(keep_offered_kinds),
        _ => {}
    }
}

/// Reads a model's reply to the question about a finding.
///
/// # Errors
/// Says why the reply is refused; then nothing of it is used.
pub fn parse_reply(text: &str, finding: &Finding, model: &str) -> Result<ModelReply, ReplyRefused> {
    if text.len() > ModelReply::MAX_BYTES {
        return Err(ReplyRefused::TooLong {
            bytes: text.len(),
            limit: ModelReply::MAX_BYTES,
        });
    }
    let wire: Wire = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if wire.host != finding.host.as_str() {
        return Err(ReplyRefused::OtherHost {
            found: shown(&wire.host),
            expected: finding.host.to_string(),
        });
    }
    let cause = kept("cause", &wire.cause, ModelReply::MAX_CAUSE_CHARS)?;
    if cause.is_empty() {
        return Err(ReplyRefused::EmptyCause);
    }
    let evidence = evidence(&wire.evidence)?;
    if wire.proposal.is_some() && wire.confidence == Confidence::InsufficientEvidence {
        return Err(ReplyRefused::UnsureProposal);
    }
    let (proposal, opinion) = match &wire.proposal {
        Some(wire) => {
            let (proposal, opinion) = proposal(wire, finding, model)?;
            (Some(proposal), opinion)
        }
        None => (None, None),
    };
    let by = Proposer::Model {
        name: model.to_owned(),
    };
    let diagnosis = Diagnosis {
        by,
        cause,
        confidence: wire.confidence,
        proposal,
    };
    Ok(ModelReply {
        diagnosis,
        evidence,
        opinion,
    })
}

fn evidence(lines: &[String]) -> Result<Vec<String>, ReplyRefused> {
    if lines.len() > ModelReply::MAX_EVIDENCE {
        return Err(ReplyRefused::TooMuchEvidence {
            pieces: lines.len(),
            limit: ModelReply::MAX_EVIDENCE,
        });
    }
    lines
        .iter()
        .map(|line| kept("evidence", line, ModelReply::MAX_EVIDENCE_CHARS))
        .collect()
}

fn proposal(
    wire: &ProposalWire,
    finding: &Finding,
    model: &str,
) -> Result<(Proposal, Option<Opinion>), ReplyRefused> {
    if wire.host != finding.host.as_str() {
        return Err(ReplyRefused::ProposalForOtherHost {
            found: shown(&wire.host),
            expected: finding.host.to_string(),
        });
    }
    if wire.steps.is_empty() {
        return Err(ReplyRefused::NoSteps);
    }
    if wire.steps.len() > Plan::MAX_STEPS {
        return Err(ReplyRefused::TooManySteps {
            steps: wire.steps.len(),
            limit: Plan::MAX_STEPS,
        });
    }
    let reason = kept("reason", &wire.reason, ModelReply::MAX_REASON_CHARS)?;
    if reason.is_empty() {
        return Err(ReplyRefused::EmptyReason);
    }
    let steps = wire
        .steps
        .iter()
        .enumerate()
        .map(|(index, value)| step(index + 1, value))
        .collect::<Result<_, _>>()?;
    let opinion = wire
        .risk
        .as_ref()
        .map(|risk| opinion(risk, model))
        .transpose()?;
    let verify = Verification::CheckPasses {
        check: finding.check.clone(),
        subject: finding.subject.clone(),
        settle_s: SETTLE_S,
    };
    Ok((
        Proposal {
            host: finding.host.clone(),
            steps,
            reason,
            verify,
            undo: Vec::new(),
        },
        opinion,
    ))
}

fn opinion(wire: &RiskWire, model: &str) -> Result<Opinion, ReplyRefused> {
    let level = match wire.level {
        LevelWire::Low => RiskLevel::Low,
        LevelWire::Medium => RiskLevel::Medium,
        LevelWire::High => RiskLevel::High,
    };
    let reason = kept("risk.reason", &wire.reason, ModelReply::MAX_REASON_CHARS)?;
    Ok(Opinion {
        level,
        by: format!("model {model}"),
        reason,
    })
}

/// Reads one step that a model proposes.
pub(crate) fn step(number: usize, value: &Value) -> Result<Step, ReplyRefused> {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or("");
    if !STEP_KINDS.iter().any(|offered| offered.kind == kind) {
        return Err(ReplyRefused::UnknownStepKind {
            number,
            kind: shown(kind),
        });
    }
    if let Some(unit) = value.get("unit").and_then(Value::as_str) {
        UnitName::new(unit).map_err(|source| ReplyRefused::InvalidUnit { number, source })?;
    }
    let step = Step::deserialize(value).map_err(|error| ReplyRefused::InvalidStep {
        number,
        detail: shown(&error.to_string()),
    })?;
    if let Step::Shell { script } = &step {
        check_script(number, script)?;
    }
    Ok(step)
}

fn check_script(number: usize, script: &str) -> Result<(), ReplyRefused> {
    if script.len() > Step::MAX_SCRIPT_BYTES {
        return Err(ReplyRefused::ScriptTooLong {
            number,
            bytes: script.len(),
            limit: Step::MAX_SCRIPT_BYTES,
        });
    }
    if script.trim().is_empty() {
        return Err(ReplyRefused::EmptyScript { number });
    }
    if redact(script) != script {
        return Err(ReplyRefused::SecretInScript { number });
    }
    Ok(())
}

/// A text for people, without secrets; refused where it is too long.
fn kept(field: &'static str, text: &str, limit: usize) -> Result<String, ReplyRefused> {
    if text.chars().nth(limit).is_some() {
        return Err(ReplyRefused::TextTooLong { field, limit });
    }
    Ok(redact(text.trim()).into_owned())
}

fn unreadable(error: &serde_json::Error) -> ReplyRefused {
    if error.is_data() {
        return ReplyRefused::NotOfSchema {
            detail: shown(&error.to_string()),
        };
    }
    ReplyRefused::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

/// A hostile text, fit to stand in an error.
fn shown(text: &str) -> String {
    bounded(&visible(&redact(text)), 160).into_owned()
}

#[cfg(test)]
mod tests;
