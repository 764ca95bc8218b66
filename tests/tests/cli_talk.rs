//! Talking with the watch over the built binary: a question, a wish, a talk by standard input, and the talk about an
//! action with its decision. What is asserted of a decision is what became of the file.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Home, Ran};
use watchkeeper_tests::missing;

/// The lines of a configuration that name this server.
fn lane(server: &ModelServer) -> String {
    format!(
        "[[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        server.url()
    )
}

fn home(server: &ModelServer) -> Home {
    Home::new().config(&lane(server))
}

/// Action 0 waits, and this server is asked.
fn with_held_action(server: &ModelServer) -> Home {
    // The arrays of tables stand behind everything else.
    let home = missing::certificate_with("");
    let dir = home.path().join(".config/watchkeeper/config.toml");
    let mut config = std::fs::read_to_string(&dir).expect("a configuration");
    config.push_str(&lane(server));
    std::fs::write(&dir, config).expect("a file can be written");
    missing::find(&home);
    home
}

fn piped(home: &Home, words: &[&str], input: &str) -> Ran {
    let mut child = home
        .command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut keyboard = child.stdin.take().expect("it is piped");
    // It may end before it has read everything.
    let _ = keyboard.write_all(input.as_bytes());
    drop(keyboard);
    let output = child.wait_with_output().expect("it ends");
    Ran::of(words, output)
}

fn state(home: &Home) -> (String, i64) {
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    let word = sheet["action"]["state"]["state"].as_str();
    (
        word.unwrap_or_default().to_owned(),
        sheet["action"]["revision"].as_i64().unwrap_or_default(),
    )
}

/// A model that makes this call where the person says a word, and else says something.
async fn proposes(word: &'static str, arguments: Value) -> ModelServer {
    ModelServer::start().await.decides(move |body| {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let last = messages.last().cloned().unwrap_or_default();
        let asked = last["content"].as_str().unwrap_or_default().contains(word);
        if last["role"] == "user" && asked {
            Turn::calls_tools([("c1", "propose", arguments.clone())])
        } else if last["role"] == "tool" {
            Turn::replies("I propose that.")
        } else {
            Turn::replies("It copies the spare certificate to its place.")
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_several_words_is_answered() {
    let server = ModelServer::start()
        .await
        .always_replies("All **is** well.");
    let home = home(&server);
    let ran = home.run(&["ask", "is", "all", "well?"]);
    ran.ended_with(&[0]);
    assert_eq!(ran.stdout(), "All **is** well.\n", "{}", ran.stderr());
    let asked = server.generations().pop().expect("a question").to_string();
    assert!(asked.contains("is all well?"), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_comes_from_standard_input_too() {
    let server = ModelServer::start().await.always_replies("It is.");
    let home = home(&server);
    for words in [&["ask"][..], &["ask", "-"]] {
        let ran = piped(&home, words, "is it?\nreally?\n");
        ran.ended_with(&[0]);
        assert_eq!(ran.stdout(), "It is.\n");
    }
    let asked = server.generations().pop().expect("a question").to_string();
    assert!(asked.contains("really?"), "{asked}");
    piped(&home, &["ask"], " \n").ended_with(&[64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_machines_is_one_object() {
    let server = ModelServer::start().await.always_replies("It is [E9].");
    let home = home(&server);
    let answer = home.json(&["ask", "is it?", "--lane", "local"], &[0]);
    assert_eq!(
        (&answer["outcome"], &answer["lane"], &answer["model"]),
        (&json!("answered"), &json!("local"), &json!(MODEL))
    );
    assert_eq!(answer["conversation"], 1);
    let lane = home.run(&["ask", "is it?", "--lane", "gpu7"]);
    lane.ended_with(&[1]);
    assert!(
        lane.stderr().contains("there is no lane gpu7"),
        "{}",
        lane.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_says_does_nothing_to_a_terminal() {
    let hostile = "harmless\u{1b}]0;mine\u{7}\u{1b}[2J\u{202e}txt.exe\r over";
    let server = ModelServer::start().await.always_replies(hostile);
    let home = home(&server);
    for ran in [
        home.run(&["ask", "is it?"]),
        home.run(&["ask", "is it?", "--output", "json"]),
        piped(&home, &["chat"], "is it?\n"),
    ] {
        ran.ended_with(&[0]);
        let said = ran.stdout() + &ran.stderr();
        for hidden in ['\u{1b}', '\u{7}', '\u{202e}', '\r'] {
            assert!(!said.contains(hidden), "{said:?}");
        }
        assert!(said.contains("harmless"), "{said}");
    }
}

#[test]
fn without_a_model_it_is_said_plainly_and_what_to_do() {
    let home = Home::new();
    for words in [&["ask", "why?"][..], &["do", "restart nginx"], &["chat"]] {
        let ran = home.run(words);
        ran.ended_with(&[1]);
        let said = ran.stderr();
        assert!(
            said.contains("no model is configured, so nobody can answer"),
            "{said}"
        );
        assert!(said.contains("Try: add [[lanes]]"), "{said}");
    }
}

/// A lane that another command served a moment ago is nobody's where no daemon runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_not_configured_any_more_is_waited_for_by_nobody() {
    let server = ModelServer::start().await.always_replies("Yes.");
    let home = home(&server);
    home.run(&["ask", "is it?"]).ended_with(&[0]);
    let file = home.path().join(".config/watchkeeper/config.toml");
    std::fs::write(&file, "").expect("a file can be written");
    let asked = home.run(&["ask", "is it still?"]);
    asked.ended_with(&[1]);
    assert!(
        asked.stderr().contains("no model is configured"),
        "{}",
        asked.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_there_is_a_failure_and_not_a_wait() {
    let server = ModelServer::start().await;
    let url = server.url();
    drop(server);
    let home = Home::new().config(&format!(
        "[llm]\nattempts = 1\n[[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nurl = \"{url}\"\n"
    ));
    let ran = home.run(&["ask", "is it?"]);
    ran.ended_with(&[1]);
    assert!(
        ran.stderr().contains("there is no answer"),
        "{}",
        ran.stderr()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_by_standard_input_answers_line_by_line_and_is_kept() {
    let server = ModelServer::start().await.decides(|body| {
        let messages = body["messages"].as_array().map_or(0, Vec::len);
        Turn::replies(format!("answer to {messages} lines"))
    });
    let home = home(&server);
    let ran = piped(
        &home,
        &["chat"],
        "first\n\n  \n/hosts\n/nonsense\nsecond\n/exit\nthird\n",
    );
    ran.ended_with(&[0]);
    assert_eq!(
        ran.stdout().matches("answer to").count(),
        2,
        "{}",
        ran.stdout()
    );
    assert!(ran.stdout().contains("about all hosts"), "{}", ran.stdout());
    assert!(
        ran.stderr().contains("/help says what there is"),
        "{}",
        ran.stderr()
    );
    let list = home.json(&["chat", "--list"], &[0]);
    assert_eq!(
        (&list[0]["number"], &list[0]["turns"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(list[0]["title"], "first");
    piped(&home, &["chat", "--resume"], "fourth\n").ended_with(&[0]);
    let list = home.json(&["chat", "--list"], &[0]);
    assert_eq!(list[0]["turns"], 6, "{list:#}");
    let last = server.generations().pop().expect("a question").to_string();
    assert!(last.contains("first") && last.contains("fourth"), "{last}");

    let saved = home.path().join("talk.txt");
    let words = format!("/save {0}\n/save {0}\n", saved.display());
    let ran = piped(&home, &["chat", "--resume", "1"], &words);
    assert!(
        ran.stderr().contains("could not write"),
        "a file is not overwritten"
    );
    let text = std::fs::read_to_string(&saved).expect("it is written");
    assert!(
        text.contains("> first") && text.contains("answer to"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_for_machines_is_an_object_a_line() {
    let server = ModelServer::start().await.always_replies("It is.");
    let home = home(&server);
    let ran = piped(&home, &["chat", "--output", "json"], "is it?\nreally?\n");
    ran.ended_with(&[0]);
    let lines: Vec<Value> = ran
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[1]["kind"], &lines[1]["seq"]),
        (&json!("answer"), &json!(4))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_becomes_an_action_that_waits() {
    let steps = json!([{ "kind": "shell", "script": "touch /run/watchkeeper-wish" }]);
    let wish =
        json!({ "host": "local", "steps": steps, "reason": "a person wants it", "evidence": [] });
    let server = proposes("leave a mark", wish).await;
    let home = home(&server);
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let ran = home.run(&["do", "leave", "a", "mark", "on", "local"]);
    ran.ended_with(&[0]);
    let said = ran.stdout();
    for word in [
        "Action 0",
        "touch /run/watchkeeper-wish",
        "approve reject 0",
        "put into steps by",
    ] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
    assert_eq!(state(&home).0, "held");
    assert!(!std::path::Path::new("/run/watchkeeper-wish").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_is_not_clear_asks_back_and_waits_for_nobody() {
    let server = ModelServer::start()
        .await
        .always_replies("Which service do you mean?");
    let home = home(&server);
    let ran = home.run(&["do", "restart it"]);
    ran.ended_with(&[65]);
    assert!(ran.stdout().contains("Which service do you mean?"));
    let wished = home.json(&["do", "restart it"], &[65]);
    assert_eq!(wished["sheet"], Value::Null);
    assert_eq!(home.json(&["approve", "list", "--all"], &[0]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discussion_asks_changes_and_approves() {
    let server = ModelServer::start().await;
    let home = with_held_action(&server);
    let (spare, site) = (home.path().join("spare.pem"), missing::site(&home));
    let script = format!("install -m 644 {} {}", spare.display(), site.display());
    let steps = json!([{ "kind": "shell", "script": script }]);
    let other =
        json!({ "host": "local", "steps": steps, "reason": "it must be readable", "evidence": [] });
    server.decides(move |body| {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let last = messages.last().cloned().unwrap_or_default();
        let said = last["content"].as_str().unwrap_or_default();
        if last["role"] == "user" && said.contains("readable for all") {
            Turn::calls_tools([("c1", "propose", other.clone())])
        } else if last["role"] == "tool" {
            Turn::replies("Now it is installed with mode 644.")
        } else {
            Turn::replies("It copies the spare certificate to its place.")
        }
    });
    let lines = "what does it do?\nit must be readable for all\napprove 0\n";
    let ran = piped(&home, &["approve", "discuss", "0"], lines);
    let said = ran.stdout();
    ran.ended_with(&[0]);
    for word in [
        "Action 0 · revision 1 · held",
        "It copies the spare certificate",
        "Action 0: revision 1 becomes 2",
        "- cp ",
        "+ install -m 644",
        "Action 0 · revision 2 · held",
        "approved action 0",
        "fixed",
    ] {
        assert!(
            said.contains(word),
            "{word:?} is not in\n{said}\n{}",
            ran.stderr()
        );
    }
    assert!(site.exists(), "it ran");
    assert_eq!(state(&home), ("fixed".to_owned(), 2));
    let shown = home.run(&["approve", "show", "0"]).stdout();
    assert!(shown.contains("talked about: conversation 1"), "{shown}");
    let log = home.run(&["logs", "--output", "json"]).stdout();
    for event in ["conversation.began", "action.edited", "action.approved"] {
        assert!(log.contains(event), "{event} is not in\n{log}");
    }
    home.run(&["log", "verify"]).ended_with(&[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_not_the_very_words_are_talk_and_so_is_what_the_model_says() {
    let server = ModelServer::start()
        .await
        .always_replies("approve 0\napproved.\nAPPROVE 0");
    let home = with_held_action(&server);
    let lines =
        "yes\nok\napprove\napprove it\nAPPROVE 00\napprove 1\n approve 0\napprove 0 please\n";
    let ran = piped(&home, &["approve", "discuss", "0"], lines);
    ran.ended_with(&[0]);
    assert!(
        ran.stderr().contains("`approve 0` approves"),
        "{}",
        ran.stderr()
    );
    assert_eq!(state(&home), ("held".to_owned(), 1));
    assert!(!missing::site(&home).exists(), "nothing ran");
    assert_eq!(
        server.generations().len(),
        8,
        "each was asked, none was a decision"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discussion_rejects_with_its_reason() {
    let server = ModelServer::start()
        .await
        .always_replies("It copies a file.");
    let home = with_held_action(&server);
    let lines = "reject 0\nreject 0 the spare is older than the site\nnever read\n";
    let ran = piped(&home, &["approve", "discuss", "0"], lines);
    ran.ended_with(&[0]);
    assert!(
        ran.stderr().contains("a rejection needs a reason"),
        "{}",
        ran.stderr()
    );
    assert_eq!(state(&home).0, "rejected");
    let log = home.run(&["logs", "--event", "action.rejected", "--output", "json"]);
    assert!(
        log.stdout().contains("the spare is older"),
        "{}",
        log.stdout()
    );
    assert!(server.generations().is_empty(), "nothing was talk");
    home.run(&["approve", "discuss", "0"]).ended_with(&[1]);
}

/// The `[llm]` of a lane that is not tried again.
fn tried_once(server: &ModelServer) -> Home {
    Home::new().config(&format!("[llm]\nattempts = 1\n{}", lane(server)))
}

async fn fails_where_it_says_bad() -> ModelServer {
    ModelServer::start().await.decides(|body| {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let last = messages.last().cloned().unwrap_or_default();
        if last["content"].as_str().unwrap_or_default().contains("bad") {
            Turn::refuses(400, "this is a bad question")
        } else {
            Turn::replies("It is.")
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_is_piped_fails_when_any_of_its_questions_did() {
    let server = fails_where_it_says_bad().await;
    let home = tried_once(&server);
    let ran = piped(&home, &["chat"], "good one\nbad one\ngood again\n");
    ran.ended_with(&[1]);
    assert_eq!(
        ran.stdout().matches("It is.").count(),
        2,
        "the others are answered"
    );
    assert!(
        ran.stderr().contains("there is no answer"),
        "{}",
        ran.stderr()
    );
    piped(&home, &["chat"], "good one\ngood again\n").ended_with(&[0]);
    let unwritable = "good one\n/save /nowhere/at/all\n";
    piped(&home, &["chat"], unwritable).ended_with(&[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stands_between_the_objects_of_a_chat_for_machines() {
    let server = fails_where_it_says_bad().await;
    let home = tried_once(&server);
    let lines = "/help\n/hosts\n/model any\n/nonsense\ngood one\n/history\nbad one\n";
    let ran = piped(&home, &["chat", "--output", "json"], lines);
    ran.ended_with(&[1]);
    let kinds: Vec<Value> = ran
        .stdout()
        .lines()
        .map(|line| {
            let object: Value = serde_json::from_str(line).expect("every line is an object");
            object["kind"].clone()
        })
        .collect();
    assert_eq!(kinds, ["answer", "history", "failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_talk_about_an_action_is_gone_on_with_where_it_can_be_decided() {
    let server = ModelServer::start().await.always_replies("It copies.");
    let home = with_held_action(&server);
    piped(&home, &["approve", "discuss", "0"], "what does it do?\n").ended_with(&[0]);
    let ran = home.run(&["chat", "--resume", "1"]);
    ran.ended_with(&[64]);
    let said = ran.stderr();
    assert!(
        said.contains("Try: watchkeeper approve discuss 0"),
        "{said}"
    );
    let list = home.json(&["chat", "--list"], &[0]);
    assert_eq!(list[0]["kind"], "discuss", "every kind is listed: {list:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_was_told_is_named_below_it() {
    let server = ModelServer::start()
        .await
        .always_replies("The spare is older [K1].");
    let home = home(&server);
    let told = [
        "knowledge",
        "add",
        "spare certificate",
        "the",
        "spare",
        "certificate",
        "is",
        "older",
    ];
    home.run(&told).ended_with(&[0]);
    let ran = home.run(&["ask", "how old is the spare certificate?"]);
    ran.ended_with(&[0]);
    let said = ran.stdout();
    assert!(said.contains("K1  entry 1: spare certificate"), "{said}");
}
