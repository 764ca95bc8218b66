//! Lanes: what each may take, one request for each place, pauses, and room for a person who waits.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use watchkeeper_model::{Job, JobNumber, JobRequest, JobState, Need, Priority, Timestamp};
use watchkeeper_store::{
    Claimer, EVERY_LANE, LaneSighting, NewJob, Order, PutBack, Store, Used, Word,
};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, controller, log_all};
use crate::queue::{about, asked, claim, complete, enqueue, learning};

fn sighting(name: &str, at: Timestamp) -> LaneSighting {
    LaneSighting {
        name: name.to_owned(),
        controller: controller(name),
        endpoint: format!("http://{name}:11434"),
        models: vec!["qwen3:8b".to_owned()],
        needs: vec![Need::Answer],
        takes: Vec::new(),
        places: 1,
        standby: false,
        seen_at: at,
        job: None,
        busy_since: None,
        watched_since: NOON,
        busy_ms: 0,
        served: 0,
        failed: 0,
        output_tokens: 0,
        output_ms: 0,
        breaker: "closed".to_owned(),
        fault: None,
    }
}

async fn see(store: &Store, lanes: &[LaneSighting]) {
    let mut tx = store.begin().await.unwrap();
    for lane in lanes {
        tx.lanes().seen(lane).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn word(store: &Store, job: &Job, by: &str) -> Word {
    let word = store.job_word(job.number, &controller(by)).await.unwrap();
    let mut read = store.read().await.unwrap();
    let looked = read
        .jobs()
        .watch_word(job.number, &controller(by))
        .await
        .unwrap();
    assert_eq!(word, looked);
    word
}

/// The jobs that are to be put back.
async fn marked(store: &Store, jobs: &[&Job]) -> Vec<JobNumber> {
    let mut marked = Vec::new();
    for job in jobs {
        let mut read = store.read().await.unwrap();
        let job = read.jobs().get(job.number).await.unwrap().unwrap();
        drop(read);
        if let JobState::Leased { by, .. } = &job.state
            && word(store, &job, by.as_str()).await == Word::PreemptAsked
        {
            marked.push(job.number);
        }
    }
    marked
}

pub(crate) async fn of_two_who_fill_one_slot_one_gets_a_job(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..40 {
        enqueue(&store, learning(n, NOON)).await;
    }
    let begin = Arc::new(Barrier::new(4));
    let mut workers = JoinSet::new();
    for name in ["w1", "w2", "w3", "w4"] {
        let (store, begin) = (ground.open().await, Arc::clone(&begin));
        workers.spawn(async move {
            let worker = controller(name);
            let claimer = Claimer {
                worker: &worker,
                lane: "gpu",
                slot: Some("http://gpu#1"),
                needs: &[Need::Answer],
                takes: &[],
                order: Order::Age,
            };
            let mut got = 0;
            for round in 0..10 {
                begin.wait().await;
                let job = if round % 2 == 0 {
                    store.claim_job(&claimer, NOON, DAY).await.unwrap()
                } else {
                    // Whoever gets none goes on with the transaction all the same.
                    let mut tx = store.begin().await.unwrap();
                    let job = tx.jobs().claim(&claimer, NOON, DAY).await.unwrap();
                    tx.log().append(crate::ground::record("job.tried")).unwrap();
                    tx.commit().await.unwrap();
                    job
                };
                begin.wait().await;
                if let Some(job) = job {
                    got += 1;
                    complete(&store, &job, name, NOON).await;
                }
            }
            got
        });
    }
    let got: Vec<i32> = workers.join_all().await;
    assert_eq!(got.iter().sum::<i32>(), 10, "one in each round: {got:?}");
    let head = store.read().await.unwrap().log().head().await.unwrap().0;
    assert_eq!(head, 4 * 5, "no transaction was lost");
}

pub(crate) async fn a_slot_that_has_a_job_takes_no_other(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..3 {
        enqueue(&store, learning(n, NOON)).await;
    }
    let worker = controller("w1");
    let claimer = |slot| Claimer {
        worker: &worker,
        lane: "gpu",
        slot: Some(slot),
        needs: &[Need::Answer],
        takes: &[],
        order: Order::Age,
    };
    let first = store
        .claim_job(&claimer("gpu#1"), NOON, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store
            .claim_job(&claimer("gpu#1"), NOON, MINUTE)
            .await
            .unwrap(),
        None
    );
    assert!(
        store
            .claim_job(&claimer("gpu#2"), NOON, MINUTE)
            .await
            .unwrap()
            .is_some()
    );
    let mut tx = store.begin().await.unwrap();
    tx.jobs().cancel(first.number, NOON).await.unwrap();
    tx.commit().await.unwrap();
    assert!(
        store
            .claim_job(&claimer("gpu#1"), NOON, MINUTE)
            .await
            .unwrap()
            .is_some(),
        "what is cancelled leaves its place"
    );
}

pub(crate) async fn a_lane_takes_what_it_may(ground: &Ground) {
    let store = ground.open().await;
    let ours = NewJob {
        lanes: Some(vec!["gpu".to_owned(), "gp%".to_owned()]),
        ..about("web1", "a", Priority::Finding, NOON)
    };
    let ours = enqueue(&store, ours).await;
    let request = JobRequest::EmbedEntries {
        model: "nomic".to_owned(),
    };
    let embed = NewJob::new(request, Priority::CriticalFinding, NOON, NOON.after(DAY));
    let embed = enqueue(&store, embed).await;
    let learn = enqueue(&store, learning(1, NOON)).await;
    let worker = controller("w1");
    let take = async |lane, needs: &[Need], takes: &[Priority]| {
        let claimer = Claimer {
            worker: &worker,
            lane,
            slot: None,
            needs,
            takes,
            order: Order::Age,
        };
        let mut tx = store.begin().await.unwrap();
        let mut jobs = tx.jobs();
        let job = jobs.claim(&claimer, NOON, MINUTE).await.unwrap();
        if let Some(job) = &job {
            jobs.put_back(job.number, &worker, NOON, PutBack::Stopped)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        job.map(|job| job.number)
    };
    let (answer, both) = ([Need::Answer], [Need::Answer, Need::Embed]);
    assert_eq!(take("gpu", &both, &[]).await, Some(embed.number));
    assert_eq!(take("gpu", &answer, &[]).await, Some(ours.number));
    assert_eq!(take("GPU", &answer, &[]).await, Some(learn.number));
    assert_eq!(
        take("gpu2", &answer, &[]).await,
        Some(learn.number),
        "a name is a whole name"
    );
    assert_eq!(
        take("gpx", &answer, &[]).await,
        Some(learn.number),
        "and no pattern"
    );
    assert_eq!(take("gp%", &answer, &[]).await, Some(ours.number));
    assert_eq!(take("cloud", &[Need::Embed], &[]).await, Some(embed.number));
    assert_eq!(take("cloud", &[], &[]).await, None);
    assert_eq!(
        take("cloud", &both, &[Priority::Background]).await,
        Some(learn.number)
    );
    assert_eq!(
        take(
            "cloud",
            &answer,
            &[Priority::Interactive, Priority::Finding]
        )
        .await,
        None
    );
}

pub(crate) async fn a_paused_lane_takes_nothing(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..3 {
        enqueue(&store, learning(n, NOON)).await;
    }
    let change = async |pause: bool, name: &str| {
        let mut tx = store.begin().await.unwrap();
        let changed = if pause {
            tx.lanes().pause(name, "ann", NOON).await.unwrap()
        } else {
            tx.lanes().resume(name).await.unwrap()
        };
        tx.commit().await.unwrap();
        changed
    };
    assert!(change(true, "gpu").await);
    assert!(!change(true, "gpu").await, "it is paused already");
    assert_eq!(claim(&store, "gpu", NOON).await, None);
    assert!(claim(&store, "cloud", NOON).await.is_some());
    assert!(change(true, EVERY_LANE).await);
    assert_eq!(claim(&store, "cloud", NOON).await, None);
    let paused = store.read().await.unwrap().lanes().paused().await.unwrap();
    let paused = paused.strict().unwrap();
    assert_eq!(
        paused
            .iter()
            .map(|lane| (lane.name.as_str(), lane.by.as_str()))
            .collect::<Vec<_>>(),
        [("*", "ann"), ("gpu", "ann")]
    );
    assert!(change(false, EVERY_LANE).await && change(false, "gpu").await);
    assert!(!change(false, "gpu").await);
    assert!(claim(&store, "gpu", NOON).await.is_some());
}

pub(crate) async fn one_job_makes_room_for_each_who_waits(ground: &Ground) {
    let store = ground.open().await;
    see(
        &store,
        &[
            sighting("a", NOON),
            sighting("b", NOON),
            sighting("c", NOON),
        ],
    )
    .await;
    enqueue(&store, about("web1", "x", Priority::Finding, NOON)).await;
    let finding = claim(&store, "a", NOON).await.unwrap();
    enqueue(&store, learning(1, NOON)).await;
    let older = claim(&store, "b", NOON).await.unwrap();
    enqueue(&store, learning(2, NOON)).await;
    let now = NOON.after(MINUTE / 2);
    let younger = claim(&store, "c", now).await.unwrap();
    let all = [&finding, &older, &younger];
    enqueue(&store, about("web2", "y", Priority::CriticalFinding, now)).await;
    assert!(
        marked(&store, &all).await.is_empty(),
        "only a person is made room for"
    );
    enqueue(&store, asked("ann", 1, now)).await;
    assert_eq!(
        marked(&store, &all).await,
        [younger.number],
        "of the lowest priority, what has cost least so far"
    );
    enqueue(&store, asked("ann", 1, now)).await;
    assert_eq!(
        marked(&store, &all).await,
        [younger.number],
        "asked twice is asked once"
    );
    enqueue(&store, asked("ben", 2, now)).await;
    assert_eq!(marked(&store, &all).await, [older.number, younger.number]);
    enqueue(&store, asked("cas", 3, now)).await;
    enqueue(&store, asked("dan", 4, now)).await;
    assert_eq!(
        marked(&store, &all).await,
        [finding.number, older.number, younger.number]
    );

    let mut tx = store.begin().await.unwrap();
    let back = tx
        .jobs()
        .put_back(younger.number, &controller("c"), now, PutBack::Preempted)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (back.attempts, back.preempted),
        (0, 1),
        "that is no failure"
    );
    let served = claim(&store, "c", now).await.unwrap();
    assert_eq!(served.asked_by.as_deref(), Some("ann"));
    assert_eq!(word(&store, &younger, "c").await, Word::Lost);
    assert_eq!(word(&store, &served, "c").await, Word::Mine);
}

pub(crate) async fn a_lane_that_is_free_needs_no_victim(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, learning(1, NOON)).await;
    let busy = claim(&store, "a", NOON).await.unwrap();
    let gone = sighting("gone", NOON.before(DAY));
    let broken = LaneSighting {
        breaker: "open".to_owned(),
        ..sighting("broken", NOON)
    };
    let embedding = LaneSighting {
        needs: vec![Need::Embed],
        ..sighting("embedding", NOON)
    };
    let batch = LaneSighting {
        takes: vec![Priority::Background],
        ..sighting("batch", NOON)
    };
    let standby = LaneSighting {
        standby: true,
        ..sighting("standby", NOON)
    };
    let told_busy = LaneSighting {
        job: Some(JobNumber(99)),
        ..sighting("told-busy", NOON)
    };
    let paused = sighting("paused", NOON);
    let of_no_use = [
        gone,
        broken,
        embedding,
        batch,
        standby,
        told_busy,
        paused,
        sighting("a", NOON),
    ];
    see(&store, &of_no_use).await;
    let mut tx = store.begin().await.unwrap();
    tx.lanes().pause("paused", "ann", NOON).await.unwrap();
    tx.lanes().seen(&sighting("free", NOON)).await.unwrap();
    tx.commit().await.unwrap();
    enqueue(&store, asked("ann", 1, NOON)).await;
    assert!(
        marked(&store, &[&busy]).await.is_empty(),
        "a free lane will take it"
    );
    enqueue(&store, asked("ben", 2, NOON)).await;
    assert_eq!(
        marked(&store, &[&busy]).await,
        [busy.number],
        "but only one of them"
    );

    // The next time the free lane is gone without having said so: the sweep finds that out.
    let later = NOON.after(10 * MINUTE);
    let mut tx = store.begin().await.unwrap();
    tx.jobs().cancel(busy.number, later).await.unwrap();
    tx.commit().await.unwrap();
    for lane in ["a", "free"] {
        claim(&store, lane, later).await.expect("a person waits");
    }
    enqueue(&store, learning(2, later)).await;
    let busy = claim(&store, "b", later).await.unwrap();
    see(&store, &[sighting("c", later)]).await;
    enqueue(&store, asked("cas", 3, later)).await;
    assert!(marked(&store, &[&busy]).await.is_empty());
    let mut tx = store.begin().await.unwrap();
    tx.jobs().sweep(later.after(MINUTE), 3).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(marked(&store, &[&busy]).await, [busy.number]);
}

pub(crate) async fn places_of_one_endpoint_are_counted_once(ground: &Ground) {
    let store = ground.open().await;
    let lane = |name: &str| LaneSighting {
        endpoint: "http://gpu:11434".to_owned(),
        places: 2,
        ..sighting(name, NOON)
    };
    see(&store, &[lane("a"), lane("b")]).await;
    let take = async |lane: &str, place| {
        let worker = controller(lane);
        let slot = LaneSighting::slot("http://gpu:11434", place);
        let claimer = Claimer {
            worker: &worker,
            lane,
            slot: Some(&slot),
            needs: &[Need::Answer],
            takes: &[],
            order: Order::Age,
        };
        store.claim_job(&claimer, NOON, DAY).await.unwrap().unwrap()
    };
    enqueue(&store, learning(1, NOON)).await;
    enqueue(&store, learning(2, NOON)).await;
    let one = take("a", 1).await;
    enqueue(&store, asked("ann", 1, NOON)).await;
    assert!(
        marked(&store, &[&one]).await.is_empty(),
        "the second place is free"
    );
    let ann = take("a", 2).await;
    assert_eq!(ann.asked_by.as_deref(), Some("ann"));
    enqueue(&store, asked("ben", 2, NOON)).await;
    assert_eq!(
        marked(&store, &[&one, &ann]).await,
        [one.number],
        "both are taken"
    );
}

/// A batch of yesterday is put aside like one of just now.
pub(crate) async fn however_long_it_waited_it_makes_room_for_a_person(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, learning(1, NOON.before(DAY))).await;
    let old = claim(&store, "a", NOON).await.unwrap();
    enqueue(&store, learning(2, NOON)).await;
    let young = claim(&store, "b", NOON).await.unwrap();
    let on_a = NewJob {
        lanes: Some(vec!["a".to_owned()]),
        ..asked("ann", 1, NOON)
    };
    enqueue(&store, on_a).await;
    assert_eq!(marked(&store, &[&old, &young]).await, [old.number]);
    // Nor does what waits beside it take the place that is made.
    enqueue(&store, learning(3, NOON.before(DAY))).await;
    enqueue(&store, asked("ben", 2, NOON)).await;
    assert_eq!(
        marked(&store, &[&old, &young]).await,
        [old.number, young.number]
    );
    let mut tx = store.begin().await.unwrap();
    tx.jobs()
        .put_back(old.number, &controller("a"), NOON, PutBack::Preempted)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let served = claim(&store, "a", NOON).await.unwrap();
    assert_eq!(
        served.asked_by.as_deref(),
        Some("ann"),
        "and by age, too, a person goes first"
    );
}

pub(crate) async fn of_a_cancel_and_an_answer_one_counts(ground: &Ground) {
    let store = ground.open().await;
    for n in 0..20 {
        enqueue(&store, learning(n, NOON)).await;
        let job = claim(&store, "gpu", NOON).await.unwrap();
        let begin = Arc::new(Barrier::new(3));
        let mut ends = JoinSet::new();
        for end in ["answer", "cancel", "put back"] {
            let (store, begin, number) = (ground.open().await, Arc::clone(&begin), job.number);
            ends.spawn(async move {
                begin.wait().await;
                let mut tx = store.begin().await.unwrap();
                let mut jobs = tx.jobs();
                let gpu = controller("gpu");
                let ended = match end {
                    "answer" => {
                        let result = serde_json::json!(1);
                        jobs.complete(number, &gpu, NOON, &result, &Used::default())
                            .await
                    }
                    "cancel" => jobs.cancel(number, NOON).await,
                    _ => jobs
                        .put_back(number, &gpu, NOON, PutBack::Stopped)
                        .await
                        .map(drop),
                };
                match ended {
                    Ok(()) => {
                        tx.commit().await.unwrap();
                        Some(end)
                    }
                    Err(error) => {
                        assert!(error.is_conflict(), "{error}");
                        None
                    }
                }
            });
        }
        let mut won: Vec<_> = ends.join_all().await.into_iter().flatten().collect();
        won.sort_unstable();
        let mut read = store.read().await.unwrap();
        let state = read.jobs().get(job.number).await.unwrap().unwrap().state;
        match (won.as_slice(), state.as_str()) {
            (["answer"], "done") | (["cancel"], "cancelled") => {}
            // What was put back first may still be cancelled.
            (["cancel", "put back"], "cancelled") | (["put back"], "queued") => {}
            (won, state) => panic!("{won:?} and it is {state}"),
        }
        drop(read);
        if state.as_str() == "queued" {
            let mut tx = store.begin().await.unwrap();
            tx.jobs().cancel(job.number, NOON).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    log_all(&store, &["job.done"]).await;
}

pub(crate) async fn lanes_are_known_by_what_they_said_last(ground: &Ground) {
    let store = ground.open().await;
    see(&store, &[sighting("b", NOON), sighting("a", NOON)]).await;
    let told = LaneSighting {
        job: Some(JobNumber(7)),
        busy_since: Some(NOON),
        takes: vec![Priority::Interactive],
        needs: vec![Need::Answer, Need::Embed],
        places: 4,
        standby: true,
        busy_ms: 5,
        served: 6,
        failed: 7,
        output_tokens: 8,
        output_ms: 9,
        breaker: "half_open".to_owned(),
        fault: Some("no answer".to_owned()),
        ..sighting("a", NOON.after(MINUTE))
    };
    see(&store, std::slice::from_ref(&told)).await;
    ground
        .spoil("update lanes set needs = 'x' where name = 'b'")
        .await;
    let listed = store.read().await.unwrap().lanes().list().await.unwrap();
    assert_eq!(listed.rows, [told]);
    assert_eq!(
        (listed.corrupt[0].column, listed.corrupt[0].id.as_str()),
        ("needs", "b")
    );
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.lanes().forget(NOON.after(MINUTE)).await.unwrap(), 1);
    assert_eq!(tx.lanes().list().await.unwrap().rows.len(), 1);
}
