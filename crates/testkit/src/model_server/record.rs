//! What was asked of the server and what became of it.

use serde_json::Value;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for its turn.
    Waiting,
    /// It is being answered.
    Serving,
    /// It was answered to the end of its script.
    Answered,
    /// Its client closed the connection before that.
    ClientGone,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `GET`, `POST`.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, null where there was none or none that is JSON.
    pub body: Value,
    /// What became of it.
    pub outcome: Outcome,
}

impl Recorded {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it asks for a generation.
    #[must_use]
    pub fn is_generation(&self) -> bool {
        match self.path.as_str() {
            "/api/chat" | "/v1/chat/completions" | "/v1/messages" => true,
            // Without a prompt it only loads the model.
            "/api/generate" => !self.body["prompt"].as_str().unwrap_or_default().is_empty(),
            _ => false,
        }
    }
}
