//! How the databases carry out a claim when 100,000 jobs wait: by the index, in both kinds of plan that Postgres makes.

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _};
use watchkeeper_model::{ControllerId, Need, Priority};
use watchkeeper_testkit::postgres::Cluster;

use super::claim::{Claimer, Count, claiming};
use crate::Store;
use crate::db::Sql;

/// Jobs of all priorities, of which every tenth is not to be served yet and every tenth needs another lane.
const BACKLOG: &str =
    "insert into jobs (number, kind, request, coalescing_key, host, priority, state, not_before,
         attempts, asked_at, deadline, rank, needs, lanes)
     select n, 'learn_from_action', '{}', 'k' || n, 'h' || (n % 1000), n % 4, 'queued',
         case when n % 10 = 1 then 9000 else 0 end, 0, n, 1000000000, n, 'answer',
         case when n % 10 = 2 then '|other|' end
     from numbers";
const NUMBERS_PG: &str = "with numbers as (select n from generate_series(1, 100000) as n) ";
const NUMBERS_LITE: &str =
    "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 100000) ";

fn text(claimer: &Claimer<'_>, count: Count, postgres: bool) -> String {
    match claiming(claimer, count, postgres) {
        Sql::Built(text) => text,
        Sql::Same(text) | Sql::Differs { pg: text, .. } => text.to_owned(),
    }
}

fn claims(worker: &ControllerId, mut check: impl FnMut(&Claimer<'_>, Count)) {
    let whole = Claimer {
        worker,
        lane: "gpu",
        slot: Some("gpu#1"),
        needs: &[Need::Answer, Need::Embed],
        takes: &[],
    };
    let urgent = Claimer {
        slot: None,
        needs: &[Need::Answer],
        takes: &[Priority::Interactive],
        ..whole
    };
    for claimer in [whole, urgent] {
        check(&claimer, Count::One);
    }
    check(&urgent, Count::UpTo("$7"));
}

async fn explain_pg(conn: &mut PgConnection, sql: &str, values: &str) -> String {
    let mut plan = String::new();
    let statement =
        format!("prepare claim (text, bigint, bigint, text, text, text, bigint) as {sql}");
    for sql in [statement, format!("explain execute claim ({values})")] {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql).into_sql_str())
            .fetch_all(&mut *conn)
            .await
            .expect("a statement of ours");
        for row in rows {
            plan.push_str(row.get::<&str, _>(0));
            plan.push('\n');
        }
    }
    sqlx::raw_sql("deallocate claim")
        .execute(conn)
        .await
        .expect("it was prepared");
    plan
}

#[tokio::test]
async fn a_claim_finds_its_job_by_the_index_on_postgres() {
    let database = Cluster::shared().database("empty", async |_| {}).await;
    Store::open(database.url())
        .await
        .expect("a new store")
        .close()
        .await;
    let mut conn = PgConnection::connect(database.url())
        .await
        .expect("it is up");
    let worker = ControllerId::new("w").expect("a name");
    for step in ["", &format!("{NUMBERS_PG}{BACKLOG}"), "analyze jobs"] {
        sqlx::raw_sql(AssertSqlSafe(step.to_owned()).into_sql_str())
            .execute(&mut conn)
            .await
            .expect("the owner may do anything");
        for mode in ["force_generic_plan", "force_custom_plan"] {
            let set = format!("set plan_cache_mode = {mode}");
            sqlx::raw_sql(AssertSqlSafe(set).into_sql_str())
                .execute(&mut conn)
                .await
                .expect("a setting");
            let mut texts = Vec::new();
            claims(&worker, |claimer, count| {
                texts.push(text(claimer, count, true))
            });
            for sql in texts {
                let values = "'w', 2000, 1000, 'gpu', 'gpu#1', '|gpu|', 10";
                let plan = explain_pg(&mut conn, &sql, values).await;
                assert!(
                    plan.contains("jobs_by_rank")
                        && plan.contains("jobs_pkey")
                        && !plan.contains("Seq Scan on jobs")
                        && !plan.contains("Join Filter"),
                    "{mode} after {step:.20}:\n{plan}"
                );
            }
        }
    }
    conn.close().await.expect("it was open");
}

#[tokio::test]
async fn a_claim_finds_its_job_by_the_index_on_sqlite() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("store.db");
    let url = format!("sqlite:{}", path.display());
    Store::open(&url).await.expect("a new store").close().await;
    let mut conn = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .expect("a file");
    let worker = ControllerId::new("w").expect("a name");
    let mut texts = Vec::new();
    claims(&worker, |claimer, count| {
        texts.push(text(claimer, count, false))
    });
    for step in ["", &format!("{NUMBERS_LITE}{BACKLOG}"), "analyze"] {
        sqlx::raw_sql(AssertSqlSafe(step.to_owned()).into_sql_str())
            .execute(&mut conn)
            .await
            .expect("the owner may do anything");
        for sql in &texts {
            let explain = AssertSqlSafe(format!("explain query plan {sql}")).into_sql_str();
            let rows = sqlx::raw_sql(explain)
                .fetch_all(&mut conn)
                .await
                .expect("a statement of ours");
            let plan: String = rows
                .iter()
                .map(|row| row.get::<&str, _>("detail").to_owned() + "\n")
                .collect();
            assert!(
                plan.contains("jobs_by_rank") && !plan.contains("SCAN jobs"),
                "after {step:.20}:\n{plan}"
            );
        }
    }
    conn.close().await.expect("it was open");
}
