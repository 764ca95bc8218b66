//! Reading configuration files of a host, by commands that only look and are judged like any other.

use watchkeeper_model::HostName;

use super::paths::{check_path, is_below};
use super::{ConfigsIndexed, MAX_FILE_BYTES, MAX_FILES, secrets, too_long};
use crate::WatchError;
use crate::investigate::ReadOnlyCommand;
use crate::watch::Watch;

impl Watch {
    /// The files below these paths, by a command that only looks.
    pub(super) async fn files_below(
        &self,
        host: &HostName,
        paths: &[String],
        indexed: &mut ConfigsIndexed,
    ) -> Result<Vec<String>, WatchError> {
        let script = format!("find {} -xdev -type f", paths.join(" "));
        let printed = self
            .look_by(&ReadOnlyCommand::ours(host.clone(), script))
            .await
            .map_err(|not_seen| WatchError::invalid(format!("{host} was not read: {not_seen}")))?;
        let mut found: Vec<String> = printed.stdout.lines().map(str::to_owned).collect();
        if printed.cut {
            // The last line may be half a path.
            found.pop();
        }
        found.sort();
        found.dedup();
        let (fit, unfit): (Vec<String>, Vec<String>) =
            found.into_iter().partition(|path| check_path(path).is_ok());
        for path in unfit {
            indexed.refuse(&path, "its path has characters that are not read");
        }
        // A name may hold a new line, and what follows it is any path.
        let (fit, strange): (Vec<String>, Vec<String>) =
            fit.into_iter().partition(|path| is_below(path, paths));
        for path in strange {
            indexed.refuse(&path, "it is not below what is indexed");
        }
        let (mut named, mut files) = (Vec::new(), Vec::new());
        for path in fit {
            match secrets::why_by_name(&path) {
                Some(why) => named.push((path, why)),
                None => files.push(path),
            }
        }
        for (path, why) in named {
            indexed.refuse(&path, why);
        }
        for path in files.drain(MAX_FILES.min(files.len())..) {
            indexed.refuse(&path, "there are too many files: name fewer paths");
        }
        Ok(files)
    }

    /// One file, or why not.
    pub(super) async fn file_of(&self, host: &HostName, path: &str) -> Result<String, String> {
        let script = format!("head -c {} {path}", MAX_FILE_BYTES + 1);
        let printed = self
            .look_by(&ReadOnlyCommand::ours(host.clone(), script))
            .await
            .map_err(|not_seen| not_seen.to_string())?;
        if printed.status.is_some_and(|status| status != 0) {
            return Err(format!("it cannot be read: {}", printed.stderr));
        }
        // What was printed has been made visible, and a NUL stands there in words.
        if printed.stdout.contains("\\u{0}") || printed.stdout.contains(char::REPLACEMENT_CHARACTER)
        {
            return Err("it is not a text".to_owned());
        }
        if let Some(why) = secrets::why_by_content(printed.stdout.as_bytes()) {
            return Err(why.to_owned());
        }
        match too_long(usize::try_from(printed.bytes).unwrap_or(usize::MAX)) {
            Some(why) => Err(why),
            None => Ok(printed.stdout),
        }
    }
}
