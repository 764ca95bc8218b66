//! Where a case stands: a new database of either kind, with a way past the store to spoil it.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqlSafeStr as _};
use watchkeeper_model::{
    About, Action, ActionState, Actor, ApprovalTerms, Approver, ControllerId, LogRecord, Person,
    RunId, Timestamp,
};
use watchkeeper_store::{DueHosts, FixMarks, NewAction, Store, StoreOptions};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;
use watchkeeper_testkit::postgres::{Cluster, Database};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A new database. Fields are dropped in this order: the database before its server.
pub(crate) struct Ground {
    pub(crate) url: String,
    _database: Option<Database>,
    cluster: Option<Cluster>,
    _dir: Option<tempfile::TempDir>,
}

impl Ground {
    pub(crate) async fn postgres() -> Self {
        Self::on(Cluster::shared()).await
    }

    pub(crate) async fn on(cluster: Cluster) -> Self {
        let database = cluster
            .database(&Store::tables_digest().to_string()[..16], async |url| {
                Store::open(&url)
                    .await
                    .expect("a new database")
                    .close()
                    .await;
            })
            .await;
        Self {
            url: database.url().to_owned(),
            _database: Some(database),
            cluster: Some(cluster),
            _dir: None,
        }
    }

    /// A new database of the same kind, without tables.
    pub(crate) async fn bare(&self) -> Self {
        if !self.is_postgres() {
            return Self::sqlite();
        }
        let cluster = Cluster::shared();
        let database = cluster.database("empty", async |_| {}).await;
        Self {
            url: database.url().to_owned(),
            _database: Some(database),
            cluster: Some(cluster),
            _dir: None,
        }
    }

    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", dir.path().join("store.db").display());
        Self {
            url,
            _database: None,
            cluster: None,
            _dir: Some(dir),
        }
    }

    /// The server, where there is one.
    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("this ground is a server's")
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    pub(crate) async fn open(&self) -> Store {
        self.open_with(&StoreOptions::default()).await
    }

    pub(crate) async fn open_with(&self, options: &StoreOptions) -> Store {
        Store::open_with(&self.url, options).await.expect("a store")
    }

    /// Runs SQL past the store, as whoever gets at the database could.
    pub(crate) async fn spoil(&self, sql: &str) {
        self.try_to_spoil(sql)
            .await
            .expect("the owner may do anything");
    }

    /// Every row of a table as a text that the database itself makes of it.
    pub(crate) async fn texts(&self, table: &str, only: &str) -> Vec<String> {
        if self.is_postgres() {
            let sql = format!("select t::text from \"{table}\" t {only}");
            let options: PgConnectOptions = self.url.parse().expect("an address");
            let mut conn = options.connect().await.expect("a connection");
            let sql = AssertSqlSafe(sql).into_sql_str();
            sqlx::query_scalar(sql)
                .fetch_all(&mut conn)
                .await
                .expect("rows")
        } else {
            let path = self.url.trim_start_matches("sqlite:");
            let options = SqliteConnectOptions::new().filename(path);
            let mut conn = options.connect().await.expect("a connection");
            let columns = format!(
                "select group_concat('quote(\"' || name || '\")', ' || '','' || ') from pragma_table_info('{table}')"
            );
            let columns: String = sqlx::query_scalar(AssertSqlSafe(columns).into_sql_str())
                .fetch_one(&mut conn)
                .await
                .expect("columns");
            let sql =
                AssertSqlSafe(format!("select {columns} from \"{table}\" {only}")).into_sql_str();
            sqlx::query_scalar(sql)
                .fetch_all(&mut conn)
                .await
                .expect("rows")
        }
    }

    pub(crate) async fn try_to_spoil(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        if self.is_postgres() {
            let mut conn = self.url.parse::<PgConnectOptions>()?.connect().await?;
            sqlx::raw_sql(sql).execute(&mut conn).await?;
            conn.close().await
        } else {
            let path = self.url.trim_start_matches("sqlite:");
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .busy_timeout(MINUTE);
            let mut conn = options.connect().await?;
            sqlx::raw_sql(sql).execute(&mut conn).await?;
            conn.close().await
        }
    }
}

pub(crate) fn controller(name: &str) -> ControllerId {
    ControllerId::new(name).expect("a name")
}

/// The hosts of a watch that are due, each looked at once a day at least.
pub(crate) fn due(watch: &str, now: Timestamp, limit: u32) -> DueHosts<'_> {
    DueHosts {
        watch,
        now,
        latest: now.after(DAY),
        lease: MINUTE,
        limit,
    }
}

pub(crate) fn run_id(n: u8) -> RunId {
    RunId::from_parts(NOON, [n; 10])
}

pub(crate) fn marks() -> FixMarks {
    let digest = build::plan("web1").digest();
    FixMarks {
        fix: digest,
        evidence: digest,
    }
}

/// The builder's action, before it has a number.
pub(crate) fn new_action(on: &str) -> NewAction {
    let action = build::action(0, on);
    NewAction {
        issue: None,
        fingerprint: None,
        proposer: action.proposer,
        proposed_at: action.proposed_at,
        reason: action.reason,
        seen: action.seen,
        plan: action.plan,
        assessment: action.assessment,
        verdict: action.verdict,
        state: action.state,
        marks: marks(),
    }
}

pub(crate) fn ann() -> Approver {
    Approver::Person {
        person: Person {
            name: "ann".to_owned(),
            uid: 1000,
        },
        reason: None,
    }
}

/// Stores a held action.
pub(crate) async fn held(store: &Store) -> Action {
    let mut tx = store.begin().await.expect("a transaction");
    let action = tx
        .actions()
        .create(new_action("web1"))
        .await
        .expect("an action");
    tx.commit().await.expect("a commit");
    action
}

/// Stores an approved action.
pub(crate) async fn approved(store: &Store) -> Action {
    let held = held(store).await;
    let approved = held
        .clone()
        .approve(ann(), held.revision, NOON, ApprovalTerms::one(DAY))
        .expect("it is held");
    let mut tx = store.begin().await.expect("a transaction");
    tx.actions()
        .change(&held, &approved)
        .await
        .expect("nobody else is there");
    tx.commit().await.expect("a commit");
    approved
}

pub(crate) fn is_running(action: &Action) -> bool {
    matches!(action.state, ActionState::Running { .. })
}

pub(crate) fn record(event: &str) -> LogRecord {
    record_at(event, NOON)
}

pub(crate) fn record_at(event: &str, at: Timestamp) -> LogRecord {
    LogRecord {
        at,
        actor: Actor::Person(Person {
            name: "ann".to_owned(),
            uid: 1000,
        }),
        event: event.to_owned(),
        about: About::default(),
        body: serde_json::json!({ "b": 1, "a": "ä" }),
    }
}

/// Logs events, each in a transaction of its own.
pub(crate) async fn log_all(store: &Store, events: &[&str]) {
    for event in events {
        let mut tx = store.begin().await.expect("a transaction");
        tx.log().append(record(event)).expect("a good record");
        tx.commit().await.expect("a commit");
    }
}
