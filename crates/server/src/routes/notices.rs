//! What is told to people: what was sent where, what a person has to say, a test, and once more what was given up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{DeliveryNumber, DeliveryState};
use watchkeeper_watch::NewWords;
use watchkeeper_watch::view::{DeliveryLine, NoticesView};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece, Query};
use crate::problem::Problem;

/// Which deliveries are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    state: Option<DeliveryState>,
    limit: Option<i64>,
}

/// What a person has to say.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SayWordsBody {
    /// One line.
    pub title: String,
    /// More.
    #[serde(default)]
    pub text: String,
    /// From 0 to 10, as Gotify has it.
    #[serde(default = "usual_priority")]
    pub priority: u8,
    /// To this channel; absent: as the routes say.
    #[serde(default)]
    pub channel: Option<String>,
}

const fn usual_priority() -> u8 {
    5
}

/// Which channel is tested.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestBody {
    /// Its name; absent: every one.
    pub channel: Option<String>,
}

/// How it went.
#[derive(Debug, Serialize, Deserialize)]
pub struct SentAnswer {
    /// One for each channel.
    pub deliveries: Vec<DeliveryLine>,
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<NoticesView>, Problem> {
    let watch = &shared.serving.watch;
    Ok(Json(watch.notices(query.state, query.limit).await?))
}

pub(super) async fn say(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<SayWordsBody>,
) -> Result<Json<SentAnswer>, Problem> {
    let words = NewWords {
        title: body.title,
        text: body.text,
        priority: body.priority,
        channel: body.channel,
    };
    let watch = &shared.serving.watch;
    let deliveries = watch.tell_people(caller.person, words).await?;
    Ok(Json(SentAnswer { deliveries }))
}

pub(super) async fn test(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<TestBody>,
) -> Result<Json<SentAnswer>, Problem> {
    let watch = &shared.serving.watch;
    let deliveries = watch.test_channels(caller.person, body.channel).await?;
    Ok(Json(SentAnswer { deliveries }))
}

pub(super) async fn retry(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<DeliveryNumber>,
) -> Result<Json<SentAnswer>, Problem> {
    let watch = &shared.serving.watch;
    let line = watch.retry_delivery(caller.person, number).await?;
    Ok(Json(SentAnswer {
        deliveries: vec![line],
    }))
}
