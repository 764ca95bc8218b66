//! Approvals and claims, by the use cases' own transactions, beside the least SQL that is as safe. Each is durable when
//! it returns: SQLite syncs every commit, and the Postgres of the tests is told to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use futures::future::BoxFuture;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use watchkeeper_fleet::{Fleet, Inventory};
use watchkeeper_model::{
    About, Action, Actor, BootId, Clock as _, ControllerId, LogRecord, Person, Run, RunId,
};
use watchkeeper_store::{FixMarks, NewAction, RunMarks, Store};
use watchkeeper_testkit::build;
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_watch::{Decision, Watch};

use crate::machine::{MachineClock, cpu, say};
use crate::setting::{engines, runtime, watch};

/// How long an approval is good, and a run is leased: longer than any measurement.
const DAY: Duration = Duration::from_secs(86_400);
/// Actions made by one transaction.
const MADE_AT_ONCE: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct StoresArgs {
    /// How many actions each measurement approves and claims.
    #[arg(long, default_value_t = 1_000)]
    actions: usize,
    /// Workers at once, one measurement for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4])]
    workers: Vec<usize>,
    /// How often each is measured; the best counts, since others on the disk only ever slow it down.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

pub(crate) fn run(args: &StoresArgs) -> anyhow::Result<()> {
    runtime(0)?.block_on(measure(args))
}

/// Where a measurement takes place.
enum Ground {
    Sqlite,
    Postgres(Cluster),
}

impl Ground {
    const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

async fn measure(args: &StoresArgs) -> anyhow::Result<()> {
    let cluster = Cluster::private();
    for setting in ["fsync", "full_page_writes"] {
        cluster.sql(&format!("alter system set {setting} = on"));
    }
    cluster.stop();
    cluster.start();
    say("| store | what | workers | per second, best | worst | CPU ms each |")?;
    say("|---|---|---|---|---|---|")?;
    for ground in [Ground::Sqlite, Ground::Postgres(cluster)] {
        for workers in &args.workers {
            let mut laps: Vec<(&str, Vec<Lap>)> = Vec::new();
            for _ in 0..args.runs {
                for (what, lap) in one_run(&ground, args.actions, *workers).await? {
                    match laps.iter_mut().find(|(known, _)| *known == what) {
                        Some((_, laps)) => laps.push(lap),
                        None => laps.push((what, vec![lap])),
                    }
                }
            }
            for (what, laps) in laps {
                say(&row(ground.name(), what, *workers, args.actions, &laps))?;
            }
        }
    }
    Ok(())
}

/// What one measurement took.
struct Lap {
    wall: Duration,
    cpu: Duration,
}

fn row(store: &str, what: &str, workers: usize, count: usize, laps: &[Lap]) -> String {
    let speeds: Vec<f64> = laps
        .iter()
        .map(|lap| count as f64 / lap.wall.as_secs_f64())
        .collect();
    let best = speeds.iter().copied().fold(0.0, f64::max);
    let worst = speeds.iter().copied().fold(f64::INFINITY, f64::min);
    let least = laps.iter().map(|lap| lap.cpu).min().unwrap_or_default();
    let each = least.as_secs_f64() * 1e3 / count as f64;
    format!("| {store} | {what} | {workers} | {best:.0} | {worst:.0} | {each:.3} |")
}

/// Does `count` pieces of work by so many workers, each of which takes the next when it is done with one.
async fn lap<W>(workers: usize, count: usize, work: W) -> anyhow::Result<Lap>
where
    W: Fn(usize) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync + 'static,
{
    let (work, next) = (Arc::new(work), Arc::new(Mutex::new(0..count)));
    let (began, used) = (Instant::now(), cpu()?);
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (work, next) = (Arc::clone(&work), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let Some(place) = next.lock().await.next() else {
                    return anyhow::Ok(());
                };
                work(place).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.context("a worker")??;
    }
    Ok(Lap {
        wall: began.elapsed(),
        cpu: cpu()?.saturating_sub(used),
    })
}

async fn one_run(
    ground: &Ground,
    count: usize,
    workers: usize,
) -> anyhow::Result<Vec<(&'static str, Lap)>> {
    let home = tempfile::tempdir().context("a temporary directory")?;
    let (ours, bare, _databases) = match ground {
        Ground::Sqlite => {
            let ours = format!("sqlite:{}", home.path().join("store.db").display());
            (ours, Bare::sqlite(home.path()).await?, Vec::new())
        }
        Ground::Postgres(cluster) => {
            let databases = vec![
                cluster.database("empty", async |_| {}).await,
                cluster.database("empty", async |_| {}).await,
            ];
            (
                databases[0].url().to_owned(),
                Bare::postgres(databases[1].url()).await?,
                databases,
            )
        }
    };
    let store = Store::open(&ours).await?;
    let nobody = home.path().join("known_hosts");
    let engines = engines(home.path(), "nobody", &nobody);
    let fleet = Fleet::new(Inventory::local(), Arc::clone(&engines) as _);
    let watch = watch(store.clone(), fleet, engines, 1)?;
    let held = Arc::new(make_held(&store, count).await?);
    let approving = lap(workers, count, move |place| {
        let (watch, held) = (watch.clone(), Arc::clone(&held));
        Box::pin(async move { approve(&watch, &held[place]).await })
    });
    let mut laps = vec![("approvals", approving.await?)];
    let claiming = store.clone();
    let claimed = lap(workers, count, move |_| {
        let store = claiming.clone();
        Box::pin(async move { claim(&store).await })
    });
    laps.push(("claims", claimed.await?));
    let head = store.read().await?.log().head().await?.0;
    ensure!(
        head == 2 * i64::try_from(count)?,
        "each left one entry in the log: {head}"
    );
    store.close().await;
    laps.extend(bare.laps(workers, count).await?);
    Ok(laps)
}

/// Stores actions that wait for a person.
async fn make_held(store: &Store, count: usize) -> anyhow::Result<Vec<Action>> {
    let now = MachineClock.now();
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        let mut tx = store.begin().await?;
        for number in held.len()..count.min(held.len() + MADE_AT_ONCE) {
            let action = build::action(0, &format!("host{number:05}"));
            let marks = FixMarks {
                fix: action.digest,
                evidence: action.digest,
            };
            let state = watchkeeper_model::ActionState::Held {
                approvals: Vec::new(),
                since: now,
                because: Vec::new(),
                approve_by: now.after(DAY),
            };
            let new = NewAction {
                issue: None,
                fingerprint: None,
                proposer: action.proposer,
                proposed_at: now,
                reason: action.reason,
                seen: action.seen,
                plan: action.plan,
                assessment: action.assessment,
                verdict: action.verdict,
                state,
                marks,
            };
            held.push(tx.actions().create(new).await?);
        }
        tx.commit().await?;
    }
    Ok(held)
}

/// A person approves what they saw.
async fn approve(watch: &Watch, seen: &Action) -> anyhow::Result<()> {
    let person = Person {
        name: "ann".to_owned(),
        uid: 1_000,
    };
    let decision = Decision {
        revision: seen.revision,
        digest: seen.digest,
        reason: None,
    };
    Ok(watch.approve(seen.number, person, decision).await?)
}

/// A controller takes the next approved action: the transaction that comes after the re-check over SSH.
async fn claim(store: &Store) -> anyhow::Result<()> {
    let now = MachineClock.now();
    let mut tx = store.begin().await?;
    let approved = tx
        .actions()
        .lock_next_approved(&[])
        .await?
        .context("there is one for each try")?;
    let id = RunId::from_parts(now, rand::random());
    let running = approved.clone().claim(id.clone(), now)?;
    tx.actions().change(&approved, &running).await?;
    let controller = ControllerId::new("bench")?;
    let run = Run {
        id: id.clone(),
        action: running.number,
        revision: running.revision,
        digest: running.digest,
        controller: controller.clone(),
        claimed_at: now,
        boot: BootId("boot".to_owned()),
        steps: Vec::new(),
    };
    let marks = RunMarks {
        host: running.plan.host.clone(),
        steps: running.digest,
        by_orders: false,
    };
    tx.runs().insert(&run, &marks, now.after(DAY)).await?;
    tx.log().append(LogRecord {
        at: now,
        actor: Actor::Watch { controller },
        event: "action.running".to_owned(),
        about: About {
            action: Some(running.number),
            run: Some(id),
            ..About::default()
        },
        body: Default::default(),
    })?;
    tx.commit().await?;
    Ok(())
}

/// One table and one statement for each step: no plan, no digest, no log.
#[derive(Clone)]
enum Bare {
    Pg(PgPool),
    Lite(SqlitePool),
}

const MAKE: &str = "create table item (number bigint primary key, state text not null)";
const MAKE_INDEX: &str = "create index item_approved on item (number) where state = 'approved'";
const FILL: &str = "insert into item (number, state) values ($1, 'held')";
const APPROVE: &str = "update item set state = 'approved' where number = $1 and state = 'held'";
const CLAIM_PG: &str = "update item set state = 'running' where number = (
    select number from item where state = 'approved' order by number limit 1 for update skip locked)";
const CLAIM_LITE: &str = "update item set state = 'running' where number = (
    select number from item where state = 'approved' order by number limit 1)";

impl Bare {
    async fn sqlite(home: &std::path::Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(home.join("bare.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // One writer, as the store has.
        Ok(Self::Lite(
            SqlitePoolOptions::new()
                .max_connections(1)
                .connect_with(options)
                .await?,
        ))
    }

    async fn postgres(url: &str) -> anyhow::Result<Self> {
        Ok(Self::Pg(
            PgPoolOptions::new()
                .max_connections(16)
                .connect(url)
                .await?,
        ))
    }

    /// Runs one statement and says how many rows it touched.
    async fn execute(&self, sql: &'static str, number: Option<i64>) -> anyhow::Result<u64> {
        Ok(match self {
            Self::Pg(pool) => {
                let query = sqlx::query(sql);
                let query = match number {
                    Some(number) => query.bind(number),
                    None => query,
                };
                query.execute(pool).await?.rows_affected()
            }
            Self::Lite(pool) => {
                let query = sqlx::query(sql);
                let query = match number {
                    Some(number) => query.bind(number),
                    None => query,
                };
                query.execute(pool).await?.rows_affected()
            }
        })
    }

    async fn laps(&self, workers: usize, count: usize) -> anyhow::Result<Vec<(&'static str, Lap)>> {
        self.execute(MAKE, None).await?;
        self.execute(MAKE_INDEX, None).await?;
        for number in 0..count {
            self.execute(FILL, Some(i64::try_from(number)?)).await?;
        }
        let approving = self.clone();
        let approvals = lap(workers, count, move |place| {
            let bare = approving.clone();
            Box::pin(
                async move { one_row(bare.execute(APPROVE, Some(i64::try_from(place)?)).await?) },
            )
        });
        let approvals = approvals.await?;
        let claiming = self.clone();
        let claims = lap(workers, count, move |_| {
            let bare = claiming.clone();
            let sql = if matches!(bare, Self::Pg(_)) {
                CLAIM_PG
            } else {
                CLAIM_LITE
            };
            Box::pin(async move { one_row(bare.execute(sql, None).await?) })
        });
        let claims = claims.await?;
        match self {
            Self::Pg(pool) => pool.close().await,
            Self::Lite(pool) => pool.close().await,
        }
        Ok(vec![
            ("bare SQL: approvals", approvals),
            ("bare SQL: claims", claims),
        ])
    }
}

fn one_row(touched: u64) -> anyhow::Result<()> {
    ensure!(touched == 1, "{touched} rows were touched");
    Ok(())
}
