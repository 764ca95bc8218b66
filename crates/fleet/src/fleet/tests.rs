//! Over connections that count.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::Exit;

/// Makes connections that count, and fails for the host `broken`.
#[derive(Debug, Default)]
struct Counting {
    made: AtomicUsize,
    closed: Arc<AtomicUsize>,
    hanging: Arc<Notify>,
    next_failure: Arc<std::sync::Mutex<Option<LookFailure>>>,
}

#[derive(Debug)]
struct Counted {
    closed: Arc<AtomicUsize>,
    hanging: Arc<Notify>,
    let_go: Arc<Semaphore>,
    next_failure: Arc<std::sync::Mutex<Option<LookFailure>>>,
}

#[async_trait]
impl Connector for Counting {
    async fn connect(&self, entry: &HostEntry) -> Result<Arc<dyn Connection>, LookFailure> {
        self.made.fetch_add(1, Ordering::SeqCst);
        if entry.name.as_str() == "broken" {
            return Err(LookFailure::Misconfigured {
                detail: "broken".to_owned(),
            });
        }
        Ok(Arc::new(Counted {
            closed: Arc::clone(&self.closed),
            hanging: Arc::clone(&self.hanging),
            let_go: Arc::new(Semaphore::new(0)),
            next_failure: Arc::clone(&self.next_failure),
        }))
    }
}

#[async_trait]
impl Connection for Counted {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        if command == RemoteCommand::new("hang") {
            self.hanging.notify_one();
            let _ = self.let_go.acquire().await;
        }
        if let Some(failure) = self.next_failure.lock().expect("no panic").take() {
            return Err(failure);
        }
        Ok(Output {
            stdout: Vec::new(),
            stderr: Vec::new(),
            exit: Exit::Code(0),
        })
    }

    async fn close(&self) {
        self.closed.fetch_add(1, Ordering::SeqCst);
        self.let_go.add_permits(1);
    }
}

fn name(text: &str) -> HostName {
    HostName::new(text).expect("a name")
}

fn inventory(hosts: &[(&str, u16)]) -> Inventory {
    let entries = hosts.iter().map(|(host, port)| HostEntry {
        port: Some(*port),
        ..HostEntry::new(name(host))
    });
    Inventory::new(entries.collect(), Vec::new()).expect("valid")
}

fn fleet(hosts: &[(&str, u16)], idle: Duration) -> (Fleet, Arc<Counting>) {
    let connector = Arc::new(Counting::default());
    (
        Fleet::with_idle(
            inventory(hosts),
            Arc::clone(&connector) as Arc<dyn Connector>,
            idle,
        ),
        connector,
    )
}

async fn run(fleet: &Fleet, host: &str) -> Result<Output, LookFailure> {
    fleet.run(&name(host), RemoteCommand::new("true")).await
}

fn counts(connector: &Counting) -> (usize, usize) {
    (
        connector.made.load(Ordering::SeqCst),
        connector.closed.load(Ordering::SeqCst),
    )
}

#[tokio::test]
async fn a_connection_is_made_once_and_kept() {
    let (fleet, connector) = fleet(&[("a", 1), ("b", 1)], DEFAULT_IDLE);
    for _ in 0..3 {
        run(&fleet, "a").await.expect("a result");
    }
    assert_eq!(counts(&connector), (1, 0));
    run(&fleet, "b").await.expect("a result");
    fleet.close_all().await;
    assert_eq!(counts(&connector), (2, 2));
    run(&fleet, "a").await.expect("a result");
    assert_eq!(counts(&connector), (3, 2));
}

#[tokio::test]
async fn a_reload_keeps_the_connections_of_unchanged_hosts() {
    let (fleet, connector) = fleet(&[("a", 1), ("b", 1), ("c", 1)], DEFAULT_IDLE);
    for host in ["a", "b", "c"] {
        run(&fleet, host).await.expect("a result");
    }
    fleet.reload(inventory(&[("a", 1), ("b", 2)])).await;
    assert_eq!(fleet.hosts(), [name("a"), name("b")]);
    run(&fleet, "a").await.expect("a result");
    assert_eq!(
        counts(&connector).0,
        3,
        "the unchanged host was connected to again"
    );
    run(&fleet, "b").await.expect("a result");
    let gone = run(&fleet, "c").await.expect_err("not in the inventory");
    assert_eq!(gone.kind(), "misconfigured");
    fleet.close_all().await;
    assert_eq!(counts(&connector), (4, 4));
}

#[tokio::test]
async fn an_entry_that_cannot_be_used_loses_no_other() {
    let (fleet, _) = fleet(&[("broken", 1), ("a", 1)], DEFAULT_IDLE);
    assert_eq!(
        run(&fleet, "broken").await.expect_err("broken").kind(),
        "misconfigured"
    );
    assert!(run(&fleet, "a").await.is_ok());
}

#[tokio::test]
async fn only_a_connection_that_nobody_uses_is_idle() {
    let (fleet, connector) = fleet(&[("a", 1), ("busy", 1)], Duration::ZERO);
    run(&fleet, "a").await.expect("a result");
    let busy = async { fleet.run(&name("busy"), RemoteCommand::new("hang")).await };
    let sweep = async {
        connector.hanging.notified().await;
        fleet.close_idle().await;
        // Closing goes on by itself; the busy one is not among what it waits for.
        while counts(&connector).1 == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counts(&connector), (2, 1));
        fleet.close_all().await;
    };
    let (ended, ()) = tokio::join!(busy, sweep);
    assert!(ended.is_ok());
}

#[tokio::test]
async fn a_host_that_hangs_delays_no_other() {
    let (fleet, connector) = fleet(&[("a", 1), ("hanging", 1)], DEFAULT_IDLE);
    let hanging = async {
        fleet
            .run(&name("hanging"), RemoteCommand::new("hang"))
            .await
    };
    let others = async {
        connector.hanging.notified().await;
        assert!(run(&fleet, "a").await.is_ok());
        assert!(
            run(&fleet, "hanging").await.is_ok(),
            "two commands run at once on one host"
        );
        fleet.close_all().await;
    };
    let (ended, ()) = tokio::join!(hanging, others);
    assert!(ended.is_ok());
}

#[tokio::test]
async fn after_a_loss_the_way_is_looked_up_again_and_after_a_timeout_it_is_not() {
    let (fleet, connector) = fleet(&[("a", 1)], DEFAULT_IDLE);
    for (failure, made) in [
        (LookFailure::TimedOut { limit_ms: 1 }, 1),
        (
            LookFailure::ConnectionLost {
                detail: "cut".to_owned(),
            },
            2,
        ),
    ] {
        *connector.next_failure.lock().expect("no panic") = Some(failure.clone());
        assert_eq!(run(&fleet, "a").await, Err(failure));
        run(&fleet, "a").await.expect("a result");
        assert_eq!(counts(&connector).0, made);
    }
}
