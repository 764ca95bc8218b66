//! Calls that nobody waits for any more, dropped at every point where they may wait: the connection goes back to the pool
//! as it was. And calls that wait for each other's connections: with as few as there can be, none waits for ever.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Row as _};
use tokio::task::JoinSet;
use watchkeeper_model::{ControllerId, JobNumber, Need};
use watchkeeper_store::{
    Claimer, Completed, Order, OutputPiece, QueueLimits, Store, StoreOptions, Used, Wake,
};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, MINUTE, controller};
use crate::queue::{asked, learning};

/// The most points at which a call is dropped; the longest ends by itself before that.
const MANY: usize = 200;
/// How long anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a future is dropped before the answer is there that it waits for, or just when it is.
#[derive(Clone, Copy, Debug)]
enum Drops {
    Early,
    Late,
}

/// Polls a future at most so many times, and drops it; true where it came to its end.
async fn ends(future: impl Future<Output = ()>, times: usize, drops: Drops) -> bool {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        if future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        match drops {
            Drops::Early if left == 0 => Poll::Ready(false),
            _ => Poll::Pending,
        }
    })
    .await
}

fn claimer<'a>(worker: &'a ControllerId, slot: Option<&'a str>, taken: u64) -> Claimer<'a> {
    Claimer {
        worker,
        lane: "gpu",
        slot,
        needs: &[Need::Answer],
        takes: &[],
        order: Order::of(taken),
    }
}

fn done(number: JobNumber) -> Completed {
    Completed {
        number,
        result: serde_json::json!("done"),
        used: Used::default(),
    }
}

/// What is called, and dropped.
#[derive(Clone, Copy, Debug)]
enum Call {
    Begin,
    Read,
    Enqueue,
    EnqueueWaitedFor,
    EnqueueAlone,
    Claim,
    ClaimAlone,
    Turn,
    Word,
    Say,
    Sweep,
    Figures,
    Listen,
}

const CALLS: [Call; 13] = [
    Call::Begin,
    Call::Read,
    Call::Enqueue,
    Call::EnqueueWaitedFor,
    Call::EnqueueAlone,
    Call::Claim,
    Call::ClaimAlone,
    Call::Turn,
    Call::Word,
    Call::Say,
    Call::Sweep,
    Call::Figures,
    Call::Listen,
];

impl Call {
    /// Does it; what is refused because of an earlier one is as good.
    async fn does(self, store: &Store, nth: i64) {
        let (worker, limits) = (controller("gpu"), QueueLimits::default());
        match self {
            Self::Begin => drop(store.begin().await.unwrap().commit().await.unwrap()),
            Self::Read => drop(store.read().await.unwrap()),
            Self::Enqueue | Self::EnqueueWaitedFor => {
                let new = match self {
                    Self::Enqueue => learning(nth, NOON),
                    _ => asked(&format!("ann{nth}"), nth, NOON),
                };
                let mut tx = store.begin().await.unwrap();
                tx.jobs().enqueue(new, &limits).await.unwrap();
                tx.commit().await.unwrap();
            }
            Self::EnqueueAlone => {
                let queued = store.enqueue_job(learning(nth, NOON), &limits).await;
                queued.unwrap();
            }
            Self::Claim => {
                let mut tx = store.begin().await.unwrap();
                let claimer = claimer(&worker, Some("gpu#1"), 0);
                tx.jobs().claim(&claimer, NOON, MINUTE).await.unwrap();
                tx.commit().await.unwrap();
            }
            Self::ClaimAlone => {
                let claimer = claimer(&worker, None, 3);
                store.claim_job(&claimer, NOON, MINUTE).await.unwrap();
            }
            Self::Turn => {
                let claimer = claimer(&worker, None, 0);
                let ended = [done(JobNumber(nth))];
                let turn = store.turn_jobs(&claimer, &ended, 1, NOON, MINUTE).await;
                turn.unwrap();
            }
            Self::Word => {
                store.job_word(JobNumber(nth), &worker).await.unwrap();
            }
            Self::Say => {
                let piece = OutputPiece {
                    seq: nth,
                    kind: "token".to_owned(),
                    text: "The disk".to_owned(),
                };
                let mut tx = store.begin().await.unwrap();
                tx.jobs().say(JobNumber(1), &[piece]).await.unwrap();
                tx.commit().await.unwrap();
            }
            Self::Sweep => {
                let mut tx = store.begin().await.unwrap();
                tx.jobs().sweep(NOON, 3).await.unwrap();
                tx.commit().await.unwrap();
            }
            Self::Figures => {
                let mut read = store.read().await.unwrap();
                read.jobs().figures(NOON).await.unwrap();
                read.jobs().position(JobNumber(1)).await.unwrap();
            }
            Self::Listen => drop(store.changes().await.unwrap()),
        }
    }
}

/// What the server says of the sessions of this database that are not at rest.
async fn restless(server: &mut PgConnection) -> Vec<String> {
    let sql = "select state, query from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'";
    let rows = sqlx::query(sql).fetch_all(server).await.unwrap();
    let told = |row: &sqlx::postgres::PgRow| {
        format!("{}: {}", row.get::<&str, _>(0), row.get::<&str, _>(1))
    };
    rows.iter().map(told).collect()
}

/// Waits until every session is at rest: what was dropped is rolled back beside us.
async fn at_rest(server: &mut PgConnection, after: &str) {
    let begun = tokio::time::Instant::now();
    loop {
        let restless = restless(server).await;
        if restless.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "after {after}: {restless:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_dropped_anywhere_leaves_its_connection_clean() {
    let ground = Ground::postgres().await;
    let options = StoreOptions {
        max_connections: 2,
        patience: PATIENCE,
        ..StoreOptions::default()
    };
    let store = ground.open_with(&options).await;
    let server: PgConnectOptions = ground.url.parse().unwrap();
    let mut server = server.connect().await.unwrap();
    let (mut nth, mut dropped) = (1, 0);
    for call in CALLS {
        for drops in [Drops::Early, Drops::Late] {
            for times in 0..=MANY {
                assert!(times < MANY, "{call:?} never ends");
                nth += 1;
                if ends(call.does(&store, nth), times, drops).await {
                    break;
                }
                dropped += 1;
                let after = format!("{call:?} dropped {drops:?} after {times}");
                at_rest(&mut server, &after).await;
                // Both connections are there still, see what is now, and may begin anything.
                let (one, two) = tokio::join!(store.read(), store.begin());
                let (mut one, two) = (one.expect(&after), two.expect(&after));
                one.jobs().counts().await.expect(&after);
                two.commit().await.expect(&after);
            }
        }
    }
    assert!(dropped > 3 * CALLS.len(), "{dropped} is not everywhere");
    store.close().await;
}

/// Each does all that the queue does, over and over, with one connection for all of them: who held one while waiting for
/// another would never get it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_is_enough_for_many() {
    let ground = Ground::postgres().await;
    let options = StoreOptions {
        max_connections: 1,
        patience: PATIENCE,
        ..StoreOptions::default()
    };
    let store = ground.open_with(&options).await;
    let mut changes = store.changes().await.expect("it takes no place");
    let mut tasks = JoinSet::new();
    for task in 0..8_i64 {
        let store = store.clone();
        tasks.spawn(async move {
            for (round, call) in (0..).zip(CALLS.into_iter().cycle().take(CALLS.len() * 2)) {
                call.does(&store, 1 + task * 100 + round).await;
            }
        });
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            ended.expect("each gets its turn");
        }
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .expect("nobody waits for ever");
    assert_eq!(changes.wait(PATIENCE).await, Wake::Signal);
    tokio::time::timeout(PATIENCE, store.close())
        .await
        .expect("who listens keeps no store from closing");
}

/// What is dropped in the middle of its commit took effect or did not, and whoever looks finds out which.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_dropped_is_whole_or_nothing() {
    let ground = Ground::postgres().await;
    let store = ground.open().await;
    for times in 0..8 {
        let mut tx = store.begin().await.unwrap();
        let (nth, limits) = (i64::try_from(times).unwrap(), QueueLimits::default());
        tx.jobs()
            .enqueue(learning(nth, NOON), &limits)
            .await
            .unwrap();
        tx.log()
            .append(crate::ground::record("job.queued"))
            .unwrap();
        ends(
            async { drop(tx.commit().await.unwrap()) },
            times,
            Drops::Early,
        )
        .await;
    }
    // A lock that was left would hold this up.
    let mut tx = store.begin().await.unwrap();
    tx.log()
        .append(crate::ground::record("job.queued"))
        .unwrap();
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let jobs = read.jobs().counts().await.unwrap();
    let queued = jobs.iter().map(|(_, count)| *count).sum::<i64>();
    let told = read.log().head().await.unwrap().0;
    assert_eq!(told, queued + 1, "both or neither");
}
