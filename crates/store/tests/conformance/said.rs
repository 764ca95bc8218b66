//! What a job says and reaches, where it stands, what became of it, and the figures of all of them.

use watchkeeper_model::{ControllerId, Job, JobNumber, JobState, Priority, Timestamp};
use watchkeeper_store::{
    JobFilter, MAX_OUTPUT_BYTES, MAX_OUTPUT_PIECES, MAX_PROGRESS_BYTES, NewJob, OutputPiece,
    PutBack, Retry, Store, StoreError, Used,
};
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, MINUTE, controller};
use crate::queue::{about, asked, claim, complete, enqueue, finding, learning};

fn piece(seq: i64, kind: &str, text: &str) -> OutputPiece {
    OutputPiece {
        seq,
        kind: kind.to_owned(),
        text: text.to_owned(),
    }
}

async fn say(store: &Store, job: &Job, pieces: &[OutputPiece]) -> usize {
    let mut tx = store.begin().await.unwrap();
    let kept = tx.jobs().say(job.number, pieces).await.unwrap();
    tx.commit().await.unwrap();
    kept
}

async fn said(store: &Store, job: &Job, since: i64) -> Vec<OutputPiece> {
    let mut read = store.read().await.unwrap();
    read.jobs()
        .said_since(job.number, since)
        .await
        .unwrap()
        .strict()
        .unwrap()
}

pub(crate) async fn what_a_job_says_is_read_from_any_place(ground: &Ground) {
    let store = ground.open().await;
    let job = enqueue(&store, learning(1, NOON)).await;
    let other = enqueue(&store, learning(2, NOON)).await;
    let first = [
        piece(1, "token", "The "),
        piece(2, "token", "disk"),
        piece(3, "note", "looking"),
    ];
    assert_eq!(say(&store, &job, &first).await, 2);
    say(&store, &job, &[piece(4, "token", " is full \u{1f4a9}")]).await;
    say(&store, &other, &[piece(1, "token", "else")]).await;
    let all = [
        piece(2, "token", "The disk"),
        piece(3, "note", "looking"),
        piece(4, "token", " is full \u{1f4a9}"),
    ];
    assert_eq!(said(&store, &job, 0).await, all);
    assert_eq!(said(&store, &job, 3).await, all[2..]);
    assert_eq!(
        say(&store, &job, &[piece(4, "token", "twice")]).await,
        0,
        "it was said"
    );
    let mut read = store.read().await.unwrap();
    assert_eq!(read.jobs().last_said(job.number).await.unwrap(), 4);
    assert_eq!(read.jobs().last_said(JobNumber(99)).await.unwrap(), 0);
    drop(read);

    let served = claim(&store, "gpu", NOON).await.unwrap();
    complete(&store, &served, "gpu", NOON).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.jobs().prune_output(NOON).await.unwrap(), 0);
    assert_eq!(tx.jobs().prune_output(NOON.after(MINUTE)).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(said(&store, &other, 0).await.len(), 1, "it is not over");
}

pub(crate) async fn what_a_job_says_has_an_end(ground: &Ground) {
    let store = ground.open().await;
    let loud = enqueue(&store, learning(1, NOON)).await;
    let half = "x".repeat(usize::try_from(MAX_OUTPUT_BYTES / 2).unwrap());
    assert_eq!(say(&store, &loud, &[piece(1, "token", &half)]).await, 1);
    assert_eq!(say(&store, &loud, &[piece(2, "token", &half)]).await, 1);
    assert_eq!(
        say(
            &store,
            &loud,
            &[piece(3, "token", "more"), piece(4, "token", "more")]
        )
        .await,
        1
    );
    assert_eq!(say(&store, &loud, &[piece(5, "token", "more")]).await, 0);
    let kept = said(&store, &loud, 0).await;
    assert_eq!(kept.len(), 3, "the oldest stay");
    assert_eq!(
        kept[2],
        piece(3, "note", "there is more, which is not kept here")
    );

    let chatty = enqueue(&store, learning(2, NOON)).await;
    for from in (1..=MAX_OUTPUT_PIECES + 10).step_by(1_000) {
        let kind = |seq| if seq % 2 == 0 { "token" } else { "thinking" };
        let pieces: Vec<_> = (from..from + 1_000)
            .map(|seq| piece(seq, kind(seq), "a"))
            .collect();
        say(&store, &chatty, &pieces).await;
    }
    let (mut count, mut seq, mut last) = (0, 0, String::new());
    loop {
        let page = said(&store, &chatty, seq).await;
        let Some(end) = page.last() else { break };
        (seq, last) = (end.seq, end.text.clone());
        count += page.len();
    }
    assert_eq!(i64::try_from(count).unwrap(), MAX_OUTPUT_PIECES);
    assert_eq!(last, "there is more, which is not kept here");
}

pub(crate) async fn what_was_reached_outlives_its_worker(ground: &Ground) {
    let store = ground.open().await;
    enqueue(&store, learning(1, NOON)).await;
    let job = claim(&store, "a", NOON).await.unwrap();
    let reached = serde_json::json!({ "step": 3 });
    let set = async |by: &ControllerId| {
        let mut tx = store.begin().await.unwrap();
        let set = tx.jobs().set_progress(job.number, by, &reached).await;
        tx.commit().await.unwrap();
        set
    };
    set(&controller("a")).await.unwrap();
    assert!(set(&controller("b")).await.unwrap_err().is_conflict());
    let mut tx = store.begin().await.unwrap();
    let huge = serde_json::json!("x".repeat(MAX_PROGRESS_BYTES));
    let refused = tx
        .jobs()
        .set_progress(job.number, &controller("a"), &huge)
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    tx.jobs()
        .put_back(job.number, &controller("a"), NOON, PutBack::Preempted)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let again = claim(&store, "b", NOON).await.unwrap();
    assert_eq!(
        (again.number, again.attempts, again.preempted),
        (job.number, 1, 1)
    );
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.jobs().progress(job.number).await.unwrap(),
        Some(reached.clone())
    );
    drop(read);
    assert!(
        set(&controller("a")).await.unwrap_err().is_conflict(),
        "it is another's now"
    );
}

pub(crate) async fn who_waits_is_told_their_place(ground: &Ground) {
    let store = ground.open().await;
    let position = async |job: &Job| {
        let mut read = store.read().await.unwrap();
        read.jobs().position(job.number).await.unwrap()
    };
    let before = enqueue(&store, learning(1, NOON)).await;
    let taken = claim(&store, "gpu", NOON).await.unwrap();
    assert_eq!(position(&before).await, None, "it does not wait");
    let first = enqueue(&store, learning(2, NOON)).await;
    let not_yet = NewJob {
        not_before: NOON.after(DAY),
        ..learning(3, NOON)
    };
    enqueue(&store, not_yet).await;
    let last = enqueue(&store, learning(4, NOON)).await;
    let urgent = enqueue(&store, asked("ann", 1, NOON)).await;
    let places = [
        position(&urgent).await,
        position(&first).await,
        position(&last).await,
    ];
    assert_eq!(places.map(|place| place.unwrap().ahead), [0, 1, 2]);
    let place = position(&last).await.unwrap();
    assert_eq!((place.running, place.typical), (1, None));
    complete(&store, &taken, "gpu", NOON.after(MINUTE)).await;
    let place = position(&last).await.unwrap();
    assert_eq!((place.running, place.typical), (0, Some(MINUTE)));
    assert_eq!(
        position(&urgent).await.unwrap().typical,
        None,
        "none of its kind was answered"
    );
}

async fn fail(store: &Store, job: &Job, at: Timestamp, retry: Option<Retry>) -> Job {
    let mut tx = store.begin().await.unwrap();
    let failed = tx
        .jobs()
        .fail(job.number, &controller("gpu"), at, "nonsense", retry)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    failed
}

pub(crate) async fn figures_tell_how_the_queue_is_doing(ground: &Ground) {
    let store = ground.open().await;
    let figures = async |now| {
        store
            .read()
            .await
            .unwrap()
            .jobs()
            .figures(now)
            .await
            .unwrap()
    };
    let none = figures(NOON).await;
    assert_eq!(
        (none.waiting.len(), none.leased, none.tokens_per_second),
        (0, 0, None)
    );
    for n in 0..5 {
        enqueue(&store, learning(n, NOON)).await;
    }
    let now = NOON.after(MINUTE);
    let job = claim(&store, "gpu", NOON).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let used = Used {
        model: Some("qwen3:8b".to_owned()),
        prompt_tokens: Some(100),
        output_tokens: Some(60),
        output_ms: Some(3_000),
    };
    tx.jobs()
        .complete(
            job.number,
            &controller("gpu"),
            now,
            &serde_json::json!(1),
            &used,
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let job = claim(&store, "gpu", NOON).await.unwrap();
    fail(&store, &job, now, None).await;
    let busy = claim(&store, "gpu", NOON).await.unwrap();
    enqueue(&store, about("web1", "a", Priority::CriticalFinding, now)).await;
    let person = enqueue(&store, asked("ann", 1, now)).await;
    let mut tx = store.begin().await.unwrap();
    tx.jobs().cancel(person.number, now).await.unwrap();
    tx.commit().await.unwrap();
    let shown = figures(now.after(MINUTE)).await;
    let waiting: Vec<_> = shown
        .waiting
        .iter()
        .map(|waiting| (waiting.priority, waiting.count, waiting.oldest))
        .collect();
    assert_eq!(
        waiting,
        [
            (Priority::CriticalFinding, 1, now),
            (Priority::Background, 2, NOON)
        ]
    );
    assert_eq!(
        (shown.leased, shown.preempting),
        (1, 1),
        "{busy:?} is to make room"
    );
    assert_eq!((shown.done, shown.failed, shown.cancelled), (1, 1, 1));
    assert_eq!(
        (shown.tokens_per_second, shown.typical),
        (Some(20.0), Some(MINUTE))
    );
    let later = figures(now.after(DAY)).await;
    assert_eq!(
        (later.done, later.failed, later.typical),
        (0, 0, None),
        "that is long ago"
    );
}

pub(crate) async fn a_dead_job_can_be_asked_again(ground: &Ground) {
    let store = ground.open().await;
    let retry = async |number| {
        let mut tx = store.begin().await.unwrap();
        let retried = tx.jobs().retry(number, NOON.after(DAY)).await;
        if retried.is_ok() {
            tx.commit().await.unwrap();
        }
        retried
    };
    let queued = enqueue(&store, about("web1", "a", Priority::Finding, NOON)).await;
    assert!(
        retry(queued.number).await.unwrap_err().is_conflict(),
        "it waits already"
    );
    let job = claim(&store, "gpu", NOON).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let reached = serde_json::json!({ "step": 3 });
    tx.jobs()
        .set_progress(job.number, &controller("gpu"), &reached)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let dead = fail(&store, &job, NOON, None).await;
    let filter = JobFilter {
        states: vec!["failed", "cancelled"],
        issue: Some(finding("web1", "a").issue),
        ..JobFilter::default()
    };
    let listed = store
        .read()
        .await
        .unwrap()
        .jobs()
        .list(&filter, 10)
        .await
        .unwrap();
    assert_eq!(listed.strict().unwrap(), [dead]);
    let again = retry(job.number).await.unwrap();
    let later = NOON.after(DAY);
    assert_eq!(again.state, JobState::Queued { not_before: later });
    assert_eq!((again.attempts, again.deadline), (0, later.after(30 * DAY)));
    assert_eq!(
        again.last_error.as_deref(),
        Some("nonsense"),
        "why it failed is still told"
    );
    let mut read = store.read().await.unwrap();
    assert_eq!(
        read.jobs().progress(job.number).await.unwrap(),
        None,
        "it begins anew"
    );
    drop(read);
    let job = claim(&store, "gpu", later).await.unwrap();
    fail(&store, &job, later, None).await;
    enqueue(&store, about("web1", "a", Priority::Finding, later)).await;
    let asked = retry(job.number).await;
    assert!(
        asked.unwrap_err().is_conflict(),
        "the same is asked by another meanwhile"
    );
}

pub(crate) async fn a_list_finds_a_job_by_each_of_its_issues(ground: &Ground) {
    let store = ground.open().await;
    let mut second = about("web2", "/", Priority::Finding, NOON);
    second.key = Some("alike".to_owned());
    let first = NewJob {
        key: second.key.clone(),
        ..about("web1", "/", Priority::Finding, NOON)
    };
    let job = enqueue(&store, first).await;
    let member = second.member.as_mut().unwrap();
    member.issue = watchkeeper_model::IssueNumber(2);
    enqueue(&store, second).await;
    for (issue, expected) in [(1, 1), (2, 1), (3, 0)] {
        let filter = JobFilter {
            states: vec!["queued", "leased"],
            issue: Some(watchkeeper_model::IssueNumber(issue)),
            ..JobFilter::default()
        };
        let found = store
            .read()
            .await
            .unwrap()
            .jobs()
            .list(&filter, 10)
            .await
            .unwrap();
        assert_eq!(found.rows.len(), expected);
        assert!(found.rows.iter().all(|found| found.number == job.number));
    }
}

/// A job that is over since then: answered, or given up.
async fn over(store: &Store, new: NewJob, at: Timestamp, answered: bool) -> JobNumber {
    enqueue(store, new).await;
    let job = claim(store, "gpu", at).await.unwrap();
    say(store, &job, &[piece(1, "token", "It is well.")]).await;
    if answered {
        complete(store, &job, "gpu", at).await;
    } else {
        fail(store, &job, at, None).await;
    }
    job.number
}

pub(crate) async fn what_is_over_is_forgotten_but_not_what_is_gone_by(ground: &Ground) {
    let store = ground.open().await;
    let later = NOON.after(10 * DAY);
    let done = over(&store, learning(1, NOON), NOON, true).await;
    let dead = over(&store, learning(2, NOON), NOON, false).await;
    let lately = over(&store, learning(3, NOON), later, true).await;
    let waits = enqueue(&store, learning(4, NOON)).await.number;
    // Of two issues one is closed; a question about it answered for the other, too.
    let mut issues = Vec::new();
    for name in ["open", "closed"] {
        let found = watchkeeper_testkit::build::finding("web1", "units", name);
        let mut tx = store.begin().await.unwrap();
        let issue = tx
            .issues()
            .create(watchkeeper_store::NewIssue {
                host: None,
                title: found.summary.clone(),
                severity: found.severity,
                fingerprint: Some(found.fingerprint()),
                at: NOON,
            })
            .await
            .unwrap();
        tx.commit().await.unwrap();
        issues.push(issue.number);
    }
    ground
        .spoil(&format!(
            "update issues set state = 'closed' where number = {}",
            issues[1]
        ))
        .await;
    let about_issue = |name: &str, issue| {
        let mut new = about("web1", name, Priority::Finding, NOON);
        let member = new.member.as_mut().unwrap();
        member.issue = issue;
        new.request = watchkeeper_model::JobRequest::DiagnoseFinding {
            host: member.host.clone(),
            issue,
            fingerprint: member.fingerprint,
        };
        new
    };
    let of_open = over(&store, about_issue("open", issues[0]), NOON, true).await;
    let of_closed = over(&store, about_issue("closed", issues[1]), NOON, true).await;
    let mut alike = about_issue("alike", issues[1]);
    alike.key = Some("alike".to_owned());
    let mut joins = about_issue("joins", issues[0]);
    joins.key = Some("alike".to_owned());
    enqueue(&store, joins).await;
    let of_both = over(&store, alike, NOON, true).await;
    // A conversation that goes on, and one in which nothing was said since.
    let mut answers = Vec::new();
    for (person, spoken) in [("ann", later), ("ben", NOON)] {
        let mut tx = store.begin().await.unwrap();
        let begun = tx
            .conversations()
            .begin(crate::conversations::new(
                watchkeeper_model::ConversationKind::Ask,
                person,
            ))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        ground
            .spoil(&format!(
                "update conversations set updated_at = {} where number = {}",
                spoken.as_millis(),
                begun.number
            ))
            .await;
        let request = watchkeeper_model::JobRequest::AnswerPerson {
            conversation: begun.number,
            seq: 1,
        };
        let new = NewJob::new(request, Priority::Interactive, NOON, NOON.after(30 * DAY));
        answers.push(over(&store, new, NOON, true).await);
    }

    let prune = async |over, dead| {
        let mut tx = store.begin().await.unwrap();
        let gone = tx.jobs().prune(over, dead).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = store.read().await.unwrap();
        let left = read.jobs().list(&JobFilter::default(), 100).await.unwrap();
        let mut left: Vec<_> = left
            .strict()
            .unwrap()
            .iter()
            .map(|job| job.number)
            .collect();
        left.sort();
        (gone, left)
    };
    let day_after = NOON.after(DAY);
    let mut kept = vec![dead, lately, waits, of_open, of_both, answers[0]];
    kept.sort();
    assert_eq!(prune(NOON, NOON).await.0, 0, "none is older");
    assert_eq!(prune(day_after, NOON).await, (3, kept.clone()));
    assert_eq!(
        said(
            &store,
            &Job {
                number: done,
                ..job_of(&store, dead).await
            },
            0
        )
        .await,
        []
    );
    assert_eq!(
        said(&store, &job_of(&store, of_open).await, 0).await.len(),
        1
    );
    let mut read = store.read().await.unwrap();
    for (number, members) in [(of_closed, 0), (of_both, 2)] {
        let listed = read.jobs().members(number).await.unwrap();
        assert_eq!(listed.rows.len(), members);
    }
    drop(read);
    kept.retain(|number| *number != dead);
    assert_eq!(prune(day_after, day_after).await, (1, kept.clone()));
    ground.spoil("update issues set state = 'closed'").await;
    kept.retain(|number| ![of_open, of_both].contains(number));
    assert_eq!(prune(day_after, day_after).await, (2, kept));
}

async fn job_of(store: &Store, number: JobNumber) -> Job {
    let mut read = store.read().await.unwrap();
    read.jobs().get(number).await.unwrap().unwrap()
}
