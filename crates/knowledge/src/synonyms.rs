//! Words that mean the same to whoever asks: people say drive and encryption where an entry says disk and certificate. A
//! question's word finds its synonyms too, for less than itself. The groups are everyday English for what breaks on a
//! server; a word may stand in several.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::words::stem;

/// As how much of the word itself a synonym counts: what is there in the asked words comes first.
pub(crate) const SYNONYM_SHARE: f32 = 0.4;

const GROUPS: [&str; 34] = [
    "website site webpage web homepage https http",
    "certificate cert ssl tls encryption encrypted secure padlock https",
    "expired expiry expire outdated invalid valid renew renewal",
    "disk drive storage ssd hdd volume",
    "space room capacity storage full gigabyte",
    "memory ram",
    "cpu processor core",
    "slow sluggish lag laggy performance hang",
    "crash crashed die died dead killed fail failed broken abort",
    "service daemon program application app",
    "cron timer schedule scheduled nightly",
    "dns name domain hostname lookup nameserver",
    "network internet connection connectivity offline online",
    "login logon signin ssh remote remotely password",
    "denied refused forbidden rejected blocked",
    "permission right access",
    "clock time date hour ntp",
    "update upgrade patch",
    "package software",
    "install installation setup",
    "reboot restart",
    "boot startup",
    "log logs journal",
    "container docker podman",
    "database db postgres postgresql mysql mariadb sql",
    "firewall block blocked",
    "mount share nas nfs",
    "damaged corrupt corrupted defect broken",
    "undo rollback revert",
    "grow extend enlarge resize bigger larger increase",
    "mirror raid array",
    "directory folder",
    "machine computer server host box",
    "delete remove clean cleanup purge",
];

static SYNONYMS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for group in GROUPS {
        let stems: Vec<String> = group.split_whitespace().map(stem).collect();
        for one in &stems {
            let others = all.entry(one.clone()).or_default();
            for other in &stems {
                if other != one && !others.contains(other) {
                    others.push(other.clone());
                }
            }
        }
    }
    all
});

/// What else an indexed word may be called.
pub(crate) fn synonyms(word: &str) -> &'static [String] {
    SYNONYMS.get(word).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_the_others_of_all_its_groups() {
        let of = |word: &str| synonyms(&stem(word));
        assert!(of("encryption").contains(&stem("certificates")));
        assert!(of("storage").contains(&stem("disks")) && of("storage").contains(&stem("room")));
        assert!(!of("storage").contains(&stem("storage")));
        assert!(of("nginx").is_empty());
    }
}
