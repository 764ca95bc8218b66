//! Runs that this process brings to their end itself, because no daemon does. Each is begun by an approval here; its
//! followers learn from here that nothing more will happen, which no state in the store says of an action that is
//! left for later.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use tokio::sync::watch;
use watchkeeper_model::ActionNumber;
use watchkeeper_watch::Ran;

use crate::panics;
use crate::problem::Problem;
use crate::routes::Serving;

/// How far a run of this process came.
#[derive(Clone, Debug)]
pub(crate) enum Rest {
    /// As far as its state says.
    Over,
    /// Not now: why not.
    Later(String),
    /// It could not go on here.
    Broken(Problem),
}

/// The runs of this process.
#[derive(Debug, Default)]
pub(crate) struct OwnRuns {
    runs: Mutex<BTreeMap<ActionNumber, watch::Receiver<Option<Rest>>>>,
}

impl OwnRuns {
    /// Runs an approved action, in a task that outlives the request.
    pub(crate) fn start(&self, serving: &Serving, number: ActionNumber) {
        let (sender, receiver) = watch::channel(None);
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, receiver);
        let watch = serving.watch.clone();
        serving.tasks.spawn(async move {
            let ran = AssertUnwindSafe(watch.run_action(number))
                .catch_unwind()
                .await;
            sender.send_replace(Some(match ran {
                Ok(Ok(Ran::Later { why })) => Rest::Later(why),
                Ok(Ok(Ran::Over(_) | Ran::NotOurs)) => Rest::Over,
                Ok(Err(error)) => Rest::Broken(Problem::from(error)),
                Err(panic) => Rest::Broken(panics::problem(&*panic)),
            }));
        });
    }

    /// Waits until this process does nothing more about an action; at once where it does nothing.
    pub(crate) async fn come_to_rest(&self, number: ActionNumber) -> Rest {
        let run = self
            .runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&number)
            .cloned();
        let Some(mut run) = run else {
            return Rest::Over;
        };
        match run.wait_for(Option::is_some).await {
            Ok(rest) => rest.clone().unwrap_or(Rest::Over),
            Err(_) => Rest::Over,
        }
    }
}
