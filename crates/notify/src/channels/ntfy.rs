//! ntfy: one POST of JSON to the server's root, with an access token where the topic wants one. Texts are plain there;
//! a message carries its id as the sequence that clients which know it replace, so that one sent twice shows once.

use async_trait::async_trait;
use serde_json::{Value, json};
use watchkeeper_model::Timestamp;

use super::http::Http;
use super::secret::Secret;
use super::{Channel, OpenError, SendError};
use crate::compose::Message;
use crate::notice::Urgency;
use crate::settings::ChannelSettings;

/// Longest text, in bytes: of a longer one ntfy makes a file.
const MAX_TEXT_BYTES: usize = 3_900;

/// An ntfy server.
#[derive(Debug)]
pub(super) struct Ntfy {
    settings: ChannelSettings,
    http: Http,
}

impl Ntfy {
    pub(super) fn new(settings: ChannelSettings) -> Result<Self, OpenError> {
        let http = Http::new(&settings)?;
        Ok(Self { settings, http })
    }

    async fn token(&self) -> Result<Option<Secret>, SendError> {
        match &self.settings.token_file {
            None => Ok(None),
            Some(file) => Secret::for_header(file).await.map(Some),
        }
    }
}

#[async_trait]
impl Channel for Ntfy {
    fn settings(&self) -> &ChannelSettings {
        &self.settings
    }

    async fn send(&self, message: &Message, _now: Timestamp) -> Result<(), SendError> {
        let token = self.token().await?;
        let mut request = self.http.post("").json(&body(message, &self.settings));
        if let Some(token) = &token {
            request = request.bearer_auth(token.reveal());
        }
        self.http.ask(request, token.as_ref(), true).await.map(drop)
    }

    async fn examine(&self) -> Result<Option<String>, SendError> {
        self.token().await?;
        self.http
            .ask(self.http.get("v1/health"), None, true)
            .await?;
        Ok(Some(format!("ntfy answers at {}", self.http.endpoint())))
    }
}

fn body(message: &Message, settings: &ChannelSettings) -> Value {
    let (priority, tag) = match message
        .priority
        .map_or(message.urgency, Urgency::of_priority)
    {
        Urgency::Information => (2, "information_source"),
        Urgency::Attention => (4, "warning"),
        Urgency::Critical => (5, "rotating_light"),
    };
    let mut body = json!({
        "topic": settings.topic,
        "title": message.title,
        "message": message.text.plain(MAX_TEXT_BYTES),
        "priority": priority,
        "tags": [tag],
        "sequence_id": message.id,
    });
    if let Some(click) = &message.click {
        body["click"] = json!(click);
        // Three are the most that a phone shows; each only opens a page, so that no button decides anything.
        body["actions"] = json!([{ "action": "view", "label": "Open", "url": click }]);
    }
    if let Some(image) = &settings.image
        && message.urgency == Urgency::Critical
    {
        body["attach"] = json!(image);
    }
    body
}
