//! The units without which a host cannot be reached, reached safely, or brought up again. The list ships with
//! Watchkeeper (`lists/units.toml`) and cannot be made shorter; an owner adds to it in the facts about a host.

use serde::Deserialize;
use watchkeeper_model::UnitName;

use crate::classify::{Glob, Lists};

/// What a critical unit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriticalPart {
    /// The way in.
    Login,
    /// The network the way in needs.
    Network,
    /// The bus through which units are managed.
    Bus,
    /// What holds the system together.
    Init,
    /// What keeps others out.
    Firewall,
    /// What the next boot needs.
    Boot,
    /// What remembers what was done.
    Journal,
    /// The watch itself.
    Watch,
}

impl CriticalPart {
    /// What it is, to follow the words "which is".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "the way into the host",
            Self::Network => "the host's network",
            Self::Bus => "the bus that manages the host's units",
            Self::Init => "part of the host's core",
            Self::Firewall => "the host's firewall",
            Self::Boot => "needed to boot the host",
            Self::Journal => "what remembers what was done",
            Self::Watch => "the watch itself",
        }
    }
}

/// What a unit is for, if it is critical.
#[must_use]
pub fn critical_part(unit: &UnitName) -> Option<CriticalPart> {
    critical_name(stem(unit.as_str()))
}

/// The same for a name as it is typed, with or without a suffix.
pub(crate) fn critical_word(word: &str) -> Option<CriticalPart> {
    match UnitName::new(word) {
        Ok(unit) => critical_part(&unit),
        Err(_) => critical_name(word),
    }
}

/// Whether starting this unit takes the host down or throws everybody out.
pub(crate) fn takes_host_down(unit: &UnitName) -> bool {
    let name = family(stem(unit.as_str()));
    Lists::shipped()
        .units
        .power
        .iter()
        .any(|listed| listed.meets(&name))
}

fn critical_name(name: &str) -> Option<CriticalPart> {
    let whole = Glob::text(&name.to_ascii_lowercase());
    let family = family(name);
    Lists::shipped()
        .units
        .critical
        .iter()
        .find(|(listed, _)| listed.meets(&family) || listed.meets(&whole))
        .map(|(_, part)| *part)
}

/// A unit's name in lower case without its instance.
fn family(name: &str) -> Glob {
    let name = name.to_ascii_lowercase();
    Glob::text(name.split('@').next().unwrap_or(""))
}

/// A unit's name without its suffix.
fn stem(unit: &str) -> &str {
    unit.rsplit_once('.').map_or(unit, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(unit: &str) -> Option<CriticalPart> {
        critical_part(&UnitName::new(unit).expect("a unit"))
    }

    #[test]
    fn critical_units_are_known_under_every_suffix_instance_and_alias() {
        for unit in [
            "ssh.service",
            "ssh.socket",
            "sshd@4-10.0.0.1:22-10.0.0.2:5022.service",
            "NetworkManager.service",
            "NetworkManager-wait-online.service",
            "systemd-networkd.socket",
            "dbus-org.freedesktop.network1.service",
            "wg-quick@wg0.service",
            "nftables.service",
            "-.mount",
            "-.slice",
            "init.scope",
            "system.slice",
            "boot.mount",
            "systemd-journald-varlink@x.socket",
            "watchkeeper.service",
        ] {
            assert!(part(unit).is_some(), "{unit}");
        }
    }

    #[test]
    fn a_name_that_only_contains_a_critical_one_is_not_critical() {
        for unit in [
            "my-dbus-thing.service",
            "sshguard.service",
            "systemd-timesyncd.service",
            "nginx.service",
            "network-backup.service",
            "bootstrap.service",
        ] {
            assert_eq!(part(unit), None, "{unit}");
        }
    }
}
