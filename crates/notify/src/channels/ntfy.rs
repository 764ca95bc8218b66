//! ntfy: one POST of JSON to the server's root, with an access token where the topic wants one. Texts are plain there;
//! a message carries its id as the sequence that clients which know it replace, so that one sent twice shows once.

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
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
/// Longest request, in bytes: ntfy takes none that is longer than twice its longest text.
const MAX_BODY_BYTES: usize = 8_000;
/// By so many bytes a text is cut until its request is short enough: quotes and backslashes are written twice in JSON.
const CUT_BYTES: usize = 300;

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
        let mut request = self
            .http
            .post("")
            .header(CONTENT_TYPE, "application/json")
            .body(bounded_body(message, &self.settings));
        if let Some(token) = &token {
            request = request.bearer_auth(token.reveal());
        }
        let answer = self.http.ask(request, token.as_ref(), true).await?;
        // At the address of a topic ntfy takes any text as a message: ours would arrive as it is written here.
        let topic = self.settings.topic.as_deref();
        if answer.is_not(|kept| kept.get("topic").and_then(Value::as_str) == topic) {
            let why = "200 OK, and not for this topic; url is the server alone, and the topic stands in topic";
            return Err(self.http.somebody_else(why));
        }
        Ok(())
    }

    async fn examine(&self) -> Result<Option<String>, SendError> {
        self.token().await?;
        self.http
            .ask(self.http.get("v1/health"), None, true)
            .await?;
        Ok(Some(format!("ntfy answers at {}", self.http.endpoint())))
    }
}

fn bounded_body(message: &Message, settings: &ChannelSettings) -> String {
    let mut longest = MAX_TEXT_BYTES;
    loop {
        let body = body(message, settings, longest).to_string();
        if body.len() <= MAX_BODY_BYTES || longest <= CUT_BYTES {
            return body;
        }
        longest -= CUT_BYTES;
    }
}

fn body(message: &Message, settings: &ChannelSettings, longest: usize) -> Value {
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
        "message": message.text.plain(longest),
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
