//! What is configured has an effect that a person can see, over the built binary: each setting is said by `--set`, and
//! the answer is another one. The table of all settings and their tests is `config::effects` of the program's crate.

use serde_json::Value;
use watchkeeper_tests::binary::Home;

/// A home with one host that nobody is ever sent to.
fn home() -> Home {
    Home::new().config("[hosts.web1]\naddress = \"192.0.2.1\"\ngroups = [\"web\"]\n[groups.web]\n")
}

/// What the orders say about a restart of nginx on the host with these settings: `run`, `hold`, `refuse` or `shadow`.
fn verdict(home: &Home, settings: &[&str], level: Option<&str>) -> String {
    let mut words = vec!["orders", "explain", "--host", "web1"];
    for setting in settings {
        words.extend(["--set", setting]);
    }
    words.extend(level.map(|level| ["--level", level]).into_iter().flatten());
    words.extend(["--output", "json", "--", "systemctl", "restart", "nginx"]);
    let ran = home.run(&words);
    ran.ended_with(&[0]);
    let told: Value = serde_json::from_slice(&ran.output.stdout).expect("JSON");
    told["verdict"]["decision"]
        .as_str()
        .unwrap_or_else(|| panic!("{told:#}"))
        .to_owned()
}

#[test]
fn what_is_configured_changes_what_the_orders_say() {
    let home = home();
    let of = |settings: &[&str], level| verdict(&home, settings, level);
    assert_eq!(of(&[], None), "hold", "suggest by default");
    assert_eq!(of(&["policy.autonomy=auto-full"], None), "run");
    assert_eq!(of(&["policy.autonomy=observe"], None), "shadow");
    let full = "policy.autonomy=auto-full";
    assert_eq!(of(&[full, "hosts.web1.autonomy=suggest"], None), "hold");
    assert_eq!(of(&[full, "groups.web.autonomy=observe"], None), "shadow");
    assert_eq!(of(&[full, "hosts.web1.tier=critical"], None), "hold");
    assert_eq!(of(&[full, "groups.web.tier=critical"], None), "hold");
    assert_eq!(
        of(&[full, "policy.protected_units=[\"nginx\"]"], None),
        "hold"
    );
    assert_eq!(
        of(&[full, "policy.protected_units=[\"apache2\"]"], None),
        "run"
    );
}

/// The level that the exit status of `risk explain` tells.
fn level(home: &Home, setting: Option<&str>, command: &str) -> i32 {
    let mut words = vec!["risk", "explain"];
    words.extend(
        setting
            .map(|setting| ["--set", setting])
            .into_iter()
            .flatten(),
    );
    words.extend(["--", command]);
    let ran = home.run(&words);
    ran.output.status.code().expect("it ends by itself")
}

#[test]
fn what_is_added_to_the_lists_changes_the_risk() {
    const READ_ONLY: i32 = 0;
    const LOW: i32 = 10;
    const MEDIUM: i32 = 20;
    const HIGH: i32 = 30;
    const FORBIDDEN: i32 = 40;
    let home = home();
    for (command, before, setting, after) in [
        (
            "systemctl stop shop",
            HIGH,
            "risk.critical_units=[\"shop\"]",
            FORBIDDEN,
        ),
        (
            "systemctl restart node_exporter",
            LOW,
            "risk.heavy_units=[\"node_exporter\"]",
            MEDIUM,
        ),
        (
            "systemctl restart shop",
            MEDIUM,
            "risk.unimportant_units=[\"shop\"]",
            LOW,
        ),
        (
            "touch /srv/shop/a",
            MEDIUM,
            "risk.critical_paths=[\"/srv/shop\"]",
            HIGH,
        ),
        (
            "cat /srv/shop/a",
            READ_ONLY,
            "risk.secret_paths=[\"/srv/shop\"]",
            HIGH,
        ),
    ] {
        assert_eq!(level(&home, None, command), before, "{command}");
        assert_eq!(
            level(&home, Some(setting), command),
            after,
            "{command} with {setting}"
        );
    }
}

#[test]
fn hosts_of_the_ssh_configuration_are_watched_where_that_is_said() {
    let home = Home::new();
    let ssh = home.path().join(".ssh");
    std::fs::create_dir_all(&ssh).expect("a directory");
    std::fs::write(ssh.join("config"), "Host mail\n HostName 192.0.2.9\n").expect("a file");
    let asked = |setting: &str| {
        let words = [
            "risk", "explain", "--host", "mail", "--set", setting, "--", "df",
        ];
        home.run(&words)
    };
    let unknown = asked("ssh.import=false");
    assert_ne!(unknown.output.status.code(), Some(0));
    assert!(unknown.stderr().contains("mail"), "{}", unknown.stderr());
    asked("ssh.import=true").ended_with(&[0]);
}
