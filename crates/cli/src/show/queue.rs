//! The queue to the models on a terminal: figures first, then the lanes, then the jobs; and one job, whole.

use std::fmt::Write as _;
use std::time::Duration;

use watchkeeper_model::{JobState, Priority, bounded, visible, visible_block};
use watchkeeper_watch::view::{JobLine, JobView, LaneState, LaneView, QueueView, Waiting};

use super::page::{Page, Tone};
use super::table::{Cell, Table};
use super::time::{ago, span};
use crate::called::Called;

/// Longest piece of what a job has said that is shown, in characters.
const MAX_SAID_CHARS: usize = 4_000;

/// The answer to `queue list`.
pub(crate) fn queue_report(page: &Page, queue: &QueueView, called: &Called) -> String {
    let mut text = figures(page, queue);
    if !queue.lanes.is_empty() {
        text.push('\n');
        text.push_str(&lanes(page, &queue.lanes));
    }
    for lane in queue.lanes.iter().filter(|lane| lane.fault.is_some()) {
        let fault = visible(lane.fault.as_deref().unwrap_or_default());
        let said = format!("{}: {fault}", visible(&lane.name));
        let _ = writeln!(text, "  {}", page.paint(Tone::Bad, &page.wrap(&said, 2)));
    }
    if !queue.jobs.is_empty() {
        text.push('\n');
        text.push_str(&jobs(page, &queue.jobs));
        let hint = called.command("queue show N");
        let _ = writeln!(text, "\n{}", page.paint(Tone::Dim, &hint));
    }
    text
}

fn figures(page: &Page, queue: &QueueView) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let label = page.paint(Tone::Dim, &format!("{label:<10}"));
        let _ = writeln!(text, "  {label}{}", page.wrap(value, 12));
    };
    let waiting: Vec<String> = queue.waiting.iter().map(waiting_words).collect();
    line(
        "waiting",
        &if waiting.is_empty() {
            "nothing".to_owned()
        } else {
            waiting.join(", ")
        },
    );
    let oldest = queue
        .waiting
        .iter()
        .filter_map(|waiting| waiting.oldest)
        .min();
    if let Some(oldest) = oldest {
        line("oldest", &ago(page.now, oldest));
    }
    line(
        "last hour",
        &format!(
            "{} answered, {} given up{}",
            queue.done_last_hour,
            queue.failed_last_hour,
            queue
                .tokens_per_second
                .map_or_else(String::new, |rate| format!(", {rate:.1} tokens/s"))
        ),
    );
    if let Some(paused) = &queue.paused {
        let said = format!(
            "every lane, by {} {}",
            visible(&paused.by),
            ago(page.now, paused.at)
        );
        line("paused", &page.paint(Tone::Warn, &said));
    }
    text
}

fn waiting_words(waiting: &Waiting) -> String {
    format!("{} {}", waiting.count, priority_word(waiting.priority))
}

const fn priority_word(priority: Priority) -> &'static str {
    match priority {
        Priority::Interactive => "person",
        Priority::CriticalFinding => "critical",
        Priority::Finding => "finding",
        Priority::Background => "background",
    }
}

fn lanes(page: &Page, lanes: &[LaneView]) -> String {
    let mut table = Table::new(&["lane", "state", "busy", "tok/s", "done", "failed", "model"]);
    for lane in lanes {
        let word = lane.state.as_str();
        let state = match lane.state {
            LaneState::Broken | LaneState::Gone => Cell::from((Tone::Bad, word)),
            LaneState::Paused => Cell::from((Tone::Warn, word)),
            LaneState::Idle | LaneState::Serving | LaneState::Standby => Cell::from(word),
        };
        table.row(vec![
            Cell::from(lane.name.as_str()),
            state,
            Cell::from(format!("{:.0} %", lane.busy_share * 100.0)),
            Cell::from(
                lane.tokens_per_second
                    .map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
            ),
            Cell::from(lane.served.to_string()),
            Cell::from(lane.failed.to_string()),
            Cell::from(lane.models.first().map_or("", String::as_str)),
        ]);
    }
    table.render(page)
}

fn jobs(page: &Page, jobs: &[JobLine]) -> String {
    let mut table = Table::new(&["job", "state", "for", "asked", "tries", "about"]);
    for line in jobs {
        let job = &line.job;
        table.row(vec![
            Cell::from(job.number.to_string()),
            Cell::from(job.state.as_str()),
            Cell::from(priority_word(job.priority)),
            Cell::from(ago(page.now, job.asked_at)),
            Cell::from(job.attempts.to_string()),
            Cell::from(line.about.as_str()),
        ]);
    }
    table.render(page)
}

/// One job, whole.
pub(crate) fn job_sheet(page: &Page, view: &JobView, called: &Called) -> String {
    let job = &view.line.job;
    let mut text = format!(
        "{}   {}\n",
        page.paint(Tone::Strong, &format!("job {}", job.number)),
        visible(&view.line.about)
    );
    let mut line = |label: &str, value: &str| {
        let label = page.paint(Tone::Dim, &format!("{label:<10}"));
        let _ = writeln!(text, "  {label}{}", page.wrap(value, 12));
    };
    line("state", &state_words(page, view));
    line("for", priority_word(job.priority));
    if let Some(person) = &job.asked_by {
        line("asked by", &visible(person));
    }
    line("asked", &ago(page.now, job.asked_at));
    line("tries", &tries_words(view));
    if let Some(error) = &job.last_error {
        line("last try", &visible(error));
    }
    for member in &view.members {
        line(
            "answers",
            &format!("issue {} on {}", member.issue, member.host),
        );
    }
    if !view.said.is_empty() {
        let said = bounded(&view.said, MAX_SAID_CHARS);
        let _ = write!(text, "\n{}\n", visible_block(&said).trim_end());
    }
    let hint = match job.state {
        JobState::Queued { .. } | JobState::Leased { .. } => {
            Some(called.command(&format!("queue cancel {}", job.number)))
        }
        JobState::Failed { .. } | JobState::Cancelled { .. } => {
            Some(called.command(&format!("queue retry {}", job.number)))
        }
        JobState::Done { .. } => None,
    };
    if let Some(hint) = hint {
        let _ = writeln!(text, "\n{}", page.paint(Tone::Dim, &hint));
    }
    text
}

fn state_words(page: &Page, view: &JobView) -> String {
    match &view.line.job.state {
        JobState::Queued { not_before } => {
            let mut said = "waits".to_owned();
            if let Some(place) = view.place {
                let _ = write!(said, ", {} before it", place.ahead);
                if let Some(ms) = place.about_ms {
                    let _ = write!(said, ", about {}", span(Duration::from_millis(ms)));
                }
            }
            if *not_before > page.now {
                let wait = not_before.since(page.now);
                let _ = write!(said, ", not before {}", span(wait));
            }
            said
        }
        JobState::Leased { lane, since, .. } => {
            let lane = lane
                .as_deref()
                .map_or_else(String::new, |lane| format!(" by lane {}", visible(lane)));
            let since =
                since.map_or_else(String::new, |at| format!(", begun {}", ago(page.now, at)));
            format!("is served{lane}{since}")
        }
        JobState::Done { at } => format!("answered {}", ago(page.now, *at)),
        JobState::Failed { at, why } => {
            let said = format!("given up {}: {}", ago(page.now, *at), visible(why));
            page.paint(Tone::Bad, &said)
        }
        JobState::Cancelled { at } => format!("taken back {}", ago(page.now, *at)),
    }
}

fn tries_words(view: &JobView) -> String {
    let job = &view.line.job;
    match job.preempted {
        0 => job.attempts.to_string(),
        times => format!("{}, put aside {times} times for a person", job.attempts),
    }
}
