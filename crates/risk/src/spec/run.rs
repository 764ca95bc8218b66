//! What a command runs in its turn, as its entry's `runs` says: words, text for a shell, a program, a file.

use watchkeeper_model::EffectKind;

use super::evaluate::Evaluation;
use super::grammar::is_assignment;
use super::reading::Reading;
use super::schema::{Bare, Runs, RunsStdin, RunsWhat, RunsWhere};
use crate::invocation::{Context, Found, Input, Nested, Target};
use crate::word::{Arg, Origin, Part};

/// Most commands that are told apart for what stands on the input of `xargs`.
const MAX_BATCHES: usize = 64;

impl Evaluation<'_, '_> {
    /// What the operands make it run.
    pub(super) fn runs_operands(&mut self, runs: &Runs, after: &[Vec<Arg>]) {
        let all = self.reading.operands.get(runs.skip..).unwrap_or_default();
        let assigned = if runs.assignments {
            all.iter().take_while(|word| is_assignment(word)).count()
        } else {
            0
        };
        if !after.is_empty() {
            for front in after {
                let argv = [front.as_slice(), all].concat();
                self.nest_words(runs, self.with_environment(runs, &argv));
            }
            return;
        }
        if assigned == all.len() {
            self.bare(runs);
            return;
        }
        let rest = &self.with_environment(runs, all);
        match runs.what {
            RunsWhat::Words if runs.adds_words => self.adds_words(runs, rest),
            RunsWhat::Words => self.nest_words(runs, rest.to_vec()),
            RunsWhat::JoinedText => self.nest_text(runs, joined(rest), Vec::new()),
            RunsWhat::Text => self.nest_text(runs, rest[0].clone(), rest[1..].to_vec()),
            RunsWhat::SplitText | RunsWhat::Program => self.value(runs, &rest[0].clone(), "runs"),
            RunsWhat::File => self.file(&rest[0].clone(), "runs"),
        }
    }

    /// What the value of an option makes it run. Words that the operands go on with are handed back.
    pub(super) fn runs_value(&mut self, runs: &Runs, value: &Arg, rule: &str) -> Option<Vec<Arg>> {
        if runs.what != RunsWhat::SplitText {
            self.value(runs, value, rule);
            return None;
        }
        match split_text(value) {
            Some(words) => Some(words),
            None => {
                self.found(
                    Found::plain(EffectKind::RunsCode, self.rule(rule))
                        .saying("runs a command that cannot be told"),
                );
                None
            }
        }
    }

    fn value(&mut self, runs: &Runs, value: &Arg, rule: &str) {
        match runs.what {
            RunsWhat::File => self.file(value, rule),
            // A program with blanks or signs of the shell is text, whatever the manual says.
            RunsWhat::Program if value.as_text().is_some_and(is_bare_program) => {
                self.nest_words(runs, vec![value.clone()]);
            }
            _ => self.nest_text(runs, value.clone(), Vec::new()),
        }
    }

    fn file(&mut self, file: &Arg, rule: &str) {
        let rule = self.rule(rule);
        self.found(Found::to(
            EffectKind::RunsCode,
            Target::Path(file.clone()),
            rule,
        ));
    }

    /// Words in which assignments stand before a command, as a command: as `env` would run it. `env` itself runs what
    /// stands behind them.
    fn with_environment(&self, runs: &Runs, words: &[Arg]) -> Vec<Arg> {
        let assigned = words.iter().take_while(|word| is_assignment(word)).count();
        if !runs.assignments || assigned == 0 {
            return words.to_vec();
        }
        if self.reading.leaf().names.iter().any(|name| name == "env") {
            return words[assigned..].to_vec();
        }
        [&[Arg::text("env")], words].concat()
    }

    /// It has no command to run.
    fn bare(&mut self, runs: &Runs) {
        match runs.bare {
            Bare::Reads => {}
            Bare::Shell => {
                let rule = self.rule("no_command");
                self.found(Found::plain(EffectKind::Interactive, rule));
            }
            Bare::ShellInput => {
                let context = self.context(runs);
                self.outcome.nested.push(Nested::ShellInput { context });
            }
        }
    }

    pub(super) fn nest_words(&mut self, runs: &Runs, argv: Vec<Arg>) {
        let nested = Nested::Argv {
            argv,
            stdin: stdin(runs),
            context: self.context(runs),
        };
        self.outcome.nested.push(nested);
    }

    fn nest_text(&mut self, runs: &Runs, text: Arg, arguments: Vec<Arg>) {
        let nested = Nested::Shell {
            text,
            arguments,
            stdin: stdin(runs),
            context: self.context(runs),
            hidden: None,
        };
        self.outcome.nested.push(nested);
    }

    /// `xargs`: what stands on the input is added at the end, or in the place of a mark.
    fn adds_words(&mut self, runs: &Runs, words: &[Arg]) {
        let matched = self.reading.matched();
        let marks = ["-I", "-i", "--replace", "-J"];
        let mark = marks.iter().find(|name| matched.has(name)).map(|name| {
            let value = matched.value(name).and_then(Arg::as_text);
            value
                .filter(|mark| !mark.is_empty())
                .unwrap_or("{}")
                .to_owned()
        });
        let known = self.known_input(&matched, mark.is_some());
        let parts_otherwise = ["-d", "--delimiter", "-E", "-e", "--eof"]
            .iter()
            .any(|name| matched.has(name))
            || self.reading.options_in_doubt();
        let origin = match &self.invocation.stdin {
            Input::Unknown(Origin::PlainWords) if parts_otherwise => Origin::Output,
            Input::Unknown(origin) if !matched.has("-a") => origin.clone(),
            _ => Origin::Input,
        };
        match (mark, known) {
            (Some(mark), Some(lines)) => {
                for line in lines {
                    let put = |word: &Arg| replaced(word, &mark, &line);
                    self.nest_words(runs, words.iter().map(put).collect());
                }
            }
            (Some(mark), None) => {
                let unknown = Arg::unknown(origin, false);
                let put = |word: &Arg| replaced(word, &mark, &unknown);
                self.nest_words(runs, words.iter().map(put).collect());
            }
            (None, Some(added)) => {
                let size = matched.value("-n").or_else(|| matched.value("--max-args"));
                let size = size.map_or(Some(added.len()), |size| size.as_text()?.parse().ok());
                for batch in added.chunks(size.unwrap_or(1).max(1)) {
                    self.nest_words(runs, [words, batch].concat());
                }
            }
            (None, None) => {
                let added = [Arg::unknown(origin, true)];
                self.nest_words(runs, [words, &added].concat());
            }
        }
    }

    /// The words on the input, where it is known and its parting is plain.
    fn known_input(&self, matched: &super::Matched, by_line: bool) -> Option<Vec<Arg>> {
        let Input::Text(text) = &self.invocation.stdin else {
            return None;
        };
        let other = ["-a", "--arg-file", "-d", "--delimiter", "-E", "-e", "--eof"]
            .into_iter()
            .chain(["-L", "-l", "--max-lines", "-s", "--max-chars", "-R", "-S"]);
        if other.into_iter().any(|name| matched.has(name)) || self.reading.options_in_doubt() {
            return None;
        }
        let by_nul = matched.has("-0") || matched.has("--null");
        if !by_nul && text.contains(['\'', '"', '\\']) {
            return None;
        }
        let words: Vec<Arg> = if by_nul {
            text.split_terminator('\0').map(Arg::text).collect()
        } else if by_line {
            let lines = text.lines().map(str::trim_start);
            lines
                .filter(|line| !line.is_empty())
                .map(Arg::text)
                .collect()
        } else {
            text.split_ascii_whitespace().map(Arg::text).collect()
        };
        (!words.is_empty() && words.len() <= MAX_BATCHES).then_some(words)
    }

    /// Where it runs; nothing where that is as for the command itself.
    fn context(&self, runs: &Runs) -> Option<Context> {
        let outer = &self.invocation.context;
        let place = self.reading.operands.first();
        let shown = || place.map_or_else(String::new, Arg::shown);
        let beyond = |inner: String| {
            if outer.elsewhere.is_empty() {
                inner
            } else {
                format!("{inner} from {}", outer.elsewhere)
            }
        };
        match runs.context {
            RunsWhere::Here => account(self.reading).map(|account| Context {
                account: Some(account),
                ..outer.clone()
            }),
            RunsWhere::Remote => Some(Context {
                elsewhere: beyond(shown()),
                ..Context::default()
            }),
            RunsWhere::Container => Some(Context {
                elsewhere: beyond(format!("container {}", shown())),
                ..Context::default()
            }),
            RunsWhere::Chroot => {
                // A root that is not known is judged as if it were the host's own.
                let root = place.and_then(Arg::as_text).unwrap_or_default();
                Some(Context {
                    root: format!("{}{}", outer.root, root.trim_end_matches('/')),
                    directories: vec!["/".to_owned()],
                    ..outer.clone()
                })
            }
        }
    }
}

/// The account that a command with rights beyond the login's gives what it runs.
fn account(reading: &Reading<'_>) -> Option<String> {
    let spec = reading.leaf();
    spec.effects
        .iter()
        .any(|effect| effect.does == EffectKind::Privilege)
        .then(|| {
            let matched = reading.matched();
            let user = matched.value("-u").or_else(|| matched.value("--user"));
            user.map_or_else(|| "root".to_owned(), Arg::shown)
        })
}

fn stdin(runs: &Runs) -> Option<Input> {
    match runs.stdin {
        RunsStdin::Same => None,
        RunsStdin::Nothing => Some(Input::Nothing),
    }
}

/// Whether a value is the name of a program and nothing else.
fn is_bare_program(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._+-/@".contains(letter);
    !text.is_empty() && text.chars().all(plain)
}

/// The words of a text that is split at blanks, where it has no sign that says more than that.
fn split_text(text: &Arg) -> Option<Vec<Arg>> {
    let known = text.as_text()?;
    if known.contains(['\'', '"', '\\', '$', '#']) {
        return None;
    }
    Some(known.split_ascii_whitespace().map(Arg::text).collect())
}

/// Words joined by blanks.
fn joined(words: &[Arg]) -> Arg {
    let mut whole = Arg::default();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            append(&mut whole, &Part::Text(" ".to_owned()));
        }
        for part in &word.parts {
            append(&mut whole, part);
        }
    }
    whole
}

/// A word in which another stands in the place of every mark.
fn replaced(word: &Arg, mark: &str, by: &Arg) -> Arg {
    let mut whole = Arg {
        parts: Vec::new(),
        splits: word.splits,
    };
    for part in &word.parts {
        let Part::Text(text) = part else {
            append(&mut whole, part);
            continue;
        };
        for (index, piece) in text.split(mark).enumerate() {
            if index > 0 {
                by.parts.iter().for_each(|part| append(&mut whole, part));
            }
            append(&mut whole, &Part::Text(piece.to_owned()));
        }
    }
    whole
}

/// Adds a part; adjoining texts become one.
fn append(word: &mut Arg, part: &Part) {
    match (word.parts.last_mut(), part) {
        (_, Part::Text(text)) if text.is_empty() => {}
        (Some(Part::Text(last)), Part::Text(text)) => last.push_str(text),
        _ => word.parts.push(part.clone()),
    }
}
