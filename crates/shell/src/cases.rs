//! The parenthesis before the patterns of a `case`, which may be left out. `brush-parser` does not find the end of a
//! substitution in which it is. So where it cannot read a text, it is given the text with the parentheses put in.
//!
//! Where they go is guessed here from blanks and `;;`, without a look at quotes, and is not trusted: what the parser
//! reads then must be the very tree that the other one reads in the text as it is. A parenthesis that does not stand
//! before a pattern gives another tree (a subshell, or one more character of text), or is in a comment.

/// The text with a parenthesis before every pattern, as far as can be guessed; nothing where none is put in.
pub(crate) fn with_parentheses(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut before = ' ';
    let mut expected = 0_usize;
    let mut open = 0_usize;
    while let Some(c) = rest.chars().next() {
        let word = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let begins = !(before.is_ascii_alphanumeric() || before == '_');
        let taken = match &rest[..word] {
            "case" if begins => {
                expected += 1;
                "case"
            }
            "in" if begins && expected > 0 => {
                expected -= 1;
                open += 1;
                "in"
            }
            "esac" if begins => {
                open = open.saturating_sub(1);
                "esac"
            }
            _ => [";;&", ";;", ";&"]
                .into_iter()
                .find(|end| open > 0 && rest.starts_with(end))
                .unwrap_or(&rest[..c.len_utf8()]),
        };
        let ends = matches!(taken, "in" | ";;&" | ";;" | ";&");
        out.push_str(taken);
        before = taken.chars().next_back().unwrap_or(c);
        rest = &rest[taken.len()..];
        if ends {
            let pattern = rest.trim_start_matches([' ', '\t', '\n']);
            out.push_str(&rest[..rest.len() - pattern.len()]);
            if !pattern.starts_with(['(', '#']) && !is_esac(pattern) {
                out.push('(');
            }
            before = ' ';
            rest = pattern;
        }
    }
    (out.len() > text.len()).then_some(out)
}

fn is_esac(text: &str) -> bool {
    text.strip_prefix("esac")
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}
