//! A runbook's file: what may stand in it, and what is wrong with it.

use serde::Deserialize;
use watchkeeper_model::{
    Confidence, Evidence, Finding, HostName, Plan, RiskLevel, RunbookName, Severity, Step,
};

use super::template::{InvalidTemplate, StepTemplate, Template, VerifyTemplate};
use super::{HostTraits, Init, MatchRule, Runbook};

/// What is wrong with one runbook's file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the runbook {file} cannot be used")]
pub struct RunbookError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub fault: RunbookFault,
}

/// What can be wrong with a runbook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunbookFault {
    /// The file is too large.
    #[error("it has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It is not TOML, or a key has another type, or one is missing.
    #[error("line {line}: {detail}")]
    Unreadable {
        /// The line; 0 where it is about the whole.
        line: usize,
        /// The parser's words.
        detail: String,
    },
    /// A key that means nothing.
    #[error("line {line}: the key {key} means nothing in {table}{}", likely.map(|it| format!("; perhaps {it}")).unwrap_or_default())]
    UnknownKey {
        /// The line.
        line: usize,
        /// The key.
        key: String,
        /// In which table.
        table: &'static str,
        /// The key that was likely meant.
        likely: Option<&'static str>,
    },
    /// A text with a bad placeholder.
    #[error("{place}: {why}")]
    Template {
        /// Which text or step.
        place: String,
        /// What is wrong.
        why: InvalidTemplate,
    },
    /// Too many steps.
    #[error("it has {steps} steps, more than {limit}")]
    TooManySteps {
        /// How many.
        steps: usize,
        /// The limit.
        limit: usize,
    },
    /// A proposal that does not say why, or a reason for nothing.
    #[error("a reason must stand where there are steps, and only there")]
    ReasonAndSteps,
    /// An undo or a verification with nothing to undo or verify.
    #[error("undo and verify may stand only where there are steps")]
    NothingToUndo,
    /// Verification that waits too long.
    #[error("verify.settle_s is {found}, more than {limit}")]
    SettlesTooLong {
        /// How long.
        found: u32,
        /// The limit.
        limit: u32,
    },
    /// Steps that would be refused for everybody.
    #[error("its steps are forbidden: {sentence}")]
    Forbidden {
        /// What is forbidden.
        sentence: String,
    },
    /// No example that must match, or none that must not.
    #[error("an example with `matches = {missing}` is missing")]
    NoExample {
        /// Which kind is missing.
        missing: bool,
    },
    /// An example that turns out the other way.
    #[error("example {number} (subject {subject:?}) should {}match and does {}", if *expected { "" } else { "not " }, if *expected { "not" } else { "" })]
    ExampleFails {
        /// Which, from 1.
        number: usize,
        /// Its subject.
        subject: String,
        /// What it says.
        expected: bool,
    },
    /// An example that matches but from which no steps can be made.
    #[error(
        "example {number} (subject {subject:?}) matches, but a placeholder has no value for it"
    )]
    ExampleNotFilled {
        /// Which, from 1.
        number: usize,
        /// Its subject.
        subject: String,
    },
    /// Another file has a runbook of this name.
    #[error("{other} holds a runbook of the same name, {name}")]
    Duplicate {
        /// The name.
        name: RunbookName,
        /// The other file.
        other: String,
    },
}

const TOP_KEYS: &[&str] = &[
    "name",
    "title",
    "enabled",
    "match",
    "confidence",
    "explain",
    "reason",
    "step",
    "undo",
    "verify",
    "example",
];
const MATCH_KEYS: &[&str] = &[
    "check", "subject", "except", "severity", "cause", "evidence", "os", "init",
];
const STEP_KEYS: &[&str] = &["kind", "unit", "keep_mib", "script"];
const VERIFY_KEYS: &[&str] = &["kind", "settle_s"];
const EXAMPLE_KEYS: &[&str] = &[
    "matches", "check", "subject", "severity", "cause", "summary", "evidence", "os", "init",
];

/// The tables of a runbook and their keys.
const TABLES: &[(&str, &[&str])] = &[
    ("match", MATCH_KEYS),
    ("step", STEP_KEYS),
    ("undo", STEP_KEYS),
    ("verify", VERIFY_KEYS),
    ("example", EXAMPLE_KEYS),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: RunbookName,
    title: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(rename = "match")]
    matching: MatchRule,
    confidence: Confidence,
    explain: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    step: Vec<toml::Table>,
    #[serde(default)]
    undo: Vec<toml::Table>,
    #[serde(default)]
    verify: Option<VerifyTemplate>,
    #[serde(default)]
    example: Vec<Example>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    matches: bool,
    #[serde(default)]
    check: Option<watchkeeper_model::CheckName>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    init: Option<Init>,
}

impl Example {
    /// The finding and the host it describes; what it leaves out is as the runbook wants it.
    fn case(&self, rule: &MatchRule) -> (Finding, HostTraits) {
        let finding = Finding {
            host: HostName::new("example").expect("a host's name"),
            check: self.check.clone().unwrap_or_else(|| rule.check.clone()),
            subject: self.subject.clone(),
            severity: self.severity.or(rule.severity).unwrap_or(Severity::Warning),
            summary: self.summary.clone(),
            cause: self.cause.clone(),
            evidence: self
                .evidence
                .iter()
                .map(|text| Evidence::new("example", text))
                .collect(),
        };
        let traits = HostTraits {
            os: self.os.clone().or_else(|| rule.os.first().cloned()),
            init: self.init.or_else(|| rule.init.first().copied()),
        };
        (finding, traits)
    }
}

impl Runbook {
    /// Longest file.
    pub const MAX_FILE_BYTES: usize = 64 * 1024;

    /// Reads and checks a runbook, its examples included.
    ///
    /// # Errors
    /// Names the file and the first thing that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, RunbookError> {
        parse(file, text).map_err(|fault| RunbookError {
            file: file.to_owned(),
            fault,
        })
    }

    /// The findings of its examples that must match.
    #[cfg(test)]
    pub(super) fn matching_examples(text: &str) -> Vec<(Finding, HostTraits)> {
        let file: File = toml::from_str(text).expect("a runbook");
        let matching = file.example.iter().filter(|example| example.matches);
        matching
            .map(|example| example.case(&file.matching))
            .collect()
    }
}

fn parse(file: &str, text: &str) -> Result<Runbook, RunbookFault> {
    if text.len() > Runbook::MAX_FILE_BYTES {
        return Err(RunbookFault::TooLarge {
            bytes: text.len(),
            limit: Runbook::MAX_FILE_BYTES,
        });
    }
    check_keys(text)?;
    let read: File = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
    let runbook = build(file, &read)?;
    check_examples(&runbook, &read.example)?;
    Ok(runbook)
}

fn build(file: &str, read: &File) -> Result<Runbook, RunbookFault> {
    if read.step.is_empty() != read.reason.is_none() {
        return Err(RunbookFault::ReasonAndSteps);
    }
    if read.step.is_empty() && (!read.undo.is_empty() || read.verify.is_some()) {
        return Err(RunbookFault::NothingToUndo);
    }
    let verify = read.verify.clone().unwrap_or_default();
    if verify.settle_s() > VerifyTemplate::MAX_SETTLE_S {
        let limit = VerifyTemplate::MAX_SETTLE_S;
        return Err(RunbookFault::SettlesTooLong {
            found: verify.settle_s(),
            limit,
        });
    }
    let text = |place: &str, text: &str| {
        Template::text(text).map_err(|why| RunbookFault::Template {
            place: place.to_owned(),
            why,
        })
    };
    Ok(Runbook {
        name: read.name.clone(),
        title: read.title.clone(),
        matching: read.matching.clone(),
        confidence: read.confidence,
        file: file.to_owned(),
        enabled: read.enabled,
        explain: text("explain", read.explain.trim())?,
        reason: text("reason", read.reason.as_deref().unwrap_or("").trim())?,
        steps: steps("step", &read.step)?,
        undo: steps("undo", &read.undo)?,
        verify,
    })
}

fn steps(place: &str, tables: &[toml::Table]) -> Result<Vec<StepTemplate>, RunbookFault> {
    if tables.len() > Plan::MAX_STEPS {
        return Err(RunbookFault::TooManySteps {
            steps: tables.len(),
            limit: Plan::MAX_STEPS,
        });
    }
    let parse = |(index, table): (usize, &toml::Table)| {
        let place = || format!("{place} {}", index + 1);
        StepTemplate::parse(table.clone()).map_err(|why| RunbookFault::Template {
            place: place(),
            why,
        })
    };
    tables.iter().enumerate().map(parse).collect()
}

fn check_examples(runbook: &Runbook, examples: &[Example]) -> Result<(), RunbookFault> {
    for missing in [true, false] {
        if !examples.iter().any(|example| example.matches == missing) {
            return Err(RunbookFault::NoExample { missing });
        }
    }
    for (index, example) in examples.iter().enumerate() {
        let (finding, traits) = example.case(&runbook.matching);
        let (number, subject) = (index + 1, example.subject.clone());
        if runbook.matching.matches(&finding, &traits) != example.matches {
            return Err(RunbookFault::ExampleFails {
                number,
                subject,
                expected: example.matches,
            });
        }
        if !example.matches {
            continue;
        }
        let diagnosis = runbook
            .diagnose(&finding)
            .ok_or(RunbookFault::ExampleNotFilled { number, subject })?;
        if let Some(proposal) = diagnosis.proposal {
            check_risk(&proposal.steps, &proposal.undo)?;
        }
    }
    Ok(())
}

fn check_risk(steps: &[Step], undo: &[Step]) -> Result<(), RunbookFault> {
    let assessment = watchkeeper_risk::assess(steps, undo);
    match assessment.effects.first() {
        Some(effect) if assessment.level == RiskLevel::Forbidden => Err(RunbookFault::Forbidden {
            sentence: effect.sentence.clone(),
        }),
        _ => Ok(()),
    }
}

fn check_keys(text: &str) -> Result<(), RunbookFault> {
    let table: toml::Table = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
    known_keys(text, &table, "the runbook", TOP_KEYS)?;
    for (name, known) in TABLES {
        let inner = match table.get(*name) {
            Some(toml::Value::Table(inner)) => vec![inner],
            Some(toml::Value::Array(list)) => {
                list.iter().filter_map(toml::Value::as_table).collect()
            }
            _ => Vec::new(),
        };
        for table in inner {
            known_keys(text, table, name, known)?;
        }
    }
    Ok(())
}

fn known_keys(
    text: &str,
    table: &toml::Table,
    name: &'static str,
    known: &'static [&'static str],
) -> Result<(), RunbookFault> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    Err(RunbookFault::UnknownKey {
        line: line_of_key(text, key),
        key: key.clone(),
        table: name,
        likely: likely(key, known),
    })
}

/// The known key that is most like this one, if any is.
fn likely(key: &str, known: &'static [&'static str]) -> Option<&'static str> {
    let best = known
        .iter()
        .copied()
        .max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)))?;
    (strsim::jaro_winkler(key, best) > 0.8).then_some(best)
}

/// The first line on which a key stands, bare or as the name of a table; 0 where it is written in another way.
fn line_of_key(text: &str, key: &str) -> usize {
    let begins = |line: &str| {
        let line = line.trim_start_matches([' ', '\t', '[']);
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
    };
    text.lines().position(begins).map_or(0, |index| index + 1)
}

fn unreadable(text: &str, error: &toml::de::Error) -> RunbookFault {
    let line = error.span().map_or(0, |span| {
        text[..span.start.min(text.len())].matches('\n').count() + 1
    });
    RunbookFault::Unreadable {
        line,
        detail: error.message().to_owned(),
    }
}
