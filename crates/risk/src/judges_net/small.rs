//! Small programs of services whose operands say whether they change anything.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, marked, operands, values_of};
use crate::invocation::{Input, Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// `postconf`: an operand with an equals sign sets.
pub(super) fn postconf(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("mail_web", invocation);
    let sets = |word: &String| word.contains('=') || word.contains(OPEN);
    if operands(matched).iter().any(sets) {
        notes.path(EffectKind::Writes, "/etc/postfix/main.cf", "sets");
    }
    let secret = |word: &String| {
        ["password", "key_file", "sasl_passw"]
            .iter()
            .any(|part| word.contains(part))
    };
    if operands(matched)
        .iter()
        .any(|word| secret(word) && word.contains("/"))
    {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::Medium,
            "secret",
            "shows a password of the mail server",
        );
    }
    notes.finish()
}

/// ClamAV: only `freshclam` changes anything without being told to.
pub(super) fn clam(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut notes = Notes::new("mail_web", invocation);
    let name = invocation.argv.first().map(marked).unwrap_or_default();
    if name.ends_with("freshclam") {
        notes.says(
            EffectKind::PackageIndex,
            RiskLevel::Low,
            "fetches",
            "fetches the newest signatures",
        );
    } else if name.ends_with("clamdtop") {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "waits",
            "waits for a person at a terminal",
        );
    }
    notes.finish()
}

/// `asterisk -rx COMMAND`, `fs_cli -x COMMAND`: a command of a telephone exchange.
pub(super) fn asterisk(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("services", invocation);
    let commands = values_of(matched, &["-x"]);
    if commands.is_empty() && !["-V", "-h"].iter().any(|name| matched.has_surely(name)) {
        let interactive = matched.has("-r") || matched.has("-R") || matched.has("-c");
        let (kind, sentence) = if interactive {
            (EffectKind::Interactive, "waits for a person at a terminal")
        } else {
            (EffectKind::Starts, "starts a telephone exchange")
        };
        notes.says(kind, RiskLevel::High, "waits", sentence);
    }
    for command in commands {
        let text = marked(command).to_ascii_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let shows = !text.contains(OPEN) && words.contains(&"show")
            || matches!(words.first(), Some(&"status" | &"version" | &"uptime"));
        let (level, sentence) = if words.contains(&"stop")
            || words.contains(&"restart")
            || words.first() == Some(&"shutdown")
        {
            (RiskLevel::High, "stops a telephone exchange")
        } else if words.contains(&"reload") {
            (
                RiskLevel::Low,
                "has a telephone exchange read its settings again",
            )
        } else {
            (RiskLevel::Medium, "has a telephone exchange do something")
        };
        if !shows {
            notes.says(EffectKind::Writes, level, "command", sentence);
        } else if text.contains("secret") || text.contains("show auth") {
            notes.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "command",
                "shows passwords of telephones",
            );
        }
    }
    notes.finish()
}

/// `smbclient`: commands of a session with a file server.
pub(super) fn smbclient(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("services", invocation);
    let commands = values_of(matched, &["-c", "--command"]);
    if commands.is_empty() {
        if matches!(invocation.stdin, Input::Nothing) && matched.has("-L") {
            return notes.finish();
        }
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "waits",
            "waits for a person at a terminal",
        );
    }
    for command in commands {
        let text = marked(command);
        let mild = text.split(';').all(|part| {
            let word = part.split_whitespace().next().unwrap_or_default();
            matches!(
                word,
                "" | "ls"
                    | "dir"
                    | "pwd"
                    | "cd"
                    | "du"
                    | "stat"
                    | "volume"
                    | "allinfo"
                    | "exit"
                    | "quit"
            )
        });
        if !mild || text.contains(OPEN) {
            notes.says(
                EffectKind::Sends,
                RiskLevel::High,
                "command",
                "moves or changes files on another machine",
            );
        }
    }
    notes.finish()
}

/// `ansible`: the module and its words, run on other machines.
pub(super) fn ansible(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("services", invocation);
    if matched.has_surely("--list-hosts") || matched.has_surely("--version") {
        return notes.finish();
    }
    let module = values_of(matched, &["-m", "--module-name"])
        .last()
        .map_or_else(|| "command".to_owned(), |module| marked(module));
    let module = module.rsplit('.').next().unwrap_or_default().to_owned();
    let words = values_of(matched, &["-a", "--args"])
        .last()
        .map(|words| (*words).clone());
    let first = matched
        .operands
        .first()
        .cloned()
        .unwrap_or_else(|| Arg::text("all"));
    match module.as_str() {
        "ping" | "setup" | "gather_facts" | "debug" | "stat" | "service_facts"
        | "package_facts" | "getent" | "win_ping" => {
            notes.to(EffectKind::Probes, Target::Named(first), "module");
        }
        "command" | "shell" | "raw" => {
            let context = crate::invocation::Context {
                elsewhere: format!("hosts {}", first.shown()),
                ..crate::invocation::Context::default()
            };
            match words {
                Some(text) => notes.nest(crate::invocation::Nested::Shell {
                    text,
                    arguments: Vec::new(),
                    stdin: None,
                    context: Some(context),
                    hidden: None,
                }),
                None => notes.says(
                    EffectKind::Unknown,
                    RiskLevel::Medium,
                    "module",
                    "is given nothing to do",
                ),
            }
        }
        _ if matched.has_surely("-C") || matched.has_surely("--check") => {}
        _ => notes.says(
            EffectKind::Sends,
            RiskLevel::High,
            "module",
            "changes other machines",
        ),
    }
    notes.finish()
}

/// `ldapsearch`: what it asks for may be password hashes.
pub(super) fn ldap(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("services", invocation);
    let words = operands(matched);
    let asks = |word: &String| {
        let word = word.to_ascii_lowercase();
        ["password", "unicodepwd", "hash", "krbprincipalkey"]
            .iter()
            .any(|part| word.contains(part))
    };
    let (kind, level, sentence) = if words.iter().any(asks) {
        (
            EffectKind::Secrets,
            RiskLevel::High,
            "asks for password hashes",
        )
    } else if words.iter().any(|word| word.contains(OPEN)) {
        (
            EffectKind::Sends,
            RiskLevel::High,
            "asks for what is not known",
        )
    } else {
        (EffectKind::Probes, RiskLevel::ReadOnly, "asks a directory")
    };
    notes.says(kind, level, "asks", sentence);
    notes.finish()
}
