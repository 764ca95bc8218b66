//! Never a second execution: many starts at once, clients that die, cancels, other boots, other scripts.

use std::time::Duration;

use futures::future::join_all;
use watchkeeper_model::{BootId, PlannedStep, Privilege, Step, StepOutcome};
use watchkeeper_remedy::{
    CancelReply, Entry, Refusal, StartReply, StepState, StepTicket, WipeReply, cancel, start, wipe,
};

use crate::pod::{
    DASH, EVERYWHERE, Place, USER, boot, conn, drive, exited, gates, id, in_gates, look, on_hosts,
    raw_start, sh, ticket, until,
};

const COUNT: &str = "echo x >>/tmp/count; sleep 0.1";

fn executions() -> usize {
    std::fs::read_to_string("/tmp/count").map_or(0, |text| text.lines().count())
}

async fn two_hundred_starts() {
    let ticket = ticket(COUNT).await;
    let conn = conn();
    let replies = join_all((0..200).map(|_| start(&conn, &ticket))).await;
    let started = replies
        .iter()
        .filter(|reply| matches!(reply, Ok(StartReply::Started(_))))
        .count();
    assert_eq!(started, 1, "{replies:?}");
    let others = replies
        .iter()
        .filter(|reply| matches!(reply, Ok(StartReply::Already)))
        .count();
    assert_eq!(others, 199, "{replies:?}");
    until("it is done", async || {
        look(&ticket).await.state == StepState::Done
    })
    .await;
    assert_eq!(executions(), 1);
    assert_eq!(in_gates(), [ticket.id().as_str()], "no stage is left");
}

#[test]
fn two_hundred_starts_are_one_execution() {
    on_hosts(
        "once::two_hundred_starts_are_one_execution",
        &[DASH],
        two_hundred_starts,
    );
}

#[test]
fn two_hundred_starts_of_a_user_are_one_execution() {
    on_hosts(
        "once::two_hundred_starts_of_a_user_are_one_execution",
        &[USER],
        two_hundred_starts,
    );
}

#[test]
fn two_hundred_starts_by_busybox_are_one_execution() {
    let bare: &[Place] = &[crate::pod::BARE];
    on_hosts(
        "once::two_hundred_starts_by_busybox_are_one_execution",
        bare,
        two_hundred_starts,
    );
}

#[test]
fn a_client_killed_at_any_moment_of_a_start_leaves_one_execution_at_most() {
    const NAME: &str =
        "once::a_client_killed_at_any_moment_of_a_start_leaves_one_execution_at_most";
    on_hosts(NAME, EVERYWHERE, async || {
        for round in 0..10_u64 {
            let _ = std::fs::remove_file("/tmp/count");
            let ticket = ticket(COUNT).await;
            // Letting go of the request kills what it runs on the host, wherever it stands.
            let _ = tokio::time::timeout(Duration::from_millis(4 * round), start(&conn(), &ticket))
                .await;
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, exited(0), "round {round}");
            assert_eq!(executions(), 1, "round {round}");
        }
    });
}

#[test]
fn a_start_is_good_for_one_boot() {
    on_hosts(
        "once::a_start_is_good_for_one_boot",
        &[DASH, USER],
        async || {
            let step = PlannedStep {
                step: Step::PackageCacheClean {},
                script: COUNT.to_owned(),
                limit_s: 9,
                max_output_bytes: 512,
            };
            let BootId(here) = boot().await;
            let earlier = BootId(format!("{here}9"));
            let late = StepTicket::new(id(), &step, &earlier, Privilege::Login).expect("a ticket");
            assert_eq!(
                start(&conn(), &late).await,
                Ok(StartReply::Refused(Refusal::OtherBoot))
            );
            assert_eq!(
                cancel(&conn(), &late).await,
                Ok(CancelReply::Refused(Refusal::OtherBoot))
            );
            assert_eq!(look(&late).await.state, StepState::Unknown);
            let resumed = drive(&conn(), &late, Entry::Resume)
                .await
                .expect("an outcome");
            assert!(
                matches!(resumed.outcome, StepOutcome::Unknown { .. }),
                "{:?}",
                resumed.outcome
            );
            let first = drive(&conn(), &late, Entry::First)
                .await
                .expect("an outcome");
            assert!(
                matches!(first.outcome, StepOutcome::NotStarted { .. }),
                "{:?}",
                first.outcome
            );
            assert_eq!(executions(), 0);
        },
    );
}

#[test]
fn a_script_with_a_syntax_error_runs_not_even_in_part() {
    on_hosts(
        "once::a_script_with_a_syntax_error_runs_not_even_in_part",
        EVERYWHERE,
        async || {
            let broken = ticket("echo x >>/tmp/count\nif true; then\n").await;
            assert_eq!(
                start(&conn(), &broken).await,
                Ok(StartReply::Refused(Refusal::Syntax))
            );
            let end = drive(&conn(), &broken, Entry::First)
                .await
                .expect("an outcome");
            let why = "the host's /bin/sh finds a syntax error in the script".to_owned();
            assert_eq!(end.outcome, StepOutcome::NotStarted { why });
            // With a start in doubt it takes a cancel to be sure.
            let end = drive(&conn(), &broken, Entry::Resume)
                .await
                .expect("an outcome");
            assert!(
                matches!(end.outcome, StepOutcome::NotStarted { .. }),
                "{:?}",
                end.outcome
            );
            assert_eq!(look(&broken).await.state, StepState::Cancelled);
            assert_eq!(executions(), 0);
        },
    );
}

#[test]
fn what_is_not_exactly_the_approved_start_is_refused() {
    on_hosts(
        "once::what_is_not_exactly_the_approved_start_is_refused",
        EVERYWHERE,
        async || {
            let ticket = ticket(COUNT).await;
            let (digest, BootId(boot)) = (ticket.digest(), boot().await);
            let check = async |header: String, script: &str, expect: &str| {
                assert_eq!(
                    raw_start(&header, script, &[]).await,
                    format!("refused {expect}"),
                    "{header}"
                );
            };
            let id = id();
            check(
                format!("wk1 {id} {digest} {boot} 9 512"),
                "echo y >>/tmp/count",
                "digest",
            )
            .await;
            check(
                format!("wk1 {id} {digest} {boot} 9 512"),
                &COUNT[..COUNT.len() - 1],
                "digest",
            )
            .await;
            check(format!("wk1 {id} {digest} {boot} 9 512"), "", "digest").await;
            check(
                format!("wk2 {id} {digest} {boot} 9 512"),
                COUNT,
                "bad-header",
            )
            .await;
            check(
                format!("wk1 {id} {digest}0 {boot} 9 512"),
                COUNT,
                "bad-header",
            )
            .await;
            check(
                format!("wk1 {id} {digest} {boot} 9s 512"),
                COUNT,
                "bad-header",
            )
            .await;
            check(
                format!("wk1 {id} {digest} {boot} 9 0512"),
                COUNT,
                "bad-header",
            )
            .await;
            check(
                format!("wk1 {id} {digest} {boot}x 9 512"),
                COUNT,
                "other-boot",
            )
            .await;
            for bad in [
                "../x",
                "a/b",
                ".",
                "..",
                "a..b",
                ".a",
                "a.",
                "$(id)",
                "A",
                "-rf",
                "*",
                &"a".repeat(65),
            ] {
                check(format!("wk1 {bad} {digest} {boot} 9 512"), COUNT, "bad-id").await;
            }
            let extra =
                raw_start(&format!("wk1 {id} {digest} {boot} 9 512 more"), COUNT, &[]).await;
            assert_eq!(extra, "", "what should be the nonce is none");
            assert_eq!((executions(), in_gates()), (0, vec![]));
        },
    );
}

#[test]
fn a_cancel_before_the_start_prevents_it() {
    on_hosts(
        "once::a_cancel_before_the_start_prevents_it",
        EVERYWHERE,
        async || {
            let ticket = ticket(COUNT).await;
            assert_eq!(cancel(&conn(), &ticket).await, Ok(CancelReply::Cancelled));
            assert_eq!(cancel(&conn(), &ticket).await, Ok(CancelReply::Cancelled));
            assert_eq!(start(&conn(), &ticket).await, Ok(StartReply::Already));
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, StepOutcome::Cancelled);
            assert_eq!(executions(), 0);
        },
    );
}

#[test]
fn a_cancel_after_the_start_is_too_late_and_stops_nothing() {
    on_hosts(
        "once::a_cancel_after_the_start_is_too_late_and_stops_nothing",
        EVERYWHERE,
        async || {
            let ticket = ticket(COUNT).await;
            start(&conn(), &ticket).await.expect("an answer");
            assert_eq!(cancel(&conn(), &ticket).await, Ok(CancelReply::TooLate));
            let end = drive(&conn(), &ticket, Entry::GiveUp)
                .await
                .expect("an outcome");
            assert!(end.outcome.succeeded());
            assert_eq!(executions(), 1);
        },
    );
}

#[test]
fn starts_and_cancels_at_once_agree() {
    on_hosts(
        "once::starts_and_cancels_at_once_agree",
        &[DASH, USER],
        async || {
            for _ in 0..8 {
                let _ = std::fs::remove_file("/tmp/count");
                let ticket = ticket(COUNT).await;
                let conn = conn();
                let starts = join_all((0..4).map(|_| start(&conn, &ticket)));
                let cancels = join_all((0..2).map(|_| cancel(&conn, &ticket)));
                let (_, cancels) = tokio::join!(starts, cancels);
                let end = drive(&conn, &ticket, Entry::GiveUp)
                    .await
                    .expect("an outcome");
                let ran = end.outcome.succeeded();
                assert_eq!(executions(), usize::from(ran), "{:?}", end.outcome);
                for reply in cancels {
                    assert_eq!(reply == Ok(CancelReply::Cancelled), !ran, "{reply:?}");
                }
            }
        },
    );
}

#[test]
fn a_given_up_step_of_which_nothing_is_found_never_starts() {
    on_hosts(
        "once::a_given_up_step_of_which_nothing_is_found_never_starts",
        &[DASH, USER],
        async || {
            let ticket = ticket(COUNT).await;
            let end = drive(&conn(), &ticket, Entry::GiveUp)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, StepOutcome::Cancelled);
            assert_eq!(start(&conn(), &ticket).await, Ok(StartReply::Already));
            assert_eq!(executions(), 0);
        },
    );
}

#[test]
fn a_wiped_step_leaves_nothing_but_cannot_start_again() {
    on_hosts(
        "once::a_wiped_step_leaves_nothing_but_cannot_start_again",
        EVERYWHERE,
        async || {
            let ticket =
                ticket("echo x >>/tmp/count; while [ ! -e /tmp/go ]; do sleep 0.05; done").await;
            start(&conn(), &ticket).await.expect("an answer");
            assert_eq!(
                wipe(&conn(), ticket.id(), Privilege::Login).await,
                Ok(WipeReply::Busy)
            );
            sh("touch /tmp/go").await;
            drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert_eq!(
                wipe(&conn(), ticket.id(), Privilege::Login).await,
                Ok(WipeReply::Wiped)
            );
            let left = std::fs::read_dir(gates().join(ticket.id().as_str()))
                .expect("the gate stays")
                .count();
            assert_eq!(left, 1, "only the mark");
            assert!(
                !std::path::Path::new("/var/lib/watchkeeper-runs")
                    .join(ticket.id().as_str())
                    .exists()
            );
            assert_eq!(start(&conn(), &ticket).await, Ok(StartReply::Already));
            assert_eq!(look(&ticket).await.state, StepState::Wiped);
            assert_eq!(executions(), 1);
        },
    );
}
