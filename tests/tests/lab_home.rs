//! From nothing to the first repair that was approved on a phone, as one story: a fresh host gets the package, `init` writes
//! its configuration, two hosts are enrolled, a service fails on one, Gotify is told, the link of its message is opened in
//! a real browser with a phone's screen, two taps approve, and the repair is run, verified and told as over.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use watchkeeper_testkit::push::{Gotify, GotifyMessage};
use watchkeeper_tests::binary::until_within;
use watchkeeper_tests::browser::{Browser, HAND};
use watchkeeper_tests::lab::{Host, Lab};
use watchkeeper_tests::package::{Keeper, made, outside};

const LONG: Duration = Duration::from_secs(120);
const TOKEN: &str = "AbCdEfGhIjKlMn0";
const PORT: u16 = 8470;

/// Installs the package, lets `init` write the configuration, and adds what a phone needs.
fn begins(here: &Keeper<'_>, hosts: &[Host], gotify: &Gotify) {
    let out = tempfile::tempdir().expect("a directory");
    here.install(
        &made("build-deb", out.path(), &["--fast"]),
        "/root/watchkeeper.deb",
    );
    let port = gotify
        .url()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    let url = format!("http://{}:{port}", outside(here.host));
    here.sh(&format!(
        "install -m 640 -g watchkeeper /dev/null /etc/watchkeeper/gotify.token && printf %s {TOKEN} > /etc/watchkeeper/gotify.token"
    ));
    let named: Vec<String> = hosts
        .iter()
        .map(|host| format!("{}=ops@{}", host.name, host.address))
        .collect();
    let mut words = vec![
        "init",
        "--name",
        "hal",
        "--become-root",
        "--no-test",
        "--gotify",
        &url,
    ];
    words.extend(["--gotify-token-file", "/etc/watchkeeper/gotify.token"]);
    for host in &named {
        words.extend(["--host", host]);
    }
    here.run(&words, 0);
    // The phone is anna's, and pages are served where her browser finds them.
    here.sh("useradd --create-home --groups watchkeeper anna");
    let more = format!(
        "[watch]\ninterval = \"5s\"\njitter = \"0s\"\n[run]\nverify_pause = \"1s\"\n\
         [web]\nlisten = \"0.0.0.0:{PORT}\"\npublic_url = \"http://{}:{PORT}\"\n\
         [notify]\ngroup_wait = \"1s\"\n[[notify.channels]]\nname = \"phone\"\nkind = \"gotify\"\nurl = \"{url}\"\n\
         token_file = \"/etc/watchkeeper/gotify.token\"\nperson = \"anna\"\n",
        here.host.address
    );
    let file = out.path().join("50-phone.toml");
    std::fs::write(&file, more).expect("a file can be written");
    here.host
        .put(&file, "/etc/watchkeeper/conf.d/50-phone.toml");
    here.takes_key_of(here.host);
    here.sh("systemctl enable --now watchkeeper");
    here.is_active();
    for host in hosts {
        here.run(
            &["enrol", &host.name, "--fingerprint", &host.fingerprint()],
            0,
        );
    }
    here.run(&["notify", "test"], 0);
}

fn link_of(message: &GotifyMessage) -> Option<String> {
    let link = &message.extras["client::notification"]["click"]["url"];
    link.as_str()
        .filter(|link| link.contains("/a/"))
        .map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_a_repair_approved_on_a_phone() {
    let lab = Lab::roomy(&["home-keeper", "home-web", "home-db"]);
    let gotify = Gotify::start_at(Ipv4Addr::UNSPECIFIED, TOKEN).await;
    let here = Keeper {
        host: &lab.hosts[0],
    };
    let (web, db) = (&lab.hosts[1], &lab.hosts[2]);
    begins(&here, &lab.hosts[1..], &gotify);
    until_within(LONG, "the test message is there", &mut || {
        !gotify.messages().is_empty()
    });

    let phone = Browser::start(HAND);
    let device = here.json(&["devices", "add", "anna", "--label", "anna's phone"]);
    phone.open(device["url"].as_str().expect("a link"));
    phone.tap("button.approve");
    phone.until_it_says("This browser is known as");

    web.fault(&["svc-crash"]);
    let mut link = None;
    until_within(LONG, "anna is told, with a link", &mut || {
        link = gotify.messages().iter().find_map(link_of);
        link.is_some()
    });
    let messages = gotify.messages();
    let told = messages.iter().find(|message| link_of(message).is_some());
    let told = told.expect("it has a link");
    assert!(told.message.contains("nginx"), "{told:?}");
    assert_eq!(
        told.extras["client::display"],
        json!({ "contentType": "text/markdown" })
    );

    phone.open(&link.expect("it was found"));
    let sheet = phone.text("main");
    for words in ["systemctl start nginx.service", "home-web", "low"] {
        assert!(sheet.contains(words), "{words:?} is not in {sheet}");
    }
    phone.tap("button.approve");
    phone.until_it_says("Approve action 0 revision 1 on home-web?");
    assert_eq!(web.truth(), ["svc-crash"], "one tap decides nothing");
    phone.tap("button.approve");
    phone.until_it_says("Fixed and verified");

    assert_eq!(web.truth(), Vec::<String>::new());
    assert_eq!(db.truth(), Vec::<String>::new());
    let sheet = here.json(&["approve", "show", "0"]);
    assert_eq!(sheet["action"]["state"]["state"], "fixed", "{sheet:#}");
    let log = here.run(&["logs", "--event", "action.approved"], 0);
    assert!(log.contains("anna"), "{log}");
    until_within(LONG, "anna hears that it is over", &mut || {
        gotify
            .messages()
            .iter()
            .any(|message| message.id > told.id && message.message.contains("nginx"))
    });
    here.run(&["log", "verify"], 0);
}
