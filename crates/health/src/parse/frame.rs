//! Frames: the answer cut at the probe's marks. A mark is a line that begins with `@`, the nonce and a blank. Whatever
//! stands before the first is noise of the login shell; a section that is opened twice, or not closed before the next
//! mark, is broken.

use std::borrow::Cow;
use std::collections::BTreeMap;

use watchkeeper_model::LookFailure;

use super::{Absent, line};

/// The version of the format that the script in this crate speaks.
const FORMAT: &str = "1";
/// Most sections of one answer; the script has fewer than twenty.
const MAX_SECTIONS: usize = 64;

/// What stands between the marks of one section.
#[derive(Debug)]
pub(crate) enum Frame<'a> {
    /// Opened and closed, with the status of what wrote it.
    Done {
        status: i32,
        lines: Vec<Cow<'a, str>>,
    },
    /// Opened and never closed: it was cut.
    Cut { lines: Vec<Cow<'a, str>> },
    /// The host says that it has none.
    Missing { why: String },
    /// It appears twice.
    Doubled,
}

/// The sections of one answer by name.
#[derive(Debug, Default)]
pub(crate) struct Frames<'a>(BTreeMap<String, Frame<'a>>);

impl<'a> Frames<'a> {
    /// A section, if the answer has it at all.
    pub(crate) fn get(&self, name: &str) -> Option<&Frame<'a>> {
        self.0.get(name)
    }

    /// The lines of a section that came to its end, with its status.
    pub(crate) fn done(&self, name: &str) -> Result<(i32, &[Cow<'a, str>]), Absent> {
        match self.0.get(name) {
            Some(Frame::Done { status, lines }) => Ok((*status, lines)),
            Some(Frame::Missing { why }) => Err(Absent::missing(why)),
            Some(Frame::Cut { .. }) => Err(Absent::broken("it is cut")),
            Some(Frame::Doubled) => Err(Absent::broken("it appears twice")),
            None => Err(Absent::broken("it is not there")),
        }
    }

    /// The lines of a section whose writer ended with status 0.
    pub(crate) fn lines(&self, name: &str, writer: &str) -> Result<&[Cow<'a, str>], Absent> {
        match self.done(name)? {
            (0, lines) => Ok(lines),
            (status, _) => Err(failed(writer, status)),
        }
    }

    fn put(&mut self, name: &str, frame: Frame<'a>) {
        if self.0.len() >= MAX_SECTIONS && !self.0.contains_key(name) {
            return;
        }
        self.0
            .entry(name.to_owned())
            .and_modify(|seen| *seen = Frame::Doubled)
            .or_insert(frame);
    }
}

/// That a program failed.
pub(crate) fn failed(writer: &str, status: i32) -> Absent {
    match status {
        124 | 137 | 143 => Absent::broken(format!("{writer} did not answer in time")),
        126 | 127 => Absent::missing(format!("{writer} cannot be run")),
        _ => Absent::broken(format!("{writer} ended with status {status}")),
    }
}

fn unreadable(detail: &str) -> LookFailure {
    LookFailure::Unreadable {
        detail: detail.to_owned(),
    }
}

/// The part of a line after the mark, if it is one.
fn mark<'a>(line: &'a [u8], start: &[u8]) -> Option<Cow<'a, str>> {
    let rest = line.strip_prefix(start)?;
    Some(String::from_utf8_lossy(
        rest.strip_suffix(b"\r").unwrap_or(rest),
    ))
}

/// Cuts an answer at the marks made with `nonce`.
pub(super) fn split<'a>(answer: &'a [u8], nonce: &str) -> Result<Frames<'a>, LookFailure> {
    let start = format!("@{nonce} ").into_bytes();
    // A last line without an end may be half a mark.
    let whole = answer
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut lines = answer[..whole].split(|byte| *byte == b'\n');
    let version = lines
        .by_ref()
        .find_map(|line| mark(line, &start))
        .ok_or_else(|| unreadable("it does not begin with the probe's mark"))?;
    if version != format!("probe {FORMAT}") {
        return Err(unreadable("its first mark is not the probe's"));
    }
    let mut frames = Frames::default();
    let mut open: Option<(String, Vec<Cow<'a, str>>)> = None;
    for text in lines {
        let Some(mark) = mark(text, &start) else {
            if let Some((_, lines)) = open.as_mut() {
                lines.push(String::from_utf8_lossy(text));
            }
            continue;
        };
        // Every mark stands behind an empty line, so that it begins a line whatever was cut before it.
        if let Some((_, lines)) = open.as_mut() {
            lines.pop_if(|last| last.is_empty());
        }
        let (word, rest) = mark.split_once(' ').unwrap_or((&*mark, ""));
        if word == "done"
            && let Some((name, lines)) = open.take()
        {
            let frame = rest
                .parse()
                .map_or(Frame::Doubled, |status| Frame::Done { status, lines });
            frames.put(&name, frame);
            continue;
        }
        if let Some((name, lines)) = open.take() {
            frames.put(&name, Frame::Cut { lines });
        }
        match word {
            "begin" => open = Some((rest.to_owned(), Vec::new())),
            "missing" => {
                let (name, why) = rest
                    .split_once(' ')
                    .unwrap_or((rest, "the host does not say why"));
                frames.put(name, Frame::Missing { why: line(why) });
            }
            "end" => return Ok(frames),
            _ => return Err(unreadable("it holds a mark that the probe does not write")),
        }
    }
    Err(unreadable("it does not come to its end"))
}
