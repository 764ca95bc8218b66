//! What the server says about itself and its models, and the vectors it makes.

use serde_json::{Value, json};

use super::server::{FakeModel, State, lock};

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

/// The vectors of one or several texts.
pub(super) fn embed(body: &Value) -> Value {
    let texts: Vec<&str> = match &body["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let words: usize = texts
        .iter()
        .map(|text| text.split_whitespace().count())
        .sum();
    json!({
        "model": body["model"],
        "embeddings": texts.iter().map(|text| vector(text)).collect::<Vec<_>>(),
        "total_duration": 1_000_000, "load_duration": 0, "prompt_eval_count": words,
    })
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
