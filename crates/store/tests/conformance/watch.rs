//! The watch: hosts, what was seen of them, findings and issues.

use std::collections::HashSet;

use tokio::task::JoinSet;
use watchkeeper_model::{HostName, Issue, IssueNumber, IssueState, LookFailure, Severity};
use watchkeeper_store::{IssueFilter, NewIssue, Store, TrackedFinding};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, controller, due};

async fn with_hosts(ground: &Ground, count: usize) -> (Store, Vec<HostName>) {
    let store = ground.open().await;
    let hosts: Vec<_> = (0..count)
        .map(|n| build::host(&format!("h{n:04}")))
        .collect();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.hosts().sync("hal", &hosts, NOON).await.unwrap(), 0);
    tx.commit().await.unwrap();
    (store, hosts)
}

pub(crate) async fn inventory_disables_what_it_no_longer_names(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 3).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.hosts()
            .sync("hal", &hosts[1..], NOON.after(MINUTE))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        tx.hosts()
            .sync("hal", &hosts[1..], NOON.after(MINUTE))
            .await
            .unwrap(),
        0
    );
    let gone = tx
        .hosts()
        .get(&hosts[0])
        .await
        .unwrap()
        .expect("it is kept");
    assert!(!gone.enabled);
    let due = tx
        .hosts()
        .claim_due(&controller("c1"), &due("hal", NOON, 10))
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(
        due.iter().map(|host| &host.host).collect::<Vec<_>>(),
        [&hosts[1], &hosts[2]]
    );
    tx.hosts()
        .sync("hal", &hosts, NOON.after(MINUTE))
        .await
        .unwrap();
    let back = tx.hosts().get(&hosts[0]).await.unwrap().unwrap();
    assert!(back.enabled && back.next_due == NOON);
    let page = tx
        .hosts()
        .list(Some(&hosts[0]), 1)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(page[0].host, hosts[1]);
}

pub(crate) async fn each_watch_has_its_own_hosts(ground: &Ground) {
    let store = ground.open().await;
    let [one, both, other] = ["one", "both", "other"].map(build::host);
    let mut tx = store.begin().await.unwrap();
    let mut hosts = tx.hosts();
    let hals = [one.clone(), both.clone()];
    hosts.sync("hal", &hals, NOON).await.unwrap();
    let daves = [both.clone(), other.clone()];
    assert_eq!(hosts.sync("dave", &daves, NOON).await.unwrap(), 0);
    assert!(hosts.get(&one).await.unwrap().unwrap().enabled);
    let due = hosts
        .claim_due(&controller("c1"), &due("dave", NOON, 10))
        .await
        .unwrap();
    let due: Vec<_> = due.rows.into_iter().map(|host| host.host).collect();
    assert_eq!(due, daves);
    assert_eq!(hosts.next_due("hal").await.unwrap(), Some(NOON));
    assert_eq!(hosts.next_due("nobody").await.unwrap(), None);
    // What one names no longer stays where the other names it.
    assert_eq!(
        hosts
            .sync("dave", std::slice::from_ref(&other), NOON)
            .await
            .unwrap(),
        0
    );
    assert!(hosts.get(&both).await.unwrap().unwrap().enabled);
    assert_eq!(hosts.sync("hal", &[one], NOON).await.unwrap(), 1);
    assert!(!hosts.get(&both).await.unwrap().unwrap().enabled);
    assert!(hosts.get(&other).await.unwrap().unwrap().enabled);
}

pub(crate) async fn what_a_wrong_clock_wrote_holds_nothing_up(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 2).await;
    let year = 366 * DAY;
    let wrong = NOON.after(year);
    let [lost, alive] = ["c1", "c2"].map(controller);
    let mut tx = store.begin().await.unwrap();
    let body = serde_json::json!({ "year": "wrong" });
    tx.observations()
        .insert(&hosts[0], wrong, &body)
        .await
        .unwrap();
    // One was looked at, the other is still being looked at, when the clock is put right.
    tx.hosts()
        .claim_due(&lost, &due("hal", wrong, 2))
        .await
        .unwrap();
    tx.hosts()
        .finish_look(&hosts[0], &lost, wrong, Ok(()), wrong.after(DAY))
        .await
        .unwrap();
    let claimed = tx
        .hosts()
        .claim_due(&alive, &due("hal", NOON, 10))
        .await
        .unwrap();
    assert_eq!(claimed.rows.len(), 2);
    let body = serde_json::json!({ "year": "right" });
    tx.observations()
        .insert(&hosts[0], NOON, &body)
        .await
        .unwrap();
    let latest = tx.observations().latest(&hosts[0]).await.unwrap();
    assert_eq!(latest.unwrap().body, body);
}

pub(crate) async fn an_inventory_that_nobody_tells_of_is_forgotten(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 2).await;
    let mut tx = store.begin().await.unwrap();
    let dave = &hosts[1..];
    let soon = NOON.after(DAY);
    assert_eq!(tx.hosts().sync("dave", dave, soon).await.unwrap(), 0);
    let late = soon.after(MINUTE);
    assert_eq!(tx.hosts().sync("dave", dave, late).await.unwrap(), 1);
    assert!(!tx.hosts().get(&hosts[0]).await.unwrap().unwrap().enabled);
    // Nothing was lost when its controller comes back.
    tx.hosts().sync("hal", &hosts, late).await.unwrap();
    assert_eq!(tx.hosts().next_due("hal").await.unwrap(), Some(NOON));
}

pub(crate) async fn due_hosts_are_shared_between_controllers(ground: &Ground) {
    let (_, hosts) = with_hosts(ground, 60).await;
    let mut controllers = JoinSet::new();
    for name in ["c1", "c2", "c3"] {
        let store = ground.open().await;
        controllers.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let mut tx = store.begin().await.unwrap();
                let some = tx
                    .hosts()
                    .claim_due(&controller(name), &due("hal", NOON, 7))
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                if some.rows.is_empty() {
                    return claimed;
                }
                claimed.extend(some.strict().unwrap().into_iter().map(|host| host.host));
            }
        });
    }
    let claimed: Vec<_> = controllers.join_all().await.concat();
    assert_eq!(claimed.len(), hosts.len());
    assert_eq!(
        claimed.iter().collect::<HashSet<_>>(),
        hosts.iter().collect()
    );
    let store = ground.open().await;
    assert_eq!(
        store
            .read()
            .await
            .unwrap()
            .hosts()
            .next_due("hal")
            .await
            .unwrap(),
        Some(NOON.after(MINUTE))
    );
    let mut tx = store.begin().await.unwrap();
    let again = tx
        .hosts()
        .claim_due(&controller("c4"), &due("hal", NOON.after(MINUTE), 100))
        .await
        .unwrap();
    assert_eq!(
        again.rows.len(),
        hosts.len(),
        "a lost controller holds nothing up for long"
    );
}

pub(crate) async fn who_is_alone_ends_the_leases_of_who_is_gone(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 2).await;
    let mut tx = store.begin().await.unwrap();
    let lost = controller("c1");
    tx.hosts()
        .claim_due(&lost, &due("hal", NOON, 2))
        .await
        .unwrap();
    assert_eq!(tx.hosts().end_leases().await.unwrap(), 2);
    assert_eq!(tx.hosts().end_leases().await.unwrap(), 0);
    let next = controller("c2");
    let claimed = tx.hosts().claim(&hosts[0], &next, NOON, MINUTE).await;
    assert!(claimed.unwrap(), "nobody waits");
    let late = tx
        .hosts()
        .finish_look(&hosts[1], &lost, NOON, Ok(()), NOON.after(DAY))
        .await;
    assert!(late.unwrap_err().is_conflict());
}

pub(crate) async fn several_are_claimed_at_once_but_not_what_somebody_has(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 3).await;
    let mut tx = store.begin().await.unwrap();
    let other = controller("c1");
    assert!(
        tx.hosts()
            .claim(&hosts[1], &other, NOON, MINUTE)
            .await
            .unwrap()
    );
    let names: Vec<_> = hosts.iter().collect();
    let ours = controller("c2");
    let mut claimed = tx
        .hosts()
        .claim_all(&names, &ours, NOON, MINUTE)
        .await
        .unwrap();
    claimed.sort();
    assert_eq!(claimed, [hosts[0].clone(), hosts[2].clone()]);
    let again = tx
        .hosts()
        .claim_all(&names, &other, NOON, MINUTE)
        .await
        .unwrap();
    assert!(again.is_empty(), "all of them are being looked at");
}

pub(crate) async fn a_look_that_took_too_long_is_not_recorded(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 1).await;
    let (slow, quick) = (controller("c1"), controller("c2"));
    let mut tx = store.begin().await.unwrap();
    tx.hosts()
        .claim_due(&slow, &due("hal", NOON, 1))
        .await
        .unwrap();
    tx.hosts()
        .claim_due(&quick, &due("hal", NOON.after(MINUTE), 1))
        .await
        .unwrap();
    let late = tx
        .hosts()
        .finish_look(
            &hosts[0],
            &slow,
            NOON.after(MINUTE),
            Ok(()),
            NOON.after(DAY),
        )
        .await;
    assert!(late.unwrap_err().is_conflict());
    tx.hosts()
        .finish_look(
            &hosts[0],
            &quick,
            NOON.after(MINUTE),
            Ok(()),
            NOON.after(DAY),
        )
        .await
        .unwrap();
    let host = tx.hosts().get(&hosts[0]).await.unwrap().unwrap();
    assert_eq!(
        (host.lease, host.next_due, host.looked_at),
        (None, NOON.after(DAY), Some(NOON.after(MINUTE)))
    );
    tx.hosts().make_due(&hosts[0], NOON).await.unwrap();
    assert_eq!(tx.hosts().next_due("hal").await.unwrap(), Some(NOON));
    assert!(
        tx.hosts()
            .make_due(&build::host("other"), NOON)
            .await
            .unwrap_err()
            .is_conflict()
    );
}

pub(crate) async fn failures_are_counted_in_a_row(ground: &Ground) {
    let (store, hosts) = with_hosts(ground, 1).await;
    let controller = controller("c1");
    let failure = LookFailure::Silent {
        address: "10.0.0.1:22".to_owned(),
        waited_ms: 5,
    };
    let mut tx = store.begin().await.unwrap();
    for (n, outcome) in [Err(&failure), Err(&failure), Ok(()), Err(&failure)]
        .into_iter()
        .enumerate()
    {
        tx.hosts()
            .claim_due(&controller, &due("hal", NOON, 1))
            .await
            .unwrap();
        tx.hosts()
            .finish_look(&hosts[0], &controller, NOON, outcome, NOON)
            .await
            .unwrap();
        let host = tx.hosts().get(&hosts[0]).await.unwrap().unwrap();
        assert_eq!(host.failures, [1, 2, 0, 1][n]);
        assert_eq!(host.failure.as_ref(), outcome.err());
    }
}

pub(crate) async fn findings_are_kept_by_fingerprint(ground: &Ground) {
    let store = ground.open().await;
    let finding = build::finding("web1", "unit", "nginx.service");
    let known = TrackedFinding {
        fingerprint: finding.fingerprint(),
        host: finding.host.clone(),
        check: finding.check.clone(),
        subject: finding.subject.clone(),
        memory: serde_json::json!({ "seen": [true, false], "n": 3 }),
        finding: Some(finding.clone()),
        firing: true,
        issue: None,
        changed_at: NOON,
    };
    let other = build::finding("web1", "disk", "/var\n");
    let quiet = TrackedFinding {
        fingerprint: other.fingerprint(),
        check: other.check.clone(),
        subject: other.subject.clone(),
        finding: None,
        firing: false,
        ..known.clone()
    };
    let mut tx = store.begin().await.unwrap();
    let mut findings = tx.findings();
    findings
        .upsert(&[known.clone(), quiet.clone()])
        .await
        .unwrap();
    let changed = TrackedFinding {
        memory: serde_json::json!(null),
        changed_at: NOON.after(MINUTE),
        ..known
    };
    findings
        .upsert(std::slice::from_ref(&changed))
        .await
        .unwrap();
    assert_eq!(
        findings
            .of_host(&finding.host)
            .await
            .unwrap()
            .strict()
            .unwrap(),
        [quiet.clone(), changed.clone()]
    );
    assert_eq!(
        findings.firing(10).await.unwrap().strict().unwrap(),
        std::slice::from_ref(&changed)
    );
    assert_eq!(
        findings.get(quiet.fingerprint).await.unwrap(),
        Some(quiet.clone())
    );
    findings.delete(&[quiet.fingerprint]).await.unwrap();
    assert_eq!(findings.get(quiet.fingerprint).await.unwrap(), None);
    findings.delete(&[]).await.unwrap();
    findings.upsert(&[]).await.unwrap();
    assert!(
        findings.get(changed.fingerprint).await.unwrap().is_some(),
        "nothing named, nothing deleted"
    );
}

fn new_issue(host: &str) -> NewIssue {
    let finding = build::finding(host, "unit", "nginx.service");
    NewIssue {
        host: Some(finding.host.clone()),
        title: finding.summary.clone(),
        severity: Severity::Warning,
        fingerprint: Some(finding.fingerprint()),
        at: NOON,
    }
}

async fn opened(store: &Store, host: &str) -> Issue {
    let mut tx = store.begin().await.unwrap();
    let issue = tx.issues().create(new_issue(host)).await.unwrap();
    tx.commit().await.unwrap();
    issue
}

pub(crate) async fn a_finding_has_one_active_issue(ground: &Ground) {
    let store = ground.open().await;
    let mut opening = JoinSet::new();
    for _ in 0..4 {
        let store = ground.open().await;
        opening.spawn(async move {
            let mut tx = store.begin().await?;
            tx.issues().create(new_issue("web1")).await?;
            tx.commit().await.map(drop)
        });
    }
    let results = opening.join_all().await;
    assert_eq!(
        results.iter().filter(|result| result.is_ok()).count(),
        1,
        "{results:?}"
    );
    assert!(results.iter().all(|result| {
        result
            .as_ref()
            .map_or_else(|error| error.is_conflict(), |()| true)
    }));
    let mut tx = store.begin().await.unwrap();
    let issue = tx
        .issues()
        .find_active(new_issue("web1").fingerprint.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((issue.number, issue.seen_count), (IssueNumber(1), 1));
    tx.issues()
        .seen_again(issue.number, Severity::Critical, NOON.after(MINUTE))
        .await
        .unwrap();
    tx.issues()
        .seen_again(issue.number, Severity::Critical, NOON)
        .await
        .unwrap();
    let seen = tx.issues().get(issue.number).await.unwrap().unwrap();
    assert_eq!(
        (seen.seen_count, seen.last_seen, seen.severity),
        (3, NOON.after(MINUTE), Severity::Critical)
    );
}

pub(crate) async fn an_issue_moves_only_from_the_state_it_is_in(ground: &Ground) {
    let store = ground.open().await;
    let issue = opened(&store, "web1").await;
    let later = NOON.after(MINUTE);
    let mut tx = store.begin().await.unwrap();
    let mut issues = tx.issues();
    issues
        .change(
            issue.number,
            IssueState::Open,
            IssueState::Acknowledged,
            later,
        )
        .await
        .unwrap();
    let stale = issues
        .change(issue.number, IssueState::Open, IssueState::Resolved, later)
        .await;
    assert!(stale.unwrap_err().is_conflict());
    let read = issues.get(issue.number).await.unwrap().unwrap();
    assert_eq!(
        (read.state, read.changed_at),
        (IssueState::Acknowledged, later)
    );
    issues
        .change(
            issue.number,
            IssueState::Acknowledged,
            IssueState::Closed,
            later,
        )
        .await
        .unwrap();
    assert!(
        issues
            .seen_again(issue.number, Severity::Info, later)
            .await
            .unwrap_err()
            .is_conflict()
    );
}

pub(crate) async fn a_recurrence_finds_the_issue_it_reopens(ground: &Ground) {
    let store = ground.open().await;
    let first = opened(&store, "web1").await;
    let fingerprint = first.fingerprint.unwrap();
    let mut tx = store.begin().await.unwrap();
    let mut issues = tx.issues();
    issues
        .change(
            first.number,
            IssueState::Open,
            IssueState::Resolved,
            NOON.after(MINUTE),
        )
        .await
        .unwrap();
    assert_eq!(issues.find_active(fingerprint).await.unwrap(), None);
    let found = issues.find_resolved(fingerprint, NOON).await.unwrap();
    assert_eq!(found.map(|issue| issue.number), Some(first.number));
    assert_eq!(
        issues
            .find_resolved(fingerprint, NOON.after(DAY))
            .await
            .unwrap(),
        None,
        "its window is over"
    );
    issues
        .change(
            first.number,
            IssueState::Resolved,
            IssueState::Open,
            NOON.after(DAY),
        )
        .await
        .unwrap();
    assert!(issues.find_active(fingerprint).await.unwrap().is_some());
}

pub(crate) async fn issues_are_filtered_and_paged(ground: &Ground) {
    let store = ground.open().await;
    for host in ["a", "b", "c"] {
        opened(&store, host).await;
    }
    let mut tx = store.begin().await.unwrap();
    let by_hand = NewIssue {
        host: None,
        fingerprint: None,
        severity: Severity::Info,
        ..new_issue("a")
    };
    tx.issues().create(by_hand.clone()).await.unwrap();
    tx.issues().create(by_hand).await.unwrap();
    tx.issues()
        .change(IssueNumber(2), IssueState::Open, IssueState::Closed, NOON)
        .await
        .unwrap();
    let mut list = async |filter: IssueFilter, limit| {
        let listed = tx
            .issues()
            .list(&filter, limit)
            .await
            .unwrap()
            .strict()
            .unwrap();
        listed
            .iter()
            .map(|issue| issue.number.0)
            .collect::<Vec<_>>()
    };
    let all = IssueFilter::default();
    assert_eq!(list(all.clone(), 2).await, [5, 4]);
    assert_eq!(
        list(
            IssueFilter {
                before: Some(IssueNumber(4)),
                ..all.clone()
            },
            9
        )
        .await,
        [3, 2, 1]
    );
    assert_eq!(
        list(
            IssueFilter {
                host: Some(build::host("a")),
                ..all.clone()
            },
            9
        )
        .await,
        [1]
    );
    assert_eq!(
        list(
            IssueFilter {
                severities: vec![Severity::Info],
                ..all.clone()
            },
            9
        )
        .await,
        [5, 4]
    );
    assert_eq!(
        list(
            IssueFilter {
                states: vec![IssueState::Closed],
                ..all
            },
            9
        )
        .await,
        [2]
    );
    assert_eq!(
        tx.issues().counts().await.unwrap(),
        [(IssueState::Closed, 1), (IssueState::Open, 4)]
    );
}

pub(crate) async fn the_last_observation_outlives_retention(ground: &Ground) {
    let store = ground.open().await;
    let (web, db) = (build::host("web1"), build::host("db1"));
    let mut tx = store.begin().await.unwrap();
    let mut observations = tx.observations();
    for n in 0..3 {
        observations
            .insert(&web, NOON.after(n * MINUTE), &serde_json::json!({ "n": n }))
            .await
            .unwrap();
    }
    observations
        .insert(&db, NOON, &serde_json::json!("only"))
        .await
        .unwrap();
    observations
        .insert(&db, NOON, &serde_json::json!("again"))
        .await
        .unwrap();
    assert_eq!(
        observations.latest(&web).await.unwrap().unwrap().body,
        serde_json::json!({ "n": 2 })
    );
    assert_eq!(
        observations
            .list(&web, NOON.after(MINUTE), 10)
            .await
            .unwrap()
            .rows
            .len(),
        2
    );
    assert_eq!(observations.prune(NOON.after(DAY)).await.unwrap(), 2);
    assert_eq!(observations.prune(NOON.after(DAY)).await.unwrap(), 0);
    assert_eq!(
        observations.list(&web, NOON, 10).await.unwrap().rows.len(),
        1
    );
    assert_eq!(
        observations.latest(&db).await.unwrap().unwrap().body,
        serde_json::json!("again")
    );
}

pub(crate) async fn samples_are_kept_for_a_while(ground: &Ground) {
    let store = ground.open().await;
    let host = build::host("web1");
    let mut tx = store.begin().await.unwrap();
    let mut samples = tx.samples();
    samples
        .insert(
            &host,
            NOON,
            &[("load", 0.5), ("mem", 7e9), ("broken", f64::NAN)],
        )
        .await
        .unwrap();
    samples
        .insert(&host, NOON.after(MINUTE), &[("load", 1.0)])
        .await
        .unwrap();
    let load = samples
        .list(&host, "load", NOON, 10)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(
        load.iter().map(|sample| sample.value).collect::<Vec<_>>(),
        [0.5, 1.0]
    );
    assert!(
        samples
            .list(&host, "broken", NOON, 10)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert_eq!(samples.prune(NOON.after(MINUTE)).await.unwrap(), 2);
    assert_eq!(
        samples
            .list(&host, "load", NOON, 10)
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
}
