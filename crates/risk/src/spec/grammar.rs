//! The option grammar: reads the words of a command by the style of its table entry.
//!
//! Words are read from left to right, as `getopt_long` does. Options of a command stand before and after its verb; an
//! option before the verb that only a verb lists is looked up again when the verb is known. Where it hangs on what is
//! not known whether an option takes the next word (it is not listed, or is shortened to several), the words are read
//! twice: the usual way, and the other way (`Turn`). A word that is only partly known stands for everything that it may
//! be: each verb that it may name is a reading of its own, each option it may name is found, though not surely.

use super::entry::{OptionSpec, Spec};
use super::reading::{Doubt, Hit, Reading};
use super::schema::{Style, Value};
use crate::word::{Arg, Origin, Part};

/// Most steps, over all readings of one command; what is beyond is not read, and that is high.
const MAX_STEPS: usize = 100_000;
/// Most readings of one command.
const MAX_READINGS: usize = 128;
/// Most options of one command, and most doubts.
const MAX_OPTIONS: usize = 2_048;

/// Directories in which only the system makes files: no name there is made to look like an option.
const KEPT: [&str; 10] = [
    "/boot",
    "/dev/disk",
    "/dev/mapper",
    "/etc",
    "/proc",
    "/sys",
    "/usr",
    "/var/lib",
    "/var/log",
    "/nix/store",
];

/// How an option is read of which it is not known whether it takes the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// As is likely: an option that is not listed takes none.
    Usual,
    /// The other way.
    Other,
}

/// All readings of the words, and whether the other turn would read them otherwise.
pub(super) fn read<'t>(command: &'t Spec, words: &[Arg], turn: Turn) -> (Vec<Reading<'t>>, bool) {
    let mut grammar = Grammar {
        words,
        turn,
        turned: false,
        steps: 0,
        pending: vec![State::start(command)],
        done: Vec::new(),
    };
    while let Some(state) = grammar.pending.pop() {
        grammar.run(state);
    }
    (grammar.done, grammar.turned)
}

struct Grammar<'w, 't> {
    words: &'w [Arg],
    turn: Turn,
    /// Whether the turn made a difference.
    turned: bool,
    steps: usize,
    pending: Vec<State<'t>>,
    done: Vec<Reading<'t>>,
}

#[derive(Clone)]
struct State<'t> {
    reading: Reading<'t>,
    at: usize,
    /// Whether `--` stood.
    ended: bool,
    /// Whether the first operand stood that ends the options.
    past: bool,
    /// Operands, but for assignments before a command.
    counted: usize,
    /// Options before the verb that only verbs list.
    deferred: Vec<(String, Option<Arg>)>,
}

impl<'t> State<'t> {
    fn start(command: &'t Spec) -> Self {
        Self {
            reading: Reading {
                chain: vec![command],
                hits: Vec::new(),
                operands: Vec::new(),
                doubts: Vec::new(),
                help: false,
                certain: true,
                verb_open: !command.verbs.is_empty(),
            },
            at: 0,
            ended: false,
            past: false,
            counted: 0,
            deferred: Vec::new(),
        }
    }

    fn leaf(&self) -> &'t Spec {
        self.reading.leaf()
    }

    fn doubt(&mut self, doubt: Doubt) {
        if self.reading.doubts.len() >= MAX_OPTIONS {
            if self.reading.doubts.last() != Some(&Doubt::TooMany) {
                self.reading.doubts.push(Doubt::TooMany);
            }
        } else if !(self.reading.doubts.len() < 32 && self.reading.doubts.contains(&doubt)) {
            self.reading.doubts.push(doubt);
        }
    }

    fn hit(&mut self, entries: Vec<&'t OptionSpec>, value: Option<Arg>, sure: bool) {
        if self.reading.hits.len() >= MAX_OPTIONS {
            self.doubt(Doubt::TooMany);
        } else {
            self.reading.hits.push(Hit {
                entries,
                value,
                sure,
            });
        }
    }

    /// The next word as a value.
    fn take(&mut self, words: &[Arg]) -> Option<Arg> {
        let value = words.get(self.at).cloned();
        self.at += 1;
        value
    }

    /// Everything that a partly known option may be.
    fn part_option(&mut self, word: &Arg, beginning: &str, letters: bool) {
        self.doubt(Doubt::PartOption(word.clone()));
        for option in self.reading.beginning(beginning) {
            if letters && option.names.iter().all(|name| name.chars().count() > 2) {
                continue;
            }
            let value = (option.value != Value::None).then(|| word.clone());
            self.hit(vec![option], value, false);
        }
    }

    /// Whether `--help` here does nothing but show it: nothing that counts stands before it.
    fn helps(&self, name: &str) -> bool {
        let asks = match self.leaf().style {
            Style::None => false,
            Style::LongDash => name == "-help" || name == "-version",
            _ => name == "--help" || name == "--version",
        };
        let reading = &self.reading;
        asks && reading.operands.is_empty()
            && reading.doubts.is_empty()
            && self.deferred.is_empty()
            && reading.hits.iter().all(|hit| {
                hit.entries
                    .iter()
                    .all(|entry| entry.effects.is_empty() && entry.runs.is_none())
            })
    }

    /// The reading, when all words are read.
    fn finish(mut self) -> Reading<'t> {
        for (name, value) in std::mem::take(&mut self.deferred) {
            let entries = self.reading.named(&name);
            if entries.is_empty() {
                self.doubt(Doubt::UnknownOption(name));
            } else {
                self.hit(entries, value, true);
            }
        }
        self.reading
    }
}

impl<'t> Grammar<'_, 't> {
    fn run(&mut self, mut state: State<'t>) {
        while let Some(word) = self.words.get(state.at) {
            self.steps += 1;
            if self.steps > MAX_STEPS || self.done.len() >= MAX_READINGS {
                state.doubt(Doubt::TooMany);
                self.pending.clear();
                break;
            }
            state.at += 1;
            let Some(next) = self.word(state, word) else {
                return;
            };
            state = next;
            if state.reading.help {
                break;
            }
        }
        self.done.push(state.finish());
    }

    /// Reads one word. Nothing: it is read in several ways, which wait.
    fn word(&mut self, mut state: State<'t>, word: &Arg) -> Option<State<'t>> {
        let style = state.leaf().style;
        if state.ended || style == Style::None {
            return self.operand(state, word);
        }
        if state.past {
            past_options(&mut state, word);
            return self.operand(state, word);
        }
        if begins_unknown(word) {
            if style == Style::OldBundle && state.at == 1 {
                state.part_option(word, "", true);
            } else if may_be_option(word) {
                state.doubt(Doubt::MaybeOption(word.clone()));
            }
            return self.operand(state, word);
        }
        match word.as_text() {
            Some("--") => {
                state.ended = true;
                return Some(state);
            }
            Some("-" | "") => return self.operand(state, word),
            _ => {}
        }
        let known = word.beginning();
        match style {
            Style::KeyValue if !known.starts_with('-') => self.key_value(state, word),
            Style::LongDash if known.starts_with('-') || plus_option(&state, known) => {
                self.named(&mut state, word, false);
                Some(state)
            }
            Style::LongDash => self.operand(state, word),
            _ if known.starts_with("--") => {
                self.named(&mut state, word, true);
                Some(state)
            }
            _ if known.starts_with('-') || plus_option(&state, known) => {
                self.bundle(&mut state, word);
                Some(state)
            }
            Style::OldBundle if self.old_bundle(&mut state, word) => Some(state),
            _ => self.operand(state, word),
        }
    }

    fn key_value(&mut self, mut state: State<'t>, word: &Arg) -> Option<State<'t>> {
        let known = word.beginning();
        let Some((name, _)) = known.split_once('=') else {
            if word.as_text().is_none() {
                state.part_option(word, known, false);
            }
            return self.operand(state, word);
        };
        let entries = state.reading.named(name);
        if entries.is_empty() {
            state.doubt(Doubt::UnknownOption(name.to_owned()));
        } else {
            state.hit(entries, Some(tail(word, name.len() + 1)), true);
        }
        Some(state)
    }

    /// An option by its name: `--name`, `--name=VALUE`, and `-name` where there are no bundles.
    fn named(&mut self, state: &mut State<'t>, word: &Arg, may_shorten: bool) {
        let known = word.beginning();
        let (written, joined) = match known.split_once('=') {
            Some((name, _)) => (name, Some(tail(word, name.len() + 1))),
            None => (known, None),
        };
        let name = super::entry::option_name(written, state.leaf().style);
        if joined.is_none() && word.as_text().is_none() {
            state.part_option(word, &name, false);
            return;
        }
        let entries = state.reading.named(&name);
        let harmless = entries.iter().all(|entry| entry.is_plain_flag());
        if joined.is_none() && harmless && state.helps(&name) {
            state.reading.help = true;
            return;
        }
        if !entries.is_empty() {
            self.found(state, vec![entries], joined, true);
            return;
        }
        if state.leaf().numeric && is_number(&name[1..]) {
            return;
        }
        if self.defer(state, &name, joined.clone()) {
            return;
        }
        if may_shorten {
            let candidates = state.reading.beginning(&name);
            let exact = state.leaf().exact_options || name.starts_with("--no-");
            if !candidates.is_empty() && name.len() > 2 {
                let sure = candidates.len() == 1 && !exact;
                let entries = candidates.into_iter().map(|option| vec![option]).collect();
                self.found(state, entries, joined, sure);
                if exact {
                    state.doubt(Doubt::UnknownOption(name));
                }
                return;
            }
        }
        state.doubt(Doubt::UnknownOption(name));
        if joined.is_none() {
            self.perhaps_take(state, false);
        }
    }

    /// Takes in an option, or the several that it may be.
    fn found(
        &mut self,
        state: &mut State<'t>,
        options: Vec<Vec<&'t OptionSpec>>,
        joined: Option<Arg>,
        sure: bool,
    ) {
        let required = |entries: &Vec<&OptionSpec>| entries[0].value == Value::Required;
        let takes = options.iter().any(required);
        let agreed = options.iter().all(required) || !takes;
        let value = match joined {
            Some(value) => Some(value),
            None if takes && agreed => state.take(self.words),
            None if takes => self.perhaps_take(state, true),
            None => None,
        };
        for entries in options {
            let flag = entries[0].value == Value::None;
            match (&value, flag) {
                (Some(value), true) if takes => {
                    state.hit(entries, Some(value.clone()), false);
                }
                (Some(value), true) => {
                    let switch = value.as_text().and_then(switched);
                    if switch.is_none() {
                        let name = entries[0].names.first().cloned().unwrap_or_default();
                        state.doubt(Doubt::UnknownOption(format!("{name}={}", value.shown())));
                    }
                    state.hit(entries, None, sure && switch == Some(true));
                }
                (value, _) => state.hit(entries, value.clone(), sure),
            }
        }
    }

    /// The next word, where the turn says that the option takes it.
    fn perhaps_take(&mut self, state: &mut State<'t>, usually: bool) -> Option<Arg> {
        if state.at < self.words.len() {
            self.turned = true;
        }
        let takes = usually == (self.turn == Turn::Usual);
        takes.then(|| state.take(self.words)).flatten()
    }

    /// Puts an option off until the verb is known, where only verbs list it.
    fn defer(&mut self, state: &mut State<'t>, name: &str, joined: Option<Arg>) -> bool {
        if !state.reading.verb_open || state.leaf().style == Style::Posix {
            return false;
        }
        let mut values = Vec::new();
        values_below(state.leaf(), name, &mut values);
        if values.is_empty() {
            return false;
        }
        let value = if joined.is_none() && values.contains(&Value::Required) {
            self.perhaps_take(state, true)
        } else {
            joined
        };
        if state.deferred.len() < MAX_OPTIONS {
            state.deferred.push((name.to_owned(), value));
        } else {
            state.doubt(Doubt::TooMany);
        }
        true
    }

    /// `-abc`, `-n5`, `-n 5`; and `-name`, where a name with one dash is listed so.
    fn bundle(&mut self, state: &mut State<'t>, word: &Arg) {
        let known = word.beginning();
        let sign = &known[..1];
        let whole = known.split_once('=').map_or(known, |(name, _)| name);
        let is_name = whole.chars().count() > 2 && !state.reading.named(whole).is_empty();
        if is_name && (whole.len() < known.len() || word.as_text().is_some()) {
            self.named(state, word, false);
            return;
        }
        let mut unlisted_last = false;
        for (place, letter) in known.char_indices().skip(1) {
            unlisted_last = false;
            if state.leaf().numeric && letter.is_ascii_digit() {
                continue;
            }
            let name = format!("{sign}{letter}");
            let rest = tail(word, place + letter.len_utf8());
            let rest = (!rest.parts.is_empty()).then(|| without_equals(rest));
            let entries = state.reading.named(&name);
            let Some(first) = entries.first() else {
                let above = state.deferred.len();
                if self.defer_letter(state, &name, rest.as_ref()) {
                    if state.deferred.len() > above && state.deferred[above].1.is_some() {
                        return;
                    }
                    continue;
                }
                state.doubt(Doubt::UnknownOption(name));
                unlisted_last = true;
                continue;
            };
            match first.value {
                Value::None => state.hit(entries, None, true),
                Value::Optional => {
                    state.hit(entries, rest, true);
                    return;
                }
                Value::Required => {
                    let value = rest.or_else(|| state.take(self.words));
                    state.hit(entries, value, true);
                    return;
                }
            }
        }
        if word.as_text().is_none() {
            state.part_option(word, sign, true);
        } else if unlisted_last {
            self.perhaps_take(state, false);
        }
    }

    fn defer_letter(&mut self, state: &mut State<'t>, name: &str, rest: Option<&Arg>) -> bool {
        let mut values = Vec::new();
        values_below(state.leaf(), name, &mut values);
        let joined = rest.filter(|_| values.iter().any(|value| *value != Value::None));
        self.defer(state, name, joined.cloned())
    }

    /// The letters of a first word without a dash, as `tar xzf` has them, and of any word that is nothing but letters
    /// that are listed without one, as with `ps`. Says whether it was such a word.
    fn old_bundle(&mut self, state: &mut State<'t>, word: &Arg) -> bool {
        let Some(text) = word.as_text() else {
            return false;
        };
        let listed = |letter: char| {
            !state
                .reading
                .named(letter.encode_utf8(&mut [0; 4]))
                .is_empty()
        };
        let has_bare_names = state.reading.chain.iter().any(|spec| {
            let mut names = spec.options().iter().flat_map(|option| &option.names);
            names.any(|name| !name.starts_with(['-', '+']))
        });
        if has_bare_names {
            if !text.chars().all(listed) {
                return false;
            }
        } else if state.at != 1 {
            return false;
        }
        for letter in text.chars() {
            let bare = state.reading.named(letter.encode_utf8(&mut [0; 4]));
            let entries = if bare.is_empty() {
                state.reading.named(&format!("-{letter}"))
            } else {
                bare
            };
            match entries.first().map(|first| first.value) {
                None => state.doubt(Doubt::UnknownOption(letter.to_string())),
                Some(Value::Required) => {
                    let value = state.take(self.words);
                    state.hit(entries, value, true);
                }
                Some(Value::None | Value::Optional) => state.hit(entries, None, true),
            }
        }
        true
    }

    fn operand(&mut self, mut state: State<'t>, word: &Arg) -> Option<State<'t>> {
        if state.reading.verb_open {
            return self.verb(state, word);
        }
        let leaf = state.leaf();
        let runs = leaf.runs.as_ref();
        let assigns = runs.is_some_and(|runs| runs.assignments) && is_assignment(word);
        state.reading.operands.push(word.clone());
        if !assigns || state.past {
            state.counted += 1;
        }
        if leaf.style == Style::Posix && state.counted > runs.map_or(0, |runs| runs.skip) {
            state.past = true;
        }
        Some(state)
    }

    /// Reads a word where a verb stands. Nothing: it may be several, which wait.
    fn verb(&mut self, mut state: State<'t>, word: &Arg) -> Option<State<'t>> {
        let leaf = state.leaf();
        if let Some(text) = word.as_text() {
            if let Some(verb) = leaf.verb_named(text) {
                descend(&mut state, verb);
                return Some(state);
            }
            let shortened = if leaf.verbs_shorten && !text.is_empty() {
                leaf.verbs_beginning(text)
            } else {
                Vec::new()
            };
            if shortened.is_empty() {
                state.reading.verb_open = false;
                state.doubt(Doubt::UnknownVerb(text.to_owned()));
                state.reading.operands.push(word.clone());
                return Some(state);
            }
            state.reading.certain &= shortened.len() == 1;
            self.each(&state, &shortened);
            return None;
        }
        let again = state
            .reading
            .doubts
            .iter()
            .any(|doubt| matches!(doubt, Doubt::PartVerb(_)));
        state.reading.certain = false;
        state.doubt(Doubt::PartVerb(word.clone()));
        if again {
            // Every verb of every verb is too many to follow, and too much to read.
            state.doubt(Doubt::TooMany);
            state.reading.verb_open = false;
            state.reading.operands.push(word.clone());
            return Some(state);
        }
        self.each(&state, &leaf.verbs_beginning(word.beginning()));
        if begins_unknown(word) && (word.splits || may_be_option(word)) {
            // It may be an option, or no word at all: then a verb still follows.
            return Some(state);
        }
        state.reading.verb_open = false;
        state.reading.operands.push(word.clone());
        Some(state)
    }

    fn each(&mut self, state: &State<'t>, verbs: &[&'t Spec]) {
        for verb in verbs.iter().rev() {
            if self.pending.len() + self.done.len() >= MAX_READINGS {
                let mut over = state.clone();
                over.doubt(Doubt::TooMany);
                self.done.push(over.finish());
                return;
            }
            let mut next = state.clone();
            descend(&mut next, verb);
            self.pending.push(next);
        }
    }
}

/// A program that reads on for options after its first operand would see this one: it is found, though not surely.
fn past_options(state: &mut State<'_>, word: &Arg) {
    let (leaf, known) = (state.leaf(), word.beginning());
    if leaf.runs.is_some() || leaf.judge.is_some() || !known.starts_with('-') {
        return;
    }
    let name = known.split_once('=').map_or(known, |(name, _)| name);
    let mut names = vec![name.to_owned()];
    if !name.starts_with("--") && name.chars().count() > 2 {
        names.extend(name.chars().skip(1).map(|letter| format!("-{letter}")));
    }
    for name in names {
        let found = state.reading.named(&name);
        if !found.is_empty() {
            let value = (found[0].value != Value::None).then(|| word.clone());
            state.hit(found, value, false);
        }
    }
}

fn descend<'t>(state: &mut State<'t>, verb: &'t Spec) {
    state.reading.chain.push(verb);
    state.reading.verb_open = !verb.verbs.is_empty();
    state.past = false;
    state.counted = 0;
}

/// Whether a word that begins with a plus is an option: only where such are listed, or numbers are options.
fn plus_option(state: &State<'_>, known: &str) -> bool {
    let Some(rest) = known.strip_prefix('+') else {
        return false;
    };
    let numeric = state.leaf().numeric && rest.starts_with(|letter: char| letter.is_ascii_digit());
    numeric || (!rest.is_empty() && !state.reading.beginning("+").is_empty())
}

/// How the verbs below list an option of this name.
fn values_below(spec: &Spec, name: &str, values: &mut Vec<Value>) {
    for verb in &spec.verbs {
        values.extend(verb.options_named(name).map(|option| option.value));
        values_below(verb, name, values);
    }
}

/// Whether nothing is known of how a word begins.
fn begins_unknown(word: &Arg) -> bool {
    !word.parts.is_empty() && !matches!(word.parts.first(), Some(Part::Text(_)))
}

/// Whether a word of which the beginning is not known may be an option. Names of files that begin with the root are
/// none; but where one may be split at a blank in it, only if not just anybody makes files there.
fn may_be_option(word: &Arg) -> bool {
    let Some(Part::Unknown(unknown)) = word.parts.first() else {
        return word.may_be_option();
    };
    let Origin::PathsBelow(directories) = &unknown.from else {
        return word.may_be_option();
    };
    // `/dev` itself, and not what is below it: `/dev/shm` is anybody's.
    let kept = |directory: &String| {
        if directory.trim_end_matches('/') == "/dev" {
            return true;
        }
        let mut own = KEPT.iter().filter_map(|kept| directory.strip_prefix(kept));
        !directory.contains("..") && own.any(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let rooted = directories
        .iter()
        .all(|directory| directory.starts_with('/'));
    let safe = !directories.is_empty() && rooted && (!word.splits || directories.iter().all(kept));
    !safe && word.may_be_option()
}

/// Whether a word is `NAME=value`.
pub(super) fn is_assignment(word: &Arg) -> bool {
    word.beginning().split_once('=').is_some_and(|(name, _)| {
        let mut letters = name.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a value joined to a flag says: `--watch=false`.
fn switched(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A word without the first bytes of the known text that it begins with.
pub(super) fn tail(word: &Arg, bytes: usize) -> Arg {
    let mut parts = word.parts.clone();
    if let Some(Part::Text(text)) = parts.first_mut() {
        *text = text.get(bytes..).unwrap_or_default().to_owned();
        if text.is_empty() {
            parts.remove(0);
        }
    }
    Arg {
        parts,
        splits: word.splits,
    }
}

/// A value joined to a letter without the `=` that some programs let stand between: the stricter way to read it.
fn without_equals(value: Arg) -> Arg {
    if value.beginning().len() > 1 && value.beginning().starts_with('=') {
        tail(&value, 1)
    } else {
        value
    }
}
