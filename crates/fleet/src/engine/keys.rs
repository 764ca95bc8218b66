//! Our own keys: from files, checked as OpenSSH checks them, and decrypted once for all hosts that use them.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{Certificate, PrivateKey, decode_secret_key};
use watchkeeper_model::LookFailure;

use super::config::FileStamp;
use crate::rendered::excerpt;

/// Largest key file that is read.
const MAX_KEY_BYTES: u64 = 64 * 1024;
/// Largest passphrase file that is read.
const MAX_PASSPHRASE_BYTES: u64 = 4 * 1024;
/// How many keys are remembered.
const CACHED_KEYS: usize = 64;

/// Why a key file cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is not there: another may do.
    Absent(PathBuf),
    /// It is there, and a person must mend it.
    Broken { path: PathBuf, detail: String },
}

impl Unusable {
    pub(super) fn into_failure(self) -> LookFailure {
        let (path, detail) = match self {
            Self::Absent(path) => (path, "it is not there".to_owned()),
            Self::Broken { path, detail } => (path, detail),
        };
        LookFailure::KeyUnusable {
            path: excerpt(path.display().to_string().as_bytes()),
            detail,
        }
    }
}

fn broken(path: &Path, detail: impl Into<String>) -> Unusable {
    Unusable::Broken {
        path: path.to_owned(),
        detail: detail.into(),
    }
}

/// A key of ours, with the certificate that lies beside it as `KEY-cert.pub`.
#[derive(Clone)]
pub(super) struct OwnKey {
    pub(super) key: Arc<PrivateKey>,
    pub(super) certificate: Option<Certificate>,
}

struct CachedKey {
    path: PathBuf,
    stamps: [Option<FileStamp>; 3],
    own: OwnKey,
}

/// Keys that were read, read anew when their files change: decrypting one takes a tenth of a second on purpose.
#[derive(Default)]
pub(super) struct KeyRing(Mutex<Vec<CachedKey>>);

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

impl KeyRing {
    /// The key in this file.
    pub(super) async fn load(
        &self,
        path: &Path,
        passphrase: Option<&Path>,
    ) -> Result<OwnKey, Unusable> {
        let certificate = certificate_path(path);
        let stamps = [
            FileStamp::of(path),
            passphrase.and_then(FileStamp::of),
            FileStamp::of(&certificate),
        ];
        if let Some(own) = self.cached(path, &stamps) {
            return Ok(own);
        }
        let (file, secret) = (path.to_owned(), passphrase.map(Path::to_owned));
        // Decrypting is work for a processor, not for a reactor.
        let reading = tokio::task::spawn_blocking(move || read_key(&file, secret.as_deref()));
        let key = match reading.await {
            Ok(read) => read?,
            Err(_) => return Err(broken(path, "it cannot be decoded")),
        };
        let own = OwnKey {
            key: Arc::new(key),
            certificate: read_certificate(&certificate),
        };
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|cached| cached.path != path);
        if keys.len() >= CACHED_KEYS {
            keys.remove(0);
        }
        keys.push(CachedKey {
            path: path.to_owned(),
            stamps,
            own: own.clone(),
        });
        Ok(own)
    }

    fn cached(&self, path: &Path, stamps: &[Option<FileStamp>; 3]) -> Option<OwnKey> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = keys
            .iter()
            .find(|cached| cached.path == path && cached.stamps == *stamps);
        found.map(|cached| cached.own.clone())
    }
}

fn certificate_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push("-cert.pub");
    name.into()
}

fn read_certificate(path: &Path) -> Option<Certificate> {
    let text = std::fs::read_to_string(path).ok()?;
    Certificate::from_openssh(&text).ok()
}

/// Reads a secret file: a regular one, and closed to others where it is ours, as OpenSSH wants it.
fn read_secret(path: &Path, most: u64) -> Result<String, Unusable> {
    let file = std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Unusable::Absent(path.to_owned()),
        _ => broken(path, excerpt(error.to_string().as_bytes())),
    })?;
    let found = file
        .metadata()
        .map_err(|error| broken(path, excerpt(error.to_string().as_bytes())))?;
    if !found.is_file() {
        return Err(broken(path, "it is not a file"));
    }
    let mode = found.permissions().mode() & 0o777;
    if found.uid() == nix::unistd::geteuid().as_raw() && mode & 0o077 != 0 {
        let detail = format!("others may read it (mode {mode:04o}); chmod 600 it");
        return Err(broken(path, detail));
    }
    let mut text = String::new();
    let read = file.take(most + 1).read_to_string(&mut text);
    match read {
        Ok(_) if text.len() as u64 > most => Err(broken(path, "it is too large")),
        Ok(_) => Ok(text),
        Err(error) => Err(broken(path, excerpt(error.to_string().as_bytes()))),
    }
}

fn read_key(path: &Path, passphrase: Option<&Path>) -> Result<PrivateKey, Unusable> {
    use russh::keys::Error;
    let text = read_secret(path, MAX_KEY_BYTES)?;
    match decode_secret_key(&text, None) {
        Ok(key) if !key.is_encrypted() => return Ok(key),
        Ok(_) | Err(Error::KeyIsEncrypted) => {}
        Err(_) => return Err(broken(path, "it is not a private key that can be read")),
    }
    let Some(file) = passphrase else {
        return Err(broken(
            path,
            "it has a passphrase, and no passphrase_file is set",
        ));
    };
    let passphrase = read_secret(file, MAX_PASSPHRASE_BYTES).map_err(|why| match why {
        Unusable::Absent(file) => broken(&file, "the passphrase file is not there"),
        other => other,
    })?;
    let passphrase = passphrase.strip_suffix('\n').unwrap_or(&passphrase);
    let passphrase = passphrase.strip_suffix('\r').unwrap_or(passphrase);
    match decode_secret_key(&text, Some(passphrase)) {
        Ok(key) if !key.is_encrypted() => Ok(key),
        Ok(_) | Err(_) => {
            let detail = format!("the passphrase in {} is not its own", file.display());
            Err(broken(path, excerpt(detail.as_bytes())))
        }
    }
}
