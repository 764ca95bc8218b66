//! What the server says about itself and its models, and the vectors it makes.

use serde_json::{Value, json};

use super::generation::{Refused, tokens_in};
use super::server::{FakeModel, State, lock};
use super::wire::Wire;

/// The version it claims.
const VERSION: &str = "0.12.6";
/// Numbers in a vector.
const DIMENSIONS: usize = 64;
/// What it says of every model's size on disk.
const SIZE_BYTES: u64 = 1_300_000_000;

pub(super) fn version() -> Value {
    json!({ "version": VERSION })
}

pub(super) fn tags(state: &State) -> Value {
    let models: Vec<Value> = lock(&state.models).iter().map(listed).collect();
    json!({ "models": models })
}

pub(super) fn ps(state: &State) -> Value {
    let loaded = lock(&state.loaded);
    let models: Vec<Value> = lock(&state.models)
        .iter()
        .filter_map(|model| {
            let context = loaded.get(&model.name)?;
            let mut entry = listed(model);
            entry["expires_at"] = "2026-11-21T10:05:00Z".into();
            entry["size_vram"] = 0.into();
            entry["context_length"] = (*context).into();
            Some(entry)
        })
        .collect();
    json!({ "models": models })
}

pub(super) fn show(model: &FakeModel) -> Value {
    json!({
        "modelfile": format!("FROM {}\n", model.name),
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": details(),
        "model_info": {
            "general.architecture": "fake",
            "general.parameter_count": 1_000_000_000,
            "fake.context_length": model.context_length,
            "fake.embedding_length": DIMENSIONS,
        },
        "capabilities": model.capabilities,
        "modified_at": "2026-11-21T10:00:00Z",
    })
}

fn listed(model: &FakeModel) -> Value {
    json!({
        "name": model.name,
        "model": model.name,
        "modified_at": "2026-11-21T10:00:00Z",
        "size": SIZE_BYTES,
        "digest": format!("{:064x}", hash(model.name.as_bytes())),
        "details": details(),
    })
}

fn details() -> Value {
    json!({
        "parent_model": "", "format": "gguf", "family": "fake", "families": ["fake"],
        "parameter_size": "1.0B", "quantization_level": "Q4_0",
    })
}

/// The texts of a request for vectors.
fn texts(body: &Value) -> Vec<&str> {
    match &body["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The vectors of one or several texts, in the shape of either protocol. A text that is longer than the model's
/// context is refused; Ollama cuts it where it is not told otherwise.
pub(super) fn vectors(wire: Wire, model: &FakeModel, body: &Value) -> Result<Value, Refused> {
    let texts = texts(body);
    let counts: Vec<u64> = texts.iter().map(|text| tokens_in(&json!(text))).collect();
    let cuts = wire == Wire::Ollama && body["truncate"] != json!(false);
    if !cuts && counts.iter().any(|count| *count > model.context_length) {
        return Err(Refused::plainly(
            400,
            "the input length exceeds the context length",
        ));
    }
    let read: u64 = counts
        .iter()
        .map(|count| *count.min(&model.context_length))
        .sum();
    let vectors = texts.iter().map(|text| vector(text));
    Ok(match wire {
        Wire::Openai => {
            let data = vectors.enumerate().map(|(index, vector)| {
                json!({ "object": "embedding", "index": index, "embedding": vector })
            });
            json!({
                "object": "list", "model": body["model"], "data": data.collect::<Vec<_>>(),
                "usage": { "prompt_tokens": read, "total_tokens": read },
            })
        }
        _ => json!({
            "model": body["model"], "embeddings": vectors.collect::<Vec<_>>(),
            "total_duration": 1_000_000, "load_duration": 0, "prompt_eval_count": read,
        }),
    })
}

/// The list of models as vLLM gives it.
pub(super) fn openai_models(state: &State) -> Value {
    let models = lock(&state.models);
    let data = models.iter().map(|model| {
        json!({
            "id": model.name, "object": "model", "created": 1_795_255_200, "owned_by": "vllm",
            "root": model.name, "max_model_len": model.context_length,
        })
    });
    json!({ "object": "list", "data": data.collect::<Vec<_>>() })
}

/// One model as Anthropic lists it.
pub(super) fn anthropic_model(model: &FakeModel) -> Value {
    json!({
        "type": "model", "id": model.name, "display_name": model.name,
        "created_at": "2026-11-21T10:00:00Z", "max_input_tokens": model.context_length,
    })
}

/// The list of models as Anthropic gives it.
pub(super) fn anthropic_models(state: &State) -> Value {
    let models = lock(&state.models);
    let data: Vec<Value> = models.iter().map(anthropic_model).collect();
    json!({ "data": data, "has_more": false, "first_id": null, "last_id": null })
}

/// What is said while a model is fetched, which is there at the end. The registry knows every name that does not
/// begin with `no-such`.
pub(super) fn pull(state: &State, body: &Value) -> Vec<Value> {
    let name = body["model"]
        .as_str()
        .or(body["name"].as_str())
        .unwrap_or_default();
    let mut lines = vec![json!({ "status": "pulling manifest" })];
    if name.is_empty() || name.starts_with("no-such") {
        lines.push(json!({ "error": "pull model manifest: file does not exist" }));
        return lines;
    }
    let digest = format!("{:064x}", hash(name.as_bytes()));
    for quarter in 0..=4 {
        lines.push(json!({
            "status": format!("pulling {}", &digest[..12]), "digest": format!("sha256:{digest}"),
            "total": SIZE_BYTES, "completed": SIZE_BYTES / 4 * quarter,
        }));
    }
    for status in ["verifying sha256 digest", "writing manifest", "success"] {
        lines.push(json!({ "status": status }));
    }
    let mut models = lock(&state.models);
    if !models.iter().any(|model| model.is(name)) {
        let full = if name.contains(':') {
            name.to_owned()
        } else {
            format!("{name}:latest")
        };
        models.push(if name.contains("embed") {
            FakeModel::embedding(&full)
        } else {
            FakeModel::chat(&full, 32_768)
        });
    }
    lines
}

/// A vector of length one: texts that share words lie near each other, and the same text is the same vector anywhere.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below the number of dimensions"
)]
fn vector(text: &str) -> Vec<f64> {
    let mut sums = vec![0.0_f64; DIMENSIONS];
    for word in text
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        sums[(hash(word.as_bytes()) % DIMENSIONS as u64) as usize] += 1.0;
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    if length > 0.0 {
        for sum in &mut sums {
            *sum /= length;
        }
    }
    sums
}

/// FNV-1a: the same everywhere, which the standard library's is not.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
