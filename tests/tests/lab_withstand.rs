//! What a repair withstands, on real hosts and over the built binary: its controller killed at every moment, the
//! network cut, the host frozen or booted anew. Whatever happens, the step is executed once at most, and in the end its
//! true outcome is known, or that it cannot be known. Executions are counted by the step itself, on the host.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use watchkeeper_tests::binary::{Daemon, until};
use watchkeeper_tests::repair::{Repair, events, executions, started};

/// Time enough to do something while the outcome is verified.
const SETTLES_SLOWLY: u32 = 8;
const SETTLES_QUICKLY: u32 = 1;
/// How long a host keeps silent; longer than a command takes, shorter than the patience of a connection.
const A_WHILE: Duration = Duration::from_secs(4);

fn signal(daemon: &Daemon, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).expect("a process has a number"));
    kill(pid, signal).expect("it is there");
}

#[test]
fn killed_before_the_claim() {
    let repair = Repair::held("kill-unclaimed", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    // What is done before the claim is a look, which does not end on a host that stands still.
    repair.host().fault(&["freeze"]);
    repair.approve();
    assert_eq!(repair.state(), "approved");
    daemon.kill();
    repair.host().heal(&["freeze"]);
    assert_eq!(repair.executions(), 0);

    let _daemon = repair.home.daemon();
    repair.begins();
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn killed_right_after_the_approval() {
    let repair = Repair::held("kill-approved", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    daemon.kill();

    let _daemon = repair.home.daemon();
    repair.begins();
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn killed_while_the_step_runs_and_back_before_it_ends() {
    let repair = Repair::held("kill-running", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    daemon.kill();

    let _daemon = repair.home.daemon();
    assert_eq!(repair.state(), "running");
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
    assert!(events(&repair.home, "0").contains(&"run.adopted".to_owned()));
}

#[test]
fn killed_while_the_step_runs_and_back_after_it_ended() {
    let repair = Repair::held("kill-away", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    daemon.kill();
    repair.goes_on();

    let _daemon = repair.home.daemon();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn killed_after_the_step_ended_and_before_that_was_heard() {
    let repair = Repair::held("kill-unheard", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    signal(&daemon, Signal::SIGSTOP);
    repair.goes_on();
    daemon.kill();

    let _daemon = repair.home.daemon();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn killed_while_the_outcome_is_verified() {
    let repair = Repair::held("kill-verifying", SETTLES_SLOWLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.let_go();
    repair.becomes("verifying");
    daemon.kill();

    let _daemon = repair.home.daemon();
    assert_eq!(repair.state(), "verifying");
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn killed_again_and_again() {
    let repair = Repair::held("kill-often", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    for _ in 0..4 {
        daemon.kill();
        daemon = repair.home.daemon();
    }
    repair.begins();
    for _ in 0..3 {
        daemon.kill();
        daemon = repair.home.daemon();
        assert_eq!(repair.state(), "running");
    }
    repair.goes_on();
    daemon.kill();
    let _daemon = repair.home.daemon();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn without_a_daemon_the_approving_command_is_killed_and_the_next_command_finds_the_outcome() {
    let repair = Repair::held("kill-command", SETTLES_QUICKLY);
    let mut approving = started(&repair.home, &["approve", "0"]);
    repair.begins();
    approving.kill().expect("it runs");
    approving.wait().expect("it ends");
    repair.goes_on();
    repair.home.run(&["check"]).ended_with(&[0]);
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn the_network_is_cut_while_the_step_runs() {
    let repair = Repair::held("net-running", SETTLES_QUICKLY);
    let _daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.host().fault(&["net-cut"]);
    repair.goes_on();
    repair.stays("running", A_WHILE);
    repair.host().heal(&["net-cut"]);
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn the_network_is_cut_and_the_controller_killed() {
    let repair = Repair::held("net-killed", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.host().fault(&["net-cut"]);
    daemon.kill();
    let _daemon = repair.home.daemon();
    repair.goes_on();
    repair.home.run(&["check"]).ended_with(&[2]);
    repair.stays("running", A_WHILE);
    repair.host().heal(&["net-cut"]);
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn sessions_are_dropped_while_the_step_runs() {
    let repair = Repair::held("net-dropped", SETTLES_QUICKLY);
    let _daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.host().fault(&["ssh-drop"]);
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn the_host_stands_still_for_a_while() {
    let repair = Repair::held("host-frozen", SETTLES_QUICKLY);
    let _daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.host().fault(&["freeze"]);
    repair.stays("running", A_WHILE);
    repair.host().heal(&["freeze"]);
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn the_host_is_booted_anew_in_the_middle() {
    let repair = Repair::held("host-rebooted", SETTLES_QUICKLY);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.host().fault(&["reboot"]);
    repair.becomes("unknown");
    assert_eq!(repair.home.json(&["status"], &[0])["unknown_actions"], 1);
    let status = repair.home.run(&["status"]).stdout();
    assert!(status.contains("1 of unknown outcome"), "{status}");

    // Neither another start nor an approval has it run again.
    daemon.kill();
    let _daemon = repair.home.daemon();
    repair.home.run(&["approve", "0"]).ended_with(&[1]);
    repair.host().heal(&["reboot"]);
    repair.home.run(&["check"]).ended_with(&[0]);
    assert_eq!(repair.state(), "unknown");
    assert_eq!(repair.executions(), 1);
    repair.home.run(&["log", "verify"]).ended_with(&[0]);
    let told = events(&repair.home, "0");
    let times = |event: &str| told.iter().filter(|one| *one == event).count();
    assert_eq!(
        (times("action.running"), times("action.unknown")),
        (1, 1),
        "{told:?}"
    );
}

#[test]
fn two_people_approve_at_the_same_moment() {
    let repair = Repair::held("two-people", SETTLES_QUICKLY);
    let _daemon = repair.home.daemon();
    let approvals = [(); 4].map(|()| started(&repair.home, &["approve", "0", "--no-wait"]));
    let ended = approvals.map(|child| child.wait_with_output().expect("it ends"));
    let accepted = ended.iter().filter(|output| output.status.success());
    assert_eq!(accepted.count(), 1, "{ended:#?}");
    for refused in ended.iter().filter(|output| !output.status.success()) {
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("action 0"), "{said}");
    }
    repair.begins();
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn two_commands_without_a_daemon_approve_at_the_same_moment() {
    let repair = Repair::held("two-commands", SETTLES_QUICKLY);
    let approvals = [(); 2].map(|()| started(&repair.home, &["approve", "0"]));
    repair.begins();
    repair.let_go();
    let ended = approvals.map(|child| child.wait_with_output().expect("it ends"));
    let accepted = ended.iter().filter(|output| output.status.success());
    assert_eq!(accepted.count(), 1, "{ended:#?}");
    repair.happened_once();
    until("nothing runs any more", || {
        executions(repair.host()) == 1 && repair.state() == "fixed"
    });
}
