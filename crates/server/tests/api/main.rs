//! The API as its clients meet it: the router in process and over a real socket, on SQLite, over simulated hosts.

mod actions;
mod allowed;
#[path = "../../../watch/tests/use_cases/bridge.rs"]
#[expect(
    dead_code,
    reason = "the bridge is shared with the use cases, which use more of it"
)]
mod bridge;
mod devices;
mod document;
mod events;
mod hostile;
mod house;
mod identity;
mod issues;
mod knowing;
mod log;
mod looking;
mod notices;
mod queue;
mod shape;
mod socket;
mod talks;

use std::time::Duration;

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(40);

/// What must come soon.
async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} did not come within {} s", DEADLINE.as_secs()),
    }
}
