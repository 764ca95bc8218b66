//! Commands of the clients themselves, between statements: backslash commands of psql and mysql, words of mysql, dot
//! commands of sqlite3. Most only show; some run a command, read a script or write a file.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::word::Arg;

use super::super::ledger::Ledger;
use super::super::options::listed;

/// Commands of psql that show, or set how it shows.
const PSQL_SHOWS: &str = "a C conninfo copyright crosstabview echo qecho warn encoding errverbose f g gx gdesc gset H h help \
    if elif else endif l list l+ p pset q quit r reset sf sf+ sv sv+ set unset t T timing x z ? c connect lo_list dconfig \
    d d+ dS dS+";

/// Dot commands of sqlite3 that show, or set how it shows.
const SQLITE_SHOWS: &str = "bail binary changes crlf crnl databases dbinfo dbtotxt dump echo eqp exit expert explain fullschema \
    header headers help indexes indices lint limit mode nullvalue parameter print progress prompt quit scanstats schema \
    separator sha3sum show stats tables timeout timer version vfsinfo vfslist vfsname width recover connection nonce";

/// A word of a client command.
struct Word {
    text: String,
    /// A command in backquotes, which the client runs to get the word.
    runs: bool,
}

/// A command of psql, behind its backslash; yields what follows it as a statement.
pub(super) fn psql(ledger: &mut Ledger, line: &str) -> String {
    let end = line
        .find(|letter: char| letter.is_whitespace() || letter == '\\' || letter == '|')
        .unwrap_or(line.len());
    let name = &line[..end];
    if let Some(command) = line.strip_prefix('!') {
        ledger.shell(Arg::text(command.trim()));
        return String::new();
    }
    let rest = &line[end..];
    if name == "copy" {
        copy(ledger, rest);
        return String::new();
    }
    let takes_pipe = matches!(name, "g" | "gx" | "o" | "out" | "w" | "write");
    if takes_pipe && let Some(command) = rest.trim_start().strip_prefix('|') {
        ledger.shell(Arg::text(command.trim()));
        return String::new();
    }
    let Some((words, after)) = psql_words(rest) else {
        ledger.code("backslash", "gives psql a command that is not understood");
        return String::new();
    };
    for word in words.iter().filter(|word| word.runs) {
        ledger.shell(Arg::text(&word.text));
    }
    psql_command(ledger, name, &words);
    after
}

/// What a command of psql does with its words.
fn psql_command(ledger: &mut Ledger, name: &str, words: &[Word]) {
    let first = words.first().map(|word| Arg::text(&word.text));
    let describes = name.starts_with('d')
        && name.len() <= 6
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphabetic() || letter == '+')
        && name != "drop";
    match (name, first) {
        ("g" | "gx" | "o" | "out" | "w" | "write", Some(path)) => {
            let options = path.beginning().starts_with('(');
            if !options || words.len() > 1 {
                ledger.path(EffectKind::Overwrites, path, name);
            }
        }
        ("o" | "out", None) => {}
        ("c" | "connect", Some(database))
            if words.len() > 2 || names_a_machine(database.beginning()) =>
        {
            let machine = words.get(2).map_or(database, |word| Arg::text(&word.text));
            ledger.asks(machine, "connect");
        }
        ("i" | "ir" | "include" | "include_relative", Some(path)) => {
            ledger.reads(path, name);
            ledger.code(name, "runs a script of statements that is not seen");
        }
        ("watch", _) => ledger.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            name,
            "runs the statement again and again",
        ),
        ("gexec", _) => ledger.code(name, "runs what a query yields as statements"),
        ("s", _) => ledger.says(
            EffectKind::Secrets,
            RiskLevel::High,
            name,
            "shows or writes the history of statements",
        ),
        ("setenv", _) => ledger.says(
            EffectKind::Environment,
            RiskLevel::High,
            name,
            "sets a variable of what psql starts",
        ),
        ("e" | "edit" | "ef" | "ev" | "password" | "prompt", _) => ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            name,
            "waits for a person",
        ),
        _ if describes || listed(PSQL_SHOWS, name) => {}
        _ => ledger.code("backslash", "gives psql a command that is not known"),
    }
}

/// Whether what psql connects to is said with its machine: an address, or settings of a connection.
pub(super) fn names_a_machine(database: &str) -> bool {
    database.contains(['=', ':'])
}

/// `\copy`, which reads and writes files on this side.
fn copy(ledger: &mut Ledger, rest: &str) {
    let lower = rest.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let to_stdout = words
        .windows(2)
        .any(|pair| pair == ["to", "stdout"] || pair == ["to", "pstdout"]);
    if to_stdout && !lower.contains("program") {
        let query = rest.trim_start();
        super::statements(
            ledger,
            &format!("copy {query}"),
            super::tokens::Dialect::Postgres,
        );
    } else {
        ledger.code("copy", "copies between a table and a file or a command");
    }
}

/// The words of a command of psql, and what follows them as a statement.
fn psql_words(text: &str) -> Option<(Vec<Word>, String)> {
    let mut words = Vec::new();
    let letters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        match letter {
            _ if letter.is_whitespace() => at += 1,
            '\\' if letters.get(at + 1) == Some(&'\\') => {
                return Some((words, letters[at + 2..].iter().collect()));
            }
            '\\' => return Some((words, letters[at..].iter().collect())),
            '\'' | '"' | '`' => {
                let end = quoted_end(&letters, at)?;
                words.push(Word {
                    text: letters[at + 1..end].iter().collect(),
                    runs: *letter == '`',
                });
                at = end + 1;
            }
            _ => {
                let start = at;
                while letters.get(at).is_some_and(|next| {
                    !next.is_whitespace() && !matches!(next, '\\' | '\'' | '"' | '`')
                }) {
                    at += 1;
                }
                words.push(Word {
                    text: letters[start..at].iter().collect(),
                    runs: false,
                });
            }
        }
    }
    Some((words, String::new()))
}

/// Where a quoted word ends. Escapes in one are refused.
fn quoted_end(letters: &[char], start: usize) -> Option<usize> {
    let quote = letters[start];
    let end = letters[start + 1..]
        .iter()
        .position(|letter| *letter == quote)?
        + start
        + 1;
    let escapes = letters[start..end].contains(&'\\');
    (!escapes).then_some(end)
}

/// A backslash command of mysql.
pub(super) fn mysql(ledger: &mut Ledger, line: &str) {
    let mut letters = line.chars().skip(1);
    let name = letters.next().unwrap_or(' ');
    let rest: String = letters.collect();
    match name {
        '!' => ledger.shell(Arg::text(rest.trim().trim_end_matches(';'))),
        'c' | 'h' | '?' | 's' | 'w' | 'W' | 'u' | 'r' | 'n' | 't' | 'p' | 'q' | 'C' | 'x' | 'R'
            if rest.trim().is_empty() => {}
        _ => ledger.code("backslash", "gives mysql a command that is not known"),
    }
}

/// Whether a line begins with a word that mysql takes for itself; yields whether it was one.
pub(super) fn mysql_word(ledger: &mut Ledger, first: &str, rest: &str) -> bool {
    match first {
        "system" => ledger.shell(Arg::text(rest)),
        "status" | "use" | "warnings" | "nowarning" | "notee" | "nopager" | "rehash" | "exit"
        | "quit" | "clear" | "ego" | "go" | "help" => {}
        "source"
        | "tee"
        | "pager"
        | "delimiter"
        | "edit"
        | "connect"
        | "prompt"
        | "charset"
        | "resetconnection"
        | "query_attributes"
        | "ssl_session_data_print" => {
            ledger.code(
                "client",
                "has mysql read a script, write a file or run a pager",
            );
        }
        _ => return false,
    }
    true
}

/// A dot command of sqlite3.
pub(super) fn sqlite(ledger: &mut Ledger, line: &str) {
    let line = line.trim().trim_start_matches('.');
    let (name, rest) = line
        .split_once(|letter: char| letter.is_whitespace())
        .unwrap_or((line, ""));
    let rest = rest.trim();
    let Some(words) = sqlite_words(rest) else {
        return ledger.code("dot", "gives sqlite3 a command that is not understood");
    };
    let last = words.last().filter(|word| !word.starts_with('-'));
    match name {
        "shell" | "system" => ledger.shell(Arg::text(rest)),
        "output" | "once" | "log" | "trace" => match last {
            None => {
                if words.iter().any(|word| word.starts_with('-')) {
                    ledger.code(
                        name,
                        "opens an editor or another program with what it yields",
                    );
                }
            }
            Some(file) if matches!(file.as_str(), "stdout" | "stderr" | "off" | "on") => {}
            Some(file) if file.starts_with('|') => {
                ledger.shell(Arg::text(file.trim_start_matches('|')));
            }
            Some(file) => ledger.path(EffectKind::Overwrites, Arg::text(file), name),
        },
        "backup" | "save" | "clone" => match last {
            Some(file) => ledger.path(EffectKind::Overwrites, Arg::text(file), name),
            None => ledger.unknown(name, "writes a copy of the database"),
        },
        "open"
            if !words
                .iter()
                .any(|word| word.starts_with("--new") || word.starts_with("-new")) =>
        {
            if let Some(file) = last {
                ledger.reads(Arg::text(file), name);
            }
        }
        "import" => ledger.says(
            EffectKind::DatabaseWrites,
            RiskLevel::High,
            name,
            "adds what a file or a command holds to a table",
        ),
        _ if listed(SQLITE_SHOWS, name) => {}
        _ => ledger.code(
            "dot",
            "gives sqlite3 a command that runs, reads or writes something",
        ),
    }
}

/// The words of a dot command; escapes are refused.
fn sqlite_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' || first == '"' {
            let (word, after) = rest[1..].split_once(first)?;
            if first == '"' && word.contains('\\') {
                return None;
            }
            words.push(word.to_owned());
            rest = after.trim_start();
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            words.push(rest[..end].to_owned());
            rest = rest[end..].trim_start();
        }
    }
    Some(words)
}
