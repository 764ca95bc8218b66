//! Approving from a phone over the built daemon, with a real Chromium: a browser is made known, a link is opened, two taps
//! approve, and the repair is run and verified on this very machine.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use watchkeeper_tests::binary::{Daemon, Home};
use watchkeeper_tests::browser::{Browser, DESK, HAND, SMALL_HAND, Screen};
use watchkeeper_tests::lab::Lab;
use watchkeeper_tests::missing;
use watchkeeper_tests::repair::watching;

/// Where pages are to be served: the address, and how it is said in the configuration.
fn web() -> (String, String) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    let web = format!("[web]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n");
    (format!("http://{address}"), web)
}

/// A home whose certificate is missing, with action 0 held, and its daemon, which serves pages.
fn watched() -> (Home, Daemon) {
    let (_, web) = web();
    let home = missing::certificate_with(&web);
    missing::find(&home);
    let daemon = home.daemon();
    (home, daemon)
}

/// The account that the test runs as; it decides, too.
fn account(home: &Home) -> String {
    url(home, &["devices", "add"], "person")
}

fn url(home: &Home, words: &[&str], field: &str) -> String {
    let made = home.json(words, &[0]);
    let text = made[field].as_str();
    text.unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// Makes a browser known.
fn enrolled(home: &Home, browser: &Browser, label: &str) {
    browser.open(&url(home, &["devices", "add", "--label", label], "url"));
    assert!(browser.text("h1").starts_with("Make this browser known as"));
    browser.tap("button.approve");
    browser.until_it_says("This browser is known as");
}

fn state(home: &Home) -> String {
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    sheet["action"]["state"]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Nothing lies beyond the edge, the page runs no script, and what is tapped is as large as a finger.
fn fits_a_hand(browser: &Browser) {
    let wide = browser.run(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
        &json!([]),
    );
    assert_eq!(
        wide,
        0,
        "it is wider than the screen: {}",
        browser.address()
    );
    assert_eq!(browser.run("return document.scripts.length", &json!([])), 0);
    let small = browser.run(
        "return [...document.querySelectorAll('button, a.button, summary, textarea')]
            .map(e => e.getBoundingClientRect()).filter(r => r.height < 44 || r.width < 44).length",
        &json!([]),
    );
    assert_eq!(
        small,
        0,
        "something is too small to tap: {}",
        browser.address()
    );
}

#[test]
fn a_repair_is_approved_from_a_phone_and_the_page_tells_that_it_is_fixed() {
    let (home, _daemon) = watched();
    let phone = Browser::start(HAND);
    enrolled(&home, &phone, "a phone");
    let devices = home.json(&["devices"], &[0]);
    assert_eq!(devices[0]["label"], "a phone", "{devices}");

    let link = url(&home, &["devices", "link", "0"], "url");
    phone.open(&link);
    let sheet = phone.text("main");
    for words in [
        "What runs, to the byte",
        "cp ",
        "site.pem",
        "high",
        "Nothing undoes this by itself",
    ] {
        assert!(sheet.contains(words), "{words:?} is not in {sheet}");
    }
    fits_a_hand(&phone);
    let apart = phone.run(
        "const [a, b] = ['.approve', '.reject'].map(s => document.querySelector(s).getBoundingClientRect());
         return Math.round(b.top - a.bottom)",
        &json!([]),
    );
    assert!(apart.as_i64() > Some(80), "the buttons are {apart} apart");

    phone.tap("button.approve");
    phone.until_it_says("Approve action 0 revision 1 on local?");
    fits_a_hand(&phone);
    assert_eq!(state(&home), "held", "one tap decides nothing");
    assert!(!missing::site(&home).exists());
    phone.tap("button.approve");
    // Nothing is done here but reading: the page looks again by itself.
    phone.until_it_says("Fixed and verified");
    fits_a_hand(&phone);
    assert!(missing::site(&home).exists());
    assert_eq!(state(&home), "fixed");

    let log = home.run(&["logs", "--event", "action.approved", "--output", "json"]);
    assert!(log.stdout().contains("\"a phone\""), "{}", log.stdout());
    home.run(&["log", "verify"]).ended_with(&[0]);
    phone.open(&link);
    assert_eq!(phone.text("h1"), "This link was used already");
    fits_a_hand(&phone);
}

#[test]
fn a_forwarded_link_shows_nothing_until_the_browser_is_known() {
    let (home, _daemon) = watched();
    let person = account(&home);
    let link = url(&home, &["devices", "link", "0"], "url");
    let phone = Browser::start(SMALL_HAND);
    phone.open(&link);
    assert_eq!(phone.text("h1"), format!("This link is for {person}"));
    let page = phone.text("body");
    assert!(
        !page.contains("site.pem") && !page.contains("cp "),
        "{page}"
    );
    fits_a_hand(&phone);
    enrolled(&home, &phone, "another");
    phone.open(&link);
    fits_a_hand(&phone);
    phone.tap("button.reject");
    phone.until_it_says("Reject action 0 revision 1 on local?");
    fits_a_hand(&phone);
    phone.type_into("textarea", "the site is moved today");
    phone.tap("button.reject");
    phone.until_it_says("Rejected");
    assert_eq!(state(&home), "rejected");
    assert!(!missing::site(&home).exists());
    let shown = home.run(&["approve", "show", "0"]).stdout();
    assert!(shown.contains("the site is moved today"), "{shown}");

    home.run(&["devices", "remove", "1"]).ended_with(&[0]);
    phone.open(&link);
    assert_eq!(phone.text("h1"), format!("This link is for {person}"));
}

#[test]
fn without_an_address_nothing_listens_and_there_are_no_links() {
    let home = missing::certificate_found();
    let ran = home.run(&["devices", "link", "0"]);
    ran.ended_with(&[1]);
    assert!(ran.stderr().contains("web.public_url"), "{}", ran.stderr());
    home.run(&["devices", "add"]).ended_with(&[1]);
    assert_eq!(home.json(&["devices"], &[0]), json!([]));
    home.run(&["devices", "remove", "7"]).ended_with(&[1]);
}

/// Draws what docs/phone.md shows anew: `cargo nextest run -p watchkeeper-tests --run-ignored only -E 'test(pictures)'`.
#[test]
#[ignore = "it draws pictures into docs, from a lab of real hosts"]
fn pictures_of_the_pages() {
    let lab = Lab::up(&["web1"]);
    let (address, web) = web();
    let home = watching(Home::new(), &lab, 2, &format!("name = \"hal\"\n{web}"));
    lab.hosts[0].fault(&["svc-crash"]);
    home.run(&["check"]).ended_with(&[2]);
    let _daemon = home.daemon();
    let draw = |browser: &Browser, screen: Screen, height: u32, name: &str| {
        let picture = STANDARD
            .decode(browser.picture(screen, height))
            .expect("base64");
        let path = format!(
            "{}/../docs/pictures/phone-{name}.png",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::write(path, picture).expect("a file can be written");
    };
    let phone = Browser::start(HAND);
    let link = url(&home, &["devices", "link", "0"], "url");
    phone.open(&link);
    draw(&phone, HAND, 844, "forwarded");
    phone.open(&url(&home, &["devices", "add"], "url"));
    draw(&phone, HAND, 844, "enrolment");
    phone.tap("button.approve");
    phone.until_it_says("This browser is known as");
    phone.open(&link);
    let whole = phone.run("return document.documentElement.scrollHeight", &json!([]));
    let whole = u32::try_from(whole.as_u64().expect("a height")).expect("it fits");
    draw(&phone, HAND, whole, "sheet");
    phone.at_night(true);
    draw(&phone, HAND, whole, "sheet-dark");
    let desk = Browser::start(DESK);
    desk.open(&url(&home, &["devices", "add"], "url"));
    desk.tap("button.approve");
    desk.until_it_says("This browser is known as");
    desk.open(&url(&home, &["devices", "link", "0"], "url"));
    draw(&desk, DESK, 800, "desk");
    desk.at_night(true);
    draw(&desk, DESK, 800, "desk-dark");
    phone.at_night(false);
    phone.tap("button.reject");
    phone.until_it_says("Why not?");
    draw(&phone, HAND, 844, "reject");
    phone.open(&link);
    phone.tap("button.approve");
    phone.until_it_says("Yes, run exactly this");
    draw(&phone, HAND, 844, "question");
    phone.tap("button.approve");
    phone.until_it_says("This page looks again by itself");
    draw(&phone, HAND, 844, "runs");
    phone.until_it_says("Fixed and verified");
    draw(&phone, HAND, 844, "fixed");
    phone.at_night(true);
    draw(&phone, HAND, 844, "fixed-dark");
    phone.open(&link);
    draw(&phone, HAND, 844, "used");
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
}
