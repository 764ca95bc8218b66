//! What a model is told about the tools: short names, short sentences, small schemas, because all of it stands in every
//! prompt and a small model reads it.

use serde_json::{Value, json};

use super::{Tool, ToolName};
use crate::machine::ToolSpec;
use crate::prompt::STEP_KINDS;

impl Tool {
    /// Every tool, as told to a model.
    #[must_use]
    pub fn specs() -> Vec<ToolSpec> {
        ToolName::ALL.iter().map(|name| name.spec()).collect()
    }
}

impl ToolName {
    /// The tool, as told to a model that may look at several hosts.
    #[must_use]
    pub fn spec(self) -> ToolSpec {
        let (description, properties, required) = self.told();
        self.spec_of(description, &properties, required)
    }

    /// The same for a model that has one host only: it need not name it.
    #[must_use]
    pub fn spec_for_one_host(self) -> ToolSpec {
        let (description, mut properties, required) = self.told();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("host");
        }
        self.spec_of(description, &properties, required)
    }

    fn spec_of(self, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
        let mut parameters = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            parameters["required"] = json!(required);
        }
        ToolSpec {
            name: self.as_str().to_owned(),
            description: description.to_owned(),
            parameters,
        }
    }

    fn told(self) -> (&'static str, Value, &'static [&'static str]) {
        match self {
            Self::Propose | Self::Conclude => self.told_of_closing(),
            Self::Metrics
            | Self::HostConfig
            | Self::SimilarIssues
            | Self::Knowledge
            | Self::Facts
            | Self::Output => self.told_of_stored(),
            _ => self.told_of_host(),
        }
    }

    fn told_of_host(self) -> (&'static str, Value, &'static [&'static str]) {
        match self {
            Self::Command => (
                "Run one command that only reads, e.g. df -h.",
                json!({ "host": text(), "command": text() }),
                &["command"],
            ),
            Self::ReadFile => (
                "Read lines of a file.",
                json!({ "host": text(), "path": text(), "from_line": number(), "lines": number() }),
                &["path"],
            ),
            Self::UnitStatus => (
                "Status of a systemd unit, with its last log lines.",
                json!({ "host": text(), "unit": text() }),
                &["unit"],
            ),
            Self::Logs => (
                "Journal lines, from since ago, with grep in them.",
                json!({
                    "host": text(), "unit": text(), "priority": words(&["crit", "err", "warning", "info"]),
                    "since": told("e.g. 30m, 2h, 1d"), "lines": number(),
                    "grep": text(),
                }),
                &[],
            ),
            Self::Processes => (
                "The largest processes.",
                json!({ "host": text(), "sort_by": words(&["cpu", "memory"]), "limit": number() }),
                &[],
            ),
            Self::Network => (
                "One network check from the host. target: name, name:port or URL of a host you were given.",
                json!({ "host": text(), "check": words(&["ping", "port", "dns", "http"]), "target": text() }),
                &["check", "target"],
            ),
            _ => (
                "Look at the same thing on other hosts. name: the unit, path, metric or section.",
                json!({ "what": words(&["unit", "file", "metric", "facts"]), "name": text(), "hosts": texts() }),
                &["what", "name"],
            ),
        }
    }

    fn told_of_stored(self) -> (&'static str, Value, &'static [&'static str]) {
        match self {
            Self::Metrics => (
                "Figures of the stored looks over a window, with their course; without names, all.",
                json!({ "host": text(), "metrics": texts(), "window": told("e.g. 6h, 7d") }),
                &[],
            ),
            Self::HostConfig => (
                "Search the host's configuration files, or read one.",
                json!({ "host": text(), "query": text(), "path": text() }),
                &[],
            ),
            Self::SimilarIssues => (
                "Past issues like this and how they ended.",
                json!({ "query": text() }),
                &["query"],
            ),
            Self::Knowledge => (
                "Notes of people and experience.",
                json!({ "query": text() }),
                &["query"],
            ),
            Self::Facts => (
                "What the last check of the host saw.",
                json!({ "host": text(), "sections": texts() }),
                &[],
            ),
            _ => (
                "More lines of something seen before, by its label.",
                json!({ "label": told("e.g. E2"), "from_line": number(), "lines": number(), "grep": text() }),
                &["label"],
            ),
        }
    }

    fn told_of_closing(self) -> (&'static str, Value, &'static [&'static str]) {
        let confidence = words(&["insufficient_evidence", "low", "medium", "high"]);
        match self {
            Self::Propose => (
                "Propose a change; a person decides. Smallest steps first, shell last.",
                json!({
                    "host": text(), "steps": steps(), "reason": text(), "evidence": texts(),
                    "undo": told_list("steps that put it back"),
                    "verify_unit": told("unit that must be active then"),
                    "risk": told_object("if riskier than it looks: level, reason"),
                }),
                &["steps", "reason", "evidence"],
            ),
            _ => (
                "End: the cause with its labels like [E2], or that the evidence does not tell.",
                json!({
                    "cause": text(), "confidence": confidence, "evidence": texts(),
                    "needs_person": told("why a person must look"),
                }),
                &["cause", "confidence", "evidence"],
            ),
        }
    }
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn told(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn told_list(description: &str) -> Value {
    json!({ "type": "array", "items": { "type": "object" }, "description": description })
}

fn told_object(description: &str) -> Value {
    json!({ "type": "object", "description": description })
}

fn number() -> Value {
    json!({ "type": "integer" })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

/// One flat object for all kinds: a schema with a variant for each is several times as long, and what does not fit a
/// kind is refused with a sentence anyway.
pub(crate) fn steps() -> Value {
    let kinds: Vec<&str> = STEP_KINDS.iter().map(|kind| kind.kind).collect();
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "kind": words(&kinds),
                "unit": text(),
                "keep_mib": number(),
                "script": text(),
            },
            "required": ["kind"],
        },
    })
}
