//! Simple commands: words are expanded, redirections done, variables assigned, and then a function, a builtin or a
//! program runs.

use std::rc::Rc;

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::{AssignedValue, Assignment, Command, Operation, Piece, Simple, Word};

use super::builtins;
use super::expand::Field;
use super::limits::{MOST_CALLS, MOST_VARIABLES};
use super::loops::{Frame, FrameKind};
use super::pattern::Pattern;
use super::redirect::Out;
use super::state::State;
use super::value::{Attribute, Held, Value, Variable, any_of};
use super::walk::{Call, Done, Walker};
use crate::invocation::Nested;
use crate::word::{Arg, Origin, Part};

/// Builtins whose arguments are assignments.
const DECLARING: &[&str] = &["declare", "export", "local", "readonly", "typeset"];

/// Programs that a pattern in place of a command's name is tried on.
const TRIED: &[&str] = &[
    "rm",
    "dd",
    "mkfs",
    "mkfs.ext4",
    "shred",
    "wipefs",
    "chmod",
    "chown",
    "mv",
    "cp",
    "kill",
    "killall",
    "pkill",
    "reboot",
    "shutdown",
    "poweroff",
    "halt",
    "systemctl",
    "service",
    "bash",
    "sh",
    "cat",
    "tee",
    "find",
    "sudo",
    "xargs",
    "nc",
    "curl",
    "iptables",
    "truncate",
    "userdel",
];

/// Which kinds of commands a name may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Functions, builtins and programs.
    All,
    /// Builtins and programs.
    NoFunctions,
    /// Programs.
    Programs,
}

impl<'a> Walker<'a> {
    pub(super) fn simple(&mut self, simple: &'a Simple, state: &mut State<'a>) -> Done<'a> {
        let outermost = self.place.is_none();
        if outermost {
            self.place = Some(simple.place);
            self.descriptor = 63;
        }
        let outer_words = std::mem::take(&mut self.words);
        let done = if state.choosy || state.stdin.len() > 1 || may_choose(simple) {
            self.each_choice(state, |walker, state| walker.simple_once(simple, state))
        } else {
            self.simple_once(simple, state)
        };
        self.words = outer_words;
        if outermost {
            self.place = None;
        }
        done
    }

    fn simple_once(&mut self, simple: &'a Simple, state: &mut State<'a>) -> Done<'a> {
        let fields = self.command_words(simple, state);
        if self.stopped {
            return Done::default();
        }
        self.words = Self::shown_words(fields.iter().map(|field| &field.arg));
        if fields.is_empty() {
            for assignment in &simple.assignments {
                self.words.clone_from(&assignment.name);
                self.assign(assignment, false, state);
            }
            let outer = std::mem::replace(&mut self.opens_only, true);
            self.redirect(&simple.redirects, state);
            self.opens_only = outer;
            return Done::default();
        }
        let outer = std::mem::replace(&mut self.opens_only, false);
        let redirected = self.redirect(&simple.redirects, state);
        self.opens_only = outer;
        let name = fields[0].arg.as_text().unwrap_or_default().to_owned();
        let reads = matches!(name.as_str(), "read" | "mapfile" | "readarray");
        let mut before = Vec::with_capacity(simple.assignments.len());
        for assignment in &simple.assignments {
            let own = &assignment.name;
            before.push((own.clone(), state.variable(own).cloned()));
            if reads && own == "IFS" {
                self.assign(assignment, false, state);
            } else {
                self.assign(assignment, true, state);
            }
        }
        let permanent = name == "exec" && fields.len() == 1;
        let outer = (Rc::clone(&state.stdin), state.merged);
        if let Some(stdin) = redirected.stdin {
            state.choosy |= stdin.len() > 1;
            state.stdin = Rc::new(stdin);
        }
        state.merged |= redirected.merged;
        let has_redirects = !simple.redirects.is_empty();
        self.by_alias(&name, &fields, state);
        let noted = self.effects_noted();
        let mut done = self.fields(fields, Lookup::All, has_redirects, state);
        self.fills_file(noted, &redirected.out, state);
        for state in done.failed.iter_mut().chain([&mut *state]) {
            if has_redirects && !permanent {
                state.stdin = Rc::clone(&outer.0);
                state.merged = outer.1;
            }
            for (name, variable) in &before {
                state.restore(name, variable.clone());
            }
        }
        done.printed = self.route(done.printed, &redirected.out, state);
        done
    }

    /// What a name stands for by an alias that the text made, with the words behind it. Whether the shell heeds aliases is
    /// not asked: it only adds.
    fn by_alias(&mut self, name: &str, fields: &[Field], state: &State<'a>) {
        let Some(body) = self.aliases.remove(name) else {
            return;
        };
        let words = self.words.clone();
        let mut inner = state.clone();
        let one = Nested::Shell {
            text: Arg::text(format!("{body} \"$@\"")),
            arguments: fields.iter().map(|field| field.arg.clone()).collect(),
            stdin: None,
            context: None,
            hidden: None,
        };
        self.nested(one, &mut inner);
        self.words = words;
        self.aliases.insert(name.to_owned(), body);
    }

    /// What prints without end, into a file: until the disk is full.
    fn fills_file(&mut self, noted: usize, out: &Out, state: &State<'a>) {
        let into_file =
            matches!(out, Out::File { path, .. } if !path.beginning().starts_with("/dev/"));
        if into_file && self.prints_without_end(noted) {
            let say = "writes to a file without end, until the disk is full";
            self.flag(
                EffectKind::Unbounded,
                RiskLevel::High,
                "shell.fills_disk",
                say,
                state,
            );
        }
    }

    /// The words, of which those that are assignments are not split.
    fn command_words(&mut self, simple: &'a Simple, state: &mut State<'a>) -> Vec<Field> {
        let declares = simple
            .words
            .first()
            .and_then(Word::as_literal)
            .is_some_and(|name| DECLARING.contains(&name.as_str()));
        if !declares {
            return self.words(&simple.words, state);
        }
        let mut fields = Vec::new();
        for word in &simple.words {
            if begins_assignment(word) {
                let value = self.single(word, state);
                fields.push(Field {
                    hidden: value.hidden,
                    arg: value.into_arg(),
                });
            } else {
                self.word(word, state, &mut fields);
            }
        }
        fields
    }

    /// Runs a command by its words.
    pub(super) fn fields(
        &mut self,
        fields: Vec<Field>,
        lookup: Lookup,
        redirected: bool,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let Some(first) = fields.first() else {
            return Done::default();
        };
        if let Some(how) = first.hidden {
            let say = format!("runs a command that was hidden as {how}");
            self.flag(
                EffectKind::RunsCode,
                RiskLevel::High,
                "shell.hidden_command",
                &say,
                state,
            );
        }
        let Some(name) = first.arg.as_text().map(str::to_owned) else {
            return self.dynamic(&fields, lookup, state);
        };
        if lookup == Lookup::All
            && !state.functions.is_empty()
            && let Some(bodies) = state.functions.get(name.as_str()).cloned()
        {
            return self.functions(&name, &bodies, &fields, redirected, state);
        }
        self.without_functions(&name, fields, lookup, redirected, state)
    }

    fn without_functions(
        &mut self,
        name: &str,
        fields: Vec<Field>,
        lookup: Lookup,
        redirected: bool,
        state: &mut State<'a>,
    ) -> Done<'a> {
        if lookup != Lookup::Programs
            && let Some(builtin) = builtins::by_name(name)
        {
            return self.builtin(builtin, fields, redirected, state);
        }
        self.program(fields.into_iter().map(|field| field.arg).collect(), state)
    }

    fn functions(
        &mut self,
        name: &str,
        bodies: &[Option<&'a Command>],
        fields: &[Field],
        redirected: bool,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let before = state.clone();
        let mut all: Option<Done<'a>> = None;
        for body in bodies {
            let mut inner = before.clone();
            let done = match body {
                Some(body) => self.call(name, body, fields, &mut inner),
                None => {
                    let all = Lookup::NoFunctions;
                    self.without_functions(name, fields.to_vec(), all, redirected, &mut inner)
                }
            };
            match &mut all {
                None => {
                    *state = inner;
                    all = Some(done);
                }
                Some(all) => all.or(state, done, inner),
            }
        }
        all.unwrap_or_default()
    }

    /// Calls a function.
    fn call(
        &mut self,
        name: &str,
        body: &'a Command,
        fields: &[Field],
        state: &mut State<'a>,
    ) -> Done<'a> {
        if let Some(call) = self.calls.iter().find(|call| &*call.name == name) {
            if self.forks > call.forks {
                let say = "calls itself in further processes until the host has no more";
                self.flag(
                    EffectKind::Unbounded,
                    RiskLevel::Forbidden,
                    "shell.fork_bomb",
                    say,
                    state,
                );
            } else {
                let say = "calls itself without an end that is known";
                self.flag(
                    EffectKind::Unbounded,
                    RiskLevel::High,
                    "shell.recursion",
                    say,
                    state,
                );
            }
            return Done::default();
        }
        if self.calls.len() == MOST_CALLS {
            self.limit("functions that call one another", MOST_CALLS, state);
            return Done::default();
        }
        self.calls.push(Call {
            name: Rc::from(name),
            forks: self.forks,
        });
        let arguments = fields[1..].iter().cloned().map(Field::into_value).collect();
        let known = !fields[1..].iter().any(|field| field.arg.splits);
        let outer = Rc::clone(&state.positional);
        let positional = Rc::make_mut(&mut state.positional);
        positional.lists = if known { vec![arguments] } else { Vec::new() };
        let was_dead = state.dead;
        let leaves = self.leaves;
        self.frames.push(Frame::new(FrameKind::Function));
        let mut done = self.deeper(state, |walker, state| walker.command(body, state));
        let frame = self.frames.pop().expect("the frame of this function");
        if let Some(mut left) = frame.left {
            left.dead = was_dead;
            done.settle(state);
            state.join(left);
        }
        self.leaves.functions = leaves.functions;
        for state in done.failed.iter_mut().chain([&mut *state]) {
            state.positional = Rc::clone(&outer);
            for (name, variable) in frame.locals.iter().rev() {
                state.restore(name, variable.clone());
            }
        }
        self.calls.pop();
        done
    }

    /// A function is defined. One that takes the place of a program is judged at once.
    pub(super) fn define(&mut self, name: &str, body: &'a Command, state: &mut State<'a>) {
        let functions = Rc::make_mut(&mut state.functions);
        if functions.len() >= MOST_VARIABLES && !functions.contains_key(name) {
            self.limit("functions", MOST_VARIABLES, state);
            return;
        }
        functions.insert(Rc::from(name), vec![Some(body)]);
        if name == "command_not_found_handle" {
            // The shell calls it for every command that is not there.
            let mut inner = state.clone();
            Rc::make_mut(&mut inner.positional).lists.clear();
            self.frames.push(Frame::barrier());
            self.deeper(&mut inner, |walker, inner| walker.command(body, inner));
            self.frames.pop();
        }
        if builtins::by_name(name).is_none() && !self.commands.knows(name) {
            return;
        }
        let mark = self.mark();
        let mut inner = state.clone();
        Rc::make_mut(&mut inner.positional).lists.clear();
        self.frames.push(Frame::barrier());
        self.calls.push(Call {
            name: Rc::from(name),
            forks: self.forks,
        });
        self.deeper(&mut inner, |walker, inner| walker.command(body, inner));
        self.calls.pop();
        self.frames.pop();
        if !self.only_looked_since(mark) {
            self.words = format!("{name}()");
            let say = (
                "shell.shadowed_command",
                "defines anew a command that is known",
            );
            self.flag_named(EffectKind::Environment, RiskLevel::High, say, name, state);
            self.words.clear();
        }
    }

    /// A command whose name is not known before it runs.
    fn dynamic(&mut self, fields: &[Field], lookup: Lookup, state: &mut State<'a>) -> Done<'a> {
        let first = &fields[0].arg;
        let pattern = first
            .parts
            .iter()
            .any(|part| matches!(part, Part::Pattern(_)));
        let (rule, say) = if pattern {
            (
                "shell.pattern_command",
                "runs whatever program a file pattern matches",
            )
        } else {
            (
                "shell.dynamic_command",
                "runs a program whose name is only known when it runs",
            )
        };
        self.flag(EffectKind::RunsCode, RiskLevel::High, rule, say, state);
        let mut done = Done::printed(Value::unknown(Origin::Output));
        if let Some(candidates) = candidates(first) {
            for name in candidates {
                let mut tried = fields.to_vec();
                tried[0].arg = Arg::text(name);
                self.tried(tried, lookup, &mut done, state);
            }
            return done;
        }
        // What is not set may be empty: then the next word is the command.
        let only_variables = first.parts.iter().all(|part| match part {
            Part::Text(_) => true,
            Part::Unknown(unknown) => matches!(unknown.from, Origin::Variable(_)),
            Part::Pattern(_) => false,
        });
        if only_variables {
            let mut tried = fields.to_vec();
            let text: String = first
                .parts
                .iter()
                .filter_map(|part| match part {
                    Part::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            if text.is_empty() {
                tried.remove(0);
            } else {
                tried[0].arg = Arg::text(text);
            }
            self.tried(tried, lookup, &mut done, state);
        }
        done
    }

    /// Runs what a command may be besides.
    fn tried(
        &mut self,
        fields: Vec<Field>,
        lookup: Lookup,
        done: &mut Done<'a>,
        state: &mut State<'a>,
    ) {
        let possible = std::mem::replace(&mut self.possible, true);
        let mut inner = state.clone();
        let other = self.deeper(&mut inner, |walker, inner| {
            walker.fields(fields, lookup, true, inner)
        });
        done.or(state, other, inner);
        self.possible = possible;
    }

    /// Does an assignment.
    pub(super) fn assign(
        &mut self,
        assignment: &'a Assignment,
        exported: bool,
        state: &mut State<'a>,
    ) {
        let name = assignment.name.as_str();
        let index = assignment.index.as_ref().map(|word| {
            let value = self.single(word, state);
            self.check_subscript(&value, state);
            value
        });
        match &assignment.value {
            AssignedValue::Scalar(word) => {
                let value = self.single(word, state);
                match index {
                    Some(index) => self.assign_item(name, &index, value, assignment.append, state),
                    None if assignment.append => {
                        let value = self.appended(name, &value, state);
                        self.assign_value(name, &value, exported, state);
                    }
                    None => self.assign_value(name, &value, exported, state),
                }
            }
            AssignedValue::Array(items) => {
                let mut held = if assignment.append {
                    self.items_of(name, state)
                } else {
                    Vec::new()
                };
                for (key, word) in items {
                    self.array_words(key.as_ref(), word, &mut held, state);
                }
                let mut variable = state
                    .variable(name)
                    .map_or_else(Variable::unset, |old| Variable::clone(old));
                self.check_array(name, &held, state);
                variable.held = vec![Held::Array(Rc::new(held))];
                self.put(name, variable, state);
            }
        }
    }

    fn array_words(
        &mut self,
        key: Option<&'a Word>,
        word: &'a Word,
        held: &mut Vec<(String, Value)>,
        state: &mut State<'a>,
    ) {
        if let Some(key) = key {
            let key = self.single(key, state);
            self.check_subscript(&key, state);
            let value = self.single(word, state);
            let key = key.as_text().unwrap_or("?").to_owned();
            held.retain(|(own, _)| *own != key);
            held.push((key, value));
            return;
        }
        let mut fields = Vec::new();
        self.word(word, state, &mut fields);
        for field in fields {
            let next = held
                .iter()
                .filter_map(|(key, _)| key.parse::<i64>().ok())
                .max()
                .map_or(0, |last| last.saturating_add(1));
            let key = if field.arg.splits {
                "?".to_owned()
            } else {
                next.to_string()
            };
            held.push((key, field.into_value()));
        }
    }

    fn items_of(&self, name: &str, state: &State<'a>) -> Vec<(String, Value)> {
        match state
            .variable(name)
            .map(|variable| variable.held.as_slice())
        {
            Some([Held::Array(items)]) => items.to_vec(),
            Some([Held::Scalar(value)]) => vec![("0".to_owned(), value.clone())],
            None | Some([Held::Unset]) => Vec::new(),
            Some(several) => vec![("0".to_owned(), any_of(name, several))],
        }
    }

    fn assign_item(
        &mut self,
        name: &str,
        index: &Value,
        value: Value,
        append: bool,
        state: &mut State<'a>,
    ) {
        let mut items = self.items_of(name, state);
        let keyed = state
            .variable(name)
            .is_some_and(|variable| variable.attribute == Attribute::Keyed);
        let key = match index.as_text() {
            Some(text) if keyed => Some(text.to_owned()),
            Some(text) => self
                .arithmetic_text(text, state)
                .map(|number| number.to_string()),
            None => None,
        };
        match key {
            Some(key) => match items.iter_mut().find(|(own, _)| *own == key) {
                Some((_, held)) if append => held.append(&value),
                Some((_, held)) => *held = value,
                None => items.push((key, value)),
            },
            None => {
                items.push(("?".to_owned(), value));
                let all = super::value::unknown_of(items.iter().map(|(_, value)| value));
                items.iter_mut().for_each(|(_, value)| *value = all.clone());
            }
        }
        let numeric = |key: &str| key.parse::<i64>().unwrap_or(i64::MAX);
        items.sort_by_key(|(key, _)| numeric(key));
        let mut variable = state
            .variable(name)
            .map_or_else(Variable::unset, |old| Variable::clone(old));
        self.check_array(name, &items, state);
        variable.held = vec![Held::Array(Rc::new(items))];
        self.put(name, variable, state);
    }

    /// Flags an array whose name the shell heeds.
    pub(super) fn check_array(&mut self, name: &str, items: &[(String, Value)], state: &State<'a>) {
        let exported = state.export_all || state.variable(name).is_some_and(|old| old.exported);
        for (_, value) in items {
            self.check_assigned(name, value, exported, state);
        }
    }

    /// What a variable holds, and then this.
    pub(super) fn appended(&mut self, name: &str, value: &Value, state: &mut State<'a>) -> Value {
        let Some(variable) = state.variable(name).cloned() else {
            return value.clone();
        };
        let index = self.choices.choose(variable.held.len());
        let mut whole = match index.and_then(|index| variable.held.get(index)) {
            Some(Held::Scalar(held)) => held.clone(),
            Some(Held::Unset) => Value::default(),
            Some(Held::Array(_)) | None => any_of(name, &variable.held),
        };
        if variable.attribute == Attribute::Integer {
            return Value::plain(Origin::Variable(name.to_owned()));
        }
        whole.append(value);
        whole
    }

    /// Assigns a text.
    pub(super) fn assign_text(&mut self, name: &str, value: &Value, state: &mut State<'a>) {
        self.assign_value(name, value, false, state);
    }

    /// Assigns a text to a variable that may be exported.
    pub(super) fn assign_value(
        &mut self,
        name: &str,
        value: &Value,
        exported: bool,
        state: &mut State<'a>,
    ) {
        let old = state.variable(name).cloned();
        let attribute = old.as_ref().map(|old| old.attribute).unwrap_or_default();
        let value = match attribute {
            Attribute::Integer => {
                self.check_arithmetic(value, state);
                value
                    .as_text()
                    .and_then(|text| self.arithmetic_text(text, state))
                    .map_or_else(
                        || Value::plain(Origin::Variable(name.to_owned())),
                        |number| Value::text(number.to_string()),
                    )
            }
            Attribute::Lower | Attribute::Upper => match value.as_text() {
                Some(text) if attribute == Attribute::Lower => Value::text(text.to_lowercase()),
                Some(text) => Value::text(text.to_uppercase()),
                None => value.clone(),
            },
            Attribute::None | Attribute::Keyed => value.clone(),
        };
        let exported = exported || state.export_all || old.as_ref().is_some_and(|old| old.exported);
        self.check_assigned(name, &value, exported, state);
        let mut variable = Variable::scalar(value);
        variable.exported = exported;
        variable.attribute = attribute;
        self.put(name, variable, state);
    }

    pub(super) fn put(&mut self, name: &str, variable: Variable, state: &mut State<'a>) {
        if !state.put(name, variable) {
            self.limit("variables", MOST_VARIABLES, state);
        }
    }
}

/// Whether running a command may need more than one run.
fn may_choose(simple: &Simple) -> bool {
    let words = simple.words.iter();
    let values = simple.assignments.iter().flat_map(|assignment| {
        let items: Vec<&Word> = match &assignment.value {
            AssignedValue::Scalar(word) => vec![word],
            AssignedValue::Array(items) => items.iter().map(|(_, word)| word).collect(),
        };
        items
    });
    !simple.redirects.is_empty() || words.chain(values).any(word_may_choose)
}

fn word_may_choose(word: &Word) -> bool {
    word.pieces.iter().any(|piece| match piece {
        Piece::Plain(_) | Piece::Quoted(_) | Piece::Tilde(_) => false,
        Piece::Parameter(parameter) => {
            parameter.operation != Operation::Get || parameter.index.is_some() || parameter.indirect
        }
        _ => true,
    })
}

fn begins_assignment(word: &Word) -> bool {
    let Some(Piece::Plain(text)) = word.pieces.first() else {
        return false;
    };
    text.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The dangerous programs that a command's name matches, where it holds a pattern.
fn candidates(arg: &Arg) -> Option<Vec<&'static str>> {
    let mut pattern = Pattern::default();
    let mut live = false;
    for part in &arg.parts {
        match part {
            Part::Text(text) => pattern.push_quoted(text),
            Part::Pattern(text) => {
                live = true;
                if !pattern.push_live(text) {
                    return None;
                }
            }
            Part::Unknown(_) => return None,
        }
    }
    let places = ["", "/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"];
    live.then(|| {
        TRIED
            .iter()
            .filter(|name| {
                places
                    .iter()
                    .any(|place| pattern.matches(&format!("{place}{name}")))
            })
            .copied()
            .collect()
    })
}
