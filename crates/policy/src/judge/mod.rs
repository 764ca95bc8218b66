//! The verdict: the table of autonomy and risk, made stricter by the host's tier, by protected units, and by the
//! owner's standing orders, and milder only by an order that allows. Every rule gives its own decision; the strictest
//! wins, and the verdict names the rules that asked for it and says what would have changed it.

mod facts;
mod otherwise;
mod voices;
mod wording;

use watchkeeper_model::{Assessment, Autonomy, Decision, RiskLevel, Verdict};

use crate::PolicySettings;
use crate::orders::Orders;

pub use facts::{Facts, Recent};
use voices::Voice;

/// Everything an owner decided.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The section `[policy]` of the configuration.
    pub settings: &'a PolicySettings,
    /// The standing orders.
    pub orders: &'a Orders,
}

/// What the standing orders say about an action.
#[must_use]
pub fn judge(rules: &Rules<'_>, assessment: &Assessment, facts: &Facts<'_>) -> Verdict {
    let voices = voices::all(rules, assessment, facts, None);
    let decision = strictest(&voices);
    let deciding = || voices.iter().filter(|voice| voice.decision == decision);
    Verdict {
        decision,
        because: deciding()
            .flat_map(|voice| voice.because.iter().cloned())
            .collect(),
        orders: deciding().filter_map(|voice| voice.order.clone()).collect(),
        otherwise: otherwise::lines(rules, assessment, facts, decision),
    }
}

/// The strictest decision; the table always gives one.
fn strictest(voices: &[Voice]) -> Decision {
    voices
        .iter()
        .map(|voice| voice.decision)
        .max()
        .unwrap_or(Decision::Hold)
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

#[cfg(test)]
mod orders_tests;
#[cfg(test)]
mod tests;
