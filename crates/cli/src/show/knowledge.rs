//! What is known on a terminal: lists, one entry whole, what was found, what became of configuration files. Where an
//! entry comes from stands beside what it says: text of a host that gives itself airs is still text of a host.

use std::fmt::Write as _;

use watchkeeper_knowledge::FoundBy;
use watchkeeper_model::{Entry, Reach, visible, visible_block};
use watchkeeper_watch::{ConfigsIndexed, Found, Seeded, Seeding};

use super::check::count;
use super::page::{Page, Tone, clip};
use super::table::Table;
use super::time::{ago, ahead};
use crate::called::Called;

/// Lines of an entry's text that are shown beside others.
const LINES_SHOWN: usize = 3;
/// Refused files that are named.
const REFUSED_SHOWN: usize = 20;

/// `3 entries`.
pub(crate) fn entries_counted(number: usize) -> String {
    match number {
        1 => "1 entry".to_owned(),
        number => format!("{number} entries"),
    }
}

/// What became of entries that were brought.
pub(crate) fn counted(Seeded { new, changed, same }: Seeded) -> String {
    format!("{new} new, {changed} changed, {same} as they were")
}

/// What became of what ships.
pub(crate) fn seeding(seeding: &Seeding, called: &Called) -> String {
    let mut text = counted(seeding.taken);
    if seeding.edited > 0 {
        let _ = write!(text, ", {} as you edited them", seeding.edited);
    }
    if seeding.forgotten > 0 {
        let _ = write!(text, ", {} forgotten", seeding.forgotten);
    }
    text.push('\n');
    if !seeding.offered.is_empty() {
        let numbers: Vec<String> = seeding.offered.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "there is a newer text for what you edited: {}",
            numbers.join(", ")
        );
    }
    if seeding.edited + seeding.forgotten > 0 {
        let again = called.command("knowledge seed --again");
        let _ = writeln!(text, "{again} brings them as they ship");
    }
    text
}

/// The list of entries.
pub(crate) fn entry_list(page: &Page, entries: &[Entry], called: &Called) -> String {
    if entries.is_empty() {
        let seed = called.command("knowledge seed");
        return format!("nothing is known that fits   {seed} brings what ships with Watchkeeper\n");
    }
    let mut table = Table::new(&[
        "#",
        "collection",
        "kind",
        "host",
        "from",
        "changed",
        "topic",
    ]);
    for entry in entries {
        table.row(vec![
            entry.number.to_string().into(),
            entry.collection.as_str().into(),
            entry.kind.clone().into(),
            entry.host.as_ref().map_or("-", |host| host.as_str()).into(),
            clip(&entry.source.to_string(), 24).into(),
            ago(page.now, entry.updated_at).into(),
            entry.title.clone().into(),
        ]);
    }
    table.render(page)
}

/// One entry, whole.
pub(crate) fn entry_sheet(page: &Page, entry: &Entry, called: &Called) -> String {
    let mut text = String::new();
    let head = format!("Entry {} · {}", entry.number, visible(&entry.title));
    let _ = writeln!(text, "{}", page.paint(Tone::Strong, &page.wrap(&head, 2)));
    let mut line = |label: &str, value: &str| {
        let label = page.paint(Tone::Dim, &format!("{label:<12}"));
        let _ = writeln!(text, "  {label}{}", page.wrap(value, 14));
    };
    line(
        "what",
        &format!("{}, {}", entry.collection.as_str(), visible(&entry.kind)),
    );
    line("from", &entry.source.to_string());
    line("speaks for", &reach(entry));
    if let Some(host) = &entry.host {
        line("about", host.as_str());
    }
    if !entry.labels.is_empty() {
        line("labels", &visible(&entry.labels.join(", ")));
    }
    let mut times = format!("made {}", ago(page.now, entry.created_at));
    if entry.updated_at != entry.created_at {
        let _ = write!(times, ", changed {}", ago(page.now, entry.updated_at));
    }
    let _ = write!(times, ", shown to a model {}×", entry.used);
    line("times", &times);
    if let Some(end) = entry.expires_at {
        line(
            "expires",
            &if end <= page.now {
                format!("expired {}", ago(page.now, end))
            } else {
                ahead(page.now, end)
            },
        );
    }
    text.push('\n');
    for said in visible_block(&entry.text).lines() {
        let _ = writeln!(text, "    {}", page.wrap(said, 4));
    }
    if entry.reach() != Reach::All {
        let verify = called.command(&format!("knowledge verify {}", entry.number));
        let _ = writeln!(
            text,
            "\n  {}   if you found it to be right",
            page.paint(Tone::Strong, &verify)
        );
    }
    text
}

/// For whom an entry may speak, in words.
fn reach(entry: &Entry) -> String {
    let confirmed = entry
        .confirmed
        .as_ref()
        .map_or_else(String::new, |confirmed| {
            format!(" (found right by {})", visible(&confirmed.by))
        });
    match entry.reach() {
        Reach::All => format!("all hosts{confirmed}"),
        Reach::Host(host) => format!("{host} only"),
        Reach::Nobody => "no host, until somebody finds it to be right".to_owned(),
    }
}

/// What was found, the best first.
pub(crate) fn found_list(page: &Page, found: &[Found], called: &Called) -> String {
    let Some(first) = found.first() else {
        return "nothing is known of that\n".to_owned();
    };
    let mut text = String::new();
    for found in found {
        let entry = &found.entry;
        let head = format!("{:>4}  {}", entry.number.to_string(), visible(&entry.title));
        let by = match found.by {
            FoundBy::Lexical => "by its words",
            FoundBy::Dense => "by its meaning",
            FoundBy::Both => "by both",
        };
        let from = format!("{}, {by}", entry.source);
        let _ = writeln!(text, "{}", page.paint(Tone::Strong, &page.wrap(&head, 6)));
        let _ = writeln!(
            text,
            "      {}",
            page.paint(Tone::Dim, &page.wrap(&from, 6))
        );
        let shown = visible_block(&entry.text).into_owned();
        for said in shown
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(LINES_SHOWN)
        {
            let _ = writeln!(
                text,
                "      {}",
                clip(said, page.width.saturating_sub(6).max(20))
            );
        }
    }
    let show = called.command(&format!("knowledge show {}", first.entry.number));
    let _ = writeln!(text, "\n{}", page.paint(Tone::Dim, &show));
    text
}

/// What became of configuration files.
pub(crate) fn configs_indexed(page: &Page, indexed: &ConfigsIndexed) -> String {
    let parts = indexed.parts;
    let mut text = format!(
        "{}: {} new, {} changed, {} as they were, {} gone\n",
        count(i64::try_from(indexed.files).unwrap_or(i64::MAX), "file"),
        count(i64::try_from(parts.new).unwrap_or(i64::MAX), "part"),
        parts.changed,
        parts.same,
        indexed.removed,
    );
    if !indexed.refused.is_empty() {
        let _ = writeln!(text, "{} not kept:", indexed.refused.len());
    }
    for refused in indexed.refused.iter().take(REFUSED_SHOWN) {
        let line = format!("{}: {}", visible(&refused.path), visible(&refused.why));
        let _ = writeln!(text, "  {}", page.wrap(&line, 4));
    }
    let more = indexed.refused.len().saturating_sub(REFUSED_SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}
