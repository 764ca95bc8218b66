//! Actions: the queue, the sheet, and the decisions of people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, Digest, HostName, IssueNumber, Revision, Step};
use watchkeeper_watch::view::{ActionLine, ActionSheet};
use watchkeeper_watch::{ActionQuery, Decision, Edit};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece, Query};
use crate::follow::follow;
use crate::problem::Problem;
use crate::stream::{Stop, outlet};

/// Which actions are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    all: bool,
    host: Option<HostName>,
    issue: Option<IssueNumber>,
    limit: Option<i64>,
}

/// The decision to let an action run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveBody {
    /// The revision that was seen.
    pub revision: Revision,
    /// The digest that was seen.
    pub digest: Digest,
    /// What the person says about it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The decision not to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {
    /// Why.
    pub reason: String,
}

/// Another plan in the place of the one that stands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    /// The revision that was edited.
    pub revision: Revision,
    /// What would run.
    pub steps: Vec<Step>,
    /// What puts things back; absent: the inverse of each step where it has one.
    #[serde(default)]
    pub undo: Vec<Step>,
    /// Why, as text for a person; absent: as it was.
    #[serde(default)]
    pub reason: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<ActionLine>>, Problem> {
    let query = ActionQuery {
        all: query.all,
        host: query.host,
        issue: query.issue,
        limit: query.limit,
    };
    Ok(Json(shared.serving.watch.actions(&query).await?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Piece(number): Piece<ActionNumber>,
) -> Result<Json<ActionSheet>, Problem> {
    Ok(Json(shared.serving.watch.action(number).await?))
}

pub(super) async fn approve(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
    Body(body): Body<ApproveBody>,
) -> Result<Json<ActionSheet>, Problem> {
    let decision = Decision {
        revision: body.revision,
        digest: body.digest,
        reason: body.reason,
    };
    shared
        .serving
        .watch
        .approve(number, caller.person, decision)
        .await?;
    if !shared.serving.daemon {
        shared.own.start(&shared.serving, number);
    }
    Ok(Json(shared.serving.watch.action(number).await?))
}

pub(super) async fn reject(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
    Body(body): Body<RejectBody>,
) -> Result<Json<ActionSheet>, Problem> {
    shared
        .serving
        .watch
        .reject(number, caller.person, body.reason)
        .await?;
    Ok(Json(shared.serving.watch.action(number).await?))
}

pub(super) async fn edit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
    Body(body): Body<EditBody>,
) -> Result<Json<ActionSheet>, Problem> {
    let edit = Edit {
        revision: body.revision,
        steps: body.steps,
        undo: body.undo,
        reason: body.reason,
    };
    shared
        .serving
        .watch
        .edit(number, caller.person, edit)
        .await?;
    Ok(Json(shared.serving.watch.action(number).await?))
}

/// What happens to one action until it is over: what has happened so far, then every event.
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    stop: Stop,
    Piece(number): Piece<ActionNumber>,
) -> Result<Response, Problem> {
    shared.serving.watch.action_state(number).await?;
    let (outlet, response) = outlet(stop);
    let tasks = shared.serving.tasks.clone();
    tasks.spawn(async move {
        outlet
            .guard_while_read(follow(&shared, number, &outlet))
            .await;
    });
    Ok(response)
}
