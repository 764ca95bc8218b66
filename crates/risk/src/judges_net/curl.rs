//! `curl`: which pages it asks for and what it sends along. Its options stand in the table.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::address::{Address, Reach};
use super::notes::{Notes, OPEN, has_any, is_open, marked, unmarked, values_of};
use super::request::{Body, Request, method};
use crate::invocation::{Input, Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Options whose value is sent as a body; those of the second list take `@FILE`.
const DATA: [&str; 7] = [
    "-d",
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-urlencode",
    "--json",
    "--url-query",
];
/// Sockets of services that start and stop containers and machines.
const ENGINES: [&str; 8] = [
    "docker",
    "containerd",
    "podman",
    "crio",
    "lxd",
    "incus",
    "libvirt",
    "kubelet",
];
/// What such a service may be asked: the last steps of paths.
const ENGINE_QUESTIONS: [&str; 7] = ["version", "info", "_ping", "json", "df", "events", "1.0"];

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let body = body(matched, &mut notes);
    headers(matched, &mut notes);
    logins(matched, &mut notes);
    written(matched, &mut notes);
    let urls = matched
        .operands
        .iter()
        .chain(values_of(matched, &["--url"]));
    for url in urls {
        page(url, body, invocation, matched, &mut notes);
    }
    notes.finish()
}

/// One page.
fn page(url: &Arg, body: Body, invocation: &Invocation, matched: &Matched, notes: &mut Notes) {
    let text = marked(url);
    let mut address = Address::read(&text);
    let as_query = has_any(matched, &["-G", "--get"]);
    let how = match values_of(matched, &["-X", "--request"]).last() {
        Some(value) => method(&marked(value)),
        None if has_any(matched, &["-I", "--head"]) => "HEAD".to_owned(),
        None if body != Body::None && !as_query => "POST".to_owned(),
        None => "GET".to_owned(),
    };
    let socket = socket(matched, &address, &how, notes);
    if socket {
        address.reach = Reach::Own;
    }
    if has_any(
        matched,
        &[
            "-O",
            "--remote-name",
            "--remote-name-all",
            "-J",
            "--remote-header-name",
        ],
    ) {
        own_name(&address, matched, notes);
    }
    match address.scheme.as_str() {
        "" | "http" | "https" | "ws" | "wss" => {
            let elsewhere = [
                "--connect-to",
                "--resolve",
                "--doh-url",
                "--dns-servers",
                "--ipfs-gateway",
                "-x",
                "--proxy",
                "--preproxy",
            ];
            let socks = [
                "--proxy1.0",
                "--socks4",
                "--socks4a",
                "--socks5",
                "--socks5-hostname",
            ];
            let diverted = !socket && (has_any(matched, &elsewhere) || has_any(matched, &socks));
            let kept = if as_query && body == Body::Known {
                Body::None
            } else {
                body
            };
            let request = Request {
                address: &address,
                method: &how,
                body: kept,
                diverted,
            };
            request.judge(&text, notes);
        }
        "file" => {
            let path = address.path.clone();
            notes.to(EffectKind::Reads, Target::Path(unmarked(&path)), "file");
        }
        "ftp" | "ftps" | "ldap" | "ldaps" | "smtp" | "smtps" | "imap" | "imaps" | "pop3"
        | "pop3s" => {
            let request = Request {
                address: &address,
                method: "GET",
                body: if how == "GET" || how == "HEAD" {
                    Body::None
                } else {
                    Body::Foreign
                },
                diverted: false,
            };
            request.judge(&text, notes);
        }
        "telnet" if invocation.stdin == Input::Nothing && address.reach != Reach::Unknown => {
            notes.to(EffectKind::Probes, Target::Named(unmarked(&text)), "telnet");
        }
        _ => notes.says(
            EffectKind::Sends,
            RiskLevel::High,
            "scheme",
            "talks to another machine in a way in which anything may be said",
        ),
    }
}

/// What stands in the body, or the query.
fn body(matched: &Matched, notes: &mut Notes) -> Body {
    let mut body = Body::None;
    let mut add = |more: Body| {
        if body != Body::Foreign {
            body = more;
        }
    };
    for option in &matched.options {
        let Some(value) = &option.value else { continue };
        let text = marked(value);
        let data = DATA.iter().any(|name| option.is(name));
        let form = option.is("-F") || option.is("--form");
        let raw = option.is("--data-raw") || option.is("--form-string");
        if !(data || form || raw) {
            continue;
        }
        let encoded = option.is("--data-urlencode") || option.is("--url-query");
        let file = if data && encoded {
            let name = text.split('=').next().unwrap_or_default();
            name.split_once('@').map(|(_, file)| file)
        } else if data {
            text.strip_prefix('@')
        } else if form {
            let content = text.split_once('=').map_or("", |(_, content)| content);
            content
                .strip_prefix('@')
                .or_else(|| content.strip_prefix('<'))
                .map(|file| file.split([';', ',']).next().unwrap_or(file))
        } else {
            None
        };
        match file {
            Some(file) => {
                notes.to(EffectKind::Reads, Target::Path(unmarked(file)), "body");
                add(Body::Foreign);
            }
            None if text.contains(OPEN) => add(Body::Foreign),
            None => add(Body::Known),
        }
    }
    body
}

/// Headers and what else is told about oneself.
fn headers(matched: &Matched, notes: &mut Notes) {
    for value in values_of(matched, &["-H", "--header"]) {
        let text = marked(value);
        let name = text.split([':', ';']).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let secret = ["auth", "token", "key", "secret", "cookie", "session"]
            .iter()
            .any(|word| name.contains(word));
        if let Some(file) = text.strip_prefix('@') {
            notes.to(EffectKind::Reads, Target::Path(unmarked(file)), "header");
            sends(notes, "header", "sends a file as headers");
        } else if text.contains(OPEN) {
            sends(notes, "header", "sends what is not known in a header");
        } else if secret {
            let sentence = "uses a secret that stands in the command";
            notes.says(EffectKind::Secrets, RiskLevel::Medium, "header", sentence);
        }
    }
    for value in values_of(matched, &["-b", "--cookie"]) {
        let text = marked(value);
        if text.contains(OPEN) || !text.contains('=') {
            notes.to(EffectKind::Reads, Target::Path(value.clone()), "cookie");
            sends(notes, "cookie", "sends what a file of cookies says");
        } else {
            let sentence = "uses a session that stands in the command";
            notes.says(EffectKind::Secrets, RiskLevel::Medium, "cookie", sentence);
        }
    }
    let others = [
        "-A",
        "--user-agent",
        "-e",
        "--referer",
        "--request-target",
        "-r",
        "--range",
        "-z",
        "--time-cond",
        "--login-options",
        "--doh-url",
        "--dns-servers",
        "-t",
        "--telnet-option",
    ];
    if values_of(matched, &others).into_iter().any(is_open) {
        sends(
            notes,
            "option",
            "sends what is not known to another machine",
        );
    }
    for value in values_of(matched, &["--resolve", "--connect-to"]) {
        let text = marked(value);
        let metadata = text
            .split([':', ',', '[', ']'])
            .any(|piece| !piece.is_empty() && super::address::reach_of(piece) == Reach::Metadata);
        if metadata || text.contains(OPEN) {
            let sentence = "asks a machine that hands out secrets, or is not known";
            notes.says(EffectKind::Secrets, RiskLevel::High, "resolve", sentence);
        }
    }
}

/// Names and passwords.
fn logins(matched: &Matched, notes: &mut Notes) {
    for value in values_of(matched, &["-u", "--user", "--oauth2-bearer", "--aws-sigv4"]) {
        let level = if is_open(value) {
            RiskLevel::High
        } else {
            RiskLevel::Medium
        };
        notes.says(EffectKind::Secrets, level, "login", "uses a password");
    }
}

/// Files that are written as the words of an option say.
fn written(matched: &Matched, notes: &mut Notes) {
    for value in values_of(matched, &["-w", "--write-out"]) {
        let text = marked(value);
        if let Some(file) = text.strip_prefix('@').filter(|file| *file != "-") {
            notes.to(EffectKind::Reads, Target::Path(unmarked(file)), "format");
        }
        for piece in text.split("%output{").skip(1) {
            let file = piece.split('}').next().unwrap_or_default();
            let file = unmarked(file.trim_start_matches(">>"));
            notes.to(EffectKind::Overwrites, Target::Path(file), "format");
        }
    }
    for folder in values_of(matched, &["--output-dir"]) {
        for name in values_of(matched, &["-o", "--output"]) {
            let path = format!("{}/{}", marked(folder), marked(name));
            notes.to(
                EffectKind::Overwrites,
                Target::Path(unmarked(&path)),
                "output",
            );
        }
    }
}

/// A file by the name that the address, or the other machine, gives it.
fn own_name(address: &Address, matched: &Matched, notes: &mut Notes) {
    let place = address.path.split(['?', '#']).next().unwrap_or_default();
    let name = place.rsplit('/').next().unwrap_or_default();
    let folder = values_of(matched, &["--output-dir"])
        .last()
        .map_or_else(String::new, |folder| format!("{}/", marked(folder)));
    let path = unmarked(&format!("{folder}{name}"));
    notes.to(EffectKind::Overwrites, Target::Path(path), "own_name");
    if has_any(matched, &["-J", "--remote-header-name"]) {
        let sentence = "writes a file whose name another machine says";
        notes.says(EffectKind::Writes, RiskLevel::Medium, "own_name", sentence);
    }
}

/// Whether it goes to a socket of this host; what it may ask there.
fn socket(matched: &Matched, address: &Address, how: &str, notes: &mut Notes) -> bool {
    let sockets = values_of(matched, &["--unix-socket", "--abstract-unix-socket"]);
    for socket in &sockets {
        let path = marked(socket).to_ascii_lowercase();
        let engine = path.contains(OPEN) || ENGINES.iter().any(|engine| path.contains(engine));
        let place = address.place();
        let last = place
            .rsplit('/')
            .find(|step| !step.is_empty())
            .unwrap_or_default();
        // What one container was given to run with may hold its secrets.
        let one = place.contains("/containers/") && !place.ends_with("/containers/json");
        let asks = matches!(how, "GET" | "HEAD") && ENGINE_QUESTIONS.contains(&last) && !one;
        if engine && !(asks && !address.open && !path.contains(OPEN)) {
            sends(notes, "socket", "talks to what runs containers or machines");
        }
    }
    !sockets.is_empty()
}

fn sends(notes: &mut Notes, what: &str, sentence: &str) {
    notes.says(EffectKind::Sends, RiskLevel::High, what, sentence);
}
