//! Channels that are down, refuse, are slow, or ask for patience.

use tokio::task::JoinSet;
use watchkeeper_model::{DeliveryState, Severity, Span};
use watchkeeper_notify::open;
use watchkeeper_testkit::push::{Fault, Gotify};

use crate::bridge::NGINX;
use crate::ground::{Ground, HOUR, SOON, TOKEN};

/// Five hundred messages waited for a day: what comes is one summary and the newest critical troubles, and of every
/// single one it is known what became of it.
pub(crate) async fn a_day_without_gotify_ends_in_a_summary_and_the_critical_ones(ground: Ground) {
    ground.gotify.fails(Fault::Down);
    for number in 1..=500 {
        let severity = if number % 25 == 0 {
            Severity::Critical
        } else {
            Severity::Warning
        };
        ground.trouble(&format!("trouble {number}"), severity).await;
    }
    for _ in 0..24 {
        ground.pass().await;
        ground.bridge.clock.advance(HOUR);
    }
    assert!(ground.messages().is_empty());
    let tries = ground.gotify.requests();
    assert!(
        (10..=30).contains(&tries),
        "one message is tried at a time: {tries}"
    );
    assert_eq!(ground.channel_issues().await, ["open"]);

    ground.gotify.fails(None);
    ground.pass().await;
    let titles = ground.titles();
    assert_eq!(titles.len(), 6, "{titles:#?}");
    for number in [400, 425, 450, 475, 500] {
        assert!(
            titles
                .iter()
                .any(|title| title.contains(&format!("trouble {number}"))),
            "{titles:#?}"
        );
    }
    let summary = ground
        .messages()
        .into_iter()
        .find(|message| message.title.contains("notices: "))
        .expect("a summary");
    assert!(
        summary.title.contains("notices: 15 critical"),
        "{}",
        summary.title
    );
    assert!(
        summary
            .message
            .contains("more: `watchkeeper issues list --all`")
    );
    let deliveries = ground.deliveries().await;
    assert!(deliveries.iter().all(|one| match one.state {
        DeliveryState::Sent => true,
        DeliveryState::Folded => one.folded_into.is_some(),
        DeliveryState::Queued | DeliveryState::Dead => false,
    }));
    assert_eq!(ground.channel_issues().await, ["resolved"]);
    ground.pass().await;
    assert_eq!(ground.titles().len(), 6, "and then it is quiet");
    ground.bridge.log_is_intact().await;
}

pub(crate) async fn a_refused_token_is_not_tried_without_end_and_a_mended_one_at_once(
    ground: Ground,
) {
    ground.gotify.forgets_applications();
    ground.trouble("the disk is full", Severity::Critical).await;
    for _ in 0..120 {
        ground.pass().await;
    }
    assert_eq!(ground.gotify.requests(), 1, "an hour, and one try");
    assert_eq!(ground.channel_issues().await, ["open"]);
    let channel = ground.channel("phone").await;
    assert_eq!((channel.healthy, channel.refused), (Some(false), true));
    let error = channel.error.expect("it says why");
    assert!(
        error.contains("valid access token") && !error.contains(TOKEN),
        "{error}"
    );

    ground.gotify.has_application("Another.token");
    std::fs::write(&ground.token_file, "Another.token").expect("written");
    ground.pass().await;
    assert_eq!(ground.titles(), ["critical: the disk is full"]);
    ground.makes().await;
    assert_eq!(ground.channel_issues().await, ["resolved"]);
    assert_eq!(ground.channel("phone").await.healthy, Some(true));
}

pub(crate) async fn slowness_never_delays_a_look(ground: Ground) {
    let mut settings = ground.settings("phone", &ground.gotify.url());
    settings.timeout = Span::minutes(1);
    let patient = open(settings).expect("a channel");
    let watch = ground.bridge.watch.clone();
    ground
        .tells(&watch, |notifying| notifying.channels = vec![patient])
        .await;
    ground.gotify.fails(Fault::Silent);
    ground.trouble("something", Severity::Critical).await;
    ground.makes().await;
    ground.bridge.clock.advance(SOON);
    let mut sending = JoinSet::new();
    sending.spawn(async move { watch.deliver("phone").await });
    ground.gotify.until_requests(1).await;
    ground.bridge.host().unit(NGINX).fails("exit-code");
    // The store is free, too: nothing is held while a channel is waited for.
    ground.bridge.check().await;
    ground.makes().await;
    assert_eq!(ground.bridge.state(0).await, "held");
    assert!(sending.try_join_next().is_none(), "it is still waited for");
    sending.shutdown().await;
}

pub(crate) async fn a_dead_channel_is_an_issue_that_the_others_hear_of(ground: Ground) {
    let other = Gotify::start(TOKEN).await;
    let second = open(ground.settings("tablet", &other.url())).expect("a channel");
    let watch = &ground.bridge.watch;
    ground
        .tells(watch, |notifying| notifying.channels.push(second))
        .await;
    ground.gotify.fails(Fault::Status(500));
    ground.trouble("something", Severity::Critical).await;
    let both = async || {
        ground.pass().await;
        watch.deliver("tablet").await.expect("the store answers");
    };
    both().await;
    assert_eq!(other.messages().len(), 1);
    assert!(
        ground.channel_issues().await.is_empty(),
        "one failure is none"
    );
    for _ in 0..30 {
        both().await;
    }
    assert_eq!(ground.channel_issues().await, ["open"]);
    let titles: Vec<String> = other.messages().into_iter().map(|one| one.title).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert_eq!(titles[1], "warning: channel phone does not take messages");
    let channel = ground.channel("phone").await;
    assert_eq!(channel.healthy, Some(false));
    assert!(channel.queued > 0 && channel.failing_since.is_some());
    let doctor = watch.doctor().await;
    let line = doctor.iter().find(|line| line.name == "channel phone");
    let line = line.expect("the doctor looks at it");
    assert!(
        !line.remedy.is_empty() && line.detail.contains("500"),
        "{line:?}"
    );

    ground.gotify.fails(None);
    ground.bridge.clock.advance(HOUR);
    both().await;
    both().await;
    assert_eq!(ground.channel_issues().await, ["resolved"]);
    assert_eq!(
        ground.titles(),
        ["critical: something"],
        "its own trouble is not its news"
    );
}

pub(crate) async fn a_server_that_asks_for_patience_gets_it(ground: Ground) {
    ground.gotify.fails(Fault::TooMany(1_800));
    ground.trouble("something", Severity::Critical).await;
    ground.pass().await;
    ground.gotify.fails(None);
    for _ in 0..50 {
        ground.pass().await;
    }
    assert_eq!(ground.gotify.requests(), 1, "not before its time");
    ground.bridge.clock.advance(HOUR / 4);
    ground.pass().await;
    assert_eq!(ground.titles(), ["critical: something"]);
}
