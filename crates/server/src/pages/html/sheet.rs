//! The sheet on which a person decides: what runs exactly, where, as whom, how risky that is and why, what proves that it
//! worked, what undoes it, and what was seen. The two buttons stand at its end, far apart.

use maud::{Markup, html};
use watchkeeper_model::{
    Action, ActionState, Confidence, Effect, Evidence, PlannedStep, Privilege, Step, Timestamp,
    visible,
};
use watchkeeper_watch::Shown;
use watchkeeper_watch::view::{ActionSheet, DiagnosisView, what_it_does};

use super::bytes::{bytes, odd_count};
use super::times::{ago, by_then};
use super::{badge, prose};
use crate::pages::page::Page;

/// Effects that are shown at once, the strongest; the rest is behind a heading that opens.
const SHOWN_AT_ONCE: usize = 6;
/// Pieces of evidence that are shown at once: what was found, and the last words of the journal, which tell most. What is
/// between them is behind a heading that opens.
const SHOWN_FIRST: usize = 3;
const SHOWN_LAST: usize = 4;

/// Who reads a sheet, and how.
#[derive(Clone, Copy, Debug)]
pub(in crate::pages) struct Reader<'a> {
    /// The path of the link.
    pub(in crate::pages) link: &'a str,
    /// Who.
    pub(in crate::pages) person: &'a str,
    /// On which browser.
    pub(in crate::pages) device: &'a str,
    /// How long the link is good.
    pub(in crate::pages) until: Timestamp,
}

/// The sheet of what a link leads to.
pub(in crate::pages) fn sheet(reader: Reader<'_>, shown: &Shown) -> Page {
    let Shown {
        sheet,
        may_not,
        now,
    } = shown;
    let action = &sheet.action;
    let body = html! {
        p.crumb {
            "Action " (action.number) " · revision " (action.revision) " · waits for " b { (prose(reader.person)) }
        }
        h1 { (headline(action)) }
        p.lead { (why(sheet)) }
        (facts(sheet, *now))
        (what_runs(action))
        (risk(action))
        (proof(action))
        (evidence(sheet, *now))
        @if let Some(view) = &sheet.diagnosis { (concluded(view)) }
        (decision(reader.link, action, may_not.as_ref().map(ToString::to_string).as_deref()))
        p.foot {
            "This link is good for one decision, on " (prose(reader.device)) ", and ends " (by_then(*now, reader.until)) ". Digest "
            code { (action.digest.short()) }
        }
    };
    Page::new(format!("Action {} waits", action.number), body)
}

/// What would be done, as a question.
pub(super) fn headline(action: &Action) -> Markup {
    // A script's first line would be a headline of anybody's making; the whole of it stands below.
    let what = match action.plan.steps.as_slice() {
        [only] if matches!(only.step, Step::Shell { .. }) => "run a shell script".to_owned(),
        steps => what_it_does(steps),
    };
    let mut chars = what.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    let what: String = first.into_iter().chain(chars).collect();
    html! { (prose(&what)) " on " (action.plan.host) "?" }
}

fn why(sheet: &ActionSheet) -> Markup {
    html! {
        @if let Some(title) = &sheet.issue_title { b { (prose(title)) "." } " " }
        (prose(&sentence(&sheet.action.reason)))
    }
}

/// A text with an end: who wrote it may have left that out.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let ends = text.ends_with(['.', '!', '?', ':', '…', '"', '`', ')']);
    let end = if ends || text.is_empty() { "" } else { "." };
    format!("{text}{end}")
}

/// As whom it runs.
pub(super) fn as_whom(action: &Action) -> Markup {
    let login = action.plan.login.as_str();
    match action.plan.privilege {
        Privilege::Root if login == "root" => html! { b { "root" } },
        Privilege::Root => html! { b { "root" } ", by sudo from " (prose(login)) },
        Privilege::Login => prose(login),
    }
}

fn facts(sheet: &ActionSheet, now: Timestamp) -> Markup {
    let action = &sheet.action;
    let undoable = if action.assessment.undoable {
        "it can be undone"
    } else {
        "not all of it can be undone"
    };
    html! {
        dl.facts {
            div { dt { "Risk" } dd { (badge(action.assessment.level)) " " (undoable) } }
            div { dt { "Where" } dd { b { (action.plan.host) } } }
            div { dt { "As" } dd { (as_whom(action)) } }
            div { dt { "Asked by" } dd { (prose(&action.proposer.to_string())) ", " (ago(now, action.proposed_at)) } }
            @if let ActionState::Held { approve_by, approvals, .. } = &action.state {
                div { dt { "Decide" } dd { (by_then(now, *approve_by)) } }
                @if !approvals.is_empty() {
                    div {
                        dt { "So far" }
                        dd {
                            @for (place, approval) in approvals.iter().enumerate() {
                                @if place > 0 { ", " }
                                (super::states::approver(&approval.by))
                            }
                            ": more must approve"
                        }
                    }
                }
            }
        }
    }
}

/// The steps, to the byte.
pub(super) fn what_runs(action: &Action) -> Markup {
    html! {
        section {
            h2 { "What runs, to the byte" }
            (steps(&action.plan.steps))
        }
    }
}

fn steps(steps: &[PlannedStep]) -> Markup {
    html! {
        ol.steps {
            @for planned in steps {
                @let odd = odd_count(&planned.script);
                li {
                    p.step {
                        b { (step_title(&planned.step)) }
                        span.note { (size(&planned.script)) ", at most " (planned.limit_s) " s" }
                    }
                    @if odd > 0 {
                        p.warn role="note" {
                            "Look closely: " (odd) @if odd == 1 { " character is" } @else { " characters are" }
                            " not plain ASCII, or hidden. Each is marked."
                        }
                    }
                    (bytes(&planned.script))
                }
            }
        }
    }
}

fn size(script: &str) -> String {
    let lines = script.lines().count();
    let words = if lines == 1 { "line" } else { "lines" };
    format!("{lines} {words}, {} bytes", script.len())
}

fn step_title(step: &Step) -> String {
    match step {
        Step::Shell { .. } => "shell script".to_owned(),
        typed => visible(&typed.summary()).into_owned(),
    }
}

fn risk(action: &Action) -> Markup {
    let assessment = &action.assessment;
    let (first, rest) = assessment
        .effects
        .split_at(assessment.effects.len().min(SHOWN_AT_ONCE));
    html! {
        section {
            h2 { "Why the risk is " (assessment.level.as_str().replace('_', " ")) }
            ul.effects { @for effect in first { (one_effect(effect)) } }
            @if !rest.is_empty() {
                details {
                    summary { (rest.len()) " weaker effects" }
                    ul.effects { @for effect in rest { (one_effect(effect)) } }
                }
            }
            @for decoded in &assessment.decoded {
                p.warn role="note" { "Hidden by " (prose(&decoded.how)) ": " (prose(&decoded.text)) }
            }
            p.because {
                "It waits for you because " (prose(&action.verdict.because.join("; "))) "."
            }
        }
    }
}

fn one_effect(effect: &Effect) -> Markup {
    html! {
        li {
            (badge(effect.level)) " "
            (effect.perhaps())
            (prose(&effect.sentence))
            @if !effect.elsewhere.is_empty() && !effect.sentence.contains(&effect.elsewhere) {
                " on " (prose(&effect.elsewhere))
            }
            @if !effect.words.is_empty() { span.from { "from " code { (prose(&effect.words)) } } }
        }
    }
}

fn proof(action: &Action) -> Markup {
    html! {
        section {
            h2 { "What proves that it worked" }
            p { (prose(&capital(&action.plan.verify.summary()))) ". Only a new look at the host decides." }
            h2 { "What undoes it" }
            @if action.plan.undo.is_empty() {
                p { "Nothing undoes this by itself." }
            } @else {
                (steps(&action.plan.undo))
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn evidence(sheet: &ActionSheet, now: Timestamp) -> Markup {
    let seen = &sheet.action.seen;
    if seen.is_empty() && sheet.before.is_empty() {
        return Markup::default();
    }
    let (first, rest) = seen.split_at(seen.len().min(SHOWN_FIRST));
    let (between, last) = rest.split_at(rest.len().saturating_sub(SHOWN_LAST));
    html! {
        section {
            h2 { "What was seen" }
            ul.seen { @for piece in first { (one_piece(piece)) } }
            @if !between.is_empty() {
                details {
                    summary { (between.len()) " more of it" }
                    ul.seen { @for piece in between { (one_piece(piece)) } }
                }
            }
            @if !last.is_empty() { ul.seen { @for piece in last { (one_piece(piece)) } } }
            @if !sheet.before.is_empty() {
                h3 { "For the same trouble before" }
                ul.seen {
                    @for past in &sheet.before {
                        li {
                            "Action " (past.number) ": " (prose(&past.what)) ", " b { (prose(&past.state.replace('_', " "))) } " " (ago(now, past.at))
                        }
                    }
                }
            }
        }
    }
}

fn one_piece(piece: &Evidence) -> Markup {
    html! { li { span.source { (prose(&piece.source)) } " " (prose(&piece.text)) } }
}

fn concluded(view: &DiagnosisView) -> Markup {
    html! {
        section {
            h2 { "What a model concluded" }
            p { (prose(&sentence(&view.cause))) }
            p.because {
                "Confidence " (sure(view.confidence)) ", by " (prose(&view.by.to_string()))
                ". A model decides nothing: the risk was worked out by code."
            }
            @if !view.objections.is_empty() {
                p.warn role="note" { "A second opinion objects: " (prose(&view.objections.join("; "))) }
            }
            @if !view.claims.is_empty() {
                details {
                    summary { "What it rests on" }
                    ul.seen {
                        @for claim in &view.claims {
                            li {
                                (prose(&claim.text))
                                @if claim.supported { " [" (prose(&claim.evidence.join(", "))) "]" } @else { b { " (unsupported)" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::InsufficientEvidence => "none",
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn decision(link: &str, action: &Action, may_not: Option<&str>) -> Markup {
    html! {
        form.decide method="post" action={ (link) "/ask" } aria-label="Your decision" {
            @match may_not {
                None => div.yes {
                    button.button.approve name="decision" value="approve" { "Approve…" }
                    p.note { "You are asked once more before anything runs." }
                },
                Some(why) => div.yes {
                    p.warn role="note" { "You may not approve this: " (prose(why)) "." }
                },
            }
            div.no {
                button.button.reject name="decision" value="reject" { "Reject…" }
                p.note { "With a reason. Action " (action.number) " is not run then." }
            }
        }
    }
}
