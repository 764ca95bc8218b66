//! What the option grammar makes of the words of a command: its verbs, its options with their values, its operands.
//! Judges read it; what the words mean is theirs and the table's.

use crate::word::Arg;

/// The words of a command as its grammar reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// The verbs, outermost first, each by its first name.
    pub(crate) verbs: Vec<String>,
    /// The options, in order.
    pub(crate) options: Vec<MatchedOption>,
    /// Every other word, in order.
    pub(crate) operands: Vec<Arg>,
}

/// One option as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MatchedOption {
    /// Its first name in the table.
    pub(crate) name: String,
    /// All its names in the table, the first too.
    pub(crate) names: Vec<String>,
    /// Its value, where it has one.
    pub(crate) value: Option<Arg>,
    /// Whether it certainly is this option. Where it is not, it may add to what a command does and never take away.
    pub(crate) sure: bool,
}

impl Matched {
    /// Whether the option stands, by any of its names, certainly or possibly.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.is(name))
    }

    /// Whether the option certainly stands.
    pub(crate) fn has_surely(&self, name: &str) -> bool {
        self.options
            .iter()
            .any(|option| option.sure && option.is(name))
    }

    /// The last value of the option.
    pub(crate) fn value(&self, name: &str) -> Option<&Arg> {
        self.values(name).last().copied()
    }

    /// Every value of the option, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<&Arg> {
        self.options
            .iter()
            .filter(|option| option.is(name))
            .filter_map(|option| option.value.as_ref())
            .collect()
    }
}

impl MatchedOption {
    /// Whether this is one of its names.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name || self.names.iter().any(|own| own == name)
    }
}
