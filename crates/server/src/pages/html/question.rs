//! The question before the decision: the same bytes once more, and one button that decides.

use maud::{Markup, html};
use watchkeeper_model::Action;
use watchkeeper_watch::Shown;

use super::badge;
use super::sheet::{as_whom, headline, what_runs};
use crate::pages::links::Choice;
use crate::pages::page::Page;

/// Longest reason that a browser lets somebody type, in characters.
const MAX_REASON_CHARS: usize = 2_000;

/// Asks once more, on a link whose path this is. `without_reason`: it was rejected before without saying why.
pub(in crate::pages) fn question(
    link: &str,
    shown: &Shown,
    choice: Choice,
    form: &str,
    without_reason: bool,
) -> Page {
    let action = &shown.sheet.action;
    let (title, rest) = match choice {
        Choice::Approve => ("Approve", approve(link, action, form)),
        Choice::Reject => ("Reject", reject(link, action, form, without_reason)),
    };
    let body = html! {
        p.crumb { "Action " (action.number) " · revision " (action.revision) " · " (action.plan.host) }
        h1 { (title) " action " (action.number) " revision " (action.revision) " on " (action.plan.host) "?" }
        p.lead { (headline(action)) }
        (rest)
        p.way { a href=(link) { "Back to the whole sheet" } }
    };
    Page::new(format!("{title} action {}?", action.number), body)
}

fn approve(link: &str, action: &Action, form: &str) -> Markup {
    html! {
        dl.facts {
            div { dt { "Risk" } dd { (badge(action.assessment.level)) } }
            div { dt { "Where" } dd { b { (action.plan.host) } } }
            div { dt { "As" } dd { (as_whom(action)) } }
        }
        (what_runs(action))
        form.decide.single method="post" action={ (link) "/decide" } {
            input type="hidden" name="form" value=(form);
            div.yes {
                button.button.approve name="decision" value="approve" { "Yes, run exactly this" }
                p.note { "It runs once. Good for ten minutes, digest " code { (action.digest.short()) } }
            }
        }
    }
}

fn reject(link: &str, action: &Action, form: &str, without_reason: bool) -> Markup {
    html! {
        form.decide.single method="post" action={ (link) "/decide" } {
            input type="hidden" name="form" value=(form);
            div.reason {
                label for="reason" { "Why not?" }
                @if without_reason {
                    p.warn role="alert" { "A rejection needs a reason." }
                }
                textarea #reason name="reason" rows="4" maxlength=(MAX_REASON_CHARS) required autocomplete="off" {}
                p.note { "It is kept in the log. The same repair is not proposed again until the evidence changes." }
            }
            div.no {
                button.button.reject name="decision" value="reject" { "Reject action " (action.number) }
            }
        }
    }
}
