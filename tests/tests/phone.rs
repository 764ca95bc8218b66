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
use watchkeeper_tests::proxy::{Nginx, of_the_page};
use watchkeeper_tests::repair::watching;

/// Where pages are to be served: the address, and how it is said in the configuration. Without a public address it is
/// that, too.
fn web_at(public_url: &str) -> (String, String) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    let public_url = match public_url {
        "" => format!("http://{address}"),
        url => url.to_owned(),
    };
    let web = format!("[web]\nlisten = \"{address}\"\npublic_url = \"{public_url}\"\n");
    (address, web)
}

/// A home whose certificate is missing, with action 0 held, and its daemon, which serves pages.
fn watched() -> (Home, Daemon) {
    watched_with(&web_at("").1)
}

fn watched_with(web: &str) -> (Home, Daemon) {
    let home = missing::certificate_with(web);
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
    browser.is_for_everybody();
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
    phone.is_for_everybody();
    let apart = phone.run(
        "const [a, b] = ['.approve', '.reject'].map(s => document.querySelector(s).getBoundingClientRect());
         return Math.round(b.top - a.bottom)",
        &json!([]),
    );
    assert!(apart.as_i64() > Some(80), "the buttons are {apart} apart");

    phone.tap("button.approve");
    phone.until_it_says("Approve action 0 revision 1 on local?");
    phone.is_for_everybody();
    assert_eq!(state(&home), "held", "one tap decides nothing");
    assert!(!missing::site(&home).exists());
    phone.tap("button.approve");
    // Nothing is done here but reading: the page looks again by itself.
    phone.until_it_says("Fixed and verified");
    phone.is_for_everybody();
    assert!(missing::site(&home).exists());
    assert_eq!(state(&home), "fixed");

    let log = home.run(&["logs", "--event", "action.approved", "--output", "json"]);
    assert!(log.stdout().contains("\"a phone\""), "{}", log.stdout());
    home.run(&["log", "verify"]).ended_with(&[0]);
    phone.open(&link);
    assert_eq!(phone.text("h1"), "This link was used already");
    phone.is_for_everybody();
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
    phone.is_for_everybody();
    enrolled(&home, &phone, "another");
    phone.open(&link);
    phone.is_for_everybody();
    phone.tap("button.reject");
    phone.until_it_says("Reject action 0 revision 1 on local?");
    phone.is_for_everybody();
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

/// Approves action 0 on a phone, at the public address, through a proxy.
fn approved_through(nginx: &Nginx, home: &Home, name: &str, cookie: &str) {
    let phone = Browser::start_finding(HAND, &nginx.rule(name));
    enrolled(home, &phone, "a phone");
    let link = url(home, &["devices", "link", "0"], "url");
    assert!(link.starts_with(&format!("https://{name}/")), "{link}");
    phone.open(&link);
    assert!(
        phone.text("main").contains("What runs, to the byte"),
        "{}",
        nginx.log()
    );
    let cookies = phone.devtools("Network.getAllCookies", &json!({}));
    assert_eq!(
        cookies["cookies"].as_array().map(Vec::len),
        Some(1),
        "{cookies}"
    );
    let of_phone = &cookies["cookies"][0];
    let told = format!(
        "{} {}",
        of_phone["name"].as_str().unwrap_or_default(),
        of_phone["path"].as_str().unwrap_or_default()
    );
    assert_eq!(told, cookie);
    assert_eq!(
        (&of_phone["secure"], &of_phone["httpOnly"]),
        (&json!(true), &json!(true))
    );
    phone.tap("button.approve");
    phone.until_it_says("Yes, run exactly this");
    phone.tap("button.approve");
    phone.until_it_says("Fixed and verified");
    assert!(phone.address().starts_with(&link), "{}", phone.address());
    phone.open(&link);
    phone.tap("a.button");
    phone.until_it_says("Fixed and verified");
}

#[test]
fn behind_nginx_as_the_page_has_it_a_repair_is_approved() {
    let (pages, web) = web_at("https://watch.example.org");
    let (home, _daemon) = watched_with(&web);
    let nginx = Nginx::before(
        &pages,
        &of_the_page("nginx", "server_name watch.example.org"),
    );
    approved_through(&nginx, &home, "watch.example.org", "__Host-watchkeeper /");
}

#[test]
fn below_a_path_behind_nginx_a_repair_is_approved_whether_or_not_it_is_taken_off() {
    for (proxy_pass, how) in [("8470;", "it is left on"), ("8470/;", "it is taken off")] {
        let (pages, web) = web_at("https://home.example.org/watch");
        let (home, _daemon) = watched_with(&web);
        let location = of_the_page("nginx", "location /watch/").replace("8470;", proxy_pass);
        let server = of_the_page("nginx", "server_name watch.example.org");
        let (head, _) = server.split_once("    location").expect(how);
        let server =
            format!("{head}{location}}}").replace("watch.example.org;", "home.example.org;");
        let nginx = Nginx::before(&pages, &server);
        approved_through(
            &nginx,
            &home,
            "home.example.org",
            "__Secure-watchkeeper /watch",
        );
    }
}

#[test]
fn nervous_hands_and_a_daemon_that_restarts_decide_once() {
    let (home, daemon) = watched();
    let phone = Browser::start(HAND);
    enrolled(&home, &phone, "a phone");
    let link = url(&home, &["devices", "link", "0"], "url");
    phone.open(&link);
    phone.tap("button.approve");
    phone.until_it_says("Yes, run exactly this");
    phone.back();
    phone.until_it_says("You are asked once more");
    phone.tap("button.approve");
    phone.until_it_says("Yes, run exactly this");
    phone.reload();
    phone.until_it_says("Yes, run exactly this");
    assert_eq!(state(&home), "held", "nothing was decided yet");

    // A tap without a network is no tap.
    phone.offline(true);
    phone.tap("button.approve");
    phone.until_it_says("ERR_INTERNET_DISCONNECTED");
    assert_eq!(state(&home), "held");
    phone.offline(false);
    phone.open(&link);
    phone.tap("button.approve");
    phone.until_it_says("Yes, run exactly this");

    drop(daemon);
    let _daemon = home.daemon();
    let twice = "const b = document.querySelector('button.approve'); b.click(); b.click();";
    let _ = phone.run(twice, &json!([]));
    // Whichever of the two was answered last, it says what is.
    phone.until_it_says_one_of(&[
        "This page looks again by itself",
        "Fixed and verified",
        "See what became of it",
    ]);
    phone.open(&format!("{link}/run"));
    phone.until_it_says("Fixed and verified");
    phone.reload();
    phone.until_it_says("Fixed and verified");
    phone.back();
    phone.open(&link);
    assert_eq!(phone.text("h1"), "This link was used already");
    assert!(phone.text("main").contains("in this browser"));
    phone.tap("a.button");
    phone.until_it_says("Fixed and verified");
    let log = home.run(&["logs", "--event", "action.approved", "--output", "json"]);
    assert_eq!(
        log.stdout().matches("action.approved").count(),
        1,
        "{}",
        log.stdout()
    );
}

#[test]
fn at_a_terminal_an_address_is_also_a_square_for_a_camera() {
    let (home, _daemon) = watched();
    for words in [&["devices", "add"][..], &["devices", "link", "0"]] {
        let seen = home.on_a_terminal(&[], words);
        let lines = seen.lines().take_while(|line| !line.contains("http://"));
        let square: Vec<&str> = lines.filter(|line| line.contains("48;5;231m")).collect();
        assert!((15..25).contains(&square.len()), "{seen}");
        assert!(square.iter().any(|line| line.contains('▀')), "{seen}");
        let plain = home.on_a_terminal(&[("NO_COLOR", "1")], words);
        assert!(plain.contains('▀') && !plain.contains('\u{1b}'), "{plain}");
        let piped = home.run(words).stdout();
        assert!(
            piped.starts_with("http://") && !piped.contains('▀'),
            "{piped}"
        );
        let json = home.on_a_terminal(&[], &[words, &["--output", "json"]].concat());
        assert!(json.starts_with('{') && !json.contains('▀'), "{json}");
    }
}

#[test]
fn what_cannot_be_sent_says_what_is_missing() {
    let (home, _daemon) = watched();
    let ran = home.run(&["devices", "add", "--send"]);
    ran.ended_with(&[1]);
    assert!(ran.stderr().contains("notify.channels"), "{}", ran.stderr());
    assert_eq!(home.json(&["devices"], &[0]), json!([]));
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
    let (_, web) = web_at("");
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
    desk.open(&link);
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
}
