//! Runbooks: files that map a kind of finding to a diagnosis and an action, with no model needed.
//!
//! A runbook is read from TOML, checked as a whole when it is loaded (its own examples included), and asked with a
//! finding. When several match one finding, the most specific speaks: a subject named in full before a pattern, then
//! the one with more conditions, then the pattern with more literal characters, then the name that sorts first.
//!
//! What a host says can choose between runbooks, and nothing else: into steps go only names that were checked as
//! such (`{{unit}}`, `{{certificate}}`), and into a script goes nothing at all.

mod file;
mod library;
mod matching;
mod pattern;
mod shipped;
mod template;

pub use file::{RunbookError, RunbookFault};
pub use library::{RunbookErrors, Runbooks};
pub use matching::{HostTraits, Init, MatchRule};
pub use pattern::Pattern;

use watchkeeper_model::{
    Confidence, Diagnosis, Finding, HostName, Proposal, Proposer, RunbookName, Step, UnitName,
};

use self::template::{StepTemplate, Template, VerifyTemplate};

/// One runbook, as loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Runbook {
    /// Its name.
    pub name: RunbookName,
    /// One line: what it is for.
    pub title: String,
    /// Which findings it is for.
    pub matching: MatchRule,
    /// How sure its diagnosis is.
    pub confidence: Confidence,
    /// The file it was read from.
    pub file: String,
    enabled: bool,
    explain: Template,
    reason: Template,
    steps: Vec<StepTemplate>,
    undo: Vec<StepTemplate>,
    verify: VerifyTemplate,
}

impl Runbook {
    /// Whether it proposes an action, or only explains.
    #[must_use]
    pub fn proposes(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Its diagnosis of a finding; none where what its steps need cannot be had from the finding.
    fn diagnose(&self, finding: &Finding) -> Option<Diagnosis> {
        let values = Values::of(finding);
        let steps = fill_steps(&self.steps, &values)?;
        let undo = fill_steps(&self.undo, &values)?;
        let proposal = if steps.is_empty() {
            None
        } else {
            Some(Proposal {
                host: finding.host.clone(),
                steps,
                reason: self.reason.fill(&values)?,
                verify: self.verify.fill(finding, &values)?,
                undo,
            })
        };
        Some(Diagnosis {
            by: Proposer::Runbook {
                name: self.name.clone(),
            },
            cause: self.explain.fill(&values)?,
            confidence: self.confidence,
            proposal,
        })
    }
}

fn fill_steps(templates: &[StepTemplate], values: &Values) -> Option<Vec<Step>> {
    templates
        .iter()
        .map(|template| template.fill(values))
        .collect()
}

/// What placeholders stand for: the first two only in texts for people, the names also in steps.
#[derive(Clone, Debug)]
struct Values {
    host: String,
    subject: String,
    summary: String,
    unit: Option<UnitName>,
    certificate: Option<HostName>,
}

impl Values {
    /// Most characters of a host's text in an explanation.
    const MAX_TEXT_CHARS: usize = 300;

    fn of(finding: &Finding) -> Self {
        let shown = |text: &str| {
            let text = watchkeeper_model::bounded(text, Self::MAX_TEXT_CHARS);
            watchkeeper_model::visible(&text).into_owned()
        };
        Self {
            host: finding.host.to_string(),
            subject: shown(&finding.subject),
            summary: shown(&finding.summary),
            unit: UnitName::new(finding.subject.as_str()).ok(),
            certificate: certificate_name(&finding.subject),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        match name {
            "host" => Some(&self.host),
            "subject" => Some(&self.subject),
            "summary" => Some(&self.summary),
            "unit" => self.unit.as_ref().map(UnitName::as_str),
            "certificate" => self.certificate.as_ref().map(HostName::as_str),
            _ => None,
        }
    }
}

/// The name of a certificate: the directory its file lies in, as certbot and NixOS lay them out.
fn certificate_name(path: &str) -> Option<HostName> {
    const PLACES: [&str; 2] = ["/var/lib/acme/", "/etc/letsencrypt/live/"];
    let rest = PLACES.iter().find_map(|place| path.strip_prefix(place))?;
    let (name, _) = rest.split_once('/')?;
    HostName::new(name).ok()
}

#[cfg(test)]
mod tests;
