//! Packet filters: which rule, or which loss of one, cuts the host off. Everything else that changes them is high by
//! the table; what is judged here can only be worse.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, has_any, marked, operands, unmarked, values_of};
use crate::invocation::{Found, Input, Invocation, Outcome, Target};
use crate::spec::Matched;

/// Chains through which what reaches the host, or leaves it, goes.
const OUTER_CHAINS: [&str; 5] = ["INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"];
/// Targets that throw packets away.
const DROPS: [&str; 5] = ["DROP", "REJECT", "TARPIT", "STEAL", "BLACKHOLE"];
/// Matches that let most packets by.
const NARROW: [&str; 12] = [
    "limit",
    "hashlimit",
    "connlimit",
    "recent",
    "set",
    "string",
    "geoip",
    "iprange",
    "owner",
    "icmp",
    "icmp6",
    "statistic",
];
/// The widest network whose loss is not taken for that of everybody.
const WIDEST_PREFIX: u8 = 8;

/// Most lines of a set of rules that are looked at; all of them are high by the table.
const MOST_LINES: usize = 2_000;

/// What a rule throws away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// The way in, or everything.
    WayIn,
    /// Less.
    Some,
}

fn cut_off(notes: &mut Notes, sentence: &str) {
    notes.says(
        EffectKind::Firewall,
        RiskLevel::Forbidden,
        "cuts_off",
        &format!("{sentence}: the host may be cut off"),
    );
}

/// Ports that are no longer let in: whether they are those by which the host is managed, the host's facts say.
fn blocks_ports(notes: &mut Notes, ports: &str) {
    for port in ports
        .split([',', ' ', '{', '}'])
        .filter(|port| !port.is_empty())
    {
        let rule = notes.rule("port");
        notes.add(
            Found::to(EffectKind::Firewall, Target::Named(unmarked(port)), rule)
                .at_least(RiskLevel::High)
                .saying("no longer lets connections to a port in"),
        );
    }
}

/// Whether a list of ports holds that of ssh.
fn has_ssh(ports: &str) -> bool {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    ports.contains(OPEN)
        || ports.split([',', ' ', '{', '}', '"']).any(|port| {
            let port = port.split('/').next().unwrap_or_default().trim();
            match port.split_once([':', '-']) {
                Some((from, to)) => {
                    number(from).unwrap_or(0) <= 22 && number(to).unwrap_or(65_535) >= 22
                }
                None => port.eq_ignore_ascii_case("ssh") || port == "22",
            }
        })
}

/// Whether an address stands for nearly everybody.
fn is_everybody(address: &str) -> bool {
    if address.contains(OPEN) || matches!(address, "any" | "anywhere" | "0/0") {
        return true;
    }
    match address.split_once('/') {
        Some((_, prefix)) => {
            prefix
                .parse::<u8>()
                .is_ok_and(|prefix| prefix < WIDEST_PREFIX)
                || prefix == "0.0.0.0"
        }
        None => matches!(address, "0.0.0.0" | "::"),
    }
}

/// `iptables` and its like.
pub(super) fn iptables(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut notes = Notes::new("firewall", invocation);
    let words: Vec<String> = invocation.argv.iter().skip(1).map(marked).collect();
    let program = invocation.argv.first().map(marked).unwrap_or_default();
    if program.ends_with("-restore") {
        let checks = words.iter().any(|word| word == "-t" || word == "--test");
        if let (Input::Text(text), false) = (&invocation.stdin, checks) {
            restored(text, &mut notes);
        }
        return notes.finish();
    }
    rule(&words, &mut notes);
    notes.finish()
}

/// Rules as `iptables-save` writes them: `*table`, `:CHAIN POLICY [counters]`, and rules without the program's name.
fn restored(text: &str, notes: &mut Notes) {
    let mut table = String::from("filter");
    for line in text.lines().map(str::trim).take(MOST_LINES) {
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace();
            let (chain, policy) = (words.next(), words.next());
            let words = ["-P", chain.unwrap_or_default(), policy.unwrap_or_default()];
            rule(&words.map(str::to_owned), notes);
        } else if line.starts_with('-') {
            let words: Vec<String> = ["-t", &table]
                .into_iter()
                .chain(line.split_whitespace())
                .map(str::to_owned)
                .collect();
            rule(&words, notes);
        }
    }
}

fn rule(words: &[String], notes: &mut Notes) {
    let after = |names: &[&str]| {
        words.iter().enumerate().find_map(|(index, word)| {
            if names.contains(&word.as_str()) {
                return words.get(index + 1).cloned();
            }
            let (name, value) = word.split_once('=')?;
            names.contains(&name).then(|| value.to_owned())
        })
    };
    if let Some(chain) = after(&["-P", "--policy"]) {
        let drops = words
            .iter()
            .any(|word| DROPS.contains(&word.as_str()) || word.contains(OPEN));
        if drops && OUTER_CHAINS.contains(&chain.as_str()) {
            cut_off(notes, "throws away what no rule lets in");
        }
        return;
    }
    let drops = after(&["-j", "--jump", "-g", "--goto"])
        .is_some_and(|target| DROPS.contains(&target.as_str()) || target.contains(OPEN));
    let added = after(&["-A", "--append", "-I", "--insert", "-R", "--replace"]);
    if let Some(chain) = added.filter(|_| drops) {
        let table = after(&["-t", "--table"]).unwrap_or_default();
        let outer = OUTER_CHAINS.contains(&chain.as_str()) || chain.contains(OPEN);
        if outer && table != "nat" {
            match block(words, &after) {
                Block::WayIn => cut_off(notes, "throws away what comes in or goes out"),
                Block::Some => blocks_ports(notes, &ports(&after)),
            }
        }
        return;
    }
    if let Some(chain) = after(&["-D", "--delete"]) {
        let accepts = after(&["-j", "--jump"]).is_some_and(|target| target == "ACCEPT");
        let about_ssh = has_ssh(&ports(&after));
        let lets_go_on = words.iter().any(|word| word.contains("ESTABLISHED"));
        if accepts && (about_ssh || lets_go_on) && OUTER_CHAINS.contains(&chain.as_str()) {
            cut_off(notes, "takes away the rule that lets people in");
        }
    }
}

fn ports(after: &impl Fn(&[&str]) -> Option<String>) -> String {
    after(&[
        "--dport",
        "--destination-port",
        "--dports",
        "--destination-ports",
        "--ports",
    ])
    .unwrap_or_default()
}

fn block(words: &[String], after: &impl Fn(&[&str]) -> Option<String>) -> Block {
    let ports = ports(after);
    if !ports.is_empty() {
        return if has_ssh(&ports) && !negated(words, "--dport") && !negated(words, "--dports") {
            narrowed(words, after)
        } else if negated(words, "--dport") || negated(words, "--dports") {
            Block::WayIn
        } else {
            Block::Some
        };
    }
    match after(&["-p", "--protocol", "--proto"]).as_deref() {
        Some("tcp" | "all" | "0" | "6") | None => narrowed(words, after),
        Some(protocol) if protocol.contains(OPEN) || negated(words, "-p") => Block::WayIn,
        Some(_) => Block::Some,
    }
}

/// What is left of a rule that would throw the way in away: one that is about a few machines, an inner link or a kind
/// of packet leaves it.
fn narrowed(words: &[String], after: &impl Fn(&[&str]) -> Option<String>) -> Block {
    let some = |names: &[&str]| {
        after(names).is_some_and(|address| !is_everybody(&address))
            && !names.iter().any(|name| negated(words, name))
    };
    let by_machine = some(&["-s", "--source", "--src"]) || some(&["-d", "--destination", "--dst"]);
    let inner = ["lo", "docker", "veth", "br-", "virbr", "cni", "tap", "vnet"];
    let by_link = after(&["-i", "--in-interface", "-o", "--out-interface"])
        .is_some_and(|link| inner.iter().any(|beginning| link.starts_with(beginning)))
        && !negated(words, "-i");
    let by_match = words.windows(2).any(|pair| {
        matches!(pair[0].as_str(), "-m" | "--match") && NARROW.contains(&pair[1].as_str())
    });
    let by_state = after(&["--ctstate", "--state"])
        .is_some_and(|state| state == "INVALID" || state == "UNTRACKED");
    let by_sport = after(&["--sport", "--source-port", "--sports"]).is_some();
    let by_flags = words
        .iter()
        .any(|word| word == "--tcp-flags" || word == "-f" || word == "--mac-source");
    if by_machine || by_link || by_match || by_state || by_sport || by_flags {
        Block::Some
    } else {
        Block::WayIn
    }
}

fn negated(words: &[String], name: &str) -> bool {
    words
        .windows(2)
        .any(|pair| (pair[0] == "!" && pair[1] == name) || (pair[0] == name && pair[1] == "!"))
}

/// `nft`: commands of its own language, in words or in a text.
pub(super) fn nft(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("firewall", invocation);
    let checks = matched.has_surely("-c") || matched.has_surely("--check");
    for file in values_of(matched, &["-f", "--file"]) {
        let text = marked(file);
        match (&invocation.stdin, text.as_str()) {
            _ if checks => notes.to(EffectKind::Reads, Target::Path(file.clone()), "file"),
            (Input::Text(text), "-") => commands(text, &mut notes),
            _ => changes(&mut notes, "replaces rules by those of a file"),
        }
    }
    let text = operands(matched).join(" ");
    if !checks {
        commands(&text, &mut notes);
    }
    notes.finish()
}

fn changes(notes: &mut Notes, sentence: &str) {
    notes.says(EffectKind::Firewall, RiskLevel::High, "changes", sentence);
}

/// The commands of a text, parted by semicolons and lines outside of braces.
fn commands(text: &str, notes: &mut Notes) {
    let mut depth = 0_usize;
    let mut command = String::new();
    for letter in text.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ';' | '\n' if depth == 0 => {
                nft_command(&command, notes);
                command.clear();
                continue;
            }
            _ => {}
        }
        command.push(letter);
    }
    nft_command(&command, notes);
}

fn nft_command(command: &str, notes: &mut Notes) {
    let spaced = command.replace(['{', '}', ';', ','], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let Some(verb) = words.first() else { return };
    match *verb {
        "list" | "describe" | "get" | "help" => {}
        "monitor" => notes.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            "monitor",
            "goes on showing changes",
        ),
        "reset" => notes.says(
            EffectKind::Firewall,
            RiskLevel::Medium,
            "reset",
            "sets counters to zero",
        ),
        "export" => {}
        _ => nft_change(&words, notes),
    }
}

fn nft_change(words: &[&str], notes: &mut Notes) {
    changes(notes, "changes what is let in and out");
    let has = |word: &str| words.contains(&word);
    let follows = |first: &str, second: &str| {
        words
            .windows(2)
            .any(|pair| pair[0] == first && pair[1] == second)
    };
    let hooked = ["input", "output", "forward", "prerouting", "ingress"]
        .iter()
        .any(|hook| follows("hook", hook));
    if follows("policy", "drop") && (hooked || has("chain")) {
        cut_off(notes, "throws away what no rule lets in");
        return;
    }
    let unknown = words.iter().any(|word| word.contains(OPEN));
    let adds = matches!(
        words.first().copied(),
        Some("add" | "insert" | "create" | "replace")
    );
    let drops = words
        .iter()
        .any(|word| word.eq_ignore_ascii_case("drop") || word.eq_ignore_ascii_case("reject"));
    if !(adds && (drops || unknown) && has("rule")) {
        return;
    }
    let ports: Vec<&str> = words
        .iter()
        .position(|word| *word == "dport")
        .map(|place| {
            let rest = words.get(place + 1..).unwrap_or_default();
            rest.iter()
                .copied()
                .take_while(|word| {
                    word.starts_with(|letter: char| letter.is_ascii_digit())
                        || *word == "ssh"
                        || *word == "!="
                })
                .collect()
        })
        .unwrap_or_default();
    let narrow = [
        "saddr", "daddr", "iif", "iifname", "oif", "oifname", "icmp", "icmpv6", "limit", "invalid",
        "udp", "sport", "meter", "ct",
    ];
    let narrowed = words
        .iter()
        .any(|word| narrow.contains(word) || word.starts_with('@'));
    let everybody = ports.contains(&"!=") || unknown;
    let ssh = ports.iter().any(|port| has_ssh(port));
    if everybody || (ssh && !has("saddr")) || (ports.is_empty() && !narrowed) {
        cut_off(notes, "throws away what comes in or goes out");
    } else {
        blocks_ports(notes, &ports.join(","));
    }
}

/// `ufw`
pub(super) fn ufw(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("firewall", invocation);
    let dry = matched.has_surely("--dry-run");
    let words: Vec<String> = operands(matched)
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let words: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split_whitespace())
        .collect();
    let verb = matched
        .verbs
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let has = |word: &str| words.contains(&word);
    let about_ssh = words.iter().any(|word| has_ssh(word) || *word == "openssh");
    let blocks = matches!(verb, "deny" | "reject")
        || ((verb == "insert" || verb == "prepend") && (has("deny") || has("reject")));
    let from = words
        .windows(2)
        .find(|pair| pair[0] == "from")
        .map(|pair| pair[1]);
    let by_machine = from.is_some_and(|address| !is_everybody(address));
    let ported = has("port")
        || words.iter().any(|word| {
            word.starts_with(|letter: char| letter.is_ascii_digit()) && !word.contains('.')
        });
    let named = words.iter().any(|word| {
        !matches!(
            *word,
            "in" | "out" | "from" | "any" | "to" | "proto" | "tcp" | "on" | "log" | "log-all"
        )
    });
    if dry {
        return notes.finish();
    }
    if blocks && (about_ssh || (!ported && (from.is_some() || !named))) && !by_machine {
        cut_off(&mut notes, "no longer lets people in");
    } else if blocks && !by_machine {
        let ports: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
            .collect();
        blocks_ports(
            &mut notes,
            &ports
                .iter()
                .map(|port| port.split('/').next().unwrap_or(port))
                .collect::<Vec<_>>()
                .join(","),
        );
    }
    if verb == "delete" && about_ssh && (has("allow") || has("limit")) {
        cut_off(&mut notes, "takes away the rule that lets people in");
    }
    if verb == "default" && (has("deny") || has("reject")) && has("outgoing") {
        cut_off(&mut notes, "no longer lets the host out");
    }
    notes.finish()
}

/// `firewall-cmd`
pub(super) fn firewalld(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("firewall", invocation);
    let removed = [
        (
            "--remove-service",
            "takes away the service by which people come in",
        ),
        (
            "--remove-port",
            "takes away the port by which people come in",
        ),
    ];
    for (name, sentence) in removed {
        for value in values_of(matched, &[name]) {
            let text = marked(value);
            if has_ssh(&text) {
                cut_off(&mut notes, sentence);
            } else {
                blocks_ports(&mut notes, text.split('/').next().unwrap_or_default());
            }
        }
    }
    for value in values_of(matched, &["--set-default-zone", "--set-target"]) {
        let text = marked(value).to_ascii_uppercase();
        if text.contains(OPEN) || ["DROP", "BLOCK", "REJECT", "%%REJECT%%"].contains(&text.as_str())
        {
            cut_off(&mut notes, "throws away what no rule lets in");
        }
    }
    for value in values_of(matched, &["--add-rich-rule"]) {
        let text = marked(value).to_ascii_lowercase();
        let drops = text.contains("drop") || text.contains("reject") || text.contains(OPEN);
        let port = text.split("port=").nth(1).map(|rest| {
            rest.trim_matches(['"', '\'', ' '])
                .split(['"', '\'', ' '])
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        let ssh = text.contains("\"ssh\"")
            || text.contains("'ssh'")
            || text.contains("name=ssh")
            || port.as_deref().is_some_and(has_ssh);
        let narrowed = text.contains("source")
            || text.contains("service")
            || port.is_some()
            || text.contains("icmp")
            || text.contains("protocol");
        if drops && ((ssh && !text.contains("source address")) || !narrowed) {
            cut_off(&mut notes, "no longer lets people in");
        }
    }
    if has_any(matched, &["--direct"])
        && has_any(
            matched,
            &["--add-rule", "--passthrough", "--add-passthrough"],
        )
    {
        let words: Vec<String> = invocation.argv.iter().skip(1).map(marked).collect();
        let mut words = words;
        if let Some(chain) = words
            .iter()
            .find(|word| OUTER_CHAINS.contains(&word.as_str()))
            .cloned()
        {
            words.extend(["-A".to_owned(), chain]);
        }
        rule(&words, &mut notes);
    }
    notes.finish()
}

/// `fail2ban-client set JAIL WHAT`
pub(super) fn fail2ban(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("firewall", invocation);
    if matched.verbs.first().is_none_or(|verb| verb != "set") {
        return notes.finish();
    }
    let words = operands(matched);
    match words.get(1).map(String::as_str) {
        Some("unbanip") => notes.says(
            EffectKind::Firewall,
            RiskLevel::Medium,
            "unban",
            "lets an address in again",
        ),
        _ => changes(&mut notes, "changes whom it shuts out"),
    }
    notes.finish()
}
