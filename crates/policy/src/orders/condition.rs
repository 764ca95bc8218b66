//! Whether a condition holds: for the circumstances (host, people, time), for the steps as a whole, and for one effect.
//! Effects are the resolved ones of the assessment; no order ever matches text of a command by its beginning.

use watchkeeper_model::{Effect, EffectKind, Proposer, Step};

use super::Orders;
use super::file::Condition;
use crate::judge::Facts;

/// Whether what is asked of the steps is asked of every one, or of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// An order that permits: every step must be meant.
    Every,
    /// An order that forbids: one is enough.
    Any,
}

/// Kinds of effects whose target is a unit.
const UNIT_EFFECTS: [EffectKind; 6] = [
    EffectKind::Reloads,
    EffectKind::Starts,
    EffectKind::Restarts,
    EffectKind::Stops,
    EffectKind::Enables,
    EffectKind::Disables,
];

impl Condition {
    /// Whether it asks something of single effects.
    pub(crate) const fn asks_of_effects(&self) -> bool {
        !(self.effects.is_empty()
            && self.targets.is_empty()
            && self.classes.is_empty()
            && self.units.is_empty()
            && self.rules.is_empty())
            || self.level_from.is_some()
            || self.level_to.is_some()
    }

    /// Whether it asks nothing at all.
    pub(crate) fn asks_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the circumstances are the ones it is for.
    pub(crate) fn holds_for(&self, orders: &Orders, facts: &Facts<'_>) -> bool {
        let host = facts.host.as_str();
        any(&self.hosts, |pattern| pattern.matches(host))
            && any(&self.groups, |pattern| {
                facts
                    .groups
                    .iter()
                    .any(|group| pattern.matches(group.as_str()))
            })
            && any(&self.tiers, |tier| *tier == facts.tier)
            && any(&self.proposers, |pattern| {
                let (kind, named) = proposer_words(facts.proposer);
                pattern.matches(kind) || pattern.matches(&named)
            })
            && any(&self.during, |window| orders.within(window, facts.moment))
            && !self
                .outside
                .iter()
                .any(|window| orders.within(window, facts.moment))
    }

    /// Whether the steps are the ones it is for.
    pub(crate) fn holds_for_steps(&self, steps: &[&Step], quantity: Steps) -> bool {
        let each = |meant: &dyn Fn(&Step) -> bool| match quantity {
            Steps::Every => steps.iter().all(|step| meant(step)),
            Steps::Any => steps.iter().any(|step| meant(step)),
        };
        (self.steps.is_empty() || each(&|step| self.steps.iter().any(|kind| kind == step.kind())))
            && (self.commands.is_empty()
                || each(&|step| match step {
                    Step::Shell { script } => self
                        .commands
                        .iter()
                        .any(|text| text.trim() == script.trim()),
                    _ => false,
                }))
    }

    /// Whether an effect is one it is for.
    pub(crate) fn holds_for_effect(&self, effect: &Effect) -> bool {
        let rule = effect.rule.strip_prefix("undo.").unwrap_or(&effect.rule);
        any(&self.effects, |kind| *kind == effect.kind)
            && any(&self.targets, |pattern| pattern.matches(&effect.target))
            && any(&self.classes, |class| *class == effect.class)
            && any(&self.units, |pattern| {
                UNIT_EFFECTS.contains(&effect.kind) && pattern.matches_unit(&effect.target)
            })
            && any(&self.rules, |pattern| pattern.matches(rule))
            && self.level_from.is_none_or(|least| effect.level >= least)
            && self.level_to.is_none_or(|most| effect.level <= most)
    }
}

/// Whether a list asks nothing, or one of its entries holds.
fn any<T>(list: &[T], holds: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}

/// How orders name a proposer: by kind, and by kind and name.
fn proposer_words(proposer: &Proposer) -> (&'static str, String) {
    match proposer {
        Proposer::Runbook { name } => ("runbook", format!("runbook:{name}")),
        Proposer::Model { name } => ("model", format!("model:{name}")),
        Proposer::Person { name } => ("person", format!("person:{name}")),
    }
}
