//! Scripts by the thousand: what bash ran against what the trees show, and against what the canonical texts run.

use watchkeeper_shell::{Parsed, Refusal, parse};

use crate::bash::{executed, reads};
use crate::generator::Generator;
use crate::visible::visible;

/// How many scripts one bash runs.
const BATCH: usize = 250;

/// What came of the scripts.
#[derive(Default, Debug)]
pub(crate) struct Report {
    /// How many there were.
    pub(crate) scripts: usize,
    /// How many have a tree.
    pub(crate) accepted: usize,
    /// How many of those ran at least one marker.
    pub(crate) ran: usize,
    /// How many were refused because the parsers disagree.
    pub(crate) disagreed: usize,
    /// How many were refused because one parser cannot read them.
    pub(crate) unparsable: usize,
    /// How many were refused because their canonical text does not read the same.
    pub(crate) not_renderable: usize,
    /// How many were refused otherwise.
    pub(crate) unsupported: usize,
    /// Accepted ones that bash itself cannot read, so that only their canonical text runs all of it.
    pub(crate) bash_refuses: usize,
    /// Batches in which a script did not end.
    pub(crate) unfinished: usize,
    /// Scripts of which bash ran a marker that the tree does not show.
    pub(crate) misses: Vec<String>,
    /// Scripts whose canonical text ran other markers.
    pub(crate) different: Vec<String>,
    /// Accepted scripts without a canonical text that reads the same.
    pub(crate) strays: Vec<String>,
}

/// Runs so many scripts from a seed.
pub(crate) fn run(scripts: usize, seed: u64) -> Report {
    let mut generator = Generator::new(seed);
    let mut report = Report::default();
    while report.scripts < scripts {
        let size = BATCH.min(scripts - report.scripts);
        let texts: Vec<String> = (0..size).map(|_| generator.script()).collect();
        report.scripts += size;
        batch(&texts, seed, &mut report);
    }
    report
}

fn batch(texts: &[String], seed: u64, report: &mut Report) {
    let mut accepted: Vec<(String, Parsed)> = Vec::new();
    for text in texts {
        match parse(text) {
            Ok(parsed) => accepted.push((text.clone(), parsed)),
            Err(Refusal::Disagreement) => report.disagreed += 1,
            Err(Refusal::Unparsable { .. }) => report.unparsable += 1,
            Err(Refusal::NotRenderable) => {
                report.not_renderable += 1;
                report.strays.push(text.clone());
            }
            Err(_) => report.unsupported += 1,
        }
    }
    report.accepted += accepted.len();
    let originals: Vec<String> = accepted.iter().map(|(text, _)| text.clone()).collect();
    let canonical: Vec<String> = accepted
        .iter()
        .map(|(_, parsed)| parsed.canonical.clone())
        .collect();
    let (Some(ran), Some(ran_canonical)) = (
        executed(&originals, &format!("{seed}-a")),
        executed(&canonical, &format!("{seed}-b")),
    ) else {
        report.unfinished += 1;
        return;
    };
    for (number, (text, parsed)) in accepted.iter().enumerate() {
        let shown = visible(&parsed.script);
        report.ran += usize::from(!ran[number].is_empty());
        if ran[number].iter().any(|mark| !shown.shows(mark)) {
            report.misses.push(text.clone());
        }
        if ran[number] == ran_canonical[number] {
            continue;
        }
        if reads(text, &format!("{seed}-reads")) == Some(false) {
            report.bash_refuses += 1;
        } else {
            let (left, right) = (&ran[number], &ran_canonical[number]);
            report.different.push(format!(
                "{text}\n--- canonical\n{}\n--- {left:?} {right:?}",
                parsed.canonical
            ));
        }
    }
}
