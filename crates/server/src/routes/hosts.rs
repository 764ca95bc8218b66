//! Hosts: the list, and the one way to accept a host key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_model::HostName;
use watchkeeper_watch::Operation;
use watchkeeper_watch::view::{OfferedKeyView, SystemLine};

use super::{Body, Piece, Serving, require};
use crate::caller::Caller;
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
    State(serving): State<Arc<Serving>>,
    caller: Caller,
) -> Result<Json<Vec<SystemLine>>, Problem> {
    require(&caller, Operation::Look)?;
    Ok(Json(serving.watch.systems().await?))
}

pub(super) async fn offered_key(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(host): Piece<HostName>,
) -> Result<Json<OfferedKeyView>, Problem> {
    require(&caller, Operation::Check)?;
    Ok(Json(serving.watch.offered_key(&host).await?))
}

pub(super) async fn enrol(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(host): Piece<HostName>,
    Body(body): Body<EnrolBody>,
) -> Result<Json<OfferedKeyView>, Problem> {
    require(&caller, Operation::Enrol)?;
    Ok(Json(
        serving
            .watch
            .enrol(&host, caller.person, &body.fingerprint, body.replace)
            .await?,
    ))
}
