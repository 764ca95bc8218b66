//! Which typed lines decide about an action: whole words with its very number, on a line of their own. Everything else
//! is talk.

use watchkeeper_model::ActionNumber;

/// What a line decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It approves.
    Approve,
    /// It rejects, and says why.
    Reject(String),
    /// It would reject, and does not say why.
    RejectWithoutReason,
}

/// What a line decides about this action; none: it is talk.
pub(super) fn decision(line: &str, number: ActionNumber) -> Option<Decision> {
    let line = line.trim_end_matches(' ');
    if line == format!("approve {number}") {
        return Some(Decision::Approve);
    }
    let rest = line.strip_prefix(&format!("reject {number}"))?;
    if rest.is_empty() {
        return Some(Decision::RejectWithoutReason);
    }
    let reason = rest.strip_prefix(' ')?.trim();
    (!reason.contains('\n')).then(|| Decision::Reject(reason.to_owned()))
}

/// Whether a person seems to want to approve, and types what does not.
pub(super) fn sounds_like_yes(line: &str) -> bool {
    const WORDS: [&str; 14] = [
        "yes",
        "y",
        "ok",
        "okay",
        "go",
        "go ahead",
        "do it",
        "run it",
        "approve",
        "approved",
        "approve it",
        "lgtm",
        "sure",
        "please do",
    ];
    let line = line.trim().trim_end_matches(['.', '!']).to_lowercase();
    WORDS.contains(&line.as_str()) || line.starts_with("approve ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_words_with_the_very_number_decide() {
        let zero = ActionNumber(0);
        assert_eq!(decision("approve 0", zero), Some(Decision::Approve));
        assert_eq!(decision("approve 0  ", zero), Some(Decision::Approve));
        assert_eq!(
            decision("approve 12", ActionNumber(12)),
            Some(Decision::Approve)
        );
        for talk in [
            "yes",
            "ok",
            "approve",
            "approve it",
            "APPROVE 0",
            "Approve 0",
            "APPROVE 00",
            "approve 00",
            "approve 1",
            "approve  0",
            " approve 0",
            "approve 0.",
            "approve 0 now",
            "approve\u{a0}0",
            "I approve 0",
            "approve 0\napprove 0",
            "approve 0\n",
            "approve +0",
            "approve -0",
            "approve 0x0",
            "аpprove 0",
            "approve ０",
            "/approve 0",
            "`approve 0`",
            "reject",
            "reject 1 no",
            "rejected 0 x",
            "reject 00 x",
            "reject 0: no",
            "reject 0 no\napprove 0",
            "",
        ] {
            assert_eq!(decision(talk, zero), None, "{talk:?}");
        }
    }

    #[test]
    fn a_rejection_says_why() {
        let zero = ActionNumber(0);
        let no = Decision::Reject("it is not the cause".to_owned());
        assert_eq!(decision("reject 0 it is not the cause", zero), Some(no));
        assert_eq!(
            decision("reject 0", zero),
            Some(Decision::RejectWithoutReason)
        );
        assert_eq!(
            decision("reject 0 ", zero),
            Some(Decision::RejectWithoutReason)
        );
    }

    #[test]
    fn what_sounds_like_yes_is_noticed_and_a_question_is_not() {
        for line in ["yes", "OK.", "approve it", "Approve 0 please", "do it!"] {
            assert!(sounds_like_yes(line), "{line}");
        }
        for line in ["why?", "who may approve this?", "ok but why is it failing"] {
            assert!(!sounds_like_yes(line), "{line}");
        }
    }
}
