//! Reading the arguments of a call: what a small model gets nearly right is taken (a number as text, a list of one as a
//! word), what is wrong is refused with a sentence that says what would be right.

use serde_json::{Map, Value};
use watchkeeper_model::{HostName, Span, UnitName, bounded, visible};

use super::ToolRefused;
use crate::redact;

/// Most entries of a list.
const MAX_LIST: usize = 20;

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    tool: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    pub(super) const fn new(tool: &'a str, map: &'a Map<String, Value>) -> Self {
        Self { tool, map }
    }

    /// What is given under a key; nothing where it is missing, null or blank.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        })
    }

    pub(super) fn wrong(&self, key: &str, right: &str) -> ToolRefused {
        ToolRefused::Argument {
            tool: self.tool.to_owned(),
            key: key.to_owned(),
            right: right.to_owned(),
        }
    }

    /// A text of at most so many characters, without line ends and control characters.
    pub(super) fn text(&self, key: &str, max_chars: usize) -> Result<Option<String>, ToolRefused> {
        let text = match self.value(key) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(self.wrong(key, "must be a text")),
        };
        if text.chars().nth(max_chars).is_some() {
            return Err(self.wrong(key, &format!("must have at most {max_chars} characters")));
        }
        if visible(&text) != text {
            return Err(self.wrong(key, "must be one line without control characters"));
        }
        Ok(Some(text))
    }

    /// A text that must be there.
    pub(super) fn needed(
        &self,
        key: &str,
        max_chars: usize,
        right: &str,
    ) -> Result<String, ToolRefused> {
        self.text(key, max_chars)?
            .ok_or_else(|| self.wrong(key, right))
    }

    /// Words of prose: several lines may stand in it; secrets are taken out.
    pub(super) fn prose(&self, key: &str, max_chars: usize) -> Result<Option<String>, ToolRefused> {
        let text = match self.value(key) {
            None => return Ok(None),
            Some(Value::String(text)) => text.trim(),
            Some(_) => return Err(self.wrong(key, "must be a text")),
        };
        if text.chars().nth(max_chars).is_some() {
            return Err(self.wrong(key, &format!("must have at most {max_chars} characters")));
        }
        Ok(Some(redact(text).into_owned()))
    }

    /// A whole number, held to what is allowed.
    pub(super) fn number(&self, key: &str, default: u32, max: u32) -> Result<u32, ToolRefused> {
        let number = match self.value(key) {
            None => return Ok(default),
            Some(Value::Number(number)) => number.as_u64().or_else(|| whole(number.as_f64())),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let number = number.ok_or_else(|| self.wrong(key, "must be a whole number"))?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX).clamp(1, max))
    }

    /// A length of time, held to what is allowed.
    pub(super) fn span(&self, key: &str, default: Span, max: Span) -> Result<Span, ToolRefused> {
        let Some(text) = self.text(key, 40)? else {
            return Ok(default);
        };
        let bare = text.strip_suffix("ago").unwrap_or(&text).trim();
        let bare = bare.trim_start_matches('-').replace(' ', "");
        let span: Span = bare
            .parse()
            .map_err(|_| self.wrong(key, "must be a length of time such as 30m, 2h or 1d"))?;
        Ok(span.min(max))
    }

    /// A unit that must be there; `.service` is added where nothing else is meant.
    pub(super) fn unit(&self, key: &str) -> Result<Option<UnitName>, ToolRefused> {
        let Some(text) = self.text(key, 255)? else {
            return Ok(None);
        };
        UnitName::new(text.as_str())
            .or_else(|_| UnitName::new(format!("{text}.service")))
            .map(Some)
            .map_err(|_| {
                self.wrong(
                    key,
                    "must be the name of a unit with its suffix, such as nginx.service",
                )
            })
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ToolRefused> {
        let Some(text) = self.text(key, 40)? else {
            return Ok(None);
        };
        let lower = text.to_ascii_lowercase();
        let found = words.iter().find(|(word, _)| *word == lower);
        found.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(key, &format!("must be one of {}", all.join(", ")))
        })
    }

    /// A list of short texts; a single one counts as a list of one.
    pub(super) fn list(&self, key: &str, max_chars: usize) -> Result<Vec<String>, ToolRefused> {
        let one = |value: &Value| match value {
            Value::String(text) if text.chars().nth(max_chars).is_none() => {
                Ok(visible(text.trim()).into_owned())
            }
            _ => Err(self.wrong(key, "must be a list of short texts")),
        };
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) if list.len() <= MAX_LIST => list
                .iter()
                .map(one)
                .filter(|text| !text.as_ref().is_ok_and(String::is_empty))
                .collect(),
            Some(Value::Array(_)) => {
                Err(self.wrong(key, &format!("must have at most {MAX_LIST} entries")))
            }
            Some(Value::String(text)) => text
                .split([',', ' '])
                .filter(|part| !part.is_empty())
                .take(MAX_LIST)
                .map(|part| one(&Value::from(part)))
                .collect(),
            Some(value) => one(value).map(|text| vec![text]),
        }
    }

    /// Hosts by their names.
    pub(super) fn hosts(&self, key: &str) -> Result<Vec<HostName>, ToolRefused> {
        self.list(key, 253)?
            .into_iter()
            .map(|text| {
                HostName::new(text).map_err(|_| self.wrong(key, "must be a list of host names"))
            })
            .collect()
    }
}

/// A number such as 3.0, which small models write.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held to the range of u32 before"
)]
fn whole(number: Option<f64>) -> Option<u64> {
    number
        .filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number))
        .map(|number| number as u64)
}

/// A hostile text, fit to stand in a sentence.
pub(super) fn shown(text: &str) -> String {
    bounded(&visible(&redact(text)), 80).into_owned()
}
