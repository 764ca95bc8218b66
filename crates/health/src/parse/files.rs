//! The section `files`: many files by one `grep -H`, each line behind the path it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Absent, Frames, frame};

/// The lines of each file that the host let us read.
#[derive(Debug)]
pub(super) struct Files<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Files<'a> {
    pub(super) fn of(frames: &'a Frames<'_>) -> Result<Self, Absent> {
        let (status, lines) = frames.done("files")?;
        // 1 and 2 say that nothing was selected somewhere, or that a file is not there.
        if !(0..=2).contains(&status) {
            return Err(frame::failed("grep", status));
        }
        let mut files = BTreeMap::<_, Vec<_>>::new();
        for (path, line) in lines
            .iter()
            .filter_map(|line: &Cow<'_, str>| line.split_once(':'))
        {
            files.entry(path).or_default().push(line);
        }
        Ok(Self(files))
    }

    /// The lines of a file.
    pub(super) fn lines(&self, path: &str) -> Result<&[&'a str], Absent> {
        self.0
            .get(path)
            .map(Vec::as_slice)
            .ok_or_else(|| Absent::missing(format!("{path} cannot be read")))
    }

    /// The first line of a file.
    pub(super) fn first(&self, path: &str) -> Result<&'a str, Absent> {
        Ok(self.lines(path)?[0])
    }

    /// What follows `key` in the line of a file that begins with it.
    pub(super) fn value(&self, path: &str, key: &str) -> Option<&'a str> {
        self.lines(path)
            .ok()?
            .iter()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
    }
}
