//! Deliveries, the channels they go to, and who heard of what.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use watchkeeper_model::{DeliveryNumber, DeliveryState, IssueNumber, Severity, Timestamp};
use watchkeeper_store::{ChannelState, Delivery, DeliveryFilter, NewDelivery, Store, ToldIssue};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, controller};

fn new(channel: &str, key: &str, at: Timestamp) -> NewDelivery {
    NewDelivery {
        id: format!("{channel}-{key}"),
        channel: channel.to_owned(),
        key: key.to_owned(),
        urgency: "critical".to_owned(),
        alone: false,
        priority: Some(8),
        notices: json!([{ "title": "nginx.service has failed" }]),
        more: 3,
        made_at: at,
        due_at: at.after(MINUTE),
    }
}

async fn made(store: &Store, new: &NewDelivery) -> DeliveryNumber {
    let mut tx = store.begin().await.unwrap();
    let number = tx.deliveries().make(new).await.unwrap();
    tx.commit().await.unwrap();
    number
}

async fn get(store: &Store, number: DeliveryNumber) -> Delivery {
    let mut read = store.read().await.unwrap();
    read.deliveries().get(number).await.unwrap().unwrap()
}

async fn due(store: &Store, channel: &str, now: Timestamp) -> Vec<i64> {
    let mut read = store.read().await.unwrap();
    let due = read.deliveries().due(channel, now, false).await.unwrap();
    due.strict()
        .unwrap()
        .iter()
        .map(|one| one.number.0)
        .collect()
}

async fn leased(store: &Store, channel: &str, by: &str, now: Timestamp) -> bool {
    let mut tx = store.begin().await.unwrap();
    let leased = tx
        .channels()
        .lease(channel, &controller(by), now, MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    leased
}

pub(crate) async fn a_delivery_reads_back_and_is_due_at_its_time(ground: &Ground) {
    let store = ground.open().await;
    let number = made(&store, &new("phone", "a", NOON)).await;
    made(&store, &new("mail", "a", NOON)).await;
    let delivery = get(&store, number).await;
    assert_eq!(
        (
            delivery.number.0,
            delivery.state,
            delivery.priority,
            delivery.more
        ),
        (1, DeliveryState::Queued, Some(8), 3)
    );
    assert_eq!(delivery.notices[0]["title"], "nginx.service has failed");
    assert_eq!(due(&store, "phone", NOON).await, Vec::<i64>::new());
    assert_eq!(due(&store, "phone", NOON.after(MINUTE)).await, [1]);
    // The clock was set back by a day since: it does not wait until tomorrow.
    assert_eq!(due(&store, "phone", NOON.before(DAY)).await, [1]);
    let filter = DeliveryFilter {
        channel: Some("mail".to_owned()),
        states: vec![DeliveryState::Queued],
        before: None,
    };
    let mut read = store.read().await.unwrap();
    let listed = read.deliveries().list(&filter, 10).await.unwrap();
    assert_eq!(listed.strict().unwrap().len(), 1);
    let last = read.deliveries().last_of_key("phone", "a").await.unwrap();
    assert_eq!(last.map(|last| last.number), Some(number));
}

pub(crate) async fn of_two_controllers_one_has_a_channel(ground: &Ground) {
    let store = ground.open().await;
    let mut both = JoinSet::new();
    for name in ["c1", "c2", "c3", "c4"] {
        let store = store.clone();
        both.spawn(async move { leased(&store, "phone", name, NOON).await });
    }
    let won = both.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    let mut read = store.read().await.unwrap();
    let owner = read.channels().get("phone").await.unwrap().unwrap();
    let owner = owner.leased_by.unwrap();
    drop(read);
    let other = if owner == "c1" { "c2" } else { "c1" };
    assert!(leased(&store, "phone", &owner, NOON).await, "its own again");
    assert!(!leased(&store, "phone", other, NOON.after(MINUTE / 2)).await);
    assert!(
        leased(&store, "phone", other, NOON.after(MINUTE)).await,
        "it ran out"
    );
    // The clock was set back: a lease that ends later than any could is none.
    assert!(leased(&store, "phone", &owner, NOON.before(DAY)).await);
}

pub(crate) async fn only_who_has_the_channel_sends_and_what_is_tried_takes_in_nothing(
    ground: &Ground,
) {
    let store = ground.open().await;
    let number = made(&store, &new("phone", "a", NOON)).await;
    let seen = get(&store, number).await;
    let more = json!([{ "title": "a" }, { "title": "b" }]);
    let mut tx = store.begin().await.unwrap();
    let extended = tx
        .deliveries()
        .extend(&seen, &more, 0, "attention", NOON)
        .await;
    assert!(extended.unwrap());
    let again = tx
        .deliveries()
        .extend(&seen, &more, 0, "attention", NOON)
        .await;
    assert!(!again.unwrap(), "it was changed meanwhile");
    let begun = tx.deliveries().begin_try(number, &controller("c1")).await;
    assert!(!begun.unwrap(), "nobody has the channel");
    tx.commit().await.unwrap();
    assert!(leased(&store, "phone", "c1", NOON).await);
    let seen = get(&store, number).await;
    let mut tx = store.begin().await.unwrap();
    let others = tx.deliveries().begin_try(number, &controller("c2")).await;
    assert!(!others.unwrap());
    let begun = tx.deliveries().begin_try(number, &controller("c1")).await;
    assert!(begun.unwrap());
    let late = tx
        .deliveries()
        .extend(&seen, &json!([]), 0, "critical", NOON)
        .await;
    assert!(!late.unwrap(), "what is being sent takes in nothing");
    tx.deliveries().try_failed(number, "down").await.unwrap();
    tx.commit().await.unwrap();
    let tried = get(&store, number).await;
    assert_eq!((tried.attempts, tried.error.as_deref()), (1, Some("down")));
    assert_eq!(tried.notices, more);
}

pub(crate) async fn a_delivery_ends_once_and_what_was_given_up_can_be_sent_again(ground: &Ground) {
    let store = ground.open().await;
    let first = made(&store, &new("phone", "a", NOON)).await;
    let second = made(&store, &new("phone", "b", NOON)).await;
    let third = made(&store, &new("phone", "c", NOON)).await;
    let mut tx = store.begin().await.unwrap();
    assert!(tx.deliveries().sent(first, NOON).await.unwrap());
    assert!(!tx.deliveries().sent(first, NOON).await.unwrap());
    assert!(!tx.deliveries().give_up(first, "x", NOON).await.unwrap());
    assert!(tx.deliveries().give_up(second, "no", NOON).await.unwrap());
    assert!(tx.deliveries().fold(third, first, NOON).await.unwrap());
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let unsent = read.deliveries().unsent().await.unwrap();
    assert_eq!(unsent, [("phone".to_owned(), DeliveryState::Dead, 1)]);
    let hour_ago = NOON.before(Duration::from_secs(3_600));
    let sent = read
        .deliveries()
        .sent_between("phone", hour_ago, NOON)
        .await;
    assert_eq!(sent.unwrap(), 1);
    drop(read);
    let mut tx = store.begin().await.unwrap();
    assert!(
        tx.deliveries()
            .retry(second, NOON.after(DAY))
            .await
            .unwrap()
    );
    assert!(!tx.deliveries().retry(first, NOON).await.unwrap());
    let fourth = tx
        .deliveries()
        .make(&new("phone", "d", NOON))
        .await
        .unwrap();
    assert!(tx.deliveries().give_up(fourth, "no", NOON).await.unwrap());
    let (day, never) = (NOON.after(DAY), NOON.before(DAY));
    assert_eq!(tx.deliveries().prune(day, never).await.unwrap(), 2);
    assert_eq!(tx.deliveries().prune(day, day).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(due(&store, "phone", NOON.after(DAY)).await, [second.0]);
    assert_eq!(get(&store, second).await.error, None, "it begins anew");
}

pub(crate) async fn what_is_critical_is_due_first_however_much_else_waits(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    for (urgency, count) in [("information", 1), ("attention", 1_001), ("critical", 1)] {
        for _ in 0..count {
            let new = NewDelivery {
                urgency: urgency.to_owned(),
                ..new("phone", urgency, NOON)
            };
            tx.deliveries().make(&new).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let now = NOON.after(DAY);
    let all = due(&store, "phone", now).await;
    assert_eq!((all[0], all[1], all.len()), (1_003, 2, 1_000));
    let mut read = store.read().await.unwrap();
    let critical = read.deliveries().due("phone", now, true).await.unwrap();
    assert_eq!(critical.strict().unwrap().len(), 1);
    assert!(read.deliveries().is_due("phone", now, true).await.unwrap());
    assert!(!read.deliveries().is_due("mail", now, false).await.unwrap());
}

pub(crate) async fn what_does_not_hold_any_more_ends_unsent(ground: &Ground) {
    let store = ground.open().await;
    let number = made(&store, &new("phone", "a", NOON)).await;
    let mut tx = store.begin().await.unwrap();
    assert!(
        tx.deliveries()
            .drop_unsent(number, "it is back", NOON)
            .await
            .unwrap()
    );
    assert!(
        !tx.deliveries()
            .drop_unsent(number, "again", NOON)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let ended = get(&store, number).await;
    assert_eq!(
        (ended.state, ended.folded_into),
        (DeliveryState::Folded, None)
    );
    assert_eq!(ended.error.as_deref(), Some("it is back"));
}

pub(crate) async fn how_a_channel_fares_and_who_heard_of_what_is_kept(ground: &Ground) {
    let store = ground.open().await;
    assert!(leased(&store, "phone", "c1", NOON).await);
    let state = ChannelState {
        name: "phone".to_owned(),
        failures: 3,
        failing_since: Some(NOON),
        retry_at: Some(NOON.after(MINUTE)),
        tried_at: Some(NOON),
        tried_with: Some("another stamp".to_owned()),
        refused: Some("stamp".to_owned()),
        error: Some("401".to_owned()),
        ..ChannelState::default()
    };
    let told = |severity| ToldIssue {
        issue: IssueNumber(7),
        channel: "phone".to_owned(),
        severity,
        at: NOON,
    };
    let mut tx = store.begin().await.unwrap();
    tx.channels().fares(&state).await.unwrap();
    tx.told().tell(&told(Severity::Warning)).await.unwrap();
    tx.told().tell(&told(Severity::Critical)).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = store.read().await.unwrap();
    let kept = read.channels().get("phone").await.unwrap().unwrap();
    assert_eq!(kept.leased_by.as_deref(), Some("c1"), "the lease stays");
    let expect = ChannelState {
        leased_by: kept.leased_by.clone(),
        leased_until: kept.leased_until,
        ..state
    };
    assert_eq!(kept, expect);
    let heard = read.told().of_issue(IssueNumber(7)).await.unwrap();
    assert_eq!(heard.strict().unwrap(), [told(Severity::Critical)]);
    drop(read);
    let mut tx = store.begin().await.unwrap();
    tx.channels()
        .release("phone", &controller("c2"))
        .await
        .unwrap();
    assert!(
        tx.channels()
            .get("phone")
            .await
            .unwrap()
            .unwrap()
            .leased_by
            .is_some()
    );
    tx.channels()
        .release("phone", &controller("c1"))
        .await
        .unwrap();
    assert!(
        tx.channels()
            .get("phone")
            .await
            .unwrap()
            .unwrap()
            .leased_by
            .is_none()
    );
    tx.channels().forget("phone").await.unwrap();
    assert_eq!(tx.channels().get("phone").await.unwrap(), None);
    tx.told().forget(IssueNumber(7)).await.unwrap();
    let heard = tx.told().of_issue(IssueNumber(7)).await.unwrap();
    assert!(heard.rows.is_empty());
}

pub(crate) async fn of_two_who_move_a_mark_one_moves_it(ground: &Ground) {
    let store = ground.open().await;
    let moved = async |seen: Option<&str>, to: &str| {
        let mut tx = store.begin().await.unwrap();
        let moved = tx.meta().swap("mark", seen, to).await.unwrap();
        tx.commit().await.unwrap();
        moved
    };
    assert!(moved(None, "1").await);
    assert!(!moved(None, "2").await);
    assert!(moved(Some("1"), "2").await);
    assert!(!moved(Some("1"), "3").await);
}
