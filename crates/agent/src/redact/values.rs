//! Where the value of a name stands, and how far it goes.

use super::chance::{is_credentials, is_random};
use super::prose::{is_no_secret, is_placeholder, is_sentence};
use super::{REDACTED, Span, head, is_word, tail, word_length};

/// Words before a value that belong to it.
const SCHEMES: [&str; 6] = ["bearer", "basic", "digest", "token", "apikey", "negotiate"];

/// Most bytes between a name and its value.
const MAX_GAP_BYTES: usize = 48;
/// Most bytes between the name of a pair and its value.
const MAX_PAIR_BYTES: usize = 96;
/// Most bytes of a value over several lines.
const MAX_BLOCK_BYTES: usize = 16 * 1024;

/// How far a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// To the end of the word or of its quotes.
    Word,
    /// To the end of the line or of the quotes around it.
    Line,
    /// As a word, and only where nothing but chance writes such a value; also numbers of base 16 where `hex`.
    Chance {
        /// Whether numbers of base 16 count.
        hex: bool,
    },
}

/// Where the value of a name stands, counted from the end of the name.
pub(super) fn of(before: &str, name: &str, behind: &str, extent: Extent) -> Option<Span> {
    if extent != Extent::Line
        && let Some(found) = element(before, behind)
            .or_else(|| argument(before, behind))
            .or_else(|| pair(before, behind))
            .or_else(|| quoted_behind(name, behind))
    {
        return chosen(behind, found, extent);
    }
    let from = start(name, behind)?;
    let from = behind_three_quotes(behind, behind_anchor(behind, from));
    let value = &behind[from..];
    if value.starts_with(REDACTED) {
        return Some((from, from + REDACTED.len()));
    }
    if let Some(block) = block(before, behind, from) {
        return chosen(behind, block, extent);
    }
    if name.starts_with('-') && is_placeholder(name, value) {
        return None;
    }
    let length = match extent {
        Extent::Line => line_value(before, &behind[..from], value),
        Extent::Word | Extent::Chance { .. } => word_value(before, behind, from),
    };
    if is_told(
        before,
        name,
        &behind[..from],
        &value[..length],
        &value[length..],
    ) {
        return None;
    }
    chosen(behind, (from, from + length), extent)
}

/// The value behind an equals sign that a URL encodes, once or twice: `password%3Dx%26next%3D1`.
pub(super) fn encoded(behind: &str) -> Option<Span> {
    let mark = ["%3D", "%3d", "%253D", "%253d"]
        .into_iter()
        .find(|mark| behind.starts_with(mark))?;
    let value = head(&behind[mark.len()..], 512);
    let ends = |c: char| c.is_whitespace() || "&\"'<>".contains(c);
    let end = value.find(ends).unwrap_or(value.len());
    let end = ["%26", "%2526"]
        .iter()
        .filter_map(|mark| value[..end].find(mark))
        .min()
        .unwrap_or(end);
    (end > 0).then_some((mark.len(), mark.len() + end))
}

/// A text behind the type of a variable: `password: String = "x"`.
pub(super) fn typed(behind: &str) -> Option<Span> {
    const MAX_TYPE_BYTES: usize = 40;
    let rest = behind.strip_prefix(": ")?;
    let window = head(rest, MAX_TYPE_BYTES);
    let of_type = |c: char| c.is_ascii_alphanumeric() || "_<>&:'[]| ".contains(c);
    let at = window.find(" = ").filter(|at| {
        window.starts_with(|c: char| c.is_ascii_alphabetic() || c == '&')
            && window[..*at].chars().all(of_type)
    })?;
    let from = behind.len() - rest.len() + at + " = ".len();
    let quote = behind.as_bytes().get(from).copied();
    let quote = quote.filter(|byte| matches!(byte, b'"' | b'\''))?;
    let to = from + 1 + quoted_value(&behind[from + 1..], quote);
    (to > from + 1).then_some((from + 1, to))
}

/// A value that is surely none of a secret is left; so is one that does not look random, where that is asked.
fn chosen(behind: &str, (from, to): Span, extent: Extent) -> Option<Span> {
    let value = &behind[from..to];
    if value.is_empty() || value != REDACTED && is_no_secret(value) {
        return None;
    }
    match extent {
        Extent::Chance { hex } if !is_random(value, hex) && !is_credentials(value) => None,
        _ => Some((from, to)),
    }
}

/// Whether a sentence follows the name: `token: unexpected end of file`, `PASS: the test`.
fn is_told(before: &str, name: &str, gap: &str, value: &str, after: &str) -> bool {
    let colon = gap.trim_start_matches(['"', '\'']);
    if !colon.starts_with(':') || colon.contains(['"', '\'', '=']) {
        return false;
    }
    let number = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b",.".contains(&byte));
    if name.eq_ignore_ascii_case("pass") && (name == "PASS" || number) {
        return true;
    }
    // `pam_unix(passwd:chauthtok)`.
    if before.ends_with('(') && value.strip_suffix([')', ':']).is_some() {
        return true;
    }
    let line = tail(before, 64);
    let line = line.rsplit('\n').next().unwrap_or(line);
    let begins_line = line.bytes().all(|byte| b" \t-{,\"'".contains(&byte));
    colon.contains(' ') && is_sentence(value, after, begins_line)
}

/// Where the value begins: behind `=`, `:`, `=>`, `:=` with quotes and blanks around, or behind the blank that parts
/// an option (`--password x`) from its value.
fn start(name: &str, behind: &str) -> Option<usize> {
    let bytes = behind.as_bytes();
    let mut at = 0;
    let mut assigned = false;
    while at < bytes.len() && at < MAX_GAP_BYTES {
        match bytes[at] {
            b'=' | b':' => assigned = true,
            b'>' if at > 0 && bytes[at - 1] == b'=' => {}
            b'?' | b'+' if !assigned && bytes.get(at + 1) == Some(&b'=') => {}
            // It opens the value; the same once more would close it.
            b'"' | b'\'' if assigned && !behind[..at].ends_with('\\') => {
                at += 1;
                break;
            }
            b' ' | b'\t' | b'\\' | b'"' | b'\'' | b']' => {}
            _ => break,
        }
        at += 1;
    }
    let dashes = name.starts_with("--") || name.starts_with('-') && name.len() > 4;
    let option = dashes && behind.starts_with(' ');
    let quoted = at > 0 && matches!(bytes[at - 1], b'"' | b'\'');
    (assigned || option)
        .then_some(at)
        .filter(|at| *at < bytes.len() || quoted)
}

/// Where a value begins that has a name or a type of YAML before it: `password: &name x`, `password: !!str x`.
fn behind_anchor(behind: &str, from: usize) -> usize {
    const TYPES: [&str; 3] = ["!!str ", "!unsafe ", "!plain "];
    let value = &behind[from..];
    if let Some(begin) = TYPES.iter().find(|begin| value.starts_with(**begin)) {
        return from + begin.len();
    }
    let Some(name) = value
        .strip_prefix('&')
        .filter(|_| behind[..from].ends_with(": "))
    else {
        return from;
    };
    let length = word_length(name);
    if length > 0 && name[length..].starts_with(' ') && !name[length + 1..].starts_with(['&', '|'])
    {
        from + 1 + length + 1
    } else {
        from
    }
}

/// Where a value begins that stands between three quotes on its line.
fn behind_three_quotes(behind: &str, from: usize) -> usize {
    let quotes = ["\"\"", "''"]
        .into_iter()
        .find(|two| behind[..from].ends_with(&two[1..]) && behind[from..].starts_with(two));
    let begins = quotes.is_some() && !behind[from + 2..].starts_with('\n');
    if begins { from + 2 } else { from }
}

/// `<password>x</password>`.
fn element(before: &str, behind: &str) -> Option<Span> {
    let open = behind.strip_prefix('>')?;
    if before.ends_with('<') {
        let end = head(open, 1_024).find(['<', '\n'])?;
        return open[end..].starts_with("</").then_some((1, 1 + end));
    }
    None
}

/// `define('DB_PASSWORD', 'x')`: the second argument of a call, and `<key>Password</key><string>x</string>`.
fn argument(before: &str, behind: &str) -> Option<Span> {
    let window = head(behind, MAX_GAP_BYTES);
    if before.ends_with("<key>") {
        let from = window
            .find("<string>")
            .filter(|_| window.starts_with("</key>"))?
            + "<string>".len();
        return Some((from, from + head(&behind[from..], 1_024).find('<')?));
    }
    let quote = before
        .bytes()
        .next_back()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let call = before[..before.len() - 1].trim_end_matches(' ');
    if !call.ends_with('(') || window.as_bytes().first() != Some(&quote) {
        return None;
    }
    let rest = window[1..].trim_start().strip_prefix(',')?.trim_start();
    let opening = rest
        .bytes()
        .next()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let from = window.len() - rest.len() + 1;
    Some((from, from + quoted_value(&behind[from..], opening)))
}

/// `name: DB_PASSWORD` and on the next line `value: x`; `key="Password" value="x"`.
fn pair(before: &str, behind: &str) -> Option<Span> {
    let before = tail(before, 16).trim_end_matches(['"', '\'', ' ', ':', '=']);
    let named = ["name", "key", "variable"];
    let lower = before.to_ascii_lowercase();
    if !named.iter().any(|name| lower.ends_with(name)) {
        return None;
    }
    let window = head(behind, MAX_PAIR_BYTES);
    let at = window.find(|c: char| !c.is_whitespace() && !"\"',".contains(c))?;
    let word = window.get(at..at + "value".len())?;
    if !word.eq_ignore_ascii_case("value") {
        return None;
    }
    let behind_value = &behind[at + word.len()..];
    let from = start("value", behind_value)?;
    let length = word_value("", behind_value, from);
    let from = at + word.len() + from;
    Some((from, from + length))
}

/// `PASSWORD 'x'`, `PASSWORD('x')`, `secret "x";`.
fn quoted_behind(name: &str, behind: &str) -> Option<Span> {
    let lower = tail(name, 16).to_ascii_lowercase();
    let secret = lower == "secret";
    let named = ["password", "passwd", "passphrase"]
        .iter()
        .any(|end| lower.ends_with(end));
    if !(secret || named) {
        return None;
    }
    let inner = behind.strip_prefix([' ', '\t', '('])?;
    let inner = inner.trim_start_matches([' ', '\t', '(']);
    let quote = inner
        .bytes()
        .next()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let from = behind.len() - inner.len() + 1;
    if from > MAX_GAP_BYTES {
        return None;
    }
    let to = from + quoted_value(&behind[from..], quote);
    (!secret || behind[to..].starts_with("\";")).then_some((from, to))
}

/// A value over several lines: a block of YAML, or text between three quotes, or two of Nix.
fn block(before: &str, behind: &str, from: usize) -> Option<Span> {
    let value = &behind[from..];
    let mark = head(value, 16);
    let mark = &mark[..mark.find('\n')?];
    let mark = mark.trim_end();
    if matches!(mark, "|" | ">" | "|-" | ">-" | "|+" | ">+") {
        return indented(before, behind, from);
    }
    let quotes = ["''", "\"\"\"", "'''"]
        .into_iter()
        .find(|quotes| format!("{}{mark}", tail(&behind[..from], 1)) == *quotes)?;
    let start = from + head(value, 16).find('\n')? + 1;
    let inner = head(&behind[start..], MAX_BLOCK_BYTES);
    // Two quotes may also be a text without anything in it: those of Nix stand alone at the end.
    let closes = |at: &usize| {
        quotes.len() > 2
            || tail(&inner[..*at], 64)
                .trim_end_matches(' ')
                .ends_with('\n')
    };
    let length = inner.find(quotes).filter(closes)?;
    let text = inner[..length].trim_end();
    let blanks = text.len() - text.trim_start().len();
    Some((start + blanks.min(text.len()), start + text.len()))
}

/// The lines that stand deeper than the name's.
fn indented(before: &str, behind: &str, from: usize) -> Option<Span> {
    let line = tail(before, 256);
    let line = line.rsplit('\n').next().unwrap_or(line);
    let own = line.bytes().take_while(|byte| *byte == b' ').count();
    let start = from + behind[from..].find('\n')? + 1;
    let inner = head(&behind[start..], MAX_BLOCK_BYTES);
    let mut length = 0;
    for line in inner.split_inclusive('\n') {
        let indent = line.bytes().take_while(|byte| *byte == b' ').count();
        if !line.trim().is_empty() && indent <= own {
            break;
        }
        length += line.len();
    }
    let text = inner[..length].trim_end();
    let blanks = text.len() - text.trim_start().len();
    (!text.is_empty()).then_some((start + blanks, start + text.len()))
}

/// The length of a value that is one word, or stands in quotes; `from` is where it begins in `behind`.
fn word_value(before: &str, behind: &str, from: usize) -> usize {
    let value = &behind[from..];
    if let Some(length) = in_quotes_with_name(before, &behind[..from], value) {
        return length;
    }
    match opening_quote(&behind[..from]) {
        Some(quote) => quoted_value(value, quote),
        None if value.starts_with('{') && behind[..from].ends_with('=') => {
            // ODBC writes a password with a semicolon between braces.
            value.find(['}', '\n']).map_or(value.len(), |end| end + 1)
        }
        None => bare_value(value),
    }
}

/// `"NAME=two words"`: the quotes stand around both, and no other name follows in them.
fn in_quotes_with_name(before: &str, gap: &str, value: &str) -> Option<usize> {
    let quote = before
        .bytes()
        .next_back()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inner = head(value, 256);
    let end = inner
        .bytes()
        .position(|byte| byte == quote || byte == b'\n')?;
    let whole = gap == "="
        && inner.as_bytes()[end] == quote
        && !inner[..end].contains(['=', '&', ';', '\'', '"']);
    whole.then_some(end)
}

/// The quote that a value stands in: the last character before it. A name's own closing quote stands before the
/// `=` or `:`.
fn opening_quote(gap: &str) -> Option<u8> {
    let last = gap.bytes().next_back()?;
    (gap.len() > 1 && matches!(last, b'"' | b'\'')).then_some(last)
}

pub(super) fn quoted_value(value: &str, quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            b'\n' => return at,
            _ if escaped => escaped = false,
            b'\\' if value.as_bytes().get(at + 1) == Some(&quote) && at > 0 => {
                // `\"` ends a value that began with `\"`, and stands inside one that began with `"`; taking it as
                // inside takes more, never less.
                escaped = true;
            }
            _ if byte == quote => return at,
            _ => {}
        }
    }
    value.len()
}

/// Up to a blank, a quote, or what parts assignments.
pub(super) fn bare_value(value: &str) -> usize {
    let end = |text: &str| {
        let mut at = 0;
        for (index, c) in text.char_indices() {
            if c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'') {
                return index;
            }
            if matches!(c, ',' | ';' | '&') && parts_assignments(&text[index + 1..]) {
                return index;
            }
            at = index + c.len_utf8();
        }
        at
    };
    let length = end(value);
    let scheme = SCHEMES
        .iter()
        .any(|scheme| value[..length].eq_ignore_ascii_case(scheme));
    match value[length..].strip_prefix(' ') {
        Some(rest) if scheme && !rest.starts_with(REDACTED) => length + 1 + end(rest),
        Some(_) if scheme => length + 1 + REDACTED.len(),
        _ => length,
    }
}

/// Whether what follows a `,`, `;` or `&` is not part of the value: a blank, the end, or another assignment.
fn parts_assignments(rest: &str) -> bool {
    const MAX_LOOK_BYTES: usize = 40;
    let Some(first) = rest.bytes().next() else {
        return true;
    };
    if first.is_ascii_whitespace() {
        return true;
    }
    let name = rest
        .bytes()
        .take(MAX_LOOK_BYTES)
        .position(|byte| !is_word(byte));
    name.is_some_and(|length| length > 0 && matches!(rest.as_bytes()[length], b'=' | b':'))
}

/// To the end of the line; where the name or the value stands in quotes, to their end.
fn line_value(before: &str, gap: &str, value: &str) -> usize {
    let quote = |byte: Option<u8>| byte.filter(|byte| matches!(byte, b'"' | b'\''));
    let around = quote(before.bytes().next_back()).filter(|_| !gap.starts_with(['"', '\'']));
    let closing = opening_quote(gap).or(around);
    let ends = |byte: u8| matches!(byte, b'\n' | b'\r') || closing == Some(byte);
    value.bytes().position(ends).unwrap_or(value.len())
}

/// A token behind the word `Bearer`.
pub(super) fn bearer(behind: &str) -> Option<Span> {
    const LEAST_CHARS: usize = 8;
    let value = behind.strip_prefix(' ')?;
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let length = value
        .bytes()
        .position(|byte| !in_token(byte))
        .unwrap_or(value.len());
    let digit = value[..length].bytes().any(|byte| byte.is_ascii_digit());
    (length >= LEAST_CHARS && digit).then_some((1, 1 + length))
}

/// A name and a password in base64, behind the word `Basic`.
pub(super) fn basic(behind: &str) -> Option<Span> {
    let value = behind.strip_prefix(' ')?;
    let length = head(value, 512)
        .bytes()
        .position(|byte| !(byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)))
        .unwrap_or_else(|| head(value, 512).len());
    is_credentials(&value[..length]).then_some((1, 1 + length))
}

/// `password is generated for root@localhost: x`, `password is: x`: the value is no word of letters.
pub(super) fn told(name: &str, behind: &str) -> Option<Span> {
    const LEAST_CHARS: usize = 6;
    let lower = tail(name, 16).to_ascii_lowercase();
    if !(lower.ends_with("password") || lower.ends_with("passwort")) {
        return None;
    }
    let window = head(behind, 96);
    let window = &window[..window.find('\n').unwrap_or(window.len())];
    let leads = [" is", " for ", " ist"]
        .iter()
        .any(|lead| window.starts_with(lead));
    let from = window.find(": ").filter(|_| leads)? + 2;
    let length = bare_value(&behind[from..]);
    let value = &behind[from..from + length];
    let has = |class: fn(char) -> bool| value.chars().any(class);
    let made = has(|c| c.is_ascii_digit()) && has(|c| c.is_ascii_alphabetic());
    (value.len() >= LEAST_CHARS && made).then_some((from, from + length))
}

/// `IDENTIFIED BY 'x'`, `IDENTIFIED WITH plugin BY 'x'`.
pub(super) fn identified(behind: &str) -> Option<Span> {
    let window = head(behind, 64).to_ascii_lowercase();
    let at = window.find(" by ")? + " by ".len();
    let rest = &behind[at..];
    let rest = rest.strip_prefix("PASSWORD ").unwrap_or(rest);
    let quote = rest
        .bytes()
        .next()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let from = behind.len() - rest.len() + 1;
    let to = from + quoted_value(&behind[from..], quote);
    (to > from).then_some((from, to))
}
