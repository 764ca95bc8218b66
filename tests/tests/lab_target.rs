//! The door to root that the NixOS module gives a host that is watched, on a real host with a real sudo and sshd: what
//! its configuration allows is looked at and repaired, and nothing else is done as root, whoever asks.

use std::process::Command;

use serde_json::{Value, json};
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::lab::{Host, Lab};
use watchkeeper_tests::nix::{system, text};
use watchkeeper_tests::nix_host::{
    account, install_program, install_unit, install_units, start, watchkeeper, write,
};
use watchkeeper_tests::repair::watching;

const ACCOUNT: &str = "watchkeeper-target";
const DOOR: &str = "/opt/door";
/// What it says to whoever knocks with something else.
const NOTHING_ELSE: &str = "sudo: this account may run the steps of the watch, and nothing else";

#[expect(
    clippy::disallowed_methods,
    reason = "the key and the login are of other programs than ours"
)]
fn program(name: &str, words: &[&str]) -> (bool, String) {
    let output = Command::new(name)
        .args(words)
        .output()
        .expect("run tests/install");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).trim().to_owned(),
    )
}

/// What the module makes of a host that allows these steps.
fn evaluated(host: &Host, steps: &str) -> Value {
    let key = host.key.display().to_string();
    let (_, public) = program("ssh-keygen", &["-y", "-f", &key]);
    system(&format!(
        "{{ services.openssh.enable = true; services.watchkeeper.target = {{ enable = true; \
         controllerKeys = [ {public:?} ]; from = [ \"10.*\" ]; steps = {{ {steps} }}; }}; }}"
    ))
}

/// Sets up on a Debian host what NixOS would set up of it: the account, its key, the rule of sudo, and the door.
fn set_up(host: &Host, made: &Value) {
    let door = &made["door"];
    let write = |path: &str, body: &str| write(host, path, body);
    host.inside(&[
        "mkdir",
        "-p",
        &format!("{DOOR}/bin"),
        &format!("{DOOR}/texts"),
    ]);
    for (name, body) in door["texts"].as_object().expect("a set of texts") {
        write(
            &format!("{DOOR}/texts/{name}"),
            body.as_str().expect("a text"),
        );
    }
    write(&format!("{DOOR}/steps"), text(door, "/steps"));
    let helper = text(door, "/helper")
        .replace(text(door, "/textsPath"), &format!("{DOOR}/texts"))
        .replace(text(door, "/stepsPath"), &format!("{DOOR}/steps"));
    let helper: Vec<&str> = helper
        .lines()
        .map(|line| match line {
            line if line.starts_with("#!") => "#!/bin/sh",
            line if line.starts_with("system_path=") => "system_path=/usr/sbin:/usr/bin:/sbin:/bin",
            line if line.starts_with("PATH=/nix") => "PATH=/usr/bin:/bin",
            line => line,
        })
        .collect();
    write(&format!("{DOOR}/bin/sh"), &(helper.join("\n") + "\n"));
    host.inside(&["chmod", "755", &format!("{DOOR}/bin/sh")]);

    let user = &made["users"][ACCOUNT];
    let home = text(user, "/home");
    host.inside(&[
        "useradd",
        "--system",
        "--create-home",
        "--home-dir",
        home,
        "--shell",
        "/bin/bash",
        ACCOUNT,
    ]);
    for group in user["extraGroups"].as_array().expect("groups") {
        host.inside(&[
            "usermod",
            "-a",
            "-G",
            group.as_str().expect("a group"),
            ACCOUNT,
        ]);
    }
    host.inside(&[
        "install",
        "-d",
        "-o",
        ACCOUNT,
        "-m",
        "700",
        &format!("{home}/.ssh"),
    ]);
    if let Some(key) = user["openssh"]["authorizedKeys"]["keys"][0].as_str() {
        write(&format!("{home}/.ssh/authorized_keys"), key);
    }

    let rule = &made["sudo"]["extraRules"][0];
    let helper_path = text(door, "/helperPath");
    let sudoers = format!(
        "{}{} ALL=({}) {}: {}\n",
        text(&made["sudo"], "/extraConfig"),
        text(rule, "/users/0"),
        text(rule, "/runAs"),
        text(rule, "/commands/0/options/0"),
        text(rule, "/commands/0/command")
    );
    write("/etc/sudoers.d/target", &sudoers.replace(helper_path, DOOR));
    host.inside(&["chmod", "440", "/etc/sudoers.d/target"]);
    host.inside(&["visudo", "-cq"]);
}

/// Runs a line as the account, by its key, as whoever has that key could.
fn knock(host: &Host, line: &str) -> (bool, String) {
    let (key, port) = (host.key.display().to_string(), host.port.to_string());
    program(
        "ssh",
        &[
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-p",
            &port,
            "-i",
            &key,
            &format!("{ACCOUNT}@{}", host.address),
            line,
        ],
    )
}

/// A lab of one host with the door, and a watch that goes through it.
fn guarded(name: &str, steps: &str) -> (Lab, Home) {
    let lab = Lab::up(&[name]);
    set_up(&lab.hosts[0], &evaluated(&lab.hosts[0], steps));
    let home = watching(Home::new(), &lab, 0, "");
    let file = home.path().join(".config/watchkeeper/config.toml");
    let config = std::fs::read_to_string(&file).expect("the configuration can be read");
    let config = config.replace("login = \"ops\"", &format!("login = \"{ACCOUNT}\""));
    std::fs::write(&file, config).expect("the configuration can be written");
    (lab, home)
}

fn state(home: &Home, number: &str) -> Value {
    home.json(&["approve", "show", number], &[0])["action"]["state"].clone()
}

#[test]
fn what_the_host_allows_is_looked_at_and_repaired_and_nothing_else() {
    let (lab, home) = guarded("target", "start = [ \"nginx.service\" ];");
    let host = &lab.hosts[0];
    let seen = home.run(&["check", "--all"]);
    seen.ended_with(&[0]);
    assert!(seen.stdout().contains("root by sudo"), "{}", seen.stdout());

    // The start of nginx is allowed.
    host.fault(&["svc-crash"]);
    home.run(&["check"]).ended_with(&[2]);
    let approved = home.run(&["approve", "0"]);
    approved.ended_with(&[0]);
    assert!(approved.stdout().contains("fixed"), "{}", approved.stdout());
    assert_eq!(host.truth(), Vec::<String>::new());

    // The same with one more command is not, though a person has approved it.
    host.fault(&["svc-crash"]);
    home.run(&["check"]).ended_with(&[2]);
    let edit = home.path().join("edit.json");
    let steps = json!({ "reason": "more", "steps": [
        { "kind": "shell", "script": "systemctl start nginx.service && touch /var/tmp/more" }
    ] });
    std::fs::write(&edit, steps.to_string()).expect("a file can be written");
    home.run(&["approve", "edit", "1", "--file", &edit.to_string_lossy()])
        .ended_with(&[0]);
    let _ = home.run(&["approve", "1"]);
    let told = state(&home, "1").to_string();
    assert!(told.contains("does not allow this step"), "{told}");
    assert_eq!(host.truth(), ["svc-crash"], "nothing was done");
    host.inside(&["test", "!", "-e", "/var/tmp/more"]);
}

#[test]
fn who_has_the_key_of_the_watch_is_not_root() {
    let (lab, _home) = guarded("target-knock", "start = [ \"nginx.service\" ];");
    let host = &lab.hosts[0];
    let (entered, said) = knock(host, "id -nG");
    assert!(
        entered && said.contains("systemd-journal") && !said.contains("sudo"),
        "{said}"
    );

    let outer = format!("\"$(cat {DOOR}/texts/outer)\"");
    let inner = format!("\"$(cat {DOOR}/texts/inner)\"");
    let mark = "0123456789abcdef0123456789abcdef";
    let whole = |outer: &str, inner: &str, mark: &str, text: &str| {
        format!(
            "sudo -n -- sh -c {outer} watchkeeper {inner} watchkeeper {mark} 5 sh -c {text} watchkeeper"
        )
    };
    // No full stop may be missing: `$(cat)` drops line ends, which the texts of the protocol have.
    let text = |name: &str| format!("\"$(cat {DOOR}/texts/{name}; echo x)\"");
    for (line, refused) in [
        ("sudo -n id".to_owned(), "password"),
        ("sudo -n -u daemon sh -c id".to_owned(), "password"),
        ("sudo -n /bin/sh -c id".to_owned(), "password"),
        (
            "sudo -n BASH_ENV=/tmp/x sh -c id".to_owned(),
            "not allowed to set",
        ),
        ("sudo -n sh -c id".to_owned(), NOTHING_ELSE),
        ("sudo -n sh".to_owned(), NOTHING_ELSE),
        (whole("id", &inner, mark, "id"), "another version"),
        (whole(&outer, "id", mark, "id"), "another version"),
        (whole(&outer, &inner, "'0; id'", "id"), "mark"),
        (
            whole(&outer, &inner, mark, "id"),
            "not one that the host knows",
        ),
        (
            whole(&outer, &inner, mark, &text("boot")),
            "not one that the host knows",
        ),
    ] {
        let (done, said) = knock(host, &line);
        assert!(
            !done && said.contains(refused) && !said.contains("uid="),
            "{line}: {said}"
        );
    }

    // A start whose header speaks of a step that is allowed, and whose body is another one.
    let allowed = host.inside(&["head", "-n", "1", &format!("{DOOR}/steps")]);
    let start = format!("t=$(cat {DOOR}/texts/start; echo .); t=${{t%.}}; ");
    let forged = format!(
        "{start}printf 'wk1 a.a0 {} 0 9 9 {mark}\\ntouch /var/tmp/forged\\n' | {}",
        allowed.trim(),
        whole(&outer, &inner, mark, "\"$t\"")
    );
    let (_, said) = knock(host, &forged);
    assert!(
        said.contains(&format!("@{mark} refused not-allowed")),
        "{said}"
    );
    host.inside(&["test", "!", "-e", "/var/tmp/forged"]);
    let left = host.inside(&["sh", "-c", "ls /run | grep -c watchkeeper-request || true"]);
    assert_eq!(left.trim(), "0", "requests are removed");
}

#[test]
fn a_secret_that_is_missing_is_named_and_nothing_starts() {
    let lab = Lab::up(&["target-secret"]);
    let host = &lab.hosts[0];
    let made = system(
        "{ services.watchkeeper = { enable = true; hosts.web1 = { }; credentials.claude = \"/run/secrets/claude\"; }; }",
    );
    for unit in ["watchkeeper-secrets", "watchkeeper-key", "watchkeeper"] {
        install_unit(host, &made, unit);
    }
    host.inside(&[
        "useradd",
        "--system",
        "--create-home",
        "--home-dir",
        "/var/lib/watchkeeper",
        "watchkeeper",
    ]);
    host.inside(&["systemctl", "daemon-reload"]);
    let start = "systemctl start watchkeeper 2>&1; systemctl is-failed watchkeeper-secrets; \
        journalctl -u watchkeeper-secrets -o cat --no-pager; true";
    let said = host.inside(&["sh", "-c", start]);
    assert!(
        said.contains("the file /run/secrets/claude is missing or empty; it is named by services.watchkeeper.credentials.claude")
            && said.contains("A dependency job for watchkeeper.service failed"),
        "{said}"
    );
    assert!(said.contains("\nfailed\n"), "{said}");
    host.inside(&[
        "sh",
        "-c",
        "mkdir -p /run/secrets && echo key >/run/secrets/claude",
    ]);
    let said = host.inside(&["sh", "-c", start]);
    assert!(said.contains("\ninactive\n"), "it found everything: {said}");
}

/// Where the module has sshd look for the key of a machine that watches itself.
fn own_keys(made: &Value) -> &str {
    let files = made["sshd"]["authorizedKeysFiles"].as_array();
    let mut files = files.into_iter().flatten().filter_map(Value::as_str);
    files
        .find(|file| file.contains("watchkeeper-authorized"))
        .expect("a file of the module's")
}

/// Sets up what the module makes of one machine that watches itself, and lets its sshd know.
fn watches_itself(host: &Host, made: &Value) {
    account(
        host,
        text(made, "/users/watchkeeper/home"),
        "watchkeeper",
        &[],
    );
    set_up(host, made);
    let keys = own_keys(made);
    write(
        host,
        "/etc/ssh/sshd_config.d/watch.conf",
        &format!("AuthorizedKeysFile .ssh/authorized_keys {keys}\n"),
    );
    install_units(host, made);
    host.inside(&["systemctl", "reload-or-restart", "ssh"]);
}

#[test]
fn a_machine_that_watches_itself_is_looked_at_and_repaired() {
    let lab = Lab::up(&["target-box"]);
    let host = &lab.hosts[0];
    let made = system(
        "{ networking.hostName = \"box\"; services.openssh.enable = true; \
         services.watchkeeper = { enable = true; target.steps.start = [ \"nginx.service\" ]; }; }",
    );
    let config = toml::to_string(&made["settings"]).expect("it can be written as TOML");
    install_program(host, &config);
    watches_itself(host, &made);
    start(host, "watchkeeper");
    start(host, "watchkeeper-enrol-this-machine");
    let (status, said) = watchkeeper(host, &["check", "--all"]);
    assert!(said.contains("root by sudo"), "{status:?}: {said}");

    host.fault(&["svc-crash"]);
    let _ = watchkeeper(host, &["check"]);
    let (status, said) = watchkeeper(host, &["approve", "0"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("fixed"), "{said}");
    assert_eq!(host.truth(), Vec::<String>::new());

    // Its sshd has another key, which root knows of first.
    let anew = "rm /etc/ssh/ssh_host_*_key* && ssh-keygen -qA && systemctl restart ssh";
    host.inside(&["sh", "-c", anew]);
    // What was connected stays so; who connects anew sees it.
    start(host, "watchkeeper");
    let (_, said) = watchkeeper(host, &["check", "--output", "json"]);
    assert!(said.contains("host_key_changed"), "{said}");
    start(host, "watchkeeper-enrol-this-machine");
    let (status, said) = watchkeeper(host, &["check", "--all"]);
    assert!(said.contains("root by sudo"), "{status:?}: {said}");
}

#[test]
fn a_machine_that_watches_itself_lets_its_own_key_in_and_only_from_itself() {
    let lab = Lab::up(&["target-self"]);
    let host = &lab.hosts[0];
    let made = system(
        "{ services.openssh.enable = true; services.watchkeeper = { enable = true; aiName = \"hal\"; target.steps.start = [ \"nginx.service\" ]; }; }",
    );
    let home = text(&made, "/users/watchkeeper/home");
    let keys = own_keys(&made);
    watches_itself(host, &made);
    host.inside(&["systemctl", "start", "watchkeeper-this-machine"]);

    let file = keys.replace("%u", ACCOUNT);
    let line = host.inside(&["cat", &file]);
    assert!(
        line.starts_with("restrict,from=\"127.0.0.1,::1\" ssh-ed25519 "),
        "{line}"
    );
    assert_eq!(
        host.inside(&["stat", "-c", "%U %a", &file]).trim(),
        "root 644"
    );
    let enter = |address: &str| {
        let line = format!(
            "runuser -u watchkeeper -- ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -i {home}/ssh/id_ed25519 {ACCOUNT}@{address} id -un 2>&1 || true"
        );
        host.inside(&["sh", "-c", &line])
    };
    assert!(enter("127.0.0.1").contains(ACCOUNT));
    let refused = enter(&host.address);
    assert!(refused.contains("Permission denied"), "{refused}");

    // Once more keeps the key.
    host.inside(&[
        "systemctl",
        "restart",
        "watchkeeper-key",
        "watchkeeper-this-machine",
    ]);
    assert_eq!(host.inside(&["cat", &file]), line);
}
