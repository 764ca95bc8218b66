//! Services and their journal: commands that name the service before what is done to it, properties that hold
//! secrets, how much of the journal a vacuum leaves.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Found, Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::notes::Notes;

/// Below this a vacuum leaves so little that the night before can no longer be read.
const FEW_LOGS_MIB: u64 = 64;

/// The same in hours.
const FEW_HOURS: u64 = 24;

/// The same in files.
const FEW_FILES: u64 = 2;

/// Units of time of `--vacuum-time`, in seconds.
const TIMES: [(&str, u64); 9] = [
    ("s", 1),
    ("sec", 1),
    ("m", 60),
    ("min", 60),
    ("h", 3600),
    ("d", 86_400),
    ("w", 604_800),
    ("month", 2_629_800),
    ("y", 31_557_600),
];

/// `systemctl show -p Environment`: variables of a service hold its passwords.
pub(super) fn systemctl(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let shows = matched
        .verbs
        .first()
        .is_some_and(|verb| matches!(verb.as_str(), "status" | "show"));
    let named = |value: &&Arg| {
        value.as_text().is_none_or(|text| {
            text.split(',')
                .any(|name| name.eq_ignore_ascii_case("Environment"))
        })
    };
    let asked = ["-p", "--property", "-P"]
        .into_iter()
        .flat_map(|name| matched.values(name))
        .any(|value| named(&value));
    if shows && asked {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "environment",
            "shows the environment of a service, with what secrets are in it",
        );
    }
    let isolates = matched.verbs.first().is_some_and(|verb| verb == "isolate");
    if isolates && matched.operands.iter().any(cuts_everybody_off) {
        notes.says(
            EffectKind::Power,
            RiskLevel::Forbidden,
            "isolate",
            "ends the network and everybody's login",
        );
    }
    notes.finish()
}

/// Whether a target leaves nothing of the network and of logins.
fn cuts_everybody_off(unit: &Arg) -> bool {
    let name = unit.beginning();
    let name = name.strip_suffix(".target").unwrap_or(name);
    matches!(
        name,
        "rescue" | "emergency" | "runlevel1" | "basic" | "sysinit" | "initrd"
    )
}

/// `journalctl --vacuum-…`: how much is left.
pub(super) fn journal(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let leaves = [
        ("--vacuum-size", size as fn(&str) -> Option<bool>),
        ("--vacuum-time", time),
        ("--vacuum-files", files),
    ];
    for (name, enough) in leaves {
        for value in matched.values(name) {
            let enough = value.as_text().and_then(enough).unwrap_or(false);
            if enough {
                notes.says(
                    EffectKind::Deletes,
                    RiskLevel::Medium,
                    "vacuum",
                    "deletes the older part of the journal",
                );
            } else {
                notes.says(
                    EffectKind::Audit,
                    RiskLevel::High,
                    "vacuum",
                    "deletes nearly all of the journal",
                );
            }
        }
    }
    notes.finish()
}

/// A number and what stands behind it.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let whole = text[..end].split('.').next()?;
    Some((whole.parse().ok()?, text[end..].trim()))
}

fn size(text: &str) -> Option<bool> {
    let (count, unit) = number(text)?;
    let kib = match unit.to_ascii_uppercase().trim_end_matches('B') {
        "K" => 1,
        "M" => 1 << 10,
        "G" => 1 << 20,
        "T" => 1 << 30,
        _ => 0,
    };
    Some(count.saturating_mul(kib) >= FEW_LOGS_MIB << 10)
}

fn time(text: &str) -> Option<bool> {
    let (count, unit) = number(text)?;
    let unit = if unit == "M" {
        "month".to_owned()
    } else {
        unit.to_ascii_lowercase()
    };
    let seconds = TIMES
        .iter()
        .find(|(name, _)| unit == *name || (name.len() > 1 && unit.trim_end_matches('s') == *name));
    let long = match unit.trim_end_matches('s') {
        "hour" => Some(3600),
        "day" => Some(86_400),
        "week" => Some(604_800),
        "year" => Some(31_557_600),
        _ => None,
    };
    let seconds = long.or(seconds.map(|(_, seconds)| *seconds)).unwrap_or(0);
    Some(count.saturating_mul(seconds) >= FEW_HOURS * 3600)
}

fn files(text: &str) -> Option<bool> {
    let (count, unit) = number(text)?;
    Some(unit.is_empty() && count >= FEW_FILES)
}

/// `service NAME ACTION`, `rc-service`, `invoke-rc.d`; `chkconfig NAME on`, `update-rc.d NAME disable`.
pub(super) fn service(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let [name, rest @ ..] = matched.operands.as_slice() else {
        return notes.finish();
    };
    let action = rest.first();
    let dry = ["-Z", "--dry-run", "-n", "--dryrun"]
        .into_iter()
        .any(|option| matched.has_surely(option));
    let at_boot = matches!(
        notes.command(),
        "chkconfig" | "update-rc.d" | "insserv" | "systemd-sysv-install"
    );
    if dry {
        return notes.finish();
    }
    let kind = match (action.map(Arg::as_text), at_boot) {
        (None, true) if notes.command() == "insserv" => Some(EffectKind::Enables),
        (None, _) => return notes.finish(),
        (Some(Some(action)), true) => boot_kind(action),
        (Some(Some(action)), false) => match service_kind(action) {
            Some(EffectKind::Reads) => return notes.finish(),
            kind => kind,
        },
        (Some(None), _) => None,
    };
    match kind {
        Some(kind) => {
            notes.to(kind, Target::Unit(name.clone()), "action");
        }
        None => {
            let rule_kind = EffectKind::Stops;
            let found: &mut Found =
                notes.to(rule_kind, Target::Unit(name.clone()), "unknown_action");
            found.say = Some("does something to the service that cannot be told".to_owned());
        }
    }
    notes.finish()
}

fn service_kind(action: &str) -> Option<EffectKind> {
    Some(match action {
        "status" | "configtest" | "check" | "checkconfig" | "config-test" | "describe" | "help"
        | "ineed" | "iuse" | "needsme" | "usesme" | "list" | "extendedstatus" | "fullstatus" => {
            EffectKind::Reads
        }
        "start" | "zap" | "rotate" => EffectKind::Starts,
        "stop" | "graceful-stop" | "pause" => EffectKind::Stops,
        "restart" | "force-reload" | "try-restart" | "condrestart" | "reload-or-restart"
        | "force-restart" | "--full-restart" | "upgrade" => EffectKind::Restarts,
        "reload" | "graceful" => EffectKind::Reloads,
        _ => return None,
    })
}

fn boot_kind(action: &str) -> Option<EffectKind> {
    Some(match action {
        "on" | "reset" | "enable" | "defaults" | "start" | "defaults-disabled" => {
            EffectKind::Enables
        }
        "off" | "disable" | "remove" | "stop" => EffectKind::Disables,
        _ => return None,
    })
}
