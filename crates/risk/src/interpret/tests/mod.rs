//! Scripts and what is seen in them, through programs that only say how they were started.

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::parse;

use super::{Commands, Seen, Start, interpret};
use crate::facts::HostFacts;
use crate::invocation::{Found, Input, Invocation, Nested, Outcome, Output, Target};
use crate::word::{Arg, Origin};

mod commands;
mod expansion;
mod flow;
mod properties;
mod running;

/// Programs that are known by name, of which a few run others or print what is known.
struct Fake;

const KNOWN: &[&str] = &[
    "awk",
    "base64",
    "cat",
    "chmod",
    "chown",
    "cp",
    "curl",
    "date",
    "dd",
    "df",
    "env",
    "find",
    "grep",
    "head",
    "hostname",
    "id",
    "kill",
    "ls",
    "mkdir",
    "mv",
    "nc",
    "ping",
    "printenv",
    "ps",
    "rev",
    "rm",
    "sed",
    "seq",
    "sort",
    "ssh",
    "sudo",
    "sh",
    "bash",
    "systemctl",
    "tac",
    "tail",
    "tee",
    "timeout",
    "touch",
    "tr",
    "uname",
    "wc",
    "wget",
    "which",
    "xargs",
    "xxd",
];

impl Commands for Fake {
    fn judge(&self, invocation: &Invocation) -> Option<Outcome> {
        let name = invocation.argv[0].as_text()?.rsplit('/').next()?;
        if !KNOWN.contains(&name) {
            return None;
        }
        let target = Target::Named(Arg::text("ran"));
        let kind = if name == "rm" {
            EffectKind::Deletes
        } else {
            EffectKind::Reads
        };
        let mut outcome = Outcome {
            found: vec![Found::to(kind, target, format!("fake.{name}"))],
            ..Outcome::default()
        };
        let operands = || invocation.argv[1..].to_vec();
        let words = |argv: Vec<Arg>| Nested::Argv {
            argv,
            stdin: None,
            context: None,
        };
        match name {
            "sudo" | "env" => {
                let argv = operands();
                let skipped = argv
                    .iter()
                    .take_while(|arg| arg.beginning().contains('='))
                    .count();
                outcome.nested.push(words(argv[skipped..].to_vec()));
            }
            "timeout" => outcome.nested.push(words(operands()[1..].to_vec())),
            "xargs" => {
                let mut argv = operands();
                argv.push(Arg::unknown(Origin::Input, true));
                outcome.nested.push(words(argv));
            }
            "sh" | "bash" => shell(&operands(), &mut outcome),
            "hostname" => outcome.output = Output::Plain,
            "curl" | "wget" => outcome.output = Output::Network,
            "cat" if invocation.argv.len() == 1 => outcome.output = Output::Input,
            "find" => outcome.output = Output::PathsBelow(vec!["/srv".to_owned()]),
            _ => {}
        }
        Some(outcome)
    }

    fn knows(&self, program: &str) -> bool {
        KNOWN.contains(&program)
    }
}

fn shell(operands: &[Arg], outcome: &mut Outcome) {
    match operands {
        [] => outcome.nested.push(Nested::ShellInput { context: None }),
        [first, text, rest @ ..] if first.as_text() == Some("-c") => {
            outcome.nested.push(Nested::Shell {
                text: text.clone(),
                arguments: rest.to_vec(),
                stdin: None,
                context: None,
                hidden: None,
            });
        }
        _ => outcome
            .found
            .push(Found::plain(EffectKind::RunsCode, "fake.file").at_least(RiskLevel::High)),
    }
}

fn see(text: &str) -> Seen {
    let parsed = parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let facts = HostFacts {
        login: Some("ops".to_owned()),
        ..HostFacts::default()
    };
    let start = Start {
        commands: &Fake,
        facts: &facts,
        directories: &["/home/ops".to_owned()],
    };
    interpret(&parsed.script, &start)
}

/// The programs that were started, wrappers left out, in order.
fn ran(text: &str) -> Vec<String> {
    let seen = see(text);
    let mut all = Vec::new();
    for effect in &seen.effects {
        let program = effect.found.rule.starts_with("fake.")
            || effect.found.rule.contains("_program")
            || matches!(
                effect.found.rule.as_str(),
                "redirect.write" | "redirect.append"
            );
        let wrapper = matches!(
            effect.found.rule.as_str(),
            "fake.sudo"
                | "fake.env"
                | "fake.timeout"
                | "fake.xargs"
                | "fake.sh"
                | "fake.bash"
                | "fake.file"
        );
        if program && !wrapper && !all.contains(&effect.words) {
            all.push(effect.words.clone());
        }
    }
    all
}

/// The rules by which the shell itself was found to do something, with their levels.
fn flagged(text: &str) -> Vec<(String, RiskLevel)> {
    let mut all: Vec<(String, RiskLevel)> = Vec::new();
    for effect in see(text).effects {
        if let Some(level) = effect.found.level
            && !effect.found.rule.starts_with("fake.")
        {
            let flag = (effect.found.rule, level);
            if !all.contains(&flag) {
                all.push(flag);
            }
        }
    }
    all
}

fn check(rows: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (text, expect) in rows {
        let (mut found, mut expect) = (ran(text), expect.to_vec());
        found.sort();
        expect.sort_unstable();
        if found != expect {
            wrong.push(format!(
                "{text:?}\n   expected {expect:?}\n   found    {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each text is flagged by the rule; none means that nothing is flagged.
fn check_flags(rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expect) in rows {
        let found = flagged(text);
        let right = if expect.is_empty() {
            found.is_empty()
        } else {
            found.iter().any(|(rule, _)| rule == expect)
        };
        if !right {
            wrong.push(format!(
                "{text:?}\n   expected {expect:?}\n   found    {found:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn input_of(text: &str) -> Vec<Input> {
    use std::cell::RefCell;
    struct Inputs(RefCell<Vec<Input>>);
    impl Commands for Inputs {
        fn judge(&self, invocation: &Invocation) -> Option<Outcome> {
            if invocation.argv[0].as_text() == Some("tee") {
                self.0.borrow_mut().push(invocation.stdin.clone());
            }
            Fake.judge(invocation)
        }
        fn knows(&self, program: &str) -> bool {
            Fake.knows(program)
        }
    }
    let parsed = parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let inputs = Inputs(RefCell::new(Vec::new()));
    let start = Start {
        commands: &inputs,
        facts: &HostFacts::default(),
        directories: &[],
    };
    interpret(&parsed.script, &start);
    inputs.0.into_inner()
}
