//! Rewrites of a command line that keep its meaning. What is dangerous must stay so however it is spelled, and what
//! only looks should still be seen to.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use watchkeeper_model::RiskLevel;

use crate::corpus::{Line, corpora};
use crate::gates::level;

/// For which lines a rewrite is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// All.
    All,
    /// Those that change something: by convention code that was hidden or is built elsewhere is at least high, so what
    /// only looks does not stay so.
    Changes,
}

/// A kind of rewrite.
struct Rewrite {
    name: &'static str,
    of: For,
    apply: fn(&str) -> Option<String>,
}

const fn all(name: &'static str, apply: fn(&str) -> Option<String>) -> Rewrite {
    Rewrite {
        name,
        of: For::All,
        apply,
    }
}

const fn changes(name: &'static str, apply: fn(&str) -> Option<String>) -> Rewrite {
    Rewrite {
        name,
        of: For::Changes,
        apply,
    }
}

/// In single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// In double quotes of a language that escapes with a backslash.
fn double(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

/// One line without here-documents, comments or a background job at its end: it can stand within another.
fn inner(line: &str) -> Option<&str> {
    let fits = !line.contains('\n') && !line.contains("<<") && !line.contains('#');
    (fits && !line.trim_end().ends_with(['&', ';', '\\'])).then_some(line)
}

/// The first word, if it is a bare program name with something after it, and the rest.
fn first_word(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = line.split_once(' ')?;
    let bare = word.len() > 1
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let keyword = [
        "if", "for", "while", "until", "case", "time", "select", "function", "coproc", "exec",
        "eval",
    ];
    let declares = [
        "export", "declare", "local", "readonly", "alias", "typeset", "set", "unset",
    ];
    (bare && !keyword.contains(&word) && !declares.contains(&word)).then_some((word, rest))
}

/// The words of a line that is one command of bare words.
fn words(line: &str) -> Option<Vec<&str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _./:@%+-".contains(&byte);
    let words: Vec<&str> = line.split(' ').collect();
    let fits =
        line.bytes().all(plain) && words.len() > 1 && words.iter().all(|word| !word.is_empty());
    (fits && first_word(line).is_some()).then_some(words)
}

fn respelled(line: &str, spell: impl Fn(&str) -> String) -> Option<String> {
    let (word, rest) = first_word(line)?;
    Some(format!("{} {rest}", spell(word)))
}

fn escaped(word: &str, digits: impl Fn(u8) -> String) -> String {
    let text: String = word.bytes().map(digits).collect();
    format!("$'{text}'")
}

const REWRITES: &[Rewrite] = &[
    all("empty quotes inside the program", |line| {
        respelled(line, |word| format!("{}''{}", &word[..1], &word[1..]))
    }),
    all("empty double quotes inside the program", |line| {
        respelled(line, |word| format!("{}\"\"{}", &word[..1], &word[1..]))
    }),
    all("backslash inside the program", |line| {
        respelled(line, |word| format!("{}\\{}", &word[..1], &word[1..]))
    }),
    all("backslash before the program", |line| {
        respelled(line, |word| format!("\\{word}"))
    }),
    all("the program in single quotes", |line| {
        respelled(line, single)
    }),
    all("the program in double quotes", |line| {
        respelled(line, |word| format!("\"{word}\""))
    }),
    all("the program in hexadecimal", |line| {
        respelled(line, |word| escaped(word, |byte| format!("\\x{byte:02x}")))
    }),
    all("the program in octal", |line| {
        respelled(line, |word| escaped(word, |byte| format!("\\{byte:03o}")))
    }),
    all("a line that goes on inside the program", |line| {
        respelled(line, |word| format!("{}\\\n{}", &word[..1], &word[1..]))
    }),
    all("the program from a variable", |line| {
        first_word(line).map(|(word, rest)| format!("x={word}; $x {rest}"))
    }),
    all("the program from two variables", |line| {
        first_word(line)
            .map(|(word, rest)| format!("x={} y={}; \"$x$y\" {rest}", &word[..1], &word[1..]))
    }),
    all("the program from a default", |line| {
        respelled(line, |word| format!("${{nothing:-{word}}}"))
    }),
    all("by command", |line| {
        respelled(line, |word| format!("command {word}"))
    }),
    all("words from an array", |line| {
        words(line).map(|words| format!("a=({}); \"${{a[@]}}\"", words.join(" ")))
    }),
    all("words from braces", |line| {
        words(line)
            .filter(|words| words.len() > 1)
            .map(|words| format!("{{{}}}", words.join(",")))
    }),
    all("blanks from IFS", |line| {
        words(line).map(|words| words.join("${IFS}"))
    }),
    all("words as positional parameters", |line| {
        words(line).map(|words| format!("set -- {}; \"$@\"", words.join(" ")))
    }),
    all("blanks and new lines around", |line| {
        Some(format!("\n  {}\n\n", line.trim_end()))
    }),
    all("a comment behind", |line| {
        inner(line).map(|line| format!("{line} # nothing to see"))
    }),
    all("in a group", |line| {
        inner(line).map(|line| format!("{{ {line}; }}"))
    }),
    all("in a subshell", |line| {
        inner(line).map(|line| format!("( {line} )"))
    }),
    all("in two subshells", |line| {
        inner(line).map(|line| format!("( ( {line} ) )"))
    }),
    all("in a function", |line| {
        inner(line).map(|line| format!("job_of_mine() {{ {line}; }}; job_of_mine"))
    }),
    all("in an if", |line| {
        inner(line).map(|line| format!("if true; then {line}; fi"))
    }),
    all("as a condition", |line| {
        inner(line).map(|line| format!("if {line}; then :; fi"))
    }),
    all("behind and", |line| {
        inner(line).map(|line| format!("true && {{ {line}; }}"))
    }),
    all("behind or", |line| {
        inner(line).map(|line| format!("false || {{ {line}; }}"))
    }),
    all("in a for", |line| {
        inner(line).map(|line| format!("for once in 1; do {line}; done"))
    }),
    all("in a while", |line| {
        inner(line).map(|line| format!("while true; do {line}; break; done"))
    }),
    all("in a case", |line| {
        inner(line).map(|line| format!("case x in x) {line};; esac"))
    }),
    all("in a substitution", |line| {
        inner(line).map(|line| format!("echo \"$( {line} )\""))
    }),
    all("in backquotes", |line| {
        inner(line)
            .filter(|line| !line.contains(['`', '\\', '$']))
            .map(|line| format!("echo `{line}`"))
    }),
    all("in a default of nothing", |line| {
        inner(line).map(|line| format!("echo \"${{nothing:-$( {line} )}}\""))
    }),
    all("in a here-document's substitution", |line| {
        inner(line).map(|line| format!("cat <<END\n$( {line} )\nEND"))
    }),
    all("as a file to read", |line| {
        inner(line).map(|line| format!("cat <( {line} )"))
    }),
    all("into a pipe", |line| {
        inner(line).map(|line| format!("{{ {line}; }} | cat"))
    }),
    all("negated", |line| {
        inner(line).map(|line| format!("! {{ {line}; }}"))
    }),
    all("timed", |line| {
        inner(line).map(|line| format!("time {{ {line}; }}"))
    }),
    all("by bash -c", |line| {
        Some(format!("bash -c {}", single(line)))
    }),
    all("by bash -c within bash -c", |line| {
        Some(format!(
            "bash -c {}",
            single(&format!("bash -c {}", single(line)))
        ))
    }),
    all("by eval", |line| Some(format!("eval {}", single(line)))),
    all("by eval of a variable", |line| {
        Some(format!("x={}; eval \"$x\"", single(line)))
    }),
    all("by a here-document for bash", |line| {
        (!line.contains("<<")).then(|| format!("bash <<'END'\n{line}\nEND"))
    }),
    all("by a here-string for bash", |line| {
        Some(format!("bash <<< {}", single(line)))
    }),
    all("by a pipe into bash", |line| {
        Some(format!("printf '%s\\n' {} | bash", single(line)))
    }),
    all("under timeout, nice and env", |line| {
        Some(format!(
            "timeout 60 nice -n 5 env LC_ALL=C bash -c {}",
            single(line)
        ))
    }),
    all("by sudo", |line| {
        Some(format!("sudo bash -c {}", single(line)))
    }),
    all("on another host", |line| {
        Some(format!("ssh web2 {}", single(line)))
    }),
    all("in a container", |line| {
        Some(format!("docker exec web bash -c {}", single(line)))
    }),
    changes("in the background", |line| {
        inner(line).map(|line| format!("{{ {line}; }} &"))
    }),
    changes("as a coprocess", |line| {
        inner(line).map(|line| format!("coproc {{ {line}; }}"))
    }),
    changes("by a trap", |line| {
        Some(format!("trap {} EXIT", single(line)))
    }),
    changes("by xargs", |line| {
        Some(format!("echo x | xargs -I@@ bash -c {}", single(line)))
    }),
    changes("by find", |line| {
        Some(format!(
            "find /tmp -maxdepth 0 -exec bash -c {} \\;",
            single(line)
        ))
    }),
    changes("by nohup", |line| {
        Some(format!("nohup bash -c {} >/dev/null 2>&1 &", single(line)))
    }),
    changes("by awk", |line| {
        Some(format!(
            "awk {}",
            single(&format!("BEGIN {{ system({}) }}", double(line)))
        ))
    }),
    changes("by python", |line| {
        Some(format!(
            "python3 -c {}",
            single(&format!("import os; os.system({})", double(line)))
        ))
    }),
    changes("from base64", |line| {
        Some(format!("echo {} | base64 -d | bash", STANDARD.encode(line)))
    }),
    changes("backwards", |line| {
        inner(line).map(|line| {
            format!(
                "echo {} | rev | bash",
                single(&line.chars().rev().collect::<String>())
            )
        })
    }),
];

/// What became of rewritten lines.
#[derive(Debug, Default)]
struct Tally {
    dangerous: usize,
    fell: BTreeMap<String, usize>,
    read_only: usize,
    lost: BTreeMap<String, usize>,
    opened: Vec<String>,
    samples: Vec<String>,
}

impl Tally {
    fn add(&mut self, line: &Line, names: &str, rewritten: &str) {
        let judged = level(rewritten);
        if line.label == RiskLevel::ReadOnly {
            // What is not recognised as it stands is told by the gates.
            if level(&line.cmd) != RiskLevel::ReadOnly {
                return;
            }
            self.read_only += 1;
            if judged != RiskLevel::ReadOnly {
                *self.lost.entry(names.to_owned()).or_default() += 1;
                self.sample(line, names, rewritten, judged);
            }
            return;
        }
        self.dangerous += 1;
        if judged == RiskLevel::ReadOnly {
            self.opened
                .push(format!("{names}: {rewritten:?} is {}", line.label));
        }
        let on_the_border = line.is("borderline") && judged.raised() >= line.label;
        if judged < line.label && !on_the_border {
            *self.fell.entry(names.to_owned()).or_default() += 1;
            self.sample(line, names, rewritten, judged);
        }
    }

    fn sample(&mut self, line: &Line, names: &str, rewritten: &str, judged: RiskLevel) {
        if self.samples.len() < 60 {
            let label = line.label;
            self.samples.push(format!(
                "{names}: {rewritten:?} is {label}, and was judged {judged}"
            ));
        }
    }

    fn verdict(&self, name: &str) {
        let fell: usize = self.fell.values().sum();
        let lost: usize = self.lost.values().sum();
        println!(
            "{name}: {} rewrites of what changes something: {} called read_only, {fell} below their label; {} of what \
             looks: {lost} no longer read_only",
            self.dangerous,
            self.opened.len(),
            self.read_only
        );
        println!("{name}: fell {:?}\n{name}: lost {:?}", self.fell, self.lost);
        println!("{}", self.samples.join("\n"));
        assert!(self.opened.is_empty(), "{}", self.opened.join("\n"));
        // Lines that fall short as they stand are among these; of our own corpus there are more.
        let most = if name == "own" { 3 } else { 2 };
        assert!(
            fell * 100 <= self.dangerous * most,
            "{name}: {fell} of {} fell",
            self.dangerous
        );
        assert!(
            lost * 100 <= self.read_only * 5,
            "{name}: {lost} of {} lost",
            self.read_only
        );
    }
}

fn fits(rewrite: &Rewrite, line: &Line) -> bool {
    rewrite.of == For::All || line.label != RiskLevel::ReadOnly
}

/// Of the lines, one in so many is rewritten twice over in the ordinary run; all of them in the long one.
const ORDINARY_STEP: usize = 6;
/// The same for one rewrite.
const ORDINARY_STEP_ONCE: usize = 2;

fn once(step: usize) {
    for corpus in &corpora() {
        let mut tally = Tally::default();
        for line in corpus.lines.iter().step_by(step) {
            for rewrite in REWRITES.iter().filter(|rewrite| fits(rewrite, line)) {
                if let Some(rewritten) = (rewrite.apply)(&line.cmd) {
                    tally.add(line, rewrite.name, &rewritten);
                }
            }
        }
        tally.verdict(corpus.name);
    }
}

fn twice(step: usize) {
    for corpus in &corpora() {
        let mut tally = Tally::default();
        for (number, line) in corpus.lines.iter().enumerate().step_by(step) {
            // Every kind stands first once for every line; which one comes second goes round with the lines.
            for (at, first) in REWRITES.iter().enumerate() {
                let second = &REWRITES[(at * 7 + number * 13 + 5) % REWRITES.len()];
                if !fits(first, line) || !fits(second, line) {
                    continue;
                }
                let once = (first.apply)(&line.cmd);
                if let Some(twice) = once.and_then(|once| (second.apply)(&once)) {
                    tally.add(
                        line,
                        &format!("{}, then {}", first.name, second.name),
                        &twice,
                    );
                }
            }
        }
        tally.verdict(corpus.name);
    }
}

#[test]
fn a_rewrite_that_means_the_same_is_judged_the_same() {
    assert!(REWRITES.len() >= 30);
    once(ORDINARY_STEP_ONCE);
}

#[test]
fn two_rewrites_one_upon_the_other_are_judged_the_same() {
    twice(ORDINARY_STEP);
}

#[test]
#[ignore = "every rewrite of every line: cargo nextest run --release -p watchkeeper-risk --run-ignored all every_rewrite"]
fn every_rewrite_of_every_line_is_judged_the_same() {
    once(1);
    twice(1);
}
