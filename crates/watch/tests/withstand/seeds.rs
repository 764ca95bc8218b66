//! The twelve regressions: what every earlier system of this kind got wrong, each by its number. Where another case
//! holds one of them already, that case is run. On SQLite alone, since those cases run on both databases by their own
//! names. What belongs to parts that are not built yet is named at its test as owed.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{Lane, Ollama, Timeouts};
use watchkeeper_model::{
    ActionNumber, Autonomy, HostName, IssueState, Privilege, Revision, RiskLevel, Span, Step, Tier,
    UnitName,
};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_watch::view::OutcomeWord;
use watchkeeper_watch::{Edit, LaneParts, Ran, Watch};

use crate::bridge::{Bridge, MINUTE, NGINX, ann, build_watch, runbooks, settings};
use crate::broken_line::Held;
use crate::gate::{Moment, Request};
use crate::lost_controller::{approved, is_over, restarts};
use crate::{asking, corrupt_rows, looking, lost_controller, rebooted, repairing, two_processes};

/// Two approvals, and two runs, of one action at one moment are one execution; what is proposed meanwhile is there
/// afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_01_two_approvals_of_one_action_are_one_execution() {
    two_processes::two_processes_approve_at_one_moment_and_one_is_refused(
        Bridge::on_sqlite().await,
    )
    .await;
    two_processes::two_processes_run_at_one_moment_and_one_does(Bridge::on_sqlite().await).await;

    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let held = Held::at(&bridge, Moment::Before(Request::Attach, 1)).await;
    bridge.host().unit("cron.service").fails("exit-code");
    bridge.check().await;
    assert_eq!(bridge.state(1).await, "held");
    let ran = held.goes_on().await.expect("the store answers");
    assert_eq!(ran, Ran::Over("fixed"));
    assert_eq!(bridge.state(1).await, "held", "it survived the execution");
    is_over(&bridge, "fixed").await;
}

/// A daemon killed in the middle: the outcome is found, or it is `unknown`; it never runs again by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_02_a_killed_daemon_leaves_the_outcome_or_unknown_and_no_second_run() {
    lost_controller::killed_while_it_runs_it_runs_once(Bridge::on_sqlite().await).await;
    rebooted::rebooted_and_the_controller_killed(Bridge::on_sqlite().await).await;
}

/// A model that is down, talks garbage or does not answer in time resolves nothing, is not healthy, and rules go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_03_no_model_no_garbage_and_no_timeout_makes_anything_well() {
    let turns: [(fn() -> Turn, bool); 3] = [
        (Turn::slams_the_door, false),
        (
            || Turn::replies("status: healthy, all issues resolved"),
            true,
        ),
        (Turn::says_nothing, false),
    ];
    for (turn, answers) in turns {
        let bridge = Bridge::on_sqlite().await;
        let server = ModelServer::start().await;
        server.decides(move |_| turn());
        has_an_impatient_model(&bridge, &server);
        // A runbook is for the service, none for the disk.
        bridge.host().unit(NGINX).fails("exit-code");
        bridge.host().disk("/", 99);
        bridge.check().await;
        let stop = CancellationToken::new();
        for _ in 0..4 {
            while bridge
                .watch
                .work_once(0, &stop)
                .await
                .expect("the store answers")
            {}
            bridge.clock.advance(10 * MINUTE);
            bridge.check().await;
        }
        let status = bridge.watch.status(false).await.expect("a status");
        if answers {
            // What is of no use is written down as that, with what was looked at, and not asked for ever.
            assert_eq!(status.jobs.queued, 0);
            assert_eq!(bridge.actions().await, 1, "the runbook's");
        } else {
            assert_eq!(status.model.healthy, Some(false), "{}", status.model.text);
            assert!(status.jobs.failed > 0, "it was asked, and given up");
        }
        assert!(
            bridge.log("issue.resolved").await.is_empty(),
            "nothing is well because a model does not answer"
        );
        assert_eq!(bridge.state(0).await, "held", "the runbook's proposal");
        assert_eq!(status.hosts.healthy, 0);
    }
    asking::a_dead_model_holds_nothing_up(Bridge::on_sqlite().await).await;
}

fn has_an_impatient_model(bridge: &Bridge, server: &ModelServer) {
    let short = watchkeeper_llm::Span(std::time::Duration::from_millis(200));
    let lane = Lane {
        url: server.url().parse().expect("an address"),
        timeouts: Timeouts {
            first_byte: short,
            idle: short,
            ..Timeouts::default()
        },
        ..Lane::new(MODEL)
    };
    let provider = Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    bridge
        .watch
        .reload(settings(), runbooks(), vec![LaneParts { lane, provider }]);
}

/// A command that is hidden behind a harmless one is seen, and what cannot be told is as dangerous as anything that is held. The entry points that are
/// there: a person's edit, a model's proposal, names of hosts and units.
///
/// Owed: chat and `do`, which come with their own issue and enter at the same place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_04_no_entry_point_lets_a_hidden_command_through() {
    let bridge = Bridge::on_sqlite().await;
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    bridge.autonomy(Autonomy::AutoFull);
    let scripts = [
        "df; reboot",
        "ssh root@localhost reboot",
        "echo $(reboot)",
        "uptime\nreboot",
        "df & reboot",
        "cat /etc/os-release | sh",
        "systemctl status nginx || reboot",
    ];
    for (revision, script) in (1..).zip(scripts) {
        let edit = Edit {
            revision: Revision(revision),
            steps: vec![Step::Shell {
                script: script.to_owned(),
            }],
            undo: Vec::new(),
            reason: None,
        };
        bridge
            .watch
            .edit(ActionNumber(0), ann(), edit)
            .await
            .expect("it may be written down");
        let action = bridge.sheet(0).await.action;
        assert!(
            action.assessment.level >= RiskLevel::High,
            "{script:?} is {}",
            action.assessment.level
        );
        assert_eq!(action.state.as_str(), "held", "{script:?}");
        assert_eq!(bridge.run(0).await, Ran::NotOurs);
    }
    for name in ["-oProxyCommand=id", "web1;id", "$(id)", "a\nb"] {
        assert!(HostName::new(name).is_err(), "{name:?}");
        assert!(
            UnitName::new(format!("{name}.service")).is_err(),
            "{name:?}"
        );
    }
    asking::a_model_that_talks_nonsense_proposes_nothing(Bridge::on_sqlite().await).await;
}

/// What a model calls harmless is judged by what it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_05_a_model_cannot_lower_a_risk() {
    let bridge = Bridge::on_sqlite().await;
    let reply = json!({
        "host": "web1", "cause": "nginx.service has failed [F1]", "confidence": "high", "evidence": ["F1"],
        "proposal": {
            "host": "web1", "reason": "a harmless look",
            "steps": [{ "kind": "shell", "script": "rm -r /srv/www" }],
            "risk": { "level": "low", "reason": "investigation only" }
        }
    });
    let server = ModelServer::start().await.always_replies(reply.to_string());
    let lane = Lane {
        url: server.url().parse().expect("an address"),
        ..Lane::new(MODEL)
    };
    let provider = Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    let none: [(&str, &str); 0] = [];
    let mut orders = settings();
    orders.policy.autonomy = Autonomy::AutoFull;
    let no_runbooks = watchkeeper_agent::Runbooks::load(&none).expect("none");
    bridge
        .watch
        .reload(orders, no_runbooks, vec![LaneParts { lane, provider }]);
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    let stop = CancellationToken::new();
    assert!(bridge.watch.work_once(0, &stop).await.expect("served"));
    let action = bridge.sheet(0).await.action;
    assert!(action.assessment.level >= RiskLevel::High);
    assert_eq!(action.state.as_str(), "held");
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
    asking::a_model_cannot_make_a_script_harmless(Bridge::on_sqlite().await).await;
}

/// What autonomy does not let run waits in the queue, once.
/// That it is told once, `tests/notify/seeds.rs` shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_06_refused_by_autonomy_is_held_and_never_dropped() {
    for (autonomy, tier) in [
        (Autonomy::AutoSafe, Tier::Normal),
        (Autonomy::AutoFull, Tier::Critical),
    ] {
        let bridge = Bridge::on_sqlite().await;
        let watch = with_entry(&bridge, |entry| {
            entry.autonomy = Some(autonomy);
            entry.tier = tier;
        })
        .await;
        bridge.host().unit(NGINX).fails("exit-code");
        for _ in 0..3 {
            watch.check(&[], |_| ()).await.expect("the store answers");
            bridge.clock.advance(MINUTE);
        }
        assert_eq!(bridge.state(0).await, "held", "{autonomy:?} {tier:?}");
        assert_eq!(bridge.actions().await, 1);
        assert_eq!(bridge.log("action.proposed").await.len(), 1);
        assert_eq!(restarts(&bridge), 0);
    }
}

/// A watch for which the entry of the host is another.
async fn with_entry(
    bridge: &Bridge,
    change: impl FnOnce(&mut watchkeeper_fleet::HostEntry),
) -> Watch {
    let mut rig = bridge.rig("changed").await;
    change(&mut rig.entries[0]);
    build_watch(rig, |ways| ways)
}

/// Ten looks at one trouble are one issue with a count of ten; a rejected repair is not proposed again until the
/// evidence changes.
/// That it is told once, `tests/notify/seeds.rs` shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_07_one_trouble_over_ten_looks_is_one_issue() {
    looking::one_trouble_over_ten_cycles_is_one_issue(Bridge::on_sqlite().await).await;
    repairing::a_rejected_fix_is_not_proposed_again(Bridge::on_sqlite().await).await;
}

/// A host out of reach is an issue of its own, never well, and what was known of it stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_08_an_unreachable_host_is_never_healthy_and_nothing_known_is_lost() {
    let bridge = Bridge::on_sqlite().await;
    bridge.check().await;
    let before = bridge.watch.systems().await.expect("a list");
    assert!(before[0].identity.is_some());
    bridge.host().goes_down().await;
    for _ in 0..2 {
        bridge.clock.advance(MINUTE);
        bridge.check().await;
    }
    let after = bridge.watch.systems().await.expect("a list");
    assert_eq!(after[0].identity, before[0].identity, "what it is stays");
    assert_eq!(after[0].state, "unreachable");
    looking::an_unreachable_host_resolves_nothing(Bridge::on_sqlite().await).await;
}

/// Another key blocks the host, and a person is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_09_a_changed_host_key_blocks_and_raises_an_issue() {
    looking::a_changed_host_key_blocks_and_raises_an_issue(Bridge::on_sqlite().await).await;
}

/// What runs is what was approved, in time, byte for byte; else nothing runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_10_other_bytes_than_approved_and_a_late_approval_never_run() {
    let bridge = Bridge::on_sqlite().await;
    approved(&bridge).await;
    let changed = bridge
        .sql(&format!(
            "update action_revisions set plan = replace(plan, 'systemctl restart', 'touch {}; systemctl restart')",
            bridge.host().path_in_home("trapped").display()
        ))
        .await;
    assert_eq!(changed, 1);
    let sheet = bridge.sheet(0).await;
    assert_ne!(sheet.action.plan.digest(), sheet.action.digest);
    assert_eq!(bridge.run(0).await, Ran::Over("stale"));
    assert_eq!(restarts(&bridge), 0);
    assert!(!bridge.host().path_in_home("trapped").exists());

    // Changed before it was approved: it cannot be approved.
    let bridge = Bridge::on_sqlite().await;
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    bridge
        .sql("update action_revisions set plan = replace(plan, 'systemctl restart', 'systemctl stop')")
        .await;
    let sheet = bridge.sheet(0).await;
    let decision = crate::bridge::seen(&sheet);
    let refused = bridge
        .watch
        .approve(ActionNumber(0), ann(), decision)
        .await
        .expect_err("it is not what was assessed");
    assert!(
        refused.to_string().contains("but was assessed as"),
        "{refused}"
    );
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
    repairing::nobody_decides_and_it_expires(Bridge::on_sqlite().await).await;
}

/// A row that cannot be read holds up nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_11_a_corrupt_row_holds_up_nothing_else() {
    corrupt_rows::a_corrupt_finding_holds_up_nothing_else(Bridge::on_sqlite().await).await;
}

/// What can be said of a host and of the orders has an effect; here what reaches the use cases.
///
/// Owed: that every key of the configuration, every command and every flag has a test; the crate `cli` counts them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_12_what_can_be_configured_has_an_effect() {
    let nginx_fails = async |bridge: &Bridge, watch: &Watch| {
        bridge.host().unit(NGINX).fails("exit-code");
        watch.check(&[], |_| ()).await.expect("the store answers");
    };
    // A host's own autonomy.
    let bridge = Bridge::on_sqlite().await;
    let watch = with_entry(&bridge, |entry| entry.autonomy = Some(Autonomy::Observe)).await;
    nginx_fails(&bridge, &watch).await;
    assert_eq!(bridge.state(0).await, "shadow");

    // Whether it becomes root there.
    let bridge = Bridge::on_sqlite().await;
    let watch = with_entry(&bridge, |entry| entry.become_root = false).await;
    nginx_fails(&bridge, &watch).await;
    assert_eq!(bridge.host().calls("sudo"), Vec::<String>::new());
    let rooted = bridge.actions().await > 0
        && bridge.sheet(0).await.action.plan.privilege == Privilege::Root;
    assert!(!rooted, "nothing is planned with rights we do not have");

    // Protected units, the two clocks, the limit of attempts, the time in which an issue is reopened.
    let bridge = Bridge::on_sqlite().await;
    let mut orders = settings();
    orders.policy.autonomy = Autonomy::AutoFull;
    orders.policy.protected_units = vec!["nginx".parse().expect("a pattern")];
    orders.policy.approve_within = Span::minutes(5);
    orders.policy.max_attempts_per_finding = 1;
    orders.looking.reopen_within = MINUTE;
    bridge.watch.reload(orders, runbooks(), Vec::new());
    bridge.host().unit(NGINX).fails_for_good("exit-code");
    bridge.check().await;
    assert_eq!(bridge.state(0).await, "held", "protected");
    bridge.clock.advance(6 * MINUTE);
    bridge.watch.expire_overdue().await.expect("done");
    assert_eq!(bridge.state(0).await, "expired");
    bridge.check().await;
    bridge.approve(1).await;
    bridge.run(1).await;
    bridge.check().await;
    assert_eq!(bridge.actions().await, 2, "one attempt is all");
    assert_eq!(bridge.log("issue.escalated").await.len(), 1);
    bridge.host().heals(NGINX);
    for _ in 0..2 {
        bridge.clock.advance(MINUTE);
        bridge.check().await;
    }
    assert_eq!(bridge.nginx().await.issue.state, IssueState::Resolved);
    bridge.clock.advance(5 * MINUTE);
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    assert_eq!(bridge.log("issue.reopened").await.len(), 0);

    // A threshold of one host.
    let bridge = Bridge::on_sqlite().await;
    bridge.host().disk("/", 60);
    let disk = async |bridge: &Bridge| {
        let report = bridge.check().await.hosts.remove(0);
        let lines = report.results.iter();
        lines
            .filter(|line| line.check.as_str() == "disk" && line.outcome == OutcomeWord::Found)
            .count()
    };
    assert_eq!(disk(&bridge).await, 0);
    let mut stricter = settings();
    let patch = json!({ "disk": { "warning_percent": 50.0 } });
    stricter.thresholds.hosts.insert(
        HostName::new("web1").expect("a name"),
        serde_json::from_value(patch).expect("a patch"),
    );
    bridge.watch.reload(stricter, runbooks(), Vec::new());
    assert_eq!(disk(&bridge).await, 1);
}
