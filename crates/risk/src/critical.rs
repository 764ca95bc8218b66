//! The units without which a host cannot be reached, reached safely, or brought up again. The list ships with
//! Watchkeeper and cannot be made shorter; an operator's own list is `policy`'s protected units.

use watchkeeper_model::UnitName;

/// What a critical unit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Names of critical units, without their suffix, in lower case. A name stands for all units of that name, whatever
/// their suffix (`ssh` is also `ssh.socket`), and for all instances (`wg-quick` is also `wg-quick@wg0.service`).
pub const CRITICAL_UNITS: &[(&str, CriticalPart)] = &[
    ("ssh", CriticalPart::Login),
    ("sshd", CriticalPart::Login),
    ("sshd-keygen", CriticalPart::Login),
    ("sshd-unix-local", CriticalPart::Login),
    ("dropbear", CriticalPart::Login),
    ("tinysshd", CriticalPart::Login),
    ("tailscaled", CriticalPart::Login),
    ("systemd-networkd", CriticalPart::Network),
    ("systemd-resolved", CriticalPart::Network),
    ("networkmanager", CriticalPart::Network),
    ("network-manager", CriticalPart::Network),
    ("networking", CriticalPart::Network),
    ("network", CriticalPart::Network),
    ("network-online", CriticalPart::Network),
    ("network-setup", CriticalPart::Network),
    ("network-local-commands", CriticalPart::Network),
    ("netctl", CriticalPart::Network),
    ("netplan", CriticalPart::Network),
    ("ifup", CriticalPart::Network),
    ("dhcpcd", CriticalPart::Network),
    ("dhclient", CriticalPart::Network),
    ("iwd", CriticalPart::Network),
    ("connman", CriticalPart::Network),
    ("wpa_supplicant", CriticalPart::Network),
    ("wg-quick", CriticalPart::Network),
    ("wicked", CriticalPart::Network),
    ("wickedd", CriticalPart::Network),
    ("openvpn", CriticalPart::Network),
    ("openvpn-client", CriticalPart::Network),
    ("cloud-init", CriticalPart::Network),
    ("dbus", CriticalPart::Bus),
    ("dbus-broker", CriticalPart::Bus),
    ("dbus-daemon", CriticalPart::Bus),
    ("messagebus", CriticalPart::Bus),
    ("polkit", CriticalPart::Bus),
    ("init", CriticalPart::Init),
    ("-", CriticalPart::Init),
    ("system", CriticalPart::Init),
    ("user", CriticalPart::Init),
    ("systemd-logind", CriticalPart::Init),
    ("systemd-udevd", CriticalPart::Init),
    ("systemd-userdbd", CriticalPart::Init),
    ("systemd-sysctl", CriticalPart::Init),
    ("systemd-tmpfiles-setup", CriticalPart::Init),
    ("systemd-remount-fs", CriticalPart::Init),
    ("systemd-modules-load", CriticalPart::Init),
    ("lvm2-monitor", CriticalPart::Init),
    ("lvm2-lvmetad", CriticalPart::Init),
    ("dm-event", CriticalPart::Init),
    ("mdmonitor", CriticalPart::Init),
    ("multipathd", CriticalPart::Init),
    ("iscsid", CriticalPart::Init),
    ("cryptsetup", CriticalPart::Init),
    ("basic", CriticalPart::Init),
    ("sysinit", CriticalPart::Init),
    ("sockets", CriticalPart::Init),
    ("local-fs", CriticalPart::Init),
    ("remote-fs", CriticalPart::Init),
    ("multi-user", CriticalPart::Init),
    ("graphical", CriticalPart::Init),
    ("default", CriticalPart::Init),
    ("nix-daemon", CriticalPart::Init),
    ("usr", CriticalPart::Init),
    ("var", CriticalPart::Init),
    ("home", CriticalPart::Init),
    ("nix", CriticalPart::Init),
    ("nix-store", CriticalPart::Init),
    ("nftables", CriticalPart::Firewall),
    ("iptables", CriticalPart::Firewall),
    ("ip6tables", CriticalPart::Firewall),
    ("netfilter-persistent", CriticalPart::Firewall),
    ("firewall", CriticalPart::Firewall),
    ("firewalld", CriticalPart::Firewall),
    ("ufw", CriticalPart::Firewall),
    ("shorewall", CriticalPart::Firewall),
    ("shorewall6", CriticalPart::Firewall),
    ("apparmor", CriticalPart::Firewall),
    ("boot", CriticalPart::Boot),
    ("boot-efi", CriticalPart::Boot),
    ("efi", CriticalPart::Boot),
    ("systemd-boot-update", CriticalPart::Boot),
    ("systemd-boot-random-seed", CriticalPart::Boot),
    ("grub-common", CriticalPart::Boot),
    ("grub-initrd-fallback", CriticalPart::Boot),
    ("grub2-systemd-integration", CriticalPart::Boot),
    ("kernel-install", CriticalPart::Boot),
    ("dracut-shutdown", CriticalPart::Boot),
    ("systemd-journald", CriticalPart::Journal),
    ("systemd-journald-dev-log", CriticalPart::Journal),
    ("rsyslog", CriticalPart::Journal),
    ("syslog", CriticalPart::Journal),
    ("syslog-ng", CriticalPart::Journal),
    ("auditd", CriticalPart::Journal),
    ("watchkeeper", CriticalPart::Watch),
];

/// Beginnings of names that are critical whatever follows: the names under which the bus starts units, the
/// beginnings of a boot, the units of one network interface.
const CRITICAL_BEGINNINGS: &[(&str, CriticalPart)] = &[
    ("dbus-org.freedesktop.", CriticalPart::Bus),
    ("dbus-:", CriticalPart::Bus),
    ("initrd", CriticalPart::Boot),
    ("systemd-networkd-", CriticalPart::Network),
    ("systemd-udevd-", CriticalPart::Init),
    ("systemd-journald-", CriticalPart::Journal),
    ("systemd-fsck", CriticalPart::Init),
    ("systemd-cryptsetup", CriticalPart::Init),
    ("network-addresses-", CriticalPart::Network),
    ("network-link-", CriticalPart::Network),
    ("networkmanager-", CriticalPart::Network),
    ("wpa_supplicant-", CriticalPart::Network),
    ("watchkeeper-", CriticalPart::Watch),
];

/// Units whose start takes the host down or throws everybody out, without their suffix.
const POWER_UNITS: &[&str] = &[
    "poweroff",
    "reboot",
    "halt",
    "kexec",
    "shutdown",
    "umount",
    "final",
    "exit",
    "emergency",
    "rescue",
    "soft-reboot",
    "factory-reset",
    "ctrl-alt-del",
    "suspend",
    "hibernate",
    "hybrid-sleep",
    "suspend-then-hibernate",
    "sleep",
    "runlevel0",
    "runlevel1",
    "runlevel6",
    "systemd-poweroff",
    "systemd-reboot",
    "systemd-halt",
    "systemd-kexec",
    "systemd-soft-reboot",
    "systemd-exit",
    "systemd-suspend",
    "systemd-hibernate",
    "systemd-hybrid-sleep",
    "systemd-suspend-then-hibernate",
];

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
    let name = stem(unit.as_str()).to_ascii_lowercase();
    let name = name.split('@').next().unwrap_or("");
    POWER_UNITS.contains(&name)
}

fn critical_name(name: &str) -> Option<CriticalPart> {
    let name = name.to_ascii_lowercase();
    let family = match name.split_once('@') {
        Some((family, _)) => family,
        None => name.as_str(),
    };
    let named = CRITICAL_UNITS
        .iter()
        .find(|(critical, _)| *critical == family);
    let begun = || {
        CRITICAL_BEGINNINGS
            .iter()
            .find(|(beginning, _)| name.starts_with(beginning))
    };
    named.or_else(begun).map(|(_, part)| *part)
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

    #[test]
    fn the_list_is_in_lower_case_and_names_nothing_twice() {
        let mut names: Vec<&str> = CRITICAL_UNITS.iter().map(|(name, _)| *name).collect();
        assert!(
            names
                .iter()
                .all(|name| !name.contains('@') && name.to_ascii_lowercase() == *name)
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CRITICAL_UNITS.len());
    }
}
