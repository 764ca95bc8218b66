//! The verdict: the table of autonomy and risk, made stricter by the host's tier and by protected units. Every
//! rule gives its own decision; the strictest wins, and the verdict names the rules that asked for it.

use watchkeeper_model::{
    Assessment, Autonomy, Decision, HostName, RiskLevel, Step, Tier, UnitName, Verdict,
};

use crate::PolicySettings;

/// What the verdict is about, beside the risk.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Where the action would run.
    pub host: &'a HostName,
    /// How much depends on that host.
    pub tier: Tier,
    /// The host's own autonomy; the settings' where it has none.
    pub autonomy: Option<Autonomy>,
    /// The steps of the action.
    pub steps: &'a [Step],
    /// What would undo them.
    pub undo: &'a [Step],
}

/// What the standing orders say about an action.
#[must_use]
pub fn judge(settings: &PolicySettings, assessment: &Assessment, facts: &Facts<'_>) -> Verdict {
    let table = by_table(settings, assessment, facts);
    let protected = by_protection(settings, facts);
    let decision = protected
        .as_ref()
        .map_or(table.decision, |rule| table.decision.max(rule.decision));
    let because = [Some(table), protected]
        .into_iter()
        .flatten()
        .filter(|rule| rule.decision == decision)
        .flat_map(|rule| rule.because)
        .collect();
    Verdict { decision, because }
}

/// The table: what happens with this risk at this autonomy.
const fn table(autonomy: Autonomy, level: RiskLevel) -> Decision {
    match (level, autonomy) {
        (RiskLevel::Forbidden, _) => Decision::Refuse,
        (RiskLevel::ReadOnly, _)
        | (RiskLevel::Low, Autonomy::AutoSafe | Autonomy::AutoFull)
        | (RiskLevel::Medium, Autonomy::AutoFull) => Decision::Run,
        (RiskLevel::Low | RiskLevel::Medium | RiskLevel::High, Autonomy::Observe) => {
            Decision::Shadow
        }
        (RiskLevel::Low, Autonomy::Suggest)
        | (RiskLevel::Medium, Autonomy::Suggest | Autonomy::AutoSafe)
        | (RiskLevel::High, Autonomy::Suggest | Autonomy::AutoSafe | Autonomy::AutoFull) => {
            Decision::Hold
        }
    }
}

fn by_table(settings: &PolicySettings, assessment: &Assessment, facts: &Facts<'_>) -> Verdict {
    let level = match facts.tier {
        Tier::Normal => assessment.level,
        Tier::Critical => assessment.level.raised(),
    };
    let autonomy = facts.autonomy.unwrap_or(settings.autonomy);
    let decision = table(autonomy, level);
    if decision == Decision::Refuse {
        return refusal(assessment);
    }
    let mut because = Vec::new();
    if level != assessment.level {
        because.push(format!(
            "host {} is critical: {} counts as {level}",
            facts.host, assessment.level
        ));
    }
    let whose = match facts.autonomy {
        Some(_) => format!("autonomy of {}", facts.host),
        None => "autonomy".to_owned(),
    };
    let rule = match (decision, level) {
        (Decision::Run, RiskLevel::ReadOnly) => "it only looks, and that always runs".to_owned(),
        (Decision::Run, _) => format!("{whose} is \"{autonomy}\": {level} risk runs by itself"),
        (Decision::Hold, _) => {
            format!("{whose} is \"{autonomy}\": {level} risk waits for a person")
        }
        (Decision::Shadow | Decision::Refuse, _) => {
            format!("{whose} is \"{autonomy}\": {level} risk is recorded and never run")
        }
    };
    because.push(rule);
    Verdict { decision, because }
}

/// Forbidden is forbidden, and says by what.
fn refusal(assessment: &Assessment) -> Verdict {
    let mut because: Vec<String> = assessment
        .effects
        .iter()
        .filter(|effect| effect.level == RiskLevel::Forbidden)
        .map(|effect| format!("forbidden ({}): {}", effect.rule, effect.sentence))
        .collect();
    if because.is_empty() {
        because.push("forbidden: its risk is assessed as forbidden".to_owned());
    }
    Verdict {
        decision: Decision::Refuse,
        because,
    }
}

/// Protected units wait for a person at every level that would otherwise act.
fn by_protection(settings: &PolicySettings, facts: &Facts<'_>) -> Option<Verdict> {
    let mut units: Vec<&UnitName> = facts
        .steps
        .iter()
        .chain(facts.undo)
        .filter_map(Step::unit)
        .filter(|unit| settings.protects(unit))
        .collect();
    units.sort_unstable();
    units.dedup();
    let because: Vec<String> = units
        .iter()
        .map(|unit| format!("{unit} is protected: it waits for a person"))
        .collect();
    (!because.is_empty()).then_some(Verdict {
        decision: Decision::Hold,
        because,
    })
}

#[cfg(test)]
mod tests;
