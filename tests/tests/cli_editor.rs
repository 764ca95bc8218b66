//! What is edited in a person's own editor: `knowledge edit` and `approve edit` on a terminal, with editors that are
//! scripts. The file is its owner's only, and what was typed is kept where it cannot be used.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use watchkeeper_tests::binary::Home;
use watchkeeper_tests::tmux::Terminal;

/// A home with one entry of what is known.
fn with_an_entry() -> Home {
    let home = Home::new();
    let words = [
        "knowledge",
        "add",
        "the gateway",
        "it",
        "is",
        "slow",
        "at",
        "night",
    ];
    home.run(&words).ended_with(&[0]);
    home
}

/// An editor that is this script; `$1` is the file. What the file was and who might read it is noted first.
fn editor(home: &Home, script: &str) -> String {
    let path = home.path().join("editor");
    let noted = home.path().display();
    let text = format!(
        "#!/bin/sh\nstat -c %a \"$1\" > {noted}/mode\nstat -c %a \"${{1%/*}}\" > {noted}/mode-of-dir\ncp \"$1\" {noted}/given\n{script}\n"
    );
    std::fs::write(&path, text).expect("a file can be written");
    let runs = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, runs).expect("it may be run");
    path.display().to_string()
}

fn noted(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path().join(name)).expect("the editor ran")
}

/// The file that was kept, as the screen names it.
fn kept(screen: &str) -> PathBuf {
    let (_, path) = screen
        .split_once("what you typed is kept in ")
        .unwrap_or_else(|| panic!("no file is named:\n{screen}"));
    PathBuf::from(path.lines().next().unwrap_or_default().trim())
}

fn edits(home: &Home, words: &[&str], script: &str, variable: &str) -> Terminal {
    let editor = editor(home, script);
    Terminal::open(home, words, &[(variable, &editor)])
}

const EDIT: [&str; 3] = ["knowledge", "edit", "1"];

#[test]
fn an_entry_is_edited_in_a_file_of_its_own() {
    let home = with_an_entry();
    let talk = edits(&home, &EDIT, "sed -i s/slow/fast/ \"$1\"", "EDITOR");
    talk.until("ended with 0");
    assert_eq!(
        noted(&home, "given"),
        "the gateway\n\nit is slow at night\n"
    );
    assert_eq!(
        (
            noted(&home, "mode").trim(),
            noted(&home, "mode-of-dir").trim()
        ),
        ("600", "700")
    );
    let entry = home.json(&["knowledge", "show", "1"], &[0]);
    assert_eq!(
        (&entry["title"], &entry["text"]),
        (&"the gateway".into(), &"it is fast at night".into())
    );
    let screen = talk.shows();
    assert!(screen.contains("the first line is the topic"), "{screen}");
    assert!(screen.contains("entry 1: the gateway"), "{screen}");
}

#[test]
fn an_editor_that_changes_nothing_or_fails_changes_nothing() {
    let home = with_an_entry();
    let talk = edits(&home, &EDIT, "true", "VISUAL");
    talk.until("ended with 0");
    assert!(
        talk.shows().contains("nothing was changed"),
        "{}",
        talk.shows()
    );
    let home = with_an_entry();
    let talk = edits(&home, &EDIT, "exit 3", "EDITOR");
    talk.until("ended with 1");
    let screen = talk.shows();
    assert!(screen.contains("nothing was changed"), "{screen}");
    assert!(
        !screen.contains("is kept in"),
        "nobody typed anything:\n{screen}"
    );
}

#[test]
fn what_cannot_be_used_is_kept_and_its_place_told() {
    let long = "head -c 70000 /dev/zero | tr '\\\\0' x > \"$1\"";
    let tries = [
        (
            "printf 'only a topic\\\\n' > \"$1\"",
            "ended with 64",
            "nothing is said",
        ),
        (
            "printf '\\\\n\\\\nno topic\\\\n' > \"$1\"",
            "ended with 64",
            "the topic, is empty",
        ),
        (long, "ended with 64", "longer than"),
        (
            "echo more >> \"$1\"; exit 1",
            "ended with 1",
            "nothing was changed",
        ),
    ];
    for (script, status, why) in tries {
        let home = with_an_entry();
        let talk = edits(&home, &EDIT, &script.replace("\\\\", "\\"), "EDITOR");
        talk.until(status);
        let screen = talk.shows();
        assert!(screen.contains(why), "{why:?} is not in\n{screen}");
        let file = kept(&screen);
        let mode = std::fs::metadata(&file).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{}", file.display());
        assert!(std::fs::metadata(&file).is_ok_and(|file| file.len() > 0));
        let dir = file.parent().expect("a directory");
        std::fs::remove_dir_all(dir).expect("it is ours");
        let entry = home.json(&["knowledge", "show", "1"], &[0]);
        assert_eq!(entry["text"], "it is slow at night");
    }
}

#[test]
fn an_entry_that_somebody_else_changed_meanwhile_is_not_overwritten() {
    let home = with_an_entry();
    // With a daemon the other is not kept waiting for the store.
    let _daemon = home.daemon();
    let other = home.command(&["knowledge", "edit", "1", "--text", "it is off at night"]);
    let mut line = String::new();
    for (name, value) in other.get_envs() {
        let value = value.unwrap_or_default().to_string_lossy();
        line.push_str(&format!("{}='{value}' ", name.to_string_lossy()));
    }
    let program = other.get_program().to_string_lossy();
    let script = format!(
        "env {line} {program} knowledge edit 1 --text 'it is off at night'\nsed -i s/slow/fast/ \"$1\""
    );
    let talk = edits(&home, &EDIT, &script, "EDITOR");
    talk.until("ended with 77");
    let screen = talk.shows();
    assert!(
        screen.contains("was changed while you edited it"),
        "{screen}"
    );
    let file = kept(&screen);
    let typed = std::fs::read_to_string(&file).expect("it is kept");
    assert!(typed.contains("it is fast at night"), "{typed}");
    std::fs::remove_dir_all(file.parent().expect("a directory")).expect("it is ours");
    let entry = home.json(&["knowledge", "show", "1"], &[0]);
    assert_eq!(entry["text"], "it is off at night");
}

#[test]
fn without_a_terminal_it_is_asked_what_is_to_change() {
    let home = with_an_entry();
    let ran = home.run(&EDIT);
    ran.ended_with(&[64]);
    assert!(
        ran.stderr().contains("say what is to change"),
        "{}",
        ran.stderr()
    );
}
