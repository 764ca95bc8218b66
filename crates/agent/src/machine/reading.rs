//! Reading calls: which tool, on which host, and whether that is allowed here; what is not gets one sentence.

use serde_json::{Map, Value};
use watchkeeper_model::HostName;
use watchkeeper_model::guards::{Guard, stands};

use super::{CallId, Investigation, RawCall};
use crate::claims;
use crate::prompt::line;
use crate::tools::{Propose, Tool, ToolName, ToolRefused, host_of};

/// Hosts named in a refusal.
const MAX_NAMED: usize = 8;
/// Longest name of a tool, as it is shown to the model again.
const MAX_NAME_CHARS: usize = 40;
/// Longest arguments that are said to the model again, in bytes.
const MAX_SAID_AGAIN: usize = 4_000;

/// A call's tool and the host it is meant for, or why it is refused.
pub(super) type Read = Result<(Option<HostName>, Tool), String>;

impl Investigation {
    /// The tool of a call, and the host it is meant for.
    pub(super) fn read(&self, call: &RawCall) -> Read {
        let offered = self.case.tools();
        let name = ToolName::find(call.name.trim()).filter(|name| offered.contains(name));
        let Some(name) = name else {
            let known: Vec<&str> = offered.iter().map(|name| name.as_str()).collect();
            let refused = ToolRefused::Unknown {
                name: line(&call.name, MAX_NAME_CHARS),
                known: known.join(", "),
            };
            return Err(refused.to_string());
        };
        let read = Tool::parse(name.as_str(), &call.arguments);
        let mut tool = read.map_err(|refused| refused.to_string())?;
        let named = host_of(name, &call.arguments).map_err(|refused| refused.to_string())?;
        let host = named.or_else(|| self.case.host.clone());
        match &mut tool {
            Tool::Propose(propose) => self.settle_labels(&mut propose.evidence),
            Tool::Conclude(conclude) => self.settle_labels(&mut conclude.evidence),
            _ => self.settle_look(&mut tool, host.as_ref())?,
        }
        Ok((host, tool))
    }

    /// The labels that a model means where it writes `E1: journal` or quotes a line.
    fn settle_labels(&self, evidence: &mut Vec<String>) {
        let ground = self.case.ground(&self.seen);
        *evidence = claims::labels_of_lines(evidence, &ground);
    }

    /// Holds a look to what may be looked at here.
    fn settle_look(&self, tool: &mut Tool, host: Option<&HostName>) -> Result<(), String> {
        if let Some(host) = host {
            self.may_look(host)?;
        } else if tool.needs_host() {
            return Err(format!(
                "host must be one of {}",
                in_words(&self.case.hosts)
            ));
        }
        self.settle_compared(tool, host)?;
        match tool {
            Tool::Output { label, .. } => self.is_kept(label),
            _ => Ok(()),
        }
    }

    fn may_look(&self, host: &HostName) -> Result<(), String> {
        if self.case.hosts.contains(host) || !stands(Guard::Hosts) {
            Ok(())
        } else {
            let known = in_words(&self.case.hosts);
            Err(format!(
                "there is no host {host} to look at here; there are {known}"
            ))
        }
    }

    /// Fills in the hosts that a comparison leaves out, and refuses those that may not be looked at.
    fn settle_compared(&self, tool: &mut Tool, host: Option<&HostName>) -> Result<(), String> {
        let Tool::Compare { hosts, .. } = tool else {
            return Ok(());
        };
        for host in hosts.iter() {
            self.may_look(host)?;
        }
        if hosts.is_empty() {
            let others = self.case.hosts.iter().filter(|other| Some(*other) != host);
            hosts.extend(others.take(Tool::MAX_COMPARED).cloned());
        }
        if hosts.is_empty() {
            return Err("there is no other host to compare with".to_owned());
        }
        Ok(())
    }

    pub(super) fn is_kept(&self, label: &str) -> Result<(), String> {
        let looked = self.seen.iter().any(|look| look.label == label);
        let noted = self.case.notes.iter().any(|note| note.label == label);
        if looked || noted {
            Ok(())
        } else {
            Err(format!("there is no {label}; there are {}", self.labels()))
        }
    }

    /// The labels there are.
    pub(super) fn labels(&self) -> String {
        let looks = self.seen.iter().map(|look| look.label.as_str());
        let notes = self.case.notes.iter().map(|note| note.label.as_str());
        let labels: Vec<&str> = looks.chain(notes).collect();
        if labels.is_empty() {
            "none yet".to_owned()
        } else {
            labels.join(", ")
        }
    }

    /// The host of a proposal, where something may be proposed for it.
    pub(super) fn host_of_proposal(&self, propose: &Propose) -> Option<HostName> {
        let host = propose
            .host
            .clone()
            .or_else(|| match &*self.case.may_change {
                [only] => Some(only.clone()),
                _ => self.case.host.clone(),
            });
        host.filter(|host| self.case.may_change.contains(host) || !stands(Guard::Hosts))
    }
}

/// Some of the hosts, by name.
pub(super) fn in_words(hosts: &[HostName]) -> String {
    let names: Vec<&str> = hosts.iter().take(MAX_NAMED).map(HostName::as_str).collect();
    match hosts.len().saturating_sub(names.len()) {
        0 if names.is_empty() => "none".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// A call as it is said to the model again: our id, a name and arguments that every server takes.
pub(super) fn shown_call(id: &CallId, call: RawCall) -> RawCall {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = call
        .name
        .chars()
        .filter(plain)
        .take(MAX_NAME_CHARS)
        .collect();
    let arguments = match call.arguments {
        Value::Object(map) => Some(map),
        Value::String(text) => crate::json::object_in(&text),
        _ => None,
    };
    let fits =
        |map: &Map<String, Value>| Value::Object(map.clone()).to_string().len() <= MAX_SAID_AGAIN;
    RawCall {
        id: id.0.clone(),
        name: if name.is_empty() {
            "unknown".to_owned()
        } else {
            name
        },
        arguments: Value::Object(arguments.filter(fits).unwrap_or_default()),
    }
}

impl Investigation {
    /// The first object in what a model wrote that is its own: what it quotes from what it was shown is evidence, and no call
    /// and no conclusion, however much it looks like one.
    pub(super) fn own_object(&self, text: &str) -> Option<Map<String, Value>> {
        let bare = |text: &str| -> String {
            let said = |c: &char| !c.is_whitespace() && *c != '\\';
            text.chars().filter(said).collect()
        };
        let shown: Vec<String> = self
            .case
            .ground(&self.seen)
            .evidence
            .iter()
            .map(|piece| bare(piece.text))
            .collect();
        let is_quoted = |words: &str| {
            let words = bare(words);
            stands(Guard::Quotation) && shown.iter().any(|shown| shown.contains(&words))
        };
        crate::json::object_but(text, &is_quoted)
    }
}

/// A call that a model wrote as text: an object with the name of a tool and its arguments.
pub(super) fn call_in_object(object: Map<String, Value>) -> Option<RawCall> {
    let object = match object.get("function").or_else(|| object.get("tool_call")) {
        Some(Value::Object(inner)) => inner.clone(),
        _ => object,
    };
    let name = ["name", "tool", "function"]
        .iter()
        .find_map(|key| object.get(*key)?.as_str())
        .filter(|name| ToolName::find(name.trim()).is_some())?;
    let arguments = ["arguments", "parameters", "args", "input"]
        .iter()
        .find_map(|key| object.get(*key));
    Some(RawCall {
        id: String::new(),
        name: name.to_owned(),
        arguments: arguments.cloned().unwrap_or(Value::Null),
    })
}
