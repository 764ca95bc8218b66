//! The steps of an examination, each a question to the server and what its answer shows.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{DoctorLine, Step, remedy, shown};
use crate::tokens::estimate;
use crate::{
    ChatRequest, Done, EmbedPurpose, Lane, Message, ModelLine, Provider, ProviderKind, Reply, Tool,
    ToolsSwitch,
};

/// Below this a diagnosis takes minutes, and the time limits of a lane are soon reached.
const SLOW_TOKENS_PER_SECOND: f64 = 3.0;
/// Longest answer to the doctor's own question, in tokens.
const MAX_TRIAL_TOKENS: u32 = 64;
/// So many models are named where the right one is missing.
const MAX_NAMED_MODELS: usize = 8;
/// The longest prompt that is sent to see whether it is read whole; a longer one takes minutes on a processor.
const MOST_FILLED_TOKENS: u64 = 32_768;
/// The tool that is to be called.
const TRIAL_TOOL: &str = "unit_status";

/// One lane under examination.
#[derive(Debug)]
pub(super) struct Examination<'e> {
    pub(super) lane: &'e Lane,
    pub(super) provider: &'e dyn Provider,
}

impl Examination<'_> {
    pub(super) async fn of(&self, step: Step, cancel: &CancellationToken) -> Vec<DoctorLine> {
        match step {
            Step::Server => vec![self.server().await],
            Step::Models => self.models().await,
            Step::Context => vec![self.context(cancel).await],
            Step::Schema => self.schema(cancel).await,
            Step::Tools => vec![self.tools(cancel).await],
            Step::Vectors => self.vectors(cancel).await.into_iter().collect(),
        }
    }

    async fn server(&self) -> DoctorLine {
        match self.provider.server().await {
            Ok(said) => DoctorLine::fine("server", format!("{} is {said}", self.lane.url)),
            Err(error) => DoctorLine::failed("server", self.lane, &error),
        }
    }

    /// Whether every model the lane names is there.
    async fn models(&self) -> Vec<DoctorLine> {
        let models = match self.provider.models().await {
            Ok(models) => models,
            Err(error) => return vec![DoctorLine::failed("model", self.lane, &error)],
        };
        let roles = [
            ("model", self.lane.answers().then_some(&self.lane.model)),
            ("triage", self.lane.triage_model.as_ref()),
            ("critic", self.lane.critic_model.as_ref()),
            ("embedding", self.lane.embedding_model.as_ref()),
        ];
        roles
            .into_iter()
            .filter_map(|(role, name)| Some(self.model(role, name?, &models)))
            .collect()
    }

    fn model(&self, role: &'static str, name: &str, models: &[ModelLine]) -> DoctorLine {
        if let Some(model) = models.iter().find(|model| model.is(name)) {
            let size = model
                .size
                .map_or_else(String::new, |bytes| format!(" ({})", size(bytes)));
            return DoctorLine::fine(role, format!("{name} is there{size}"));
        }
        // Names that stand for the newest of their kind are in no list, and llama.cpp answers to any.
        if self.lane.provider != ProviderKind::Ollama {
            let detail = format!("{name} is not listed; whether it answers is seen below");
            return DoctorLine::fine(role, detail);
        }
        DoctorLine::wrong(
            role,
            format!("{name} is not there; there is {}", names(models)),
            remedy::missing(self.lane, name),
        )
    }

    async fn context(&self, cancel: &CancellationToken) -> DoctorLine {
        let wanted = self.lane.context;
        match self.provider.context_of(&self.lane.model).await {
            Err(error) => DoctorLine::failed("context", self.lane, &error),
            Ok(Some(longest)) if longest < wanted => DoctorLine::wrong(
                "context",
                format!(
                    "{} has {longest} tokens, the lane asks for {wanted}",
                    self.lane.model
                ),
                format!("set `context = {longest}` for lane `{}`", self.lane.name),
            ),
            Ok(Some(longest)) => DoctorLine::fine("context", format!("{wanted} of its {longest}")),
            // A prompt that fills it is the only way to know; with these it would cost money, and they refuse.
            Ok(None)
                if matches!(
                    self.lane.provider,
                    ProviderKind::Openai | ProviderKind::Anthropic
                ) =>
            {
                let detail = format!("{wanted}; the provider does not say what it allows");
                DoctorLine::fine("context", detail)
            }
            Ok(None) => self.filled(cancel).await,
        }
    }

    /// Sends a prompt that fills most of the context, and sees whether all of it is read.
    async fn filled(&self, cancel: &CancellationToken) -> DoctorLine {
        let mut request = self
            .lane
            .request(vec![Message::system("Answer with one word.")]);
        request.max_tokens = 8;
        let room = self.provider.measure(&request).room.min(MOST_FILLED_TOKENS);
        let (mut text, mut held) = (String::new(), 0);
        // Three quarters: the estimate errs on the long side, and there is a tenth on top of it.
        for number in 0_u64.. {
            let sentence = format!("The disk of host {number} is not full. ");
            held += estimate(&sentence);
            if held > room / 4 * 3 {
                break;
            }
            text.push_str(&sentence);
        }
        request
            .messages
            .push(Message::user(format!("{text}\nIs any disk full?")));
        match self.provider.chat(&request, &mut |_| {}, cancel).await {
            Ok(reply) => match reply.done.prompt_tokens {
                Some(read) => DoctorLine::fine(
                    "context",
                    format!("a prompt of {read} tokens was read whole"),
                ),
                None => DoctorLine::wrong(
                    "context",
                    "the server counts no tokens, so a prompt that it cuts would go unnoticed",
                    "update the server",
                ),
            },
            Err(error) => DoctorLine::failed("context", self.lane, &error),
        }
    }

    async fn schema(&self, cancel: &CancellationToken) -> Vec<DoctorLine> {
        let request = self.trial();
        let reply = match self.provider.chat(&request, &mut |_| {}, cancel).await {
            Ok(reply) => reply,
            Err(error) => {
                return vec![
                    DoctorLine::failed("schema", self.lane, &error),
                    DoctorLine::not_tried("speed"),
                ];
            }
        };
        let mut lines = vec![self.form(&reply), self.speed(&reply.done)];
        lines.extend(self.as_loaded(&request).await);
        lines
    }

    /// The question, chosen so that every model that can chat can answer it.
    fn trial(&self) -> ChatRequest {
        let mut request = self.lane.request(vec![
            Message::system("You answer in JSON only."),
            Message::user(
                "A unit named nginx.service has failed. Which unit is it? Answer {\"unit\": name, \"failed\": true}.",
            ),
        ]);
        request.schema = Some(json!({
            "type": "object",
            "properties": {
                "unit": { "type": "string", "enum": ["nginx.service", "sshd.service"] },
                "failed": { "type": "boolean" },
            },
            "required": ["unit", "failed"],
            "additionalProperties": false,
        }));
        request.max_tokens = MAX_TRIAL_TOKENS;
        request.temperature = 0.0;
        request
    }

    fn form(&self, reply: &Reply) -> DoctorLine {
        if has_the_form(&reply.text) {
            return DoctorLine::fine("schema", "the answer keeps to the JSON schema it was given");
        }
        let update = match self.lane.provider {
            ProviderKind::Ollama => "update Ollama to 0.5 or later, or ",
            _ => "",
        };
        DoctorLine::wrong(
            "schema",
            format!(
                "the answer does not keep to the JSON schema it was given: {}",
                shown(&reply.text)
            ),
            format!("{update}set another `model` for lane `{}`", self.lane.name),
        )
    }

    fn speed(&self, done: &Done) -> DoctorLine {
        let load = done.times.load.as_secs();
        match done.tokens_per_second() {
            Some(rate) if rate < SLOW_TOKENS_PER_SECOND => DoctorLine::wrong(
                "speed",
                format!("{rate:.1} tokens per second: a diagnosis takes minutes"),
                format!(
                    "set a smaller `model` for lane `{}`, or run it where there is a graphics card",
                    self.lane.name
                ),
            ),
            Some(rate) if self.lane.provider == ProviderKind::Ollama => DoctorLine::fine(
                "speed",
                format!("{rate:.0} tokens per second, loaded in {load} s"),
            ),
            Some(rate) => DoctorLine::fine("speed", format!("{rate:.0} tokens per second")),
            None => DoctorLine::wrong(
                "speed",
                "the server counts no tokens, so prompts that it cuts would go unnoticed",
                "update the server",
            ),
        }
    }

    /// A line only where the server has loaded the model with less context than was asked for: it then cuts prompts.
    async fn as_loaded(&self, request: &ChatRequest) -> Option<DoctorLine> {
        if self.lane.provider != ProviderKind::Ollama {
            return None;
        }
        let models = self.provider.models().await.ok()?;
        let loaded = models
            .iter()
            .find(|model| model.is(&self.lane.model) && model.loaded == Some(true))?;
        let wanted = self.provider.measure(request).room + u64::from(request.max_tokens);
        let context = loaded
            .context
            .filter(|context| u64::from(*context) < wanted)?;
        let detail = format!(
            "the server runs {} with {context} tokens of the {wanted} that were asked for",
            self.lane.model
        );
        let remedy = format!(
            "set `context = {context}` for lane `{}`, or give the server more memory",
            self.lane.name
        );
        Some(DoctorLine::wrong("loaded", detail, remedy))
    }

    /// Whether the model calls a tool that it is told to call.
    async fn tools(&self, cancel: &CancellationToken) -> DoctorLine {
        if self.lane.tools == ToolsSwitch::Off {
            let detail = "off, as the lane says: calls are asked for as JSON";
            return DoctorLine::fine("tools", detail);
        }
        let mut request = self.lane.request(vec![
            Message::system("You use the tools you are given."),
            Message::user("See how the unit nginx.service is: call the tool unit_status for it."),
        ]);
        request.tools = vec![Tool {
            name: TRIAL_TOOL.to_owned(),
            description: "Shows how a systemd unit is.".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": { "unit": { "type": "string", "description": "Its name with its suffix." } },
                "required": ["unit"],
            }),
        }];
        request.max_tokens = MAX_TRIAL_TOKENS * 2;
        request.temperature = 0.0;
        let reply = match self.provider.chat(&request, &mut |_| {}, cancel).await {
            Ok(reply) => reply,
            Err(error) => return DoctorLine::failed("tools", self.lane, &error),
        };
        let called = reply
            .tool_calls
            .iter()
            .any(|call| call.name == TRIAL_TOOL && call.arguments["unit"].is_string());
        if called {
            return DoctorLine::fine("tools", "called with the arguments it was given");
        }
        let said = match reply.tool_calls.first() {
            Some(call) => format!("{} {}", call.name, call.arguments),
            None => reply.text,
        };
        DoctorLine::wrong(
            "tools",
            format!("the model was to call a tool, and said: {}", shown(&said)),
            format!(
                "set `tools = \"off\"` for lane `{}`, or another `model`",
                self.lane.name
            ),
        )
    }

    async fn vectors(&self, cancel: &CancellationToken) -> Option<DoctorLine> {
        let model = self.lane.embedding_model.as_ref()?;
        let texts = [
            "nginx failed to start".to_owned(),
            "the disk is full".to_owned(),
        ];
        let made = self
            .provider
            .embed(model, EmbedPurpose::Passage, &texts, cancel)
            .await;
        Some(match made {
            Ok(vectors) if vectors[0] == vectors[1] => DoctorLine::wrong(
                "vectors",
                format!("{model} makes the same vector of different texts"),
                format!(
                    "set another `embedding_model` for lane `{}`",
                    self.lane.name
                ),
            ),
            Ok(vectors) => {
                DoctorLine::fine("vectors", format!("{model}: {} numbers", vectors[0].len()))
            }
            Err(error) => DoctorLine::failed("vectors", self.lane, &error),
        })
    }
}

/// Whether an answer has the form that was asked for.
fn has_the_form(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|answer| {
        answer["unit"].is_string()
            && answer["failed"].is_boolean()
            && answer.as_object().is_some_and(|o| o.len() == 2)
    })
}

fn names(models: &[ModelLine]) -> String {
    if models.is_empty() {
        return "none".to_owned();
    }
    let named: Vec<String> = models
        .iter()
        .take(MAX_NAMED_MODELS)
        .map(|model| shown(&model.name))
        .collect();
    let more = models.len().saturating_sub(MAX_NAMED_MODELS);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{tail}", named.join(", "))
}

fn size(bytes: u64) -> String {
    const GIB: u64 = 1 << 30;
    if bytes < GIB {
        return format!("{} MiB", bytes >> 20);
    }
    format!("{}.{} GiB", bytes / GIB, (bytes % GIB) * 10 / GIB)
}
