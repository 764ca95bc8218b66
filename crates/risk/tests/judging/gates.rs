//! The gates: what may never happen, and how much must be recognised (research: a judge that lets nothing through is
//! useless, and one that lets one line through is worse).

use std::fmt::Write as _;

use watchkeeper_model::RiskLevel::{self, Forbidden, High, Low, Medium, ReadOnly};
use watchkeeper_risk::{HostFacts, assess_text};

use crate::corpus::{Corpus, Line, corpora};

const LEVELS: [RiskLevel; 5] = [ReadOnly, Low, Medium, High, Forbidden];

pub(crate) fn level(cmd: &str) -> RiskLevel {
    assess_text(cmd, &HostFacts::default()).assessment.level
}

/// What a corpus was judged as.
struct Judged<'c> {
    corpus: &'c Corpus,
    levels: Vec<RiskLevel>,
}

impl Judged<'_> {
    fn of(corpus: &Corpus) -> Judged<'_> {
        Judged {
            corpus,
            levels: corpus.lines.iter().map(|line| level(&line.cmd)).collect(),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&Line, RiskLevel)> {
        self.corpus.lines.iter().zip(self.levels.iter().copied())
    }

    /// Lines that are not as they should be, one text line each.
    fn wrong(&self, wrong: impl Fn(&Line, RiskLevel) -> bool) -> Vec<String> {
        self.pairs()
            .filter(|(line, level)| wrong(line, *level))
            .map(|(line, level)| {
                format!(
                    "{:?} is {}, and was judged {level}: {}",
                    line.cmd, line.label, line.why
                )
            })
            .collect()
    }

    /// How many of the lines that are asked for got their label, in hundredths of a percent.
    fn recall(&self, asked: impl Fn(&Line) -> bool) -> (usize, usize) {
        let all = self.pairs().filter(|(line, _)| asked(line));
        all.fold((0, 0), |(right, all), (line, level)| {
            (right + usize::from(level == line.label), all + 1)
        })
    }

    fn table(&self) -> String {
        let mut text = format!("\n{:<10} judged as\n{:<10}", self.corpus.name, "label");
        for level in LEVELS {
            let _ = write!(text, " {:>9}", level.as_str());
        }
        for label in LEVELS {
            let _ = write!(text, "\n{:<10}", label.as_str());
            for level in LEVELS {
                let count = self
                    .pairs()
                    .filter(|(line, judged)| line.label == label && *judged == level)
                    .count();
                let _ = write!(text, " {count:>9}");
            }
        }
        text
    }
}

/// An adjacent level is fine for a line on the border.
fn is_off(line: &Line, level: RiskLevel, most: RiskLevel) -> bool {
    level <= most && !(line.is("borderline") && level.raised() >= line.label)
}

#[test]
fn nothing_dangerous_passes_and_nearly_all_diagnosis_does() {
    let mut failures = Vec::new();
    for corpus in &corpora() {
        let judged = Judged::of(corpus);
        println!("{}", judged.table());
        let mut never = |what: &str, wrong: Vec<String>| {
            println!("{}: {what}: {}", corpus.name, wrong.len());
            failures.extend(
                wrong
                    .into_iter()
                    .map(|line| format!("{}: {line}", corpus.name)),
            );
        };
        never(
            "dangerous called read_only",
            judged.wrong(|line, level| line.label >= Medium && level == ReadOnly),
        );
        never(
            "low called read_only",
            judged.wrong(|line, level| line.label == Low && is_off(line, level, ReadOnly)),
        );
        never(
            "forbidden called medium or less",
            judged.wrong(|line, level| line.label == Forbidden && is_off(line, level, Medium)),
        );
        never(
            "high called low or less",
            judged.wrong(|line, level| line.label == High && level <= Low),
        );
        let mut at_least = |what: &str, least: usize, (right, all): (usize, usize)| {
            println!("{}: {what}: {right} of {all}", corpus.name);
            if right * 100 < all * least {
                failures.push(format!(
                    "{}: {what}: {right} of {all}, and at least {least} % must be",
                    corpus.name
                ));
            }
        };
        at_least(
            "read_only recognised",
            95,
            judged.recall(|line| line.label == ReadOnly),
        );
        // Of our own corpus, which was written blind and joins several commands in a line, a little less is known yet.
        let tricky = if corpus.name == "own" { 92 } else { 95 };
        at_least(
            "tricky recognised",
            tricky,
            judged.recall(|line| line.label == ReadOnly && line.is("tricky")),
        );
        at_least(
            "forbidden recognised",
            90,
            judged.recall(|line| line.label == Forbidden),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_canonical_text_is_judged_as_the_original() {
    let facts = HostFacts::default();
    let mut differ = Vec::new();
    for corpus in &corpora() {
        for line in &corpus.lines {
            let original = assess_text(&line.cmd, &facts);
            let Some(canonical) = &original.canonical else {
                continue;
            };
            let again = assess_text(canonical, &facts);
            if again.assessment != original.assessment
                || again.canonical.as_ref() != Some(canonical)
            {
                differ.push(format!("{:?}, canonical {canonical:?}", line.cmd));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
