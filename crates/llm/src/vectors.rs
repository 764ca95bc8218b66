//! Vectors of texts, whatever the protocol: in bounded batches, with the words a model wants before its texts, and
//! judged before anybody relies on them. A text of which the server has read only a part has no vector.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::caller::{Asked, Protocol, learn_context, run_with};
use crate::tokens::{estimate, is_cut};
use crate::{EmbedPurpose, LlmError, TimeLimit};

/// Texts in one request.
const MAX_TEXTS: usize = 32;
/// The vectors of some texts, as they came.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) vectors: Vec<Vec<f32>>,
    /// Tokens of all texts together, as the server counts them.
    pub(crate) counted: Option<u64>,
}

/// A protocol that makes vectors.
#[async_trait]
pub(crate) trait Vectoring: Protocol {
    /// The vectors of texts that are ready to be sent.
    async fn batch(&self, asked: Asked<'_>, texts: &[String]) -> Result<Batch, LlmError>;
}

/// The vectors of texts, in their order.
pub(crate) async fn embed(
    protocol: &dyn Vectoring,
    model: &str,
    purpose: EmbedPurpose,
    texts: &[String],
    cancel: &CancellationToken,
) -> Result<Vec<Vec<f32>>, LlmError> {
    let total = protocol.caller().lane.timeouts.total.0;
    let making = embed_all(protocol, model, purpose, texts);
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(LlmError::Cancelled),
        made = tokio::time::timeout(total, making) => {
            made.unwrap_or_else(|_| Err(protocol.caller().too_slow(TimeLimit::Total, total)))
        }
    }
}

async fn embed_all(
    protocol: &dyn Vectoring,
    model: &str,
    purpose: EmbedPurpose,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, LlmError> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    learn_context(protocol, model).await?;
    let context = run_with(protocol.caller(), model);
    let (before, limit) = (
        prefix(model, purpose),
        protocol.caller().lane.timeouts.first_byte.0,
    );
    let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
    for texts in texts.chunks(MAX_TEXTS) {
        let texts: Vec<String> = texts.iter().map(|text| format!("{before}{text}")).collect();
        let longest = texts.iter().map(|text| estimate(text)).max().unwrap_or(0);
        let asked = Asked::vectors(model, longest, context.into());
        let batch = tokio::time::timeout(limit, protocol.batch(asked, &texts))
            .await
            .unwrap_or_else(|_| Err(protocol.caller().too_slow(TimeLimit::FirstByte, limit)))?;
        judge(protocol, model, &texts, &batch)?;
        vectors.extend(batch.vectors);
    }
    let length = vectors[0].len();
    if vectors.iter().any(|vector| vector.len() != length) {
        return Err(protocol
            .caller()
            .protocol("vectors of one length", b"several"));
    }
    Ok(vectors)
}

/// Whether the vectors are one for each text, are numbers, and are of the whole texts.
fn judge(
    protocol: &dyn Vectoring,
    model: &str,
    texts: &[String],
    batch: &Batch,
) -> Result<(), LlmError> {
    let caller = protocol.caller();
    if batch.vectors.len() != texts.len() {
        let found = format!("{} for {} texts", batch.vectors.len(), texts.len());
        return Err(caller.protocol("one vector for each text", found.as_bytes()));
    }
    let is_sound = |vector: &Vec<f32>| !vector.is_empty() && vector.iter().all(|x| x.is_finite());
    if !batch.vectors.iter().all(is_sound) {
        return Err(caller.protocol("vectors of numbers", b"an empty one, or one with none"));
    }
    if let Some(counted) = batch.counted
        && is_cut(texts.iter().map(String::as_str), counted)
    {
        return Err(LlmError::PromptCut {
            model: model.to_owned(),
            read: counted,
            context: run_with(caller, model).into(),
        });
    }
    Ok(())
}

/// What models were trained to see before a text that is looked for, and before one that is to be found.
const PREFIXES: [(&str, &str, &str); 8] = [
    ("nomic-embed", "search_query: ", "search_document: "),
    ("e5-", "query: ", "passage: "),
    ("arctic-embed2", "query: ", ""),
    (
        "arctic-embed",
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
    (
        "mxbai-embed",
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
    (
        "bge-",
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
    (
        "embeddinggemma",
        "task: search result | query: ",
        "title: none | text: ",
    ),
    (
        "qwen3-embedding",
        "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ",
        "",
    ),
];

/// What is put before a text for a model; nothing for one that is not known.
fn prefix(model: &str, purpose: EmbedPurpose) -> &'static str {
    let model = model.to_lowercase();
    // bge-m3 has its name of the family, and wants none.
    if model.contains("bge-m3") {
        return "";
    }
    let found = PREFIXES.iter().find(|(name, ..)| model.contains(name));
    found.map_or("", |(_, query, passage)| match purpose {
        EmbedPurpose::Query => query,
        EmbedPurpose::Passage => passage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_get_the_words_they_were_trained_with() {
        for (model, query, passage) in [
            (
                "nomic-embed-text:latest",
                "search_query: ",
                "search_document: ",
            ),
            ("intfloat/multilingual-e5-small", "query: ", "passage: "),
            ("snowflake-arctic-embed2", "query: ", ""),
            ("BAAI/bge-m3", "", ""),
            ("all-minilm", "", ""),
        ] {
            assert_eq!(prefix(model, EmbedPurpose::Query), query, "{model}");
            assert_eq!(prefix(model, EmbedPurpose::Passage), passage, "{model}");
        }
    }
}
