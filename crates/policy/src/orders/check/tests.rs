use watchkeeper_model::{Certainty, EffectKind, TargetClass};

use super::*;

/// A stand-in for planning and assessing: blanks around a line are not part of its canonical text, its first word says
/// what it does, its last to what.
fn assess(step: Step) -> AssessedExample {
    let step = match step {
        Step::Shell { script } => Step::Shell {
            script: script.trim().to_owned(),
        },
        step => step,
    };
    let effects: Vec<Effect> = [&step]
        .into_iter()
        .map(|step| {
            let (kind, target, level) = match step {
                Step::Shell { script } if script.starts_with("cat /etc/shadow") => {
                    (EffectKind::Secrets, "/etc/shadow", RiskLevel::High)
                }
                Step::Shell { script } if script.starts_with("rm") => {
                    (EffectKind::Deletes, "/srv", RiskLevel::Medium)
                }
                Step::Shell { script } => (
                    EffectKind::Restarts,
                    script.rsplit(' ').next().unwrap_or(""),
                    RiskLevel::Medium,
                ),
                step => (
                    EffectKind::Restarts,
                    step.unit().map_or("", |unit| unit.as_str()),
                    RiskLevel::Medium,
                ),
            };
            Effect {
                kind,
                target: target.to_owned(),
                class: TargetClass::Data,
                certainty: Certainty::Certain,
                level,
                rule: "x.y".to_owned(),
                words: String::new(),
                place: None,
                elsewhere: String::new(),
                sentence: String::new(),
            }
        })
        .collect();
    let assessment = Assessment {
        level: RiskLevel::Medium,
        score: 0,
        effects,
        decoded: Vec::new(),
        undoable: false,
        tables: String::new(),
    };
    AssessedExample { step, assessment }
}

fn problems(text: &str) -> Vec<String> {
    match Orders::parse(text, &assess) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems.iter().map(ToString::to_string).collect(),
    }
}

fn order(decision: &str, when: &str, more: &str) -> String {
    format!(
        "schema = 1\n[[order]]\nname = \"one\"\ndecision = \"{decision}\"\nwhen = {{ {when} }}\n{more}\n"
    )
}

#[test]
fn a_whole_file_is_read() {
    let text = r#"
schema = 1
preset = "safe"
timezone = "Europe/Berlin"
expects = 1
own_requests = "allow"

[window.night]
days = ["mon", "tue"]
from = "22:00"
to = "06:00"

[[neverallow]]
name = "secrets"
when = { effects = ["secrets"] }
match = ["cat /etc/shadow"]
not_match = ["systemctl restart x"]

[[order]]
name = "exporters"
decision = "allow"
when = { effects = ["restarts"], units = ["*_exporter"], during = ["night"], level_to = "medium" }
match = ["systemctl restart node_exporter", { kind = "unit_restart", unit = "node_exporter.service" }]
not_match = ["rm x", "systemctl restart nginx"]

[budget]
host_per_hour = 2
[spread]
within = "30m"
[[freeze]]
name = "year end"
dates = { from = "2026-12-23", to = "2027-01-02" }
[[maintenance]]
name = "db"
groups = ["db"]
[[approval]]
name = "two for deletes"
when = { effects = ["deletes"] }
approvers = 2
people = ["anna", "bob*"]
"#;
    let orders = Orders::parse(text, &assess).expect("orders");
    assert_eq!(orders.preset.as_str(), "safe");
    assert_eq!(orders.budget.host_per_hour, 2);
    assert_eq!(orders.spread.within.to_string(), "30m");
    assert_eq!(orders.approvals[0].approvers, 2);
    assert_eq!(orders.digest, Digest::of_bytes(text.as_bytes()));
}

#[test]
fn what_is_empty_half_written_or_of_another_form_is_refused() {
    assert_eq!(
        problems(" \n"),
        ["the file is empty: a file of orders begins with `schema = 1`"]
    );
    assert_eq!(
        problems("schema = 2"),
        ["`schema = 2`: this version understands 1"]
    );
    for text in [
        "schema = 1\n[[order]]\nname = \"x",
        "schema = 1\n[[order]]\nname = \"x\"\n",
        "preset = \"normal\"",
        "schema = 1\nunknown = 1",
        "schema = 1\n[[order]]\nname=\"x\"\ndecision=\"permit\"\nwhen={hosts=[\"a\"]}",
        "schema = 1\n[[order]]\nname=\"x\"\ndecision=\"deny\"\nwhen={host=[\"a\"]}",
        "{\"schema\": 1}",
        "\u{0}",
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
        assert!(!found[0].is_empty());
    }
    let large = format!("schema = 1\n#{}", "x".repeat(Orders::MAX_BYTES));
    assert!(problems(&large)[0].contains("bytes; 102400 are allowed"));
}

#[test]
fn a_file_that_was_cut_between_two_orders_is_found_by_its_count() {
    assert_eq!(
        problems(
            "schema = 1\nexpects = 2\n[[order]]\nname = \"a\"\ndecision = \"deny\"\nwhen = { hosts = [\"db*\"] }\n"
        ),
        ["`expects = 2`, but 1 orders follow: the file was cut off, or the count is old"]
    );
}

#[test]
fn an_order_may_not_allow_what_is_forbidden_high_or_never_allowed() {
    let examples = "match = [\"systemctl restart x\"]\nnot_match = [\"rm x\"]";
    for level in ["high", "forbidden"] {
        let found = problems(&order(
            "allow",
            &format!("effects = [\"restarts\"], level_to = \"{level}\""),
            examples,
        ));
        assert_eq!(
            found,
            [format!(
                "`one` would allow risk {level}, and no order may: high waits for a person at every level, and forbidden is forbidden"
            )]
        );
    }
    let never = "[[neverallow]]\nname = \"no deletes\"\nwhen = { effects = [\"deletes\"] }\n";
    let found = problems(&format!(
        "{}{never}",
        order(
            "allow",
            "effects = [\"deletes\"]",
            "match = [\"rm x\"]\nnot_match = [\"systemctl restart x\"]"
        )
    ));
    assert_eq!(
        found,
        [
            "`one` would allow the effect deletes, and no order may: the neverallow line `no deletes` is for it",
            "`one` would allow `rm x`, and no order may: the neverallow line `no deletes` is for it",
        ]
    );
}

#[test]
fn examples_must_be_as_they_say() {
    let found = problems(&order(
        "deny",
        "units = [\"nginx\"]",
        "match = [\"systemctl restart apache2\"]\nnot_match = [\"systemctl restart nginx\"]",
    ));
    assert_eq!(
        found,
        [
            "`one` must match `systemctl restart apache2`, and it does not",
            "`one` must not match `systemctl restart nginx`, and it does",
        ]
    );
}

#[test]
fn an_order_that_allows_needs_both_kinds_of_examples() {
    assert_eq!(
        problems(&order("allow", "units = [\"x\"]", "")),
        [
            "`one` has no example match: add `match = [\"…\"]`",
            "`one` has no example not_match: add `not_match = [\"…\"]`",
        ]
    );
    assert!(problems(&order("deny", "units = [\"x\"]", "")).is_empty());
}

#[test]
fn contradictions_are_told() {
    let two = |first: &str, second: &str| {
        format!(
            "schema = 1\n[[order]]\nname = \"a\"\ndecision = \"{first}\"\nwhen = {{ hosts = [\"db*\"] }}\n\
             [[order]]\nname = \"b\"\ndecision = \"{second}\"\nwhen = {{ hosts = [\"db*\"] }}\n"
        )
    };
    assert_eq!(
        problems(&two("hold", "deny")),
        ["`a` can never take effect: `b` has the same condition and is stricter"]
    );
    assert!(problems(&two("hold", "hold")).is_empty());
}

#[test]
fn names_windows_steps_and_counts_are_checked() {
    let found = problems(
        r#"
schema = 1
[[order]]
name = "a"
decision = "hold"
when = { during = ["noon"] }
[[order]]
name = "a"
decision = "hold"
when = { steps = ["reboot"] }
[[order]]
name = ""
decision = "hold"
when = {}
[spread]
percent_of_group = 0
[[approval]]
name = "x"
approvers = 9
[[freeze]]
name = "back"
dates = { from = "2027-01-01", to = "2026-01-01" }
"#,
    );
    for expected in [
        "spread.percent_of_group is 0, and must lie between 1 and 100",
        "approvers of `x` is 9, and must lie between 1 and 5",
        "order `a`: there are two of this name",
        "order ``: it needs a name",
        "`a` names the window `noon`, and there is no [window.noon]",
        "`back` ends on 2026-01-01, before it begins on 2027-01-01",
        "`` asks nothing, so it would be for everything: say `when = { … }`",
    ] {
        assert!(
            found.iter().any(|line| line == expected),
            "{expected}: {found:#?}"
        );
    }
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("`a` names the step `reboot`; there are unit_restart"))
    );
}
