//! Looking at hosts now: progress while it goes on, the report at the end.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchkeeper_model::HostName;
use watchkeeper_watch::Operation;

use super::{Body, Serving, require};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::stream::outlet;

/// Which hosts; none means all.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CheckBody {
    hosts: Vec<HostName>,
}

pub(super) async fn check(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Body(body): Body<CheckBody>,
) -> Result<Response, Problem> {
    require(&caller, Operation::Check)?;
    serving.watch.known_hosts(&body.hosts)?;
    let (outlet, response) = outlet();
    let watch = serving.watch.clone();
    serving.tasks.spawn(async move {
        let progress = |progress| outlet.offer("progress", &progress);
        match watch.check(&body.hosts, progress).await {
            Ok(report) => {
                outlet.send("report", &report).await;
            }
            Err(error) => outlet.fail(&Problem::from(error)).await,
        }
    });
    Ok(response)
}
