//! Builtins that set variables: `declare` and its like, `unset`, `set`, `shift`, `let`, `getopts`.

use std::rc::Rc;

use watchkeeper_model::{EffectKind, RiskLevel};

use super::Called;
use super::print::is_name;
use crate::interpret::expand::Field;
use crate::interpret::loops::FrameKind;
use crate::interpret::state::State;
use crate::interpret::value::{Attribute, Held, Value, Variable};
use crate::interpret::walk::{Done, Walker};
use crate::word::{Origin, Part};

impl<'a> Walker<'a> {
    /// `declare`, `export`, `local`, `readonly`, `typeset`.
    pub(super) fn declare(
        &mut self,
        called: &Called,
        export: bool,
        local: bool,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let mut letters = String::new();
        let mut names = Vec::new();
        for field in called.arguments() {
            match field.arg.as_text() {
                Some(text) if names.is_empty() && text.starts_with('-') => {
                    letters.push_str(&text[1..]);
                }
                Some(text) if names.is_empty() && text.starts_with('+') => {}
                _ => names.push(field),
            }
        }
        if letters.contains('n') && !export {
            let say = "makes a name stand for another variable";
            self.flag(
                EffectKind::Environment,
                RiskLevel::High,
                "shell.nameref",
                say,
                state,
            );
        }
        if letters.contains('f') && export && !names.is_empty() {
            let say = "hands functions to every shell that it starts";
            self.flag(
                EffectKind::Environment,
                RiskLevel::High,
                "shell.export_function",
                say,
                state,
            );
            return Done::default();
        }
        if names.is_empty() || letters.contains(['p', 'f', 'F']) {
            return Done::printed(Value::unknown(Origin::Output));
        }
        let exported = export || letters.contains('x');
        let attribute = attribute_of(&letters);
        let in_function = self
            .frames
            .iter()
            .rev()
            .find(|frame| frame.kind != FrameKind::Loop)
            .is_some_and(|frame| frame.kind == FrameKind::Function);
        // Outside a function `local` fails and assigns nothing.
        let fails = local && !in_function;
        let before = fails.then(|| state.clone());
        let local = local || (in_function && !export && !letters.contains('g'));
        for field in names {
            self.declared(field, &letters, (exported, local, attribute), state);
        }
        if let Some(before) = before {
            state.join(before);
        }
        Done::default()
    }

    fn declared(
        &mut self,
        field: &Field,
        letters: &str,
        (exported, local, attribute): (bool, bool, Attribute),
        state: &mut State<'a>,
    ) {
        let Some((name, append, value)) = assignment_of(field) else {
            let value = field.clone().into_value();
            self.check_subscript(&value, state);
            self.odd_name(state);
            return;
        };
        if local && self.called_as_local(&name, state) {
            state.put(&name, Variable::unset());
        }
        if attribute != Attribute::None {
            let mut variable = state
                .variable(&name)
                .map_or_else(Variable::unset, |held| Variable::clone(held));
            variable.attribute = attribute;
            state.put(&name, variable);
        }
        if letters.contains('n') {
            let unknown = Value::unknown(Origin::Variable(name.clone()));
            self.assign_value(&name, &unknown, exported, state);
            return;
        }
        match value {
            Some(value) if append => {
                let whole = self.appended(&name, &value, state);
                self.assign_value(&name, &whole, exported, state);
            }
            Some(value) => self.assign_value(&name, &value, exported, state),
            None if exported => self.export_name(&name, state),
            None => {}
        }
    }

    /// Remembers what a variable was before it was made local.
    fn called_as_local(&mut self, name: &str, state: &State<'a>) -> bool {
        let frame = self
            .frames
            .iter_mut()
            .rev()
            .find(|frame| frame.kind != FrameKind::Loop)
            .filter(|frame| frame.kind == FrameKind::Function);
        match frame {
            Some(frame) => {
                if !frame.locals.iter().any(|(own, _)| own == name) {
                    frame
                        .locals
                        .push((name.to_owned(), state.variable(name).cloned()));
                }
                true
            }
            None => false,
        }
    }

    fn export_name(&mut self, name: &str, state: &mut State<'a>) {
        let Some(variable) = state.variable(name).cloned() else {
            return;
        };
        for held in &variable.held {
            if let Held::Scalar(value) = held {
                self.check_assigned(name, value, true, state);
            }
        }
        let mut exported = Variable::clone(&variable);
        exported.exported = true;
        state.put(name, exported);
    }

    fn odd_name(&mut self, state: &State<'a>) {
        let say = "assigns to a variable whose name is only known when it runs";
        self.flag(
            EffectKind::Environment,
            RiskLevel::High,
            "shell.unknown_name",
            say,
            state,
        );
    }

    pub(super) fn unset(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let mut functions = false;
        for field in called.arguments() {
            match field.arg.as_text() {
                Some("-f") => functions = true,
                Some("-v" | "-n" | "--") => {}
                Some(name) => {
                    if !functions && is_name(name) {
                        if name.starts_with("HIST") {
                            self.check_environment(name, &Value::default(), state);
                        }
                        state.put(name, Variable::unset());
                    } else if !functions {
                        self.check_subscript(&Value::text(name), state);
                        self.unset_item(name, state);
                    }
                    if state.functions.contains_key(name) {
                        Rc::make_mut(&mut state.functions).remove(name);
                    }
                }
                None => self.odd_name(state),
            }
        }
        Done::default()
    }

    /// `unset 'name[key]'`.
    fn unset_item(&mut self, text: &str, state: &mut State<'a>) {
        let Some((name, key)) = text.split_once('[') else {
            return;
        };
        let key = key.strip_suffix(']').unwrap_or(key);
        let Some(variable) = state.variable(name).cloned() else {
            return;
        };
        let mut changed = Variable::clone(&variable);
        for held in &variable.held {
            if let Held::Array(items) = held {
                let mut items = items.to_vec();
                items.retain(|(own, _)| own != key);
                changed.held.push(Held::Array(Rc::new(items)));
            }
        }
        let plain = key.bytes().all(|byte| byte.is_ascii_digit());
        if plain && changed.held.len() == 2 * variable.held.len() {
            changed.held.drain(..variable.held.len());
        }
        state.put(name, changed);
    }

    pub(super) fn set(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let arguments = called.arguments();
        if arguments.is_empty() {
            return Done::printed(Value::unknown(Origin::Output));
        }
        let mut at = 0;
        let mut positional = false;
        while let Some(field) = arguments.get(at) {
            match field.arg.as_text() {
                Some("--") => {
                    positional = true;
                    at += 1;
                    break;
                }
                Some(text) if text.len() > 1 && text.starts_with(['-', '+']) => {
                    at += 1;
                    if text.ends_with('o') {
                        let name = arguments.get(at).and_then(|field| field.arg.as_text());
                        self.set_option(text.starts_with('-'), name.unwrap_or("?"), state);
                        at += 1;
                    }
                    self.set_letters(text, state);
                }
                _ => {
                    positional = true;
                    break;
                }
            }
        }
        if positional {
            let rest = &arguments[at.min(arguments.len())..];
            let positional = Rc::make_mut(&mut state.positional);
            positional.lists = if rest.iter().any(|field| field.arg.splits) {
                Vec::new()
            } else {
                vec![rest.iter().cloned().map(Field::into_value).collect()]
            };
        }
        Done::default()
    }

    fn set_letters(&mut self, text: &str, state: &mut State<'a>) {
        let on = text.starts_with('-');
        if text.contains('a') {
            state.export_all = on;
        }
        if on && text.contains('k') {
            self.set_option(true, "keyword", state);
        }
    }

    fn set_option(&mut self, on: bool, name: &str, state: &mut State<'a>) {
        match name {
            "allexport" => state.export_all = on,
            "history" if !on => self.check_environment("HISTFILE", &Value::default(), state),
            "errexit" | "nounset" | "pipefail" | "xtrace" | "verbose" | "noglob" | "noclobber"
            | "history" | "errtrace" | "functrace" | "monitor" | "hashall" | "notify"
            | "physical" | "histexpand" | "braceexpand" | "ignoreeof" | "emacs" | "vi" => {}
            _ => {
                let say = "changes how the shell reads what follows";
                self.flag(
                    EffectKind::Environment,
                    RiskLevel::High,
                    "shell.set",
                    say,
                    state,
                );
            }
        }
    }

    pub(super) fn shift(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let count = match called.texts().next() {
            None => Some(1),
            Some(text) => text.and_then(|text| text.parse::<usize>().ok()),
        };
        let positional = Rc::make_mut(&mut state.positional);
        match count {
            Some(count) => {
                for list in &mut positional.lists {
                    if count <= list.len() {
                        list.drain(..count);
                    }
                }
                positional.lists.dedup();
            }
            None => positional.lists.clear(),
        }
        Done::default()
    }

    pub(super) fn let_words(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        for field in called.arguments() {
            let value = field.clone().into_value();
            self.check_arithmetic(&value, state);
            match value.as_text() {
                Some(text) => {
                    self.arithmetic_text(text, state);
                }
                None => self.odd_name(state),
            }
        }
        Done::default()
    }

    pub(super) fn getopts(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        match called.texts().nth(1).flatten() {
            Some(name) if is_name(name) => {
                let name = name.to_owned();
                self.assign_text(&name, &Value::plain(Origin::Variable(name.clone())), state);
                let value = Value::unknown(Origin::Variable("OPTARG".to_owned()));
                self.assign_text("OPTARG", &value, state);
            }
            _ => self.odd_name(state),
        }
        Done::default()
    }
}

fn attribute_of(letters: &str) -> Attribute {
    match () {
        () if letters.contains('A') => Attribute::Keyed,
        () if letters.contains('i') => Attribute::Integer,
        () if letters.contains('l') => Attribute::Lower,
        () if letters.contains('u') => Attribute::Upper,
        () => Attribute::None,
    }
}

/// The name, whether it is `+=`, and the value of a word that is an assignment or a name.
fn assignment_of(field: &Field) -> Option<(String, bool, Option<Value>)> {
    let beginning = field.arg.beginning();
    let Some((name, _)) = beginning.split_once('=') else {
        let name = field.arg.as_text().filter(|name| is_name(name))?;
        return Some((name.to_owned(), false, None));
    };
    let bare = name.strip_suffix('+');
    let cut = name.len() + 1;
    let plain = bare.unwrap_or(name);
    if !is_name(plain) {
        return None;
    }
    let mut value = Value {
        hidden: field.hidden,
        ..Value::default()
    };
    for (index, part) in field.arg.parts.iter().enumerate() {
        match part {
            Part::Text(text) if index == 0 => value.push_text(&text[cut..]),
            part => value.push(part.clone()),
        }
    }
    Some((plain.to_owned(), bare.is_some(), Some(value)))
}
