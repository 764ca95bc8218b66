//! `reachable`: whether the host answers, is the one it was, and lets us in. Each cause its own words.

use watchkeeper_model::{LookFailure, Severity};

use super::{Report, Trouble};
use crate::{Facts, figures};

pub(super) const NAME: &str = "reachable";

pub(super) fn run(report: &mut Report<'_>, facts: &Facts) {
    let detail = match facts.identity.present() {
        Some(identity) => format!(
            "{}, up {}",
            identity.os_name,
            figures::span(identity.uptime_s)
        ),
        None => "it answers".to_owned(),
    };
    report.passed("", detail);
}

pub(super) fn failed(report: &mut Report<'_>, failure: &LookFailure) {
    let summary = summary(failure);
    report.found(
        "",
        Trouble::new(severity(failure), failure.kind(), summary)
            .seen("look", failure.to_string())
            .seen("what to do", failure.remedy()),
    );
}

/// What keeps us from seeing a host that was fine is critical; what was never set up is a warning.
const fn severity(failure: &LookFailure) -> Severity {
    use LookFailure as F;
    match failure {
        F::NameNotResolved { .. }
        | F::Unreachable { .. }
        | F::Silent { .. }
        | F::ClosedEarly { .. }
        | F::HostKeyChanged { .. }
        | F::HostKeyRevoked { .. }
        | F::LoginRefused { .. }
        | F::TimedOut { .. } => Severity::Critical,
        _ => Severity::Warning,
    }
}

fn summary(failure: &LookFailure) -> String {
    use LookFailure as F;
    let seconds = |ms: u64| figures::span(ms.div_ceil(1_000));
    match failure {
        F::NameNotResolved { name, .. } => format!("the name {name} has no address"),
        F::Unreachable { address, detail } => format!("no connection to {address}: {detail}"),
        F::Silent { address, waited_ms } => {
            format!(
                "{address} takes the connection and then says nothing for {}",
                seconds(*waited_ms)
            )
        }
        F::ClosedEarly { address, .. } => {
            format!("{address} closed the connection before the login")
        }
        F::HostKeyUnknown { fingerprint, .. } => {
            format!("host key not known yet, nothing is run: {fingerprint}")
        }
        F::HostKeyChanged { .. } => {
            "host key changed: blocked until a person has looked".to_owned()
        }
        F::HostKeyRevoked { .. } => {
            "host key revoked: blocked until a person has looked".to_owned()
        }
        F::LoginRefused { login, .. } => format!("login refused for {login}"),
        F::PasswordOnly { login } => {
            format!("login as {login} needs a password, and only keys are used")
        }
        F::KeyUnusable { path, detail } => format!("our key {path} cannot be used: {detail}"),
        F::ConnectionLost { .. } => "the connection was lost during the look".to_owned(),
        F::TimedOut { limit_ms } => format!("no answer within {}", seconds(*limit_ms)),
        F::TooLarge { limit_bytes } => {
            format!("it answers with more than {}", figures::bytes(*limit_bytes))
        }
        F::Unreadable { detail } => format!("it answers, but not with the probe's words: {detail}"),
        F::Misconfigured { detail } => {
            format!("its entry in the inventory cannot be used: {detail}")
        }
        other => other.to_string(),
    }
}
