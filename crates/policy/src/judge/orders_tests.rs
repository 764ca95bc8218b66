use proptest::prelude::*;
use watchkeeper_model::{
    Certainty, Effect, EffectKind, GroupName, HostName, Proposer, Step, TargetClass, Tier,
};

use super::tests::nothing_special;
use super::*;
use crate::orders::{AssessedExample, LocalMoment, Weekday};

pub(super) fn effect(kind: EffectKind, target: &str, level: RiskLevel) -> Effect {
    Effect {
        kind,
        target: target.to_owned(),
        class: TargetClass::Data,
        certainty: Certainty::Certain,
        level,
        rule: "systemd.systemctl.restart".to_owned(),
        words: String::new(),
        place: None,
        elsewhere: String::new(),
        sentence: format!("{kind} {target}"),
    }
}

pub(super) fn assessment(effects: Vec<Effect>) -> Assessment {
    Assessment {
        level: effects
            .iter()
            .map(|effect| effect.level)
            .max()
            .unwrap_or(RiskLevel::ReadOnly),
        score: 0,
        effects,
        decoded: Vec::new(),
        undoable: false,
        tables: String::new(),
    }
}

pub(super) fn orders(text: &str) -> Orders {
    let assess = |step: Step| {
        let does = match &step {
            Step::Shell { script } => {
                let target = script.rsplit(' ').next().unwrap_or("");
                effect(EffectKind::Restarts, target, RiskLevel::Medium)
            }
            step => effect(EffectKind::Restarts, &step.summary(), RiskLevel::Medium),
        };
        AssessedExample {
            step,
            assessment: assessment(vec![does]),
        }
    };
    Orders::parse(&format!("schema = 1\n{text}"), &assess).expect("orders")
}

fn asked(orders: &Orders, assessment: &Assessment, autonomy: Autonomy) -> Verdict {
    let host = HostName::new("web1").expect("a host");
    let facts = Facts {
        autonomy: Some(autonomy),
        ..nothing_special(&host)
    };
    asked_on(orders, assessment, &facts)
}

fn asked_on(orders: &Orders, assessment: &Assessment, facts: &Facts<'_>) -> Verdict {
    let settings = PolicySettings::default();
    judge(
        &Rules {
            settings: &settings,
            orders,
        },
        assessment,
        facts,
    )
}

const EXPORTERS: &str = r#"
[[order]]
name = "exporters"
decision = "allow"
when = { effects = ["restarts"], units = ["*_exporter"] }
match = ["systemctl restart node_exporter"]
not_match = ["systemctl restart nginx"]
"#;

fn restart(unit: &str) -> Effect {
    effect(EffectKind::Restarts, unit, RiskLevel::Medium)
}

#[test]
fn an_order_that_allows_lets_run_what_the_table_holds() {
    let orders = orders(EXPORTERS);
    let one = assessment(vec![restart("node_exporter")]);
    let verdict = asked(&orders, &one, Autonomy::AutoSafe);
    assert_eq!(verdict.decision, Decision::Run, "{verdict:?}");
    assert_eq!(verdict.orders, ["exporters"]);
    assert_eq!(
        verdict.otherwise,
        [
            "it would wait for a person at autonomy \"suggest\"",
            "it would wait for a person without `exporters`"
        ]
    );
}

#[test]
fn what_is_allowed_is_each_effect_and_not_the_company_it_keeps() {
    let orders = orders(EXPORTERS);
    let two = assessment(vec![restart("node_exporter"), restart("nginx")]);
    assert_eq!(
        asked(&orders, &two, Autonomy::AutoSafe).decision,
        Decision::Hold
    );
}

#[test]
fn nothing_is_allowed_at_suggest_or_observe_or_at_high_risk() {
    let orders = orders(EXPORTERS);
    let one = assessment(vec![restart("node_exporter")]);
    assert_eq!(
        asked(&orders, &one, Autonomy::Suggest).decision,
        Decision::Hold
    );
    assert_eq!(
        asked(&orders, &one, Autonomy::Observe).decision,
        Decision::Shadow
    );
    let high = assessment(vec![effect(
        EffectKind::Restarts,
        "node_exporter",
        RiskLevel::High,
    )]);
    let verdict = asked(&orders, &high, Autonomy::AutoFull);
    assert_eq!(verdict.decision, Decision::Hold);
    assert_eq!(
        verdict.otherwise,
        ["it would only be recorded at autonomy \"observe\""]
    );
}

#[test]
fn on_a_critical_host_what_is_allowed_counts_one_level_more() {
    let orders = orders(EXPORTERS);
    let one = assessment(vec![restart("node_exporter")]);
    let host = HostName::new("web1").expect("a host");
    let facts = Facts {
        autonomy: Some(Autonomy::AutoFull),
        tier: Tier::Critical,
        ..nothing_special(&host)
    };
    let verdict = asked_on(&orders, &one, &facts);
    assert_eq!(verdict.decision, Decision::Hold);
    assert!(
        verdict
            .otherwise
            .contains(&"it would run by itself on a host that is not critical".to_owned()),
        "{verdict:?}"
    );
}

#[test]
fn deny_is_stricter_than_hold_and_hold_than_allow() {
    let text = format!(
        "{EXPORTERS}
[[order]]
name = \"not at night\"
decision = \"hold\"
reason = \"nobody looks at night\"
when = {{ effects = [\"restarts\"], during = [\"night\"] }}
[[order]]
name = \"never web\"
decision = \"deny\"
when = {{ units = [\"nginx\"] }}
match = [\"systemctl restart nginx\"]
[window.night]
from = \"22:00\"
to = \"06:00\"
"
    );
    let orders = orders(&text);
    let host = HostName::new("web1").expect("a host");
    let at = |minute| Facts {
        autonomy: Some(Autonomy::AutoFull),
        moment: LocalMoment {
            minute,
            ..nothing_special(&host).moment
        },
        ..nothing_special(&host)
    };
    let exporter = assessment(vec![restart("node_exporter")]);
    assert_eq!(
        asked_on(&orders, &exporter, &at(600)).decision,
        Decision::Run
    );
    let night = asked_on(&orders, &exporter, &at(1_380));
    assert_eq!(night.decision, Decision::Hold);
    assert_eq!(
        night.because,
        [
            "the order `not at night` holds it for a person (nobody looks at night): restarts node_exporter"
        ]
    );
    let web = asked_on(&orders, &assessment(vec![restart("nginx")]), &at(1_380));
    assert_eq!(
        (web.decision, web.orders),
        (Decision::Refuse, vec!["never web".to_owned()])
    );
}

#[test]
fn a_neverallow_line_holds_what_everything_else_lets_run() {
    let orders = orders(
        "[[neverallow]]\nname = \"secrets stay\"\nwhen = { effects = [\"reads\"], targets = [\"/srv/*\"] }\n",
    );
    let looks = assessment(vec![effect(
        EffectKind::Reads,
        "/srv/x",
        RiskLevel::ReadOnly,
    )]);
    for autonomy in [Autonomy::Observe, Autonomy::Suggest, Autonomy::AutoFull] {
        assert_eq!(
            asked(&orders, &looks, autonomy).decision,
            Decision::Hold,
            "{autonomy}"
        );
    }
}

#[test]
fn presets_do_what_they_say() {
    let shell = [Step::Shell {
        script: "x".to_owned(),
    }];
    let host = HostName::new("web1").expect("a host");
    let facts = Facts {
        autonomy: Some(Autonomy::AutoFull),
        steps: &shell,
        ..nothing_special(&host)
    };
    let restarts = assessment(vec![restart("nginx")]);
    let looks = assessment(vec![effect(EffectKind::Reads, "", RiskLevel::ReadOnly)]);
    let said = |preset: &str, assessment: &Assessment, autonomy| {
        let orders = orders(&format!("preset = \"{preset}\"\n"));
        let facts = Facts {
            autonomy: Some(autonomy),
            ..facts
        };
        asked_on(&orders, assessment, &facts).decision
    };
    use Autonomy::{AutoFull, AutoSafe};
    assert_eq!(said("normal", &restarts, AutoFull), Decision::Run);
    assert_eq!(said("safe", &restarts, AutoFull), Decision::Hold);
    assert_eq!(said("safe", &looks, AutoFull), Decision::Run);
    assert_eq!(said("paranoid", &looks, AutoFull), Decision::Refuse);
    assert_eq!(said("normal", &restarts, AutoSafe), Decision::Hold);
    assert_eq!(said("trusted", &restarts, AutoSafe), Decision::Run);
}

#[test]
fn a_spent_budget_and_a_wide_spread_wait_for_a_person() {
    let orders = orders("[budget]\nhost_per_hour = 2\n[spread]\nhosts = 3\n");
    let host = HostName::new("web1").expect("a host");
    let low = assessment(vec![effect(EffectKind::Reloads, "nginx", RiskLevel::Low)]);
    let with = |recent| {
        let facts = Facts {
            autonomy: Some(Autonomy::AutoFull),
            recent,
            ..nothing_special(&host)
        };
        asked_on(&orders, &low, &facts)
    };
    assert_eq!(with(Recent::default()).decision, Decision::Run);
    let spent = with(Recent {
        on_host: 2,
        ..Recent::default()
    });
    assert_eq!(
        spent.because,
        [
            "the budget of this host is spent: 2 runs without a person in the last hour, 2 are allowed"
        ]
    );
    assert_eq!(spent.orders, ["budget.host_per_hour"]);
    let wide = with(Recent {
        same_on_hosts: 3,
        ..Recent::default()
    });
    assert_eq!(wide.decision, Decision::Hold);
    let share = |same_in_group, group_size| {
        with(Recent {
            same_in_group,
            group_size,
            ..Recent::default()
        })
        .decision
    };
    assert_eq!(share(0, 6), Decision::Run, "the canary");
    assert_eq!(share(1, 6), Decision::Hold);
    assert_eq!(share(1, 20), Decision::Run);
    assert_eq!(share(1, 3), Decision::Run, "too small to be counted");
}

#[test]
fn where_something_harmless_was_not_nothing_runs_by_itself() {
    let host = HostName::new("web1").expect("a host");
    let facts = Facts {
        autonomy: Some(Autonomy::AutoFull),
        recent: Recent {
            wall_was_breached: true,
            ..Recent::default()
        },
        ..nothing_special(&host)
    };
    let looks = assessment(vec![]);
    let verdict = asked_on(&Orders::default(), &looks, &facts);
    assert_eq!(verdict.decision, Decision::Hold);
    assert!(verdict.because[0].contains("tried to write on web1"));
}

#[test]
fn freezes_stop_everything_and_maintenance_what_changes() {
    let orders = orders(
        r#"
[[freeze]]
name = "year end"
dates = { from = "2026-12-23", to = "2027-01-02" }
[[maintenance]]
name = "storage"
groups = ["db"]
"#,
    );
    let host = HostName::new("db1").expect("a host");
    let groups = [GroupName::new("db").expect("a group")];
    let base = Facts {
        autonomy: Some(Autonomy::AutoFull),
        ..nothing_special(&host)
    };
    let frozen = Facts {
        moment: LocalMoment {
            date: "2026-12-24".parse().expect("a day"),
            weekday: Weekday::Thu,
            minute: 0,
        },
        ..base
    };
    let looks = assessment(vec![]);
    let low = assessment(vec![effect(EffectKind::Reloads, "nginx", RiskLevel::Low)]);
    assert_eq!(asked_on(&orders, &low, &base).decision, Decision::Run);
    assert_eq!(asked_on(&orders, &looks, &frozen).decision, Decision::Hold);
    assert_eq!(
        orders.freeze(&frozen).map(|pause| pause.name.as_str()),
        Some("year end")
    );
    let in_group = Facts {
        groups: &groups,
        ..base
    };
    assert_eq!(asked_on(&orders, &low, &in_group).decision, Decision::Hold);
    assert_eq!(asked_on(&orders, &looks, &in_group).decision, Decision::Run);
}

#[test]
fn proposers_are_told_apart() {
    let orders = orders(
        "[[order]]\nname = \"no models\"\ndecision = \"hold\"\nwhen = { proposers = [\"model\"] }\n",
    );
    let host = HostName::new("db1").expect("a host");
    let low = assessment(vec![effect(EffectKind::Reloads, "nginx", RiskLevel::Low)]);
    let model = Proposer::Model {
        name: "qwen".to_owned(),
    };
    let base = Facts {
        autonomy: Some(Autonomy::AutoFull),
        ..nothing_special(&host)
    };
    assert_eq!(asked_on(&orders, &low, &base).decision, Decision::Run);
    let by_model = Facts {
        proposer: &model,
        ..base
    };
    assert_eq!(asked_on(&orders, &low, &by_model).decision, Decision::Hold);
}

const AUTONOMIES: [Autonomy; 4] = [
    Autonomy::Observe,
    Autonomy::Suggest,
    Autonomy::AutoSafe,
    Autonomy::AutoFull,
];
const LEVELS: [RiskLevel; 5] = [
    RiskLevel::ReadOnly,
    RiskLevel::Low,
    RiskLevel::Medium,
    RiskLevel::High,
    RiskLevel::Forbidden,
];
const KINDS: [EffectKind; 4] = [
    EffectKind::Reads,
    EffectKind::Restarts,
    EffectKind::Secrets,
    EffectKind::Deletes,
];

fn any_condition() -> impl Strategy<Value = crate::Condition> {
    (
        proptest::collection::vec(0..KINDS.len(), 0..3),
        proptest::option::of(0..LEVELS.len()),
        proptest::option::of(0..LEVELS.len()),
        proptest::bool::ANY,
    )
        .prop_map(|(kinds, from, to, units)| crate::Condition {
            effects: kinds.into_iter().map(|at| KINDS[at]).collect(),
            level_from: from.map(|at| LEVELS[at]),
            level_to: to.map(|at| LEVELS[at]),
            units: if units {
                vec!["node*".parse().expect("a pattern")]
            } else {
                Vec::new()
            },
            ..crate::Condition::default()
        })
}

fn any_orders() -> impl Strategy<Value = Orders> {
    let order = (any_condition(), 0..3_usize).prop_map(|(when, decision)| crate::Order {
        name: "one".to_owned(),
        decision: [
            crate::OrderDecision::Allow,
            crate::OrderDecision::Hold,
            crate::OrderDecision::Deny,
        ][decision],
        reason: String::new(),
        when,
        matches: Vec::new(),
        not_match: Vec::new(),
    });
    let never = any_condition().prop_map(|when| crate::Never {
        name: "never".to_owned(),
        when,
        matches: Vec::new(),
        not_match: Vec::new(),
    });
    let presets = [
        crate::Preset::Normal,
        crate::Preset::Safe,
        crate::Preset::Paranoid,
        crate::Preset::Trusted,
    ];
    (
        proptest::collection::vec(order, 0..4),
        proptest::collection::vec(never, 0..3),
        0..presets.len(),
    )
        .prop_map(move |(orders, never, preset)| Orders {
            orders,
            never,
            preset: presets[preset],
            ..Orders::default()
        })
}

fn any_assessment() -> impl Strategy<Value = Assessment> {
    let one = (0..KINDS.len(), 0..LEVELS.len(), proptest::bool::ANY).prop_map(
        |(kind, level, exporter)| {
            let target = if exporter { "node_exporter" } else { "nginx" };
            effect(KINDS[kind], target, LEVELS[level])
        },
    );
    proptest::collection::vec(one, 0..4).prop_map(assessment)
}

proptest! {
    #[test]
    fn verdicts_are_stricter_or_equal_as_autonomy_falls(orders in any_orders(), one in any_assessment()) {
        let decisions: Vec<Decision> = AUTONOMIES
            .iter()
            .map(|level| asked(&orders, &one, *level).decision)
            .collect();
        prop_assert!(decisions.is_sorted_by(|less, more| less >= more), "{decisions:?}");
    }

    #[test]
    fn no_order_lowers_a_neverallow_line(orders in any_orders(), one in any_assessment()) {
        let hit = orders.never.iter().any(|never| {
            one.effects.iter().any(|effect| never.when.holds_for_effect(effect))
                || !never.when.asks_of_effects()
        });
        for level in AUTONOMIES {
            let decision = asked(&orders, &one, level).decision;
            prop_assert!(!hit || decision >= Decision::Hold, "{level}: {decision}");
        }
    }

    #[test]
    fn high_never_runs_and_forbidden_is_always_refused(orders in any_orders(), one in any_assessment()) {
        for level in AUTONOMIES {
            let verdict = asked(&orders, &one, level);
            prop_assert!(one.level < RiskLevel::High || verdict.decision != Decision::Run);
            prop_assert_eq!(
                one.level == RiskLevel::Forbidden && verdict.decision != Decision::Refuse,
                false
            );
            prop_assert!(!verdict.because.is_empty());
        }
    }

    #[test]
    fn one_more_effect_never_makes_a_verdict_milder(
        orders in any_orders(),
        one in any_assessment(),
        more in any_assessment(),
    ) {
        let mut both = one.effects.clone();
        both.extend(more.effects);
        let both = assessment(both);
        for level in AUTONOMIES {
            prop_assert!(asked(&orders, &both, level).decision >= asked(&orders, &one, level).decision);
        }
    }
}
