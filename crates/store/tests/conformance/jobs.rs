//! The queue: no job lost, none served twice at once, none tried for ever.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::JoinSet;
use watchkeeper_model::{
    ControllerId, Fingerprint, IssueNumber, Job, JobRequest, JobState, Need, Priority, Timestamp,
};
use watchkeeper_store::{
    Claimer, Enqueued, FAIR_SHARE, JobFilter, NewJob, Order, QueueLimits, Retry, Store, Used,
};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, controller};

const LIMITS: QueueLimits = QueueLimits {
    waiting: 1_000,
    reserve: 10,
    waiting_of_host: 1_000,
    waiting_of_person: 10,
};

/// A lane that serves all there is.
fn anything(worker: &ControllerId) -> Claimer<'_> {
    Claimer {
        worker,
        lane: "gpu",
        slot: None,
        needs: &[Need::Answer, Need::Embed],
        takes: &[],
        order: Order::Age,
    }
}

fn job(subject: &str, priority: Priority, at: Timestamp) -> NewJob {
    let host = build::host("web1");
    let fingerprint = Fingerprint::of(&host, &build::check("unit"), subject);
    let request = JobRequest::DiagnoseFinding {
        host,
        issue: IssueNumber(1),
        fingerprint,
    };
    NewJob::new(request, priority, at, at.after(DAY))
}

async fn enqueue(store: &Store, new: NewJob) -> Enqueued {
    let mut tx = store.begin().await.unwrap();
    let enqueued = tx.jobs().enqueue(new, &LIMITS).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

async fn claim(store: &Store, worker: &str, now: Timestamp) -> Option<Job> {
    let mut tx = store.begin().await.unwrap();
    let job = tx
        .jobs()
        .claim(&anything(&controller(worker)), now, MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    job
}

pub(crate) async fn the_same_request_is_one_job(ground: &Ground) {
    let store = ground.open().await;
    let first = enqueue(&store, job("a", Priority::Finding, NOON)).await;
    assert!(matches!(&first, Enqueued::New(job) if job.number.0 == 1));
    let again = enqueue(
        &store,
        job("a", Priority::CriticalFinding, NOON.after(MINUTE)),
    )
    .await;
    let Enqueued::Coalesced(merged) = again else {
        panic!("{again:?}")
    };
    assert_eq!(merged.number, first.job().number);
    assert_eq!(merged.priority, Priority::CriticalFinding);
    assert_eq!(
        (merged.asked_at, merged.deadline),
        (NOON, NOON.after(MINUTE).after(DAY))
    );
    let lower = enqueue(&store, job("a", Priority::Background, NOON)).await;
    assert_eq!(
        lower.job().priority,
        Priority::CriticalFinding,
        "a wish for less does not hold up who waits"
    );

    let mut asking = JoinSet::new();
    for _ in 0..8 {
        let store = ground.open().await;
        asking.spawn(async move { enqueue(&store, job("b", Priority::Finding, NOON)).await });
    }
    let asked = asking.join_all().await;
    let numbers: HashSet<_> = asked.iter().map(|enqueued| enqueued.job().number).collect();
    assert_eq!(numbers.len(), 1, "{asked:?}");
    assert_eq!(
        asked
            .iter()
            .filter(|enqueued| matches!(enqueued, Enqueued::New(_)))
            .count(),
        1
    );

    let served = claim(&store, "w1", NOON).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.jobs()
        .complete(
            served.number,
            &controller("w1"),
            NOON,
            &serde_json::json!({}),
            &Used::default(),
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let anew = enqueue(&store, job("a", Priority::Finding, NOON)).await;
    assert!(
        matches!(anew, Enqueued::New(_)),
        "what is over does not stand in the way"
    );
}

pub(crate) async fn jobs_are_served_by_priority_and_age(ground: &Ground) {
    let store = ground.open().await;
    // More than the share that the first job of the host costs the second.
    let later = NOON.after(2 * FAIR_SHARE);
    enqueue(&store, job("young", Priority::Finding, later)).await;
    enqueue(&store, job("background", Priority::Background, NOON)).await;
    enqueue(&store, job("old", Priority::Finding, NOON)).await;
    enqueue(&store, job("urgent", Priority::Interactive, later)).await;
    let not_yet = NewJob {
        not_before: NOON.after(DAY),
        ..job("not yet", Priority::Interactive, NOON)
    };
    enqueue(
        &store,
        NewJob {
            deadline: NOON.after(2 * DAY),
            ..not_yet
        },
    )
    .await;
    let mut served = Vec::new();
    while let Some(job) = claim(&store, "w1", later).await {
        assert_eq!((job.attempts, job.state.as_str()), (1, "leased"));
        served.push(job.number.0);
    }
    assert_eq!(served, [4, 3, 1, 2]);
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.jobs().counts().await.unwrap(),
        [("leased".to_owned(), 4), ("queued".to_owned(), 1)]
    );
    let queued = JobFilter {
        states: vec!["queued"],
        host: Some(build::host("web1")),
        ..JobFilter::default()
    };
    assert_eq!(
        read.jobs()
            .list(&queued, 10)
            .await
            .unwrap()
            .strict()
            .unwrap()[0]
            .number
            .0,
        5
    );
}

pub(crate) async fn two_workers_never_share_a_job(ground: &Ground) {
    const JOBS: usize = 60;
    let store = ground.open().await;
    let mut tx = store.begin().await.unwrap();
    for n in 0..JOBS {
        tx.jobs()
            .enqueue(job(&n.to_string(), Priority::Finding, NOON), &LIMITS)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut workers = JoinSet::new();
    for name in ["w1", "w2", "w3", "w4"] {
        let store = ground.open().await;
        workers.spawn(async move {
            let mut served = Vec::new();
            while let Some(job) = claim(&store, name, NOON).await {
                served.push(job.number);
            }
            served
        });
    }
    let served: Vec<_> = workers.join_all().await.concat();
    let unique: HashSet<_> = served.iter().collect();
    assert_eq!((served.len(), unique.len()), (JOBS, JOBS));
}

pub(crate) async fn a_lost_worker_costs_a_try(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, job("a", Priority::Finding, NOON)).await;
    for attempt in 1..=3 {
        let now = NOON.after(2 * attempt * MINUTE);
        let job = claim(&store, "w1", now).await.expect("it waits");
        assert_eq!(job.attempts, i64::from(attempt));
        let mut tx = store.begin().await.unwrap();
        assert!(
            tx.jobs().sweep(now, 3).await.unwrap().rows.is_empty(),
            "the lease holds"
        );
        let swept = tx
            .jobs()
            .sweep(now.after(MINUTE), 3)
            .await
            .unwrap()
            .strict()
            .unwrap();
        tx.commit().await.unwrap();
        let expected = if attempt < 3 { "queued" } else { "failed" };
        assert_eq!((swept.len(), swept[0].state.as_str()), (1, expected));
        assert_eq!(swept[0].last_error.as_deref(), Some("its worker was lost"));
        let mut tx = store.begin().await.unwrap();
        let late = tx
            .jobs()
            .heartbeat(job.number, &controller("w1"), now)
            .await;
        assert!(
            late.unwrap_err().is_conflict(),
            "who was given up has lost the job"
        );
    }
    assert_eq!(claim(&store, "w1", NOON.after(DAY / 2)).await, None);
}

pub(crate) async fn a_job_is_given_up_after_its_last_try(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, job("a", Priority::Finding, NOON)).await;
    let worker = controller("w1");
    let retry = |now: Timestamp| {
        Some(Retry {
            not_before: now.after(MINUTE),
            max_attempts: 2,
        })
    };
    let first = claim(&store, "w1", NOON).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let waiting = tx
        .jobs()
        .fail(first.number, &worker, NOON, "no model", retry(NOON))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        waiting.state,
        JobState::Queued {
            not_before: NOON.after(MINUTE)
        }
    );
    assert_eq!(waiting.last_error.as_deref(), Some("no model"));
    assert_eq!(claim(&store, "w1", NOON).await, None, "it backs off");
    let now = NOON.after(MINUTE);
    claim(&store, "w1", now).await.expect("its second try");
    let mut tx = store.begin().await.unwrap();
    let failed = tx
        .jobs()
        .fail(first.number, &worker, now, "nonsense", retry(now))
        .await
        .unwrap();
    assert_eq!(
        failed.state,
        JobState::Failed {
            at: now,
            why: "nonsense".to_owned()
        }
    );
    let over = tx
        .jobs()
        .fail(first.number, &worker, now, "again", None)
        .await;
    assert!(over.unwrap_err().is_conflict());
}

pub(crate) async fn a_job_past_its_deadline_is_given_up(ground: &Ground) {
    let store = ground.open().await;
    let short = |subject| NewJob {
        deadline: NOON.after(MINUTE),
        ..job(subject, Priority::Finding, NOON)
    };
    enqueue(&store, short("a")).await;
    enqueue(&store, short("b")).await;
    claim(&store, "w1", NOON.after(Duration::from_secs(30)))
        .await
        .expect("it is in time");
    assert_eq!(
        claim(&store, "w1", NOON.after(MINUTE)).await,
        None,
        "too late is not served"
    );
    let mut tx = store.begin().await.unwrap();
    let swept = tx
        .jobs()
        .sweep(NOON.after(MINUTE), 5)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(
        swept
            .iter()
            .map(|job| (job.number.0, job.state.as_str()))
            .collect::<Vec<_>>(),
        [(2, "failed")]
    );
    assert_eq!(swept[0].last_error.as_deref(), Some("its deadline passed"));
    let swept = tx
        .jobs()
        .sweep(NOON.after(2 * MINUTE), 5)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(
        (swept[0].number.0, swept[0].state.as_str()),
        (1, "failed"),
        "its lease had run longer"
    );
}

pub(crate) async fn a_cancelled_job_takes_no_result(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, job("a", Priority::Finding, NOON)).await;
    let worker = controller("w1");
    let served = claim(&store, "w1", NOON).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let mut jobs = tx.jobs();
    jobs.heartbeat(served.number, &worker, NOON.after(DAY))
        .await
        .unwrap();
    let stranger = jobs
        .complete(
            served.number,
            &controller("w2"),
            NOON,
            &serde_json::json!(1),
            &Used::default(),
        )
        .await;
    assert!(stranger.unwrap_err().is_conflict());
    jobs.cancel(served.number, NOON).await.unwrap();
    let late = jobs
        .complete(
            served.number,
            &worker,
            NOON,
            &serde_json::json!(1),
            &Used::default(),
        )
        .await;
    assert!(late.unwrap_err().is_conflict());
    assert!(
        jobs.cancel(served.number, NOON)
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert_eq!(jobs.result(served.number).await.unwrap(), None);
    assert_eq!(
        jobs.get(served.number).await.unwrap().unwrap().state,
        JobState::Cancelled { at: NOON }
    );
}
