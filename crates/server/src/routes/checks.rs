//! Looking at hosts now: progress while it goes on, the report at the end.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchkeeper_model::HostName;

use super::Shared;
use crate::extract::Body;
use crate::problem::Problem;
use crate::stream::{Stop, outlet};

/// Which hosts; none means all.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckBody {
    /// Their names.
    pub hosts: Vec<HostName>,
}

/// A look that was begun is brought to its end, also when nobody reads of it any more.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    stop: Stop,
    Body(body): Body<CheckBody>,
) -> Result<Response, Problem> {
    let serving = &shared.serving;
    serving.watch.known_hosts(&body.hosts)?;
    let (outlet, response) = outlet(stop);
    let watch = serving.watch.clone();
    serving.tasks.spawn(async move {
        let work = async {
            let progress = |progress| outlet.offer("progress", &progress);
            match watch.check(&body.hosts, progress).await {
                Ok(report) => {
                    let _ = outlet.send("report", &report).await;
                }
                Err(error) => outlet.fail(&Problem::from(error)).await,
            }
        };
        outlet.guard(work).await;
    });
    Ok(response)
}
