//! What is really broken on a host is found by the right check, with the right word, severity and exit status, and
//! nothing else is; mended, it is resolved. The lab breaks and mends, and is asked what is so; never we.

use serde_json::Value;
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::lab::{Host, Lab};
use watchkeeper_tests::repair::enrol;

/// Looks until a finding that lasts is one, at the most: no check wants more.
const LOOKS_TO_FIND: usize = 3;
/// Looks until it is over, at the most: what came and went often is damped.
const LOOKS_TO_CLEAR: usize = 12;

/// What a look says of a broken host.
struct Expected {
    /// The fault and its arguments.
    fault: &'static [&'static str],
    /// Every (check, subject, severity) that is found.
    found: &'static [(&'static str, &'static str, &'static str)],
}

/// `check` ends with this.
fn status(found: &[(&str, &str, &str)]) -> i32 {
    if found.iter().any(|(_, _, severity)| *severity == "critical") {
        2
    } else {
        1
    }
}

/// One fresh host of this name whose key is known, and more lines of the configuration: general ones and the host's.
fn watched(name: &str, general: &str, of_host: &str) -> (Lab, Home) {
    let lab = Lab::up(&[name]);
    let config = lab.config(&format!("[policy]\nautonomy = \"suggest\"\n{general}"));
    let config = config.replace(
        "become_root = true\n",
        &format!("become_root = true\n{of_host}"),
    );
    let home = Home::new().config(&config);
    enrol(&lab, &home);
    home.run(&["check"]).ended_with(&[0]);
    (lab, home)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// What a report found on its only host, sorted.
fn found(report: &Value) -> Vec<(String, String, String)> {
    let results = list(&report["hosts"][0]["results"]);
    let mut found: Vec<_> = results
        .iter()
        .filter(|line| line["outcome"] == "found")
        .map(|line| ["check", "subject", "severity"].map(|key| text(line, key).to_owned()))
        .map(|[check, subject, severity]| (check, subject, severity))
        .collect();
    found.sort();
    found
}

/// Looks until everything that is found counts.
fn look(home: &Home, status: i32) -> Value {
    let mut report = Value::Null;
    for _ in 0..LOOKS_TO_FIND {
        report = home.json(&["check"], &[status]);
        let of_host = list(&report["hosts"][0]["results"]);
        if of_host
            .iter()
            .all(|line| line["outcome"] != "found" || line["firing"] == true)
        {
            return report;
        }
    }
    panic!("it does not count after {LOOKS_TO_FIND} looks: {report:#}");
}

/// Looks until no issue is open.
fn resolves(home: &Home) {
    let mut report = Value::Null;
    for _ in 0..LOOKS_TO_CLEAR {
        report = home.json(&["check"], &[0]);
        if report["open_issues"] == 0 {
            assert_eq!(report["waiting_actions"], 0, "what waited is withdrawn");
            return;
        }
    }
    panic!("it is not over after {LOOKS_TO_CLEAR} looks: {report:#}");
}

/// Breaks it, looks, mends it, looks again.
fn is_found_and_resolved(home: &Home, host: &Host, expected: &Expected) {
    let (fault, kind) = (expected.fault, expected.fault[0]);
    host.fault(fault);
    assert_eq!(host.truth(), [kind]);
    let report = look(home, status(expected.found));
    let wanted: Vec<_> = expected
        .found
        .iter()
        .map(|(check, subject, severity)| {
            (check.to_string(), subject.to_string(), severity.to_string())
        })
        .collect();
    assert_eq!(found(&report), wanted, "{fault:?}");
    assert_eq!(report["open_issues"], wanted.len(), "{fault:?}");
    for issue in list(&home.json(&["issues", "list"], &[0])) {
        let number = issue["number"].to_string();
        let sheet = home.json(&["issues", "show", &number], &[0]);
        assert!(sheet["diagnosis"].is_string(), "{fault:?}: {sheet:#}");
    }
    host.heal(&[kind]);
    assert_eq!(host.truth(), Vec::<String>::new());
    resolves(home);
}

#[test]
fn full_disks_and_memory() {
    let (lab, home) = watched("fault-room", "", "");
    // On a slow machine its hour comes in the middle, and a backup onto a full disk is a finding of its own.
    lab.hosts[0].inside(&["systemctl", "stop", "backup.timer"]);
    for expected in [
        Expected {
            fault: &["disk"],
            found: &[("disk", "/", "critical")],
        },
        Expected {
            fault: &["disk", "93"],
            found: &[("disk", "/", "warning")],
        },
        Expected {
            fault: &["disk-held"],
            found: &[("disk", "/", "critical")],
        },
        Expected {
            fault: &["inodes"],
            found: &[("inodes", "/", "critical")],
        },
        Expected {
            fault: &["data"],
            found: &[("disk", "/srv/data", "critical")],
        },
        Expected {
            fault: &["data-ro"],
            found: &[("mounts", "/srv/data", "critical")],
        },
        Expected {
            fault: &["mem"],
            found: &[("memory", "", "warning")],
        },
        Expected {
            fault: &["zombies"],
            found: &[("zombies", "spooler.service", "warning")],
        },
    ] {
        is_found_and_resolved(&home, &lab.hosts[0], &expected);
    }
}

#[test]
fn failed_services_logs_and_certificates() {
    let certificates = "[watch]\ncertificates = [\"/etc/ssl/site/site.crt\"]\n";
    let (lab, home) = watched("fault-service", certificates, "");
    for expected in [
        Expected {
            fault: &["svc-crash"],
            found: &[("units", "nginx.service", "critical")],
        },
        Expected {
            fault: &["svc-conf"],
            found: &[("units", "nginx.service", "critical")],
        },
        Expected {
            fault: &["svc-loop"],
            found: &[("units", "labapp.service", "critical")],
        },
        Expected {
            fault: &["timer-fail"],
            found: &[("units", "backup.service", "warning")],
        },
        Expected {
            fault: &["errors"],
            found: &[("journal", "payments", "warning")],
        },
        Expected {
            fault: &["reboot-required"],
            found: &[("reboot", "", "warning")],
        },
        Expected {
            fault: &["cert"],
            found: &[("certificates", "/etc/ssl/site/site.crt", "critical")],
        },
        Expected {
            fault: &["cert", "10"],
            found: &[("certificates", "/etc/ssl/site/site.crt", "warning")],
        },
    ] {
        is_found_and_resolved(&home, &lab.hosts[0], &expected);
    }
}

#[test]
fn a_process_killed_for_lack_of_memory_and_a_load_above_the_hosts_own_threshold() {
    let low = "thresholds.load = { warning_per_core = 0.05 }\n";
    let (lab, home) = watched("fault-kernel", "", low);
    let host = &lab.hosts[0];
    host.fault(&["oom"]);
    let report = look(&home, 2);
    let wanted = [
        ("oom", "perl", "warning"),
        ("units", "importer.service", "critical"),
    ];
    let wanted = wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(found(&report), wanted);
    host.heal(&["oom"]);

    host.fault(&["load"]);
    watchkeeper_tests::binary::until_within(
        std::time::Duration::from_secs(90),
        "the load is found",
        &mut || {
            let report = home.json(&["check"], &[1, 2]);
            found(&report).iter().any(|(check, _, _)| check == "load")
        },
    );
}

/// Looks twice at a host that cannot be seen: at once it is not well, and the second time it is an issue.
fn is_not_seen(home: &Home, kind: &str) {
    for _ in 0..2 {
        let report = home.json(&["check"], &[2]);
        let host = &report["hosts"][0];
        assert_eq!(host["failure"]["kind"], kind, "{report:#}");
        let remedy = text(&host["failure"], "remedy");
        assert!(!remedy.is_empty(), "{report:#}");
        // No data is not healthy: all that is not found is not known.
        let results = list(&host["results"]);
        assert!(
            results.iter().all(|line| line["outcome"] != "passed"),
            "{report:#}"
        );
    }
    let issues = home.json(&["issues", "list"], &[0]);
    assert_eq!(list(&issues).len(), 1, "{issues:#}");
    assert_eq!(home.json(&["status"], &[0])["hosts"]["unreachable"], 1);
    let systems = home.json(&["systems"], &[0]);
    assert_eq!(systems[0]["state"], "unreachable", "{systems:#}");
}

fn is_not_seen_and_resolved(home: &Home, host: &Host, faults: &[(&str, &str)]) {
    for (fault, kind) in faults {
        host.fault(&[fault]);
        assert_eq!(host.truth(), [*fault]);
        is_not_seen(home, kind);
        host.heal(&[fault]);
        resolves(home);
        assert_eq!(home.json(&["status"], &[0])["hosts"]["unreachable"], 0);
    }
}

#[test]
fn a_host_that_is_away_or_does_not_let_us_in() {
    let (lab, home) = watched("fault-away", "", "connect_timeout = \"5s\"\n");
    let faults = [
        ("sshd-stop", "unreachable"),
        ("net-cut", "unreachable"),
        ("poweroff", "unreachable"),
        ("ssh-auth", "login_refused"),
        ("password-only", "password_only"),
        ("hostkey", "host_key_changed"),
    ];
    is_not_seen_and_resolved(&home, &lab.hosts[0], &faults);
}

#[test]
fn a_host_that_hangs() {
    let quick = "connect_timeout = \"2s\"\nprobe_timeout = \"2s\"\n";
    let (lab, home) = watched("fault-hangs", "", quick);
    let faults = [
        ("freeze", "silent"),
        ("sshd-hang", "silent"),
        ("net-drop", "unreachable"),
        ("shell-hang", "timed_out"),
    ];
    is_not_seen_and_resolved(&home, &lab.hosts[0], &faults);
}

#[test]
fn noise_of_the_shell_is_nothing_and_lost_rights_are_a_finding() {
    let (lab, home) = watched("fault-shell", "", "");
    let host = &lab.hosts[0];
    host.fault(&["shell-noise"]);
    assert_eq!(host.truth(), ["shell-noise"]);
    let report = home.json(&["check"], &[0]);
    assert_eq!(found(&report), []);
    host.heal(&["shell-noise"]);
    is_found_and_resolved(
        &home,
        host,
        &Expected {
            fault: &["sudo-broken"],
            found: &[("privilege", "", "warning")],
        },
    );
}

#[test]
fn nothing_is_run_under_an_unknown_or_a_changed_key_until_a_person_has_enrolled_it() {
    let lab = Lab::up(&["fault-key"]);
    let home = Home::new().config(&lab.config(""));
    let host = &lab.hosts[0];
    let report = home.json(&["check"], &[1, 2]);
    let failure = &report["hosts"][0]["failure"];
    assert_eq!(failure["kind"], "host_key_unknown", "{report:#}");
    assert!(text(failure, "remedy").contains("watchkeeper enrol fault-key"));
    assert!(text(failure, "message").contains(&host.fingerprint()));

    let wrong = format!("SHA256:{}", "A".repeat(43));
    home.run(&["enrol", "fault-key", "--fingerprint", &wrong])
        .ended_with(&[1, 77]);
    home.run(&["check"]).ended_with(&[1, 2]);
    let unasked = home.run(&["enrol", "fault-key"]);
    unasked.ended_with(&[77]);
    assert!(unasked.stderr().contains(&host.fingerprint()));
    // On a terminal the last six characters are typed, read from the host's own console.
    let asked = |typed: &str| home.typed_on_a_terminal(&[], &["enrol", "fault-key"], typed);
    let said = asked("yes\n");
    assert!(said.contains("not accepted; nothing was kept"), "{said}");
    let fingerprint = host.fingerprint();
    let last = &fingerprint[fingerprint.len() - 6..];
    let said = asked(&format!("{last}\n"));
    assert!(said.contains("fault-key is enrolled"), "{said}");
    home.run(&["check"]).ended_with(&[0]);

    host.fault(&["hostkey"]);
    let logins = || host.inside(&["journalctl", "-u", "ssh", "-o", "cat", "--grep", "Accepted"]);
    let before = logins();
    let report = home.json(&["check"], &[2]);
    let failure = &report["hosts"][0]["failure"];
    assert_eq!(failure["kind"], "host_key_changed", "{report:#}");
    assert!(text(failure, "remedy").contains("watchkeeper enrol fault-key --replace"));
    assert_eq!(logins(), before, "nobody logged in");

    let changed = Host {
        host_key: host.inside(&["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]),
        ..host.clone()
    };
    let offered = changed.fingerprint();
    assert_ne!(offered, host.fingerprint());
    home.run(&["enrol", "fault-key", "--fingerprint", &offered])
        .ended_with(&[1, 77]);
    home.run(&["enrol", "fault-key", "--fingerprint", &offered, "--replace"])
        .ended_with(&[0]);
    resolves(&home);
}
