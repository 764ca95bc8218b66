//! The queue to the models over the built binary: its figures, one job, taking back, asking again, pausing lanes; and
//! which lanes a worker serves.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{Gate, MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Home, until};
use watchkeeper_tests::repair::started;

/// The lines of a configuration for a lane.
fn lane(name: &str, server: &ModelServer) -> String {
    let url = server.url();
    format!("[[lanes]]\nname = \"{name}\"\nmodel = \"{MODEL}\"\nurl = \"{url}\"\n")
}

/// A home in which a certificate is missing, for which no runbook knows what to do.
fn home(lanes: &str) -> Home {
    let home = Home::new();
    let absent = home.path().join("absent.pem");
    let config = format!(
        "[watch]\ninterval = \"1h\"\ncertificates = [\"{}\"]\n[llm]\npause = \"0s\"\n{lanes}",
        absent.display()
    );
    home.config(&config)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The job about the certificate.
fn job(home: &Home) -> String {
    let queue = home.json(&["queue", "list", "--all"], &[0]);
    let jobs = queue["jobs"].as_array().expect("a list").clone();
    let is_ours = |job: &&Value| text(job, "about").contains("on local");
    let found = jobs.iter().find(is_ours);
    found.unwrap_or_else(|| panic!("{queue:#}"))["number"].to_string()
}

fn state(home: &Home, number: &str) -> String {
    let job = home.json(&["queue", "show", number], &[0]);
    text(&job, "state").to_owned()
}

fn fits(said: &str) {
    for line in said.lines() {
        assert!(line.chars().count() <= 80, "{line:?} of {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_shown_taken_back_and_asked_again() {
    let server = ModelServer::start().await;
    let home = home(&lane("gpu", &server));
    let empty = home.run(&["queue"]);
    empty.ended_with(&[0]);
    assert!(
        empty.stdout().contains("waiting   nothing"),
        "{}",
        empty.stdout()
    );
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let number = job(&home);
    let list = home.run(&["queue", "list"]).stdout();
    assert!(
        list.contains("finding") && list.contains("queued"),
        "{list}"
    );
    fits(&list);
    let sheet = home.run(&["queue", "show", &number]).stdout();
    assert!(sheet.contains("waits, 0 before it"), "{sheet}");
    assert!(
        sheet.contains(&format!("watchkeeper queue cancel {number}")),
        "{sheet}"
    );
    fits(&sheet);
    let cancelled = home.run(&["queue", "cancel", &number]);
    cancelled.ended_with(&[0]);
    assert_eq!(cancelled.stdout(), format!("job {number} is cancelled\n"));
    home.run(&["queue", "cancel", &number]).ended_with(&[1]);
    let again = home.json(&["queue", "retry", &number], &[0]);
    assert_eq!(
        (text(&again, "state"), &again["attempts"]),
        ("queued", &json!(0))
    );
    let unknown = home.run(&["queue", "show", "4711"]);
    unknown.ended_with(&[1]);
    assert!(
        unknown.stderr().contains("there is no job 4711"),
        "{}",
        unknown.stderr()
    );
    assert!(
        server.generations().is_empty(),
        "nobody serves where no daemon runs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_are_paused_and_resumed_by_name_or_all_at_once() {
    let server = ModelServer::start().await;
    let home = home(&lane("gpu", &server));
    for lane in [&["gpu"][..], &[]] {
        let words = |what| [&["queue", what], lane].concat();
        home.run(&words("pause")).ended_with(&[0]);
        let log = home.run(&["logs", "--event", "lane."]).stdout();
        assert!(log.contains("takes no further jobs"), "{log}");
        home.run(&words("resume")).ended_with(&[0]);
    }
    home.run(&["queue", "pause"]).ended_with(&[0]);
    let said = home.run(&["queue"]).stdout();
    assert!(said.contains("paused    every lane, by "), "{said}");
    let unknown = home.run(&["queue", "pause", "gpu7"]);
    unknown.ended_with(&[1]);
    assert!(
        unknown.stderr().contains("there is no lane `gpu7`"),
        "{}",
        unknown.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_serves_its_lanes_and_shows_how_they_fare() {
    let gate = Gate::closed();
    let server = ModelServer::start().await;
    server.does(Turn::replies("The file is not there").pausing_after(2, &gate));
    let home = home(&lane("gpu", &server));
    let daemon = home.daemon();
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let number = job(&home);
    gate.is_reached().await;
    until("the job is served", || state(&home, &number) == "leased");
    let queue = home.json(&["queue"], &[0]);
    let lane = &queue["lanes"][0];
    assert_eq!(
        (text(lane, "name"), text(lane, "state")),
        ("gpu", "serving")
    );
    assert_eq!(lane["models"], json!([MODEL]));
    assert_eq!(queue["serving"], 1);
    let said = home.run(&["queue"]).stdout();
    assert!(said.contains("serving") && said.contains("busy"), "{said}");
    fits(&said);
    // Taking it back frees the lane.
    home.run(&["queue", "cancel", &number]).ended_with(&[0]);
    server.sees_a_client_leave().await;
    until("the lane is free", || {
        let queue = home.json(&["queue"], &[0]);
        text(&queue["lanes"][0], "state") == "idle"
    });
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_the_lanes_that_are_named() {
    let (one, two) = (ModelServer::start().await, ModelServer::start().await);
    let home = home(&format!("{}{}", lane("one", &one), lane("two", &two)));
    let refused = home.run(&["worker", "--lane", "two", "--lane", "three"]);
    refused.ended_with(&[64]);
    let said = refused.stderr();
    assert!(said.contains("there is no lane `three`"), "{said}");
    assert!(said.contains("one, two"), "{said}");
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let number = job(&home);
    let mut worker = started(&home, &["worker", "--lane", "two"]);
    two.until("a question", |all| {
        all.iter().any(|request| request.is_generation())
    })
    .await;
    let pid = Pid::from_raw(i32::try_from(worker.id()).expect("a number"));
    kill(pid, Signal::SIGTERM).expect("it is there");
    until("the worker ends", || {
        worker.try_wait().expect("it can be asked").is_some()
    });
    assert!(one.generations().is_empty(), "nobody named that lane");
    assert_ne!(
        state(&home, &number),
        "leased",
        "nothing is left in nobody's hands"
    );
}
