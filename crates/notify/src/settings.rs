//! What a person says of a channel. Secrets are never said here: a file holds them.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;

use crate::channels::Address;

/// Longest name of a channel, in bytes.
const MAX_NAME_BYTES: usize = 40;
/// Longest address of a picture, in bytes.
const MAX_IMAGE_BYTES: usize = 2_048;
/// Most addresses of one mail.
const MAX_RECIPIENTS: usize = 20;

/// What is spoken there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// Gotify.
    #[default]
    Gotify,
    /// ntfy.
    Ntfy,
    /// A signed POST of JSON.
    Webhook,
    /// Mail by SMTP.
    Mail,
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gotify => "gotify",
            Self::Ntfy => "ntfy",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        })
    }
}

/// One way to tell people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// What it is called in routes, status and log.
    #[serde(default = "ChannelSettings::default_name")]
    pub name: String,
    /// What is spoken there.
    #[serde(default)]
    pub kind: ChannelKind,
    /// Where: `https://…`; for mail `smtps://host:465` (encrypted from the start) or `smtp://host:587` (STARTTLS).
    #[serde(default)]
    pub url: String,
    /// A file with the secret and nothing else: Gotify's application token, ntfy's access token, the key that signs a
    /// webhook, mail's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The topic at ntfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The account at the mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// From whom a mail comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To whom a mail goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Whose it is: the account that may decide by links in its messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// A picture that is shown with what is critical, by its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// An authority that is trusted beside those of the system: a file in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Messages an hour; what is critical may use twice as many.
    #[serde(default = "ChannelSettings::default_per_hour")]
    pub per_hour: u32,
    /// How long one message may take.
    #[serde(default = "ChannelSettings::default_timeout")]
    pub timeout: Span,
}

/// Why a channel cannot be used as it is said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct InvalidChannel {
    /// The key that is wrong.
    pub key: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl ChannelSettings {
    fn default_name() -> String {
        "gotify".to_owned()
    }

    const fn default_per_hour() -> u32 {
        30
    }

    const fn default_timeout() -> Span {
        Span::seconds(10)
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn validate(&self) -> Result<(), InvalidChannel> {
        let wrong = |key, why: String| Err(InvalidChannel { key, why });
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let name = &self.name;
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(letters) {
            let why = format!(
                "a channel's name has 1 to {MAX_NAME_BYTES} small letters, digits, - and _"
            );
            return wrong("name", why);
        }
        if !(1..=1_000).contains(&self.per_hour) {
            let why = format!("channel {name}: per_hour must lie between 1 and 1000");
            return wrong("per_hour", why);
        }
        if !(Span::seconds(1)..=Span::minutes(1)).contains(&self.timeout) {
            let why = format!("channel {name}: timeout must lie between 1s and 1m");
            return wrong("timeout", why);
        }
        if let Err(why) = Address::parse(&self.url, self.kind) {
            return wrong("url", format!("channel {name}: {why}"));
        }
        self.validate_kind().map_err(|(key, why)| InvalidChannel {
            key,
            why: format!("channel {name}: {why}"),
        })
    }

    fn validate_kind(&self) -> Result<(), (&'static str, String)> {
        let mail = self.kind == ChannelKind::Mail;
        for (key, said, fits) in [
            (
                "topic",
                self.topic.is_some(),
                self.kind == ChannelKind::Ntfy,
            ),
            ("login", self.login.is_some(), mail),
            ("from", self.from.is_some(), mail),
            ("to", !self.to.is_empty(), mail),
        ] {
            if said && !fits {
                return Err((key, format!("{key} means nothing for {}", self.kind)));
            }
        }
        let needs = |key, why: &str| Err((key, why.to_owned()));
        match self.kind {
            ChannelKind::Gotify if self.token_file.is_none() => {
                needs("token_file", "Gotify wants the token of an application")
            }
            ChannelKind::Webhook if self.token_file.is_none() => needs(
                "token_file",
                "a webhook is signed; name the file with the key",
            ),
            ChannelKind::Ntfy if !self.topic.as_deref().is_some_and(is_topic) => needs(
                "topic",
                "ntfy wants a topic of 1 to 64 letters, digits, - and _",
            ),
            ChannelKind::Mail => self.validate_mail(),
            _ => Ok(()),
        }?;
        if let Some(why) = self.says_too_much() {
            return Err(("url", why));
        }
        match &self.image {
            Some(image) if !is_picture(image) => needs("image", "image is no address of a picture"),
            _ => Ok(()),
        }
    }

    /// What one would copy from a browser or a command, and is more than the server's address.
    fn says_too_much(&self) -> Option<String> {
        let url = reqwest::Url::parse(&self.url).ok()?;
        let last = url.path_segments()?.rfind(|part| !part.is_empty())?;
        match self.kind {
            ChannelKind::Ntfy if Some(last) == self.topic.as_deref() => Some(format!(
                "url ends with the topic; write the server alone, and topic = {last:?}"
            )),
            ChannelKind::Gotify if last == "message" => {
                Some("url ends with /message; write the server alone".to_owned())
            }
            _ => None,
        }
    }

    fn validate_mail(&self) -> Result<(), (&'static str, String)> {
        let is_address = |text: &str| text.parse::<lettre::message::Mailbox>().is_ok();
        if !self.from.as_deref().is_some_and(is_address) {
            return Err(("from", "from is no address of a mail".to_owned()));
        }
        if self.to.is_empty() || self.to.len() > MAX_RECIPIENTS {
            let why = format!("a mail goes to 1 to {MAX_RECIPIENTS} addresses");
            return Err(("to", why));
        }
        if let Some(bad) = self.to.iter().find(|to| !is_address(to)) {
            return Err(("to", format!("{bad:?} is no address of a mail")));
        }
        if self.login.is_some() != self.token_file.is_some() {
            let why = "login and token_file (the password) belong together".to_owned();
            return Err(("login", why));
        }
        Ok(())
    }
}

fn is_picture(image: &str) -> bool {
    let url = reqwest::Url::parse(image);
    image.len() <= MAX_IMAGE_BYTES
        && url.is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some())
}

fn is_topic(topic: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (1..=64).contains(&topic.len()) && topic.chars().all(letters)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A channel of a kind at an address, for tests.
    pub(crate) fn channel(kind: ChannelKind, url: &str) -> ChannelSettings {
        let mail = kind == ChannelKind::Mail;
        ChannelSettings {
            name: "phone".to_owned(),
            kind,
            url: url.to_owned(),
            token_file: (!mail).then(|| PathBuf::from("/token")),
            topic: (kind == ChannelKind::Ntfy).then(|| "watch".to_owned()),
            login: None,
            from: mail.then(|| "Watch <watch@example.org>".to_owned()),
            to: if mail {
                vec!["anna@example.org".to_owned()]
            } else {
                Vec::new()
            },
            person: None,
            image: None,
            ca_file: None,
            per_hour: 30,
            timeout: Span::seconds(10),
        }
    }

    fn wrong(settings: &ChannelSettings) -> Option<&'static str> {
        settings.validate().err().map(|error| error.key)
    }

    #[test]
    fn what_a_kind_needs_is_said_and_nothing_else() {
        let gotify = channel(ChannelKind::Gotify, "https://push.example.org");
        assert_eq!(wrong(&gotify), None);
        let ntfy = channel(ChannelKind::Ntfy, "https://ntfy.example.org");
        assert_eq!(wrong(&ntfy), None);
        let mail = channel(ChannelKind::Mail, "smtps://mail.example.org:465");
        assert_eq!(wrong(&mail), None);
        let cases = [
            (
                ChannelSettings {
                    name: "Phone!".to_owned(),
                    ..gotify.clone()
                },
                "name",
            ),
            (
                ChannelSettings {
                    token_file: None,
                    ..gotify.clone()
                },
                "token_file",
            ),
            (
                ChannelSettings {
                    topic: Some("x".to_owned()),
                    ..gotify.clone()
                },
                "topic",
            ),
            (
                ChannelSettings {
                    topic: Some("a b".to_owned()),
                    ..ntfy.clone()
                },
                "topic",
            ),
            (
                ChannelSettings {
                    url: "https://ntfy.example.org/watch".to_owned(),
                    ..ntfy.clone()
                },
                "url",
            ),
            (
                ChannelSettings {
                    url: "https://push.example.org/message/".to_owned(),
                    ..gotify.clone()
                },
                "url",
            ),
            (
                ChannelSettings {
                    per_hour: 0,
                    ..ntfy
                },
                "per_hour",
            ),
            (
                ChannelSettings {
                    from: Some("nobody".to_owned()),
                    ..mail.clone()
                },
                "from",
            ),
            (
                ChannelSettings {
                    to: vec!["a@b\r\nBcc: c@d".to_owned()],
                    ..mail.clone()
                },
                "to",
            ),
            (
                ChannelSettings {
                    login: Some("anna".to_owned()),
                    ..mail
                },
                "login",
            ),
            (
                ChannelSettings {
                    timeout: Span::hours(1),
                    ..gotify.clone()
                },
                "timeout",
            ),
            (
                ChannelSettings {
                    image: Some("javascript:x".to_owned()),
                    ..gotify.clone()
                },
                "image",
            ),
            (
                ChannelSettings {
                    image: Some("https://".to_owned()),
                    ..gotify
                },
                "image",
            ),
        ];
        for (settings, key) in cases {
            assert_eq!(wrong(&settings), Some(key), "{settings:?}");
        }
    }
}
