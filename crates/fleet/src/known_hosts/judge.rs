//! The judgement about one offered host key: a pure function of lines, name, key and time.

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};
use watchkeeper_model::Timestamp;

use super::{KnownHosts, Line, Marker, Place, fingerprint, lookup_name};
use crate::SshTarget;

/// What a host shows of itself. That it holds the private key was proved before.
#[derive(Clone, Copy, Debug)]
pub enum Offered<'a> {
    /// A plain key.
    Key(&'a PublicKey),
    /// A certificate.
    Certificate(&'a Certificate),
}

/// What is thought of an offered key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// This line grants it.
    Known {
        /// The line.
        at: Place,
    },
    /// An authority vouches for it.
    Certified {
        /// The authority's line.
        at: Place,
    },
    /// No line knows the name.
    Unknown {
        /// `SHA256:…` of the offered key.
        fingerprint: String,
        /// Why its certificate did not count, if it showed one.
        certificate: Option<CertificateRefused>,
    },
    /// Another key is known for the name.
    Changed {
        /// `SHA256:…` of a key that is known.
        known: String,
        /// `SHA256:…` of the offered key.
        offered: String,
        /// The line of the known key.
        at: Place,
    },
    /// The key, or the authority behind it, is revoked.
    Revoked {
        /// `SHA256:…` of the revoked key.
        fingerprint: String,
        /// The line that revokes it.
        at: Place,
    },
}

/// Why a certificate vouches for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefused {
    /// It is not signed by an authority that is known for the name.
    #[error("no authority known for the name has signed it")]
    NoAuthority,
    /// It is a user's.
    #[error("it is not a host's certificate")]
    NotAHosts,
    /// It is for other names, for none, or for a pattern.
    #[error("it is not for this name")]
    OtherName,
    /// Its time has not come or has passed.
    #[error("it is not valid at this time")]
    OtherTime,
    /// It makes a condition that is not understood.
    #[error("it has a critical option")]
    CriticalOption,
    /// Its signature is wrong, or made with SHA-1.
    #[error("its signature does not hold")]
    BadSignature,
}

/// Judges what a host shows under a name and port. For a name that is an alias, the port is 22.
#[must_use]
pub fn judge(
    known: &KnownHosts,
    host: &str,
    port: u16,
    offered: Offered<'_>,
    now: Timestamp,
) -> Judgement {
    let with_port = lookup_name(host, port);
    let plain = lookup_name(host, SshTarget::DEFAULT_PORT);
    let names = if with_port == plain {
        vec![plain.as_str()]
    } else {
        vec![with_port.as_str(), plain.as_str()]
    };
    let key = match offered {
        Offered::Key(key) => key.clone(),
        Offered::Certificate(certificate) => {
            PublicKey::new(certificate.public_key().clone(), String::new())
        }
    };
    if let Some(revoked) = find_revoked(known, &names, &key, offered) {
        return revoked;
    }
    let mut refused = None;
    if let Offered::Certificate(certificate) = offered {
        match find_authority(known, &names, &plain, certificate, now) {
            Ok(line) => {
                return Judgement::Certified {
                    at: line.place.clone(),
                };
            }
            Err(why) => refused = Some(why),
        }
    }
    judge_key(known, &names, &key, refused)
}

/// A plain key: granted by a line for the name or, as OpenSSH has it, for the name without its port; changed
/// where the name has another; unknown otherwise.
fn judge_key(
    known: &KnownHosts,
    names: &[&str],
    key: &PublicKey,
    certificate: Option<CertificateRefused>,
) -> Judgement {
    let same = |line: &&Line| line.key.key_data() == key.key_data();
    let lines = |name: &str| known.about(name, Marker::Plain).collect::<Vec<_>>();
    let own = lines(names[0]);
    if let Some(line) = own.iter().copied().find(same) {
        return Judgement::Known {
            at: line.place.clone(),
        };
    }
    if let Some(line) = own.first() {
        return Judgement::Changed {
            known: fingerprint(&line.key),
            offered: fingerprint(key),
            at: line.place.clone(),
        };
    }
    let portless = names[1..].iter().flat_map(|name| lines(name)).find(same);
    match portless {
        Some(line) => Judgement::Known {
            at: line.place.clone(),
        },
        None => Judgement::Unknown {
            fingerprint: fingerprint(key),
            certificate,
        },
    }
}

fn find_revoked(
    known: &KnownHosts,
    names: &[&str],
    key: &PublicKey,
    offered: Offered<'_>,
) -> Option<Judgement> {
    let authority = match offered {
        Offered::Key(_) => None,
        Offered::Certificate(certificate) => Some(certificate.signature_key()),
    };
    let mut lines = names
        .iter()
        .flat_map(|name| known.about(name, Marker::Revoked));
    lines
        .find(|line| {
            line.key.key_data() == key.key_data() || Some(line.key.key_data()) == authority
        })
        .map(|line| Judgement::Revoked {
            fingerprint: fingerprint(&line.key),
            at: line.place.clone(),
        })
}

fn find_authority<'a>(
    known: &'a KnownHosts,
    names: &[&str],
    principal: &str,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<&'a Line, CertificateRefused> {
    let line = names
        .iter()
        .flat_map(|name| known.about(name, Marker::Authority))
        .find(|line| line.key.key_data() == certificate.signature_key())
        .ok_or(CertificateRefused::NoAuthority)?;
    if certificate.cert_type() != CertType::Host {
        return Err(CertificateRefused::NotAHosts);
    }
    if !certificate.critical_options().is_empty() {
        return Err(CertificateRefused::CriticalOption);
    }
    let principals = certificate.valid_principals();
    if !principals.iter().any(|p| p.eq_ignore_ascii_case(principal)) {
        return Err(CertificateRefused::OtherName);
    }
    let seconds = u64::try_from(now.as_millis() / 1_000).unwrap_or(0);
    if seconds < certificate.valid_after() || seconds >= certificate.valid_before() {
        return Err(CertificateRefused::OtherTime);
    }
    let sha1 = certificate.signature().algorithm() == Algorithm::Rsa { hash: None };
    let authority = line.key.fingerprint(HashAlg::Sha256);
    if sha1 || certificate.validate_at(seconds, [&authority]).is_err() {
        return Err(CertificateRefused::BadSignature);
    }
    Ok(line)
}
