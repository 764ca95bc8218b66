//! What is served next, what joins what, and how much may wait.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::JoinSet;
use watchkeeper_model::{
    ActionNumber, Fingerprint, Job, JobMember, JobRequest, JobState, Need, Priority, Timestamp,
};
use watchkeeper_model::{ConversationNumber, IssueNumber};
use watchkeeper_store::{
    Claimer, Completed, EnqueueError, EnqueueRefused, Enqueued, FAIR_SHARE, NewJob, Order,
    QueueLimits, Store, StoreError, Used,
};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, controller};

/// Limits that no case reaches by accident.
pub(crate) const WIDE: QueueLimits = QueueLimits {
    waiting: 100_000,
    reserve: 10,
    waiting_of_host: 10_000,
    waiting_of_person: 100,
};

pub(crate) fn finding(host: &str, subject: &str) -> JobMember {
    let host = build::host(host);
    JobMember {
        fingerprint: Fingerprint::of(&host, &build::check("unit"), subject),
        host,
        issue: IssueNumber(1),
    }
}

/// A job about a finding, which answers for it.
pub(crate) fn about(host: &str, subject: &str, priority: Priority, at: Timestamp) -> NewJob {
    let member = finding(host, subject);
    let request = JobRequest::DiagnoseFinding {
        host: member.host.clone(),
        issue: member.issue,
        fingerprint: member.fingerprint,
    };
    NewJob {
        member: Some(member),
        ..NewJob::new(request, priority, at, at.after(30 * DAY))
    }
}

/// A job that a person waits for.
pub(crate) fn asked(by: &str, seq: i64, at: Timestamp) -> NewJob {
    let request = JobRequest::AnswerPerson {
        conversation: ConversationNumber(1),
        seq,
    };
    NewJob {
        asked_by: Some(by.to_owned()),
        ..NewJob::new(request, Priority::Interactive, at, at.after(DAY))
    }
}

pub(crate) fn learning(action: i64, at: Timestamp) -> NewJob {
    let request = JobRequest::LearnFromAction {
        action: ActionNumber(action),
    };
    NewJob::new(request, Priority::Background, at, at.after(30 * DAY))
}

pub(crate) async fn try_enqueue(
    store: &Store,
    new: NewJob,
    limits: &QueueLimits,
) -> Result<Enqueued, EnqueueRefused> {
    let mut tx = store.begin().await.unwrap();
    match tx.jobs().enqueue(new, limits).await {
        Ok(enqueued) => {
            tx.commit().await.unwrap();
            Ok(enqueued)
        }
        Err(EnqueueError::Refused(refused)) => Err(refused),
        Err(EnqueueError::Store(error)) => panic!("{error}"),
    }
}

pub(crate) async fn enqueue(store: &Store, new: NewJob) -> Job {
    try_enqueue(store, new, &WIDE).await.unwrap().job().clone()
}

/// Takes the next job for a lane without a slot that serves all.
pub(crate) async fn claim(store: &Store, lane: &str, now: Timestamp) -> Option<Job> {
    let worker = controller(lane);
    let claimer = Claimer {
        worker: &worker,
        lane,
        slot: None,
        needs: &[Need::Answer, Need::Embed],
        takes: &[],
        order: Order::Age,
    };
    store.claim_job(&claimer, now, DAY).await.unwrap()
}

pub(crate) async fn complete(store: &Store, job: &Job, by: &str, at: Timestamp) {
    let mut tx = store.begin().await.unwrap();
    let result = serde_json::json!("done");
    tx.jobs()
        .complete(job.number, &controller(by), at, &result, &Used::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn waiting_is_ageing(ground: &Ground) {
    let store = ground.open().await;
    let old = enqueue(&store, learning(1, NOON)).await;
    let head_start = Priority::CriticalFinding.head_start();
    let critical = |host, at| about(host, "a", Priority::CriticalFinding, at);
    let almost = NOON.after(head_start).before(MINUTE);
    let before = enqueue(&store, critical("web1", almost)).await;
    let past = NOON.after(head_start).after(MINUTE);
    let after = enqueue(&store, critical("web2", past)).await;
    let day = NOON.after(DAY);
    let person = enqueue(&store, asked("ann", 1, day)).await;
    let mut read = store.read().await.unwrap();
    let position = read.jobs().position(person.number).await.unwrap().unwrap();
    drop(read);
    assert_eq!(position.ahead, 0);
    let mut served = Vec::new();
    while let Some(job) = claim(&store, "gpu", day).await {
        served.push(job.number);
    }
    assert_eq!(
        served,
        [person.number, before.number, old.number, after.number],
        "who waited longer than the head start goes first, and nothing before a person"
    );
}

pub(crate) async fn a_noisy_host_holds_up_no_other(ground: &Ground) {
    const NOISE: usize = 1_000;
    let store = ground.open().await;
    let noise = (0..NOISE).map(|n| about("noisy", &n.to_string(), Priority::Finding, NOON));
    let mut tx = store.begin().await.unwrap();
    let queued = tx
        .jobs()
        .enqueue_many(noise.collect(), &WIDE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(queued.iter().all(|one| matches!(one, Ok(Enqueued::New(_)))));
    // By then ten could have been served by a lane that takes a share for each.
    let later = NOON.after(10 * FAIR_SHARE);
    let quiet = enqueue(&store, about("quiet", "a", Priority::Finding, later)).await;
    let again = enqueue(&store, about("noisy", "late", Priority::Finding, later)).await;
    let mut served = Vec::new();
    for _ in 0..=NOISE {
        let job = claim(&store, "gpu", later).await.expect("it waits");
        served.push(job.number);
    }
    let place = |number| served.iter().position(|served| *served == number);
    assert_eq!(
        place(quiet.number),
        Some(11),
        "after those that came before it"
    );
    assert_eq!(
        place(again.number),
        None,
        "its host has a thousand before it"
    );
    let of_noisy: Vec<_> = served
        .iter()
        .filter(|number| **number != quiet.number)
        .collect();
    assert!(of_noisy.is_sorted(), "one host's jobs keep their order");
}

pub(crate) async fn a_share_is_of_one_host_and_priority(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..3 {
        enqueue(
            &store,
            about("noisy", &n.to_string(), Priority::Finding, NOON),
        )
        .await;
    }
    let critical = enqueue(
        &store,
        about("noisy", "worse", Priority::CriticalFinding, NOON),
    )
    .await;
    assert_eq!(
        claim(&store, "gpu", NOON).await.unwrap().number,
        critical.number
    );
    let first = claim(&store, "gpu", NOON).await.unwrap();
    let other = enqueue(&store, about("other", "a", Priority::Finding, NOON)).await;
    assert_eq!(first.number.0, 1);
    assert_eq!(
        claim(&store, "gpu", NOON).await.unwrap().number,
        other.number
    );
    // Of the noisy host's two are left, so that a further one comes after the second of them.
    let last = enqueue(&store, about("noisy", "last", Priority::Finding, NOON)).await;
    let rest = [
        claim(&store, "gpu", NOON).await,
        claim(&store, "gpu", NOON).await,
    ];
    assert!(!rest.map(|job| job.unwrap().number).contains(&last.number));
}

pub(crate) async fn what_is_too_much_is_refused(ground: &Ground) {
    let store = ground.open().await;
    let limits = QueueLimits {
        waiting: 6,
        reserve: 2,
        waiting_of_host: 3,
        waiting_of_person: 1,
    };
    let host = |n: i32| about("web1", &n.to_string(), Priority::Finding, NOON);
    for n in 0..3 {
        try_enqueue(&store, host(n), &limits).await.unwrap();
    }
    let refused = try_enqueue(&store, host(3), &limits).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the queue has enough of web1: 3 of its jobs wait, and 3 may"
    );
    assert!(
        matches!(
            try_enqueue(&store, host(2), &limits).await,
            Ok(Enqueued::Coalesced(_))
        ),
        "what is asked already takes no room"
    );
    for n in 0..3 {
        try_enqueue(&store, learning(n, NOON), &limits)
            .await
            .unwrap();
    }
    let refused = try_enqueue(&store, learning(3, NOON), &limits)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the queue is full: 6 jobs wait, and 6 may"
    );
    try_enqueue(&store, asked("ann", 1, NOON), &limits)
        .await
        .unwrap();
    let refused = try_enqueue(&store, asked("ann", 2, NOON), &limits)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ann waits for 1 answers already, and 1 are allowed at once"
    );
    try_enqueue(&store, asked("ben", 3, NOON), &limits)
        .await
        .unwrap();
    let refused = try_enqueue(&store, asked("cas", 4, NOON), &limits)
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        EnqueueRefused::Full {
            waiting: 8,
            limit: 8
        }
    );
    for _ in 0..3 {
        claim(&store, "gpu", NOON).await.expect("it waits");
    }
    assert!(
        try_enqueue(&store, learning(4, NOON), &limits)
            .await
            .is_ok(),
        "what is being served does not wait"
    );
    assert!(
        try_enqueue(&store, learning(5, NOON), &limits)
            .await
            .is_err()
    );
    let mut tx = store.begin().await.unwrap();
    let many = (6..9).map(|n| learning(n, NOON)).collect();
    let became = tx.jobs().enqueue_many(many, &limits).await.unwrap();
    assert!(became.iter().all(Result::is_err), "{became:?}");
}

pub(crate) async fn a_refusal_leaves_the_transaction_good(ground: &Ground) {
    let store = ground.open().await;
    let none = QueueLimits {
        waiting: 0,
        reserve: 0,
        ..WIDE
    };
    let mut tx = store.begin().await.unwrap();
    let refused = tx.jobs().enqueue(learning(1, NOON), &none).await;
    assert!(matches!(refused, Err(EnqueueError::Refused(_))));
    let queued = tx.jobs().enqueue(learning(1, NOON), &WIDE).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(queued.job().number.0, 1, "no number was lost");
}

pub(crate) async fn like_findings_share_one_job(ground: &Ground) {
    let store = ground.open().await;
    let alike = |host: &str, at| NewJob {
        key: Some("disk full on nixos".to_owned()),
        ..about(host, "/", Priority::Finding, at)
    };
    let first = enqueue(&store, alike("web1", NOON)).await;
    for host in ["web2", "web3", "web2"] {
        let joined = try_enqueue(&store, alike(host, NOON), &WIDE).await.unwrap();
        assert!(matches!(joined, Enqueued::Coalesced(job) if job.number == first.number));
    }
    let served = claim(&store, "gpu", NOON).await.unwrap();
    let late = enqueue(&store, alike("web4", NOON)).await;
    assert_eq!(late.number, served.number, "its answer serves both");
    assert!(matches!(late.state, JobState::Leased { .. }));
    let mut tx = store.begin().await.unwrap();
    let mut jobs = tx.jobs();
    jobs.complete(
        served.number,
        &controller("gpu"),
        NOON,
        &serde_json::json!(1),
        &Used::default(),
    )
    .await
    .unwrap();
    let members = jobs.members(served.number).await.unwrap().strict().unwrap();
    let hosts: Vec<_> = members.iter().map(|member| member.host.as_str()).collect();
    assert_eq!(hosts, ["web1", "web2", "web3", "web4"]);
    tx.commit().await.unwrap();
    let anew = try_enqueue(&store, alike("web5", NOON), &WIDE)
        .await
        .unwrap();
    assert!(
        matches!(anew, Enqueued::New(_)),
        "who comes after the answer asks anew"
    );
}

/// Hosts join a job at the moment it is answered: each is either among its members or has a job of its own.
pub(crate) async fn nobody_joins_a_job_that_is_answered(ground: &Ground) {
    let store = ground.open().await;
    let alike = |n: usize| NewJob {
        key: Some("the same".to_owned()),
        ..about(&format!("web{n}"), "/", Priority::Finding, NOON)
    };
    enqueue(&store, alike(0)).await;
    let served = claim(&store, "gpu", NOON).await.unwrap();
    let mut joining = JoinSet::new();
    for n in 1..=12 {
        let (store, new) = (ground.open().await, alike(n));
        joining.spawn(async move { enqueue(&store, new).await.number });
    }
    let mut tx = store.begin().await.unwrap();
    let mut jobs = tx.jobs();
    jobs.complete(
        served.number,
        &controller("gpu"),
        NOON,
        &serde_json::json!(1),
        &Used::default(),
    )
    .await
    .unwrap();
    let answered = jobs.members(served.number).await.unwrap().strict().unwrap();
    tx.commit().await.unwrap();
    let joined = joining.join_all().await;
    let there = joined
        .iter()
        .filter(|number| **number == served.number)
        .count();
    assert_eq!(answered.len(), 1 + there, "{joined:?}");
    let mut read = store.read().await.unwrap();
    let others: HashSet<_> = joined
        .iter()
        .filter(|number| **number != served.number)
        .collect();
    assert!(
        others.len() <= 1,
        "those who came later share one job: {joined:?}"
    );
    for number in others {
        let members = read
            .jobs()
            .members(*number)
            .await
            .unwrap()
            .strict()
            .unwrap();
        assert_eq!(members.len(), 12 - there);
    }
}

pub(crate) async fn a_job_answers_for_so_many_findings(ground: &Ground) {
    let store = ground.open().await;
    let alike = |host: &str| NewJob {
        key: Some("the same".to_owned()),
        ..about(host, "/", Priority::Finding, NOON)
    };
    let job = enqueue(&store, alike("web1")).await;
    let numbers = if ground.is_postgres() {
        "select n from generate_series(1, 999) as n"
    } else {
        "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 999) select n from numbers"
    };
    ground
        .spoil(&format!(
            "insert into job_members (job, place, host, issue, fingerprint)
             select {}, n, 'h' || n, 1, 'f' || n from ({numbers}) as numbers",
            job.number
        ))
        .await;
    let refused = try_enqueue(&store, alike("web2"), &WIDE).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "job 1 answers for 1000 findings already, which is the most"
    );
    assert!(
        try_enqueue(&store, alike("web1"), &WIDE).await.is_ok(),
        "what is a member already is no more"
    );
}

pub(crate) async fn many_are_queued_as_each_would_be(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, about("web1", "known", Priority::Finding, NOON)).await;
    let jobs = |from: i32| -> Vec<NewJob> {
        (from..from + 50)
            .map(|n| {
                about(
                    &format!("web{}", n % 5),
                    &n.to_string(),
                    Priority::Finding,
                    NOON,
                )
            })
            .collect()
    };
    let mut tx = store.begin().await.unwrap();
    let mut became = tx.jobs().enqueue_many(jobs(0), &WIDE).await.unwrap();
    let mut mixed = jobs(50);
    mixed.push(about("web1", "known", Priority::CriticalFinding, NOON));
    mixed.push(about("web0", "50", Priority::Finding, NOON));
    mixed.push(asked("ann", 1, NOON));
    became.extend(tx.jobs().enqueue_many(mixed, &WIDE).await.unwrap());
    tx.commit().await.unwrap();
    let new = became
        .iter()
        .filter(|one| matches!(one, Ok(Enqueued::New(_))));
    assert_eq!((became.len(), new.count()), (103, 101));
    let mut read = store.read().await.unwrap();
    for one in became.iter().flatten() {
        let job = one.job();
        let stored = read.jobs().get(job.number).await.unwrap().unwrap();
        assert_eq!(stored.request, job.request);
        if let Some(host) = job.request.host() {
            let members = read
                .jobs()
                .members(job.number)
                .await
                .unwrap()
                .strict()
                .unwrap();
            assert_eq!((members.len(), &members[0].host), (1, host));
        }
    }
    drop(read);
    let mut served = Vec::new();
    while let Some(job) = claim(&store, "gpu", NOON).await {
        served.push(job);
    }
    assert_eq!(served.len(), 102);
    assert_eq!(served[0].asked_by.as_deref(), Some("ann"));
    let first_five: HashSet<_> = served[2..7].iter().map(|job| job.request.host()).collect();
    assert_eq!(first_five.len(), 5, "the hosts take turns");
}

pub(crate) async fn many_queue_at_once_and_none_is_lost(ground: &Ground) {
    const EACH: i64 = 40;
    let mut asking = JoinSet::new();
    for who in 0..6_i64 {
        let store = ground.open().await;
        asking.spawn(async move {
            for n in 0..EACH {
                // Every second one is what another asks too, at about the same moment.
                let action = if n % 2 == 0 { n } else { 1_000 * (who + 1) + n };
                store
                    .enqueue_job(learning(action, NOON), &WIDE)
                    .await
                    .unwrap();
            }
        });
    }
    asking.join_all().await;
    let store = ground.open().await;
    let mut served = Vec::new();
    while let Some(job) = claim(&store, "gpu", NOON).await {
        served.push(job.request);
    }
    let distinct: HashSet<_> = served.iter().map(JobRequest::coalescing_key).collect();
    assert_eq!((served.len(), distinct.len()), (140, 140));
}

pub(crate) async fn asking_again_raises_a_job(ground: &Ground) {
    let store = ground.open().await;
    let first = enqueue(&store, learning(1, NOON)).await;
    let second = enqueue(&store, about("web1", "a", Priority::Finding, NOON)).await;
    let raised = NewJob {
        priority: Priority::CriticalFinding,
        ..learning(1, NOON.after(MINUTE))
    };
    enqueue(&store, raised).await;
    enqueue(&store, learning(1, NOON.after(MINUTE))).await;
    let served = claim(&store, "gpu", NOON).await.unwrap();
    assert_eq!(
        (served.number, served.priority),
        (first.number, Priority::CriticalFinding)
    );
    assert_eq!(
        claim(&store, "gpu", NOON).await.unwrap().number,
        second.number
    );
}

pub(crate) async fn a_turn_records_what_is_done_and_takes_what_is_next(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..5 {
        store.enqueue_job(learning(n, NOON), &WIDE).await.unwrap();
    }
    let worker = controller("w1");
    let claimer = Claimer {
        worker: &worker,
        lane: "gpu",
        slot: Some("gpu#1"),
        needs: &[Need::Answer],
        takes: &[],
        order: Order::Age,
    };
    let done = |job: &Job| Completed {
        number: job.number,
        result: serde_json::json!({ "said": "ä\u{0}" }),
        used: Used {
            model: Some("qwen3:8b".to_owned()),
            prompt_tokens: Some(7),
            output_tokens: Some(5),
            output_ms: None,
        },
    };
    let mut served: Vec<Job> = Vec::new();
    loop {
        let ended: Vec<_> = served.last().map(done).into_iter().collect();
        let turn = store
            .turn_jobs(&claimer, &ended, 1, NOON, MINUTE)
            .await
            .unwrap();
        assert_eq!(turn.completed.len(), ended.len());
        let taken = turn.claimed.strict().unwrap();
        let Some(next) = taken.into_iter().next() else {
            break;
        };
        served.push(next);
    }
    assert_eq!(served.len(), 5);
    let mut read = store.read().await.unwrap();
    for job in &served {
        let stored = read.jobs().get(job.number).await.unwrap().unwrap();
        assert_eq!(stored.state, JobState::Done { at: NOON });
        let result = read.jobs().result(job.number).await.unwrap().unwrap();
        assert_eq!(result["said"], "ä\u{0}");
    }
    drop(read);
    let stale = [done(&served[0])];
    let turn = store
        .turn_jobs(&claimer, &stale, 3, NOON, MINUTE)
        .await
        .unwrap();
    assert!(turn.completed.is_empty(), "it is over");
    let none = Claimer {
        slot: None,
        ..claimer
    };
    for n in 10..15 {
        store.enqueue_job(learning(n, NOON), &WIDE).await.unwrap();
    }
    let turn = store
        .turn_jobs(&none, &stale, 3, NOON, MINUTE)
        .await
        .unwrap();
    let taken = turn.claimed.strict().unwrap();
    assert!(
        turn.completed.is_empty() && taken.len() == 3 && taken.is_sorted_by_key(|job| job.number)
    );
    let ended: Vec<_> = taken.iter().map(done).collect();
    let turn = store
        .turn_jobs(&none, &ended, 100, NOON, MINUTE)
        .await
        .unwrap();
    assert_eq!((turn.completed.len(), turn.claimed.rows.len()), (3, 2));
}

pub(crate) async fn a_corrupt_job_blocks_no_other(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..4 {
        enqueue(&store, learning(n, NOON)).await;
    }
    ground
        .spoil("update jobs set request = '{\"kind\":\"hel' where number = 1")
        .await;
    ground
        .spoil("update jobs set rank = 0, request = '[]' where number = 3")
        .await;
    let worker = controller("gpu");
    let claimer = Claimer {
        worker: &worker,
        lane: "gpu",
        slot: None,
        needs: &[Need::Answer],
        takes: &[],
        order: Order::Age,
    };
    let mut named = Vec::new();
    for _ in 0..2 {
        let Err(StoreError::CorruptRow(row)) = store.claim_job(&claimer, NOON, MINUTE).await else {
            panic!("a job that cannot be read was given out");
        };
        named.push(format!("{} {} {}", row.table, row.column, row.id));
        let mut tx = store.begin().await.unwrap();
        let number = row.id.parse().unwrap();
        tx.jobs()
            .give_up(number, NOON, &row.to_string())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(named, ["jobs request 3", "jobs request 1"]);
    let mut tx = store.begin().await.unwrap();
    let taken = tx
        .jobs()
        .claim_many(&claimer, 10, NOON, MINUTE)
        .await
        .unwrap();
    assert_eq!((taken.rows.len(), taken.corrupt.len()), (2, 0));
    let listed = tx.jobs().list(&Default::default(), 10).await.unwrap();
    assert_eq!((listed.rows.len(), listed.corrupt.len()), (2, 2));
    tx.jobs().figures(NOON).await.unwrap();
}

/// The hour's work of a mixed load, served by two lanes: nobody starves, and people never wait behind more than what is
/// being served.
pub(crate) async fn a_mixed_hour_starves_nobody(ground: &Ground) {
    let store = ground.open().await;
    let second = Duration::from_secs(1);
    let (mut number, mut waits) = (0_i64, Vec::new());
    let mut free_at = [NOON, NOON];
    let noise = (0..60).map(|n| about("noisy", &n.to_string(), Priority::Finding, NOON));
    let mut tx = store.begin().await.unwrap();
    tx.jobs()
        .enqueue_many(noise.collect(), &WIDE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for tick in 0..360_u32 {
        let now = NOON.after(10 * tick * second);
        if tick % 30 == 0 {
            number += 1;
            enqueue(&store, asked("ann", number, now)).await;
        }
        if tick % 9 == 0 {
            let host = format!("web{}", tick % 7);
            enqueue(
                &store,
                about(&host, &tick.to_string(), Priority::Finding, now),
            )
            .await;
        }
        if tick % 40 == 0 {
            enqueue(&store, learning(i64::from(tick), now)).await;
        }
        for (lane, free) in free_at.iter_mut().enumerate() {
            if *free > now {
                continue;
            }
            if let Some(job) = claim(&store, &format!("lane{lane}"), now).await {
                waits.push((job.priority, now.since(job.asked_at), job.request.clone()));
                *free = now.after(40 * second);
                complete(&store, &job, &format!("lane{lane}"), now).await;
            }
        }
    }
    let longest = |of: &dyn Fn(&JobRequest, Priority) -> bool| {
        let of = waits
            .iter()
            .filter(|(priority, _, request)| of(request, *priority));
        of.map(|(_, wait, _)| wait.as_secs()).max().unwrap_or(0)
    };
    let served = |of: Priority| {
        waits
            .iter()
            .filter(|(priority, ..)| *priority == of)
            .count()
    };
    assert_eq!(served(Priority::Interactive), 12);
    assert!(longest(&|_, priority| priority == Priority::Interactive) <= 40);
    let quiet = |request: &JobRequest, priority| {
        priority == Priority::Finding && request.host().is_some_and(|host| host.as_str() != "noisy")
    };
    assert!(longest(&quiet) <= 600, "{}", longest(&quiet));
    assert!(
        served(Priority::Background) >= 5,
        "{}",
        served(Priority::Background)
    );
}

/// Ten thousand of the background that were asked for an hour ago have all aged past the head start of a finding; what is
/// urgent waits for one in four of them all the same, and they wait for no more than three in four.
pub(crate) async fn an_old_backlog_does_not_hold_up_what_is_urgent(ground: &Ground) {
    const BACKLOG: i64 = 10_000;
    let store = ground.open().await;
    for first in (0..BACKLOG).step_by(1_000) {
        let old = (first..first + 1_000).map(|n| learning(n, NOON)).collect();
        let mut tx = store.begin().await.unwrap();
        tx.jobs().enqueue_many(old, &WIDE).await.unwrap();
        tx.commit().await.unwrap();
    }
    let now = NOON.after(60 * MINUTE);
    let finding = |n: i32| about(&format!("web{n}"), "a", Priority::Finding, now);
    for n in 0..6 {
        enqueue(&store, finding(n)).await;
    }
    let critical = enqueue(&store, about("db", "a", Priority::CriticalFinding, now)).await;
    let last = enqueue(&store, finding(6)).await;
    let position = |number| {
        let store = store.clone();
        async move {
            let mut read = store.read().await.unwrap();
            read.jobs().position(number).await.unwrap().unwrap().ahead
        }
    };
    assert_eq!(position(critical.number).await, 1);
    assert_eq!(position(last.number).await, 7 + 7 / 3 + 1);
    let worker = controller("gpu");
    let mut served = Vec::new();
    for taken in 0..16 {
        let claimer = Claimer {
            worker: &worker,
            lane: "gpu",
            slot: Some("gpu#1"),
            needs: &[Need::Answer],
            takes: &[],
            order: Order::of(taken),
        };
        let job = store.claim_job(&claimer, now, DAY).await.unwrap().unwrap();
        complete(&store, &job, "gpu", now).await;
        served.push(job.priority.as_number());
    }
    assert_eq!(served, [2, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
    // While findings come without end, the background has its share.
    let mut background = 0;
    for taken in 0..40 {
        enqueue(&store, finding(100 + i32::try_from(taken).unwrap())).await;
        let claimer = Claimer {
            worker: &worker,
            lane: "gpu",
            slot: None,
            needs: &[Need::Answer],
            takes: &[Priority::Background, Priority::Finding],
            order: Order::of(taken),
        };
        let job = store.claim_job(&claimer, now, DAY).await.unwrap().unwrap();
        complete(&store, &job, "gpu", now).await;
        background += usize::from(job.priority == Priority::Background);
    }
    assert_eq!(background, 10);
}
