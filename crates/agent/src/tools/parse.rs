//! Reading a call.

use serde_json::{Map, Value};
use watchkeeper_model::{Confidence, HostName, Plan, RiskLevel, Span, Step, UnitName};

use super::arguments::{Arguments, shown};
use super::{
    Compared, Conclude, LogPriority, NetworkCheck, ProcessOrder, Propose, RiskView, Tool, ToolName,
};
use crate::reply::{ModelReply, step};

/// Why a call is refused: one sentence that says what would be right, for the model to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolRefused {
    /// There is no such tool.
    #[error("there is no tool {name}; there are {known}")]
    Unknown {
        /// What it was called.
        name: String,
        /// What there is.
        known: String,
    },
    /// The arguments are no object.
    #[error("the arguments of {tool} must be one JSON object")]
    NoObject {
        /// The tool.
        tool: String,
    },
    /// The arguments are too long.
    #[error("the arguments of {tool} have {bytes} bytes, more than {limit}")]
    TooLong {
        /// The tool.
        tool: String,
        /// Their size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// An argument is missing or wrong.
    #[error("{key} of {tool} {right}")]
    Argument {
        /// The tool.
        tool: String,
        /// The argument.
        key: String,
        /// What would be right.
        right: String,
    },
    /// A step that is none.
    #[error("{0}")]
    Step(#[from] crate::ReplyRefused),
}

/// Longest arguments of one call, in bytes.
const MAX_ARGUMENT_BYTES: usize = 48 * 1024;
/// Longest path, in characters.
const MAX_PATH_CHARS: usize = 1_000;

impl Tool {
    /// Reads a call: its name, and its arguments as an object or as a text with an object in it.
    ///
    /// # Errors
    /// One sentence that says what would be right.
    pub fn parse(name: &str, arguments: &Value) -> Result<Self, ToolRefused> {
        let found = ToolName::find(name.trim()).ok_or_else(|| unknown(name))?;
        let object = object(found, arguments)?;
        let arguments = Arguments::new(found.as_str(), &object);
        match found {
            ToolName::Propose => propose(&arguments).map(Self::Propose),
            ToolName::Conclude => conclude(&arguments).map(Self::Conclude),
            ToolName::Command | ToolName::ReadFile | ToolName::UnitStatus | ToolName::Logs => {
                on_host(found, &arguments)
            }
            ToolName::Processes | ToolName::Network | ToolName::Compare => wider(found, &arguments),
            _ => stored(found, &arguments),
        }
    }
}

/// The host a call names.
///
/// # Errors
/// When what it names cannot be a host.
pub fn host_of(tool: ToolName, arguments: &Value) -> Result<Option<HostName>, ToolRefused> {
    let object = object(tool, arguments)?;
    let arguments = Arguments::new(tool.as_str(), &object);
    let Some(text) = arguments.text("host", 253)? else {
        return Ok(None);
    };
    HostName::new(text)
        .map(Some)
        .map_err(|_| arguments.wrong("host", "must be the name of a host"))
}

fn unknown(name: &str) -> ToolRefused {
    let known: Vec<&str> = ToolName::ALL.iter().map(|name| name.as_str()).collect();
    ToolRefused::Unknown {
        name: shown(name),
        known: known.join(", "),
    }
}

/// The arguments as an object: given as one, as a text with one in it, or as nothing.
fn object(tool: ToolName, arguments: &Value) -> Result<Map<String, Value>, ToolRefused> {
    let bytes = arguments.to_string().len();
    if bytes > MAX_ARGUMENT_BYTES {
        return Err(ToolRefused::TooLong {
            tool: tool.to_string(),
            bytes,
            limit: MAX_ARGUMENT_BYTES,
        });
    }
    let found = match arguments {
        Value::Object(map) => Some(map.clone()),
        Value::Null => Some(Map::new()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => crate::json::object_in(text),
        _ => None,
    };
    found.ok_or_else(|| ToolRefused::NoObject {
        tool: tool.to_string(),
    })
}

fn on_host(name: ToolName, arguments: &Arguments<'_>) -> Result<Tool, ToolRefused> {
    Ok(match name {
        ToolName::Command => Tool::Command {
            command: arguments.needed(
                "command",
                Tool::MAX_COMMAND_BYTES,
                "must be one command line that only reads, such as `df -h`",
            )?,
        },
        ToolName::ReadFile => Tool::ReadFile {
            path: path(arguments, "path")?
                .ok_or_else(|| arguments.wrong("path", "must be an absolute path"))?,
            from_line: arguments.number("from_line", 1, u32::MAX)?,
            lines: arguments.number("lines", 200, Tool::MAX_LINES)?,
        },
        ToolName::UnitStatus => Tool::UnitStatus {
            unit: arguments
                .unit("unit")?
                .ok_or_else(|| arguments.wrong("unit", "must be a unit such as nginx.service"))?,
        },
        _ => Tool::Logs {
            unit: arguments.unit("unit")?,
            priority: arguments.word(
                "priority",
                &[
                    ("crit", LogPriority::Crit),
                    ("err", LogPriority::Err),
                    ("error", LogPriority::Err),
                    ("warning", LogPriority::Warning),
                    ("info", LogPriority::Info),
                ],
            )?,
            since: arguments.span("since", Span::hours(2), Span::days(30))?,
            lines: arguments.number("lines", 100, Tool::MAX_LINES)?,
            grep: arguments.text("grep", 200)?,
        },
    })
}

fn wider(name: ToolName, arguments: &Arguments<'_>) -> Result<Tool, ToolRefused> {
    Ok(match name {
        ToolName::Processes => Tool::Processes {
            sort_by: arguments
                .word(
                    "sort_by",
                    &[
                        ("cpu", ProcessOrder::Cpu),
                        ("memory", ProcessOrder::Memory),
                        ("mem", ProcessOrder::Memory),
                    ],
                )?
                .unwrap_or(ProcessOrder::Cpu),
            limit: arguments.number("limit", 15, 50)?,
        },
        ToolName::Network => network(arguments)?,
        _ => compare(arguments)?,
    })
}

fn network(arguments: &Arguments<'_>) -> Result<Tool, ToolRefused> {
    let words = [
        ("ping", NetworkCheck::Ping),
        ("port", NetworkCheck::Port),
        ("dns", NetworkCheck::Dns),
        ("http", NetworkCheck::Http),
    ];
    let check = arguments
        .word("check", &words)?
        .ok_or_else(|| arguments.wrong("check", "must be one of ping, port, dns, http"))?;
    let target = arguments.needed("target", 300, "must be a name or an address")?;
    let (right, fits) = match check {
        NetworkCheck::Ping | NetworkCheck::Dns => {
            ("must be a bare name or address", is_address(&target))
        }
        NetworkCheck::Port => ("must be like db1:5432", is_port(&target)),
        NetworkCheck::Http => (
            "must be a plain http or https address without credentials",
            is_url(&target),
        ),
    };
    if !fits {
        return Err(arguments.wrong("target", right));
    }
    Ok(Tool::Network { check, target })
}

/// Whether a text can only be a name or an address, and never an option.
fn is_address(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == ':')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
}

fn is_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        is_address(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let allowed = |c: char| {
            c.is_ascii_alphanumeric()
                || matches!(
                    c,
                    '.' | '-' | '_' | ':' | '/' | '?' | '=' | '&' | '%' | '~' | '+' | ','
                )
        };
        rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && rest.chars().all(allowed)
    })
}

fn compare(arguments: &Arguments<'_>) -> Result<Tool, ToolRefused> {
    let words = [
        ("unit", Compared::Unit),
        ("file", Compared::File),
        ("metric", Compared::Metric),
        ("facts", Compared::Facts),
    ];
    let what = arguments
        .word("what", &words)?
        .ok_or_else(|| arguments.wrong("what", "must be one of unit, file, metric, facts"))?;
    let name = match what {
        Compared::Unit => arguments.unit("name")?.map(String::from),
        Compared::File => path(arguments, "name")?,
        Compared::Metric | Compared::Facts => arguments.text("name", 100)?,
    };
    let name = name.ok_or_else(|| arguments.wrong("name", "must say which one to compare"))?;
    let hosts = arguments.hosts("hosts")?;
    if hosts.len() > Tool::MAX_COMPARED {
        let right = format!("must have at most {} entries", Tool::MAX_COMPARED);
        return Err(arguments.wrong("hosts", &right));
    }
    Ok(Tool::Compare { what, name, hosts })
}

fn stored(name: ToolName, arguments: &Arguments<'_>) -> Result<Tool, ToolRefused> {
    let query = |key| arguments.text(key, Tool::MAX_QUERY_CHARS);
    let needed = |key| arguments.needed(key, Tool::MAX_QUERY_CHARS, "must be words to search for");
    Ok(match name {
        ToolName::Metrics => Tool::Metrics {
            metrics: arguments.list("metrics", 100)?,
            window: arguments.span("window", Span::hours(24), Span::days(90))?,
        },
        ToolName::HostConfig => {
            let (query, path) = (query("query")?, path(arguments, "path")?);
            if query.is_none() && path.is_none() {
                return Err(arguments.wrong("query", "or path must be given"));
            }
            Tool::HostConfig { query, path }
        }
        ToolName::SimilarIssues => Tool::SimilarIssues {
            query: needed("query")?,
        },
        ToolName::Knowledge => Tool::Knowledge {
            query: needed("query")?,
        },
        ToolName::Facts => Tool::Facts {
            sections: arguments.list("sections", 60)?,
        },
        _ => Tool::Output {
            label: label(arguments)?,
            from_line: arguments.number("from_line", 1, u32::MAX)?,
            lines: arguments.number("lines", 100, Tool::MAX_LINES)?,
            grep: arguments.text("grep", 200)?,
        },
    })
}

fn label(arguments: &Arguments<'_>) -> Result<String, ToolRefused> {
    let right = "must be a label such as E2";
    let text = arguments.needed("label", 12, right)?;
    let text = text.trim_matches(['[', ']']).to_ascii_uppercase();
    if crate::claims::is_label(&text) {
        Ok(text)
    } else {
        Err(arguments.wrong("label", right))
    }
}

fn path(arguments: &Arguments<'_>, key: &str) -> Result<Option<String>, ToolRefused> {
    let Some(path) = arguments.text(key, MAX_PATH_CHARS)? else {
        return Ok(None);
    };
    if path.starts_with('/') {
        Ok(Some(path))
    } else {
        Err(arguments.wrong(key, "must be an absolute path"))
    }
}

fn propose(arguments: &Arguments<'_>) -> Result<Propose, ToolRefused> {
    let host = arguments
        .text("host", 253)?
        .map(HostName::new)
        .transpose()
        .map_err(|_| arguments.wrong("host", "must be the name of a host"))?;
    let steps = steps(arguments, "steps")?;
    if steps.is_empty() {
        return Err(arguments.wrong("steps", "must be a list of at least one step with its kind"));
    }
    let reason = arguments
        .prose("reason", ModelReply::MAX_REASON_CHARS)?
        .ok_or_else(|| arguments.wrong("reason", "must say why"))?;
    let verify_unit = arguments
        .text("verify_unit", 255)?
        .map(UnitName::new)
        .transpose()
        .map_err(|_| {
            arguments.wrong(
                "verify_unit",
                "must be a unit with its suffix, such as nginx.service",
            )
        })?;
    Ok(Propose {
        host,
        steps,
        reason,
        evidence: labels(arguments)?,
        undo: self::steps(arguments, "undo")?,
        verify_unit,
        risk: risk(arguments)?,
    })
}

fn steps(arguments: &Arguments<'_>, key: &str) -> Result<Vec<Step>, ToolRefused> {
    let list = match arguments.value(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        Some(_) => return Err(arguments.wrong(key, "must be a list of steps")),
    };
    if list.len() > Plan::MAX_STEPS {
        let right = format!("must have at most {} steps", Plan::MAX_STEPS);
        return Err(arguments.wrong(key, &right));
    }
    let read = list.iter().enumerate();
    Ok(read
        .map(|(index, value)| step(index + 1, value))
        .collect::<Result<_, _>>()?)
}

fn labels(arguments: &Arguments<'_>) -> Result<Vec<String>, ToolRefused> {
    let list = arguments.list("evidence", ModelReply::MAX_EVIDENCE_CHARS)?;
    Ok(list
        .iter()
        .map(|text| text.trim_matches(['[', ']']).to_owned())
        .collect())
}

/// A view of the risk. Words that would lower it, or that are no level, are no view.
fn risk(arguments: &Arguments<'_>) -> Result<Option<RiskView>, ToolRefused> {
    let Some(value) = arguments.value("risk") else {
        return Ok(None);
    };
    let (level, reason) = match value {
        Value::String(level) => (level.as_str(), ""),
        Value::Object(map) => (
            map.get("level").and_then(Value::as_str).unwrap_or_default(),
            map.get("reason")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ),
        _ => ("", ""),
    };
    let level = match level {
        "low" => RiskLevel::Low,
        "medium" => RiskLevel::Medium,
        "high" => RiskLevel::High,
        _ => return Err(arguments.wrong("risk", "must have the level low, medium or high")),
    };
    Ok(Some(RiskView {
        level,
        reason: shown_reason(reason),
    }))
}

fn shown_reason(reason: &str) -> String {
    use watchkeeper_risk::Opinion;
    let line = crate::redact(reason.trim()).into_owned();
    let line = watchkeeper_model::visible(&line);
    watchkeeper_model::bounded(&line, Opinion::MAX_REASON_CHARS).into_owned()
}

fn conclude(arguments: &Arguments<'_>) -> Result<Conclude, ToolRefused> {
    let cause = arguments
        .prose("cause", ModelReply::MAX_CAUSE_CHARS)?
        .ok_or_else(|| arguments.wrong("cause", "must say the cause, or what is not known"))?;
    let words = [
        ("insufficient_evidence", Confidence::InsufficientEvidence),
        ("low", Confidence::Low),
        ("medium", Confidence::Medium),
        ("high", Confidence::High),
    ];
    let confidence = arguments.word("confidence", &words)?.ok_or_else(|| {
        arguments.wrong(
            "confidence",
            "must be one of insufficient_evidence, low, medium, high",
        )
    })?;
    Ok(Conclude {
        cause,
        confidence,
        evidence: labels(arguments)?,
        needs_person: arguments.prose("needs_person", ModelReply::MAX_REASON_CHARS)?,
    })
}
