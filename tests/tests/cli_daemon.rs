//! The daemon and those who ask it, with no lab: who may do what, who has the store, what a signal does.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Output;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use watchkeeper_tests::binary::{Daemon, Home, until, until_within};
use watchkeeper_tests::missing;
use watchkeeper_tests::repair::started;

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).expect("a number")), signal).expect("it is there");
}

fn config_issues(home: &Home, more: &[&str]) -> Vec<Value> {
    let issues = home.json(&[&["issues", "list"], more].concat(), &[0]);
    let list = issues.as_array().expect("a list");
    list.iter()
        .filter(|issue| {
            issue["title"]
                .as_str()
                .is_some_and(|title| title.contains("the configuration cannot be used"))
        })
        .cloned()
        .collect()
}

#[test]
fn commands_ask_the_daemon_that_answers() {
    let home = missing::certificate();
    assert_eq!(home.json(&["status"], &[0])["daemon"], false);
    let _daemon = home.daemon();
    assert_eq!(home.json(&["status"], &[0])["daemon"], true);
    missing::find(&home);
    let approved = home.run(&["approve", "0"]);
    approved.ended_with(&[0]);
    assert!(approved.stdout().contains("fixed"), "{}", approved.stdout());
    assert!(missing::site(&home).exists());
    let show = home.json(&["approve", "show", "0"], &[0]);
    assert_eq!(show["action"]["state"]["state"], "fixed");
    home.run(&["doctor"]).ended_with(&[0]);
    home.run(&["log", "verify"]).ended_with(&[0]);
}

#[test]
fn a_flag_that_the_daemon_does_not_hear_is_told() {
    let home = Home::new();
    let socket = home.path().join("socket");
    let named = Home::new().config(&format!("[server]\nsocket = \"{}\"\n", socket.display()));
    let _daemon = home.daemon();
    let mut command = named.command(&["status", "--set", "policy.autonomy=observe"]);
    command.env_remove("WATCHKEEPER_SERVER__SOCKET");
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--set changes nothing there"), "{said}");
}

#[test]
fn the_store_has_one_master_and_who_it_is_is_told() {
    let home = Home::new();
    let daemon = home.daemon();
    let refused = home.run(&["status", "--no-daemon"]);
    refused.ended_with(&[77]);
    assert!(
        refused
            .stderr()
            .contains(&format!("process {}", daemon.pid())),
        "{}",
        refused.stderr()
    );
    let second = home.run(&["daemon"]);
    second.ended_with(&[77]);
    assert!(second.stderr().contains("socket"), "{}", second.stderr());
    drop(daemon);

    // A command that stays keeps it, too.
    let mut following = started(&home, &["logs", "--follow"]);
    until("the command has the store", || {
        let ran = home.run(&["status"]);
        ran.output.status.code() == Some(77)
            && ran
                .stderr()
                .contains(&format!("process {}", following.id()))
    });
    following.kill().expect("it runs");
    following.wait().expect("it ends");
    home.run(&["status"]).ended_with(&[0]);
}

#[test]
fn two_commands_at_once_wait_for_each_other() {
    let home = missing::certificate();
    let children = [(); 5].map(|()| started(&home, &["check", "--output", "json"]));
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    }
    assert_eq!(
        home.json(&["approve", "list"], &[0])
            .as_array()
            .expect("a list")
            .len(),
        1
    );
}

#[test]
fn a_bad_file_at_sighup_keeps_the_old_one_and_a_good_one_is_taken() {
    let home = Home::new().config("[hosts.one]\nengine = \"local\"\n");
    let daemon = home.daemon();
    let file = home.path().join(".config/watchkeeper/config.toml");
    std::fs::write(&file, "[hosts.one]\nengine = \"local\"\n[wach]\n")
        .expect("a file can be written");
    let changed = home.json(&["status"], &[0])["changed_files"].clone();
    assert_eq!(changed, serde_json::json!([file.display().to_string()]));
    send(daemon.pid(), Signal::SIGHUP);
    until("an issue tells of it", || {
        config_issues(&home, &[]).len() == 1
    });
    assert!(daemon.log().contains("config.toml:3"), "{}", daemon.log());
    let number = config_issues(&home, &[])[0]["number"].to_string();
    let shown = home.run(&["issues", "show", &number]).stdout();
    let shown = shown.split_whitespace().collect::<String>();
    assert!(
        shown.contains("config.toml:3"),
        "the issue says where: {shown}"
    );
    let systems = home.run(&["systems", "--output", "json"]);
    systems.ended_with(&[0]);
    let hosts: Value = serde_json::from_slice(&systems.output.stdout).expect("JSON");
    assert_eq!(
        hosts.as_array().map(Vec::len),
        Some(1),
        "the old one is in force"
    );
    assert!(
        systems.stderr().contains("config.toml:3"),
        "{}",
        systems.stderr()
    );
    home.run(&["systems", "--set", "name=x"]).ended_with(&[64]);
    send(daemon.pid(), Signal::SIGHUP);

    std::fs::write(&file, "[hosts.one]\nengine = \"local\"\n[hosts.two]\nengine = \"local\"\n[policy]\nautonomy = \"observe\"\n").expect("a file can be written");
    send(daemon.pid(), Signal::SIGHUP);
    until("the new host is there", || {
        home.json(&["systems"], &[0]).as_array().map(Vec::len) == Some(2)
    });
    until_within(Duration::from_secs(30), "it is looked at", &mut || {
        home.json(&["systems"], &[0])
            .as_array()
            .is_some_and(|hosts| hosts.iter().all(|host| host["last_look"].is_string()))
    });
    until("the issue is over", || config_issues(&home, &[]).is_empty());
    assert_eq!(
        config_issues(&home, &["--all"]).len(),
        1,
        "the same mistake twice is one issue"
    );
    let status = home.json(&["status"], &[0]);
    assert_eq!(status["autonomy"], "observe");
    assert_eq!(status["changed_files"], serde_json::json!([]));
    let read = || home.json(&["logs", "--event", "config.read"], &[0])["entries"].clone();
    until("the log tells of both that were in force", || {
        read().as_array().map(Vec::len) == Some(2)
    });
    let digest = |place: usize| read()[place]["body"]["files"][file.display().to_string()].clone();
    assert!(digest(0).is_string() && digest(0) != digest(1));
}

#[test]
fn sigterm_ends_it_and_leaves_nothing_and_kill_leaves_nothing_in_the_way() {
    let home = Home::new();
    let mut daemon = home.daemon();
    send(daemon.pid(), Signal::SIGTERM);
    assert!(daemon.ends().success());
    assert!(!home.path().join("socket").exists());

    let mut daemon = home.daemon();
    daemon.kill();
    assert!(home.path().join("socket").exists(), "nobody took it away");
    assert_eq!(home.json(&["status"], &[0])["daemon"], false);
    let mut daemon = home.daemon();
    send(daemon.pid(), Signal::SIGINT);
    assert!(daemon.ends().success());
}

#[test]
fn hosts_are_looked_at_by_themselves_at_the_interval() {
    let home = Home::new().config("[watch]\ninterval = \"5s\"\njitter = \"0s\"\n");
    let _daemon = home.daemon();
    let last = || {
        home.json(&["systems"], &[0])[0]["last_look"]
            .as_str()
            .map(str::to_owned)
    };
    let mut seen = std::collections::BTreeSet::new();
    let begun = Instant::now();
    until_within(
        Duration::from_secs(40),
        "three looks were made",
        &mut || {
            seen.extend(last());
            seen.len() == 3
        },
    );
    assert!(
        begun.elapsed() > Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_script_waits_for_a_person_at_every_level() {
    let quick = "[policy]\nautonomy = \"auto-full\"\n";
    let home = missing::certificate_with(quick);
    let file = home.path().join(".config/watchkeeper/config.toml");
    let text = std::fs::read_to_string(&file)
        .expect("it is there")
        .replace("interval = \"1h\"", "interval = \"5s\"\njitter = \"0s\"");
    std::fs::write(&file, text).expect("a file can be written");
    let _daemon = home.daemon();
    // A script is high risk, and that waits for a person at every level.
    until_within(Duration::from_secs(30), "it is proposed", &mut || {
        home.json(&["approve", "list"], &[0])[0]["state"] == "held"
    });
    assert!(!missing::site(&home).exists());
}

#[test]
fn the_service_manager_is_told() {
    let home = Home::new();
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("it takes a limit");
    let mut command = home.command(&["daemon"]);
    let mut child = command
        .env("NOTIFY_SOCKET", &path)
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let heard = |word: &str| {
        let mut buffer = [0; 512];
        loop {
            let length = socket.recv(&mut buffer).expect("it tells in time");
            if String::from_utf8_lossy(&buffer[..length])
                .lines()
                .any(|line| line == word)
            {
                return;
            }
        }
    };
    heard("READY=1");
    home.run(&["status"]).ended_with(&[0]);
    send(child.id(), Signal::SIGHUP);
    heard("RELOADING=1");
    heard("READY=1");
    send(child.id(), Signal::SIGTERM);
    heard("STOPPING=1");
    assert!(child.wait().expect("it ends").success());
}

/// Runs the program as an account that is nobody in particular.
fn as_nobody(home: &Home, words: &[&str]) -> Output {
    let ours = home.command(words);
    let program = home.path().join("watchkeeper");
    if !program.exists() {
        std::fs::copy(ours.get_program(), &program).expect("a copy");
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "another account is what is tested"
    )]
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    command.arg(&program).args(words).env_clear();
    for (name, value) in ours.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.output().expect("setpriv: run tests/install")
}

/// Opens a home for other accounts to pass through, and gives it a daemon.
fn shared(home: &Home) -> Daemon {
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755))
        .expect("it is ours");
    home.daemon()
}

#[test]
fn another_account_may_look_and_decide_nothing() {
    if !nix::unistd::Uid::effective().is_root() {
        return; // Only root can become another account.
    }
    let home = missing::certificate();
    let _daemon = shared(&home);
    missing::find(&home);
    for words in [
        &["approve", "list"][..],
        &["approve", "show", "0"],
        &["issues"],
        &["systems"],
        &["status"],
        &["logs"],
    ] {
        let output = as_nobody(&home, words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "{words:?}");
    }
    for words in [
        &["approve", "0"][..],
        &["approve", "reject", "0", "--reason", "no"],
        &[
            "enrol",
            "local",
            "--fingerprint",
            "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ],
    ] {
        let output = as_nobody(&home, words);
        assert_eq!(output.status.code(), Some(77), "{words:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Try: "), "what to do is said: {said}");
    }
    let sheet = home.json(&["approve", "show", "0"], &[0]);
    assert_eq!(sheet["action"]["state"]["state"], "held");
    assert!(!missing::site(&home).exists());
    // Who decided is the account that the kernel names.
    let mut claims = home.command(&["approve", "0"]);
    claims
        .env("USER", "mallory")
        .env("SUDO_USER", "mallory")
        .env("LOGNAME", "mallory");
    assert!(
        claims
            .output()
            .expect("the program starts")
            .status
            .success()
    );
    let log = home.run(&["logs", "--event", "action.approved"]).stdout();
    assert!(log.contains("by root") && !log.contains("mallory"), "{log}");
}

#[test]
fn a_socket_that_may_not_be_reached_is_told_and_no_store_is_opened_instead() {
    if !nix::unistd::Uid::effective().is_root() {
        return; // Only root can become another account.
    }
    let home = Home::new();
    let _daemon = shared(&home);
    std::fs::set_permissions(
        home.path().join("socket"),
        std::fs::Permissions::from_mode(0o600),
    )
    .expect("it is ours");
    let output = as_nobody(&home, &["status"]);
    assert_eq!(output.status.code(), Some(77), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("socket"), "{said}");
}
