//! The driver against hosts that never answer. What it does with hosts that do is in `tests/`.

use watchkeeper_fleet::{Output, RemoteCommand};
use watchkeeper_model::{BootId, Phase, PlannedStep, Privilege, RunId, Step, Timestamp};

use super::*;
use crate::StepId;

#[derive(Debug)]
struct Dead(LookFailure);

#[async_trait]
impl Connection for Dead {
    async fn run(&self, _command: RemoteCommand) -> Result<Output, LookFailure> {
        Err(self.0.clone())
    }

    async fn close(&self) {}
}

#[derive(Default)]
struct Diary {
    lines: Vec<String>,
    full: bool,
}

#[async_trait]
impl StepJournal for Diary {
    async fn record(&mut self, event: StepEvent<'_>) -> Result<(), JournalLost> {
        if self.full {
            return Err(JournalLost("the store is away".into()));
        }
        self.lines.push(match event {
            StepEvent::Waiting { pause, .. } => format!("wait {} ms", pause.as_millis()),
            event => format!("{event:?}"),
        });
        Ok(())
    }
}

fn ticket() -> StepTicket {
    let run = RunId::from_parts(Timestamp::from_millis(1), [7; 10]);
    let step = PlannedStep {
        step: Step::PackageCacheClean {},
        script: "apt-get clean\n".to_owned(),
        limit_s: 9,
        max_output_bytes: 512,
    };
    let boot = BootId("a.1".to_owned());
    StepTicket::new(
        StepId::new(&run, Phase::Apply, 0),
        &step,
        &boot,
        Privilege::Root,
    )
    .expect("a ticket")
}

fn unreachable() -> LookFailure {
    LookFailure::Unreachable {
        address: "h:22".to_owned(),
        detail: "no route".to_owned(),
    }
}

async fn drive(
    failure: LookFailure,
    diary: &mut Diary,
    stop: &CancellationToken,
) -> Result<StepEnd, NotYet> {
    drive_step(
        &Dead(failure),
        &ticket(),
        Entry::First,
        Patience::default(),
        diary,
        stop,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_until_patience_ends_and_that_is_no_outcome() {
    let mut diary = Diary::default();
    let began = Instant::now();
    let end = drive(unreachable(), &mut diary, &CancellationToken::new()).await;
    assert!(matches!(end, Err(NotYet::Unreachable(_))), "{end:?}");
    assert_eq!(
        diary.lines[..4],
        ["Asking", "wait 500 ms", "wait 1000 ms", "wait 2000 ms"]
    );
    assert_eq!(
        diary.lines.last().map(String::as_str),
        Some("wait 30000 ms")
    );
    assert_eq!(
        diary.lines.iter().filter(|line| *line == "Asking").count(),
        1
    );
    let waited = began.elapsed();
    assert!(
        waited >= Patience::default().silence && waited < Patience::default().silence * 2,
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_host_key_is_not_waited_for() {
    let changed = LookFailure::HostKeyChanged {
        host: "h".to_owned(),
        known: "SHA256:a".to_owned(),
        offered: "SHA256:b".to_owned(),
    };
    let mut diary = Diary::default();
    let end = drive(changed, &mut diary, &CancellationToken::new()).await;
    assert!(
        matches!(
            end,
            Err(NotYet::Unreachable(LookFailure::HostKeyChanged { .. }))
        ),
        "{end:?}"
    );
    assert_eq!(diary.lines, ["Asking"]);
}

#[tokio::test(start_paused = true)]
async fn stopping_is_no_outcome_either() {
    let stop = CancellationToken::new();
    stop.cancel();
    let mut diary = Diary::default();
    let end = drive(unreachable(), &mut diary, &stop).await;
    assert!(matches!(end, Err(NotYet::Stopped)), "{end:?}");
    assert!(diary.lines.is_empty(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_was_not_recorded() {
    let mut diary = Diary {
        full: true,
        ..Diary::default()
    };
    let end = drive(unreachable(), &mut diary, &CancellationToken::new()).await;
    assert!(matches!(end, Err(NotYet::JournalLost(_))), "{end:?}");
}
