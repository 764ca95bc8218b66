//! Hosts that cannot be looked at, each for its own reason: its own kind, words and remedy, an issue that opens and
//! resolves when the cause is mended, and never a host that is well.

use std::time::Duration;

use watchkeeper_fleet::Inventory;
use watchkeeper_model::{HostName, IssueState, Severity};
use watchkeeper_testkit::ssh_host::SshHost;
use watchkeeper_watch::Watch;
use watchkeeper_watch::view::{IssueLine, OutcomeWord};

use crate::bridge::{Bridge, MINUTE, ann, build_watch, entries};

/// What a host that is not reached must show.
struct Expected {
    kind: &'static str,
    title: &'static str,
    remedy: &'static str,
    severity: Severity,
}

async fn web1(bridge: &Bridge) -> Option<IssueLine> {
    let issues = bridge.issues().await;
    issues
        .into_iter()
        .find(|line| line.issue.host == HostName::new("web1").ok())
}

/// A watch that waits only a second for a connection.
async fn impatient(bridge: &Bridge) -> Watch {
    let mut rig = bridge.rig("impatient").await;
    for entry in &mut rig.entries {
        entry.connect_timeout = Duration::from_secs(1);
        entry.probe_timeout = Duration::from_secs(1);
    }
    build_watch(rig, |ways| ways)
}

async fn is_told(bridge: &Bridge, watch: &Watch, expected: &Expected) {
    // What may be the network's mood needs a second look.
    for _ in 0..2 {
        let report = watch.check(&[], |_| ()).await.expect("the store answers");
        let host = &report.hosts[0];
        let failure = host.failure.clone().expect("it was not seen");
        assert_eq!(failure.kind, expected.kind, "{}", failure.message);
        assert!(
            failure.remedy.contains(expected.remedy),
            "{}",
            failure.remedy
        );
        assert!(
            host.results
                .iter()
                .all(|line| line.outcome != OutcomeWord::Passed),
            "nothing passes unseen"
        );
        bridge.clock.advance(MINUTE);
    }
    let line = web1(bridge).await.expect("an issue");
    assert!(
        line.issue.title.contains(expected.title),
        "{}",
        line.issue.title
    );
    assert_eq!(
        (line.issue.severity, line.issue.state),
        (expected.severity, IssueState::Open)
    );
    let status = watch.status(false).await.expect("a status");
    assert_eq!((status.hosts.unreachable, status.hosts.healthy), (1, 0));
    let systems = watch.systems().await.expect("a list");
    let failure = systems[0].failure.as_ref().expect("it is told");
    assert_eq!(failure.kind, expected.kind);
}

async fn is_mended(bridge: &Bridge, watch: &Watch) {
    let report = watch.check(&[], |_| ()).await.expect("the store answers");
    assert_eq!(report.hosts[0].failure, None);
    let line = web1(bridge).await.expect("the issue");
    assert_eq!(line.issue.state, IssueState::Resolved);
    let status = watch.status(false).await.expect("a status");
    assert_eq!((status.hosts.unreachable, status.hosts.healthy), (0, 1));
    bridge.log_is_intact().await;
}

async fn check(spoil: impl Fn(&SshHost), expected: Expected) {
    let bridge = Bridge::on_sqlite().await;
    let watch = impatient(&bridge).await;
    spoil(bridge.host());
    is_told(&bridge, &watch, &expected).await;
    bridge.host().answers_again();
    is_mended(&bridge, &watch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_passwords_only() {
    let expected = Expected {
        kind: "password_only",
        title: "login as ops needs a password",
        remedy: "allow publickey authentication",
        severity: Severity::Warning,
    };
    check(SshHost::takes_passwords_only, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_is_refused() {
    let expected = Expected {
        kind: "login_refused",
        title: "login refused for ops",
        remedy: "into ops's authorized_keys",
        severity: Severity::Critical,
    };
    check(SshHost::refuses_keys, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_accepts_and_then_says_nothing() {
    let expected = Expected {
        kind: "silent",
        title: "then says nothing",
        remedy: "check that the host is up",
        severity: Severity::Critical,
    };
    check(SshHost::goes_silent, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_at_once() {
    let expected = Expected {
        kind: "closed_early",
        title: "closed the connection before the login",
        remedy: "sshd's log on the host",
        severity: Severity::Critical,
    };
    check(SshHost::closes_at_once, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_ssh_server() {
    let expected = Expected {
        kind: "closed_early",
        title: "closed the connection before the login",
        remedy: "check the port",
        severity: Severity::Critical,
    };
    let spoil = |host: &SshHost| host.says_instead(b"HTTP/1.1 400 \x1b[2J Bad Request\r\n\r\n");
    check(spoil, expected).await;
}

/// The limit of its entry in the inventory is kept on the host itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_on_which_nothing_comes_to_an_end() {
    let expected = Expected {
        kind: "timed_out",
        title: "no answer within",
        remedy: "check that the host is up",
        severity: Severity::Critical,
    };
    let bridge = Bridge::on_sqlite().await;
    let watch = impatient(&bridge).await;
    bridge
        .host()
        .tool("systemctl", "#!/bin/sh\nexec sleep 3600\n");
    is_told(&bridge, &watch, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_on_which_nobody_listens() {
    let bridge = Bridge::on_sqlite().await;
    let watch = impatient(&bridge).await;
    bridge.host().goes_down().await;
    let expected = Expected {
        kind: "unreachable",
        title: "no connection to 127.0.0.1",
        remedy: "check that the host is up",
        severity: Severity::Critical,
    };
    is_told(&bridge, &watch, &expected).await;
    bridge.host().comes_back().await;
    is_mended(&bridge, &watch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_without_an_address() {
    let bridge = Bridge::on_sqlite().await;
    let watch = impatient(&bridge).await;
    let inventory = |address: &str| {
        let mut entries = entries(&bridge.hosts);
        entries[0].address = Some(address.to_owned());
        Inventory::new(entries, Vec::new()).expect("an inventory")
    };
    watch.fleet().reload(inventory("web1.invalid")).await;
    let expected = Expected {
        kind: "name_not_resolved",
        title: "the name web1.invalid has no address",
        remedy: "the address in the inventory",
        severity: Severity::Critical,
    };
    is_told(&bridge, &watch, &expected).await;
    watch.fleet().reload(inventory("127.0.0.1")).await;
    is_mended(&bridge, &watch).await;
}

/// Refused until a person has accepted it, and then exactly this key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_nobody_has_accepted() {
    let bridge = Bridge::on_sqlite().await;
    std::fs::write(bridge.dir.path().join("known_hosts"), "").expect("a file of ours");
    let mut rig = bridge.rig("impatient").await;
    std::fs::write(bridge.dir.path().join("known_hosts"), "").expect("a file of ours");
    rig.entries[0].connect_timeout = Duration::from_secs(2);
    let watch = build_watch(rig, |ways| ways);
    let fingerprint = bridge.host().fingerprint();
    let expected = Expected {
        kind: "host_key_unknown",
        title: "host key not known yet, nothing is run",
        remedy: "watchkeeper enrol",
        severity: Severity::Warning,
    };
    is_told(&bridge, &watch, &expected).await;
    assert_eq!((bridge.host().logins(), bridge.host().commands()), (0, 0));
    let host = HostName::new("web1").expect("a name");
    let wrong = format!("SHA256:{}", "A".repeat(43));
    assert!(watch.enrol(&host, ann(), &wrong, false).await.is_err());
    let offered = watch.offered_key(&host).await.expect("it is shown");
    assert_eq!(offered.fingerprint, fingerprint);
    watch
        .enrol(&host, ann(), &fingerprint, false)
        .await
        .expect("it is the one");
    is_mended(&bridge, &watch).await;
    assert_eq!(bridge.log("host.enrolled").await.len(), 1);
}

/// Blocked, nothing is run, also what was approved; replaced only on request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_has_changed() {
    let bridge = Bridge::on_sqlite().await;
    let nginx = crate::bridge::NGINX;
    bridge.host().unit(nginx).fails("exit-code");
    bridge.check().await;
    bridge.approve(0).await;
    let known = bridge.host().fingerprint();
    let fingerprint = bridge.host().changes_key();
    let commands = bridge.host().commands();
    let watch = impatient_as_it_is(&bridge).await;
    let expected = Expected {
        kind: "host_key_changed",
        title: "host key changed: blocked until a person has looked",
        remedy: "--replace",
        severity: Severity::Critical,
    };
    let report = watch.check(&[], |_| ()).await.expect("the store answers");
    let failure = report.hosts[0].failure.clone().expect("it was not seen");
    assert_eq!(failure.kind, expected.kind, "{}", failure.message);
    assert!(failure.remedy.contains(expected.remedy));
    assert!(failure.message.contains(&known) && failure.message.contains(&fingerprint));
    let ran = watch
        .run_action(watchkeeper_model::ActionNumber(0))
        .await
        .expect("the store answers");
    assert!(
        matches!(ran, watchkeeper_watch::Ran::Later { .. }),
        "{ran:?}"
    );
    assert_eq!(bridge.host().commands(), commands, "nothing was run there");
    assert_eq!(bridge.host().times("restart", nginx), 0);
    let issues = bridge.issues().await;
    let blocked = issues
        .iter()
        .find(|line| line.issue.title.contains(expected.title))
        .expect("an issue");
    assert_eq!(blocked.issue.severity, expected.severity);
    let nginx = bridge.nginx().await;
    assert_eq!(nginx.issue.state, IssueState::Open, "nothing is resolved");

    let host = HostName::new("web1").expect("a name");
    assert!(
        watch
            .enrol(&host, ann(), &fingerprint, false)
            .await
            .is_err()
    );
    watch
        .enrol(&host, ann(), &fingerprint, true)
        .await
        .expect("it is asked for");
    bridge.clock.advance(MINUTE);
    let report = watch.check(&[], |_| ()).await.expect("the store answers");
    assert_eq!(report.hosts[0].failure, None);
    let issue = watch
        .issue(blocked.issue.number)
        .await
        .expect("the issue")
        .issue;
    assert_eq!(issue.state, IssueState::Resolved);
    bridge.log_is_intact().await;
}

/// A watch that keeps the keys that are known, whatever the hosts have now.
async fn impatient_as_it_is(bridge: &Bridge) -> Watch {
    let known_hosts = bridge.dir.path().join("known_hosts");
    let before = std::fs::read(&known_hosts).expect("a file of ours");
    let rig = bridge.rig("impatient").await;
    std::fs::write(&known_hosts, before).expect("a file of ours");
    build_watch(rig, |ways| ways)
}
