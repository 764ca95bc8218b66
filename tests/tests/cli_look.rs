//! Looking, over the built binary and with no lab: `check`, `systems`, `status`, `issues`, `logs` and `log`, on this
//! machine and on addresses where nobody, or nobody useful, answers.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper_tests::binary::{Home, until};
use watchkeeper_tests::missing;
use watchkeeper_tests::repair::started;

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// What Nagios makes of a report.
fn nagios(report: &Value) -> i32 {
    let found = |severity: &str| {
        list(&report["hosts"]).iter().any(|host| {
            list(&host["results"])
                .iter()
                .any(|line| line["outcome"] == "found" && line["severity"] == severity)
        })
    };
    match (found("critical"), found("warning")) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

#[test]
fn with_no_configuration_at_all_this_machine_is_looked_at() {
    let home = Home::new();
    let seen = home.run(&["check"]);
    seen.ended_with(&[0, 1, 2]);
    let said = seen.stdout();
    assert!(said.contains("local (this machine)"), "{said}");
    assert!(
        said.contains("no model configured (runbooks only)"),
        "{said}"
    );
    assert_eq!(seen.stderr(), "");
    let all = home.run(&["check", "local", "--all"]).stdout();
    assert!(all.contains("✓ ok        reachable: "), "{all}");
    assert!(home.run(&["check", "-a"]).stdout().contains("✓ ok"));
}

#[test]
fn the_exit_status_of_a_check_is_what_its_report_says() {
    let home = missing::certificate();
    for flags in [
        &[][..],
        &[
            "--set",
            "thresholds.disk={critical_percent=0.001,critical_left_gib=1e9,warning_percent=0.001,warning_left_gib=1e9}",
        ],
    ] {
        let words = [&["check"], flags].concat();
        let ran = home.run(&[&words[..], &["--output", "json"]].concat());
        let report: Value = serde_json::from_slice(&ran.output.stdout).expect("JSON");
        assert_eq!(
            ran.output.status.code(),
            Some(nagios(&report)),
            "{report:#}"
        );
        let line = missing::line(&report);
        assert_eq!(
            (text(&line, "outcome"), text(&line, "severity")),
            ("found", "warning")
        );
        if !flags.is_empty() {
            assert_eq!(
                nagios(&report),
                2,
                "every disk is too full for this threshold"
            );
        }
    }
}

#[test]
fn a_host_that_is_not_in_the_inventory_is_not_known() {
    let home = Home::new();
    let ran = home.run(&["check", "elsewhere"]);
    ran.ended_with(&[3]);
    assert!(
        ran.stderr().contains("there is no host elsewhere"),
        "{}",
        ran.stderr()
    );
    for host in ["-oProxyCommand=x", "a b", "a/b", "", "a\nb"] {
        let ran = home.run(&["check", "--", host]);
        ran.ended_with(&[64]);
        assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
    }
}

/// A server that does this with every connection, for as long as the test lives.
fn server(does: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || does(stream));
        }
    });
    port
}

fn nobodys_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

fn says(stream: &mut TcpStream, text: &[u8]) {
    // The other side may be gone by now.
    let _ = stream.write_all(text);
}

#[test]
fn hosts_that_cannot_be_seen_are_each_told_with_their_own_word_and_delay_no_other() {
    let servers = BTreeMap::from([
        ("closed", ("127.0.0.1", nobodys_port())),
        ("nameless", ("no-such-host.invalid", 22)),
        ("hasty", ("127.0.0.1", server(drop))),
        (
            "silent",
            ("127.0.0.1", server(|_stream| std::thread::park())),
        ),
        (
            "web",
            (
                "127.0.0.1",
                server(|mut stream| says(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")),
            ),
        ),
        (
            "endless",
            (
                "127.0.0.1",
                server(|mut stream| {
                    for _ in 0..100_000 {
                        says(&mut stream, &[b'x'; 1024]);
                    }
                }),
            ),
        ),
    ]);
    let mut config = String::new();
    for (name, (address, port)) in &servers {
        config.push_str(&format!(
            "[hosts.{name}]\naddress = \"{address}\"\nport = {port}\nconnect_timeout = \"3s\"\n"
        ));
    }
    config.push_str("[hosts.here]\nengine = \"local\"\n");
    let home = Home::new().config(&config);
    let begun = Instant::now();
    let report = home.json(&["check"], &[2]);
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
    let kinds: BTreeMap<&str, &str> = list(&report["hosts"])
        .iter()
        .map(|host| (text(host, "host"), text(&host["failure"], "kind")))
        .collect();
    let expected = BTreeMap::from([
        ("closed", "unreachable"),
        ("nameless", "name_not_resolved"),
        ("hasty", "closed_early"),
        ("silent", "silent"),
        ("web", "closed_early"),
        ("endless", "closed_early"),
        ("here", ""),
    ]);
    assert_eq!(kinds, expected);
    let status = home.json(&["status"], &[0]);
    assert_eq!(status["hosts"]["unreachable"], 6);
    let shown = home.run(&["check"]).stdout();
    assert!(shown.contains("6 not seen"), "{shown}");
}

#[test]
fn systems_and_status_tell_of_every_host_and_when_it_was_looked_at() {
    let home = Home::new().config("[hosts.one]\nengine = \"local\"\n[hosts.other]\nengine = \"local\"\ntier = \"critical\"\nautonomy = \"observe\"\n");
    assert_eq!(home.json(&["status"], &[0])["hosts"]["not_looked_at"], 2);
    home.run(&["check", "one"]).ended_with(&[0, 1, 2]);
    let systems = home.json(&["systems"], &[0]);
    assert!(systems[0]["last_look"].is_string(), "{systems:#}");
    assert_eq!(systems[1]["state"], "not_looked_at");
    assert_eq!(
        (text(&systems[1], "tier"), text(&systems[1], "autonomy")),
        ("critical", "observe")
    );
    let shown = home.run(&["systems"]).stdout();
    assert!(
        shown.contains("other") && shown.contains("never"),
        "{shown}"
    );
    let status = home.run(&["status"]).stdout();
    assert!(status.contains("1 not looked at"), "{status}");
    assert!(status.contains("no daemon runs"), "{status}");
}

#[test]
fn a_person_creates_acknowledges_notes_resolves_and_closes_an_issue() {
    let home = Home::new();
    let created = home.run(&[
        "issues",
        "create",
        "the fan is loud",
        "--host",
        "local",
        "--severity",
        "critical",
        "--note",
        "since noon",
    ]);
    created.ended_with(&[0]);
    assert_eq!(created.stdout(), "issue 1 is open\n");
    home.run(&["issues", "create", "the rack is warm"])
        .ended_with(&[0]);
    let sheet = home.json(&["issues", "show", "1"], &[0]);
    assert_eq!(
        (text(&sheet, "severity"), text(&sheet, "host")),
        ("critical", "local")
    );
    assert_eq!(
        home.json(&["issues", "show", "2"], &[0])["severity"],
        "warning"
    );

    home.run(&["issues", "ack", "1", "--note", "I hear it"])
        .ended_with(&[0]);
    assert_eq!(
        home.json(&["issues", "show", "1"], &[0])["state"],
        "acknowledged"
    );
    home.run(&["issues", "note", "1", "ordered a new one"])
        .ended_with(&[0]);
    home.run(&["issues", "resolve", "1", "--note", "replaced"])
        .ended_with(&[0]);
    home.run(&["issues", "close", "1", "--note", "quiet"])
        .ended_with(&[0]);
    assert_eq!(home.json(&["issues", "show", "1"], &[0])["state"], "closed");
    let shown = home.run(&["issues", "show", "1"]).stdout();
    for said in [
        "the fan is loud",
        "since noon",
        "I hear it",
        "ordered a new one",
        "replaced",
        "quiet",
    ] {
        assert!(shown.contains(said), "{said:?} is not in\n{shown}");
    }

    let numbers = |words: &[&str]| -> Vec<i64> {
        let issues = home.json(&[&["issues", "list"], words].concat(), &[0]);
        let mut numbers: Vec<i64> = list(&issues)
            .iter()
            .filter_map(|issue| issue["number"].as_i64())
            .collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(numbers(&[]), [2]);
    assert_eq!(numbers(&["--all"]), [1, 2]);
    assert_eq!(numbers(&["--all", "--host", "local"]), [1]);
    assert_eq!(
        list(&home.json(&["issues"], &[0])).len(),
        1,
        "`list` where nothing is said"
    );

    for words in [
        &["issues", "ack", "1"][..],
        &["issues", "resolve", "1"],
        &["issues", "close", "1"],
    ] {
        let refused = home.run(words);
        refused.ended_with(&[1]);
        assert!(refused.stderr().contains("issue 1"), "{}", refused.stderr());
    }
    home.run(&["issues", "show", "9"]).ended_with(&[1]);
    home.run(&["issues", "create", "x", "--severity", "loud"])
        .ended_with(&[64]);
    home.run(&["issues", "create", "x", "--host", "elsewhere"])
        .ended_with(&[1]);
    home.run(&["issues", "create", ""]).ended_with(&[1, 64]);
    home.run(&["issues", "note", "2"]).ended_with(&[64]);
    home.run(&["log", "verify"]).ended_with(&[0]);
}

#[test]
fn what_people_write_cannot_act_on_a_terminal_and_is_no_secret_either() {
    let home = Home::new();
    let title = "odd \u{1b}[2J\u{202e}title";
    home.run(&[
        "issues",
        "create",
        title,
        "--note",
        "password=hunter2hunter2",
    ])
    .ended_with(&[0]);
    for words in [&["issues"][..], &["issues", "show", "1"], &["logs"]] {
        let shown = home.run(words).stdout();
        assert!(shown.contains("odd "), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let export = home.run(&["log", "export"]).stdout();
    assert!(!export.contains("hunter2"), "{export}");
}

#[test]
fn the_same_trouble_over_many_looks_is_one_issue_with_a_count() {
    let home = missing::certificate_found();
    for _ in 0..4 {
        home.run(&["check"]).ended_with(&[1, 2]);
    }
    let issues = home.json(&["issues"], &[0]);
    let about: Vec<&Value> = list(&issues)
        .iter()
        .filter(|issue| text(issue, "title").contains("site.pem"))
        .collect();
    assert_eq!(about.len(), 1, "{issues:#}");
    assert_eq!(about[0]["seen_count"], 5);
    assert_eq!(list(&home.json(&["approve", "list"], &[0])).len(), 1);

    std::fs::copy(home.path().join("spare.pem"), missing::site(&home)).expect("a copy");
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let number = about[0]["number"].to_string();
    assert_eq!(
        home.json(&["issues", "show", &number], &[0])["state"],
        "resolved"
    );
    std::fs::remove_file(missing::site(&home)).expect("it was there");
    home.run(&["check"]).ended_with(&[1, 2]);
    let again = home.json(&["issues", "show", &number], &[0]);
    assert_eq!(
        again["state"], "open",
        "within the window it is the same issue"
    );
}

#[test]
fn the_log_is_filtered_by_host_issue_action_event_time_and_number() {
    let home = missing::certificate_found();
    home.run(&["issues", "create", "of no host"])
        .ended_with(&[0]);
    let events = |words: &[&str]| -> Vec<String> {
        let page = home.json(&[&["logs"], words].concat(), &[0]);
        list(&page["entries"])
            .iter()
            .map(|entry| text(entry, "event").to_owned())
            .collect()
    };
    let all = events(&[]);
    assert!(all.len() > 3, "{all:?}");
    assert_eq!(events(&["--action", "0"]), ["action.proposed"]);
    assert!(
        events(&["--event", "issue."])
            .iter()
            .all(|event| event.starts_with("issue."))
    );
    assert_eq!(
        events(&["--event", "issue.opened"])
            .iter()
            .filter(|event| *event != "issue.opened")
            .count(),
        0
    );
    assert!(events(&["--host", "local"]).len() < all.len());
    assert!(events(&["--host", "elsewhere"]).is_empty());
    assert!(!events(&["--issue", "1"]).is_empty());
    assert_eq!(
        events(&["-n", "2"]),
        all[all.len() - 2..],
        "the newest, in order"
    );
    assert_eq!(events(&["--since", "1h"]).len(), all.len());
    assert!(events(&["--since", "2199-01-01T00:00:00Z"]).is_empty());
    for words in [
        &["logs", "--since", "yesterday"][..],
        &["logs", "--event", "Approved!"],
        &["logs", "-n", "many"],
        &["logs", "--issue", "x"],
    ] {
        home.run(words).ended_with(&[64]);
    }
    let nothing = home.run(&["logs", "--host", "elsewhere"]).stdout();
    assert!(!nothing.is_empty());
}

#[test]
fn the_log_goes_on_as_it_grows() {
    let home = Home::new();
    let daemon = home.daemon();
    home.run(&["issues", "create", "the first"])
        .ended_with(&[0]);
    let mut following = started(
        &home,
        &["logs", "--follow", "--event", "issue.", "--output", "json"],
    );
    let mut lines = BufReader::new(following.stdout.take().expect("it is piped")).lines();
    // What the daemon itself has to say of its issues may stand between.
    let mut next = |title: &str| loop {
        let line = lines.next().expect("it goes on").expect("it is text");
        let entry: Value = serde_json::from_str(&line).expect("each line is one entry");
        let event = entry["event"].as_str().expect("it has an event");
        assert!(event.starts_with("issue."), "{line}");
        if line.contains(title) {
            break;
        }
    };
    next("the first");
    home.run(&["issues", "create", "the second"])
        .ended_with(&[0]);
    next("the second");
    drop(daemon);
    until("it ends with the daemon", || {
        following.try_wait().expect("it can be asked").is_some()
    });
}

#[test]
fn the_log_is_exported_whole_and_says_where_it_was_changed() {
    let home = Home::new();
    for title in ["before it", "the needle 0000", "after it"] {
        home.run(&["issues", "create", title]).ended_with(&[0]);
    }
    let export = home.run(&["log", "export"]);
    export.ended_with(&[0]);
    let entries: Vec<Value> = export
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON Lines"))
        .collect();
    assert_eq!(entries.len(), 3);
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["hash"], pair[1]["previous"]);
    }
    let verdict = home.json(&["log", "verify"], &[0]);
    assert_eq!(
        (text(&verdict, "log"), &verdict["head"]),
        ("intact", &entries[2]["hash"])
    );

    let store = home.path().join("store.db");
    let mut bytes = std::fs::read(&store).expect("the store is a file");
    let needle = b"the needle 0000";
    let places: Vec<usize> = bytes
        .windows(needle.len())
        .enumerate()
        .filter(|(_, window)| window == needle)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "no other file holds it");
    for at in places {
        bytes[at + needle.len() - 1] = b'1';
    }
    std::fs::write(&store, bytes).expect("a file can be written");
    let verdict = home.json(&["log", "verify"], &[1]);
    assert_eq!(
        (text(&verdict, "log"), &verdict["seq"]),
        ("broken", &entries[1]["seq"])
    );
    let said = home.run(&["log", "verify"]);
    said.ended_with(&[1]);
    assert!(
        said.stdout().contains("broken at entry"),
        "{}",
        said.stdout()
    );
}
