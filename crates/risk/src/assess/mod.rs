//! The assessment of a list of steps or of a text: all that they do, the strictest first, and the strictest level. Typed
//! steps say themselves what they do (`units.rs`); a text is parsed, interpreted and classified (`text.rs`). Both ways
//! lead to the same join (`join.rs`).

mod explain;
mod join;
mod text;

use watchkeeper_model::{
    Assessment, Certainty, Effect, EffectKind, Plan, RiskLevel, Step, TargetClass, bounded, visible,
};

use crate::classify::Host;
use crate::facts::HostFacts;
use crate::units;

pub use explain::explain;
pub use text::{TextAssessment, assess_bytes, assess_text, assess_text_in, is_proven_read_only};

use join::{cannot_be_undone, join};
use text::read_text;

/// Somebody's opinion of a risk, for instance a model's. It can raise an assessment and never lower it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

/// What code says about the risk of a plan on a plain Linux host of which nothing is known.
#[must_use]
pub fn assess(steps: &[Step], undo: &[Step]) -> Assessment {
    assess_on(steps, undo, &HostFacts::default())
}

/// What code says about the risk of a plan: of its steps, and of its undo, which may run as well.
///
/// All of it can be undone when nothing in it is lost for good, and when it changes nothing or there is an undo.
#[must_use]
pub fn assess_on(steps: &[Step], undo: &[Step], facts: &HostFacts) -> Assessment {
    let host = Host::new(facts);
    let mut decoded = Vec::new();
    let mut effects = Vec::new();
    for (number, step) in (0..).zip(steps) {
        effects.extend(step_effects(step, Some(number), facts, &host, &mut decoded));
    }
    let changes = effects
        .iter()
        .any(|effect| effect.level > RiskLevel::ReadOnly);
    let lost = effects.iter().any(cannot_be_undone);
    for step in undo {
        let own = step_effects(step, None, facts, &host, &mut decoded);
        effects.extend(
            own.into_iter()
                .map(|effect| undo_effect(effect, step, steps)),
        );
    }
    if steps.len() > Plan::MAX_STEPS || undo.len() > Plan::MAX_STEPS {
        effects.push(too_many());
    }
    Assessment {
        undoable: !lost && (!changes || !undo.is_empty()),
        ..join(effects, decoded)
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
        words: visible(&reason).into_owned(),
        sentence: format!("{} thinks it {level}: {}", visible(&by), visible(&reason)),
        ..nameless(EffectKind::Unknown, level, "opinion")
    }];
    effects.extend(assessment.effects);
    Assessment {
        level,
        score: join::score(level, &effects),
        effects,
        ..assessment
    }
}

/// What a step does. Its number is that of its place in the plan; a step of the undo has none.
fn step_effects(
    step: &Step,
    number: Option<u32>,
    facts: &HostFacts,
    host: &Host,
    decoded: &mut Vec<watchkeeper_model::Decoded>,
) -> Vec<Effect> {
    if let Some(effect) = units::effect(step, host) {
        return vec![effect];
    }
    let Step::Shell { script } = step else {
        return vec![text::unknown(&step.summary())];
    };
    if script.len() > Step::MAX_SCRIPT_BYTES {
        return vec![text::too_long(script)];
    }
    let read = read_text(script, number, facts, &facts.start_directories(), host);
    decoded.extend(read.decoded);
    read.effects
}

/// The effect of a step of the undo. Stopping what this very plan starts puts back what was, so it asks for no
/// more than the start did.
fn undo_effect(effect: Effect, step: &Step, steps: &[Step]) -> Effect {
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
        sentence: format!("if it is undone: {}", effect.sentence),
        ..effect
    }
}

fn too_many() -> Effect {
    Effect {
        sentence: format!(
            "has more than {} steps: nobody can judge that",
            Plan::MAX_STEPS
        ),
        ..nameless(EffectKind::Unknown, RiskLevel::High, "plan.too_many_steps")
    }
}

/// An effect on nothing that has a name.
fn nameless(kind: EffectKind, level: RiskLevel, rule: &str) -> Effect {
    Effect {
        kind,
        target: String::new(),
        class: TargetClass::Plain,
        certainty: Certainty::Possible,
        level,
        rule: rule.to_owned(),
        words: String::new(),
        place: None,
        elsewhere: String::new(),
        sentence: String::new(),
    }
}

#[cfg(test)]
mod tests;
