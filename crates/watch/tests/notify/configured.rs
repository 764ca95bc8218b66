//! What is configured under `[notify]` has an effect: each limit is set to something else than its default.

use std::time::Duration;

use watchkeeper_model::Severity;
use watchkeeper_testkit::push::Fault;
use watchkeeper_watch::Notifying;

use crate::bridge::{Bridge, MINUTE};
use crate::ground::{Ground, HOUR};

async fn with(change: impl FnOnce(&mut Notifying)) -> Ground {
    let ground = Ground::over(Bridge::on_sqlite().await).await;
    ground.tells(&ground.bridge.watch, change).await;
    ground
}

/// Lets time pass, and says how many messages the phone took then.
async fn after(ground: &Ground, time: Duration) -> usize {
    ground.makes().await;
    ground.bridge.clock.advance(time);
    ground.sends().await
}

/// `notify.group_wait`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_waits_so_long_for_others() {
    let ground = with(|notifying| notifying.group_wait = 3 * MINUTE).await;
    ground.trouble("the fan is loud", Severity::Warning).await;
    assert_eq!(after(&ground, 2 * MINUTE).await, 0);
    assert_eq!(after(&ground, 2 * MINUTE).await, 1);
}

/// `notify.fold_above`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_so_many_are_told_in_one() {
    let three = async |most: usize| {
        let ground = with(|notifying| notifying.fold_above = most).await;
        for what in ["the fan is loud", "the lid is open", "the door is open"] {
            ground.trouble(what, Severity::Warning).await;
        }
        ground.pass().await;
        ground.titles().len()
    };
    assert_eq!(three(5).await, 3);
    assert_eq!(three(2).await, 1);
}

/// `notify.dead_after`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_fails_for_so_long_is_an_issue() {
    let ground = with(|notifying| notifying.dead_after = 2 * HOUR).await;
    ground.gotify.fails(Fault::Down);
    ground.trouble("the fan is loud", Severity::Critical).await;
    for _ in 0..4 {
        after(&ground, 20 * MINUTE).await;
    }
    assert_eq!(ground.channel_issues().await, Vec::<String>::new());
    for _ in 0..4 {
        after(&ground, HOUR).await;
    }
    assert_eq!(ground.channel_issues().await, ["open"]);
}
