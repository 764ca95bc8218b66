//! Failed units of systemd, crashed and failed services of OpenRC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Absent, Frame, Frames, frame, journal, line, name, settle};
use crate::{FailedUnit, Manager, Section, Units};

/// Most failed units kept; the script gives details of the first eight.
const MAX_UNITS: usize = 200;
/// Most lines of the journal kept of one unit.
const MAX_LINES: usize = 8;

pub(super) fn units(frames: &Frames<'_>, now: Option<i64>) -> Section<Units> {
    if frames.get("openrc").is_some() {
        return settle(openrc(frames));
    }
    settle(systemd(frames, now))
}

fn systemd(frames: &Frames<'_>, now: Option<i64>) -> Result<Units, Absent> {
    let (lines, whole) = match frames.get("units") {
        Some(Frame::Done { status: 0, lines }) => (lines.as_slice(), true),
        // So many have failed that the list was cut; its last line may be a part of one.
        Some(Frame::Cut { lines }) if lines.len() > 1 => (&lines[..lines.len() - 1], false),
        _ => (frames.lines("units", "systemctl")?, true),
    };
    let manager = frames.lines("manager", "systemctl")?;
    let state = manager
        .iter()
        .find_map(|line| line.strip_prefix("SystemState="))
        .map(name);
    let listed: Option<Vec<_>> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| listed(line))
        .collect();
    let mut failed = listed.ok_or_else(|| Absent::broken("a line of systemctl cannot be read"))?;
    let complete = whole && failed.len() <= MAX_UNITS;
    failed.truncate(MAX_UNITS);
    if let Ok((_, lines)) = frames.done("unit-details") {
        details(&mut failed, lines, now);
    }
    if let Ok((_, lines)) = frames.done("unit-journal") {
        said(&mut failed, lines);
    }
    Ok(Units {
        manager: Manager::Systemd,
        state,
        failed,
        complete,
    })
}

/// `nginx.service loaded failed failed A web server`.
fn listed(text: &str) -> Option<FailedUnit> {
    let text = text.trim_start_matches(['\u{25cf}', '*', ' ']);
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let unit = words.next()?;
    let (_load, _active, _sub) = (words.next()?, words.next()?, words.next()?);
    let description = words.collect::<Vec<_>>().join(" ");
    Some(FailedUnit {
        name: name(unit),
        description: line(&description),
        ..FailedUnit::default()
    })
}

/// Blocks of `Key=value`, one for each unit.
fn details(failed: &mut [FailedUnit], lines: &[std::borrow::Cow<'_, str>], now: Option<i64>) {
    for block in lines.split(|line| line.is_empty()) {
        let get = |key: &str| {
            block
                .iter()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        let Some(id) = get("Id").map(name) else {
            continue;
        };
        let Some(unit) = failed.iter_mut().find(|unit| unit.name == id) else {
            continue;
        };
        unit.result = get("Result")
            .filter(|word| !word.is_empty() && *word != "success")
            .map(name);
        unit.kind = get("Type").filter(|word| !word.is_empty()).map(name);
        unit.main_code = get("ExecMainCode").and_then(|code| code.parse().ok());
        unit.main_status = get("ExecMainStatus").and_then(|status| status.parse().ok());
        unit.restarts = get("NRestarts").and_then(|count| count.parse().ok());
        unit.path = get("FragmentPath")
            .filter(|path| !path.is_empty())
            .map(line);
        let since = get("StateChangeTimestamp").and_then(epoch);
        unit.failed_for_s = since
            .zip(now)
            .and_then(|(since, now)| u64::try_from(now.saturating_sub(since)).ok());
    }
}

/// `Sat 2026-11-21 10:04:05 UTC`; the script sets the zone.
fn epoch(text: &str) -> Option<i64> {
    let mut words = text.split(' ').skip(1);
    let (date, time) = (words.next()?, words.next()?);
    let at: DateTime = format!("{date}T{time}").parse().ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE", default)]
    message: serde_json::Value,
}

/// `unit NAME`, then its entries as JSON.
fn said(failed: &mut [FailedUnit], lines: &[std::borrow::Cow<'_, str>]) {
    let mut current = None;
    for text in lines {
        if let Some(unit) = text.strip_prefix("unit ") {
            let unit = name(unit);
            current = failed.iter().position(|failed| failed.name == unit);
        } else if let Some(place) = current
            && failed[place].journal.len() < MAX_LINES
            && let Ok(entry) = serde_json::from_str::<Entry>(text)
        {
            failed[place]
                .journal
                .push(line(&journal::text(&entry.message)));
        }
    }
}

fn openrc(frames: &Frames<'_>) -> Result<Units, Absent> {
    let (status, lines) = frames.done("openrc")?;
    if status != 0 {
        return Err(frame::failed("rc-status", status));
    }
    let mut failed: Vec<FailedUnit> = Vec::new();
    for text in lines {
        let (result, service) = text
            .strip_prefix("failed ")
            .map_or(("crashed", &**text), |name| ("failed", name));
        let service = name(service.trim());
        if !service.is_empty() && !failed.iter().any(|seen| seen.name == service) {
            failed.push(FailedUnit {
                name: service,
                result: Some(result.to_owned()),
                ..FailedUnit::default()
            });
        }
    }
    let complete = failed.len() <= MAX_UNITS;
    failed.truncate(MAX_UNITS);
    Ok(Units {
        manager: Manager::Openrc,
        state: None,
        failed,
        complete,
    })
}
