//! What ships with Watchkeeper: `knowledge/*.toml`, compiled in. Each entry has a key that never changes, so that
//! seeding again changes what an update changed and nothing else.

use serde::Deserialize;

const FILES: [&str; 5] = [
    include_str!("../../../knowledge/disks.toml"),
    include_str!("../../../knowledge/network.toml"),
    include_str!("../../../knowledge/packages.toml"),
    include_str!("../../../knowledge/resources.toml"),
    include_str!("../../../knowledge/services.toml"),
];

/// A shipped entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shipped {
    /// What it is the same by.
    pub key: String,
    /// Its topic.
    pub title: String,
    /// A word for what it is.
    pub kind: String,
    /// Words to filter by.
    pub labels: Vec<String>,
    /// How people ask who do not know the words of the trade. It stands at the beginning of the text, where it is found
    /// by words and by meaning.
    pub asked: String,
    /// What it says.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entry: Vec<Shipped>,
}

/// The shipped entries.
///
/// # Panics
/// Never: a test reads them all.
#[must_use]
pub fn shipped() -> Vec<Shipped> {
    let read = |text| toml::from_str::<File>(text).expect("what ships was tested");
    FILES
        .into_iter()
        .flat_map(|text| read(text).entry)
        .map(|entry| Shipped {
            text: format!("Asked as: {}\n{}", entry.asked, entry.text),
            ..entry
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use watchkeeper_model::{Entry, visible, visible_block};

    use super::*;

    #[test]
    fn every_shipped_entry_is_whole_and_has_a_key_of_its_own() {
        let all = shipped();
        assert!(all.len() >= 40);
        let keys: BTreeSet<_> = all.iter().map(|entry| &entry.key).collect();
        assert_eq!(keys.len(), all.len());
        for entry in &all {
            let key = &entry.key;
            assert!(
                entry.title.chars().count() <= Entry::MAX_TITLE_CHARS,
                "{key}"
            );
            assert_eq!(visible(&entry.title), entry.title, "{key}");
            assert_eq!(visible_block(&entry.text), entry.text, "{key}");
            let says_how = entry.text.contains('`') || entry.kind == "reference";
            assert!(
                says_how && (150..2_000).contains(&entry.text.len()),
                "{key}"
            );
            assert!(!entry.labels.is_empty(), "{key}");
            assert!((20..200).contains(&entry.asked.len()), "{key}");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../knowledge");
        let files = std::fs::read_dir(folder).expect("it is there");
        let files = files.filter(|file| {
            let name = file.as_ref().expect("it can be read").file_name();
            name.to_string_lossy().ends_with(".toml")
        });
        assert_eq!(files.count(), FILES.len());
    }
}
