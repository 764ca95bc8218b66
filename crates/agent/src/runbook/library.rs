//! All runbooks together.

use std::fmt;

use watchkeeper_model::{Diagnosis, Finding};

use super::shipped::SHIPPED;
use super::{HostTraits, Runbook, RunbookError, RunbookFault};

/// The runbooks that are asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runbooks(Vec<Runbook>);

/// Everything that is wrong with a set of files; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunbookErrors(pub Vec<RunbookError>);

impl fmt::Display for RunbookErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            write!(f, "{gap}{error}: {}", error.fault)?;
        }
        Ok(())
    }
}

impl std::error::Error for RunbookErrors {}

impl Runbooks {
    /// The runbooks that come with Watchkeeper.
    ///
    /// # Panics
    /// Never: a test loads them.
    #[must_use]
    pub fn shipped() -> Self {
        let files: Vec<(&str, &str)> = SHIPPED.to_vec();
        Self::load(&files).expect("the shipped runbooks are valid")
    }

    /// Reads and checks files, each given by its name and its text.
    ///
    /// # Errors
    /// Names everything that is wrong, file by file; two runbooks of one name are wrong too.
    pub fn load(files: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<Self, RunbookErrors> {
        let mut runbooks: Vec<Runbook> = Vec::new();
        let mut errors = Vec::new();
        for (file, text) in files {
            match Runbook::parse(file.as_ref(), text.as_ref()) {
                Ok(runbook) => match runbooks.iter().find(|other| other.name == runbook.name) {
                    Some(other) => errors.push(duplicate(&runbook, other)),
                    None => runbooks.push(runbook),
                },
                Err(error) => errors.push(error),
            }
        }
        runbooks.sort_by(|a, b| a.name.cmp(&b.name));
        if errors.is_empty() {
            Ok(Self(runbooks))
        } else {
            Err(RunbookErrors(errors))
        }
    }

    /// These, with those of another set added; one of the same name takes the place of ours.
    #[must_use]
    pub fn overridden_by(self, others: Self) -> Self {
        let mut runbooks = others.0;
        for runbook in self.0 {
            if !runbooks.iter().any(|other| other.name == runbook.name) {
                runbooks.push(runbook);
            }
        }
        runbooks.sort_by(|a, b| a.name.cmp(&b.name));
        Self(runbooks)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Runbook> {
        self.0.iter()
    }

    /// What the most specific runbook says about a finding; none where no runbook is for it.
    #[must_use]
    pub fn diagnose(&self, finding: &Finding, host: &HostTraits) -> Option<Diagnosis> {
        let mut fitting: Vec<_> = self
            .0
            .iter()
            .filter(|runbook| runbook.enabled)
            .filter_map(|runbook| Some((runbook.matching.specificity(finding, host)?, runbook)))
            .collect();
        fitting.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.name.cmp(&other.name)));
        fitting
            .into_iter()
            .find_map(|(_, runbook)| runbook.diagnose(finding))
    }
}

fn duplicate(runbook: &Runbook, other: &Runbook) -> RunbookError {
    RunbookError {
        file: runbook.file.clone(),
        fault: RunbookFault::Duplicate {
            name: runbook.name.clone(),
            other: other.file.clone(),
        },
    }
}
