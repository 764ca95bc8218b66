//! Reading the log: who reads, what is passed over, and what it costs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use watchkeeper_model::{About, Actor, LogRecord, Severity};
use watchkeeper_store::Store;

use crate::bridge::{Bridge, ann};
use crate::ground::{Ground, HOUR};

/// The statements that a store was asked for, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements(BTreeMap<String, usize>);

impl Statements {
    /// Counts those of a piece of work that runs in this thread.
    pub(crate) async fn of(work: impl AsyncFnOnce()) -> Self {
        let counter = Counter::default();
        let counting = tracing::subscriber::set_default(counter.clone());
        work().await;
        drop(counting);
        let counted = counter.0.lock().expect("nobody broke down").clone();
        Self(counted)
    }

    pub(crate) fn only_reads(&self) -> bool {
        let reads = [".get", ".list", ".is_due", ".due", ".sent"];
        !self.0.is_empty()
            && self
                .0
                .keys()
                .all(|name| reads.iter().any(|read| name.ends_with(read)))
    }

    fn named(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(0)
    }

    fn all(&self) -> usize {
        self.0.values().sum()
    }
}

/// Hears of every statement: each is a span called `db` that names its operation.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<BTreeMap<String, usize>>>);

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "db"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut name = String::new();
        span.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                if field.name() == "operation" {
                    name = format!("{value:?}").replace('"', "");
                }
            },
        );
        *self
            .0
            .lock()
            .expect("nobody broke down")
            .entry(name)
            .or_default() += 1;
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Two controllers of one store, one without a channel: what happens is told by the other.
pub(crate) async fn who_has_no_channel_takes_nothing_from_who_has(ground: Ground) {
    let silent = ground.bridge.another_controller("silent").await;
    ground.trouble("something", Severity::Critical).await;
    assert_eq!(silent.read_notices().await.expect("the store answers"), 0);
    silent.keep_house(true).await.expect("the store answers");
    ground.pass().await;
    assert_eq!(ground.titles(), ["critical: something"]);
}

pub(crate) async fn what_nobody_heard_for_a_day_is_told_no_more(ground: Ground) {
    let watch = &ground.bridge.watch;
    for (away, told) in [(1, 1), (25, 1)] {
        ground
            .tells(watch, |notifying| notifying.channels.clear())
            .await;
        let title = format!("away for {away} h");
        ground.trouble(&title, Severity::Warning).await;
        ground.bridge.clock.advance(away * HOUR);
        ground.makes().await;
        watch.keep_house(true).await.expect("the store answers");
        ground.tells(watch, |_| ()).await;
        ground.pass().await;
        assert_eq!(ground.titles().len(), told, "{:?}", ground.titles());
    }
    ground.trouble("from then on", Severity::Warning).await;
    ground.pass().await;
    assert_eq!(ground.titles().len(), 2);
}

/// A day of other entries with a trouble now and then: what reading costs grows with the steps and with what is told, and
/// no step holds more than its share.
#[tokio::test]
async fn a_log_of_a_hundred_thousand_entries_is_read_in_bounded_steps() {
    const ENTRIES: usize = 100_000;
    const TROUBLES: usize = 100;
    let ground = Ground::over(Bridge::on_sqlite().await).await;
    let store = Store::open(&ground.bridge.url).await.expect("it opens");
    for number in 0..TROUBLES {
        let title = format!("trouble {number}");
        ground.trouble(&title, Severity::Warning).await;
        let mut tx = store.begin().await.expect("it can be changed");
        for _ in 0..ENTRIES / TROUBLES {
            let looked = LogRecord {
                at: watchkeeper_testkit::clock::NOON,
                actor: Actor::Person(ann()),
                event: "host.looked_at".to_owned(),
                about: About::default(),
                body: json!({ "text": "nothing has changed" }),
            };
            tx.log().append(looked).expect("it is short");
        }
        tx.commit().await.expect("it is kept");
    }
    ground.bridge.clock.advance(24 * HOUR);
    let mut read = 0;
    let counted = Statements::of(async || {
        read = ground
            .bridge
            .watch
            .read_notices()
            .await
            .expect("it is read");
    });
    let counted = counted.await;
    assert!(read >= ENTRIES, "{read}");
    let steps = counted.named("log.list");
    assert!(
        (ENTRIES / 200..=ENTRIES / 200 + 10).contains(&steps),
        "200 entries at a time: {counted:?}"
    );
    // A step asks for the cursor, the head and the entries, and moves the cursor; a trouble costs what is known of it, and
    // what is looked for and written for one channel.
    assert!(counted.all() <= 10 * steps + 20 * TROUBLES, "{counted:?}");
    ground.bridge.clock.advance(HOUR);
    ground.sends().await;
    let titles = ground.titles();
    assert_eq!(titles, [format!("{TROUBLES} notices: {TROUBLES} warnings")]);
}
