//! Enrolment: a person has compared a fingerprint, and from now on that key is the host's. The only code that
//! writes a known_hosts file, and it writes one file only: the first of a target's.
//!
//! The file is replaced as a whole (a new one is written, synchronised and renamed over it) while a lock beside it
//! is held, so that neither a crash nor a second writer costs a line. All lines that do not hold a plain key for
//! the very name stay as they are, byte for byte, also those that cannot be read.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use russh::keys::PublicKey;

use crate::SshTarget;
use crate::known_hosts::{
    Judgement, KnownHosts, Line, MAX_KNOWN_HOSTS_BYTES, Marker, Names, Offered, Place, fingerprint,
    judge, lookup_name, parse_line,
};
use watchkeeper_model::Timestamp;

/// Longest name a key is kept under.
const MAX_NAME_BYTES: usize = 255;

/// A key that a host showed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedKey {
    /// Its algorithm, e.g. `ssh-ed25519`.
    pub algorithm: String,
    /// Its fingerprint, `SHA256:…`.
    pub fingerprint: String,
    /// The line that would grant it.
    pub line: String,
    key: PublicKey,
}

impl OfferedKey {
    /// A key shown under the name it would be kept under.
    pub(crate) fn new(name: &str, key: &PublicKey) -> Self {
        let key = PublicKey::new(key.key_data().clone(), String::new());
        Self {
            algorithm: key.algorithm().to_string(),
            fingerprint: fingerprint(&key),
            line: line_for(name, &key),
            key,
        }
    }

    /// The key in a line `ssh-ed25519 AAAA…`, e.g. out of `/etc/ssh/ssh_host_ed25519_key.pub`, for a host and port.
    ///
    /// # Errors
    /// When the line is not a public key.
    pub fn from_public_key(host: &str, port: u16, line: &str) -> Result<Self, NotAKey> {
        let key = PublicKey::from_openssh(line.trim()).map_err(|_| NotAKey)?;
        Ok(Self::new(&lookup_name(host, port), &key))
    }
}

impl OfferedKey {
    /// Another key that is known for this target, as `SHA256:…`: this one would have to take its place. None also where
    /// the known keys cannot be read; enrolling says so.
    #[must_use]
    pub fn takes_the_place_of(&self, target: &SshTarget, now: Timestamp) -> Option<String> {
        let known = KnownHosts::read(&target.known_hosts).ok()?;
        let (name, port) = match &target.host_key_alias {
            Some(alias) => (alias.as_str(), SshTarget::DEFAULT_PORT),
            None => (target.address.as_str(), target.port),
        };
        match judge(&known, name, port, Offered::Key(&self.key), now) {
            Judgement::Changed { known, .. } => Some(known),
            _ => None,
        }
    }
}

/// The text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a public key as OpenSSH writes it")]
pub struct NotAKey;

fn line_for(name: &str, key: &PublicKey) -> String {
    let encoded = key.to_openssh().expect("a parsed key can be written");
    format!("{name} {encoded}")
}

/// What an enrolment came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The key is new for the name.
    Added,
    /// It was known already; nothing was written.
    WasKnown,
    /// It took the place of other keys, with these fingerprints.
    Replaced(Vec<String>),
}

/// Why a key was not enrolled. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The name cannot stand in a known_hosts file.
    #[error("{name:?} cannot name a host in a known_hosts file")]
    BadName {
        /// The name.
        name: String,
    },
    /// The host shows another key than the person expects.
    #[error("{name} shows the key {offered}, but {expected} is expected")]
    Mismatch {
        /// The name.
        name: String,
        /// What was expected.
        expected: String,
        /// What was shown.
        offered: String,
    },
    /// Another key is known for the name.
    #[error("{at}: the key {known} is known for {name}; it is only replaced on request")]
    Changed {
        /// The name.
        name: String,
        /// The fingerprint of the known key.
        known: String,
        /// Its line.
        at: Place,
    },
    /// Another key is known for the name by a line that is about other names too.
    #[error("{at}: a pattern there grants another key to {name}; edit that line by hand")]
    HeldByPattern {
        /// The name.
        name: String,
        /// The line.
        at: Place,
    },
    /// The key is revoked.
    #[error("{at}: the key {fingerprint} is revoked")]
    Revoked {
        /// The key's fingerprint.
        fingerprint: String,
        /// The line that revokes it.
        at: Place,
    },
    /// The file is larger than a file of keys can be.
    #[error("{} is larger than {MAX_KNOWN_HOSTS_BYTES} bytes", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// The file could not be read or written.
    #[error("could not {doing} {}", file.display())]
    Io {
        /// What was done.
        doing: &'static str,
        /// To which file.
        file: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

/// Makes a key the one of a host and port. With an alias, that is the host, and the port is 22.
///
/// # Errors
/// Refuses a key that is not the expected one, that is revoked, or that would take another's place without
/// `replace`. Nothing is written then.
pub fn enrol(
    path: &Path,
    host: &str,
    port: u16,
    key: &OfferedKey,
    expected: Option<&str>,
    replace: bool,
) -> Result<Enrolled, EnrolError> {
    let name = checked_name(host, port)?;
    if let Some(expected) = expected
        && bare(expected) != bare(&key.fingerprint)
    {
        return Err(EnrolError::Mismatch {
            name,
            expected: expected.to_owned(),
            offered: key.fingerprint.clone(),
        });
    }
    // A link stays a link: what it points to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let io = |doing, file: &Path| {
        let file = file.to_owned();
        move |source| EnrolError::Io {
            doing,
            file,
            source,
        }
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(io("make", &directory))?;
    let _lock = lock(&path)?;
    let before = read(&path)?;
    let (after, enrolled) = edit(&path, &before, &name, key, replace)?;
    if let Some(after) = after {
        write(&path, &directory, &after)?;
    }
    Ok(enrolled)
}

/// A fingerprint as people write it, without what may be left out.
fn bare(fingerprint: &str) -> &str {
    let text = fingerprint.trim();
    text.strip_prefix("SHA256:")
        .unwrap_or(text)
        .trim_end_matches('=')
}

fn checked_name(host: &str, port: u16) -> Result<String, EnrolError> {
    let name = lookup_name(host, port);
    let allowed =
        |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '*' | '?' | '!' | '|' | '#' | '@');
    if host.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(allowed) {
        return Err(EnrolError::BadName {
            name: host.chars().take(MAX_NAME_BYTES).collect(),
        });
    }
    Ok(name)
}

fn lock(path: &Path) -> Result<Flock<File>, EnrolError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let beside = PathBuf::from(name);
    let io = |source| EnrolError::Io {
        doing: "lock",
        file: beside.clone(),
        source,
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&beside)
        .map_err(io)?;
    give_to_owner(&beside).map_err(io)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| io(errno.into()))
}

fn read(path: &Path) -> Result<Vec<u8>, EnrolError> {
    let io = |source| EnrolError::Io {
        doing: "read",
        file: path.to_owned(),
        source,
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(io(error)),
        Ok(found) if found.len() > MAX_KNOWN_HOSTS_BYTES => Err(EnrolError::TooLarge {
            file: path.to_owned(),
        }),
        Ok(_) => std::fs::read(path).map_err(io),
    }
}

/// The new content, if there is one, and what it comes to.
fn edit(
    path: &Path,
    before: &[u8],
    name: &str,
    key: &OfferedKey,
    replace: bool,
) -> Result<(Option<Vec<u8>>, Enrolled), EnrolError> {
    let mut after = Vec::with_capacity(before.len() + key.line.len() + 1);
    let mut replaced = Vec::new();
    let mut known = false;
    for (index, raw) in before.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let at = Place {
            file: path.to_owned(),
            line: index + 1,
        };
        let Some(line) = about(raw, name, at) else {
            after.extend_from_slice(raw);
            continue;
        };
        let same = line.key.key_data() == key.key.key_data();
        match line.marker {
            Marker::Revoked if same => {
                return Err(EnrolError::Revoked {
                    fingerprint: key.fingerprint.clone(),
                    at: line.place,
                });
            }
            Marker::Plain if same => {
                known = true;
                after.extend_from_slice(raw);
            }
            Marker::Plain if !replace => {
                return Err(EnrolError::Changed {
                    name: name.to_owned(),
                    known: fingerprint(&line.key),
                    at: line.place,
                });
            }
            Marker::Plain => {
                let rest = without(raw, &line, name)?;
                after.extend_from_slice(&rest);
                replaced.push(fingerprint(&line.key));
            }
            Marker::Revoked | Marker::Authority => after.extend_from_slice(raw),
        }
    }
    if known && replaced.is_empty() {
        return Ok((None, Enrolled::WasKnown));
    }
    if !known {
        if after.last().is_some_and(|byte| *byte != b'\n') {
            after.push(b'\n');
        }
        after.extend_from_slice(line_for(name, &key.key).as_bytes());
        after.push(b'\n');
    }
    let enrolled = if replaced.is_empty() {
        Enrolled::Added
    } else {
        Enrolled::Replaced(replaced)
    };
    Ok((Some(after), enrolled))
}

/// The line, if it can be read and means this name.
fn about(raw: &[u8], name: &str, place: Place) -> Option<Line> {
    let (marker, names, key) = parse_line(raw).ok()??;
    names.mean(name).then_some(Line {
        marker,
        names,
        key,
        place,
    })
}

/// The line without this name: nothing where it was the only one.
fn without(raw: &[u8], line: &Line, name: &str) -> Result<Vec<u8>, EnrolError> {
    let held = || EnrolError::HeldByPattern {
        name: name.to_owned(),
        at: line.place.clone(),
    };
    let Names::Patterns(patterns) = &line.names else {
        return Ok(Vec::new());
    };
    let others: Vec<_> = patterns
        .iter()
        .filter(|(_, pattern)| pattern != name)
        .collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let still = Names::Patterns(others.into_iter().cloned().collect());
    if still.mean(name) {
        return Err(held());
    }
    let text = std::str::from_utf8(raw).map_err(|_| held())?;
    let start = text.len() - text.trim_start().len();
    let end = text[start..]
        .find([' ', '\t'])
        .map_or(text.len(), |at| start + at);
    let kept: Vec<&str> = text[start..end]
        .split(',')
        .filter(|pattern| !pattern.eq_ignore_ascii_case(name))
        .collect();
    Ok(format!("{}{}{}", &text[..start], kept.join(","), &text[end..]).into_bytes())
}

fn write(path: &Path, directory: &Path, content: &[u8]) -> Result<(), EnrolError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}", rand::random::<u64>()));
    let temporary = PathBuf::from(name);
    let written = write_new(&temporary, content)
        .and_then(|()| std::fs::rename(&temporary, path))
        .and_then(|()| File::open(directory)?.sync_all());
    written.map_err(|source| {
        // It is ours and has no other name; that it stays costs nothing but its place.
        let _ = std::fs::remove_file(&temporary);
        EnrolError::Io {
            doing: "write",
            file: path.to_owned(),
            source,
        }
    })
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    give_to_owner(path)?;
    file.sync_all()
}

/// Gives what root has made in another account's directory to that account: root may enrol a host before the service
/// runs, which must be able to read what is known then.
fn give_to_owner(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let (directory, file) = (std::fs::metadata(directory)?, std::fs::metadata(path)?);
    if file.uid() != 0 || directory.uid() == 0 {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(directory.uid()), Some(directory.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_hosts::{Judgement, KnownHosts, Offered, judge};
    use russh::keys::{Algorithm, PrivateKey};
    use std::os::unix::fs::PermissionsExt as _;
    use watchkeeper_model::Timestamp;

    fn key() -> OfferedKey {
        let key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).expect("a key");
        OfferedKey::new("web1", key.public_key())
    }

    fn judged(path: &Path, host: &str, key: &OfferedKey) -> Judgement {
        let known = KnownHosts::read(&[path.to_owned()]).expect("it can be read");
        judge(
            &known,
            host,
            22,
            Offered::Key(&key.key),
            Timestamp::from_millis(0),
        )
    }

    #[test]
    fn an_enrolled_key_is_known_and_the_file_is_closed_to_others() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ssh/known_hosts");
        let key = key();
        let done = enrol(&path, "Web1", 22, &key, Some(&key.fingerprint), false).expect("enrolled");
        assert_eq!(done, Enrolled::Added);
        assert!(matches!(
            judged(&path, "web1", &key),
            Judgement::Known { .. }
        ));
        let mode = std::fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = enrol(&path, "web1", 22, &key, None, false).expect("enrolled");
        assert_eq!(again, Enrolled::WasKnown);
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text, format!("{}\n", key.line));
    }

    #[test]
    fn another_key_than_expected_is_not_enrolled() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("known_hosts");
        let (key, other) = (key(), key());
        let refused = enrol(&path, "web1", 22, &key, Some(&other.fingerprint), true);
        assert!(matches!(refused, Err(EnrolError::Mismatch { .. })));
        assert!(!path.exists());
        let short = key.fingerprint.trim_start_matches("SHA256:").to_owned();
        assert!(enrol(&path, "web1", 22, &key, Some(&short), false).is_ok());
    }

    #[test]
    fn a_changed_key_is_replaced_only_on_request_and_all_else_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("known_hosts");
        let (old, new) = (key(), key());
        let rest = |names: &str, key: &OfferedKey| key.line.replacen("web1", names, 1);
        let text = format!(
            "# a comment\r\n\nbroken line \u{fc}\n{}\n{}\n@revoked * {}",
            rest("web1,10.0.0.1,web1.lan", &old),
            rest("web10", &old),
            rest("", &old).trim()
        );
        std::fs::write(&path, &text).expect("written");
        let refused = enrol(&path, "web1", 22, &new, None, false).expect_err("refused");
        assert!(
            matches!(&refused, EnrolError::Changed { at, .. } if at.line == 4),
            "{refused}"
        );
        assert_eq!(std::fs::read_to_string(&path).expect("text"), text);

        let done = enrol(&path, "web1", 22, &new, None, true).expect("enrolled");
        assert_eq!(done, Enrolled::Replaced(vec![old.fingerprint.clone()]));
        let expect = text.replacen("web1,10.0.0.1,web1.lan", "10.0.0.1,web1.lan", 1)
            + "\n"
            + &new.line
            + "\n";
        assert_eq!(std::fs::read_to_string(&path).expect("text"), expect);
        assert!(matches!(
            judged(&path, "web1", &new),
            Judgement::Known { .. }
        ));
    }

    #[test]
    fn a_hashed_line_of_the_name_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("known_hosts");
        // The hash of "web1" under the salt of twenty zero bytes.
        let (old, new) = (key(), key());
        let hashed = hash_of("web1");
        std::fs::write(&path, old.line.replacen("web1", &hashed, 1) + "\n").expect("written");
        assert!(matches!(
            judged(&path, "web1", &old),
            Judgement::Known { .. }
        ));
        enrol(&path, "web1", 22, &new, None, true).expect("enrolled");
        assert_eq!(
            std::fs::read_to_string(&path).expect("text"),
            format!("{}\n", new.line)
        );
    }

    fn hash_of(name: &str) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        use russh::keys::ssh_encoding::base64::{Base64, Encoding};
        let salt = [0_u8; 20];
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&salt).expect("a key");
        mac.update(name.as_bytes());
        let hash = mac.finalize().into_bytes();
        format!(
            "|1|{}|{}",
            Base64::encode_string(&salt),
            Base64::encode_string(&hash)
        )
    }

    #[test]
    fn what_a_pattern_grants_and_what_is_revoked_is_left_to_a_person() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("known_hosts");
        let (old, new) = (key(), key());
        std::fs::write(&path, old.line.replacen("web1", "web*", 1)).expect("written");
        let refused = enrol(&path, "web1", 22, &new, None, true);
        assert!(matches!(refused, Err(EnrolError::HeldByPattern { .. })));
        std::fs::write(
            &path,
            format!("@revoked {}", new.line.replacen("web1", "*", 1)),
        )
        .expect("written");
        let refused = enrol(&path, "web1", 22, &new, None, true);
        assert!(matches!(refused, Err(EnrolError::Revoked { .. })));
    }

    #[test]
    fn a_name_that_would_be_read_as_something_else_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("known_hosts");
        for name in [
            "", "*", "a,b", "!a", "|1|x|y", "@revoked", "a b", "a\nb", "#a", "\u{fc}",
        ] {
            let refused = enrol(&path, name, 22, &key(), None, true);
            assert!(
                matches!(refused, Err(EnrolError::BadName { .. })),
                "{name:?}"
            );
        }
        assert!(enrol(&path, "[::1]", 22, &key(), None, false).is_ok());
        assert!(enrol(&path, "fe80::1%eth0", 2222, &key(), None, false).is_ok());
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("known_hosts");
        std::thread::scope(|scope| {
            for number in 0..16 {
                let path = &path;
                scope.spawn(move || {
                    enrol(path, &format!("h{number}"), 22, &key(), None, false).map(drop)
                });
            }
        });
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 16);
    }
}
