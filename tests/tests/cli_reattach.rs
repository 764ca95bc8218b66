//! A daemon that goes away while it answers: the question is a stored job, so the command that asked waits, follows the
//! job again and ends with the whole answer; and where the daemon does not come back, it says so and what to type. The same
//! for who has approved a repair and follows it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use watchkeeper_testkit::model_server::{Gate, MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Home, until};
use watchkeeper_tests::missing;

const WHOLE: &str = "one two three four five six";

/// A model that stops in the middle of its first answer until the gate opens, and says every later one whole.
async fn stops_at_first(gate: &Gate) -> ModelServer {
    let (held, asked) = (gate.clone(), AtomicUsize::new(0));
    ModelServer::start()
        .await
        .decides(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Turn::replies(WHOLE).pausing_after(3, &held),
            _ => Turn::replies(WHOLE),
        })
}

fn home(server: &ModelServer, talk: &str) -> Home {
    let lane = format!(
        "[[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        server.url()
    );
    Home::new().config(&format!("{talk}\n{lane}"))
}

/// Asks, and does not wait for the answer.
fn asks(home: &Home) -> Child {
    home.command(&["ask", "count to six"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Reads what it says on standard error until a line holds this; what it has said.
fn says(child: &mut Child, text: &str) -> (String, BufReader<std::process::ChildStderr>) {
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut said = String::new();
    while !said.contains(text) {
        let read = lines.read_line(&mut said).expect("it can be read");
        assert!(read > 0, "it ended and never said {text:?}:\n{said}");
    }
    (said, lines)
}

/// Approves action 0 and follows it up to the middle of its step.
fn approves(home: &Home) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut approving = home
        .command(&["approve", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(approving.stdout.take().expect("it is piped"));
    let mut told = String::new();
    // The script itself, which is shown before, goes on after that word.
    while !told.lines().any(|line| line.ends_with("half")) {
        let read = lines.read_line(&mut told).expect("it can be read");
        assert!(read > 0, "it ended and never said it:\n{told}");
    }
    (approving, lines)
}

fn rest(
    mut child: Child,
    mut lines: BufReader<std::process::ChildStderr>,
) -> (i32, String, String) {
    let (mut out, mut more) = (String::new(), String::new());
    let mut stdout = child.stdout.take().expect("it is piped");
    stdout.read_to_string(&mut out).expect("text");
    lines.read_to_string(&mut more).expect("text");
    let status = child.wait().expect("it ends").code();
    (status.expect("it ended by itself"), out, more)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_goes_on_after_its_daemon_was_killed_and_started_again() {
    let gate = Gate::closed();
    let server = stops_at_first(&gate).await;
    let home = home(&server, "");
    let mut daemon = home.daemon();
    let mut asking = asks(&home);
    gate.is_reached().await;
    daemon.kill();
    let (said, lines) = says(&mut asking, "the daemon went away");
    assert!(said.contains("job 1 goes on then"), "{said}");
    let _again = home.daemon();
    let (status, out, more) = rest(asking, lines);
    assert_eq!(
        (status, out.as_str()),
        (0, "one two three four five six\n"),
        "{more}"
    );
    assert!(more.contains("the daemon is back; job 1 goes on"), "{more}");
    gate.open();
    assert_eq!(server.generations().len(), 2, "it was asked anew, and once");
    let list = home.json(&["chat", "--list"], &[0]);
    assert_eq!(list[0]["turns"], 2, "one question, one answer: {list:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_goes_on_after_its_daemon_was_stopped_and_started_again() {
    let gate = Gate::closed();
    let server = stops_at_first(&gate).await;
    let home = home(&server, "");
    let mut daemon = home.daemon();
    let mut asking = asks(&home);
    gate.is_reached().await;
    let pid = i32::try_from(daemon.pid()).expect("a number");
    kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it is there");
    daemon.ends();
    let (_, lines) = says(&mut asking, "the daemon went away");
    let _again = home.daemon();
    let (status, out, more) = rest(asking, lines);
    assert_eq!(
        (status, out.as_str()),
        (0, "one two three four five six\n"),
        "{more}"
    );
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_does_not_come_back_is_given_up_and_the_question_is_not() {
    let gate = Gate::closed();
    let server = stops_at_first(&gate).await;
    let home = home(&server, "[talk]\ndaemon_back_within = \"1s\"");
    let mut daemon = home.daemon();
    let mut asking = asks(&home);
    gate.is_reached().await;
    daemon.kill();
    let (_, lines) = says(&mut asking, "the daemon went away");
    let (status, out, more) = rest(asking, lines);
    assert_eq!((status, out.as_str()), (1, ""), "{more}");
    for word in [
        "did not come back within 1s",
        "job 1",
        "Try: watchkeeper queue show 1",
    ] {
        assert!(more.contains(word), "{word:?} is not in\n{more}");
    }
    gate.open();
    let _again = home.daemon();
    until("the question is answered all the same", || {
        home.json(&["queue", "show", "1"], &[0])["state"] == "done"
    });
    let shown = home.run(&["queue", "show", "1"]);
    assert!(shown.stdout().contains(WHOLE), "{}", shown.stdout());
}

#[test]
fn an_approval_is_followed_to_its_end_through_a_daemon_that_was_killed() {
    let home = missing::certificate_found_and_mended_slowly("");
    let mut daemon = home.daemon();
    let (mut approving, mut lines) = approves(&home);
    daemon.kill();
    let (said, mut errors) = says(&mut approving, "the daemon went away");
    assert!(
        said.contains("what action 0 has begun on its host goes on there"),
        "{said}"
    );
    let _again = home.daemon();
    let (mut told, mut more) = (String::new(), String::new());
    while !more.contains("the daemon is back; action 0 goes on") {
        let read = errors.read_line(&mut more).expect("it can be read");
        assert!(read > 0, "it ended and never said it:\n{more}");
    }
    missing::goes_on(&home);
    lines.read_to_string(&mut told).expect("text");
    errors.read_to_string(&mut more).expect("text");
    let status = approving.wait().expect("it ends").code();
    assert_eq!(status, Some(0), "{told}{more}");
    assert_eq!(told.matches("whole").count(), 1, "{told}");
    assert_eq!(
        told.matches("half").count(),
        0,
        "it was shown before: {told}"
    );
    assert_eq!(
        told.matches("step 1").count(),
        1,
        "its end, and not its beginning: {told}"
    );
    assert!(told.contains("\nfixed"), "{told}");
}

#[test]
fn who_follows_a_repair_and_presses_ctrl_c_leaves_it_alone() {
    let home = missing::certificate_found_and_mended_slowly("");
    let _daemon = home.daemon();
    let (mut approving, _lines) = approves(&home);
    let pid = i32::try_from(approving.id()).expect("a number");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("it is there");
    let mut said = String::new();
    let mut errors = approving.stderr.take().expect("it is piped");
    errors.read_to_string(&mut said).expect("text");
    assert_eq!(
        approving.wait().expect("it ends").code(),
        Some(130),
        "{said}"
    );
    for word in [
        "stopped following; action 0 goes on",
        "Try: watchkeeper approve show 0",
    ] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
    missing::goes_on(&home);
    until("it is repaired all the same", || {
        home.json(&["approve", "show", "0"], &[0])["action"]["state"]["state"] == "fixed"
    });
}

#[test]
fn a_daemon_that_does_not_come_back_to_a_repair_is_given_up() {
    let home = missing::certificate_found_and_mended_slowly("");
    let mut daemon = home.daemon();
    let mut approving = home
        .command(&["approve", "0", "--set", "talk.daemon_back_within=1s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    until("it runs", || {
        home.json(&["approve", "show", "0"], &[0])["action"]["state"]["state"] == "running"
    });
    daemon.kill();
    let (_, mut errors) = says(&mut approving, "the daemon went away");
    let mut more = String::new();
    errors.read_to_string(&mut more).expect("text");
    assert_eq!(approving.wait().expect("it ends").code(), Some(1), "{more}");
    for word in [
        "did not come back within 1s",
        "what action 0 has begun on its host goes on there",
        "Try: watchkeeper approve show 0",
    ] {
        assert!(more.contains(word), "{word:?} is not in\n{more}");
    }
    missing::goes_on(&home);
    let _again = home.daemon();
    until("its end is found", || {
        home.json(&["approve", "show", "0"], &[0])["action"]["state"]["state"] == "fixed"
    });
}
