//! Mail by SMTP: plain text, one mail for one message. What stands in a title cannot begin a header: it is one visible
//! line before it comes here, and is encoded as the standard says. TLS is rustls over ring, as everywhere.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use watchkeeper_model::Timestamp;

use super::address::MailSecurity;
use super::http::{authorities, said};
use super::secret::Secret;
use super::{Address, Channel, OpenError, SendError};
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
        let address = Address::parse(&settings.url, settings.kind);
        let (host, port, security) = match address.map_err(|why| wrong("url", why))? {
            Address::Mail {
                host,
                port,
                security,
            } => (host, port, security),
            Address::Http(_) => {
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
            None if error.is_tls() || error.is_client() => SendError::Failed { endpoint, said },
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

#[async_trait]
impl Channel for Mail {
    fn settings(&self) -> &ChannelSettings {
        &self.settings
    }

    async fn send(&self, message: &Message, _now: Timestamp) -> Result<(), SendError> {
        let mail = self.mail(message)?;
        let (transport, secret) = self.transport().await?;
        match tokio::time::timeout(self.settings.timeout.0, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.meaning(&error, secret.as_ref())),
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
