//! Talks: what an answer came to, what a change of an action changes, and what was said earlier. The answer's own text
//! flows (`flow`); here is what stands around it.

use std::fmt::Write as _;
use std::time::Duration;

use watchkeeper_model::{
    Action, Conversation, PlannedStep, Said, Speaker, for_terminal, visible, visible_block,
};
use watchkeeper_watch::view::{Answer, ProposedLine};

use super::flow::Flow;
use super::page::{Page, Tone};
use super::risk::risk_tone;
use super::table::Table;
use super::time::{ago, span};
use crate::called::Called;

/// Looks named under an answer.
const LOOKS_SHOWN: usize = 12;

/// `waiting: 1 before you, about 20 s`.
pub(crate) fn waiting(ahead: i64, about_ms: Option<u64>) -> String {
    let before = match ahead {
        0 => "you are next".to_owned(),
        1 => "1 before you".to_owned(),
        many => format!("{many} before you"),
    };
    let about = about_ms.filter(|ms| *ms >= 1_000).map(|ms| {
        let seconds = Duration::from_secs(ms / 1_000);
        format!(", about {}", span(seconds))
    });
    format!("waiting: {before}{}", about.unwrap_or_default())
}

/// A text that has come whole, as it looks when it flows.
pub(crate) fn flowed(page: &Page, text: &str) -> String {
    let mut flow = Flow::new(*page);
    let mut out = flow.push(text);
    out += &flow.finish();
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// What stands under an answer: what it cites, what came of it, and the next command.
pub(crate) fn answer_foot(page: &Page, answer: &Answer, called: &Called) -> String {
    let mut text = String::new();
    let cited = cited(answer);
    for look in &cited {
        let line = page.wrap(&visible(look), 4);
        let _ = writeln!(text, "    {}", page.paint(Tone::Dim, &line));
    }
    for objection in &answer.objections {
        let line = format!("a second opinion: {}", visible(objection));
        let _ = writeln!(text, "  {}", page.paint(Tone::Warn, &page.wrap(&line, 4)));
    }
    if let Some(said) = ending(&answer.outcome) {
        let _ = writeln!(text, "  {}", page.paint(Tone::Warn, said));
    }
    if let Some(why) = &answer.not_proposed {
        let line = format!("nothing was proposed: {}", visible(why));
        let _ = writeln!(text, "  {}", page.paint(Tone::Warn, &page.wrap(&line, 4)));
    }
    if let Some(proposed) = &answer.proposed {
        text.push_str(&proposal(page, proposed, called));
    }
    text
}

/// The looks and notes that the answer names, each with its label.
fn cited(answer: &Answer) -> Vec<String> {
    let named = |label: &str| {
        answer
            .claims
            .iter()
            .any(|claim| claim.evidence.iter().any(|cited| cited == label))
            || answer.text.contains(&format!("[{label}]"))
    };
    let looks = answer.looked_at.iter();
    let looks = looks
        .filter(|look| named(&look.label))
        .map(|look| format!("{}  {}", look.label, look.what));
    let notes = answer.known.iter().filter(|note| named(&note.label));
    let notes = notes.map(|note| {
        let (label, entry) = (&note.label, note.entry);
        format!(
            "{label}  entry {entry}: {} (from {})",
            note.title, note.from_where
        )
    });
    looks.chain(notes).take(LOOKS_SHOWN).collect()
}

/// What is said of an answer that is none.
fn ending(outcome: &str) -> Option<&'static str> {
    match outcome {
        "insufficient_evidence" => Some("what was seen does not tell"),
        "needs_person" => Some("a person must look, or decide"),
        "budget_spent" => Some("stopped: too much was looked at without an answer"),
        "gone" => Some("what was asked about is not there any more"),
        _ => None,
    }
}

fn proposal(page: &Page, proposed: &ProposedLine, called: &Called) -> String {
    let ProposedLine {
        action,
        revision,
        state,
        what,
        host,
    } = proposed;
    let what = visible(what);
    let state = state.replace('_', " ");
    let line = if revision.0 > 1 {
        format!("changed: action {action} is revision {revision} now: {what} on {host} ({state})")
    } else {
        format!("proposed: action {action}: {what} on {host} ({state})")
    };
    let next = format!("{} show {action}", called.command("approve"));
    format!(
        "  {}\n  {}\n",
        page.wrap(&line, 4),
        page.paint(Tone::Strong, &next)
    )
}

/// What another revision of an action changes, line by line: all that an approval is bound to, and the risk.
pub(crate) fn revision_diff(page: &Page, from: &Action, to: &Action) -> String {
    let mut text = String::new();
    let title = format!(
        "Action {}: revision {} becomes {}",
        to.number, from.revision, to.revision
    );
    let _ = writeln!(text, "{}", page.paint(Tone::Strong, &title));
    diff_part(&mut text, page, "runs", &from.plan.steps, &to.plan.steps);
    diff_part(&mut text, page, "undo", &from.plan.undo, &to.plan.undo);
    diff_line(&mut text, page, "as", &runs_as(from), &runs_as(to));
    let (was, is) = (from.plan.verify.summary(), to.plan.verify.summary());
    diff_line(&mut text, page, "verify", &was, &is);
    let (was, is) = (from.assessment.level, to.assessment.level);
    let risk = if was == is {
        format!("{}, as before", page.paint(risk_tone(is), is.as_str()))
    } else {
        format!(
            "{} -> {}",
            page.paint(risk_tone(was), was.as_str()),
            page.paint(risk_tone(is), is.as_str())
        )
    };
    let _ = writeln!(text, "  risk    {risk}");
    if from.state.as_str() == "approved" {
        let void = format!("the approval of revision {} is void", from.revision);
        let _ = writeln!(text, "  {}", page.paint(Tone::Warn, &void));
    }
    text
}

fn diff_part(
    text: &mut String,
    page: &Page,
    label: &str,
    from: &[PlannedStep],
    to: &[PlannedStep],
) {
    let (old, new) = (lines_of(from), lines_of(to));
    if old == new {
        return;
    }
    for (place, (mark, line)) in diff(&old, &new).into_iter().enumerate() {
        let label = if place == 0 { label } else { "" };
        let tone = match mark {
            '-' => Tone::Bad,
            '+' => Tone::Good,
            _ => Tone::Dim,
        };
        let shown = page.paint(tone, &format!("{mark} {line}"));
        let _ = writeln!(text, "  {label:<8}{shown}");
    }
}

fn runs_as(action: &Action) -> String {
    let plan = &action.plan;
    format!(
        "{} ({}) on {}",
        plan.login,
        plan.privilege.as_str(),
        plan.host
    )
}

fn diff_line(text: &mut String, page: &Page, label: &str, from: &str, to: &str) {
    if from == to {
        return;
    }
    for (label, mark, tone, line) in [(label, '-', Tone::Bad, from), ("", '+', Tone::Good, to)] {
        let shown = page.paint(tone, &format!("{mark} {}", visible(line)));
        let _ = writeln!(text, "  {label:<8}{shown}");
    }
}

fn lines_of(steps: &[PlannedStep]) -> Vec<String> {
    let lines = steps.iter().flat_map(|planned| {
        let script = visible_block(&planned.script).into_owned();
        let lines: Vec<String> = script.lines().map(str::to_owned).collect();
        lines
    });
    lines.collect()
}

/// The shortest way from one list of lines to the other. Plans are short: a table of all pairs is small.
fn diff<'l>(old: &'l [String], new: &'l [String]) -> Vec<(char, &'l str)> {
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            common[i][j] = if left == right {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i].as_str()));
            i += 1;
        } else {
            lines.push(('+', new[j].as_str()));
            j += 1;
        }
    }
    lines
}

/// The list of talks.
pub(crate) fn talk_list(page: &Page, talks: &[Conversation], called: &Called) -> String {
    let chat = called.command("chat");
    // One that was begun and left without a word is nothing to go on with.
    let talks: Vec<&Conversation> = talks.iter().filter(|talk| talk.turns > 0).collect();
    if talks.is_empty() {
        return format!("no talks yet   {chat} begins one\n");
    }
    let mut table = Table::new(&["#", "kind", "title", "turns", "last"]);
    for talk in talks {
        table.row(vec![
            talk.number.to_string().into(),
            talk.kind.as_str().into(),
            talk.title.clone().into(),
            talk.turns.to_string().into(),
            ago(page.now, talk.updated_at).into(),
        ]);
    }
    table.render(page) + &format!("\n{chat} --resume N goes on with one\n")
}

/// What was said, as it is shown again.
pub(crate) fn said_again(page: &Page, said: &[Said]) -> String {
    let mut text = String::new();
    for one in said {
        match one.by {
            Speaker::Person => {
                let shown = page.wrap(&for_terminal(&one.text).replace('\n', "\n  "), 2);
                let _ = writeln!(text, "{}", page.paint(Tone::Strong, &format!("> {shown}")));
            }
            Speaker::Model => text.push_str(&flowed(page, &one.text)),
            Speaker::Watch => {
                let line = format!("  {}", visible(&one.text));
                let _ = writeln!(text, "{}", page.paint(Tone::Dim, &line));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_how_long() {
        assert_eq!(
            waiting(1, Some(20_400)),
            "waiting: 1 before you, about 20 s"
        );
        assert_eq!(waiting(0, None), "waiting: you are next");
        assert_eq!(waiting(12, Some(300)), "waiting: 12 before you");
    }

    #[test]
    fn a_difference_is_the_shortest() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (old, new) = (lines("a b c d"), lines("a c x d e"));
        let shown: Vec<String> = diff(&old, &new)
            .into_iter()
            .map(|(mark, line)| format!("{mark}{line}"))
            .collect();
        assert_eq!(shown, [" a", "-b", " c", "+x", " d", "+e"]);
        assert_eq!(diff(&[], &new).len(), 5);
        assert!(diff(&old, &[]).iter().all(|(mark, _)| *mark == '-'));
    }
}
