//! Ways around the rule of what may leave: what one lane was told, asked for again by another.

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_model::guards::Guard;
use watchkeeper_model::{Clock as _, Collection, Confidence, ConversationKind, HostName, Source};
use watchkeeper_store::{NewEntry, Store};
use watchkeeper_testkit::model_server::{Gate, ModelServer, Turn};
use watchkeeper_watch::{LaneParts, NewTalk, Words};

use crate::bridge::{Bridge, MINUTE, NGINX, ann};
use crate::obeys::{all_stand, says, without};
use crate::rig::{all_said, broken, calls, concludes, has, lane, work};
use crate::two::{elsewhere, tells_nobody_of_the_vault, with_a_host_that_may_not_be_told};

/// What stands on the second host only.
const MARK: &str = "mark-of-the-vault";

/// A lane on this machine, to which everything may go.
fn home(server: &ModelServer) -> LaneParts {
    lane(server, |lane| {
        lane.name = "home".to_owned();
        lane.private = true;
    })
}

async fn with_a_vault() -> Bridge {
    let mut bridge = Bridge::on_sqlite().await;
    with_a_host_that_may_not_be_told(&mut bridge).await;
    bridge.hosts[1].unit(NGINX).property("Description", MARK);
    bridge
}

/// An investigation that compared hosts at home, was put back, and is taken up by a lane elsewhere: what that is told.
async fn taken_up_elsewhere() -> String {
    let bridge = with_a_vault().await;
    let (first, second) = (ModelServer::start().await, ModelServer::start().await);
    let gate = Gate::closed();
    first.does(calls(&[(
        "compare",
        json!({ "what": "unit", "name": NGINX, "hosts": ["web2"] }),
    )]));
    first.does(Turn::replies("never heard").after(&gate));
    second.decides(|_| concludes("Nothing tells.", "insufficient_evidence", &[]));
    has(&bridge, vec![home(&first)], tells_nobody_of_the_vault);
    broken(&bridge).await;
    let stop = CancellationToken::new();
    let (watch, stopped) = (bridge.watch.clone(), stop.clone());
    let mut working = tokio::task::JoinSet::new();
    working.spawn(async move { watch.work_once(0, &stopped).await });
    gate.is_reached().await;
    assert!(all_said(&first).contains(MARK), "at home it is told");
    stop.cancel();
    while let Some(ended) = working.join_next().await {
        ended.expect("it ends").expect("the store answers");
    }
    gate.open();
    has(&bridge, vec![elsewhere(&second)], tells_nobody_of_the_vault);
    bridge.clock.advance(MINUTE);
    work(&bridge).await;
    assert!(!second.generations().is_empty(), "the other lane was asked");
    all_said(&second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_seen_for_one_lane_is_not_taken_up_by_another() {
    {
        let _all = all_stand().await;
        let told = taken_up_elsewhere().await;
        assert!(!told.contains(MARK), "{told}");
    }
    let _out = without(&[Guard::Leaving]).await;
    assert!(
        taken_up_elsewhere().await.contains(MARK),
        "without its guard"
    );
}

/// A talk about all hosts that learned of the vault from what is known, and goes on with a lane elsewhere.
async fn talked_on_elsewhere() -> String {
    let bridge = with_a_vault().await;
    let vault = HostName::new("web2").expect("a host's name");
    let new = NewEntry {
        collection: Collection::Knowledge,
        kind: "pattern".to_owned(),
        title: "nginx and its ports".to_owned(),
        text: format!("nginx on web2 is {MARK}"),
        host: Some(vault),
        labels: Vec::new(),
        source: Source::Person {
            name: "ann".to_owned(),
        },
        confidence: Confidence::High,
        at: bridge.clock.now(),
        confirmed: None,
        expires_at: None,
        key: None,
    };
    let store = Store::open(&bridge.url).await.expect("the store");
    let mut tx = store.begin().await.expect("a transaction");
    bridge.watch.learn(&mut tx, new).await.expect("it is kept");
    tx.commit().await.expect("it is committed");
    let (first, second) = (ModelServer::start().await, ModelServer::start().await);
    first.does(calls(&[("knowledge", json!({ "query": "nginx ports" }))]));
    first.does(says("It is told of in the notes."));
    second.decides(|_| says("I cannot tell."));
    bridge.check().await;
    has(&bridge, vec![home(&first)], tells_nobody_of_the_vault);
    let new = NewTalk {
        kind: ConversationKind::Chat,
        hosts: Vec::new(),
        action: None,
        lane: None,
    };
    let talk = bridge.watch.begin_conversation(ann(), new).await;
    let number = talk.expect("a talk").number;
    for (lane, text) in [
        (home(&first), "what do you know?"),
        (elsewhere(&second), "say it"),
    ] {
        let words = Words {
            text: text.to_owned(),
            lane: Some(lane.lane.name.clone()),
            ..Words::default()
        };
        has(&bridge, vec![lane], tells_nobody_of_the_vault);
        let said = bridge.watch.say(number, &ann(), words).await;
        said.expect("it is asked");
        work(&bridge).await;
    }
    assert!(all_said(&first).contains(MARK), "at home it is told");
    assert!(!second.generations().is_empty(), "the other lane was asked");
    all_said(&second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_of_a_host_is_not_told_again_to_a_lane_that_may_not_have_it() {
    {
        let _all = all_stand().await;
        let told = talked_on_elsewhere().await;
        assert!(!told.contains(MARK), "{told}");
    }
    let _out = without(&[Guard::Leaving]).await;
    assert!(
        talked_on_elsewhere().await.contains(MARK),
        "without its guard"
    );
}
