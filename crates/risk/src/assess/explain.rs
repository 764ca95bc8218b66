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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::assess_text;
    use crate::facts::HostFacts;

    fn lines(text: &str) -> Vec<String> {
        explain(&assess_text(text, &HostFacts::default()).assessment)
    }

    #[test]
    fn the_worst_is_said_first_with_its_words_and_what_is_lost_last() {
        assert_eq!(
            lines("rm -f /tmp/x; rm -rf /var/lib/mysql"),
            [
                "high: deletes /var/lib/mysql and all that is in it (database files): that cannot be undone (by `rm -rf /var/lib/mysql`)",
                "low: deletes /tmp/x (scratch space) (by `rm -f /tmp/x`)",
                "cannot be undone: what is done to /var/lib/mysql",
            ]
        );
    }

    #[test]
    fn what_was_hidden_is_shown() {
        let said = lines("echo cm0gLXJmIC92YXIvbGliL215c3Fs | base64 -d | sh");
        assert!(
            said.contains(&"hidden by base64: rm -rf /var/lib/mysql".to_owned()),
            "{said:?}"
        );
        assert!(said[0].starts_with("high: "), "{said:?}");
    }

    #[test]
    fn what_only_looks_says_so_in_one_line() {
        assert_eq!(lines("df -h"), ["read_only: only looks (by `df -h`)"]);
    }
}
