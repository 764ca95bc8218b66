//! The one text that a script is judged, shown, approved and run as, and what it needs to be run: no shell at all but
//! words, or bash.

use watchkeeper_shell::{
    AssignedValue, CaseArm, Command, Compound, Item, Parsed, Piece, Redirect, RedirectKind, Script,
    Simple, Test, Word, parse, plain_pipeline,
};

/// A script as it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalScript {
    /// The text.
    pub text: String,
    /// Whether it is one pipeline of programs with fixed words: whatever shell starts it has nothing to expand.
    pub plain: bool,
    /// The programs that it names, each once; what is not a fixed word is not among them.
    pub programs: Vec<String>,
}

/// The canonical text of a script; nothing where it cannot be taken apart with certainty.
#[must_use]
pub fn canonical(text: &str) -> Option<CanonicalScript> {
    let Parsed { script, canonical } = parse(text).ok()?;
    let mut programs = Vec::new();
    in_script(&script, &mut programs);
    programs.sort_unstable();
    programs.dedup();
    Some(CanonicalScript {
        // `$'…'` is bash's own: another shell would read on behind the quote that it escapes.
        plain: plain_pipeline(&script).is_some() && !canonical.contains("$'"),
        text: canonical,
        programs,
    })
}

/// These words as a script that runs exactly them.
#[must_use]
pub fn quote_words(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-:@/+,=%".contains(c);
            // A word that begins so would be an assignment, if it stood first.
            if !word.is_empty() && word.chars().all(plain) && !word.contains('=') {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        })
        .collect();
    quoted.join(" ")
}

fn in_script(script: &Script, programs: &mut Vec<String>) {
    for Item { first, rest, .. } in &script.items {
        let pipelines = std::iter::once(first).chain(rest.iter().map(|(_, pipeline)| pipeline));
        for command in pipelines.flat_map(|pipeline| &pipeline.commands) {
            in_command(command, programs);
        }
    }
}

fn in_command(command: &Command, programs: &mut Vec<String>) {
    match command {
        Command::Simple(simple) => in_simple(simple, programs),
        Command::Compound { body, redirects } => {
            in_compound(body, programs);
            in_redirects(redirects, programs);
        }
        Command::Function { body, .. } | Command::Coprocess { body, .. } => {
            in_command(body, programs);
        }
    }
}

fn in_simple(simple: &Simple, programs: &mut Vec<String>) {
    programs.extend(simple.words.first().and_then(Word::as_literal));
    // What a wrapper runs is named among its words.
    let literal = |word: &Word| word.as_literal();
    for word in simple.words.iter().skip(1).filter_map(literal) {
        // Text for a shell names programs within.
        programs.extend(word.split_whitespace().map(str::to_owned));
    }
    for assignment in &simple.assignments {
        match &assignment.value {
            AssignedValue::Scalar(word) => in_word(word, programs),
            AssignedValue::Array(values) => {
                values.iter().for_each(|(_, word)| in_word(word, programs));
            }
        }
    }
    simple.words.iter().for_each(|word| in_word(word, programs));
    in_redirects(&simple.redirects, programs);
}

fn in_compound(compound: &Compound, programs: &mut Vec<String>) {
    match compound {
        Compound::Group(script) | Compound::Subshell(script) => in_script(script, programs),
        Compound::If {
            branches,
            otherwise,
        } => {
            for (condition, body) in branches {
                in_script(condition, programs);
                in_script(body, programs);
            }
            otherwise.iter().for_each(|body| in_script(body, programs));
        }
        Compound::Loop {
            condition, body, ..
        } => {
            in_script(condition, programs);
            in_script(body, programs);
        }
        Compound::For { words, body, .. } => {
            words
                .iter()
                .flatten()
                .for_each(|word| in_word(word, programs));
            in_script(body, programs);
        }
        Compound::ArithmeticFor { expressions, body } => {
            expressions.iter().for_each(|word| in_word(word, programs));
            in_script(body, programs);
        }
        Compound::Case { word, arms } => {
            in_word(word, programs);
            for CaseArm { patterns, body, .. } in arms {
                patterns.iter().for_each(|word| in_word(word, programs));
                in_script(body, programs);
            }
        }
        Compound::Arithmetic(word) => in_word(word, programs),
        Compound::Test(test) => in_test(test, programs),
    }
}

fn in_test(test: &Test, programs: &mut Vec<String>) {
    match test {
        Test::Unary(_, word) => in_word(word, programs),
        Test::Binary(left, _, right) => {
            in_word(left, programs);
            in_word(right, programs);
        }
        Test::Not(inner) => in_test(inner, programs),
        Test::And(left, right) | Test::Or(left, right) => {
            in_test(left, programs);
            in_test(right, programs);
        }
    }
}

fn in_redirects(redirects: &[Redirect], programs: &mut Vec<String>) {
    for redirect in redirects {
        match &redirect.kind {
            RedirectKind::Read(word)
            | RedirectKind::Write(word)
            | RedirectKind::Clobber(word)
            | RedirectKind::Append(word)
            | RedirectKind::ReadWrite(word)
            | RedirectKind::DuplicateInput(word)
            | RedirectKind::DuplicateOutput(word)
            | RedirectKind::WriteBoth(word)
            | RedirectKind::AppendBoth(word)
            | RedirectKind::HereString(word)
            | RedirectKind::HereDocument(word) => in_word(word, programs),
        }
    }
}

fn in_word(word: &Word, programs: &mut Vec<String>) {
    for piece in &word.pieces {
        match piece {
            Piece::Substitution { script, .. } | Piece::Process { script, .. } => {
                in_script(script, programs);
            }
            Piece::Arithmetic { expression, .. } => in_word(expression, programs),
            Piece::Plain(_)
            | Piece::Quoted(_)
            | Piece::Tilde(_)
            | Piece::Parameter(_)
            | Piece::Braces(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_script_that_runs_exactly_them() {
        let quoted = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            quote_words(&words)
        };
        assert_eq!(
            quoted(&["systemctl", "stop", "sshd"]),
            "systemctl stop sshd"
        );
        assert_eq!(
            quoted(&["echo", "a; b", "it's", ""]),
            r"echo 'a; b' 'it'\''s' ''"
        );
        assert_eq!(quoted(&["A=b", "c"]), "'A=b' c");
    }

    #[test]
    fn a_script_names_its_programs_and_says_whether_it_needs_a_shell() {
        let plain = canonical("df -h | sort -k5").expect("it is taken apart");
        assert!(plain.plain && plain.programs.contains(&"sort".to_owned()));
        let loops = canonical("for i in $(ss -t); do echo \"$i\"; done").expect("taken apart");
        assert!(!loops.plain && loops.programs.contains(&"ss".to_owned()));
        assert_eq!(canonical("echo 'never closed"), None);
        let nested = canonical("bash -c 'ss -tlnp | head'").expect("taken apart");
        assert!(nested.programs.contains(&"ss".to_owned()));
    }

    #[test]
    fn what_only_bash_can_read_is_not_plain() {
        let quoted = canonical("grep \"a'; touch /tmp/x; echo \\\"x\\\" #\" /etc/hosts")
            .expect("taken apart");
        assert!(!quoted.plain || !quoted.text.contains("$'"), "{quoted:?}");
        assert!(quoted.text.contains("$'"), "{quoted:?}");
    }
}
