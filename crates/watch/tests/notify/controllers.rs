//! More than one controller, and one that is lost in the middle.

use tokio::task::JoinSet;
use watchkeeper_model::{DeliveryState, Severity};
use watchkeeper_testkit::push::Fault;

use crate::ground::{Ground, SOON};

pub(crate) async fn two_controllers_send_one_message(ground: Ground) {
    let one = ground.bridge.watch.clone();
    let other = ground.bridge.another_controller("other").await;
    ground.tells(&other, |_| ()).await;
    for number in 1..=5 {
        ground
            .trouble(&format!("trouble {number}"), Severity::Critical)
            .await;
        let read = tokio::join!(one.read_notices(), other.read_notices());
        for read in [read.0, read.1] {
            // Of two who move the cursor one may find that the other was quicker.
            assert!(read.is_ok(), "{read:?}");
        }
        ground.bridge.clock.advance(SOON);
        let sent = tokio::join!(one.deliver("phone"), other.deliver("phone"));
        let sent = sent.0.expect("answers") + sent.1.expect("answers");
        assert_eq!(sent, 1, "message {number}");
    }
    let titles = ground.titles();
    assert_eq!(titles.len(), 5, "{titles:?}");
    ground.bridge.log_is_intact().await;
}

pub(crate) async fn a_restart_in_the_middle_of_a_delivery_loses_nothing(ground: Ground) {
    ground.trouble("the disk is full", Severity::Critical).await;
    ground.makes().await;
    ground.bridge.clock.advance(SOON);
    ground.gotify.fails(Fault::Silent);
    let mut sending = JoinSet::new();
    let watch = ground.bridge.watch.clone();
    sending.spawn(async move { watch.deliver("phone").await });
    ground.gotify.until_requests(1).await;
    sending.shutdown().await;
    ground.gotify.fails(None);

    let next = ground.bridge.another_controller("next").await;
    ground.tells(&next, |_| ()).await;
    let deliver = async || next.deliver("phone").await.expect("the store answers");
    assert_eq!(deliver().await, 0, "the lost one may be sending still");
    ground.bridge.clock.advance(SOON + SOON);
    assert_eq!(deliver().await, 1);
    assert_eq!(deliver().await, 0);
    assert_eq!(ground.titles(), ["critical: the disk is full"]);
    let deliveries = ground.deliveries().await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(
        (deliveries[0].state, deliveries[0].attempts),
        (DeliveryState::Sent, 2)
    );
}
