//! Keys of the configuration: the way from the top to one value, as in `hosts.web1.port` or `lanes[0].model`.

use std::fmt;

use toml::{Table, Value};

/// The way to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Name(String),
    Place(usize),
}

impl Key {
    /// The value of this name below it.
    pub(crate) fn name(&self, name: &str) -> Self {
        self.with(Part::Name(name.to_owned()))
    }

    /// The value at this place below it, from 0.
    pub(crate) fn place(&self, place: usize) -> Self {
        self.with(Part::Place(place))
    }

    fn with(&self, part: Part) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// What it lies in; none at the top.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// Whether it is `other` or lies in it.
    pub(crate) fn lies_in(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// A key as it is typed: dotted, and quoted where a part is no bare word, as in TOML.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.contains(['=', '#', '\n', '\r']) {
            return None;
        }
        let mut inner: Value = Value::Table(toml::from_str(&format!("{text} = 0")).ok()?);
        let mut key = Self::default();
        while let Value::Table(table) = inner {
            let mut entries = table.into_iter();
            let (Some((name, value)), None) = (entries.next(), entries.next()) else {
                return None;
            };
            key = key.name(&name);
            inner = value;
        }
        Some(key)
    }

    /// The tables, and lists of one, that lead to a value.
    pub(crate) fn around(&self, value: Value) -> Table {
        let whole = self.0.iter().rev().fold(value, |value, part| match part {
            Part::Name(name) => Value::Table(Table::from_iter([(name.clone(), value)])),
            Part::Place(_) => Value::Array(vec![value]),
        });
        match whole {
            Value::Table(table) => table,
            _ => Table::new(),
        }
    }

    /// The value it leads to.
    pub(crate) fn find<'v>(&self, table: &'v Table) -> Option<&'v Value> {
        let (first, rest) = self.0.split_first()?;
        let Part::Name(name) = first else { return None };
        rest.iter()
            .try_fold(table.get(name)?, |value, part| match part {
                Part::Name(name) => value.get(name),
                Part::Place(place) => value.get(*place),
            })
    }
}

impl From<&str> for Key {
    /// Of bare words with dots between them.
    fn from(dotted: &str) -> Self {
        Self(
            dotted
                .split('.')
                .map(|name| Part::Name(name.to_owned()))
                .collect(),
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            match part {
                Part::Place(place) => write!(f, "[{place}]")?,
                Part::Name(name) => {
                    let dot = if index == 0 { "" } else { "." };
                    let bare = !name.is_empty()
                        && name
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
                    if bare {
                        write!(f, "{dot}{name}")?;
                    } else {
                        write!(f, "{dot}{name:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_written_as_in_toml() {
        for text in ["name", "watch.interval", "hosts.\"db.example.org\".port"] {
            assert_eq!(
                Key::parse(text).map(|key| key.to_string()).as_deref(),
                Some(text)
            );
        }
        assert_eq!(
            Key::from("lanes").place(0).name("model").to_string(),
            "lanes[0].model"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "a b", "a.", "a = 1\nb", "[a]", "a.b = 1 #"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_key_lies_in_its_parents() {
        let port = Key::from("hosts.web1.port");
        assert!(port.lies_in(&Key::from("hosts.web1")));
        assert!(!port.lies_in(&Key::from("hosts.web")));
        assert_eq!(port.parent(), Some(Key::from("hosts.web1")));
    }
}
