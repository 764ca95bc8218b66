//! `orders` over the built binary: a file is checked, asked, and tried on the past; a bad one changes nothing.

use std::path::PathBuf;

use serde_json::Value;
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::missing;

const GOOD: &str = r#"
schema = 1
expects = 2

[window.office]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "17:00"

[[neverallow]]
name = "secrets"
when = { effects = ["secrets"] }
match = ["cat /etc/shadow"]
not_match = ["cat /etc/hostname"]

[[order]]
name = "web servers"
decision = "allow"
when = { effects = ["restarts"], units = ["nginx"] }
match = ["sudo systemctl restart nginx", { kind = "unit_restart", unit = "nginx.service" }]
not_match = ["systemctl restart postgresql", "systemctl restart nginx; rm /srv/x"]

[[order]]
name = "hands off the ledger"
decision = "deny"
when = { targets = ["/srv/ledger*"] }
match = ["touch /srv/ledger/a"]
"#;

fn file(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path
}

fn explained(home: &Home, orders: &str, level: &str, command: &str) -> Value {
    let words = [
        "orders", "explain", "--host", "local", "--level", level, "--file", orders, "--", command,
    ];
    let mut words = words.to_vec();
    words.splice(0..0, ["--output", "json"]);
    let ran = home.run(&words);
    ran.ended_with(&[0]);
    serde_json::from_slice(&ran.output.stdout).expect("JSON")
}

#[test]
fn a_good_file_is_well_and_a_bad_one_says_all_that_is_wrong() {
    let home = Home::new();
    let good = file(&home, "good.toml", GOOD);
    let ran = home.run(&["orders", "check", &good.to_string_lossy()]);
    ran.ended_with(&[0]);
    assert!(ran.stdout().contains("2 orders"), "{}", ran.stdout());
    let bad = GOOD
        .replace(
            "sudo systemctl restart nginx",
            "sudo systemctl restart apache2",
        )
        .replace("expects = 2", "expects = 3");
    let bad = file(&home, "bad.toml", &bad);
    let ran = home.run(&["orders", "check", &bad.to_string_lossy()]);
    ran.ended_with(&[64]);
    for said in [
        "`web servers` must match `sudo systemctl restart apache2`, and it does not",
        "`expects = 3`, but 2 orders follow",
        "2 problems to mend",
    ] {
        assert!(ran.stdout().contains(said), "{said}: {}", ran.stdout());
    }
}

#[test]
fn an_order_that_allows_too_much_is_refused() {
    let home = Home::new();
    for (when, example) in [
        ("effects = [\"secrets\"]", "cat /etc/shadow"),
        (
            "effects = [\"stops\"], level_to = \"forbidden\"",
            "systemctl stop sshd",
        ),
        ("effects = [\"power\"]", "reboot"),
    ] {
        let text = format!(
            "schema = 1\n[[order]]\nname = \"x\"\ndecision = \"allow\"\nwhen = {{ {when} }}\nmatch = [\"{example}\"]\nnot_match = [\"ls\"]\n"
        );
        let path = file(&home, "orders.toml", &text);
        let ran = home.run(&["orders", "check", &path.to_string_lossy()]);
        ran.ended_with(&[64]);
        assert!(ran.stdout().contains("no order may"), "{}", ran.stdout());
    }
}

#[test]
fn a_verdict_names_its_order_and_what_would_change_it() {
    let home = Home::new();
    let orders = file(&home, "orders.toml", GOOD);
    let orders = orders.to_string_lossy();
    let restart = explained(&home, &orders, "auto-safe", "systemctl restart nginx");
    assert_eq!(restart["verdict"]["decision"], "run", "{restart:#}");
    assert_eq!(restart["verdict"]["orders"][0], "web servers");
    let both = "systemctl restart nginx && systemctl restart postgresql";
    let both = explained(&home, &orders, "auto-safe", both);
    assert_eq!(both["verdict"]["decision"], "hold");
    let suggest = explained(&home, &orders, "suggest", "systemctl restart nginx");
    assert_eq!(suggest["verdict"]["decision"], "hold");
    assert!(
        suggest["verdict"]["otherwise"][0]
            .as_str()
            .is_some_and(|line| line.contains("auto-safe")),
        "{suggest:#}"
    );
    let ledger = explained(&home, &orders, "auto-full", "touch /srv/ledger/x");
    assert_eq!(ledger["verdict"]["decision"], "refuse");
    assert_eq!(ledger["verdict"]["orders"][0], "hands off the ledger");
    let text = home.run(&[
        "orders",
        "explain",
        "--host",
        "local",
        "--level",
        "auto-full",
        "--",
        "rm -rf /",
    ]);
    text.ended_with(&[0]);
    assert!(text.stdout().starts_with("refuse"), "{}", text.stdout());
    home.run(&["orders", "explain", "--host", "nowhere", "--", "ls"])
        .ended_with(&[64]);
}

#[test]
fn the_past_is_asked_again_under_other_orders() {
    let home = missing::certificate_found();
    let deny = "schema = 1\n[[order]]\nname = \"no shell\"\ndecision = \"deny\"\nwhen = { steps = [\"shell\"] }\n";
    let deny = file(&home, "deny.toml", deny);
    let report = home.json(&["orders", "replay", &deny.to_string_lossy()], &[0]);
    assert_eq!(report["actions"], 1, "{report:#}");
    assert_eq!(
        (&report["changes"][0]["was"], &report["changes"][0]["would"]),
        (&Value::from("hold"), &Value::from("refuse"))
    );
    assert_eq!(report["changes"][0]["orders"][0], "no shell");
    let text = home.run(&["orders", "replay", &deny.to_string_lossy(), "--days", "7"]);
    text.ended_with(&[0]);
    assert!(
        text.stdout().contains("1 decision of 1 action"),
        "{}",
        text.stdout()
    );
    let same = file(&home, "same.toml", "schema = 1\n");
    let same = home.run(&["orders", "replay", &same.to_string_lossy()]);
    assert!(
        same.stdout().contains("nothing would change"),
        "{}",
        same.stdout()
    );
    home.run(&["orders", "replay", &deny.to_string_lossy(), "--days", "0"])
        .ended_with(&[1, 64]);
}

#[test]
fn orders_of_the_configuration_are_in_force_and_a_bad_file_is_an_error() {
    let home = Home::new();
    let orders = file(&home, "orders.toml", GOOD);
    let home = home.config(&format!("[orders]\nfile = \"{}\"\n", orders.display()));
    let checked = home.json(&["orders", "check"], &[0]);
    assert_eq!(checked["orders"], 2, "{checked:#}");
    std::fs::write(&orders, "schema = 1\n[[order]]").expect("written");
    home.run(&["config", "check"]).ended_with(&[64]);
    home.run(&["status"]).ended_with(&[64]);
    std::fs::remove_file(&orders).expect("removed");
    home.run(&["status"]).ended_with(&[64]);
}
