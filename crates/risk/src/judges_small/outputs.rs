//! What a command prints, where that can be told from its words: the name of a temporary file.

use crate::invocation::{Invocation, Outcome, Output};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// `mktemp`: the name of what it has made.
pub(super) fn mktemp(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let given = matched.value("-p").or_else(|| matched.value("--tmpdir"));
    let elsewhere = ["-p", "--tmpdir"].into_iter().any(|name| matched.has(name));
    let directory = match (given, matched.operands.as_slice()) {
        (Some(directory), []) => directory.as_text().map(str::to_owned),
        (None, []) if !elsewhere => Some("/tmp".to_owned()),
        (None, [template]) if !elsewhere => parent(template),
        _ => None,
    };
    if let Some(directory) = directory {
        notes.prints(Output::PathsBelow(vec![directory]));
    }
    notes.finish()
}

/// `dirname`: the path without its last name, told from the words alone.
pub(super) fn dirname(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if !matched.options.is_empty() {
        return notes.finish();
    }
    let parents: Option<Vec<String>> = matched
        .operands
        .iter()
        .map(|path| path.as_text().map(directory_of))
        .collect();
    if let Some(parents) = parents.filter(|parents| !parents.is_empty()) {
        notes.prints(Output::Text(parents.join("\n") + "\n"));
    }
    notes.finish()
}

fn directory_of(path: &str) -> String {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        None if path.is_empty() => "/".to_owned(),
        None => ".".to_owned(),
        Some((directory, _)) => match directory.trim_end_matches('/') {
            "" => "/".to_owned(),
            directory => directory.to_owned(),
        },
    }
}

fn parent(path: &Arg) -> Option<String> {
    let (directory, _) = path.as_text()?.rsplit_once('/')?;
    (!directory.is_empty()).then(|| directory.to_owned())
}
