//! The mind on a real host, over the built binary and a scripted model: a job fails, the small model sorts it, the main one
//! looks with three tools and proposes what its evidence supports, a person asks about it, has it changed and approves it,
//! it is run and verified, and the next like failure shows what was done. What is asserted of the host is what the lab says.

use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Daemon, Home, until_within};
use watchkeeper_tests::lab::Lab;

const BACKUP: &str = "backup.service";
const SMALL: &str = "tiny:1b";
/// How long a look, a diagnosis or a run may take.
const SOON: std::time::Duration = std::time::Duration::from_secs(90);

/// What the models say: each generation is decided by what was asked, so that it does not matter when.
fn answer(body: &Value) -> Turn {
    if body["model"] == SMALL {
        let sorted =
            json!({ "needs_main": true, "kind": "service", "cause": null, "evidence": [] });
        return Turn::replies(sorted.to_string());
    }
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let asked: String = messages.iter().map(text).collect();
    let has_looked = messages.iter().any(|message| message["role"] == "tool");
    if !asked.contains("A person asks about action") {
        return if has_looked { proposes() } else { looks() };
    }
    let person = asked.rsplit("The person says:").next().unwrap_or_default();
    if person.contains("directory") {
        return revises();
    }
    Turn::replies(
        "It makes /etc/backup.conf name the directory that is there, and starts the backup again.",
    )
}

fn looks() -> Turn {
    Turn::calls_tools([
        ("a", "unit_status", json!({ "unit": BACKUP })),
        ("b", "logs", json!({ "unit": BACKUP, "since": "1h" })),
        ("c", "read_file", json!({ "path": "/etc/backup.conf" })),
    ])
}

fn proposes() -> Turn {
    let steps = json!([
        { "kind": "shell", "script": "sed -i 's|/srv/archive|/srv/data|' /etc/backup.conf" },
        { "kind": "unit_start", "unit": BACKUP },
    ]);
    let cause = "The unit backup.service is failed [E1]. Its target /srv/archive stands in /etc/backup.conf [E3].";
    Turn::calls_tools([
        (
            "d",
            "propose",
            json!({ "steps": steps, "reason": "its target is not there", "evidence": ["E1", "E3"] }),
        ),
        (
            "e",
            "conclude",
            json!({ "cause": cause, "confidence": "high", "evidence": ["E1", "E3"] }),
        ),
    ])
}

/// What a person has changed: the directory is made, and the configuration stays.
fn revises() -> Turn {
    let steps = json!([
        { "kind": "shell", "script": "mkdir -p /srv/archive" },
        { "kind": "unit_start", "unit": BACKUP },
    ]);
    let change =
        json!({ "steps": steps, "reason": "the directory is made instead", "evidence": ["E1"] });
    Turn::calls_tools([("f", "propose", change)])
}

/// A home that watches the lab's host, with the runbook for failed jobs put aside, so that a model is asked.
fn watching(lab: &Lab, server: &ModelServer) -> (Home, tempfile::TempDir) {
    let runbooks = tempfile::tempdir().expect("a directory can be made");
    for name in ["unit-failed", "unit-failed-job", "unit-failed-timer"] {
        let shipped = std::fs::read_to_string(format!(
            "{}/../runbooks/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        ));
        let silenced = format!("enabled = false\n{}", shipped.expect("a shipped runbook"));
        std::fs::write(runbooks.path().join(format!("{name}.toml")), silenced)
            .expect("a file can be written");
    }
    let config = format!(
        "[policy]\nautonomy = \"suggest\"\n[orders]\nfile = \"{orders}\"\n\
         [watch]\ninterval = \"5s\"\njitter = \"0s\"\n[runbooks]\ndir = \"{dir}\"\n\
         [[lanes]]\nmodel = \"{MODEL}\"\ntriage_model = \"{SMALL}\"\ncontext = 32768\nurl = \"{url}\"\n",
        orders = runbooks.path().join("orders").display(),
        dir = runbooks.path().display(),
        url = server.url(),
    );
    std::fs::write(
        runbooks.path().join("orders"),
        "schema = 1\nown_requests = \"allow\"\n",
    )
    .expect("a file can be written");
    let home = Home::new().config(&lab.config(&config));
    for host in &lab.hosts {
        home.run(&["enrol", &host.name, "--fingerprint", &host.fingerprint()])
            .ended_with(&[0]);
    }
    (home, runbooks)
}

fn waits(home: &Home, daemon: &Daemon, number: usize, state: &str) {
    until_within(SOON, &format!("action {number} is {state}"), &mut || {
        let actions = home.json(&["approve", "list", "--all"], &[0]);
        let found = actions.as_array().is_some_and(|list| {
            list.iter()
                .any(|action| action["number"] == number && action["state"] == state)
        });
        assert!(!daemon.log().contains("broke down"), "{}", daemon.log());
        found
    });
}

fn backup_issue(home: &Home, state: &str) -> String {
    let issues = home.json(&["issues", "list", "--all"], &[0]);
    let found = issues.as_array().expect("a list").iter().find(|issue| {
        issue["title"].as_str().is_some_and(|t| t.contains(BACKUP)) && issue["state"] == state
    });
    let issue = found.unwrap_or_else(|| panic!("no {state} issue about {BACKUP}: {issues:#}"));
    issue["number"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_investigated_discussed_changed_approved_repaired_and_remembered() {
    let lab = Lab::up(&["story-mind"]);
    let host = &lab.hosts[0];
    let server = ModelServer::start().await.decides(answer);
    server.has(FakeModel::chat(SMALL, 32_768));
    let (home, _runbooks) = watching(&lab, &server);
    let daemon = home.daemon();

    host.fault(&["timer-fail"]);
    waits(&home, &daemon, 0, "held");
    let models: Vec<String> = server
        .generations()
        .iter()
        .map(|body| body["model"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        models.first().map(String::as_str),
        Some(SMALL),
        "the small one sorts first"
    );
    assert!(models.iter().any(|model| model == MODEL));

    let issue = backup_issue(&home, "open");
    let shown = home.run(&["issues", "show", &issue]).stdout();
    for cited in ["E1", "E3", "/srv/archive", "backup.service is failed"] {
        assert!(shown.contains(cited), "{cited} is not shown:\n{shown}");
    }
    let before = home.json(&["approve", "show", "0"], &[0]);
    assert_eq!(before["action"]["revision"], 1);
    assert_eq!(before["action"]["proposer"]["kind"], "model");
    assert_eq!(host.truth(), ["timer-fail"], "nothing was done yet");

    let typed = "Why is that needed?\nyes, do it\n\
                 Leave the configuration and make the directory instead\napprove 0\n";
    let talked = home.piped(&["approve", "discuss", "0"], typed);
    talked.ended_with(&[0]);
    let said = talked.stdout();
    for part in [
        "name the directory",
        "revision 2",
        "mkdir -p /srv/archive",
        "fixed",
    ] {
        assert!(said.contains(part), "{part} is not shown:\n{said}");
    }
    assert_eq!(host.truth(), Vec::<String>::new(), "{}", daemon.log());
    let conf = host.inside(&["cat", "/etc/backup.conf"]);
    assert!(
        conf.contains("/srv/archive"),
        "the first revision was never run: {conf}"
    );

    let after = home.json(&["approve", "show", "0"], &[0]);
    assert_eq!(after["action"]["revision"], 2);
    assert_eq!(after["action"]["state"]["state"], "fixed");
    let sheet = home.run(&["approve", "show", "0"]).stdout();
    assert!(
        sheet.contains("conversation 1"),
        "the talk is kept with it:\n{sheet}"
    );

    // The next like failure: another target that is not there.
    let asked_before = server.generations().len();
    host.inside(&[
        "sh",
        "-c",
        "echo target=/srv/elsewhere >/etc/backup.conf; systemctl start backup.service || true",
    ]);
    waits(&home, &daemon, 1, "held");
    let issue = backup_issue(&home, "open");
    let shown = home.run(&["issues", "show", &issue]).stdout();
    assert!(
        shown.contains("before:") && shown.contains("(action 0)"),
        "{shown}"
    );
    // The model says the same again, and this time what it cites does not show it.
    let unsupported = "/srv/archive does not stand in E3";
    let sheet = home.json(&["issues", "show", &issue], &[0]);
    assert!(
        sheet["diagnosed"].to_string().contains(unsupported),
        "{sheet:#}"
    );
    let prompts: String = server.generations()[asked_before..]
        .iter()
        .map(Value::to_string)
        .collect();
    assert!(
        prompts.contains("mkdir -p /srv/archive"),
        "the model is told what was done then: {prompts}"
    );
    home.run(&["log", "verify"]).ended_with(&[0]);
}
