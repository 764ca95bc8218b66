//! Programs that carry bytes between here and another machine: `nc`, `socat`, `telnet`. They only look where nothing is
//! said, or only a question that is known.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, has_any, marked, operands};
use crate::invocation::{Input, Invocation, Outcome, Target};
use crate::spec::Matched;

/// Questions that services answer without doing anything, each as the beginning of a line.
const QUESTIONS: [&str; 30] = [
    "ruok",
    "srvr",
    "stat",
    "stats",
    "mntr",
    "conf",
    "cons",
    "isro",
    "wchs",
    "version",
    "ping",
    "info",
    "quit",
    "help",
    "noop",
    "ehlo",
    "helo",
    "show info",
    "show stat",
    "show servers",
    "show backend",
    "show errors",
    "show sess",
    "show pools",
    "show table",
    "show version",
    "show activity",
    "show threads",
    "show health",
    "role",
];
/// Most text that is looked at.
const MOST_TEXT: usize = 16 * 1024;

/// What is said to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Question,
    Anything,
}

/// `nc`: the table has what listens and what runs.
pub(super) fn netcat(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let listens = has_any(matched, &["-l", "-c", "-U"]);
    if has_any(matched, &["-x", "-X"]) {
        let sentence = "asks through another machine";
        notes.says(EffectKind::Sends, RiskLevel::Medium, "proxy", sentence);
    }
    if matched.operands.is_empty() && !listens {
        return notes.finish();
    }
    if let Some(host) = matched.operands.first()
        && matched.has_surely("-z")
    {
        notes.to(EffectKind::Probes, Target::Host(host.clone()), "connects");
        return notes.finish();
    }
    let open = matched
        .operands
        .iter()
        .any(|word| marked(word).contains(OPEN));
    match said(&invocation.stdin) {
        Said::Anything => say_anything(&mut notes),
        _ if open => say_anything(&mut notes),
        said => {
            let rule = "connects";
            if let Some(host) = matched.operands.first() {
                notes.to(EffectKind::Probes, Target::Host(host.clone()), rule);
            }
            let ends = [
                "-w",
                "--wait",
                "-q",
                "-N",
                "-i",
                "--idle-timeout",
                "--send-only",
            ];
            if said == Said::Nothing && !ends.iter().any(|name| matched.has_surely(name)) {
                let sentence = "waits until the other machine hangs up";
                notes.says(EffectKind::Unbounded, RiskLevel::Low, rule, sentence);
            }
        }
    }
    notes.finish()
}

/// `telnet`.
pub(super) fn telnet(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let open = matched
        .operands
        .iter()
        .any(|word| marked(word).contains(OPEN));
    match said(&invocation.stdin) {
        Said::Anything => say_anything(&mut notes),
        _ if open => say_anything(&mut notes),
        _ if matched.operands.is_empty() => notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "waits",
            "waits for a person at a terminal",
        ),
        said => {
            notes.to(
                EffectKind::Probes,
                Target::Host(matched.operands[0].clone()),
                "connects",
            );
            if said == Said::Nothing && invocation.stdin == Input::Nothing {
                let sentence = "opens a connection that a person would talk over";
                notes.says(EffectKind::Unbounded, RiskLevel::Low, "connects", sentence);
            }
        }
    }
    notes.finish()
}

/// `socat`: two addresses, each of which may be a program, a port, a socket or a file.
pub(super) fn socat(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let addresses = operands(matched);
    if addresses.is_empty() {
        return notes.finish();
    }
    let own = |text: &str| {
        let kind = text.to_ascii_lowercase();
        matches!(kind.as_str(), "-" | "stdio" | "stdin" | "stdout")
    };
    let [first, second] = addresses.as_slice() else {
        say_anything(&mut notes);
        return notes.finish();
    };
    let (near, far) = if own(first) {
        (true, second)
    } else {
        (own(second), first)
    };
    let said = said(&invocation.stdin);
    if near && connects(far) && said != Said::Anything {
        notes.says(
            EffectKind::Probes,
            RiskLevel::ReadOnly,
            "connects",
            "asks a service a question",
        );
        return notes.finish();
    }
    let runs = addresses.iter().any(|address| {
        let kind = address.to_ascii_lowercase();
        ["exec:", "system:", "shell:", "pty"]
            .iter()
            .any(|word| kind.contains(word))
    });
    if runs {
        let sentence = "lets another machine talk to a program here";
        notes.says(EffectKind::RunsCode, RiskLevel::High, "runs", sentence);
    } else {
        say_anything(&mut notes);
    }
    notes.finish()
}

/// Whether an address of socat only opens a connection.
fn connects(address: &str) -> bool {
    if address.contains(OPEN) || address.contains("!!") {
        return false;
    }
    let kind = address.to_ascii_lowercase();
    let engine = [
        "docker",
        "containerd",
        "podman",
        "crio",
        "lxd",
        "incus",
        "libvirt",
    ];
    if engine.iter().any(|name| kind.contains(name)) {
        return false;
    }
    if address.starts_with('/') {
        return !address.starts_with("/dev/") && kind.contains("sock");
    }
    let Some((name, rest)) = kind.split_once(':') else {
        return false;
    };
    let plain = !rest.contains(',') || rest.split(',').skip(1).all(is_mild);
    let names = [
        "unix-connect",
        "unix",
        "unix-client",
        "tcp",
        "tcp4",
        "tcp6",
        "tcp-connect",
        "tcp4-connect",
        "tcp6-connect",
        "openssl",
        "ssl",
        "openssl-connect",
    ];
    plain && names.contains(&name)
}

/// Options of an address that only say how long to wait or what to check.
fn is_mild(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or_default();
    [
        "connect-timeout",
        "verify",
        "crnl",
        "crlf",
        "snihost",
        "cn",
        "retry",
        "shut-none",
    ]
    .contains(&name)
}

fn say_anything(notes: &mut Notes) {
    notes.says(
        EffectKind::Sends,
        RiskLevel::High,
        "sends",
        "carries what is not known to or from another machine",
    );
}

/// What is on the input.
fn said(input: &Input) -> Said {
    match input {
        Input::Nothing => Said::Nothing,
        Input::File(file) if file.as_text() == Some("/dev/null") => Said::Nothing,
        Input::Text(text) if text.trim().is_empty() => Said::Nothing,
        Input::Text(text) if text.len() <= MOST_TEXT && asks(text) => Said::Question,
        Input::Text(_) | Input::File(_) | Input::Unknown(_) => Said::Anything,
    }
}

/// Whether a text only asks.
fn asks(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(|line| line.trim_matches(['\r', '\n', ' ', '\t']));
    let first = lines
        .clone()
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    if first.starts_with("GET /") || first.starts_with("HEAD /") {
        return lines
            .skip_while(|line| line.is_empty())
            .skip(1)
            .all(is_plain_header);
    }
    lines.all(|line| {
        let line = line.to_ascii_lowercase();
        // Services of one line take several commands parted by a semicolon.
        line.split(';').map(str::trim).all(|command| {
            command.is_empty()
                || QUESTIONS.iter().any(|question| {
                    command
                        .strip_prefix(question)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                })
        })
    })
}

fn is_plain_header(line: &str) -> bool {
    let name = line
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    line.is_empty()
        || [
            "host",
            "connection",
            "user-agent",
            "accept",
            "accept-encoding",
            "range",
        ]
        .contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: bool) {
        assert_eq!(asks(text), expect, "{text}");
    }

    #[test]
    fn only_known_questions_are_questions() {
        check("ruok\n", true);
        check("show stat; show info\n", true);
        check("GET /health HTTP/1.0\r\nHost: x\r\n\r\n", true);
        check("PING\r\nINFO server\r\n", true);
        check("disable server web/a\n", false);
        check("show stat; shutdown frontend x\n", false);
        check("statx\n", false);
        check("GET / HTTP/1.1\nAuthorization: Basic abc\n\n", false);
        check("FLUSHALL\n", false);
    }
}
