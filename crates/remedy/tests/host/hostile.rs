//! Hosts that are full, spoiled or booby-trapped.

use watchkeeper_model::StepOutcome;
use watchkeeper_remedy::{
    AttachReply, CancelReply, Entry, Offsets, Refusal, StartReply, StepState, attach, cancel, start,
};

use crate::pod::{
    DASH, EVERYWHERE, USER, conn, drive, exited, gates, in_gates, look, on_hosts, raw_start, run,
    sh, ticket, until,
};

#[test]
fn a_spoiled_parent_of_the_gates_refuses() {
    on_hosts(
        "hostile::a_spoiled_parent_of_the_gates_refuses",
        EVERYWHERE,
        async || {
            let dir = gates();
            let dir = dir.display();
            let spoil = [
                format!("mkdir -p {dir} && chmod 777 {dir}"),
                format!("mkdir -p {dir} && chmod 770 {dir}"),
                format!("mkdir -p /tmp/else {dir} && rmdir {dir} && ln -s /tmp/else {dir}"),
                format!("mkdir -p {dir} && rmdir {dir} && ln -s /nowhere {dir}"),
                format!("mkdir -p {dir} && rmdir {dir} && touch {dir}"),
            ];
            for how in spoil {
                sh(&how).await;
                let ticket = ticket("touch /tmp/ran").await;
                assert_eq!(
                    start(&conn(), &ticket).await,
                    Ok(StartReply::Refused(Refusal::Parent)),
                    "{how}"
                );
                assert_eq!(
                    cancel(&conn(), &ticket).await,
                    Ok(CancelReply::Refused(Refusal::Parent)),
                    "{how}"
                );
                let seen = attach(
                    &conn(),
                    &ticket,
                    Offsets::default(),
                    std::time::Duration::ZERO,
                )
                .await;
                assert_eq!(seen, Ok(AttachReply::Refused(Refusal::Parent)), "{how}");
                sh(&format!("rm -rf {dir}")).await;
            }
            assert_eq!(sh("ls -d /tmp/ran 2>/dev/null").await, "");
        },
    );
}

#[test]
fn a_parent_that_belongs_to_somebody_else_refuses() {
    on_hosts(
        "hostile::a_parent_that_belongs_to_somebody_else_refuses",
        &[DASH],
        async || {
            sh("mkdir -m 700 /run/watchkeeper-runs && chown 65534 /run/watchkeeper-runs").await;
            let ticket = ticket("touch /tmp/ran").await;
            assert_eq!(
                start(&conn(), &ticket).await,
                Ok(StartReply::Refused(Refusal::Parent))
            );
        },
    );
}

#[test]
fn a_spoiled_keep_is_done_without() {
    on_hosts(
        "hostile::a_spoiled_keep_is_done_without",
        &[DASH],
        async || {
            for how in [
                "mkdir -m 777 /var/lib/watchkeeper-runs",
                "mkdir /tmp/else; ln -s /tmp/else /var/lib/watchkeeper-runs",
                "mkdir -m 700 /var/lib/watchkeeper-runs; chown 65534 /var/lib/watchkeeper-runs",
                "mount -o remount,ro /var/lib",
            ] {
                sh(how).await;
                let end = run("echo ran; exit 9").await;
                assert_eq!(end.outcome, exited(9), "{how}");
                assert_eq!(end.stdout.text(), "ran\n");
                sh("rm -rf /var/lib/watchkeeper-runs").await;
            }
        },
    );
}

#[test]
fn a_full_disk_does_not_prevent_the_repair() {
    on_hosts(
        "hostile::a_full_disk_does_not_prevent_the_repair",
        EVERYWHERE,
        async || {
            sh("mount -t tmpfs -o size=64k tmpfs /var/lib; cat /dev/zero >/var/lib/full; cat /dev/zero >/tmp/full").await;
            let end = run("echo repaired; exit 2").await;
            assert_eq!(end.outcome, exited(2));
            assert_eq!(end.stdout.text(), "repaired\n");
            sh("rm /tmp/full").await;
        },
    );
}

#[test]
fn a_disk_that_fills_up_meanwhile_loses_neither_status_nor_the_end_of_the_output() {
    const NAME: &str =
        "hostile::a_disk_that_fills_up_meanwhile_loses_neither_status_nor_the_end_of_the_output";
    on_hosts(NAME, &[DASH], async || {
        sh("mount -t tmpfs -o size=256k tmpfs /var/lib").await;
        let end = run(
            "cat /dev/zero >/var/lib/full 2>/dev/null; yes | head -c 200000; echo the end; exit 6",
        )
        .await;
        assert_eq!(end.outcome, exited(6));
        assert!(end.stdout.text().ends_with("the end\n"));
    });
}

#[test]
fn a_full_run_directory_refuses_and_leaves_nothing() {
    on_hosts(
        "hostile::a_full_run_directory_refuses_and_leaves_nothing",
        &[DASH],
        async || {
            sh("mkdir /run/watchkeeper-runs; mount -t tmpfs -o size=64k,mode=700 tmpfs /run/watchkeeper-runs").await;
            sh("cat /dev/zero >/run/watchkeeper-runs/full").await;
            let ticket = ticket("touch /tmp/ran").await;
            assert_eq!(
                start(&conn(), &ticket).await,
                Ok(StartReply::Refused(Refusal::NoRoom))
            );
            assert_eq!(in_gates(), ["full"]);
            assert_eq!(sh("ls -d /tmp/ran 2>/dev/null").await, "");
        },
    );
}

#[test]
fn the_run_directory_may_fill_up_while_a_step_runs() {
    on_hosts(
        "hostile::the_run_directory_may_fill_up_while_a_step_runs",
        &[DASH],
        async || {
            sh("mkdir /run/watchkeeper-runs; mount -t tmpfs -o size=256k,mode=700 tmpfs /run/watchkeeper-runs").await;
            let end = run(
                "cat /dev/zero >/run/watchkeeper-runs/full 2>/dev/null; echo still here; exit 6",
            )
            .await;
            assert_eq!(end.outcome, exited(6));
            assert_eq!(end.stdout.text(), "still here\n");
        },
    );
}

#[test]
fn a_user_whose_home_cannot_be_written_is_refused() {
    on_hosts(
        "hostile::a_user_whose_home_cannot_be_written_is_refused",
        &[USER],
        async || {
            sh("chmod 500 /run/home").await;
            let ticket = ticket("touch /tmp/ran").await;
            assert_eq!(
                start(&conn(), &ticket).await,
                Ok(StartReply::Refused(Refusal::NoRoom))
            );
        },
    );
}

#[test]
fn an_empty_gate_is_limbo_and_after_a_while_unknown() {
    on_hosts(
        "hostile::an_empty_gate_is_limbo_and_after_a_while_unknown",
        &[DASH, USER],
        async || {
            let ticket = ticket("touch /tmp/ran").await;
            std::fs::create_dir_all(gates().join(ticket.id().as_str())).expect("a gate");
            assert_eq!(look(&ticket).await.state, StepState::Limbo);
            assert_eq!(start(&conn(), &ticket).await, Ok(StartReply::Already));
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert!(
                matches!(end.outcome, StepOutcome::Unknown { .. }),
                "{:?}",
                end.outcome
            );
            assert_eq!(sh("ls -d /tmp/ran 2>/dev/null").await, "");
        },
    );
}

#[test]
fn a_number_that_was_given_out_again_is_not_the_runner() {
    on_hosts(
        "hostile::a_number_that_was_given_out_again_is_not_the_runner",
        EVERYWHERE,
        async || {
            let ticket = ticket("touch /tmp/ran").await;
            let gate = gates().join(ticket.id().as_str());
            std::fs::create_dir_all(&gate).expect("a gate");
            let watchkeeper_model::BootId(boot) = crate::pod::boot().await;
            std::fs::write(gate.join("who"), format!("1 12345 {boot} .in-x\n")).expect("who");
            assert_eq!(look(&ticket).await.state, StepState::Died);
            std::fs::write(gate.join("who"), "1 12345 another-boot .in-x\n").expect("who");
            assert_eq!(look(&ticket).await.state, StepState::Interrupted);
        },
    );
}

#[test]
fn a_lost_run_directory_is_an_interrupted_step_and_never_a_new_start() {
    on_hosts(
        "hostile::a_lost_run_directory_is_an_interrupted_step_and_never_a_new_start",
        &[DASH],
        async || {
            let ticket = ticket("echo x >>/tmp/count; echo begun; sleep 60").await;
            start(&conn(), &ticket).await.expect("an answer");
            until("it has begun", async || {
                !look(&ticket).await.stdout.is_empty()
            })
            .await;
            sh("rm -rf /run/watchkeeper-runs").await;
            assert_eq!(look(&ticket).await.state, StepState::Interrupted);
            assert_eq!(start(&conn(), &ticket).await, Ok(StartReply::Already));
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert!(
                matches!(end.outcome, StepOutcome::Unknown { .. }),
                "{:?}",
                end.outcome
            );
            assert_eq!(end.stdout.text(), "begun\n", "what it printed is kept");
            assert_eq!(sh("wc -l </tmp/count").await, "1");
        },
    );
}

#[test]
fn another_script_in_the_gate_is_an_unknown_outcome() {
    on_hosts(
        "hostile::another_script_in_the_gate_is_an_unknown_outcome",
        &[DASH, USER],
        async || {
            let ticket = ticket("exit 0").await;
            assert!(
                drive(&conn(), &ticket, Entry::First)
                    .await
                    .expect("an outcome")
                    .outcome
                    .succeeded()
            );
            std::fs::write(gates().join(ticket.id().as_str()).join("script"), "exit 1")
                .expect("a script");
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert!(
                matches!(end.outcome, StepOutcome::Unknown { .. }),
                "{:?}",
                end.outcome
            );
        },
    );
}

#[test]
fn a_booby_trapped_environment_reaches_neither_the_gate_nor_the_step() {
    on_hosts(
        "hostile::a_booby_trapped_environment_reaches_neither_the_gate_nor_the_step",
        EVERYWHERE,
        async || {
            let ticket = ticket("env >/tmp/env; echo ran").await;
            let watchkeeper_model::BootId(boot) = crate::pod::boot().await;
            let (id, digest) = (ticket.id(), ticket.digest());
            let header = format!("wk1 {id} {digest} {boot} 9 512");
            std::fs::write("/tmp/trap", "touch /tmp/sprung\n").expect("a trap");
            let is_root = nix::unistd::geteuid().is_root();
            let mut plant = vec![
                ("ENV", "/tmp/trap"),
                ("BASH_ENV", "/tmp/trap"),
                ("IFS", "/x1"),
                ("CDPATH", "/tmp"),
                ("TMPDIR", "/tmp/no"),
                ("PS4", "$(touch /tmp/sprung)"),
                ("FAMILIAR", "stranger"),
            ];
            if is_root {
                plant.extend([("HOME", "/tmp/evil"), ("XDG_STATE_HOME", "/tmp/evil")]);
            }
            let reply = raw_start(&header, "env >/tmp/env; echo ran", &plant).await;
            assert!(reply.starts_with("started"), "{reply}");
            until("it is done", async || {
                look(&ticket).await.state == StepState::Done
            })
            .await;
            let env = std::fs::read_to_string("/tmp/env").expect("it ran");
            for planted in ["trap", "evil", "FAMILIAR", "PS4", "CDPATH"] {
                assert!(!env.contains(planted), "{planted} in {env}");
            }
            assert_eq!(sh("ls -d /tmp/evil 2>/dev/null").await, "");
            assert_eq!(sh("ls -d /tmp/sprung 2>/dev/null").await, "");
        },
    );
}

#[test]
fn stages_of_dead_starters_and_wiped_gates_of_other_boots_are_swept() {
    on_hosts(
        "hostile::stages_of_dead_starters_and_wiped_gates_of_other_boots_are_swept",
        EVERYWHERE,
        async || {
            let dir = gates();
            std::fs::create_dir_all(&dir).expect("a directory");
            sh(&format!("chmod 700 {}", dir.display())).await;
            let make = |name: &str, file: &str, text: &str| {
                std::fs::create_dir(dir.join(name)).expect("a directory");
                std::fs::write(dir.join(name).join(file), text).expect("a file");
            };
            let watchkeeper_model::BootId(here) = crate::pod::boot().await;
            make(
                ".in-x.a0-111111",
                "born",
                &format!("0.00 4194303 1 {here}\n"),
            );
            make(".in-x.a0-222222", "born", "0.00 1 1 aaaa.1\n");
            make("old.a0", "wiped", "aaaa.1\n");
            make("new.a0", "wiped", &format!("{here}\n"));
            let ticket = ticket("true").await;
            let reply =
                watchkeeper_remedy::wipe(&conn(), ticket.id(), watchkeeper_model::Privilege::Login)
                    .await;
            assert_eq!(reply, Ok(watchkeeper_remedy::WipeReply::Wiped));
            let mut left = in_gates();
            left.sort();
            let day_old = sh("cut -d. -f1 /proc/uptime")
                .await
                .parse::<u64>()
                .expect("uptime")
                > 86_400;
            let expect: &[&str] = if day_old {
                &["new.a0"]
            } else {
                &[".in-x.a0-111111", "new.a0"]
            };
            assert_eq!(left, expect);
        },
    );
}
