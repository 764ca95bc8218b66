//! The field names of every answer, as one snapshot: `--output json` and the API promise them, so a rename must be seen.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use watchkeeper_model::Entry;
use watchkeeper_server::ROUTES;
use watchkeeper_testkit::model_server::{ModelServer, Turn};
use watchkeeper_watch::view::{Before, Followed, JobEvent, LogVerdict};

use crate::bridge::NGINX;
use crate::document;
use crate::house::{House, ben, send};
use crate::talks::{begin, has_a_lane, works};

/// Fields whose own fields depend on the event or the kind they belong to.
const OPAQUE: [&str; 1] = ["body"];

/// The stream of what one job says.
const JOB_EVENTS: &str = "GET /v1/jobs/{number}/events";

/// The names of all fields in a value, with the way to each.
pub(crate) fn fields(value: &Value, way: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let way = format!("{way}.{name}");
                if !OPAQUE.contains(&name.as_str()) {
                    fields(value, &way, names);
                }
                names.insert(way);
            }
        }
        Value::Array(list) => {
            for value in list {
                fields(value, &format!("{way}[]"), names);
            }
        }
        _ => {}
    }
}

/// What each route answered: the names of its fields, and the first answer.
#[derive(Default)]
pub(crate) struct Shapes(pub(crate) BTreeMap<String, (BTreeSet<String>, Value)>);

impl Shapes {
    fn saw(&mut self, what: &str, answer: &Value) {
        let seen = self.0.entry(what.to_owned());
        let (names, _) = seen.or_insert_with(|| (BTreeSet::new(), answer.clone()));
        fields(answer, "", names);
    }

    fn saw_events(&mut self, what: &str, events: &[(String, Value)]) {
        for (name, event) in events {
            let what = match (name.as_str(), event["event"].as_str()) {
                ("run", Some(kind)) => format!("{what}: {name} {kind}"),
                // What a job says is the same in every stream that it is heard in.
                ("job", Some(kind)) => format!("{JOB_EVENTS}: {name} {kind}"),
                _ => format!("{what}: {name}"),
            };
            self.saw(&what, event);
        }
    }

    fn render(&self) -> String {
        let mut text = String::new();
        for (what, (names, _)) in &self.0 {
            text.push_str(what);
            text.push('\n');
            for name in names {
                text.push_str("  ");
                text.push_str(name);
                text.push('\n');
            }
        }
        text
    }
}

/// Asks every route once, of a house in which everything has happened.
async fn see_all() -> Shapes {
    let mut shapes = Shapes::default();
    let house = House::with_daemon().await.with_held_action().await;

    let edit = json!({
        "revision": 1,
        "steps": [{ "kind": "shell", "script": "echo one" }, { "kind": "unit_restart", "unit": NGINX }],
        "undo": [{ "kind": "unit_restart", "unit": NGINX }],
    });
    let edited = house
        .ask(&ben(), send(Method::PUT, "/v1/actions/0", &edit))
        .await;
    shapes.saw("PUT /v1/actions/{number}", &edited.json().await);
    let decision = house.decision(0).await;
    let approved = house.post("/v1/actions/0/approve", &decision).await;
    shapes.saw("POST /v1/actions/{number}/approve", &approved.json().await);
    let events = house.get("/v1/actions/0/events").await.events();
    let (_, events) = tokio::join!(house.bridge.run(0), events.rest());
    shapes.saw_events("GET /v1/actions/{number}/events", &events);

    house.bridge.host().unit(NGINX).fails("oom-kill");
    let report = house
        .post("/v1/checks", &json!({ "hosts": ["web1"] }))
        .await
        .events()
        .rest()
        .await;
    shapes.saw_events("POST /v1/checks", &report);
    see_reading(&house, &mut shapes).await;
    for (what, answer) in crate::knowing::answers(&house).await {
        shapes.saw(what, &answer);
    }

    let reason = json!({ "reason": "it is migrated today" });
    see_before(&house, &mut shapes).await;
    see_talks(&house, &mut shapes).await;
    for (what, answer) in crate::notices::answers(&house).await {
        shapes.saw(what, &answer);
    }
    for (what, answer) in crate::devices::answers(&house).await {
        shapes.saw(what, &answer);
    }
    let rejected = house.post("/v1/actions/1/reject", &reason).await;
    shapes.saw("POST /v1/actions/{number}/reject", &rejected.json().await);
    see_issues(&house, &mut shapes).await;
    let orders = "schema = 1\n[[order]]\nname = \"no repairs\"\ndecision = \"deny\"\nwhen = { hosts = [\"web1\"] }\n";
    let replay = json!({ "orders": orders, "days": 30 });
    let report = house.post("/v1/orders/replay", &replay).await;
    shapes.saw("POST /v1/orders/replay", &report.json().await);

    let key = house.get("/v1/hosts/web1/key").await.json().await;
    shapes.saw("GET /v1/hosts/{host}/key", &key);
    let enrol = json!({ "fingerprint": key["fingerprint"] });
    let enrolled = house.post("/v1/hosts/web1/enrol", &enrol).await;
    shapes.saw("POST /v1/hosts/{host}/enrol", &enrolled.json().await);
    house.bridge.host().goes_down().await;
    let report = house
        .post("/v1/checks", &json!({}))
        .await
        .events()
        .rest()
        .await;
    shapes.saw_events("POST /v1/checks", &report);
    shapes.saw(
        "GET /v1/systems",
        &house.get("/v1/systems").await.json().await,
    );
    let broken = LogVerdict::Broken {
        seq: 7,
        why: "the entry is not what was hashed".to_owned(),
    };
    shapes.saw("POST /v1/log/verify", &json!(broken));
    let problem = house.get("/v1/actions/77").await.problem().await;
    shapes.saw("problems", &problem);
    see_diagnosis(&mut shapes).await;
    see_ends_of_jobs(&mut shapes);
    shapes
}

/// A job that diagnoses, from where it waits to what it leaves on the sheets.
async fn see_diagnosis(shapes: &mut Shapes) {
    let cause = "nginx.service is failed [E1].";
    let looks = Turn::calls_tools([("c1", "unit_status", json!({ "unit": NGINX }))]);
    let steps = json!([{ "kind": "unit_restart", "unit": NGINX }]);
    let proposes = json!({ "steps": steps, "reason": "it brings it back", "evidence": ["E1"] });
    let concludes = json!({ "cause": cause, "confidence": "high", "evidence": ["E1"] });
    let server = ModelServer::start().await;
    server.does(looks).does(Turn::calls_tools([
        ("c2", "propose", proposes),
        ("c3", "conclude", concludes),
    ]));
    let (house, job) = crate::queue::house(&server).await;
    for (what, path) in [
        ("GET /v1/queue", "/v1/queue"),
        ("GET /v1/jobs/{number}", job.as_str()),
    ] {
        shapes.saw(what, &house.get(path).await.json().await);
    }
    crate::queue::works(&house).await;
    for (what, path) in [
        ("GET /v1/jobs/{number}", job.as_str()),
        ("GET /v1/issues/{number}", "/v1/issues/1"),
        ("GET /v1/actions/{number}", "/v1/actions/0"),
    ] {
        shapes.saw(what, &house.get(path).await.json().await);
    }
    assert_eq!(server.unused_turns(), 0, "the model was asked to the end");
}

/// What an issue's sheet says of a like one: the story here has none, but it has what is known of an action.
async fn see_before(house: &House, shapes: &mut Shapes) {
    let known = house.get("/v1/knowledge").await.json().await;
    let known: Vec<Entry> = serde_json::from_value(known).expect("entries");
    let before: Vec<Before> = known.into_iter().map(Before::from).collect();
    assert!(!before.is_empty(), "the action that is over is known");
    shapes.saw("GET /v1/issues/{number}", &json!({ "learned": before }));
}

/// The ends of a job that nothing here leads to.
fn see_ends_of_jobs(shapes: &mut Shapes) {
    let why = || "its lane failed".to_owned();
    for event in [
        JobEvent::PutBack { why: why() },
        JobEvent::Failed { why: why() },
        JobEvent::Cancelled,
    ] {
        let event = json!(Followed { seq: 4, event });
        shapes.saw_events(JOB_EVENTS, &[("job".to_owned(), event)]);
    }
}

async fn see_reading(house: &House, shapes: &mut Shapes) {
    let issue = house.bridge.nginx().await.issue.number;
    for (what, path) in [
        ("GET /v1/status", "/v1/status"),
        ("GET /v1/doctor", "/v1/doctor"),
        ("GET /v1/systems", "/v1/systems"),
        ("GET /v1/issues", "/v1/issues"),
        ("GET /v1/issues/{number}", &format!("/v1/issues/{issue}")),
        ("GET /v1/actions", "/v1/actions?all=true"),
        ("GET /v1/actions/{number}", "/v1/actions/0"),
        ("GET /v1/actions/{number}", "/v1/actions/1"),
        ("GET /v1/log", "/v1/log?event=action."),
    ] {
        shapes.saw(what, &house.get(path).await.json().await);
    }
    let export = house.get("/v1/log/export").await.bytes().await;
    let export = String::from_utf8_lossy(&export).into_owned();
    for line in export.lines() {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        shapes.saw("GET /v1/log/export", &entry);
    }
    let verdict = house.post("/v1/log/verify", &json!(null)).await;
    shapes.saw("POST /v1/log/verify", &verdict.json().await);
    let mut events = house.get("/v1/log/follow?after=0").await.events();
    let entry = events.next().await.expect("an entry");
    shapes.saw_events("GET /v1/log/follow", &[entry]);
}

/// A talk about the action that waits, and the job that answers.
async fn see_talks(house: &House, shapes: &mut Shapes) {
    let server = ModelServer::start().await.decides(|body| {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        match messages.last() {
            Some(last) if last["role"] == "tool" => {
                Turn::replies("The host was looked at just now [E1].").thinking("It is clear.")
            }
            _ => Turn::calls_tools([("c1", "facts", json!({ "host": "web1" }))]),
        }
    });
    has_a_lane(house, &server);
    let begun = begin(house, &json!({ "kind": "discuss", "action": 1 })).await;
    shapes.saw("POST /v1/conversations", &begun);
    let path = format!("/v1/conversations/{}", begun["number"]);
    let said = json!({ "text": "is it still so?" });
    let paused = house.post("/v1/queue/pause", &json!({})).await;
    shapes.saw("POST /v1/queue/pause", &paused.json().await);
    let mut events = house.post(&format!("{path}/said"), &said).await.events();
    let (_, asked) = events.next().await.expect("what was asked");
    let waits = events.next().await.expect("where it stands");
    assert_eq!(waits.1["event"], "waiting", "every lane is paused");
    shapes.saw_events("POST /v1/conversations/{number}/said", &[waits]);
    let job = format!("/v1/jobs/{}", asked["job"]);
    for what in ["cancel", "retry"] {
        let answer = house.post(&format!("{job}/{what}"), &json!({})).await;
        shapes.saw(
            &format!("POST /v1/jobs/{{number}}/{what}"),
            &answer.json().await,
        );
    }
    drop(events);
    let again = house.post(&format!("{job}/cancel"), &json!({})).await;
    assert!(matches!(again.status, 200 | 409), "{}", again.status);
    let resumed = house.post("/v1/queue/resume", &json!({})).await;
    shapes.saw("POST /v1/queue/resume", &resumed.json().await);
    let _working = works(house);
    let events = house.post(&format!("{path}/said"), &said).await.events();
    let events = events.rest().await;
    let job = format!("/v1/jobs/{}", events[0].1["job"]);
    shapes.saw_events("POST /v1/conversations/{number}/said", &events);
    for (what, path) in [
        ("GET /v1/conversations", "/v1/conversations?action=1"),
        ("GET /v1/conversations/{number}", path.as_str()),
        ("GET /v1/queue", "/v1/queue?all=true"),
        ("GET /v1/jobs/{number}", job.as_str()),
    ] {
        shapes.saw(what, &house.get(path).await.json().await);
    }
    let events = house.get(&format!("{job}/events")).await.events();
    shapes.saw_events(JOB_EVENTS, &events.rest().await);
    for what in ["pause", "resume"] {
        let path = format!("/v1/queue/{what}");
        let answer = house.post(&path, &json!({ "lane": "local" })).await;
        shapes.saw(&format!("POST {path}"), &answer.json().await);
    }
    let sheet = house.get("/v1/actions/1").await.json().await;
    shapes.saw("GET /v1/actions/{number}", &sheet);
}

async fn see_issues(house: &House, shapes: &mut Shapes) {
    let new = json!({ "title": "the printer smells", "severity": "warning", "host": "web1" });
    let made = house.post("/v1/issues", &new).await.json().await;
    let number = made["number"].clone();
    shapes.saw("POST /v1/issues", &made);
    for what in ["notes", "ack", "resolve", "close"] {
        let path = format!("/v1/issues/{number}/{what}");
        let sheet = house
            .post(&path, &json!({ "note": "seen to" }))
            .await
            .json()
            .await;
        shapes.saw(&format!("POST /v1/issues/{{number}}/{what}"), &sheet);
    }
}

#[tokio::test]
async fn the_field_names_of_every_answer_are_a_promise() {
    let shapes = see_all().await;
    for route in &ROUTES {
        let what = format!("{} {}", route.method, route.path);
        assert!(
            shapes.0.keys().any(|seen| seen.starts_with(&what)),
            "{what} was not asked"
        );
    }
    insta::assert_snapshot!(shapes.render());
    document::is_true(&shapes);
}

#[tokio::test]
#[ignore = "prints an example of every answer, for docs/api.md"]
async fn examples_for_the_document() {
    for (what, (_, answer)) in see_all().await.0 {
        let answer = document::example(&answer);
        println!("#### {what}\n\n```json answer\n{answer}\n```\n");
    }
}
