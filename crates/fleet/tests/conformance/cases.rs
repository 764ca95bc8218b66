//! The cases. Each gets a fresh engine, and waits by named pipes instead of sleeping.

use std::time::{Duration, Instant};

use watchkeeper_fleet::{Exit, Limits, RemoteCommand};
use watchkeeper_model::LookFailure;

use crate::subject::{Subject, time_limit};

/// Writes a line to the pipe `$1`, keeps it open, and stays: whoever reads the pipe sees when all of it is gone.
const STAY: &str = "exec 9>\"$1\"; echo here >&9; sleep 60 & sleep 60";
/// The same, deaf to TERM.
const STAY_DEAF: &str = "trap '' TERM; exec 9>\"$1\"; echo here >&9; sleep 60 & sleep 60";

fn pseudo_random(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) async fn arguments_and_input_arrive_byte_for_byte(subject: &Subject) {
    let args: [&[u8]; 7] = [
        b"a b",
        b"",
        b"-n",
        b"$(id)\n'\"",
        b"\xff\x01\x7f\x80\x81\x88",
        b"*",
        b"\\",
    ];
    let mut command = RemoteCommand::new("printf").arg("%s\\0");
    let mut expect = Vec::new();
    for arg in args {
        command = command.arg(arg);
        expect.extend_from_slice(arg);
        expect.push(0);
    }
    assert_eq!(subject.run(command).await.stdout, expect);

    let input = pseudo_random(100_000);
    let output = subject
        .run(RemoteCommand::new("cat").stdin(input.clone()))
        .await;
    assert!(
        output.stdout == input && output.stderr.is_empty(),
        "{} bytes",
        output.stdout.len()
    );
}

pub(crate) async fn empty_input_is_an_end_of_file(subject: &Subject) {
    let output = subject.run(RemoteCommand::new("cat")).await;
    assert_eq!((output.stdout, output.exit), (Vec::new(), Exit::Code(0)));
    // A program that does not read its input loses nothing by it.
    let output = subject
        .run(RemoteCommand::new("true").stdin(pseudo_random(1 << 20)))
        .await;
    assert_eq!(output.exit, Exit::Code(0));
}

pub(crate) async fn three_mebibytes_come_back_exactly(subject: &Subject) {
    let input = pseudo_random(3 << 20);
    let output = subject
        .run(RemoteCommand::new("cat").stdin(input.clone()))
        .await;
    assert!(
        output.stdout == input,
        "{} bytes came back",
        output.stdout.len()
    );
}

pub(crate) async fn output_and_errors_are_kept_apart(subject: &Subject) {
    let output = subject
        .run(RemoteCommand::script(
            "printf out; printf err >&2; printf out; printf err >&2",
        ))
        .await;
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (&b"outout"[..], &b"errerr"[..])
    );
}

pub(crate) async fn an_exit_status_is_the_programs_own(subject: &Subject) {
    for status in [0, 1, 3, 124, 126, 127, 255] {
        let output = subject
            .run(RemoteCommand::script("exit \"$1\"").arg(status.to_string()))
            .await;
        assert_eq!(output.exit, Exit::Code(status));
    }
}

pub(crate) async fn a_program_that_is_not_there_ends_with_127(subject: &Subject) {
    let output = subject
        .run(RemoteCommand::new("watchkeeper-no-such-program"))
        .await;
    assert_eq!(output.exit, Exit::Code(127));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("not found"),
        "{output:?}"
    );
    // A word of the shell is not a program.
    let output = subject.run(RemoteCommand::new("exit").arg("3")).await;
    assert_eq!(output.exit, Exit::Code(127));
}

pub(crate) async fn a_signal_is_named(subject: &Subject) {
    for signal in ["KILL", "TERM", "SEGV"] {
        let output = subject
            .run(RemoteCommand::script("ulimit -c 0; kill -\"$1\" $$").arg(signal))
            .await;
        assert_eq!(output.exit, Exit::Signal(signal.to_owned()), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

pub(crate) async fn a_slow_command_is_waited_for(subject: &Subject) {
    let output = subject
        .run(RemoteCommand::script("printf a; sleep 1; printf b").limits(time_limit(20)))
        .await;
    assert_eq!(output.stdout, b"ab");
}

pub(crate) async fn the_time_limit_ends_the_command_on_the_host(subject: &Subject) {
    let fifo = subject.fifo("stay");
    let command = RemoteCommand::script(STAY).arg(fifo.path().as_os_str().as_encoded_bytes());
    let started = Instant::now();
    let (failure, gone) =
        tokio::join!(subject.fail(command.limits(time_limit(1))), all_gone(&fifo));
    assert_eq!(failure, LookFailure::TimedOut { limit_ms: 1000 });
    assert!(
        gone.duration_since(started) < Duration::from_secs(5),
        "it ended too late"
    );
}

pub(crate) async fn a_command_that_ignores_term_is_killed(subject: &Subject) {
    let fifo = subject.fifo("stay");
    let command = RemoteCommand::script(STAY_DEAF).arg(fifo.path().as_os_str().as_encoded_bytes());
    let (failure, _) = tokio::join!(subject.fail(command.limits(time_limit(1))), all_gone(&fifo));
    assert_eq!(failure, LookFailure::TimedOut { limit_ms: 1000 });
}

/// Waits until something has come and is wholly gone.
async fn all_gone(fifo: &watchkeeper_testkit::sshd::Fifo) -> Instant {
    let mut lines = fifo.open().await;
    assert_eq!(lines.next().await.as_deref(), Some("here"));
    assert_eq!(lines.next().await, None);
    Instant::now()
}

pub(crate) async fn too_much_output_ends_the_command(subject: &Subject) {
    let fifo = subject.fifo("flood");
    let limits = Limits {
        output_bytes: 64 * 1024,
        ..Limits::default()
    };
    let command = RemoteCommand::script("exec 9>\"$1\"; echo here >&9; exec yes").limits(limits);
    let command = command.arg(fifo.path().as_os_str().as_encoded_bytes());
    let (failure, _) = tokio::join!(subject.fail(command), all_gone(&fifo));
    assert_eq!(
        failure,
        LookFailure::TooLarge {
            limit_bytes: 64 * 1024
        }
    );
    // And the way to the host is still good.
    assert_eq!(subject.print("echo well").await, "well\n");
}

pub(crate) async fn there_is_no_terminal(subject: &Subject) {
    let output = subject.run(RemoteCommand::new("tty")).await;
    assert_eq!(
        (output.stdout.as_slice(), output.exit),
        (&b"not a tty\n"[..], Exit::Code(1))
    );
    let said = subject
        .print("(exec </dev/tty) 2>/dev/null && echo terminal || echo none")
        .await;
    assert_eq!(said, "none\n");
}

pub(crate) async fn the_environment_is_fixed(subject: &Subject) {
    let said = subject.print("echo \"$LC_ALL $PWD $PATH\"").await;
    assert!(said.starts_with("C / "), "{said}");
    assert!(
        said.trim_end()
            .ends_with(":/usr/sbin:/sbin:/run/current-system/sw/bin"),
        "{said}"
    );
}

pub(crate) async fn two_commands_run_at_once(subject: &Subject) {
    let fifo = subject.fifo("meet");
    let path = fifo.path().as_os_str().as_encoded_bytes();
    // Neither ends without the other.
    let reader = RemoteCommand::new("cat").arg(path).limits(time_limit(20));
    let writer = RemoteCommand::script("echo hello >\"$1\"")
        .arg(path)
        .limits(time_limit(20));
    let (read, written) = tokio::join!(subject.run(reader), subject.run(writer));
    assert_eq!(
        (read.stdout.as_slice(), written.exit),
        (&b"hello\n"[..], Exit::Code(0))
    );
}

pub(crate) async fn what_a_command_leaves_running_does_not_hold_its_result(subject: &Subject) {
    let fifo = subject.fifo("left");
    let path = fifo.path().as_os_str().as_encoded_bytes();
    // It holds the output open until it is let go.
    let command = RemoteCommand::script("cat \"$1\" & echo started")
        .arg(path)
        .limits(time_limit(60));
    let started = Instant::now();
    let output = subject.run(command).await;
    assert_eq!(
        (output.stdout.as_slice(), output.exit),
        (&b"started\n"[..], Exit::Code(0))
    );
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        started.elapsed()
    );
    subject
        .run(RemoteCommand::script("echo go >\"$1\"").arg(path))
        .await;
}

pub(crate) async fn the_superuser_needs_no_sudo(subject: &Subject) {
    let superuser = nix::unistd::geteuid().is_root();
    match subject
        .try_run(RemoteCommand::new("id").arg("-u").as_root())
        .await
    {
        Ok(output) => assert_eq!(output.stdout, b"0\n"),
        Err(failure) => assert!(!superuser && failure.kind() == "root_refused", "{failure}"),
    }
}

pub(crate) async fn a_command_that_is_let_go_of_is_killed(subject: &Subject) {
    let fifo = subject.fifo("stay");
    let command = RemoteCommand::script(STAY_DEAF)
        .arg(fifo.path().as_os_str().as_encoded_bytes())
        .limits(time_limit(60));
    let here = async {
        let mut lines = fifo.open().await;
        assert_eq!(lines.next().await.as_deref(), Some("here"));
        lines
    };
    let mut lines = tokio::select! {
        failure = subject.try_run(command) => panic!("it ended by itself: {failure:?}"),
        lines = here => lines,
    };
    assert_eq!(lines.next().await, None);
}

/// The client's port: another one is another connection.
const CLIENT_PORT: &str = "set -- $SSH_CONNECTION; echo \"$2\"";

pub(crate) async fn a_connection_is_kept_and_used_again(subject: &Subject) {
    let first = subject.print(CLIENT_PORT).await;
    assert!(first.trim().parse::<u16>().is_ok(), "{first:?}");
    assert_eq!(subject.print(CLIENT_PORT).await, first);
}

pub(crate) async fn a_closed_connection_is_made_anew(subject: &Subject) {
    let first = subject.print(CLIENT_PORT).await;
    subject.close().await;
    assert_ne!(subject.print(CLIENT_PORT).await, first);
}

pub(crate) async fn a_cut_connection_is_a_loss_and_the_next_command_connects_anew(
    subject: &Subject,
) {
    let fifo = subject.fifo("stay");
    let command = RemoteCommand::script(STAY)
        .arg(fifo.path().as_os_str().as_encoded_bytes())
        .limits(time_limit(3));
    let cut = async {
        let mut lines = fifo.open().await;
        assert_eq!(lines.next().await.as_deref(), Some("here"));
        subject.sshd().cut();
        lines
    };
    let (failure, _lines) = tokio::join!(subject.fail(command), cut);
    assert_eq!(failure.kind(), "connection_lost", "{failure}");
    assert_eq!(subject.print("echo back").await, "back\n");
}

pub(crate) async fn the_time_limit_holds_though_the_connection_is_cut(subject: &Subject) {
    let fifo = subject.fifo("stay");
    let command = RemoteCommand::script(STAY)
        .arg(fifo.path().as_os_str().as_encoded_bytes())
        .limits(time_limit(1));
    let cut_and_wait = async {
        let mut lines = fifo.open().await;
        assert_eq!(lines.next().await.as_deref(), Some("here"));
        subject.sshd().cut();
        assert_eq!(lines.next().await, None);
    };
    let (failure, ()) = tokio::join!(subject.fail(command), cut_and_wait);
    assert_eq!(failure.kind(), "connection_lost", "{failure}");
}
