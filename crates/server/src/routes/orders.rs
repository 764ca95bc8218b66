//! Standing orders: what others would have led to. Those in force are the configuration's.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_watch::view::ReplayReport;

use super::Shared;
use crate::extract::Body;
use crate::problem::Problem;

/// Orders, and how far back they are tried.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// The text of a file of orders.
    pub orders: String,
    /// How many days back.
    pub days: u32,
}

pub(super) async fn replay(
    State(shared): State<Arc<Shared>>,
    Body(body): Body<ReplayBody>,
) -> Result<Json<ReplayReport>, Problem> {
    Ok(Json(
        shared.serving.watch.replay(&body.orders, body.days).await?,
    ))
}
