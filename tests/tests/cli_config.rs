//! Configuration and what surrounds it, over the built binary: `config`, `doctor`, `links`, `worker`, and what is said
//! of what cannot be meant.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use watchkeeper_tests::binary::{Home, until};
use watchkeeper_tests::repair::started;

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn errors(home: &Home, words: &[&str]) -> Vec<String> {
    let checked = home.json(&[&["config", "check"], words].concat(), &[64]);
    assert_eq!(checked["ok"], false);
    list(&checked["errors"])
        .iter()
        .filter_map(|wrong| wrong["error"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn a_configuration_that_can_be_used_says_so() {
    let home = Home::new().config("name = \"hal\"\n[hosts.web1]\n[hosts.web2]\n");
    let checked = home.json(&["config", "check"], &[0]);
    assert_eq!(
        (&checked["ok"], &checked["hosts"]),
        (&Value::Bool(true), &Value::from(2))
    );
    let said = home.run(&["config", "check"]).stdout();
    assert!(said.contains("2 hosts and 0 lanes"), "{said}");
    assert!(said.contains(".config/watchkeeper/config.toml"), "{said}");
    assert!(
        Home::new()
            .run(&["config", "check"])
            .stdout()
            .contains("all defaults")
    );
}

#[test]
fn a_mistake_is_told_with_file_line_and_the_likely_key() {
    for (text, line, said) in [
        (
            "[watch]\nintervall = \"5m\"\n",
            2,
            "did you mean `interval`?",
        ),
        (
            "[hosts.web1]\nadress = \"10.0.0.1\"\n",
            2,
            "did you mean `address`?",
        ),
        ("\n\n[wach]\n", 3, "did you mean `watch`?"),
        (
            "name = \"x\"\n[policy]\nautonomy = \"auto\"\n",
            3,
            "auto-safe",
        ),
        ("[watch]\nparallel = \"many\"\n", 2, "invalid type"),
        (
            "[watch]\ninterval = \"1s\"\n",
            2,
            "must lie between 5s and 7d",
        ),
        ("[watch]\ninterval = \"soon\"\n", 2, "soon"),
        ("[hosts.web1]\nport = 70000\n", 2, "70000"),
        ("[hosts.\"-o\"]\n", 1, "-o"),
        ("[watch]\ncron = \"never\"\n", 2, "never"),
        ("name = \n", 1, ""),
    ] {
        let home = Home::new().config(text);
        let told = errors(&home, &[]);
        let place = format!("config.toml:{line}:");
        assert!(
            told.iter()
                .any(|error| error.contains(&place) && error.contains(said)),
            "{text:?}: {told:?}"
        );
        // No command works with half of what was meant.
        let refused = home.run(&["status"]);
        refused.ended_with(&[64]);
        assert!(refused.stderr().contains(&place), "{}", refused.stderr());
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let home =
        Home::new().config("[watch]\nintervall = \"5m\"\nparallel = 0\n[run]\nleese = \"1m\"\n");
    let told = errors(&home, &[]);
    assert_eq!(told.len(), 3, "{told:?}");
    let said = home.run(&["config", "check"]).stdout();
    assert!(said.contains("3 errors to mend"), "{said}");
}

#[test]
fn another_file_is_checked_without_being_in_force_and_read_with_the_flag() {
    let home = Home::new().config("name = \"hal\"\n");
    let file = home.path().join("other.toml");
    std::fs::write(&file, "name = \"eve\"\nnonsense = 1\n").expect("a file can be written");
    let file = file.to_string_lossy().into_owned();
    let told = errors(&home, &[&file]);
    assert!(told[0].contains("other.toml:2:"), "{told:?}");
    home.run(&["config", "check"]).ended_with(&[0]);
    home.run(&["status", "--config", &file]).ended_with(&[64]);
    std::fs::write(&file, "name = \"eve\"\n").expect("a file can be written");
    assert_eq!(
        home.json(&["status", "--config", &file], &[0])["name"],
        "eve"
    );
    let absent = home.run(&["status", "--config", "/no/such/file.toml"]);
    absent.ended_with(&[64]);
    assert!(
        absent.stderr().contains("/no/such/file.toml"),
        "{}",
        absent.stderr()
    );
}

/// Value and origin of one key.
fn shown(home: &Home, words: &[&str], key: &str) -> (String, String) {
    let settings = home.json(&[&["config", "show"], words].concat(), &[0]);
    let setting = list(&settings)
        .iter()
        .find(|setting| setting["key"] == key)
        .expect("it is shown");
    let text = |name: &str| setting[name].as_str().unwrap_or_default().to_owned();
    (text("value"), text("origin"))
}

#[test]
fn every_value_is_shown_with_where_it_comes_from_and_later_layers_win() {
    let home = Home::new().config("name = \"hal\"\n[watch]\ninterval = \"7m\"\n");
    let (value, origin) = shown(&home, &[], "watch.interval");
    assert_eq!(value, "\"7m\"");
    assert!(origin.ends_with("config.toml:3"), "{origin}");
    assert_eq!(
        shown(&home, &[], "watch.parallel"),
        ("20".to_owned(), "default".to_owned())
    );
    let (value, origin) = shown(&home, &["--set", "watch.interval=9m"], "watch.interval");
    assert_eq!((value.as_str(), origin.as_str()), ("\"9m\"", "--set"));

    let mut command = home.command(&["config", "show", "--output", "json"]);
    command.env("WATCHKEEPER_WATCH__INTERVAL", "8m");
    let output = command.output().expect("the program starts");
    let settings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let setting = list(&settings)
        .iter()
        .find(|setting| setting["key"] == "watch.interval")
        .expect("it is shown");
    assert_eq!(
        (&setting["value"], &setting["origin"]),
        (
            &Value::from("\"8m\""),
            &Value::from("$WATCHKEEPER_WATCH__INTERVAL")
        )
    );
    assert_eq!(home.json(&["status"], &[0])["name"], "hal");
    assert_eq!(
        home.json(&["status", "--set", "name=eve"], &[0])["name"],
        "eve"
    );
}

#[test]
fn what_a_flag_sets_must_be_a_key_and_a_value_of_its_kind() {
    let home = Home::new();
    for (set, said) in [
        ("watch.intervall=5m", "did you mean"),
        ("watch.parallel=many", "watch.parallel"),
        ("watch.interval=1s", "must lie between"),
        ("nonsense", ""),
        ("=1", ""),
    ] {
        let refused = home.run(&["status", "--set", set]);
        refused.ended_with(&[64]);
        assert!(
            refused.stderr().contains(said),
            "{set}: {}",
            refused.stderr()
        );
    }
}

#[test]
fn a_password_is_shown_by_no_command() {
    let home = Home::new().with_store("postgres://ops:hunter2@127.0.0.1:1/watch");
    for words in [
        &["config", "show"][..],
        &["config", "show", "--output", "json"],
        &["status"],
        &["doctor"],
        &["check"],
    ] {
        let ran = home.run(words);
        let said = ran.stdout() + &ran.stderr();
        assert!(!said.contains("hunter2"), "{said}");
    }
    let refused = home.run(&["status"]);
    refused.ended_with(&[1]);
    assert!(
        refused.stderr().contains("ops:***@127.0.0.1"),
        "{}",
        refused.stderr()
    );
}

#[test]
fn a_file_that_others_can_write_is_not_believed_by_root() {
    let home = Home::new().config("name = \"hal\"\n");
    let file = home.path().join(".config/watchkeeper/config.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).expect("it is ours");
    let ran = home.run(&["status"]);
    if nix::unistd::Uid::effective().is_root() {
        ran.ended_with(&[64]);
        assert!(ran.stderr().contains("chmod go-w"), "{}", ran.stderr());
    }
}

#[test]
fn the_doctor_says_what_works_and_how_to_mend_what_does_not() {
    let home = Home::new();
    let report = home.json(&["doctor"], &[0]);
    assert_eq!(report["ok"], true);
    let names: Vec<&str> = list(&report["lines"])
        .iter()
        .filter_map(|line| line["name"].as_str())
        .collect();
    for name in ["config", "daemon", "runbooks", "store", "log", "host local"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let said = home.run(&["doctor"]).stdout();
    assert!(said.contains("watchkeeper daemon"), "{said}");

    let broken = Home::new()
        .config("[watch]\nintervall = \"5m\"\n[hosts.gone]\naddress = \"no-such-host.invalid\"\n");
    let report = broken.json(&["doctor"], &[1]);
    assert_eq!(report["ok"], false);
    let failed: Vec<&Value> = list(&report["lines"])
        .iter()
        .filter(|line| line["state"] == "failed")
        .collect();
    assert_eq!(failed.len(), 2, "{report:#}");
    assert!(
        failed.iter().all(|line| line["remedy"]
            .as_str()
            .is_some_and(|remedy| !remedy.is_empty())),
        "{report:#}"
    );

    let nowhere = Home::new().with_store("sqlite:/proc/no/such/store.db");
    let report = nowhere.json(&["doctor"], &[1]);
    let store = list(&report["lines"])
        .iter()
        .find(|line| line["name"] == "store")
        .expect("the store is tried");
    assert_eq!(store["state"], "failed", "{report:#}");
}

fn run(program: &Path, home: &Home, words: &[&str]) -> (Option<i32>, String, String) {
    let ours = home.command(words);
    #[expect(clippy::disallowed_methods, reason = "the links are what is tested")]
    let mut command = std::process::Command::new(program);
    command.args(words).env_clear();
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().expect("the link starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn links_are_the_commands_by_a_shorter_name() {
    let home = Home::new();
    let dir = home.path().join("bin");
    let at = dir.to_string_lossy().into_owned();
    let made = home.json(&["links", "--name", "hal", "--dir", &at], &[0]);
    assert_eq!(list(&made["links"]).len(), 29);
    home.run(&["links", "--name", "hal", "--dir", &at])
        .ended_with(&[0]);

    let (status, said, _) = run(&dir.join("hal-check"), &home, &[]);
    assert!(matches!(status, Some(0..=2)), "{said}");
    let (status, said, _) = run(&dir.join("hal-approve"), &home, &["list"]);
    assert_eq!(status, Some(0));
    assert!(
        said.contains("hal-approve list --all"),
        "hints are as one types: {said}"
    );
    let (status, _, said) = run(&dir.join("hal-approve"), &home, &["reject", "0"]);
    assert_eq!(status, Some(64));
    assert!(said.contains("Usage: hal-approve reject"), "{said}");
    let (status, said, _) = run(&dir.join("hal-doctor"), &home, &[]);
    assert_eq!(status, Some(0));
    assert!(said.contains("hal-daemon"), "{said}");
    let (status, _, said) = run(&dir.join("hal-approve"), &home, &["0"]);
    assert_eq!(status, Some(1));
    assert!(said.starts_with("hal-approve: "), "{said}");

    let strange = dir.join("eve-check");
    std::fs::write(&strange, "mine").expect("a file can be written");
    let refused = home.run(&["links", "--name", "eve", "--dir", &at]);
    refused.ended_with(&[1]);
    assert!(refused.stderr().contains("--force"), "{}", refused.stderr());
    assert_eq!(
        std::fs::read_to_string(&strange).expect("it is there"),
        "mine"
    );
    home.run(&["links", "--name", "eve", "--dir", &at, "--force"])
        .ended_with(&[0]);
    assert!(strange.is_symlink());
    home.run(&["links", "--name", "a/b", "--dir", &at])
        .ended_with(&[64]);
    home.run(&["links", "--dir", &at, "--set", "name=ida"])
        .ended_with(&[0]);
    assert!(dir.join("ida-status").is_symlink());
}

#[test]
fn every_command_has_help_and_an_unknown_one_is_told() {
    let home = Home::new();
    let help = home.run(&["--help"]);
    help.ended_with(&[0]);
    let commands: Vec<String> = help
        .stdout()
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        // What is indented more goes on from the line before.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert_eq!(commands.len(), 29, "{commands:?}");
    for command in &commands {
        let ran = home.run(&[command, "--help"]);
        ran.ended_with(&[0]);
        assert!(
            ran.stdout().contains("Usage: watchkeeper"),
            "{}",
            ran.stdout()
        );
    }
    home.run(&["--version"]).ended_with(&[0]);
    home.run(&[]).ended_with(&[64]);
    let unknown = home.run(&["chekc"]);
    unknown.ended_with(&[64]);
    assert!(unknown.stderr().contains("check"), "{}", unknown.stderr());
    home.run(&["check", "--nonsense"]).ended_with(&[64]);
    home.run(&["status", "--output", "xml"]).ended_with(&[64]);
}

#[test]
fn a_worker_needs_a_lane_and_stops_when_told() {
    let home = Home::new();
    let refused = home.run(&["worker"]);
    refused.ended_with(&[64]);
    assert!(
        refused.stderr().contains("[[lanes]]"),
        "{}",
        refused.stderr()
    );

    let home = Home::new().config("[[lanes]]\nmodel = \"none\"\nurl = \"http://127.0.0.1:1\"\n");
    let mut worker = started(&home, &["worker"]);
    let refused = || {
        let ran = home.run(&["daemon"]);
        ran.ended_with(&[77]);
        ran.stderr()
    };
    // Asked by a command that ends in any case: a daemon that were quicker than the worker would stay.
    let has_it = format!("process {}", worker.id());
    until("the worker has the store", || {
        let ran = home.run(&["status", "--no-daemon"]);
        ran.stderr().contains(&has_it)
    });
    assert!(refused().contains(&format!("process {}", worker.id())));
    let pid = Pid::from_raw(i32::try_from(worker.id()).expect("a number"));
    kill(pid, Signal::SIGTERM).expect("it is there");
    let mut status = None;
    until("the worker ends", || {
        status = worker.try_wait().expect("it can be asked");
        status.is_some()
    });
    assert!(status.expect("it has ended").success());
}
