//! The walk over lists, pipelines and compounds, and what it keeps: the effects, the budget, the calls on the way.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use watchkeeper_model::{Decoded, EffectKind, RiskLevel};
use watchkeeper_shell::{
    ArmEnd, CaseArm, Command, Compound, Connector, Item, Pipeline, Place, Script, Test, Word,
};

use super::choice::Choices;
use super::limits::{MOST_COMMANDS, MOST_EXPANDED_BYTES, MOST_LEVELS, MOST_SHOWN, MOST_TEXTS};
use super::links::Link;
use super::loops::Frame;
use super::state::{State, Stdin};
use super::value::{Printed, Value};
use super::{Commands, Seen, SeenEffect, Start};
use crate::facts::HostFacts;
use crate::invocation::{Context, Found, Target};
use crate::word::{Arg, Origin};

/// Keeps the scripts of nested texts for as long as the walk goes.
#[derive(Default)]
pub(super) struct Texts {
    places: OnceCell<Vec<OnceCell<Script>>>,
    used: Cell<usize>,
}

impl Texts {
    /// Keeps a script; nothing where there are too many.
    pub(super) fn keep(&self, script: Script) -> Option<&Script> {
        let places = self
            .places
            .get_or_init(|| (0..MOST_TEXTS).map(|_| OnceCell::new()).collect());
        let place = places.get(self.used.get())?;
        self.used.set(self.used.get() + 1);
        Some(place.get_or_init(|| script))
    }
}

/// What came of running something: what it printed, and the state after it failed where that differs from the state
/// after it went well, which stands in the state that was handed in.
#[derive(Debug, Default)]
pub(super) struct Done<'a> {
    pub(super) printed: Printed,
    pub(super) failed: Option<State<'a>>,
}

impl<'a> Done<'a> {
    pub(super) fn printed(value: Value) -> Self {
        Self {
            printed: Printed::one(value),
            failed: None,
        }
    }

    /// Lets what came of another run be possible as well.
    pub(super) fn or(&mut self, state: &mut State<'a>, other: Self, other_state: State<'a>) {
        self.printed.or(other.printed);
        self.failed = match (self.failed.take(), other.failed) {
            (None, None) => None,
            (mine, theirs) => {
                let mut failed = mine.unwrap_or_else(|| state.clone());
                failed.join(theirs.unwrap_or_else(|| other_state.clone()));
                Some(failed)
            }
        };
        state.join(other_state);
    }

    /// Makes the state that of both ends.
    pub(super) fn settle(&mut self, state: &mut State<'a>) {
        if let Some(failed) = self.failed.take() {
            state.join(failed);
        }
    }
}

/// A function on the way.
pub(super) struct Call {
    pub(super) name: Rc<str>,
    /// How many forks there were on the way to it.
    pub(super) forks: u32,
}

/// How often a loop, a function and a shell were left so far: what is printed behind such a place may not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaves {
    pub(super) loops: u32,
    pub(super) functions: u32,
    pub(super) shells: u32,
}

/// Devices that are read without end.
const ENDLESS_FILES: [&str; 4] = ["/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Programs that print all that they read.
const ENDLESS_READERS: [&str; 11] = [
    "cat", "tac", "tr", "base64", "base32", "od", "xxd", "hexdump", "strings", "pv", "gzip",
];

/// The walk.
pub(super) struct Walker<'a> {
    pub(super) commands: &'a dyn Commands,
    pub(super) facts: &'a HostFacts,
    pub(super) texts: &'a Texts,
    /// Nested texts that were read before, with what they are.
    pub(super) parsed: HashMap<String, Result<Option<&'a Script>, String>>,
    seen: Seen,
    /// Where effects of a hash stand in `seen`.
    known: HashMap<u64, Vec<usize>>,
    commands_left: u32,
    bytes_left: usize,
    /// Whether a budget is used up: nothing more is followed.
    pub(super) stopped: bool,
    /// Whether redirections stand alone: nothing is run that might write to what they open.
    pub(super) opens_only: bool,
    /// How deep the command stands that is ended after a time, where there is one.
    pub(super) timed: Option<usize>,
    levels: usize,
    /// How deep in nested commands and texts.
    pub(super) nested: usize,
    pub(super) place: Option<Place>,
    /// The words of the command that is looked at.
    pub(super) words: String,
    pub(super) choices: Choices,
    pub(super) calls: Vec<Call>,
    pub(super) forks: u32,
    pub(super) frames: Vec<Frame<'a>>,
    pub(super) leaves: Leaves,
    /// Paths that were written to on the way.
    pub(super) written: BTreeSet<String>,
    /// What was written to files, where it is known.
    pub(super) files: BTreeMap<String, Vec<Value>>,
    /// Whether anything was brought from elsewhere on the way.
    pub(super) brought: bool,
    /// The number of the next descriptor of a process substitution.
    pub(super) descriptor: u32,
    /// How many commands were started in the background.
    pub(super) backgrounds: u32,
    /// Programs that are only one possibility.
    pub(super) possible: bool,
    /// Symbolic links that were made on the way.
    pub(super) links: Vec<Link>,
    /// What names were made to stand for by `alias`.
    pub(super) aliases: BTreeMap<String, String>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(start: &Start<'a>, texts: &'a Texts) -> Self {
        Self {
            commands: start.commands,
            facts: start.facts,
            texts,
            parsed: HashMap::new(),
            seen: Seen::default(),
            known: HashMap::new(),
            commands_left: MOST_COMMANDS,
            bytes_left: MOST_EXPANDED_BYTES,
            stopped: false,
            levels: 0,
            nested: 0,
            opens_only: false,
            timed: None,
            place: None,
            words: String::new(),
            choices: Choices::default(),
            calls: Vec::new(),
            forks: 0,
            frames: Vec::new(),
            leaves: Leaves::default(),
            written: BTreeSet::new(),
            files: BTreeMap::new(),
            brought: false,
            descriptor: 63,
            backgrounds: 0,
            possible: false,
            links: Vec::new(),
            aliases: BTreeMap::new(),
        }
    }

    pub(super) fn run(&mut self, script: &'a Script, directories: &[String]) {
        let mut state = State::new(Context {
            directories: directories.to_vec(),
            ..Context::default()
        });
        let mut done = self.script(script, &mut state);
        done.settle(&mut state);
        self.run_traps(&mut state);
    }

    pub(super) fn into_seen(self) -> Seen {
        self.seen
    }

    /// Notes an effect, once.
    pub(super) fn emit(&mut self, found: Found, context: &Context) {
        for other in self.through_links(&found, context) {
            self.emit_once(other, context);
        }
        self.emit_once(found, context);
    }

    fn emit_once(&mut self, mut found: Found, context: &Context) {
        if self.possible {
            found.certainty = watchkeeper_model::Certainty::Possible;
        }
        let ended = self.timed.is_some_and(|depth| depth == self.nested);
        if ended
            && found.kind == EffectKind::Unbounded
            && found.level.is_none_or(|level| level <= RiskLevel::Low)
        {
            found = Found::plain(EffectKind::Reads, found.rule);
        }
        let mut hasher = DefaultHasher::new();
        found.kind.hash(&mut hasher);
        found.rule.hash(&mut hasher);
        self.place.hash(&mut hasher);
        self.words.hash(&mut hasher);
        let same = self.known.entry(hasher.finish()).or_default();
        let known = same.iter().any(|index| {
            let held = &self.seen.effects[*index];
            held.found == found
                && held.context == *context
                && held.place == self.place
                && held.words == self.words
        });
        if known {
            return;
        }
        same.push(self.seen.effects.len());
        self.seen.effects.push(SeenEffect {
            found,
            context: context.clone(),
            place: self.place,
            words: self.words.clone(),
        });
    }

    /// How many effects have been noted.
    pub(super) fn effects_noted(&self) -> usize {
        self.seen.effects.len()
    }

    /// Whether anything noted since then prints without end.
    pub(super) fn prints_without_end(&self, since: usize) -> bool {
        let noted = self.seen.effects.get(since..).unwrap_or_default();
        noted.iter().any(|effect| {
            let program = effect.words.split_whitespace().next().unwrap_or_default();
            let base = program.rsplit('/').next().unwrap_or_default();
            match &effect.found.target {
                Target::Path(path) => {
                    let endless = path
                        .as_text()
                        .is_some_and(|path| ENDLESS_FILES.contains(&path));
                    endless && ENDLESS_READERS.contains(&base)
                }
                _ => effect.found.kind == EffectKind::Unbounded && base == "yes",
            }
        })
    }

    /// Notes an effect of the shell itself that has a level of its own.
    pub(super) fn flag(
        &mut self,
        kind: EffectKind,
        level: RiskLevel,
        rule: &str,
        say: &str,
        state: &State<'_>,
    ) {
        let found = Found::plain(kind, rule).at_least(level).saying(say);
        self.emit(found, &state.context);
    }

    /// The same, with the name of what it is about.
    pub(super) fn flag_named(
        &mut self,
        kind: EffectKind,
        level: RiskLevel,
        (rule, say): (&str, &str),
        name: &str,
        state: &State<'_>,
    ) {
        let target = Target::Named(Arg::text(name));
        let found = Found::to(kind, target, rule).at_least(level).saying(say);
        self.emit(found, &state.context);
    }

    /// Notes that a limit is passed.
    pub(super) fn limit(&mut self, what: &str, most: usize, state: &State<'_>) {
        let say = format!("is not read to its end: more than {most} {what}");
        let rule = format!("limit.{}", what.replace(' ', "_"));
        self.flag(EffectKind::Unknown, RiskLevel::High, &rule, &say, state);
    }

    pub(super) fn decoded(&mut self, how: &str, text: &str) {
        let shown = Decoded {
            how: how.to_owned(),
            text: bounded(text, 4096),
        };
        if self.seen.decoded.len() < 64 && !self.seen.decoded.contains(&shown) {
            self.seen.decoded.push(shown);
        }
    }

    /// How many effects there are so far.
    pub(super) const fn mark(&self) -> usize {
        self.seen.effects.len()
    }

    /// Whether everything since then only looks; if so or not, it is forgotten, for it does not run.
    pub(super) fn only_looked_since(&mut self, mark: usize) -> bool {
        let looks = self.seen.effects[mark..].iter().all(|effect| {
            let found = &effect.found;
            matches!(found.kind, EffectKind::Reads | EffectKind::Probes)
                && found.level.is_none_or(|level| level == RiskLevel::ReadOnly)
        });
        if !self.stopped {
            self.seen.effects.truncate(mark);
            for places in self.known.values_mut() {
                places.retain(|place| *place < mark);
            }
        }
        looks
    }

    /// Takes bytes of the budget for expansions.
    pub(super) fn spend(&mut self, bytes: usize, state: &State<'_>) -> bool {
        if self.bytes_left < bytes {
            self.bytes_left = 0;
            self.stopped = true;
            self.limit("bytes of expansions", MOST_EXPANDED_BYTES, state);
            return false;
        }
        self.bytes_left -= bytes;
        true
    }

    /// Goes one level down; nothing where that is too deep or the budget is used up.
    pub(super) fn deeper<R: Default>(
        &mut self,
        state: &mut State<'a>,
        run: impl FnOnce(&mut Self, &mut State<'a>) -> R,
    ) -> R {
        if self.stopped {
            return R::default();
        }
        if self.levels == MOST_LEVELS {
            self.limit("constructs that stand in one another", MOST_LEVELS, state);
            return R::default();
        }
        self.levels += 1;
        let result = run(self, state);
        self.levels -= 1;
        result
    }

    /// Takes one command of the budget.
    pub(super) fn tick(&mut self, state: &State<'_>) -> bool {
        if self.stopped {
            return false;
        }
        if self.commands_left == 0 {
            self.stopped = true;
            self.limit("commands", MOST_COMMANDS as usize, state);
            return false;
        }
        self.commands_left -= 1;
        true
    }

    /// What several words say, bounded.
    pub(super) fn shown_words<'w>(words: impl Iterator<Item = &'w Arg>) -> String {
        let mut shown = String::new();
        for word in words {
            if !shown.is_empty() {
                shown.push(' ');
            }
            match word.parts.as_slice() {
                [crate::word::Part::Text(text)] => shown.push_str(text),
                _ => shown.push_str(&word.shown()),
            }
            if shown.len() > MOST_SHOWN {
                break;
            }
        }
        bounded(&shown, MOST_SHOWN)
    }

    /// A list of commands.
    pub(super) fn script(&mut self, script: &'a Script, state: &mut State<'a>) -> Done<'a> {
        let mut all = Done::default();
        let leaves = self.leaves;
        for item in &script.items {
            if self.stopped {
                break;
            }
            all.settle(state);
            let perhaps = self.leaves != leaves;
            let done = self.item(item, state);
            all.printed.then_perhaps(done.printed, perhaps);
            all.failed = done.failed;
        }
        all
    }

    /// A script in a shell of its own, of which only what it prints is left.
    pub(super) fn subshell(&mut self, script: &'a Script, state: &State<'a>) -> Printed {
        let mut inner = state.clone();
        let leaves = self.leaves;
        self.frames.push(Frame::barrier());
        let mut done = self.deeper(&mut inner, |walker, inner| walker.script(script, inner));
        self.frames.pop();
        self.leaves = leaves;
        done.settle(&mut inner);
        if inner.traps != state.traps {
            self.run_traps(&mut inner);
        }
        done.printed
    }

    fn item(&mut self, item: &'a Item, state: &mut State<'a>) -> Done<'a> {
        if item.background {
            let mut inner = state.clone();
            let leaves = self.leaves;
            self.forks += 1;
            self.backgrounds += 1;
            self.frames.push(Frame::barrier());
            let done = self.and_or(item, &mut inner);
            self.frames.pop();
            self.leaves = leaves;
            self.forks -= 1;
            return Done {
                printed: done.printed,
                failed: None,
            };
        }
        self.and_or(item, state)
    }

    fn and_or(&mut self, item: &'a Item, state: &mut State<'a>) -> Done<'a> {
        let mut all = self.pipeline(&item.first, state);
        for (connector, pipeline) in &item.rest {
            let taken_printed = all.printed.clone();
            if *connector == Connector::And {
                let skipped = all.failed.take().unwrap_or_else(|| state.clone());
                let done = self.pipeline(pipeline, state);
                let mut failed = skipped;
                failed.join(done.failed.unwrap_or_else(|| state.clone()));
                all.printed.then(done.printed);
                all.failed = Some(failed);
            } else {
                let mut tried = all.failed.take().unwrap_or_else(|| state.clone());
                let done = self.pipeline(pipeline, &mut tried);
                all.printed.then(done.printed);
                all.failed = Some(done.failed.unwrap_or_else(|| tried.clone()));
                state.join(tried);
            }
            if all.printed != taken_printed {
                all.printed.or(taken_printed);
            }
        }
        all
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, state: &mut State<'a>) -> Done<'a> {
        let mut done = match pipeline.commands.as_slice() {
            [] => Done::default(),
            [command] => self.command(command, state),
            commands => {
                self.forks += 1;
                let printed = self.stages(commands, state);
                self.forks -= 1;
                Done {
                    printed,
                    failed: None,
                }
            }
        };
        if pipeline.negated
            && let Some(failed) = done.failed.as_mut()
        {
            std::mem::swap(failed, state);
        }
        done
    }

    fn stages(&mut self, commands: &'a [Command], state: &State<'a>) -> Printed {
        let mut printed = Printed::default();
        for (index, command) in commands.iter().enumerate() {
            let mut inner = state.clone();
            if index > 0 {
                inner.stdin = Rc::new(stdin_of(std::mem::take(&mut printed)));
                inner.choosy |= inner.stdin.len() > 1;
            }
            let leaves = self.leaves;
            self.frames.push(Frame::barrier());
            printed = self.command(command, &mut inner).printed;
            self.frames.pop();
            self.leaves = leaves;
            if inner.traps != state.traps {
                self.run_traps(&mut inner);
            }
        }
        printed
    }

    pub(super) fn command(&mut self, command: &'a Command, state: &mut State<'a>) -> Done<'a> {
        if !self.tick(state) {
            return Done::default();
        }
        self.deeper(state, |walker, state| match command {
            Command::Simple(simple) => walker.simple(simple, state),
            Command::Compound { body, redirects } if redirects.is_empty() => {
                walker.compound(body, state)
            }
            Command::Compound { body, redirects } => {
                walker.redirected(redirects, state, |walker, state| {
                    walker.compound(body, state)
                })
            }
            Command::Function { name, body } => {
                walker.define(name, body, state);
                Done::default()
            }
            Command::Coprocess { body, .. } => {
                let mut inner = state.clone();
                inner.set_stdin(Stdin::Value(Value::unknown(Origin::Input)));
                walker.forks += 1;
                walker.frames.push(Frame::barrier());
                walker.command(body, &mut inner);
                walker.frames.pop();
                walker.forks -= 1;
                Done::default()
            }
        })
    }

    fn compound(&mut self, body: &'a Compound, state: &mut State<'a>) -> Done<'a> {
        match body {
            Compound::Group(script) => self.script(script, state),
            Compound::Subshell(script) => Done {
                printed: self.subshell(script, state),
                failed: None,
            },
            Compound::If {
                branches,
                otherwise,
            } => self.branches(branches, otherwise.as_ref(), state),
            Compound::Loop {
                until,
                condition,
                body,
            } => self.conditional_loop(*until, condition, body, state),
            Compound::For { name, words, body } => {
                self.for_words(name, words.as_deref(), body, state)
            }
            Compound::ArithmeticFor { expressions, body } => {
                self.arithmetic_for(expressions, body, state)
            }
            Compound::Case { word, arms } => self.case(word, arms, state),
            Compound::Arithmetic(expression) => self.each_choice(state, |walker, state| {
                walker.arithmetic_word(expression, state);
                Done::default()
            }),
            Compound::Test(test) => self.each_choice(state, |walker, state| {
                walker.test(test, state);
                Done::default()
            }),
        }
    }

    /// `if` and each `elif`, then `else`.
    fn branches(
        &mut self,
        branches: &'a [(Script, Script)],
        otherwise: Option<&'a Script>,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let Some(((condition, body), rest)) = branches.split_first() else {
            return otherwise.map_or_else(Done::default, |script| self.script(script, state));
        };
        let tested = self.script(condition, state);
        let mut other = tested.failed.unwrap_or_else(|| state.clone());
        let mut all = self.script(body, state);
        let rest = self.deeper(&mut other, |walker, other| {
            walker.branches(rest, otherwise, other)
        });
        all.or(state, rest, other);
        let mut printed = tested.printed;
        printed.then(all.printed);
        all.printed = printed;
        all
    }

    fn case(&mut self, word: &'a Word, arms: &'a [CaseArm], state: &mut State<'a>) -> Done<'a> {
        self.each_choice(state, |walker, state| {
            walker.single(word, state);
            for pattern in arms.iter().flat_map(|arm| &arm.patterns) {
                walker.single(pattern, state);
            }
            Done::default()
        });
        let before = state.clone();
        let mut all = Done::default();
        let mut through: Option<(Printed, State<'a>)> = None;
        for arm in arms {
            let mut inner = before.clone();
            let mut printed = Printed::default();
            if let Some((before_printed, fallen)) = through.take() {
                inner.join(fallen);
                printed = before_printed;
                printed.or(Printed::default());
            }
            let mut done = self.script(&arm.body, &mut inner);
            printed.then(std::mem::take(&mut done.printed));
            done.printed = printed;
            if arm.end != ArmEnd::Break {
                through = Some((done.printed.clone(), inner.clone()));
            }
            all.or(state, done, inner);
        }
        all
    }

    /// The operands of `[[ … ]]`.
    fn test(&mut self, test: &'a Test, state: &mut State<'a>) {
        match test {
            Test::Unary(operator, word) => {
                let value = self.single(word, state);
                if matches!(operator.as_str(), "-v" | "-R") {
                    self.check_subscript(&value, state);
                }
            }
            Test::Binary(left, operator, right) => {
                let left = self.single(left, state);
                let right = self.single(right, state);
                if matches!(
                    operator.as_str(),
                    "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"
                ) {
                    self.check_arithmetic(&left, state);
                    self.check_arithmetic(&right, state);
                }
            }
            Test::Not(inner) => self.deeper(state, |walker, state| walker.test(inner, state)),
            Test::And(left, right) | Test::Or(left, right) => {
                self.deeper(state, |walker, state| {
                    walker.test(left, state);
                    walker.test(right, state);
                });
            }
        }
    }
}

/// What a pipeline's next command reads.
fn stdin_of(printed: Printed) -> Vec<Stdin> {
    if printed.is_nothing() {
        return vec![Stdin::Value(Value::default())];
    }
    printed.0.into_iter().map(Stdin::Value).collect()
}

/// A text cut to so many bytes, at a character.
pub(super) fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
