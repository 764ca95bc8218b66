//! Several hosts, several controllers, and what happens to them together: on real hosts, over the built binary.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use watchkeeper_testkit::postgres::{Cluster, Database};
use watchkeeper_tests::binary::{Daemon, Home, until, until_within};
use watchkeeper_tests::lab::Lab;
use watchkeeper_tests::repair::{Repair, enrol, slowly, started, watching};

/// How often every host is looked at here.
const INTERVAL: Duration = Duration::from_secs(5);
/// Within this a daemon that is told to stop has ended, whatever it does.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(90);

fn signal(daemon: &Daemon, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).expect("a process has a number"));
    kill(pid, signal).expect("it is there");
}

fn often(lab: &Lab, more: &str) -> String {
    lab.config(&format!(
        "[policy]\nautonomy = \"suggest\"\n[watch]\ninterval = \"5s\"\njitter = \"0s\"\n{more}"
    ))
}

/// When this host was last looked at.
fn last_look(home: &Home, host: &str) -> String {
    let systems = home.json(&["systems"], &[0]);
    let line = systems
        .as_array()
        .and_then(|lines| lines.iter().find(|line| line["host"] == host));
    line.and_then(|line| line["last_look"].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Waits until each of these hosts was looked at so often again.
fn looked_at_again(home: &Home, hosts: &[&str], times: usize) {
    let mut seen = vec![BTreeSet::new(); hosts.len()];
    until_within(LONG, &format!("{hosts:?} are looked at again"), &mut || {
        for (host, seen) in hosts.iter().zip(&mut seen) {
            seen.insert(last_look(home, host));
        }
        seen.iter().all(|seen| seen.len() > times)
    });
}

#[test]
fn a_frozen_host_delays_no_other() {
    let names = ["fleet-frozen", "fleet-a", "fleet-b"];
    let lab = Lab::up(&names);
    // With room for two looks, the frozen host takes one for as long as it likes.
    let home = Home::new().config(&often(&lab, "parallel = 2\n"));
    enrol(&lab, &home);
    let _daemon = home.daemon();
    for name in names {
        until_within(LONG, "every host was looked at", &mut || {
            !last_look(&home, name).is_empty()
        });
    }
    lab.hosts[0].fault(&["freeze"]);
    let begun = Instant::now();
    looked_at_again(&home, &names[1..], 3);
    let took = begun.elapsed();
    assert!(
        took < INTERVAL * 6,
        "three looks at the others took {took:?}"
    );

    lab.hosts[0].heal(&["freeze"]);
    until_within(LONG, "all are seen", &mut || {
        home.json(&["status"], &[0])["hosts"]["healthy"] == 3
    });
}

#[test]
fn a_check_of_all_hosts_tells_of_each_and_takes_as_long_as_the_slowest() {
    let lab = Lab::up(&["many-a", "many-b", "many-c"]);
    let quick = often(&lab, "").replace(
        "become_root = true\n",
        "become_root = true\nconnect_timeout = \"3s\"\n",
    );
    let home = Home::new().config(&quick);
    enrol(&lab, &home);
    lab.hosts[0].fault(&["sshd-hang"]);
    lab.hosts[1].fault(&["svc-crash"]);
    let begun = Instant::now();
    let report = home.json(&["check"], &[2]);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let host = |name: &str| {
        let hosts = report["hosts"].as_array().expect("a list");
        hosts
            .iter()
            .find(|host| host["host"] == name)
            .expect("every host is told")
            .clone()
    };
    assert_eq!(host("many-a")["failure"]["kind"], "silent");
    assert_eq!(host("many-b")["results"][0]["subject"], "nginx.service");
    let wrong = |line: &&Value| line["outcome"] == "found";
    let well = host("many-c");
    assert!(
        well["results"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(wrong)
            .count()
            == 0
    );

    home.run(&["check", "many-c"]).ended_with(&[0]);
    home.run(&["check", "many-c", "many-b"]).ended_with(&[2]);
    let shown = home.run(&["check"]).stdout();
    for name in ["many-a", "many-b"] {
        assert!(shown.contains(name), "{shown}");
    }
    assert!(shown.contains("1 of 3 hosts"), "{shown}");
}

#[test]
fn sigterm_while_an_action_runs_ends_soon_and_the_outcome_is_found() {
    let repair = Repair::held("fleet-term", 1);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    let begun = Instant::now();
    signal(&daemon, Signal::SIGTERM);
    assert!(daemon.ends().success(), "{}", daemon.log());
    assert!(
        begun.elapsed() < STOPS_WITHIN,
        "it took {:?}",
        begun.elapsed()
    );
    assert!(
        !repair.home.path().join("socket").exists(),
        "no socket is left behind"
    );
    repair.goes_on();

    let _daemon = repair.home.daemon();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn sigterm_while_the_outcome_is_verified_ends_soon_too() {
    let repair = Repair::held("fleet-settle", 8);
    let mut daemon = repair.home.daemon();
    repair.approve();
    repair.begins();
    repair.let_go();
    repair.becomes("verifying");
    let begun = Instant::now();
    signal(&daemon, Signal::SIGTERM);
    assert!(daemon.ends().success(), "{}", daemon.log());
    assert!(
        begun.elapsed() < STOPS_WITHIN,
        "it took {:?}",
        begun.elapsed()
    );

    let _daemon = repair.home.daemon();
    repair.becomes("fixed");
    repair.happened_once();
}

#[test]
fn a_host_that_hangs_keeps_neither_a_daemon_from_stopping_nor_the_next_command_waiting() {
    let lab = Lab::up(&["fleet-hang"]);
    let home = Home::new().config(&often(&lab, ""));
    enrol(&lab, &home);
    let mut daemon = home.daemon();
    until_within(LONG, "the host was looked at", &mut || {
        !last_look(&home, "fleet-hang").is_empty()
    });
    lab.hosts[0].fault(&["freeze"]);
    // A second command waits for the look that is under way.
    let mut waiting = started(&home, &["check"]);
    signal(&daemon, Signal::SIGTERM);
    let begun = Instant::now();
    assert!(daemon.ends().success(), "{}", daemon.log());
    assert!(
        begun.elapsed() < STOPS_WITHIN * 2,
        "it took {:?}",
        begun.elapsed()
    );
    waiting.wait().expect("it ends with the daemon");

    let mut interrupted = started(&home, &["check"]);
    until("the command looks at the host", || {
        lab.hosts[0].is_connected()
    });
    interrupted.kill().expect("it runs");
    interrupted.wait().expect("it ends");
    lab.hosts[0].heal(&["freeze"]);
    let begun = Instant::now();
    home.run(&["check"]).ended_with(&[0]);
    assert!(
        begun.elapsed() < INTERVAL * 2,
        "it took {:?}",
        begun.elapsed()
    );
}

/// An empty database.
async fn database(cluster: &Cluster) -> Database {
    cluster.database("empty", async |_| ()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_controllers_on_one_postgres_share_hosts_and_execute_once() {
    let cluster = Cluster::shared();
    let database = database(&cluster).await;
    let lab = Lab::up(&["two-a", "two-b"]);
    let [first, second] =
        [(); 2].map(|()| watching(Home::new().with_store(database.url()), &lab, 1, ""));
    let mut one = first.daemon();
    let mut other = second.daemon();
    lab.hosts[0].fault(&["svc-crash"]);
    first.run(&["check"]).ended_with(&[2]);
    slowly(&second, "0");
    let repair = Repair { lab, home: first };

    // Both approve and both want to run it.
    let approvals = [&repair.home, &second, &repair.home, &second]
        .map(|home| started(home, &["approve", "0", "--no-wait"]));
    let ended = approvals.map(|child| child.wait_with_output().expect("it ends"));
    let accepted = ended.iter().filter(|output| output.status.success());
    assert_eq!(accepted.count(), 1, "{ended:#?}");
    repair.begins();
    repair.let_go();
    repair.becomes("fixed");
    repair.happened_once();
    second.run(&["log", "verify"]).ended_with(&[0]);

    // The one that runs a repair is lost in the middle of it; the other finds the outcome.
    repair.lab.hosts[1].fault(&["svc-crash"]);
    second.run(&["check"]).ended_with(&[2]);
    slowly(&second, "1");
    signal(&one, Signal::SIGSTOP);
    second.run(&["approve", "1", "--no-wait"]).ended_with(&[0]);
    let host = &repair.lab.hosts[1];
    until_within(LONG, "the second repair begins", &mut || {
        watchkeeper_tests::repair::executions(host) == 1
    });
    other.kill();
    signal(&one, Signal::SIGCONT);
    host.inside(&["touch", "/var/tmp/go"]);
    until_within(
        LONG,
        "the second repair is finished by the other",
        &mut || {
            repair.home.json(&["approve", "show", "1"], &[0])["action"]["state"]["state"] == "fixed"
        },
    );
    watchkeeper_tests::repair::told_once(&repair.home, "1");
    assert_eq!(watchkeeper_tests::repair::executions(host), 1);
    one.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_controllers_look_at_a_host_no_more_often_than_one() {
    let cluster = Cluster::shared();
    let database = database(&cluster).await;
    let lab = Lab::up(&["share-a"]);
    let [first, second] = [(); 2].map(|()| {
        let home = Home::new()
            .with_store(database.url())
            .config(&often(&lab, ""));
        enrol(&lab, &home);
        home
    });
    let (mut one, _other) = (first.daemon(), second.daemon());
    let begun = Instant::now();
    looked_at_again(&second, &["share-a"], 3);
    assert!(
        begun.elapsed() >= INTERVAL * 2,
        "three looks within {:?}",
        begun.elapsed()
    );
    // What one looked at, the other does when it is gone.
    one.kill();
    looked_at_again(&second, &["share-a"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_stopped_while_an_action_runs_and_comes_back() {
    let cluster = Cluster::private();
    let database = database(&cluster).await;
    let lab = Lab::up(&["pg-stopped"]);
    let home = watching(Home::new().with_store(database.url()), &lab, 1, "");
    let daemon = home.daemon();
    lab.hosts[0].fault(&["svc-crash"]);
    home.run(&["check"]).ended_with(&[2]);
    slowly(&home, "0");
    let repair = Repair { lab, home };
    repair.approve();
    repair.begins();

    cluster.stop();
    repair.goes_on();
    let refused = repair.home.run(&["approve", "list"]);
    refused.ended_with(&[1]);
    assert!(
        refused.stderr().contains("watchkeeper: "),
        "{}",
        refused.stderr()
    );
    let by_itself = repair.home.run(&["status", "--no-daemon"]);
    by_itself.ended_with(&[1]);
    assert!(
        by_itself.stderr().contains("could not open the store"),
        "{}",
        by_itself.stderr()
    );
    assert!(
        !by_itself.stderr().contains("password"),
        "{}",
        by_itself.stderr()
    );

    cluster.start();
    until("the daemon answers again", || {
        repair.home.run(&["status"]).output.status.success()
    });
    repair.becomes("fixed");
    repair.happened_once();
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_starts_before_its_database_waits_for_it() {
    let cluster = Cluster::private();
    let database = database(&cluster).await;
    let home = Home::new().with_store(database.url());
    cluster.stop();
    let mut child = started(&home, &["daemon"]);
    let socket = home.path().join("socket");
    cluster.start();
    until_within(LONG, "the daemon answers", &mut || {
        assert!(
            child.try_wait().expect("it can be asked").is_none(),
            "it gave up"
        );
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    home.run(&["status"]).ended_with(&[0]);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
