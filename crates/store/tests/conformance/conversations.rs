//! Conversations: each thing said has one place, in order, and is found again by whom and what it was about.

use tokio::task::JoinSet;
use watchkeeper_model::{
    ActionNumber, Conversation, ConversationKind, ConversationNumber, Person, Said, Speaker,
};
use watchkeeper_store::{
    ConversationFilter, Gist, KeptLook, NewConversation, NewSaid, Store, StoreError, Summary,
};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, MINUTE, held};

fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        uid: 1_000,
    }
}

pub(crate) fn new(kind: ConversationKind, by: &str) -> NewConversation {
    NewConversation {
        kind,
        title: "what is wrong on web1?".to_owned(),
        person: person(by),
        action: None,
        hosts: vec![build::host("web1"), build::host("web2")],
        lane: Some("local".to_owned()),
        at: NOON,
    }
}

fn words(by: Speaker, text: &str) -> NewSaid {
    NewSaid {
        by,
        at: NOON.after(MINUTE),
        text: text.to_owned(),
        body: serde_json::json!({ "job": 1 }),
    }
}

async fn begin(store: &Store, new: NewConversation) -> Conversation {
    let mut tx = store.begin().await.unwrap();
    let begun = tx.conversations().begin(new).await.unwrap();
    tx.commit().await.unwrap();
    begun
}

async fn say(store: &Store, to: ConversationNumber, said: NewSaid) -> Said {
    let mut tx = store.begin().await.unwrap();
    let said = tx.conversations().say(to, said).await.unwrap();
    tx.commit().await.unwrap();
    said
}

pub(crate) async fn what_was_said_reads_back_in_order(ground: &Ground) {
    let store = ground.open().await;
    let begun = begin(&store, new(ConversationKind::Chat, "ann")).await;
    assert_eq!((begun.number.0, begun.turns, begun.bytes), (1, 0, 0));
    let asked = say(&store, begun.number, words(Speaker::Person, "why?")).await;
    let answered = say(&store, begun.number, words(Speaker::Model, "ä\u{2400}\n")).await;
    let seen = say(&store, begun.number, words(Speaker::Watch, "decided")).await;
    assert_eq!([asked.seq, answered.seq, seen.seq], [1, 2, 3]);

    let mut read = store.read().await.unwrap();
    let stands = read.conversations().get(begun.number).await.unwrap();
    let expected = Conversation {
        updated_at: NOON.after(MINUTE),
        turns: 3,
        bytes: 4 + 6 + 7,
        ..begun.clone()
    };
    assert_eq!(stands, Some(expected));
    let mut conversations = read.conversations();
    let all = conversations.said(begun.number, None, 10).await.unwrap();
    assert_eq!(all.strict().unwrap(), [asked, answered.clone(), seen]);
    let before = conversations.said(begun.number, Some(3), 1).await.unwrap();
    assert_eq!(before.strict().unwrap(), std::slice::from_ref(&answered));
    let at = conversations.said_at(begun.number, 2).await.unwrap();
    assert_eq!(at, Some(answered));
    assert_eq!(conversations.said_at(begun.number, 4).await.unwrap(), None);
    let nobody = ConversationNumber(9);
    assert_eq!(conversations.get(nobody).await.unwrap(), None);
}

pub(crate) async fn conversations_are_found_by_person_and_action(ground: &Ground) {
    let store = ground.open().await;
    let action = held(&store).await.number;
    let about = NewConversation {
        action: Some(action),
        ..new(ConversationKind::Discuss, "ann")
    };
    begin(&store, new(ConversationKind::Ask, "ann")).await;
    begin(&store, about).await;
    begin(&store, new(ConversationKind::Chat, "ben")).await;
    let mut read = store.read().await.unwrap();
    let mut found = async |filter: ConversationFilter, limit: u32| {
        let listed = read.conversations().list(&filter, limit).await.unwrap();
        let numbers = listed.strict().unwrap().into_iter();
        numbers.map(|one| one.number.0).collect::<Vec<_>>()
    };
    let everything = ConversationFilter::default;
    assert_eq!(found(everything(), 10).await, [3, 2, 1]);
    assert_eq!(found(everything(), 1).await, [3]);
    let anns = ConversationFilter {
        person: Some("ann".to_owned()),
        ..everything()
    };
    assert_eq!(found(anns.clone(), 10).await, [2, 1]);
    let older = ConversationFilter {
        before: Some(ConversationNumber(2)),
        ..anns
    };
    assert_eq!(found(older, 10).await, [1]);
    let about = |number| ConversationFilter {
        action: Some(number),
        ..everything()
    };
    assert_eq!(found(about(action), 10).await, [2]);
    assert!(found(about(ActionNumber(7)), 10).await.is_empty());
    let talks = ConversationFilter {
        kinds: vec![ConversationKind::Ask, ConversationKind::Chat],
        ..everything()
    };
    assert_eq!(found(talks, 10).await, [3, 1]);
}

pub(crate) async fn two_who_speak_at_once_have_places_of_their_own(ground: &Ground) {
    let store = ground.open().await;
    let number = begin(&store, new(ConversationKind::Chat, "ann"))
        .await
        .number;
    let mut speaking = JoinSet::new();
    for n in 0..8 {
        let store = ground.open().await;
        speaking.spawn(async move {
            let said = say(&store, number, words(Speaker::Person, &format!("{n}"))).await;
            said.seq
        });
    }
    let mut places = speaking.join_all().await;
    places.sort_unstable();
    assert_eq!(places, (1..=8).collect::<Vec<_>>());
    let mut read = store.read().await.unwrap();
    let said = read.conversations().said(number, None, 100).await.unwrap();
    assert_eq!(said.strict().unwrap().len(), 8);
}

pub(crate) async fn nobody_speaks_where_there_is_no_conversation_nor_without_end(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    let nowhere = ConversationNumber(7);
    let refused = tx
        .conversations()
        .say(nowhere, words(Speaker::Person, "hello"))
        .await;
    assert!(refused.unwrap_err().is_conflict());
    let lost = tx.conversations().aim(nowhere, &[], None).await;
    assert!(lost.unwrap_err().is_conflict());
    assert_eq!(tx.conversations().lock(nowhere).await.unwrap(), None);
    let begun = tx
        .conversations()
        .begin(new(ConversationKind::Chat, "ann"))
        .await
        .unwrap();
    let long = "x".repeat(Said::MAX_BYTES + 1);
    let refused = tx
        .conversations()
        .say(begun.number, words(Speaker::Model, &long))
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    let longest = &long[1..];
    tx.conversations()
        .say(begun.number, words(Speaker::Model, longest))
        .await
        .unwrap();
    tx.conversations()
        .aim(begun.number, &[], None)
        .await
        .unwrap();
    tx.conversations()
        .entitle(begun.number, "another name")
        .await
        .unwrap();
    let stands = tx.conversations().lock(begun.number).await.unwrap();
    let stands = stands.expect("it has begun");
    assert_eq!(stands.title, "another name");
    assert_eq!(
        (stands.turns, stands.hosts.len(), stands.lane),
        (1, 0, None)
    );
    tx.commit().await.unwrap();
}

pub(crate) async fn what_the_next_answer_needs_is_kept_beside_the_talk(ground: &Ground) {
    let store = ground.open().await;
    let begun = begin(&store, new(ConversationKind::Chat, "ann")).await;
    let mut tx = store.begin().await.unwrap();
    let gist = tx.conversations().gist(begun.number).await.unwrap();
    assert_eq!(gist, Some(Gist::default()));
    let kept = Gist {
        rests_on: vec![build::host("web1"), build::host("web2")],
        summary: Some(Summary {
            through: 7,
            text: "they spoke of \u{1f422}".to_owned(),
        }),
    };
    let mut talks = tx.conversations();
    talks.keep_gist(begun.number, &kept).await.unwrap();
    assert_eq!(talks.gist(begun.number).await.unwrap(), Some(kept));
    let nowhere = ConversationNumber(9);
    assert_eq!(talks.gist(nowhere).await.unwrap(), None);
    let lost = talks.keep_gist(nowhere, &Gist::default()).await;
    assert!(lost.unwrap_err().is_conflict());
    let long = Gist {
        rests_on: Vec::new(),
        summary: Some(Summary {
            through: 1,
            text: "x".repeat(Said::MAX_BYTES + 1),
        }),
    };
    let refused = talks.keep_gist(begun.number, &long).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    tx.commit().await.unwrap();
}

pub(crate) async fn an_old_talk_is_removed_whole_but_not_while_its_action_waits(ground: &Ground) {
    let store = ground.open().await;
    let action = held(&store).await.number;
    let about = NewConversation {
        action: Some(action),
        ..new(ConversationKind::Discuss, "ann")
    };
    let discussed = begin(&store, about).await.number;
    let old = begin(&store, new(ConversationKind::Chat, "ann"))
        .await
        .number;
    say(&store, old, words(Speaker::Person, "hello")).await;
    let mut tx = store.begin().await.unwrap();
    let look = KeptLook {
        place: 1,
        label: "E1".to_owned(),
        host: None,
        tool: "facts".to_owned(),
        input: "facts".to_owned(),
        text: "up".to_owned(),
        shown: "up".to_owned(),
        bytes: 2,
        at: NOON.after(10 * MINUTE),
    };
    let owner = format!("conversation {old}");
    tx.looked_at().keep(&owner, &look).await.unwrap();
    // What was said last counts, not when it began.
    let mut talks = tx.conversations();
    assert_eq!(talks.prune(NOON.after(MINUTE)).await.unwrap(), 0);
    assert_eq!(talks.prune(NOON.after(2 * MINUTE)).await.unwrap(), 1);
    assert_eq!(talks.get(old).await.unwrap(), None);
    let said = talks.said(old, None, 10).await.unwrap();
    assert!(said.strict().unwrap().is_empty());
    assert!(talks.get(discussed).await.unwrap().is_some());
    let looks = tx.looked_at().list(&owner, 10).await.unwrap();
    assert!(looks.strict().unwrap().is_empty());
    tx.commit().await.unwrap();
}
