//! `chat` and `approve discuss` in a real terminal, typed by keys: what a person sees, what Ctrl-C stops and what it does
//! not, and that a batch on the same lane is put aside for a person and finished later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{Gate, MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Home, until, until_within};
use watchkeeper_tests::missing;
use watchkeeper_tests::tmux::Terminal;

fn lane(server: &ModelServer) -> String {
    format!(
        "[[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        server.url()
    )
}

/// What the last line of a question says.
fn asked(body: &Value) -> String {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().cloned().unwrap_or_default();
    last["content"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_is_typed_answered_and_left() {
    let server = ModelServer::start().await.always_replies(
        "All **three** hosts are well, and have been for a long time now, as far as it was seen.",
    );
    let home = Home::new().config(&lane(&server));
    let chat = Terminal::open(&home, &["chat"], &[]);
    chat.until("/help says what else can be typed");
    chat.until("> ");
    chat.enters("is all well?");
    chat.until("as far as it was seen.");
    let screen = chat.shows();
    assert!(
        screen.contains("All three hosts"),
        "markup is read:\n{screen}"
    );
    assert!(!screen.contains("waiting:"), "that line is gone:\n{screen}");
    assert!(
        chat.shows_colours().contains("\u{1b}[1m"),
        "weight is shown"
    );

    chat.resizes(50, 40);
    chat.enters("and now?");
    chat.until_it_holds("a narrower answer", |screen| {
        let (_, since) = screen.split_once("> and now?").unwrap_or_default();
        since.contains("as far as it was seen.")
            && since.lines().all(|line| line.chars().count() <= 50)
    });

    chat.presses(&["Up", "Up"]);
    chat.until_it_holds("the line before", |screen| {
        screen.trim_end().ends_with("> is all well?")
    });
    chat.presses(&["C-u"]);
    chat.pastes("two lines\nin one question");
    chat.presses(&["Enter"]);
    chat.until_it_holds("a third answer", |screen| {
        screen.matches("three hosts").count() == 3
    });
    let last = server.generations().pop().expect("a question");
    assert!(
        asked(&last).contains("two lines\nin one question"),
        "{last}"
    );

    chat.presses(&["C-c"]);
    chat.until("Ctrl-D or /exit leaves");
    chat.presses(&["C-d"]);
    chat.until("kept: watchkeeper chat --resume 1");
    chat.until("ended with 0");
    let history = home.path().join(".local/state/watchkeeper/chat_history");
    assert!(history.exists(), "what was typed is there the next time");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_answer_and_nothing_else() {
    let gate = Gate::closed();
    let held = gate.clone();
    let server = ModelServer::start().await.decides(move |body| {
        if asked(body).contains("slowly") {
            Turn::replies("one two three four five six").pausing_after(3, &held)
        } else {
            Turn::replies("quickly said")
        }
    });
    let home = Home::new().config(&lane(&server));
    let chat = Terminal::open(&home, &["chat"], &[]);
    chat.until("> ");
    chat.enters("tell me slowly");
    chat.until("one two");
    chat.presses(&["C-c"]);
    chat.until("stopped");
    chat.enters("and quickly?");
    chat.until("quickly said");
    assert!(!chat.shows().contains("four"), "{}", chat.shows());
    chat.enters("/exit");
    chat.until("ended with 0");
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_put_aside_for_a_person_and_nothing_of_it_is_lost() {
    let gate = Gate::closed();
    let (held, batch) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
    let server = ModelServer::start().await.decides(move |body| {
        if asked(body).contains("is it serious") {
            return Turn::replies("Three certificates are missing, and nothing else is wrong.");
        }
        let turn = Turn::calls_tools([(
            "c1",
            "conclude",
            json!({ "cause": "It was never put there [F1].", "confidence": "low", "evidence": ["F1"] }),
        )]);
        match batch.fetch_add(1, Ordering::SeqCst) {
            0 => turn.after(&held),
            _ => turn,
        }
    });
    let paths: Vec<String> = (1..=3).map(|n| format!("\"/etc/absent{n}.pem\"")).collect();
    let home = Home::new();
    let empty = home.path().join("runbooks");
    std::fs::create_dir(&empty).expect("a directory");
    let config = format!(
        "[watch]\ninterval = \"1h\"\ncertificates = [{}]\n{}",
        paths.join(", "),
        lane(&server)
    );
    let home = home.config(&config);
    let _daemon = home.daemon();
    home.run(&["check"]).ended_with(&[1, 2]);
    gate.is_reached().await;

    let chat = Terminal::open(&home, &["chat"], &[]);
    chat.until("> ");
    chat.enters("is it serious?");
    chat.until("nothing else is wrong.");
    gate.open();
    let entries = |event: &str| {
        let log = home.json(&["logs", "--event", event, "-n", "100"], &[0]);
        log["entries"].as_array().map_or(0, Vec::len)
    };
    // Four answers of several questions each, on a machine that may be busy; that it is, may be a fifth finding.
    let soon = std::time::Duration::from_secs(60);
    until_within(soon, "the batch is finished", &mut || {
        let left = home.json(&["queue", "list"], &[0])["jobs"].clone();
        left == json!([]) && entries("job.done") >= 4
    });
    assert_eq!(entries("job.failed"), 0, "to be put aside is no failure");
    let jobs = home.json(&["queue", "list", "--all"], &[0]);
    let put_aside: i64 = jobs["jobs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|job| job["preempted"].as_i64())
        .sum();
    assert_eq!(put_aside, 1, "{jobs:#}");
    chat.presses(&["C-d"]);
    chat.until("ended with 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_colour_nothing_is_coloured_and_a_decision_is_typed() {
    let server = ModelServer::start()
        .await
        .always_replies("It **copies** a file. approve 0");
    let home = missing::certificate();
    let path = home.path().join(".config/watchkeeper/config.toml");
    let mut config = std::fs::read_to_string(&path).expect("a configuration");
    config.push_str(&lane(&server));
    std::fs::write(&path, config).expect("a file can be written");
    missing::find(&home);
    let talk = Terminal::open(&home, &["approve", "discuss", "0"], &[("NO_COLOR", "1")]);
    talk.until("Action 0 · revision 1 · held");
    talk.until("decides; /help");
    talk.enters("yes");
    talk.until("that was talk; `approve 0` approves");
    assert!(!missing::site(&home).exists(), "nothing ran");
    assert!(
        !talk.shows_colours().contains('\u{1b}'),
        "{:?}",
        talk.shows_colours()
    );
    talk.enters("approve 0");
    talk.until("ended with 0");
    assert!(
        talk.shows().contains("approved action 0"),
        "{}",
        talk.shows()
    );
    assert!(missing::site(&home).exists(), "it ran");
}

/// A question before it, after which the signal is ours: while the run is followed, Ctrl-C ends the command all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_while_a_repair_is_followed_ends_the_command_and_not_the_repair() {
    let server = ModelServer::start()
        .await
        .always_replies("It copies a file.");
    let home = missing::certificate_found_and_mended_slowly(&lane(&server));
    let terminal = Terminal::open(&home, &["approve", "discuss", "0"], &[]);
    terminal.until("/help");
    terminal.enters("what does it do?");
    terminal.until("It copies a file.");
    terminal.enters("approve 0");
    // The script, which is shown before, goes on after that word.
    until("the step prints", || {
        let shown = terminal.shows();
        shown.lines().any(|line| line.trim_end().ends_with("half"))
    });
    terminal.presses(&["C-c"]);
    terminal.until("ended with 130");
    let shown = terminal.shows();
    assert!(
        shown.contains("stopped; what was begun on a host goes on there"),
        "{shown}"
    );
    missing::goes_on(&home);
    until("the next command finds its outcome", || {
        home.json(&["approve", "show", "0"], &[0])["action"]["state"]["state"] == "fixed"
    });
}
