//! A file by its parts. A Nix file is parted at the attributes of its outermost set, by a scanner that knows strings,
//! comments and brackets and evaluates nothing; any other file where it gets too long, at an empty line if there is
//! one. Joined by line ends, the parts are the file.

/// Longest part, in bytes; a single line may be longer.
const PART_BYTES: usize = 4_000;
/// A Nix file shorter than this is one part.
const WHOLE_BYTES: usize = 600;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// What it is about, where that is known, e.g. `services.nginx`.
    pub(super) name: Option<String>,
    /// What it says.
    pub(super) text: String,
}

/// The parts of a file, in their order; an empty file has none.
pub(super) fn of(path: &str, text: &str) -> Vec<Part> {
    let is_nix = path.ends_with(".nix") && text.len() > WHOLE_BYTES;
    let attributes = if is_nix { attributes(text) } else { Vec::new() };
    let mut parts = Vec::new();
    if attributes.is_empty() {
        for text in pieces(text) {
            parts.push(Part { name: None, text });
        }
        return numbered(parts);
    }
    let mut from = 0;
    for (name, start, end) in &attributes {
        // What stands before an attribute, such as a comment, belongs to it; before the first it is the head.
        if from == 0 && *start > 0 {
            push(&mut parts, None, &text[..*start]);
            from = *start;
        }
        push(&mut parts, Some(name), &text[from..*end]);
        from = *end;
    }
    push(&mut parts, None, &text[from..]);
    parts
}

fn push(parts: &mut Vec<Part>, name: Option<&String>, text: &str) {
    // Brackets that close what was parted say nothing by themselves.
    if text
        .chars()
        .all(|c| c.is_whitespace() || matches!(c, '{' | '}' | ')' | '(' | ';'))
    {
        return;
    }
    let pieces = pieces(text.trim_matches('\n'));
    let many = pieces.len() > 1;
    for (place, text) in pieces.into_iter().enumerate() {
        let name = name.map(|name| {
            if many {
                format!("{name} ({})", place + 1)
            } else {
                name.clone()
            }
        });
        parts.push(Part { name, text });
    }
}

fn numbered(mut parts: Vec<Part>) -> Vec<Part> {
    let all = parts.len();
    if all > 1 {
        for (place, part) in parts.iter_mut().enumerate() {
            part.name = Some(format!("({} of {all})", place + 1));
        }
    }
    parts
}

/// A text in pieces of whole lines.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece: Vec<&str> = Vec::new();
    let mut length = 0;
    for line in text.lines() {
        if length + line.len() > PART_BYTES && !piece.is_empty() {
            // At an empty line in the second half, if there is one.
            let half = piece.len() / 2;
            let cut = piece
                .iter()
                .rposition(|line| line.trim().is_empty())
                .filter(|at| *at > half);
            let rest = piece.split_off(cut.map_or(piece.len(), |at| at + 1));
            pieces.push(piece.join("\n"));
            piece = rest;
            length = piece.iter().map(|line| line.len() + 1).sum();
        }
        piece.push(line);
        length += line.len() + 1;
    }
    pieces.push(piece.join("\n"));
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

/// The attributes of the outermost set: name, start and end. None where there is no such set, or brackets do not match.
fn attributes(text: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    // Where the attribute at hand begins, and where its name ends.
    let (mut start, mut equals): (Option<usize>, Option<usize>) = (None, None);
    let mut scanner = Scanner { text, at: 0 };
    while let Some((at, c)) = scanner.next() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                let Some(less) = depth.checked_sub(1) else {
                    return Vec::new();
                };
                depth = less;
                // A set that closes on the outermost level was an argument list or a `let`; what counts is the last.
                if depth == 0 {
                    (start, equals) = (None, None);
                }
            }
            ':' if depth == 0 => found.clear(),
            '=' if depth == 1 && equals.is_none() && start.is_some() => equals = Some(at),
            ';' if depth == 1 => {
                if let (Some(from), Some(until)) = (start, equals) {
                    let name = text[from..until].trim().to_owned();
                    found.push((name, line_start(text, from), at + 1));
                }
                (start, equals) = (None, None);
            }
            c if depth == 1 && start.is_none() && !c.is_whitespace() => start = Some(at),
            _ => {}
        }
    }
    if depth == 0 { found } else { Vec::new() }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// The characters of a Nix text that are neither in a string nor in a comment. What `${…}` holds in a string is passed
/// over with it.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<(usize, char)> {
        loop {
            let rest = &self.text[self.at..];
            let c = rest.chars().next()?;
            let passed = match c {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
                '"' => string(rest, "\"", 1, 0),
                '\'' if rest.starts_with("''") => string(rest, "''", 2, 0),
                _ => {
                    let at = self.at;
                    self.at += c.len_utf8();
                    return Some((at, c));
                }
            };
            self.at += passed;
        }
    }
}

/// Strings in `${…}` of strings are followed so deep.
const MAX_NESTED: usize = 20;

/// The length of a string with its quotes. In what `${…}` holds there may be strings again.
fn string(rest: &str, quote: &str, from: usize, nested: usize) -> usize {
    let mut at = from;
    let mut depth = 0_usize;
    while at < rest.len() {
        let here = &rest[at..];
        let escape = if quote == "\"" { "\\" } else { "''" };
        let is_escaped =
            here.starts_with("''$") || here.starts_with("'''") || here.starts_with("''\\");
        if depth == 0 && here.starts_with(escape) && (quote == "\"" || is_escaped) {
            at += escape.len();
            at += rest[at..].chars().next().map_or(0, char::len_utf8);
        } else if here.starts_with("${") {
            depth += 1;
            at += 2;
        } else if depth > 0 && here.starts_with('"') && nested < MAX_NESTED {
            at += string(here, "\"", 1, nested + 1);
        } else if depth > 0 && here.starts_with("''") && nested < MAX_NESTED {
            at += string(here, "''", 2, nested + 1);
        } else if depth > 0 && here.starts_with('{') {
            depth += 1;
            at += 1;
        } else if depth > 0 && here.starts_with('}') {
            depth -= 1;
            at += 1;
        } else if depth == 0 && here.starts_with(quote) {
            return at + quote.len();
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIX: &str = r#"{ config, pkgs, lib ? { a = 1; }, ... }:
let
  port = 80;
in
{
  imports = [ ./hardware.nix ];

  # The web server; a } in a comment.
  services.nginx = {
    enable = true;
    virtualHosts."example.org" = { root = "/srv/${if true then "a;b" else "}"}"; };
    extraConfig = ''
      if ($x) { return 301; } ''${not} '''
    '';
  };
  networking.firewall.allowedTCPPorts = [ 80 443 ];
  /* a block } comment */
  users.users.ops.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAA" ];
}
"#;

    fn names(text: &str) -> Vec<String> {
        attributes(text)
            .into_iter()
            .map(|(name, ..)| name)
            .collect()
    }

    #[test]
    fn a_nix_file_is_parted_at_its_attributes() {
        assert_eq!(
            names(NIX),
            [
                "imports",
                "services.nginx",
                "networking.firewall.allowedTCPPorts",
                "users.users.ops.openssh.authorizedKeys.keys",
            ]
        );
        let long = format!("{NIX}# {}\n", "x".repeat(WHOLE_BYTES));
        let parts = of("web.nix", &long);
        assert_eq!(parts[0].name, None, "the head");
        let nginx = parts
            .iter()
            .find(|part| part.name.as_deref() == Some("services.nginx"));
        let nginx = &nginx.expect("it is there").text;
        assert!(
            nginx.contains("# The web server")
                && nginx.contains("return 301")
                && !nginx.contains("firewall")
        );
    }

    #[test]
    fn a_nix_file_that_is_no_plain_set_is_kept_all_the_same() {
        for text in [
            "{",
            "}",
            "\"",
            "''",
            "${",
            "/*",
            "x: y: { a = 1; }",
            "with import <nixpkgs> {}; [ a ]",
            "\u{1f525}{ a = \"\u{1f525}",
        ] {
            let long = format!("{text}\n{}", "# words\n".repeat(200));
            let parts = of("a.nix", &long);
            assert!(
                parts.iter().any(|part| part.text.contains("words")),
                "{text}"
            );
        }
    }

    #[test]
    fn joined_the_parts_of_any_other_file_are_the_file() {
        let text: String = (0..1_000)
            .map(|n| {
                if n % 17 == 0 {
                    "\n".to_owned()
                } else {
                    format!("line {n}\n")
                }
            })
            .collect();
        let parts = of("/etc/app.conf", &text);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.text.len() <= PART_BYTES + 100));
        let joined: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(joined.join("\n").trim(), text.trim());
        assert!(of("/etc/empty", " \n").is_empty());
    }
}
