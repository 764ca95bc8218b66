use watchkeeper_model::{
    Certainty, Effect, EffectKind, HostName, Privilege, Proposer, Step, TargetClass, Tier, UnitName,
};

use super::*;

const LEVELS: [RiskLevel; 5] = [
    RiskLevel::ReadOnly,
    RiskLevel::Low,
    RiskLevel::Medium,
    RiskLevel::High,
    RiskLevel::Forbidden,
];
const AUTONOMIES: [Autonomy; 4] = [
    Autonomy::Observe,
    Autonomy::Suggest,
    Autonomy::AutoSafe,
    Autonomy::AutoFull,
];

fn assessed(level: RiskLevel) -> Assessment {
    Assessment {
        score: 0,
        decoded: Vec::new(),
        tables: String::new(),
        level,
        effects: vec![],
        undoable: false,
    }
}

fn nginx() -> [Step; 1] {
    [Step::UnitRestart {
        unit: UnitName::new("nginx.service").expect("a unit"),
    }]
}

fn verdict(
    settings: &PolicySettings,
    level: RiskLevel,
    tier: Tier,
    autonomy: Option<Autonomy>,
) -> Verdict {
    let host = HostName::new("db1").expect("a host");
    let steps = nginx();
    let facts = Facts {
        tier,
        autonomy,
        steps: &steps,
        ..nothing_special(&host)
    };
    judged(settings, &assessed(level), &facts)
}

fn judged(settings: &PolicySettings, assessment: &Assessment, facts: &Facts<'_>) -> Verdict {
    let orders = Orders::default();
    let rules = Rules {
        settings,
        orders: &orders,
    };
    judge(&rules, assessment, facts)
}

static ANNA: Proposer = Proposer::Person {
    name: String::new(),
};

pub(super) fn nothing_special(host: &HostName) -> Facts<'_> {
    Facts {
        host,
        groups: &[],
        tier: Tier::Normal,
        autonomy: None,
        steps: &[],
        undo: &[],
        privilege: Privilege::Root,
        proposer: &ANNA,
        worded_by_model: false,
        moment: crate::LocalMoment {
            date: "2026-11-21".parse().expect("a day"),
            weekday: crate::Weekday::Sat,
            minute: 600,
        },
        recent: Recent::default(),
    }
}

#[test]
fn the_table_is_the_one_in_the_design() {
    use Decision::{Hold, Refuse, Run, Shadow};
    let table = [
        [Run, Run, Run, Run],
        [Shadow, Hold, Run, Run],
        [Shadow, Hold, Hold, Run],
        [Shadow, Hold, Hold, Hold],
        [Refuse, Refuse, Refuse, Refuse],
    ];
    let settings = PolicySettings::default();
    for (row, level) in LEVELS.into_iter().enumerate() {
        for (column, autonomy) in AUTONOMIES.into_iter().enumerate() {
            let normal = verdict(&settings, level, Tier::Normal, Some(autonomy));
            assert_eq!(normal.decision, table[row][column], "{level} at {autonomy}");
            let raised = LEVELS
                .iter()
                .position(|it| *it == level.raised())
                .expect("a level");
            let critical = verdict(&settings, level, Tier::Critical, Some(autonomy));
            assert_eq!(
                critical.decision, table[raised][column],
                "{level} at {autonomy}, critical"
            );
            assert!(!normal.because.is_empty() && !critical.because.is_empty());
        }
    }
}

#[test]
fn a_critical_host_never_makes_anything_milder_or_forbidden() {
    let settings = PolicySettings::default();
    for level in LEVELS {
        for autonomy in AUTONOMIES {
            let normal = verdict(&settings, level, Tier::Normal, Some(autonomy)).decision;
            let critical = verdict(&settings, level, Tier::Critical, Some(autonomy)).decision;
            assert!(critical >= normal, "{level} at {autonomy}");
            assert_eq!(critical == Decision::Refuse, level == RiskLevel::Forbidden);
        }
    }
}

#[test]
fn a_verdict_reads_as_plain_lines() {
    let settings = PolicySettings::default();
    assert_eq!(
        verdict(&settings, RiskLevel::Medium, Tier::Critical, None).because,
        [
            "host db1 is critical: medium counts as high",
            "autonomy is \"suggest\": high risk waits for a person",
        ]
    );
    assert_eq!(
        verdict(
            &settings,
            RiskLevel::Low,
            Tier::Normal,
            Some(Autonomy::AutoSafe)
        )
        .because,
        ["autonomy of db1 is \"auto-safe\": low risk runs by itself"]
    );
    assert_eq!(
        verdict(
            &settings,
            RiskLevel::ReadOnly,
            Tier::Normal,
            Some(Autonomy::Observe)
        )
        .because,
        ["it only looks, and that always runs"]
    );
}

#[test]
fn a_protected_unit_waits_for_a_person_at_every_auto_level() {
    let settings = PolicySettings {
        protected_units: vec!["nginx".parse().expect("a pattern")],
        ..PolicySettings::default()
    };
    for autonomy in [Autonomy::AutoSafe, Autonomy::AutoFull] {
        for level in [RiskLevel::ReadOnly, RiskLevel::Low, RiskLevel::Medium] {
            let verdict = verdict(&settings, level, Tier::Normal, Some(autonomy));
            assert_eq!(verdict.decision, Decision::Hold, "{level} at {autonomy}");
            assert!(
                verdict
                    .because
                    .contains(&"nginx.service is protected: it waits for a person".to_owned()),
                "{verdict:?}"
            );
        }
    }
    let observed = verdict(
        &settings,
        RiskLevel::Low,
        Tier::Normal,
        Some(Autonomy::Observe),
    );
    assert_eq!(observed.decision, Decision::Shadow);
    let forbidden = verdict(
        &settings,
        RiskLevel::Forbidden,
        Tier::Normal,
        Some(Autonomy::AutoFull),
    );
    assert_eq!(forbidden.decision, Decision::Refuse);
}

#[test]
fn a_unit_that_only_the_undo_touches_is_protected_too() {
    let settings = PolicySettings {
        protected_units: vec!["nginx.service".parse().expect("a pattern")],
        ..PolicySettings::default()
    };
    let host = HostName::local();
    let undo = nginx();
    let facts = Facts {
        autonomy: Some(Autonomy::AutoFull),
        undo: &undo,
        ..nothing_special(&host)
    };
    assert_eq!(
        judged(&settings, &assessed(RiskLevel::Low), &facts).decision,
        Decision::Hold
    );
}

#[test]
fn a_refusal_names_what_is_forbidden() {
    let effect = Effect {
        class: TargetClass::Plain,
        place: None,
        elsewhere: String::new(),
        kind: EffectKind::Stops,
        target: "ssh.service".to_owned(),
        certainty: Certainty::Certain,
        level: RiskLevel::Forbidden,
        rule: "step.unit_stop".to_owned(),
        words: "stop ssh.service".to_owned(),
        sentence: "stops ssh.service, which is the way into the host".to_owned(),
    };
    let assessment = Assessment {
        score: 0,
        decoded: Vec::new(),
        tables: String::new(),
        level: RiskLevel::Forbidden,
        effects: vec![effect],
        undoable: false,
    };
    let host = HostName::local();
    let facts = nothing_special(&host);
    assert_eq!(
        judged(&PolicySettings::default(), &assessment, &facts),
        Verdict {
            decision: Decision::Refuse,
            because: vec![
                "forbidden (step.unit_stop): stops ssh.service, which is the way into the host"
                    .to_owned()
            ],
            orders: Vec::new(),
            otherwise: vec!["nothing: forbidden is forbidden for everybody".to_owned()],
        }
    );
}
