//! Effects into one assessment: each once, the strictest first, and the level of the strictest. More effects never make
//! less of it.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::LazyLock;

use watchkeeper_model::{
    Assessment, Certainty, Decoded, Effect, EffectKind, RiskLevel, TargetClass,
};

use super::nameless;
use crate::classify::TEXTS;
use crate::spec::Tables;

/// Most effects that are kept; of more, the strictest are.
const MAX_EFFECTS: usize = 100;
/// Most hidden texts that are kept.
const MAX_DECODED: usize = 20;

/// The union of effects. Whether it can be undone is said of these effects alone, without an undo.
pub(super) fn join(effects: Vec<Effect>, decoded: Vec<Decoded>) -> Assessment {
    let mut effects = each_once(effects);
    effects.sort_by_key(|effect| Reverse((effect.level, effect.class)));
    let level = effects
        .first()
        .map_or(RiskLevel::ReadOnly, |effect| effect.level);
    let score = score(level, &effects);
    let undoable = !effects
        .iter()
        .any(|effect| effect.level > RiskLevel::ReadOnly || cannot_be_undone(effect));
    if effects.len() > MAX_EFFECTS {
        let dropped = effects.len() - (MAX_EFFECTS - 1);
        effects.truncate(MAX_EFFECTS - 1);
        effects.push(more(
            dropped,
            effects.last().map_or(level, |last| last.level),
        ));
    }
    let mut kept: Vec<Decoded> = Vec::new();
    for text in decoded {
        if kept.len() < MAX_DECODED && !kept.contains(&text) {
            kept.push(text);
        }
    }
    Assessment {
        level,
        score,
        effects,
        decoded: kept,
        undoable,
        tables: digest().to_owned(),
    }
}

/// The digest of all that judges: tables and lists.
pub(super) fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        Tables::shipped()
            .digest_with(TEXTS.map(str::as_bytes))
            .to_string()
    });
    &DIGEST
}

/// Effects that differ in what they do, to what, where, and how bad that is; the first of its kind says from where.
fn each_once(effects: Vec<Effect>) -> Vec<Effect> {
    let mut seen = HashSet::new();
    effects
        .into_iter()
        .filter(|effect| {
            let bare = effect.target.is_empty() && effect.level == RiskLevel::ReadOnly;
            seen.insert((
                effect.kind,
                effect.class,
                effect.certainty,
                effect.level,
                effect.target.clone(),
                effect.elsewhere.clone(),
                if bare {
                    String::new()
                } else {
                    effect.sentence.clone()
                },
            ))
        })
        .collect()
}

/// What stands for effects that are left out.
fn more(count: usize, level: RiskLevel) -> Effect {
    Effect {
        certainty: Certainty::Certain,
        sentence: format!("does {count} more things, none of them worse than these"),
        ..nameless(EffectKind::Unknown, level, "assess.too_many_effects")
    }
}

/// Where in the band of its level an assessment stands: the more effects of that level, and the worse their targets, the
/// higher.
pub(super) fn score(level: RiskLevel, effects: &[Effect]) -> u8 {
    let (from, to) = match level {
        RiskLevel::ReadOnly => (0, 9),
        RiskLevel::Low => (10, 29),
        RiskLevel::Medium => (30, 59),
        RiskLevel::High => (60, 89),
        RiskLevel::Forbidden => (90, 100),
    };
    let points: u64 = effects
        .iter()
        .filter(|effect| effect.level == level)
        .map(points)
        .sum();
    let more = u8::try_from(points.saturating_sub(1)).unwrap_or(u8::MAX);
    from + more.min(to - from)
}

fn points(effect: &Effect) -> u64 {
    if effect.level == RiskLevel::ReadOnly {
        return 1;
    }
    let target = match effect.class {
        TargetClass::Plain | TargetClass::Sink | TargetClass::Scratch => 0,
        TargetClass::Data | TargetClass::ServiceConfig => 2,
        TargetClass::Precious | TargetClass::System => 4,
        TargetClass::Critical => 6,
        TargetClass::Whole => 8,
    };
    let certain = u64::from(effect.certainty == Certainty::Certain);
    let lost = if cannot_be_undone(effect) { 3 } else { 0 };
    1 + target + certain + lost
}

/// Whether an effect takes away, or gives away, what no undo brings back.
pub(super) fn cannot_be_undone(effect: &Effect) -> bool {
    let kept = !matches!(effect.class, TargetClass::Scratch | TargetClass::Sink);
    if effect.level == RiskLevel::ReadOnly {
        return false;
    }
    match effect.kind {
        EffectKind::Overwrites | EffectKind::Deletes | EffectKind::DeletesTree => kept,
        EffectKind::PermissionsTree => kept,
        EffectKind::Signals
        | EffectKind::Storage
        | EffectKind::DatabaseWrites
        | EffectKind::DatabaseAdmin
        | EffectKind::Audit
        | EffectKind::Sends
        | EffectKind::Secrets
        | EffectKind::RunsCode
        | EffectKind::Unknown => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn effect(level: RiskLevel, class: TargetClass, target: usize) -> Effect {
        Effect {
            class,
            target: format!("/x{target}"),
            sentence: "does something".to_owned(),
            ..nameless(EffectKind::Writes, level, "test")
        }
    }

    fn any_effect() -> impl Strategy<Value = Effect> {
        let levels = proptest::sample::select(vec![
            RiskLevel::ReadOnly,
            RiskLevel::Low,
            RiskLevel::Medium,
            RiskLevel::High,
            RiskLevel::Forbidden,
        ]);
        let classes = proptest::sample::select(vec![
            TargetClass::Plain,
            TargetClass::Scratch,
            TargetClass::Data,
            TargetClass::Critical,
            TargetClass::Whole,
        ]);
        let kinds = proptest::sample::select(vec![
            EffectKind::Reads,
            EffectKind::Writes,
            EffectKind::Deletes,
            EffectKind::Sends,
        ]);
        (levels, classes, kinds, 0..8_usize).prop_map(|(level, class, kind, target)| Effect {
            kind,
            ..effect(level, class, target)
        })
    }

    #[test]
    fn nothing_is_read_only() {
        let nothing = join(Vec::new(), Vec::new());
        assert_eq!((nothing.level, nothing.score), (RiskLevel::ReadOnly, 0));
        assert!(nothing.undoable);
    }

    #[test]
    fn equal_effects_are_told_once_and_the_strictest_first() {
        let low = effect(RiskLevel::Low, TargetClass::Scratch, 1);
        let high = effect(RiskLevel::High, TargetClass::Data, 1);
        let joined = join(vec![low.clone(), high.clone(), low.clone()], Vec::new());
        assert_eq!(joined.effects, [high, low]);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let effects = (0..500)
            .map(|target| effect(RiskLevel::Medium, TargetClass::Data, target))
            .collect();
        let joined = join(effects, Vec::new());
        assert_eq!(joined.effects.len(), MAX_EFFECTS);
        let last = joined.effects.last().expect("there is one");
        assert_eq!(
            last.sentence,
            "does 401 more things, none of them worse than these"
        );
        assert_eq!(last.level, RiskLevel::Medium);
    }

    #[test]
    fn the_digest_is_one_of_tables_and_lists() {
        assert_eq!(digest().len(), 64);
        assert_ne!(digest(), Tables::shipped().digest().to_string());
    }

    proptest! {
        #[test]
        fn more_effects_never_make_less_of_it(
            effects in proptest::collection::vec(any_effect(), 0..40),
            more in any_effect(),
        ) {
            let before = join(effects.clone(), Vec::new());
            let after = join(effects.into_iter().chain([more]).collect(), Vec::new());
            prop_assert!(after.level >= before.level);
            prop_assert!(after.score >= before.score);
            prop_assert!(before.undoable || !after.undoable);
        }

        #[test]
        fn a_score_stays_within_its_level(effects in proptest::collection::vec(any_effect(), 0..60)) {
            let joined = join(effects, Vec::new());
            let band = match joined.level {
                RiskLevel::ReadOnly => 0..=9,
                RiskLevel::Low => 10..=29,
                RiskLevel::Medium => 30..=59,
                RiskLevel::High => 60..=89,
                RiskLevel::Forbidden => 90..=100,
            };
            prop_assert!(band.contains(&joined.score));
        }
    }
}
