//! `init`, `completions` and `man` over the built binary.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchkeeper_testkit::model_server::{MODEL, ModelServer};
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::tmux::Terminal;

/// Nothing listens here.
const NO_OLLAMA: &str = "http://127.0.0.1:9";

fn file(home: &Home) -> PathBuf {
    home.path().join(".config/watchkeeper/config.toml")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The words of an `init` that writes the home's own configuration, and no other file of this machine.
fn init<'w>(file: &'w Path, more: &[&'w str]) -> Vec<&'w str> {
    [&["init", "--file", text(file)], more].concat()
}

fn written(home: &Home) -> String {
    std::fs::read_to_string(file(home)).expect("it was written")
}

/// A home whose SSH configuration names hosts that nobody listens at.
fn with_hosts() -> Home {
    let home = Home::new();
    let ssh = home.path().join(".ssh");
    std::fs::create_dir_all(&ssh).expect("made");
    let config = "Host web1 web2\n  User ops\n  Port 9\n  HostName 127.0.0.1\nHost db1\n  HostName 127.0.0.1\n  Port 9\nHost *.example.org\n  User root\nHost *\n  ConnectTimeout 1\n";
    std::fs::write(ssh.join("config"), config).expect("written");
    home
}

#[test]
fn without_a_terminal_it_asks_nothing_and_what_it_writes_can_be_used() {
    let home = Home::new();
    let target = file(&home);
    let words = init(&target, &["--name", "hal", "--ollama", NO_OLLAMA]);
    let report = home.json(&words, &[0]);
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["name"], "hal");
    assert!(report["kept"].is_null());
    let tests = report["tests"].as_array().expect("it was tested");
    assert!(
        tests.iter().any(|line| line["name"] == "host local"),
        "{report}"
    );
    assert!(
        report["next"]
            .as_array()
            .is_some_and(|next| next.len() >= 3)
    );
    let mode = std::fs::metadata(&target).expect("there").permissions();
    assert_eq!(mode.mode() & 0o007, 0, "others do not read it");
    home.run(&["config", "check"]).ended_with(&[0]);

    let before = written(&home);
    let again = home.run(&init(&target, &["--name", "other", "--no-test"]));
    again.ended_with(&[77]);
    assert!(again.stderr().contains("--force"), "{again:?}");
    assert_eq!(written(&home), before);

    let words = init(
        &target,
        &[
            "--name",
            "other",
            "--no-test",
            "--force",
            "--ollama",
            NO_OLLAMA,
        ],
    );
    let report = home.json(&words, &[0]);
    let kept = report["kept"].as_str().expect("a copy is kept");
    assert_eq!(std::fs::read_to_string(kept).expect("it is there"), before);
    assert!(written(&home).contains("name = \"other\""));
    assert!(report["tests"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn a_file_of_comments_is_no_configuration() {
    let home = Home::new();
    let target = file(&home);
    std::fs::create_dir_all(target.parent().expect("a parent")).expect("made");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/etc/config.toml");
    std::fs::copy(shipped, &target).expect("copied");
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&target, mode).expect("ours");
    home.run(&["config", "check"]).ended_with(&[0]);
    home.run(&init(&target, &["--no-test", "--ollama", NO_OLLAMA]))
        .ended_with(&[0]);
    assert!(written(&home).contains("[policy]"));
}

#[test]
fn hosts_come_from_the_ssh_configuration() {
    let home = with_hosts();
    let target = file(&home);
    let more = [
        "--all-hosts",
        "--host",
        "mail=root@192.0.2.9:2222",
        "--autonomy",
        "auto-safe",
        "--become-root",
        "--no-test",
        "--ollama",
        NO_OLLAMA,
    ];
    let report = home.json(&init(&target, &more), &[0]);
    let hosts: Vec<_> = report["hosts"]
        .as_array()
        .expect("hosts")
        .iter()
        .filter_map(|host| host.as_str())
        .collect();
    assert_eq!(hosts, ["mail", "web1", "web2", "db1"]);
    let systems = home.run(&["config", "show"]).stdout();
    for said in [
        "hosts.web1.login",
        "hosts.mail.port",
        "hosts.db1.become_root",
        "auto-safe",
    ] {
        assert!(systems.contains(said), "{said}: {systems}");
    }
    let next = report["next"].to_string();
    assert!(
        next.contains("watchkeeper enrol mail") && next.contains("one more in the same way"),
        "{next}"
    );

    for wrong in ["nobody", "a b=1.2.3.4", "x="] {
        let other = with_hosts();
        let target = file(&other);
        other
            .run(&init(
                &target,
                &["--host", wrong, "--no-test", "--ollama", NO_OLLAMA],
            ))
            .ended_with(&[64]);
        assert!(!target.exists(), "{wrong}");
    }
}

#[test]
fn messages_go_where_the_flags_say() {
    let home = Home::new();
    let target = file(&home);
    let token = home.path().join("gotify.token");
    std::fs::write(&token, "AbCdEf\n").expect("written");
    let url = "https://push.example.org";
    let words = [
        "--gotify",
        url,
        "--gotify-token-file",
        text(&token),
        "--no-test",
    ];
    home.run(&init(&target, &words)).ended_with(&[0]);
    home.run(&["config", "check"]).ended_with(&[0]);
    let shown = home.run(&["config", "show"]).stdout();
    assert!(shown.contains(url), "{shown}");
    assert!(
        !written(&home).contains("AbCdEf"),
        "the token stays in its file"
    );
    // A server without a token is half a wish.
    home.run(&init(&home.path().join("other.toml"), &["--gotify", url]))
        .ended_with(&[64]);
}

#[test]
fn what_is_not_reached_yet_is_told_and_is_no_failure() {
    let home = with_hosts();
    let target = file(&home);
    let report = home.json(
        &init(&target, &["--host", "web1", "--ollama", NO_OLLAMA]),
        &[0],
    );
    let tests = report["tests"].as_array().expect("it was tested");
    let web1 = tests.iter().find(|line| line["name"] == "host web1");
    assert_eq!(
        web1.map(|line| &line["state"]),
        Some(&"failed".into()),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_asks_what_was_not_said() {
    let ollama = ModelServer::start().await;
    let home = with_hosts();
    let target = file(&home);
    let url = ollama.url().to_string();
    let words = init(&target, &["--ollama", &url, "--no-test"]);
    // Name, which hosts (first a slip), as root, level, model, Gotify.
    let shown = home.typed_on_a_terminal(&[], &words, "hal\n9\n1,db1\nno\nsuggest\n1\n\n");
    assert!(shown.contains("is neither a number nor a name"), "{shown}");
    let text = written(&home);
    for said in [
        "name = \"hal\"",
        "[hosts.web1]",
        "[hosts.db1]",
        "autonomy = \"suggest\"",
        &format!("model = \"{MODEL}\""),
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(
        !text.contains("web2") && !text.contains("become_root = true"),
        "{text}"
    );
    home.run(&["config", "check"]).ended_with(&[0]);

    // Who goes away in the middle has written nothing.
    let other = with_hosts();
    let target = file(&other);
    let words = init(&target, &["--ollama", NO_OLLAMA, "--no-test"]);
    let _ = other.typed_on_a_terminal(&[], &words, "hal\n\u{4}");
    assert!(!target.exists());
}

/// What is written for a shell: of the commands, and of the short ones.
fn completions(home: &Home, shell: &str) -> [PathBuf; 2] {
    [&[][..], &["--name", "hal"]].map(|name| {
        let ran = home.run(&[&["completions", shell], name].concat());
        ran.ended_with(&[0]);
        let file = home.path().join(format!("{shell}{}", name.len()));
        std::fs::write(&file, ran.stdout()).expect("written");
        file
    })
}

/// In the shells themselves: what is begun, and Tab.
#[test]
fn the_shells_complete_our_commands_and_the_short_ones() {
    for (shell, starts, begins) in [
        ("bash", "exec bash --norc", "bind 'set bell-style none'"),
        (
            "zsh",
            "exec zsh -f",
            "autoload -Uz compinit && compinit -D -u",
        ),
        ("fish", "exec fish --no-config", "true"),
    ] {
        let home = Home::new();
        let files = completions(&home, shell);
        let terminal = Terminal::running(&home, &home.shell(starts), &[]);
        terminal.enters(begins);
        for file in &files {
            terminal.enters(&format!("source {}", text(file)));
        }
        terminal.enters("echo rea''dy");
        terminal.until("\nready");
        for (begun, whole) in [
            ("watchkeeper appr", "watchkeeper approve"),
            ("watchkeeper approve disc", "watchkeeper approve discuss"),
            ("hal-approve rej", "hal-approve reject"),
            ("hal-check --no-d", "hal-check --no-daemon"),
        ] {
            terminal.types(begun);
            terminal.presses(&["Tab"]);
            terminal.until_it_holds(&format!("{shell}: {whole}"), |screen| {
                screen.contains(whole)
            });
            terminal.presses(&["C-u"]);
        }
    }
    Home::new().run(&["completions", "tcsh"]).ended_with(&[64]);
}

/// What groff has to say about a page, which is nothing.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "another program reads what ours says"
)]
fn the_manual_is_set_without_a_complaint() {
    let home = Home::new();
    let dir = home.path().join("man1");
    home.run(&["man", text(&dir)]).ended_with(&[0]);
    let pages: Vec<PathBuf> = std::fs::read_dir(&dir)
        .expect("they were written")
        .map(|entry| entry.expect("a page").path())
        .collect();
    let output = Command::new("groff")
        .args(["-Kutf8", "-man", "-Tutf8", "-ww", "-rCHECKSTYLE=2", "-z"])
        .args(&pages)
        .output()
        .expect("groff: run tests/install");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let home = Home::new();
    let dir = home.path().join("man1");
    let told = home.json(&["man", text(&dir), "--name", "hal"], &[0]);
    let pages = told["pages"].as_array().expect("pages").len();
    assert!(pages > 60, "{pages}");
    let page = std::fs::read_to_string(dir.join("watchkeeper-restore.1")).expect("a page");
    assert!(page.contains("compared row by row"), "{page}");
    let link = std::fs::read_to_string(dir.join("hal-check.1")).expect("a page");
    assert_eq!(link, ".so man1/watchkeeper-check.1\n");
    assert!(home.run(&["man"]).stdout().contains(".TH watchkeeper"));
}
