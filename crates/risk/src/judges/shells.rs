//! Shells: `bash`, `sh`, `dash`, `zsh`, `ksh`, `fish`, `ash`. The text after `-c` and the text on standard input are
//! handed back to be judged as bash; what another shell reads otherwise than bash makes it high besides. A script in
//! a file is code that is not seen.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Nested, Outcome};
use crate::spec::Matched;
use crate::word::{Arg, Origin};

use super::ledger::Ledger;
use super::words::{base_name, is_foreign_program, is_stdin};

/// Letters of bash, dash, ksh, zsh and ash that do not change what is read as a command.
const LETTERS: &str = "abefhlmprtuvxBCEPT";

/// The same for fish, where other letters name files and commands.
const LETTERS_OF_FISH: &str = "lNP";

/// Long options without a value.
const LONG: &str = "--login --noprofile --norc --posix --restricted --verbose --noediting --debugger \
    --dump-strings --dump-po-strings --interactive --no-config --private";

/// Settings of `-o` that do not change how a text is read.
const SETTINGS: &str = "pipefail errexit nounset xtrace verbose noglob noclobber errtrace functrace allexport notify \
    monitor ignoreeof nolog physical";

/// Settings of `-O` that do not change how a text is read.
const SHOPTS: &str =
    "nullglob globstar dotglob failglob inherit_errexit lastpipe nocaseglob huponexit";

/// What dash and its like read otherwise than bash does: there it may be a command or a redirection.
const BASH_ONLY: [&str; 15] = [
    "$'",
    "$\"",
    "[[",
    "((",
    "&>",
    "|&",
    "<(",
    ">(",
    "<<<",
    "${ ",
    "function ",
    "coproc ",
    "select ",
    "!(",
    "time ",
];

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let shell = base_name(&invocation.argv[0]);
    let call = read_call(
        &mut ledger,
        &shell,
        invocation.argv.get(1..).unwrap_or_default(),
    );
    if call.only_tells {
        return ledger.finish();
    }
    if call.checks_only && !call.interactive {
        for script in call.operands.iter().take(1).filter(|_| !call.has_text) {
            ledger.reads(script.clone(), "-n");
        }
        return ledger.finish();
    }
    if call.has_text {
        run_text(&mut ledger, &shell, &call);
    } else if let (Some(script), false) = (call.operands.first(), call.from_stdin) {
        run_file(&mut ledger, invocation, script);
    } else {
        run_stdin(&mut ledger, &shell, invocation, &call);
    }
    ledger.finish()
}

/// How a shell is called.
#[derive(Default)]
struct Call {
    has_text: bool,
    from_stdin: bool,
    checks_only: bool,
    only_tells: bool,
    interactive: bool,
    operands: Vec<Arg>,
}

/// Parts the words of a shell.
fn read_call(ledger: &mut Ledger, shell: &str, words: &[Arg]) -> Call {
    let mut call = Call::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(text) = word.as_text() else {
            if word.may_be_option() {
                ledger.code(
                    "option",
                    "starts a shell with a word that only the host knows, which may be an option",
                );
            }
            break;
        };
        if matches!(text, "--" | "-") {
            at += 1;
            break;
        }
        if text.len() < 2 || !text.starts_with(['-', '+']) {
            break;
        }
        at += 1;
        if text.starts_with("--") {
            at += long_option(ledger, &mut call, text);
        } else {
            let next = words.get(at..).unwrap_or_default();
            at += letters(ledger, &mut call, (shell, text), next);
        }
    }
    call.operands = words.get(at..).unwrap_or_default().to_vec();
    call
}

/// A long option; yields how many further words it takes.
fn long_option(ledger: &mut Ledger, call: &mut Call, text: &str) -> usize {
    match text {
        "--help" | "--version" => call.only_tells = true,
        "--no-execute" => call.checks_only = true,
        "--command" => call.has_text = true,
        "--rcfile" | "--init-file" | "--init-command" => {
            ledger.code("rcfile", "runs code from a start file that is not seen");
            return 1;
        }
        _ if super::options::listed(LONG, text) => {
            call.interactive |= text == "--interactive";
        }
        _ => ledger.code("option", "starts a shell with an option that is not known"),
    }
    0
}

/// A bundle of letters; yields how many further words it takes.
fn letters(
    ledger: &mut Ledger,
    call: &mut Call,
    (shell, text): (&str, &str),
    next: &[Arg],
) -> usize {
    let harmless = if shell == "fish" {
        LETTERS_OF_FISH
    } else {
        LETTERS
    };
    let on = text.starts_with('-');
    let mut taken = 0;
    for letter in text.chars().skip(1) {
        match letter {
            'c' if on => call.has_text = true,
            's' if on => call.from_stdin = true,
            'n' if on => call.checks_only = true,
            'D' if on && shell == "bash" => call.checks_only = true,
            'i' => call.interactive = true,
            'o' | 'O' if shell != "fish" => {
                let list = if letter == 'o' { SETTINGS } else { SHOPTS };
                let known = next
                    .get(taken)
                    .and_then(Arg::as_text)
                    .is_some_and(|name| super::options::listed(list, name));
                if !known {
                    ledger.code(
                        "setting",
                        "starts a shell with a setting that changes how it reads its text",
                    );
                }
                taken += 1;
            }
            letter if harmless.contains(letter) => {}
            _ => ledger.code("option", "starts a shell with an option that is not known"),
        }
    }
    taken
}

/// The text after `-c`.
fn run_text(ledger: &mut Ledger, shell: &str, call: &Call) {
    let Some((text, arguments)) = call.operands.split_first() else {
        ledger.unknown("-c", "runs a text that is missing");
        return;
    };
    note_dialect(ledger, shell, text);
    ledger.shell_with(text.clone(), arguments.to_vec(), None);
}

/// A script in a file.
fn run_file(ledger: &mut Ledger, invocation: &Invocation, script: &Arg) {
    if let Some(text) = script.as_text()
        && is_stdin(text)
    {
        ledger.nest(Nested::ShellInput { context: None });
        return;
    }
    ledger.reads(script.clone(), "script");
    script_file(ledger, invocation, script);
}

/// That code in a file is run: high where anybody may have put it there.
pub(super) fn script_file(ledger: &mut Ledger, invocation: &Invocation, script: &Arg) {
    let shown = script.shown();
    if is_foreign_program(script, &invocation.context) {
        let sentence = format!("runs code from {shown}, which anybody may have put there");
        ledger.says(EffectKind::RunsCode, RiskLevel::High, "script", &sentence);
    } else {
        let sentence = format!("runs code from {shown}, which is not seen here");
        ledger.says(EffectKind::RunsCode, RiskLevel::Medium, "script", &sentence);
    }
}

/// What stands on the standard input.
fn run_stdin(ledger: &mut Ledger, shell: &str, invocation: &Invocation, call: &Call) {
    match &invocation.stdin {
        Input::Nothing => ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "starts a shell that waits for a person",
        ),
        Input::Text(text) => {
            let text = Arg::text(text.clone());
            note_dialect(ledger, shell, &text);
            if call.operands.is_empty() {
                ledger.nest(Nested::ShellInput { context: None });
            } else {
                let mut arguments = vec![Arg::text(shell)];
                arguments.extend(call.operands.iter().cloned());
                ledger.shell_with(text, arguments, Some(Input::Unknown(Origin::Input)));
            }
        }
        Input::File(_) | Input::Unknown(_) => {
            ledger.nest(Nested::ShellInput { context: None });
        }
    }
}

/// Makes a text high where the shell may read it otherwise than bash does.
fn note_dialect(ledger: &mut Ledger, shell: &str, text: &Arg) {
    let Some(text) = text.as_text() else {
        return;
    };
    let differs = match shell {
        "bash" | "rbash" => false,
        "sh" | "dash" | "ash" | "busybox" => {
            BASH_ONLY.iter().any(|form| text.contains(form)) || text.contains("@(")
        }
        _ => !is_common_to_all_shells(text),
    };
    if differs {
        ledger.code(
            "dialect",
            "runs a text that this shell may read otherwise than bash does",
        );
    }
}

/// Whether a text has only what bash, zsh, ksh and fish read alike: plain words, quotes without expansions, `;`, `|`
/// and `&&`.
fn is_common_to_all_shells(text: &str) -> bool {
    let plain =
        |letter: char| letter.is_ascii_alphanumeric() || " _./:@%,+-;|&'\"\n".contains(letter);
    text.chars().all(plain) && !text.contains("|&") && !text.contains("&|") && !text.contains("&!")
}
