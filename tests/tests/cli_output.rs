//! How answers look: for programs, on a terminal, in a pipe, at every width, and where nobody reads them.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::missing;

/// What reads and changes nothing, with the keys that its JSON has for ever. More may come, none may go.
const ANSWERS: [(&[&str], &[&str]); 14] = [
    (
        &["check"],
        &[
            "started_at",
            "took_ms",
            "hosts",
            "open_issues",
            "waiting_actions",
            "model",
        ],
    ),
    (
        &["approve", "list"],
        &[
            "number",
            "risk",
            "host",
            "what",
            "for_what",
            "issue",
            "state",
            "proposed_at",
            "expires_at",
        ],
    ),
    (
        &["approve", "show", "0"],
        &["action", "issue_title", "run", "before"],
    ),
    (
        &["issues"],
        &[
            "number",
            "host",
            "title",
            "severity",
            "state",
            "seen_count",
            "first_seen",
            "last_seen",
            "changed_at",
            "fingerprint",
            "doing",
        ],
    ),
    (&["issues", "list", "--all"], &["number", "title", "state"]),
    (
        &["issues", "show", "1"],
        &[
            "number",
            "title",
            "state",
            "finding",
            "diagnosis",
            "timeline",
            "actions",
            "doing",
        ],
    ),
    (
        &["systems"],
        &[
            "host",
            "reached",
            "tier",
            "autonomy",
            "groups",
            "state",
            "identity",
            "last_look",
            "failure",
        ],
    ),
    (
        &["status"],
        &[
            "name",
            "daemon",
            "autonomy",
            "hosts",
            "issues",
            "waiting_actions",
            "running_actions",
            "unknown_actions",
            "jobs",
            "model",
            "store",
            "last_look",
            "log",
            "corrupt",
            "changed_files",
        ],
    ),
    (&["logs"], &["entries"]),
    (&["log", "verify"], &["log", "entries", "head"]),
    (
        &["config", "check"],
        &["ok", "files", "errors", "hosts", "lanes"],
    ),
    (&["config", "show"], &["key", "value", "origin"]),
    (&["doctor"], &["ok", "lines"]),
    (&["approve", "list", "--all"], &["number", "state"]),
];

#[test]
fn for_programs_every_answer_is_one_json_document_with_stable_keys() {
    let home = missing::certificate_found();
    for (words, keys) in ANSWERS {
        let answer = home.json(words, &[0, 1, 2]);
        let object = if let Value::Array(list) = &answer {
            &list[0]
        } else {
            &answer
        };
        let has: BTreeSet<&str> = object
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        let missing: Vec<&&str> = keys.iter().filter(|key| !has.contains(**key)).collect();
        assert!(missing.is_empty(), "{words:?} has no {missing:?}: {has:?}");
        // The flag may stand anywhere, and is never mixed with words for people.
        let before = [&["--output", "json"], words].concat();
        let ran = home.run(&before);
        serde_json::from_slice::<Value>(&ran.output.stdout).expect("JSON");
        assert_eq!(ran.stderr(), "", "{words:?}");
    }
}

#[test]
fn for_programs_changes_are_answered_with_json_too() {
    let home = missing::certificate_found();
    let words = home.path().join("edit.json");
    std::fs::write(
        &words,
        r#"{"reason":"r","steps":[{"kind":"shell","script":"true"}]}"#,
    )
    .expect("a file can be written");
    let edited = home.json(
        &["approve", "edit", "0", "--file", &words.to_string_lossy()],
        &[0],
    );
    assert_eq!(edited["action"]["revision"], 2);
    let rejected = home.json(&["approve", "reject", "0", "--reason", "no"], &[0]);
    assert_eq!(rejected["action"]["state"]["state"], "rejected");
    let created = home.json(&["issues", "create", "of a person"], &[0]);
    let number = created["number"].to_string();
    for (does, state) in [
        ("ack", "acknowledged"),
        ("resolve", "resolved"),
        ("close", "closed"),
    ] {
        assert_eq!(home.json(&["issues", does, &number], &[0])["state"], state);
    }
    let dir = home.path().join("bin");
    let _ = home.json(&["links", "--dir", &dir.to_string_lossy()], &[0]);
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let home = missing::certificate_found();
    let escapes = |variables: &[(&str, &str)]| {
        home.on_a_terminal(variables, &["check"])
            .contains("\u{1b}[")
    };
    assert!(escapes(&[]));
    assert!(!escapes(&[("NO_COLOR", "1")]));
    assert!(!escapes(&[("TERM", "dumb")]));
    assert!(
        escapes(&[("NO_COLOR", "")]),
        "only a value that is not empty counts"
    );
    for (words, _) in ANSWERS {
        let said = home.run(words).stdout();
        assert!(!said.contains('\u{1b}'), "{words:?} in a pipe: {said:?}");
    }
}

#[test]
fn without_colour_nothing_is_lost() {
    let home = missing::certificate_found();
    let plain = home.on_a_terminal(&[("NO_COLOR", "1")], &["approve", "show", "0"]);
    let coloured = home.on_a_terminal(&[], &["approve", "show", "0"]);
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

/// Columns of a line; what we print is narrow but for a few letters of titles.
fn columns(line: &str) -> usize {
    line.chars().count()
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let home = missing::certificate_found();
    home.run(&[
        "approve",
        "reject",
        "0",
        "--reason",
        "a reason that is rather long, so that it needs more than one line to be told",
    ])
    .ended_with(&[0]);
    // What runs is shown as it is, and a configuration's values and a hash, too: cutting them would be a lie.
    let exempt = |words: &[&str], line: &str| {
        words == ["config", "show"]
            || words == ["log", "verify"]
            || line.starts_with("             cp ")
            || line.contains('/')
    };
    for width in [80, 100, 120] {
        for (words, _) in ANSWERS {
            let mut command = home.command(words);
            command.env("COLUMNS", width.to_string());
            let output = command.output().expect("the program starts");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            for line in said.lines().filter(|line| !exempt(words, line)) {
                assert!(
                    columns(line) <= width,
                    "{words:?} at {width}: {} in {line:?}",
                    columns(line)
                );
            }
        }
    }
}

#[test]
fn on_a_narrow_terminal_everything_is_still_there() {
    let home = missing::certificate_found();
    for (words, _) in ANSWERS {
        for width in ["1", "40", "nonsense", "100000"] {
            let mut command = home.command(words);
            command.env("COLUMNS", width);
            let output = command.output().expect("the program starts");
            assert!(
                matches!(output.status.code(), Some(0..=2)),
                "{words:?} at {width}: {output:?}"
            );
            assert!(!output.stdout.is_empty());
        }
    }
}

#[test]
fn where_nobody_reads_any_more_nothing_is_said() {
    let home = missing::certificate_found();
    for (words, _) in ANSWERS {
        let mut command = home.command(words);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        command.stdout(writer).stderr(Stdio::piped());
        let output = command.output().expect("the program starts");
        assert_eq!(output.status.code(), Some(141), "{words:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
    }
    let mut export = home.command(&["log", "export"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = export
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(141));
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let home = missing::certificate_found();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("the kernel has it");
    let mut command = home.command(&["approve", "list"]);
    let output = command
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"));
}

#[test]
fn progress_is_for_terminals_only() {
    let mut config = String::new();
    for name in ["a", "b", "c"] {
        config.push_str(&format!("[hosts.{name}]\nengine = \"local\"\n"));
    }
    let home = Home::new().config(&config);
    let piped = home.run(&["check"]);
    assert_eq!(piped.stderr(), "");
    let seen = home.on_a_terminal(&[], &["check"]);
    assert!(seen.contains("3/3 hosts"), "{seen:?}");
    let machine = home.on_a_terminal(&[], &["check", "--output", "json"]);
    assert!(!machine.contains("3/3 hosts"), "{machine:?}");
}
