//! What the channels over HTTP have in common: one client, one request, no redirections, an answer of bounded length
//! that is read as far as it says why not.

use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::time::Instant;
use watchkeeper_model::{bounded, visible};

use super::secret::Secret;
use super::{Address, OpenError, SendError};
use crate::settings::ChannelSettings;

/// So much of an answer is read: Gotify repeats the message.
const MAX_ANSWER_BYTES: usize = 32 * 1024;
/// So much of what a server says is kept.
const MAX_SAID_CHARS: usize = 300;

/// What was answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Its text, as far as it was read.
    pub(super) text: String,
    /// Whether that is all of it.
    whole: bool,
}

impl Answer {
    /// Whether it says something else than it should. One that broke off says nothing.
    pub(super) fn is_not(&self, wanted: impl FnOnce(&Value) -> bool) -> bool {
        self.whole && !serde_json::from_str(&self.text).is_ok_and(|value| wanted(&value))
    }
}

/// The way to a server.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    url: Url,
    endpoint: String,
    timeout: Duration,
}

impl Http {
    /// Nothing is sent yet.
    pub(super) fn new(settings: &ChannelSettings) -> Result<Self, OpenError> {
        let invalid = |why| crate::InvalidChannel { key: "url", why };
        let address = Address::parse(&settings.url, settings.kind).map_err(invalid)?;
        let endpoint = address.shown();
        let Address::Http(url) = address else {
            return Err(invalid("url is no address of a web server".to_owned()).into());
        };
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(settings.timeout.0)
            .pool_max_idle_per_host(0)
            .tls_backend_preconfigured(tls(settings, url.scheme() == "https")?)
            .user_agent(concat!("watchkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client with its TLS given and no proxy needs nothing of the system");
        Ok(Self {
            client,
            url,
            endpoint,
            timeout: settings.timeout.0,
        })
    }

    /// The address of one of the server's methods, below whatever prefix it has.
    fn method(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        if !path.is_empty() {
            let prefix = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{prefix}/{path}"));
        }
        url
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.method(path))
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.method(path))
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends a request and reads its answer. With `expects_json`, an answer that is none comes from somebody else.
    pub(super) async fn ask(
        &self,
        request: RequestBuilder,
        secret: Option<&Secret>,
        expects_json: bool,
    ) -> Result<Answer, SendError> {
        let deadline = Instant::now() + self.timeout;
        let sent = tokio::time::timeout_at(deadline, request.send()).await;
        let response = sent
            .map_err(|_| self.too_slow())?
            .map_err(|error| self.no_answer(&error))?;
        self.judge(response, deadline, secret, expects_json).await
    }

    fn too_slow(&self) -> SendError {
        SendError::TooSlow {
            endpoint: self.endpoint.clone(),
            limit_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn no_answer(&self, error: &reqwest::Error) -> SendError {
        let endpoint = self.endpoint.clone();
        let why = said(&innermost(error), None);
        match is_of_tls(error) {
            true => SendError::Untrusted { endpoint, why },
            false => SendError::Unreachable { endpoint, why },
        }
    }

    /// What answers there is not what should.
    pub(super) fn somebody_else(&self, why: &str) -> SendError {
        SendError::Failed {
            endpoint: self.endpoint.clone(),
            said: said(why, None),
        }
    }

    async fn judge(
        &self,
        response: Response,
        deadline: Instant,
        secret: Option<&Secret>,
        expects_json: bool,
    ) -> Result<Answer, SendError> {
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let leads_to = leads_to(status, response.headers());
        let kind = header(response.headers(), CONTENT_TYPE).unwrap_or_default();
        let is_json = kind.to_ascii_lowercase().starts_with("application/json");
        if status.is_success() && expects_json && !is_json {
            let why = format!("{status} without JSON, so somebody else answers there");
            return Err(self.somebody_else(&why));
        }
        // Once the status says that it was taken, it was: what does not follow any more makes it no failure.
        let answer = read(response, deadline).await;
        if status.is_success() {
            return Ok(answer);
        }
        let words = leads_to.unwrap_or_else(|| words(&answer.text));
        Err(self.refusal(status, retry_after, &words, secret))
    }

    fn refusal(
        &self,
        status: StatusCode,
        retry_after: Option<Duration>,
        words: &str,
        secret: Option<&Secret>,
    ) -> SendError {
        let endpoint = self.endpoint.clone();
        let words = said(words, secret);
        let said = match words.is_empty() {
            true => status.to_string(),
            false => format!("{status}: {words}"),
        };
        match status.as_u16() {
            401 | 403 => SendError::Refused { endpoint, said },
            429 | 503 => SendError::Busy {
                endpoint,
                retry_after,
                said,
            },
            400 | 413 | 422 => SendError::Rejected { endpoint, said },
            _ => SendError::Failed { endpoint, said },
        }
    }
}

/// What a client trusts: the system's authorities, and one that the owner names.
pub(super) fn tls(settings: &ChannelSettings, encrypted: bool) -> Result<ClientConfig, OpenError> {
    let mut roots = RootCertStore::empty();
    if encrypted {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for authority in authorities(settings)? {
            roots
                .add(authority)
                .map_err(|error| bad_authority(settings, &error))?;
        }
        if roots.is_empty() {
            return Err(OpenError::NoRoots {
                channel: settings.name.clone(),
            });
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need")
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The authorities that the owner names.
pub(super) fn authorities(
    settings: &ChannelSettings,
) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let Some(file) = &settings.ca_file else {
        return Ok(Vec::new());
    };
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad_authority(settings, &error))
}

fn bad_authority(settings: &ChannelSettings, error: &dyn std::error::Error) -> OpenError {
    OpenError::Authority {
        channel: settings.name.clone(),
        why: error.to_string(),
    }
}

async fn read(mut response: Response, deadline: Instant) -> Answer {
    let mut body = Vec::new();
    let whole = loop {
        match tokio::time::timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = MAX_ANSWER_BYTES - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if body.len() >= MAX_ANSWER_BYTES {
                    break false;
                }
            }
            Ok(Ok(None)) => break true,
            Ok(Err(_)) | Err(_) => break false,
        }
    };
    Answer {
        text: String::from_utf8_lossy(&body).into_owned(),
        whole,
    }
}

/// The sentence in an error's body, as Gotify and ntfy write it; else the body.
fn words(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let found = json.as_ref().and_then(|json| {
        ["errorDescription", "error", "message"]
            .iter()
            .find_map(|key| json.get(key)?.as_str())
    });
    found.unwrap_or(body).to_owned()
}

/// What a server says, fit to be kept.
pub(super) fn said(text: &str, secret: Option<&Secret>) -> String {
    let text = secret.map_or_else(|| text.to_owned(), |secret| secret.crossed_out_of(text));
    bounded(&visible(text.trim()), MAX_SAID_CHARS).into_owned()
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How long the server asks to be left alone: in seconds, or until a date by its own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = header(headers, RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| Some(rfc2822::parse(text.trim()).ok()?.timestamp());
    let (now, until) = (moment(header(headers, DATE)?)?, moment(value)?);
    Duration::try_from(until.duration_since(now)).ok()
}

/// Where a redirection leads to, without what stands behind a question mark.
fn leads_to(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    if !status.is_redirection() {
        return None;
    }
    let mut url = Url::parse(header(headers, LOCATION)?).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(format!("it leads to {url}; write into url where that is"))
}

/// Whether an error is one of TLS: somebody is there, and is not trusted.
pub(super) fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    // What an error of input and output wraps is not its source, but what it says.
    let wrapped = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    match wrapped {
        _ if error.is::<rustls::Error>() => true,
        Some(wrapped) => is_of_tls(wrapped),
        None => error.source().is_some_and(is_of_tls),
    }
}

/// The cause at the bottom: what stands above it repeats the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
