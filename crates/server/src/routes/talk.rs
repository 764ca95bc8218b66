//! Talks: begin one, say something and hear the answer as it comes, find earlier ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{
    ActionNumber, Conversation, ConversationKind, ConversationNumber, HostName,
};
use watchkeeper_watch::view::{Answer, Asked, ConversationSheet, JobEvent};
use watchkeeper_watch::{Following, NewTalk, OnLeaving, TalkQuery, Words};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece, Query};
use crate::problem::Problem;
use crate::stream::{Outlet, Stop, outlet};

/// A talk that is to begin.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TalkBody {
    /// What it is for.
    pub kind: ConversationKind,
    /// The hosts it is about; none: all of them.
    #[serde(default)]
    pub hosts: Vec<HostName>,
    /// The action it is about, for a discussion.
    #[serde(default)]
    pub action: Option<ActionNumber>,
    /// The lane that answers; none: any.
    #[serde(default)]
    pub lane: Option<String>,
}

/// What is said.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SayBody {
    /// The words.
    pub text: String,
    /// The hosts it is about from now on; absent: as before.
    #[serde(default)]
    pub hosts: Option<Vec<HostName>>,
    /// The lane that answers from now on; absent: as before; empty: any.
    #[serde(default)]
    pub lane: Option<String>,
}

/// Which talks are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    action: Option<ActionNumber>,
    kind: Option<ConversationKind>,
    limit: Option<i64>,
}

pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<TalkBody>,
) -> Result<Json<Conversation>, Problem> {
    let new = NewTalk {
        kind: body.kind,
        hosts: body.hosts,
        action: body.action,
        lane: body.lane,
    };
    let begun = shared.serving.watch.begin_conversation(caller.person, new);
    Ok(Json(begun.await?))
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Conversation>>, Problem> {
    let query = TalkQuery {
        action: query.action,
        kind: query.kind,
        limit: query.limit,
    };
    let found = shared.serving.watch.conversations(&caller.person, &query);
    Ok(Json(found.await?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<ConversationNumber>,
) -> Result<Json<ConversationSheet>, Problem> {
    let sheet = shared.serving.watch.conversation(number, &caller.person);
    Ok(Json(sheet.await?))
}

/// Says something: first what was asked, then what happens to it until it is answered. Who does not listen any more does
/// not want the answer; but when the server stops, the question stays in the queue.
pub(super) async fn say(
    State(shared): State<Arc<Shared>>,
    stop: Stop,
    caller: Caller,
    Piece(number): Piece<ConversationNumber>,
    Body(body): Body<SayBody>,
) -> Result<Response, Problem> {
    let words = Words {
        text: body.text,
        hosts: body.hosts,
        lane: body.lane,
    };
    let watch = &shared.serving.watch;
    let asked = watch.say(number, &caller.person, words).await?;
    let following = watch.follow_job(asked.job, 0, OnLeaving::Cancel);
    let (outlet, response) = outlet(stop.clone());
    let tasks = shared.serving.tasks.clone();
    tasks.spawn(async move {
        let mut following = following;
        outlet
            .guard_while_read(tell(&shared, &asked, &outlet, &mut following))
            .await;
        if stop.0.is_cancelled() {
            following.stay();
        }
    });
    Ok(response)
}

async fn tell(shared: &Shared, asked: &Asked, outlet: &Outlet, following: &mut Following) {
    if outlet.send("asked", asked).await.is_err() {
        return;
    }
    loop {
        let followed = match following.next().await {
            Ok(Some(followed)) => followed,
            Ok(None) => return,
            Err(error) => return outlet.fail(&Problem::from(error)).await,
        };
        if let JobEvent::Done { result } = &followed.event {
            run_what_may(shared, result);
        }
        if outlet.send("job", &followed).await.is_err() {
            return;
        }
    }
}

/// Where no daemon runs what the standing orders let run, this process does.
fn run_what_may(shared: &Shared, result: &serde_json::Value) {
    let serving = &shared.serving;
    let answer = serde_json::from_value::<Answer>(result.clone()).ok();
    let proposed = answer.and_then(|answer| answer.proposed);
    if let Some(proposed) = proposed.filter(|proposed| proposed.state == "approved")
        && !serving.daemon
    {
        shared.own.start(serving, proposed.action);
    }
}
