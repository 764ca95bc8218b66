//! Keys: whether `openssl` prints a private key, and what it decodes.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, words};
use crate::invocation::{Decoder, Input, Invocation, Outcome, Output};
use crate::spec::Matched;
use crate::word::{Arg, Part};

/// Judges `openssl rsa`, `pkey` and their like: without an option that says otherwise, they print the private key.
pub(crate) fn openssl_key(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let surely = |name: &str| matched.has_surely(name);
    let verb = matched.verbs.first().map_or("", String::as_str);
    let without_key = if verb == "pkcs12" {
        surely("-nokeys") || (surely("-noout") && !matched.has("-export"))
    } else {
        surely("-pubin") || surely("-pubout") || (surely("-noout") && !matched.has("-text"))
    };
    if !without_key {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "key",
            "shows a private key",
        );
    }
    notes.finish()
}

/// Judges `openssl s_client`: what stands on its standard input goes to the other side. Nothing, or a text that the
/// command itself gives, only asks.
pub(crate) fn openssl_client(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    match &invocation.stdin {
        Input::Nothing | Input::Text(_) => {}
        Input::File(Arg { parts, .. }) if is_null(parts) => {}
        Input::File(_) | Input::Unknown(_) => notes.says(
            EffectKind::Sends,
            RiskLevel::High,
            "s_client",
            "sends what it reads to another machine",
        ),
    }
    notes.finish()
}

fn is_null(parts: &[Part]) -> bool {
    matches!(parts, [Part::Text(path)] if path == "/dev/null")
}

/// Judges `openssl enc` and `openssl base64`: what it prints, where that is a plain decoding.
pub(crate) fn openssl_decoding(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let verb = words(invocation).first().and_then(Arg::as_text);
    let plain = ["-d", "-base64", "-a", "-A", "-in", "-none"];
    let only_plain = matched
        .options
        .iter()
        .all(|option| option.sure && plain.iter().any(|name| option.is(name)));
    let base64 = verb == Some("base64") || matched.has("-base64") || matched.has("-a");
    if base64 && only_plain && matched.has("-d") && !matched.has("-in") {
        notes.prints(Output::Decoded(Decoder::Base64));
    }
    notes.finish()
}
