//! Options of the few commands whose words a table cannot part: where an option's value ends the options, where
//! letters hold values in the middle of a bundle, where a command follows in the midst of options.

use crate::word::Arg;

/// How a command's options are written. Every list is parted by blanks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grammar {
    /// Options without a value.
    pub(super) flags: &'static str,
    /// Options with a value: the rest of the word, after `=`, or the next word.
    pub(super) values: &'static str,
    /// Options with a value only joined to the letter or after `=`.
    pub(super) optional: &'static str,
    /// Letters with a value of digits only, joined to the letter; other letters may follow.
    pub(super) digits: &'static str,
    /// Options with a value after which all words are operands.
    pub(super) ends: &'static str,
    /// Options without a value after which all words are operands.
    pub(super) ends_bare: &'static str,
    /// Whether the first operand ends the options.
    pub(super) first_operand_ends: bool,
    /// Whether long names have one dash, and letters are not bundled.
    pub(super) one_dash: bool,
}

/// The words of a command, parted.
#[derive(Clone, Debug, Default)]
pub(super) struct Parted {
    /// Options with their values, in order.
    pub(super) options: Vec<(String, Option<Arg>)>,
    /// Everything else, in order.
    pub(super) operands: Vec<Arg>,
    /// An option that is not listed, or whose value is missing.
    pub(super) unlisted: bool,
    /// A word that may be an option or not.
    pub(super) uncertain: bool,
}

impl Parted {
    /// Whether one of these options stands.
    pub(super) fn has(&self, names: &str) -> bool {
        self.options.iter().any(|(name, _)| listed(names, name))
    }

    /// The values of these options, in order.
    pub(super) fn values<'a>(&'a self, names: &'a str) -> impl Iterator<Item = &'a Arg> {
        self.options
            .iter()
            .filter(move |(name, _)| listed(names, name))
            .filter_map(|(_, value)| value.as_ref())
    }
}

/// Parts the words after the program's name.
pub(super) fn part(words: &[Arg], grammar: &Grammar) -> Parted {
    let mut parted = Parted::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let text = word.beginning();
        if word.has_unknown() && text.is_empty() && word.may_be_option() {
            parted.uncertain = true;
        }
        let is_option = text.len() > 1 && text.starts_with('-');
        if !is_option {
            parted.operands.push(word.clone());
            if grammar.first_operand_ends {
                break;
            }
            continue;
        }
        if text == "--" && word.parts.len() == 1 {
            break;
        }
        let next = words.get(at);
        let (taken, ended) = if text.starts_with("--") || grammar.one_dash {
            long(word, next, grammar, &mut parted)
        } else {
            bundle(word, next, grammar, &mut parted)
        };
        at += taken;
        if ended {
            break;
        }
    }
    parted
        .operands
        .extend(words.get(at..).unwrap_or_default().iter().cloned());
    parted
}

/// A long option; yields how many further words it takes, and whether it ends the options.
fn long(word: &Arg, next: Option<&Arg>, grammar: &Grammar, parted: &mut Parted) -> (usize, bool) {
    let text = word.beginning();
    let (name, value) = match text.split_once('=') {
        Some((name, _)) => (name, Some(without_beginning(word, name.len() + 1))),
        None if word.parts.len() > 1 => {
            parted.unlisted = true;
            return (0, false);
        }
        None => (text, None),
    };
    let takes = listed(grammar.values, name) || listed(grammar.ends, name);
    let known = takes
        || listed(grammar.flags, name)
        || listed(grammar.optional, name)
        || listed(grammar.ends_bare, name);
    if !known {
        parted.unlisted = true;
    }
    let ends = listed(grammar.ends, name) || listed(grammar.ends_bare, name);
    if takes && value.is_none() {
        if next.is_none() {
            parted.unlisted = true;
        }
        parted.options.push((name.to_owned(), next.cloned()));
        return (1, ends);
    }
    parted.options.push((name.to_owned(), value));
    (0, ends)
}

/// A bundle of letters; yields how many further words it takes, and whether it ends the options.
fn bundle(word: &Arg, next: Option<&Arg>, grammar: &Grammar, parted: &mut Parted) -> (usize, bool) {
    let text = word.beginning();
    let mut ends = false;
    let mut value_until = 0;
    for (index, letter) in text.char_indices().skip(1) {
        if index < value_until {
            continue;
        }
        let name = format!("-{letter}");
        let after = index + letter.len_utf8();
        let rest = without_beginning(word, after);
        let is_last = after == text.len() && word.parts.len() == 1;
        ends |= listed(grammar.ends, &name) || listed(grammar.ends_bare, &name);
        if listed(grammar.values, &name) || listed(grammar.ends, &name) {
            if !is_last {
                parted.options.push((name, Some(rest)));
                return (0, ends);
            }
            if next.is_none() {
                parted.unlisted = true;
            }
            parted.options.push((name, next.cloned()));
            return (1, ends);
        }
        if listed(grammar.optional, &name) {
            let value = (!is_last).then_some(rest);
            parted.options.push((name, value));
            return (0, ends);
        }
        if listed(grammar.digits, &name) {
            let digits = text[after..]
                .find(|next: char| !next.is_ascii_digit())
                .unwrap_or(text.len() - after);
            value_until = after + digits;
        } else if !listed(grammar.flags, &name) && !listed(grammar.ends_bare, &name) {
            parted.unlisted = true;
        }
        parted.options.push((name, None));
    }
    if word.parts.len() > 1 {
        parted.unlisted = true;
    }
    (0, ends)
}

/// A word without the first bytes of its known beginning.
fn without_beginning(word: &Arg, bytes: usize) -> Arg {
    let mut rest = word.clone();
    if let Some(crate::word::Part::Text(text)) = rest.parts.first_mut() {
        *text = text.get(bytes..).unwrap_or_default().to_owned();
        if text.is_empty() {
            rest.parts.remove(0);
        }
    }
    rest
}

/// Whether a list parted by blanks holds a word.
pub(super) fn listed(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|listed| listed == word)
}
