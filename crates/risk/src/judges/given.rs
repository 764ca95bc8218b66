//! Options of a matched command by any of several names, in the order in which they stand.

use crate::spec::Matched;
use crate::word::Arg;

use super::options::listed;

/// The values of these options, in order. The names are parted by blanks.
pub(super) fn values<'a>(matched: &'a Matched, names: &str) -> Vec<&'a Arg> {
    matched
        .options
        .iter()
        .filter(|option| listed(names, &option.name))
        .filter_map(|option| option.value.as_ref())
        .collect()
}

/// Whether one of these options stands, certainly or possibly.
pub(super) fn has(matched: &Matched, names: &str) -> bool {
    matched
        .options
        .iter()
        .any(|option| listed(names, &option.name))
}

/// Whether one of these options certainly stands.
pub(super) fn has_surely(matched: &Matched, names: &str) -> bool {
    matched
        .options
        .iter()
        .any(|option| option.sure && listed(names, &option.name))
}
