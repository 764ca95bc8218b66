//! The lock that says that a process has an SQLite store for itself: a file beside the database, locked by the kernel,
//! which lets go of it however the process ends. The file stays; what counts is the lock.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A store taken for this process alone. Dropping it lets go.
#[derive(Debug)]
#[must_use = "dropping the lock lets go of the store"]
pub struct StoreLock {
    _file: Option<File>,
}

/// Why a store was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockRefused {
    /// Another process has it.
    #[error("the store is in use by process {pid}")]
    LockedBy {
        /// Which one, as it wrote itself; empty when it has not yet.
        pid: String,
    },
    /// The lock's file cannot be used.
    #[error("the lock {path} cannot be used")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Longest text that is read as the number of a process.
const MAX_PID_BYTES: u64 = 20;

impl StoreLock {
    pub(crate) const fn shared() -> Self {
        Self { _file: None }
    }

    pub(crate) fn take(database: &Path) -> Result<Self, LockRefused> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let unusable = |source| LockRefused::Unusable {
            path: path.clone(),
            source,
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unusable)?;
        crate::store::give_to_owner(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockRefused::LockedBy { pid: holder(&file) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        file.set_len(0).map_err(unusable)?;
        write!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { _file: Some(file) })
    }
}

fn holder(file: &File) -> String {
    let mut text = String::new();
    let _ = file.take(MAX_PID_BYTES).read_to_string(&mut text);
    text.chars().filter(char::is_ascii_digit).collect()
}
