//! The command tables as loaded: commands by name, and what they were made of as a digest.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use watchkeeper_model::{Digest, DigestWriter, RiskLevel};

use super::entry::{Entry, Spec};
use super::fault::{TableFault, TablesError};
use super::schema::{Example, Family, Node};
use super::shipped;
use super::validate;

/// What is hashed, with the version of how.
const DIGEST_NAME: &str = "watchkeeper command tables 1";

/// The command tables.
#[derive(Debug)]
pub struct Tables {
    entries: Vec<Known>,
    by_name: BTreeMap<String, usize>,
    examples: Vec<(String, Example)>,
    digest: Digest,
}

/// A command line of which a table says what level it must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableExample<'t> {
    /// The file that says so.
    pub family: &'t str,
    /// The command line.
    pub command: &'t str,
    /// The level.
    pub level: RiskLevel,
}

/// A command of which there is an entry.
#[derive(Debug)]
pub(super) enum Known {
    /// The entry makes sense.
    Entry(Box<Entry>),
    /// It does not: nothing of it is trusted, and whatever the command does is unknown.
    Faulty,
}

impl Tables {
    /// The tables that ship.
    #[must_use]
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Tables> = LazyLock::new(|| read(shipped::FILES).0);
        &SHIPPED
    }

    /// Tables of these files: the name of each family and its text.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, TablesError> {
        let (tables, faults) = read(files);
        if faults.is_empty() {
            Ok(tables)
        } else {
            Err(TablesError { faults })
        }
    }

    /// The digest of everything that the tables were made of.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest of the tables together with other things that judge, e.g. lists of paths.
    #[must_use]
    pub fn digest_with<'b>(&self, others: impl IntoIterator<Item = &'b [u8]>) -> Digest {
        let start = DigestWriter::new(DIGEST_NAME).field(self.digest.as_bytes());
        others.into_iter().fold(start, DigestWriter::field).finish()
    }

    /// The names of all commands, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Whether there is an entry of this name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Every example of every command, in the order of the files.
    pub fn examples(&self) -> impl Iterator<Item = TableExample<'_>> {
        self.examples.iter().map(|(family, example)| TableExample {
            family,
            command: &example.cmd,
            level: example.level,
        })
    }

    /// The entry of a command.
    pub(super) fn entry(&self, name: &str) -> Option<&Known> {
        self.by_name.get(name).map(|index| &self.entries[*index])
    }
}

/// Reads what can be read, and says all that is wrong. A command with a fault stays known, as faulty.
fn read(files: &[(&str, &str)]) -> (Tables, Vec<TableFault>) {
    let mut digest = DigestWriter::new(DIGEST_NAME);
    let mut loading = Loading::default();
    for (family, text) in files {
        digest = digest.field(family).field(text);
        match toml::from_str::<Family>(text) {
            Ok(commands) => commands
                .command
                .into_iter()
                .for_each(|command| loading.command(family, command)),
            Err(error) => loading.faults.push(TableFault::Form {
                file: (*family).to_owned(),
                command: command_before(text, error.span().map_or(0, |span| span.start)),
                message: error.message().to_owned(),
            }),
        }
    }
    let tables = Tables {
        entries: loading.entries,
        by_name: loading.by_name,
        examples: loading.examples,
        digest: digest.finish(),
    };
    (tables, loading.faults)
}

#[derive(Default)]
struct Loading {
    entries: Vec<Known>,
    by_name: BTreeMap<String, usize>,
    families: Vec<String>,
    examples: Vec<(String, Example)>,
    faults: Vec<TableFault>,
}

impl Loading {
    fn command(&mut self, family: &str, command: Node) {
        self.take_examples(family, &command);
        let faults = validate::faults(&command, |judge| crate::judges::by_name(judge).is_some());
        let names: Vec<String> = command
            .names
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let whole = faults.is_empty();
        let shown = names.first().cloned().unwrap_or_default();
        for (verb, what) in faults {
            let command = if verb.is_empty() { shown.clone() } else { verb };
            self.faults.push(TableFault::Entry {
                file: family.to_owned(),
                command,
                what,
            });
        }
        for name in names {
            if let Some(other) = self.by_name.insert(name.clone(), self.entries.len()) {
                self.faults.push(TableFault::Twice {
                    file: family.to_owned(),
                    command: name,
                    other: self.families[other].clone(),
                });
            }
        }
        self.families.push(family.to_owned());
        self.entries.push(if whole {
            Known::Entry(Box::new(Entry {
                family: family.to_owned(),
                spec: Spec::of_command(command),
            }))
        } else {
            Known::Faulty
        });
    }

    fn take_examples(&mut self, family: &str, node: &Node) {
        let own = node.examples.iter().cloned();
        self.examples
            .extend(own.map(|example| (family.to_owned(), example)));
        for verb in &node.verb {
            self.take_examples(family, verb);
        }
    }
}

/// The command whose entry a place of a file is in, and the line.
fn command_before(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let from = before.rfind("[[command]]").unwrap_or(0);
    let names = text[from..]
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("names = \""))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default();
    format!("line {line}, {names}")
}
