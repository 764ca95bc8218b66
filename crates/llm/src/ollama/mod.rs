//! Ollama's own protocol: chat over newline-delimited JSON, and what the server says about its models.
//!
//! It is spoken over reqwest directly. The crate ollama-rs (0.3.6) was tried for it and is not used. In chat it loses
//! characters that lie across chunks, errors inside a stream, tool-call ids and the reason for the end. For managing
//! models it reads answers of any length into memory, keeps no HTTP status (an absent model and a broken proxy are
//! the same text) and knows neither `/api/version` nor `/api/ps`. And it brings a second, older reqwest, whose client
//! takes its proxy from the environment unless it is given one of that kind, and turns on `preserve_order` in
//! serde_json for everything that is built with it.

mod contexts;
mod manage;
mod stream;
mod wire;

use std::error::Error as _;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Method, Response, StatusCode, header, redirect};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use manage::{LoadedModel, LocalModel, ModelFacts};

use crate::endpoint::redacted;
use crate::error::one_line;
use crate::tokens::Corrections;
use crate::{
    Cause, ChatEvent, ChatRequest, EmbedPurpose, KeepAlive, Lane, LaneError, LlmError, ModelLine,
    PromptSize, Provider, PullProgress, Reply, TimeLimit,
};

/// A lane to an Ollama server.
#[derive(Debug)]
pub struct Ollama {
    lane: Lane,
    client: Client,
    corrections: Corrections,
    contexts: contexts::Contexts,
}

/// So much of an error's body is read.
const MAX_ERROR_BYTES: usize = 16 * 1024;
/// Longest text taken from an error, in characters.
const MAX_ERROR_CHARS: usize = 300;
/// The longest wait a busy server may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// What a request is about, to tell what went wrong with it.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    model: &'a str,
    prompt_tokens: u64,
    reserved: u64,
    context: u64,
}

impl<'a> Asked<'a> {
    fn chat(request: &'a ChatRequest, size: PromptSize) -> Self {
        Self {
            model: &request.model,
            prompt_tokens: size.tokens,
            reserved: request.max_tokens.into(),
            context: request.context_tokens.into(),
        }
    }

    /// A question about a model, or about none: nothing is generated.
    fn about(model: &'a str) -> Self {
        Self {
            model,
            prompt_tokens: 0,
            reserved: 0,
            context: 0,
        }
    }

    fn too_long(self, counted: wire::Overflow) -> LlmError {
        LlmError::PromptTooLong {
            model: self.model.to_owned(),
            estimated: counted.prompt_tokens.unwrap_or(self.prompt_tokens),
            reserved: self.reserved,
            context: counted.context.unwrap_or(self.context),
        }
    }
}

impl Ollama {
    /// A provider for a lane. Nothing is sent yet.
    ///
    /// # Errors
    /// Says what is wrong with the lane.
    pub fn new(lane: Lane) -> Result<Self, LaneError> {
        lane.validate()?;
        // A connection serves one request: it is closed when the request is dropped, which is what frees the lane,
        // and a server that was restarted in between is never met through a dead one.
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(lane.timeouts.connect.0)
            .pool_max_idle_per_host(0)
            .tcp_nodelay(true)
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client with neither TLS nor proxy needs nothing of the system");
        Ok(Self {
            lane,
            client,
            corrections: Corrections::default(),
            contexts: contexts::Contexts::default(),
        })
    }

    /// The lane it speaks for.
    #[must_use]
    pub const fn lane(&self) -> &Lane {
        &self.lane
    }

    fn endpoint(&self) -> String {
        self.lane.url.to_string()
    }

    /// Sends one request and gives the answer's beginning when its status is a success.
    async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        asked: Asked<'_>,
        body: Option<&B>,
    ) -> Result<Response, LlmError> {
        let mut request = self.client.request(method, self.lane.url.method(path));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.no_answer(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(asked, response).await)
    }

    /// Why there was no answer at all.
    fn no_answer(&self, error: &reqwest::Error) -> LlmError {
        let (endpoint, cause) = (self.endpoint(), Cause::innermost(error));
        if error.is_connect() {
            return LlmError::Unreachable { endpoint, cause };
        }
        if is_not_http(error) {
            return LlmError::Protocol {
                endpoint,
                expected: "an HTTP answer",
                found: cause.to_string(),
            };
        }
        LlmError::CutShort {
            endpoint,
            cause: Some(cause),
        }
    }

    /// What an answer without success means.
    async fn refusal(&self, asked: Asked<'_>, response: Response) -> LlmError {
        let (endpoint, status) = (self.endpoint(), response.status());
        if status.is_redirection() {
            return LlmError::Redirected {
                endpoint,
                code: status.as_u16(),
                to: location(&response),
            };
        }
        let retry_after = retry_after(&response);
        let body = self.error_body(response).await;
        let body = String::from_utf8_lossy(&body);
        let said = wire::error_text(&body);
        if let Some(overflow) = said.as_deref().and_then(wire::Overflow::read) {
            return asked.too_long(overflow);
        }
        match status {
            StatusCode::NOT_FOUND if said.as_deref().is_some_and(wire::names_a_missing_model) => {
                LlmError::NoSuchModel {
                    endpoint,
                    model: asked.model.to_owned(),
                }
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => LlmError::Busy {
                endpoint,
                retry_after,
            },
            _ => LlmError::Status {
                endpoint,
                code: status.as_u16(),
                body: one_line(said.as_deref().unwrap_or(&body), MAX_ERROR_CHARS),
            },
        }
    }

    /// As much of an error's body as comes soon and is worth reading.
    async fn error_body(&self, mut response: Response) -> Vec<u8> {
        let mut body = Vec::new();
        let reading = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                let room = MAX_ERROR_BYTES - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if body.len() >= MAX_ERROR_BYTES {
                    break;
                }
            }
        };
        // What was read until then is all there is to tell; the status says the rest.
        let _ = tokio::time::timeout(self.lane.timeouts.idle.0, reading).await;
        body
    }

    fn too_slow(&self, limit: TimeLimit, after: Duration) -> LlmError {
        LlmError::TooSlow {
            endpoint: self.endpoint(),
            limit,
            after,
        }
    }

    fn protocol(&self, expected: &'static str, found: &[u8]) -> LlmError {
        let head = &found[..found.len().min(MAX_ERROR_CHARS * 4)];
        LlmError::Protocol {
            endpoint: self.endpoint(),
            expected,
            found: one_line(&String::from_utf8_lossy(head), MAX_ERROR_CHARS),
        }
    }
}

#[async_trait]
impl Provider for Ollama {
    fn name(&self) -> &str {
        &self.lane.name
    }

    fn measure(&self, request: &ChatRequest) -> PromptSize {
        self.corrections
            .measure(&self.held_to_known_context(request))
    }

    async fn chat(
        &self,
        request: &ChatRequest,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
        cancel: &CancellationToken,
    ) -> Result<Reply, LlmError> {
        let total = self.lane.timeouts.total.0;
        let answered = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(LlmError::Cancelled),
            answered = tokio::time::timeout(total, self.ask_when_it_fits(request, on_event)) => {
                answered.unwrap_or_else(|_| Err(self.too_slow(TimeLimit::Total, total)))
            }
        };
        if answered.is_err() {
            self.contexts.forget(&request.model);
        }
        answered
    }

    async fn embed(
        &self,
        _model: &str,
        _purpose: EmbedPurpose,
        _texts: &[String],
        _cancel: &CancellationToken,
    ) -> Result<Vec<Vec<f32>>, LlmError> {
        Err(self.not_offered("make vectors"))
    }

    async fn models(&self) -> Result<Vec<ModelLine>, LlmError> {
        let models = self.local_models().await?;
        Ok(models
            .into_iter()
            .map(|model| ModelLine {
                name: model.name,
                size: Some(model.size),
                ..ModelLine::default()
            })
            .collect())
    }

    async fn pull(
        &self,
        _model: &str,
        _on_progress: &mut (dyn FnMut(PullProgress) + Send),
        _cancel: &CancellationToken,
    ) -> Result<(), LlmError> {
        Err(self.not_offered("fetch a model"))
    }

    async fn preload(&self, _model: &str, _keep_alive: KeepAlive) -> Result<(), LlmError> {
        Err(self.not_offered("load a model"))
    }

    async fn context_of(&self, model: &str) -> Result<Option<u32>, LlmError> {
        self.real_context(model).await
    }
}

impl Ollama {
    fn not_offered(&self, what: &'static str) -> LlmError {
        LlmError::NotOffered {
            provider: self.lane.provider,
            what,
        }
    }
}

impl Ollama {
    /// Measures the prompt, first against what was asked for, then against what the model really has, and asks.
    async fn ask_when_it_fits(
        &self,
        request: &ChatRequest,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
    ) -> Result<Reply, LlmError> {
        self.fitting(request)?;
        let request = self.within_real_context(request).await?;
        let size = self.fitting(&request)?;
        self.exchange(&request, size, on_event).await
    }

    fn fitting(&self, request: &ChatRequest) -> Result<PromptSize, LlmError> {
        let size = self.corrections.measure(request);
        if size.fits() {
            return Ok(size);
        }
        Err(Asked::chat(request, size).too_long(wire::Overflow::default()))
    }
}

/// Whether what answered does not speak HTTP: it cannot be parsed, or came before anything was asked, for which hyper
/// has no word of its own.
fn is_not_http(error: &reqwest::Error) -> bool {
    let mut innermost = None;
    let mut source = error.source();
    while let Some(error) = source {
        innermost = error.downcast_ref::<hyper::Error>().or(innermost);
        source = error.source();
    }
    innermost.is_some_and(|error| {
        let is_an_end = error.is_canceled() || error.is_closed() || error.is_incomplete_message();
        error.is_parse() || (!is_an_end && error.source().is_none())
    })
}

/// Where an answer points to, without credentials.
fn location(response: &Response) -> String {
    response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| response.url().join(text).ok())
        .map_or_else(
            || "nowhere that can be read".to_owned(),
            |url| one_line(&redacted(&url), MAX_ERROR_CHARS),
        )
}

/// The seconds of `Retry-After`. Its other form, a date, would need the server's clock to be right and is not read.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}
