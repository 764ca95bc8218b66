//! Fetching a model: Ollama tells line by line how far it is, and says `success` at the end. What it has fetched it
//! keeps, so one that was broken off goes on where it was.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Ollama;
use crate::caller::{Asked, Said};
use crate::frames::{FrameError, Lines};
use crate::{LlmError, PullProgress, TimeLimit};

/// Between two lines: after the last byte the server checks digests and says nothing meanwhile.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// What every line is expected to be.
const EXPECTED_LINE: &str = "a line of JSON with `status`";

/// One line.
#[derive(Debug, Deserialize)]
struct PullLine {
    error: Option<serde_json::Value>,
    status: Option<String>,
    completed: Option<u64>,
    total: Option<u64>,
}

impl Ollama {
    /// Has the server fetch a model, and waits until it has it. There is no limit for the whole: a model may take
    /// hours, and whoever waits can see that it goes on.
    pub(super) async fn fetch(
        &self,
        model: &str,
        on_progress: &mut (dyn FnMut(PullProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(), LlmError> {
        let fetched = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(LlmError::Cancelled),
            fetched = self.fetch_whole(model, on_progress) => fetched,
        };
        // It may be another of the same name now.
        self.caller.contexts.forget(model);
        fetched
    }

    async fn fetch_whole(
        &self,
        model: &str,
        on_progress: &mut (dyn FnMut(PullProgress) + Send),
    ) -> Result<(), LlmError> {
        let caller = &self.caller;
        let body = json!({ "model": model, "stream": true });
        let sending = caller.send(Method::POST, "api/pull", Asked::about(model), Some(&body));
        let mut response = within(caller, TimeLimit::FirstByte, sending).await?;
        let mut lines = Lines::default();
        while let Some(bytes) = within(caller, TimeLimit::Idle, caller.chunk(&mut response)).await?
        {
            lines.push(&bytes);
            while let Some(line) = lines
                .next_line()
                .map_err(|_: FrameError| caller.protocol("a line of bounded length", &bytes))?
            {
                if self.take(model, &line, on_progress)? {
                    return Ok(());
                }
            }
        }
        if let Some(rest) = lines.rest()
            && self.take(model, &rest, on_progress)?
        {
            return Ok(());
        }
        Err(LlmError::CutShort {
            endpoint: caller.endpoint(),
            cause: None,
        })
    }

    /// Takes one line; true when it is the last.
    fn take(
        &self,
        model: &str,
        line: &[u8],
        on_progress: &mut (dyn FnMut(PullProgress) + Send),
    ) -> Result<bool, LlmError> {
        let caller = &self.caller;
        let read: PullLine =
            serde_json::from_slice(line).map_err(|_| caller.protocol(EXPECTED_LINE, line))?;
        if let Some(error) = &read.error {
            let said = Said::of(error);
            // So it says that the registry has no such model.
            if said.text.contains("file does not exist") || said.names_a_missing_model() {
                return Err(LlmError::NoSuchModel {
                    endpoint: format!("the registry of {}", caller.endpoint()),
                    model: model.to_owned(),
                });
            }
            return Err(caller.broke_off(Asked::about(model), &said));
        }
        let status = read
            .status
            .ok_or_else(|| caller.protocol(EXPECTED_LINE, line))?;
        let is_last = status == "success";
        on_progress(PullProgress {
            status: caller.told(&status),
            done: read.completed.or(read.total.map(|_| 0)),
            total: read.total,
        });
        Ok(is_last)
    }
}

async fn within<T>(
    caller: &crate::caller::Caller,
    limit: TimeLimit,
    doing: impl Future<Output = Result<T, LlmError>>,
) -> Result<T, LlmError> {
    tokio::time::timeout(IDLE, doing)
        .await
        .unwrap_or_else(|_| Err(caller.too_slow(limit, IDLE)))
}
