//! The driver over connections that lose requests and replies.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::{Connection, LocalConnection, Output, RemoteCommand};
use watchkeeper_model::{LookFailure, StepOutcome};
use watchkeeper_remedy::{Entry, NotYet, drive_step, start};

use crate::pod::{DASH, Diary, EVERYWHERE, HASTY, USER, conn, drive, exited, on_hosts, sh, ticket};

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Passes,
    /// It never reaches the host.
    RequestLost,
    /// The host does it, and the answer is lost.
    ReplyLost,
    /// The answer is cut in half.
    ReplyCut,
}

/// A connection that fails in a given order, and then works.
#[derive(Debug)]
struct Flaky {
    inner: LocalConnection,
    fates: Mutex<VecDeque<Fate>>,
    asked: AtomicU32,
}

impl Flaky {
    fn new(fates: &[Fate]) -> Self {
        Self {
            inner: conn(),
            fates: Mutex::new(fates.iter().copied().collect()),
            asked: AtomicU32::new(0),
        }
    }
}

#[async_trait]
impl Connection for Flaky {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let fate = self
            .fates
            .lock()
            .expect("no panic")
            .pop_front()
            .unwrap_or(Fate::Passes);
        let lost = || LookFailure::ConnectionLost {
            detail: "cut".to_owned(),
        };
        if fate == Fate::RequestLost {
            return Err(lost());
        }
        let mut output = self.inner.run(command).await?;
        match fate {
            Fate::ReplyLost => Err(lost()),
            Fate::ReplyCut => {
                output.stdout.truncate(output.stdout.len() / 2);
                Ok(output)
            }
            Fate::Passes | Fate::RequestLost => Ok(output),
        }
    }

    async fn close(&self) {}
}

#[test]
fn any_four_requests_may_be_lost() {
    on_hosts(
        "follow::any_four_requests_may_be_lost",
        &[DASH],
        async || {
            const FATES: [Fate; 4] = [
                Fate::Passes,
                Fate::RequestLost,
                Fate::ReplyLost,
                Fate::ReplyCut,
            ];
            for number in 0..64_usize {
                let _ = std::fs::remove_file("/tmp/count");
                let fates = [0, 1, 2].map(|place| FATES[number / 4_usize.pow(place) % 4]);
                let ticket = ticket("echo x >>/tmp/count; echo done; exit 3").await;
                let end = drive(&Flaky::new(&fates), &ticket, Entry::First)
                    .await
                    .expect("an outcome");
                assert_eq!(end.outcome, exited(3), "{fates:?}");
                assert_eq!(end.stdout.text(), "done\n", "{fates:?}");
                assert_eq!(sh("wc -l </tmp/count").await, "1", "{fates:?}");
            }
        },
    );
}

#[test]
fn a_refusal_after_a_lost_start_is_made_sure_by_a_cancel() {
    on_hosts(
        "follow::a_refusal_after_a_lost_start_is_made_sure_by_a_cancel",
        &[DASH, USER],
        async || {
            let broken = ticket("if").await;
            let lossy = Flaky::new(&[Fate::ReplyLost]);
            let end = drive(&lossy, &broken, Entry::First)
                .await
                .expect("an outcome");
            assert!(
                matches!(end.outcome, StepOutcome::NotStarted { .. }),
                "{:?}",
                end.outcome
            );
            // Start, look, start, look, cancel, look.
            assert_eq!(lossy.asked.load(Ordering::Relaxed), 6);
        },
    );
}

#[test]
fn a_start_that_is_lost_again_and_again_is_given_up_and_cancelled() {
    on_hosts(
        "follow::a_start_that_is_lost_again_and_again_is_given_up_and_cancelled",
        &[DASH],
        async || {
            let ticket = ticket("echo x >>/tmp/count").await;
            let pair = [Fate::RequestLost, Fate::Passes];
            let lossy = Flaky::new(&pair.repeat(5));
            let end = drive(&lossy, &ticket, Entry::First)
                .await
                .expect("an outcome");
            let why = "the host did not begin it after 5 starts".to_owned();
            assert_eq!(end.outcome, StepOutcome::NotStarted { why });
            start(&conn(), &ticket).await.expect("an answer");
            assert_eq!(sh("cat /tmp/count 2>/dev/null").await, "");
        },
    );
}

#[test]
fn a_controller_that_stops_leaves_the_step_to_the_next_one() {
    on_hosts(
        "follow::a_controller_that_stops_leaves_the_step_to_the_next_one",
        EVERYWHERE,
        async || {
            let ticket =
                ticket("echo begun; while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 5").await;
            let (conn, stop, mut diary) =
                (conn(), CancellationToken::new(), StopAtOutput::default());
            diary.stop = stop.clone();
            let end = drive_step(&conn, &ticket, Entry::First, HASTY, &mut diary, &stop).await;
            assert!(matches!(end, Err(NotYet::Stopped)), "{end:?}");
            sh("touch /tmp/go").await;
            let end = drive(&conn, &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, exited(5));
            assert_eq!(end.stdout.text(), "begun\n");
        },
    );
}

/// Stops the controller once the step has printed something.
#[derive(Default)]
struct StopAtOutput {
    stop: CancellationToken,
}

#[async_trait]
impl watchkeeper_remedy::StepJournal for StopAtOutput {
    async fn record(
        &mut self,
        event: watchkeeper_remedy::StepEvent<'_>,
    ) -> Result<(), watchkeeper_remedy::JournalLost> {
        if matches!(event, watchkeeper_remedy::StepEvent::Output { .. }) {
            self.stop.cancel();
        }
        Ok(())
    }
}

#[test]
fn progress_is_told_in_order() {
    on_hosts("follow::progress_is_told_in_order", &[DASH], async || {
        let ticket = ticket("echo hello; exit 0").await;
        let mut diary = Diary::default();
        let stop = CancellationToken::new();
        drive_step(&conn(), &ticket, Entry::First, HASTY, &mut diary, &stop)
            .await
            .expect("an outcome");
        assert_eq!(diary.0.first().map(String::as_str), Some("Asking"));
        assert!(diary.0.contains(&"Stdout 0+6".to_owned()), "{diary:?}");
        assert!(diary.0.contains(&"Stands(Done)".to_owned()), "{diary:?}");
    });
}
