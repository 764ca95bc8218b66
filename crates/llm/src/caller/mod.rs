//! How a lane's server is spoken to, whatever the protocol: one client without proxy, redirects or repeats; time and
//! size limits; the key in its header; and what went wrong, told apart. What is said is the protocols' own matter.

mod chat;
mod exchange;
mod refusal;
mod tls;

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use chat::{
    Dialect, Framing, Protocol, Trouble, chat, learn_context, measure, run_with,
};
pub(crate) use refusal::{Overflow, Said};

use crate::contexts::Contexts;
use crate::endpoint::redacted;
use crate::error::one_line;
use crate::tokens::Corrections;
use crate::{ApiKey, Cause, ChatRequest, Lane, LaneError, LlmError, PromptSize, TimeLimit};

/// The way to one server.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) lane: Lane,
    pub(crate) corrections: Corrections,
    pub(crate) contexts: Contexts,
    key: Option<ApiKey>,
    client: Client,
}

/// Where a key is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`.
    XApiKey,
}

/// How long a question about the server itself may take. A server answers them while it generates.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// So much of such an answer is read; a model's facts hold its licence and its template.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// So much of an error's body is read.
const MAX_ERROR_BYTES: usize = 16 * 1024;
/// Longest text taken from an error, in characters.
const MAX_ERROR_CHARS: usize = 300;
/// The longest wait a busy server may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);
/// Anthropic's own status for too much to do.
const OVERLOADED: u16 = 529;

/// What a request is about, to tell what went wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    prompt_tokens: u64,
    reserved: u64,
    context: u64,
}

impl<'a> Asked<'a> {
    pub(crate) fn chat(request: &'a ChatRequest, size: PromptSize) -> Self {
        Self {
            model: &request.model,
            prompt_tokens: size.tokens,
            reserved: request.max_tokens.into(),
            context: request.context_tokens.into(),
        }
    }

    /// A question about a model, or about none: nothing is generated.
    pub(crate) const fn about(model: &'a str) -> Self {
        Self {
            model,
            prompt_tokens: 0,
            reserved: 0,
            context: 0,
        }
    }

    /// Texts to make vectors of.
    pub(crate) const fn vectors(model: &'a str, prompt_tokens: u64, context: u64) -> Self {
        Self {
            model,
            prompt_tokens,
            reserved: 0,
            context,
        }
    }

    pub(crate) fn too_long(self, counted: Overflow) -> LlmError {
        LlmError::PromptTooLong {
            model: self.model.to_owned(),
            estimated: counted.prompt_tokens.unwrap_or(self.prompt_tokens),
            reserved: self.reserved,
            context: counted.context.unwrap_or(self.context),
        }
    }
}

impl Caller {
    /// A way to a lane's server. Nothing is sent yet.
    pub(crate) fn new(
        lane: Lane,
        key: Option<ApiKey>,
        header: KeyHeader,
    ) -> Result<Self, LaneError> {
        lane.validate()?;
        if key.is_some() && !lane.keeps_secrets() {
            return Err(LaneError::Unusable {
                why: format!(
                    "its key would go to {} over plain http for everybody to read; use https, or say private = true \
                     where the network is your own",
                    lane.url
                ),
                lane: lane.name,
            });
        }
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
            .tls_backend_preconfigured(tls::config(&lane.name, &lane.url)?)
            .default_headers(headers(key.as_ref(), header))
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client with its TLS given and no proxy needs nothing of the system");
        Ok(Self {
            lane,
            corrections: Corrections::default(),
            contexts: Contexts::default(),
            key,
            client,
        })
    }

    pub(crate) fn endpoint(&self) -> String {
        self.lane.url.to_string()
    }

    /// Sends one request and gives the answer's beginning when its status is a success.
    pub(crate) async fn send<B: Serialize + Sync + ?Sized>(
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

    /// Asks for a small answer in JSON, within a short time.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        asked: Asked<'_>,
        body: Option<&serde_json::Value>,
        expected: &'static str,
    ) -> Result<T, LlmError> {
        let asking = self.ask_patiently(method, path, asked, body, expected);
        tokio::time::timeout(TIME_LIMIT, asking)
            .await
            .unwrap_or_else(|_| Err(self.too_slow(TimeLimit::Total, TIME_LIMIT)))
    }

    /// Asks for an answer in JSON, however long it takes.
    pub(crate) async fn ask_patiently<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        asked: Asked<'_>,
        body: Option<&serde_json::Value>,
        expected: &'static str,
    ) -> Result<T, LlmError> {
        let mut response = self.send(method, path, asked, body).await?;
        let mut answer = Vec::new();
        while let Some(chunk) = self.chunk(&mut response).await? {
            if answer.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.protocol("an answer of bounded length", &answer));
            }
            answer.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&answer).map_err(|_| self.protocol(expected, &answer))
    }

    pub(crate) async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, LlmError> {
        response.chunk().await.map_err(|error| LlmError::CutShort {
            endpoint: self.endpoint(),
            cause: Some(Cause::innermost(&error)),
        })
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
        let said = Said::read(&body);
        if let Some(overflow) = said.as_ref().and_then(|said| Overflow::read(&said.text)) {
            return asked.too_long(overflow);
        }
        if said
            .as_ref()
            .is_some_and(|said| said.code == "context_length_exceeded")
        {
            return asked.too_long(Overflow::default());
        }
        let is_missing = said.as_ref().is_some_and(Said::names_a_missing_model);
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST) && is_missing {
            return LlmError::NoSuchModel {
                endpoint,
                model: asked.model.to_owned(),
            };
        }
        let is_busy = matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) || status.as_u16() == OVERLOADED;
        if is_busy && !said.as_ref().is_some_and(Said::speaks_of_money) {
            return LlmError::Busy {
                endpoint,
                retry_after,
            };
        }
        let words = said.map_or_else(|| body.into_owned(), |said| said.text);
        LlmError::Status {
            endpoint,
            code: status.as_u16(),
            body: self.told(&words),
        }
    }

    /// What went wrong in the middle of an answer.
    pub(crate) fn broke_off(&self, asked: Asked<'_>, said: &Said) -> LlmError {
        if let Some(overflow) = Overflow::read(&said.text) {
            return asked.too_long(overflow);
        }
        if said.is_overload() {
            return LlmError::Busy {
                endpoint: self.endpoint(),
                retry_after: None,
            };
        }
        LlmError::ErrorInStream {
            endpoint: self.endpoint(),
            message: self.told(&said.text),
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

    pub(crate) fn too_slow(&self, limit: TimeLimit, after: Duration) -> LlmError {
        LlmError::TooSlow {
            endpoint: self.endpoint(),
            limit,
            after,
        }
    }

    pub(crate) fn protocol(&self, expected: &'static str, found: &[u8]) -> LlmError {
        let head = &found[..found.len().min(MAX_ERROR_CHARS * 4)];
        LlmError::Protocol {
            endpoint: self.endpoint(),
            expected,
            found: self.told(&String::from_utf8_lossy(head)),
        }
    }

    pub(crate) const fn not_offered(&self, what: &'static str) -> LlmError {
        LlmError::NotOffered {
            provider: self.lane.provider,
            what,
        }
    }

    /// What a server said, as one bounded line without our key: some repeat it.
    pub(crate) fn told(&self, text: &str) -> String {
        match &self.key {
            Some(key) => one_line(&key.crossed_out_of(text), MAX_ERROR_CHARS),
            None => one_line(text, MAX_ERROR_CHARS),
        }
    }
}

/// The headers of every request.
fn headers(key: Option<&ApiKey>, header: KeyHeader) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let (name, text) = match header {
            KeyHeader::Bearer => (header::AUTHORIZATION, format!("Bearer {}", key.reveal())),
            KeyHeader::XApiKey => (
                HeaderName::from_static("x-api-key"),
                key.reveal().to_owned(),
            ),
        };
        let mut value = HeaderValue::try_from(text).expect("a key is visible ASCII");
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    if header == KeyHeader::XApiKey {
        let version = HeaderValue::from_static(crate::anthropic::VERSION);
        headers.insert(HeaderName::from_static("anthropic-version"), version);
    }
    headers
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
