//! What a shell script asks for: high, unless it is proved to look only, or plainly catastrophic.

use watchkeeper_model::{
    Certainty, Effect, EffectKind, RiskLevel, Step, TargetClass, bounded, visible,
};

use crate::catastrophe::{Catastrophe, find_catastrophe};
use crate::readers::is_proven_read_only;

/// Most characters of a script shown as the words that cause an effect.
const MAX_WORDS_CHARS: usize = 120;

/// The effect of a script.
pub(crate) fn effect(script: &str) -> Effect {
    if script.len() > Step::MAX_SCRIPT_BYTES {
        return Effect {
            rule: "shell.too_long".to_owned(),
            sentence: format!(
                "runs a shell script of more than {} bytes: nobody can judge that",
                Step::MAX_SCRIPT_BYTES
            ),
            ..unknown(script)
        };
    }
    if is_proven_read_only(script) {
        return Effect {
            class: TargetClass::Plain,
            place: None,
            elsewhere: String::new(),
            kind: EffectKind::Reads,
            target: String::new(),
            certainty: Certainty::Certain,
            level: RiskLevel::ReadOnly,
            rule: "shell.proven_read_only".to_owned(),
            words: shown(script),
            sentence: format!("runs `{}`, which looks and changes nothing", shown(script)),
        };
    }
    match find_catastrophe(script) {
        Some(found) => forbidden(&found),
        None => unknown(script),
    }
}

/// The effect of what cannot be told.
pub(crate) fn unknown(script: &str) -> Effect {
    Effect {
        class: TargetClass::Plain,
        place: None,
        elsewhere: String::new(),
        kind: EffectKind::Unknown,
        target: String::new(),
        certainty: Certainty::Possible,
        level: RiskLevel::High,
        rule: "shell.unknown".to_owned(),
        words: shown(script),
        sentence: "runs a shell script whose effects cannot be told".to_owned(),
    }
}

fn forbidden(found: &Catastrophe) -> Effect {
    Effect {
        class: TargetClass::Plain,
        place: None,
        elsewhere: String::new(),
        kind: found.kind,
        target: shown(&found.target),
        certainty: Certainty::Certain,
        level: RiskLevel::Forbidden,
        rule: found.rule.to_owned(),
        words: shown(&found.words.join(" ")),
        sentence: format!("{}: that is never done", found.sentence),
    }
}

fn shown(text: &str) -> String {
    bounded(&visible(text), MAX_WORDS_CHARS).into_owned()
}
