//! What one SQL statement does. Only statements that are known to look are taken for looking, and only with functions
//! that are known to compute.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::Found;
use crate::word::Arg;

use super::super::ledger::Ledger;
use super::super::options::listed;
use super::super::words::PLAIN;
use super::functions::{Function, function, is_keyword};
use super::tokens::{Dialect, Token};

/// Deepest chain of statements that hold one another as texts.
const MOST_DEPTH: usize = 4;

/// Longest name of a table that is shown.
const LONGEST_NAME: usize = 64;

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

    fn says(&mut self, kind: EffectKind, level: RiskLevel, what: &str, sentence: &str) {
        self.ledger.says(kind, level, what, sentence);
    }

    fn unknown(&mut self) {
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
    fn calls(&mut self, tokens: &[Token]) {
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

    fn set(&mut self, tokens: &[Token]) {
        self.calls(tokens);
        let words: Vec<&str> = (1..4).map(|index| word_at(tokens, index)).collect();
        if words[0] == "password" {
            self.says(
                EffectKind::Accounts,
                RiskLevel::High,
                "set",
                "changes a password",
            );
        } else if matches!(words[0], "global" | "persist" | "persist_only")
            || self.sets_global(tokens)
        {
            self.says(
                EffectKind::DatabaseAdmin,
                RiskLevel::High,
                "set",
                "changes a setting of the whole database server",
            );
        } else if matches!(words[0], "default" | "role")
            && self.dialect == Dialect::MySql
            && words[1] == "role"
        {
            self.says(
                EffectKind::Accounts,
                RiskLevel::High,
                "set",
                "changes what an account may do",
            );
        }
    }

    /// `SET @@global.x`, and `SET a = 1, GLOBAL b = 2`.
    fn sets_global(&self, tokens: &[Token]) -> bool {
        self.dialect == Dialect::MySql
            && (has(tokens, "global")
                || has(tokens, "persist")
                || tokens
                    .windows(2)
                    .any(|pair| pair[0] == Token::Value && pair[1] == Token::Sign('.')))
    }

    /// `RESET` of MySQL.
    fn reset(&mut self, tokens: &[Token]) {
        if word_at(tokens, 1) == "query" {
            self.says(
                EffectKind::Writes,
                RiskLevel::Low,
                "reset",
                "empties the cache of queries",
            );
        } else {
            self.says(
                EffectKind::DatabaseAdmin,
                RiskLevel::High,
                "reset",
                "resets what replication needs",
            );
        }
    }

    fn is_transaction(&self, tokens: &[Token]) -> bool {
        let next = word_at(tokens, 1);
        word_at(tokens, 0) == "begin" && (tokens.len() == 1 || self.dialect != Dialect::MySql)
            || matches!(next, "transaction" | "work")
    }

    fn pragma(&mut self, tokens: &[Token]) {
        let with_schema = tokens.get(2) == Some(&Token::Sign('.'));
        let at = if with_schema { 3 } else { 1 };
        let name = word_at(tokens, at);
        let sets = tokens.contains(&Token::Sign('='));
        let takes = tokens.get(at + 1) == Some(&Token::Sign('('));
        let asks = listed(PRAGMAS, name) && !sets && (!takes || listed(PRAGMAS_THAT_SHOW, name));
        if name == "wal_checkpoint" {
            self.says(
                EffectKind::DatabaseWrites,
                RiskLevel::Low,
                "pragma",
                "moves changes from the log into the database",
            );
        } else if !asks && !listed(PRAGMAS_OF_SESSION, name) {
            let level = if matches!(name, "writable_schema" | "key" | "rekey" | "schema_version") {
                RiskLevel::High
            } else {
                RiskLevel::Medium
            };
            self.says(
                EffectKind::DatabaseAdmin,
                level,
                "pragma",
                "changes a setting of the database",
            );
        }
    }

    /// Statements that change more than rows.
    fn administers(&mut self, first: &str, tokens: &[Token]) {
        use EffectKind as Kind;
        use RiskLevel::{High, Low, Medium};
        self.calls_in_administration(first, tokens);
        let second = word_at(tokens, 1);
        let (kind, level, sentence) = match first {
            "create" => return self.creates(tokens),
            "drop" if second == "temporary" => {
                (Kind::DatabaseAdmin, Low, "drops a temporary table")
            }
            "drop" => (Kind::DatabaseAdmin, High, "drops something of a database"),
            "truncate" => (Kind::DatabaseAdmin, High, "empties a table"),
            "alter" if second == "system" => (
                Kind::DatabaseAdmin,
                High,
                "changes a setting of the whole database server",
            ),
            "alter" => (Kind::DatabaseAdmin, High, "changes the shape of a database"),
            "rename" => (Kind::DatabaseAdmin, High, "renames something of a database"),
            "grant" | "revoke" => (
                Kind::Accounts,
                High,
                "changes what an account of a database may do",
            ),
            "reassign" => (
                Kind::DatabaseAdmin,
                High,
                "gives what an account owns to another",
            ),
            "security" | "import" => (
                Kind::DatabaseAdmin,
                High,
                "changes labels or foreign tables of a database",
            ),
            "vacuum" if has(tokens, "full") || (self.dialect == Dialect::Sqlite) => {
                if has(tokens, "into") {
                    return self.vacuum_into(tokens);
                }
                (
                    Kind::DatabaseAdmin,
                    Medium,
                    "writes tables anew while they are locked",
                )
            }
            "vacuum" => (Kind::DatabaseAdmin, Low, "reclaims the space of dead rows"),
            "reindex" | "cluster" | "optimize" | "repair" => (
                Kind::DatabaseAdmin,
                Medium,
                "rebuilds tables or indexes while they are locked",
            ),
            "refresh" => (Kind::DatabaseAdmin, Medium, "computes a view anew"),
            "comment" => (
                Kind::DatabaseAdmin,
                Medium,
                "changes a comment of a database",
            ),
            "checkpoint" => (
                Kind::DatabaseAdmin,
                Low,
                "has the database write what it holds in memory",
            ),
            "check" | "checksum" if second == "table" || second == "tables" => (
                Kind::DatabaseAdmin,
                Low,
                "checks tables while they are locked",
            ),
            "help" if self.dialect == Dialect::MySql => return,
            "lock" => (Kind::DatabaseWrites, Medium, "locks tables of a database"),
            "notify" => (
                Kind::DatabaseWrites,
                Low,
                "sends a message to sessions of the database",
            ),
            "call" => (
                Kind::Unknown,
                Medium,
                "runs a procedure of the database that is not seen",
            ),
            "do" if self.dialect == Dialect::MySql => return self.calls(tokens),
            "do" => (Kind::RunsCode, High, "runs a block of code in the database"),
            "load" if second == "data" || second == "xml" => (
                Kind::DatabaseWrites,
                Medium,
                "adds rows from a file to a table",
            ),
            "load" if second == "index" => (Kind::Writes, Low, "loads indexes into a cache"),
            "load" | "install" => (
                Kind::RunsCode,
                High,
                "loads a library into the database server",
            ),
            "uninstall" | "purge" | "shutdown" | "restart" | "binlog" | "clone" | "change" => (
                Kind::DatabaseAdmin,
                High,
                "changes or ends the database server",
            ),
            "start" | "stop" | "system" => return self.server(first, second),
            "flush" => match second {
                "status" | "logs" | "hosts" | "binary" | "error" | "engine" | "general"
                | "slow" | "relay" | "privileges" | "user_resources" | "optimizer_costs" => (
                    Kind::DatabaseAdmin,
                    Low,
                    "has the database close and open something anew",
                ),
                _ => (
                    Kind::DatabaseAdmin,
                    Medium,
                    "flushes or locks tables of a database",
                ),
            },
            "kill" if second == "query" => {
                (Kind::Signals, Low, "cancels a query of another session")
            }
            "kill" => (
                Kind::DatabaseAdmin,
                Medium,
                "ends a session of the database",
            ),
            "attach" => (
                Kind::DatabaseWrites,
                Medium,
                "opens another database, and makes it where it is not there",
            ),
            "detach" if self.dialect == Dialect::Sqlite => return,
            _ => return self.unknown(),
        };
        let what = if first.contains(PLAIN) {
            "statement"
        } else {
            first
        };
        self.says(kind, level, what, sentence);
    }

    /// Functions in statements that change more than rows: column types and tables look like calls there, so only
    /// those that are known to do something count.
    fn calls_in_administration(&mut self, first: &str, tokens: &[Token]) {
        if first == "do" {
            return;
        }
        for (index, pair) in tokens.windows(2).enumerate() {
            if let (Token::Word(name), Token::Sign('(')) = (&pair[0], &pair[1])
                && let Function::Does(kind, level, sentence) =
                    function(schema_of(tokens, index).as_deref(), name)
            {
                self.says(kind, level, name, sentence);
            }
        }
    }

    fn vacuum_into(&mut self, tokens: &[Token]) {
        match tokens.last() {
            Some(Token::Text(path)) => {
                self.ledger
                    .path(EffectKind::Overwrites, Arg::text(path), "vacuum");
            }
            _ => self.unknown(),
        }
    }

    /// `START`, `STOP` and `SYSTEM` of a server.
    fn server(&mut self, first: &str, second: &str) {
        let (kind, level, sentence) = match (first, second) {
            ("start", "slave" | "replica" | "all") => {
                (EffectKind::Starts, RiskLevel::Medium, "starts replication")
            }
            ("stop", "slave" | "replica" | "all" | "group_replication") => {
                (EffectKind::Stops, RiskLevel::High, "stops replication")
            }
            ("system", "flush" | "reload") => (
                EffectKind::Reloads,
                RiskLevel::Low,
                "has the database read or write something anew",
            ),
            _ => (
                EffectKind::DatabaseAdmin,
                RiskLevel::High,
                "changes the state of the database server",
            ),
        };
        self.says(kind, level, first, sentence);
    }

    fn creates(&mut self, tokens: &[Token]) {
        let kind = tokens.iter().skip(1).find_map(|token| match token {
            Token::Word(word)
                if !listed("or replace temp temporary unlogged global local unique fulltext spatial if not exists \
                    definer algorithm sql security undefined merge temptable recursive", word) =>
            {
                Some(word.as_str())
            }
            _ => None,
        });
        let temporary = has(tokens, "temp") || has(tokens, "temporary");
        let (level, sentence) = match kind.unwrap_or_default() {
            "table" | "view" if temporary => (RiskLevel::Low, "makes a temporary table or view"),
            "index" => (RiskLevel::Medium, "makes an index, and may lock its table"),
            "table" | "view" | "materialized" | "sequence" | "schema" | "database" | "type"
            | "domain" | "statistics" => (RiskLevel::Medium, "makes something in a database"),
            _ => (
                RiskLevel::High,
                "makes code, accounts or connections in a database",
            ),
        };
        let found = Found::plain(EffectKind::DatabaseAdmin, self.ledger.rule("create"));
        self.ledger.add(found.at_least(level).saying(sentence));
    }
}

/// Settings of SQLite that may be asked for.
const PRAGMAS: &str = "table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list foreign_key_check \
    database_list integrity_check quick_check function_list module_list pragma_list compile_options collation_list stats \
    application_id auto_vacuum cache_size encoding freelist_count journal_mode journal_size_limit max_page_count page_count \
    page_size schema_version user_version data_version legacy_file_format secure_delete wal_autocheckpoint locking_mode \
    synchronous";

/// Those of them that are asked about what stands in brackets.
const PRAGMAS_THAT_SHOW: &str = "table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list \
    foreign_key_check integrity_check quick_check";

/// Settings of SQLite that last for the session.
const PRAGMAS_OF_SESSION: &str = "busy_timeout cache_size cache_spill case_sensitive_like foreign_keys query_only temp_store \
    mmap_size threads automatic_index read_uncommitted recursive_triggers reverse_unordered_selects hard_heap_limit \
    soft_heap_limit analysis_limit defer_foreign_keys trusted_schema cell_size_check synchronous";

/// Whether a condition holds for every row as it is written.
fn is_always_true(condition: &[Token]) -> bool {
    match condition {
        [] => true,
        [Token::Word(word)] => word == "true",
        [Token::Value] => true,
        [Token::Value, Token::Sign('='), Token::Value] => true,
        [Token::Text(left), Token::Sign('='), Token::Text(right)] => left == right,
        [Token::Sign('('), inner @ .., Token::Sign(')')] => is_always_true(inner),
        [
            inner @ ..,
            Token::Word(or),
            Token::Value,
            Token::Sign('='),
            Token::Value,
        ] => or == "or" || (or == "and" && is_always_true(inner)),
        [.., Token::Word(or), Token::Word(holds)] => or == "or" && holds == "true",
        [Token::Word(left), Token::Sign('='), Token::Word(right)] => left == right,
        _ => false,
    }
}

/// A statement without brackets round all of it.
fn unwrapped(mut tokens: &[Token]) -> &[Token] {
    while tokens.first() == Some(&Token::Sign('(')) && closing(tokens, 0) == Some(tokens.len() - 1)
    {
        tokens = &tokens[1..tokens.len() - 1];
    }
    match tokens {
        // Several queries in brackets, joined: the first word decides, and all words are looked at.
        [Token::Sign('('), rest @ ..]
            if matches!(word_at(rest, 0), "select" | "values" | "table" | "with") =>
        {
            rest
        }
        tokens => tokens,
    }
}

/// Where the bracket that is opened here is closed.
fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

fn depth_at(tokens: &[Token], at: usize) -> usize {
    tokens[..at]
        .iter()
        .fold(0, |depth: usize, token| match token {
            Token::Sign('(') => depth + 1,
            Token::Sign(')') => depth.saturating_sub(1),
            _ => depth,
        })
}

/// The keyword or bare name at a place; nothing for anything else.
fn word_at(tokens: &[Token], at: usize) -> &str {
    match tokens.get(at) {
        Some(Token::Word(word)) => word,
        _ => "",
    }
}

fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(own) if own == word)
}

fn has(tokens: &[Token], word: &str) -> bool {
    tokens.iter().any(|token| is(token, word))
}

fn name_is(token: &Token, name: &str) -> bool {
    match token {
        Token::Word(own) => own == name,
        Token::Name(own) => own.eq_ignore_ascii_case(name),
        _ => false,
    }
}

/// Whether one of these words stands before a place.
fn follows(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    at > 0 && words.contains(&word_at(tokens, at - 1))
}

/// Whether a dot stands before a place.
fn is_part_of_name(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1] == Token::Sign('.')
}

/// The schema before a name.
fn schema_of(tokens: &[Token], at: usize) -> Option<String> {
    if at < 2 || !is_part_of_name(tokens, at) {
        return None;
    }
    match &tokens[at - 2] {
        Token::Word(word) => Some(word.clone()),
        Token::Name(name) => Some(name.to_lowercase()),
        _ => Some(String::new()),
    }
}

/// Whether a name before a bracket names columns of what stands before it.
fn is_alias(tokens: &[Token], at: usize) -> bool {
    if at == 0 {
        return false;
    }
    is(&tokens[at - 1], "as")
        || (tokens[at - 1] == Token::Sign(')')
            && opening(tokens, at - 1).is_some_and(|open| {
                // After these brackets an expression goes on: `DISTINCT ON (…)`, `OPERATOR(…)`.
                open == 0 || !matches!(word_at(tokens, open - 1), "on" | "operator")
            }))
}

/// Where the bracket that is closed here is opened.
fn opening(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for index in (0..=close).rev() {
        match tokens[index] {
            Token::Sign(')') => depth += 1,
            Token::Sign('(') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a name before a bracket is that of a common table: `WITH name (a, b) AS (`.
fn is_common_table(tokens: &[Token], at: usize) -> bool {
    word_at(tokens, 0) == "with"
        && closing(tokens, at + 1).is_some_and(|end| {
            word_at(tokens, end + 1) == "as"
                && (tokens.get(end + 2) == Some(&Token::Sign('('))
                    || matches!(word_at(tokens, end + 2), "materialized" | "not"))
        })
}

/// Whether a name before a bracket is the table that rows are added to, with its columns, or `REFERENCES`.
fn is_insert_target(tokens: &[Token], at: usize) -> bool {
    let mut start = at;
    while start >= 2 && tokens[start - 1] == Token::Sign('.') {
        start -= 2;
    }
    start > 0 && matches!(word_at(tokens, start - 1), "into" | "references" | "copy")
}

/// The table that a statement changes, with its schema.
fn target(tokens: &[Token]) -> Option<(Option<String>, String)> {
    let skip = "insert update delete merge replace into from only ignore low_priority delayed quick high_priority or \
        rollback abort fail table overwrite";
    let start = tokens
        .iter()
        .position(|token| !matches!(token, Token::Word(word) if listed(skip, word)))?;
    let name = |token: &Token| match token {
        Token::Word(name) => Some(name.clone()),
        Token::Name(name) => Some(name.to_lowercase()),
        _ => None,
    };
    let first = name(tokens.get(start)?)?;
    if tokens.get(start + 1) == Some(&Token::Sign('.')) {
        return Some((Some(first), name(tokens.get(start + 2)?)?));
    }
    Some((None, first))
}

/// A name that may be shown as it is.
fn shown(name: &str) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    (name.len() <= LONGEST_NAME && !name.is_empty() && name.chars().all(plain))
        .then(|| name.to_owned())
}
