//! Editors: `vi`, `vim`, `nvim`, `ex`, `ed`, `emacs`, `nano`. They wait for a person. A script that is given to them
//! is read for the commands and the files that it names; what it does besides is not looked at.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::ledger::Ledger;
use super::words::{base_name, program_text};

/// `vi` and its like, `ex`, `emacs`, `nano`.
pub(super) fn screen(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let words = invocation.argv.get(1..).unwrap_or_default();
    let first = words.first().and_then(Arg::as_text).unwrap_or_default();
    if words.len() == 1 && matches!(first, "--version" | "--help" | "-h") {
        return ledger.finish();
    }
    ledger.says(
        EffectKind::Interactive,
        RiskLevel::High,
        "terminal",
        "opens an editor, which waits for a person or runs a script of its own",
    );
    let is_line_editor = base_name(&invocation.argv[0]) == "ex"
        || words
            .iter()
            .any(|word| matches!(word.as_text(), Some("-e" | "-E" | "-es" | "-Es")));
    let files = commands(&mut ledger, words, is_line_editor);
    if let Input::Text(text) = &invocation.stdin {
        for line in text.lines() {
            ex_command(&mut ledger, line, &files);
        }
    }
    ledger.finish()
}

/// Reads the commands among the words of an editor; yields the files.
fn commands(ledger: &mut Ledger, words: &[Arg], is_line_editor: bool) -> Vec<Arg> {
    let mut files = Vec::new();
    let mut scripts = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        match word.as_text() {
            Some("-c" | "--cmd" | "--eval" | "--execute" | "-eval") => {
                scripts.extend(words.get(at).cloned());
                at += 1;
            }
            Some("-s") if is_line_editor => {}
            Some("-S" | "-s" | "-u" | "-l" | "--load" | "--script") => {
                ledger.code("script", "runs a script of an editor that is not seen");
                at += usize::from(words.get(at).is_some_and(|next| !next.may_be_option()));
            }
            Some(text) if text.starts_with('+') => scripts.push(Arg::text(&text[1..])),
            Some(text) if text.starts_with('-') && text.len() > 1 => {}
            _ => files.push(word.clone()),
        }
    }
    for file in &files {
        ledger.reads(file.clone(), "file");
    }
    for script in scripts {
        match program_text(&script) {
            Some(text) => {
                for line in text.lines() {
                    ex_command(ledger, line, &files);
                }
            }
            None => ledger.code(
                "script",
                "runs a command of an editor that only the host knows",
            ),
        }
    }
    files
}

/// One command of ex: what it runs and what it writes.
fn ex_command(ledger: &mut Ledger, line: &str, files: &[Arg]) {
    let line = line.trim_start_matches([':', ' ', '\t']);
    let body = line
        .trim_start_matches(|letter: char| letter.is_ascii_digit() || ",%$.;'<>".contains(letter));
    for part in body.split('|').map(str::trim) {
        let part = part.trim_start_matches(':');
        let name_end = part
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(part.len());
        let (name, rest) = part.split_at(name_end);
        let rest = rest.trim_start_matches('!').trim();
        match name {
            "w" | "wq" | "write" | "x" | "xit" | "wa" | "wqa" | "up" | "update" | "sav"
            | "saveas" | "ZZ" => {
                if rest.is_empty() {
                    for file in files {
                        ledger.path(EffectKind::Overwrites, file.clone(), "write");
                    }
                } else if let Some(path) = rest.strip_prefix(">>") {
                    ledger.path(EffectKind::Writes, Arg::text(path.trim()), "write");
                } else {
                    ledger.path(EffectKind::Overwrites, Arg::text(rest), "write");
                }
            }
            "r" | "read" | "e" | "edit" if !rest.is_empty() => {
                ledger.reads(Arg::text(rest), "read");
            }
            _ => {}
        }
    }
    // Everything behind the first exclamation mark may be a command for a shell.
    if let Some((before, command)) = line.split_once('!') {
        let writes = matches!(
            before.trim_start_matches('%'),
            "w" | "wq" | "q" | "x" | "write" | "e" | "wqa" | "qa" | "wa"
        );
        if !command.trim().is_empty()
            && (!writes || command.starts_with(|letter: char| letter != ' '))
        {
            ledger.shell(Arg::text(command.trim()));
        }
    }
    for call in ["system(", "shell-command", "call-process", "systemlist("] {
        if let Some((_, after)) = line.split_once(call)
            && let Some(command) = literal(after)
        {
            ledger.shell(Arg::text(command));
        }
    }
}

/// The first quoted text of a line.
fn literal(text: &str) -> Option<String> {
    let start = text.find(['"', '\''])?;
    let quote = text[start..].chars().next()?;
    let (inside, _) = text[start + 1..].split_once(quote)?;
    Some(inside.to_owned())
}

/// `ed`: its script stands on the standard input.
pub(super) fn line(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let files = matched.operands.as_slice();
    for file in files {
        match file.as_text().and_then(|text| text.strip_prefix('!')) {
            Some(command) => ledger.shell(Arg::text(command)),
            None => ledger.reads(file.clone(), "file"),
        }
    }
    match &invocation.stdin {
        Input::Text(text) => ed_script(&mut ledger, text, files),
        Input::Nothing => ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "opens an editor that waits for a person",
        ),
        Input::File(_) | Input::Unknown(_) => {
            ledger.code("stdin", "runs a script of an editor that is not seen");
        }
    }
    ledger.finish()
}

/// A script of ed. Text that is being added ends with a line that is a dot.
fn ed_script(ledger: &mut Ledger, text: &str, files: &[Arg]) {
    let mut adding = false;
    for line in text.lines() {
        if adding {
            adding = line != ".";
            continue;
        }
        let line = line.trim_start();
        if let Some(command) = line.strip_prefix('!') {
            ledger.shell(Arg::text(command));
            continue;
        }
        let Some(body) = ed_command(line) else {
            ledger.code(
                "script",
                "runs a script of an editor that is not understood",
            );
            return;
        };
        let Some(name) = body.chars().next() else {
            continue;
        };
        let rest = body[name.len_utf8()..].trim();
        match name {
            'a' | 'i' | 'c' => adding = true,
            'w' | 'W' | 'r' | 'e' | 'E' | 'f' => ed_file(ledger, name, rest, files),
            'p' | 'n' | 'l' | 'd' | 'q' | 'Q' | 'h' | 'H' | 'j' | 'k' | 'm' | 't' | 'u' | 'P'
            | '=' | 's' | 'x' | 'y' | 'z' => {}
            _ => ledger.code(
                "script",
                "runs a script of an editor that is not understood",
            ),
        }
    }
}

/// A command of ed that names a file.
fn ed_file(ledger: &mut Ledger, name: char, rest: &str, files: &[Arg]) {
    let rest = rest
        .strip_prefix('q')
        .filter(|_| name == 'w')
        .unwrap_or(rest)
        .trim();
    if let Some(command) = rest.strip_prefix('!') {
        ledger.shell(Arg::text(command));
    } else if name == 'w' || name == 'W' {
        let kind = if name == 'w' {
            EffectKind::Overwrites
        } else {
            EffectKind::Writes
        };
        if rest.is_empty() {
            for file in files {
                ledger.path(kind, file.clone(), "w");
            }
        } else {
            ledger.path(kind, Arg::text(rest), "w");
        }
    } else if !rest.is_empty() {
        ledger.reads(Arg::text(rest), "r");
    }
}

/// A command of ed without the addresses before it; none where those are not understood.
fn ed_command(line: &str) -> Option<&str> {
    let mut rest = line;
    loop {
        let letter = rest.chars().next();
        match letter {
            Some('/' | '?') => {
                let delimiter = letter?;
                let end = rest[1..].find(delimiter)? + 1;
                if rest[1..end].contains('\\') {
                    return None;
                }
                rest = &rest[end + 1..];
            }
            Some('\'') => rest = rest.get(2..)?,
            Some(letter) if letter.is_ascii_digit() || ",;.$+-% ".contains(letter) => {
                rest = &rest[1..];
            }
            // A global command holds others.
            Some('g' | 'G' | 'v' | 'V') => return None,
            _ => return Some(rest),
        }
    }
}
