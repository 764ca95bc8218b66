//! The labelled corpora: what each line must get, as a person judged it.

use serde::Deserialize;
use watchkeeper_model::RiskLevel;

/// One labelled command line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line {
    /// The command.
    pub(crate) cmd: String,
    /// The level that a person gave it.
    pub(crate) label: RiskLevel,
    /// Why.
    pub(crate) why: String,
    /// What it is about; `tricky`, `disguised` and `borderline` among them.
    pub(crate) tags: Vec<String>,
}

impl Line {
    pub(crate) fn is(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

/// A corpus and its name.
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// The corpora: the given one, and our own, which was written and labelled before there was anything to judge it.
pub(crate) fn corpora() -> [Corpus; 2] {
    let read = |name, texts: &[&str]| Corpus {
        name,
        lines: texts
            .iter()
            .flat_map(|text| text.lines())
            .map(|line| serde_json::from_str(line).expect("a labelled line"))
            .collect(),
    };
    [
        read("given", &[include_str!("../corpus/dev.jsonl")]),
        read(
            "own",
            &[
                include_str!("../corpus/own_harmless.jsonl"),
                include_str!("../corpus/own_dangerous.jsonl"),
            ],
        ),
    ]
}
