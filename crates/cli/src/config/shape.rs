//! Every key that a shape knows, found by asking: a key that nobody knows is offered at each level, and the refusal
//! names those that are known. So `config show` and the tests need no second list of keys.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::unknown_field;
use super::key::Key;

/// A name that no section has as a key, and that can name a host or a group.
const NOBODY: &str = "zzz";

/// A key of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The key; in it `zzz` stands for any name, `[0]` for any place.
    pub(crate) key: Key,
    /// Whether it lies in a table or list whose entries a person names.
    pub(crate) repeated: bool,
}

/// The keys of a shape, those of tables left out.
pub(crate) fn keys<T: DeserializeOwned>() -> Vec<Known> {
    let mut found = Vec::new();
    explore::<T>(&mut found, &Key::default(), false);
    found
}

fn explore<T: DeserializeOwned>(found: &mut Vec<Known>, key: &Key, repeated: bool) {
    if let Some(names) = names_below::<T>(key) {
        for name in names {
            explore::<T>(found, &key.name(&name), repeated);
        }
        return;
    }
    let entries = [key.name(NOBODY), key.place(0)];
    match entries
        .into_iter()
        .find(|entry| names_below::<T>(entry).is_some())
    {
        Some(entry) => explore::<T>(found, &entry, true),
        None => found.push(Known {
            key: key.clone(),
            repeated,
        }),
    }
}

/// The names that may stand in the table at this key; none where no table with fixed names stands.
fn names_below<T: DeserializeOwned>(key: &Key) -> Option<Vec<String>> {
    let offered = Value::Table(Table::from_iter([(NOBODY.to_owned(), Value::Integer(0))]));
    let table = if *key == Key::default() {
        Table::from_iter([(NOBODY.to_owned(), Value::Integer(0))])
    } else {
        key.around(offered)
    };
    let error = T::deserialize(Value::Table(table)).err()?;
    let (unknown, names) = unknown_field(error.message())?;
    (unknown == NOBODY).then_some(names)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Shape {
        name: Option<String>,
        inner: Inner,
        hosts: BTreeMap<String, Inner>,
        lanes: Vec<Lane>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        port: u16,
        words: Vec<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Lane {
        model: String,
    }

    #[test]
    fn every_key_of_a_shape_is_found() {
        let found: Vec<String> = keys::<Shape>()
            .iter()
            .map(|known| known.key.to_string())
            .collect();
        assert_eq!(
            found,
            [
                "name",
                "inner.port",
                "inner.words",
                "hosts.zzz.port",
                "hosts.zzz.words",
                "lanes[0].model",
            ]
        );
        assert_eq!(
            keys::<Shape>()
                .iter()
                .filter(|known| known.repeated)
                .count(),
            3
        );
    }
}
