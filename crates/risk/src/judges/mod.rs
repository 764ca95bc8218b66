//! Judges: what a table cannot say. Each reads the little language of one command - a script, an expression, a
//! statement, a program - with a lexer and a grammar of its own, and says what it would do. All are total and bounded;
//! what a judge does not understand is never read-only. Judges do not recurse: what is run is handed back.

mod awk;
mod code;
mod crontab;
mod dc;
mod editors;
mod fd;
mod find;
mod given;
mod json;
mod ledger;
mod mongo;
mod nix;
mod options;
mod redis;
mod sed;
mod shells;
mod sql;
#[cfg(test)]
mod tests;
mod words;

use crate::invocation::{Invocation, Outcome};
use crate::spec::Matched;

/// A judge: what a command does, beyond what its table entry says.
pub(crate) type Judge = fn(&Invocation, &Matched) -> Outcome;

/// Every judge by the name that tables call it.
const JUDGES: &[(&str, Judge)] = &[
    ("awk", awk::judge),
    ("fd", fd::judge),
    ("find", find::judge),
    ("sed", sed::judge),
    ("shell", shells::judge),
    ("clickhouse", sql::clickhouse),
    ("mysql", sql::mysql),
    ("psql", sql::psql),
    ("sqlite", sql::sqlite),
    ("python", code::python),
    ("perl", code::perl),
    ("ruby", code::ruby),
    ("node", code::node),
    ("php", code::php),
    ("lua", code::lua),
    ("tcl", code::tcl),
    ("at", crontab::at),
    ("crontab", crontab::crontab),
    ("dc", dc::judge),
    ("ed", editors::line),
    ("editor", editors::screen),
    ("jq", json::jq),
    ("mongo", mongo::judge),
    ("nix_expression", nix::judge),
    ("redis", redis::judge),
    ("yq", json::yq),
];

/// The judge of this name.
pub(crate) fn by_name(name: &str) -> Option<Judge> {
    JUDGES
        .iter()
        .chain(&crate::judges_net::JUDGES)
        .chain(&crate::judges_small::JUDGES)
        .find(|(own, _)| *own == name)
        .map(|(_, judge)| *judge)
        .or_else(|| crate::judges_infra::by_name(name))
}
