//! How the watch is doing, and the hosts it knows.

use std::fmt::Write as _;

use watchkeeper_model::visible;
use watchkeeper_watch::view::{StatusReport, SystemLine};

use super::check::identity_words;
use super::notify::channel_words;
use super::page::{Page, Tone};
use super::table::Table;
use super::time::ago;

/// The answer to `status`.
pub(crate) fn status_report(page: &Page, status: &StatusReport) -> String {
    let mut text = String::new();
    let by = if status.daemon {
        "the daemon answers"
    } else {
        "no daemon runs; this command answers by itself"
    };
    let _ = writeln!(
        text,
        "{}   {by}",
        page.paint(Tone::Strong, &visible(&status.name))
    );
    let mut line = |label: &str, value: String| {
        let _ = writeln!(
            text,
            "  {}{}",
            page.paint(Tone::Dim, &format!("{label:<10}")),
            page.wrap(&value, 12)
        );
    };
    line("autonomy", status.autonomy.to_string());
    let hosts = &status.hosts;
    line(
        "hosts",
        format!(
            "{} healthy, {}, {}, {} not looked at",
            hosts.healthy,
            loud(page, Tone::Warn, hosts.troubled, "troubled"),
            loud(page, Tone::Bad, hosts.unreachable, "unreachable"),
            hosts.not_looked_at
        ),
    );
    line(
        "last look",
        status
            .last_look
            .map_or_else(|| "never".to_owned(), |at| ago(page.now, at)),
    );
    let issues = &status.issues;
    line(
        "issues",
        format!(
            "{}, {}, {} info",
            loud(page, Tone::Bad, issues.critical, "critical"),
            loud(page, Tone::Warn, issues.warning, "warning"),
            issues.info
        ),
    );
    line(
        "actions",
        format!(
            "{} waiting for you, {} under way{}",
            status.waiting_actions,
            status.running_actions,
            if status.unknown_actions > 0 {
                format!(
                    ", {}",
                    loud(
                        page,
                        Tone::Bad,
                        status.unknown_actions,
                        "of unknown outcome"
                    )
                )
            } else {
                String::new()
            }
        ),
    );
    let model = visible(&status.model.text).into_owned();
    line(
        "model",
        if status.model.healthy == Some(false) {
            page.paint(Tone::Bad, &model)
        } else {
            model
        },
    );
    line(
        "queue",
        format!(
            "{} waiting, {} being answered, {} given up",
            status.jobs.queued, status.jobs.leased, status.jobs.failed
        ),
    );
    for channel in &status.channels {
        let words = channel_words(page, channel);
        line("channel", format!("{}: {words}", visible(&channel.name)));
    }
    line("store", visible(&status.store).into_owned());
    line(
        "log",
        format!(
            "{} entries{}",
            status.log.entries,
            status
                .log
                .newest
                .map_or_else(String::new, |at| format!(", newest {}", ago(page.now, at)))
        ),
    );
    for row in &status.corrupt {
        line("corrupt", page.paint(Tone::Bad, &visible(row)));
    }
    for file in &status.changed_files {
        let words = format!(
            "{} was changed, and what it says now is not in force: systemctl reload watchkeeper",
            visible(file)
        );
        line("changed", page.paint(Tone::Warn, &words));
    }
    text
}

fn loud(page: &Page, tone: Tone, number: i64, word: &str) -> String {
    let said = format!("{number} {word}");
    if number > 0 {
        page.paint(tone, &said)
    } else {
        said
    }
}

/// The table of hosts.
pub(crate) fn systems(page: &Page, systems: &[SystemLine]) -> String {
    let mut table = Table::new(&[
        "host",
        "state",
        "system",
        "reached",
        "autonomy",
        "groups",
        "last look",
    ]);
    for system in systems {
        let tone = match system.state.as_str() {
            "healthy" => Tone::Good,
            "troubled" => Tone::Warn,
            "unreachable" => Tone::Bad,
            _ => Tone::Dim,
        };
        let groups: Vec<&str> = system.groups.iter().map(|group| group.as_str()).collect();
        let what = system.failure.as_ref().map_or_else(
            || {
                system
                    .identity
                    .as_ref()
                    .map(identity_words)
                    .unwrap_or_default()
            },
            |failure| failure.message.clone(),
        );
        table.row(vec![
            system.host.as_str().into(),
            (tone, system.state.replace('_', " ").as_str()).into(),
            what.into(),
            system.reached.clone().into(),
            system.autonomy.as_str().into(),
            groups.join(" ").into(),
            system
                .last_look
                .map_or_else(|| "never".to_owned(), |at| ago(page.now, at))
                .into(),
        ]);
    }
    table.render(page)
}
