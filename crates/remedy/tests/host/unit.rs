//! What a start makes of the answers of systemd-run: it works, it fails, it fails and does it all the same, another
//! has the name of the unit.

use watchkeeper_remedy::{Entry, Launch, StartReply, StepState, start};

use crate::pod::{DASH, conn, drive, exited, in_gates, look, on_hosts, sh, ticket};

/// Puts a systemd-run of our own before the host's.
async fn play(lines: &str) {
    sh("mkdir -p /run/systemd/system /run/wrappers/bin").await;
    let text = format!(
        "#!/bin/sh\necho \"$*\" >/tmp/asked\nuntil [ \"$1\" = /bin/sh ]; do shift; done\n{lines}\n"
    );
    std::fs::write("/run/wrappers/bin/systemd-run", text).expect("a program");
    sh("chmod 755 /run/wrappers/bin/systemd-run").await;
}

const LAUNCH: &str = "setsid \"$@\" </dev/null >/dev/null 2>&1 &";
const COUNT: &str = "echo x >>/tmp/count; exit 3";

#[test]
fn root_starts_a_unit_that_outlives_its_runner() {
    on_hosts(
        "unit::root_starts_a_unit_that_outlives_its_runner",
        &[DASH],
        async || {
            play(LAUNCH).await;
            let ticket = ticket(COUNT).await;
            assert_eq!(
                start(&conn(), &ticket).await,
                Ok(StartReply::Started(Launch::Unit))
            );
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, exited(3));
            let asked = std::fs::read_to_string("/tmp/asked").expect("it was asked");
            assert!(
                asked.contains(&format!("--unit=watchkeeper-{}.service", ticket.id())),
                "{asked}"
            );
            for property in [
                "KillMode=process",
                "IgnoreSIGPIPE=no",
                "TimeoutStopSec=5",
                "--collect",
            ] {
                assert!(asked.contains(property), "{property} in {asked}");
            }
        },
    );
}

#[test]
fn a_failing_systemd_is_done_without() {
    on_hosts(
        "unit::a_failing_systemd_is_done_without",
        &[DASH],
        async || {
            play("echo 'Failed to connect to bus: No such file or directory' >&2; exit 1").await;
            let ticket = ticket(COUNT).await;
            assert_eq!(
                start(&conn(), &ticket).await,
                Ok(StartReply::Started(Launch::Session))
            );
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, exited(3));
        },
    );
}

#[test]
fn a_systemd_that_says_no_and_does_it_all_the_same_makes_one_execution() {
    const NAME: &str = "unit::a_systemd_that_says_no_and_does_it_all_the_same_makes_one_execution";
    on_hosts(NAME, &[DASH], async || {
        play(&format!("{LAUNCH}\necho 'Failed to start transient service unit: Connection timed out' >&2\nexit 1")).await;
        for _ in 0..20 {
            sh("rm -f /tmp/count").await;
            let ticket = ticket(COUNT).await;
            let end = drive(&conn(), &ticket, Entry::First)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, exited(3));
            assert_eq!(sh("wc -l </tmp/count").await, "1");
        }
        assert!(
            in_gates().iter().all(|name| !name.starts_with('.')),
            "no stage is left"
        );
    });
}

#[test]
fn another_starters_unit_is_waited_for_and_nothing_else_is_tried() {
    on_hosts(
        "unit::another_starters_unit_is_waited_for_and_nothing_else_is_tried",
        &[DASH],
        async || {
            let said = "Failed to start transient service unit: Unit was already loaded or has a fragment file.";
            play(&format!("echo '{said}' >&2; exit 1")).await;
            let ticket = ticket(COUNT).await;
            assert_eq!(start(&conn(), &ticket).await, Ok(StartReply::Pending));
            assert_eq!(look(&ticket).await.state, StepState::Absent);
            assert!(in_gates().is_empty(), "no stage is left");
        },
    );
}
