//! `dscl`: its verb stands behind the directory that it is asked of, with a dash or without one, and what a record holds
//! decides whether reading it only looks.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed, words};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Options without a value.
const FLAGS: &str = "-q -raw -plist -url -p";
/// Options with one.
const VALUES: &str = "-u -P -f";
/// Directories of this host.
const LOCAL: &str = ". localhost localonly";
/// Verbs that name records and what they hold.
const LISTS: &str = "list ls search diff";
/// Verbs that show records.
const READS: &str = "read cat readall readpl readpli";
/// Verbs that try a password.
const ASKS: &str = "auth authonly";
/// Verbs that take records away.
const DELETES: &str = "delete rm";
/// What a record of an account keeps of its password, in small letters.
const HASHES: [&str; 4] = ["shadowhash", "kerberoskeys", "heimdal", "password"];

/// Judges `dscl`.
pub(crate) fn judge(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let mut rest = words(invocation);
    while let Some((option, after)) = rest.split_first() {
        let Some(text) = option.as_text().filter(|text| text.starts_with('-')) else {
            break;
        };
        if listed(FLAGS, text) {
            rest = after;
        } else if listed(VALUES, text) {
            rest = after.get(1..).unwrap_or_default();
        } else {
            break;
        }
    }
    let [directory, verb, operands @ ..] = rest else {
        notes.unknown(RiskLevel::High, "no_verb", "waits for a person to type");
        return notes.finish();
    };
    let is_local = directory
        .as_text()
        .is_some_and(|text| listed(LOCAL, text) || text.starts_with('/'));
    if !is_local {
        let host = Target::Host(directory.clone());
        notes.add(EffectKind::Probes, host, None, "directory", "");
    }
    let verb = verb.as_text().unwrap_or_default();
    match verb.trim_start_matches('-') {
        verb if listed(LISTS, verb) => lists(&mut notes, operands),
        verb if listed(READS, verb) => reads(&mut notes, operands),
        verb if listed(ASKS, verb) => {
            let sentence = "tries a password";
            notes.says(EffectKind::Access, RiskLevel::Medium, "auth", sentence);
        }
        verb if listed(DELETES, verb) && operands.iter().take(1).all(is_whole) => {
            let sentence = "deletes all accounts or groups";
            notes.says(
                EffectKind::Accounts,
                RiskLevel::Forbidden,
                "delete",
                sentence,
            );
        }
        _ => {
            let sentence = "changes accounts";
            notes.says(EffectKind::Accounts, RiskLevel::High, "change", sentence);
        }
    }
    notes.finish()
}

/// Whether a path names no single record, as `/Users`.
fn is_whole(path: &Arg) -> bool {
    path.as_text()
        .is_some_and(|text| text.trim_matches('/').split('/').count() < 2)
}

/// One value of each record, where one is named.
fn lists(notes: &mut Notes, operands: &[Arg]) {
    let values = operands.get(1..).unwrap_or_default();
    if values.iter().any(may_be_hash) {
        tells_hash(notes);
    }
}

/// The values that are named, or the whole record.
fn reads(notes: &mut Notes, operands: &[Arg]) {
    let values = operands.get(1..).unwrap_or_default();
    if values.iter().any(may_be_hash) {
        tells_hash(notes);
    } else if values.is_empty()
        && operands
            .iter()
            .any(|path| path.has_unknown() || path.beginning().contains("Users"))
    {
        let sentence = "shows all that is kept of an account, which may be its password's hash";
        notes.says(EffectKind::Reads, RiskLevel::Medium, "record", sentence);
    }
}

fn may_be_hash(value: &Arg) -> bool {
    value.as_text().is_none_or(|text| {
        let text = text.to_ascii_lowercase();
        // An option that is not known may ask for anything.
        text.starts_with('-') || HASHES.iter().any(|hash| text.contains(hash))
    })
}

fn tells_hash(notes: &mut Notes) {
    let sentence = "shows the hash of a password";
    notes.says(EffectKind::Secrets, RiskLevel::High, "hash", sentence);
}
