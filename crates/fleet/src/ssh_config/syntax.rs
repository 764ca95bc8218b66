//! The syntax of `ssh_config(5)`, as far as it is read here: lines of a keyword and arguments, quoted by `"`, and the
//! patterns of `Host`.

/// One line: a keyword in lower case, and its arguments. None for comments and blanks.
pub(super) fn read_line(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let keyword = line[..end].to_ascii_lowercase();
    let rest = line[end..].trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some((keyword, arguments(rest)))
}

fn arguments(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() => return found,
            c if c.is_whitespace() && !quoted => found.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    found.extend(word);
    found
}

/// Whether a `Host` line's patterns take this name: one of them must, and none with `!` may.
pub(super) fn patterns_match(patterns: &[String], name: &str) -> bool {
    let mut taken = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if wildcard_match(negated, name) => return false,
            Some(_) => {}
            None => taken |= wildcard_match(pattern, name),
        }
    }
    taken
}

/// `*` is any text, `?` any one character. Takes time in proportion to the product of both lengths at most.
pub(super) fn wildcard_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether a pattern is a plain name.
pub(super) fn is_concrete(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &[&str]) {
        let found = read_line(line).map(|(keyword, args)| [vec![keyword], args].concat());
        assert_eq!(found.unwrap_or_default(), expect, "{line}");
    }

    #[test]
    fn lines_are_read_with_equals_signs_quotes_and_comments() {
        check("  Host  a  b\t", &["host", "a", "b"]);
        check("Port=22", &["port", "22"]);
        check(
            "IdentityFile = \"~/my keys/a\" # mine",
            &["identityfile", "~/my keys/a"],
        );
        check("# Host a", &[]);
        check("User \"\"", &["user", ""]);
        check(
            "ProxyCommand=ssh -W [%h]:%p b",
            &["proxycommand", "ssh", "-W", "[%h]:%p", "b"],
        );
    }

    #[test]
    fn patterns_have_wildcards_and_negation() {
        let check = |patterns: &[&str], name: &str| {
            patterns_match(
                &patterns
                    .iter()
                    .map(|text| (*text).to_owned())
                    .collect::<Vec<_>>(),
                name,
            )
        };
        assert!(check(&["web?", "db*"], "web1"));
        assert!(check(&["*.example.*"], "a.example.com"));
        assert!(!check(&["*", "!web1"], "web1"));
        assert!(!check(&["!web1"], "web2"));
        assert!(!check(&["web?"], "web10"));
        assert!(!wildcard_match(&"*a".repeat(40), &"b".repeat(5_000)));
    }
}
