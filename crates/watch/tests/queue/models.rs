//! Lanes of which one model is missing, and lanes whose models may call no tools.

use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{BreakerSettings, ToolsSwitch};
use watchkeeper_model::{JobState, Span};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn};
use watchkeeper_watch::view::{LaneState, LaneView};
use watchkeeper_watch::{QueueQuery, Taught};

use crate::bridge::{Bridge, MINUTE, ann};
use crate::on_both;
use crate::rig::{Working, diagnosis, fails, has_lanes, jobs, lane, until_done};

on_both! {
    a_triage_model_that_is_missing_blames_no_other;
    an_embedding_model_that_is_missing_blames_no_other;
    an_embedding_model_that_is_missing_is_asked_once_however_much_is_known;
    a_model_that_makes_no_vectors_is_given_up_with_its_servers_words;
    a_lane_without_tools_answers_where_another_fails;
}

async fn lane_view(bridge: &Bridge, name: &str) -> LaneView {
    Working::start(&bridge.watch).told().await;
    let view = bridge.watch.queue(&QueueQuery::default()).await;
    let lanes = view.expect("a view").lanes;
    let found = lanes.into_iter().find(|lane| lane.name == name);
    found.expect("it was told of")
}

async fn serves(bridge: &Bridge) -> bool {
    let stop = CancellationToken::new();
    let served = bridge.watch.work_once(0, &stop).await;
    served.expect("the store answers")
}

pub(crate) async fn a_triage_model_that_is_missing_blames_no_other(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let mut lacking = lane("gpu", &server);
    lacking.triage_model = Some("absent:1b".to_owned());
    has_lanes(&bridge.watch, vec![lacking]);
    // What is critical goes to the main model in any case; these are not.
    for user in 0..3 {
        let unit = format!("user@{user}.service");
        bridge.host().unit(&unit).fails("exit-code");
    }
    bridge.check().await;
    for _ in 0..3 {
        assert!(serves(&bridge).await, "no pause comes between");
    }
    for job in jobs(&bridge).await {
        assert!(matches!(job.state, JobState::Done { .. }), "{job:?}");
        assert_eq!(job.attempts, 1);
    }
    let view = lane_view(&bridge, "gpu").await;
    assert_eq!(
        (view.state, view.breaker.as_str()),
        (LaneState::Idle, "closed")
    );
    let fault = view.fault.unwrap_or_default();
    assert!(fault.contains("absent:1b"), "and yet it is told: {fault}");
}

pub(crate) async fn an_embedding_model_that_is_missing_blames_no_other(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let mut lacking = lane("gpu", &server);
    lacking.embedding_model = Some("absent-embed".to_owned());
    has_lanes(&bridge.watch, vec![lacking]);
    teach(&bridge, 1).await;
    assert!(serves(&bridge).await, "it asks for vectors");
    fails(&bridge, 2).await;
    for _ in 0..2 {
        assert!(serves(&bridge).await, "what is asked is answered still");
    }
    let answered = jobs(&bridge)
        .await
        .into_iter()
        .filter(|job| matches!(job.state, JobState::Done { .. }))
        .count();
    assert_eq!(answered, 2);
    let view = lane_view(&bridge, "gpu").await;
    assert_eq!(
        (view.state, view.breaker.as_str()),
        (LaneState::Idle, "closed")
    );
    let fault = view.fault.unwrap_or_default();
    assert!(
        fault.contains("absent-embed"),
        "and yet it is told: {fault}"
    );
}

async fn teach(bridge: &Bridge, entries: usize) {
    for entry in 0..entries {
        let taught = Taught {
            title: format!("nginx {entry}"),
            text: "It is restarted on Mondays.".to_owned(),
            kind: "note".to_owned(),
            host: None,
            labels: Vec::new(),
            expires_at: None,
        };
        bridge.watch.add_entry(ann(), taught).await.expect("kept");
    }
}

/// Requests about a model, whatever is asked of it.
fn asked_about(server: &ModelServer, model: &str) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.body["model"] == model)
        .count()
}

fn asked_to_embed(server: &ModelServer) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.path == "/api/embed")
        .count()
}

pub(crate) async fn an_embedding_model_that_is_missing_is_asked_once_however_much_is_known(
    bridge: Bridge,
) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let mut lacking = lane("gpu", &server);
    lacking.embedding_model = Some("late-embed".to_owned());
    has_lanes(&bridge.watch, vec![lacking]);
    teach(&bridge, 40).await;
    while serves(&bridge).await {}
    assert_eq!(
        asked_about(&server, "late-embed"),
        1,
        "and then it is left alone"
    );
    let waiting = jobs(&bridge).await.remove(0);
    assert!(
        matches!(waiting.state, JobState::Queued { .. }),
        "{waiting:?}"
    );
    assert_eq!(waiting.attempts, 0, "it was not tried");
    let server = server.has(FakeModel::embedding("late-embed"));
    bridge.clock.advance(10 * MINUTE);
    while serves(&bridge).await {}
    let done = jobs(&bridge).await.remove(0);
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
    assert_eq!(asked_to_embed(&server), 2, "forty entries in two batches");
}

pub(crate) async fn a_model_that_makes_no_vectors_is_given_up_with_its_servers_words(
    bridge: Bridge,
) {
    let server = ModelServer::start().await.always_replies(diagnosis());
    let mut lane = lane("gpu", &server);
    lane.embedding_model = Some(MODEL.to_owned());
    has_lanes(&bridge.watch, vec![lane]);
    teach(&bridge, 40).await;
    while serves(&bridge).await {}
    let JobState::Failed { why, .. } = jobs(&bridge).await.remove(0).state else {
        panic!("it is given up");
    };
    assert!(
        why.contains("makes no vectors on lane gpu")
            && why.contains("this model does not support embeddings"),
        "{why}"
    );
    assert_eq!(
        asked_to_embed(&server),
        3,
        "a batch, one of it, and a plain text"
    );
}

pub(crate) async fn a_lane_without_tools_answers_where_another_fails(bridge: Bridge) {
    let broken = ModelServer::start()
        .await
        .decides(|_| Turn::slams_the_door());
    let plain = ModelServer::start().await.always_replies(diagnosis());
    let mut second = lane("plain", &plain);
    second.tools = ToolsSwitch::Off;
    second.standby_for = vec!["able".to_owned()];
    let mut first = lane("able", &broken);
    first.breaker = BreakerSettings {
        failures: 1,
        pause: Span::minutes(10),
        longest: Span::minutes(10),
    };
    has_lanes(&bridge.watch, vec![first, second]);
    fails(&bridge, 1).await;
    assert!(serves(&bridge).await, "the first lane tries");
    let tried = jobs(&bridge).await.remove(0);
    assert_eq!(tried.attempts, 1, "{tried:?}");
    bridge.clock.advance(MINUTE);
    let working = Working::start(&bridge.watch);
    let done = until_done(&bridge, tried.number).await;
    working.stop().await;
    assert!(matches!(done.state, JobState::Done { .. }), "{done:?}");
    let asked = plain.generations();
    assert!(!asked.is_empty(), "it stood by for this");
    for body in asked {
        let none = body["tools"].as_array().is_none_or(Vec::is_empty);
        assert!(none, "no tools are offered to it: {body}");
        assert!(body["format"].is_object(), "it is asked for JSON: {body}");
    }
}
