//! What one SQL statement does. Only statements that are known to look are taken for looking, and only with functions
//! that are known to compute.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::word::Arg;

use super::super::ledger::Ledger;
use super::super::options::listed;
use super::functions::{Function, function, is_keyword};
use super::phrases::{
    closing, depth_at, follows, is, is_alias, is_always_true, is_common_table, is_insert_target,
    is_part_of_name, name_is, schema_of, shown, target, unwrapped, word_at,
};
use super::tokens::{Dialect, Token};

/// Deepest chain of statements that hold one another as texts.
const MOST_DEPTH: usize = 4;

/// Names of relations and columns that hold secrets.
const SECRETS: &str = "pg_shadow pg_authid pg_user_mapping pg_user_mappings authentication_string global_priv rolpassword \
    password passwd password_hash passwordhash hashed_password encrypted_password secret secret_key client_secret api_key \
    apikey access_token refresh_token auth_token session_token private_key totp_secret sha256_password ssl_key";

/// Judges one statement.
pub(super) struct Judge<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) dialect: Dialect,
    pub(super) depth: usize,
}

impl Judge<'_> {
    /// Judges the words of one statement, without its end.
    pub(super) fn statement(&mut self, tokens: &[Token]) {
        let tokens = unwrapped(tokens);
        let Some(first) = tokens.first() else { return };
        let Token::Word(first) = first else {
            return self.unknown();
        };
        match first.as_str() {
            "select" | "values" | "table" | "with" | "from" => self.query(tokens),
            "show" | "exists" => self.show(tokens),
            "explain" | "describe" | "desc" => self.explain(tokens),
            "analyze" | "analyse" => self.analyze(tokens),
            "insert" | "update" | "delete" | "merge" | "replace" => self.writes(tokens),
            "pragma" if self.dialect == Dialect::Sqlite => self.pragma(tokens),
            "copy" if self.dialect == Dialect::Postgres => self.copy(tokens),
            "set" => self.set(tokens),
            "reset" if self.dialect == Dialect::MySql => self.reset(tokens),
            "begin" | "start" if self.is_transaction(tokens) => {}
            "commit" | "rollback" | "end" | "abort" | "savepoint" | "release" | "use" | "reset"
            | "discard" | "deallocate" | "close" | "fetch" | "move" | "unlisten" | "listen"
            | "unlock" => self.calls(tokens),
            "declare" | "prepare" => self.holds_statement(tokens),
            "execute" => self.says(
                EffectKind::Unknown,
                RiskLevel::Medium,
                "execute",
                "runs a prepared statement",
            ),
            _ => self.administers(first, tokens),
        }
    }

    pub(super) fn says(&mut self, kind: EffectKind, level: RiskLevel, what: &str, sentence: &str) {
        self.ledger.says(kind, level, what, sentence);
    }

    pub(super) fn unknown(&mut self) {
        self.says(
            EffectKind::Unknown,
            RiskLevel::High,
            "statement",
            "runs a statement that is not understood",
        );
    }

    /// `SELECT` and its like: it looks, unless a word or a function of it does something.
    fn query(&mut self, tokens: &[Token]) {
        self.calls(tokens);
        self.secrets(tokens);
        let writes = tokens.iter().enumerate().find(|(index, token)| {
            matches!(token, Token::Word(word)
                if matches!(word.as_str(), "insert" | "update" | "delete" | "merge")
                    && !matches!(tokens.get(index + 1), Some(Token::Sign(')' | '(' | ',' | '.')) | None)
                    && !follows(tokens, *index, &["for", "key"])
                    && !is_part_of_name(tokens, *index))
        });
        if writes.is_some() {
            self.says(
                EffectKind::DatabaseWrites,
                RiskLevel::High,
                "with",
                "changes rows of a database within a query",
            );
        }
        self.locks(tokens);
        self.into(tokens);
    }

    /// `FOR UPDATE` and its like.
    fn locks(&mut self, tokens: &[Token]) {
        let locks = tokens.windows(2).any(|pair| match word_at(pair, 0) {
            "for" => matches!(word_at(pair, 1), "update" | "share" | "no" | "key"),
            "lock" => word_at(pair, 1) == "in",
            _ => false,
        });
        if locks {
            self.says(
                EffectKind::DatabaseWrites,
                RiskLevel::Medium,
                "lock",
                "locks rows of a database",
            );
        }
    }

    /// `SELECT … INTO`.
    fn into(&mut self, tokens: &[Token]) {
        let Some(at) = tokens.iter().position(|token| is(token, "into")) else {
            return;
        };
        match (word_at(tokens, at + 1), tokens.get(at + 1)) {
            ("outfile" | "dumpfile", _) => match tokens.get(at + 2) {
                Some(Token::Text(path)) => {
                    self.ledger
                        .path(EffectKind::Overwrites, Arg::text(path), "outfile");
                }
                _ => self.unknown(),
            },
            (_, Some(Token::Value)) if self.dialect == Dialect::MySql => {}
            _ => self.says(
                EffectKind::DatabaseWrites,
                RiskLevel::Medium,
                "into",
                "makes a table of what a query yields",
            ),
        }
    }

    /// Functions that are called.
    pub(super) fn calls(&mut self, tokens: &[Token]) {
        for (index, pair) in tokens.windows(2).enumerate() {
            if pair[1] != Token::Sign('(') {
                continue;
            }
            let name = match &pair[0] {
                Token::Word(word) if is_keyword(word) && !is_part_of_name(tokens, index) => {
                    continue;
                }
                Token::Word(word) => word.clone(),
                Token::Name(name) => name.to_lowercase(),
                _ => continue,
            };
            let schema = schema_of(tokens, index);
            let names_something = is_alias(tokens, index)
                || is_common_table(tokens, index)
                || is_insert_target(tokens, index);
            if !names_something || function(schema.as_deref(), &name) != Function::Unknown {
                self.call(schema.as_deref(), &name);
            }
        }
    }

    fn call(&mut self, schema: Option<&str>, name: &str) {
        match function(schema, name) {
            Function::Computes => {}
            Function::Does(kind, level, sentence) => self.says(kind, level, name, sentence),
            Function::RunsText => self.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                name,
                "runs a statement that stands in a text",
            ),
            Function::Unknown => {
                let sentence = match shown(name) {
                    Some(name) => format!("calls the function {name}, which is not known"),
                    None => "calls a function that is not known".to_owned(),
                };
                self.says(
                    EffectKind::Unknown,
                    RiskLevel::Medium,
                    "function",
                    &sentence,
                );
            }
        }
    }

    /// Whether secrets are among what is read.
    fn secrets(&mut self, tokens: &[Token]) {
        let named = tokens.iter().enumerate().any(|(index, token)| match token {
            Token::Word(word) => {
                listed(SECRETS, word) && tokens.get(index + 1) != Some(&Token::Sign('('))
            }
            Token::Name(name) => listed(SECRETS, &name.to_lowercase()),
            _ => false,
        });
        let accounts = self.dialect == Dialect::MySql
            && tokens.windows(3).any(|three| {
                name_is(&three[0], "mysql")
                    && three[1] == Token::Sign('.')
                    && name_is(&three[2], "user")
            })
            && tokens.contains(&Token::Sign('*'));
        if named || accounts {
            self.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "secrets",
                "reads passwords or keys out of a database",
            );
        }
    }

    fn show(&mut self, tokens: &[Token]) {
        self.calls(tokens);
        let create_user = word_at(tokens, 1) == "create" && word_at(tokens, 2) == "user";
        let grants = word_at(tokens, 1) == "grants" && self.ledger_is_mariadb();
        if create_user || grants {
            self.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "show",
                "shows the password hash of an account",
            );
        }
    }

    fn ledger_is_mariadb(&self) -> bool {
        self.ledger.rule("").contains(".mariadb.")
    }

    /// `EXPLAIN`: with `ANALYZE` it runs the statement.
    fn explain(&mut self, tokens: &[Token]) {
        let start = tokens.iter().position(|token| {
            matches!(token, Token::Word(word) if listed(
                "select values table with insert update delete merge replace create refresh execute declare", word))
        });
        let Some(start) = start else {
            return self.calls(tokens);
        };
        let runs = tokens[..start]
            .iter()
            .any(|token| is(token, "analyze") || is(token, "analyse"));
        let inner = &tokens[start..];
        if runs || matches!(word_at(inner, 0), "select" | "values" | "table" | "with") {
            self.statement_within(inner);
        }
    }

    /// `ANALYZE table`; for MariaDB also one that runs a statement.
    fn analyze(&mut self, tokens: &[Token]) {
        let runs = tokens.iter().position(|token| {
            matches!(token, Token::Word(word)
                if listed("select with insert update delete replace", word))
        });
        match runs {
            Some(start) if self.dialect == Dialect::MySql => {
                self.statement_within(&tokens[start..]);
            }
            _ => self.says(
                EffectKind::DatabaseWrites,
                RiskLevel::Low,
                "analyze",
                "gathers the statistics of tables anew",
            ),
        }
    }

    fn statement_within(&mut self, tokens: &[Token]) {
        if self.depth >= MOST_DEPTH {
            return self.unknown();
        }
        self.depth += 1;
        self.statement(tokens);
        self.depth -= 1;
    }

    /// `DECLARE … FOR query`, `PREPARE … AS statement`.
    fn holds_statement(&mut self, tokens: &[Token]) {
        let start = tokens.iter().position(|token| {
            matches!(token, Token::Word(word)
                if listed("select values table with insert update delete merge replace", word))
        });
        match start {
            Some(start) => self.statement_within(&tokens[start..]),
            None => self.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "prepare",
                "prepares a statement that stands in a text",
            ),
        }
    }

    /// Statements that change rows.
    fn writes(&mut self, tokens: &[Token]) {
        self.calls(tokens);
        let verb = word_at(tokens, 0).to_owned();
        let table = target(tokens);
        let of_server = table.as_ref().is_some_and(|(schema, _)| {
            matches!(
                schema.as_deref(),
                Some("mysql" | "pg_catalog" | "sys" | "performance_schema" | "system")
            )
        }) || table
            .as_ref()
            .is_some_and(|(_, name)| name.starts_with("pg_") || name.starts_with("sqlite_"));
        let bounded = match verb.as_str() {
            "update" | "delete" => self.is_bounded(tokens),
            _ => true,
        };
        let shown = table
            .and_then(|(_, name)| shown(&name))
            .unwrap_or_else(|| "a table".to_owned());
        let sentence = match (verb.as_str(), bounded) {
            ("update", true) => format!("changes rows of {shown}"),
            ("update", false) => format!("changes every row of {shown}"),
            ("delete", true) => format!("deletes rows of {shown}"),
            ("delete", false) => format!("deletes every row of {shown}"),
            ("insert", _) => format!("adds rows to {shown}"),
            _ => format!("adds or replaces rows of {shown}"),
        };
        let level = if of_server || !bounded {
            RiskLevel::High
        } else {
            RiskLevel::Medium
        };
        self.says(EffectKind::DatabaseWrites, level, &verb, &sentence);
    }

    /// Whether a condition stands that does not hold for every row as it is written.
    fn is_bounded(&self, tokens: &[Token]) -> bool {
        let mut depth = 0_usize;
        for (index, token) in tokens.iter().enumerate() {
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth = depth.saturating_sub(1),
                Token::Word(word) if depth == 0 && word == "where" => {
                    return !is_always_true(&tokens[index + 1..]);
                }
                _ => {}
            }
        }
        false
    }

    /// `COPY`.
    fn copy(&mut self, tokens: &[Token]) {
        self.query_in_brackets(tokens);
        self.secrets(tokens);
        let Some(at) = tokens.iter().enumerate().position(|(index, token)| {
            (is(token, "to") || is(token, "from")) && depth_at(tokens, index) == 0
        }) else {
            return self.unknown();
        };
        let out = is(&tokens[at], "to");
        match (word_at(tokens, at + 1), tokens.get(at + 1)) {
            ("stdout", _) if out => {}
            ("stdin" | "stdout", _) => self.says(
                EffectKind::DatabaseWrites,
                RiskLevel::Medium,
                "copy",
                "adds rows to a table",
            ),
            ("program", _) => {
                self.says(
                    EffectKind::RunsCode,
                    RiskLevel::High,
                    "copy",
                    "has the database server run a command",
                );
                if let Some(Token::Text(command)) = tokens.get(at + 2) {
                    self.ledger.shell(Arg::text(command));
                }
            }
            (_, Some(Token::Text(path))) => {
                let path = Arg::text(path);
                if out {
                    self.ledger.path(EffectKind::Overwrites, path, "copy");
                } else {
                    self.ledger.reads(path, "copy");
                    self.says(
                        EffectKind::DatabaseWrites,
                        RiskLevel::Medium,
                        "copy",
                        "adds rows to a table",
                    );
                }
            }
            _ => self.unknown(),
        }
    }

    /// `COPY (query) TO …`.
    fn query_in_brackets(&mut self, tokens: &[Token]) {
        if tokens.get(1) == Some(&Token::Sign('(')) {
            let end = closing(tokens, 1).unwrap_or(tokens.len());
            self.statement_within(&tokens[2..end.max(2)]);
        }
    }
}
