//! Whose words a script is. What a model wrote as free shell is held to more than what the catalogue does, since its words
//! may be those of a host.

use watchkeeper_model::{Assessment, Decision, Effect, EffectKind, RiskLevel};

use super::voices::{Voice, allowing_order, has_shell};
use super::{Facts, Rules};
use crate::orders::Preset;

const SAFE: &str = "the preset is \"safe\": a script that a model wrote waits for a person where it does more than look, unless an order allows each of its effects";
const GUESSED: &str = "a model wrote this script, and what it does cannot be told: it waits for a person, unless an order allows each of its effects";

/// Free shell of a model's own goes by the table like any other script, since the risk is told by code; but for two cases,
/// in which it waits for a person unless an order allows each of its effects. Steps of the catalogue are ours, whoever names
/// them.
///
/// One is a script of which something cannot be told, most of all a program that no table knows: its level is a guess, and
/// a model that talks nonsense makes up programs. (A person's script or a runbook's that calls a program of the house has
/// somebody who knows it.) Not under the preset `trusted`.
///
/// The other is, under the preset `safe`, whatever does more than look, as whatever account. Its words may be those of a
/// host whose text it read, and many small harms (a disk filled, a cache emptied again and again) are no small one.
pub(super) fn voice(
    rules: &Rules<'_>,
    assessment: &Assessment,
    facts: &Facts<'_>,
    without: Option<&str>,
) -> Option<Voice> {
    let free = facts.worded_by_model && has_shell(facts) && assessment.level > RiskLevel::ReadOnly;
    if !free {
        return None;
    }
    let guessed = |effect: &Effect| effect.kind == EffectKind::Unknown;
    let why = match rules.orders.preset {
        Preset::Safe => SAFE,
        Preset::Normal | Preset::Paranoid if assessment.effects.iter().any(guessed) => GUESSED,
        Preset::Normal | Preset::Paranoid | Preset::Trusted => return None,
    };
    (!is_allowed_by_name(rules, assessment, facts, without))
        .then(|| Voice::new(Decision::Hold, why.to_owned()))
}

/// Whether orders of the owner's allow every effect that is more than looking.
fn is_allowed_by_name(
    rules: &Rules<'_>,
    assessment: &Assessment,
    facts: &Facts<'_>,
    without: Option<&str>,
) -> bool {
    let mut changing = assessment
        .effects
        .iter()
        .filter(|effect| effect.level > RiskLevel::ReadOnly)
        .peekable();
    let explained = assessment.effects.iter().map(|effect| effect.level).max();
    explained == Some(assessment.level)
        && changing.peek().is_some()
        && changing.all(|effect| allowing_order(rules, facts, effect, without).is_some())
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::{Autonomy, HostName, Privilege, Step, UnitName, Verdict};

    use super::super::tests::nothing_special;
    use super::super::{judge, orders_tests};
    use super::*;
    use crate::PolicySettings;

    const UNDER_SAFE: &str = "preset = \"safe\"\n";

    fn script(text: &str) -> Step {
        Step::Shell {
            script: text.to_owned(),
        }
    }

    fn touches(target: &str, level: RiskLevel) -> Effect {
        orders_tests::effect(EffectKind::Writes, target, level)
    }

    fn assessed(effects: Vec<Effect>) -> Assessment {
        orders_tests::assessment(effects)
    }

    fn asked(
        orders: &str,
        steps: &[Step],
        assessment: &Assessment,
        autonomy: Autonomy,
        worded_by_model: bool,
    ) -> Verdict {
        let host = HostName::new("web1").expect("a host");
        let (settings, orders) = (PolicySettings::default(), orders_tests::orders(orders));
        // As root a shell step waits under `safe` whoever wrote it.
        let privilege = Privilege::Login;
        let rules = Rules {
            settings: &settings,
            orders: &orders,
        };
        let facts = Facts {
            autonomy: Some(autonomy),
            steps,
            worded_by_model,
            privilege,
            ..nothing_special(&host)
        };
        judge(&rules, assessment, &facts)
    }

    #[test]
    fn under_safe_a_models_free_shell_waits_at_every_level_where_it_does_more_than_look() {
        use Autonomy::{AutoFull, AutoSafe, Observe, Suggest};
        use Decision::{Hold, Run, Shadow};
        let steps = [script("touch /tmp/x")];
        for (level, expected) in [
            (RiskLevel::ReadOnly, [Run, Run, Run, Run]),
            (RiskLevel::Low, [Shadow, Hold, Hold, Hold]),
            (RiskLevel::Medium, [Shadow, Hold, Hold, Hold]),
            (RiskLevel::High, [Shadow, Hold, Hold, Hold]),
        ] {
            let one = assessed(vec![touches("/tmp/x", level)]);
            for (autonomy, expect) in [Observe, Suggest, AutoSafe, AutoFull]
                .into_iter()
                .zip(expected)
            {
                let verdict = asked(UNDER_SAFE, &steps, &one, autonomy, true);
                assert_eq!(
                    verdict.decision, expect,
                    "{level} at {autonomy}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn what_cannot_be_told_of_a_models_script_waits_at_every_level() {
        let steps = [script("shell")];
        let unknown = Effect {
            kind: EffectKind::Unknown,
            ..touches("shell", RiskLevel::Medium)
        };
        let one = assessed(vec![unknown]);
        let decided =
            |orders, by_model| asked(orders, &steps, &one, Autonomy::AutoFull, by_model).decision;
        assert_eq!(decided("", true), Decision::Hold);
        // Somebody knows the program of a runbook or of a wish; `trusted` trusts the table alone.
        assert_eq!(decided("", false), Decision::Run);
        assert_eq!(decided("preset = \"trusted\"", true), Decision::Run);
        let verdict = asked("", &steps, &one, Autonomy::AutoFull, true);
        assert!(
            verdict
                .because
                .iter()
                .any(|why| why.contains("cannot be told")),
            "{verdict:?}"
        );
    }

    #[test]
    fn steps_of_the_catalogue_and_scripts_of_others_go_by_the_table() {
        let low = assessed(vec![touches("/tmp/x", RiskLevel::Low)]);
        let typed = [Step::UnitResetFailed {
            unit: UnitName::new("nginx.service").expect("a unit"),
        }];
        let free = [script("touch /tmp/x")];
        let verdict = asked(UNDER_SAFE, &typed, &low, Autonomy::AutoSafe, true);
        assert_eq!(verdict.decision, Decision::Run, "{verdict:?}");
        let verdict = asked(UNDER_SAFE, &free, &low, Autonomy::AutoSafe, false);
        assert_eq!(verdict.decision, Decision::Run, "{verdict:?}");
    }

    #[test]
    fn an_order_for_each_effect_or_another_preset_lets_it_run() {
        let allow = "preset = \"safe\"\n[[order]]\nname = \"scratch\"\ndecision = \"allow\"\n\
                     when = { targets = [\"/tmp/*\"] }\nmatch = [\"touch /tmp/a\"]\nnot_match = [\"touch /srv/a\"]\n";
        let steps = [script("touch /tmp/x")];
        let one = assessed(vec![touches("/tmp/x", RiskLevel::Low)]);
        let two = assessed(vec![
            touches("/tmp/x", RiskLevel::Low),
            touches("/var/tmp/y", RiskLevel::Low),
        ]);
        let decided = |orders, assessment, autonomy| {
            asked(orders, &steps, assessment, autonomy, true).decision
        };
        assert_eq!(decided(allow, &one, Autonomy::AutoSafe), Decision::Run);
        assert_eq!(decided(allow, &one, Autonomy::Suggest), Decision::Hold);
        assert_eq!(decided(allow, &two, Autonomy::AutoSafe), Decision::Hold);
        for other in ["", "preset = \"trusted\""] {
            assert_eq!(decided(other, &two, Autonomy::AutoSafe), Decision::Run);
        }
    }

    #[test]
    fn the_verdict_says_what_would_let_it_run() {
        let steps = [script("touch /tmp/x")];
        let one = assessed(vec![touches("/tmp/x", RiskLevel::Low)]);
        let verdict = asked(UNDER_SAFE, &steps, &one, Autonomy::AutoSafe, true);
        assert_eq!(
            verdict.otherwise,
            [
                "it would only be recorded at autonomy \"observe\"",
                "it would run by itself as steps of the catalogue, or with an order that allows each of its effects",
            ]
        );
    }
}
