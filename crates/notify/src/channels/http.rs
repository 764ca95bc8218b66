//! What the channels over HTTP have in common: one client, one request, no redirections, an answer of bounded length
//! that is read as far as it says why not.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use watchkeeper_model::{bounded, visible};

use super::secret::Secret;
use super::{Address, OpenError, SendError};
use crate::settings::ChannelSettings;

/// So much of an answer is read.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// So much of what a server says is kept.
const MAX_SAID_CHARS: usize = 300;

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
    ) -> Result<String, SendError> {
        let asked = async {
            let response = request
                .send()
                .await
                .map_err(|error| self.no_answer(&error))?;
            self.judge(response, secret, expects_json).await
        };
        tokio::time::timeout(self.timeout, asked)
            .await
            .unwrap_or_else(|_| {
                Err(SendError::TooSlow {
                    endpoint: self.endpoint.clone(),
                    limit_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
                })
            })
    }

    fn no_answer(&self, error: &reqwest::Error) -> SendError {
        let why = innermost(error);
        SendError::Unreachable {
            endpoint: self.endpoint.clone(),
            why: said(&why, None),
        }
    }

    async fn judge(
        &self,
        response: Response,
        secret: Option<&Secret>,
        expects_json: bool,
    ) -> Result<String, SendError> {
        let status = response.status();
        let retry_after = retry_after(&response);
        let is_json = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json"));
        if status.is_success() && expects_json && !is_json {
            return Err(SendError::Failed {
                endpoint: self.endpoint.clone(),
                said: format!("{status} without JSON, so somebody else answers there"),
            });
        }
        // Once the status says that it was taken, it was: what follows is only worth reading.
        let body = read(response).await;
        if status.is_success() {
            return Ok(body);
        }
        Err(self.refusal(status, retry_after, &words(&body), secret))
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

async fn read(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MAX_ANSWER_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() >= MAX_ANSWER_BYTES {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// The sentence in an error's body, as Gotify and ntfy write it; else the body.
fn words(body: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
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

/// Seconds, as servers of messages write it.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// The cause at the bottom: what stands above it repeats the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
