//! Mail.

use watchkeeper_model::Span;
use watchkeeper_notify::{Again, ChannelKind, ChannelSettings, SendError};
use watchkeeper_testkit::model_server::authority;
use watchkeeper_testkit::push::{MailFault, MailServer};

use super::{HOSTILE, NOON, Way, message, way};

fn to(server: &MailServer, change: impl FnOnce(&mut ChannelSettings)) -> Way {
    way(ChannelKind::Mail, &server.url(), "pass word", |settings| {
        settings.timeout = Span::seconds(2);
        change(settings);
    })
}

fn header<'m>(data: &'m str, name: &str) -> Vec<&'m str> {
    let head = data.split("\n\n").next().unwrap_or_default();
    head.lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .collect()
}

#[tokio::test]
async fn a_mail_arrives_once_for_everybody_it_goes_to() {
    let server = MailServer::start().await;
    let way = to(&server, |_| ());
    way.channel
        .send(&message("nginx.service has failed"), NOON)
        .await
        .expect("it is taken");
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.from, "watch@example.org");
    assert_eq!(mail.to, ["anna@example.org", "ben@example.org"]);
    assert_eq!(
        header(&mail.data, "Subject"),
        ["[hal] critical: web1: nginx.service has failed"]
    );
    assert_eq!(
        header(&mail.data, "Message-ID"),
        ["<4f0c1f8e6a5b4c3d2e1f00998877aa01@example.org>"]
    );
    assert_eq!(header(&mail.data, "Auto-Submitted"), ["auto-generated"]);
    let thread = ["<issue-12.hal@example.org>"];
    assert_eq!(header(&mail.data, "References"), thread);
    assert_eq!(header(&mail.data, "In-Reply-To"), thread);
    assert_eq!(
        header(&mail.data, "List-Id"),
        ["<hal.watchkeeper.example.org>"]
    );
    assert_eq!(
        header(&mail.data, "Date"),
        ["Mon, 15 Jun 2026 12:00:00 +0000"]
    );
    assert_eq!(header(&mail.data, "Importance"), ["high"]);
    assert!(mail.data.contains("exit code 1\n"), "{}", mail.data);
    assert!(way.channel.examine().await.expect("it answers").is_some());
}

#[tokio::test]
async fn a_title_cannot_begin_a_header() {
    let server = MailServer::start().await;
    let way = to(&server, |_| ());
    way.channel
        .send(&message(HOSTILE), NOON)
        .await
        .expect("it is taken");
    let mail = &server.mails()[0];
    assert_eq!(mail.to, ["anna@example.org", "ben@example.org"]);
    assert!(header(&mail.data, "Bcc").is_empty(), "{}", mail.data);
    assert_eq!(header(&mail.data, "Subject").len(), 1);
    assert!(!mail.data.contains('\u{1b}'));
}

#[tokio::test]
async fn what_is_no_ascii_or_too_long_for_a_line_is_encoded() {
    let server = MailServer::start().await;
    let way = to(&server, |_| ());
    let mut long = message("Überlauf auf /var – 日本");
    long.watch = "häl 9".to_owned();
    long.text
        .push(watchkeeper_notify::Line::ours("x".repeat(5_000)));
    way.channel.send(&long, NOON).await.expect("it is taken");
    let mail = &server.mails()[0];
    assert!(
        header(&mail.data, "Subject")[0].starts_with("=?utf-8?b?"),
        "{}",
        mail.data
    );
    assert_eq!(
        header(&mail.data, "List-Id"),
        ["<h-l-9.watchkeeper.example.org>"]
    );
}

#[tokio::test]
async fn one_mailbox_that_is_not_there_keeps_the_mail_from_nobody_else() {
    let server = MailServer::start().await;
    server.has_no_mailbox("ben@example.org");
    let way = to(&server, |_| ());
    let refused = way.channel.send(&message("x"), NOON).await;
    let refused = refused.expect_err("one is not there");
    assert_eq!(refused.again(), Again::Never);
    let words = refused.to_string();
    assert!(
        words.contains("ben@example.org: ") && words.contains("everybody else has it"),
        "{words}"
    );
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["anna@example.org"]);
}

#[tokio::test]
async fn dots_at_the_beginning_of_lines_survive() {
    let server = MailServer::start().await;
    let way = to(&server, |_| ());
    let mut dots = message("x");
    dots.text.0 = vec![
        watchkeeper_notify::Line::ours("."),
        watchkeeper_notify::Line::ours("..two"),
        watchkeeper_notify::Line::ours("end"),
    ];
    way.channel.send(&dots, NOON).await.expect("it is taken");
    assert!(
        server.mails()[0].data.contains("\n.\n..two\nend\n"),
        "{:?}",
        server.mails()
    );
}

#[tokio::test]
async fn starttls_and_tls_from_the_start_are_spoken_with_an_account() {
    for server in [
        MailServer::start_with_starttls().await,
        MailServer::start_encrypted().await,
    ] {
        server.wants_account("watch", "pass word");
        let trusted = |settings: &mut ChannelSettings| {
            settings.ca_file = Some(authority());
            settings.login = Some("watch".to_owned());
        };
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("password");
        std::fs::write(&file, "pass word\n").expect("written");
        let way = to(&server, |settings| {
            trusted(settings);
            settings.token_file = Some(file.clone());
        });
        way.channel
            .send(&message("x"), NOON)
            .await
            .expect("it is taken");
        let mail = &server.mails()[0];
        assert!(mail.encrypted);
        assert_eq!(mail.login.as_deref(), Some("watch"));
        std::fs::write(&file, "wrong word\n").expect("written");
        let refused = way.channel.send(&message("x"), NOON).await;
        let refused = refused.expect_err("it is wrong");
        assert!(matches!(refused, SendError::Refused { .. }), "{refused}");
        assert!(!refused.to_string().contains("wrong word"), "{refused}");
    }
}

#[tokio::test]
async fn an_authority_that_nobody_trusts_is_refused_and_plain_is_never_fallen_back_to() {
    let server = MailServer::start_with_starttls().await;
    let untrusting = to(&server, |_| ());
    let refused = untrusting.channel.send(&message("x"), NOON).await;
    let refused = refused.expect_err("nobody trusts it");
    assert_eq!(refused.again(), Again::Later(None), "{refused}");
    assert!(matches!(refused, SendError::Untrusted { .. }), "{refused}");
    // A server that does not offer STARTTLS where it must.
    let plain = MailServer::start().await;
    let url = plain
        .url()
        .replace("smtp://127.0.0.1", "smtp+starttls://localhost");
    let way = way(ChannelKind::Mail, &url, "x", |_| ());
    assert!(way.channel.send(&message("x"), NOON).await.is_err());
    assert!(server.mails().is_empty() && plain.mails().is_empty());
}

#[tokio::test]
async fn each_way_to_fail_says_whether_to_try_again() {
    let server = MailServer::start().await;
    let way = to(&server, |_| ());
    for (fault, again) in [
        (MailFault::Down, Again::Later(None)),
        (MailFault::Silent, Again::Later(None)),
        (MailFault::Busy, Again::Later(None)),
        (MailFault::CutInData, Again::Later(None)),
        (MailFault::RejectsReceivers, Again::Never),
    ] {
        server.fails(fault);
        let sent = way.channel.send(&message("x"), NOON).await;
        let error = sent.expect_err("it fails");
        assert_eq!(error.again(), again, "{fault:?}: {error}");
    }
    assert!(server.mails().is_empty());
    server.fails(None);
    way.channel
        .send(&message("x"), NOON)
        .await
        .expect("it is taken");
}
