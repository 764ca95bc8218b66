//! `journal`: whether a program writes many errors in a short time.

use watchkeeper_model::Severity;

use super::{Report, Trouble};
use crate::{Facts, figures};

/// The subject where many programs write errors and none of them many.
const ALL: &str = "all programs";

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let journal = match facts.journal.get() {
        Ok(journal) => journal,
        Err(why) => return report.unknown("", why),
    };
    let limits = report.thresholds.journal;
    let window = figures::span(journal.window_s);
    for source in journal
        .sources
        .iter()
        .filter(|source| source.count >= limits.warning_count)
    {
        let severity = if source.count >= limits.critical_count {
            Severity::Critical
        } else {
            Severity::Warning
        };
        let errors = figures::count(source.count, "error", "errors");
        let unit = source
            .unit
            .as_ref()
            .filter(|unit| !unit.starts_with(&source.identifier));
        let unit = unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
        let at_least = if journal.at_least { "at least " } else { "" };
        let summary = format!(
            "{}{unit} wrote {at_least}{errors} in {window}",
            source.identifier
        );
        let trouble = Trouble::new(severity, "errors", summary);
        let trouble = source
            .samples
            .iter()
            .fold(trouble, |trouble, sample| trouble.seen("journal", sample));
        report.found(&source.identifier, trouble);
    }
    if journal.at_least {
        if report.found == 0 {
            let summary = format!(
                "more than {} errors in {window}, from many programs",
                journal.count
            );
            let names = journal
                .sources
                .iter()
                .take(10)
                .map(|source| format!("{} {}", source.count, source.identifier));
            let names = names.collect::<Vec<_>>().join(", ");
            report.found(
                ALL,
                Trouble::new(Severity::Warning, "errors", summary).seen("journal", names),
            );
        }
        report.unknown(
            "",
            format!("only the newest {} errors were read", journal.count),
        );
    } else if report.found == 0 {
        report.passed(
            "",
            format!(
                "{} in {window}",
                figures::count(journal.count, "error", "errors")
            ),
        );
    }
}
