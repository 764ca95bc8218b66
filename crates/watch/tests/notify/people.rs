//! What people do with notifications.

use watchkeeper_model::{DeliveryState, Severity};
use watchkeeper_notify::open;
use watchkeeper_testkit::push::Fault;
use watchkeeper_watch::{NewWords, WatchError};

use crate::bridge::ann;
use crate::ground::{Ground, HOUR};

fn words(title: &str) -> NewWords {
    NewWords {
        title: title.to_owned(),
        text: "see *you* there: https://evil.example".to_owned(),
        priority: 5,
        channel: None,
    }
}

pub(crate) async fn what_a_person_says_goes_out_at_once_and_is_kept(ground: Ground) {
    let watch = &ground.bridge.watch;
    let said = watch.tell_people(ann(), words("lunch")).await;
    let said = said.expect("it is sent");
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].state, DeliveryState::Sent);
    let message = &ground.messages()[0];
    assert_eq!((message.title.as_str(), message.priority), ("lunch", 5));
    assert_eq!(
        message.message,
        "see \\*you\\* there\\: https\\://evil\\.example"
    );
    assert_eq!(ground.bridge.log("notice.said").await.len(), 1);
    let gentle = NewWords {
        priority: 1,
        ..words("no hurry")
    };
    watch.tell_people(ann(), gentle).await.expect("it is sent");
    assert_eq!(
        ground.messages()[1].priority,
        1,
        "however little it asks for"
    );
    for wrong in [
        NewWords {
            title: "  ".to_owned(),
            ..words("x")
        },
        NewWords {
            title: "x".repeat(201),
            ..words("x")
        },
        NewWords {
            priority: 11,
            ..words("x")
        },
        NewWords {
            channel: Some("nowhere".to_owned()),
            ..words("x")
        },
    ] {
        let refused = watch.tell_people(ann(), wrong).await;
        assert!(
            matches!(
                refused,
                Err(WatchError::Invalid { .. } | WatchError::NoSuchChannel { .. })
            ),
            "{refused:?}"
        );
    }
    assert_eq!(ground.messages().len(), 2);
}

pub(crate) async fn what_was_given_up_can_be_sent_again(ground: Ground) {
    let watch = &ground.bridge.watch;
    ground.gotify.fails(Fault::Status(400));
    let said = watch.tell_people(ann(), words("lunch")).await;
    let said = said.expect("it is kept").remove(0);
    assert_eq!(said.state, DeliveryState::Dead);
    assert!(
        said.error
            .as_deref()
            .is_some_and(|error| error.contains("refuses this message"))
    );
    assert_eq!(ground.channel("phone").await.dead, 1);
    assert_eq!(ground.bridge.log("delivery.dead").await.len(), 1);
    ground.gotify.fails(None);
    let again = watch.retry_delivery(ann(), said.number).await;
    assert_eq!(again.expect("it is sent").state, DeliveryState::Sent);
    assert_eq!(ground.titles(), ["lunch"]);
    let twice = watch.retry_delivery(ann(), said.number).await;
    assert!(
        matches!(twice, Err(WatchError::Invalid { .. })),
        "{twice:?}"
    );
}

pub(crate) async fn a_test_tells_what_is_wrong(ground: Ground) {
    let watch = &ground.bridge.watch;
    ground.gotify.forgets_applications();
    let failed = watch.test_channels(ann(), None).await.expect("it is tried");
    let error = failed[0].error.as_deref().expect("it says why");
    assert!(error.contains("refuses the secret"), "{error}");
    ground.gotify.has_application(crate::ground::TOKEN);
    let mended = watch.test_channels(ann(), Some("phone".to_owned())).await;
    let mended = mended.expect("it is tried, also where it was refused before");
    assert_eq!(mended[0].state, DeliveryState::Sent);
    assert_eq!(ground.channel("phone").await.healthy, Some(true));
    let unknown = watch.test_channels(ann(), Some("nowhere".to_owned())).await;
    assert!(matches!(unknown, Err(WatchError::NoSuchChannel { .. })));
}

pub(crate) async fn too_many_messages_wait_for_the_next_hour(ground: Ground) {
    let watch = &ground.bridge.watch;
    let mut settings = ground.settings("phone", &ground.gotify.url());
    settings.per_hour = 2;
    let few = open(settings).expect("a channel");
    ground
        .tells(watch, |notifying| notifying.channels = vec![few])
        .await;
    for number in 1..=5 {
        let said = watch
            .tell_people(ann(), words(&format!("news {number}")))
            .await;
        said.expect("it is kept");
    }
    assert_eq!(ground.titles(), ["news 1", "news 2"]);
    let urgent = NewWords {
        priority: 8,
        ..words("fire")
    };
    watch.tell_people(ann(), urgent).await.expect("it is sent");
    assert_eq!(
        ground.titles().len(),
        3,
        "what is critical has room of its own"
    );
    ground.bridge.clock.advance(HOUR);
    ground.pass().await;
    assert_eq!(ground.titles()[3..], ["news 3", "news 4"]);
}

pub(crate) async fn what_waits_for_a_channel_that_is_gone_is_given_up_and_seen(ground: Ground) {
    let watch = &ground.bridge.watch;
    ground.gotify.fails(Fault::Down);
    let said = watch.tell_people(ann(), words("lunch")).await;
    assert_eq!(said.expect("it is kept")[0].state, DeliveryState::Queued);
    ground
        .tells(watch, |notifying| notifying.channels.clear())
        .await;
    watch.keep_house(true).await.expect("the store answers");
    assert_eq!(ground.deliveries().await[0].state, DeliveryState::Queued);
    ground.bridge.clock.advance(73 * HOUR);
    watch.keep_house(true).await.expect("the store answers");
    let delivery = ground.deliveries().await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Dead);
    let error = delivery.error.expect("it says why");
    assert_eq!(error, "its channel is not configured any more");
}

pub(crate) async fn a_test_goes_first_and_only_the_last_one_waits(ground: Ground) {
    let watch = &ground.bridge.watch;
    ground.gotify.fails(Fault::Status(500));
    for number in 1..=3 {
        let title = format!("trouble {number}");
        ground.trouble(&title, Severity::Critical).await;
    }
    ground.pass().await;
    for _ in 0..2 {
        let tested = watch.test_channels(ann(), None).await.expect("it is tried");
        assert_eq!(
            (tested[0].state, tested[0].attempts),
            (DeliveryState::Queued, 1)
        );
        let error = tested[0].error.as_deref().expect("it says why");
        assert!(error.contains("500"), "{error}");
    }
    ground.gotify.fails(None);
    ground.bridge.clock.advance(HOUR);
    ground.pass().await;
    let titles = ground.titles();
    let tests = titles.iter().filter(|title| title.contains("a test"));
    assert_eq!(tests.count(), 1, "{titles:?}");
}

pub(crate) async fn who_says_something_to_a_dead_channel_hears_that_it_is(ground: Ground) {
    let watch = &ground.bridge.watch;
    ground.gotify.fails(Fault::Status(500));
    ground.trouble("something", Severity::Critical).await;
    ground.pass().await;
    let tries = ground.gotify.requests();
    let said = watch.tell_people(ann(), words("lunch")).await;
    let said = said.expect("it is kept").remove(0);
    assert_eq!(said.state, DeliveryState::Queued);
    assert!(said.error.is_some_and(|error| error.contains("500")));
    assert_eq!(ground.gotify.requests(), tries, "its pause is not over");
}
