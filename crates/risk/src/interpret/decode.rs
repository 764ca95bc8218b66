//! Decoders on texts that are known.

use base64::Engine as _;

use super::limits::MOST_DECODED_BYTES;
use crate::invocation::Decoder;
use crate::word::Arg;

/// What a text says when it is decoded; nothing where it is too long or no text comes out.
pub(super) fn decode(decoder: &Decoder, text: &str) -> Option<String> {
    if text.len() > MOST_DECODED_BYTES {
        return None;
    }
    match decoder {
        Decoder::Base64 => base64(text),
        Decoder::Base32 => base32(text),
        Decoder::Hex => hex(text),
        Decoder::Reverse => Some(
            text.split_inclusive('\n')
                .map(|line| {
                    let body = line.strip_suffix('\n').unwrap_or(line);
                    let turned: String = body.chars().rev().collect();
                    if body.len() == line.len() {
                        turned
                    } else {
                        turned + "\n"
                    }
                })
                .collect(),
        ),
        Decoder::ReverseLines => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            lines.reverse();
            Some(lines.concat())
        }
        Decoder::Translate(from, to) => {
            let translate = |c: char| {
                from.iter()
                    .rposition(|own| *own == c)
                    .and_then(|at| to.get(at).or(to.last()).copied())
                    .unwrap_or(c)
            };
            Some(text.chars().map(translate).collect())
        }
        Decoder::DeleteChars(set) => Some(text.chars().filter(|c| !set.contains(c)).collect()),
    }
}

/// How it is called.
pub(super) const fn name(decoder: &Decoder) -> &'static str {
    match decoder {
        Decoder::Base64 => "base64",
        Decoder::Base32 => "base32",
        Decoder::Hex => "hex",
        Decoder::Reverse => "reversed text",
        Decoder::ReverseLines => "reversed lines",
        Decoder::Translate(..) => "replaced characters",
        Decoder::DeleteChars(_) => "added characters",
    }
}

/// Whether a person cannot read the text without it.
pub(super) const fn hides(decoder: &Decoder) -> bool {
    matches!(decoder, Decoder::Base64 | Decoder::Base32 | Decoder::Hex)
}

fn base64(text: &str) -> Option<String> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bare = compact.trim_end_matches('=');
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(bare)
        .or_else(|_| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(bare))
        .ok()?;
    String::from_utf8(bytes).ok()
}

fn base32(text: &str) -> Option<String> {
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut bytes = Vec::new();
    for c in text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
    {
        let value = match c.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| (pair[0] << 4) | pair[1])
        .collect();
    String::from_utf8(bytes).ok()
}

/// The decoder that a command is, where it reads its standard input.
pub(super) fn decoder_of(base: &str, argv: &[Arg]) -> Option<Decoder> {
    let words: Vec<&str> = argv[1..].iter().map(Arg::as_text).collect::<Option<_>>()?;
    let decodes = |known: &[&str]| {
        let decodes = words.iter().any(|word| known.contains(word));
        let others = ["-i", "-di", "-id", "--ignore-garbage", "-", "/dev/stdin"];
        let reads = words
            .iter()
            .all(|word| known.contains(word) || others.contains(word));
        decodes && reads
    };
    let plain = ["-d", "--decode", "-D", "--decod", "--deco", "-di", "-id"];
    match (base, words.as_slice()) {
        ("base64", _) if decodes(&plain) => Some(Decoder::Base64),
        ("base32", _) if decodes(&plain) => Some(Decoder::Base32),
        ("basenc", [first, second])
            if decodes(&["-d", "--decode", "--base64"]) && first != second =>
        {
            Some(Decoder::Base64)
        }
        ("openssl", ["base64" | "enc", rest @ ..])
            if rest.contains(&"-d")
                && (words[0] == "base64"
                    || rest.iter().any(|word| matches!(*word, "-base64" | "-a")))
                && rest
                    .iter()
                    .all(|word| matches!(*word, "-d" | "-A" | "-base64" | "-a")) =>
        {
            Some(Decoder::Base64)
        }
        (
            "xxd",
            ["-r", "-p"] | ["-p", "-r"] | ["-rp"] | ["-pr"] | ["-r", "-ps"] | ["-r", "-plain"],
        ) => Some(Decoder::Hex),
        ("rev", []) => Some(Decoder::Reverse),
        ("tac", []) => Some(Decoder::ReverseLines),
        ("tr", ["-d" | "--delete", set]) => Some(Decoder::DeleteChars(characters(set)?)),
        ("tr", [from, to]) if !from.starts_with('-') => {
            let (from, mut to) = (characters(from)?, characters(to)?);
            let last = *to.last()?;
            to.resize(from.len().max(to.len()), last);
            Some(Decoder::Translate(from, to))
        }
        _ => None,
    }
}

/// The characters of a set of `tr`; nothing where it is not read here.
fn characters(set: &str) -> Option<Vec<char>> {
    let chars: Vec<char> = set.chars().collect();
    let mut all = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let mut c = chars[at];
        if c == '[' {
            let class: String = chars[at..].iter().collect();
            let (class, length) = named(&class)?;
            all.extend(class);
            at += length;
            continue;
        }
        if c == '\\' {
            at += 1;
            c = match chars.get(at)? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '\\' => '\\',
                other if other.is_ascii_punctuation() => *other,
                _ => return None,
            };
        }
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(to)) if *to != '\\' && *to >= c && u32::from(*to) < 0x1_0000 => {
                all.extend(c..=*to);
                at += 3;
            }
            _ => {
                all.push(c);
                at += 1;
            }
        }
        if all.len() > 4096 {
            return None;
        }
    }
    Some(all)
}

/// A class of `tr` at the beginning of a text, and how many characters name it.
fn named(text: &str) -> Option<(Vec<char>, usize)> {
    let classes: [(&str, &[std::ops::RangeInclusive<char>]); 6] = [
        ("[:upper:]", &['A'..='Z']),
        ("[:lower:]", &['a'..='z']),
        ("[:digit:]", &['0'..='9']),
        ("[:alpha:]", &['A'..='Z', 'a'..='z']),
        ("[:blank:]", &['\t'..='\t', ' '..=' ']),
        ("[:space:]", &['\t'..='\r', ' '..=' ']),
    ];
    let (name, ranges) = classes.iter().find(|(name, _)| text.starts_with(name))?;
    let all = ranges.iter().cloned().flatten().collect();
    Some((all, name.len()))
}
