//! What a host is like for the catalogue of steps, read from its last observation.

use watchkeeper_health::{Facts, Manager};
use watchkeeper_remedy::{HostTraits, Init, PackageManager};
use watchkeeper_store::Observation;

/// The traits of a host as it was last seen. One never seen has none: then only scripts can be planned for it.
pub(crate) fn traits_of(observation: Option<&Observation>) -> HostTraits {
    let facts =
        observation.and_then(|seen| serde_json::from_value::<Facts>(seen.body.clone()).ok());
    facts.as_ref().map_or_else(unknown, of_facts)
}

fn unknown() -> HostTraits {
    HostTraits {
        os: String::new(),
        init: Init::Other,
        package_manager: None,
    }
}

/// The traits that facts tell.
pub(crate) fn of_facts(facts: &Facts) -> HostTraits {
    let os = facts
        .identity
        .present()
        .map(|identity| identity.os_id.clone())
        .unwrap_or_default();
    let init = match facts.units.present().map(|units| units.manager) {
        Some(Manager::Systemd) => Init::Systemd,
        Some(Manager::Openrc) => Init::Openrc,
        _ => Init::Other,
    };
    HostTraits {
        package_manager: package_manager(&os),
        os,
        init,
    }
}

fn package_manager(os: &str) -> Option<PackageManager> {
    match os {
        "debian" | "ubuntu" | "raspbian" | "linuxmint" => Some(PackageManager::Apt),
        "fedora" | "rhel" | "centos" | "rocky" | "almalinux" => Some(PackageManager::Dnf),
        "arch" | "manjaro" | "endeavouros" => Some(PackageManager::Pacman),
        "alpine" => Some(PackageManager::Apk),
        "nixos" => Some(PackageManager::Nix),
        _ => None,
    }
}
