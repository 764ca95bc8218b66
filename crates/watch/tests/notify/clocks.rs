//! Clocks that are set back and forth, quiet hours, the digest, and what is told again.

use std::time::Duration;

use watchkeeper_model::{IssueState, Severity};
use watchkeeper_notify::{DailyAt, QuietHours};
use watchkeeper_testkit::clock::NOON;
use watchkeeper_testkit::push::Fault;
use watchkeeper_watch::DailyDigest;

use crate::bridge::{MINUTE, ann};
use crate::ground::{Ground, HOUR};

const DAY: Duration = Duration::from_secs(86_400);

fn utc() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::UTC
}

pub(crate) async fn a_clock_set_back_and_forth_makes_neither_storm_nor_silence(ground: Ground) {
    let clock = &ground.bridge.clock;
    ground.trouble("first", Severity::Critical).await;
    ground.pass().await;
    assert_eq!(ground.titles(), ["critical: first"]);

    // A year ahead: what is open is told once more, not once a look.
    clock.set(NOON.after(365 * DAY));
    for _ in 0..10 {
        ground.pass().await;
    }
    assert_eq!(ground.titles().len(), 2, "{:?}", ground.titles());

    // And back: once more, and what is new comes at once, not in a year.
    clock.set(NOON.after(HOUR));
    ground.trouble("second", Severity::Critical).await;
    for _ in 0..10 {
        ground.pass().await;
    }
    let titles = ground.titles();
    assert_eq!(
        titles
            .iter()
            .filter(|title| title.contains("second"))
            .count(),
        1,
        "{titles:?}"
    );
    assert!(titles.len() <= 4, "no storm: {titles:?}");

    // What was told by the clock that was ahead is told again in its time, not in a year.
    let reminders = |ground: &Ground| {
        let titles = ground.titles();
        titles
            .iter()
            .filter(|title| *title == "still there: first")
            .count()
    };
    let before = reminders(&ground);
    clock.advance(5 * HOUR);
    ground.pass().await;
    assert_eq!(reminders(&ground), before + 1, "{:?}", ground.titles());

    // Set back while a channel is left alone, and while a message waits.
    ground.gotify.fails(Fault::Status(500));
    ground.trouble("third", Severity::Critical).await;
    ground.pass().await;
    ground.gotify.fails(None);
    ground.trouble("fourth", Severity::Critical).await;
    ground.makes().await;
    clock.set(NOON.before(10 * HOUR));
    for _ in 0..3 {
        ground.pass().await;
    }
    let titles = ground.titles();
    for title in ["third", "fourth"] {
        let told = titles.iter().filter(|one| one.contains(title)).count();
        assert_eq!(told, 1, "{title}: {titles:?}");
    }
}

pub(crate) async fn quiet_hours_keep_back_what_can_wait(ground: Ground) {
    let quiet = QuietHours {
        from: "11:00".parse().expect("a time"),
        to: "13:00".parse().expect("a time"),
        zone: utc(),
    };
    let watch = &ground.bridge.watch;
    ground
        .tells(watch, |notifying| notifying.quiet = Some(quiet))
        .await;
    ground.trouble("it can wait", Severity::Warning).await;
    ground.trouble("it cannot wait", Severity::Critical).await;
    ground.pass().await;
    assert_eq!(ground.titles(), ["critical: it cannot wait"]);
    ground.bridge.clock.set(NOON.after(HOUR));
    ground.pass().await;
    assert_eq!(
        ground.titles(),
        ["critical: it cannot wait", "warning: it can wait"]
    );
}

pub(crate) async fn the_digest_comes_once_a_day(ground: Ground) {
    let digest = DailyDigest {
        at: DailyAt {
            at: "12:30".parse().expect("a time"),
            zone: utc(),
        },
        channels: Vec::new(),
    };
    let watch = &ground.bridge.watch;
    ground
        .tells(watch, |notifying| {
            notifying.digest = Some(digest);
            notifying.repeat = None;
        })
        .await;
    ground
        .trouble("`the *printer* smells`", Severity::Info)
        .await;
    ground.pass().await;
    assert!(
        ground.titles().is_empty(),
        "the first is tomorrow's, or today's when it is time"
    );
    for _ in 0..48 {
        ground.bridge.clock.advance(HOUR);
        ground.pass().await;
    }
    let messages = ground.messages();
    assert_eq!(messages.len(), 2, "{:?}", ground.titles());
    assert_eq!(messages[0].title, "bridge: how things stand");
    assert_eq!(messages[0].priority, 2);
    assert!(
        messages[0]
            .message
            .starts_with("1 open, 0 waiting for approval; since yesterday "),
        "{}",
        messages[0].message
    );
    assert!(
        messages[0]
            .message
            .contains("- `info 'the *printer* smells'`"),
        "{}",
        messages[0].message
    );
}

pub(crate) async fn what_stays_critical_is_told_again_until_somebody_knows(ground: Ground) {
    let issue = ground.trouble("the disk is full", Severity::Critical).await;
    ground
        .trouble("the printer smells", Severity::Warning)
        .await;
    for _ in 0..12 {
        ground.pass().await;
        ground.bridge.clock.advance(HOUR);
    }
    let reminders = |ground: &Ground| {
        let titles = ground.titles();
        titles
            .iter()
            .filter(|title| *title == "still there: the disk is full")
            .count()
    };
    assert_eq!(reminders(&ground), 2, "{:?}", ground.titles());
    assert_eq!(ground.titles().len(), 4, "warnings are not told again");
    let watch = &ground.bridge.watch;
    watch
        .change_issue(issue, ann(), IssueState::Acknowledged, None)
        .await
        .expect("acknowledged");
    for _ in 0..12 {
        ground.pass().await;
        ground.bridge.clock.advance(HOUR + MINUTE);
    }
    assert_eq!(reminders(&ground), 2, "somebody knows");
}

/// A channel fails for some hours, and then the clock leaps by a year: nothing has waited for a year.
pub(crate) async fn a_leap_of_the_clock_gives_up_nothing(ground: Ground) {
    ground.gotify.fails(Fault::Status(500));
    ground.trouble("something", Severity::Critical).await;
    for _ in 0..15 {
        ground.pass().await;
        ground.bridge.clock.advance(HOUR / 2);
    }
    assert!(ground.gotify.requests() > 10);
    ground.bridge.clock.advance(365 * DAY);
    ground.pass().await;
    assert_eq!(ground.channel("phone").await.dead, 0);
    ground.gotify.fails(None);
    ground.bridge.clock.advance(HOUR);
    ground.pass().await;
    let titles = ground.titles();
    assert!(
        titles.iter().any(|title| title.contains("something")),
        "{titles:?}"
    );
}

pub(crate) async fn in_quiet_hours_nothing_is_written_for_what_waits(ground: Ground) {
    let quiet = QuietHours {
        from: "11:00".parse().expect("a time"),
        to: "13:00".parse().expect("a time"),
        zone: utc(),
    };
    let watch = &ground.bridge.watch;
    ground
        .tells(watch, |notifying| notifying.quiet = Some(quiet))
        .await;
    ground.trouble("it can wait", Severity::Warning).await;
    ground.makes().await;
    ground.bridge.clock.advance(2 * MINUTE);
    let statements = crate::reading::Statements::of(async || {
        for _ in 0..10 {
            ground.sends().await;
        }
    });
    let counted = statements.await;
    assert!(counted.only_reads(), "{counted:?}");
}
