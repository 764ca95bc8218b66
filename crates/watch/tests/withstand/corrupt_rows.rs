//! A row that cannot be read, in each table: the rest goes on, and `status` names table, column and row.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use watchkeeper_agent::Runbooks;
use watchkeeper_llm::{Lane, Ollama};
use watchkeeper_model::{ActionNumber, Autonomy, HostName, IssueState};
use watchkeeper_testkit::model_server::{MODEL, ModelServer};
use watchkeeper_watch::{LaneParts, Ran};

use crate::bridge::{Bridge, MINUTE, NGINX, settings};
use crate::gate::{Gate, Moment, Request};
use crate::on_both;

on_both! {
    a_corrupt_finding_holds_up_nothing_else;
    a_corrupt_issue_holds_up_nothing_else;
    an_issue_of_an_unheard_of_state_holds_up_nothing_else;
    a_corrupt_action_holds_up_nothing_else_and_is_not_done_again;
    a_corrupt_run_holds_up_nothing_else;
    a_corrupt_step_of_a_run_holds_up_nothing_else;
    what_was_left_is_taken_up_but_for_the_run_that_cannot_be_read;
    a_corrupt_job_is_given_up_and_the_next_is_served;
    a_corrupt_host_is_looked_at_all_the_same;
    a_corrupt_observation_is_passed_over;
}

/// nginx has failed on both of two hosts; action 0 is for the first, 1 for the second.
async fn two_broken(bridge: &mut Bridge) {
    bridge.add_host().await;
    for host in &bridge.hosts {
        host.unit(NGINX).fails("exit-code");
    }
    for name in ["web1", "web2"] {
        let host = HostName::new(name).expect("a name");
        bridge
            .watch
            .check(&[host], |_| ())
            .await
            .expect("the store answers");
    }
}

/// The whole way goes on for the second host, which never had a corrupt row.
async fn the_rest_goes_on(bridge: &Bridge) {
    bridge.clock.advance(MINUTE);
    let report = bridge.check().await;
    let second = &report.hosts[1];
    assert!(
        second.errors.is_empty() && second.failure.is_none(),
        "{second:?}"
    );
    bridge.approve(1).await;
    assert_eq!(bridge.run(1).await, Ran::Over("fixed"));
    assert_eq!(bridge.hosts[1].times("restart", NGINX), 1);
    assert!(!bridge.issues().await.is_empty());
    bridge.watch.systems().await.expect("a list");
    bridge.watch.expire_overdue().await.expect("done");
    bridge.log_is_intact().await;
}

async fn is_named(bridge: &Bridge, wanted: &str) {
    let status = bridge.watch.status(false).await.expect("a status");
    let named = status.corrupt.iter().any(|row| row.contains(wanted));
    assert!(named, "{wanted}: {:?}", status.corrupt);
    // One that never met it finds it when it is asked.
    let other = bridge.another_controller("other").await;
    let status = other.status(false).await.expect("a status");
    let named = status.corrupt.iter().any(|row| row.contains(wanted));
    assert!(named, "{wanted}: {:?}", status.corrupt);
}

pub(crate) async fn a_corrupt_finding_holds_up_nothing_else(mut bridge: Bridge) {
    two_broken(&mut bridge).await;
    bridge
        .sql("update findings set memory = '{' where host = 'web1' and check_name = 'units'")
        .await;
    is_named(&bridge, "the column memory of findings").await;
    the_rest_goes_on(&bridge).await;
    // What was known of it is lost, and it is known again.
    assert_eq!(bridge.actions().await, 2, "nothing is proposed twice");
    let report = bridge.check().await;
    assert!(
        report.hosts[0].errors.is_empty(),
        "{:?}",
        report.hosts[0].errors
    );
    let issues = bridge.issues().await;
    let about = issues
        .iter()
        .filter(|line| line.issue.title.contains(NGINX));
    assert_eq!(about.count(), 2, "its issue was found again: {issues:#?}");
}

async fn a_corrupt_issue_holds_up_nothing_else(mut bridge: Bridge) {
    two_broken(&mut bridge).await;
    bridge
        .sql("update issues set severity = 'dire' where host = 'web1'")
        .await;
    the_rest_goes_on(&bridge).await;
    is_named(&bridge, "the column severity of issues 1").await;
    let report = bridge.check().await;
    assert_eq!(
        report.hosts[0].errors,
        ["the column severity of issues 1 cannot be read: \"dire\" is not a severity"]
    );
    // What was proposed before stands, and can be done.
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
}

async fn an_issue_of_an_unheard_of_state_holds_up_nothing_else(mut bridge: Bridge) {
    two_broken(&mut bridge).await;
    bridge
        .sql("update issues set state = 'dire' where host = 'web1'")
        .await;
    the_rest_goes_on(&bridge).await;
    let listed = bridge.issues().await;
    let one = HostName::new("web1").ok();
    assert!(
        !listed.iter().any(|line| line.issue.host == one),
        "{listed:#?}"
    );
    let status = bridge.watch.status(false).await.expect("a status");
    let wanted = "the column state of issues";
    assert!(
        status.corrupt.iter().any(|row| row.contains(wanted)),
        "{:?}",
        status.corrupt
    );
}

async fn a_corrupt_action_holds_up_nothing_else_and_is_not_done_again(mut bridge: Bridge) {
    two_broken(&mut bridge).await;
    bridge
        .sql("update action_revisions set plan = '[]' where number = 0")
        .await;
    bridge.autonomy(Autonomy::AutoFull);
    the_rest_goes_on(&bridge).await;
    is_named(&bridge, "the column plan of action_revisions 0").await;
    assert!(bridge.watch.run_action(ActionNumber(0)).await.is_err());
    assert_eq!(bridge.hosts[0].times("restart", NGINX), 0);
    let report = bridge.check().await;
    assert!(
        report.hosts[0].errors.is_empty(),
        "{:?}",
        report.hosts[0].errors
    );
    let second = bridge.sheet(1).await;
    assert_eq!(second.action.number, ActionNumber(1));
    let listed = bridge
        .watch
        .actions(&watchkeeper_watch::ActionQuery {
            all: true,
            ..Default::default()
        })
        .await
        .expect("a list");
    assert_eq!(
        listed.len(),
        1,
        "only the second can be shown, and none took the place of the first"
    );
}

/// One run of each host is taken over from a lost controller; that of the first cannot be read.
async fn a_corrupt_run_holds_up_nothing_else(mut bridge: Bridge) {
    two_lost_runs(&mut bridge).await;
    bridge
        .sql("update runs set digest = 'none' where action = 0")
        .await;
    bridge.clock.advance(2 * MINUTE);
    let orphans = bridge.watch.adopt_runs(false).await.expect("asked");
    assert_eq!(orphans.len(), 1);
    let stop = CancellationToken::new();
    let ran = bridge.watch.resume_run(&orphans[0].run, &stop).await;
    assert_eq!(ran.expect("it goes on"), Ran::Over("fixed"));
    is_named(&bridge, "the column digest of runs").await;
    assert_eq!(bridge.state(0).await, "running");
}

async fn a_corrupt_step_of_a_run_holds_up_nothing_else(mut bridge: Bridge) {
    two_lost_runs(&mut bridge).await;
    bridge
        .sql("update run_steps set phase = 'sideways' where run in (select id from runs where action = 0)")
        .await;
    bridge.clock.advance(2 * MINUTE);
    let stop = CancellationToken::new();
    let mut ends = Vec::new();
    for orphan in bridge.watch.adopt_runs(false).await.expect("asked") {
        let ran = bridge.watch.resume_run(&orphan.run, &stop).await;
        ends.push(ran.map_err(|error| error.to_string()));
    }
    assert_eq!(ends.len(), 2);
    assert!(ends.contains(&Ok(Ran::Over("fixed"))), "{ends:?}");
    let unread = |end: &Result<Ran, String>| {
        end.as_ref()
            .is_err_and(|error| error.contains("the column phase of run_steps"))
    };
    assert!(ends.iter().any(unread), "{ends:?}");
    let sheet = bridge.sheet(0).await;
    assert!(sheet.run.is_none(), "the sheet shows what can be read");
    let status = bridge.watch.status(false).await.expect("a status");
    assert!(status.corrupt.iter().any(|row| row.contains("run_steps")));
}

async fn what_was_left_is_taken_up_but_for_the_run_that_cannot_be_read(mut bridge: Bridge) {
    two_lost_runs(&mut bridge).await;
    bridge
        .sql("update run_steps set outcome = '{' where run in (select id from runs where action = 0)")
        .await;
    let again = bridge.another_controller("again").await;
    let error = again
        .take_up(true, &CancellationToken::new())
        .await
        .expect_err("one cannot be read");
    assert!(
        error
            .to_string()
            .contains("the column outcome of run_steps"),
        "{error}"
    );
    assert_eq!(bridge.state(0).await, "running");
    assert_eq!(bridge.state(1).await, "fixed");
    let status = again.status(false).await.expect("a status");
    assert!(status.corrupt.iter().any(|row| row.contains("run_steps")));
}

async fn two_lost_runs(bridge: &mut Bridge) {
    two_broken(bridge).await;
    for number in [0, 1] {
        bridge.approve(number).await;
        let gate = Gate::at(Moment::Before(Request::Start, 1));
        let lost = bridge.gated(&format!("lost{number}"), &gate).await;
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move { lost.run_action(ActionNumber(number)).await });
        gate.is_reached().await;
        task.shutdown().await;
    }
}

async fn a_corrupt_job_is_given_up_and_the_next_is_served(mut bridge: Bridge) {
    let server = ModelServer::start().await.always_replies("no idea");
    let lane = Lane {
        url: server.url().parse().expect("an address"),
        ..Lane::new(MODEL)
    };
    let provider = Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    let none: [(&str, &str); 0] = [];
    bridge.add_host().await;
    bridge.watch.reload(
        settings(),
        Runbooks::load(&none).expect("none"),
        vec![LaneParts { lane, provider }],
    );
    // Of two causes, since findings that are alike are one question.
    for (host, result) in bridge.hosts.iter().zip(["exit-code", "timeout"]) {
        host.unit(NGINX).fails(result);
    }
    bridge.check().await;
    assert_eq!(bridge.log("job.queued").await.len(), 2);
    bridge
        .sql("update jobs set request = '{}' where number = 1")
        .await;
    let status = bridge.watch.status(false).await.expect("a status");
    assert!(
        status
            .corrupt
            .iter()
            .any(|row| row.contains("the column request of jobs 1"))
    );
    let stop = CancellationToken::new();
    for _ in 0..2 {
        assert!(bridge.watch.work_once(0, &stop).await.expect("served"));
    }
    assert!(!server.generations().is_empty(), "the second was asked");
    assert_eq!(
        bridge
            .watch
            .status(false)
            .await
            .expect("a status")
            .jobs
            .failed,
        1
    );
    bridge.watch.keep_house(true).await.expect("done");
    bridge.log_is_intact().await;
}

async fn a_corrupt_host_is_looked_at_all_the_same(mut bridge: Bridge) {
    two_broken(&mut bridge).await;
    bridge
        .sql("update hosts set failure = 'dire' where name = 'web1'")
        .await;
    is_named(&bridge, "the column failure of hosts web1").await;
    the_rest_goes_on(&bridge).await;
    let report = bridge.check().await;
    assert!(
        report.hosts[0].errors.is_empty(),
        "the look put the row right: {report:?}"
    );
}

async fn a_corrupt_observation_is_passed_over(mut bridge: Bridge) {
    two_broken(&mut bridge).await;
    bridge
        .sql("update observations set body = '{' where host = 'web1'")
        .await;
    bridge.watch.systems().await.expect("a list");
    let status = bridge.watch.status(false).await.expect("a status");
    assert!(
        status
            .corrupt
            .iter()
            .any(|row| row.contains("the column body of observations web1")),
        "{:?}",
        status.corrupt
    );
    the_rest_goes_on(&bridge).await;
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    assert_eq!(bridge.nginx_of("web1").await, IssueState::Resolved);
}

impl Bridge {
    /// Where the issue about nginx of one of several hosts stands.
    pub(crate) async fn nginx_of(&self, host: &str) -> IssueState {
        let host = HostName::new(host).ok();
        let issues = self.issues().await;
        let line = issues
            .iter()
            .find(|line| line.issue.title.contains(NGINX) && line.issue.host == host);
        line.expect("an issue").issue.state
    }
}
