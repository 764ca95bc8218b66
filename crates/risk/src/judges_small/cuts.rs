//! Commands that cut the host off, or lose what it holds, by the words that they are given: a run level, a module of a
//! network card, a port, a call to the service manager, a disk that is tried out.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// Modules of network cards, and of what links run through; `*` ends a beginning. Dashes are underscores.
const NETWORK_MODULES: [&str; 44] = [
    "virtio_net",
    "virtio_pci",
    "virtio",
    "e100",
    "e1000*",
    "igb*",
    "igc",
    "ixgb*",
    "i40e*",
    "ice",
    "iavf",
    "r8169",
    "r8168",
    "r8125",
    "r8152",
    "8139*",
    "bnx*",
    "tg3",
    "mlx4*",
    "mlx5*",
    "ena",
    "gve",
    "vmxnet3",
    "hv_netvsc",
    "xen_netfront",
    "atlantic",
    "sky2",
    "skge",
    "forcedeth",
    "be2net",
    "qede",
    "qed",
    "sfc",
    "cxgb*",
    "enic",
    "macb",
    "genet",
    "bcmgenet",
    "stmmac",
    "dwmac*",
    "smsc95xx",
    "bonding",
    "bridge",
    "8021q",
];

/// Calls of the service manager by what `systemctl` says for them.
const MANAGER_CALLS: [(&str, &str); 22] = [
    ("StartUnit", "start"),
    ("StopUnit", "stop"),
    ("ReloadUnit", "reload"),
    ("RestartUnit", "restart"),
    ("TryRestartUnit", "try-restart"),
    ("ReloadOrRestartUnit", "reload-or-restart"),
    ("ReloadOrTryRestartUnit", "try-reload-or-restart"),
    ("KillUnit", "kill"),
    ("QueueSignalUnit", "kill"),
    ("FreezeUnit", "freeze"),
    ("ThawUnit", "thaw"),
    ("CleanUnit", "clean"),
    ("SetUnitProperties", "set-property"),
    ("EnableUnitFiles", "enable"),
    ("DisableUnitFiles", "disable"),
    ("MaskUnitFiles", "mask"),
    ("UnmaskUnitFiles", "unmask"),
    ("PowerOff", "poweroff"),
    ("Reboot", "reboot"),
    ("Halt", "halt"),
    ("Reload", "daemon-reload"),
    ("Reexecute", "daemon-reexec"),
];

/// What `fio` is told to do that only reads.
const READING_LOADS: [&str; 2] = ["read", "randread"];

/// `init`, `telinit`: single user mode ends the network and everybody's login.
pub(super) fn init(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let single = |word: &Arg| matches!(word.as_text(), Some("1" | "s" | "S" | "single"));
    if matched.operands.iter().any(single) {
        cut_off(&mut notes, "ends the network and everybody's login");
    }
    notes.finish()
}

/// `modprobe -r`, `rmmod`: the module of a network card.
pub(super) fn module(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let removes = match notes.command() {
        "rmmod" => true,
        "modprobe" => matched.has("-r") || matched.has("--remove"),
        _ => false,
    };
    let dry = ["-n", "--dry-run", "--show"]
        .iter()
        .any(|name| matched.has_surely(name));
    if removes && !dry && matched.operands.iter().any(is_network_module) {
        cut_off(
            &mut notes,
            "takes the driver of network links out of the kernel",
        );
    }
    notes.finish()
}

fn is_network_module(word: &Arg) -> bool {
    let shown = word.shown().replace('-', "_");
    let name = shown.rsplit('/').next().unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default();
    NETWORK_MODULES
        .iter()
        .any(|listed| match listed.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *listed,
        })
}

/// `tc … netem loss 100%`: nothing leaves the host any more.
pub(super) fn tc(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words: Vec<String> = invocation.argv.iter().map(Arg::shown).collect();
    let all = |word: &str| {
        word.strip_suffix('%')
            .is_some_and(|number| number.parse::<f64>().is_ok_and(|number| number >= 100.0))
    };
    let loses = words.iter().enumerate().any(|(at, word)| {
        matches!(word.as_str(), "loss" | "corrupt")
            && words[at + 1..].iter().take(2).any(|word| all(word))
    });
    if loses {
        cut_off(&mut notes, "throws away every packet that leaves");
    }
    notes.finish()
}

/// `busctl call … StopUnit`: what `systemctl` does by the same words.
pub(super) fn busctl(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let texts: Vec<&str> = invocation.argv.iter().map(Arg::beginning).collect();
    let manager = texts.iter().any(|word| word.ends_with(".Manager"));
    let call = MANAGER_CALLS.iter().find_map(|(name, verb)| {
        let at = texts.iter().position(|word| word == name)?;
        Some((*verb, at))
    });
    let calls = matched.verbs.first().is_some_and(|verb| verb == "call");
    if let Some((verb, at)) = call.filter(|_| manager && calls) {
        let named = invocation.argv.get(at + 2..).unwrap_or_default();
        let units = named
            .iter()
            .filter(|word| word.as_text().is_none_or(|text| text.contains('.')));
        let argv: Vec<Arg> = [Arg::text("systemctl"), Arg::text(verb)]
            .into_iter()
            .chain(units.cloned())
            .collect();
        notes.runs(&argv);
    }
    notes.finish()
}

/// `fuser -k`: whoever holds a port, which may be that by which the host is managed.
pub(super) fn fuser(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if !matched.has("-k") {
        return notes.finish();
    }
    let spaces: Vec<&str> = ["-n", "--namespace"]
        .iter()
        .flat_map(|name| matched.values(name))
        .map(Arg::beginning)
        .collect();
    for word in &matched.operands {
        let text = word.shown();
        let by_space = spaces.iter().any(|space| matches!(*space, "tcp" | "udp"));
        if by_space || text.ends_with("/tcp") || text.ends_with("/udp") {
            let port = text.split([',', '/']).next().unwrap_or_default();
            let name = Target::Named(Arg::text(port));
            notes.to(EffectKind::Signals, name, "port").level = Some(RiskLevel::High);
        }
    }
    notes.finish()
}

/// `fio --filename=/dev/sda`: what is tried out by writing to it.
pub(super) fn fio(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let value = |name: &str| {
        let mut found = None;
        for (at, word) in invocation.argv.iter().enumerate() {
            let rest = word.beginning().trim_start_matches('-');
            if word.beginning().starts_with("--") && rest == name {
                found = invocation.argv.get(at + 1).map(Arg::shown);
            } else if let Some(joined) = rest
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='))
            {
                found = Some(joined.to_owned());
            }
        }
        found
    };
    let load = value("rw").or_else(|| value("readwrite"));
    let reads = match load.as_deref() {
        None => true,
        Some(load) => READING_LOADS.contains(&load),
    };
    let readonly = matched
        .operands
        .iter()
        .any(|word| word.as_text() == Some("--readonly"));
    if notes.command() == "fio" && !reads && !readonly {
        for file in value("filename").iter().flat_map(|names| names.split(':')) {
            let path = Target::Path(Arg::text(file));
            notes.to(EffectKind::Overwrites, path, "filename");
        }
    }
    notes.finish()
}

fn cut_off(notes: &mut Notes, sentence: &str) {
    notes.says(
        EffectKind::NetworkConfig,
        RiskLevel::Forbidden,
        "cuts_off",
        sentence,
    );
}
