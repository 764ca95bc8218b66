//! What is configured has an effect, where no other case shows it: each limit that `cli` takes from the configuration is
//! set to something else than its default, and something else happens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{Lane, Ollama};
use watchkeeper_model::{ConversationKind, HostName, JobNumber, JobState};
use watchkeeper_store::Store;
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_testkit::ssh_host::ExecRule;
use watchkeeper_watch::{Every, LaneParts, LogFilter, Loops, OnLeaving, Ran, Schedule, Settings};

use crate::bridge::{Bridge, MINUTE, NGINX, ann, runbooks, settings};
use crate::talking::{begin, has_a_lane, say, work};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Longer than anything here takes, however busy the machine is, and shorter than what is not waited for.
const SOON: Duration = Duration::from_secs(18);

/// From now on with other limits.
fn with(bridge: &Bridge, change: impl FnOnce(&mut Settings)) {
    let mut settings = settings();
    change(&mut settings);
    bridge
        .watch
        .reload(settings, runbooks(), Vec::<LaneParts>::new());
}

/// The same, with a lane to this server.
fn asking_with(bridge: &Bridge, server: &ModelServer, change: impl FnOnce(&mut Settings)) {
    let mut settings = settings();
    change(&mut settings);
    let mut lane = Lane::new(MODEL);
    lane.url = server.url().parse().expect("an address");
    let provider = Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    bridge
        .watch
        .reload(settings, runbooks(), vec![LaneParts { lane, provider }]);
}

/// `watch.parallel` and `watch.look_deadline`: one after the other, and a host that hangs for no longer than is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_hosts_are_looked_at_side_by_side_and_each_for_so_long() {
    let mut bridge = Bridge::on_sqlite().await;
    bridge.add_host().await;
    with(&bridge, |settings| {
        settings.looking.parallel = 1;
        settings.looking.deadline = Duration::from_secs(3);
    });
    bridge.hosts[0].does_with_commands(ExecRule::Hangs);
    let begun = Instant::now();
    let mut order = Vec::new();
    let report = bridge
        .watch
        .check(&[], |progress| order.push(progress.host.to_string()))
        .await
        .expect("the store answers");
    assert_eq!(order, ["web1", "web2"], "the second waits for the first");
    let failure = report.hosts[0].failure.clone().expect("it hangs");
    assert_eq!(failure.kind, "timed_out", "{}", failure.message);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

/// `watch.keep_observations`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observations_are_kept_for_so_long() {
    let bridge = Bridge::on_sqlite().await;
    let web1 = HostName::new("web1").expect("a name");
    let store = Store::open(&bridge.url).await.expect("the same store");
    let kept = async || {
        let mut read = store.read().await.expect("a read");
        let mut all = read.observations();
        let listed = all.list(&web1, watchkeeper_testkit::clock::NOON, 100).await;
        listed.expect("the store answers").rows.len()
    };
    bridge.check().await;
    bridge.clock.advance(3 * HOUR);
    bridge.check().await;
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert_eq!(kept().await, 2, "seven days by default");
    with(&bridge, |settings| {
        settings.looking.keep_observations = 2 * HOUR;
    });
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert_eq!(kept().await, 1);
}

async fn nginx_waits(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
}

/// `policy.execute_within`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_good_for_so_long() {
    let bridge = Bridge::on_sqlite().await;
    with(&bridge, |settings| {
        settings.policy.execute_within = watchkeeper_model::Span::minutes(2);
    });
    nginx_waits(&bridge).await;
    bridge.approve(0).await;
    bridge.clock.advance(3 * MINUTE);
    assert_eq!(bridge.run(0).await, Ran::NotOurs);
    bridge.watch.expire_overdue().await.expect("done");
    assert_eq!(bridge.state(0).await, "stale");
}

/// `policy.max_runs_per_finding` and `policy.attempt_window`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_helps_for_a_while_is_done_so_often_within_so_long() {
    let bridge = Bridge::on_sqlite().await;
    with(&bridge, |settings| {
        settings.policy.max_runs_per_finding = 1;
        settings.policy.attempt_window = watchkeeper_model::Span::hours(1);
    });
    nginx_waits(&bridge).await;
    bridge.approve(0).await;
    assert_eq!(bridge.run(0).await, Ran::Over("fixed"));
    bridge.clock.advance(MINUTE);
    nginx_waits(&bridge).await;
    assert_eq!(
        bridge.actions().await,
        1,
        "once, and then a person must look"
    );
    assert_eq!(bridge.log("issue.escalated").await.len(), 1);
    bridge.clock.advance(2 * HOUR);
    nginx_waits(&bridge).await;
    assert_eq!(bridge.actions().await, 2, "runs count for an hour");
}

/// `run.parallel`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_actions_run_side_by_side() {
    let mut bridge = Bridge::on_sqlite().await;
    bridge.add_host().await;
    with(&bridge, |settings| settings.running.parallel = 1);
    for host in &bridge.hosts {
        host.unit(NGINX).starts_slowly();
    }
    bridge.check().await;
    bridge.approve(0).await;
    bridge.approve(1).await;
    let never = Schedule {
        every: Every::Interval(DAY),
        jitter: Duration::ZERO,
    };
    let stop = CancellationToken::new();
    let both_are_fixed = async {
        while bridge.state(0).await != "fixed" || bridge.state(1).await != "fixed" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
    };
    let loops = Loops::new(bridge.watch.clone(), never, true).run(stop.clone());
    tokio::join!(loops, both_are_fixed);
    let filter = LogFilter {
        limit: Some(1_000),
        ..LogFilter::default()
    };
    let log = bridge.watch.log(&filter).await.expect("the log");
    let mut told: Vec<(i64, &str)> = log
        .iter()
        .map(|entry| (entry.seq, entry.record.event.as_str()))
        .filter(|(_, event)| ["action.running", "action.fixed"].contains(event))
        .collect();
    told.sort_unstable();
    let told: Vec<&str> = told.into_iter().map(|(_, event)| event).collect();
    let alternately = [
        "action.running",
        "action.fixed",
        "action.running",
        "action.fixed",
    ];
    assert_eq!(told, alternately);
}

async fn is_kept(bridge: &Bridge, job: JobNumber) -> bool {
    let store = Store::open(&bridge.url).await.expect("the same store");
    let mut read = store.read().await.expect("a read");
    let found = read.jobs().get(job).await.expect("the store answers");
    found.is_some()
}

/// `llm.keep_jobs`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_are_over_are_kept_for_so_long() {
    let server = ModelServer::start().await.always_replies("Yes.");
    let bridge = Bridge::on_sqlite().await;
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    let asked = say(&bridge, &talk, "is all well?").await;
    work(&bridge).await;
    let keeps = |days: u32| {
        with(&bridge, |settings| {
            settings.asking.keep_talks = DAY;
            settings.asking.keep_jobs = DAY * days;
        });
    };
    bridge.clock.advance(3 * DAY);
    keeps(9);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert!(is_kept(&bridge, asked.job).await);
    keeps(2);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert!(!is_kept(&bridge, asked.job).await);
}

/// `llm.deadline` and `llm.keep_dead`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_given_up_after_so_long_and_kept_for_so_long() {
    let server = ModelServer::start().await.always_replies("Yes.");
    let bridge = Bridge::on_sqlite().await;
    asking_with(&bridge, &server, |settings| {
        settings.asking.deadline = 10 * MINUTE;
        settings.asking.keep_talks = DAY;
        settings.asking.keep_jobs = DAY;
        settings.asking.keep_dead = 3 * DAY;
    });
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    let asked = say(&bridge, &talk, "is all well?").await;
    bridge.clock.advance(11 * MINUTE);
    bridge.watch.keep_house(false).await.expect("it is kept");
    let mut following = bridge.watch.follow_job(asked.job, 0, OnLeaving::Stay);
    let mut ends = Vec::new();
    while let Some(followed) = following.next().await.expect("the store answers") {
        ends.push(format!("{:?}", followed.event));
    }
    assert!(ends.iter().any(|end| end.starts_with("Failed")), "{ends:?}");
    assert!(server.generations().is_empty(), "it was never asked");
    bridge.clock.advance(2 * DAY);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert!(is_kept(&bridge, asked.job).await, "longer than others");
    bridge.clock.advance(2 * DAY);
    bridge.watch.keep_house(true).await.expect("it is kept");
    assert!(!is_kept(&bridge, asked.job).await);
}

/// `knowledge.host_configs` takes the place of `knowledge.configs` for its host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_that_are_read_are_those_that_are_said() {
    let bridge = Bridge::on_sqlite().await;
    let web1 = HostName::new("web1").expect("a name");
    let file = |name: &str| {
        let path = bridge.dir.path().join(name);
        std::fs::write(&path, "listen 8080;\n").expect("a file");
        path.display().to_string()
    };
    let (general, own) = (file("general.conf"), file("own.conf"));
    let read = async |change: &dyn Fn(&mut Settings)| {
        with(&bridge, |settings| change(settings));
        let indexed = bridge.watch.index_configs(ann(), &web1, &[]).await;
        indexed.expect("it is read");
        bridge.watch.config_paths(&web1).await.expect("a list")
    };
    let of_host = read(&|settings| {
        settings.knowledge.paths = vec![general.clone()];
        settings.knowledge.host_paths = [(web1.clone(), vec![own.clone()])].into();
    })
    .await;
    assert_eq!(of_host, std::slice::from_ref(&own));
    let of_all = read(&|settings| settings.knowledge.paths = vec![general.clone()]).await;
    assert_eq!(of_all, [general.clone(), own.clone()]);
}

/// `llm.attempts` and `llm.pause`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_tried_so_often_with_a_pause_between() {
    let server = ModelServer::start()
        .await
        .decides(|_| Turn::slams_the_door());
    let bridge = Bridge::on_sqlite().await;
    asking_with(&bridge, &server, |settings| {
        settings.asking.attempts = 2;
        settings.asking.pause = HOUR;
    });
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    let asked = say(&bridge, &talk, "is all well?").await;
    let tries = async || {
        work(&bridge).await;
        server.generations().len()
    };
    let once = tries().await;
    assert!(once > 0);
    bridge.clock.advance(30 * MINUTE);
    assert_eq!(tries().await, once, "the pause is an hour");
    bridge.clock.advance(HOUR);
    assert!(tries().await > once);
    let store = Store::open(&bridge.url).await.expect("the same store");
    let mut read = store.read().await.expect("a read");
    let job = read.jobs().get(asked.job).await.expect("the store answers");
    let job = job.expect("it is kept");
    assert!(matches!(job.state, JobState::Failed { .. }), "{job:?}");
}
