//! Texts and steps with placeholders, checked when they are loaded.

use serde::Deserialize;
use watchkeeper_model::{Finding, Step, UnitName, Verification};

use super::Values;

/// Placeholders that may stand in a text for people.
const TEXT_NAMES: [&str; 5] = ["host", "subject", "summary", "unit", "certificate"];
/// Placeholders that may stand in a step: those that are checked as names.
const STEP_NAMES: [&str; 2] = ["unit", "certificate"];

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A placeholder that stands for nothing here.
    #[error("{{{{{name}}}}} stands for nothing here; there are {}", known.join(", "))]
    UnknownPlaceholder {
        /// Its name.
        name: String,
        /// Those there are.
        known: &'static [&'static str],
    },
    /// A placeholder without its end.
    #[error("a placeholder begins with {{{{ and does not end")]
    Unclosed,
    /// A placeholder in a script: a host's text would become a command.
    #[error("no placeholder may stand in a script")]
    InScript,
    /// A key that must be text.
    #[error("the key {key} must be text")]
    NotText {
        /// Which key.
        key: &'static str,
    },
    /// Something that is no step.
    #[error("it is no step: {detail}")]
    NotAStep {
        /// What is wrong with it.
        detail: String,
    },
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(String),
}

impl Template {
    /// A text for people.
    pub(super) fn text(text: &str) -> Result<Self, InvalidTemplate> {
        Self::parse(text, &TEXT_NAMES)
    }

    fn parse(text: &str, known: &'static [&'static str]) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or(InvalidTemplate::Unclosed)?;
            let name = name.trim();
            if !known.contains(&name) {
                let name = watchkeeper_model::bounded(name, 40).into_owned();
                return Err(InvalidTemplate::UnknownPlaceholder { name, known });
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Placeholder(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text with its placeholders filled; none where one has no value.
    pub(super) fn fill(&self, values: &Values) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            text.push_str(match part {
                Part::Text(literal) => literal,
                Part::Placeholder(name) => values.get(name)?,
            });
        }
        Some(text)
    }
}

/// A step whose unit may be a placeholder. What comes out is parsed as a step again, so that what a placeholder
/// brings is checked with the rest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepTemplate {
    table: toml::Table,
    unit: Option<Template>,
}

impl StepTemplate {
    pub(super) fn parse(table: toml::Table) -> Result<Self, InvalidTemplate> {
        let text = |key: &'static str| match table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(InvalidTemplate::NotText { key }),
        };
        if text("script")?.is_some_and(|script| script.contains("{{")) {
            return Err(InvalidTemplate::InScript);
        }
        let unit = text("unit")?
            .map(|unit| Template::parse(unit, &STEP_NAMES))
            .transpose()?;
        let template = Self { table, unit };
        template
            .build(&Values::sample())
            .map_err(|detail| InvalidTemplate::NotAStep { detail })?;
        Ok(template)
    }

    /// The step; none where a placeholder has no value or its value does not fit.
    pub(super) fn fill(&self, values: &Values) -> Option<Step> {
        self.build(values).ok()
    }

    fn build(&self, values: &Values) -> Result<Step, String> {
        let mut table = self.table.clone();
        if let Some(unit) = &self.unit {
            let unit = unit.fill(values).ok_or("a placeholder has no value")?;
            table.insert("unit".to_owned(), toml::Value::String(unit));
        }
        Step::deserialize(toml::Value::Table(table)).map_err(|error| error.message().to_owned())
    }
}

impl Values {
    /// Values with which every template can be filled, to check it.
    fn sample() -> Self {
        let finding = Finding {
            host: watchkeeper_model::HostName::local(),
            check: watchkeeper_model::CheckName::new("units").expect("a check's name"),
            subject: "sample.service".to_owned(),
            severity: watchkeeper_model::Severity::Critical,
            summary: String::new(),
            cause: String::new(),
            evidence: Vec::new(),
        };
        let certificate = super::certificate_name("/var/lib/acme/example.org/cert.pem");
        Self {
            certificate,
            ..Self::of(&finding)
        }
    }
}

/// How a runbook's action is verified.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum VerifyTemplate {
    /// The check that found it passes for the subject.
    CheckPasses {
        /// Seconds to settle.
        settle_s: u32,
    },
    /// The unit that the finding is about is active.
    UnitActive {
        /// Seconds to settle.
        settle_s: u32,
    },
}

impl Default for VerifyTemplate {
    fn default() -> Self {
        Self::CheckPasses { settle_s: 10 }
    }
}

impl VerifyTemplate {
    /// Longest time to settle, in seconds.
    pub(super) const MAX_SETTLE_S: u32 = 3_600;

    pub(super) const fn settle_s(&self) -> u32 {
        match self {
            Self::CheckPasses { settle_s } | Self::UnitActive { settle_s } => *settle_s,
        }
    }

    pub(super) fn fill(&self, finding: &Finding, values: &Values) -> Option<Verification> {
        match self {
            Self::CheckPasses { settle_s } => Some(Verification::CheckPasses {
                check: finding.check.clone(),
                subject: finding.subject.clone(),
                settle_s: *settle_s,
            }),
            Self::UnitActive { settle_s } => {
                let unit: UnitName = values.unit.clone()?;
                Some(Verification::UnitActive {
                    unit,
                    settle_s: *settle_s,
                })
            }
        }
    }
}
