//! How steps end, and what they leave: exit codes, signals, limits, output, children, environment.

use watchkeeper_model::{BootId, StepOutcome};
use watchkeeper_remedy::{Entry, StepState};

use crate::pod::{
    BARE, DASH, EVERYWHERE, boot, conn, drive, exited, gates, look, on_hosts, raw_start, run, sh,
    ticket, ticket_with, until,
};

async fn check(script: &str, expect: i32) {
    assert_eq!(run(script).await.outcome, exited(expect), "{script}");
}

#[test]
fn the_exit_status_is_the_scripts_own() {
    on_hosts(
        "ends::the_exit_status_is_the_scripts_own",
        EVERYWHERE,
        async || {
            check("true", 0).await;
            check("exit 3", 3).await;
            check("exit 200", 200).await;
            check("set -e\nfalse\nexit 0", 1).await;
            check("exec sh -c 'exit 7'", 7).await;
            check("no-such-command-here", 127).await;
            check("kill -KILL $$", 137).await;
            check("kill -TERM $$", 143).await;
            check("exec >&- 2>&-; exit 4", 4).await;
        },
    );
}

#[test]
fn output_comes_back_byte_for_byte() {
    on_hosts(
        "ends::output_comes_back_byte_for_byte",
        EVERYWHERE,
        async || {
            let end = run("printf 'a\\000\\377\\n@@ %%s $HOME'; printf 'e\\001' >&2").await;
            assert_eq!(end.stdout.front(), b"a\0\xff\n@@ %s $HOME");
            assert_eq!(end.stderr.front(), b"e\x01");
            assert_eq!((end.stdout.tail(), end.stderr.tail()), (None, None));
        },
    );
}

#[test]
fn a_step_has_no_input_no_terminal_and_a_clean_environment() {
    on_hosts(
        "ends::a_step_has_no_input_no_terminal_and_a_clean_environment",
        EVERYWHERE,
        async || {
            let end = run("cat; [ -t 0 ] || echo no terminal; pwd; umask; env").await;
            let text = end.stdout.text();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(&lines[..2], ["no terminal", "/"], "{text}");
            assert!(lines[2].ends_with("022"), "{text}");
            for variable in [
                "TERM=dumb",
                "LANG=C.UTF-8",
                "SHELL=/bin/sh",
                "DEBIAN_FRONTEND=noninteractive",
            ] {
                assert!(lines.contains(&variable), "{variable} in {text}");
            }
            let known = [
                "TERM",
                "LANG",
                "SHELL",
                "DEBIAN_FRONTEND",
                "PATH",
                "HOME",
                "USER",
                "LOGNAME",
                "PWD",
                "OLDPWD",
                "SHLVL",
                "_",
            ];
            for line in &lines[3..] {
                let name = line.split('=').next().unwrap_or_default();
                assert!(known.contains(&name), "{line}");
            }
        },
    );
}

#[test]
fn fifty_megabytes_are_bounded_with_front_and_tail() {
    on_hosts(
        "ends::fifty_megabytes_are_bounded_with_front_and_tail",
        EVERYWHERE,
        async || {
            let script = "head -c 52428800 /dev/zero | tr '\\000' a; echo; echo the end";
            let end = drive(&conn(), &ticket_with(script, 60, 1000).await, Entry::First)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, exited(0));
            assert_eq!(end.stdout.front().len(), 1024);
            let tail = end.stdout.tail().expect("something is missing");
            assert_eq!(tail.len(), 65_536);
            assert!(tail.ends_with(b"a\nthe end\n"));
        },
    );
}

#[test]
fn more_than_one_reply_holds_comes_whole() {
    on_hosts(
        "ends::more_than_one_reply_holds_comes_whole",
        &[DASH, BARE],
        async || {
            let script = "head -c 900000 /dev/zero | tr '\\000' b; head -c 300000 /dev/zero | tr '\\000' c >&2";
            let end = run(script).await;
            assert_eq!(end.stdout.front(), vec![b'b'; 900_000]);
            assert_eq!(end.stderr.front(), vec![b'c'; 300_000]);
        },
    );
}

#[test]
fn a_step_is_ended_at_its_limit() {
    on_hosts(
        "ends::a_step_is_ended_at_its_limit",
        EVERYWHERE,
        async || {
            let ticket = ticket_with("echo before; sleep 60; echo after", 1, 1000).await;
            let end = drive(&conn(), &ticket, Entry::First)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, StepOutcome::TimedOut { code: 143 });
            assert_eq!(end.stdout.text(), "before\n");
        },
    );
}

#[test]
fn a_step_that_ignores_the_end_is_killed() {
    on_hosts(
        "ends::a_step_that_ignores_the_end_is_killed",
        &[DASH],
        async || {
            let ticket = ticket_with("trap '' TERM; while :; do sleep 1; done", 1, 1000).await;
            let end = drive(&conn(), &ticket, Entry::First)
                .await
                .expect("an outcome");
            assert_eq!(end.outcome, StepOutcome::TimedOut { code: 137 });
        },
    );
}

#[test]
fn children_that_a_step_leaves_live_on() {
    on_hosts(
        "ends::children_that_a_step_leaves_live_on",
        EVERYWHERE,
        async || {
            let end = run("sleep 61 & echo $!").await;
            assert_eq!(
                end.outcome,
                StepOutcome::Exited {
                    code: 0,
                    children_left: true
                }
            );
            let child = end.stdout.text();
            let alive = sh(&format!("kill -0 {} && echo alive", child.trim())).await;
            assert_eq!(alive, "alive");
        },
    );
}

#[test]
fn nothing_of_the_protocol_is_left_running() {
    on_hosts(
        "ends::nothing_of_the_protocol_is_left_running",
        EVERYWHERE,
        async || {
            let ticket = ticket_with("echo hi", 3333, 1000).await;
            assert_eq!(
                drive(&conn(), &ticket, Entry::First)
                    .await
                    .expect("an outcome")
                    .outcome,
                exited(0)
            );
            until("runner and watchdog are gone", async || {
                let cmdlines = sh(
                    "for f in /proc/[0-9]*/cmdline; do tr '\\000' ' ' <$f; echo; done 2>/dev/null",
                )
                .await;
                // The limit stands among the arguments of the runner and of all its forks.
                !cmdlines.contains(" 3333 ")
            })
            .await;
        },
    );
}

#[test]
fn a_killed_runner_leaves_a_running_step_and_then_an_unknown_outcome() {
    on_hosts(
        "ends::a_killed_runner_leaves_a_running_step_and_then_an_unknown_outcome",
        EVERYWHERE,
        async || {
            let ticket =
                ticket("echo begun; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo ended").await;
            watchkeeper_remedy::start(&conn(), &ticket)
                .await
                .expect("an answer");
            until("the step has begun", async || {
                !look(&ticket).await.stdout.is_empty()
            })
            .await;
            let who = std::fs::read_to_string(gates().join(ticket.id().as_str()).join("who"))
                .expect("who");
            let runner = who.split(' ').next().expect("a number");
            sh(&format!("kill -KILL {runner}")).await;
            assert_eq!(look(&ticket).await.state, StepState::Running);
            sh("touch /tmp/go").await;
            until("the step is over", async || {
                look(&ticket).await.state == StepState::Died
            })
            .await;
            let end = drive(&conn(), &ticket, Entry::Resume)
                .await
                .expect("an outcome");
            assert!(
                matches!(end.outcome, StepOutcome::Unknown { .. }),
                "{:?}",
                end.outcome
            );
            assert_eq!(end.stdout.text(), "begun\nended\n");
        },
    );
}

#[test]
fn what_was_printed_is_there_while_it_runs() {
    on_hosts(
        "ends::what_was_printed_is_there_while_it_runs",
        EVERYWHERE,
        async || {
            let ticket =
                ticket("echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two").await;
            watchkeeper_remedy::start(&conn(), &ticket)
                .await
                .expect("an answer");
            until("the first line is there", async || {
                look(&ticket).await.stdout == b"one\n"
            })
            .await;
            assert_eq!(look(&ticket).await.state, StepState::Running);
            sh("touch /tmp/go").await;
            until("it is done", async || {
                look(&ticket).await.state == StepState::Done
            })
            .await;
            assert_eq!(look(&ticket).await.stdout, b"one\ntwo\n");
        },
    );
}

#[test]
fn a_look_in_a_tight_loop_never_sees_it_die() {
    on_hosts(
        "ends::a_look_in_a_tight_loop_never_sees_it_die",
        &[DASH, BARE],
        async || {
            for _ in 0..15 {
                let ticket = ticket("true").await;
                watchkeeper_remedy::start(&conn(), &ticket)
                    .await
                    .expect("an answer");
                loop {
                    match look(&ticket).await.state {
                        StepState::Done => break,
                        StepState::Running => {}
                        state => panic!("{state:?}"),
                    }
                }
            }
        },
    );
}

#[test]
fn a_host_without_setsid_runs_a_step_once_and_ends_it_at_its_limit() {
    const NAME: &str = "ends::a_host_without_setsid_runs_a_step_once_and_ends_it_at_its_limit";
    on_hosts(NAME, &[BARE], async || {
        let ticket = ticket_with("echo x >>/tmp/count; exec sleep 60", 1, 1000).await;
        let BootId(boot) = boot().await;
        sh("rm /run/tools/setsid").await;
        let (id, digest) = (ticket.id(), ticket.digest());
        let header = format!("wk1 {id} {digest} {boot} 1 1000");
        let script = "echo x >>/tmp/count; exec sleep 60";
        assert_eq!(raw_start(&header, script, &[]).await, "started plain");
        assert_eq!(raw_start(&header, script, &[]).await, "already");
        let status = gates().join(id.as_str()).join("status");
        until("it has ended", async || status.exists()).await;
        let status = std::fs::read_to_string(status).expect("a status");
        assert!(status.starts_with("limit 143 from "), "{status}");
        assert_eq!(sh("wc -l </tmp/count").await, "1");
    });
}
