//! When the listed certificates end.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Absent, Frames, line};
use crate::{Certificate, CertificateState};

/// Most certificates kept; a probe lists at most sixty-four.
const MAX_CERTIFICATES: usize = 64;

pub(super) fn certificates(frames: &Frames<'_>) -> Result<Vec<Certificate>, Absent> {
    // No section: none are listed.
    if frames.get("certificates").is_none() {
        return Ok(Vec::new());
    }
    let mut certificates: Vec<Certificate> = Vec::new();
    for text in frames.lines("certificates", "openssl")? {
        if let Some(path) = text.strip_prefix("certificate ") {
            if certificates.len() == MAX_CERTIFICATES {
                break;
            }
            certificates.push(Certificate {
                path: line(path),
                state: CertificateState::Invalid,
            });
        } else if let Some(certificate) = certificates.last_mut() {
            certificate.state = match &**text {
                "absent" => CertificateState::Absent,
                "unreadable" => CertificateState::Unreadable,
                other => match other.strip_prefix("notAfter=").and_then(epoch) {
                    Some(epoch_s) => CertificateState::Ends { epoch_s },
                    None => CertificateState::Invalid,
                },
            };
        }
    }
    Ok(certificates)
}

/// `Jun  1 12:00:00 2027 GMT`.
fn epoch(text: &str) -> Option<i64> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let at = DateTime::strptime("%b %d %H:%M:%S %Y", text.strip_suffix(" GMT")?).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}
