//! The files of an SSH configuration with all that they include, in the order in which they are read. Files that are not
//! there are passed over, as OpenSSH does; every count has an end.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::syntax::{read_line, wildcard_match};

/// Deepest `Include` within `Include`, as in OpenSSH.
const MAX_DEPTH: usize = 16;
/// Most files.
const MAX_FILES: usize = 512;
/// Largest file.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// One line of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) keyword: String,
    pub(super) args: Vec<String>,
}

/// What tells that a file has changed.
pub(super) type Stamp = (PathBuf, Option<(SystemTime, u64)>);

/// All lines, with what was included in its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    pub(super) lines: Vec<Line>,
    pub(super) stamps: Vec<Stamp>,
}

impl Files {
    /// Reads a file and what it includes. `home` stands for `~`; a relative path is one in `~/.ssh`.
    pub(super) fn read(file: &Path, home: &Path) -> Self {
        let mut files = Self::default();
        files.add(file, home, 0);
        files
    }

    /// Whether the same files are as they were.
    pub(super) fn unchanged(&self) -> bool {
        self.stamps
            .iter()
            .all(|(path, stamp)| stamp_of(path) == *stamp)
    }

    fn add(&mut self, file: &Path, home: &Path, depth: usize) {
        if depth > MAX_DEPTH || self.stamps.len() >= MAX_FILES {
            return;
        }
        let stamp = stamp_of(file);
        self.stamps.push((file.to_owned(), stamp));
        let readable = stamp.is_some_and(|(_, length)| length <= MAX_FILE_BYTES) && file.is_file();
        let Some(bytes) = readable.then(|| std::fs::read(file).ok()).flatten() else {
            return;
        };
        for (keyword, args) in String::from_utf8_lossy(&bytes)
            .lines()
            .filter_map(read_line)
        {
            if keyword == "include" {
                for pattern in &args {
                    self.include(pattern, home, depth);
                }
            } else {
                self.lines.push(Line { keyword, args });
            }
        }
    }

    fn include(&mut self, pattern: &str, home: &Path, depth: usize) {
        let path = expand_home(Path::new(pattern), home);
        let path = if path.is_absolute() {
            path
        } else {
            home.join(".ssh").join(path)
        };
        if let Some(directory) = path.parent() {
            // A new file in it is a change too.
            self.stamps
                .push((directory.to_owned(), stamp_of(directory)));
        }
        for file in glob(&path) {
            self.add(&file, home, depth + 1);
        }
    }
}

fn stamp_of(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// `~` and `~/…` are the home; other people's homes are not looked up.
pub(super) fn expand_home(path: &Path, home: &Path) -> PathBuf {
    path.strip_prefix("~")
        .map_or_else(|_| path.to_owned(), |rest| home.join(rest))
}

/// The files that a path with wildcards names, sorted.
fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str();
        let Some(text) = part.to_str().filter(|text| text.contains(['*', '?'])) else {
            for path in &mut found {
                path.push(part);
            }
            continue;
        };
        found = found
            .iter()
            .flat_map(|directory| matching(directory, text))
            .take(MAX_FILES)
            .collect();
    }
    found
}

fn matching(directory: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            wildcard_match(pattern, &name) && (pattern.starts_with('.') || !name.starts_with('.'))
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}
