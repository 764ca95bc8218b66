//! Commands and files in programs: what stands as text in a call that runs, deletes or writes something. It is looked
//! for everywhere, and what is found only ever adds to what the program is taken for.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Found, Nested, Target};
use crate::word::Arg;

use super::super::ledger::Ledger;
use super::super::options::listed;
use super::tokens::{Language, Token, read};

/// Most programs within programs.
const MOST_DEPTH: usize = 3;

/// Calls that have a shell run their text, or a program their list.
const RUNS: &str = "system popen popen2 popen3 exec execv execvp execl execlp passthru shell_exec proc_open spawn spawnSync execSync \
    execFile execFileSync check_output check_call call run Popen getoutput getstatusoutput spawnlp spawnvp capture2 capture2e \
    capture3 execute";

/// Calls that run their text as code of the same language.
const EVALUATES: &str =
    "exec eval compile instance_eval class_eval runInThisContext loadstring load assert";

/// Calls that send a signal.
const SIGNALS: &str = "kill killpg posix_kill";

/// Calls that delete a whole directory.
const DELETES_TREE: &str =
    "rmtree rm_rf rm_r remove_tree rmSync rm remove_dir remove_entry_secure removeSync rimraf";

/// Calls that delete a file.
const DELETES: &str = "unlink remove unlinkSync delete rmdir rmdirSync removedirs";

/// Calls that write the file that they name first.
const OVERWRITES: &str = "write_text write_bytes writeFileSync writeFile file_put_contents truncateSync truncate write binwrite";

/// Calls that decode their text.
const DECODES: &str = "b64decode urlsafe_b64decode standard_b64decode decode_base64 base64_decode decode64 strict_decode64 \
    decodebytes decodestring atob";

/// Of these names those that mean something else on another thing than one of `OWNERS`.
const COMMON_NAMES: &str =
    "write binwrite remove delete rm truncate run call execute load compile assert";

/// Modules and classes that files and commands are handled with.
const OWNERS: &str =
    "os shutil File FileUtils fs fsPromises promises subprocess sp Dir io child_process path";

/// A text, and how it was hidden.
struct Literal {
    text: String,
    hidden: Option<&'static str>,
}

/// Writes down what a program's texts would do.
pub(super) fn note(
    ledger: &mut Ledger,
    tokens: &[Token],
    language: Language,
    hidden: Option<&'static str>,
    depth: usize,
) {
    bombs(ledger, tokens);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Command(command) => run(
                ledger,
                Literal {
                    text: command.clone(),
                    hidden,
                },
            ),
            Token::Name(name) => {
                if listed(COMMON_NAMES, name) && !has_owner(tokens, at) {
                    continue;
                }
                let rest = arguments(&tokens[at + 1..]);
                call(ledger, name, rest, language, hidden, depth);
            }
            Token::Text { text, .. } if language == Language::Perl && text.starts_with('>') => {
                let path = text.trim_start_matches('>').trim();
                if !path.is_empty() {
                    ledger.path(EffectKind::Overwrites, Arg::text(path), "open");
                }
            }
            _ => {}
        }
    }
}

/// Whether a name is called on a thing that handles files or commands.
fn has_owner(tokens: &[Token], at: usize) -> bool {
    match tokens[..at] {
        [.., Token::Name(ref owner), Token::Sign('.')] => listed(OWNERS, owner),
        _ => false,
    }
}

/// What a call by this name does with its arguments.
fn call(
    ledger: &mut Ledger,
    name: &str,
    rest: &[Token],
    language: Language,
    hidden: Option<&'static str>,
    depth: usize,
) {
    if listed(SIGNALS, name)
        && let Some(process) = foundation(rest, language)
    {
        let target = Target::Process(Arg::text(process));
        ledger.add(Found::to(EffectKind::Signals, target, ledger.rule(name)));
    }
    if listed(RUNS, name) {
        runs(ledger, rest, language, hidden);
    }
    let Some((literal, after)) = literal(rest, language) else {
        return;
    };
    if listed(EVALUATES, name) && depth < MOST_DEPTH {
        let inner = read(&literal.text, language);
        note(
            ledger,
            &inner.tokens,
            language,
            literal.hidden.or(hidden),
            depth + 1,
        );
    }
    let path = Arg::text(&literal.text);
    if listed(DELETES_TREE, name) {
        let rule = ledger.rule(name);
        ledger.add(Found {
            recursive: true,
            ..Found::to(EffectKind::DeletesTree, Target::Path(path), rule)
        });
    } else if listed(DELETES, name) {
        ledger.path(EffectKind::Deletes, path, name);
    } else if listed(OVERWRITES, name) {
        ledger.path(EffectKind::Overwrites, path, name);
    } else if name == "open" || name == "fopen" {
        open(ledger, path, after);
    }
}

/// The process that holds up all others, or all of them at once, where a signal is sent there. Perl and Ruby name the
/// signal first and processes behind it, the others a process and then the signal.
fn foundation(rest: &[Token], language: Language) -> Option<&'static str> {
    let ends = |token: &&Token| !matches!(token, Token::Sign(')' | ';') | Token::Line);
    let arguments: Vec<&Token> = rest.iter().take_while(ends).collect();
    let mut arguments = arguments.split(|token| **token == Token::Sign(','));
    let first = arguments.next()?;
    let signal_first = matches!(language, Language::Perl | Language::Ruby);
    // A fat comma of Perl is an arrow here.
    let (first, second) = match first.iter().position(|token| **token == Token::Sign('>')) {
        Some(at) if signal_first => (&first[..at], Some(&first[at + 1..])),
        _ => (first, None),
    };
    let to_groups = signal_first && first.contains(&&Token::Sign('-'));
    let processes: Vec<&[&Token]> = if signal_first {
        second.into_iter().chain(arguments).collect()
    } else {
        vec![first]
    };
    processes.into_iter().find_map(|process| match process {
        [Token::Sign('-'), Token::Number(number)] if number == "1" => Some("-1"),
        [Token::Number(number)] if number == "1" => Some(if to_groups { "-1" } else { "1" }),
        _ => None,
    })
}

/// `open(path, mode)`.
fn open(ledger: &mut Ledger, path: Arg, after: &[Token]) {
    match after {
        [Token::Sign(','), Token::Text { text, .. }, ..] if text.contains(['w', 'x', '+', '>']) => {
            ledger.path(EffectKind::Overwrites, path, "open");
        }
        [Token::Sign(','), Token::Text { text, .. }, ..] if text.contains('a') => {
            ledger.path(EffectKind::Writes, path, "open");
        }
        _ => ledger.reads(path, "open"),
    }
}

/// The words behind an opening bracket, where one stands.
fn arguments(tokens: &[Token]) -> &[Token] {
    match tokens {
        [Token::Sign('('), rest @ ..] => rest,
        rest => rest,
    }
}

/// A text that is written out, joined or decoded; yields what follows it.
fn literal(tokens: &[Token], language: Language) -> Option<(Literal, &[Token])> {
    let (mut whole, mut rest) = part(tokens)?;
    loop {
        let joins = match rest.first() {
            Some(Token::Sign('+')) => {
                matches!(language, Language::Python | Language::Ruby | Language::Node)
            }
            Some(Token::Sign('.')) => {
                matches!(language, Language::Perl | Language::Php | Language::Lua)
            }
            Some(Token::Text { .. }) => {
                let Some((next, after)) = part(rest) else {
                    break;
                };
                whole.text.push_str(&next.text);
                rest = after;
                continue;
            }
            _ => false,
        };
        if !joins {
            break;
        }
        let skip = rest.iter().take_while(|token| **token == rest[0]).count();
        let Some((next, after)) = part(&rest[skip..]) else {
            break;
        };
        whole.text.push_str(&next.text);
        whole.hidden = whole.hidden.or(next.hidden);
        rest = after;
    }
    Some((whole, rest))
}

/// One text, or one that is decoded.
fn part(tokens: &[Token]) -> Option<(Literal, &[Token])> {
    if let [Token::Text { text, live: false }, rest @ ..] = tokens {
        let literal = Literal {
            text: text.clone(),
            hidden: None,
        };
        return Some((literal, rest));
    }
    // `base64.b64decode("…")`: names and dots before the call that decodes.
    let start = tokens
        .iter()
        .take(6)
        .position(|token| matches!(token, Token::Name(name) if listed(DECODES, name)))?;
    let only_names = tokens[..start]
        .iter()
        .all(|token| matches!(token, Token::Name(_) | Token::Sign('.' | ':')));
    if !only_names {
        return None;
    }
    let (Token::Text { text, .. }, rest) = arguments(&tokens[start + 1..]).split_first()? else {
        return None;
    };
    let bytes = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE]
        .iter()
        .find_map(|engine| engine.decode(text.trim()).ok())?;
    let literal = Literal {
        text: String::from_utf8_lossy(&bytes).into_owned(),
        hidden: Some("base64"),
    };
    let mut rest = rest;
    while let [Token::Sign(')'), after @ ..] = rest {
        rest = after;
        if let [
            Token::Sign('.'),
            Token::Name(name),
            Token::Sign('('),
            after @ ..,
        ] = rest
            && name == "decode"
        {
            rest = after;
        } else {
            break;
        }
    }
    Some((literal, rest))
}

/// What a call runs: a text for a shell, or a list of words.
fn runs(ledger: &mut Ledger, rest: &[Token], language: Language, hidden: Option<&'static str>) {
    let mut argv = Vec::new();
    let mut rest = rest;
    let mut is_list = false;
    if let [Token::Sign('['), inside @ ..] = rest {
        rest = inside;
        is_list = true;
    }
    let mut how = hidden;
    while let Some((literal, after)) = literal(rest, language) {
        how = how.or(literal.hidden);
        argv.push(literal.text);
        rest = after;
        match rest {
            [Token::Sign(','), Token::Sign('['), inside @ ..] => {
                rest = inside;
                is_list = true;
            }
            [Token::Sign(','), inside @ ..] => rest = inside,
            _ => break,
        }
    }
    let several =
        is_list || (argv.len() > 1 && matches!(language, Language::Perl | Language::Ruby));
    match (argv.is_empty(), several) {
        (true, _) => {}
        (false, true) => ledger.runs(argv.into_iter().map(Arg::text).collect(), None, None),
        (false, false) => run(
            ledger,
            Literal {
                text: argv.swap_remove(0),
                hidden: how,
            },
        ),
    }
}

/// A text for a shell.
fn run(ledger: &mut Ledger, literal: Literal) {
    ledger.nest(Nested::Shell {
        text: Arg::text(literal.text),
        arguments: Vec::new(),
        stdin: None,
        context: None,
        hidden: literal.hidden.map(str::to_owned),
    });
}

/// A program that starts itself again and again.
fn bombs(ledger: &mut Ledger, tokens: &[Token]) {
    let names = |wanted: &str| {
        tokens
            .iter()
            .filter(|token| matches!(token, Token::Name(name) if listed(wanted, name)))
            .count()
    };
    let forks = names("fork");
    if forks > 1 || (forks > 0 && names("while until for loop forever foreach") > 0) {
        let rule = ledger.rule("fork");
        ledger.add(
            Found::plain(EffectKind::Unbounded, rule)
                .at_least(RiskLevel::Forbidden)
                .saying("starts itself again and again until the host stands still"),
        );
    }
}
