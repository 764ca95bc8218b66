//! The unix socket as a file: made where it is safe to, taken over from a daemon that is gone, refused while one
//! lives, and taken away at the end.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use tokio::net::{UnixListener, UnixStream};

/// Everybody may connect and look; the kernel says who they are.
const SOCKET_MODE: u32 = 0o666;
/// The directory it is made in, where there is none: everybody may reach the socket, its owner alone replaces it.
const DIR_MODE: u32 = 0o755;
/// How long whoever answers there may take to accept.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Why the socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A daemon answers there, or one is just starting.
    #[error("a daemon already answers at {}", path.display())]
    Taken {
        /// Where.
        path: PathBuf,
    },
    /// Something that is no socket stands there.
    #[error("{} is not a socket; it was left alone", path.display())]
    NotASocket {
        /// Where.
        path: PathBuf,
    },
    /// Anybody could put a socket of their own in its place.
    #[error("{} can be written to by everybody, and so could the socket be replaced", dir.display())]
    OpenDirectory {
        /// The directory.
        dir: PathBuf,
    },
    /// It cannot be made.
    #[error("could not listen at {}", path.display())]
    Failed {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes the socket, and its directory where there is none. A socket that nobody answers at is a leftover and is
/// replaced.
///
/// # Errors
/// Refuses where a daemon answers, something else stands, or everybody could replace the socket.
pub async fn bind(path: &Path) -> Result<UnixListener, ListenError> {
    let failed = |source| ListenError::Failed {
        path: path.to_owned(),
        source,
    };
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    make_dir(dir).map_err(failed)?;
    let opened = File::open(dir).map_err(failed)?;
    if anybody_writes(&opened.metadata().map_err(failed)?) {
        return Err(ListenError::OpenDirectory {
            dir: dir.to_owned(),
        });
    }
    // Of two that start at one moment the second must see the first one's socket, not take it away.
    let lock = Flock::lock(opened, FlockArg::LockExclusiveNonblock);
    let _lock = lock.map_err(|_| ListenError::Taken {
        path: path.to_owned(),
    })?;
    remove_leftover(path).await?;
    let listener = UnixListener::bind(path).map_err(failed)?;
    // Until now the owner alone could connect.
    std::fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
    Ok(listener)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.exists() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(DIR_MODE)
        .create(dir)?;
    // The mask that this process was started with may have taken from it.
    std::fs::set_permissions(dir, Permissions::from_mode(DIR_MODE))
}

/// Whether anybody may rename and remove what is in a directory; the sticky bit forbids it.
fn anybody_writes(dir: &Metadata) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    dir.mode() & OTHERS_WRITE != 0 && dir.mode() & STICKY == 0
}

async fn remove_leftover(path: &Path) -> Result<(), ListenError> {
    let owned = || path.to_owned();
    let failed = |source| ListenError::Failed {
        path: owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket { path: owned() });
        }
        Ok(_) => {}
    }
    let answer = tokio::time::timeout(ANSWERS_WITHIN, UnixStream::connect(path)).await;
    match answer {
        // Only this says that nobody has it open: a daemon that is too busy to accept says something else.
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => Err(failed(error)),
        Ok(_) | Err(_) => Err(ListenError::Taken { path: owned() }),
    }
}

/// The file of a listener, to be taken away at its end if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile(Option<(PathBuf, u64, u64)>);

impl SocketFile {
    /// Remembers which file it is.
    pub(crate) fn of(listener: &UnixListener) -> Self {
        let address = listener.local_addr().ok();
        let path = address.and_then(|address| address.as_pathname().map(Path::to_owned));
        Self(path.and_then(|path| {
            let found = std::fs::symlink_metadata(&path).ok()?;
            Some((path, found.dev(), found.ino()))
        }))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let Some((path, dev, ino)) = &self.0 else {
            return;
        };
        let found = std::fs::symlink_metadata(path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == (*dev, *ino)) {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("it is there").mode() & 0o7777
    }

    #[tokio::test]
    async fn the_directory_is_made_and_everybody_may_connect() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("run/watchkeeper/socket");
        let _listener = bind(&path).await.expect("it listens");
        assert_eq!(mode(&path), 0o666);
        assert_eq!(mode(path.parent().expect("a parent")), 0o755);
    }

    #[tokio::test]
    async fn a_leftover_is_replaced_and_a_living_daemon_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a leftover"));
        let listener = bind(&path).await.expect("the leftover is replaced");
        let refused = bind(&path).await.expect_err("somebody answers");
        assert!(matches!(refused, ListenError::Taken { .. }), "{refused}");
        drop(listener);
    }

    #[tokio::test]
    async fn a_daemon_too_busy_to_accept_is_no_leftover() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let listener = bind(&path).await.expect("it listens");
        let mut waiting = Vec::new();
        // Nobody accepts: the queue of the kernel fills, and then connecting says "try again".
        loop {
            let address = nix::sys::socket::UnixAddr::new(&path).expect("an address");
            let socket = nix::sys::socket::socket(
                nix::sys::socket::AddressFamily::Unix,
                nix::sys::socket::SockType::Stream,
                nix::sys::socket::SockFlag::SOCK_NONBLOCK,
                None,
            )
            .expect("a socket");
            let connected =
                nix::sys::socket::connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &address);
            waiting.push(socket);
            match connected {
                Ok(()) => assert!(waiting.len() < 100_000, "the queue has an end"),
                Err(error) => {
                    assert_eq!(error, nix::errno::Errno::EAGAIN);
                    break;
                }
            }
        }
        let refused = bind(&path).await.expect_err("it lives");
        assert!(matches!(refused, ListenError::Taken { .. }), "{refused}");
        assert!(path.exists());
        drop(listener);
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        std::fs::write(&path, "dear").expect("a file");
        let refused = bind(&path).await.expect_err("a file stands there");
        assert!(matches!(refused, ListenError::NotASocket { .. }));
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "dear");

        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
        let refused = bind(&link).await.expect_err("a link stands there");
        assert!(matches!(refused, ListenError::NotASocket { .. }));
    }

    #[tokio::test]
    async fn a_directory_that_everybody_writes_to_is_refused_unless_sticky() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let open = |mode| std::fs::set_permissions(dir.path(), Permissions::from_mode(mode));
        open(0o777).expect("changed");
        let refused = bind(&path).await.expect_err("anybody could replace it");
        assert!(matches!(refused, ListenError::OpenDirectory { .. }));
        open(0o1777).expect("changed");
        assert!(bind(&path).await.is_ok());
    }

    #[tokio::test]
    async fn of_two_that_start_at_one_moment_one_listens() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a leftover"));
        let (one, two) = tokio::join!(bind(&path), bind(&path));
        let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
        let _listener = won.expect("one listens");
        let lost = lost.expect_err("the other does not");
        assert!(matches!(lost, ListenError::Taken { .. }), "{lost}");
        assert!(UnixStream::connect(&path).await.is_ok());
    }

    #[tokio::test]
    async fn only_its_own_file_is_taken_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let first = bind(&path).await.expect("it listens");
        let file = SocketFile::of(&first);
        std::fs::remove_file(&path).expect("removed");
        let second = bind(&path).await.expect("the next listens");
        drop(file);
        assert!(path.exists(), "the next one's was left alone");
        drop(SocketFile::of(&second));
        assert!(!path.exists());
    }
}
