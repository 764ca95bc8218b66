//! Actions: the list, the sheet on which a person decides, and what happens while one runs. The sheet shows
//! exactly the bytes that run; what could hide or act on the terminal is written out.

use std::fmt::Write as _;

use watchkeeper_model::{
    ActionNumber, ActionState, Approver, Phase, PlannedStep, Privilege, Run, RunStep, Step,
    visible, visible_block,
};
use watchkeeper_watch::view::{ActionLine, ActionSheet, RunEvent};

use super::diagnosis::diagnosis;
use super::page::{Page, Tone, columns};
use super::risk::{effects, risk_tone};
use super::table::Table;
use super::time::{ago, ahead, clock};
use crate::called::Called;

/// Lines of a step's output shown on the sheet, from its end.
const OUTPUT_LINES: usize = 12;

/// The list of actions.
pub(crate) fn action_list(
    page: &Page,
    actions: &[ActionLine],
    waiting_only: bool,
    called: &Called,
) -> String {
    let approve = called.command("approve");
    if actions.is_empty() {
        return if waiting_only {
            format!("nothing waits for you   {approve} list --all shows what was decided\n")
        } else {
            "no actions yet\n".to_owned()
        };
    }
    let mut table = Table::new(&[
        "#", "risk", "host", "what", "for", "state", "since", "expires",
    ]);
    for action in actions {
        table.row(vec![
            action.number.to_string().into(),
            (risk_tone(action.risk), action.risk.as_str()).into(),
            action.host.as_str().into(),
            action.what.clone().into(),
            action.for_what.clone().into(),
            action.state.replace('_', " ").into(),
            ago(page.now, action.proposed_at).into(),
            action
                .expires_at
                .map_or_else(String::new, |at| ahead(page.now, at))
                .into(),
        ]);
    }
    let first = actions.iter().find(|action| action.state == "held");
    let hint = first.map_or_else(String::new, |action| {
        format!(
            "\n{approve} show {} shows exactly what would run\n",
            action.number
        )
    });
    table.render(page) + &hint
}

/// The sheet of one action.
pub(crate) fn action_sheet(page: &Page, sheet: &ActionSheet, called: &Called) -> String {
    let action = &sheet.action;
    let mut text = String::new();
    let title = format!(
        "Action {} · revision {} · {}",
        action.number,
        action.revision,
        action.state.as_str().replace('_', " ")
    );
    let digest = format!("digest {}", action.digest.short());
    let _ = writeln!(
        text,
        "{}   {}",
        page.paint(Tone::Strong, &title),
        page.paint(Tone::Dim, &digest)
    );
    field(&mut text, page, "is", &state_sentence(page, &action.state));
    let _ = writeln!(text);
    field(
        &mut text,
        page,
        "on",
        &format!(
            "{} as {}",
            action.plan.host,
            privilege(&action.plan.login, action.plan.privilege)
        ),
    );
    let from = action
        .issue
        .map_or_else(String::new, |issue| format!(", for issue {issue}"));
    field(
        &mut text,
        page,
        "by",
        &format!(
            "{}, {}{from}",
            action.proposer,
            ago(page.now, action.proposed_at)
        ),
    );
    let title = sheet
        .issue_title
        .as_deref()
        .map_or_else(String::new, |title| format!("{}. ", visible(title)));
    field(
        &mut text,
        page,
        "why",
        &format!("{title}{}", visible(&action.reason)),
    );
    let _ = writeln!(text);
    write_steps(&mut text, "runs", &action.plan.steps);
    write_risk(&mut text, page, sheet);
    field(&mut text, page, "proves", &action.plan.verify.summary());
    if action.plan.undo.is_empty() {
        field(&mut text, page, "undo", "nothing undoes this by itself");
    } else {
        write_steps(&mut text, "undo", &action.plan.undo);
    }
    if let Some(view) = &sheet.diagnosis {
        let _ = writeln!(text, "\n  {}", page.paint(Tone::Dim, "concluded"));
        text.push_str(&diagnosis(page, view, 10));
    }
    write_seen(&mut text, page, sheet);
    if let Some(run) = &sheet.run {
        write_run(&mut text, page, run, action.plan.steps.as_slice());
    }
    if matches!(action.state, ActionState::Held { .. }) {
        text.push_str(&next(page, &called.command("approve"), action.number));
    }
    text
}

/// What can be typed about a held action: on one line where there is room, else one below the other.
fn next(page: &Page, approve: &str, number: ActionNumber) -> String {
    let commands = [
        format!("{approve} {number}"),
        format!("{approve} reject {number} --reason …"),
        format!("{approve} edit {number}"),
        format!("{approve} discuss {number}"),
    ];
    let line = commands.join("  |  ");
    let shown = if columns(&line) <= page.width {
        line
    } else {
        commands.join("\n")
    };
    format!("\n{}\n", page.paint(Tone::Strong, &shown))
}

fn field(text: &mut String, page: &Page, label: &str, value: &str) {
    let _ = writeln!(
        text,
        "  {}{}",
        page.paint(Tone::Dim, &format!("{label:<8}")),
        page.wrap(value, 10)
    );
}

fn privilege(login: &str, privilege: Privilege) -> String {
    match privilege {
        Privilege::Root if login == "root" => "root".to_owned(),
        Privilege::Root => format!("root (sudo, logged in as {})", visible(login)),
        Privilege::Login => visible(login).into_owned(),
    }
}

fn write_steps(text: &mut String, label: &str, steps: &[PlannedStep]) {
    for (index, planned) in steps.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        let limit = format!("at most {} s", planned.limit_s);
        let _ = writeln!(
            text,
            "  {label:<8}{}  {}   ({limit})",
            index + 1,
            step_title(&planned.step)
        );
        for line in visible_block(&planned.script).lines() {
            let _ = writeln!(text, "             {line}");
        }
    }
}

fn step_title(step: &Step) -> String {
    match step {
        Step::Shell { .. } => "shell script".to_owned(),
        typed => typed.summary(),
    }
}

fn write_risk(text: &mut String, page: &Page, sheet: &ActionSheet) {
    let assessment = &sheet.action.assessment;
    let level = page.paint(risk_tone(assessment.level), assessment.level.as_str());
    let undoable = if assessment.undoable {
        "can be undone"
    } else {
        "not all of it can be undone"
    };
    let _ = writeln!(
        text,
        "  {}{level}: {undoable}",
        page.paint(Tone::Dim, "risk    ")
    );
    text.push_str(&effects(page, assessment, 10));
    for because in &sheet.action.verdict.because {
        let line = format!("{}: {}", sheet.action.verdict.decision, visible(because));
        let _ = writeln!(text, "          {}", page.wrap(&line, 10));
    }
    for otherwise in &sheet.action.verdict.otherwise {
        let line = page.wrap(&visible(otherwise), 10);
        let _ = writeln!(text, "          {}", page.paint(Tone::Dim, &line));
    }
}

fn write_seen(text: &mut String, page: &Page, sheet: &ActionSheet) {
    if !sheet.action.seen.is_empty() {
        let _ = writeln!(text);
    }
    for (index, piece) in sheet.action.seen.iter().enumerate() {
        let label = if index == 0 { "seen" } else { "" };
        field(
            text,
            page,
            label,
            &format!("{}: {}", visible(&piece.source), visible(&piece.text)),
        );
    }
    for (index, past) in sheet.before.iter().enumerate() {
        let label = if index == 0 { "before" } else { "" };
        let line = format!(
            "action {}: {}, {} ({})",
            past.number,
            visible(&past.what),
            past.state.replace('_', " "),
            ago(page.now, past.at)
        );
        field(text, page, label, &line);
    }
    for (index, talk) in sheet.conversations.iter().enumerate() {
        let label = if index == 0 { "talks" } else { "" };
        let turns = if talk.turns == 1 { "turn" } else { "turns" };
        let line = format!(
            "talked about: conversation {} by {}, {} {turns}",
            talk.number,
            visible(&talk.person),
            talk.turns
        );
        field(text, page, label, &line);
    }
}

fn write_run(text: &mut String, page: &Page, run: &Run, steps: &[PlannedStep]) {
    let _ = writeln!(text);
    field(
        text,
        page,
        "run",
        &format!(
            "{} by {}, claimed {}",
            run.id,
            run.controller,
            ago(page.now, run.claimed_at)
        ),
    );
    for step in &run.steps {
        field(text, page, "", &run_step_line(page, step, steps));
        for (stream, output) in [("out", &step.stdout), ("err", &step.stderr)] {
            let lines: Vec<&str> = output.lines().collect();
            for line in &lines[lines.len().saturating_sub(OUTPUT_LINES)..] {
                let _ = writeln!(
                    text,
                    "            {} {}",
                    page.paint(Tone::Dim, stream),
                    visible(line)
                );
            }
        }
    }
}

fn run_step_line(page: &Page, step: &RunStep, steps: &[PlannedStep]) -> String {
    let what = match step.phase {
        Phase::Apply => steps
            .get(step.index as usize)
            .map_or_else(String::new, |planned| step_title(&planned.step)),
        Phase::Undo => "undo".to_owned(),
    };
    let how = step.outcome.as_ref().map_or_else(
        || "running".to_owned(),
        watchkeeper_model::StepOutcome::summary,
    );
    format!(
        "step {} {what}: {how}, asked {}",
        step.index + 1,
        clock(page.now, step.asked_at)
    )
}

fn state_sentence(page: &Page, state: &ActionState) -> String {
    let now = page.now;
    match state {
        ActionState::Proposed => "recorded, not judged yet".to_owned(),
        ActionState::Shadow => "recorded only: autonomy is observe, it will never run".to_owned(),
        ActionState::Refused { because } => format!("forbidden: {}", visible(&because.join("; "))),
        ActionState::Held {
            because,
            approve_by,
            approvals,
            ..
        } => {
            let so_far = if approvals.is_empty() {
                String::new()
            } else {
                let names: Vec<String> = approvals
                    .iter()
                    .map(|approval| approver(&approval.by))
                    .collect();
                format!("; approved so far by {}, and more must", names.join(", "))
            };
            format!(
                "held: {}{so_far}; can be approved until {} ({})",
                visible(&because.join("; ")),
                clock(now, *approve_by),
                ahead(now, *approve_by)
            )
        }
        ActionState::Approved {
            approval,
            execute_by,
            ..
        } => {
            format!(
                "approved by {}; must start by {} ({})",
                approver(&approval.by),
                clock(now, *execute_by),
                ahead(now, *execute_by)
            )
        }
        ActionState::Running {
            approval, since, ..
        } => format!(
            "running since {}, approved by {}",
            clock(now, *since),
            approver(&approval.by)
        ),
        ActionState::Verifying { look_at, .. } => format!(
            "its steps ended; looked at again at {}",
            clock(now, *look_at)
        ),
        ActionState::Fixed(seen) => format!("fixed {}: {}", ago(now, seen.at), visible(&seen.seen)),
        ActionState::NotFixed(seen) => {
            format!("not fixed, {}: {}", ago(now, seen.at), visible(&seen.seen))
        }
        ActionState::Inconclusive(seen) => format!(
            "it could not be told whether it helped: {}",
            visible(&seen.seen)
        ),
        ActionState::Failed { why, at, .. } => {
            format!("failed {}: {}", ago(now, *at), visible(why))
        }
        ActionState::Undone { why, at, .. } => {
            format!("undone {}: {}", ago(now, *at), visible(why))
        }
        ActionState::UndoFailed { why, .. } => format!(
            "it failed and could not be undone, look at the host: {}",
            visible(why)
        ),
        ActionState::Unknown { why, .. } => format!(
            "what became of it cannot be told, it is never run again by itself: {}",
            visible(why)
        ),
        ActionState::Stale { why, at } => format!("not run, {}: {}", ago(now, *at), visible(why)),
        ActionState::Rejected { by, reason, at } => format!(
            "rejected by {} {}: {}",
            visible(&by.name),
            ago(now, *at),
            visible(reason)
        ),
        ActionState::Expired { at } => {
            format!("nobody decided in time; it expired {}", ago(now, *at))
        }
        ActionState::Superseded { by, .. } => format!("action {by} took its place"),
        ActionState::Withdrawn { at } => {
            format!("its issue was resolved without it {}", ago(now, *at))
        }
    }
}

fn approver(by: &Approver) -> String {
    match by {
        Approver::Person {
            person,
            reason: None,
        } => visible(&person.name).into_owned(),
        Approver::Person {
            person,
            reason: Some(reason),
        } => format!("{} ({})", visible(&person.name), visible(reason)),
        Approver::StandingOrders { because } => {
            format!("the standing orders: {}", visible(&because.join("; ")))
        }
    }
}

/// One line about what happens while an action runs; none where there is nothing to say.
pub(crate) fn run_event(page: &Page, event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::State { state, text, .. } => {
            let tone = match state.as_str() {
                "fixed" => Tone::Good,
                "not_fixed" | "failed" | "unknown" | "undo_failed" => Tone::Bad,
                "stale" | "inconclusive" | "undone" => Tone::Warn,
                _ => Tone::Strong,
            };
            let said = if text.is_empty() {
                String::new()
            } else {
                format!(": {}", visible(text))
            };
            Some(format!(
                "{}{said}",
                page.paint(tone, &state.replace('_', " "))
            ))
        }
        RunEvent::StepStarted {
            index, what, phase, ..
        } => Some(format!("  {}  {}", place(*phase, *index), visible(what))),
        RunEvent::Output { text, .. } => {
            let shown: Vec<String> = text
                .lines()
                .map(|line| format!("          {}", page.paint(Tone::Dim, &visible(line))))
                .collect();
            (!shown.is_empty()).then(|| shown.join("\n"))
        }
        RunEvent::StepEnded {
            phase,
            index,
            outcome,
            ..
        } => Some(format!(
            "  {}  {}",
            place(*phase, *index),
            outcome.summary()
        )),
    }
}

/// Which step, as people count.
fn place(phase: Phase, index: u32) -> String {
    let undo = if phase == Phase::Undo { "undo " } else { "" };
    format!("{undo}step {}", index + 1)
}
