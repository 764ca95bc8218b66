//! What a kept connection costs. A process of its own, so that nothing else is counted.

mod russh_support;

use russh_support::*;
use watchkeeper_fleet::RusshConnection;
use watchkeeper_testkit::sshd::{Sshd, SshdOptions};

/// What a connection that is kept and idle may take of the controller's memory.
const MAX_KEPT_KIB: usize = 100;
/// How many are opened before it is counted, and how many then.
const WARM: usize = 10;
const COUNTED: usize = 25;

#[tokio::test]
async fn a_kept_connection_takes_little_memory() {
    let sshd = Sshd::start(&SshdOptions::default());
    let engine = engine();
    let mut kept: Vec<RusshConnection> = Vec::new();
    let mut before = 0;
    for number in 0..WARM + COUNTED {
        if number == WARM {
            before = resident_kib();
        }
        let connection = engine.connection(way(&sshd));
        run(&connection, echo("x")).await.expect("it answers");
        kept.push(connection);
    }
    let each = resident_kib().saturating_sub(before) / COUNTED;
    println!("{each} KiB each");
    assert!(each <= MAX_KEPT_KIB, "{each} KiB each");
}

fn resident_kib() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .expect("a number");
    pages * 4
}
