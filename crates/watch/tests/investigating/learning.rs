//! What was done is learned with its outcome, without any model, and the next like finding shows it.

use serde_json::json;
use watchkeeper_model::{Collection, IssueNumber};
use watchkeeper_testkit::model_server::ModelServer;
use watchkeeper_watch::{Edit, EntryQuery, Ran};

use crate::bridge::{Bridge, MINUTE, NGINX, ann};
use crate::on_both;
use crate::rig::{
    all_said, broken, calls, conclude, concludes, has_model, nginx_sheet, propose, restart, work,
};

on_both! {
    what_a_repair_brought_is_shown_at_the_next_like_finding;
    a_rejection_is_learned_with_its_reason;
}

/// By a runbook, without any model.
pub(crate) async fn what_a_repair_brought_is_shown_at_the_next_like_finding(mut bridge: Bridge) {
    bridge.add_host().await;
    broken(&bridge).await;
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    let learned = outcomes(&bridge).await;
    assert_eq!(learned.len(), 1);
    assert_eq!(learned[0].kind, "outcome");
    assert!(
        learned[0]
            .title
            .starts_with(&format!("restart {NGINX}, fixed in ")),
        "{learned:?}"
    );
    assert!(
        learned[0].labels.contains(&"check:units".to_owned()),
        "{learned:?}"
    );
    bridge.clock.advance(60 * MINUTE);
    bridge.hosts[1].unit(NGINX).fails("exit-code");
    bridge.check().await;
    let next = bridge
        .watch
        .issue(IssueNumber(2))
        .await
        .expect("the second host's issue");
    assert_eq!(next.learned.len(), 1, "{:#?}", next.learned);
    let before = &next.learned[0];
    assert_eq!(before.host.as_ref().map(|host| host.as_str()), Some("web1"));
    assert_eq!(before.action, Some(watchkeeper_model::ActionNumber(0)));
    let own = nginx_sheet(&bridge).await;
    assert!(own.learned.is_empty(), "its own action stands there anyway");
}

pub(crate) async fn a_rejection_is_learned_with_its_reason(bridge: Bridge) {
    broken(&bridge).await;
    bridge
        .watch
        .reject(
            watchkeeper_model::ActionNumber(0),
            ann(),
            "the port is taken by haproxy on purpose".to_owned(),
        )
        .await
        .expect("it can be rejected");
    let learned = outcomes(&bridge).await;
    assert_eq!(learned.len(), 1);
    assert_eq!(learned[0].kind, "rejection");
    assert!(
        learned[0].text.contains("haproxy on purpose"),
        "{learned:?}"
    );
    bridge.log_is_intact().await;
}

async fn outcomes(bridge: &Bridge) -> Vec<watchkeeper_model::Entry> {
    let query = EntryQuery {
        collections: vec![Collection::Issues],
        ..EntryQuery::default()
    };
    bridge.watch.entries(&query).await.expect("entries")
}

crate::on_one! {
    a_lesson_in_a_models_words_is_an_opinion_about_its_host;
    a_correction_of_a_models_steps_is_learned_and_told_to_the_next_model;
}

mod cases {
    use super::*;

    /// After a rejection a model may say what that taught; it speaks for its host only, and with little confidence.
    pub(crate) async fn a_lesson_in_a_models_words_is_an_opinion_about_its_host(bridge: Bridge) {
        let server = ModelServer::start().await;
        server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
        server.does(calls(&[
            propose(restart(), &["E1"]),
            conclude("The unit nginx.service is failed [E1].", "high", &["E1"]),
        ]));
        server.replies(
            json!({ "lesson": "Ask who holds port 80 before nginx is restarted." }).to_string(),
        );
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let reason = "haproxy holds the port".to_owned();
        let action = watchkeeper_model::ActionNumber(0);
        bridge
            .watch
            .reject(action, ann(), reason)
            .await
            .expect("rejected");
        work(&bridge).await;
        assert_eq!(server.unused_turns(), 0);
        let query = EntryQuery {
            kind: Some("lesson".to_owned()),
            ..EntryQuery::default()
        };
        let lessons = bridge.watch.entries(&query).await.expect("entries");
        assert_eq!(lessons.len(), 1);
        let lesson = &lessons[0];
        assert!(lesson.text.contains("who holds port 80"), "{lesson:?}");
        assert_eq!(lesson.confidence, watchkeeper_model::Confidence::Low);
        let web2 = watchkeeper_model::HostName::new("web2").expect("a name");
        assert!(!lesson.speaks_for(&web2));
    }

    pub(crate) async fn a_correction_of_a_models_steps_is_learned_and_told_to_the_next_model(
        mut bridge: Bridge,
    ) {
        bridge.add_host().await;
        let server = ModelServer::start().await;
        server.does(calls(&[("unit_status", json!({ "unit": NGINX }))]));
        server.does(calls(&[
            propose(restart(), &["E1"]),
            conclude("The unit nginx.service is failed [E1].", "high", &["E1"]),
        ]));
        server.does(concludes("Nothing tells.", "insufficient_evidence", &[]));
        has_model(&bridge, &server);
        broken(&bridge).await;
        work(&bridge).await;
        let sheet = bridge.sheet(0).await;
        let start = watchkeeper_model::Step::UnitStart {
            unit: watchkeeper_model::UnitName::new(NGINX).expect("a unit"),
        };
        let edit = Edit {
            revision: sheet.action.revision,
            steps: vec![start],
            undo: Vec::new(),
            reason: Some("nothing need be interrupted".to_owned()),
        };
        bridge
            .watch
            .edit(watchkeeper_model::ActionNumber(0), ann(), edit)
            .await
            .expect("it can be edited");
        let learned = outcomes(&bridge).await;
        assert_eq!(learned.len(), 1);
        assert_eq!(learned[0].kind, "correction");
        assert!(!all_said(&server).contains("instead of restart"));
        bridge.hosts[1].unit(NGINX).fails("exit-code");
        bridge.check().await;
        work(&bridge).await;
        assert!(
            all_said(&server).contains(&format!("start {NGINX} instead of restart {NGINX}")),
            "{}",
            all_said(&server)
        );
    }
}
