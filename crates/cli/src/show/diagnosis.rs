//! Diagnoses of models, and what was done before about the like: each sentence with what it rests on, what each of these
//! looks showed, and what was said against it. A sentence without support says so.

use std::fmt::Write as _;

use watchkeeper_model::{Confidence, visible};
use watchkeeper_watch::view::{Before, ClaimView, DiagnosisView};

use super::page::{Page, Tone};
use super::time::ago;

/// A diagnosis as a block whose lines begin after so many blanks.
pub(crate) fn diagnosis(page: &Page, view: &DiagnosisView, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut text = String::new();
    let mut head = format!("{}, {}", view.by, outcome(view));
    if let Some(on) = &view.as_on {
        let _ = write!(head, ", as on {}, issue {}", on.host, on.issue);
    }
    line(&mut text, page, indent, Tone::Dim, &head);
    if view.claims.is_empty() {
        for paragraph in view.cause.split("\n\n") {
            let paragraph = page.wrap(&visible(paragraph.trim()), indent);
            let _ = writeln!(text, "{pad}{paragraph}");
        }
    }
    for claim in &view.claims {
        text.push_str(&said(page, claim, indent));
    }
    for look in view.cited() {
        let on = if look.seen { "" } else { "nothing: " };
        let told = format!("{:<3} {}: {on}{}", look.label, look.what, look.line);
        line(&mut text, page, indent, Tone::Dim, &told);
    }
    for objection in &view.objections {
        let told = format!("a second opinion objects: {}", visible(objection));
        line(&mut text, page, indent, Tone::Warn, &told);
    }
    if view.second_opinion == "not_had" {
        line(
            &mut text,
            page,
            indent,
            Tone::Warn,
            "the second opinion could not be had",
        );
    }
    if let Some(remark) = &view.remark {
        let _ = writeln!(text, "{pad}{}", page.wrap(&visible(remark), indent));
    }
    text
}

/// What was done before, one line for each.
pub(crate) fn before(page: &Page, before: &[Before], indent: usize) -> String {
    let mut text = String::new();
    for one in before {
        let mut told = String::from("before:");
        if let Some(host) = &one.host {
            let _ = write!(told, " on {host}");
        }
        let _ = write!(told, " {}: {}", ago(page.now, one.at), visible(&one.what));
        if let Some(action) = one.action {
            let _ = write!(told, " (action {action})");
        }
        let _ = writeln!(text, "{}{}", " ".repeat(indent), page.wrap(&told, indent));
    }
    text
}

fn line(text: &mut String, page: &Page, indent: usize, tone: Tone, told: &str) {
    let told = page.wrap(told, indent);
    let _ = writeln!(text, "{}{}", " ".repeat(indent), page.paint(tone, &told));
}

fn said(page: &Page, claim: &ClaimView, indent: usize) -> String {
    let mut told = visible(&claim.text).into_owned();
    if !claim.evidence.is_empty() {
        let labels: Vec<String> = claim
            .evidence
            .iter()
            .map(|label| visible(label).into_owned())
            .collect();
        let _ = write!(told, "  [{}]", labels.join(", "));
    }
    let pad = " ".repeat(indent);
    if claim.supported {
        return format!("{pad}{}\n", page.wrap(&told, indent));
    }
    let why = claim.why_not.as_deref().unwrap_or("nothing shows it");
    let _ = write!(told, "  unsupported: {}", visible(why));
    let told = page.wrap(&told, indent);
    format!("{pad}{}\n", page.paint(Tone::Warn, &told))
}

fn outcome(view: &DiagnosisView) -> &'static str {
    match (view.outcome.as_str(), view.confidence) {
        ("needs_person", _) => "a person must look",
        ("budget_spent", _) => "the looking came to its end without an answer",
        ("insufficient_evidence", _) | (_, Confidence::InsufficientEvidence) => {
            "what was seen does not tell"
        }
        (_, Confidence::Low) => "a guess",
        (_, Confidence::Medium) => "likely",
        (_, Confidence::High) => "sure",
    }
}
