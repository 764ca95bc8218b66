//! The workers of this process: one for each place of each of its lanes, those included that a reload brings. One that
//! idles is woken by what is queued; beside them, what is known of the lanes is told to the store now and then.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::loops::pause_after;
use crate::queue::worker::Next;
use crate::watch::{LaneParts, Watch};

/// How often lanes are told of, and how soon one that a reload brings is served.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// How often an idle worker looks for a job where no signal comes.
const JOB_POLL: Duration = Duration::from_secs(1);
/// The shortest time between two such looks: every commit is a signal, and most are about something else.
const JOB_PAUSE: Duration = Duration::from_millis(10);

/// A place of a lane.
type Place = (String, u32);

/// Answers jobs until told to stop.
pub async fn work(watch: Watch, stop: CancellationToken) {
    let mut workers: JoinSet<Place> = JoinSet::new();
    let mut busy = BTreeSet::new();
    let mut listening = watch.ears().listen(watch.store()).await;
    while !stop.is_cancelled() {
        while let Some(ended) = workers.try_join_next() {
            free(ended, &mut busy);
        }
        tend(&watch, &stop).await;
        for place in places(&watch) {
            if busy.insert(place.clone()) {
                workers.spawn(working(watch.clone(), place, stop.clone()));
            }
        }
        let told = tokio::time::Instant::now();
        while told.elapsed() < TELL_EVERY && !stop.is_cancelled() && watch.left_jobs().is_empty() {
            let rest = TELL_EVERY.saturating_sub(told.elapsed());
            tokio::select! {
                () = stop.cancelled() => {}
                () = listening.wait(watch.ears(), watch.store(), rest) => {}
            }
        }
    }
    while let Some(ended) = workers.join_next().await {
        free(ended, &mut busy);
    }
}

/// Tells of the lanes, takes back what nobody waits for, and puts back what lost workers had: there may be no daemon.
async fn tend(watch: &Watch, stop: &CancellationToken) {
    let tended = async {
        watch.cancel_left_jobs().await?;
        watch.sweep_jobs().await?;
        watch.show_lanes().await
    };
    if let Err(error) = tended.await {
        pause_after("lanes could not be told of", &error, stop).await;
    }
}

fn places(watch: &Watch) -> Vec<Place> {
    let current = watch.current();
    let of = |parts: &LaneParts| {
        let name = parts.lane.name.clone();
        (0..parts.lane.parallel).map(move |place| (name.clone(), place))
    };
    current.lanes.iter().flat_map(of).collect()
}

fn free(ended: Result<Place, JoinError>, busy: &mut BTreeSet<Place>) {
    match ended {
        Ok(place) => {
            busy.remove(&place);
        }
        Err(error) => {
            tracing::error!(error = %error, "a worker broke down; its job is served again when its lease ends");
            busy.clear();
        }
    }
}

/// The worker of one place; it ends with the place.
async fn working(watch: Watch, place: Place, stop: CancellationToken) -> Place {
    let mut listening = watch.ears().listen(watch.store()).await;
    while !stop.is_cancelled() {
        let Some(parts) = lane_of(&watch, &place) else {
            break;
        };
        let wait = match watch.serve_next(&parts, place.1, &stop).await {
            Ok(Next::Served) => continue,
            Ok(Next::Nothing) => JOB_POLL,
            Ok(Next::NotBefore(at)) => at.since(watch.now()).clamp(JOB_PAUSE, JOB_POLL),
            Err(error) => {
                pause_after("a job could not be served", &error, &stop).await;
                continue;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = async {
                tokio::time::sleep(JOB_PAUSE).await;
                listening.wait(watch.ears(), watch.store(), wait).await;
            } => {}
        }
    }
    place
}

fn lane_of(watch: &Watch, (name, place): &Place) -> Option<LaneParts> {
    let current = watch.current();
    let named = |parts: &&LaneParts| parts.lane.name == *name && *place < parts.lane.parallel;
    current.lanes.iter().find(named).cloned()
}
