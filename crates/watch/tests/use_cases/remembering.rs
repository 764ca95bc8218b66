//! What the watch writes down by itself: what hosts are like, and what was talked about. Both speak for their host only, and
//! both have an end.

use std::time::Duration;

use watchkeeper_knowledge::Audience;
use watchkeeper_model::{Collection, ConversationKind, Entry, HostName, Reach, Source};
use watchkeeper_testkit::build;
use watchkeeper_testkit::model_server::ModelServer;
use watchkeeper_watch::{EntryEdit, EntryQuery, KnownQuery, NewTalk};

use crate::bridge::{Bridge, MINUTE, ann, ben};
use crate::talking::{answered, begin, has_a_lane};

const DAY: Duration = Duration::from_secs(86_400);

async fn listed(bridge: &Bridge, collection: Collection) -> Vec<Entry> {
    let query = EntryQuery {
        collections: vec![collection],
        all: true,
        ..EntryQuery::default()
    };
    bridge.watch.entries(&query).await.expect("a list")
}

async fn found(bridge: &Bridge, text: &str, audience: Audience) -> Vec<Collection> {
    let query = KnownQuery {
        text: text.to_owned(),
        audience,
        ..KnownQuery::default()
    };
    let found = bridge.watch.known(&query).await.expect("it is searched");
    found.iter().map(|found| found.entry.collection).collect()
}

fn hosts(names: &[&str]) -> Audience {
    Audience::Hosts(names.iter().map(|name| build::host(name)).collect())
}

pub(crate) async fn a_look_writes_down_what_a_host_is_like_once(bridge: Bridge) {
    bridge.check().await;
    let first = listed(&bridge, Collection::Hosts).await;
    assert_eq!(first.len(), 1);
    let entry = &first[0];
    assert!(
        entry.text.contains("system: ") && entry.text.contains("file systems: "),
        "{}",
        entry.text
    );
    assert_eq!(entry.host, Some(build::host("web1")));
    assert!(matches!(&entry.source, Source::Host { .. }));
    assert_eq!(entry.reach(), Reach::Host(build::host("web1")));
    // What goes up and down does not change it.
    bridge.host().disk("/srv", 12);
    bridge.clock.advance(MINUTE);
    bridge.check().await;
    bridge.host().disk("/srv", 34);
    let with_disk = listed(&bridge, Collection::Hosts).await;
    bridge.clock.advance(MINUTE);
    bridge.check().await;
    assert_eq!(listed(&bridge, Collection::Hosts).await, with_disk);
    assert_eq!(with_disk.len(), 1);
    assert!(with_disk[0].text.contains("/srv"), "{}", with_disk[0].text);
    let what = "which file systems does it have";
    assert!(
        found(&bridge, what, hosts(&["web1"]))
            .await
            .contains(&Collection::Hosts)
    );
    assert!(
        !found(&bridge, what, hosts(&["db1"]))
            .await
            .contains(&Collection::Hosts)
    );
}

pub(crate) async fn what_a_person_says_of_a_host_stays(bridge: Bridge) {
    bridge.check().await;
    let entry = listed(&bridge, Collection::Hosts).await.remove(0);
    let ours = EntryEdit {
        text: Some("the old file server; ask ben before anything".to_owned()),
        ..EntryEdit::default()
    };
    let edited = bridge.watch.edit_entry(entry.number, ben(), ours).await;
    let edited = edited.expect("it is edited");
    bridge.host().disk("/new", 12);
    bridge.clock.advance(MINUTE);
    bridge.check().await;
    assert_eq!(listed(&bridge, Collection::Hosts).await, [edited]);
}

pub(crate) async fn a_host_that_is_gone_is_forgotten_after_a_while(bridge: Bridge) {
    bridge.check().await;
    bridge.clock.advance(DAY * 59);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert_eq!(listed(&bridge, Collection::Hosts).await.len(), 1);
    bridge.clock.advance(DAY * 2);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert!(listed(&bridge, Collection::Hosts).await.is_empty());
}

async fn talk_about(bridge: &Bridge, names: &[HostName]) -> Entry {
    let new = NewTalk {
        kind: ConversationKind::Chat,
        hosts: names.to_vec(),
        action: None,
        lane: None,
    };
    let talk = bridge.watch.begin_conversation(ann(), new).await;
    let talk = talk.expect("it begins");
    let _ = answered(bridge, &talk, "why is the frobnicator slow?").await;
    let key = format!("conversation:{}", talk.number);
    let all = listed(bridge, Collection::Conversations).await;
    let of_it = all.into_iter().find(|entry| entry.labels.contains(&key));
    of_it.expect("the talk is an entry")
}

pub(crate) async fn a_talk_is_kept_with_its_answers_and_speaks_for_its_host_only(bridge: Bridge) {
    let server = ModelServer::start().await;
    let server =
        server.always_replies("The frobnicator waits for the disk. password=hunter2hunter2");
    has_a_lane(&bridge, &server);
    let entry = talk_about(&bridge, &[build::host("web1")]).await;
    assert!(entry.text.contains("asked: why is the frobnicator slow?"));
    assert!(entry.text.contains("answered: The frobnicator waits"));
    assert!(!entry.text.contains("hunter2"), "{}", entry.text);
    assert!(matches!(&entry.source, Source::Model { .. }));
    assert_eq!(entry.reach(), Reach::Host(build::host("web1")));
    let is_told = |audience| found(&bridge, "frobnicator", audience);
    assert!(
        is_told(hosts(&["web1"]))
            .await
            .contains(&Collection::Conversations)
    );
    assert!(is_told(hosts(&["db1"])).await.is_empty());
    assert!(
        is_told(Audience::Person)
            .await
            .contains(&Collection::Conversations)
    );
}

pub(crate) async fn a_talk_about_no_single_host_speaks_for_none_and_ends(bridge: Bridge) {
    let server = ModelServer::start().await;
    let server = server.always_replies("Nothing is known of a frobnicator.");
    has_a_lane(&bridge, &server);
    let entry = talk_about(&bridge, &[]).await;
    assert_eq!((entry.host.clone(), entry.reach()), (None, Reach::Nobody));
    // It goes on: one entry, which grows.
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    for _ in 0..2 {
        let _ = answered(&bridge, &talk, "and the quux?").await;
    }
    let all = listed(&bridge, Collection::Conversations).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].text.matches("asked: and the quux?").count(), 2);
    let end = entry.expires_at.expect("it has an end");
    bridge.clock.advance(end.since(entry.created_at) + MINUTE);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert!(listed(&bridge, Collection::Conversations).await.is_empty());
}
