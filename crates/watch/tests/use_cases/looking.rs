//! Looking, tracking and issues.

use std::time::Duration;

use watchkeeper_model::{HostName, IssueState, Severity};
use watchkeeper_store::Store;
use watchkeeper_testkit::clock::NOON;
use watchkeeper_testkit::ssh_host::ExecRule;
use watchkeeper_watch::NewIssue;
use watchkeeper_watch::view::OutcomeWord;

use crate::bridge::{Bridge, MINUTE, NGINX, ann};

/// Regression 7: the same problem over ten cycles is one issue with a count; it resolves on positive evidence only,
/// and comes back as the same issue within its window.
pub(crate) async fn one_trouble_over_ten_cycles_is_one_issue(bridge: Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    for _ in 0..10 {
        bridge.check().await;
        bridge.clock.advance(5 * MINUTE);
    }
    let line = bridge.nginx().await;
    assert_eq!(
        (line.issue.seen_count, line.issue.state),
        (10, IssueState::Open)
    );
    assert_eq!(story(&bridge, "issue.opened").await, 1);
    assert_eq!(
        story(&bridge, "action.proposed").await,
        1,
        "proposed once, and held"
    );

    bridge.host().heals(NGINX);
    for _ in 0..2 {
        bridge.check().await;
        bridge.clock.advance(MINUTE);
    }
    assert_eq!(bridge.nginx().await.issue.state, IssueState::Resolved);
    assert_eq!(bridge.state(0).await, "withdrawn");

    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    let line = bridge.nginx().await;
    assert_eq!(
        line.issue.state,
        IssueState::Open,
        "the same issue, open again"
    );
    assert_eq!(story(&bridge, "issue.reopened").await, 1);
    bridge.log_is_intact().await;
}

/// How often something happened to the issue about nginx; the machine itself may have troubles of its own.
async fn story(bridge: &Bridge, event: &str) -> usize {
    let number = bridge.nginx().await.issue.number;
    let sheet = bridge.watch.issue(number).await.expect("a sheet");
    sheet
        .timeline
        .iter()
        .filter(|entry| entry.record.event == event)
        .count()
}

/// Regressions 3 and 8: a failed look resolves nothing, is never healthy, and is an issue of its own.
pub(crate) async fn an_unreachable_host_resolves_nothing(bridge: Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    bridge.host().goes_down().await;
    for _ in 0..3 {
        let report = bridge.check().await;
        let host = &report.hosts[0];
        assert_eq!(
            host.failure.as_ref().map(|failure| failure.kind.as_str()),
            Some("unreachable")
        );
        assert!(
            host.results
                .iter()
                .all(|line| line.outcome != OutcomeWord::Passed),
            "nothing passes unseen"
        );
        bridge.clock.advance(MINUTE);
    }
    assert_eq!(
        bridge.nginx().await.issue.state,
        IssueState::Open,
        "still open: it was not seen to be well"
    );
    let issues = bridge.issues().await;
    assert!(
        issues
            .iter()
            .any(|line| line.issue.severity == Severity::Critical
                && !line.issue.title.contains(NGINX))
    );
    let status = bridge.watch.status(false).await.expect("a status");
    assert_eq!((status.hosts.unreachable, status.hosts.healthy), (1, 0));

    bridge.host().comes_back().await;
    bridge.host().heals(NGINX);
    for _ in 0..3 {
        bridge.check().await;
        bridge.clock.advance(MINUTE);
    }
    assert_eq!(bridge.nginx().await.issue.state, IssueState::Resolved);
}

/// Regression 9 and invariant 10: blocked, an issue, and nothing is run.
pub(crate) async fn a_changed_host_key_blocks_and_raises_an_issue(bridge: Bridge) {
    bridge.check().await;
    bridge.host().changes_key();
    bridge.host().cuts_connections();
    let commands = bridge.host().commands();
    let mut report = bridge.check().await;
    if report.hosts[0]
        .failure
        .as_ref()
        .is_some_and(|failure| failure.kind == "connection_lost")
    {
        report = bridge.check().await;
    }
    let failure = report.hosts[0].failure.clone().expect("it was not seen");
    assert_eq!(failure.kind, "host_key_changed", "{}", failure.message);
    assert!(failure.remedy.contains("--replace"), "{}", failure.remedy);
    assert_eq!(bridge.host().commands(), commands, "nothing was run there");
    let issues = bridge.issues().await;
    assert!(
        issues.iter().any(|line| line.issue.title.contains("key")),
        "{issues:?}"
    );
}

/// A host that accepts and then says nothing costs its own deadline, and nobody else's.
pub(crate) async fn a_hanging_host_delays_nobody_else(mut bridge: Bridge) {
    bridge.add_host().await;
    bridge.hosts[0].does_with_commands(ExecRule::Hangs);
    let mut order = Vec::new();
    let stop = tokio::time::sleep(Duration::from_secs(15));
    tokio::pin!(stop);
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let check = bridge.watch.check(&[], move |progress| {
        let _ = sender.send(progress.host.clone());
    });
    tokio::pin!(check);
    tokio::select! {
        _ = &mut check => {}
        host = seen.recv() => order.extend(host),
        () = &mut stop => panic!("the well host was not looked at beside the hanging one"),
    }
    assert_eq!(order.first(), HostName::new("web2").ok().as_ref());
}

/// The doctor tries hosts side by side, and tells of them in their order.
pub(crate) async fn a_hanging_host_holds_the_doctor_up_for_no_other(mut bridge: Bridge) {
    bridge.add_host().await;
    bridge.hosts[0].does_with_commands(ExecRule::Hangs);
    let doctor = bridge.watch.doctor();
    tokio::pin!(doctor);
    let other_was_asked = async {
        while bridge.hosts[1].commands() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        lines = &mut doctor => panic!("it waited for the hanging host: {lines:#?}"),
        () = other_was_asked => {}
    }
    bridge.hosts[0].cuts_connections();
    let lines = doctor.await;
    let hosts: Vec<_> = lines
        .iter()
        .filter_map(|line| line.name.strip_prefix("host "))
        .collect();
    assert_eq!(hosts, ["web1", "web2"]);
}

/// What was seen too long ago goes, however much it is; the last of each host stays.
pub(crate) async fn what_is_too_old_goes_however_much_it_is(bridge: Bridge) {
    let store = Store::open(&bridge.url).await.expect("the store");
    let web1 = HostName::new("web1").expect("a name");
    let mut tx = store.begin().await.expect("a transaction");
    for n in 0..2_100 {
        let at = NOON.after(Duration::from_millis(n));
        let body = serde_json::json!({});
        let kept = tx.observations().insert(&web1, at, &body).await;
        kept.expect("it is kept");
    }
    tx.commit().await.expect("a commit");
    bridge.clock.advance(Duration::from_secs(30 * 86_400));
    bridge.watch.keep_house(true).await.expect("it is done");
    let mut read = store.read().await.expect("the store");
    let left = read.observations().list(&web1, NOON, 1_000).await;
    assert_eq!(left.expect("a list").rows.len(), 1);
}

/// A person creates, acknowledges, notes, resolves and closes; what the state does not allow is refused.
pub(crate) async fn people_handle_issues(bridge: Bridge) {
    let new = NewIssue {
        title: "the printer smells".to_owned(),
        host: None,
        severity: Severity::Warning,
        note: Some("since monday; password=hunter2secret".to_owned()),
    };
    let number = bridge
        .watch
        .create_issue(ann(), new)
        .await
        .expect("an issue");
    for state in [
        IssueState::Acknowledged,
        IssueState::Resolved,
        IssueState::Closed,
    ] {
        bridge
            .watch
            .change_issue(number, ann(), state, None)
            .await
            .expect("allowed");
    }
    assert!(
        bridge
            .watch
            .change_issue(number, ann(), IssueState::Acknowledged, None)
            .await
            .is_err()
    );
    assert!(bridge.watch.note_issue(number, ann(), "  ").await.is_err());
    let sheet = bridge.watch.issue(number).await.expect("a sheet");
    let events: Vec<_> = sheet
        .timeline
        .iter()
        .map(|entry| entry.record.event.as_str())
        .collect();
    assert_eq!(
        events,
        [
            "issue.created",
            "issue.noted",
            "issue.acknowledged",
            "issue.resolved",
            "issue.closed"
        ]
    );
    let said = serde_json::to_string(&sheet.timeline).expect("json");
    assert!(
        !said.contains("hunter2secret"),
        "secrets do not reach the log"
    );
    bridge.log_is_intact().await;
}
