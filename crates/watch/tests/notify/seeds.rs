//! The halves of the regressions of the older systems that are about notifying.

use watchkeeper_model::{ActionNumber, Autonomy};

use crate::bridge::{MINUTE, NGINX, ann};
use crate::ground::Ground;

/// Regression 6: what autonomy refuses waits in the queue, and is told once.
pub(crate) async fn refused_by_autonomy_is_told_once(ground: Ground) {
    let bridge = &ground.bridge;
    bridge.autonomy(Autonomy::Suggest);
    bridge.host().unit(NGINX).fails("exit-code");
    for _ in 0..5 {
        bridge.check().await;
        ground.pass().await;
        bridge.clock.advance(MINUTE);
    }
    assert_eq!(bridge.state(0).await, "held");
    let titles = about_nginx(&ground);
    assert_eq!(titles.len(), 1, "{titles:?}");
    assert!(titles[0].ends_with("; action 0 waits"), "{titles:?}");
}

/// Regression 7: one problem over ten cycles is one notice; a rejected repair is told no more; its end is told once.
pub(crate) async fn one_trouble_over_ten_looks_is_told_once(ground: Ground) {
    let bridge = &ground.bridge;
    bridge.host().unit(NGINX).fails("exit-code");
    for look in 0..10 {
        bridge.check().await;
        ground.pass().await;
        bridge.clock.advance(5 * MINUTE);
        if look == 3 {
            let rejected = bridge
                .watch
                .reject(ActionNumber(0), ann(), "not on a Sunday".to_owned())
                .await;
            rejected.expect("it is rejected");
        }
    }
    assert_eq!(bridge.nginx().await.issue.seen_count, 10);
    let titles = about_nginx(&ground);
    assert_eq!(titles.len(), 1, "{titles:?}");
    bridge.host().heals(NGINX);
    for _ in 0..4 {
        bridge.check().await;
        ground.pass().await;
        bridge.clock.advance(5 * MINUTE);
    }
    let titles = about_nginx(&ground);
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles[1].starts_with("resolved: web1: "), "{titles:?}");
}

/// Regression 9: a changed host key blocks, and somebody is told.
pub(crate) async fn a_changed_host_key_is_told_as_critical(ground: Ground) {
    let bridge = &ground.bridge;
    bridge.check().await;
    bridge.host().changes_key();
    bridge.host().cuts_connections();
    for _ in 0..4 {
        bridge.check().await;
        ground.pass().await;
        bridge.clock.advance(MINUTE);
    }
    let messages = ground.messages();
    let told: Vec<_> = messages
        .iter()
        .filter(|message| message.title.to_lowercase().contains("key"))
        .collect();
    assert_eq!(told.len(), 1, "{:?}", ground.titles());
    assert_eq!(told[0].priority, 8);
    assert!(
        told[0].title.starts_with("critical: web1: "),
        "{}",
        told[0].title
    );
}

/// The machine that plays the hosts may have troubles of its own.
fn about_nginx(ground: &Ground) -> Vec<String> {
    let mut titles = ground.titles();
    titles.retain(|title| title.contains(NGINX));
    titles
}
