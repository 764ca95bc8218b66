//! A repair that takes its time on a real host: nginx was killed there, and the only action counts its executions in a
//! file, waits until the test lets it go on, and starts nginx again. So a test can do something at any moment of it.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::binary::{Home, until_within};
use crate::lab::{Host, Lab};

/// How long anything on the way may take; far more than it does.
const LONG: Duration = Duration::from_secs(90);
/// Adds a line for every execution, then waits for the test, at most a minute.
pub const SCRIPT: &str = "echo x >> /var/tmp/executions\n\
    tries=0\n\
    while [ ! -e /var/tmp/go ] && [ $tries -lt 600 ]; do sleep 0.1; tries=$((tries + 1)); done\n\
    systemctl start nginx\n";
/// What the log tells of an action that was executed once and helped, each once.
const STORY: [&str; 5] = [
    "action.approved",
    "action.running",
    "run.step_asked",
    "run.step_ended",
    "action.fixed",
];

/// The repair, and where it happens.
#[derive(Debug)]
pub struct Repair {
    /// Its host is the only one.
    pub lab: Lab,
    /// Whose watch it is.
    pub home: Home,
}

impl Repair {
    /// A fresh host of this name with nginx killed, and action 0 held, the slow repair in the place of what was
    /// proposed. `settle_s` is how long after the step is looked whether it helped.
    ///
    /// # Panics
    /// When anything does not go as it should.
    #[must_use]
    pub fn held(name: &str, settle_s: u32) -> Self {
        let lab = Lab::up(&[name]);
        let home = watching(Home::new(), &lab, settle_s, "");
        lab.hosts[0].fault(&["svc-crash"]);
        home.run(&["check"]).ended_with(&[2]);
        slowly(&home, "0");
        let repair = Self { lab, home };
        assert_eq!(repair.state(), "held");
        repair
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.lab.hosts[0]
    }

    /// Approves action 0 without waiting for what becomes of it.
    ///
    /// # Panics
    /// When it is refused.
    pub fn approve(&self) {
        self.home
            .run(&["approve", "0", "--no-wait"])
            .ended_with(&[0]);
    }

    /// The state of action 0.
    ///
    /// # Panics
    /// When nobody tells.
    #[must_use]
    pub fn state(&self) -> String {
        let sheet = self.home.json(&["approve", "show", "0"], &[0]);
        word(&sheet["action"]["state"]["state"])
    }

    /// Waits until action 0 has this state.
    ///
    /// # Panics
    /// When it comes to rest in another, or takes too long.
    pub fn becomes(&self, wanted: &str) {
        let mut state = String::new();
        until_within(LONG, &format!("action 0 is {wanted}"), &mut || {
            state = self.state();
            let rests = !["approved", "running", "verifying"].contains(&state.as_str());
            assert!(state == wanted || !rests, "action 0 is {state}: {self:#?}");
            state == wanted
        });
    }

    /// Fails if action 0 leaves this state within so long.
    ///
    /// # Panics
    /// When it does.
    pub fn stays(&self, wanted: &str, span: Duration) {
        let since = Instant::now();
        until_within(LONG, "a while has passed", &mut || {
            assert_eq!(self.state(), wanted, "{self:#?}");
            since.elapsed() >= span
        });
    }

    /// Waits until the step runs on the host.
    ///
    /// # Panics
    /// When it does not begin.
    pub fn begins(&self) {
        until_within(LONG, "the step begins", &mut || self.executions() > 0);
    }

    /// Lets the step go on, and waits until nginx runs again.
    ///
    /// # Panics
    /// When it does not.
    pub fn goes_on(&self) {
        self.let_go();
        until_within(LONG, "nginx runs again", &mut || {
            let state = self
                .host()
                .inside(&["systemctl", "show", "-P", "ActiveState", "nginx"]);
            state.trim() == "active"
        });
    }

    /// Lets the step go on.
    ///
    /// # Panics
    /// When the host cannot be entered.
    pub fn let_go(&self) {
        self.host().inside(&["touch", "/var/tmp/go"]);
    }

    /// How often the step was begun, as the host has it.
    ///
    /// # Panics
    /// When the host cannot be entered.
    #[must_use]
    pub fn executions(&self) -> usize {
        executions(self.host())
    }

    /// Fails unless everything happened exactly once: on the host, in the log, and with nothing left behind.
    ///
    /// # Panics
    /// When it did not.
    pub fn happened_once(&self) {
        assert_eq!(self.executions(), 1, "executed more or less than once");
        assert_eq!(self.host().truth(), Vec::<String>::new());
        assert_eq!(nothing_left(self.host()), "");
        told_once(&self.home, "0");
        let issues = self.home.json(&["issues", "list", "--all"], &[0]);
        let states: Vec<String> = list(&issues).iter().map(|i| word(&i["state"])).collect();
        assert!(states.iter().all(|state| state == "resolved"), "{issues:#}");
    }
}

/// Has a home watch these hosts, at `suggest` and seldom by itself, and trust their keys. `more` stands before the
/// sections.
///
/// # Panics
/// When the configuration cannot be written, or a key is not accepted.
#[must_use]
pub fn watching(home: Home, lab: &Lab, settle_s: u32, more: &str) -> Home {
    let config = config(&home, settle_s, more);
    let home = home.config(&lab.config(&config));
    enrol(lab, &home);
    home
}

fn config(home: &Home, settle_s: u32, more: &str) -> String {
    let runbooks = home.path().join("runbooks");
    std::fs::create_dir_all(&runbooks).expect("a directory can be made");
    let shipped = include_str!("../../runbooks/unit-failed.toml");
    let quick = shipped.replace("settle_s = 10", &format!("settle_s = {settle_s}"));
    std::fs::write(runbooks.join("unit-failed.toml"), quick).expect("a file can be written");
    // One account edits and approves here, which somebody must have ordered.
    let orders = home.path().join("orders.toml");
    std::fs::write(&orders, "schema = 1\nown_requests = \"allow\"\n")
        .expect("a file can be written");
    format!(
        "{more}\n[policy]\nautonomy = \"suggest\"\n[watch]\ninterval = \"10m\"\njitter = \"0s\"\n\
         [run]\nlease = \"5s\"\nverify_pause = \"1s\"\n[runbooks]\ndir = \"{}\"\n[orders]\nfile = \"{}\"\n",
        runbooks.display(),
        orders.display()
    )
}

/// Has these hosts' keys trusted.
///
/// # Panics
/// When they are not accepted.
pub fn enrol(lab: &Lab, home: &Home) {
    for host in &lab.hosts {
        let fingerprint = host.fingerprint();
        home.run(&["enrol", &host.name, "--fingerprint", &fingerprint])
            .ended_with(&[0]);
    }
}

/// Puts the slow repair in the place of what this action would do.
///
/// # Panics
/// When it is refused.
pub fn slowly(home: &Home, number: &str) {
    let edit = home.path().join("edit.json");
    let text = json!({
        "reason": "one step that takes its time",
        "steps": [{ "kind": "shell", "script": SCRIPT }]
    });
    std::fs::write(&edit, text.to_string()).expect("a file can be written");
    let edit = edit.to_string_lossy();
    home.run(&["approve", "edit", number, "--file", &edit])
        .ended_with(&[0]);
}

/// How often the slow repair was begun on a host.
///
/// # Panics
/// When the host cannot be entered.
#[must_use]
pub fn executions(host: &Host) -> usize {
    let told = host.inside(&["sh", "-c", "cat /var/tmp/executions 2>/dev/null || true"]);
    told.lines().count()
}

/// Runs and units of ours that are still on a host; the mark that keeps a run from beginning again may stay.
///
/// # Panics
/// When the host cannot be entered.
#[must_use]
pub fn nothing_left(host: &Host) -> String {
    let look = "systemctl list-units --all --plain --no-legend 'watchkeeper-*'\n\
        find /run/watchkeeper-runs /var/lib/watchkeeper-runs -type f ! -name wiped 2>/dev/null || true";
    let mut left = String::new();
    let mut none = || {
        left = host.inside(&["sh", "-c", look]);
        left.is_empty()
    };
    until_within(LONG, "nothing is left on the host", &mut none);
    left
}

/// Fails unless the log is intact, and tells of an action that was executed once and helped.
///
/// # Panics
/// When it is not, or does not.
pub fn told_once(home: &Home, number: &str) {
    home.run(&["log", "verify"]).ended_with(&[0]);
    let told = events(home, number);
    for event in STORY {
        let times = told.iter().filter(|one| *one == event).count();
        assert_eq!(times, 1, "{event} is told {times} times: {told:?}");
    }
}

/// The events of an action, oldest first.
///
/// # Panics
/// When the log cannot be read.
#[must_use]
pub fn events(home: &Home, number: &str) -> Vec<String> {
    let page = home.json(&["logs", "--action", number, "-n", "500"], &[0]);
    list(&page["entries"])
        .iter()
        .map(|entry| word(&entry["event"]))
        .collect()
}

/// Starts a command and does not wait for it.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn started(home: &Home, words: &[&str]) -> Child {
    let mut command = home.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
