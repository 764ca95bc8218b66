//! How the databases carry out a claim when 100,000 jobs wait: by the index, in both kinds of plan that Postgres makes.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _};
use watchkeeper_model::{ControllerId, JobNumber, Need, Priority, Timestamp};
use watchkeeper_testkit::postgres::Cluster;

use super::claim::{Claimer, Count, Order, claiming};
use super::end::{Completed, Used};
use super::turn::turning;
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

fn text(sql: Sql) -> String {
    match sql {
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
        order: Order::Age,
    };
    let urgent = Claimer {
        slot: None,
        needs: &[Need::Answer],
        takes: &[Priority::Interactive],
        ..whole
    };
    let in_order = Claimer {
        order: Order::Urgency,
        ..whole
    };
    let narrow = Claimer {
        order: Order::Urgency,
        ..urgent
    };
    for claimer in [whole, in_order, urgent, narrow] {
        check(&claimer, Count::One);
    }
    check(&urgent, Count::UpTo("$7"));
    let many = Claimer {
        slot: None,
        ..in_order
    };
    check(&many, Count::UpTo("$7"));
}

/// A statement of Postgres with the types and values of what is bound.
type Prepared = (String, &'static str, &'static str);

fn prepared(worker: &ControllerId) -> Vec<Prepared> {
    const SIX: &str = "text, bigint, bigint, text, text, text, bigint";
    const VALUES: &str = "'w', 2000, 1000, 'gpu', 'gpu#1', '|gpu|', 10";
    const TURN: &str =
        "text, bigint, bigint, text, text, text, bigint, text, text, bigint, bigint, bigint";
    const TURN_VALUES: &str =
        "'w', 2000, 1000, 'gpu', 'gpu#1', '|gpu|', 10, '1', null, null, null, null";
    let done = Completed {
        number: JobNumber(10),
        result: serde_json::Value::Null,
        used: Used::default(),
    };
    let mut all = Vec::new();
    claims(worker, |claimer, count| {
        all.push((text(claiming(claimer, count, true)), SIX, VALUES));
        if matches!(count, Count::One) {
            let turn = turning(claimer, std::slice::from_ref(&done), count);
            all.push((text(turn), TURN, TURN_VALUES));
        }
    });
    all
}

async fn explain_pg(conn: &mut PgConnection, (sql, types, values): &Prepared) -> String {
    let mut plan = String::new();
    let statement = format!("prepare claim ({types}) as {sql}");
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
        // A plan that is made anew each time may well read a table whole while it is empty.
        let modes: &[&str] = match step {
            "" => &["force_generic_plan"],
            _ => &["force_generic_plan", "force_custom_plan"],
        };
        for mode in modes {
            let set = format!("set plan_cache_mode = {mode}");
            sqlx::raw_sql(AssertSqlSafe(set).into_sql_str())
                .execute(&mut conn)
                .await
                .expect("a setting");
            for statement in prepared(&worker) {
                let plan = explain_pg(&mut conn, &statement).await;
                assert!(
                    plan.contains("jobs_by_rank")
                        && plan.contains("jobs_pkey")
                        && !plan.contains("Seq Scan on jobs")
                        && !plan.contains("Join Filter")
                        // That index has all that waits.
                        && !plan.contains("jobs_one_per_key"),
                    "{mode} after {step:.20}:\n{plan}"
                );
                // A sort of what is locked would lock one more than it returns.
                assert!(
                    !plan.contains("locked.number") && !plan.contains("Incremental Sort"),
                    "{mode} after {step:.20}:\n{plan}"
                );
            }
        }
    }
    conn.close().await.expect("it was open");
}

/// Runs statements of ours.
async fn runs(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()).into_sql_str())
        .execute(conn)
        .await
        .expect("a statement of ours");
}

/// What locked a row together with others leaves a number there that is no transaction's.
#[tokio::test]
async fn a_job_that_several_had_locked_is_claimed_and_one_that_is_locked_is_not_on_postgres() {
    let database = Cluster::shared().database("empty", async |_| {}).await;
    let store = Store::open(database.url()).await.expect("a new store");
    let connect = async || {
        PgConnection::connect(database.url())
            .await
            .expect("it is up")
    };
    let (mut one, mut other) = (connect().await, connect().await);
    for number in [1, 2] {
        runs(
            &mut one,
            &format!(
                "insert into jobs (number, kind, request, coalescing_key, priority, state, not_before, attempts,
                     asked_at, deadline, rank)
                 values ({number}, 'learn_from_action', '{{\"kind\": \"learn_from_action\", \"action\": {number}}}',
                     'k{number}', 0, 'queued', 0, 0, 1, 1000000, {number})"
            ),
        )
        .await;
    }
    for conn in [&mut one, &mut other] {
        runs(
            conn,
            "begin; select 1 from jobs where number = 1 for key share",
        )
        .await;
    }
    runs(&mut one, "commit").await;
    runs(&mut other, "commit").await;
    runs(
        &mut other,
        "begin; select 1 from jobs where number = 2 for update",
    )
    .await;
    let worker = ControllerId::new("w").expect("a name");
    let claimer = Claimer {
        worker: &worker,
        lane: "gpu",
        slot: None,
        needs: &[Need::Answer],
        takes: &[],
        order: Order::Urgency,
    };
    let claims = async || {
        let (now, lease) = (Timestamp::from_millis(1_000), Duration::from_secs(60));
        let job = store.claim_job(&claimer, now, lease).await;
        job.expect("the store answers").map(|job| job.number.0)
    };
    assert_eq!(claims().await, Some(1));
    assert_eq!(claims().await, None, "it is locked");
    runs(&mut other, "commit").await;
    assert_eq!(claims().await, Some(2));
    store.close().await;
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
        texts.push(text(claiming(claimer, count, false)));
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
            // To go through the index in its order is no reading of all: the first that fits ends it.
            let plan = plan.replace("SCAN jobs USING INDEX jobs_by_rank", "jobs_by_rank");
            assert!(
                plan.contains("jobs_by_rank") && !plan.contains("SCAN jobs"),
                "after {step:.20}:\n{plan}"
            );
        }
    }
    conn.close().await.expect("it was open");
}
