//! The assessment of a list of steps: all their effects, the strictest first, and the strictest level.

use std::cmp::Reverse;

use watchkeeper_model::{
    Assessment, Certainty, Effect, EffectKind, Plan, RiskLevel, Step, TargetClass, bounded, visible,
};

use crate::{shell, units};

/// Somebody's opinion of a risk, for instance a model's. It can raise an assessment and never lower it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// How bad they say it is. More than high counts as high: only code forbids.
    pub level: RiskLevel,
    /// Who says so.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
}

impl Opinion {
    /// Most characters shown of a reason.
    pub const MAX_REASON_CHARS: usize = 300;
}

/// What code says about the risk of a plan: of its steps, and of its undo, which may run as well.
///
/// All of it can be undone when nothing in it destroys, and when it changes nothing or there is an undo.
#[must_use]
pub fn assess(steps: &[Step], undo: &[Step]) -> Assessment {
    let mut effects: Vec<Effect> = steps.iter().map(effect).collect();
    let changes = effects
        .iter()
        .any(|effect| effect.level > RiskLevel::ReadOnly);
    let destroys = steps.iter().any(destroys);
    effects.extend(undo.iter().map(|step| undo_effect(step, steps)));
    if steps.len() > Plan::MAX_STEPS || undo.len() > Plan::MAX_STEPS {
        effects.push(too_many());
    }
    effects.sort_by_key(|effect| Reverse(effect.level));
    Assessment {
        score: 0,
        decoded: Vec::new(),
        tables: String::new(),
        level: effects
            .first()
            .map_or(RiskLevel::ReadOnly, |effect| effect.level),
        undoable: !destroys && (!changes || !undo.is_empty()),
        effects,
    }
}

/// Raises an assessment to somebody's opinion; an opinion that is no higher changes nothing.
#[must_use]
pub fn raise(assessment: Assessment, opinion: &Opinion) -> Assessment {
    let level = opinion.level.min(RiskLevel::High);
    if level <= assessment.level {
        return assessment;
    }
    let by = bounded(&opinion.by, 80).into_owned();
    let reason = bounded(&opinion.reason, Opinion::MAX_REASON_CHARS).into_owned();
    let mut effects = vec![Effect {
        class: TargetClass::Plain,
        place: None,
        elsewhere: String::new(),
        kind: EffectKind::Unknown,
        target: String::new(),
        certainty: Certainty::Possible,
        level,
        rule: "opinion".to_owned(),
        words: visible(&reason).into_owned(),
        sentence: format!("{} thinks it {level}: {}", visible(&by), visible(&reason)),
    }];
    effects.extend(assessment.effects);
    Assessment {
        score: 0,
        decoded: Vec::new(),
        tables: String::new(),
        level,
        effects,
        undoable: assessment.undoable,
    }
}

fn effect(step: &Step) -> Effect {
    match step {
        Step::Shell { script } => shell::effect(script),
        _ => units::effect(step).unwrap_or_else(|| shell::unknown(&step.summary())),
    }
}

/// The effect of a step of the undo. Stopping what this very plan starts puts back what was, so it asks for no
/// more than the start did.
fn undo_effect(step: &Step, steps: &[Step]) -> Effect {
    let effect = effect(step);
    let level = match step {
        Step::UnitStop { unit }
            if effect.level < RiskLevel::Forbidden
                && steps.contains(&Step::UnitStart { unit: unit.clone() }) =>
        {
            RiskLevel::Low
        }
        _ => effect.level,
    };
    Effect {
        level,
        certainty: Certainty::Possible,
        rule: format!("undo.{}", effect.rule),
        sentence: format!("to undo it: {}", effect.sentence),
        ..effect
    }
}

/// Whether a step takes away what no undo brings back. A cache does not count: it fills again.
fn destroys(step: &Step) -> bool {
    match step {
        Step::JournalVacuum { .. } => true,
        Step::Shell { script } => !crate::is_proven_read_only(script),
        _ => false,
    }
}

fn too_many() -> Effect {
    Effect {
        class: TargetClass::Plain,
        place: None,
        elsewhere: String::new(),
        kind: EffectKind::Unknown,
        target: String::new(),
        certainty: Certainty::Possible,
        level: RiskLevel::High,
        rule: "plan.too_many_steps".to_owned(),
        words: String::new(),
        sentence: format!(
            "has more than {} steps: nobody can judge that",
            Plan::MAX_STEPS
        ),
    }
}

#[cfg(test)]
mod tests;
