//! `ssh` and `rsync`: options that run something here, places that lie on another machine.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

use super::archives::is_remote;
use super::notes::Notes;

/// Settings of ssh that neither run anything nor open a way through the network.
const HARMLESS: [&str; 44] = [
    "addkeystoagent",
    "addressfamily",
    "batchmode",
    "bindaddress",
    "bindinterface",
    "checkhostip",
    "ciphers",
    "clearallforwardings",
    "compression",
    "connectionattempts",
    "connecttimeout",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "exitonforwardfailure",
    "fingerprinthash",
    "globalknownhostsfile",
    "gssapiauthentication",
    "hashknownhosts",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityfile",
    "ipqos",
    "kbdinteractiveauthentication",
    "kexalgorithms",
    "loglevel",
    "macs",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "rekeylimit",
    "requesttty",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "tcpkeepalive",
    "user",
];

/// Settings that are harmless where they turn something off.
const SWITCHES: [&str; 4] = [
    "forwardagent",
    "forwardx11",
    "permitlocalcommand",
    "updatehostkeys",
];

/// Programs that write down what they are given.
const KEEPERS: [&str; 4] = ["tee", "dd", "tar", "cpio"];

/// Files of known hosts that are none.
const NO_FILE: [&str; 2] = ["/dev/null", "none"];

/// Letters of ssh's options that may stand in `rsync -e`.
const LETTERS: &str = "46aCKknqTtvxX";

/// `ssh`: its `-o` settings.
pub(super) fn ssh(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    for setting in matched.values("-o") {
        judge_setting(&mut notes, setting);
    }
    if sends_input(invocation, matched)
        && let Some(host) = matched.operands.first()
    {
        let found = notes.to(EffectKind::Sends, Target::Host(host.clone()), "input");
        found.level = Some(RiskLevel::High);
        found.say = Some("sends what it is given to another machine".to_owned());
    }
    notes.finish()
}

/// Whether what it is given on its input is data for the other machine. Of a file that holds only where the command
/// there writes it down: a loop over the lines of a file gives its input to all that is run in it.
fn sends_input(invocation: &Invocation, matched: &Matched) -> bool {
    if matched.has_surely("-n") {
        return false;
    }
    match &invocation.stdin {
        Input::Nothing | Input::Text(_) => false,
        Input::Unknown(_) => true,
        Input::File(_) => matched.operands.iter().skip(1).any(|word| {
            let text = word.beginning();
            word.as_text().is_none() || text.contains('>') || KEEPERS.contains(&text)
        }),
    }
}

/// One `-o NAME=VALUE` or `-o 'NAME VALUE'`.
fn judge_setting(notes: &mut Notes, setting: &Arg) {
    let beginning = setting.beginning().trim_start();
    let parted = beginning.split_once(|letter: char| letter == '=' || letter.is_whitespace());
    let name = parted.map(|(name, _)| name.to_ascii_lowercase());
    let value = setting
        .as_text()
        .and(parted)
        .map(|(_, value)| value.trim_start_matches(['=', ' ', '\t']).trim());
    let off = matches!(value, Some("no" | "none" | "false"));
    match name.as_deref() {
        Some(name) if HARMLESS.contains(&name) => {}
        Some(name) if SWITCHES.contains(&name) && off => {}
        Some("userknownhostsfile") => {
            if !value.is_some_and(|file| NO_FILE.contains(&file)) {
                notes.says(
                    EffectKind::Writes,
                    RiskLevel::Low,
                    "-o",
                    "keeps the keys of other machines in a file of its own",
                );
            }
        }
        Some("proxyjump") => {
            let host = Arg::text(value.unwrap_or_default());
            notes.to(EffectKind::Probes, Target::Host(host), "-o");
        }
        Some("proxycommand" | "localcommand" | "knownhostscommand") if value.is_some() => {
            let command = value.unwrap_or_default();
            if command != "none" {
                notes.says(
                    EffectKind::RunsCode,
                    RiskLevel::High,
                    "-o",
                    "runs a command here",
                );
                notes.shell(Arg::text(command));
            }
        }
        _ => notes.says(
            EffectKind::Unknown,
            RiskLevel::High,
            "-o",
            "has a setting that may run something or open a way through the network",
        ),
    }
}

/// `rsync`: what is read, what is written, and on which machine.
pub(super) fn rsync(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    for shell in matched.values("-e") {
        remote_shell(&mut notes, shell);
    }
    let operands = matched.operands.as_slice();
    let dry = ["-n", "--dry-run", "--list-only"]
        .into_iter()
        .any(|name| matched.has_surely(name));
    let lists = dry || (operands.len() == 1 && !operands[0].splits);
    let (destination, sources) = match operands.split_last() {
        Some((last, rest)) if !lists => (Some(last), rest),
        _ => (None, operands),
    };
    let sends = destination.is_some_and(is_elsewhere);
    for source in sources {
        if is_elsewhere(source) {
            notes.to(EffectKind::Probes, Target::Host(source.clone()), "source");
        } else if !lists {
            let kind = EffectKind::Reads;
            notes
                .to(kind, Target::Path(source.clone()), "source")
                .recursive = true;
        }
    }
    match destination {
        Some(place) if sends => {
            notes
                .to(
                    EffectKind::Sends,
                    Target::Host(place.clone()),
                    "destination",
                )
                .level = Some(RiskLevel::High);
        }
        Some(place) => {
            let keeps = ["--ignore-existing", "-b", "--backup"]
                .into_iter()
                .any(|name| matched.has_surely(name));
            let kind = if keeps {
                EffectKind::Writes
            } else {
                EffectKind::Overwrites
            };
            let found = notes.to(kind, Target::Path(place.clone()), "destination");
            found.recursive = true;
        }
        None => {}
    }
    notes.finish()
}

/// Whether a place lies on another machine: `host:path`, `host::module`, `rsync://host/module`.
fn is_elsewhere(place: &Arg) -> bool {
    is_remote(place) || place.beginning().starts_with("rsync://")
}

/// `-e 'ssh -p 2222'`: ssh with options that run nothing; anything else is a command.
fn remote_shell(notes: &mut Notes, shell: &Arg) {
    let Some(text) = shell.as_text() else {
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "-e",
            "runs a command that only the host knows",
        );
        return;
    };
    let mut words = text.split_ascii_whitespace();
    if !matches!(words.next(), Some("ssh" | "/usr/bin/ssh")) {
        notes.says(
            EffectKind::RunsCode,
            RiskLevel::High,
            "-e",
            "has something else than ssh carry the connection",
        );
        notes.shell(Arg::text(text));
        return;
    }
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-') else {
            unknown_option(notes);
            return;
        };
        match letters {
            "p" | "i" | "l" | "c" | "m" | "b" => {
                words.next();
            }
            "o" => judge_setting(notes, &Arg::text(words.next().unwrap_or_default())),
            _ => {
                if let Some(setting) = letters.strip_prefix('o') {
                    judge_setting(notes, &Arg::text(setting));
                } else if !letters.starts_with(['p', 'i', 'l'])
                    && !letters.chars().all(|letter| LETTERS.contains(letter))
                {
                    unknown_option(notes);
                }
            }
        }
    }
}

fn unknown_option(notes: &mut Notes) {
    notes.says(
        EffectKind::Unknown,
        RiskLevel::High,
        "-e",
        "gives ssh an option that may run something",
    );
}
