//! Shell steps on real hosts, over the built binary: what a model writes is judged by code, and at each autonomy level
//! it is seen on the host itself what ran, what was held and what was refused. What only looks runs behind a wall.

use std::time::Duration;

use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Home, until_within};
use watchkeeper_tests::lab::{Host, Lab};

/// A failed unit for each level, and what the model wants to do about it.
const WANTED: [(&str, &str, &str); 5] = [
    (
        "read_only",
        "looks",
        "for unit in probe-looks; do systemctl status \"$unit\" --no-pager; done; journalctl -u probe-looks -n 3 --no-pager | tail -n 2",
    ),
    ("low", "scratch", "touch /tmp/ran-scratch"),
    ("medium", "data", "touch /srv/data/ran-data"),
    ("high", "deletes", "rm -rf /srv/data/precious"),
    ("forbidden", "locks-out", "systemctl stop ssh.service"),
];
/// What becomes of them at each autonomy level, in the order of `WANTED`.
const BECOMES: [(&str, [&str; 5]); 4] = [
    ("observe", ["ran", "shadow", "shadow", "shadow", "refused"]),
    ("suggest", ["ran", "held", "held", "held", "refused"]),
    ("auto-safe", ["ran", "ran", "held", "held", "refused"]),
    ("auto-full", ["ran", "ran", "ran", "held", "refused"]),
];
/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(240);

fn enrolled(lab: &Lab, config: &str) -> Home {
    let home = Home::new().config(config);
    for host in &lab.hosts {
        home.run(&["enrol", &host.name, "--fingerprint", &host.fingerprint()])
            .ended_with(&[0]);
    }
    home
}

/// A unit that fails, for each of the things the model wants to do. Its name has the host's: what fails alike on several
/// hosts is one question, and a script is then proposed on one of them only.
fn break_units(host: &Host) {
    for (_, name, _) in WANTED {
        let of_host = format!("{name}--{}", host.name);
        let unit = format!(
            "[Unit]\nDescription=probe {name}\n[Service]\nType=oneshot\nExecStart=/bin/false\n"
        );
        let path = format!("/etc/systemd/system/probe-{of_host}.service");
        host.inside(&["sh", "-c", &format!("printf '%s' '{unit}' >{path}")]);
        host.inside(&[
            "sh",
            "-c",
            &format!("systemctl daemon-reload; systemctl start probe-{of_host} || true"),
        ]);
    }
    host.inside(&["mkdir", "-p", "/srv/data/precious"]);
}

/// What the model says: the host and the unit stand in what it is asked.
fn reply(asked: &str, hosts: &[String], script_of: impl Fn(&str) -> Option<String>) -> String {
    let host = hosts
        .iter()
        .find(|host| asked.contains(&format!("Host: {host}\\n")))
        .map_or("nobody", String::as_str);
    let unit = asked
        .split("probe-")
        .nth(1)
        .map_or("", |rest| rest.split(".service").next().unwrap_or(""));
    let own = format!("--{host}");
    let (unit, suffix) = unit
        .strip_suffix(&own)
        .map_or((unit, ""), |unit| (unit, own.as_str()));
    let Some(script) = script_of(unit) else {
        return json!({ "host": host, "cause": "nobody knows", "confidence": "low", "evidence": [] })
            .to_string();
    };
    let script = script.replace(&format!("probe-{unit}"), &format!("probe-{unit}{suffix}"));
    json!({
        "host": host,
        "cause": "it was built to fail",
        "confidence": "high",
        "evidence": ["F1"],
        "proposal": {
            "host": host,
            "steps": [{ "kind": "shell", "script": script }],
            "reason": format!("it may help {unit}")
        }
    })
    .to_string()
}

fn silenced_runbooks() -> tempfile::TempDir {
    let runbooks = tempfile::tempdir().expect("a directory can be made");
    let shipped = include_str!("../../runbooks/unit-failed.toml");
    std::fs::write(
        runbooks.path().join("unit-failed.toml"),
        format!("enabled = false\n{shipped}"),
    )
    .expect("a file can be written");
    runbooks
}

async fn model(
    hosts: Vec<String>,
    script_of: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> ModelServer {
    ModelServer::start().await.decides(move |request: &Value| {
        Turn::replies(reply(&request.to_string(), &hosts, &script_of))
    })
}

fn config(
    lab: &Lab,
    autonomies: &[&str],
    runbooks: &tempfile::TempDir,
    server: &ModelServer,
) -> String {
    let mut config = lab.config(&format!(
        "[watch]\ninterval = \"5s\"\njitter = \"0s\"\n[run]\nverify_looks = 1\nverify_pause = \"1s\"\n\
         [runbooks]\ndir = \"{}\"\n[[lanes]]\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        runbooks.path().display(),
        server.url()
    ));
    for (host, autonomy) in lab.hosts.iter().zip(autonomies) {
        let section = format!("[hosts.{}]\n", host.name);
        config = config.replace(&section, &format!("{section}autonomy = \"{autonomy}\"\n"));
    }
    config
}

/// Every action that was ever proposed, as JSON.
fn actions(home: &Home) -> Vec<Value> {
    let list = home.json(&["approve", "list", "--all"], &[0]);
    let numbers: Vec<String> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|action| action["number"].to_string())
        .collect();
    numbers
        .iter()
        .map(|number| home.json(&["approve", "show", number], &[0]))
        .collect()
}

/// The action on a host that was proposed for this unit.
fn action_for<'a>(actions: &'a [Value], host: &str, unit: &str) -> Option<&'a Value> {
    actions.iter().find(|sheet| {
        sheet["action"]["plan"]["host"] == host
            && sheet["action"]["reason"]
                .as_str()
                .is_some_and(|reason| reason == format!("it may help {unit}"))
    })
}

fn became(sheet: &Value) -> String {
    let state = sheet["action"]["state"]["state"].as_str().unwrap_or("");
    match state {
        "held" | "shadow" | "refused" => state.to_owned(),
        // A failed unit does not come back by any of this, so what ran did not help.
        "not_fixed" | "inconclusive" | "fixed" => "ran".to_owned(),
        other => format!("under way ({other})"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_each_autonomy_level_exactly_what_may_run_runs() {
    let names = ["shell-observe", "shell-suggest", "shell-safe", "shell-full"];
    let lab = Lab::up(&names);
    let runbooks = silenced_runbooks();
    let server = model(names.map(str::to_owned).to_vec(), |unit| {
        let wanted = WANTED.iter().find(|(_, name, _)| *name == unit);
        wanted.map(|(_, _, script)| (*script).to_owned())
    })
    .await;
    let autonomies = BECOMES.map(|(autonomy, _)| autonomy);
    let home = enrolled(&lab, &config(&lab, &autonomies, &runbooks, &server));
    lab.hosts.iter().for_each(break_units);
    let daemon = home.daemon();
    until_within(WITHIN, "every action came to rest", &mut || {
        let actions = actions(&home);
        lab.hosts.iter().zip(BECOMES).all(|(host, (_, expected))| {
            WANTED.iter().zip(expected).all(|((_, unit, _), expected)| {
                action_for(&actions, &host.name, unit)
                    .is_some_and(|sheet| became(sheet) == expected)
            })
        })
    });
    let actions = actions(&home);
    for (host, (autonomy, expected)) in lab.hosts.iter().zip(BECOMES) {
        for ((level, unit, _), expected) in WANTED.iter().zip(expected) {
            let sheet = action_for(&actions, &host.name, unit).expect("it was proposed");
            assert_eq!(sheet["action"]["assessment"]["level"], *level, "{unit}");
            assert_eq!(became(sheet), expected, "{unit} at {autonomy}");
            println!("{autonomy:<10} {level:<10} {expected}");
        }
        let ran = |unit: &str| {
            let at = WANTED.iter().position(|(_, name, _)| *name == unit);
            expected[at.expect("a unit")] == "ran"
        };
        let there = host.inside(&[
            "sh",
            "-c",
            "ls -d /tmp/ran-scratch /srv/data/ran-data /srv/data/precious 2>/dev/null; systemctl is-active ssh; true",
        ]);
        assert_eq!(
            there.contains("/tmp/ran-scratch"),
            ran("scratch"),
            "{there}"
        );
        assert_eq!(there.contains("/srv/data/ran-data"), ran("data"), "{there}");
        assert!(there.contains("/srv/data/precious"), "{there}");
        assert!(there.lines().any(|line| line == "active"), "{there}");
        let looked = action_for(&actions, &host.name, "looks").expect("it ran");
        let step = &looked["run"]["steps"][0];
        assert_eq!(step["outcome"]["code"], 0, "{step}");
        assert!(
            step["stdout"]
                .as_str()
                .is_some_and(|text| text.contains("probe looks")),
            "{step}"
        );
    }
    let log = daemon.log();
    home.run(&["log", "verify"]).ended_with(&[0]);
    drop(log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_writes_is_kept_from_it_told_and_the_last_to_run_by_itself() {
    let lab = Lab::up(&["shell-wall"]);
    let host = &lab.hosts[0];
    let runbooks = silenced_runbooks();
    let server = model(vec!["shell-wall".to_owned()], |unit| {
        ["looks", "again", "later"]
            .contains(&unit)
            .then(|| "uptime".to_owned())
    })
    .await;
    let home = enrolled(&lab, &config(&lab, &["observe"], &runbooks, &server));
    // What the tables know of `uptime` is true of `uptime`, and not of this.
    let shim = "#!/bin/sh\necho mine >/etc/mine\nexec /usr/bin/uptime";
    host.inside(&[
        "sh",
        "-c",
        &format!("printf '%s\\n' '{shim}' >/usr/local/bin/uptime; chmod 755 /usr/local/bin/uptime"),
    ]);
    let breaks = |name: &str| {
        let unit = "[Service]\nType=oneshot\nExecStart=/bin/false\n";
        host.inside(&[
            "sh",
            "-c",
            &format!(
                "printf '%s' '{unit}' >/etc/systemd/system/probe-{name}.service; systemctl daemon-reload; \
                 systemctl start probe-{name} || true"
            ),
        ]);
    };
    let daemon = home.daemon();
    let comes = |unit: &str, wanted: &str| {
        until_within(WITHIN, "the action comes to rest", &mut || {
            action_for(&actions(&home), "shell-wall", unit)
                .is_some_and(|sheet| became(sheet) == wanted)
        });
    };
    breaks("looks");
    comes("looks", "ran");
    let there = host.inside(&["sh", "-c", "ls /etc/mine 2>&1; true"]);
    assert!(there.contains("No such file"), "{there}");
    let issues = home.json(&["issues", "list"], &[0]);
    let about = issues.as_array().expect("a list").iter().find(|issue| {
        issue["title"].as_str().is_some_and(|title| {
            title.contains("a step that should only look tried to write on shell-wall")
        })
    });
    let number = about.expect("an issue about it")["number"].to_string();

    breaks("again");
    comes("again", "held");
    let sheet = actions(&home);
    let held = action_for(&sheet, "shell-wall", "again").expect("it is held");
    assert!(
        held["action"]["state"]["because"][0]
            .as_str()
            .is_some_and(|why| why.contains("nothing runs by itself there")),
        "{}\n{}",
        held["action"]["state"],
        daemon.log()
    );

    host.inside(&["rm", "/usr/local/bin/uptime"]);
    home.run(&["issues", "resolve", &number, "--note", "it was a shim"])
        .ended_with(&[0]);
    breaks("later");
    comes("later", "ran");
}
