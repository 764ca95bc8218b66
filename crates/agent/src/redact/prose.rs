//! What stands where a secret could stand and is none: a sentence, a reference to where the secret is kept, a path, a
//! placeholder, a type.

use super::head;

/// Values that say there is none, or what it would be.
const NOTHING: &[&str] = &[
    "enabled",
    "disabled",
    "denied",
    "failed",
    "files",
    "compat",
    "await",
    "new",
    "function",
    "async",
    "null",
    "none",
    "nil",
    "true",
    "false",
    "yes",
    "no",
    "undefined",
    "unset",
    "(null)",
    "(none)",
    "(unset)",
    "redacted",
    "hidden",
    "omitted",
    "string",
    "str",
    "string,",
    "str,",
    "bool",
    "bytes",
    "text",
    "required",
    "optional",
    "{",
    "[",
    "{}",
    "[]",
    "(",
    "(hidden)",
    "(empty)",
    "(not",
];
/// Beginnings of references.
const REFERENCES: &[&str] = &[
    "pkcs11:",
    "this.",
    "self.",
    "req.",
    "request.",
    "args.",
    "options.",
    "settings.",
    "${{",
    "{{",
    "$(",
    "<%",
    "%{",
    "ENC[",
    "config.",
    "os.environ",
    "os.getenv",
    "process.env",
    "env.",
    "secrets.",
    "var.",
    "local.",
    "data.",
    "module.",
    "builtins.",
    "vault:",
    "!vault",
    "!secret",
    "file:",
    "System.getenv",
];
/// Beginnings of paths to files that hold a secret.
const PATHS: [&str; 14] = [
    "/run/",
    "/etc/",
    "/var/",
    "/home/",
    "/nix/store/",
    "/root/",
    "/opt/",
    "/usr/",
    "/srv/",
    "/tmp/",
    "/mnt/",
    "/secrets/",
    "./",
    "~/",
];

/// Whether a value is surely none of a secret.
pub(super) fn is_no_secret(value: &str) -> bool {
    let lower = head(value, 16).to_ascii_lowercase();
    let word = lower.trim_end_matches([',', ';', ')', ']', '}', '.']);
    NOTHING.contains(&lower.as_str())
        || NOTHING.contains(&word)
        || is_mask(value)
        || is_reference(value)
        || is_path(value)
        || is_call(value)
}

/// `--token TOKEN`: what a help text says instead of a value.
pub(super) fn is_placeholder(name: &str, value: &str) -> bool {
    const WORDS: [&str; 8] = [
        "PASSWORD", "PASS", "TOKEN", "SECRET", "KEY", "VALUE", "STRING", "TEXT",
    ];
    let end = value
        .find(|c: char| !(c.is_ascii_uppercase() || c == '_'))
        .unwrap_or(value.len());
    let word = &value[..end];
    let closes =
        value[end..].is_empty() || value[end..].starts_with([' ', ']', ')', ',', '\n', '>', '|']);
    let of_name = name
        .trim_start_matches('-')
        .to_ascii_uppercase()
        .replace('-', "_");
    closes
        && !word.is_empty()
        && (WORDS.contains(&word) || of_name.ends_with(word) && word.len() > 3)
}

/// Stars, dots, or the same letter again and again; `<password>`.
fn is_mask(value: &str) -> bool {
    let mut chars = value.chars();
    let first = chars.next().unwrap_or(' ');
    let same = "*.xX-_•…".contains(first) && value.len() > 2 && chars.all(|c| c == first);
    let inner = value
        .strip_prefix('<')
        .and_then(|inner| inner.strip_suffix('>'));
    let word = |c: char| c.is_ascii_alphabetic() || " _-".contains(c);
    // What `printf` and its like put a value for.
    let printed = value.starts_with('%') && value.len() <= 4;
    // `<your key>`, of which a blank parts the first word.
    let opens = value
        .strip_prefix('<')
        .is_some_and(|inner| ["your", "my", "the", "some", "insert", "here"].contains(&inner));
    same || printed || opens || inner.is_some_and(|inner| inner.chars().all(word))
}

fn is_reference(value: &str) -> bool {
    if REFERENCES.iter().any(|begin| value.starts_with(begin)) {
        return true;
    }
    let Some(name) = value.strip_prefix('$') else {
        return false;
    };
    let name = name.trim_end_matches([';', ',', '}', ')']);
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.strip_prefix('{') {
        Some(name) => !name.is_empty() && name.chars().all(in_name),
        None => {
            let argument =
                name.len() == 1 && name.bytes().all(|byte| b"0123456789@*".contains(&byte));
            let variable = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            argument || variable
        }
    }
}

fn is_path(value: &str) -> bool {
    let in_path = |c: char| c.is_ascii_alphanumeric() || "/._-+@~:;,".contains(c);
    PATHS.iter().any(|begin| value.starts_with(begin)) && value.chars().all(in_path)
}

/// `get_password(…`: code that fetches it.
fn is_call(value: &str) -> bool {
    let Some(open) = head(value, 64).find('(') else {
        return false;
    };
    let name = &value[..open];
    name.len() > 2
        && name
            .chars()
            .all(|c| c.is_ascii_alphabetic() || "_.:".contains(c))
}

/// Whether a value after `: ` begins a sentence: words of letters follow one another. Where a line or a list begins
/// with the name, one word more is asked for.
pub(super) fn is_sentence(value: &str, after: &str, begins_line: bool) -> bool {
    let word = |text: &str| {
        let text = text.trim_end_matches(['.', ',', ':', ';', ')']);
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphabetic() || c == '\'' || c == '-')
    };
    if !word(value) {
        return false;
    }
    let line = head(after, 128);
    let line = &line[..line.find('\n').unwrap_or(line.len())];
    let follow = line
        .split_whitespace()
        .take_while(|text| word(text))
        .count();
    line.starts_with(' ') && follow >= if begins_line { 2 } else { 1 }
}
