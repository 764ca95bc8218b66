//! Who somebody is comes from the kernel's word about the other end of the socket, and from nothing that is sent.
//! These cases take other accounts' places, which only root can; run by anybody else they prove nothing.

use std::process::Output;

use nix::unistd::{Gid, Group, Uid, User};
use serde_json::{Value, json};
use watchkeeper_server::Gate;

use crate::house::{House, Served};

/// Two accounts that every system can have, whether it names them or not.
const STRANGER: u32 = 65_534;
const OTHER: u32 = 4_242;
/// A group that no account has as its own here.
const NO_GROUP: u32 = 4_343;

fn gate(daemon_uid: u32) -> Gate {
    Gate {
        operators_group: group_of_gid_one(),
        daemon_uid: Some(daemon_uid),
    }
}

/// The name of a group that every system has.
fn group_of_gid_one() -> String {
    let group = Group::from_gid(Gid::from_raw(1)).expect("asked");
    group.expect("every system has it").name
}

fn name_of(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).expect("asked");
    user.map_or_else(|| format!("uid {uid}"), |user| user.name)
}

fn is_root() -> bool {
    Uid::effective().is_root()
}

/// An account that asks with curl.
struct Account {
    uid: u32,
    gid: u32,
    headers: Vec<&'static str>,
}

impl Account {
    fn new(uid: u32, gid: u32) -> Self {
        let headers = Vec::new();
        Self { uid, gid, headers }
    }

    fn pretending(mut self, headers: &[&'static str]) -> Self {
        self.headers.extend(headers);
        self
    }

    async fn ask(&self, served: &Served, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut words = vec![
            format!("--reuid={}", self.uid),
            format!("--regid={}", self.gid),
            "--clear-groups".to_owned(),
            "curl".to_owned(),
            "--silent".to_owned(),
            "--show-error".to_owned(),
            "--max-time".to_owned(),
            "30".to_owned(),
            "--write-out".to_owned(),
            "\n%{http_code}".to_owned(),
            "--unix-socket".to_owned(),
            served.socket.display().to_string(),
        ];
        for header in &self.headers {
            words.extend(["--header".to_owned(), (*header).to_owned()]);
        }
        if let Some(body) = body {
            let kind = "content-type: application/json".to_owned();
            words.extend([
                "--header".to_owned(),
                kind,
                "--data".to_owned(),
                body.to_string(),
            ]);
        }
        words.push(format!("http://watchkeeper{path}"));
        let output = tokio::task::spawn_blocking(move || setpriv(&words))
            .await
            .expect("it ran");
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, status) = text
            .rsplit_once('\n')
            .unwrap_or_else(|| panic!("curl said: {}", String::from_utf8_lossy(&output.stderr)));
        (
            status.parse().expect("a status"),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }

    async fn approve(&self, served: &Served) -> (u16, Value) {
        let body = served.house.decision(0).await;
        self.ask(served, "/v1/actions/0/approve", Some(&body)).await
    }
}

fn setpriv(words: &[String]) -> Output {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test takes another account's place"
    )]
    std::process::Command::new("setpriv")
        .args(words)
        .output()
        .expect("setpriv is there")
}

#[tokio::test]
async fn a_stranger_may_look_and_not_decide_whatever_they_say_they_are() {
    if !is_root() {
        return;
    }
    let house = House::with_daemon().await.with_held_action().await;
    let served = house.at_a_socket(gate(OTHER)).await;
    let pretending = [
        "X-Remote-User: root",
        "X-Forwarded-User: root",
        "Remote-User: root",
        "Authorization: Basic cm9vdDpyb290",
        "X-Watchkeeper-Uid: 0",
        "X-Watchkeeper-Role: operator",
        "Forwarded: for=127.0.0.1;by=root",
        "Cookie: uid=0",
        "From: root@localhost",
    ];
    for stranger in [
        Account::new(STRANGER, NO_GROUP),
        Account::new(STRANGER, NO_GROUP).pretending(&pretending),
    ] {
        let (status, sheet) = stranger.ask(&served, "/v1/actions/0", None).await;
        assert_eq!((status, &sheet["action"]["number"]), (200, &json!(0)));
        let (status, problem) = stranger.approve(&served).await;
        assert_eq!((status, &problem["type"]), (403, &json!("forbidden")));
        let title = problem["title"].as_str().expect("a title");
        assert!(title.starts_with(&name_of(STRANGER)), "{title}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|advice| advice.contains("operators")),
            "{problem}"
        );
        for body in [json!({ "title": "x", "severity": "info" }), json!({})] {
            let (status, _) = stranger
                .ask(&served, "/v1/issues?uid=0&role=operator", Some(&body))
                .await;
            assert_eq!(status, 403);
        }
    }
    assert_eq!(served.house.bridge.state(0).await, "held");
    assert!(served.house.bridge.log("action.approved").await.is_empty());
}

#[tokio::test]
async fn root_decides_and_the_log_says_root_did() {
    if !is_root() {
        return;
    }
    let house = House::with_daemon().await.with_held_action().await;
    let served = house.at_a_socket(gate(OTHER)).await;
    let root = Account::new(0, 0).pretending(&["X-Remote-User: ann", "From: ann@localhost"]);
    let (status, sheet) = root.approve(&served).await;
    assert_eq!(status, 200, "{sheet}");
    let by = &sheet["action"]["state"]["approval"]["by"]["person"];
    assert_eq!(*by, json!({ "name": name_of(0), "uid": 0 }));
    let log = served
        .house
        .get("/v1/log?event=action.approved")
        .await
        .json()
        .await;
    let actor = &log["entries"][0]["actor"];
    assert_eq!(
        *actor,
        json!({ "kind": "person", "name": name_of(0), "uid": 0 })
    );
}

#[tokio::test]
async fn a_member_of_the_operators_group_decides_under_their_own_name() {
    if !is_root() {
        return;
    }
    let house = House::with_daemon().await.with_held_action().await;
    let served = house.at_a_socket(gate(OTHER)).await;
    let (status, problem) = Account::new(STRANGER, NO_GROUP).approve(&served).await;
    assert_eq!(status, 403, "{problem}");
    let (status, sheet) = Account::new(STRANGER, 1).approve(&served).await;
    assert_eq!(status, 200, "{sheet}");
    let log = served
        .house
        .get("/v1/log?event=action.approved")
        .await
        .json()
        .await;
    let actor = &log["entries"][0]["actor"];
    assert_eq!(
        *actor,
        json!({ "kind": "person", "name": name_of(STRANGER), "uid": STRANGER })
    );
}

#[tokio::test]
async fn the_daemons_own_account_never_decides_not_even_as_a_member_of_the_group() {
    if !is_root() {
        return;
    }
    let house = House::with_daemon().await.with_held_action().await;
    let served = house.at_a_socket(gate(STRANGER)).await;
    for gid in [NO_GROUP, 1] {
        let daemon = Account::new(STRANGER, gid);
        let (status, problem) = daemon.approve(&served).await;
        assert_eq!(status, 403, "{problem}");
        let title = problem["title"].as_str().expect("a title");
        assert!(
            title.contains("the daemon's own account may never"),
            "{title}"
        );
        let body = json!({ "title": "seen by a script", "severity": "info" });
        let (status, _) = daemon.ask(&served, "/v1/issues", Some(&body)).await;
        assert_eq!(status, 200, "it may keep issues");
    }
    assert_eq!(served.house.bridge.state(0).await, "held");
}

#[tokio::test]
async fn a_gate_that_knows_no_daemon_opens_to_nobody_for_that() {
    if !is_root() {
        return;
    }
    let house = House::with_daemon().await.with_held_action().await;
    let gate = Gate {
        operators_group: "no-such-group-here".to_owned(),
        daemon_uid: None,
    };
    let served = house.at_a_socket(gate).await;
    let (status, problem) = Account::new(STRANGER, NO_GROUP).approve(&served).await;
    assert_eq!(status, 403, "{problem}");
}
