//! The log: a page of it, as it grows, whole, and whether it is intact.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use http::header;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, HostName, IssueNumber, Timestamp};
use watchkeeper_watch::LogFilter;
use watchkeeper_watch::view::{LogPage, LogVerdict};

use super::Shared;
use crate::extract::Query;
use crate::problem::{Kind, Problem};
use crate::stream::{Outlet, Stop, outlet, stopped};

/// Longest beginning of an event's name that is asked for.
const MAX_EVENT_BYTES: usize = 80;

/// Which entries.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogQuery {
    /// Of this host.
    pub host: Option<HostName>,
    /// Of this issue.
    pub issue: Option<IssueNumber>,
    /// Of this action.
    pub action: Option<ActionNumber>,
    /// Whose event begins with this word.
    pub event: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// After this place.
    pub after: Option<i64>,
    /// At most so many: the newest, or with `after` the next.
    pub limit: Option<i64>,
}

impl LogQuery {
    fn filter(self) -> Result<LogFilter, Problem> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if let Some(event) = &self.event
            && (event.len() > MAX_EVENT_BYTES || !event.chars().all(allowed))
        {
            return Err(
                Problem::new(Kind::Invalid, "the event is not the beginning of one")
                    .advise("a beginning like action. or issue.opened"),
            );
        }
        Ok(LogFilter {
            host: self.host,
            issue: self.issue,
            action: self.action,
            event: self.event,
            since: self.since,
            until: self.until,
            after: self.after,
            limit: self.limit,
        })
    }
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<LogQuery>,
) -> Result<Json<LogPage>, Problem> {
    let entries = shared.serving.watch.log(&query.filter()?).await?;
    Ok(Json(LogPage { entries }))
}

/// Entries as they are written, from `after` on, or from now.
pub(super) async fn follow(
    State(shared): State<Arc<Shared>>,
    stop: Stop,
    Query(query): Query<LogQuery>,
) -> Result<Response, Problem> {
    let mut filter = query.filter()?;
    if filter.after.is_none() {
        filter.after = Some(shared.serving.watch.log_head().await?);
    }
    let (outlet, response) = outlet(stop);
    let tasks = shared.serving.tasks.clone();
    tasks.spawn(async move {
        outlet
            .guard_while_read(pour(&shared, filter, &outlet))
            .await;
    });
    Ok(response)
}

async fn pour(shared: &Shared, mut filter: LogFilter, outlet: &Outlet) {
    let mut pulse = shared.pulse.feel(&shared.serving.watch).await;
    loop {
        let entries = match shared.serving.watch.log(&filter).await {
            Ok(entries) => entries,
            Err(error) => return outlet.fail(&Problem::from(error)).await,
        };
        let last = entries.last().map(|entry| entry.seq);
        for entry in entries {
            if outlet.send("entry", &entry).await.is_err() {
                return;
            }
        }
        match last {
            // There may be more of them than fit into one page.
            Some(last) => filter.after = Some(last),
            None => pulse.wait().await,
        }
    }
}

pub(super) async fn verify(State(shared): State<Arc<Shared>>) -> Result<Json<LogVerdict>, Problem> {
    let _turn = shared.verifying.acquire().await;
    Ok(Json(shared.serving.watch.verify_log().await?))
}

/// The whole log as JSON Lines, in pieces so that its length costs no memory and a slow reader keeps nothing open in
/// the store. An export that cannot be brought to its end breaks off, so that it is not taken for whole.
pub(super) async fn export(
    State(shared): State<Arc<Shared>>,
    stop: Stop,
) -> Result<Response, Problem> {
    let first = shared.serving.watch.export_log(0).await?;
    let Some((first, after)) = first else {
        return Ok(lines(Body::empty()));
    };
    let rest = stream::try_unfold(after, move |after| {
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        async move {
            if stop.0.is_cancelled() {
                return Err(stopped());
            }
            let piece = shared.serving.watch.export_log(after).await;
            piece.map_err(Problem::from)
        }
    });
    let pieces = stream::once(std::future::ready(Ok(first))).chain(rest);
    Ok(lines(Body::from_stream(pieces)))
}

fn lines(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/jsonl")], body).into_response()
}
