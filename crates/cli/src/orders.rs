//! Reading a file of standing orders safely: whoever can write what the watch obeys must be its owner or root, and what
//! is read is one state of the file, not half of two. What the orders mean is `policy`'s.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use watchkeeper_policy::Orders;
use watchkeeper_watch::{OrdersError, StandingOrders};

use crate::config::{Config, is_system};
use crate::surroundings::Surroundings;

/// How often a file that changes while it is read is read again.
const TRIES: usize = 3;

/// Why the standing orders of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrdersFileError {
    /// It is not there, or cannot be read.
    #[error("could not read the standing orders in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no file.
    #[error("{} is not a regular file", path.display())]
    NoFile {
        /// What it is not.
        path: PathBuf,
    },
    /// Somebody else could have written it.
    #[error("{} {what}: whoever can write the standing orders rules the fleet; {remedy}", path.display())]
    Untrusted {
        /// The file, or the link to it.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// It changed while it was read, again and again.
    #[error("{} changes while it is read: put the new one in its place with mv", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// It is too large to be orders.
    #[error("{} has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        limit: usize,
    },
    /// It is not text.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// What it says cannot be used.
    #[error("{}", path.display())]
    Orders {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: OrdersError,
    },
}

/// The file in force: the one that is configured, or `orders.toml` beside the configuration where it is there.
pub(crate) fn file_in_force(config: &Config, around: &Surroundings) -> Option<PathBuf> {
    if let Some(file) = &config.orders.file {
        return Some(file.clone());
    }
    let dir = if is_system(around) {
        around.system_config.clone()
    } else {
        around.config_home.join("watchkeeper")
    };
    let file = dir.join("orders.toml");
    // A link that leads nowhere is there: it must not count as no orders.
    file.symlink_metadata().is_ok().then_some(file)
}

/// The standing orders in force; the usual ones where there is no file.
pub(crate) fn in_force(
    config: &Config,
    around: &Surroundings,
) -> Result<StandingOrders, OrdersFileError> {
    match file_in_force(config, around) {
        Some(path) => read(&path, around),
        None => Ok(StandingOrders::default()),
    }
}

/// Reads and checks one file.
pub(crate) fn read(path: &Path, around: &Surroundings) -> Result<StandingOrders, OrdersFileError> {
    let text = text_of(path, Some(around))?;
    StandingOrders::parse(&text).map_err(|source| OrdersFileError::Orders {
        path: path.to_owned(),
        source,
    })
}

/// The text of a file, in one of its states. `trusted_by` asks that nobody else could have written it.
pub(crate) fn text_of(
    path: &Path,
    trusted_by: Option<&Surroundings>,
) -> Result<String, OrdersFileError> {
    let failed = |source| OrdersFileError::Read {
        path: path.to_owned(),
        source,
    };
    for _ in 0..TRIES {
        let link = path.symlink_metadata().map_err(failed)?;
        let file = File::open(path).map_err(failed)?;
        let before = file.metadata().map_err(failed)?;
        if !before.is_file() {
            return Err(OrdersFileError::NoFile {
                path: path.to_owned(),
            });
        }
        if let Some(around) = trusted_by {
            trust(path, &link, &before, around)?;
        }
        let mut bytes = Vec::new();
        let most = Orders::MAX_BYTES as u64 + 1;
        (&file).take(most).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > Orders::MAX_BYTES {
            return Err(OrdersFileError::TooLarge {
                path: path.to_owned(),
                limit: Orders::MAX_BYTES,
            });
        }
        let after = file.metadata().map_err(failed)?;
        let there = std::fs::metadata(path).map_err(failed)?;
        if state(&before) == state(&after)
            && state(&after) == state(&there)
            && bytes.len() as u64 == after.size()
        {
            return String::from_utf8(bytes).map_err(|_| OrdersFileError::NotText {
                path: path.to_owned(),
            });
        }
    }
    Err(OrdersFileError::Changing {
        path: path.to_owned(),
    })
}

/// What tells one state of a file from another.
fn state(found: &Metadata) -> (u64, u64, u64, i64, i64, i64, i64) {
    (
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    )
}

/// Whether only root and the watch's own account could have written it. A link is followed, since a system that is
/// built from one configuration keeps its files behind links; but it must be one of theirs.
fn trust(
    path: &Path,
    link: &Metadata,
    file: &Metadata,
    around: &Surroundings,
) -> Result<(), OrdersFileError> {
    let untrusted = |what: String, remedy: String| OrdersFileError::Untrusted {
        path: path.to_owned(),
        what,
        remedy,
    };
    let ours = |uid: u32| uid == 0 || uid == around.uid;
    let chown = || format!("chown {} {}", around.user, path.display());
    if !ours(link.uid()) {
        let what = if link.is_symlink() {
            "is a link of another account"
        } else {
            "belongs to another account"
        };
        return Err(untrusted(format!("{what} ({})", link.uid()), chown()));
    }
    if !ours(file.uid()) {
        let what = format!("leads to a file of another account ({})", file.uid());
        return Err(untrusted(what, chown()));
    }
    if file.mode() & 0o022 != 0 {
        let what = "can be written by others than its owner".to_owned();
        return Err(untrusted(what, format!("chmod go-w {}", path.display())));
    }
    let Some(dir) = path.parent() else {
        return Ok(());
    };
    // A bare name lies where we are.
    let here = dir.as_os_str().is_empty();
    let dir = if here { Path::new(".") } else { dir };
    let dir_found = std::fs::metadata(dir).map_err(|source| OrdersFileError::Read {
        path: dir.to_owned(),
        source,
    })?;
    let sticky = dir_found.mode() & 0o1000 != 0;
    if !ours(dir_found.uid()) || (dir_found.mode() & 0o022 != 0 && !sticky) {
        return Err(untrusted(
            format!("lies in {}, which others can write", dir.display()),
            format!("chmod go-w {}", dir.display()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn said(result: Result<StandingOrders, OrdersFileError>) -> String {
        match result {
            Ok(_) => "fine".to_owned(),
            Err(error) => {
                let mut text = error.to_string();
                let mut cause = std::error::Error::source(&error);
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                text
            }
        }
    }

    #[test]
    fn a_file_that_others_can_write_is_not_obeyed() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let path = dir.path().join("orders.toml");
        std::fs::write(&path, "schema = 1\n").expect("written");
        assert_eq!(said(read(&path, &around)), "fine");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).expect("set");
        assert!(
            said(read(&path, &around)).contains("can be written by others than its owner"),
            "{}",
            said(read(&path, &around))
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).expect("set");
        assert!(said(read(&path, &around)).contains("which others can write"));
    }

    #[test]
    fn a_link_is_followed_and_one_that_leads_nowhere_is_no_absence() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let (real, link) = (dir.path().join("real.toml"), dir.path().join("orders.toml"));
        std::fs::write(&real, "schema = 1\n").expect("written");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        assert_eq!(said(read(&link, &around)), "fine");
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o666)).expect("set");
        assert!(said(read(&link, &around)).contains("can be written by others"));
        std::fs::remove_file(&real).expect("removed");
        assert!(said(read(&link, &around)).contains("could not read"));
        let config = Config {
            orders: crate::config::OrdersSection {
                file: Some(link.clone()),
            },
            ..Config::default()
        };
        assert_eq!(file_in_force(&config, &around), Some(link));
    }

    #[test]
    fn what_is_no_file_no_text_or_too_large_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        assert!(said(read(dir.path(), &around)).contains("is not a regular file"));
        let path = dir.path().join("orders.toml");
        std::fs::write(&path, [0xff, 0xfe]).expect("written");
        assert!(said(read(&path, &around)).contains("is not UTF-8"));
        std::fs::write(&path, "#".repeat(Orders::MAX_BYTES + 1)).expect("written");
        assert!(said(read(&path, &around)).contains("more than"));
        std::fs::write(&path, "").expect("written");
        assert!(said(read(&path, &around)).contains("the file is empty"));
        std::fs::write(&path, "schema = 1\ntimezone = \"Nowhere/Else\"\n").expect("written");
        assert!(said(read(&path, &around)).contains("Nowhere/Else"));
    }
}
