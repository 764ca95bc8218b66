//! `check`: one block for a single host, one line per host that needs a look for many.

use std::fmt::Write as _;
use std::time::Duration;

use watchkeeper_model::{Severity, visible};
use watchkeeper_watch::view::{CheckLine, CheckReport, HostIdentity, HostReport, OutcomeWord};

use super::page::{Page, Tone, clip, columns};
use super::time::span;
use crate::called::Called;

/// Pieces of evidence shown under a finding; the rest is in `issues show` and the JSON.
const EVIDENCE_SHOWN: usize = 3;

/// The whole report.
pub(crate) fn check_report(
    page: &Page,
    report: &CheckReport,
    all: bool,
    called: &Called,
) -> String {
    let mut text = String::new();
    let (troubled, well): (Vec<_>, Vec<_>) =
        report.hosts.iter().partition(|host| needs_a_look(host));
    let shown: Vec<&HostReport> = if report.hosts.len() == 1 || all {
        report.hosts.iter().collect()
    } else {
        troubled
    };
    for host in &shown {
        write_host(
            &mut text,
            page,
            host,
            all || report.hosts.len() == 1,
            all,
            called,
        );
        text.push('\n');
    }
    if shown.len() < report.hosts.len() {
        let _ = writeln!(
            text,
            "  {} {} of {} hosts {} well\n",
            page.paint(Tone::Good, "·"),
            well.len(),
            report.hosts.len(),
            if well.len() == 1 { "is" } else { "are" }
        );
    }
    text.push_str(&summary(page, report, called));
    text
}

fn needs_a_look(host: &HostReport) -> bool {
    host.failure.is_some()
        || !host.errors.is_empty()
        || host
            .results
            .iter()
            .any(|line| line.outcome == OutcomeWord::Found)
}

fn write_host(
    text: &mut String,
    page: &Page,
    host: &HostReport,
    alone: bool,
    all: bool,
    called: &Called,
) {
    let _ = writeln!(text, "{}", heading(page, host));
    if alone {
        text.push('\n');
    }
    if let Some(failure) = &host.failure {
        let mark = page.paint(Tone::Bad, "✗ not seen");
        let _ = writeln!(text, "  {mark}  {}", page.wrap(&failure.message, 14));
        let _ = writeln!(
            text,
            "              {}",
            page.wrap(&called.respell(&failure.remedy), 14)
        );
    }
    for line in host
        .results
        .iter()
        .filter(|line| line.outcome == OutcomeWord::Found)
    {
        if host.failure.is_none() {
            write_finding(text, page, line, called);
        }
    }
    for error in &host.errors {
        let _ = writeln!(
            text,
            "  {}     {}",
            page.paint(Tone::Bad, "✗ error"),
            page.wrap(&visible(error), 14)
        );
    }
    if host.failure.is_none() {
        write_rest(text, page, host, all);
    }
}

fn heading(page: &Page, host: &HostReport) -> String {
    let label = if host.local {
        format!("{} (this machine)", host.host)
    } else {
        host.host.to_string()
    };
    let about = host
        .identity
        .as_ref()
        .map(identity_words)
        .unwrap_or_default();
    let took = format!("looked in {}", span(Duration::from_millis(host.took_ms)));
    let room = page
        .width
        .saturating_sub(columns(&label) + columns(&took) + 6);
    let about = fitting(&visible(&about), room.max(10));
    format!(
        "{}   {about}   {}",
        page.paint(Tone::Strong, &label),
        page.paint(Tone::Dim, &took)
    )
}

/// As many of the words between the dots as there is room for, whole; of the first one what fits.
fn fitting(words: &str, room: usize) -> String {
    let mut shown = words;
    while columns(shown) > room {
        match shown.rsplit_once(" · ") {
            Some((head, _)) => shown = head,
            None => return clip(shown, room),
        }
    }
    shown.to_owned()
}

/// `Debian 12 · up 14 d · 2 cores · 4.0 GiB`.
pub(super) fn identity_words(identity: &HostIdentity) -> String {
    let mut words = vec![identity.os.clone()];
    words.extend(
        identity
            .uptime_s
            .map(|s| format!("up {}", span(Duration::from_secs(s)))),
    );
    words.extend(identity.cores.map(|n| {
        if n == 1 {
            "1 core".to_owned()
        } else {
            format!("{n} cores")
        }
    }));
    words.extend(identity.memory_bytes.map(bytes));
    words.retain(|word| !word.is_empty());
    words.join(" · ")
}

/// A size in the largest binary unit.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// Mark, word and colour of a severity; the word fills nine columns.
pub(super) fn severity_mark(page: &Page, severity: Severity) -> String {
    match severity {
        Severity::Critical => page.paint(Tone::Bad, "✗ critical"),
        Severity::Warning => page.paint(Tone::Warn, "! warning "),
        Severity::Info => page.paint(Tone::Dim, "· info    "),
    }
}

fn write_finding(text: &mut String, page: &Page, line: &CheckLine, called: &Called) {
    let mark = severity_mark(page, line.severity.unwrap_or(Severity::Warning));
    let _ = writeln!(text, "  {mark}  {}", page.wrap(&visible(&line.text), 14));
    for piece in line.evidence.iter().take(EVIDENCE_SHOWN) {
        let shown = clip(&visible(piece), page.width.saturating_sub(14).max(20));
        let _ = writeln!(text, "              {}", page.paint(Tone::Dim, &shown));
    }
    if let Some(action) = &line.action {
        let state = match action.state.as_str() {
            "held" => "needs your approval".to_owned(),
            other => other.replace('_', " "),
        };
        let proposed = format!(
            "proposed: {}: action {}, {state}",
            visible(&action.what),
            action.number
        );
        let _ = writeln!(text, "              {}", page.wrap(&proposed, 14));
        let _ = writeln!(
            text,
            "              {}",
            page.paint(
                Tone::Strong,
                &called.command(&format!("approve show {}", action.number))
            )
        );
    } else if !line.firing {
        let _ = writeln!(
            text,
            "              {}",
            page.paint(
                Tone::Dim,
                "seen once so far; it becomes an issue if the next look agrees"
            )
        );
    }
}

fn write_rest(text: &mut String, page: &Page, host: &HostReport, all: bool) {
    let of = |word| host.results.iter().filter(move |line| line.outcome == word);
    let passed: Vec<_> = of(OutcomeWord::Passed).collect();
    let unknown: Vec<_> = of(OutcomeWord::Unknown).collect();
    if all {
        for line in &passed {
            let subject = if line.subject.is_empty() {
                String::new()
            } else {
                format!(" {}", visible(&line.subject))
            };
            let said = clip(
                &format!("{}{subject}: {}", line.check, visible(&line.text)),
                page.width.saturating_sub(14).max(20),
            );
            let _ = writeln!(text, "  {}        {said}", page.paint(Tone::Good, "✓ ok"));
        }
    } else if !passed.is_empty() {
        let mut names: Vec<&str> = passed.iter().map(|line| line.check.as_str()).collect();
        names.dedup();
        let found = if host
            .results
            .iter()
            .any(|line| line.outcome == OutcomeWord::Found)
        {
            "other checks"
        } else {
            "checks"
        };
        let said = format!(
            "{} {found} passed: {}   --all shows them",
            passed.len(),
            names.join(" ")
        );
        let _ = writeln!(
            text,
            "  {} {}",
            page.paint(Tone::Good, "·"),
            page.wrap(&said, 4)
        );
    }
    if !unknown.is_empty() {
        let why: Vec<String> = unknown
            .iter()
            .map(|line| format!("{} ({})", line.check, visible(&line.text)))
            .collect();
        let said = format!("{} could not be made: {}", unknown.len(), why.join(", "));
        let _ = writeln!(
            text,
            "  {} {}",
            page.paint(Tone::Warn, "?"),
            page.wrap(&said, 4)
        );
    }
}

fn summary(page: &Page, report: &CheckReport, called: &Called) -> String {
    let unseen = report
        .hosts
        .iter()
        .filter(|host| host.failure.is_some())
        .count();
    let mut parts = Vec::new();
    if report.hosts.len() > 1 {
        parts.push(format!("{} hosts", report.hosts.len()));
    }
    if unseen > 0 {
        parts.push(page.paint(Tone::Bad, &format!("{unseen} not seen")));
    }
    parts.push(count(report.open_issues, "open issue"));
    if report.waiting_actions > 0 {
        let verb = if report.waiting_actions == 1 {
            "waits"
        } else {
            "wait"
        };
        parts.push(format!(
            "{} {verb} for you: {}",
            count(report.waiting_actions, "action"),
            called.command("approve list")
        ));
    }
    parts.push(visible(&report.model).into_owned());
    page.wrap(&parts.join(" · "), 0) + "\n"
}

/// `1 issue`, `2 issues`.
pub(crate) fn count(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
