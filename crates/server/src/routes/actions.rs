//! Actions: the queue, the sheet, and the decisions of people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use watchkeeper_model::{ActionNumber, Digest, HostName, IssueNumber, Revision, Step};
use watchkeeper_watch::Operation;
use watchkeeper_watch::view::{ActionLine, ActionSheet, RunEvent};
use watchkeeper_watch::{ActionQuery, Decision, Edit};

use super::{Body, Piece, Query, Serving, require};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::stream::{Outlet, outlet};

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
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<ActionLine>>, Problem> {
    require(&caller, Operation::Look)?;
    let query = ActionQuery {
        all: query.all,
        host: query.host,
        issue: query.issue,
        limit: query.limit,
    };
    Ok(Json(serving.watch.actions(&query).await?))
}

pub(super) async fn show(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
) -> Result<Json<ActionSheet>, Problem> {
    require(&caller, Operation::Look)?;
    Ok(Json(serving.watch.action(number).await?))
}

pub(super) async fn approve(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
    Body(body): Body<ApproveBody>,
) -> Result<Json<ActionSheet>, Problem> {
    require(&caller, Operation::Approve)?;
    let decision = Decision {
        revision: body.revision,
        digest: body.digest,
        reason: body.reason,
    };
    serving
        .watch
        .approve(number, caller.person, decision)
        .await?;
    if !serving.daemon {
        let watch = serving.watch.clone();
        serving
            .tasks
            .spawn(async move { watch.run_action(number).await });
    }
    Ok(Json(serving.watch.action(number).await?))
}

pub(super) async fn reject(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
    Body(body): Body<RejectBody>,
) -> Result<Json<ActionSheet>, Problem> {
    require(&caller, Operation::Approve)?;
    serving
        .watch
        .reject(number, caller.person, body.reason)
        .await?;
    Ok(Json(serving.watch.action(number).await?))
}

pub(super) async fn edit(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
    Body(body): Body<EditBody>,
) -> Result<Json<ActionSheet>, Problem> {
    require(&caller, Operation::Approve)?;
    let edit = Edit {
        revision: body.revision,
        steps: body.steps,
        undo: body.undo,
        reason: body.reason,
    };
    serving.watch.edit(number, caller.person, edit).await?;
    Ok(Json(serving.watch.action(number).await?))
}

/// What happens to one action until it is over: its state now, then every event.
pub(super) async fn events(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Piece(number): Piece<ActionNumber>,
) -> Result<Response, Problem> {
    require(&caller, Operation::Look)?;
    serving.watch.action(number).await?;
    let (outlet, response) = outlet();
    let follower = Arc::clone(&serving);
    serving.tasks.spawn(async move {
        tokio::select! {
            () = follow(&follower, number, &outlet) => {}
            () = outlet.closed() => {}
        }
    });
    Ok(response)
}

/// The signal is for speed, the store for truth: after a gap, and now and then, the state is read again.
async fn follow(serving: &Serving, number: ActionNumber, outlet: &Outlet) {
    const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(2);
    let mut events = serving.watch.run_events();
    let mut said = String::new();
    loop {
        match serving.watch.action_state(number).await {
            Ok(event) => {
                let (state, last) = state_of(&event);
                if state != said {
                    said = state;
                    if !outlet.send("run", &event).await || last {
                        return;
                    }
                }
            }
            Err(error) => return outlet.fail(&Problem::from(error)).await,
        }
        loop {
            let next = tokio::time::timeout(LOOK_AGAIN, events.recv()).await;
            match next {
                Ok(Ok(RunEvent::State { number: of, .. })) if of == number => break,
                Ok(Ok(event)) if number_of(&event) == number => {
                    if !outlet.send("run", &event).await {
                        return;
                    }
                }
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Lagged(_))) | Err(_) => break,
                Ok(Err(RecvError::Closed)) => return,
            }
        }
    }
}

fn state_of(event: &RunEvent) -> (String, bool) {
    match event {
        RunEvent::State { state, last, .. } => (state.clone(), *last),
        _ => (String::new(), false),
    }
}

fn number_of(event: &RunEvent) -> ActionNumber {
    match event {
        RunEvent::State { number, .. }
        | RunEvent::StepStarted { number, .. }
        | RunEvent::Output { number, .. }
        | RunEvent::StepEnded { number, .. } => *number,
    }
}
