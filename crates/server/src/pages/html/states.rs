//! Where an action stands, in words for a page.

use maud::{Markup, html};
use watchkeeper_model::{ActionState, Approver};

use super::{prose, when};

/// The state as one word.
pub(in crate::pages) fn state_word(state: &ActionState) -> String {
    state.as_str().replace('_', " ")
}

/// Who let it run.
pub(super) fn approver(by: &Approver) -> Markup {
    match by {
        Approver::Person { person, .. } => prose(&person.name),
        Approver::StandingOrders { .. } => html! { "the standing orders" },
    }
}

/// The state as part of a sentence.
pub(in crate::pages) fn state_words(state: &ActionState) -> Markup {
    use ActionState as S;
    match state {
        S::Proposed => html! { "recorded, and not judged yet" },
        S::Shadow => html! { "recorded only, it will never run" },
        S::Refused { because } => {
            html! { "the standing orders forbid it: " (prose(&because.join("; "))) }
        }
        S::Held { approve_by, .. } => {
            html! { "it waits for a decision until " (when(*approve_by)) }
        }
        S::Approved { approval, .. } => {
            html! { (approver(&approval.by)) " approved it at " (when(approval.at)) }
        }
        S::Running {
            approval, since, ..
        } => html! { (approver(&approval.by)) " approved it, and it runs since " (when(*since)) },
        S::Verifying { .. } => html! { "its steps have ended, and the host is looked at again" },
        S::Fixed(seen) | S::NotFixed(seen) | S::Inconclusive(seen) => prose(&seen.seen),
        S::Failed { why, .. }
        | S::Undone { why, .. }
        | S::UndoFailed { why, .. }
        | S::Unknown { why, .. }
        | S::Stale { why, .. } => prose(why),
        S::Rejected { by, reason, at } => {
            html! { (prose(&by.name)) " said no at " (when(*at)) ", because: " (prose(reason)) }
        }
        S::Expired { at } => html! { "nobody decided until " (when(*at)) },
        S::Superseded { by, .. } => html! { "action " (by) " took its place" },
        S::Withdrawn { at } => html! { "its trouble was over without it at " (when(*at)) },
    }
}
