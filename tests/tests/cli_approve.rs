//! `approve` over the built binary, on this machine: a certificate is missing, a runbook of the test's own proposes to
//! copy a spare to its place, and a person decides. What is asserted is what became of the file.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use watchkeeper_tests::binary::{Home, Ran};
use watchkeeper_tests::missing;

fn state(home: &Home, number: &str) -> String {
    let sheet = home.json(&["approve", "show", number], &[0]);
    sheet["action"]["state"]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn edit(home: &Home, steps: &Value) -> Ran {
    let file = home.path().join("edit.json");
    std::fs::write(&file, steps.to_string()).expect("a file can be written");
    home.run(&["approve", "edit", "0", "--file", &file.to_string_lossy()])
}

fn shell(script: &str) -> Value {
    json!({ "reason": "by hand", "steps": [{ "kind": "shell", "script": script }] })
}

#[test]
fn show_has_the_very_bytes_that_run_and_everything_to_decide_by() {
    let home = missing::certificate_found();
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    let plan = &sheet["action"]["plan"];
    let script = plan["steps"][0]["script"].as_str().expect("a script");
    let shown = home.run(&["approve", "show", "0"]).stdout();
    for line in script.lines() {
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    let digest = sheet["action"]["digest"].as_str().expect("a digest");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "Action 0 · revision 1 · held",
        "on local as ",
        "is listed and not there",
        "a spare lies beside it",
        "high",
        "the check certificates passes for",
        "nothing undoes this by itself",
        &digest[..4],
        "approve reject 0 --reason",
    ] {
        assert!(shown.contains(said), "{said:?} is not in\n{shown}");
    }
    assert_eq!(plan["host"], "local");
    assert!(!missing::site(&home).exists(), "nothing was done");
}

#[test]
fn approved_it_runs_once_and_is_not_approved_again() {
    let home = missing::certificate_found();
    let approved = home.run(&["approve", "0", "--reason", "the spare is good"]);
    approved.ended_with(&[0]);
    let said = approved.stdout();
    for word in ["approved action 0", "running", "ended well", "fixed"] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
    assert!(missing::site(&home).exists());
    home.run(&["check"]).ended_with(&[0, 1, 2]);
    let log = home.run(&["logs", "--event", "action.approved", "--output", "json"]);
    assert!(
        log.stdout().contains("the spare is good"),
        "{}",
        log.stdout()
    );

    let again = home.run(&["approve", "0"]);
    again.ended_with(&[1]);
    assert!(
        again.stderr().contains("action 0 is fixed"),
        "{}",
        again.stderr()
    );
    assert_eq!(home.json(&["approve", "list"], &[0]), json!([]));
    let all = home.json(&["approve", "list", "--all"], &[0]);
    assert_eq!(all[0]["state"], "fixed");
    home.run(&["log", "verify"]).ended_with(&[0]);
}

#[test]
fn another_revision_or_digest_than_the_one_seen_is_refused() {
    let home = missing::certificate_found();
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    let digest = sheet["action"]["digest"]
        .as_str()
        .expect("a digest")
        .to_owned();
    home.run(&["approve", "0", "--revision", "2"])
        .ended_with(&[1]);
    home.run(&["approve", "0", "--digest", &digest[..7]])
        .ended_with(&[64]);
    home.run(&["approve", "0", "--digest", "0123456789abcdef"])
        .ended_with(&[77]);
    assert_eq!(state(&home, "0"), "held");

    edit(&home, &shell("true")).ended_with(&[0]);
    home.run(&["approve", "0", "--digest", &digest])
        .ended_with(&[77]);
    home.run(&["approve", "0", "--revision", "1"])
        .ended_with(&[1]);
    assert_eq!(state(&home, "0"), "held", "an edit voids what was seen");
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    let digest = sheet["action"]["digest"]
        .as_str()
        .expect("a digest")
        .to_owned();
    let ended = home.run(&["approve", "0", "--revision", "2", "--digest", &digest[..8]]);
    ended.ended_with(&[1]);
    assert_eq!(state(&home, "0"), "not_fixed", "`true` mends nothing");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let home = Home::new();
    for words in [
        &["approve"][..],
        &["approve", "-1"],
        &["approve", "one"],
        &["approve", "0", "1"],
        &["approve", "reject", "0"],
        &["approve", "show"],
        &["approve", "--reason", "why"],
        &["approve", "--no-wait", "list"],
    ] {
        home.run(words).ended_with(&[64]);
    }
    for words in [
        &["approve", "0"][..],
        &["approve", "show", "0"],
        &["approve", "reject", "0", "--reason", "no"],
    ] {
        let ran = home.run(words);
        ran.ended_with(&[1]);
        let said = ran.stderr();
        assert!(
            said.contains("there is no action 0\nTry: watchkeeper approve list --all"),
            "{said}"
        );
    }
}

#[test]
fn a_rejection_has_a_reason_and_the_same_is_not_proposed_again() {
    let home = missing::certificate_found();
    let said = home.run(&["approve", "reject", "0", "--reason", "we issue a new one"]);
    said.ended_with(&[0]);
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    let state = &sheet["action"]["state"];
    assert_eq!(state["state"], "rejected");
    assert_eq!(state["reason"], "we issue a new one");
    for _ in 0..2 {
        home.run(&["check"]).ended_with(&[1, 2]);
    }
    assert_eq!(home.json(&["approve", "list"], &[0]), json!([]));
    home.run(&["approve", "0"]).ended_with(&[1]);
    home.run(&["approve", "reject", "0", "--reason", "again"])
        .ended_with(&[1]);
    assert!(!missing::site(&home).exists());
}

#[test]
fn a_list_is_of_one_host_and_of_what_waits_unless_all_is_asked_for() {
    let home = missing::certificate_found();
    let list = |words: &[&str]| {
        let words = [&["approve", "list"], words].concat();
        home.json(&words, &[0]).as_array().expect("a list").len()
    };
    assert_eq!(list(&[]), 1);
    assert_eq!(list(&["--host", "local"]), 1);
    assert_eq!(list(&["--host", "elsewhere"]), 0);
    home.run(&["approve", "reject", "0", "--reason", "no"])
        .ended_with(&[0]);
    assert_eq!((list(&[]), list(&["--all"])), (0, 1));
    let nothing = home.run(&["approve", "list"]).stdout();
    assert!(nothing.contains("nothing waits for you"), "{nothing}");
}

#[test]
fn an_edit_is_a_new_revision_by_file_by_standard_input_or_in_an_editor() {
    let home = missing::certificate_found();
    let site = missing::site(&home);
    let spare = home.path().join("spare.pem");
    edit(&home, &shell("exit 9")).ended_with(&[0]);

    let mut typed = home.command(&["approve", "edit", "0", "--file", "-"]);
    typed.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = typed.spawn().expect("the program starts");
    let script = format!("install -m 600 {} {}", spare.display(), site.display());
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(shell(&script).to_string().as_bytes())
        .expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    assert_eq!(sheet["action"]["revision"], 3);
    assert_eq!(sheet["action"]["state"]["state"], "held");

    let unasked = home.run(&["approve", "edit", "0"]);
    unasked.ended_with(&[64]);
    assert!(unasked.stderr().contains("--file"), "{}", unasked.stderr());
    let seen = home.on_a_terminal(
        &[("EDITOR", "sed -i s/600/640/")],
        &["approve", "edit", "0"],
    );
    assert!(seen.contains("install -m 640"), "{seen}");
    assert!(seen.contains("revision 4"), "{seen}");
    home.run(&["approve", "0"]).ended_with(&[0]);
    assert!(site.exists());
}

#[test]
fn an_edit_that_cannot_be_read_changes_nothing() {
    let home = missing::certificate_found();
    for (wrong, status) in [
        (json!("not an edit"), 64),
        (json!({ "reason": "r" }), 64),
        (
            json!({ "reason": "r", "steps": [{ "kind": "format_disk" }] }),
            64,
        ),
        (
            json!({ "reason": "r", "steps": [], "host": "elsewhere" }),
            64,
        ),
        (json!({ "reason": "r", "steps": [] }), 1),
        (shell(&"x".repeat(17 * 1024)), 1),
    ] {
        edit(&home, &wrong).ended_with(&[status]);
    }
    home.run(&["approve", "edit", "0", "--file", "/no/such/file"])
        .ended_with(&[1]);
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    assert_eq!(sheet["action"]["revision"], 1);
}

#[test]
fn what_healed_by_itself_is_stale_and_nothing_runs() {
    let home = missing::certificate_found();
    let ran = home.path().join("ran");
    edit(&home, &shell(&format!("touch {}", ran.display()))).ended_with(&[0]);
    std::fs::copy(home.path().join("spare.pem"), missing::site(&home)).expect("a copy");
    let approved = home.run(&["approve", "0"]);
    approved.ended_with(&[1]);
    assert!(approved.stdout().contains("stale"), "{}", approved.stdout());
    assert_eq!(state(&home, "0"), "stale");
    assert!(!ran.exists());
}

#[test]
fn a_step_that_fails_is_told_with_its_status_and_its_output_is_harmless() {
    let home = missing::certificate_found();
    let script = "echo so far so good; printf 'bad\\033[2Jend\\n' >&2; exit 7";
    edit(&home, &shell(script)).ended_with(&[0]);
    let approved = home.run(&["approve", "0"]);
    approved.ended_with(&[1]);
    let said = approved.stdout();
    for word in ["so far so good", "bad\\u{1b}[2Jend", "7", "failed"] {
        assert!(said.contains(word), "{word:?} is not in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "an escape came through");
    assert_eq!(state(&home, "0"), "failed");
    let shown = home.run(&["approve", "show", "0"]).stdout();
    assert!(shown.contains("so far so good"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "an escape came through");
}

#[test]
fn for_a_program_the_outcome_is_one_document() {
    let home = missing::certificate_found();
    let sheet = home.json(&["approve", "0"], &[0]);
    assert_eq!(sheet["action"]["state"]["state"], "fixed");
    assert_eq!(sheet["run"]["steps"][0]["outcome"]["kind"], "exited");
}

#[test]
fn without_waiting_and_without_a_daemon_the_command_says_that_it_stays() {
    let home = missing::certificate_found();
    let approved = home.run(&["approve", "0", "--no-wait"]);
    approved.ended_with(&[0]);
    assert!(
        approved.stderr().contains("no daemon runs"),
        "{}",
        approved.stderr()
    );
    assert!(missing::site(&home).exists(), "it was brought to its end");
    assert_eq!(state(&home, "0"), "fixed");
}
