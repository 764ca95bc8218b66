//! Commands over a kept connection: their limits, their number at once, and what a loss does to them.

mod russh_support;

use std::sync::Arc;
use std::time::Duration;

use russh_support::*;
use watchkeeper_fleet::{Connection as _, Exit, Limits, RemoteCommand, SESSIONS_PER_CONNECTION};
use watchkeeper_model::LookFailure;
use watchkeeper_testkit::ssh_host::{ExecRule, SshHost};

/// A script that says so in the home directory, waits for a file there, and then ends.
fn waits_for(file: &str, host: &SshHost) -> RemoteCommand {
    RemoteCommand::script(
        "cd \"$1\"; echo x >>started.$2; while [ ! -e \"$2\" ]; do sleep 0.02; done; echo done",
    )
    .arg(host.home().as_os_str().as_encoded_bytes())
    .arg(file)
}

fn lines(host: &SshHost, file: &str) -> usize {
    std::fs::read_to_string(host.path_in_home(file))
        .unwrap_or_default()
        .lines()
        .count()
}

fn let_go(host: &SshHost, file: &str) {
    std::fs::write(host.path_in_home(file), "").expect("written");
}

#[tokio::test]
async fn a_command_gives_back_what_it_printed_and_how_it_ended() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let script =
        "cat; printf '%s' \"$1\" >&2; [ -t 0 ] || [ -t 1 ] || [ -t 2 ] && echo terminal; exit 7";
    let hostile = "it's $(id) `id` \\ \n \u{1b}[2J";
    let command = RemoteCommand::script(script)
        .arg(hostile)
        .stdin(b"\0\xff\n".to_vec());
    let output = run(&connection, command).await.expect("it ends");
    assert_eq!(output.stdout, b"\0\xff\n");
    assert_eq!(output.stderr, hostile.as_bytes());
    assert_eq!(output.exit, Exit::Code(7));
    let killed = run(&connection, RemoteCommand::script("kill -KILL $$"))
        .await
        .expect("it ends");
    assert_eq!(killed.exit, Exit::Signal("KILL".to_owned()));
    assert_eq!((host.connections(), host.logins()), (1, 1));
}

#[tokio::test]
async fn two_commands_run_at_once_on_one_connection() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let first = connection.run(waits_for("go", &host));
    let second = async {
        until(|| lines(&host, "started.go") == 1).await;
        let output = run(&connection, echo("meanwhile")).await;
        let_go(&host, "go");
        output
    };
    let (first, second) = in_time(async { tokio::join!(first, second) }).await;
    assert_eq!(first.expect("it ends").stdout, b"done\n");
    assert_eq!(second.expect("it ends").stdout, b"meanwhile\n");
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn more_commands_than_sessions_wait_their_turn() {
    for most in [10, 2, 1] {
        let host = SshHost::builder().max_sessions(most).start().await;
        let connection = connect(target(&host));
        let all = (0..SESSIONS_PER_CONNECTION * 3).map(|_| connection.run(echo("x")));
        let outputs = in_time(futures::future::join_all(all)).await;
        for output in outputs {
            assert_eq!(output.expect("it waited its turn").stdout, b"x\n");
        }
        assert_eq!(
            host.commands(),
            SESSIONS_PER_CONNECTION * 3,
            "each ran once"
        );
        assert_eq!(host.connections(), 1);
    }
}

#[tokio::test]
async fn a_server_that_opens_no_session_at_all_refuses_the_command() {
    let host = SshHost::builder().max_sessions(0).start().await;
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "command_refused", "{seen}");
    host.allows_sessions(10);
    host.does_with_commands(ExecRule::Refuses);
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "command_refused", "{seen}");
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_is_told_and_the_command_is_not_run_again() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let running = connection.run(waits_for("go", &host));
    let cut = async {
        until(|| lines(&host, "started.go") == 1).await;
        host.cuts_connections();
    };
    let (seen, ()) = in_time(async { tokio::join!(running, cut) }).await;
    assert_eq!(seen.expect_err("it is lost").kind(), "connection_lost");
    let output = run(&connection, echo("again"))
        .await
        .expect("it connects anew");
    assert_eq!(output.stdout, b"again\n");
    assert_eq!(host.connections(), 2);
    // What ran goes on, once.
    assert_eq!(lines(&host, "started.go"), 1);
    assert!(!host.processes().is_empty());
}

#[tokio::test]
async fn a_connection_cut_while_nothing_runs_is_not_noticed_by_the_next_command() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    for round in 1..=5 {
        run(&connection, echo("x")).await.expect("it answers");
        assert_eq!((host.connections(), host.commands()), (round, round));
        host.cuts_connections();
    }
}

#[tokio::test]
async fn a_closed_connection_opens_again_by_itself() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    run(&connection, echo("x")).await.expect("it answers");
    connection.close().await;
    connection.close().await;
    run(&connection, echo("x")).await.expect("it answers again");
    assert_eq!(host.connections(), 2);
}

#[tokio::test]
async fn a_host_that_comes_back_is_reached_again() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    run(&connection, echo("x")).await.expect("it answers");
    host.goes_down().await;
    let seen = run(&connection, echo("x")).await.expect_err("it is down");
    assert_eq!(seen.kind(), "unreachable");
    host.comes_back().await;
    run(&connection, echo("x")).await.expect("it is back");
}

#[tokio::test]
async fn too_much_output_is_cut_off_and_ends_the_command() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let limits = Limits {
        output_bytes: 100_000,
        ..Limits::default()
    };
    let endless = RemoteCommand::script("cat /dev/zero").limits(limits);
    let seen = run(&connection, endless).await.expect_err("it is endless");
    assert_eq!(
        seen,
        LookFailure::TooLarge {
            limit_bytes: 100_000
        }
    );
    until(|| host.processes().is_empty()).await;
    let just = RemoteCommand::script("head -c 60000 /dev/zero; head -c 40000 /dev/zero >&2")
        .limits(limits);
    let output = run(&connection, just).await.expect("it fits");
    assert_eq!((output.stdout.len(), output.stderr.len()), (60_000, 40_000));
    assert_eq!(host.connections(), 1, "the connection is still good");
}

#[tokio::test]
async fn a_hundred_megabytes_do_not_come_over_the_wire() {
    let host = SshHost::start().await;
    host.does_with_commands(ExecRule::Floods(100 * 1024 * 1024));
    let connection = connect(target(&host));
    let seen = run(&connection, echo("x"))
        .await
        .expect_err("it is a flood");
    assert_eq!(seen.kind(), "too_large");
}

#[tokio::test]
async fn four_megabytes_go_there_and_back_through_small_windows() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|n| (n % 251) as u8).collect();
    let output = run(&connection, RemoteCommand::new("cat").stdin(bytes.clone()))
        .await
        .expect("it ends");
    assert!(output.stdout == bytes);
}

#[tokio::test]
async fn input_that_nobody_reads_holds_nothing_up() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let command = RemoteCommand::new("true").stdin(vec![b'x'; 8_000_000]);
    assert!(
        run(&connection, command)
            .await
            .expect("it ends")
            .exit
            .success()
    );
    run(&connection, echo("x"))
        .await
        .expect("the connection is still good");
}

#[tokio::test]
async fn slow_output_is_waited_for_to_its_end() {
    let host = SshHost::start().await;
    host.does_with_commands(ExecRule::Dribbles(Duration::from_millis(2)));
    let output = run(&connect(target(&host)), RemoteCommand::script("seq 1 60"))
        .await
        .expect("it ends");
    assert_eq!(
        output.stdout.iter().filter(|byte| **byte == b'\n').count(),
        60
    );
}

#[tokio::test]
async fn a_command_over_its_time_is_ended_on_the_host() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let limits = Limits {
        time: Duration::from_secs(1),
        ..Limits::default()
    };
    let seen = run(
        &connection,
        RemoteCommand::new("sleep").arg("600").limits(limits),
    )
    .await;
    assert_eq!(
        seen.expect_err("it takes too long"),
        LookFailure::TimedOut { limit_ms: 1_000 }
    );
    until(|| host.processes().is_empty()).await;
    run(&connection, echo("x"))
        .await
        .expect("the connection is still good");
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn a_command_that_is_let_go_of_is_ended_on_the_host() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let started = async { until(|| lines(&host, "started.go") == 1).await };
    in_time(async {
        tokio::select! {
            _ = connection.run(waits_for("go", &host)) => panic!("it cannot end"),
            () = started => {}
        }
    })
    .await;
    until(|| host.processes().is_empty()).await;
    run(&connection, echo("x"))
        .await
        .expect("the connection is still good");
    assert_eq!(host.connections(), 1);
}

#[tokio::test]
async fn a_host_that_falls_silent_in_the_middle_is_given_up_after_limit_and_grace() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    run(&connection, echo("x")).await.expect("it answers");
    host.goes_silent();
    let limits = Limits {
        time: Duration::from_secs(1),
        ..Limits::default()
    };
    let seen = run(&connection, echo("x").limits(limits))
        .await
        .expect_err("it is silent");
    assert_eq!(seen, LookFailure::TimedOut { limit_ms: 1_000 });
    host.answers_again();
    run(&connection, echo("x"))
        .await
        .expect("over a new connection");
    assert_eq!(host.connections(), 2);
}

#[tokio::test]
async fn a_channel_closed_without_a_status_is_judged_by_the_last_words() {
    let host = SshHost::start().await;
    host.does_with_commands(ExecRule::TellsNoStatus);
    let output = run(&connect(target(&host)), echo("x"))
        .await
        .expect("its own words are enough");
    assert!(output.exit.success());
}

#[tokio::test]
async fn what_a_command_leaves_running_does_not_hold_it_up() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    let output = run(&connection, RemoteCommand::script("sleep 600 & echo left"))
        .await
        .expect("it ends");
    assert_eq!(output.stdout, b"left\n");
    assert!(!host.processes().is_empty());
}

#[tokio::test]
async fn words_of_a_talkative_profile_do_not_break_the_result() {
    let host = SshHost::start().await;
    host.does_with_commands(ExecRule::PrintsFirst(b"Welcome \xff\x1b[2J\n".to_vec()));
    let output = run(&connect(target(&host)), echo("x"))
        .await
        .expect("it ends");
    assert_eq!(output.stdout, b"Welcome \xff\x1b[2J\nx\n");
}

#[tokio::test]
async fn one_engine_serves_many_hosts_at_once() {
    let engine = engine();
    let mut hosts = Vec::new();
    for _ in 0..8 {
        hosts.push(SshHost::start().await);
    }
    let connections: Vec<_> = hosts
        .iter()
        .map(|host| Arc::new(engine.connection(target(host))))
        .collect();
    let all = connections
        .iter()
        .map(|connection| connection.run(RemoteCommand::script("echo \"$HOME\"")));
    let outputs = in_time(futures::future::join_all(all)).await;
    for (host, output) in hosts.iter().zip(outputs) {
        let said = String::from_utf8(output.expect("it answers").stdout).expect("text");
        assert_eq!(said.trim(), host.home().display().to_string());
    }
}
