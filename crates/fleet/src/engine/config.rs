//! Limits and algorithms of the engine, and its cache of known_hosts files.

use std::borrow::Cow;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::Config;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, SshId, cipher, compression, kex, mac};

use crate::known_hosts::{KnownHosts, KnownHostsUnreadable};

/// After how long a silence a sign of life is asked for.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// After how many unanswered ones the connection is lost.
pub const KEEPALIVES_UNANSWERED: usize = 3;
/// Commands at once on one connection: below the ten that sshd allows (MaxSessions), so that a person who shares
/// nothing with us is not what we collide with. A host that allows fewer is found out by its refusal.
pub const SESSIONS_PER_CONNECTION: usize = 8;
/// Most keys offered in one login: sshd hangs up after six (MaxAuthTries).
pub const MAX_KEYS_TRIED: usize = 6;
/// How much a host may send on a channel before it must wait for us.
const WINDOW_BYTES: u32 = 256 * 1024;
/// Largest packet we ask for: its buffers stay allocated as long as the connection is kept.
const PACKET_BYTES: u32 = 16 * 1024;
/// How many messages of a channel may wait for us.
const MESSAGES_WAITING: usize = 16;
/// How we name ourselves.
const CLIENT_ID: &str = concat!("SSH-2.0-watchkeeper_", env!("CARGO_PKG_VERSION"));

/// Key exchange, cheapest first among what stands: X25519, then its hybrid with ML-KEM, which OpenSSH has since
/// 9.9. An older sshd prefers a hybrid that costs its clients 70 ms a connection and that russh does not have.
const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::MLKEM768X25519_SHA256,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// Ciphers, fastest first where the processor knows AES; all authenticated or with a MAC over what was encrypted.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_256_CTR,
    cipher::AES_128_CTR,
];

const MACS: &[mac::Name] = &[
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
];

/// Host key algorithms in the order of preference. RSA with SHA-1 is not among them.
const HOST_KEYS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP521,
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha512),
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha256),
    },
];

/// The host key algorithms, those of keys that are known for the host first: else a host that gets a second key
/// would look like a changed one.
fn host_key_order(known: &[Algorithm]) -> Vec<Algorithm> {
    let is_known = |algorithm: &&Algorithm| match algorithm {
        Algorithm::Rsa { .. } => known
            .iter()
            .any(|known| matches!(known, Algorithm::Rsa { .. })),
        other => known.contains(other),
    };
    let first = HOST_KEYS.iter().filter(is_known);
    let then = HOST_KEYS.iter().filter(|algorithm| !is_known(algorithm));
    first.chain(then).cloned().collect()
}

/// The client's side of a connection to a host of which these algorithms are known. Certificates are asked for
/// only where an authority may vouch for the name: a host that has one would show it instead of its plain key.
pub(super) fn client(known: &[Algorithm], has_authority: bool) -> Arc<Config> {
    let certificates = if has_authority {
        HOST_KEYS.to_vec()
    } else {
        Vec::new()
    };
    Arc::new(Config {
        client_id: SshId::Standard(Cow::Borrowed(CLIENT_ID)),
        window_size: WINDOW_BYTES,
        maximum_packet_size: PACKET_BYTES,
        channel_buffer_size: MESSAGES_WAITING,
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(host_key_order(known)),
            host_key_certificates: Cow::Owned(certificates),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE_INTERVAL),
        keepalive_max: KEEPALIVES_UNANSWERED,
        nodelay: true,
        ..Config::default()
    })
}

/// What identifies the content of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    /// The stamp of what is there now, if something is.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// How many lists of files are remembered; hosts of one fleet share very few.
const CACHED_LISTS: usize = 16;

#[derive(Debug)]
struct CachedList {
    files: Vec<PathBuf>,
    stamps: Vec<Option<FileStamp>>,
    known: Arc<KnownHosts>,
}

/// Parsed known_hosts files, parsed anew when one of them changes.
#[derive(Debug, Default)]
pub(super) struct KnownHostsCache(Mutex<Vec<CachedList>>);

impl KnownHostsCache {
    pub(super) fn read(&self, files: &[PathBuf]) -> Result<Arc<KnownHosts>, KnownHostsUnreadable> {
        let stamps: Vec<_> = files.iter().map(|file| FileStamp::of(file)).collect();
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = lists.iter().find(|list| list.files == files)
            && cached.stamps == stamps
        {
            return Ok(Arc::clone(&cached.known));
        }
        // The stamps were taken before the reading: a change in between is seen by the next one.
        let known = Arc::new(KnownHosts::read(files)?);
        for broken in known.broken() {
            tracing::warn!(place = %broken.place, why = broken.why, "a line of known_hosts grants nothing");
        }
        lists.retain(|list| list.files != files);
        if lists.len() >= CACHED_LISTS {
            lists.remove(0);
        }
        lists.push(CachedList {
            files: files.to_vec(),
            stamps,
            known: Arc::clone(&known),
        });
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_of_known_keys_are_asked_for_first() {
        let rsa = [Algorithm::Rsa { hash: None }];
        let order = host_key_order(&rsa);
        assert!(matches!(
            order[0],
            Algorithm::Rsa {
                hash: Some(HashAlg::Sha512)
            }
        ));
        assert!(matches!(
            order[1],
            Algorithm::Rsa {
                hash: Some(HashAlg::Sha256)
            }
        ));
        assert_eq!(order.len(), HOST_KEYS.len());
        assert_eq!(host_key_order(&[]), HOST_KEYS);
    }
}
