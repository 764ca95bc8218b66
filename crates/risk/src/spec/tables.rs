//! The command tables: commands by name, and what they were made of as a digest.
//!
//! Reading some hundred kilobytes of TOML takes tens of milliseconds, and a process that judges one command needs a few
//! entries. So the shipped tables are only searched for the names of commands at first (`index`), and the text of an
//! entry is read when its command is first asked for. Tests hold that this finds exactly what reading all of it finds.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use watchkeeper_model::{Digest, DigestWriter, RiskLevel};

use super::entry::{Entry, Spec};
use super::fault::{TableFault, TablesError};
use super::schema::{Example, Family, Node};
use super::shipped;
use super::validate;

/// What is hashed, with the version of how.
const DIGEST_NAME: &str = "watchkeeper command tables 1";
/// The line that an entry begins with.
const ENTRY: &str = "[[command]]";

/// The command tables.
#[derive(Debug)]
pub struct Tables {
    slots: Vec<Slot>,
    by_name: BTreeMap<String, usize>,
    digest: Digest,
}

/// The place of one entry.
#[derive(Debug)]
struct Slot {
    /// The file that it stands in.
    family: String,
    /// Its text, where that is not read yet.
    text: &'static str,
    /// What was read.
    read: OnceLock<Read>,
}

/// An entry that was read.
#[derive(Debug)]
struct Read {
    known: Known,
    examples: Vec<Example>,
}

/// A command of which there is an entry.
#[derive(Debug)]
pub(super) enum Known {
    /// The entry makes sense.
    Entry(Box<Entry>),
    /// It does not: nothing of it is trusted, and whatever the command does is unknown.
    Faulty,
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

impl Tables {
    /// The tables that ship.
    #[must_use]
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Tables> = LazyLock::new(|| Tables::indexed(shipped::FILES));
        &SHIPPED
    }

    /// Tables of these files: the name of each family and its text.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, TablesError> {
        let mut loading = Loading::default();
        for (family, text) in files {
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
        if loading.faults.is_empty() {
            Ok(Self {
                slots: loading.slots,
                by_name: loading.by_name,
                digest: digest_of(files),
            })
        } else {
            Err(TablesError {
                faults: loading.faults,
            })
        }
    }

    /// Tables of files that are known to be good, each entry read when it is needed.
    pub(super) fn indexed(files: &[(&str, &'static str)]) -> Self {
        let mut tables = Self {
            slots: Vec::new(),
            by_name: BTreeMap::new(),
            digest: digest_of(files),
        };
        for (family, text) in files {
            for entry in index(text) {
                for name in names_of(entry).split_whitespace() {
                    tables.by_name.insert(name.to_owned(), tables.slots.len());
                }
                tables.slots.push(Slot {
                    family: (*family).to_owned(),
                    text: entry,
                    read: OnceLock::new(),
                });
            }
        }
        tables
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
        self.slots.iter().flat_map(|slot| {
            slot.read().examples.iter().map(|example| TableExample {
                family: &slot.family,
                command: &example.cmd,
                level: example.level,
            })
        })
    }

    /// The entry of a command.
    pub(super) fn entry(&self, name: &str) -> Option<&Known> {
        let index = self.by_name.get(name)?;
        Some(&self.slots[*index].read().known)
    }
}

impl Slot {
    fn read(&self) -> &Read {
        self.read.get_or_init(|| {
            let family = toml::from_str::<Family>(self.text);
            let command = family.ok().and_then(|mut family| family.command.pop());
            command.map_or_else(
                || Read {
                    known: Known::Faulty,
                    examples: Vec::new(),
                },
                |command| Read::of(&self.family, command).0,
            )
        })
    }
}

impl Read {
    /// An entry, and what is wrong with it.
    fn of(family: &str, command: Node) -> (Self, Vec<TableFault>) {
        let judge_exists = |judge: &str| crate::judges::by_name(judge).is_some();
        let shown = command.names.split_whitespace().next().unwrap_or_default();
        let faults: Vec<TableFault> = validate::faults(&command, judge_exists)
            .into_iter()
            .map(|(verb, what)| TableFault::Entry {
                file: family.to_owned(),
                command: if verb.is_empty() {
                    shown.to_owned()
                } else {
                    verb
                },
                what,
            })
            .collect();
        let mut examples = Vec::new();
        examples_of(&command, &mut examples);
        let known = if faults.is_empty() {
            Known::Entry(Box::new(Entry {
                family: family.to_owned(),
                spec: Spec::of_command(command),
            }))
        } else {
            Known::Faulty
        };
        (Self { known, examples }, faults)
    }
}

#[derive(Default)]
struct Loading {
    slots: Vec<Slot>,
    by_name: BTreeMap<String, usize>,
    faults: Vec<TableFault>,
}

impl Loading {
    fn command(&mut self, family: &str, command: Node) {
        for name in command.names.split_whitespace() {
            if let Some(other) = self.by_name.insert(name.to_owned(), self.slots.len()) {
                let other = self.slots.get(other).map_or(family, |slot| &slot.family);
                self.faults.push(TableFault::Twice {
                    file: family.to_owned(),
                    command: name.to_owned(),
                    other: other.to_owned(),
                });
            }
        }
        let (read, faults) = Read::of(family, command);
        self.faults.extend(faults);
        self.slots.push(Slot {
            family: family.to_owned(),
            text: "",
            read: OnceLock::from(read),
        });
    }
}

fn digest_of(files: &[(&str, &str)]) -> Digest {
    let start = DigestWriter::new(DIGEST_NAME);
    files
        .iter()
        .fold(start, |digest, (family, text)| {
            digest.field(family).field(text)
        })
        .finish()
}

fn examples_of(node: &Node, examples: &mut Vec<Example>) {
    examples.extend(node.examples.iter().cloned());
    for verb in &node.verb {
        examples_of(verb, examples);
    }
}

/// The texts of the entries of a file.
fn index(text: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = text
        .match_indices(ENTRY)
        .map(|(place, _)| place)
        .filter(|place| *place == 0 || text.as_bytes()[place - 1] == b'\n')
        .collect();
    starts.push(text.len());
    (1..starts.len()).map(move |end| &text[starts[end - 1]..starts[end]])
}

/// The names in the text of an entry.
fn names_of(entry: &str) -> &str {
    let Some((_, rest)) = entry.split_once("\nnames = \"") else {
        return "";
    };
    match rest.strip_prefix("\"\"") {
        Some(rest) => rest.split("\"\"\"").next().unwrap_or_default(),
        None => rest.split('"').next().unwrap_or_default(),
    }
}

/// The command whose entry a place of a file is in, and the line.
fn command_before(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let from = before.rfind(ENTRY).unwrap_or(0);
    format!("line {line}, {}", names_of(&text[from..]))
}
