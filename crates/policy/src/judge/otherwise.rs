//! What would have changed a verdict: the same question asked again with one thing different.

use watchkeeper_model::{Assessment, Autonomy, Decision, RiskLevel, Tier};

use super::voices::{all, autonomy_of, counted};
use super::{Facts, Recent, Rules, strictest};

/// Most lines.
const MAX_LINES: usize = 6;

/// What would have led to another decision, as plain lines. Nothing would have, where something is forbidden.
pub(super) fn lines(
    rules: &Rules<'_>,
    assessment: &Assessment,
    facts: &Facts<'_>,
    decision: Decision,
) -> Vec<String> {
    if assessment.level == RiskLevel::Forbidden {
        return vec!["nothing: forbidden is forbidden for everybody".to_owned()];
    }
    let asked = |facts: &Facts<'_>, without: Option<&str>| {
        strictest(&all(rules, assessment, facts, without))
    };
    let mut lines = Vec::new();
    lines.extend(by_autonomy(rules, facts, decision, &asked));
    if facts.tier == Tier::Critical {
        let normal = Facts {
            tier: Tier::Normal,
            ..*facts
        };
        note(
            &mut lines,
            decision,
            asked(&normal, None),
            "on a host that is not critical",
        );
    }
    for voice in all(rules, assessment, facts, None) {
        if let Some(name) = &voice.order {
            note(
                &mut lines,
                decision,
                asked(facts, Some(name)),
                &format!("without `{name}`"),
            );
        }
    }
    if facts.worded_by_model {
        let ours = Facts {
            worded_by_model: false,
            ..*facts
        };
        let when = "as steps of the catalogue, or with an order that allows each of its effects";
        note(&mut lines, decision, asked(&ours, None), when);
    }
    let rested = Facts {
        recent: Recent::default(),
        ..*facts
    };
    if facts.recent != Recent::default() {
        note(
            &mut lines,
            decision,
            asked(&rested, None),
            "if nothing had been done lately",
        );
    }
    let allowable = decision == Decision::Hold
        && lines.is_empty()
        && autonomy_of(rules, facts) >= Autonomy::AutoSafe
        && counted(assessment.level, facts.tier) <= RiskLevel::Medium;
    if allowable {
        lines.push("it would run with an order that allows each of its effects".to_owned());
    }
    if decision == Decision::Hold && lines.is_empty() {
        lines.push("nothing but a person: risk this high never runs by itself".to_owned());
    }
    lines.truncate(MAX_LINES);
    lines
}

fn by_autonomy(
    rules: &Rules<'_>,
    facts: &Facts<'_>,
    decision: Decision,
    asked: &dyn Fn(&Facts<'_>, Option<&str>) -> Decision,
) -> Vec<String> {
    let now = autonomy_of(rules, facts);
    let levels = [
        Autonomy::Observe,
        Autonomy::Suggest,
        Autonomy::AutoSafe,
        Autonomy::AutoFull,
    ];
    let at = |level: Autonomy| {
        let facts = Facts {
            autonomy: Some(level),
            ..*facts
        };
        asked(&facts, None)
    };
    let above = levels
        .into_iter()
        .filter(|level| *level > now)
        .find(|level| at(*level) != decision);
    let below = levels
        .into_iter()
        .rev()
        .filter(|level| *level < now)
        .find(|level| at(*level) != decision);
    let mut lines = Vec::new();
    for level in [above, below].into_iter().flatten() {
        note(
            &mut lines,
            decision,
            at(level),
            &format!("at autonomy \"{level}\""),
        );
    }
    lines
}

/// Adds a line where the decision would be another.
fn note(lines: &mut Vec<String>, now: Decision, then: Decision, when: &str) {
    let line = match then {
        Decision::Run => format!("it would run by itself {when}"),
        Decision::Hold => format!("it would wait for a person {when}"),
        Decision::Shadow => format!("it would only be recorded {when}"),
        Decision::Refuse => format!("it would be refused {when}"),
    };
    if then != now && !lines.contains(&line) {
        lines.push(line);
    }
}
