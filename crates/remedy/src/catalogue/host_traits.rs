//! What a host is like, as far as the text of a step depends on it. The facts come from its probe.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the text of a step depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTraits {
    /// The family of its system, as `ID` in os-release names it: `debian`, `nixos`, `macos`.
    pub os: String,
    /// What keeps its services.
    pub init: Init,
    /// What keeps its packages, if it is one that is known.
    pub package_manager: Option<PackageManager>,
}

impl HostTraits {
    /// Whether it is a kind of host that is only ever looked at.
    #[must_use]
    pub fn read_only(&self) -> bool {
        matches!(self.os.as_str(), "macos" | "darwin")
    }
}

/// What keeps a host's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// systemd.
    Systemd,
    /// OpenRC.
    Openrc,
    /// Another, or none.
    Other,
}

/// What keeps a host's packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageManager {
    /// Debian's and Ubuntu's.
    Apt,
    /// Fedora's.
    Dnf,
    /// Arch's.
    Pacman,
    /// Alpine's.
    Apk,
    /// NixOS's.
    Nix,
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Systemd => "systemd",
            Self::Openrc => "openrc",
            Self::Other => "another init",
        })
    }
}
