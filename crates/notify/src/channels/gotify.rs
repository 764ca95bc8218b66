//! Gotify: one POST of JSON with the token of an application in a header. Texts are Markdown there.

use async_trait::async_trait;
use serde_json::{Value, json};
use watchkeeper_model::Timestamp;

use super::http::Http;
use super::secret::Secret;
use super::{Channel, OpenError, SendError};
use crate::compose::Message;
use crate::notice::Urgency;
use crate::settings::ChannelSettings;

/// Longest text, in bytes.
const MAX_TEXT_BYTES: usize = 8_000;

/// A Gotify server.
#[derive(Debug)]
pub(super) struct Gotify {
    settings: ChannelSettings,
    http: Http,
}

impl Gotify {
    pub(super) fn new(settings: ChannelSettings) -> Result<Self, OpenError> {
        let http = Http::new(&settings)?;
        Ok(Self { settings, http })
    }

    async fn token(&self) -> Result<Secret, SendError> {
        let file = self.settings.token_file.as_deref().unwrap_or("".as_ref());
        Secret::for_header(file).await
    }
}

#[async_trait]
impl Channel for Gotify {
    fn settings(&self) -> &ChannelSettings {
        &self.settings
    }

    async fn send(&self, message: &Message, _now: Timestamp) -> Result<(), SendError> {
        let token = self.token().await?;
        let request = self
            .http
            .post("message")
            .header("X-Gotify-Key", token.reveal())
            .json(&body(message, self.settings.image.as_deref()));
        let answer = self.http.ask(request, Some(&token), true).await?;
        if answer.is_not(|kept| kept.get("id").is_some_and(Value::is_u64)) {
            let why = "200 OK, and what it says is no message that Gotify has kept";
            return Err(self.http.somebody_else(why));
        }
        Ok(())
    }

    async fn examine(&self) -> Result<Option<String>, SendError> {
        self.token().await?;
        let answer = self.http.ask(self.http.get("version"), None, true).await?;
        let answer: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let Some(version) = answer.get("version").and_then(Value::as_str) else {
            let why = "200 OK, and names no version, so somebody else than Gotify answers there";
            return Err(self.http.somebody_else(why));
        };
        let version = super::http::said(version, None);
        let endpoint = self.http.endpoint();
        Ok(Some(format!("Gotify {version} answers at {endpoint}")))
    }
}

fn body(message: &Message, image: Option<&str>) -> Value {
    let mut notification = json!({});
    if let Some(click) = &message.click {
        notification["click"] = json!({ "url": click });
    }
    if let Some(image) = image.filter(|_| message.urgency == Urgency::Critical) {
        notification["bigImageUrl"] = json!(image);
    }
    let mut extras = json!({ "client::display": { "contentType": "text/markdown" } });
    if notification != json!({}) {
        extras["client::notification"] = notification;
    }
    json!({
        "title": message.title,
        "message": message.text.markdown(MAX_TEXT_BYTES),
        "priority": message.priority.unwrap_or_else(|| message.urgency.gotify()),
        "extras": extras,
    })
}
