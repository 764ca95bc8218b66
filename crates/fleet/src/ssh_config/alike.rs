//! Which destinations a configuration does not tell apart: `ssh -G` is asked for one of them and speaks for all. It
//! costs 5 ms of processor time a call, more than all the rest of a new connection.

use super::files::{Files, Line};
use super::syntax::patterns_match;

/// Keys whose values we read, and in which a token would make each destination its own case.
const READ: [&str; 7] = [
    "user",
    "identityfile",
    "identityagent",
    "hostkeyalias",
    "userknownhostsfile",
    "globalknownhostsfile",
    "proxyjump",
];

/// Which of the `Host` blocks take a destination, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind(Vec<bool>);

impl Kind {
    /// The kind of a destination: all of one kind get the same settings, each with its own name as the address. None
    /// where that is not certain, and `ssh -G` must be asked for this very one.
    pub(super) fn of(files: &Files, destination: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        if !destination.chars().all(plain) {
            return None;
        }
        let mut blocks = Vec::new();
        let mut applies = true;
        for line in &files.lines {
            match line.keyword.as_str() {
                "host" => {
                    applies = patterns_match(&line.args, destination);
                    blocks.push(applies);
                }
                "match" if is_for_all(line) => applies = true,
                "match" => return None,
                _ if applies && tells_apart(line) => return None,
                _ => {}
            }
        }
        Some(Self(blocks))
    }
}

fn is_for_all(line: &Line) -> bool {
    line.args.len() == 1 && line.args[0].eq_ignore_ascii_case("all")
}

/// Whether what a line says depends on the destination.
fn tells_apart(line: &Line) -> bool {
    let keyword = line.keyword.as_str();
    let has_token = |arg: &String| arg.contains(['%', '$']);
    keyword == "hostname"
        || keyword.starts_with("canonical")
        || READ.contains(&keyword) && line.args.iter().any(has_token)
}
