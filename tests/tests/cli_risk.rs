//! `risk` over the built binary: what a command would do, told to people and to machines, and for hostile input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use watchkeeper_tests::binary::Home;

/// Runs with this on standard input.
fn fed(home: &Home, words: &[&str], input: &[u8]) -> Output {
    let mut child = home
        .command(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was piped");
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || {
        // Who has seen enough closes the pipe.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    feeding.join().expect("it was fed");
    output
}

fn batch(home: &Home, input: &[u8], status: i32) -> Vec<Value> {
    let output = fed(home, &["risk", "batch"], input);
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("it writes UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[test]
fn every_level_has_an_exit_status_and_a_reason() {
    let home = Home::new();
    for (command, status, said) in [
        ("df -h", 0, "read_only"),
        ("touch /tmp/x", 10, "low"),
        ("systemctl restart nginx", 20, "restarts nginx"),
        ("cat /etc/shadow", 30, "password hashes"),
        ("rm -rf /", 40, "forbidden"),
    ] {
        let ran = home.run(&["risk", "explain", "--", command]);
        ran.ended_with(&[status]);
        assert!(ran.stdout().contains(said), "{command}: {}", ran.stdout());
    }
}

#[test]
fn one_word_is_a_script_and_several_are_a_command() {
    let home = Home::new();
    home.run(&["risk", "explain", "--", "df; reboot"])
        .ended_with(&[30]);
    let echo = home.run(&["risk", "explain", "--", "echo", "df; reboot"]);
    echo.ended_with(&[0]);
    assert!(
        echo.stdout().contains("echo 'df; reboot'"),
        "{}",
        echo.stdout()
    );
}

#[test]
fn what_is_hidden_is_shown_and_what_is_shown_is_what_would_run() {
    let home = Home::new();
    let output = fed(
        &home,
        &["risk", "explain", "--stdin", "--output", "json"],
        b"echo cm0gLXJmIC8= | base64 -d | s''h # nothing",
    );
    assert_eq!(output.status.code(), Some(40));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["canonical"], "echo cm0gLXJmIC8= | base64 -d | sh");
    assert_eq!(told["decoded"][0]["text"], "rm -rf /");
    assert!(told["score"].as_u64().is_some_and(|score| score >= 90));
}

#[test]
fn hostile_input_is_high_and_never_rendered_raw() {
    let home = Home::new();
    let inputs: [&[u8]; 8] = [
        b"ls \xff\xfe",
        b"ls\0-l",
        b"ls\r-l",
        "ls \u{202e}txt".as_bytes(),
        "l\u{200b}s".as_bytes(),
        b"echo \x1b[2J",
        b"cat <<END\nnever closed",
        b"echo 'never closed",
    ];
    for input in inputs {
        let output = fed(&home, &["risk", "explain", "--stdin"], input);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let status = output.status.code();
        assert!(
            status == Some(30) || status == Some(40),
            "{input:?}: {shown}"
        );
        let raw = ['\u{202e}', '\u{200b}', '\u{1b}', '\0', '\r'];
        assert!(!shown.contains(raw), "{input:?}: {shown:?}");
    }
    let large = fed(
        &home,
        &["risk", "explain", "--stdin"],
        "echo aaaaaaa; ".repeat(750_000).as_bytes(),
    );
    assert_eq!(large.status.code(), Some(30));
    assert!(String::from_utf8_lossy(&large.stdout).contains("16384"));
}

#[test]
fn hostile_input_is_not_rendered_raw_in_json_either() {
    let home = Home::new();
    let hostile = "ls \u{202e}txt \u{200b}\u{7f}\u{85}\u{2066}\u{feff}\u{e0041} \u{1b}[2J";
    let line = json!({ "cmd": hostile }).to_string();
    let batch = fed(&home, &["risk", "batch"], line.as_bytes()).stdout;
    let output = ["--output", "json", "risk", "explain", "--stdin"];
    let explain = fed(&home, &output, hostile.as_bytes()).stdout;
    for shown in [&batch, &explain] {
        let shown = std::str::from_utf8(shown).expect("it writes UTF-8");
        let raw = |c: char| c != '\n' && hostile.contains(c) && !(' '..='~').contains(&c);
        assert!(!shown.contains(raw), "{shown:?}");
    }
    let answer: Value = serde_json::from_slice(&batch).expect("JSON");
    assert_eq!(answer["cmd"], hostile, "and it means the same");
    assert!(String::from_utf8_lossy(&batch).contains("\\u202etxt"));
}

#[test]
fn a_batch_is_answered_line_by_line_in_order() {
    let home = Home::new();
    let mut child = home
        .command(&["risk", "batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("it was piped"));
    for (command, level) in [
        ("ls -l", "read_only"),
        ("reboot", "high"),
        ("ls", "read_only"),
    ] {
        writeln!(stdin, "{}", json!({ "cmd": command })).expect("it reads");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it answers at once");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (&answer["cmd"], &answer["level"]),
            (&json!(command), &json!(level))
        );
    }
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_line_that_is_not_understood_says_so_and_the_rest_goes_on() {
    let home = Home::new();
    let answers = batch(
        &home,
        b"{\"cmd\":\"ls\"}\nnonsense\n\n{\"command\":\"ls\"}\n{\"cmd\":\"df\",\"label\":\"x\"}\n\xff\n{\"cmd\":\"w\"}",
        65,
    );
    let levels: Vec<Option<&str>> = answers
        .iter()
        .map(|answer| answer["level"].as_str())
        .collect();
    assert_eq!(
        levels,
        [
            Some("read_only"),
            None,
            None,
            Some("read_only"),
            None,
            Some("read_only")
        ]
    );
    assert_eq!(answers[1]["line"], 2);
    assert!(batch(&home, b"", 0).is_empty());
}

#[test]
fn what_the_owner_adds_to_the_lists_counts() {
    let home = Home::new().config(
        "[risk]\ncritical_units = [\"ledger\"]\nsecret_paths = [\"/srv/ledger/keys\"]\n\
         unimportant_units = [\"lamp\"]\n",
    );
    for (command, status) in [
        ("systemctl stop ledger", 40),
        ("cat /srv/ledger/keys/a", 30),
        ("systemctl restart lamp", 10),
        ("systemctl restart sshd", 30),
    ] {
        home.run(&["risk", "explain", "--", command])
            .ended_with(&[status]);
    }
    let wrong = Home::new().config("[risk]\ncritical_paths = [\"etc\", \"*\"]\n");
    wrong.run(&["config", "check"]).ended_with(&[64]);
}
