//! The queue to the models: how it stands, one job, what it says while it is served, and what people decide about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchkeeper_model::JobNumber;
use watchkeeper_watch::view::{JobView, QueueView};
use watchkeeper_watch::{Following, OnLeaving, QueueQuery, Watch};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece, Query};
use crate::problem::Problem;
use crate::stream::{Outlet, Stop, outlet};

/// Which jobs are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    all: bool,
    dead: bool,
    limit: Option<i64>,
}

/// From where a job is followed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EventsQuery {
    after: i64,
}

/// Which lane takes no jobs, or takes them again.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaneBody {
    /// Its name; absent: every lane.
    pub lane: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<QueueView>, Problem> {
    let query = QueueQuery {
        all: query.all,
        dead: query.dead,
        limit: query.limit,
    };
    Ok(Json(shared.serving.watch.queue(&query).await?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<JobNumber>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(as_seen(&shared.serving.watch, &caller, number).await?))
}

/// A job as this caller may see it: what was answered in another's talk is not for them.
async fn as_seen(watch: &Watch, caller: &Caller, number: JobNumber) -> Result<JobView, Problem> {
    let mut job = watch.job(number).await?;
    if watch.may_hear(number, &caller.person).await.is_err() {
        job.said.clear();
        job.result = None;
    }
    Ok(job)
}

pub(super) async fn cancel(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<JobNumber>,
) -> Result<Json<JobView>, Problem> {
    let watch = &shared.serving.watch;
    watch.cancel_job(number, caller.person.clone()).await?;
    Ok(Json(as_seen(watch, &caller, number).await?))
}

pub(super) async fn retry(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<JobNumber>,
) -> Result<Json<JobView>, Problem> {
    let watch = &shared.serving.watch;
    watch.retry_job(number, caller.person.clone()).await?;
    Ok(Json(as_seen(watch, &caller, number).await?))
}

pub(super) async fn pause(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<LaneBody>,
) -> Result<Json<QueueView>, Problem> {
    let watch = &shared.serving.watch;
    watch
        .pause_lane(body.lane.as_deref(), caller.person)
        .await?;
    Ok(Json(watch.queue(&QueueQuery::default()).await?))
}

pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<LaneBody>,
) -> Result<Json<QueueView>, Problem> {
    let watch = &shared.serving.watch;
    watch
        .resume_lane(body.lane.as_deref(), caller.person)
        .await?;
    Ok(Json(watch.queue(&QueueQuery::default()).await?))
}

/// What happens to one job until it is over: where it stands, then what it says as it comes. Going away changes nothing
/// about it.
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    stop: Stop,
    caller: Caller,
    Piece(number): Piece<JobNumber>,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let watch = &shared.serving.watch;
    watch.may_hear(number, &caller.person).await?;
    let (outlet, response) = outlet(stop);
    let tasks = shared.serving.tasks.clone();
    let following = shared
        .serving
        .watch
        .follow_job(number, query.after, OnLeaving::Stay);
    tasks.spawn(async move {
        outlet.guard_while_read(tell(following, &outlet)).await;
    });
    Ok(response)
}

/// Sends every event of a job, as `job`, until the last or until nobody reads.
pub(crate) async fn tell(mut following: Following, outlet: &Outlet) {
    loop {
        match following.next().await {
            Ok(Some(followed)) => {
                if outlet.send("job", &followed).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return outlet.fail(&Problem::from(error)).await,
        }
    }
}
