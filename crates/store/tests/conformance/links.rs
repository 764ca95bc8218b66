//! Links, forms and browsers: each counts once, and only where it belongs.

use watchkeeper_model::{DeviceNumber, Digest, Person, Timestamp};
use watchkeeper_store::{Enrolment, Link, LinkUse, NewDevice, Store, StoreError};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, held};

const PHONE: DeviceNumber = DeviceNumber(1);

fn secret(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

fn anna() -> Person {
    Person {
        name: "anna".to_owned(),
        uid: 1_000,
    }
}

fn used(at: Timestamp) -> LinkUse {
    LinkUse {
        at,
        by: PHONE,
        decision: "approve".to_owned(),
    }
}

/// A link to an action that is held, good for a day.
async fn linked(store: &Store) -> Link {
    let action = held(store).await;
    let link = Link {
        token: secret("link"),
        action: action.number,
        revision: action.revision,
        digest: action.digest,
        person: "anna".to_owned(),
        channel: "gotify".to_owned(),
        made_at: NOON,
        expires_at: NOON.after(DAY),
        replaced: false,
        used: None,
    };
    let mut tx = store.begin().await.unwrap();
    tx.links().make(&link).await.unwrap();
    tx.commit().await.unwrap();
    link
}

fn is_conflict(done: Result<(), StoreError>) -> bool {
    done.is_err_and(|error| error.is_conflict())
}

pub(crate) async fn a_link_reads_back_and_is_used_once(ground: &Ground) {
    let store = ground.open().await;
    let link = linked(&store).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.links().get(secret("link")).await.unwrap(),
        Some(link.clone())
    );
    assert_eq!(tx.links().get(secret("other")).await.unwrap(), None);
    tx.links().use_up(link.token, &used(NOON)).await.unwrap();
    let again = tx.links().use_up(link.token, &used(NOON)).await;
    assert!(is_conflict(again), "and the transaction is still good");
    tx.commit().await.unwrap();
    let stored = store.read().await.unwrap().links().get(link.token).await;
    assert_eq!(stored.unwrap().unwrap().used, Some(used(NOON)));
}

pub(crate) async fn a_newer_link_ends_the_one_before_it(ground: &Ground) {
    let store = ground.open().await;
    let first = linked(&store).await;
    let other = |token: &str, change: fn(&mut Link)| {
        let mut link = Link {
            token: secret(token),
            made_at: NOON.after(MINUTE),
            ..first.clone()
        };
        change(&mut link);
        link
    };
    let beside = [
        other("another channel's", |link| link.channel = "mail".to_owned()),
        other("another person's", |link| link.person = "bert".to_owned()),
        other("another revision's", |link| {
            link.revision = watchkeeper_model::Revision(2);
        }),
    ];
    let newer = other("newer", |_| ());
    let mut tx = store.begin().await.unwrap();
    for link in &beside {
        tx.links().make(link).await.unwrap();
    }
    assert!(!tx.links().get(first.token).await.unwrap().unwrap().replaced);
    tx.links().make(&newer).await.unwrap();
    for link in beside.iter().chain([&newer]) {
        let stored = tx.links().get(link.token).await.unwrap();
        assert_eq!(stored.as_ref(), Some(link), "it is as good as it was");
    }
    let ended = tx.links().get(first.token).await.unwrap().unwrap();
    assert!(ended.replaced);
    assert_eq!(ended.expires_at, newer.made_at);
    let late = tx.links().use_up(first.token, &used(newer.made_at)).await;
    assert!(is_conflict(late));
    let use_of_newer = used(newer.made_at);
    tx.links().use_up(newer.token, &use_of_newer).await.unwrap();
    tx.links().make(&other("newest", |_| ())).await.unwrap();
    let stored = tx.links().get(newer.token).await.unwrap().unwrap();
    assert_eq!(stored.used, Some(use_of_newer), "what was decided stands");
    assert!(!stored.replaced);
}

pub(crate) async fn a_link_that_is_too_old_is_not_used(ground: &Ground) {
    let store = ground.open().await;
    let link = linked(&store).await;
    let mut tx = store.begin().await.unwrap();
    let late = tx.links().use_up(link.token, &used(link.expires_at)).await;
    assert!(is_conflict(late));
}

pub(crate) async fn of_two_who_use_a_link_one_does(ground: &Ground) {
    let store = ground.open().await;
    let link = linked(&store).await;
    let use_it = async || {
        let mut tx = store.begin().await.unwrap();
        let done = tx.links().use_up(link.token, &used(NOON)).await;
        tx.commit().await.unwrap();
        done.is_ok()
    };
    let (one, two) = tokio::join!(use_it(), use_it());
    assert!(one != two, "{one} {two}");
}

pub(crate) async fn a_form_counts_once_for_its_link_and_device(ground: &Ground) {
    let store = ground.open().await;
    let link = linked(&store).await;
    let (form, until) = (secret("form"), NOON.after(MINUTE));
    let mut tx = store.begin().await.unwrap();
    let mut links = tx.links();
    links
        .hand_form(link.token, PHONE, secret("older"), until)
        .await
        .unwrap();
    links
        .hand_form(link.token, PHONE, form, until)
        .await
        .unwrap();
    let older = links
        .take_form(link.token, PHONE, secret("older"), NOON)
        .await;
    assert!(is_conflict(older), "a newer one took its place");
    let elsewhere = links
        .take_form(link.token, DeviceNumber(2), form, NOON)
        .await;
    assert!(is_conflict(elsewhere));
    assert!(is_conflict(
        links.take_form(link.token, PHONE, form, until).await
    ));
    links
        .take_form(link.token, PHONE, form, NOON)
        .await
        .unwrap();
    assert!(is_conflict(
        links.take_form(link.token, PHONE, form, NOON).await
    ));
}

pub(crate) async fn a_browser_is_known_by_its_secret_until_it_is_removed(ground: &Ground) {
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    let new = |label: &str| NewDevice {
        person: anna(),
        label: label.to_owned(),
        secret: secret(label),
        added_at: NOON,
        expires_at: NOON.after(DAY),
    };
    let phone = tx.devices().add(new("phone")).await.unwrap();
    let tablet = tx.devices().add(new("tablet")).await.unwrap();
    assert_ne!(phone.number, tablet.number);
    tx.devices()
        .has_decided(phone.number, NOON.after(MINUTE))
        .await
        .unwrap();
    let found = tx
        .devices()
        .by_secret(secret("phone"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.decided_at, Some(NOON.after(MINUTE)));
    assert_eq!(
        (found.person.clone(), found.label.as_str()),
        (anna(), "phone")
    );
    assert!(found.is_known(NOON) && !found.is_known(NOON.after(DAY)));
    assert_eq!(
        tx.devices().by_secret(secret("nobody")).await.unwrap(),
        None
    );
    tx.devices().remove(phone.number, NOON).await.unwrap();
    assert!(is_conflict(tx.devices().remove(phone.number, NOON).await));
    assert!(is_conflict(
        tx.devices().has_decided(phone.number, NOON).await
    ));
    let known = tx
        .devices()
        .known(NOON, 10)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(known, [tablet]);
    assert_eq!(tx.devices().count("anna", NOON).await.unwrap(), 1);
    assert_eq!(
        tx.devices().count("anna", NOON.after(DAY)).await.unwrap(),
        0
    );
    let removed = tx.devices().get(phone.number).await.unwrap().unwrap();
    assert!(!removed.is_known(NOON));
}

pub(crate) async fn what_makes_a_browser_known_is_good_once(ground: &Ground) {
    let store = ground.open().await;
    let enrolment = Enrolment {
        person: anna(),
        label: None,
        asked_by: "root".to_owned(),
        asked_at: NOON,
        expires_at: NOON.after(MINUTE),
        used_at: None,
    };
    let token = secret("enrolment");
    let mut tx = store.begin().await.unwrap();
    let mut devices = tx.devices();
    devices.ask(token, &enrolment).await.unwrap();
    assert_eq!(devices.enrolment(token).await.unwrap(), Some(enrolment));
    assert!(is_conflict(
        devices.use_enrolment(token, NOON.after(MINUTE)).await
    ));
    devices.use_enrolment(token, NOON).await.unwrap();
    assert!(is_conflict(devices.use_enrolment(token, NOON).await));
    let used = devices.enrolment(token).await.unwrap().unwrap();
    assert_eq!(used.used_at, Some(NOON));
}

pub(crate) async fn links_and_browsers_have_an_end(ground: &Ground) {
    let store = ground.open().await;
    let link = linked(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.links()
        .hand_form(link.token, PHONE, secret("form"), NOON)
        .await
        .unwrap();
    assert_eq!(tx.links().prune(NOON.after(DAY)).await.unwrap(), 0);
    assert_eq!(
        tx.links()
            .prune(NOON.after(DAY).after(MINUTE))
            .await
            .unwrap(),
        1
    );
    assert_eq!(tx.devices().prune(NOON).await.unwrap(), 0);
    tx.commit().await.unwrap();
}
