//! Pipelines that need no shell: programs and their arguments, and nothing that a shell would have to do.

use crate::tree::{Command, Pipeline, Script, Simple};

/// Commands that only a shell has, or that a shell does differently from the program of the same name.
const BUILTINS: [&str; 63] = [
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// The arguments of each command, where the script is one pipeline of literal words without redirections,
/// assignments or builtins.
#[must_use]
pub fn plain_pipeline(script: &Script) -> Option<Vec<Vec<String>>> {
    let [item] = script.items.as_slice() else {
        return None;
    };
    let Pipeline {
        timed: false,
        negated: false,
        commands,
    } = &item.first
    else {
        return None;
    };
    if item.background || !item.rest.is_empty() || commands.is_empty() {
        return None;
    }
    commands.iter().map(arguments).collect()
}

/// Whether no shell is needed to run the script.
#[must_use]
pub fn is_plain_pipeline(script: &Script) -> bool {
    plain_pipeline(script).is_some()
}

fn arguments(command: &Command) -> Option<Vec<String>> {
    let Command::Simple(Simple {
        assignments,
        words,
        redirects,
        ..
    }) = command
    else {
        return None;
    };
    if !assignments.is_empty() || !redirects.is_empty() {
        return None;
    }
    let arguments: Vec<String> = words
        .iter()
        .map(crate::Word::as_literal)
        .collect::<Option<_>>()?;
    let name = arguments.first()?;
    let is_builtin = BUILTINS.contains(&name.as_str());
    (!name.is_empty() && !is_builtin).then_some(arguments)
}
