//! The log: a page of it, as it grows, whole, and whether it is intact.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, HostName, IssueNumber, Timestamp};
use watchkeeper_watch::LogFilter;
use watchkeeper_watch::Operation;
use watchkeeper_watch::view::{LogPage, LogVerdict};

use super::{Query, Serving, require};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::stream::{Outlet, outlet};

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

impl From<LogQuery> for LogFilter {
    fn from(query: LogQuery) -> Self {
        Self {
            host: query.host,
            issue: query.issue,
            action: query.action,
            event: query.event,
            since: query.since,
            until: query.until,
            after: query.after,
            limit: query.limit,
        }
    }
}

pub(super) async fn list(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Query(query): Query<LogQuery>,
) -> Result<Json<LogPage>, Problem> {
    require(&caller, Operation::Look)?;
    let entries = serving.watch.log(&query.into()).await?;
    Ok(Json(LogPage { entries }))
}

/// Entries as they are written, from `after` on, or from now.
pub(super) async fn follow(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
    Query(query): Query<LogQuery>,
) -> Result<Response, Problem> {
    require(&caller, Operation::Look)?;
    let mut filter = LogFilter::from(query);
    if filter.after.is_none() {
        filter.after = Some(serving.watch.log_head().await?);
    }
    let (outlet, response) = outlet();
    let follower = Arc::clone(&serving);
    serving.tasks.spawn(async move {
        tokio::select! {
            () = pour(&follower, filter, &outlet) => {}
            () = outlet.closed() => {}
        }
    });
    Ok(response)
}

async fn pour(serving: &Serving, mut filter: LogFilter, outlet: &Outlet) {
    let mut growth = serving.watch.log_growth().await;
    loop {
        match serving.watch.log(&filter).await {
            Ok(entries) => {
                for entry in entries {
                    filter.after = Some(entry.seq);
                    if !outlet.send("entry", &entry).await {
                        return;
                    }
                }
            }
            Err(error) => return outlet.fail(&Problem::from(error)).await,
        }
        growth.wait().await;
    }
}

pub(super) async fn verify(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
) -> Result<Json<LogVerdict>, Problem> {
    require(&caller, Operation::Look)?;
    Ok(Json(serving.watch.verify_log().await?))
}

/// The whole log as JSON Lines, in pages so that its length costs no memory.
pub(super) async fn export(
    State(serving): State<Arc<Serving>>,
    caller: Caller,
) -> Result<Response, Problem> {
    require(&caller, Operation::Look)?;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(4);
    let watch = serving.watch.clone();
    serving.tasks.spawn(async move {
        let mut filter = LogFilter {
            after: Some(0),
            limit: Some(500),
            ..LogFilter::default()
        };
        loop {
            let page = match watch.log(&filter).await {
                Ok(page) if page.is_empty() => return,
                Ok(page) => page,
                Err(error) => {
                    let _ = sender.send(Err(std::io::Error::other(error))).await;
                    return;
                }
            };
            filter.after = page.last().map(|entry| entry.seq);
            let lines: String = page
                .iter()
                .filter_map(|entry| serde_json::to_string(entry).ok())
                .map(|line| line + "\n")
                .collect();
            if sender.send(Ok(lines)).await.is_err() {
                return;
            }
        }
    });
    let body = axum::body::Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], body).into_response())
}
