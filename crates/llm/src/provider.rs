//! The trait that providers stand behind: everything that is asked of a model server, in words of our own. What one
//! protocol has no word for is [`LlmError::NotOffered`], never silence.

use async_trait::async_trait;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{ChatEvent, ChatRequest, KeepAlive, LlmError, PromptSize, Reply};

/// One way to one model server. A request is sent once; trying again is the queue's work.
#[async_trait]
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// The lane's name.
    fn name(&self) -> &str;

    /// How long a request's prompt is, as far as it can be told before it is sent.
    fn measure(&self, request: &ChatRequest) -> PromptSize;

    /// Asks the model. `on_event` sees the pieces as they come; the reply holds all of them.
    /// Dropping the future or cancelling closes the connection at once, and the lane is free.
    ///
    /// # Errors
    /// Says why there is no answer that may be used. Pieces that came before are not an answer.
    async fn chat(
        &self,
        request: &ChatRequest,
        on_event: &mut (dyn FnMut(ChatEvent) + Send),
        cancel: &CancellationToken,
    ) -> Result<Reply, LlmError>;

    /// The vectors of texts, one for each and in their order, all of one length.
    ///
    /// # Errors
    /// Says why there are none. A text that is too long for the model is refused, never cut.
    async fn embed(
        &self,
        model: &str,
        purpose: EmbedPurpose,
        texts: &[String],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<f32>>, LlmError>;

    /// The models the server has.
    ///
    /// # Errors
    /// Says why they could not be learned.
    async fn models(&self) -> Result<Vec<ModelLine>, LlmError>;

    /// Has the server fetch a model. Cancelling closes the connection; what was fetched is kept by the server.
    ///
    /// # Errors
    /// [`LlmError::NotOffered`] where the wire has no such word.
    async fn pull(
        &self,
        model: &str,
        on_progress: &mut (dyn FnMut(PullProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(), LlmError>;

    /// Has the server load a model with the lane's context, so that the next question need not wait for that.
    ///
    /// # Errors
    /// [`LlmError::NotOffered`] where the wire has no such word.
    async fn preload(&self, model: &str, keep_alive: KeepAlive) -> Result<(), LlmError>;

    /// The longest context a model can be run with; none where the server does not say.
    ///
    /// # Errors
    /// Says why it could not be learned.
    async fn context_of(&self, model: &str) -> Result<Option<u32>, LlmError>;

    /// What the server says it is: `Ollama 0.12.6`. It shows that the server answers, and to whom it listens.
    ///
    /// # Errors
    /// Says why it could not be learned.
    async fn server(&self) -> Result<String, LlmError> {
        self.models().await.map(|_| "a model server".to_owned())
    }
}

/// What a vector is for. Some embedding models want a word before a question that is not put before a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbedPurpose {
    /// It is looked for.
    Query,
    /// It is to be found.
    Passage,
}

/// A model the server has. What the server does not say is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelLine {
    /// Its name, as the server spells it.
    pub name: String,
    /// Its size on disk, in bytes.
    pub size: Option<u64>,
    /// The longest context it is served with.
    pub context: Option<u32>,
    /// Whether it lies in memory now.
    pub loaded: Option<bool>,
}

impl ModelLine {
    /// Whether this is the model a person means by `name`: without a tag, `latest` is meant.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.name.strip_suffix(":latest") == Some(name)
    }
}

/// How far the fetching of a model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PullProgress {
    /// What is done now, in the server's words, one bounded line.
    pub status: String,
    /// Bytes that are there, of the part that is fetched now.
    pub done: Option<u64>,
    /// Bytes of that part.
    pub total: Option<u64>,
}
