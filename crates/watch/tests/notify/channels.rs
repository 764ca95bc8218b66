//! Channels that are down, refuse, are slow, or ask for patience.

use tokio::task::JoinSet;
use watchkeeper_model::{Autonomy, Clock as _, DeliveryState, IssueState, Severity, Span};
use watchkeeper_notify::{Event, Route, open};
use watchkeeper_testkit::push::{Fault, Gotify};
use watchkeeper_watch::Web;

use crate::bridge::{NGINX, ann};
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
    ground.gotify.fails(Fault::TooMany(86_400));
    ground.trouble("something", Severity::Critical).await;
    ground.pass().await;
    ground.gotify.fails(None);
    for _ in 0..23 {
        ground.bridge.clock.advance(HOUR);
        ground.pass().await;
    }
    assert_eq!(ground.gotify.requests(), 1, "not before its time");
    ground.bridge.clock.advance(HOUR);
    ground.pass().await;
    assert_eq!(ground.titles(), ["critical: something"]);
}

pub(crate) async fn a_channel_that_is_down_is_tried_once_a_pause_whoever_looks(ground: Ground) {
    let other = ground.bridge.another_controller("other").await;
    ground.tells(&other, |_| ()).await;
    ground.gotify.fails(Fault::Status(500));
    for number in 1..=3 {
        let title = format!("trouble {number}");
        ground.trouble(&title, Severity::Critical).await;
    }
    ground.makes().await;
    ground.bridge.clock.advance(SOON);
    let watch = &ground.bridge.watch;
    for _ in 0..5 {
        let both = tokio::join!(watch.deliver("phone"), other.deliver("phone"));
        assert_eq!((both.0.expect("answers"), both.1.expect("answers")), (0, 0));
    }
    assert_eq!(ground.gotify.requests(), 1, "three messages, one try");
    ground.bridge.clock.advance(SOON);
    for _ in 0..5 {
        let both = tokio::join!(watch.deliver("phone"), other.deliver("phone"));
        assert_eq!((both.0.expect("answers"), both.1.expect("answers")), (0, 0));
    }
    assert_eq!(ground.gotify.requests(), 2);
}

pub(crate) async fn another_address_is_tried_at_once(ground: Ground) {
    let watch = &ground.bridge.watch;
    let nowhere = open(ground.settings("phone", "http://127.0.0.1:1")).expect("a channel");
    ground
        .tells(watch, |notifying| notifying.channels = vec![nowhere])
        .await;
    ground.trouble("something", Severity::Critical).await;
    for _ in 0..10 {
        ground.pass().await;
    }
    let channel = ground.channel("phone").await;
    let now = ground.bridge.clock.now();
    assert!(channel.retry_at.is_some_and(|at| at > now));
    ground.tells(watch, |_| ()).await;
    assert_eq!(ground.sends().await, 1, "its pause was the old address's");
}

pub(crate) async fn one_refused_message_is_no_message_taken(ground: Ground) {
    ground.gotify.fails(Fault::Status(400));
    ground.trouble("something", Severity::Critical).await;
    ground.pass().await;
    let channel = ground.channel("phone").await;
    assert_eq!((channel.healthy, channel.sent_at), (Some(false), None));
    assert!(
        channel
            .error
            .is_some_and(|error| error.contains("refuses this message"))
    );
    let issues = ground.bridge.issues().await;
    assert!(
        issues
            .iter()
            .any(|line| line.issue.title == "channel phone refused a message")
    );
    ground.gotify.fails(None);
    ground.trouble("something else", Severity::Critical).await;
    ground.pass().await;
    assert_eq!(ground.channel_issues().await, ["resolved"]);
}

pub(crate) async fn what_a_channel_never_takes_is_given_up_and_said(ground: Ground) {
    ground.gotify.fails(Fault::Down);
    ground.trouble("something", Severity::Critical).await;
    for _ in 0..(4 * 48) {
        ground.pass().await;
        ground.bridge.clock.advance(HOUR / 2);
    }
    let first = ground.deliveries().await.pop().expect("a delivery");
    assert_eq!(first.state, DeliveryState::Dead);
    assert_eq!(
        first.error.as_deref(),
        Some("its channel failed for too long")
    );
    assert_eq!(ground.bridge.log("delivery.dead").await.len(), 1);
}

pub(crate) async fn a_channel_that_was_renamed_hears_the_end(ground: Ground) {
    let issue = ground
        .trouble("the printer smells", Severity::Warning)
        .await;
    ground.pass().await;
    let watch = &ground.bridge.watch;
    let renamed = open(ground.settings("mobile", &ground.gotify.url())).expect("a channel");
    ground
        .tells(watch, |notifying| notifying.channels = vec![renamed])
        .await;
    let resolved = watch.change_issue(issue, ann(), IssueState::Resolved, None);
    resolved.await.expect("resolved");
    ground.pass().await;
    watch.deliver("mobile").await.expect("the store answers");
    assert_eq!(
        ground.titles(),
        [
            "warning: the printer smells",
            "resolved: the printer smells"
        ]
    );
}

pub(crate) async fn what_a_removed_channel_leaves_behind_is_seen_and_cleared(ground: Ground) {
    let watch = &ground.bridge.watch;
    ground.gotify.forgets_applications();
    ground.trouble("something", Severity::Critical).await;
    ground.pass().await;
    assert_eq!(ground.channel_issues().await, ["open"]);
    let other = Gotify::start(TOKEN).await;
    let tablet = open(ground.settings("tablet", &other.url())).expect("a channel");
    ground
        .tells(watch, |notifying| notifying.channels = vec![tablet])
        .await;
    watch
        .forget_gone_channels()
        .await
        .expect("the store answers");
    assert_eq!(
        ground.channel_issues().await,
        ["resolved"],
        "nobody will ever mend it"
    );
    let gone = ground.channel("phone").await;
    assert_eq!((gone.gone, gone.queued, gone.healthy), (true, 1, None));
    assert!(!ground.channel("tablet").await.gone);
    // Put back, it begins anew.
    ground.gotify.has_application(TOKEN);
    ground.tells(watch, |_| ()).await;
    assert_eq!(ground.sends().await, 1);
}

/// The loop of a daemon sends, and a person asks for something at the same moment.
pub(crate) async fn a_message_under_way_is_not_sent_again_by_who_asks(ground: Ground) {
    let mut settings = ground.settings("phone", &ground.gotify.url());
    settings.timeout = Span::seconds(2);
    let patient = open(settings).expect("a channel");
    let watch = ground.bridge.watch.clone();
    ground
        .tells(&watch, |notifying| notifying.channels = vec![patient])
        .await;
    ground.gotify.fails(Fault::SilentInBody);
    ground.trouble("something", Severity::Critical).await;
    ground.makes().await;
    ground.bridge.clock.advance(SOON);
    let mut sending = JoinSet::new();
    let looping = watch.clone();
    sending.spawn(async move { looping.deliver("phone").await });
    ground.gotify.until_requests(1).await;
    ground.gotify.fails(None);
    let tested = watch.test_channels(ann(), None).await.expect("it is tried");
    assert_eq!(tested[0].state, DeliveryState::Sent);
    assert_eq!(
        ground.titles(),
        ["critical: something", "bridge: this is a test"],
        "each once"
    );
    sending.join_all().await;
}

/// A try that failed may have arrived, and its link with it.
pub(crate) async fn of_several_tries_only_the_last_has_a_link_that_counts(ground: Ground) {
    let watch = &ground.bridge.watch;
    watch.use_web(Web {
        public_url: Some("https://watch.example.org".to_owned()),
        ..Web::default()
    });
    let mut settings = ground.settings("phone", &ground.gotify.url());
    settings.person = Some("ann".to_owned());
    let anns = open(settings).expect("a channel");
    ground
        .tells(watch, |notifying| {
            notifying.channels = vec![anns];
            notifying.routes = vec![Route {
                events: vec![Event::Held],
                ..Route::default()
            }];
        })
        .await;
    ground.bridge.autonomy(Autonomy::Suggest);
    // It is taken, and nothing is heard of that.
    ground.gotify.fails(Fault::CutInHalf);
    ground.bridge.host().unit(NGINX).fails("exit-code");
    ground.bridge.check().await;
    ground.pass().await;
    ground.gotify.fails(None);
    ground.bridge.clock.advance(HOUR);
    ground.pass().await;
    let messages = ground.messages();
    let links: Vec<&str> = messages
        .iter()
        .filter(|message| message.title.contains(NGINX))
        .filter_map(|message| message.extras["client::notification"]["click"]["url"].as_str())
        .filter_map(|url| url.strip_prefix("https://watch.example.org/a/"))
        .collect();
    assert_eq!(links.len(), 2, "{:?}", ground.titles());
    let asked = watch.ask_for_device(ann(), None, ann()).await;
    let address = asked.expect("it is asked for").url.expect("an address");
    let (_, token) = address.rsplit_once('/').expect("a token");
    let added = watch.add_device(token, None, "phone").await;
    let (_, secret) = added.expect("it is known");
    let mut good = Vec::new();
    for link in links {
        let bearer = watch.bearer(link, Some(&secret)).await;
        let bearer = bearer.expect("it is hers");
        good.push(watch.open_link(&bearer).await.is_ok());
    }
    assert_eq!(good, [false, true]);
}
