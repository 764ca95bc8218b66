//! Decoders on texts that are known.

use base64::Engine as _;

use super::limits::MOST_DECODED_BYTES;
use crate::invocation::Decoder;

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
