//! An entry of the tables in the form in which words are matched with it: names parted, verbs with what they have from
//! their command, options found by name or by the beginning of one. Whether an entry makes sense is `validate`'s to say.

use std::collections::BTreeMap;

use watchkeeper_model::{EffectKind, RiskLevel};

use super::schema::{
    EffectNode, Node, OptionNode, Prints, Runs, Selector, Style, TargetKind, Value,
};

/// A command of the tables.
#[derive(Debug)]
pub(super) struct Entry {
    /// The file that it stands in, without its ending: the first part of every rule's name.
    pub(super) family: String,
    /// What it says.
    pub(super) spec: Spec,
}

/// A command, or one verb of it.
#[derive(Debug)]
pub(super) struct Spec {
    /// Its names.
    pub(super) names: Vec<String>,
    /// How its options are written.
    pub(super) style: Style,
    /// Its own options.
    options: Vec<OptionSpec>,
    /// Which of them have a name.
    by_name: BTreeMap<String, Vec<usize>>,
    /// Whether `-5` is an option.
    pub(super) numeric: bool,
    /// Whether a shortened long option counts as one that is not listed.
    pub(super) exact_options: bool,
    /// What an option means that is not listed.
    pub(super) unknown_option: RiskLevel,
    /// Its verbs.
    pub(super) verbs: Vec<Self>,
    /// Which of them has a name.
    by_verb: BTreeMap<String, usize>,
    /// Whether its verbs may be shortened.
    pub(super) verbs_shorten: bool,
    /// What a verb means that is not listed.
    pub(super) unknown_verb: RiskLevel,
    /// Whether it only looks without verb or operands.
    pub(super) bare_reads: bool,
    /// Most operands.
    pub(super) most_operands: Option<usize>,
    /// The only operands.
    pub(super) only_operands: Vec<String>,
    /// What it does.
    pub(super) effects: Vec<EffectSpec>,
    /// Options with which it does not.
    pub(super) dry: Vec<Condition>,
    /// That it runs another command.
    pub(super) runs: Option<Runs>,
    /// What it prints.
    pub(super) prints: Option<Prints>,
    /// Options without which it prints something else.
    pub(super) prints_needs: Vec<Condition>,
    /// Options with which it prints something else.
    pub(super) prints_unless: Vec<Condition>,
    /// Whether it waits for a person.
    pub(super) interactive: When,
    /// Whether it goes on for ever.
    pub(super) unbounded: When,
    /// The judge that it has in addition.
    pub(super) judge: Option<String>,
    /// Whether it looks up names among its operands.
    pub(super) resolves: bool,
}

/// One option.
#[derive(Debug)]
pub(super) struct OptionSpec {
    /// Its names; the first is the one it is known by.
    pub(super) names: Vec<String>,
    /// Whether a value follows.
    pub(super) value: Value,
    /// The only values that what it does holds for.
    pub(super) only: Vec<String>,
    /// The only values that it does not hold for.
    pub(super) except: Vec<String>,
    /// What it does.
    pub(super) effects: Vec<EffectSpec>,
    /// Whether it takes the place of the command's own effects.
    pub(super) instead: bool,
    /// That its value is run.
    pub(super) runs: Option<Runs>,
}

/// One effect.
#[derive(Debug)]
pub(super) struct EffectSpec {
    /// What.
    pub(super) does: EffectKind,
    /// To which words.
    pub(super) to: Selector,
    /// What those are.
    pub(super) target: TargetKind,
    /// A fixed target.
    pub(super) fixed: Option<String>,
    /// Only with one of these options.
    pub(super) needs: Vec<Condition>,
    /// Not with any of these.
    pub(super) unless: Vec<Condition>,
    /// The least level.
    pub(super) level: Option<RiskLevel>,
    /// How it is said.
    pub(super) say: Option<String>,
    /// Whether it goes down a tree.
    pub(super) recursive: When,
}

/// An option by name, perhaps with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// Its name.
    pub(super) option: String,
    /// The value that it must have.
    pub(super) value: Option<String>,
}

/// When something holds, as `"always"`, a list of options or nothing says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Nothing is said.
    Unsaid,
    /// Always.
    Always,
    /// It hangs on these options.
    Options(Vec<Condition>),
}

impl Spec {
    /// A command as it is matched.
    pub(super) fn of_command(node: Node) -> Self {
        Self::new(node, None)
    }

    fn new(node: Node, parent: Option<&Self>) -> Self {
        let style = node
            .style
            .or(parent.map(|parent| parent.style))
            .unwrap_or(Style::Gnu);
        let said = node
            .unknown_option
            .or(parent.map(|parent| parent.unknown_option))
            .unwrap_or(RiskLevel::Medium);
        let unknown_option = if node.runs.is_some() {
            said.max(RiskLevel::High)
        } else {
            said
        };
        let dry = conditions(&node.dry, style);
        let options = options_of(&node, style, &dry);
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, option) in options.iter().enumerate() {
            for name in &option.names {
                by_name.entry(name.clone()).or_default().push(index);
            }
        }
        let mut spec = Self {
            names: words(&node.names),
            style,
            options,
            by_name,
            numeric: node.numeric || parent.is_some_and(|parent| parent.numeric),
            exact_options: node
                .exact_options
                .or(parent.map(|parent| parent.exact_options))
                .unwrap_or(true),
            unknown_option,
            verbs: Vec::new(),
            by_verb: BTreeMap::new(),
            verbs_shorten: node.verbs_shorten || parent.is_some_and(|parent| parent.verbs_shorten),
            unknown_verb: node
                .unknown_verb
                .or(parent.map(|parent| parent.unknown_verb))
                .unwrap_or(RiskLevel::Medium),
            bare_reads: node.bare_reads,
            most_operands: node.most_operands,
            only_operands: words(&node.only_operands),
            effects: effects_of(node.effects, style),
            dry,
            runs: node.runs,
            prints: node.prints,
            prints_needs: conditions(&node.prints_needs, style),
            prints_unless: conditions(&node.prints_unless, style),
            interactive: when(&node.interactive_unless, style),
            unbounded: when(&node.unbounded_unless, style),
            judge: (!node.judge.is_empty()).then_some(node.judge),
            resolves: node.resolves,
        };
        for verb in node.verb {
            let verb = Self::new(verb, Some(&spec));
            for name in &verb.names {
                spec.by_verb.insert(name.clone(), spec.verbs.len());
            }
            spec.verbs.push(verb);
        }
        spec
    }

    /// Its own options of exactly this name.
    pub(super) fn options_named<'s>(
        &'s self,
        name: &str,
    ) -> impl Iterator<Item = &'s OptionSpec> + use<'s> {
        self.by_name
            .get(name)
            .into_iter()
            .flatten()
            .map(|index| &self.options[*index])
    }

    /// Its own options of which a name begins so.
    pub(super) fn options_beginning(&self, beginning: &str) -> Vec<&OptionSpec> {
        let mut indices: Vec<usize> = self
            .by_name
            .range(beginning.to_owned()..)
            .take_while(|(name, _)| name.starts_with(beginning))
            .flat_map(|(_, indices)| indices.iter().copied())
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
            .into_iter()
            .map(|index| &self.options[index])
            .collect()
    }

    /// All its own options.
    pub(super) fn options(&self) -> &[OptionSpec] {
        &self.options
    }

    /// The verb of exactly this name.
    pub(super) fn verb_named(&self, name: &str) -> Option<&Self> {
        self.by_verb.get(name).map(|index| &self.verbs[*index])
    }

    /// The verbs of which a name begins so.
    pub(super) fn verbs_beginning(&self, beginning: &str) -> Vec<&Self> {
        let mut indices: Vec<usize> = self
            .by_verb
            .range(beginning.to_owned()..)
            .take_while(|(name, _)| name.starts_with(beginning))
            .map(|(_, index)| *index)
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
            .into_iter()
            .map(|index| &self.verbs[index])
            .collect()
    }
}

/// The name of an option as it is compared: where one dash is as good as two, with one; without the `=` of `name=VALUE`.
pub(super) fn option_name(written: &str, style: Style) -> String {
    match style {
        Style::LongDash if written.starts_with('-') => {
            format!("-{}", written.trim_start_matches('-'))
        }
        Style::KeyValue => written.trim_end_matches('=').to_owned(),
        _ => written.to_owned(),
    }
}

/// The words of a list.
pub(super) fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

/// The options of a list of conditions: `-n --output=json`.
pub(super) fn conditions(list: &str, style: Style) -> Vec<Condition> {
    list.split_whitespace()
        .map(|word| match word.split_once('=') {
            Some((option, value)) if !option.is_empty() && !value.is_empty() => Condition {
                option: option_name(option, style),
                value: Some(value.to_owned()),
            },
            _ => Condition {
                option: option_name(word, style),
                value: None,
            },
        })
        .collect()
}

/// A list of conditions that may be `always`.
pub(super) fn when(list: &str, style: Style) -> When {
    match list.trim() {
        "" => When::Unsaid,
        "always" => When::Always,
        list => When::Options(conditions(list, style)),
    }
}

fn options_of(node: &Node, style: Style, dry: &[Condition]) -> Vec<OptionSpec> {
    let mut options: Vec<OptionSpec> = node
        .option
        .iter()
        .map(|option| OptionSpec::listed(option, style))
        .collect();
    let plain = [
        (&node.flags, Value::None),
        (&node.values, Value::Required),
        (&node.optional, Value::Optional),
    ];
    let machines = words(&node.machines);
    for (list, value) in plain {
        for name in list.split_whitespace() {
            let mut option = OptionSpec::harmless(option_name(name, style), value);
            if machines.iter().any(|machine| machine == name) {
                option.effects.push(EffectSpec::asks_its_value());
            }
            options.push(option);
        }
    }
    for condition in dry {
        let listed = options
            .iter()
            .any(|option| option.names.contains(&condition.option));
        if !listed && condition.value.is_none() {
            options.push(OptionSpec::harmless(condition.option.clone(), Value::None));
        }
    }
    options
}

fn effects_of(nodes: Vec<EffectNode>, style: Style) -> Vec<EffectSpec> {
    nodes
        .into_iter()
        .map(|node| EffectSpec::new(&node, style))
        .collect()
}

impl OptionSpec {
    /// Whether it has no value and does nothing.
    pub(super) fn is_plain_flag(&self) -> bool {
        self.value == Value::None && self.effects.is_empty() && self.runs.is_none() && !self.instead
    }

    fn harmless(name: String, value: Value) -> Self {
        Self {
            names: vec![name],
            value,
            only: Vec::new(),
            except: Vec::new(),
            effects: Vec::new(),
            instead: false,
            runs: None,
        }
    }

    fn listed(node: &OptionNode, style: Style) -> Self {
        Self {
            names: node
                .names
                .split_whitespace()
                .map(|name| option_name(name, style))
                .collect(),
            value: node.value,
            only: words(&node.only),
            except: words(&node.except),
            effects: node
                .effects
                .iter()
                .map(|effect| EffectSpec::new(effect, style))
                .collect(),
            instead: node.instead,
            runs: node.runs,
        }
    }
}

impl EffectSpec {
    /// That the machine is asked which the value of an option names.
    fn asks_its_value() -> Self {
        Self {
            does: EffectKind::Probes,
            to: Selector::Value,
            target: TargetKind::Host,
            fixed: None,
            needs: Vec::new(),
            unless: Vec::new(),
            level: None,
            say: None,
            recursive: When::Unsaid,
        }
    }

    fn new(node: &EffectNode, style: Style) -> Self {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            does: node.does,
            to: node.to,
            target: node.target,
            fixed: said(&node.fixed),
            needs: conditions(&node.needs, style),
            unless: conditions(&node.unless, style),
            level: node.level,
            say: said(&node.say),
            recursive: when(&node.recursive, style),
        }
    }
}
