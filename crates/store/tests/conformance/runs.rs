//! Runs: whose they are, and what is written about them.

use watchkeeper_model::{ActionNumber, BootId, Digest, HostName, Phase, Run, StepOutcome};
use watchkeeper_store::{MAX_STEP_OUTPUT_BYTES, RunMarks, StepEnd, StepPlace, Store, StoreError};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{Ground, MINUTE, approved, controller, run_id};

const FIRST: StepPlace = StepPlace {
    phase: Phase::Apply,
    index: 0,
};
const WELL: StepOutcome = StepOutcome::Exited {
    code: 0,
    children_left: false,
};

pub(crate) fn marks(host: &str, steps: u8, by_orders: bool) -> RunMarks {
    RunMarks {
        host: HostName::new(host).unwrap(),
        steps: Digest::of_bytes(&[steps]),
        by_orders,
    }
}

async fn started(store: &Store, n: u8) -> Run {
    let action = approved(store).await;
    let run = Run {
        id: run_id(n),
        action: action.number,
        revision: action.revision,
        digest: action.digest,
        controller: controller("c1"),
        claimed_at: NOON,
        boot: BootId("b.1".to_owned()),
        steps: Vec::new(),
    };
    let mut tx = store.begin().await.unwrap();
    tx.runs()
        .insert(&run, &marks("web1", n, false), NOON.after(MINUTE))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    run
}

fn ended(stdout: &str) -> StepEnd<'_> {
    StepEnd {
        outcome: &WELL,
        at: NOON,
        stdout,
        stderr: "warning\0",
    }
}

pub(crate) async fn a_run_and_its_steps_read_back(ground: &Ground) {
    let store = ground.open().await;
    let run = started(&store, 1).await;
    let undo = StepPlace {
        phase: Phase::Undo,
        index: 0,
    };
    let second = StepPlace { index: 1, ..FIRST };
    let mut tx = store.begin().await.unwrap();
    assert!(
        tx.runs()
            .step_asked(&run.id, &run.controller, FIRST, NOON)
            .await
            .unwrap()
    );
    assert!(
        !tx.runs()
            .step_asked(&run.id, &run.controller, FIRST, NOON.after(MINUTE))
            .await
            .unwrap(),
        "asked again"
    );
    for place in [undo, second] {
        tx.runs()
            .step_asked(&run.id, &run.controller, place, NOON)
            .await
            .unwrap();
    }
    tx.runs()
        .step_ended(&run.id, &run.controller, FIRST, ended("done\n"))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut read = store.read().await.unwrap();
    let stored = read.runs().get(&run.id).await.unwrap().unwrap();
    let places: Vec<_> = stored
        .run
        .steps
        .iter()
        .map(|step| (step.phase, step.index))
        .collect();
    assert_eq!(
        places,
        [(Phase::Apply, 0), (Phase::Apply, 1), (Phase::Undo, 0)]
    );
    let step = &stored.run.steps[0];
    assert_eq!(
        (step.asked_at, step.ended_at, step.outcome.as_ref()),
        (NOON, Some(NOON), Some(&WELL))
    );
    assert_eq!(
        (step.stdout.as_str(), step.stderr.as_str()),
        ("done\n", "warning\u{2400}")
    );
    assert_eq!(
        Run {
            steps: Vec::new(),
            ..stored.run.clone()
        },
        run
    );
    assert_eq!(
        read.runs().of_action(run.action).await.unwrap(),
        Some(stored)
    );
    assert_eq!(read.runs().of_action(ActionNumber(77)).await.unwrap(), None);
}

pub(crate) async fn a_run_whose_controller_is_lost_is_taken_over(ground: &Ground) {
    let store = ground.open().await;
    let (lost, alive) = (started(&store, 1).await, started(&store, 2).await);
    let other = controller("c2");
    let mut tx = store.begin().await.unwrap();
    tx.runs()
        .renew(&alive.id, &alive.controller, NOON.after(3 * MINUTE))
        .await
        .unwrap();
    assert!(
        tx.runs()
            .claim_orphaned(&other, "hal", NOON, MINUTE, 10)
            .await
            .unwrap()
            .rows
            .is_empty(),
        "both are held"
    );
    let later = NOON.after(2 * MINUTE);
    let taken = tx
        .runs()
        .claim_orphaned(&other, "hal", later, MINUTE, 10)
        .await
        .unwrap()
        .strict()
        .unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        (&taken[0].run.id, &taken[0].run.controller),
        (&lost.id, &other)
    );
    assert_eq!(taken[0].lease_until, later.after(MINUTE));
    assert!(
        tx.runs()
            .claim_orphaned(&controller("c3"), "hal", later, MINUTE, 10)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    tx.runs().end(&lost.id, &other, later).await.unwrap();
    let live = tx.runs().list_live(10).await.unwrap().strict().unwrap();
    assert_eq!(
        live.iter().map(|run| &run.run.id).collect::<Vec<_>>(),
        [&alive.id]
    );
}

pub(crate) async fn a_run_is_taken_over_by_who_has_its_host(ground: &Ground) {
    let store = ground.open().await;
    let run = started(&store, 1).await;
    let later = NOON.after(2 * MINUTE);
    let mut tx = store.begin().await.unwrap();
    let web1 = [build::host("web1")];
    tx.hosts().sync("hal", &web1, NOON).await.unwrap();
    for (watch, taken) in [("dave", 0), ("hal", 1)] {
        let claimed = tx
            .runs()
            .claim_orphaned(&controller(watch), watch, later, MINUTE, 10)
            .await
            .unwrap();
        assert_eq!(claimed.rows.len(), taken, "{watch}");
    }
    // What nobody names any more is anybody's: else nobody would ever say what became of it.
    tx.hosts().sync("hal", &[], later).await.unwrap();
    let much_later = later.after(2 * MINUTE);
    let claimed = tx
        .runs()
        .claim_orphaned(&controller("dave"), "dave", much_later, MINUTE, 10)
        .await
        .unwrap();
    assert_eq!(claimed.rows[0].run.id, run.id);
}

pub(crate) async fn a_controller_that_was_given_up_cannot_speak(ground: &Ground) {
    let store = ground.open().await;
    let run = started(&store, 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.runs()
        .step_asked(&run.id, &run.controller, FIRST, NOON)
        .await
        .unwrap();
    tx.runs()
        .claim_orphaned(&controller("c2"), "hal", NOON.after(MINUTE), MINUTE, 1)
        .await
        .unwrap()
        .strict()
        .unwrap();
    let mut runs = tx.runs();
    let place = StepPlace { index: 1, ..FIRST };
    let refused = [
        runs.renew(&run.id, &run.controller, NOON).await,
        runs.step_asked(&run.id, &run.controller, place, NOON)
            .await
            .map(drop),
        runs.step_ended(&run.id, &run.controller, FIRST, ended(""))
            .await,
        runs.end(&run.id, &run.controller, NOON).await,
    ];
    for result in refused {
        assert_eq!(
            result.unwrap_err().to_string(),
            format!("run {} was changed by somebody else meanwhile", run.id)
        );
    }
}

pub(crate) async fn a_step_ends_once(ground: &Ground) {
    let store = ground.open().await;
    let run = started(&store, 1).await;
    let mut tx = store.begin().await.unwrap();
    let mut runs = tx.runs();
    assert!(
        runs.step_ended(&run.id, &run.controller, FIRST, ended(""))
            .await
            .unwrap_err()
            .is_conflict(),
        "not asked"
    );
    runs.step_asked(&run.id, &run.controller, FIRST, NOON)
        .await
        .unwrap();
    let large = "x".repeat(MAX_STEP_OUTPUT_BYTES + 1);
    let refused = runs
        .step_ended(&run.id, &run.controller, FIRST, ended(&large))
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    runs.step_ended(&run.id, &run.controller, FIRST, ended("1"))
        .await
        .unwrap();
    assert!(
        runs.step_ended(&run.id, &run.controller, FIRST, ended("2"))
            .await
            .unwrap_err()
            .is_conflict()
    );
    runs.end(&run.id, &run.controller, NOON).await.unwrap();
    assert!(
        runs.end(&run.id, &run.controller, NOON)
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert_eq!(
        runs.get(&run.id).await.unwrap().unwrap().run.steps[0].stdout,
        "1"
    );
}

pub(crate) async fn what_ran_without_a_person_is_counted(ground: &Ground) {
    let store = ground.open().await;
    let insert = async |n: u8, host: &str, steps: u8, by_orders: bool| {
        let action = approved(&store).await;
        let run = Run {
            id: run_id(n),
            action: action.number,
            revision: action.revision,
            digest: action.digest,
            controller: controller("c1"),
            claimed_at: NOON.after(MINUTE * u32::from(n)),
            boot: BootId("b.1".to_owned()),
            steps: Vec::new(),
        };
        let mut tx = store.begin().await.unwrap();
        tx.runs().lock_budgets().await.unwrap();
        tx.runs()
            .insert(
                &run,
                &marks(host, steps, by_orders),
                NOON.after(MINUTE * 60),
            )
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    insert(1, "web1", 7, true).await;
    insert(2, "web1", 7, true).await;
    insert(3, "web2", 7, true).await;
    insert(4, "web2", 8, true).await;
    insert(5, "web3", 7, false).await;
    let mut read = store.read().await.unwrap();
    let named = |host: &str| HostName::new(host).unwrap();
    assert_eq!(
        read.runs().by_orders_since(NOON).await.unwrap(),
        [(named("web1"), 2), (named("web2"), 2)]
    );
    assert_eq!(
        read.runs()
            .by_orders_since(NOON.after(MINUTE * 2))
            .await
            .unwrap(),
        [(named("web2"), 2)]
    );
    let steps = Digest::of_bytes(&[7]);
    assert_eq!(
        read.runs()
            .hosts_with_steps_since(steps, NOON)
            .await
            .unwrap(),
        [named("web1"), named("web2")]
    );
}
