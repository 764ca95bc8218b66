//! The configuration of one LLM endpoint that serves one request at a time.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use watchkeeper_model::Priority;

use crate::egress::{EVERY_HOST, PRIVATE};
use crate::{BreakerSettings, ChatRequest, Endpoint, Message, Span, SpanError, Think};

/// One LLM endpoint and the model that is asked there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// What it is called in status and log.
    #[serde(default = "Lane::default_name")]
    pub name: String,
    /// What is spoken there.
    #[serde(default)]
    pub provider: ProviderKind,
    /// Where the server listens.
    #[serde(default)]
    pub url: Endpoint,
    /// A file that holds the provider's key and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// Whether its owner says that the server stands on their own premises. What leaves them, `[egress]` says.
    #[serde(default)]
    pub private: bool,
    /// The model, as the server calls it; left out where the lane only makes vectors.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// A small model that decides whether the other is needed at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triage_model: Option<String>,
    /// The model that is asked for a second opinion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critic_model: Option<String>,
    /// The model that makes vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_model: Option<String>,
    /// Questions the endpoint answers at one time.
    #[serde(default = "Lane::default_parallel")]
    pub parallel: u32,
    /// The priorities it serves; with none said, all.
    #[serde(default)]
    pub takes: Vec<Priority>,
    /// Lanes it stands by for: it serves only while none of them can.
    #[serde(default)]
    pub standby_for: Vec<String>,
    /// Whether its models may call tools: on, off, or auto for as the server says.
    #[serde(default)]
    pub tools: ToolsSwitch,
    /// The context the model is run with, in tokens: prompt and answer together.
    #[serde(default = "Lane::default_context")]
    pub context: u32,
    /// The longest answer, in tokens; its room is kept free in the context.
    #[serde(default = "Lane::default_max_tokens")]
    pub max_tokens: u32,
    /// How freely the model answers, from 0 to 2.
    #[serde(default = "Lane::default_temperature")]
    pub temperature: f32,
    /// How long the model stays loaded after an answer: a time, `0s` for not at all, or `forever`.
    #[serde(default)]
    pub keep_alive: KeepAlive,
    /// Whether the model thinks before it answers: off, on, low, medium, high.
    #[serde(default)]
    pub think: Think,
    /// How long to wait for what.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// When the endpoint is left alone after failures.
    #[serde(default)]
    pub breaker: BreakerSettings,
}

/// What is spoken at an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Ollama's own protocol.
    #[default]
    Ollama,
    /// OpenAI's protocol as others speak it: vLLM, llama.cpp, LM Studio.
    OpenaiCompatible,
    /// OpenAI itself.
    Openai,
    /// Anthropic's messages.
    Anthropic,
}

impl ProviderKind {
    /// Where the provider itself is, for those that are one place in the world.
    #[must_use]
    pub const fn home(self) -> Option<&'static str> {
        match self {
            Self::Ollama | Self::OpenaiCompatible => None,
            Self::Openai => Some("https://api.openai.com"),
            Self::Anthropic => Some("https://api.anthropic.com"),
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ollama => "Ollama",
            Self::OpenaiCompatible => "OpenAI-compatible",
            Self::Openai => "OpenAI",
            Self::Anthropic => "Anthropic",
        })
    }
}

/// Whether models of a lane may call tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolsSwitch {
    /// As the server says; where it does not, they may.
    #[default]
    Auto,
    /// They may.
    On,
    /// They may not: what they are to do is asked for as JSON.
    Off,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Span,
    /// For the first byte of an answer: behind other requests, while the model is loaded and the prompt read, a
    /// server sends nothing at all.
    pub first_byte: Span,
    /// Between two pieces of an answer.
    pub idle: Span,
    /// For the whole answer.
    pub total: Span,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Span::seconds(5),
            first_byte: Span::minutes(5),
            idle: Span::seconds(60),
            total: Span::minutes(15),
        }
    }
}

/// How long a model stays loaded after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// So long; zero unloads it at once.
    For(Span),
    /// Until the server ends.
    Forever,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::For(Span::minutes(5))
    }
}

impl fmt::Display for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(span) => fmt::Display::fmt(span, f),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl std::str::FromStr for KeepAlive {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "forever" => Ok(Self::Forever),
            _ => text.parse().map(Self::For),
        }
    }
}

impl Serialize for KeepAlive {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeepAlive {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Why a lane cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// A name is missing, too long, or has something in it that does not show itself.
    #[error("{key} of a lane must be 1 to {MAX_NAME_CHARS} visible characters")]
    Name {
        /// Which key.
        key: &'static str,
    },
    /// What the lane says does not go together.
    #[error("lane `{lane}` cannot be used: {why}")]
    Unusable {
        /// Which lane.
        lane: String,
        /// Why not.
        why: String,
    },
    /// A number lies outside its range.
    #[error("{key} of lane `{lane}` is {value}, and must be {range}")]
    Range {
        /// Which lane.
        lane: String,
        /// Which key.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        range: String,
    },
}

/// Longest name of a lane or a model, in characters.
const MAX_NAME_CHARS: usize = 200;
/// The smallest context that holds a question and an answer.
const MIN_CONTEXT: u32 = 1024;
/// The largest context there is room for; beyond it a number is a slip of the finger.
const MAX_CONTEXT: u32 = 4 * 1024 * 1024;
/// The most questions an endpoint answers at one time.
const MAX_PARALLEL: u32 = 64;
/// The longest time anything may be waited for.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl Lane {
    /// A lane to a model on this machine, with everything else as it is by default.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            name: Self::default_name(),
            provider: ProviderKind::default(),
            url: Endpoint::default(),
            api_key_file: None,
            private: false,
            model: model.into(),
            triage_model: None,
            critic_model: None,
            embedding_model: None,
            parallel: Self::default_parallel(),
            takes: Vec::new(),
            standby_for: Vec::new(),
            tools: ToolsSwitch::default(),
            context: Self::default_context(),
            max_tokens: Self::default_max_tokens(),
            temperature: Self::default_temperature(),
            keep_alive: KeepAlive::default(),
            think: Think::default(),
            timeouts: Timeouts::default(),
            breaker: BreakerSettings::default(),
        }
    }

    fn default_name() -> String {
        "local".to_owned()
    }

    const fn default_parallel() -> u32 {
        1
    }

    const fn default_context() -> u32 {
        8192
    }

    const fn default_max_tokens() -> u32 {
        2048
    }

    const fn default_temperature() -> f32 {
        0.2
    }

    /// A request to this lane's model with this lane's settings.
    #[must_use]
    pub fn request(&self, messages: Vec<Message>) -> ChatRequest {
        ChatRequest {
            model: self.model.clone(),
            messages,
            tools: Vec::new(),
            schema: None,
            context_tokens: self.context,
            max_tokens: self.max_tokens,
            temperature: self.temperature,
            keep_alive: self.keep_alive,
            think: self.think,
        }
    }

    /// Whether nobody else reads what is sent to it: it is encrypted, stays on this machine, or its owner says that the
    /// network is their own.
    #[must_use]
    pub fn keeps_secrets(&self) -> bool {
        self.url.is_encrypted() || self.url.is_local() || self.private
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the key that is wrong and what it may be.
    pub fn validate(&self) -> Result<(), LaneError> {
        for (key, text) in self.names() {
            if !is_name(text) || (key == "name" && text.contains('|')) {
                return Err(LaneError::Name { key });
            }
        }
        self.makes_sense().map_err(|why| LaneError::Unusable {
            lane: self.name.clone(),
            why,
        })?;
        self.in_range("parallel", self.parallel, 1, MAX_PARALLEL)?;
        self.in_range("breaker.failures", self.breaker.failures, 1, 1000)?;
        self.in_range("context", self.context, MIN_CONTEXT, MAX_CONTEXT)?;
        self.in_range("max_tokens", self.max_tokens, 1, self.context / 2)?;
        self.in_range("temperature", self.temperature, 0.0, 2.0)?;
        let least = Span(Duration::from_millis(1));
        let most = Span(MAX_WAIT);
        for (key, span) in [
            ("timeouts.connect", self.timeouts.connect),
            ("timeouts.first_byte", self.timeouts.first_byte),
            ("timeouts.idle", self.timeouts.idle),
            ("timeouts.total", self.timeouts.total),
            ("breaker.pause", self.breaker.pause),
            ("breaker.longest", self.breaker.longest),
        ] {
            self.in_range(key, span, least, most)?;
        }
        Ok(())
    }

    /// Whether it has a model that answers; a lane may be there for vectors alone.
    #[must_use]
    pub const fn answers(&self) -> bool {
        !self.model.is_empty()
    }

    /// The model's name, as far as it has to be one.
    fn model_said(&self) -> Option<&String> {
        let only_vectors = !self.answers() && self.embedding_model.is_some();
        (!only_vectors).then_some(&self.model)
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let always = [("name", &self.name)];
        let where_said = [
            ("model", self.model_said()),
            ("triage_model", self.triage_model.as_ref()),
            ("critic_model", self.critic_model.as_ref()),
            ("embedding_model", self.embedding_model.as_ref()),
        ];
        let said = where_said
            .into_iter()
            .filter_map(|(key, name)| Some((key, name?)));
        always.into_iter().chain(said)
    }

    /// What does not go together, in words that say what to do.
    fn makes_sense(&self) -> Result<(), String> {
        if self.name == PRIVATE || self.name == EVERY_HOST {
            return Err("[egress] uses that word; give the lane another name".to_owned());
        }
        if self.standby_for.contains(&self.name) {
            return Err("it cannot stand by for itself; correct standby_for".to_owned());
        }
        if self.url.holds_credentials() && !self.keeps_secrets() {
            return Err(format!(
                "the password in its url would go to {} over plain http for everybody to read; use https, or say \
                 private = true where the network is your own",
                self.url
            ));
        }
        if self.api_key_file.is_some() && self.url.holds_credentials() {
            return Err("a key and a password in url are one too many; leave one out".to_owned());
        }
        if let Some(home) = self.provider.home() {
            if self.url == Endpoint::default() {
                return Err(format!(
                    "{} is not on this machine; say where it is, url = \"{home}\"",
                    self.provider
                ));
            }
            if self.api_key_file.is_none() && !self.url.is_local() {
                return Err(format!(
                    "{} wants a key; name its file in api_key_file",
                    self.provider
                ));
            }
        }
        if self.private && self.url.is_public_provider() {
            return Err(format!(
                "{} is on nobody's own premises; leave out private",
                self.url
            ));
        }
        Ok(())
    }

    fn in_range<T: PartialOrd + fmt::Display + Copy>(
        &self,
        key: &'static str,
        value: T,
        least: T,
        most: T,
    ) -> Result<(), LaneError> {
        if value >= least && value <= most {
            return Ok(());
        }
        Err(LaneError::Range {
            lane: self.name.clone(),
            key,
            value: value.to_string(),
            range: format!("{least} to {most}"),
        })
    }
}

fn is_name(text: &str) -> bool {
    let shown = watchkeeper_model::visible(text);
    !text.trim().is_empty() && text.chars().count() <= MAX_NAME_CHARS && shown == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Lane, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_lane_needs_no_more_than_a_model() {
        let lane = read(r#"{"model":"qwen3:8b"}"#).expect("a model is enough");
        assert_eq!(lane, Lane::new("qwen3:8b"));
        assert_eq!(lane.url.to_string(), "http://127.0.0.1:11434");
        assert_eq!(lane.keep_alive.to_string(), "5m");
        assert_eq!(lane.context, 8192);
        assert_eq!(lane.validate(), Ok(()));
    }

    #[test]
    fn a_lane_may_be_there_for_vectors_alone() {
        let lane = read(r#"{"embedding_model":"nomic-embed-text"}"#).expect("an embedding model");
        assert_eq!(lane.validate(), Ok(()));
        assert!(!lane.answers());
        let neither = read("{}").expect("it can be read");
        assert_eq!(neither.validate(), Err(LaneError::Name { key: "model" }));
    }

    #[test]
    fn a_name_that_would_part_a_list_is_refused() {
        let mut lane = Lane::new("m");
        lane.name = "gpu|cloud".to_owned();
        assert_eq!(lane.validate(), Err(LaneError::Name { key: "name" }));
    }

    #[test]
    fn unknown_keys_are_errors() {
        let error = read(r#"{"model":"m","modle":"x"}"#).expect_err("a slip of the finger");
        assert!(error.to_string().contains("modle"), "{error}");
        assert!(read(r#"{"model":"m","timeouts":{"frist_byte":"1m"}}"#).is_err());
    }

    #[test]
    fn a_lane_survives_being_written_and_read() {
        let mut lane = Lane::new("m");
        lane.keep_alive = KeepAlive::Forever;
        lane.timeouts.idle = Span::seconds(90);
        lane.think = Think::High;
        let json = serde_json::to_string(&lane).expect("a lane is JSON");
        assert_eq!(read(&json).expect("read back"), lane);
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_what_to_do() {
        for (said, hint) in [
            (r#""provider":"openai""#, "https://api.openai.com"),
            (r#""provider":"anthropic""#, "https://api.anthropic.com"),
            (
                r#""provider":"anthropic","url":"https://api.anthropic.com""#,
                "api_key_file",
            ),
            (
                r#""provider":"openai","url":"https://api.openai.com","api_key_file":"/k","private":true"#,
                "leave out private",
            ),
            (r#""url":"http://u:word@gpu:1""#, "private = true"),
            (
                r#""url":"https://u:word@gpu:1","api_key_file":"/k""#,
                "one too many",
            ),
            (r#""name":"private""#, "another name"),
            (r#""standby_for":["local"]"#, "standby_for"),
        ] {
            let lane = read(&format!(r#"{{"model":"m",{said}}}"#)).expect(said);
            let error = lane.validate().expect_err(said).to_string();
            assert!(error.contains(hint), "{said}: {error}");
            assert!(!error.contains("word@"), "{error}");
        }
        for said in [
            r#""provider":"openai","url":"https://api.openai.com/v1","api_key_file":"/k""#,
            r#""provider":"openai_compatible","url":"http://gpu:8000","private":true,"api_key_file":"/k""#,
            r#""provider":"anthropic","url":"http://127.0.0.1:9""#,
            r#""url":"http://u:word@gpu:1","private":true"#,
            r#""takes":["interactive","critical_finding"],"standby_for":["gpu"],"tools":"off""#,
        ] {
            let lane = read(&format!(r#"{{"model":"m",{said}}}"#)).expect(said);
            assert_eq!(lane.validate(), Ok(()), "{said}");
        }
    }

    #[test]
    fn validation_names_the_key_and_the_range() {
        type Spoil = fn(&mut Lane);
        let cases: [(&str, Spoil); 8] = [
            ("model", |lane| lane.model.clear()),
            ("model", |lane| lane.model = "a\nb".to_owned()),
            ("name", |lane| lane.name = "x".repeat(201)),
            ("context", |lane| lane.context = 100),
            ("max_tokens", |lane| lane.max_tokens = 8000),
            ("temperature", |lane| lane.temperature = f32::NAN),
            ("timeouts.idle", |lane| {
                lane.timeouts.idle = Span::seconds(0);
            }),
            ("timeouts.total", |lane| {
                lane.timeouts.total = Span::minutes(100_000);
            }),
        ];
        for (key, spoil) in cases {
            let mut lane = Lane::new("m");
            spoil(&mut lane);
            let error = lane.validate().expect_err(key).to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
