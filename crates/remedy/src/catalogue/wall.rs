//! Shell steps into text. What runs is the canonical text that was judged, in a fixed shell with a fixed environment,
//! without standard input or terminal (the run protocol sees to those, to time and to output).
//!
//! A step that only looks runs behind a second wall, so that a mistake of the tables is not the only thing between a
//! model and the host. With systemd it is a unit as `nobody`, who may read everything and write nowhere: the whole
//! system is read-only but for a `/tmp` of its own, it can gain no privileges, send no signals to others, change no
//! unit by the bus, and reaches no network unless the command is about the network. A command that must become
//! another account (`sudo -u postgres psql …`) runs as root without capabilities and without the bus. Without systemd
//! a step that only looks runs as `nobody` and no more. What tried to write is told by the system's own words on
//! standard error; what a tool leaves in its own `/tmp` is gone with the unit, and is no write.

use watchkeeper_model::{PlannedStep, Step};
use watchkeeper_risk::{CanonicalScript, canonical};

use super::quote::quoted;
use super::{HostTraits, Init};

/// How a unit behind the wall is started.
const START: &str = "exec systemd-run --quiet --pipe --wait --collect --service-type=exec";
/// What the system says where something behind the wall tries to write (strerror of EROFS in the C locale).
const READ_ONLY_WORDS: &str = "Read-only file system";

/// Whether a step runs behind the wall of a unit.
#[must_use]
pub fn is_behind_wall(planned: &PlannedStep) -> bool {
    matches!(planned.step, Step::Shell { .. }) && planned.script.contains(START)
}

/// The line of a walled step's standard error that tells of a write, if one does.
#[must_use]
pub fn breach(stderr: &str) -> Option<&str> {
    stderr
        .lines()
        .map(str::trim)
        .find(|line| line.contains(READ_ONLY_WORDS))
}

/// Where programs are found beside the places that the host itself names for the account: NixOS first, since the other
/// places are empty there.
const SEARCH_PATH: &str = "/run/wrappers/bin:/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What holds for every shell step: where programs are found, in which language they speak, and that nothing waits for
/// somebody to turn a page.
const ENVIRONMENT: &str =
    "LC_ALL=C.UTF-8 PAGER=cat SYSTEMD_PAGER=cat GIT_PAGER=cat MANPAGER=cat LESSSECURE=1";
/// What others can read of what a step makes: as usual for a system's own files.
const UMASK: &str = "022";

/// What every unit behind the wall is given.
const UNIT: [&str; 14] = [
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ReadOnlyPaths=/run /var /dev/shm",
    "ReadWritePaths=-/run/lock -/run/lvm",
    "PrivateTmp=yes",
    "NoNewPrivileges=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "RestrictSUIDSGID=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
    "SystemCallFilter=~@mount @swap @reboot @module @clock @obsolete",
    "SystemCallErrorNumber=EPERM",
];
/// What reading needs: every file, the kernel's messages, other processes, raw packets for a ping.
const READING: &str = "CAP_DAC_READ_SEARCH CAP_SYSLOG CAP_SYS_PTRACE CAP_NET_RAW";
/// Programs that show packet filters and links only to who could change them.
const NEED_NET_ADMIN: [&str; 11] = [
    "iptables",
    "ip6tables",
    "iptables-save",
    "ip6tables-save",
    "nft",
    "ipset",
    "conntrack",
    "ethtool",
    "wg",
    "ufw",
    "ipvsadm",
];
/// Programs that are about the network: the others reach none.
const NETWORK: [&str; 58] = [
    "ip",
    "ss",
    "netstat",
    "ifconfig",
    "route",
    "arp",
    "ping",
    "ping6",
    "fping",
    "arping",
    "traceroute",
    "tracepath",
    "mtr",
    "dig",
    "host",
    "nslookup",
    "drill",
    "kdig",
    "delv",
    "getent",
    "resolvectl",
    "networkctl",
    "nmcli",
    "curl",
    "wget",
    "openssl",
    "nc",
    "ncat",
    "socat",
    "telnet",
    "tcpdump",
    "ethtool",
    "iptables",
    "ip6tables",
    "iptables-save",
    "ip6tables-save",
    "nft",
    "ipset",
    "conntrack",
    "ufw",
    "firewall-cmd",
    "wg",
    "tailscale",
    "bridge",
    "tc",
    "lsof",
    "chronyc",
    "ntpq",
    "psql",
    "mysql",
    "mariadb",
    "redis-cli",
    "kubectl",
    "docker",
    "podman",
    "pg_isready",
    "mysqladmin",
    "ssh-keyscan",
];
/// Programs that become another account.
const SWITCHING: [&str; 5] = ["su", "runuser", "setpriv", "gosu", "su-exec"];
/// Behind the wall there is nothing to gain by sudo, and no way to gain it: what it would run is run.
const NO_SUDO: &str = "sudo() { while :; do case $1 in -n | -E | -H) shift ;; --) shift; break ;; *) break ;; esac; done; \"$@\"; }; doas() { \"$@\"; }; ";

/// The text of a shell step on a host, and how long it may take.
pub(super) fn script(text: &str, looks_only: bool, traits: &HostTraits, limit_s: u32) -> String {
    let Some(judged) = canonical(text) else {
        // Nobody could take it apart: it is high, and a person approves exactly this text.
        return text.to_owned();
    };
    let body = match (looks_only, traits.init) {
        (false, _) => command(&judged),
        (true, Init::Systemd) => behind_a_unit(&judged, limit_s),
        (true, Init::Openrc | Init::Other) => as_nobody(&judged),
    };
    format!("umask {UMASK}\nexport PATH=\"$PATH:{SEARCH_PATH}\" {ENVIRONMENT}\n{body}")
}

/// The command that runs the text: itself where it is a pipeline of fixed words, which every shell reads alike.
fn command(judged: &CanonicalScript) -> String {
    if judged.plain {
        return judged.text.clone();
    }
    format!("exec {}", bash(&judged.text))
}

fn bash(text: &str) -> String {
    format!("bash --noprofile --norc -c {}", quoted(text))
}

/// As a unit that can read and not write.
fn behind_a_unit(judged: &CanonicalScript, limit_s: u32) -> String {
    let names = |programs: &[&str]| {
        judged
            .programs
            .iter()
            .any(|program| programs.contains(&base(program)))
    };
    let becomes_another =
        names(&SWITCHING) || (names(&["sudo", "doas"]) && names_an_account(judged));
    let mut properties: Vec<String> = UNIT.iter().map(ToString::to_string).collect();
    let mut capabilities = READING.to_owned();
    if names(&NEED_NET_ADMIN) {
        capabilities.push_str(" CAP_NET_ADMIN");
    }
    if becomes_another {
        properties.push(format!(
            "CapabilityBoundingSet={capabilities} CAP_SETUID CAP_SETGID"
        ));
        properties.push("InaccessiblePaths=-/run/dbus -/run/systemd/private".to_owned());
    } else {
        properties.push("User=nobody".to_owned());
        properties.push(format!("CapabilityBoundingSet={capabilities}"));
        properties.push(format!("AmbientCapabilities={capabilities}"));
    }
    if !names(&NETWORK) {
        properties.push("PrivateNetwork=yes".to_owned());
    }
    properties.push(format!("RuntimeMaxSec={limit_s}"));
    let text = if becomes_another || !names(&["sudo", "doas"]) {
        judged.text.clone()
    } else {
        format!("{NO_SUDO}{}", judged.text)
    };
    let run = if judged.plain && text == judged.text {
        format!("/bin/sh -c {}", quoted(&text))
    } else {
        bash(&text)
    };
    let mut line = START.to_owned();
    for property in &properties {
        line.push_str(" \\\n  -p ");
        line.push_str(&quoted(property));
    }
    line.push_str(" \\\n  -E PATH=\"$PATH\" -E HOME=/ -E TERM=dumb");
    for variable in ENVIRONMENT.split(' ') {
        line.push_str(" -E ");
        line.push_str(variable);
    }
    format!("{line} \\\n  {}", unexpanded(&run))
}

/// systemd reads `$` in the words of a command for itself, and `$$` as one `$`.
fn unexpanded(command: &str) -> String {
    command.replace('$', "$$")
}

/// As the account that owns nothing. It is not a wall like a unit's, but nothing that belongs to somebody can be changed.
fn as_nobody(judged: &CanonicalScript) -> String {
    let run = command(judged);
    format!(
        "if [ \"$(id -u)\" = 0 ]; then exec su -s /bin/sh nobody -c {}; fi\n{run}",
        quoted(&run)
    )
}

fn names_an_account(judged: &CanonicalScript) -> bool {
    judged.programs.iter().any(|word| {
        let short = word.starts_with('-') && !word.starts_with("--");
        (short && word.contains(['u', 'g']))
            || word.starts_with("--user")
            || word.starts_with("--group")
    })
}

/// A program's name without its place.
fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(init: Init) -> HostTraits {
        HostTraits {
            os: "debian".to_owned(),
            init,
            package_manager: None,
        }
    }

    fn rendered(text: &str, looks_only: bool, init: Init) -> String {
        script(text, looks_only, &traits(init), 600)
    }

    #[test]
    fn what_runs_is_the_canonical_text_in_a_fixed_shell() {
        let plain = rendered("r''m   -f '/tmp/'x # gone", false, Init::Systemd);
        assert_eq!(
            plain,
            format!("umask 022\nexport PATH=\"$PATH:{SEARCH_PATH}\" {ENVIRONMENT}\nrm -f /tmp/x")
        );
        let shell = rendered("cd /tmp && rm -f x", false, Init::Systemd);
        assert!(
            shell.ends_with("\nexec bash --noprofile --norc -c 'cd /tmp && rm -f x'"),
            "{shell}"
        );
    }

    #[test]
    fn what_cannot_be_taken_apart_stays_as_it_is_shown() {
        assert_eq!(
            rendered("echo 'never closed", false, Init::Systemd),
            "echo 'never closed"
        );
    }

    #[test]
    fn what_only_looks_runs_behind_a_wall() {
        let wall = rendered("df -h", true, Init::Systemd);
        for part in [
            "User=nobody",
            "ProtectSystem=strict",
            "NoNewPrivileges=yes",
            "PrivateNetwork=yes",
            "RuntimeMaxSec=600",
            "df -h",
        ] {
            assert!(wall.contains(part), "{part}: {wall}");
        }
        assert!(!wall.contains("CAP_NET_ADMIN"), "{wall}");
        let network = rendered("ss -tlnp | head", true, Init::Systemd);
        assert!(!network.contains("PrivateNetwork"), "{network}");
        let another = rendered("sudo -u postgres psql -c 'select 1'", true, Init::Systemd);
        assert!(
            !another.contains("User=nobody") && another.contains("InaccessiblePaths=-/run/dbus"),
            "{another}"
        );
        let alone = rendered("df -h", true, Init::Openrc);
        assert!(alone.contains("su -s /bin/sh nobody -c 'df -h'"), "{alone}");
    }
}
