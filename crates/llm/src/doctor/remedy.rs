//! What to type or change where something is wrong.

use crate::{Lane, LlmError, ProviderKind};

/// What to type or change for an error of a lane's server.
#[must_use]
pub fn of(lane: &Lane, error: &LlmError) -> String {
    let name = &lane.name;
    match error {
        LlmError::Unreachable { cause, .. } => unreachable(lane, &cause.to_string()),
        LlmError::NoSuchModel { model, .. } => missing(lane, model),
        LlmError::Protocol { .. }
        | LlmError::Redirected { .. }
        | LlmError::Status {
            code: 404 | 405, ..
        } => format!(
            "correct `url` of lane `{name}`: what listens there does not speak as {} does, or not at that path",
            lane.provider
        ),
        LlmError::Status { code, body, .. } => status(lane, *code, body),
        LlmError::Busy { .. } | LlmError::TooSlow { .. } => match lane.provider {
            ProviderKind::Ollama => {
                "see what else asks that server (`ollama ps`), and try again".to_owned()
            }
            _ => "see what else asks that server, and try again later".to_owned(),
        },
        LlmError::PromptTooLong { context, .. } | LlmError::PromptCut { context, .. }
            if *context < lane.context.into() =>
        {
            format!(
                "set `context = {context}` for lane `{name}`, or have the server run it with more"
            )
        }
        LlmError::PromptTooLong { .. } | LlmError::PromptCut { .. } => {
            format!("lower `context` of lane `{name}`, or have the server run it with more")
        }
        LlmError::OutputTooLong { .. } => format!("set another `model` for lane `{name}`"),
        LlmError::ErrorInStream { .. } | LlmError::CutShort { .. } => log(lane),
        LlmError::Declined { .. } => format!("set another `provider` for lane `{name}`"),
        LlmError::NotOffered { .. } => format!(
            "leave `embedding_model` out of lane `{name}`, and set it for a lane that makes vectors"
        ),
        LlmError::Cancelled => "try again".to_owned(),
    }
}

fn unreachable(lane: &Lane, cause: &str) -> String {
    let name = &lane.name;
    if cause.contains("certificate") || cause.contains("UnknownIssuer") {
        return format!(
            "add the certificate of its issuer to those this system trusts, or correct `url` of lane `{name}`"
        );
    }
    match lane.provider {
        ProviderKind::Ollama if lane.url.is_local() => {
            "start Ollama: `systemctl start ollama`, or `ollama serve`".to_owned()
        }
        ProviderKind::Ollama => format!(
            "see that Ollama runs there and listens to other machines (OLLAMA_HOST=0.0.0.0), or correct `url` of lane \
             `{name}`"
        ),
        _ => format!(
            "see that the server runs and this machine reaches it, or correct `url` of lane `{name}`"
        ),
    }
}

fn status(lane: &Lane, code: u16, body: &str) -> String {
    let name = &lane.name;
    match code {
        401 | 403 => match (&lane.api_key_file, lane.provider) {
            (Some(file), _) => format!("put the right key into {}", file.display()),
            (None, ProviderKind::Ollama) => {
                format!("put the user and password of the proxy into `url` of lane `{name}`")
            }
            (None, _) => format!("name the file of its key in `api_key_file` of lane `{name}`"),
        },
        402 | 429 => "see what the account with that provider has left".to_owned(),
        _ if body.contains("does not support tools") => {
            format!("set `tools = \"off\"` for lane `{name}`, or another `model`")
        }
        _ if body.contains("does not support thinking") => {
            format!("set `think = \"off\"` for lane `{name}`, or another `model`")
        }
        _ if body.contains("does not support chat") => {
            format!("set `model` of lane `{name}` to a chat model")
        }
        _ if body.contains("does not support embeddings") => {
            format!("set `embedding_model` of lane `{name}` to one that makes vectors")
        }
        _ => log(lane),
    }
}

/// What to do where a model is not there.
pub(super) fn missing(lane: &Lane, model: &str) -> String {
    match lane.provider {
        ProviderKind::Ollama => format!("watchkeeper models pull {model} --lane {}", lane.name),
        _ => format!(
            "have the server serve `{model}`, or name one it has in lane `{}`",
            lane.name
        ),
    }
}

fn log(lane: &Lane) -> String {
    match lane.provider {
        ProviderKind::Ollama => "read the server's log: `journalctl -u ollama -n 50`".to_owned(),
        _ => "read the server's log".to_owned(),
    }
}
