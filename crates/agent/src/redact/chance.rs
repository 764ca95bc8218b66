//! Text that only chance writes. Hosts are full of text that looks so and is no secret: hashes, names of containers,
//! paths of a store, public keys, base64 of ordinary text. The rule asks for all three classes of characters, mixed as
//! no name mixes them, and leaves what is said to be something else.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::{head, redact, tail};

/// Least length of a run by itself.
const LEAST_BYTES: usize = 24;
/// Least length of its longest piece between dashes.
const LEAST_PIECE_BYTES: usize = 18;
/// Least length of the value of a name that hints at a secret.
const LEAST_VALUE_BYTES: usize = 14;
/// Longest run that is looked at.
const MAX_BYTES: usize = 8 * 1024;
/// How much of what stands before a run is looked at.
const MAX_BEFORE_BYTES: usize = 120;

/// What is said before text that is random and public.
const SAID: [&str; 35] = [
    "h1:",
    "public",
    "pubkey",
    "fingerprint",
    "sha256",
    "sha512",
    "sha384",
    "sha1",
    "md5",
    "etag",
    "message-id",
    "msgid",
    "request",
    "trace",
    "integrity",
    "hash",
    "digest",
    "checksum",
    "commit",
    "rrsig",
    "dnskey",
    "cert",
    "serial",
    "nonce",
    "cursor",
    "peer",
    "build",
    "uuid",
    "id=",
    "id:",
    "id: ",
    "chall",
    "subject",
    "signature",
    "x-amz-id",
];
/// Beginnings of base64 that is public: keys of SSH, certificates, public keys of age, blobs of other kinds.
const PUBLIC: [&str; 12] = [
    "rsa2048/",
    "rsa3072/",
    "rsa4096/",
    "ed25519/",
    "cv25519/",
    "AAAA",
    "MI",
    "age1",
    "LS0tLS1CRUdJTi",
    "sha256-",
    "sha384-",
    "sha512-",
];

/// The length of the run that begins here: characters of base64, of both kinds, with what fills it at the end.
pub(super) fn run_length(text: &str) -> usize {
    let in_run = |byte: u8| byte.is_ascii_alphanumeric() || b"+/_~-".contains(&byte);
    let length = text
        .bytes()
        .position(|byte| !in_run(byte))
        .unwrap_or(text.len());
    let filled = text[length..]
        .bytes()
        .take(2)
        .take_while(|byte| *byte == b'=');
    if length == 0 {
        0
    } else {
        length + filled.count()
    }
}

/// Whether a run is a secret, by what it is made of and what stands around it.
pub(super) fn is_secret(before: &str, run: &str, behind: &str) -> bool {
    if run.len() < LEAST_BYTES || run.len() > MAX_BYTES || !looks_mixed(run) {
        return false;
    }
    if PUBLIC.iter().any(|begin| run.starts_with(begin))
        || is_picture(before)
        || is_named(before, behind)
        || is_path(before, run)
    {
        return false;
    }
    match decoded(run) {
        Some(text) => redact(&text) != text,
        None => true,
    }
}

/// Whether a picture or a font stands here as base64 in a page.
fn is_picture(before: &str) -> bool {
    let before = tail(before, 64);
    before.ends_with(";base64,")
        && ["data:image/", "data:font/", "data:audio/"]
            .iter()
            .any(|kind| before.contains(kind))
}

/// Whether the value of a name that hints at a secret is one: shorter runs count, and numbers of base 16 where asked.
pub(super) fn is_random(value: &str, hex: bool) -> bool {
    const LEAST_HEX_BYTES: usize = 32;
    let run = value.trim_end_matches([';', ',', ')', '}']);
    if run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return hex && run.len() >= LEAST_HEX_BYTES;
    }
    let in_run = |byte: u8| byte.is_ascii_graphic() && !b"<>(){}[]".contains(&byte);
    let has = |class: fn(&u8) -> bool| run.bytes().filter(class).count();
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    run.len() >= LEAST_VALUE_BYTES
        && run.bytes().all(in_run)
        && has(u8::is_ascii_digit) > 0
        && upper + lower > 0
        && changes(run) * 100 >= run.len() * 28
        && !PUBLIC.iter().any(|begin| run.starts_with(begin))
        && !is_uuid(run)
        && !(run.contains('/') && is_path("", run))
        && decoded(run).is_none_or(|text| redact(&text) != text)
}

/// Whether a text is a name and a password in base64.
pub(super) fn is_credentials(value: &str) -> bool {
    value.len() >= 8
        && decoded(value).is_some_and(|text| {
            text.split_once(':').is_some_and(|(name, password)| {
                !name.is_empty() && !password.is_empty() && !text.contains([' ', '\n'])
            })
        })
}

/// Capitals, small letters and digits, changing as no name changes them.
fn looks_mixed(run: &str) -> bool {
    let piece = run
        .split(['-', '_', '='])
        .max_by_key(|piece| piece.len())
        .unwrap_or("");
    let has = |class: fn(&u8) -> bool| piece.bytes().filter(class).count();
    piece.len() >= LEAST_PIECE_BYTES
        && has(u8::is_ascii_uppercase) >= 2
        && has(u8::is_ascii_lowercase) >= 2
        && has(u8::is_ascii_digit) >= 1
        && changes(piece) * 100 >= piece.len() * 35
        && in_long_stretches(piece) * 100 <= piece.len() * 40
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

/// How often the class of characters changes.
fn changes(text: &str) -> usize {
    let bytes = text.as_bytes();
    bytes
        .windows(2)
        .filter(|pair| class(pair[0]) != class(pair[1]))
        .count()
}

/// How many characters stand in stretches of four or more small letters or digits, as words and numbers do.
fn in_long_stretches(text: &str) -> usize {
    const LONG: usize = 4;
    text.as_bytes()
        .chunk_by(|left, right| class(*left) == class(*right))
        .filter(|stretch| stretch.iter().all(|byte| class(*byte) != 1))
        .map(<[u8]>::len)
        .filter(|length| *length >= LONG)
        .sum()
}

/// Whether what stands around a run says that it is public.
fn is_named(before: &str, behind: &str) -> bool {
    let line = tail(before, MAX_BEFORE_BYTES);
    let line = line
        .rsplit('\n')
        .next()
        .unwrap_or(line)
        .to_ascii_lowercase();
    // `name-1:` before a key that a store trusts; `|1|` before the hash of a host's name.
    let of_store = line.strip_suffix(':').is_some_and(|name| {
        name.ends_with(|c: char| c.is_ascii_digit())
            && name
                .trim_end_matches(|c: char| c.is_ascii_digit())
                .ends_with('-')
    });
    of_store
        || line.ends_with(['|', '.', '%'])
        || behind.starts_with(['@', '.', '|', '('])
        || SAID.iter().any(|said| line.contains(said))
}

/// Whether a run is a path, or stands in one.
fn is_path(before: &str, run: &str) -> bool {
    let word = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    run.starts_with(['/', '~'])
        || before.ends_with(['/', '\\'])
        || run.contains("//")
        || run.split('/').count() > 1 && run.split(['/', '-', '_']).any(word)
}

/// Eight, four, four, four and twelve digits.
fn is_uuid(text: &str) -> bool {
    let mut lengths = text.split('-').map(str::len);
    let hex = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    hex && [8, 4, 4, 4, 12]
        .into_iter()
        .all(|length| lengths.next() == Some(length))
        && lengths.next().is_none()
}

/// What base64 holds, where that is text.
fn decoded(run: &str) -> Option<String> {
    let bare = head(run, MAX_BYTES).trim_end_matches('=');
    let bytes = STANDARD_NO_PAD
        .decode(bare)
        .or_else(|_| URL_SAFE_NO_PAD.decode(bare))
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let shown = |c: char| !c.is_control() || c.is_whitespace();
    text.chars().all(shown).then_some(text)
}
