//! A store that fails in the middle: Postgres stopped and started again, refusing connections, and SQLite without
//! room. The error names the store, the rest goes on, and what runs on a host is not lost.

use std::sync::Arc;

use tokio::task::JoinSet;
use watchkeeper_model::{ActionNumber, HostName};
use watchkeeper_store::{Store, StoreOptions};
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_watch::view::{CheckReport, LogVerdict};
use watchkeeper_watch::{Ran, Watch};

use crate::bridge::{Bridge, MINUTE, NGINX, Rig, build_watch, entries, settings};
use crate::gate::{Gate, Moment, Request};
use crate::lost_controller::{Daemon, approved, is_over, restarts, resumed};
use crate::{soon, until};

async fn on_own_postgres() -> (Arc<Cluster>, Bridge) {
    let cluster = Arc::new(Cluster::private());
    let bridge = Bridge::on_cluster(Arc::clone(&cluster)).await;
    (cluster, bridge)
}

/// A check of one host that stands behind a gate once the host has answered.
struct Look {
    gate: Gate,
    watch: Watch,
    task: JoinSet<Result<CheckReport, watchkeeper_watch::WatchError>>,
}

impl Look {
    async fn answered(bridge: &Bridge) -> Self {
        let gate = Gate::at(Moment::After(Request::Look, 1));
        let watch = bridge.gated("looking", &gate).await;
        let mut task = JoinSet::new();
        let looking = watch.clone();
        task.spawn(async move { looking.check(&[], |_| ()).await });
        gate.is_reached().await;
        Self { gate, watch, task }
    }

    async fn goes_on(&mut self) -> Result<CheckReport, watchkeeper_watch::WatchError> {
        self.gate.open();
        soon("the check ends", self.task.join_next())
            .await
            .expect("a task")
            .expect("it does not panic")
    }
}

fn names_the_store(text: &str) -> bool {
    text.contains("the database cannot be reached")
}

/// The store is away while the host's answer is to be stored; a moment later it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_lost_before_a_look_is_stored_costs_this_look_only() {
    let (cluster, mut bridge) = on_own_postgres().await;
    bridge.add_host().await;
    bridge.host().unit(NGINX).fails("exit-code");
    // The first host's answer comes while the store is away, the second's after.
    let first = Gate::at(Moment::After(Request::Look, 1));
    let second = Gate::at(Moment::After(Request::Look, 2));
    let watch = bridge.gated_twice("looking", &first, &second).await;
    let (sender, mut done) = tokio::sync::mpsc::unbounded_channel();
    let mut task = JoinSet::new();
    let looking = watch.clone();
    task.spawn(async move {
        looking
            .check(&[], move |progress| {
                let _ = sender.send(progress.host);
            })
            .await
    });
    tokio::join!(first.is_reached(), second.is_reached());
    cluster.stop();
    first.open();
    let lost = soon("one look ends", done.recv()).await.expect("a host");
    cluster.start();
    second.open();
    let report = soon("the check ends", task.join_next())
        .await
        .expect("a task")
        .expect("it does not panic")
        .expect("the store is back");
    let of = |report: &CheckReport, name: &HostName| {
        let host = report.hosts.iter().find(|host| host.host == *name);
        host.expect("a report").errors.clone()
    };
    let errors = of(&report, &lost);
    assert!(
        errors.len() == 1 && names_the_store(&errors[0]),
        "{errors:?}"
    );
    let other = report
        .hosts
        .iter()
        .find(|host| host.host != lost)
        .expect("the other");
    assert!(other.errors.is_empty(), "{:?}", other.errors);
    // Nobody waits for the lease of the look that was lost.
    let report = watch.check(&[], |_| ()).await.expect("the store is back");
    assert!(
        report.hosts.iter().all(|host| host.errors.is_empty()),
        "{report:?}"
    );
    assert_eq!(
        bridge.nginx().await.issue.seen_count,
        1 + i64::from(other.host.as_str() == "web1")
    );
    bridge.log_is_intact().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_refusing_connections_is_named_and_nothing_is_changed() {
    let (cluster, bridge) = on_own_postgres().await;
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    let mut look = Look::answered(&bridge).await;
    cluster.stop();
    let error = look.goes_on().await.expect_err("there is no store");
    assert!(names_the_store(&error.to_string()), "{error}");
    let sheet = bridge.watch.action(ActionNumber(0)).await;
    assert!(names_the_store(
        &sheet.expect_err("there is no store").to_string()
    ));
    cluster.start();
    assert_eq!(bridge.state(0).await, "held");
    let report = look.watch.check(&[], |_| ()).await.expect("it is back");
    assert!(report.hosts[0].errors.is_empty(), "{report:?}");
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    bridge.log_is_intact().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_restarted_while_a_step_runs_is_not_even_noticed() {
    let (cluster, bridge) = on_own_postgres().await;
    approved(&bridge).await;
    let held = crate::broken_line::Held::at(&bridge, Moment::After(Request::Start, 1)).await;
    cluster.stop();
    cluster.start();
    let ran = held.goes_on().await.expect("the store is back");
    assert_eq!(ran, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_lost_while_a_step_runs_loses_neither_step_nor_outcome() {
    let (cluster, bridge) = on_own_postgres().await;
    approved(&bridge).await;
    let held = crate::broken_line::Held::at(&bridge, Moment::Ended(1)).await;
    cluster.stop();
    let error = held.goes_on().await.expect_err("there is no store");
    assert!(names_the_store(&error.to_string()), "{error}");
    cluster.start();
    assert_eq!(bridge.state(0).await, "running");
    bridge.clock.advance(2 * MINUTE);
    assert_eq!(resumed(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}

/// The loops of a daemon ride it out: what is approved runs, and hosts are looked at, without anybody's help.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_goes_on_when_postgres_is_back() {
    let (cluster, bridge) = on_own_postgres().await;
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    bridge.approve(0).await;
    let watch = bridge.another_controller("daemon").await;
    cluster.stop();
    let mut daemon = Daemon::of(watch, false);
    cluster.start();
    until("the action is run", || restarts(&bridge) == 1).await;
    let fixed = async {
        while bridge.state(0).await != "fixed" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("it is verified", fixed).await;
    daemon.stops().await;
    bridge.log_is_intact().await;
}

/// Room for a few pages more than there are.
async fn with_little_room(bridge: &Bridge, name: &str, more: u32) -> Watch {
    let pages = std::fs::metadata(bridge.url.trim_start_matches("sqlite:"))
        .expect("the store's file")
        .len()
        / 4_096;
    let options = StoreOptions {
        max_pages: Some(u32::try_from(pages).expect("it is small") + more),
        ..StoreOptions::default()
    };
    let rig = Rig {
        name,
        store: Store::open_with(&bridge.url, &options)
            .await
            .expect("a store"),
        dir: bridge.dir.path(),
        clock: bridge.clock.clone(),
        entries: entries(&bridge.hosts),
        settings: settings(),
        lanes: Vec::new(),
    };
    build_watch(rig, |ways| ways)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_without_room_says_so_and_goes_on_when_there_is_room() {
    let bridge = Bridge::on_sqlite().await;
    bridge.check().await;
    bridge.sql("vacuum").await;
    bridge.sql("pragma wal_checkpoint(truncate)").await;
    let full = with_little_room(&bridge, "full", 0).await;
    bridge.host().unit(NGINX).fails("exit-code");
    let mut errors = Vec::new();
    for _ in 0..20 {
        bridge.clock.advance(MINUTE);
        let report = full.check(&[], |_| ()).await;
        errors = match report {
            Ok(report) => report.hosts[0].errors.clone(),
            Err(error) => vec![error.to_string()],
        };
        if !errors.is_empty() {
            break;
        }
    }
    assert!(
        errors
            .first()
            .is_some_and(|error| error.contains("no room left for")),
        "{errors:?}"
    );
    assert!(full.status(false).await.is_ok(), "it can still be read");
    bridge.clock.advance(MINUTE);
    let roomy = bridge.another_controller("full").await;
    drop(full);
    bridge.clock.advance(10 * MINUTE);
    let report = roomy.check(&[], |_| ()).await.expect("there is room");
    assert!(report.hosts[0].errors.is_empty(), "{report:?}");
    assert!(bridge.nginx().await.issue.state.is_active());
    let verdict = roomy.verify_log().await.expect("a verdict");
    assert!(matches!(verdict, LogVerdict::Intact { .. }), "{verdict:?}");
}

/// The step has run, and there is no room to say so: it is found again when there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_without_room_in_the_middle_of_a_run_loses_no_outcome() {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    // What SQLite says when it has no room, at the record of the end.
    bridge
        .sql(
            "create trigger stop before update on run_steps
             begin select raise(abort, 'database or disk is full'); end",
        )
        .await;
    assert!(bridge.watch.run_action(ActionNumber(0)).await.is_err());
    bridge.stops_no_more("run_steps").await;
    assert_eq!(
        (bridge.state(0).await.as_str(), restarts(&bridge)),
        ("running", 1)
    );
    bridge.clock.advance(2 * MINUTE);
    assert_eq!(resumed(&bridge).await, Ran::Over("fixed"));
    assert_eq!(restarts(&bridge), 1);
    is_over(&bridge, "fixed").await;
}
