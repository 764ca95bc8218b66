//! File patterns: where they stand in text, and whether they match a text that is known.

use crate::word::Part;

use super::value::push_text;

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Exactly this character.
    One(char),
    /// `?`
    Any,
    /// `*`
    Many,
    /// `[a-z]`
    Class {
        /// Whether it is `[!…]`.
        negated: bool,
        /// The ranges.
        ranges: Vec<(char, char)>,
    },
}

/// A pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    steps: Vec<Step>,
}

impl Pattern {
    /// Adds text that stands for itself.
    pub(super) fn push_quoted(&mut self, text: &str) {
        self.steps.extend(text.chars().map(Step::One));
    }

    /// Adds text in which patterns are live. False for an extended one, which is not read here.
    pub(super) fn push_live(&mut self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at];
            if "?*+@!".contains(c) && chars.get(at + 1) == Some(&'(') {
                return false;
            }
            at += 1;
            match c {
                '*' => self.steps.push(Step::Many),
                '?' => self.steps.push(Step::Any),
                '\\' => {
                    self.steps
                        .push(Step::One(chars.get(at).copied().unwrap_or('\\')));
                    at += 1;
                }
                '[' => match class(&chars, at) {
                    Some((step, end)) => {
                        self.steps.push(step);
                        at = end;
                    }
                    None => self.steps.push(Step::One('[')),
                },
                c => self.steps.push(Step::One(c)),
            }
        }
        true
    }

    /// How many steps it has.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The numbers of characters at the beginning of a text that it matches: fewest and most.
    pub(super) fn prefixes(&self, text: &[char]) -> Option<(usize, usize)> {
        matches(&self.steps, text.iter().copied())
    }

    /// The same at the end of a text.
    pub(super) fn suffixes(&self, text: &[char]) -> Option<(usize, usize)> {
        let reversed: Vec<Step> = self.steps.iter().rev().cloned().collect();
        matches(&reversed, text.iter().rev().copied())
    }

    /// Whether it matches all of a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        self.prefixes(&chars)
            .is_some_and(|(_, most)| most == chars.len())
    }
}

/// The shortest and the longest beginning that the steps match.
fn matches(steps: &[Step], text: impl Iterator<Item = char>) -> Option<(usize, usize)> {
    let mut live = vec![false; steps.len() + 1];
    let mut next = live.clone();
    live[0] = true;
    skip_stars(steps, &mut live);
    let mut found = live[steps.len()].then_some((0, 0));
    for (index, c) in text.enumerate() {
        next.fill(false);
        for (at, step) in steps.iter().enumerate() {
            if live[at] && takes(step, c) {
                next[if *step == Step::Many { at } else { at + 1 }] = true;
            }
        }
        skip_stars(steps, &mut next);
        if !next.contains(&true) {
            break;
        }
        std::mem::swap(&mut live, &mut next);
        if live[steps.len()] {
            let fewest = found.map_or(index + 1, |(fewest, _)| fewest);
            found = Some((fewest, index + 1));
        }
    }
    found
}

fn skip_stars(steps: &[Step], live: &mut [bool]) {
    for (at, step) in steps.iter().enumerate() {
        if live[at] && *step == Step::Many {
            live[at + 1] = true;
        }
    }
}

fn takes(step: &Step, c: char) -> bool {
    match step {
        Step::One(own) => *own == c,
        Step::Any | Step::Many => true,
        Step::Class { negated, ranges } => {
            *negated != ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
        }
    }
}

/// A class whose inside begins at a place, and the place behind it.
fn class(chars: &[char], mut at: usize) -> Option<(Step, usize)> {
    let negated = matches!(chars.get(at), Some('!' | '^'));
    if negated {
        at += 1;
    }
    let begin = at;
    let mut ranges = Vec::new();
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > begin {
            return Some((Step::Class { negated, ranges }, at + 1));
        }
        if c == '[' && chars.get(at + 1) == Some(&':') {
            let end = (at + 2..chars.len()).find(|end| chars[*end] == ':')?;
            let name: String = chars[at + 2..end].iter().collect();
            ranges.extend(named_class(&name)?);
            at = end + 2;
            continue;
        }
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(to)) if *to != ']' => {
                ranges.push((c, *to));
                at += 3;
            }
            _ => {
                ranges.push((c, c));
                at += 1;
            }
        }
    }
}

fn named_class(name: &str) -> Option<Vec<(char, char)>> {
    Some(match name {
        "alpha" => vec![('a', 'z'), ('A', 'Z')],
        "digit" => vec![('0', '9')],
        "alnum" => vec![('a', 'z'), ('A', 'Z'), ('0', '9')],
        "lower" => vec![('a', 'z')],
        "upper" => vec![('A', 'Z')],
        "space" => vec![(' ', ' '), ('\t', '\r')],
        "blank" => vec![(' ', ' '), ('\t', '\t')],
        "xdigit" => vec![('a', 'f'), ('A', 'F'), ('0', '9')],
        "punct" => vec![('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        _ => return None,
    })
}

/// Adds unquoted text to the parts of a word; true where a file pattern is live in it.
pub(super) fn push_live(parts: &mut Vec<Part>, text: &str) -> bool {
    if !text.contains(['*', '?', '[']) {
        push_text(parts, text);
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    let mut live = false;
    let mut at = 0;
    while at < chars.len() {
        let end = match chars[at] {
            '*' | '?' => at + 1,
            '[' => class(&chars, at + 1).map_or(at, |(_, end)| end),
            _ => at,
        };
        if end == at {
            push_text(parts, chars[at].encode_utf8(&mut [0; 4]));
            at += 1;
        } else {
            parts.push(Part::Pattern(chars[at..end].iter().collect()));
            live = true;
            at = end;
        }
    }
    live
}
