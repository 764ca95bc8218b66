//! `wget`: which pages it asks for, what it sends along, and where it writes. Its options stand in the table.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::address::Address;
use super::notes::{Notes, OPEN, has_any, is_open, marked, unmarked, values_of};
use super::request::{Body, Request, method};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("network", invocation);
    let body = body(matched, &mut notes);
    told(matched, &mut notes);
    let how = match values_of(matched, &["--method"]).last() {
        Some(value) => method(&marked(value)),
        None if has_any(matched, &["--spider"]) => "HEAD".to_owned(),
        None if body != Body::None => "POST".to_owned(),
        None => "GET".to_owned(),
    };
    for url in &matched.operands {
        let text = marked(url);
        let address = Address::read(&text);
        let request = Request {
            address: &address,
            method: &how,
            body,
            diverted: false,
        };
        if matches!(
            address.scheme.as_str(),
            "" | "http" | "https" | "ftp" | "ftps"
        ) {
            request.judge(&text, &mut notes);
        } else {
            let sentence = "asks in a way that is not known";
            notes.says(EffectKind::Sends, RiskLevel::High, "scheme", sentence);
        }
        writes(&address, matched, &mut notes);
    }
    notes.finish()
}

fn body(matched: &Matched, notes: &mut Notes) -> Body {
    let files = values_of(matched, &["--post-file", "--body-file"]);
    for file in &files {
        notes.to(EffectKind::Reads, Target::Path((*file).clone()), "body");
    }
    let data = values_of(matched, &["--post-data", "--body-data"]);
    if !files.is_empty() || data.iter().any(|value| is_open(value)) {
        Body::Foreign
    } else if data.is_empty() {
        Body::None
    } else {
        Body::Known
    }
}

/// Headers, names and passwords.
fn told(matched: &Matched, notes: &mut Notes) {
    for value in values_of(matched, &["--header", "-U", "--user-agent", "--referer"]) {
        let text = marked(value).to_ascii_lowercase();
        let name = text.split(':').next().unwrap_or_default();
        let secret = ["auth", "token", "key", "secret", "cookie"]
            .iter()
            .any(|word| name.contains(word));
        if text.contains(OPEN) {
            let sentence = "sends what is not known in a header";
            notes.says(EffectKind::Sends, RiskLevel::High, "header", sentence);
        } else if secret && text.contains(':') {
            let sentence = "uses a secret that stands in the command";
            notes.says(EffectKind::Secrets, RiskLevel::Medium, "header", sentence);
        }
    }
    let logins = [
        "--user",
        "--password",
        "--http-user",
        "--http-password",
        "--ftp-user",
        "--ftp-password",
    ];
    for value in values_of(matched, &logins) {
        let level = if is_open(value) {
            RiskLevel::High
        } else {
            RiskLevel::Medium
        };
        notes.says(EffectKind::Secrets, level, "login", "uses a password");
    }
}

/// Where the page goes.
fn writes(address: &Address, matched: &Matched, notes: &mut Notes) {
    if matched.has_surely("--spider") {
        return;
    }
    let documents = values_of(matched, &["-O", "--output-document"]);
    for document in &documents {
        let text = marked(document);
        if !matches!(text.as_str(), "-" | "/dev/null" | "/dev/stdout") {
            notes.to(
                EffectKind::Overwrites,
                Target::Path((*document).clone()),
                "document",
            );
        }
    }
    let sure = ["-O", "--output-document"]
        .iter()
        .any(|name| matched.has_surely(name));
    if sure {
        return;
    }
    let place = address.path.split(['?', '#']).next().unwrap_or_default();
    let name = place.rsplit('/').next().filter(|name| !name.is_empty());
    let folder = values_of(matched, &["-P", "--directory-prefix"])
        .last()
        .map_or_else(String::new, |folder| format!("{}/", marked(folder)));
    // A file of that name that is there already keeps its name: the new one is numbered.
    let path = format!("{folder}{}", name.unwrap_or("index.html"));
    notes.to(
        EffectKind::Writes,
        Target::Path(unmarked(&path)),
        "own_name",
    );
}
