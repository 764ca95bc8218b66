//! Where the file goes, and putting it there: written beside, checked, and renamed, so that it is there whole or not at
//! all. What stood there before is kept.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::InitArgs;
use crate::config::{Config, is_system};
use crate::failure::CommandError;
use crate::ownership::readable_by_the_service;
use crate::surroundings::Surroundings;
use anyhow::{Context as _, anyhow};

/// Most copies of earlier files.
const MAX_COPIES: u32 = 1_000;

/// The file to write.
pub(super) fn target(args: &InitArgs, around: &Surroundings) -> PathBuf {
    args.file.clone().unwrap_or_else(|| {
        if is_system(around) {
            around.system_config.join("config.toml")
        } else {
            around.config_home.join("watchkeeper/config.toml")
        }
    })
}

/// Whether a file sets anything, or cannot be told: one with nothing but comments, as a package brings it, does not.
pub(crate) fn says_something(path: &Path) -> bool {
    match std::fs::read_to_string(path) {
        Ok(text) => text
            .parse::<toml::Table>()
            .map_or(true, |table| !table.is_empty()),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Puts the text there; gives the copy of what stood there.
pub(super) fn put(
    target: &Path,
    text: &str,
    around: &Surroundings,
) -> Result<Option<PathBuf>, CommandError> {
    let cannot = || format!("could not write {}", target.display());
    let hint = |error: anyhow::Error| CommandError::failed(error).hint("as root, or --file");
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty());
    if let Some(dir) = dir {
        let mode = if is_system(around) { 0o755 } else { 0o700 };
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(dir);
        made.with_context(cannot).map_err(hint)?;
    }
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".new-{:08x}", rand::random::<u32>()));
    let new = New(PathBuf::from(name));
    write(&new.0, text, around)
        .with_context(cannot)
        .map_err(hint)?;
    let errors = Config::look_at(&new.0, around).errors;
    if let Some(error) = errors.first() {
        return Err(CommandError::usage(anyhow!(
            "what would be written cannot be used: {}",
            error.line()
        )));
    }
    // Comments that a package brought are not missed.
    let kept = match says_something(target) {
        true => keep(target).with_context(cannot).map_err(hint)?,
        false => None,
    };
    std::fs::rename(&new.0, target)
        .with_context(cannot)
        .map_err(hint)?;
    Ok(kept)
}

/// For its owner alone; for root, and the account that the service runs as, where there is one.
fn write(path: &Path, text: &str, around: &Surroundings) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    if is_system(around) {
        readable_by_the_service(path)?;
    }
    file.sync_all()
}

/// Keeps what stands there under a name beside it.
fn keep(target: &Path) -> std::io::Result<Option<PathBuf>> {
    if target.symlink_metadata().is_err() {
        return Ok(None);
    }
    for n in 1..=MAX_COPIES {
        let mut name = target.as_os_str().to_owned();
        name.push(format!(".old-{n}"));
        let copy = PathBuf::from(name);
        match std::fs::hard_link(target, &copy) {
            Ok(()) => return Ok(Some(copy)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}

/// A file that is taken away again unless it was renamed.
struct New(PathBuf);

impl Drop for New {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_of_comments_says_nothing_and_a_broken_one_says_something() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("config.toml");
        assert!(!says_something(&file));
        for (text, says) in [
            ("# x\n", false),
            ("", false),
            ("name = \"x\"\n", true),
            ("name =", true),
        ] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(says_something(&file), says, "{text:?}");
        }
    }

    #[test]
    fn what_stood_there_is_kept_each_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let file = dir.path().join("a/config.toml");
        assert_eq!(
            put(&file, "name = \"a\"\n", &around).expect("written"),
            None
        );
        let first = put(&file, "name = \"b\"\n", &around)
            .expect("written")
            .expect("kept");
        let second = put(&file, "name = \"c\"\n", &around)
            .expect("written")
            .expect("kept");
        let text = |path: &Path| std::fs::read_to_string(path).expect("read");
        assert_eq!(
            (text(&first), text(&second)),
            ("name = \"a\"\n".to_owned(), "name = \"b\"\n".to_owned())
        );
        assert_eq!(text(&file), "name = \"c\"\n");
        let mode = std::fs::metadata(&file)
            .expect("there")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(mode, 0o600);
        let error = put(&file, "nam = \"d\"\n", &around).expect_err("no such key");
        assert!(error.line().contains("nam"), "{}", error.line());
        assert_eq!(
            text(&file),
            "name = \"c\"\n",
            "a file that cannot be used takes no other's place"
        );
        assert_eq!(
            std::fs::read_dir(file.parent().expect("a parent"))
                .expect("read")
                .count(),
            3
        );
    }
}
