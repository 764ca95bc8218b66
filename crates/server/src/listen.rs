//! The unix socket: made with the right mode, taken over from a daemon that is gone, refused while one lives.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::{Extension, Router};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::caller::{Gate, Peer};

/// Everybody may connect and look; the kernel says who they are.
const SOCKET_MODE: u32 = 0o666;

/// Why the socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A daemon answers there.
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

/// Makes the socket. One that nobody answers at is a leftover and is replaced.
///
/// # Errors
/// Refuses where a daemon answers or something else stands.
pub async fn bind(path: &Path) -> Result<UnixListener, ListenError> {
    let failed = |source| ListenError::Failed {
        path: path.to_owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::NotASocket {
                path: path.to_owned(),
            });
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(ListenError::Taken {
                path: path.to_owned(),
            });
        }
        Ok(_) => std::fs::remove_file(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
    Ok(listener)
}

/// Answers until told to stop; requests under way are answered to their end.
///
/// # Errors
/// When the listener itself fails.
pub async fn serve(
    listener: UnixListener,
    router: Router,
    gate: Gate,
    stop: CancellationToken,
) -> io::Result<()> {
    let service = router
        .layer(Extension(Arc::new(gate)))
        .into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}
