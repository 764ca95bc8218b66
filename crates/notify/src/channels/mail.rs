//! Mail by SMTP: plain text, one mail for one message. What stands in a title cannot begin a header: it is one visible
//! line before it comes here, and is encoded as the standard says. Mails about one issue are one thread: each refers to
//! an id that stands for the issue. TLS is rustls over ring, as everywhere.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use watchkeeper_model::Timestamp;

use super::address::MailSecurity;
use super::http::{authorities, is_of_tls, said};
use super::secret::Secret;
use super::{Address as Endpoint, Channel, OpenError, SendError};
use crate::compose::Message;
use crate::notice::Urgency;
use crate::settings::{ChannelSettings, InvalidChannel};

/// Longest text, in bytes.
const MAX_TEXT_BYTES: usize = 20_000;

/// A mail server.
#[derive(Debug)]
pub(super) struct Mail {
    settings: ChannelSettings,
    host: String,
    port: u16,
    tls: Tls,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mail {
    pub(super) fn new(settings: ChannelSettings) -> Result<Self, OpenError> {
        let wrong = |key, why| InvalidChannel { key, why };
        let address = Endpoint::parse(&settings.url, settings.kind);
        let (host, port, security) = match address.map_err(|why| wrong("url", why))? {
            Endpoint::Mail {
                host,
                port,
                security,
            } => (host, port, security),
            Endpoint::Http(_) => {
                return Err(wrong("url", "url is no mail server".to_owned()).into());
            }
        };
        let mailbox = |key, text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| wrong(key, error.to_string()))
        };
        let from = mailbox("from", settings.from.as_deref().unwrap_or_default())?;
        let to = settings.to.iter().map(|to| mailbox("to", to));
        let to = to.collect::<Result<Vec<_>, _>>()?;
        let tls = match security {
            MailSecurity::Plain => Tls::None,
            MailSecurity::StartTls => Tls::Required(parameters(&settings, &host)?),
            MailSecurity::Implicit => Tls::Wrapper(parameters(&settings, &host)?),
        };
        Ok(Self {
            settings,
            host,
            port,
            tls,
            from,
            to,
        })
    }

    async fn transport(
        &self,
    ) -> Result<(AsyncSmtpTransport<Tokio1Executor>, Option<Secret>), SendError> {
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.as_str())
                .port(self.port)
                .tls(self.tls.clone())
                .timeout(Some(self.settings.timeout.0));
        let mut secret = None;
        if let (Some(login), Some(file)) = (&self.settings.login, &self.settings.token_file) {
            let word = Secret::read(file).await?;
            let credentials = Credentials::new(login.clone(), word.reveal().to_owned());
            builder = builder.credentials(credentials);
            secret = Some(word);
        }
        Ok((builder.build(), secret))
    }

    fn endpoint(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, SendError> {
        let rejected = |said: String| SendError::Rejected {
            endpoint: self.endpoint(),
            said,
        };
        let at = u64::try_from(message.at.as_millis()).unwrap_or(0);
        let domain = self.from.email.domain();
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(format!("[{}] {}", message.watch, message.title))
            .date(UNIX_EPOCH + Duration::from_millis(at))
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(thread) = message.thread() {
            let thread = format!("<{thread}.{}@{domain}>", word(&message.watch));
            builder = builder.in_reply_to(thread.clone()).references(thread);
        }
        let list = format!("<{}.watchkeeper.{domain}>", word(&message.watch));
        builder = builder.raw_header(header("List-Id", &list));
        if message.urgency == Urgency::Critical {
            builder = builder.raw_header(header("Importance", "high"));
        }
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let mut text = message.text.plain(MAX_TEXT_BYTES);
        if let Some(click) = &message.click {
            text.push_str(&format!("\n\n{click}"));
        }
        text.push('\n');
        builder
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| rejected(error.to_string()))
    }

    /// What an error of the conversation means.
    fn meaning(
        &self,
        error: &lettre::transport::smtp::Error,
        secret: Option<&Secret>,
    ) -> SendError {
        let endpoint = self.endpoint();
        let mut words = error.to_string();
        if let Some(source) = std::error::Error::source(error) {
            words = format!("{words}: {source}");
        }
        let said = said(&words, secret);
        if is_of_tls(error) || error.is_tls() {
            return SendError::Untrusted {
                endpoint,
                why: said,
            };
        }
        let code = error.status().map(|code| code.to_string());
        match code.as_deref() {
            Some("530" | "534" | "535" | "538") => SendError::Refused { endpoint, said },
            Some("421" | "450" | "451" | "452" | "454") => SendError::Busy {
                endpoint,
                retry_after: None,
                said,
            },
            Some(_) if error.is_permanent() => SendError::Rejected { endpoint, said },
            Some(_) => SendError::Failed { endpoint, said },
            None if error.is_timeout() => self.too_slow(),
            None if error.is_client() => SendError::Failed { endpoint, said },
            None => SendError::Unreachable {
                endpoint,
                why: said,
            },
        }
    }

    fn too_slow(&self) -> SendError {
        SendError::TooSlow {
            endpoint: self.endpoint(),
            limit_ms: u64::try_from(self.settings.timeout.0.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A name as a part of an id: letters, digits and hyphens.
fn word(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(letter).collect()
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::new(name, value.to_owned())
}

fn parameters(settings: &ChannelSettings, host: &str) -> Result<TlsParameters, OpenError> {
    let unusable = |why: String| OpenError::Authority {
        channel: settings.name.clone(),
        why,
    };
    let mut builder = TlsParameters::builder(host.to_owned());
    for authority in authorities(settings)? {
        let certificate = Certificate::from_der(authority.to_vec());
        builder =
            builder.add_root_certificate(certificate.map_err(|error| unusable(error.to_string()))?);
    }
    builder
        .build_rustls()
        .map_err(|error| unusable(error.to_string()))
}

/// One mail on its way.
struct Way<'m> {
    mail: &'m Mail,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    secret: Option<Secret>,
    text: Vec<u8>,
}

impl Way<'_> {
    /// A server that refuses one mailbox refuses the mail; the others are there all the same.
    async fn send_to_all(&self) -> Result<(), SendError> {
        let all: Vec<Address> = self.mail.to.iter().map(|to| to.email.clone()).collect();
        match self.send(all.clone()).await {
            Err(SendError::Rejected { .. }) if all.len() > 1 => self.send_to_each(all).await,
            sent => sent,
        }
    }

    async fn send(&self, to: Vec<Address>) -> Result<(), SendError> {
        let refused = |error: lettre::error::Error| SendError::Rejected {
            endpoint: self.mail.endpoint(),
            said: error.to_string(),
        };
        let envelope = Envelope::new(Some(self.mail.from.email.clone()), to).map_err(refused)?;
        match self.transport.send_raw(&envelope, &self.text).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.mail.meaning(&error, self.secret.as_ref())),
        }
    }

    /// To one mailbox after the other. Where some are refused, says which, and that the others have it.
    async fn send_to_each(&self, all: Vec<Address>) -> Result<(), SendError> {
        let mut refused = Vec::new();
        for to in all {
            match self.send(vec![to.clone()]).await {
                Ok(()) => {}
                Err(SendError::Rejected { said, .. }) => refused.push(format!("{to}: {said}")),
                Err(error) => return Err(error),
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        let others = match refused.len() < self.mail.to.len() {
            true => "; everybody else has it",
            false => "",
        };
        Err(SendError::Rejected {
            endpoint: self.mail.endpoint(),
            said: format!("{}{others}", refused.join(", ")),
        })
    }
}

#[async_trait]
impl Channel for Mail {
    fn settings(&self) -> &ChannelSettings {
        &self.settings
    }

    async fn send(&self, message: &Message, _now: Timestamp) -> Result<(), SendError> {
        let mail = self.mail(message)?;
        let (transport, secret) = self.transport().await?;
        let way = Way {
            mail: self,
            transport,
            secret,
            text: mail.formatted(),
        };
        match tokio::time::timeout(self.settings.timeout.0, way.send_to_all()).await {
            Ok(sent) => sent,
            Err(_) => Err(self.too_slow()),
        }
    }

    async fn examine(&self) -> Result<Option<String>, SendError> {
        let (transport, secret) = self.transport().await?;
        match tokio::time::timeout(self.settings.timeout.0, transport.test_connection()).await {
            Ok(Ok(_)) => Ok(Some(format!(
                "the mail server answers at {}",
                self.endpoint()
            ))),
            Ok(Err(error)) => Err(self.meaning(&error, secret.as_ref())),
            Err(_) => Err(self.too_slow()),
        }
    }
}
