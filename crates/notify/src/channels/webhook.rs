//! A webhook: one POST of JSON, signed. What is signed is the time and the very bytes of the body, so that nobody can
//! change either, or send an old one again later:
//!
//! ```text
//! Watchkeeper-Id: 4f0c…                       the same at every try
//! Watchkeeper-Timestamp: 1781524800           seconds since 1970
//! Watchkeeper-Signature: v1=<hex of HMAC-SHA256(key, "1781524800.<body>")>
//! ```

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use sha2::Sha256;
use watchkeeper_model::Timestamp;

use super::http::Http;
use super::secret::Secret;
use super::{Channel, OpenError, SendError};
use crate::compose::Message;
use crate::notice::Notice;
use crate::settings::ChannelSettings;

/// Longest text, in bytes.
const MAX_TEXT_BYTES: usize = 8_000;
/// Longest body, in bytes: many receivers take 100 kB and no more.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The signature of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Seconds since 1970.
    pub timestamp: i64,
    /// What stands in the header.
    pub header: String,
}

/// Signs a body.
#[must_use]
pub fn sign(key: &[u8], at: Timestamp, body: &[u8]) -> Signature {
    let timestamp = at.as_millis().div_euclid(1_000);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is one");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Signature {
        timestamp,
        header: format!("v1={}", hex::encode(mac.finalize().into_bytes())),
    }
}

/// Whoever takes a signed POST.
#[derive(Debug)]
pub(super) struct Webhook {
    settings: ChannelSettings,
    http: Http,
}

impl Webhook {
    pub(super) fn new(settings: ChannelSettings) -> Result<Self, OpenError> {
        let http = Http::new(&settings)?;
        Ok(Self { settings, http })
    }
}

#[async_trait]
impl Channel for Webhook {
    fn settings(&self) -> &ChannelSettings {
        &self.settings
    }

    async fn send(&self, message: &Message, now: Timestamp) -> Result<(), SendError> {
        let file = self.settings.token_file.as_deref().unwrap_or("".as_ref());
        let key = Secret::read(file).await?;
        let bytes = bounded_body(message);
        let signature = sign(key.reveal().as_bytes(), now, &bytes);
        let request = self
            .http
            .post("")
            .header(CONTENT_TYPE, "application/json")
            .header("Watchkeeper-Id", &message.id)
            .header("Watchkeeper-Timestamp", signature.timestamp)
            .header("Watchkeeper-Signature", signature.header)
            .body(bytes);
        self.http.ask(request, Some(&key), false).await.map(drop)
    }

    async fn examine(&self) -> Result<Option<String>, SendError> {
        let file = self.settings.token_file.as_deref().unwrap_or("".as_ref());
        Secret::read(file).await.map(|_| None)
    }
}

/// A body of bounded length: where there is too much, first the texts of notices are left out, then notices, which are
/// told by their number.
fn bounded_body(message: &Message) -> Vec<u8> {
    let mut notices = message.notices.clone();
    loop {
        let left_out = (message.notices.len() - notices.len()) as u64;
        let body = body(message, &notices, message.more + left_out);
        let bytes = serde_json::to_vec(&body).expect("our own values are data");
        if bytes.len() <= MAX_BODY_BYTES || notices.is_empty() {
            return bytes;
        }
        if notices.iter().all(|notice| notice.text.is_empty()) {
            notices.truncate(notices.len() / 2);
        }
        notices.iter_mut().for_each(|notice| notice.text.clear());
    }
}

fn body(message: &Message, notices: &[Notice], more: u64) -> Value {
    json!({
        "version": 1,
        "id": message.id,
        "at": message.at,
        "watch": message.watch,
        "title": message.title,
        "text": message.text.plain(MAX_TEXT_BYTES),
        "urgency": message.urgency,
        "priority": message.priority.unwrap_or_else(|| message.urgency.gotify()),
        "click": message.click,
        "notices": notices,
        "more": more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of RFC 4231's second case would need a timestamp of its text; this one was made by another tool:
    /// `printf '1781524800.{}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn a_signature_covers_time_and_body() {
        let at = Timestamp::from_millis(1_781_524_800_999);
        let one = sign(b"key", at, b"{}");
        assert_eq!(one.timestamp, 1_781_524_800);
        assert_eq!(one.header, EXPECTED);
        assert_ne!(one.header, sign(b"key", at, b"{ }").header);
        assert_ne!(one.header, sign(b"kez", at, b"{}").header);
        let later = at.after(std::time::Duration::from_secs(1));
        assert_ne!(one.header, sign(b"key", later, b"{}").header);
    }

    const EXPECTED: &str = "v1=0a3e3e3576b2f3795bf88ba3619c81ae38b758c95f215ac61f5b85b1bc5a205f";
}
