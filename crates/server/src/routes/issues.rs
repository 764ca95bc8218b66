//! Issues: the list, the sheet, and what people say and decide about them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{HostName, IssueNumber, IssueState, Severity};
use watchkeeper_watch::view::{IssueLine, IssueSheet};
use watchkeeper_watch::{IssueQuery, NewIssue};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece, Query};
use crate::problem::Problem;

/// Which issues are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    all: bool,
    host: Option<HostName>,
    limit: Option<i64>,
}

/// An issue that a person makes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueBody {
    /// One line.
    pub title: String,
    /// Where.
    #[serde(default)]
    pub host: Option<HostName>,
    /// How bad.
    pub severity: Severity,
    /// More about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// What a person says.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoteBody {
    /// What.
    pub note: Option<String>,
}

type Answer = Result<Json<IssueSheet>, Problem>;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<IssueLine>>, Problem> {
    let query = IssueQuery {
        all: query.all,
        host: query.host,
        limit: query.limit,
    };
    Ok(Json(shared.serving.watch.issues(&query).await?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Piece(number): Piece<IssueNumber>,
) -> Answer {
    Ok(Json(shared.serving.watch.issue(number).await?))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<IssueBody>,
) -> Answer {
    let new = NewIssue {
        title: body.title,
        host: body.host,
        severity: body.severity,
        note: body.note,
    };
    let number = shared
        .serving
        .watch
        .create_issue(caller.person, new)
        .await?;
    Ok(Json(shared.serving.watch.issue(number).await?))
}

pub(super) async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<IssueNumber>,
    Body(body): Body<NoteBody>,
) -> Answer {
    change(&shared, caller, number, IssueState::Acknowledged, body.note).await
}

pub(super) async fn resolve(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<IssueNumber>,
    Body(body): Body<NoteBody>,
) -> Answer {
    change(&shared, caller, number, IssueState::Resolved, body.note).await
}

pub(super) async fn close(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<IssueNumber>,
    Body(body): Body<NoteBody>,
) -> Answer {
    change(&shared, caller, number, IssueState::Closed, body.note).await
}

pub(super) async fn note(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<IssueNumber>,
    Body(body): Body<NoteBody>,
) -> Answer {
    let note = body.note.unwrap_or_default();
    shared
        .serving
        .watch
        .note_issue(number, caller.person, &note)
        .await?;
    Ok(Json(shared.serving.watch.issue(number).await?))
}

async fn change(
    shared: &Shared,
    caller: Caller,
    number: IssueNumber,
    to: IssueState,
    note: Option<String>,
) -> Answer {
    shared
        .serving
        .watch
        .change_issue(number, caller.person, to, note)
        .await?;
    Ok(Json(shared.serving.watch.issue(number).await?))
}
