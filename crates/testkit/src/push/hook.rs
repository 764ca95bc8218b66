//! Whoever takes a webhook: keeps what came, header by header and byte by byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::wire::{Answer, Fault, Server, lock};

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its path.
    pub path: String,
    /// Its headers, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// Its very bytes.
    pub body: Vec<u8>,
}

/// A server that takes webhooks.
#[derive(Debug)]
pub struct Hook {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Hook {
    /// Starts one.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        let refusal = |status| json!({ "error": status });
        let server = Server::start(refusal, move |request| {
            lock(&kept).push(Received {
                path: request.path.clone(),
                headers: request.headers.clone(),
                body: request.body.clone(),
            });
            Answer {
                status: 200,
                body: json!({}),
            }
        })
        .await;
        Self { server, received }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Fails from now on, or no longer.
    pub fn fails(&self, fault: impl Into<Option<Fault>>) {
        self.server.fails(fault.into());
    }

    /// What came so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }
}
