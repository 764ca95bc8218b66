//! Lines of known_hosts files. A line that cannot be read is reported with its place and grants nothing.

use std::path::{Path, PathBuf};

use russh::keys::{Algorithm, PublicKey};

use super::name::Names;

/// Largest known_hosts file that is read.
pub const MAX_KNOWN_HOSTS_BYTES: u64 = 16 * 1024 * 1024;
/// Longest line that is read; a longer one is broken.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}", file.display())]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// A line that cannot be read. It grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct BrokenLine {
    /// Where it stands.
    pub place: Place,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Why a known_hosts file was not read. Without it nothing is judged: it may hold a revocation.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsUnreadable {
    /// The system does not let us.
    #[error("could not read {}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than a file of keys can be.
    #[error("{} is larger than {MAX_KNOWN_HOSTS_BYTES} bytes", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
}

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// It is a host's.
    Plain,
    /// It signs hosts' certificates.
    Authority,
    /// It is not to be believed.
    Revoked,
}

/// One line that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) marker: Marker,
    pub(crate) names: Names,
    pub(crate) key: PublicKey,
    pub(crate) place: Place,
}

/// All lines of several files.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    pub(crate) lines: Vec<Line>,
    broken: Vec<BrokenLine>,
}

impl KnownHosts {
    /// Reads these files; one that is not there holds nothing.
    ///
    /// # Errors
    /// Names the file that is there and cannot be read.
    pub fn read(files: &[PathBuf]) -> Result<Self, KnownHostsUnreadable> {
        let mut known = Self::default();
        for file in files {
            let io = |source| KnownHostsUnreadable::Io {
                file: file.clone(),
                source,
            };
            match std::fs::metadata(file) {
                Ok(found) if found.len() > MAX_KNOWN_HOSTS_BYTES => {
                    return Err(KnownHostsUnreadable::TooLarge { file: file.clone() });
                }
                Ok(found) if found.is_file() => {
                    known.add(file, &std::fs::read(file).map_err(io)?);
                }
                // As `/dev/null`, which holds nothing and never ends.
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io(error)),
            }
        }
        Ok(known)
    }

    /// Adds the lines of one file.
    pub fn add(&mut self, file: &Path, text: &[u8]) {
        for (index, bytes) in text.split(|byte| *byte == b'\n').enumerate() {
            let place = || Place {
                file: file.to_owned(),
                line: index + 1,
            };
            match parse_line(bytes) {
                Ok(None) => {}
                Ok(Some((marker, names, key))) => self.lines.push(Line {
                    marker,
                    names,
                    key,
                    place: place(),
                }),
                Err(why) => self.broken.push(BrokenLine {
                    place: place(),
                    why,
                }),
            }
        }
    }

    /// The lines that cannot be read.
    #[must_use]
    pub fn broken(&self) -> &[BrokenLine] {
        &self.broken
    }

    /// The algorithms of the plain keys known under this name, in the order of the lines.
    #[must_use]
    pub fn algorithms(&self, name: &str) -> Vec<Algorithm> {
        let mut found = Vec::new();
        for line in self.about(name, Marker::Plain) {
            let algorithm = line.key.algorithm();
            if !found.contains(&algorithm) {
                found.push(algorithm);
            }
        }
        found
    }

    /// Whether some authority may vouch for this name.
    #[must_use]
    pub fn has_authority(&self, name: &str) -> bool {
        self.about(name, Marker::Authority).next().is_some()
    }

    /// The lines with this marker that mean this name.
    pub(crate) fn about(&self, name: &str, marker: Marker) -> impl Iterator<Item = &Line> {
        let meant = move |line: &&Line| line.marker == marker && line.names.mean(name);
        self.lines.iter().filter(meant)
    }
}

/// Reads one line: nothing for a blank one and a comment.
pub(crate) fn parse_line(bytes: &[u8]) -> Result<Option<(Marker, Names, PublicKey)>, &'static str> {
    let trimmed = bytes.trim_ascii();
    if trimmed.is_empty() || trimmed[0] == b'#' {
        return Ok(None);
    }
    if trimmed.len() > MAX_LINE_BYTES {
        return Err("the line is too long");
    }
    let text = std::str::from_utf8(trimmed).map_err(|_| "the line is not text")?;
    let (marker, text) = split_marker(text)?;
    let (names, key) = split(text).ok_or("there is no key")?;
    let names = Names::parse(names)?;
    let (algorithm, rest) = split(key).ok_or("there is no key")?;
    let encoded = split(rest).map_or(rest, |(encoded, _comment)| encoded);
    let key = PublicKey::from_openssh(&format!("{algorithm} {encoded}"))
        .map_err(|_| "the key cannot be read")?;
    Ok(Some((marker, names, key)))
}

fn split_marker(text: &str) -> Result<(Marker, &str), &'static str> {
    if !text.starts_with('@') {
        return Ok((Marker::Plain, text));
    }
    match split(text) {
        Some(("@revoked", rest)) => Ok((Marker::Revoked, rest)),
        Some(("@cert-authority", rest)) => Ok((Marker::Authority, rest)),
        _ => Err("the marker is unknown"),
    }
}

/// The first word and what follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once([' ', '\t'])?;
    let rest = rest.trim_start_matches([' ', '\t']);
    (!rest.is_empty()).then_some((word, rest))
}
