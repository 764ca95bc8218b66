//! What a command does, by its entry and one reading of its words.
//!
//! What takes something away - a dry run, an option that stands in place of all else, an `unless` - holds only where it
//! certainly stands and no option is in doubt; what adds something holds where it may stand.

use watchkeeper_model::{Certainty, EffectKind, RiskLevel};

use super::entry::{EffectSpec, OptionSpec, Spec, When};
use super::reading::{Doubt, Hit, Reading, Standing};
use super::schema::{Prints, Runs, Selector, TargetKind};
use crate::invocation::{Found, Invocation, Outcome, Output, Target};
use crate::word::Arg;

/// One reading of a command as it is judged.
pub(super) struct Evaluation<'a, 't> {
    /// The file of the entry.
    pub(super) family: &'a str,
    /// How the words are read.
    pub(super) reading: &'a Reading<'t>,
    /// The whole command.
    pub(super) invocation: &'a Invocation,
    /// What is found so far.
    pub(super) outcome: Outcome,
}

/// Whether what an option does holds for its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    Perhaps,
    No,
}

/// An option of the reading with what the table says of it.
struct Active<'r, 't> {
    hit: &'r Hit<'t>,
    entry: &'t OptionSpec,
    holds: Holds,
}

/// What one reading of a command does.
pub(super) fn evaluate(family: &str, reading: &Reading<'_>, invocation: &Invocation) -> Outcome {
    let mut evaluation = Evaluation {
        family,
        reading,
        invocation,
        outcome: Outcome::default(),
    };
    if !reading.help {
        evaluation.run();
    }
    let mut outcome = evaluation.outcome;
    if outcome.found.is_empty() && outcome.nested.is_empty() {
        let rule = rule(family, reading, if reading.help { "help" } else { "" });
        outcome.found.push(Found::plain(EffectKind::Reads, rule));
    }
    outcome
}

impl Evaluation<'_, '_> {
    fn run(&mut self) {
        let reading = self.reading;
        let leaf = reading.leaf();
        let active = active_options(reading);
        let certainly = !reading.options_in_doubt();
        let instead = certainly
            && active.iter().any(|option| {
                option.entry.instead && option.hit.sure && option.holds == Holds::Yes
            });
        let dry = reading
            .chain
            .iter()
            .any(|spec| reading.standing(&spec.dry) == Standing::Sure);
        self.doubts();
        let after = self.options(&active, dry);
        // Words that an option has run go before those that the command runs, where it does.
        let runs_words = !instead && !dry && leaf.runs.is_some();
        for argv in after.iter().filter(|argv| !runs_words && !argv.is_empty()) {
            self.nest_words(&Runs::default(), argv.clone());
        }
        if instead {
            self.machines();
            return;
        }
        let verb_unknown = reading
            .doubts
            .iter()
            .any(|doubt| matches!(doubt, Doubt::UnknownVerb(_) | Doubt::PartVerb(_)));
        // Where any word may stand for a verb, one that is none is an operand.
        if !verb_unknown || leaf.verbs.is_empty() || leaf.unknown_verb == RiskLevel::ReadOnly {
            self.own(leaf, dry, &after);
        }
        self.operand_limits(leaf);
        self.judges();
        self.machines();
        self.outcome.output = self.output(leaf);
    }

    /// What options do. Handed back are the words that a value puts before the operands (`env -S`).
    fn options(&mut self, active: &[Active<'_, '_>], dry: bool) -> Vec<Vec<Arg>> {
        let mut fronts = Vec::new();
        for option in active {
            let name = option.entry.names.first().map_or("", String::as_str);
            let sure = option.hit.sure && option.holds == Holds::Yes;
            for effect in &option.entry.effects {
                if dry && !stays_in_dry_run(effect) {
                    continue;
                }
                self.effect(effect, option.hit.value.as_ref(), name, sure);
            }
            if let (Some(runs), Some(value)) = (&option.entry.runs, &option.hit.value) {
                fronts.extend(self.runs_value(runs, value, name));
            }
        }
        fronts
    }

    /// What the command or verb does itself.
    fn own(&mut self, leaf: &Spec, dry: bool, after: &[Vec<Arg>]) {
        let nothing_said = leaf.effects.is_empty() && leaf.runs.is_none() && leaf.judge.is_none();
        if self.reading.verb_open && !leaf.bare_reads && nothing_said {
            let rule = self.rule("no_verb");
            self.found(Found::plain(EffectKind::Unknown, rule).saying("is given nothing to do"));
        }
        for effect in &leaf.effects {
            if !dry || looks(effect.does) {
                self.effect(effect, None, "", true);
            }
        }
        if let Some(runs) = leaf.runs.filter(|_| !dry) {
            self.runs_operands(&runs, after);
        }
        if self.holds_by_default(&leaf.interactive) {
            let rule = self.rule("interactive");
            self.found(Found::plain(EffectKind::Interactive, rule));
        }
        if self.holds_by_default(&leaf.unbounded) {
            let rule = self.rule("unbounded");
            self.found(Found::plain(EffectKind::Unbounded, rule));
        }
    }

    fn holds_by_default(&self, unless: &When) -> bool {
        match unless {
            When::Unsaid => false,
            When::Always => true,
            When::Options(options) => self.reading.standing(options) != Standing::Sure,
        }
    }

    /// One effect, to each word that it is done to.
    fn effect(&mut self, effect: &EffectSpec, value: Option<&Arg>, rule: &str, sure: bool) {
        let reading = self.reading;
        let mut sure = sure && reading.certain;
        if !effect.needs.is_empty() {
            match reading.standing(&effect.needs) {
                Standing::Absent => return,
                Standing::Possible => sure = false,
                Standing::Sure => {}
            }
        }
        match reading.standing(&effect.unless) {
            Standing::Absent => {}
            Standing::Possible => sure = false,
            Standing::Sure => return,
        }
        let recursive = match &effect.recursive {
            When::Unsaid => false,
            When::Always => true,
            When::Options(options) => reading.standing(options) != Standing::Absent,
        };
        let found = Found {
            level: effect.level,
            say: effect.say.clone(),
            certainty: if sure {
                Certainty::Certain
            } else {
                Certainty::Possible
            },
            recursive,
            ..Found::plain(effect.does, self.rule(rule))
        };
        for target in self.targets(effect, value) {
            self.found(Found {
                target,
                ..found.clone()
            });
        }
    }

    fn targets(&self, effect: &EffectSpec, value: Option<&Arg>) -> Vec<Target> {
        if let Some(fixed) = &effect.fixed {
            return vec![target(effect.target, Arg::text(fixed.as_str()))];
        }
        let operands = &self.reading.operands;
        let words: Vec<&Arg> = match effect.to {
            Selector::None => return vec![Target::None],
            Selector::Value => match value {
                Some(value) => vec![value],
                // A value that is missing: the program would most likely refuse.
                None => return vec![Target::None],
            },
            Selector::Operands | Selector::First if operands.is_empty() => {
                // Done to everything, or to what is meant where nothing is said.
                let bare = !looks(effect.does) && !self.reading.leaf().bare_reads;
                return if bare { vec![Target::None] } else { Vec::new() };
            }
            selector => selected(operands, selector),
        };
        words
            .into_iter()
            .filter(|word| !(effect.does == EffectKind::Reads && word.as_text() == Some("-")))
            .map(|word| target(effect.target, word.clone()))
            .collect()
    }

    fn operand_limits(&mut self, leaf: &Spec) {
        let operands = &self.reading.operands;
        if let Some(most) = leaf.most_operands {
            let several = operands.iter().any(|word| word.splits);
            if operands.len() > most || (several && operands.len() == most) {
                let rule = self.rule("operands");
                self.found(
                    Found::plain(EffectKind::Unknown, rule)
                        .saying("may be given more operands than are known"),
                );
            }
        }
        if leaf.only_operands.is_empty() {
            return;
        }
        let listed = |word: &&Arg| {
            word.as_text()
                .is_some_and(|text| in_list(&leaf.only_operands, text))
        };
        if let Some(other) = operands.iter().find(|word| !listed(word)) {
            let (target, rule) = (Target::Named(other.clone()), self.rule("operand"));
            self.found(
                Found::to(EffectKind::Unknown, target, rule)
                    .saying("is given an operand that is not known"),
            );
        }
    }

    fn judges(&mut self) {
        for spec in &self.reading.chain {
            let Some(judge) = spec.judge.as_deref().and_then(crate::judges::by_name) else {
                continue;
            };
            let judged = judge(self.invocation, &self.reading.matched());
            self.outcome.found.extend(judged.found);
            self.outcome.nested.extend(judged.nested);
            if judged.output != Output::Unknown {
                self.outcome.output = judged.output;
            }
        }
    }

    /// What is in doubt, as unknown effects.
    fn doubts(&mut self) {
        for doubt in &self.reading.doubts {
            let Some((what, level, target, sentence)) = self.doubt(doubt) else {
                continue;
            };
            let rule = self.rule(what);
            self.found(Found {
                certainty: Certainty::Possible,
                ..Found::to(EffectKind::Unknown, target, rule)
                    .at_least(level)
                    .saying(sentence)
            });
        }
    }

    fn doubt(&self, doubt: &Doubt) -> Option<(&'static str, RiskLevel, Target, String)> {
        let leaf = self.reading.leaf();
        let unlisted = leaf.unknown_option;
        let wrapper = if leaf.runs.is_some() {
            RiskLevel::High
        } else {
            RiskLevel::Medium
        };
        let named = |text: &str| Target::Named(Arg::text(text));
        let said = match doubt {
            Doubt::UnknownOption(name) => (
                "unknown_option",
                unlisted,
                named(name),
                format!("has the option {name}, which is not known"),
            ),
            Doubt::MaybeOption(word) if self.touchy() => (
                "maybe_option",
                wrapper,
                Target::Named(word.clone()),
                "may be given options that are not known".to_owned(),
            ),
            // `head -$N`: a number, or options that only look.
            Doubt::PartOption(word)
                if leaf.numeric && word.beginning() == "-" && !self.touchy() =>
            {
                return None;
            }
            Doubt::MaybeOption(_) => return None,
            Doubt::PartOption(word) => (
                "part_option",
                unlisted.max(wrapper),
                Target::Named(word.clone()),
                "has an option that is only partly known".to_owned(),
            ),
            Doubt::UnknownVerb(verb) => (
                "unknown_verb",
                leaf.unknown_verb,
                named(verb),
                format!("is told to {verb}, which is not known"),
            ),
            Doubt::PartVerb(word) => (
                "part_verb",
                leaf.unknown_verb.max(part_verb(word, self.reading)),
                Target::Named(word.clone()),
                "is told to do something that is only partly known".to_owned(),
            ),
            Doubt::TooMany => (
                "limit",
                RiskLevel::High,
                Target::None,
                "can be read in more ways than are tried".to_owned(),
            ),
        };
        (said.1 > RiskLevel::ReadOnly).then_some(said)
    }

    /// Whether an option might do harm here: one that is listed, one that is not, or one that a judge knows of.
    fn touchy(&self) -> bool {
        self.reading.chain.iter().any(|spec| spec.judge.is_some())
            || self.reading.leaf().runs.is_some()
            || self.reading.leaf().unknown_option >= RiskLevel::High
            || self.reading.chain.iter().any(|spec| has_harm(spec))
    }

    fn output(&self, leaf: &Spec) -> Output {
        if self.outcome.output != Output::Unknown {
            return self.outcome.output.clone();
        }
        if self.reading.standing(&leaf.prints_unless) != Standing::Absent {
            return Output::Unknown;
        }
        let needs = &leaf.prints_needs;
        if !needs.is_empty() && self.reading.standing(needs) != Standing::Sure {
            return Output::Unknown;
        }
        let reads_file =
            self.outcome.found.iter().any(|found| {
                found.kind == EffectKind::Reads && !matches!(found.target, Target::None)
            });
        match leaf.prints {
            None => Output::Unknown,
            Some(Prints::Plain) => Output::Plain,
            Some(Prints::PlainWords) => Output::PlainWords,
            Some(Prints::NamedLines) => Output::NamedLines,
            Some(Prints::FirstField) => self.first_field(),
            Some(Prints::Network) => Output::Network,
            Some(Prints::Input | Prints::InputLines) if reads_file => Output::Unknown,
            Some(Prints::Input) if self.reading.hits.is_empty() => Output::Input,
            Some(Prints::Input | Prints::InputLines) => Output::InputLines,
            Some(Prints::PathsBelowOperands) => {
                // What is in a directory is shown by its bare name, which means a file below the current directory.
                let here = std::iter::once(Some(".".to_owned()));
                let operands = self.reading.operands.iter();
                here.chain(operands.map(|word| word.as_text().map(str::to_owned)))
                    .collect::<Option<Vec<_>>>()
                    .map_or(Output::Unknown, Output::PathsBelow)
            }
        }
    }

    /// The first field of the input, or the names in the list of accounts.
    fn first_field(&self) -> Output {
        let matched = self.reading.matched();
        let others = matched
            .options
            .iter()
            .any(|option| !option.is("-f") && !option.is("-d"));
        let first =
            matches!(matched.values("-f").as_slice(), [field] if field.as_text() == Some("1"));
        let delimiters = matched.values("-d");
        let delimiter = match delimiters.as_slice() {
            [delimiter] => delimiter.as_text(),
            _ => None,
        };
        if others || !first || self.reading.options_in_doubt() {
            return Output::Unknown;
        }
        let operands: Option<Vec<&str>> = matched.operands.iter().map(Arg::as_text).collect();
        match (delimiter, operands.as_deref()) {
            (Some(":" | " "), Some([])) => Output::FirstField,
            (Some(":"), Some(["/etc/passwd" | "/etc/group"])) => Output::PlainWords,
            _ => Output::Unknown,
        }
    }

    /// The name of a rule of this command.
    pub(super) fn rule(&self, what: &str) -> String {
        rule(self.family, self.reading, what)
    }

    /// Takes in what was found.
    pub(super) fn found(&mut self, found: Found) {
        self.outcome.found.push(found);
    }
}

/// The options of a reading that do anything with the value they have.
fn active_options<'r, 't>(reading: &'r Reading<'t>) -> Vec<Active<'r, 't>> {
    let mut active = Vec::new();
    for hit in &reading.hits {
        for entry in &hit.entries {
            let holds = holds(entry, hit.value.as_ref());
            if holds != Holds::No {
                active.push(Active { hit, entry, holds });
            }
        }
    }
    active
}

/// `family.command.verb.what`.
fn rule(family: &str, reading: &Reading<'_>, what: &str) -> String {
    let mut name = family.to_owned();
    for spec in &reading.chain {
        name.push('.');
        name.push_str(spec.names.first().map_or("", String::as_str));
    }
    if !what.is_empty() {
        name.push('.');
        name.push_str(what);
    }
    name
}

/// How bad a verb may be of which nothing certain is known. What each verb that it may be does is found besides; words
/// that come with it may be anything.
fn part_verb(word: &Arg, reading: &Reading<'_>) -> RiskLevel {
    let harm = reading.chain.iter().any(|spec| has_harm_below(spec));
    if word.splits && harm {
        RiskLevel::High
    } else {
        RiskLevel::Medium
    }
}

/// Whether a kind of effect only looks.
const fn looks(kind: EffectKind) -> bool {
    matches!(
        kind,
        EffectKind::Reads | EffectKind::Probes | EffectKind::Secrets
    )
}

/// Whether an effect of an option happens in a dry run all the same: what it does to its own value, and what looks.
fn stays_in_dry_run(effect: &EffectSpec) -> bool {
    looks(effect.does) || effect.to == Selector::Value
}

/// Whether an effect is more than looking or waiting.
fn harms(effect: &EffectSpec) -> bool {
    let mild = matches!(
        effect.does,
        EffectKind::Reads | EffectKind::Probes | EffectKind::Unbounded
    );
    !mild && effect.level != Some(RiskLevel::ReadOnly)
}

fn has_harm(spec: &Spec) -> bool {
    spec.options()
        .iter()
        .any(|option| option.runs.is_some() || option.effects.iter().any(harms))
}

fn has_harm_below(spec: &Spec) -> bool {
    has_harm(spec)
        || spec.runs.is_some()
        || spec.judge.is_some()
        || spec.effects.iter().any(harms)
        || spec.verbs.iter().any(has_harm_below)
}

fn holds(entry: &OptionSpec, value: Option<&Arg>) -> Holds {
    if entry.only.is_empty() && entry.except.is_empty() {
        return Holds::Yes;
    }
    let Some(value) = value else {
        return if entry.only.is_empty() {
            Holds::Yes
        } else {
            Holds::No
        };
    };
    let Some(text) = value.as_text() else {
        return Holds::Perhaps;
    };
    let only = entry.only.is_empty() || in_list(&entry.only, text);
    if only && !in_list(&entry.except, text) {
        Holds::Yes
    } else {
        Holds::No
    }
}

/// Whether a text is in a list, in which `begins*` stands for all that begin so.
fn in_list(list: &[String], text: &str) -> bool {
    list.iter().any(|item| match item.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => item == text,
    })
}

/// The operands that a selector may mean. Where words before one may become several or none, its place is not certain,
/// and every place that it may have counts.
fn selected(operands: &[Arg], selector: Selector) -> Vec<&Arg> {
    let places = places(operands.iter());
    let mut from_end = self::places(operands.iter().rev());
    from_end.reverse();
    // Only where there may be two is one of them the last.
    let of_two = |index: usize| index > 0 || operands[index].splits;
    let may_be = |index: usize, place: usize| places[index].0 <= place && place <= places[index].1;
    let fits = |index: usize| match selector {
        Selector::Operands => true,
        Selector::First => may_be(index, 0),
        Selector::Second => may_be(index, 1),
        Selector::Third => may_be(index, 2),
        Selector::Last => of_two(index) && from_end[index].0 == 0,
        Selector::Rest => places[index].1 > 0,
        Selector::ButLast => from_end[index].1 > 0,
        Selector::None | Selector::Value => false,
    };
    operands
        .iter()
        .enumerate()
        .filter(|(index, _)| fits(*index))
        .map(|(_, word)| word)
        .collect()
}

/// The first and the last place that each word may have.
fn places<'w>(words: impl Iterator<Item = &'w Arg>) -> Vec<(usize, usize)> {
    let (mut least, mut open) = (0, false);
    words
        .map(|word| {
            open |= word.splits;
            let place = (least, if open { usize::MAX } else { least });
            if !word.splits {
                least += 1;
            }
            place
        })
        .collect()
}

fn target(kind: TargetKind, word: Arg) -> Target {
    match kind {
        TargetKind::Name => Target::Named(word),
        TargetKind::Path => Target::Path(word),
        TargetKind::Unit => Target::Unit(word),
        TargetKind::Package => Target::Package(word),
        TargetKind::Process => Target::Process(word),
        TargetKind::Host => Target::Host(word),
        TargetKind::Url => Target::Url(word),
    }
}
