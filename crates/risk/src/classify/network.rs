//! Other machines and pages: what asking or sending something there means.

use watchkeeper_model::{EffectKind, RiskLevel, TargetClass};

use crate::word::{Arg, Origin, Part};

use super::files::Rated;
use super::host::Host;
use super::matrix::without_target;

/// Where clouds hand out the credentials of a machine.
const METADATA: [&str; 5] = [
    "169.254.169.254",
    "metadata.google.internal",
    "100.100.100.200",
    "fd00:ec2::254",
    "169.254.170.2",
];

/// Rates what is done with a machine or a page.
pub(crate) fn rate(kind: EffectKind, target: &Arg, level: Option<RiskLevel>) -> Rated {
    let usual = level.unwrap_or_else(|| without_target(kind));
    let mut rated = Rated {
        level: usual,
        class: TargetClass::Plain,
        what: String::new(),
        kind: None,
        possible: false,
    };
    let shown = target.shown().to_ascii_lowercase();
    if METADATA.iter().any(|address| shown.contains(address)) {
        rated.level = usual.max(RiskLevel::High);
        rated.what = "it hands out the credentials of the machine".to_owned();
        rated.kind = (usual < RiskLevel::High).then_some(EffectKind::Secrets);
    } else if may_carry(target) {
        rated.level = usual.max(RiskLevel::High);
        rated.what = "what only the host knows is sent along".to_owned();
        rated.kind = Some(EffectKind::Sends);
        rated.possible = true;
    }
    rated
}

/// Whether something of the host goes out with the name: what is asked for in the network is told to it. What came from
/// the network is no news there.
fn may_carry(target: &Arg) -> bool {
    target
        .parts
        .iter()
        .any(|part| matches!(part, Part::Unknown(unknown) if !unknown.plain && unknown.from != Origin::Network))
}

/// Whether something named is what the host is managed through.
pub(crate) fn is_management(target: &Arg, host: &Host) -> bool {
    let Some(text) = target.as_text() else {
        return false;
    };
    let text = text.to_ascii_lowercase();
    let port = text
        .split('/')
        .next()
        .and_then(|port| port.parse::<u16>().ok());
    text == "ssh"
        || text == "openssh"
        || host
            .interfaces
            .iter()
            .any(|interface| interface.eq_ignore_ascii_case(&text))
        || port.is_some_and(|port| host.ports.contains(&port))
}
