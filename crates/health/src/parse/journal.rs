//! Errors in the journal, and processes killed for lack of memory. Only what the kernel itself said is believed about
//! the latter: the journal's `_TRANSPORT` cannot be forged by who writes a message.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::files::Files;
use super::{Absent, Frame, Frames, clean, frame, line, name, settle};
use crate::{ErrorSource, Journal, Oom, OomKill, Section};

/// How many entries the script reads at most.
const MAX_ENTRIES: usize = 500;
/// Of so many writers samples are kept.
const SAMPLED_SOURCES: usize = 20;
/// Most samples of one writer.
const MAX_SAMPLES: usize = 5;
/// Longest name of a writer.
const MAX_IDENTIFIER_CHARS: usize = 100;
/// Most kills kept.
pub(crate) const MAX_KILLS: usize = 50;
/// The window that the script was given, where it does not say it.
const DEFAULT_WINDOW_S: u64 = 900;

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE", default)]
    message: Value,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    identifier: Value,
    #[serde(rename = "_COMM", default)]
    comm: Value,
    #[serde(rename = "_SYSTEMD_UNIT", default)]
    unit: Value,
    #[serde(rename = "_TRANSPORT", default)]
    transport: Value,
}

/// The text of a field: a string, or bytes as numbers where it is not UTF-8, or several values.
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) if items.iter().all(Value::is_u64) => {
            let bytes: Vec<u8> = items
                .iter()
                .filter_map(Value::as_u64)
                .filter_map(|byte| u8::try_from(byte).ok())
                .collect();
            Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
        }
        Value::Array(items) => items.first().map_or(Cow::Borrowed(""), text),
        _ => Cow::Borrowed("(not shown: too long, or not text)"),
    }
}

pub(super) fn journal(
    frames: &Frames<'_>,
    files: &Result<Files<'_>, Absent>,
    container: bool,
) -> (Section<Journal>, Section<Oom>) {
    let window_s = window(frames);
    let entries = entries(frames, "journal");
    let since_boot = files
        .as_ref()
        .ok()
        .filter(|_| !container)
        .and_then(|files| files.value("/proc/vmstat", "oom_kill "))
        .and_then(|count| count.parse().ok());
    let kills = match &entries {
        Ok((_, true)) => self::entries(frames, "kernel").map(|(entries, _)| kills(&entries)),
        Ok((entries, false)) => Ok(kills(entries)),
        Err(absent) => from_dmesg(frames, files, window_s).map_err(|also| either(absent, also)),
    };
    // The kernel's count tells that something was killed, where its log cannot be read.
    let oom = match (kills, since_boot) {
        (Ok(kills), _) => Ok(Oom {
            window_s,
            kills: Ok(kills),
            since_boot,
        }),
        (Err(Absent::Missing(why)), Some(_)) => Ok(Oom {
            window_s,
            kills: Err(why),
            since_boot,
        }),
        (Err(absent), _) => Err(absent),
    };
    (
        settle(entries.map(|(entries, at_least)| by_source(&entries, at_least, window_s))),
        settle(oom),
    )
}

/// The journal's trouble, unless the kernel log's own says more.
fn either(journal: &Absent, dmesg: Absent) -> Absent {
    match (journal, dmesg) {
        (Absent::Missing(_), Absent::Missing(why)) if !why.contains("container") => {
            Absent::Missing(why)
        }
        (journal, _) => journal.clone(),
    }
}

fn window(frames: &Frames<'_>) -> u64 {
    let lines = frames
        .done("machine")
        .map(|(_, lines)| lines)
        .unwrap_or_default();
    let said = lines
        .iter()
        .find_map(|line| line.strip_prefix("window "))
        .and_then(|text| text.parse().ok());
    said.unwrap_or(DEFAULT_WINDOW_S)
}

/// The entries of a section, and whether there were more.
fn entries(frames: &Frames<'_>, section: &str) -> Result<(Vec<Entry>, bool), Absent> {
    let (lines, cut) = match frames.get(section) {
        Some(Frame::Cut { lines }) if lines.len() > 1 => (lines.as_slice(), true),
        _ => (frames.lines(section, "journalctl")?, false),
    };
    let lines: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
    let entries: Vec<Entry> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    // The last line of a section that was cut may be a part of an entry; no other may be strange.
    if entries.len() + usize::from(cut) < lines.len() {
        return Err(Absent::broken("an entry of the journal cannot be read"));
    }
    let at_least = cut || entries.len() >= MAX_ENTRIES;
    Ok((entries, at_least))
}

fn by_source(entries: &[Entry], at_least: bool, window_s: u64) -> Journal {
    let mut sources = BTreeMap::<String, (ErrorSource, Vec<(String, u32)>)>::new();
    for entry in entries {
        let identifier = if entry.identifier.is_null() {
            &entry.comm
        } else {
            &entry.identifier
        };
        let identifier = if identifier.is_null() {
            "unknown".to_owned()
        } else {
            clean(&text(identifier), MAX_IDENTIFIER_CHARS)
        };
        let (source, said) = sources.entry(identifier.clone()).or_insert_with(|| {
            (
                ErrorSource {
                    identifier,
                    unit: None,
                    count: 0,
                    samples: Vec::new(),
                },
                Vec::new(),
            )
        });
        source.count += 1;
        if source.unit.is_none() && !entry.unit.is_null() {
            source.unit = Some(name(&text(&entry.unit)));
        }
        let message = line(&text(&entry.message));
        match said.iter().position(|(seen, _)| *seen == message) {
            Some(place) => said[place].1 += 1,
            None if said.len() < MAX_SAMPLES => said.push((message, 1)),
            None => {}
        }
    }
    let mut sources: Vec<_> = sources.into_values().collect();
    sources.sort_by(|(a, _), (b, _)| {
        b.count
            .cmp(&a.count)
            .then_with(|| a.identifier.cmp(&b.identifier))
    });
    let sources = sources
        .into_iter()
        .enumerate()
        .map(|(place, (mut source, said))| {
            if place < SAMPLED_SOURCES {
                source.samples = said
                    .into_iter()
                    .map(|(message, count)| {
                        if count > 1 {
                            format!("{message} ({count} times)")
                        } else {
                            message
                        }
                    })
                    .collect();
            }
            source
        });
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    Journal {
        window_s,
        sources: sources.collect(),
        count,
        at_least,
    }
}

fn kills(entries: &[Entry]) -> Vec<OomKill> {
    let kernel = entries.iter().filter(|entry| entry.transport == "kernel");
    kernel
        .filter_map(|entry| kill(&text(&entry.message)))
        .take(MAX_KILLS)
        .collect()
}

/// `Out of memory: Killed process 12 (name), UID 0, …` or `… Killed process 12 (name) total-vm:…`.
fn kill(message: &str) -> Option<OomKill> {
    let (_, rest) = message.split_once("Killed process ")?;
    let (pid, rest) = rest.split_once(" (")?;
    let end = rest.find("),").or_else(|| rest.find(") "))?;
    Some(OomKill {
        process: name(&rest[..end]),
        pid: pid.parse().ok()?,
        line: line(message),
    })
}

/// The kernel log without a journal: `[  123.456789] Out of memory: Killed process …`.
fn from_dmesg(
    frames: &Frames<'_>,
    files: &Result<Files<'_>, Absent>,
    window_s: u64,
) -> Result<Vec<OomKill>, Absent> {
    let lines = match frames.done("dmesg")? {
        (0, lines) => lines,
        (1, _) => return Err(Absent::missing("the kernel log is readable for root only")),
        (status, _) => return Err(frame::failed("dmesg", status)),
    };
    let files = files.as_ref().map_err(Clone::clone)?;
    let uptime: Option<f64> = files
        .first("/proc/uptime")?
        .split(' ')
        .next()
        .and_then(|seconds| seconds.parse().ok());
    let from =
        uptime.ok_or_else(|| Absent::broken("/proc/uptime holds no number"))? - window_s as f64;
    let mut kills = Vec::new();
    for text in lines.iter().filter(|line| !line.is_empty()) {
        let stamp = text
            .trim_start_matches(|c| c != '[')
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        let Some((at, message)) =
            stamp.and_then(|(at, message)| Some((at.trim().parse::<f64>().ok()?, message)))
        else {
            return Err(Absent::broken("the kernel log has no times"));
        };
        if at >= from && kills.len() < MAX_KILLS {
            kills.extend(kill(message.trim()));
        }
    }
    Ok(kills)
}
