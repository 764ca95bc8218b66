//! Tools around databases whose action is a word in the midst of others, or a statement in an option.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Actions of `mysqladmin` that look.
const MYSQLADMIN_LOOKS: &str = "ping status extended-status processlist variables version";
/// Actions of `mysqladmin` that only empty caches.
const MYSQLADMIN_LOW: &str = "flush-hosts flush-status flush-threads";
/// Actions of `mysqladmin` that interrupt something.
const MYSQLADMIN_MEDIUM: &str = "flush-logs flush-tables flush-privileges reload refresh";
/// Statements that look.
const LOOKS: &str = "select show describe desc explain use list consistency help";
/// Words of a statement that make it more than a look, or lead to code.
const CHANGES_INSIDE: &str = "into insert update delete drop create alter truncate grant revoke copy source import backup restore kill set";
/// Words of a statement that take data or rights.
const ADMIN: &str =
    "drop truncate delete alter grant revoke kill restore source copy import backup";

/// Judges `mysqladmin`: every operand is an action, or a word to the one before.
pub(crate) fn mysqladmin(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    for word in &matched.operands {
        let text = word.as_text().unwrap_or_default();
        if listed(MYSQLADMIN_LOOKS, text) {
            continue;
        }
        let (kind, level) = if listed(MYSQLADMIN_LOW, text) {
            (EffectKind::DatabaseWrites, RiskLevel::Low)
        } else if listed(MYSQLADMIN_MEDIUM, text) {
            (EffectKind::DatabaseWrites, RiskLevel::Medium)
        } else {
            (EffectKind::DatabaseAdmin, RiskLevel::High)
        };
        let sentence = "has a database server do something";
        notes.add(
            kind,
            Target::Named(word.clone()),
            Some(level),
            "action",
            sentence,
        );
    }
    notes.finish()
}

/// Judges `pg_ctlcluster VERSION NAME ACTION`.
pub(crate) fn pg_ctlcluster(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let joined = matched
        .operands
        .first()
        .and_then(Arg::as_text)
        .is_some_and(|text| text.contains('-'));
    let action = matched.operands.get(if joined { 1 } else { 2 });
    let unit = || Target::Unit(Arg::text("postgresql"));
    match action.and_then(Arg::as_text).unwrap_or_default() {
        "status" => {}
        "reload" => notes.says(
            EffectKind::Reloads,
            RiskLevel::Low,
            "action",
            "has a database read its configuration again",
        ),
        "start" => notes.add(EffectKind::Starts, unit(), None, "action", ""),
        "restart" => notes.add(EffectKind::Restarts, unit(), None, "action", ""),
        "stop" => notes.add(
            EffectKind::Stops,
            unit(),
            Some(RiskLevel::High),
            "action",
            "",
        ),
        _ => notes.says(
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "action",
            "changes which database serves",
        ),
    }
    notes.finish()
}

/// Judges `pg_conftool [VERSION NAME] [FILE] ACTION …`.
pub(crate) fn pg_conftool(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let actions = "show set remove edit";
    let action = matched
        .operands
        .iter()
        .filter_map(Arg::as_text)
        .find(|text| listed(actions, text));
    let known = matched.operands.iter().all(|word| word.as_text().is_some());
    if action != Some("show") || !known {
        notes.says(
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "action",
            "changes the configuration of a database",
        );
    }
    notes.finish()
}

/// Judges `memcached-tool HOST ACTION`.
pub(crate) fn memcached_tool(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    match matched
        .operands
        .get(1)
        .map(|word| word.as_text().unwrap_or("?"))
    {
        None | Some("display" | "stats" | "settings" | "sizes") => {}
        _ => notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "action",
            "prints or moves what is in a cache, passwords of sessions among it",
        ),
    }
    notes.finish()
}

/// Judges clients that take a statement by an option: `-e`, `-execute`.
pub(crate) fn queries(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    for file in ["-f", "--file"]
        .iter()
        .flat_map(|name| matched.values(name))
    {
        notes.add(
            EffectKind::RunsCode,
            Target::Path(file.clone()),
            Some(RiskLevel::High),
            "file",
            "runs statements from a file that is not seen here",
        );
    }
    let statements: Vec<&Arg> = ["-e", "--execute", "-execute"]
        .iter()
        .flat_map(|name| matched.values(name))
        .collect();
    let has_verb = matched.verbs.first().is_some_and(|verb| verb != "sql");
    if statements.is_empty() && !has_verb && !matched.has("-f") {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person",
        );
    }
    for statement in statements {
        query(&mut notes, statement);
    }
    notes.finish()
}

fn query(notes: &mut Notes, statement: &Arg) {
    let Some(text) = statement.as_text() else {
        notes.says(
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "statement",
            "runs a statement that cannot be told",
        );
        return;
    };
    let lower = text.to_ascii_lowercase();
    for part in lower
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let words: Vec<&str> = part
            .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
            .filter(|word| !word.is_empty())
            .collect();
        let first = words.first().copied().unwrap_or_default();
        let has = |list: &str| words.iter().any(|word| listed(list, word));
        if listed(LOOKS, first) && !has(CHANGES_INSIDE) {
            continue;
        }
        if !has(ADMIN) && listed("insert update set", first) {
            notes.says(
                EffectKind::DatabaseWrites,
                RiskLevel::Medium,
                "statement",
                "changes rows of a database",
            );
        } else {
            notes.says(
                EffectKind::DatabaseAdmin,
                RiskLevel::High,
                "statement",
                "changes a database in a way that may not be undone",
            );
        }
    }
}
