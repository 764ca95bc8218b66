//! Layers of configuration and where each value comes from. Files are read as TOML, each is checked alone so
//! that an error names its file and line, then they are laid over one another: tables merge key by key,
//! everything else replaces. What cannot be used is left out and kept as an error, so that one look finds all of
//! them. What the keys mean is said in the sections.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer};
use toml::{Spanned, Table, Value};

use super::error::{ConfigError, Origin, explain};
use super::key::Key;

/// Errors told of one file; a file with more is not a configuration.
const MAX_FAULTS: usize = 50;

/// Values from all layers, and where each comes from.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    values: Table,
    origins: BTreeMap<Key, Origin>,
    errors: Vec<ConfigError>,
}

impl Layers {
    /// Values that stand under everything else and count as defaults.
    pub(crate) fn over(defaults: Table) -> Self {
        Self {
            values: defaults,
            ..Self::default()
        }
    }

    /// Keeps an error.
    pub(crate) fn fault(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// What could not be used; it is told once.
    pub(crate) fn take_errors(&mut self) -> Vec<ConfigError> {
        std::mem::take(&mut self.errors)
    }

    /// Lays a file's text over what is there. `T` is the shape that the file alone must have.
    pub(crate) fn add_text<T: DeserializeOwned>(&mut self, path: &Path, text: &str) {
        let origin = |at: usize| Origin::File(path.to_owned(), line_of(text, at));
        let (mut table, broken) = DeTable::parse_recoverable(text);
        for error in broken.iter().take(MAX_FAULTS) {
            let at = error.span().map_or(text.len(), |span| span.start);
            self.errors
                .push(ConfigError::invalid(origin(at), explain(error.message())));
        }
        if !broken.is_empty() {
            return;
        }
        for (span, message) in weed::<T>(&mut table) {
            self.errors
                .push(ConfigError::invalid(origin(span.start), explain(&message)));
        }
        let mut told = Vec::new();
        note_table(&mut told, &Key::default(), table.get_ref());
        for (key, at) in told {
            self.note(key, origin(at));
        }
        if let Ok(values) = Table::deserialize(Deserializer::from(table)) {
            merge(&mut self.values, values);
        }
    }

    /// Sets one value by its dotted key. What reads as a TOML value is one, everything else is a string.
    pub(crate) fn set<T: DeserializeOwned>(&mut self, key: &str, text: &str, origin: Origin) {
        let Some(key) = Key::parse(key) else {
            let message = format!("{key:?} is no key; keys look like `watch.interval`");
            return self.fault(ConfigError::Invalid {
                origin,
                message,
                likely: None,
            });
        };
        let layer = key.around(parse_value(text));
        if let Err(error) = T::deserialize(Value::Table(layer.clone())) {
            let (message, likely) = explain(error.message());
            return self.fault(ConfigError::Invalid {
                origin,
                message: format!("{key}: {message}"),
                likely,
            });
        }
        for (key, _) in leaves(&layer) {
            self.note(key, origin.clone());
        }
        merge(&mut self.values, layer);
    }

    /// The whole as one shape.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(Value::Table(self.values.clone()))
            .map_err(|error| ConfigError::invalid(Origin::Default, explain(error.message())))
    }

    /// Where the value of a key was said.
    pub(crate) fn origin(&self, key: &Key) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// Where the value was said, or what it lies in: for errors about a value that may not be there.
    pub(crate) fn origin_near(&self, key: &Key) -> Origin {
        let mut key = Some(key.clone());
        while let Some(at) = key {
            if let Some(origin) = self.origins.get(&at) {
                return origin.clone();
            }
            key = at.parent();
        }
        Origin::Default
    }

    /// A value that replaces another replaces what is known of everything in it, too.
    fn note(&mut self, key: Key, origin: Origin) {
        if !matches!(self.at(&key), Some(Value::Table(_))) {
            self.origins.retain(|known, _| !known.lies_in(&key));
        }
        self.origins.insert(key, origin);
    }

    fn at(&self, key: &Key) -> Option<&Value> {
        key.find(&self.values)
    }
}

/// Takes out what does not fit the shape, and tells of each.
fn weed<T: DeserializeOwned>(table: &mut Spanned<DeTable<'_>>) -> Vec<(Range<usize>, String)> {
    let mut faults = Vec::new();
    while faults.len() < MAX_FAULTS {
        let Err(error) = T::deserialize(Deserializer::from(table.clone())) else {
            break;
        };
        let span = error.span().unwrap_or(0..0);
        faults.push((span.clone(), error.message().to_owned()));
        if !remove_at(table.get_mut(), span.start) {
            break;
        }
    }
    faults.sort_by_key(|(span, _)| span.start);
    faults
}

/// Removes the innermost entry that stands at this place of the text. A table's own place is only its heading, so
/// what lies in it is looked through first.
fn remove_at(table: &mut DeTable<'_>, at: usize) -> bool {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        let inside = match value.get_mut() {
            DeValue::Table(inner) => remove_at(inner, at),
            DeValue::Array(items) => items.iter_mut().any(|item| match item.get_mut() {
                DeValue::Table(inner) => remove_at(inner, at),
                _ => false,
            }),
            _ => false,
        };
        if inside {
            return true;
        }
        if key.span().contains(&at) || value.span().contains(&at) || holds(value, at) {
            found = Some(key.clone());
        }
    }
    found.is_some_and(|key| table.remove(&key).is_some())
}

fn holds(value: &Spanned<DeValue<'_>>, at: usize) -> bool {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().any(|item| item.span().contains(&at)),
        _ => false,
    }
}

/// Every value that is no table with something in it, with its key.
pub(super) fn leaves(table: &Table) -> Vec<(Key, &Value)> {
    let mut found = Vec::new();
    collect_leaves(&mut found, &Key::default(), table);
    found
}

fn collect_leaves<'v>(found: &mut Vec<(Key, &'v Value)>, prefix: &Key, table: &'v Table) {
    for (name, value) in table {
        let key = prefix.name(name);
        match value {
            Value::Table(inner) if !inner.is_empty() => collect_leaves(found, &key, inner),
            Value::Array(items) if matches!(items.first(), Some(Value::Table(_))) => {
                for (place, item) in items.iter().enumerate() {
                    if let Value::Table(inner) = item {
                        collect_leaves(found, &key.place(place), inner);
                    }
                }
            }
            _ => found.push((key, value)),
        }
    }
}

fn parse_value(text: &str) -> Value {
    toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Where every key stands, those of tables too, each before what lies in it.
fn note_table(told: &mut Vec<(Key, usize)>, prefix: &Key, table: &DeTable<'_>) {
    for (name, value) in table {
        let key = prefix.name(name.get_ref());
        told.push((key.clone(), name.span().start));
        match value.get_ref() {
            DeValue::Table(inner) => note_table(told, &key, inner),
            DeValue::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    if let DeValue::Table(inner) = item.get_ref() {
                        told.push((key.place(place), item.span().start));
                        note_table(told, &key.place(place), inner);
                    }
                }
            }
            _ => {}
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Shape {
        watch: Watch,
        lanes: Vec<Lane>,
        hosts: BTreeMap<String, Watch>,
        #[serde(rename = "name")]
        _name: String,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Watch {
        interval: String,
        parallel: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Lane {
        #[serde(rename = "model")]
        _model: String,
    }

    fn layers(files: &[(&str, &str)]) -> Layers {
        let mut layers = Layers::default();
        for (path, text) in files {
            layers.add_text::<Shape>(Path::new(path), text);
        }
        layers
    }

    fn errors(text: &str) -> Vec<String> {
        told(&mut layers(&[("a.toml", text)]))
    }

    fn told(layers: &mut Layers) -> Vec<String> {
        layers
            .take_errors()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_likely_key() {
        let found = errors("name = \"x\"\n[watch]\nintervall = \"5m\"\n");
        assert_eq!(
            found,
            ["a.toml:3: unknown key `intervall`; did you mean `interval`?"]
        );
    }

    #[test]
    fn every_error_of_a_file_is_told_and_the_rest_of_it_is_used() {
        let mut layers = layers(&[(
            "a.toml",
            "nmae = 1\n[watch]\ninterval = 5\nparallel = 3\n[wacth]\na = 1\n[hosts.h]\nparallel = \"x\"\n\
             [[lanes]]\nmodel = \"m\"\nx = 1\n[[lanes]]\n",
        )]);
        let lines = told(&mut layers);
        let places: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split(": ").next())
            .collect();
        assert_eq!(
            places,
            [
                "a.toml:1",
                "a.toml:3",
                "a.toml:5",
                "a.toml:8",
                "a.toml:11",
                "a.toml:12"
            ],
            "{lines:#?}"
        );
        let shape: Shape = layers.read().expect("what is left fits");
        assert_eq!(shape.watch.parallel, 3);
    }

    #[test]
    fn broken_toml_is_told_with_its_line() {
        let found = errors("name = \"x\"\n[watch\n");
        assert!(
            found.len() == 1 && found[0].starts_with("a.toml:2: "),
            "{found:?}"
        );
    }

    #[test]
    fn a_later_layer_wins_key_by_key_and_origins_tell() {
        let mut layers = layers(&[
            ("a.toml", "[watch]\ninterval = \"5m\"\nparallel = 3\n"),
            ("b.toml", "\n[watch]\nparallel = 9\n"),
        ]);
        layers.set::<Shape>(
            "watch.interval",
            "1m",
            Origin::Variable("WATCHKEEPER_WATCH__INTERVAL".to_owned()),
        );
        let shape: Shape = layers.read().expect("it fits");
        assert_eq!(
            (shape.watch.interval.as_str(), shape.watch.parallel),
            ("1m", 9)
        );
        assert_eq!(
            layers.origin(&"watch.parallel".into()).to_string(),
            "b.toml:3"
        );
        assert_eq!(
            layers.origin(&"watch.interval".into()).to_string(),
            "$WATCHKEEPER_WATCH__INTERVAL"
        );
        assert_eq!(layers.origin(&"name".into()), Origin::Default);
    }

    #[test]
    fn a_list_replaces_a_list_with_all_its_origins() {
        let layers = layers(&[
            (
                "a.toml",
                "[[lanes]]\nmodel = \"a\"\n[[lanes]]\nmodel = \"b\"\n",
            ),
            ("b.toml", "\n\n[[lanes]]\nmodel = \"c\"\n"),
        ]);
        let model = |place| Key::from("lanes").place(place).name("model");
        assert_eq!(layers.origin(&model(0)).to_string(), "b.toml:4");
        assert_eq!(layers.origin(&model(1)), Origin::Default);
        assert_eq!(layers.origin_near(&model(1)).to_string(), "b.toml:3");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_an_error_where_it_stands() {
        let found = errors("[watch]\n\nparallel = \"many\"\n");
        assert!(
            found.len() == 1 && found[0].starts_with("a.toml:3: "),
            "{found:?}"
        );
    }

    #[test]
    fn a_flag_with_a_misspelt_key_or_none_is_an_error() {
        let mut layers = Layers::default();
        layers.set::<Shape>("watch.paralel", "3", Origin::Flag("--set".to_owned()));
        layers.set::<Shape>("watch parallel", "3", Origin::Flag("--set".to_owned()));
        assert_eq!(
            told(&mut layers),
            [
                "--set: watch.paralel: unknown key `paralel`; did you mean `parallel`?",
                "--set: \"watch parallel\" is no key; keys look like `watch.interval`",
            ]
        );
    }

    #[test]
    fn a_value_is_toml_where_it_reads_as_such_and_text_elsewhere() {
        assert_eq!(parse_value("3"), Value::Integer(3));
        assert_eq!(
            parse_value("[\"a\"]"),
            Value::Array(vec![Value::String("a".to_owned())])
        );
        assert_eq!(parse_value("5m"), Value::String("5m".to_owned()));
        assert_eq!(
            parse_value("1\nother = 2"),
            Value::String("1\nother = 2".to_owned())
        );
    }
}
