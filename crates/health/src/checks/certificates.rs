//! `certificates`: whether the listed certificates have time left, by our clock.

use watchkeeper_model::{Severity, Timestamp};

use super::{Report, Trouble};
use crate::{CertificateState, Facts, figures};

const DAY_S: u64 = 86_400;

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let certificates = match facts.certificates.get() {
        Ok(certificates) => certificates,
        Err(why) => return report.unknown("", why),
    };
    if certificates.is_empty() {
        return report.passed("", "none are listed");
    }
    for certificate in certificates {
        let path = certificate.path.as_str();
        match certificate.state {
            CertificateState::Ends { epoch_s } => ends(report, path, epoch_s),
            CertificateState::Absent => {
                report.found(
                    path,
                    Trouble::new(
                        Severity::Warning,
                        "absent",
                        format!("{path} is listed and not there"),
                    ),
                );
            }
            CertificateState::Invalid => {
                let summary = format!("{path} holds no certificate");
                report.found(path, Trouble::new(Severity::Warning, "invalid", summary));
            }
            CertificateState::Unreadable => {
                report.unknown(path, format!("{path} may not be read by this account"));
            }
        }
    }
}

fn ends(report: &mut Report<'_>, path: &str, epoch_s: i64) {
    let now = report.look.at.as_millis().div_euclid(1_000);
    let left = u64::try_from(epoch_s.saturating_sub(now)).unwrap_or(0);
    let limits = report.thresholds.certificates;
    let days = |days: u32| u64::from(days) * DAY_S;
    let (severity, cause) = if epoch_s <= now {
        (Severity::Critical, "expired")
    } else if left < days(limits.critical_days) {
        (Severity::Critical, "ends")
    } else if left < days(limits.warning_days) {
        (Severity::Warning, "ends")
    } else {
        return report.passed(path, format!("{} left", figures::span(left)));
    };
    let summary = if cause == "expired" {
        format!("{path} ended {} ago", figures::span(now.abs_diff(epoch_s)))
    } else {
        format!("{path} ends in {}", figures::span(left))
    };
    let end = Timestamp::from_millis(epoch_s.saturating_mul(1_000));
    report.found(
        path,
        Trouble::new(severity, cause, summary).seen("openssl", format!("notAfter {end}")),
    );
}
