//! Hours may lie between a notice and its message: what is told holds when it is told.

use std::time::Duration;

use watchkeeper_model::{ActionNumber, Autonomy, DeliveryState, Severity};
use watchkeeper_notify::QuietHours;
use watchkeeper_testkit::clock::NOON;
use watchkeeper_testkit::push::Fault;

use crate::bridge::{MINUTE, NGINX, ann};
use crate::ground::{Ground, HOUR};

fn about_nginx(ground: &Ground) -> Vec<String> {
    let mut titles = ground.titles();
    titles.retain(|title| title.contains(NGINX));
    titles
}

async fn looks(ground: &Ground, count: usize) {
    for _ in 0..count {
        ground.bridge.check().await;
        ground.pass().await;
        ground.bridge.clock.advance(5 * MINUTE);
    }
}

/// A trouble is told at night, is over, and is back before the morning: nobody reads last that it is over.
pub(crate) async fn an_end_that_waits_is_not_told_when_the_trouble_is_back(ground: Ground) {
    let quiet = QuietHours {
        from: "11:00".parse().expect("a time"),
        to: "15:00".parse().expect("a time"),
        zone: jiff::tz::TimeZone::UTC,
    };
    let watch = &ground.bridge.watch;
    ground.bridge.autonomy(Autonomy::Observe);
    ground
        .tells(watch, |notifying| notifying.quiet = Some(quiet))
        .await;
    let host = ground.bridge.host();
    host.unit(NGINX).fails("exit-code");
    looks(&ground, 1).await;
    host.heals(NGINX);
    looks(&ground, 3).await;
    host.unit(NGINX).fails("exit-code");
    looks(&ground, 2).await;
    ground.bridge.clock.set(NOON.after(4 * HOUR));
    ground.pass().await;
    let titles = about_nginx(&ground);
    assert!(!titles.is_empty());
    assert!(
        titles.iter().all(|title| !title.contains("resolved")),
        "{titles:?}"
    );
}

/// The same while a channel is down, and the end was tried already.
pub(crate) async fn an_end_that_was_tried_is_not_told_when_the_trouble_is_back(ground: Ground) {
    ground.bridge.autonomy(Autonomy::Observe);
    let host = ground.bridge.host();
    host.unit(NGINX).fails("exit-code");
    looks(&ground, 1).await;
    assert_eq!(about_nginx(&ground).len(), 1);
    host.heals(NGINX);
    ground.gotify.fails(Fault::Status(500));
    looks(&ground, 4).await;
    host.unit(NGINX).fails("exit-code");
    looks(&ground, 2).await;
    ground.gotify.fails(None);
    ground.bridge.clock.advance(HOUR);
    ground.pass().await;
    let titles = about_nginx(&ground);
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(!titles[1].contains("resolved"), "{titles:?}");
    let ended = ground.deliveries().await;
    let dropped = ended
        .iter()
        .find(|one| one.state == DeliveryState::Folded)
        .expect("what became of the end is kept");
    assert_eq!(
        (dropped.folded_into, dropped.error.as_deref()),
        (None, Some("nothing of it holds any more"))
    );
    assert_eq!(ground.bridge.log("delivery.dropped").await.len(), 1);
}

pub(crate) async fn nobody_is_asked_for_what_was_decided_meanwhile(ground: Ground) {
    let bridge = &ground.bridge;
    bridge.autonomy(Autonomy::Suggest);
    ground.gotify.fails(Fault::Down);
    bridge.host().unit(NGINX).fails("exit-code");
    looks(&ground, 2).await;
    let rejected = bridge
        .watch
        .reject(ActionNumber(0), ann(), "not now".to_owned())
        .await;
    rejected.expect("it is rejected");
    ground.gotify.fails(None);
    bridge.clock.advance(HOUR);
    ground.pass().await;
    let titles = about_nginx(&ground);
    assert_eq!(titles.len(), 1, "{titles:?}");
    assert!(!titles[0].contains("waits"), "{titles:?}");
}

pub(crate) async fn what_comes_late_says_when_it_happened(ground: Ground) {
    ground.gotify.fails(Fault::Down);
    ground.trouble("the disk is full", Severity::Critical).await;
    ground.pass().await;
    ground.gotify.fails(None);
    ground
        .bridge
        .clock
        .advance(7 * HOUR + Duration::from_secs(60));
    ground.sends().await;
    let message = ground.messages().remove(0);
    assert!(
        message.message.starts_with("Opened, 7 h ago: "),
        "{}",
        message.message
    );
}
