//! Telling people, over the built binary: without a daemon and with one, by Gotify and by mail, and when they fail.

use watchkeeper_testkit::push::{Fault, Gotify, MailServer};
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
