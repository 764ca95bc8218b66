//! Telling people, over the built binary: without a daemon and with one, by Gotify and by mail, and when they fail.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;
use watchkeeper_testkit::push::{Fault, Gotify, Hook, MailServer, Received};
use watchkeeper_tests::binary::{Home, until};

const TOKEN: &str = "Atoken.of-the-phone";

/// A home whose people have a phone and a mailbox.
fn home(gotify: &Gotify, mail: &MailServer) -> Home {
    let home = Home::new();
    let token = home.path().join("phone.token");
    std::fs::write(&token, TOKEN).expect("written");
    let config = format!(
        "[watch]\ninterval = \"1h\"\n[notify]\ngroup_wait = \"0s\"\n\
         [[notify.channels]]\nname = \"phone\"\nurl = \"{}\"\ntoken_file = \"{}\"\n\
         [[notify.channels]]\nname = \"mail\"\nkind = \"mail\"\nurl = \"{}\"\nfrom = \"watch@example.org\"\n\
         to = [\"anna@example.org\"]\n\
         [[notify.routes]]\nseverity = \"critical\"\nchannels = [\"phone\"]\n",
        gotify.url(),
        token.display(),
        mail.url(),
    );
    home.config(&config)
}

fn titles(gotify: &Gotify) -> Vec<String> {
    let messages = gotify.messages().into_iter();
    messages.map(|message| message.title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_a_daemon_says_what_it_is_told_and_what_it_brought_about() {
    let (gotify, mail) = (Gotify::start(TOKEN).await, MailServer::start().await);
    let home = home(&gotify, &mail);
    let said = home.run(&["notify", "backup failed", "disk 3", "--priority", "8"]);
    said.ended_with(&[0]);
    assert_eq!(said.stdout(), "phone took it\n");
    let message = gotify.messages().pop().expect("it arrived");
    assert_eq!(
        (message.title.as_str(), message.priority),
        ("backup failed", 8)
    );
    home.run(&["notify", "by mail", "--channel", "mail"])
        .ended_with(&[0]);
    assert!(
        mail.mails()[0].data.contains("by mail"),
        "{:?}",
        mail.mails()
    );

    home.run(&[
        "issues",
        "create",
        "the printer burns",
        "--severity",
        "critical",
    ])
    .ended_with(&[0]);
    assert_eq!(
        titles(&gotify),
        ["backup failed", "critical: the printer burns"],
        "told before the command ended"
    );
    let list = home.run(&["notify", "list"]).stdout();
    assert!(list.contains("phone") && list.contains("sent"), "{list}");
    let status = home.run(&["status"]).stdout();
    assert!(status.contains("phone: took a message"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_with_its_cause_and_can_be_sent_again() {
    let (gotify, mail) = (Gotify::start(TOKEN).await, MailServer::start().await);
    let home = home(&gotify, &mail);
    gotify.fails(Fault::Status(400));
    let refused = home.run(&["notify", "hello"]);
    refused.ended_with(&[1]);
    assert!(
        refused.stdout().contains("phone did not take it"),
        "{}",
        refused.stdout()
    );
    let dead = home.json(&["notify", "list", "--state", "dead"], &[0]);
    let number = dead["deliveries"][0]["number"].to_string();
    gotify.fails(None);
    home.run(&["notify", "retry", &number]).ended_with(&[0]);
    assert_eq!(titles(&gotify)[0], "hello");

    gotify.forgets_applications();
    let test = home.run(&["notify", "test", "phone"]);
    test.ended_with(&[1]);
    assert!(
        test.stdout().contains("refuses the secret"),
        "{}",
        test.stdout()
    );
    let doctor = home.run(&["doctor"]).stdout();
    assert!(doctor.contains("channel phone"), "{doctor}");
    home.run(&["notify", "test", "nowhere"]).ended_with(&[1]);
    home.run(&["notify", "x", "--priority", "11"])
        .ended_with(&[64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_tells_by_itself_and_goes_on_when_the_server_is_back() {
    let (gotify, mail) = (Gotify::start(TOKEN).await, MailServer::start().await);
    let home = home(&gotify, &mail);
    let daemon = home.daemon();
    home.run(&[
        "issues",
        "create",
        "the printer burns",
        "--severity",
        "critical",
    ])
    .ended_with(&[0]);
    until("the phone is told", || !gotify.messages().is_empty());
    assert_eq!(titles(&gotify), ["critical: the printer burns"]);
    gotify.fails(Fault::Status(500));
    let waits = home.run(&["notify", "hello"]);
    waits.ended_with(&[1]);
    assert!(
        waits.stdout().contains("has not taken it yet"),
        "{}",
        waits.stdout()
    );
    gotify.fails(None);
    home.run(&["notify", "test", "phone"]).ended_with(&[0]);
    until("what waited is told, too", || {
        titles(&gotify).iter().any(|title| title == "hello")
    });
    drop(daemon);
}

/// What is asked of the receiver in the documentation: key, headers, body and the time are read, and yes or no is said.
const ASK: &str = r#"
import email.message, json, sys
for line in sys.stdin:
    asked = json.loads(line)
    headers = email.message.Message()
    for name, value in asked["headers"].items():
        headers[name] = value
    print(is_ours(asked["key"].encode(), headers, bytes.fromhex(asked["body"]), lambda: asked["now"]))
"#;

/// The first block of Python in the documentation.
fn receiver() -> String {
    let text = include_str!("../../docs/notifications.md");
    let (_, block) = text.split_once("```python\n").expect("there is one");
    let (block, _) = block.split_once("```").expect("it ends");
    block.to_owned()
}

fn asked(received: &Received, key: &str, now: i64) -> serde_json::Value {
    let body: String = received
        .body
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({ "key": key, "headers": received.headers, "body": body, "now": now })
}

#[expect(
    clippy::disallowed_methods,
    reason = "what the documentation says in Python is run by Python"
)]
#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_in_the_documentation_takes_what_is_ours_and_nothing_else() {
    let hook = Hook::start().await;
    let home = Home::new();
    let key = home.path().join("key");
    std::fs::write(&key, "open the doors\n").expect("written");
    let home = home.config(&format!(
        "[[notify.channels]]\nname = \"chat\"\nkind = \"webhook\"\nurl = \"{}/in\"\ntoken_file = \"{}\"\n",
        hook.url(),
        key.display(),
    ));
    home.run(&["notify", "lunch", "it is ready"])
        .ended_with(&[0]);
    let received = hook.received().pop().expect("it came");
    let sent: i64 = received.headers["watchkeeper-timestamp"]
        .parse()
        .expect("seconds");
    let forged = Received {
        body: [&received.body[..], b" "].concat(),
        ..received.clone()
    };
    let mut moved = received.clone();
    moved
        .headers
        .insert("watchkeeper-timestamp".to_owned(), (sent + 1).to_string());
    let mut unsigned = received.clone();
    unsigned.headers.remove("watchkeeper-signature");
    let mut strange = received.clone();
    strange
        .headers
        .insert("watchkeeper-timestamp".to_owned(), "²".to_owned());
    let right = "open the doors";
    let questions = [
        (asked(&received, right, sent), "True"),
        (asked(&received, right, sent + 299), "True"),
        (asked(&received, right, sent + 301), "False"),
        (asked(&received, "another key", sent), "False"),
        (asked(&forged, right, sent), "False"),
        (asked(&moved, right, sent), "False"),
        (asked(&unsigned, right, sent), "False"),
        (asked(&strange, right, sent), "False"),
    ];
    let mut python = Command::new("python3")
        .args(["-c", &format!("{}{ASK}", receiver())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut input = python.stdin.take().expect("it listens");
    for (question, _) in &questions {
        writeln!(input, "{question}").expect("it reads");
    }
    drop(input);
    let output = python.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted: Vec<&str> = questions.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newcomer_sees_says_what_to_do() {
    let (gotify, mail) = (Gotify::start(TOKEN).await, MailServer::start().await);
    let nothing = Home::new().run(&["notify", "test"]);
    nothing.ended_with(&[1]);
    assert!(
        nothing
            .stderr()
            .contains("add [[notify.channels]] to the configuration"),
        "{}",
        nothing.stderr()
    );
    let home = home(&gotify, &mail);
    let well = home.run(&["notify", "test"]);
    well.ended_with(&[0]);
    assert_eq!(well.stdout(), "phone took it\nmail took it\n");
    gotify.fails(Fault::Down);
    let down = home.run(&["notify", "test", "phone"]);
    down.ended_with(&[1]);
    let said = down.stdout();
    for _ in 0..3 {
        // Its pause grows beyond what this test takes.
        home.run(&["notify", "test", "phone"]).ended_with(&[1]);
    }
    assert!(
        said.contains("phone has not taken it yet: ") && said.contains("doctor"),
        "{said}"
    );
    // While its pause lasts, a command is told that the channel fails, and asks nothing of it.
    let tries = gotify.requests();
    let waits = home.run(&["notify", "hello"]);
    waits.ended_with(&[1]);
    assert!(
        waits.stdout().contains("has not taken it yet"),
        "{}",
        waits.stdout()
    );
    assert_eq!(gotify.requests(), tries);
    let list = home.run(&["notify", "list"]).stdout();
    assert!(list.contains("phone   does not take messages: "), "{list}");
}
