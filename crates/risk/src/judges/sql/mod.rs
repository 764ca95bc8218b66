//! SQL by its clients: `psql`, `mysql`, `sqlite3`, `clickhouse-client`. The statements stand in options, in operands
//! or on the standard input; each is judged by itself, and so are the clients' own commands between them.

mod administration;
mod client;
mod functions;
mod phrases;
mod statement;
#[cfg(test)]
mod tests;
mod tokens;

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::given::{has_surely, values};
use super::ledger::Ledger;
use super::shells::script_file;
use super::words::{is_sink, is_stdin, program_text};
use statement::Judge;
use tokens::{Dialect, Token};

/// Most texts of psql that follow one another on a line.
const MOST_PARTS: usize = 50;

/// `psql`.
pub(super) fn psql(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let databases = values(matched, "-d --dbname").into_iter();
    for database in databases.chain(matched.operands.first()) {
        if client::names_a_machine(database.beginning()) {
            ledger.asks(database.clone(), "database");
        }
    }
    for command in values(matched, "-c --command") {
        judge_arg(&mut ledger, command, Dialect::Postgres);
    }
    for file in values(matched, "-f --file") {
        script(&mut ledger, invocation, file, Dialect::Postgres);
    }
    for file in values(matched, "-o --output") {
        if let Some(command) = file.as_text().and_then(|text| text.strip_prefix('|')) {
            ledger.shell(Arg::text(command));
        } else if file.as_text().is_none_or(|text| !is_sink(text)) {
            ledger.path(EffectKind::Overwrites, file.clone(), "-o");
        }
    }
    if !has_surely(matched, "-c --command -f --file -l --list") {
        from_stdin(&mut ledger, invocation, Dialect::Postgres);
    }
    ledger.finish()
}

/// `mysql`, `mariadb`.
pub(super) fn mysql(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    for command in values(matched, "-e --execute --init-command") {
        judge_arg(&mut ledger, command, Dialect::MySql);
    }
    if !has_surely(matched, "-e --execute") {
        from_stdin(&mut ledger, invocation, Dialect::MySql);
    }
    ledger.finish()
}

/// `sqlite3`.
pub(super) fn sqlite(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    for command in values(matched, "-cmd --cmd") {
        judge_arg(&mut ledger, command, Dialect::Sqlite);
    }
    for file in values(matched, "-init --init") {
        script(&mut ledger, invocation, file, Dialect::Sqlite);
    }
    if let Some(database) = matched.operands.first() {
        ledger.reads(database_file(database), "database");
    }
    let statements = matched.operands.get(1..).unwrap_or_default();
    for statement in statements {
        judge_arg(&mut ledger, statement, Dialect::Sqlite);
    }
    if statements.is_empty() {
        from_stdin(&mut ledger, invocation, Dialect::Sqlite);
    }
    ledger.finish()
}

/// `clickhouse-client`.
pub(super) fn clickhouse(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    for command in values(matched, "-q --query") {
        judge_arg(&mut ledger, command, Dialect::ClickHouse);
    }
    for file in values(matched, "--queries-file") {
        script(&mut ledger, invocation, file, Dialect::ClickHouse);
    }
    if !has_surely(matched, "-q --query --queries-file") {
        from_stdin(&mut ledger, invocation, Dialect::ClickHouse);
    }
    ledger.finish()
}

/// The file of a database that is named as an address.
fn database_file(database: &Arg) -> Arg {
    match database.as_text() {
        Some(text) => {
            let path = text.strip_prefix("file:").unwrap_or(text);
            Arg::text(path.split('?').next().unwrap_or(path))
        }
        None => database.clone(),
    }
}

/// Judges the statements of one word.
fn judge_arg(ledger: &mut Ledger, text: &Arg, dialect: Dialect) {
    match program_text(text) {
        Some(text) => statements(ledger, &text, dialect),
        None => ledger.says(
            EffectKind::Unknown,
            RiskLevel::High,
            "statement",
            "runs a statement that only the host knows",
        ),
    }
}

/// Statements in a file.
fn script(ledger: &mut Ledger, invocation: &Invocation, file: &Arg, dialect: Dialect) {
    if file.as_text().is_some_and(is_stdin) {
        from_stdin(ledger, invocation, dialect);
    } else {
        ledger.reads(file.clone(), "script");
        ledger.code("script", "runs a script of statements that is not seen");
    }
}

/// Statements on the standard input.
fn from_stdin(ledger: &mut Ledger, invocation: &Invocation, dialect: Dialect) {
    match &invocation.stdin {
        Input::Nothing => ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person to type statements",
        ),
        Input::Text(text) => statements(ledger, text, dialect),
        Input::File(file) => {
            ledger.reads(file.clone(), "script");
            script_file(ledger, invocation, file);
            ledger.code("script", "runs a script of statements that is not seen");
        }
        Input::Unknown(_) => ledger.code("stdin", "runs statements that are not seen"),
    }
}

/// Judges statements and the client's commands between them.
fn statements(ledger: &mut Ledger, text: &str, dialect: Dialect) {
    let mut waiting = Some(text.to_owned());
    for _ in 0..MOST_PARTS {
        let Some(text) = waiting.take() else { return };
        let Ok(tokens) = tokens::read(&text, dialect) else {
            return not_understood(ledger);
        };
        waiting = part(ledger, &tokens, dialect);
    }
    if waiting.is_some() {
        not_understood(ledger);
    }
}

fn not_understood(ledger: &mut Ledger) {
    ledger.says(
        EffectKind::Unknown,
        RiskLevel::High,
        "statement",
        "runs a statement that is not understood",
    );
}

/// Judges one text; yields what follows a command of psql on its line.
fn part(ledger: &mut Ledger, tokens: &[Token], dialect: Dialect) -> Option<String> {
    let mut start = 0;
    for (index, token) in tokens.iter().enumerate() {
        if !matches!(token, Token::End | Token::Client(_)) {
            continue;
        }
        one(ledger, &tokens[start..index], dialect);
        start = index + 1;
        let Token::Client(line) = token else { continue };
        match dialect {
            Dialect::Postgres => {
                let after = client::psql(ledger, line);
                if !after.trim().is_empty() {
                    // What stands on the lines below is judged with it, since a statement may go on there.
                    if start < tokens.len() {
                        not_understood(ledger);
                    }
                    return Some(after);
                }
            }
            Dialect::MySql => client::mysql(ledger, line),
            Dialect::Sqlite => client::sqlite(ledger, line),
            Dialect::ClickHouse => not_understood(ledger),
        }
    }
    one(ledger, &tokens[start..], dialect);
    None
}

/// Judges one statement.
fn one(ledger: &mut Ledger, tokens: &[Token], dialect: Dialect) {
    if let (Dialect::MySql, Some(Token::Word(first))) = (dialect, tokens.first()) {
        let rest: Vec<&str> = tokens[1..]
            .iter()
            .map(|token| match token {
                Token::Word(word) | Token::Name(word) | Token::Text(word) => word.as_str(),
                _ => "…",
            })
            .collect();
        if client::mysql_word(ledger, first, &rest.join(" ")) {
            // What the client takes is not parted as a statement is, so its words are not certain.
            if first == "system" {
                ledger.code("system", "has mysql run a command");
            }
            return;
        }
    }
    Judge {
        ledger,
        dialect,
        depth: 0,
    }
    .statement(tokens);
}
