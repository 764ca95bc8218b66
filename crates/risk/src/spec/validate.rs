//! Whether an entry of the tables makes sense. What its examples get is seen by a test over the whole crate.

use std::collections::BTreeSet;

use super::entry::{Condition, When, conditions, option_name, when, words};
use super::fault::EntryFault;
use super::schema::{
    EffectNode, Node, OptionNode, Runs, RunsWhat, RunsWhere, Selector, Style, TargetKind, Value,
};

/// What is wrong with a command, each with the verb where it is.
pub(super) fn faults(command: &Node, judge_exists: fn(&str) -> bool) -> Vec<(String, EntryFault)> {
    let mut check = Check {
        judge_exists,
        path: Vec::new(),
        faults: Vec::new(),
    };
    if command.manual.trim().is_empty() {
        check.fault(EntryFault::NoManual);
    }
    if command.examples.is_empty() {
        check.fault(EntryFault::NoExample);
    }
    check.node(command, &BTreeSet::new(), Style::Gnu);
    check.faults
}

struct Check {
    judge_exists: fn(&str) -> bool,
    path: Vec<String>,
    faults: Vec<(String, EntryFault)>,
}

impl Check {
    fn fault(&mut self, fault: EntryFault) {
        self.faults.push((self.path.join(" "), fault));
    }

    fn node(&mut self, node: &Node, above: &BTreeSet<String>, parent: Style) {
        let style = node.style.unwrap_or(parent);
        let name = words(&node.names).into_iter().next();
        if name.is_none() {
            self.fault(EntryFault::NoName);
        }
        self.path.push(name.unwrap_or_default());
        self.option_names(node, style);
        let mut scope = above.clone();
        scope.extend(listed(node, style));
        let mut reachable = scope.clone();
        below(node, style, &mut reachable);
        self.conditions(node, style, &reachable);
        for effect in &node.effects {
            self.effect(effect, false);
        }
        for option in &node.option {
            self.option(option);
        }
        if let Some(runs) = &node.runs {
            self.runs(runs, style);
        }
        if !node.judge.is_empty() && !(self.judge_exists)(&node.judge) {
            self.fault(EntryFault::NoJudge(node.judge.clone()));
        }
        let mut verbs = BTreeSet::new();
        for verb in &node.verb {
            for name in words(&verb.names) {
                if !verbs.insert(name.clone()) {
                    self.fault(EntryFault::VerbTwice(name));
                }
            }
            self.node(verb, &scope, style);
        }
        self.path.pop();
    }

    fn option_names(&mut self, node: &Node, style: Style) {
        let mut seen = BTreeSet::new();
        let mut divided = BTreeSet::new();
        for option in &node.option {
            let by_value = !option.only.is_empty() || !option.except.is_empty();
            for name in words(&option.names) {
                let name = option_name(&name, style);
                let again = !seen.insert(name.clone());
                if again && !(by_value && divided.contains(&name)) {
                    self.fault(EntryFault::OptionTwice(name.clone()));
                }
                if by_value {
                    divided.insert(name);
                }
            }
            if words(&option.names).is_empty() {
                self.fault(EntryFault::NoName);
            }
        }
        for list in [&node.flags, &node.values, &node.optional] {
            for name in words(list) {
                let name = option_name(&name, style);
                if !seen.insert(name.clone()) {
                    self.fault(EntryFault::OptionTwice(name));
                }
            }
        }
        for name in words(&node.machines) {
            let takes_value = |list: &String| words(list).contains(&name);
            if !takes_value(&node.values) && !takes_value(&node.optional) {
                self.fault(EntryFault::OptionUnlisted(name));
            }
        }
        for name in seen {
            if !may_be_named(&name, style) {
                self.fault(EntryFault::OptionName(name));
            }
        }
    }

    fn conditions(&mut self, node: &Node, style: Style, reachable: &BTreeSet<String>) {
        let mut named: Vec<Condition> = Vec::new();
        let effects = node
            .option
            .iter()
            .flat_map(|option| &option.effects)
            .chain(&node.effects);
        for effect in effects {
            named.extend(conditions(&effect.needs, style));
            named.extend(conditions(&effect.unless, style));
            named.extend(options_of(&effect.recursive, style));
        }
        named.extend(options_of(&node.interactive_unless, style));
        named.extend(options_of(&node.unbounded_unless, style));
        named.extend(conditions(&node.prints_needs, style));
        named.extend(conditions(&node.prints_unless, style));
        // An option of a dry run that is listed nowhere is a flag; one with a value must be listed.
        named.extend(
            conditions(&node.dry, style)
                .into_iter()
                .filter(|condition| condition.value.is_some()),
        );
        for condition in named {
            if !reachable.contains(&condition.option) {
                self.fault(EntryFault::OptionUnlisted(condition.option));
            }
        }
    }

    fn effect(&mut self, effect: &EffectNode, has_value: bool) {
        let shown = format!("does = \"{}\"", effect.does);
        if effect.to == Selector::Value && !has_value {
            self.fault(EntryFault::NoValue(shown));
        } else if effect.to != Selector::None && !effect.fixed.is_empty() {
            self.fault(EntryFault::TwoTargets(shown));
        } else if effect.to == Selector::None
            && effect.fixed.is_empty()
            && effect.target != TargetKind::Name
        {
            self.fault(EntryFault::NoTarget(shown));
        }
    }

    fn option(&mut self, option: &OptionNode) {
        let has_value = option.value != Value::None;
        for effect in &option.effects {
            self.effect(effect, has_value);
        }
        let divides = !option.only.is_empty() || !option.except.is_empty();
        if divides && !has_value {
            self.fault(EntryFault::NoValue(option.names.clone()));
        }
        let Some(runs) = &option.runs else { return };
        if !has_value {
            self.fault(EntryFault::NoValue(option.names.clone()));
        }
        if runs.what == RunsWhat::Words || runs.what == RunsWhat::JoinedText {
            self.fault(EntryFault::Runs(format!(
                "the value of {} is not a list of words",
                option.names
            )));
        }
    }

    fn runs(&mut self, runs: &Runs, style: Style) {
        let takes_words = matches!(runs.what, RunsWhat::Words | RunsWhat::JoinedText);
        if takes_words && style != Style::Posix && style != Style::None {
            self.fault(EntryFault::Runs(
                "the command's own options are only told from the other's in style posix".into(),
            ));
        }
        if runs.context != RunsWhere::Here && runs.skip == 0 {
            self.fault(EntryFault::Runs("no skipped operand says where".into()));
        }
    }
}

/// The options of a list that may be `always`.
fn options_of(list: &str, style: Style) -> Vec<Condition> {
    match when(list, style) {
        When::Options(options) => options,
        When::Unsaid | When::Always => Vec::new(),
    }
}

/// The options that a node lists itself.
fn listed(node: &Node, style: Style) -> impl Iterator<Item = String> {
    let lists = [&node.flags, &node.values, &node.optional, &node.dry];
    lists
        .into_iter()
        .chain(node.option.iter().map(|option| &option.names))
        .flat_map(|list| list.split_whitespace())
        .map(move |name| option_name(name, style))
}

/// The options that the verbs of a node list.
fn below(node: &Node, style: Style, names: &mut BTreeSet<String>) {
    for verb in &node.verb {
        let style = verb.style.unwrap_or(style);
        names.extend(listed(verb, style));
        below(verb, style, names);
    }
}

/// Whether an option can have this name.
fn may_be_named(name: &str, style: Style) -> bool {
    let dashed = name.len() > 1 && name.starts_with(['-', '+']) && name != "--";
    let bare = !name.starts_with(['-', '+']);
    let fits = match style {
        Style::None => false,
        Style::KeyValue => dashed || bare,
        Style::OldBundle => dashed || (bare && name.chars().count() == 1),
        Style::Gnu | Style::Posix | Style::LongDash => dashed,
    };
    fits && !name.contains('=')
}
