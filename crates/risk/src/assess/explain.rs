//! An assessment in words: one line for each effect, then what was hidden, then what cannot be undone.

use watchkeeper_model::{Assessment, RiskLevel};

use super::join::cannot_be_undone;

/// The lines that a person reads, strongest first.
#[must_use]
pub fn explain(assessment: &Assessment) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for effect in &assessment.effects {
        let from = if effect.words.is_empty() {
            String::new()
        } else {
            format!(" (by `{}`)", effect.words)
        };
        lines.push(format!("{}: {}{from}", effect.level, effect.sentence));
    }
    for decoded in &assessment.decoded {
        lines.push(format!("hidden by {}: {}", decoded.how, decoded.text));
    }
    let lost = assessment
        .effects
        .iter()
        .filter(|effect| cannot_be_undone(effect))
        .count();
    if lost > 0 {
        let things = if lost == 1 {
            "one of these".to_owned()
        } else {
            format!("{lost} of these")
        };
        lines.push(format!("cannot be undone: {things}"));
    } else if !assessment.undoable && assessment.level > RiskLevel::ReadOnly {
        lines.push("nothing here says how to undo it".to_owned());
    }
    lines
}
