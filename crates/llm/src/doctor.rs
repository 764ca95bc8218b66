//! The model doctor: tries a lane for real, step by step, and says what to type where something is wrong. A step that
//! could not be tried is not fine.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::ollama::{LoadedModel, LocalModel};
use crate::{ChatRequest, Done, Lane, LlmError, Message, Ollama, Provider, Reply};

/// One step and what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorLine {
    /// What was tried.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was seen, one line.
    pub detail: String,
    /// What to type or change, where it is not.
    pub remedy: Option<String>,
}

/// Below this a diagnosis takes minutes, and the time limits of a lane are soon reached.
const SLOW_TOKENS_PER_SECOND: f64 = 3.0;
/// Longest answer to the doctor's own question, in tokens.
const MAX_TRIAL_TOKENS: u32 = 64;
/// So many models are named where the right one is missing.
const MAX_NAMED_MODELS: usize = 8;

/// Tries a lane: configuration, server, model, context, an answer of a given form, speed.
pub async fn examine(lane: &Lane, cancel: &CancellationToken) -> Vec<DoctorLine> {
    let mut lines = Vec::new();
    let provider = match Ollama::new(lane.clone()) {
        Ok(provider) => provider,
        Err(error) => {
            let remedy = format!("correct lane `{}` in the configuration", lane.name);
            lines.push(DoctorLine::wrong("lane", error.to_string(), remedy));
            return lines;
        }
    };
    for step in [Step::Server, Step::Model, Step::Context, Step::Answer] {
        let found = tokio::select! {
            biased;
            () = cancel.cancelled() => return lines,
            found = step.examine(&provider) => found,
        };
        let goes_on = step == Step::Context || found.iter().all(|line| line.ok);
        lines.extend(found);
        if !goes_on {
            lines.extend(step.skipped());
            break;
        }
    }
    lines
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Server,
    Model,
    Context,
    Answer,
}

impl Step {
    async fn examine(self, provider: &Ollama) -> Vec<DoctorLine> {
        match self {
            Self::Server => vec![server(provider).await],
            Self::Model => vec![model(provider).await],
            Self::Context => vec![context(provider).await],
            Self::Answer => answer(provider).await,
        }
    }

    /// The lines of the steps that come after this one and were not tried.
    fn skipped(self) -> Vec<DoctorLine> {
        let names: &[&'static str] = match self {
            Self::Server => &["model", "context", "answer", "speed"],
            Self::Model => &["context", "answer", "speed"],
            Self::Context | Self::Answer => &[],
        };
        names
            .iter()
            .map(|name| DoctorLine {
                name,
                ok: false,
                detail: "not tried".to_owned(),
                remedy: None,
            })
            .collect()
    }
}

impl DoctorLine {
    fn fine(name: &'static str, detail: String) -> Self {
        Self {
            name,
            ok: true,
            detail,
            remedy: None,
        }
    }

    fn wrong(name: &'static str, detail: String, remedy: String) -> Self {
        Self {
            name,
            ok: false,
            detail,
            remedy: Some(remedy),
        }
    }

    fn failed(name: &'static str, lane: &Lane, error: &LlmError) -> Self {
        Self::wrong(name, chain(error), remedy(lane, error))
    }
}

async fn server(provider: &Ollama) -> DoctorLine {
    let lane = provider.lane();
    match provider.version().await {
        Ok(version) => DoctorLine::fine("server", format!("{} is Ollama {version}", lane.url)),
        Err(error) => DoctorLine::failed("server", lane, &error),
    }
}

async fn model(provider: &Ollama) -> DoctorLine {
    let lane = provider.lane();
    match provider.local_models().await {
        Ok(models) => match models.iter().find(|model| model.is(&lane.model)) {
            Some(model) => DoctorLine::fine(
                "model",
                format!("{} is there ({})", lane.model, size(model.size)),
            ),
            None => DoctorLine::wrong(
                "model",
                format!("{} is not there; there is {}", lane.model, names(&models)),
                pull(lane),
            ),
        },
        Err(error) => DoctorLine::failed("model", lane, &error),
    }
}

async fn context(provider: &Ollama) -> DoctorLine {
    let lane = provider.lane();
    let facts = match provider.facts(&lane.model).await {
        Ok(facts) => facts,
        Err(error) => return DoctorLine::failed("context", lane, &error),
    };
    if !facts.capabilities.is_empty() && !facts.capabilities.iter().any(|word| word == "completion")
    {
        return DoctorLine::wrong(
            "context",
            format!(
                "{} cannot chat: it is for {}",
                lane.model,
                shown(&facts.capabilities.join(", "))
            ),
            format!("set `model` of lane `{}` to a chat model", lane.name),
        );
    }
    match facts.context_length {
        Some(longest) if longest < lane.context.into() => DoctorLine::wrong(
            "context",
            format!(
                "{} was made for {longest} tokens, the lane asks for {}",
                lane.model, lane.context
            ),
            format!("set `context = {longest}` for lane `{}`", lane.name),
        ),
        Some(longest) => DoctorLine::fine(
            "context",
            format!("{} of the {longest} it was made for", lane.context),
        ),
        None => DoctorLine::wrong(
            "context",
            "the server does not say how long a context the model was made for".to_owned(),
            "update Ollama".to_owned(),
        ),
    }
}

/// The question, chosen so that every model that can chat can answer it.
fn trial(lane: &Lane) -> ChatRequest {
    let mut request = lane.request(vec![
        Message::system("You answer in JSON only."),
        Message::user("A unit named nginx.service has failed. Which unit is it? Answer {\"unit\": name, \"failed\": true}."),
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

/// Whether an answer has the form that was asked for. Whether it is right is not the doctor's question.
fn has_the_form(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|answer| {
        answer["unit"].is_string()
            && answer["failed"].is_boolean()
            && answer.as_object().is_some_and(|o| o.len() == 2)
    })
}

async fn answer(provider: &Ollama) -> Vec<DoctorLine> {
    let lane = provider.lane();
    let request = trial(lane);
    let asked = provider
        .chat(&request, &mut |_| {}, &CancellationToken::new())
        .await;
    let reply = match asked {
        Ok(reply) => reply,
        Err(error) => {
            let mut lines = vec![DoctorLine::failed("answer", lane, &error)];
            lines.push(DoctorLine {
                name: "speed",
                ok: false,
                detail: "not tried".to_owned(),
                remedy: None,
            });
            return lines;
        }
    };
    let loaded = provider.loaded().await.unwrap_or_default();
    let mut lines = vec![form(lane, &reply), speed(lane, &reply.done)];
    let wanted = provider.measure(&request).room + u64::from(request.max_tokens);
    lines.extend(as_loaded(lane, wanted, &loaded));
    lines
}

fn form(lane: &Lane, reply: &Reply) -> DoctorLine {
    if has_the_form(&reply.text) {
        return DoctorLine::fine("answer", "keeps to the JSON schema it was given".to_owned());
    }
    DoctorLine::wrong(
        "answer",
        format!(
            "does not keep to the JSON schema it was given: {}",
            shown(&reply.text)
        ),
        format!(
            "update Ollama to 0.5 or later, or set another `model` for lane `{}`",
            lane.name
        ),
    )
}

fn speed(lane: &Lane, done: &Done) -> DoctorLine {
    let load = done.times.load.as_secs();
    match done.tokens_per_second() {
        Some(rate) if rate < SLOW_TOKENS_PER_SECOND => DoctorLine::wrong(
            "speed",
            format!("{rate:.1} tokens per second: a diagnosis takes minutes"),
            format!(
                "set a smaller `model` for lane `{}`, or run it where there is a graphics card",
                lane.name
            ),
        ),
        Some(rate) => DoctorLine::fine(
            "speed",
            format!("{rate:.0} tokens per second, loaded in {load} s"),
        ),
        None => DoctorLine::wrong(
            "speed",
            "the server does not say how long the answer took".to_owned(),
            "update Ollama".to_owned(),
        ),
    }
}

/// A line only where the server has loaded the model with less context than was asked for: it then cuts prompts.
fn as_loaded(lane: &Lane, wanted: u64, loaded: &[LoadedModel]) -> Option<DoctorLine> {
    let context = loaded
        .iter()
        .find(|model| model.is(&lane.model))?
        .context_length?;
    (context < wanted).then(|| {
        DoctorLine::wrong(
            "loaded",
            format!(
                "the server runs {} with {context} tokens of the {wanted} that were asked for",
                lane.model
            ),
            format!(
                "set `context = {context}` for lane `{}`, or give the server more memory",
                lane.name
            ),
        )
    })
}

/// What to type or change for an error.
fn remedy(lane: &Lane, error: &LlmError) -> String {
    match error {
        LlmError::Unreachable { .. } if lane.url.is_local() => {
            "start Ollama: `systemctl start ollama`, or `ollama serve`".to_owned()
        }
        LlmError::Unreachable { .. } => format!(
            "see that Ollama runs there and listens to other machines (OLLAMA_HOST=0.0.0.0), or correct `url` of lane \
             `{}`",
            lane.name
        ),
        LlmError::NoSuchModel { .. } => pull(lane),
        LlmError::Protocol { .. }
        | LlmError::Redirected { .. }
        | LlmError::Status { code: 404, .. } => format!(
            "correct `url` of lane `{}`: what listens there is not Ollama, or not at that path",
            lane.name
        ),
        LlmError::Status {
            code: 401 | 403, ..
        } => {
            format!(
                "put the user and password of the proxy into `url` of lane `{}`",
                lane.name
            )
        }
        LlmError::Busy { .. } | LlmError::TooSlow { .. } => {
            "see what else asks that server (`ollama ps`), and try again".to_owned()
        }
        LlmError::PromptTooLong { .. } | LlmError::PromptCut { .. } => {
            format!("raise `context` of lane `{}`", lane.name)
        }
        LlmError::OutputTooLong { .. } => format!("set another `model` for lane `{}`", lane.name),
        LlmError::Status { .. } | LlmError::ErrorInStream { .. } | LlmError::CutShort { .. } => {
            "read the server's log: `journalctl -u ollama -n 50`".to_owned()
        }
        LlmError::Declined { .. } => "ask another provider".to_owned(),
        LlmError::NotOffered { .. } => format!("set another `provider` for lane `{}`", lane.name),
        LlmError::Cancelled => "try again".to_owned(),
    }
}

fn pull(lane: &Lane) -> String {
    if lane.url.is_local() {
        format!("`ollama pull {}`", lane.model)
    } else {
        format!("`OLLAMA_HOST={} ollama pull {}`", lane.url, lane.model)
    }
}

fn names(models: &[LocalModel]) -> String {
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

fn shown(text: &str) -> String {
    crate::error::one_line(text, 120)
}

/// An error with all that lies under it.
fn chain(error: &LlmError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
