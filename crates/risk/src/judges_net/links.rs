//! Addresses, links and routes: what of it cuts the host off. The verbs and their usual levels stand in the table.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, has_any, marked, operands, values_of};
use crate::invocation::{Input, Invocation, Nested, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

/// Beginnings of the names of links of containers and virtual machines.
const INNER_LINKS: [&str; 14] = [
    "veth", "docker", "br-", "virbr", "dummy", "vnet", "tap", "cni", "flannel", "cali", "podman",
    "lxcbr", "incusbr", "ifb",
];

/// Most lines of a batch that are looked at; the batch is high by the table.
const MOST_LINES: usize = 500;

/// `ip`
pub(super) fn ip(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let verbs: Vec<&str> = matched.verbs.iter().map(String::as_str).collect();
    let words = operands(matched);
    batch(invocation, matched, &mut notes);
    match verbs.as_slice() {
        ["link", "set"] => link_set(&words, &mut notes),
        ["address", "flush"] if !is_inner(device(&words)) => {
            cut_off(&mut notes, "takes the host's addresses away");
        }
        ["route", "flush"] => route_flush(&words, &mut notes),
        ["route", "add"] => route_change(invocation, &words, &mut notes),
        ["netns", "exec"] if has_any(matched, &["-a", "-all"]) => {
            notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "all",
                "runs a command in every network of its own",
            );
        }
        _ => {}
    }
    notes.finish()
}

/// `ip -batch -`: each line is a command without the program's name.
fn batch(invocation: &Invocation, matched: &Matched, notes: &mut Notes) {
    let from_input = values_of(matched, &["-b", "-batch"])
        .iter()
        .any(|file| matches!(file.as_text(), Some("-" | "/dev/stdin")));
    let Input::Text(text) = &invocation.stdin else {
        return;
    };
    for line in text.lines().take(MOST_LINES).filter(|_| from_input) {
        let words = line
            .split_whitespace()
            .take_while(|word| !word.starts_with('#'));
        let argv: Vec<Arg> = std::iter::once("ip").chain(words).map(Arg::text).collect();
        if argv.len() > 1 {
            notes.nest(Nested::Argv {
                argv,
                stdin: Some(Input::Nothing),
                context: None,
            });
        }
    }
}

fn cut_off(notes: &mut Notes, sentence: &str) {
    notes.says(
        EffectKind::NetworkConfig,
        RiskLevel::Forbidden,
        "cuts_off",
        &format!("{sentence}: the host may be cut off"),
    );
}

fn changes(notes: &mut Notes, sentence: &str) {
    notes.says(
        EffectKind::NetworkConfig,
        RiskLevel::High,
        "changes",
        sentence,
    );
}

/// Whether a link is surely one of a container or a virtual machine.
fn is_inner(name: &str) -> bool {
    !name.contains(OPEN)
        && INNER_LINKS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

/// The link that the words are about.
fn device(words: &[String]) -> &str {
    let mut words = words.iter().map(String::as_str);
    let mut name = "";
    while let Some(word) = words.next() {
        match word {
            "dev" => return words.next().unwrap_or_default(),
            "to" | "scope" | "label" | "group" | "type" => {
                words.next();
            }
            word if name.is_empty() => name = word,
            _ => {}
        }
    }
    name
}

fn link_set(words: &[String], notes: &mut Notes) {
    let name = device(words);
    let rest: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "dev" && *word != name)
        .collect();
    let whole = words.iter().any(|word| word == "group");
    if rest.contains(&"down") {
        if is_inner(name) && !whole {
            changes(notes, "takes a link down");
        } else {
            cut_off(notes, "takes a link down");
        }
    } else if rest.iter().any(|word| word.contains(OPEN)) {
        cut_off(notes, "changes a link in a way that is not known");
    } else if rest.as_slice() != ["up"] {
        changes(notes, "changes how a link works");
    }
}

fn route_flush(words: &[String], notes: &mut Notes) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["cache", ..] | ["table", "cache"] => {}
        _ if table(&words).is_some_and(|table| {
            !matches!(
                table,
                "main" | "default" | "local" | "all" | "254" | "253" | "255"
            )
        }) =>
        {
            changes(notes, "takes the routes of a table away");
        }
        _ if is_inner(device_only(&words)) => changes(notes, "takes the routes over a link away"),
        _ => cut_off(notes, "takes routes away"),
    }
}

fn table<'w>(words: &[&'w str]) -> Option<&'w str> {
    let place = words.iter().position(|word| *word == "table")?;
    words.get(place + 1).copied()
}

fn device_only<'w>(words: &[&'w str]) -> &'w str {
    words
        .iter()
        .position(|word| *word == "dev")
        .and_then(|place| words.get(place + 1).copied())
        .unwrap_or_default()
}

/// `ip route add`, and all that is listed with it: the word itself tells them apart.
fn route_change(invocation: &Invocation, words: &[String], notes: &mut Notes) {
    let all: Vec<String> = invocation.argv.iter().map(marked).collect();
    let removes = all.iter().any(|word| {
        word.len() <= 6 && word.starts_with('d') && "delete".starts_with(word.as_str())
    });
    let everything = |word: &str| {
        matches!(
            word,
            "default"
                | "any"
                | "all"
                | "0.0.0.0/0"
                | "::/0"
                | "0/0"
                | "0.0.0.0"
                | "::"
                | "0/1"
                | "0.0.0.0/1"
                | "128.0.0.0/1"
        ) || word.contains(OPEN)
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let whole = words.iter().any(|word| everything(word));
    let nowhere = ["blackhole", "unreachable", "prohibit", "throw"]
        .iter()
        .any(|kind| words.contains(kind));
    let another_table = table(&words).is_some_and(|table| !matches!(table, "main" | "254"));
    if whole && (removes || nowhere) && !another_table {
        cut_off(notes, "takes away the way out");
    }
}

/// `ifconfig`: one operand shows, more set.
pub(super) fn ifconfig(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let words = operands(matched);
    let Some((name, rest)) = words.split_first() else {
        return notes.finish();
    };
    let known = ["inet", "inet6", "ether", "ip", "ip6"];
    if rest.iter().all(|word| known.contains(&word.as_str())) {
        return notes.finish();
    }
    let downs = rest
        .iter()
        .any(|word| word == "down" || word == "0" || word == "0.0.0.0" || word.contains(OPEN));
    if downs && !is_inner(name) {
        cut_off(&mut notes, "takes a link down");
    } else {
        changes(&mut notes, "changes how a link works");
    }
    notes.finish()
}

/// `route`: what is done to the way out.
pub(super) fn route(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let removes = matched.verbs.iter().any(|verb| verb == "del");
    let whole = operands(matched).iter().any(|word| {
        matches!(word.as_str(), "default" | "0.0.0.0" | "0.0.0.0/0" | "::/0") || word.contains(OPEN)
    });
    let rejects = operands(matched).iter().any(|word| word == "reject");
    if whole && (removes || rejects) {
        cut_off(&mut notes, "takes away the way out");
    }
    notes.finish()
}

/// `iw dev NAME WHAT`, `iw phy NAME WHAT`, `iw reg get`.
pub(super) fn iw(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let words: Vec<String> = invocation
        .argv
        .iter()
        .skip(1)
        .map(marked)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let looks = match words.as_slice() {
        []
        | [
            "list" | "features" | "commands" | "help" | "event" | "dev" | "phy",
            ..,
        ] if words.len() < 3 => true,
        ["help", ..] | ["reg", "get"] => true,
        ["dev", _, what, rest @ ..] => matches!(
            (*what, rest),
            ("link" | "info", [])
                | ("station" | "survey" | "mpath" | "mpp", ["dump", ..])
                | ("station" | "mpath", ["get", ..])
                | ("get", ["power_save" | "mesh_param", ..])
                | ("scan", ["dump"])
        ),
        ["phy", _, "info" | "channels"] => true,
        _ => false,
    };
    let scans = matches!(words.as_slice(), ["dev", _, "scan", ..]);
    if scans && !looks {
        let sentence = "searches for networks";
        notes.says(EffectKind::NetworkConfig, RiskLevel::Low, "scan", sentence);
    } else if !looks && !matched.verbs.is_empty() {
        changes(&mut notes, "changes how a radio works");
    }
    notes.finish()
}

/// `nslookup`: without a name it waits for commands.
pub(super) fn nslookup(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let first = matched.operands.first().map(marked);
    if !matches!(first.as_deref(), None | Some("-")) {
        return notes.finish();
    }
    match &invocation.stdin {
        Input::Text(_) => notes.says(
            EffectKind::Probes,
            RiskLevel::ReadOnly,
            "names",
            "asks for the names on its input",
        ),
        _ => notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "waits",
            "waits for a person at a terminal",
        ),
    }
    notes.finish()
}

/// `wg show`: some of what it shows are keys.
pub(super) fn wg(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let words = operands(matched);
    let shows = matched.verbs.iter().any(|verb| verb == "show");
    let keys = |word: &String| {
        matches!(word.as_str(), "private-key" | "preshared-keys" | "dump") || word.contains(OPEN)
    };
    if shows && words.iter().any(keys) {
        let sentence = "shows the private key of a tunnel";
        notes.says(EffectKind::Secrets, RiskLevel::High, "keys", sentence);
    }
    notes.finish()
}

/// `vtysh`: every command that it is given.
pub(super) fn vtysh(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let commands = values_of(matched, &["-c", "--command"]);
    let other = ["-b", "-f", "-w", "-m", "-C"];
    if commands.is_empty() && !has_any(matched, &other) {
        match &invocation.stdin {
            Input::Text(text) => text.lines().for_each(|line| vty_command(line, &mut notes)),
            _ => notes.says(
                EffectKind::Interactive,
                RiskLevel::High,
                "waits",
                "waits for a person at a terminal",
            ),
        }
    }
    for command in commands {
        marked(command)
            .lines()
            .for_each(|line| vty_command(line, &mut notes));
    }
    notes.finish()
}

fn vty_command(line: &str, notes: &mut Notes) {
    let line = line.trim().to_ascii_lowercase();
    let word = line.split_whitespace().next().unwrap_or_default();
    let shows = word.len() >= 2
        && "show".starts_with(word)
        && !line.contains("running")
        && !line.contains("startup");
    let mild = shows
        || matches!(word, "" | "ping" | "traceroute" | "exit" | "end" | "quit" | "terminal" | "enable" | "do" if !line.starts_with("do ") || line.starts_with("do sh"));
    if shows && line.contains('>') || line.contains("output file") {
        changes(notes, "writes what the routers say to a file");
    } else if !mild && (line.starts_with("sh") || line.starts_with("write term")) {
        let sentence = "shows a configuration that may hold passwords";
        notes.says(
            EffectKind::Secrets,
            RiskLevel::Medium,
            "configuration",
            sentence,
        );
    } else if !mild {
        changes(notes, "changes which routes are learnt and told");
    }
}
