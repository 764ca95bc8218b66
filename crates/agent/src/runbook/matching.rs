//! Which findings a runbook is for.

use std::cmp::Reverse;

use serde::Deserialize;
use watchkeeper_model::{CheckName, Finding, Severity};

use super::Pattern;

/// What keeps a host's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// systemd.
    Systemd,
    /// OpenRC.
    Openrc,
}

/// The little that a runbook may ask about the host itself. What is not known fits no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTraits {
    /// `ID` of its os-release: `debian`, `nixos`.
    pub os: Option<String>,
    /// What keeps its services.
    pub init: Option<Init>,
}

/// The conditions of a runbook; all of them must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchRule {
    /// The check that found it.
    pub check: CheckName,
    /// One of these stands for the subject.
    #[serde(default = "any_subject")]
    pub subject: Vec<Pattern>,
    /// None of these does.
    #[serde(default)]
    pub except: Vec<Pattern>,
    /// It is at least so bad.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// One of these stands in the finding's cause.
    #[serde(default)]
    pub cause: Vec<String>,
    /// One of these stands in what was seen, or in the summary.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// The host's os-release `ID` is one of these.
    #[serde(default)]
    pub os: Vec<String>,
    /// The host's services are kept by one of these.
    #[serde(default)]
    pub init: Vec<Init>,
}

fn any_subject() -> Vec<Pattern> {
    vec![Pattern::new("*")]
}

/// How specific a match is; greater is more so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Specificity {
    exact: bool,
    conditions: usize,
    literal_chars: usize,
    alternatives: Reverse<usize>,
}

impl MatchRule {
    /// Whether a finding on such a host is one of those it is for.
    #[must_use]
    pub fn matches(&self, finding: &Finding, host: &HostTraits) -> bool {
        self.specificity(finding, host).is_some()
    }

    /// How specifically it matches; none where it does not.
    pub(super) fn specificity(&self, finding: &Finding, host: &HostTraits) -> Option<Specificity> {
        let subject = self
            .subject
            .iter()
            .filter(|pattern| pattern.matches(&finding.subject))
            .max_by_key(|pattern| (pattern.is_exact(), pattern.literal_chars()))?;
        let seen = || {
            finding
                .evidence
                .iter()
                .map(|piece| piece.text.as_str())
                .chain([finding.summary.as_str()])
        };
        let os = || host.os.as_ref().is_some_and(|os| self.os.contains(os));
        let init = || host.init.is_some_and(|init| self.init.contains(&init));
        let holds = self.check == finding.check
            && !self
                .except
                .iter()
                .any(|pattern| pattern.matches(&finding.subject))
            && self.severity.is_none_or(|least| finding.severity >= least)
            && (self.cause.is_empty() || says(&self.cause, [finding.cause.as_str()]))
            && (self.evidence.is_empty() || says(&self.evidence, seen()))
            && (self.os.is_empty() || os())
            && (self.init.is_empty() || init());
        holds.then(|| Specificity {
            exact: subject.is_exact(),
            conditions: self.conditions(),
            literal_chars: subject.literal_chars(),
            alternatives: Reverse(self.cause.len() + self.evidence.len() + self.os.len()),
        })
    }

    fn conditions(&self) -> usize {
        [
            self.severity.is_some(),
            !self.cause.is_empty(),
            !self.evidence.is_empty(),
            !self.os.is_empty(),
            !self.init.is_empty(),
        ]
        .into_iter()
        .filter(|set| *set)
        .count()
    }
}

/// Whether one of the wanted texts stands in one of the others, in whatever case.
fn says<'a>(wanted: &[String], texts: impl IntoIterator<Item = &'a str>) -> bool {
    let wanted: Vec<String> = wanted.iter().map(|text| text.to_lowercase()).collect();
    texts.into_iter().any(|text| {
        let text = text.to_lowercase();
        wanted.iter().any(|wanted| text.contains(wanted))
    })
}
