//! Sorting: what a small model says about a finding. Its word that the main model is not needed leads at most to a plain
//! diagnosis without a proposal; anything else that it says, or that cannot be read, leads to the main model.

use serde_json::{Value, json};
use watchkeeper_model::Confidence;

use super::{Answer, Effect, Investigation};
use crate::claims;
use crate::tools::Conclude;

/// The schema of its answer.
pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "needs_main": { "type": "boolean" },
            "kind": { "type": "string", "enum": ["service", "disk", "memory", "cpu", "network", "security", "update", "hardware", "other"] },
            "cause": { "type": ["string", "null"] },
            "evidence": { "type": "array", "items": { "type": "string" }, "maxItems": 5 },
        },
        "required": ["needs_main", "kind", "cause", "evidence"],
        "additionalProperties": false,
    })
}

impl Investigation {
    pub(super) fn take_triage(&mut self, answer: &Answer) -> Vec<Effect> {
        let Some(conclude) = self.sorted(&answer.text) else {
            return self.go_on();
        };
        self.model.clone_from(&answer.model);
        self.draft = None;
        self.conclude_plainly(conclude)
    }

    /// The plain diagnosis that the small model gives; none where the main model is needed.
    fn sorted(&self, text: &str) -> Option<Conclude> {
        let object = crate::json::object_in(text)?;
        if object.get("needs_main") != Some(&Value::Bool(false)) {
            return None;
        }
        let cause = object.get("cause").and_then(Value::as_str).map(str::trim);
        let lines: Vec<String> = object
            .get("evidence")
            .and_then(Value::as_array)
            .map(|list| {
                let texts = list.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            })
            .unwrap_or_default();
        let ground = self.case.ground(&self.seen);
        let evidence = claims::labels_of_lines(&lines, &ground);
        let said = cause.filter(|cause| !cause.is_empty());
        Some(Conclude {
            cause: said
                .unwrap_or("The small model that sorts findings sees nothing to look into, and names no cause.")
                .to_owned(),
            confidence: if said.is_some() {
                Confidence::Low
            } else {
                Confidence::InsufficientEvidence
            },
            evidence,
            needs_person: None,
        })
    }
}
