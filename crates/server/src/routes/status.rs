//! How the watch is doing, and what is wrong with how it is set up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_watch::Operation;
use watchkeeper_watch::view::{DoctorLine, StatusReport};

use super::{Serving, require};
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) async fn status(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
) -> Result<Json<StatusReport>, Problem> {
    require(&caller, Operation::Look)?;
    Ok(Json(serving.watch.status(serving.daemon).await?))
}

pub(super) async fn doctor(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
) -> Result<Json<Vec<DoctorLine>>, Problem> {
    require(&caller, Operation::Check)?;
    Ok(Json(serving.watch.doctor().await))
}
