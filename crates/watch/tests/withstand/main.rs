//! What the watch must withstand: lost controllers, cut networks, rebooted hosts, stores that fail or hold a corrupt
//! row, and hosts that are hostile or not to be reached. Each on both databases where the store matters.

#[path = "../use_cases/asking.rs"]
#[expect(dead_code, reason = "only some of its cases are run here, too")]
mod asking;
#[path = "../use_cases/bridge.rs"]
mod bridge;
mod broken_line;
mod controller;
mod corrupt_rows;
mod failing_store;
mod gate;
mod hostile_hosts;
#[path = "../use_cases/looking.rs"]
#[expect(dead_code, reason = "only some of its cases are run here, too")]
mod looking;
mod lost_controller;
mod named;
mod rebooted;
#[path = "../use_cases/repairing.rs"]
#[expect(dead_code, reason = "only some of its cases are run here, too")]
mod repairing;
mod seeds;
mod sql;
mod two_processes;
mod unreached_hosts;

use std::time::Duration;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(40);

/// What must come soon.
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, event)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {} s", DEADLINE.as_secs()))
}

/// Waits until something is so that nobody tells of.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let polled = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(what, polled).await;
}

/// Runs cases on SQLite and on Postgres, each by its own name.
macro_rules! on_both {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        mod lite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bridge::Bridge::on_sqlite().await).await;
            })*
        }
        mod pg {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bridge::Bridge::on_postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_both;
