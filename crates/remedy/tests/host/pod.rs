//! A host of its own for a test: `unshare` gives it its own processes, `/run`, `/var/lib` and `/tmp`, and any shell as
//! its `/bin/sh`. The test program runs itself again in there; when the test ends, all of it is gone.

use std::process::{Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::{Connection, LocalConnection};
use watchkeeper_model::{
    BootId, Phase, PlannedStep, Privilege, RunId, Step, StepOutcome, Timestamp,
};
use watchkeeper_remedy::{
    Entry, JournalLost, NotYet, Offsets, Patience, Sighting, StepEnd, StepEvent, StepId,
    StepJournal, StepTicket,
};

/// Tools and user of a host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(&'static str, &'static str);

pub(crate) const DASH: Place = Place("dash", "root");
pub(crate) const USER: Place = Place("dash", "nobody");
/// Neither timeout nor sha256sum.
pub(crate) const BARE: Place = Place("busybox-bare", "root");

/// Every shell as root, every tool from busybox, hardly a tool at all, and a user who may not become root.
pub(crate) const EVERYWHERE: &[Place] = &[
    DASH,
    Place("bash", "root"),
    Place("mksh", "root"),
    Place("busybox", "root"),
    BARE,
    USER,
    Place("bash", "nobody"),
];

/// Runs `test`, which is called `name`, in a host of each kind.
#[expect(
    clippy::disallowed_methods,
    reason = "a host for a test is made of processes, and told what it is"
)]
pub(crate) fn on_hosts<F: Future<Output = ()>>(name: &str, places: &[Place], test: impl Fn() -> F) {
    if std::env::var_os("WATCHKEEPER_POD").is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(test());
        return;
    }
    let program = std::env::current_exe().expect("the test program");
    for place in places {
        let output = Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "/bin/sh",
                "-c",
            ])
            .args([include_str!("pod.sh"), "pod"])
            .arg(&program)
            .args([name, place.0, place.1])
            .stdin(Stdio::null())
            .output()
            .expect("unshare; run tests/install");
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let passed = output.status.success() && said.contains("1 passed");
        assert!(
            passed,
            "{name} on {place:?} (these tests need root and tests/install):\n{said}\n{errors}"
        );
    }
}

/// A connection to the host that the test is in.
pub(crate) fn conn() -> LocalConnection {
    LocalConnection::new()
}

/// The host's boot.
pub(crate) async fn boot() -> BootId {
    watchkeeper_remedy::boot_id(&conn(), Privilege::Login)
        .await
        .expect("the host says its boot")
}

/// A new id.
pub(crate) fn id() -> StepId {
    StepId::new(
        &RunId::from_parts(Timestamp::from_millis(1), rand::random()),
        Phase::Apply,
        0,
    )
}

/// A ticket for a script with a limit of 30 s and 1 MiB.
pub(crate) async fn ticket(script: &str) -> StepTicket {
    ticket_with(script, 30, 1024 * 1024).await
}

/// A ticket with limits.
pub(crate) async fn ticket_with(script: &str, limit_s: u32, max_output_bytes: u32) -> StepTicket {
    let step = PlannedStep {
        step: Step::Shell {
            script: script.to_owned(),
        },
        script: script.to_owned(),
        limit_s,
        max_output_bytes,
    };
    StepTicket::new(id(), &step, &boot().await, Privilege::Login).expect("a ticket")
}

/// Everything that was recorded, one line for each event.
#[derive(Debug, Default)]
pub(crate) struct Diary(pub(crate) Vec<String>);

#[async_trait]
impl StepJournal for Diary {
    async fn record(&mut self, event: StepEvent<'_>) -> Result<(), JournalLost> {
        self.0.push(match event {
            StepEvent::Waiting { .. } => "waiting".to_owned(),
            StepEvent::Output {
                stream,
                offset,
                bytes,
            } => format!("{stream:?} {offset}+{}", bytes.len()),
            event => format!("{event:?}"),
        });
        Ok(())
    }
}

/// Little patience, for tests.
pub(crate) const HASTY: Patience = Patience {
    first_pause: Duration::from_millis(20),
    longest_pause: Duration::from_millis(100),
    silence: Duration::from_secs(5),
    wait: Duration::from_secs(2),
};

/// Drives a step over any connection.
pub(crate) async fn drive(
    conn: &dyn Connection,
    ticket: &StepTicket,
    entry: Entry,
) -> Result<StepEnd, NotYet> {
    let stop = CancellationToken::new();
    watchkeeper_remedy::drive_step(conn, ticket, entry, HASTY, &mut Diary::default(), &stop).await
}

/// An end by itself, with nothing left behind.
pub(crate) fn exited(code: i32) -> StepOutcome {
    StepOutcome::Exited {
        code,
        children_left: false,
    }
}

/// Runs a script to its end.
pub(crate) async fn run(script: &str) -> StepEnd {
    drive(&conn(), &ticket(script).await, Entry::First)
        .await
        .expect("an outcome")
}

/// One look at a step, from its beginning.
pub(crate) async fn look(ticket: &StepTicket) -> Sighting {
    let reply =
        watchkeeper_remedy::attach(&conn(), ticket, Offsets::default(), Duration::ZERO).await;
    match reply.expect("an answer") {
        watchkeeper_remedy::AttachReply::Seen(seen) => *seen,
        watchkeeper_remedy::AttachReply::Refused(why) => panic!("refused: {why}"),
    }
}

/// Waits until `is_so` says yes, for at most 20 s.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{what}: not within 20 s"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where the gates are.
pub(crate) fn gates() -> std::path::PathBuf {
    if nix::unistd::geteuid().is_root() {
        "/run/watchkeeper-runs".into()
    } else {
        "/run/home/.local/state/watchkeeper/runs".into()
    }
}

/// What lies in the directory of the gates.
pub(crate) fn in_gates() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(gates()) else {
        return vec![];
    };
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

/// Runs a program on the host, as the test's own doing.
#[expect(
    clippy::disallowed_methods,
    reason = "what happens to a host beside Watchkeeper is done by processes"
)]
pub(crate) fn command(program: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Sends a start as it is on the wire, beside any connection, and gives the reply without its nonce.
pub(crate) async fn raw_start(header: &str, script: &str, plant: &[(&str, &str)]) -> String {
    let nonce = "0123456789abcdef0123456789abcdef";
    let input = std::path::Path::new("/tmp/request");
    std::fs::write(input, format!("{header} {nonce}\n{script}")).expect("a request");
    let home = if nix::unistd::geteuid().is_root() {
        "/root"
    } else {
        "/run/home"
    };
    let output = command("/bin/sh")
        .args(["-c", watchkeeper_remedy::texts::START, "watchkeeper"])
        .stdin(std::fs::File::open(input).expect("a request"))
        .env("HOME", home)
        .envs(plant.iter().copied())
        .output()
        .await
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim()
        .strip_prefix(&format!("@{nonce} "))
        .unwrap_or(&text)
        .to_owned()
}

/// Runs a line of shell on the host to its end and gives what it printed.
pub(crate) async fn sh(line: &str) -> String {
    let output = command("/bin/sh")
        .arg("-c")
        .arg(line)
        .output()
        .await
        .expect("a shell");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
