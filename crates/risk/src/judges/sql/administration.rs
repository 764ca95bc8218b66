//! What SQL statements do besides looking at rows and changing them: settings, and the administration of a database and
//! of its server.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::Found;
use crate::word::Arg;

use super::super::options::listed;
use super::super::words::PLAIN;
use super::functions::{Function, function};
use super::phrases::{has, schema_of, word_at};
use super::statement::Judge;
use super::tokens::{Dialect, Token};

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
impl Judge<'_> {
    pub(super) fn set(&mut self, tokens: &[Token]) {
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
    pub(super) fn reset(&mut self, tokens: &[Token]) {
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

    pub(super) fn is_transaction(&self, tokens: &[Token]) -> bool {
        let next = word_at(tokens, 1);
        word_at(tokens, 0) == "begin" && (tokens.len() == 1 || self.dialect != Dialect::MySql)
            || matches!(next, "transaction" | "work")
    }

    pub(super) fn pragma(&mut self, tokens: &[Token]) {
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
    pub(super) fn administers(&mut self, first: &str, tokens: &[Token]) {
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
