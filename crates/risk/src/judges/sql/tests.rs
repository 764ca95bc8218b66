//! Statements and commands of SQL clients, through the table.

use super::super::tests::{check, check_high, check_input, check_looks};

#[test]
fn queries_and_client_commands_that_look_only_look() {
    check_looks(&[
        "psql -l",
        "psql -c 'select 1'",
        "psql -d app -Atc 'select count(*) from orders o where o.at > now() - interval $$1 day$$'",
        "psql -c 'SELECT pid, usename, state, left(query, 60) FROM pg_stat_activity ORDER BY 1'",
        "psql -c 'select pg_size_pretty(pg_database_size(datname)), datname from pg_database;'",
        "psql -c 'with t(a, b) as (select 1, 2) select * from t' -c 'show all'",
        "psql -c 'select * from generate_series(1, 3) as g(x) join (values (1)) v(y) on (x = y)'",
        "psql -c 'explain analyze select * from orders'",
        "psql -c 'explain update orders set x = 1'",
        "psql -c 'explain (analyze, buffers) select count(*) from a where b in (select 1)'",
        "psql -c 'begin; set local statement_timeout = 1000; select 1; rollback'",
        "psql -c 'table pg_stat_replication' -x",
        "psql -c '(select 1) union (select 2)'",
        "psql -c 'select /* drop table x; */ 1 -- delete from y'",
        "psql -c 'select $x$ ; drop table y; $x$, \"drop\" from z'",
        "psql -c 'select a::numeric(10,2), b[1:2] from c'",
        "psql -c 'copy (select 1) to stdout with csv'",
        "psql -c 'select case when (a) then round(b) else (c) end from d'",
        "psql -c '\\dt+ public.*'",
        "psql -c '\\x' -c '\\conninfo' -c '\\l' -c '\\du'",
        "psql -c 'select bt_index_check(oid) from pg_class'",
        "mysql -e 'SHOW FULL PROCESSLIST; SHOW ENGINE INNODB STATUS\\G'",
        "mysql -NBe 'select user, host from mysql.user'",
        "mysql -e 'SELECT table_schema, SUM(data_length)/1024 FROM information_schema.tables GROUP BY 1 # x'",
        "mysql app -e 'describe orders; explain select * from orders where a = \"drop;\"'",
        "mysql -e 'use app; show tables; status'",
        "mariadb -e 'select @@version, @@global.read_only'",
        "sqlite3 a.db 'select count(*) from jobs' .tables '.schema jobs' 'pragma table_info(jobs)'",
        "sqlite3 -readonly -header a.db 'pragma integrity_check; pragma journal_mode; explain query plan select 1'",
        "sqlite3 a.db '.mode box' 'select [from], \"x\" from `order`'",
        "clickhouse-client -q 'SELECT database, formatReadableSize(sum(bytes)) FROM system.parts GROUP BY database'",
    ]);
}

#[test]
fn statements_that_change_something_are_told() {
    check(&[
        (
            "psql -c 'delete from t where id = 5'",
            "database_writes medium",
        ),
        ("psql -c 'delete from t'", "database_writes high"),
        ("psql -c 'delete from t where true'", "database_writes high"),
        (
            "psql -c 'update t set x = (select 1 from u where v = 2)'",
            "database_writes high",
        ),
        (
            "psql -c 'update t set x = 1 where 1=1'",
            "database_writes high",
        ),
        (
            "psql -c 'update t set x = 1 where id = 3 or 1 = 1'",
            "database_writes high",
        ),
        (
            "psql -c 'insert into t (a) values (1)'",
            "database_writes medium",
        ),
        (
            "psql -c 'update pg_database set x = 1 where y = 2'",
            "database_writes high",
        ),
        (
            "psql -c 'with d as (delete from t returning *) select * from d'",
            "database_writes high",
        ),
        (
            "psql -c 'select * from t for update'",
            "database_writes medium",
        ),
        ("psql -c 'select * into n from t'", "database_writes medium"),
        (
            "psql -c 'explain analyze delete from t'",
            "database_writes high",
        ),
        ("psql -c 'truncate t'", "database_admin high"),
        ("psql -c 'select 1; drop table t'", "database_admin high"),
        ("psql -c 'alter system set x = 1'", "database_admin high"),
        (
            "psql -c 'create index concurrently i on t (a)'",
            "database_admin medium",
        ),
        ("psql -c 'create user u'", "database_admin high"),
        (
            "psql -c 'create or replace function f() returns int'",
            "database_admin high",
        ),
        ("psql -c 'grant all on t to u'", "accounts high"),
        ("psql -c 'vacuum t'", "database_admin low"),
        (
            "psql -c 'vacuum (full, analyze) t'",
            "database_admin medium",
        ),
        ("psql -c 'analyze t'", "database_writes low"),
        ("psql -c 'reindex table t'", "database_admin medium"),
        (
            "psql -c 'select pg_terminate_backend(5)'",
            "database_admin medium",
        ),
        ("psql -c 'select PG_CANCEL_BACKEND(5)'", "signals low"),
        ("psql -c 'select \"pg_reload_conf\"()'", "reloads low"),
        (
            "psql -c 'select distinct on (a) pg_terminate_backend(a) from t'",
            "database_admin medium",
        ),
        (
            "psql -c 'select pg_catalog.pg_read_file(x) from y'",
            "secrets high",
        ),
        ("psql -c 'select my_function(1)'", "unknown medium"),
        ("psql -c 'select evil.lower(a) from b'", "unknown medium"),
        (
            "psql -c 'select distinct on (a) my_function(a) from b'",
            "unknown medium",
        ),
        ("psql -c 'select pg_sleep(1)'", "unbounded low"),
        ("psql -c 'select * from pg_shadow'", "secrets high"),
        ("psql -c 'select password from users'", "secrets high"),
        ("psql -c 'do $$ begin perform 1; end $$'", "runs_code high"),
        (
            "psql -c 'copy t to program $$rm -rf /x$$'",
            "runs_code high; shell rm -rf /x",
        ),
        (
            "psql -c 'copy t from $$/etc/passwd$$'",
            "reads /etc/passwd; database_writes medium",
        ),
        (
            "psql -c 'copy t to $$/etc/cron.d/x$$'",
            "overwrites /etc/cron.d/x",
        ),
        ("psql -c 'call p()'", "unknown medium"),
        ("psql -c '\\! id'", "shell id"),
        ("psql -c '\\o /etc/passwd'", "overwrites /etc/passwd"),
        ("psql -c '\\x \\! id'", "shell id"),
        ("psql -c '\\set x `id`'", "shell id"),
        ("psql -c 'select 1 \\g |sh'", "shell sh"),
        ("psql -c 'select x \\gexec'", "runs_code high"),
        ("psql -c '\\copy t to program id'", "runs_code high"),
        ("psql -c '\\i /x.sql'", "reads /x.sql; runs_code high"),
        ("psql -o /etc/hosts -c 'select 1'", "overwrites /etc/hosts"),
        ("psql -f /x.sql", "reads /x.sql; runs_code high"),
        ("psql", "interactive high"),
        ("psql -c <?>", "unknown high"),
        ("psql -c 'frobnicate'", "unknown high"),
        ("psql -c 'select 1 where a = :b'", "unknown high"),
    ]);
    check(&[
        ("mysql -e 'SET GLOBAL read_only = 1'", "database_admin high"),
        (
            "mysql -e 'SET @@global.read_only = 1'",
            "database_admin high",
        ),
        ("mysql -e 'SET @a = 1, GLOBAL x = 2'", "database_admin high"),
        ("mysql -e 'KILL QUERY 5'", "signals low"),
        ("mysql -e 'KILL 5'", "database_admin medium"),
        (
            "mysql -e 'select 1 into outfile \"/tmp/x\"'",
            "overwrites /tmp/x",
        ),
        (
            "mysql -e 'select load_file(\"/etc/shadow\")'",
            "secrets high",
        ),
        ("mysql -e 'select * from mysql.user'", "secrets high"),
        ("mysql -e 'select /*!50000 1 */'", "unknown high"),
        (
            "mysql -e 'select 1 --1; drop table x'",
            "database_admin high",
        ),
        ("mysql -e 'select \"a\\\"; drop table x; \"'", ""),
        ("mysql -e 'system rm x'", "runs_code high; shell rm x"),
        ("mysql -e '\\! id'", "shell id"),
        ("mysql -e 'source /tmp/x.sql'", "runs_code high"),
        (
            "mysql -e 'describe analyze delete from t'",
            "database_writes high",
        ),
        (
            "mysql -e 'analyze update t set a=1'",
            "database_writes high",
        ),
        ("mysql -e 'flush privileges'", "database_admin low"),
        (
            "mysql -e 'flush tables with read lock'",
            "database_admin medium",
        ),
        ("mysql -e 'optimize table t'", "database_admin medium"),
        ("mysql -e 'stop slave'", "stops high"),
        ("mysql -e 'show create user root'", "secrets high"),
        (
            "mysql --init-command 'drop table t' -e 'select 1'",
            "database_admin high",
        ),
        (
            "sqlite3 a.db 'delete from t'",
            "reads a.db; database_writes high",
        ),
        ("sqlite3 a.db '.shell id'", "reads a.db; shell id"),
        (
            "sqlite3 a.db '.output /etc/passwd'",
            "reads a.db; overwrites /etc/passwd",
        ),
        ("sqlite3 a.db '.once |sh'", "reads a.db; shell sh"),
        (
            "sqlite3 a.db '.load /tmp/x.so'",
            "reads a.db; runs_code high",
        ),
        (
            "sqlite3 a.db '.backup /var/b.db'",
            "reads a.db; overwrites /var/b.db",
        ),
        ("sqlite3 a.db 'vacuum'", "reads a.db; database_admin medium"),
        (
            "sqlite3 a.db 'pragma journal_mode=wal'",
            "reads a.db; database_admin medium",
        ),
        (
            "sqlite3 a.db 'pragma writable_schema=1'",
            "reads a.db; database_admin high",
        ),
        (
            "sqlite3 -cmd '.read x' a.db 'select 1'",
            "runs_code high; reads a.db",
        ),
        (
            "sqlite3 a.db 'select writefile(1,2)'",
            "reads a.db; overwrites high",
        ),
        ("sqlite3 a.db", "reads a.db; interactive high"),
        ("clickhouse-client -q 'select * from url(1)'", "sends high"),
        (
            "clickhouse-client -q 'system shutdown'",
            "database_admin high",
        ),
    ]);
}

#[test]
fn statements_on_the_standard_input_are_judged() {
    check_input(&[
        ("psql", "select 1;\n\\dt\nselect 2;", ""),
        ("psql -d app", "select 1;\n\\! id\n", "shell id"),
        ("psql", "select 1; drop table x;", "database_admin high"),
        ("psql", "\\timing \\\\ drop table x;", "database_admin high"),
        (
            "mysql",
            "show tables;\ndrop table x;",
            "database_admin high",
        ),
        (
            "sqlite3 a.db",
            ".mode csv\nselect 1;\n.shell id",
            "reads a.db; shell id",
        ),
        ("sqlite3 a.db", "select '\n.shell id\n';", "reads a.db"),
    ]);
}

#[test]
fn what_no_dialect_reads_is_high() {
    check_high(&[
        "psql -c 'select $$'",
        "psql -c 'select \"x'",
        "psql -c 'select /* x'",
        "psql -c '\\frobnicate'",
        "mysql -e 'delimiter //'",
        "mysql -e '\\T /tmp/x'",
        "mysql -e 'select \"x'",
        "sqlite3 a.db '.frobnicate'",
        "sqlite3 a.db '.open --new x'",
        "clickhouse-client -q '\\! id'",
    ]);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-z0-9 ;'\"`$\\\\/*().,=:@#\n-]{0,60}") {
        use super::tokens::Dialect;
        for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite, Dialect::ClickHouse] {
            let mut ledger = super::Ledger::of(&crate::invocation::Invocation {
                argv: vec![crate::word::Arg::text("psql")],
                stdin: crate::invocation::Input::Nothing,
                context: crate::invocation::Context::default(),
            });
            super::statements(&mut ledger, &text, dialect);
        }
    }

    #[test]
    fn a_statement_put_behind_another_is_never_lost(
        text in "(select ([0-9]|[$][$]x;[$][$]|\"a;\"|lower\\(b\\))( from t)?( where a = 1)?|show all|begin)( -- x\n)?"
    ) {
        let done = super::super::tests::judged_words(&["psql", "-c", &format!("{text}; drop table t")]);
        proptest::prop_assert_eq!(done, "database_admin high");
    }
}
