//! An assessment in words: one line for each effect, then what was hidden, then what cannot be undone.

use watchkeeper_model::{Assessment, RiskLevel};

use super::join::cannot_be_undone;

/// Most things that are named of what cannot be undone.
const MAX_LOST: usize = 5;

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
    let lost = lost(assessment);
    if !lost.is_empty() {
        lines.push(format!("cannot be undone: {}", lost.join(", ")));
    } else if !assessment.undoable && assessment.level >= RiskLevel::Medium {
        lines.push("nothing here says how to undo it".to_owned());
    }
    lines
}

/// To what something is done that cannot be undone.
fn lost(assessment: &Assessment) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for effect in assessment
        .effects
        .iter()
        .filter(|effect| cannot_be_undone(effect))
    {
        let name = if effect.target.is_empty() {
            effect.sentence.clone()
        } else {
            format!("what is done to {}", effect.target)
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(MAX_LOST);
    names.truncate(MAX_LOST);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names
}
