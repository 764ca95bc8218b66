//! The rules that speak about an action, each for itself.

use watchkeeper_model::{
    Assessment, Autonomy, Decision, Effect, EffectKind, Privilege, RiskLevel, Step, TargetClass,
    Tier, UnitName,
};

use super::{Facts, Rules, table, wording};
use crate::orders::{Order, OrderDecision, Preset, Steps};

/// Hosts of a group below which a share of it says nothing.
const LEAST_GROUP: u32 = 5;

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Voice {
    /// What it asks for.
    pub(super) decision: Decision,
    /// Why, as plain lines.
    pub(super) because: Vec<String>,
    /// The standing order that it is, if it is one.
    pub(super) order: Option<String>,
}

impl Voice {
    pub(super) fn new(decision: Decision, because: String) -> Self {
        Self {
            decision,
            because: vec![because],
            order: None,
        }
    }

    fn order(decision: Decision, name: &str, because: String) -> Self {
        Self {
            order: Some(name.to_owned()),
            ..Self::new(decision, because)
        }
    }
}

/// Everything that speaks about an action. An order named in `without` is left out: that is how it is told what
/// would be without it.
pub(super) fn all(
    rules: &Rules<'_>,
    assessment: &Assessment,
    facts: &Facts<'_>,
    without: Option<&str>,
) -> Vec<Voice> {
    let mut voices = vec![by_table(rules, assessment, facts, without)];
    voices.extend(by_orders(rules, assessment, facts, without));
    voices.extend(by_never(rules, assessment, facts, without));
    voices.extend(by_protection(rules, assessment, facts));
    voices.extend(by_preset(rules, assessment, facts));
    voices.extend(wording::voice(rules, assessment, facts, without));
    voices.extend(by_breach(facts));
    voices.extend(by_pauses(rules, assessment, facts, without));
    if assessment.level > RiskLevel::ReadOnly {
        voices.extend(by_budget(rules, facts));
        voices.extend(by_spread(rules, facts));
    }
    voices
}

/// The level that counts on this host.
pub(super) const fn counted(level: RiskLevel, tier: Tier) -> RiskLevel {
    match tier {
        Tier::Normal => level,
        Tier::Critical => level.raised(),
    }
}

pub(super) fn autonomy_of(rules: &Rules<'_>, facts: &Facts<'_>) -> Autonomy {
    facts.autonomy.unwrap_or(rules.settings.autonomy)
}

fn by_table(
    rules: &Rules<'_>,
    assessment: &Assessment,
    facts: &Facts<'_>,
    without: Option<&str>,
) -> Voice {
    let level = counted(assessment.level, facts.tier);
    let autonomy = autonomy_of(rules, facts);
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
    if decision == Decision::Hold
        && let Some(allowing) = allowed(rules, assessment, facts, without)
    {
        because.push(allowing.because);
        return Voice {
            decision: Decision::Run,
            because,
            order: Some(allowing.name),
        };
    }
    let whose = match facts.autonomy {
        Some(_) => format!("autonomy of {}", facts.host),
        None => "autonomy".to_owned(),
    };
    because.push(match (decision, level) {
        (Decision::Run, RiskLevel::ReadOnly) => "it only looks, and that always runs".to_owned(),
        (Decision::Run, _) => format!("{whose} is \"{autonomy}\": {level} risk runs by itself"),
        (Decision::Hold, _) => {
            format!("{whose} is \"{autonomy}\": {level} risk waits for a person")
        }
        (Decision::Shadow | Decision::Refuse, _) => {
            format!("{whose} is \"{autonomy}\": {level} risk is recorded and never run")
        }
    });
    Voice {
        decision,
        because,
        order: None,
    }
}

/// Forbidden is forbidden, and says by what.
fn refusal(assessment: &Assessment) -> Voice {
    let mut because: Vec<String> = assessment
        .effects
        .iter()
        .filter(|effect| effect.level == RiskLevel::Forbidden)
        .map(|effect| format!("forbidden ({}): {}", effect.rule, effect.sentence))
        .collect();
    if because.is_empty() {
        because.push("forbidden: its risk is assessed as forbidden".to_owned());
    }
    Voice {
        decision: Decision::Refuse,
        because,
        order: None,
    }
}

/// What lets an action run that the table holds.
struct Allowing {
    name: String,
    because: String,
}

/// Whether orders allow every single effect that the table holds. Nothing is allowed at observe or suggest, nothing
/// of high risk, nothing that a `neverallow` line is for, and nothing whose level does not come from its effects.
fn allowed(
    rules: &Rules<'_>,
    assessment: &Assessment,
    facts: &Facts<'_>,
    without: Option<&str>,
) -> Option<Allowing> {
    let autonomy = autonomy_of(rules, facts);
    let explained = assessment.effects.iter().map(|effect| effect.level).max();
    if autonomy < Autonomy::AutoSafe
        || counted(assessment.level, facts.tier) > RiskLevel::Medium
        || explained != Some(assessment.level)
    {
        return None;
    }
    let held = assessment
        .effects
        .iter()
        .filter(|effect| table(autonomy, counted(effect.level, facts.tier)) != Decision::Run);
    let mut names: Vec<String> = Vec::new();
    for effect in held {
        let name = allowing_order(rules, facts, effect, without)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let named = names.join(", ");
    (!names.is_empty()).then(|| Allowing {
        because: format!("allowed by the standing orders ({named})"),
        name: named,
    })
}

pub(super) fn allowing_order(
    rules: &Rules<'_>,
    facts: &Facts<'_>,
    effect: &Effect,
    without: Option<&str>,
) -> Option<String> {
    let steps: Vec<&Step> = facts.steps.iter().chain(facts.undo).collect();
    let allows = |order: &&Order| {
        order.decision == OrderDecision::Allow
            && Some(order.name.as_str()) != without
            && order.when.holds_for(rules.orders, facts)
            && order.when.holds_for_steps(&steps, Steps::Every)
            && order.when.holds_for_effect(effect)
    };
    let order = rules.orders.orders.iter().find(allows);
    let trusted = rules.orders.preset == Preset::Trusted
        && matches!(
            effect.kind,
            EffectKind::Restarts | EffectKind::Starts | EffectKind::Reloads
        )
        && effect.class <= TargetClass::Data;
    match order {
        Some(order) => Some(order.name.clone()),
        None if trusted => Some("preset trusted".to_owned()),
        None => None,
    }
}

fn by_orders<'a>(
    rules: &'a Rules<'_>,
    assessment: &'a Assessment,
    facts: &'a Facts<'_>,
    without: Option<&'a str>,
) -> impl Iterator<Item = Voice> + 'a {
    let steps: Vec<&Step> = facts.steps.iter().chain(facts.undo).collect();
    rules.orders.orders.iter().filter_map(move |order| {
        let decision = match order.decision {
            OrderDecision::Allow => return None,
            OrderDecision::Hold => Decision::Hold,
            OrderDecision::Deny => Decision::Refuse,
        };
        let holds = Some(order.name.as_str()) != without
            && order.when.holds_for(rules.orders, facts)
            && order.when.holds_for_steps(&steps, Steps::Any);
        if !holds {
            return None;
        }
        let effect = assessment
            .effects
            .iter()
            .find(|effect| order.when.holds_for_effect(effect));
        if order.when.asks_of_effects() && effect.is_none() {
            return None;
        }
        let what = effect.map_or_else(String::new, |effect| format!(": {}", effect.sentence));
        let reason = if order.reason.is_empty() {
            String::new()
        } else {
            format!(" ({})", watchkeeper_model::visible(&order.reason))
        };
        let does = match decision {
            Decision::Refuse => "denies it",
            _ => "holds it for a person",
        };
        let because = format!("the order `{}` {does}{reason}{what}", order.name);
        Some(Voice::order(decision, &order.name, because))
    })
}

fn by_never<'a>(
    rules: &'a Rules<'_>,
    assessment: &'a Assessment,
    facts: &'a Facts<'_>,
    without: Option<&'a str>,
) -> impl Iterator<Item = Voice> + 'a {
    let steps: Vec<&Step> = facts.steps.iter().chain(facts.undo).collect();
    rules.orders.never.iter().filter_map(move |never| {
        let effect = assessment
            .effects
            .iter()
            .find(|effect| never.when.holds_for_effect(effect));
        let holds = Some(never.name.as_str()) != without
            && never.when.holds_for(rules.orders, facts)
            && never.when.holds_for_steps(&steps, Steps::Any)
            && (effect.is_some() || !never.when.asks_of_effects());
        if !holds {
            return None;
        }
        let what = effect.map_or_else(String::new, |effect| format!(": {}", effect.sentence));
        let because = format!("`{}` is never allowed without a person{what}", never.name);
        Some(Voice::order(Decision::Hold, &never.name, because))
    })
}

/// Protected units wait for a person at every level that would otherwise act, whether a step names them or a
/// command's effect does.
fn by_protection(rules: &Rules<'_>, assessment: &Assessment, facts: &Facts<'_>) -> Option<Voice> {
    let of_steps = facts
        .steps
        .iter()
        .chain(facts.undo)
        .filter_map(|step| step.unit().cloned());
    let of_effects = assessment
        .effects
        .iter()
        .filter(|effect| effect.level > RiskLevel::ReadOnly)
        .filter_map(|effect| {
            UnitName::new(effect.target.as_str())
                .or_else(|_| UnitName::new(format!("{}.service", effect.target)))
                .ok()
        });
    let mut units: Vec<UnitName> = of_steps
        .chain(of_effects)
        .filter(|unit| rules.settings.protects(unit))
        .collect();
    units.sort_unstable();
    units.dedup();
    let because: Vec<String> = units
        .iter()
        .map(|unit| format!("{unit} is protected: it waits for a person"))
        .collect();
    (!because.is_empty()).then_some(Voice {
        decision: Decision::Hold,
        because,
        order: None,
    })
}

pub(super) fn has_shell(facts: &Facts<'_>) -> bool {
    facts
        .steps
        .iter()
        .chain(facts.undo)
        .any(|step| matches!(step, Step::Shell { .. }))
}

fn by_preset(rules: &Rules<'_>, assessment: &Assessment, facts: &Facts<'_>) -> Option<Voice> {
    let shell = has_shell(facts);
    match rules.orders.preset {
        Preset::Paranoid if shell => Some(Voice::new(
            Decision::Refuse,
            "the preset is \"paranoid\": only steps of the catalogue, no shell".to_owned(),
        )),
        Preset::Safe if shell && assessment.level > RiskLevel::ReadOnly && is_root(assessment, facts) => {
            Some(Voice::new(
                Decision::Hold,
                "the preset is \"safe\": a shell step that changes something as root waits for a person"
                    .to_owned(),
            ))
        }
        _ => None,
    }
}

fn is_root(assessment: &Assessment, facts: &Facts<'_>) -> bool {
    facts.privilege == Privilege::Root
        || assessment
            .effects
            .iter()
            .any(|effect| effect.kind == EffectKind::Privilege)
}

fn by_pauses<'a>(
    rules: &'a Rules<'_>,
    assessment: &'a Assessment,
    facts: &'a Facts<'_>,
    without: Option<&'a str>,
) -> impl Iterator<Item = Voice> + 'a {
    let orders = rules.orders;
    let freezes = orders.freezes.iter().map(|pause| (pause, "frozen", true));
    let maintenance = orders
        .maintenance
        .iter()
        .map(|pause| (pause, "under maintenance", false));
    freezes
        .chain(maintenance)
        .filter(move |(pause, _, everything)| {
            Some(pause.name.as_str()) != without
                && (*everything || assessment.level > RiskLevel::ReadOnly)
                && orders.pauses(pause, facts)
        })
        .map(|(pause, what, _)| {
            let reason = if pause.reason.is_empty() {
                String::new()
            } else {
                format!(", {}", watchkeeper_model::visible(&pause.reason))
            };
            let because = format!(
                "host {} is {what} (`{}`{reason}): nothing runs by itself",
                facts.host, pause.name
            );
            Voice::order(Decision::Hold, &pause.name, because)
        })
}

/// What was taken for harmless was not: whatever the tables say about this host is doubted until a person has looked.
fn by_breach(facts: &Facts<'_>) -> Option<Voice> {
    facts.recent.wall_was_breached.then(|| {
        Voice::new(
            Decision::Hold,
            format!(
                "a step that should only look tried to write on {}: nothing runs by itself there until its issue is resolved",
                facts.host
            ),
        )
    })
}

fn by_budget(rules: &Rules<'_>, facts: &Facts<'_>) -> Option<Voice> {
    let budget = &rules.orders.budget;
    let recent = &facts.recent;
    let spent = [
        (
            recent.on_host,
            budget.host_per_hour,
            "this host",
            "host_per_hour",
        ),
        (
            recent.in_group,
            budget.group_per_hour,
            "its group",
            "group_per_hour",
        ),
        (
            recent.in_fleet,
            budget.fleet_per_hour,
            "the fleet",
            "fleet_per_hour",
        ),
    ];
    spent
        .into_iter()
        .find(|(used, limit, _, _)| used >= limit)
        .map(|(used, limit, whose, key)| {
            Voice::order(
                Decision::Hold,
                &format!("budget.{key}"),
                format!(
                    "the budget of {whose} is spent: {used} runs without a person in the last hour, {limit} are allowed"
                ),
            )
        })
}

fn by_spread(rules: &Rules<'_>, facts: &Facts<'_>) -> Option<Voice> {
    let spread = &rules.orders.spread;
    let recent = &facts.recent;
    if recent.same_on_hosts >= spread.hosts {
        return Some(Voice::order(
            Decision::Hold,
            "spread.hosts",
            format!(
                "the same was done on {} other hosts within {}: a person must see that it helps",
                recent.same_on_hosts, spread.within
            ),
        ));
    }
    let share = |hosts: u32| u64::from(hosts) * 100;
    let allowed = u64::from(spread.percent_of_group) * u64::from(recent.group_size);
    // The first host of a group is its canary: it is never too large a share.
    let too_much = recent.group_size >= LEAST_GROUP
        && recent.same_in_group > 0
        && share(recent.same_in_group + 1) > allowed;
    too_much.then(|| {
        Voice::order(
            Decision::Hold,
            "spread.percent_of_group",
            format!(
                "the same was done on {} of {} hosts of its group within {}, and one more is beyond {} %",
                recent.same_in_group, recent.group_size, spread.within, spread.percent_of_group
            ),
        )
    })
}
