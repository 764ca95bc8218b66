//! Hosts: the list, and the one way to accept a host key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_model::HostName;
use watchkeeper_watch::view::{OfferedKeyView, SystemLine};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece};
use crate::problem::Problem;

/// The decision to accept a host's key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    /// `SHA256:…` of the key that was compared; the host must offer exactly this one.
    pub fingerprint: String,
    /// Whether it may take the place of a key that is known.
    #[serde(default)]
    pub replace: bool,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<Vec<SystemLine>>, Problem> {
    Ok(Json(shared.serving.watch.systems().await?))
}

pub(super) async fn offered_key(
    State(shared): State<Arc<Shared>>,
    Piece(host): Piece<HostName>,
) -> Result<Json<OfferedKeyView>, Problem> {
    Ok(Json(shared.serving.watch.offered_key(&host).await?))
}

pub(super) async fn enrol(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(host): Piece<HostName>,
    Body(body): Body<EnrolBody>,
) -> Result<Json<OfferedKeyView>, Problem> {
    let watch = &shared.serving.watch;
    Ok(Json(
        watch
            .enrol(&host, caller.person, &body.fingerprint, body.replace)
            .await?,
    ))
}
