//! How an assessment and a verdict look: the level first, then one line for each effect, strongest first, with the
//! words that cause it, what was hidden, and what cannot be undone.

use std::fmt::Write as _;

use watchkeeper_model::{Assessment, Decision, Effect, RiskLevel, Verdict, visible, visible_block};

use super::page::{Page, Tone};

/// The colour of a level.
pub(crate) const fn risk_tone(risk: RiskLevel) -> Tone {
    match risk {
        RiskLevel::ReadOnly | RiskLevel::Low => Tone::Good,
        RiskLevel::Medium => Tone::Warn,
        RiskLevel::High | RiskLevel::Forbidden => Tone::Bad,
    }
}

/// The colour of a decision.
pub(crate) const fn decision_tone(decision: Decision) -> Tone {
    match decision {
        Decision::Run => Tone::Good,
        Decision::Hold => Tone::Warn,
        Decision::Shadow => Tone::Dim,
        Decision::Refuse => Tone::Bad,
    }
}

/// An assessment with what exactly would run.
pub(crate) fn assessment(page: &Page, canonical: Option<&str>, assessment: &Assessment) -> String {
    let mut text = String::new();
    let level = page.paint(risk_tone(assessment.level), assessment.level.as_str());
    let undo = if assessment.level == RiskLevel::ReadOnly {
        "changes nothing"
    } else if assessment.undoable {
        "can be undone"
    } else {
        "not all of it can be undone"
    };
    let _ = writeln!(text, "{level}  {}/100, {undo}", assessment.score);
    if let Some(canonical) = canonical {
        let _ = writeln!(text, "\n  {}", page.paint(Tone::Dim, "what would run"));
        for line in visible_block(canonical).lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    text.push('\n');
    text += &effects(page, assessment, 2);
    text
}

/// The effects of an assessment, and what was hidden in it, indented.
pub(crate) fn effects(page: &Page, assessment: &Assessment, indent: usize) -> String {
    let mut text = String::new();
    let pad = " ".repeat(indent);
    for effect in &assessment.effects {
        let level = format!("{:<9}", effect.level.as_str());
        let level = page.paint(risk_tone(effect.level), &level);
        let line = page.wrap(&sentence(effect), indent + 11);
        let _ = writeln!(text, "{pad}{level}  {line}");
        if !effect.words.is_empty() && assessment.effects.len() > 1 {
            let words = format!("from `{}`", visible(&effect.words));
            let words = page.wrap(&words, indent + 11);
            let _ = writeln!(text, "{pad}           {}", page.paint(Tone::Dim, &words));
        }
    }
    for decoded in &assessment.decoded {
        let said = format!(
            "hidden by {}: {}",
            visible(&decoded.how),
            visible(&decoded.text)
        );
        let said = page.wrap(&said, indent + 11);
        let _ = writeln!(text, "{pad}{}  {said}", page.paint(Tone::Bad, "decoded  "));
    }
    text
}

fn sentence(effect: &Effect) -> String {
    let maybe = effect.perhaps();
    let place = if effect.elsewhere.is_empty() || effect.sentence.contains(&effect.elsewhere) {
        String::new()
    } else {
        format!(" (on {})", visible(&effect.elsewhere))
    };
    format!(
        "{maybe}{}{place}  [{}]",
        visible(&effect.sentence),
        visible(&effect.rule)
    )
}

/// A verdict with its reasons and with what would have changed it.
pub(crate) fn verdict(page: &Page, verdict: &Verdict) -> String {
    let mut text = String::new();
    let decision = page.paint(decision_tone(verdict.decision), verdict.decision.as_str());
    let _ = writeln!(text, "{decision}");
    for because in &verdict.because {
        let _ = writeln!(text, "  because    {}", page.wrap(&visible(because), 13));
    }
    for otherwise in &verdict.otherwise {
        let line = page.wrap(&visible(otherwise), 13);
        let _ = writeln!(text, "  {}  {line}", page.paint(Tone::Dim, "otherwise"));
    }
    text
}
