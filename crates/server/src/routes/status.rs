//! How the watch is doing, and what is wrong with how it is set up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_watch::view::{DoctorLine, StatusReport};

use super::Shared;
use crate::problem::Problem;

pub(super) async fn status(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<StatusReport>, Problem> {
    let serving = &shared.serving;
    Ok(Json(serving.watch.status(serving.daemon).await?))
}

pub(super) async fn doctor(State(shared): State<Arc<Shared>>) -> Json<Vec<DoctorLine>> {
    Json(shared.serving.watch.doctor().await)
}
