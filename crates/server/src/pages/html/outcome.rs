//! What becomes of an action: a page that reloads itself while something is under way, and then says how it ended.

use std::time::Duration;

use maud::{Markup, html};
use watchkeeper_model::{ActionState, Phase, Run, RunStep, StepOutcome, Timestamp, visible_block};
use watchkeeper_watch::Shown;
use watchkeeper_watch::view::ActionSheet;

use super::states::{approver, state_words};
use super::times::{ago, ahead};
use super::{prose, state_word};
use crate::pages::page::Page;

/// How long after a failure an undo may still follow.
const UNDO_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Lines of a step's output, from its end.
const OUTPUT_LINES: usize = 12;
/// Longest part of a step's output that is shown, in bytes.
const OUTPUT_BYTES: usize = 4_000;

/// What became of it.
pub(in crate::pages) fn outcome(shown: &Shown) -> Page {
    let Shown { sheet, now, .. } = shown;
    let action = &sheet.action;
    let (tone, title, text) = told(sheet, *now);
    let reloads = under_way_since(sheet, *now).map(|since| reload_s(now.since(since)));
    let body = html! {
        p.crumb { "Action " (action.number) " · revision " (action.revision) " · " (action.plan.host) }
        section class={ "outcome " (tone) } {
            p.state { @if reloads.is_some() { span.pulse aria-hidden="true" {} } (state_word(&action.state)) }
            h1 { (title) }
            (text)
            @if let Some(seconds) = reloads { p.note { "This page looks again by itself every " (seconds) " seconds." } }
        }
        @if let Some(run) = &sheet.run { (what_ran(run, sheet)) }
        p.foot { "Digest " code { (action.digest.short()) } ". The whole story: " code { "watchkeeper approve show " (action.number) } }
    };
    Page {
        reload_s: reloads,
        ..Page::new(
            format!("Action {}: {}", action.number, state_word(&action.state)),
            body,
        )
    }
}

/// Since when it is as it is, where it will not stay so.
fn under_way_since(sheet: &ActionSheet, now: Timestamp) -> Option<Timestamp> {
    match &sheet.action.state {
        ActionState::Approved { approval, .. } => Some(approval.at),
        ActionState::Running { since, .. } => Some(*since),
        ActionState::Verifying { look_at, .. } => Some(*look_at),
        // Its undo, where there is one, begins at once.
        ActionState::Failed { at, .. } => {
            let undoes = !sheet.action.plan.undo.is_empty() && now.since(*at) < UNDO_WITHIN;
            undoes.then_some(*at)
        }
        _ => None,
    }
}

/// How often the page reloads itself when it has been as it is for so long: what takes hours costs no battery.
fn reload_s(since: Duration) -> u32 {
    match since.as_secs() {
        0..120 => 3,
        120..3_600 => 15,
        _ => 60,
    }
}

fn told(sheet: &ActionSheet, now: Timestamp) -> (&'static str, &'static str, Markup) {
    use ActionState as S;
    let state = &sheet.action.state;
    let host = &sheet.action.plan.host;
    let words = || html! { p { (state_words(state)) "." } };
    match state {
        S::Held { approvals, .. } if !approvals.is_empty() => (
            "warm",
            "Approved by you, and more must",
            html! { p { "The standing orders ask for more people, so it waits. So far: "
            @for (place, approval) in approvals.iter().enumerate() { @if place > 0 { ", " } (approver(&approval.by)) } "." } },
        ),
        S::Approved { execute_by, .. } => (
            "busy",
            "Approved",
            html! { p { "It starts as soon as " b { (host) } " can be reached and everything is still as it was; if not " (ahead(now, *execute_by)) ", then not at all." } },
        ),
        S::Running { .. } => (
            "busy",
            "It runs",
            html! { p { "The steps run on " b { (host) } " now." } },
        ),
        S::Verifying { look_at, .. } => (
            "busy",
            "Did it help?",
            html! { p { "The steps have ended. " b { (host) } " is looked at again " (ahead(now, *look_at)) "." } },
        ),
        S::Fixed(seen) => (
            "calm",
            "Fixed and verified",
            html! { p { "A new look at " b { (host) } " shows: " (prose(&seen.seen)) } p.note { (ago(now, seen.at)) } },
        ),
        S::NotFixed(_) => ("hot", "Not fixed: the trouble is still there", words()),
        S::Inconclusive(_) => ("warm", "It could not be told whether it helped", words()),
        S::Failed { .. } => ("hot", "It failed", words()),
        S::Undone { .. } => ("warm", "It failed, and was undone", words()),
        S::UndoFailed { .. } => (
            "hot",
            "It failed and could not be undone: look at the host",
            words(),
        ),
        S::Unknown { .. } => (
            "hot",
            "What became of it cannot be told",
            html! { (words()) p { "It is never run again by itself. Look at " b { (host) } "." } },
        ),
        S::Stale { .. } => ("warm", "It was not run: the world has changed", words()),
        S::Rejected { .. } => (
            "plain",
            "Rejected",
            html! { (words()) p { "Nothing was run. The same repair is not proposed again until the evidence changes." } },
        ),
        S::Expired { .. } => ("plain", "Not decided in time", words()),
        S::Superseded { .. } => ("plain", "Another took its place", words()),
        S::Withdrawn { .. } => ("plain", "Withdrawn: the trouble is over", words()),
        S::Held { .. } | S::Proposed | S::Shadow | S::Refused { .. } => {
            ("plain", "It does not run", words())
        }
    }
}

fn what_ran(run: &Run, sheet: &ActionSheet) -> Markup {
    html! {
        section {
            h2 { "Step by step" }
            ol.ran { @for step in &run.steps { (one_step(step, sheet)) } }
        }
    }
}

fn one_step(step: &RunStep, sheet: &ActionSheet) -> Markup {
    let (list, undo) = match step.phase {
        Phase::Apply => (&sheet.action.plan.steps, ""),
        Phase::Undo => (&sheet.action.plan.undo, "undo: "),
    };
    let what = list
        .get(step.index as usize)
        .map_or_else(String::new, |planned| planned.step.summary());
    let (tone, how) = match &step.outcome {
        None => ("busy", "running".to_owned()),
        Some(outcome) if outcome.succeeded() => ("calm", outcome.summary()),
        Some(StepOutcome::Unknown { .. } | StepOutcome::Cancelled) => (
            "warm",
            step.outcome
                .as_ref()
                .map_or_else(String::new, StepOutcome::summary),
        ),
        Some(outcome) => ("hot", outcome.summary()),
    };
    html! {
        li {
            p.step { b { (undo) (prose(&what)) } span class={ "badge " (tone) } { (prose(&how)) } }
            @for (name, text) in [("printed", &step.stdout), ("errors", &step.stderr)] {
                @if !text.trim().is_empty() {
                    p.note { (name) }
                    pre { (tail(text)) }
                }
            }
        }
    }
}

/// The end of what was printed.
fn tail(text: &str) -> String {
    let from = text.len().saturating_sub(OUTPUT_BYTES);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    let end = &text[from.unwrap_or(text.len())..];
    let shown = visible_block(end);
    let lines: Vec<&str> = shown.lines().collect();
    lines[lines.len().saturating_sub(OUTPUT_LINES)..].join("\n")
}
