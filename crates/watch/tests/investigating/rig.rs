//! What a case needs beside a bridge: lanes to scripted models, and the words a model would say.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper_agent::Runbooks;
use watchkeeper_llm::{Lane, Ollama};
use watchkeeper_model::{IssueNumber, JobNumber, LogEntry};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_watch::view::IssueSheet;
use watchkeeper_watch::{LaneParts, LogFilter, Settings};

use crate::bridge::{Bridge, NGINX, settings};

/// A lane to a scripted model.
pub(crate) fn lane(server: &ModelServer, change: impl FnOnce(&mut Lane)) -> LaneParts {
    let mut lane = Lane::new(MODEL);
    lane.url = server.url().parse().expect("an address");
    lane.context = 32_768;
    change(&mut lane);
    let provider = Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    LaneParts { lane, provider }
}

/// Gives the watch these lanes and no runbook.
pub(crate) fn has(bridge: &Bridge, lanes: Vec<LaneParts>, change: impl FnOnce(&mut Settings)) {
    let mut settings = settings();
    change(&mut settings);
    let none: [(&str, &str); 0] = [];
    let runbooks = Runbooks::load(&none).expect("no runbooks are fine");
    bridge.watch.reload(settings, runbooks, lanes);
}

/// Gives the watch one lane to this model and no runbook.
pub(crate) fn has_model(bridge: &Bridge, server: &ModelServer) {
    has(bridge, vec![lane(server, |_| ())], |_| ());
}

/// A turn that calls tools.
pub(crate) fn calls(calls: &[(&str, Value)]) -> Turn {
    let ids: Vec<String> = (1..=calls.len()).map(|id| format!("id{id}")).collect();
    let calls = ids
        .iter()
        .zip(calls)
        .map(|(id, (name, arguments))| (id.as_str(), *name, arguments.clone()));
    Turn::calls_tools(calls)
}

/// A turn that concludes.
pub(crate) fn concludes(cause: &str, confidence: &str, evidence: &[&str]) -> Turn {
    calls(&[conclude(cause, confidence, evidence)])
}

pub(crate) fn conclude(cause: &str, confidence: &str, evidence: &[&str]) -> (&'static str, Value) {
    let said = json!({ "cause": cause, "confidence": confidence, "evidence": evidence });
    ("conclude", said)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "cases write the steps where they call it"
)]
pub(crate) fn propose(steps: Value, evidence: &[&str]) -> (&'static str, Value) {
    let said = json!({ "steps": steps, "reason": "it brings it back", "evidence": evidence });
    ("propose", said)
}

pub(crate) fn restart() -> Value {
    json!([{ "kind": "unit_restart", "unit": NGINX }])
}

/// Breaks nginx on the first host and has it found.
pub(crate) async fn broken(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.host().journal(
        NGINX,
        3,
        "bind() to 0.0.0.0:80 failed: address already in use",
    );
    bridge.check().await;
}

/// Serves everything that waits for the first lane.
pub(crate) async fn work(bridge: &Bridge) {
    while bridge
        .watch
        .work_once(0, &CancellationToken::new())
        .await
        .expect("the store answers")
    {}
}

/// The sheet of the issue about nginx on the first host.
pub(crate) async fn nginx_sheet(bridge: &Bridge) -> IssueSheet {
    sheet_of(bridge, IssueNumber(1)).await
}

pub(crate) async fn sheet_of(bridge: &Bridge, number: IssueNumber) -> IssueSheet {
    bridge.watch.issue(number).await.expect("an issue")
}

/// The texts of all entries of the log of this event.
pub(crate) async fn told(bridge: &Bridge, event: &str) -> Vec<String> {
    entries(bridge, event)
        .await
        .into_iter()
        .map(|entry| {
            let text = entry.record.body.get("text").and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        })
        .collect()
}

pub(crate) async fn entries(bridge: &Bridge, event: &str) -> Vec<LogEntry> {
    let filter = LogFilter {
        event: Some(event.to_owned()),
        limit: Some(1_000),
        ..LogFilter::default()
    };
    bridge.watch.log(&filter).await.expect("the log")
}

/// The state's word of a job.
pub(crate) async fn job_state(bridge: &Bridge, number: i64) -> String {
    let job = bridge.watch.job(JobNumber(number)).await.expect("a job");
    job.line.job.state.as_str().to_owned()
}

/// Every word that was ever said to a model.
pub(crate) fn all_said(server: &ModelServer) -> String {
    let bodies = server.generations();
    bodies.iter().map(Value::to_string).collect()
}

/// The text of the last tool's answers that a model was told, in order.
pub(crate) fn tool_texts(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| message["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}
