//! Worker processes on one Postgres: one that is killed in the middle of an answer, and the one that takes its job up.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use watchkeeper_testkit::model_server::{Gate, MODEL, ModelServer, Turn};
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_tests::binary::{Home, until, until_within};
use watchkeeper_tests::repair::started;

/// What the first answer says until its worker is killed.
const CUT_SHORT: &str = "The first of two answers";

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn signal(worker: &std::process::Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(worker.id()).expect("a number"));
    kill(pid, signal).expect("it is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_in_the_middle_of_an_answer_costs_a_try() {
    let database = Cluster::shared().database("empty", async |_| {}).await;
    let never = Gate::closed();
    let server = ModelServer::start().await;
    server.does(Turn::replies(CUT_SHORT).pausing_after(2, &never));
    let home = Home::new().with_store(database.url());
    let config = format!(
        "[watch]\ninterval = \"1h\"\ncertificates = [\"{}\"]\n[llm]\npause = \"0s\"\nlease = \"5s\"\n\
         [[lanes]]\nname = \"gpu\"\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        home.path().join("absent.pem").display(),
        server.url(),
    );
    let home = home.config(&config);
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let queue = home.json(&["queue", "list", "--all"], &[0]);
    let number = queue["jobs"][0]["number"].to_string();
    let shown = || home.json(&["queue", "show", &number], &[0]);

    let mut first = started(&home, &["worker"]);
    never.is_reached().await;
    until("what it says is written down", || {
        !text(&shown(), "said").is_empty()
    });
    let said = text(&shown(), "said").to_owned();
    assert!(CUT_SHORT.starts_with(&said), "{said}");
    signal(&first, Signal::SIGKILL);
    first.wait().expect("it is killed");
    let left = shown();
    assert_eq!(
        (text(&left, "state"), left["attempts"].as_i64()),
        ("leased", Some(1)),
        "nobody could say that it ended"
    );

    let mut second = started(&home, &["worker"]);
    // Its lease ends first, and then somebody looks.
    until_within(Duration::from_secs(60), "the job is done", &mut || {
        text(&shown(), "state") == "done"
    });
    let done = shown();
    assert_eq!(done["attempts"], 2, "the lost one counts: {done:#}");
    let said = text(&done, "said");
    assert!(!said.contains("The first"), "only the last try: {said}");
    // It holds a listener, which keeps neither it nor its store from ending.
    signal(&second, Signal::SIGTERM);
    until("the worker ends", || {
        second.try_wait().expect("it can be asked").is_some()
    });
}
