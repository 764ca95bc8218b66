//! `find`: its whole expression, word by word, with the number of words that each test takes. A word that is no test
//! of GNU find's manual makes the command high, since elsewhere it may be an action.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Context, Found, Invocation, Outcome, Output, Target};
use crate::spec::Matched;
use crate::word::{Arg, Origin, Part};

use super::ledger::Ledger;
use super::options::listed;
use super::words::{is_stdin, replaced, unknown};

/// Tests and options without a value that do not narrow what is matched.
const WIDE: &str = "-daystart -depth -d -help --help -version --version -ignore_readdir_race -noignore_readdir_race \
    -mount -xdev -x -noleaf -nowarn -warn -follow -true -print -print0 -ls -prune -quit -a -and -o -or -not ! ( ) ,";

/// Tests without a value that narrow it.
const NARROW: &str = "-empty -executable -readable -writable -nogroup -nouser -false -sparse";

/// Tests and options with a value that do not narrow it.
const WIDE_VALUE: &str = "-maxdepth -mindepth -regextype -type -fstype -printf";

/// Tests with a value that narrow it.
const NARROW_VALUE: &str = "-amin -anewer -atime -cmin -cnewer -ctime -gid -group -ilname -iname -inum -ipath -iregex \
    -iwholename -links -lname -mmin -mtime -name -newer -path -perm -regex -samefile -size -uid -used -user \
    -wholename -xtype -context -flags -Bmin -Btime";

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut reader = Reader {
        ledger: Ledger::of(invocation),
        context: &invocation.context,
        starts: Vec::new(),
        narrowed: false,
        loose: false,
        deletes: None,
        prints_names: true,
        ending: None,
        matches_start: true,
    };
    let words = invocation.argv.get(1..).unwrap_or_default();
    let expression = reader.starts(words);
    reader.expression(expression);
    reader.finish()
}

/// The state of one reading.
struct Reader<'a> {
    ledger: Ledger,
    context: &'a Context,
    starts: Vec<Arg>,
    narrowed: bool,
    /// Whether an alternative or a negation stands in it, which makes any test wide again.
    loose: bool,
    /// Whether it deletes, and whether only what tests before that let through.
    deletes: Option<bool>,
    prints_names: bool,
    /// The end of every name that is matched, where `-name` says so.
    ending: Option<String>,
    /// Whether a starting point may itself be matched, as far as its kind and depth go.
    matches_start: bool,
}

impl Reader<'_> {
    /// Reads the options and starting points, and yields the rest.
    fn starts<'w>(&mut self, words: &'w [Arg]) -> &'w [Arg] {
        let mut at = 0;
        while let Some(text) = words.get(at).and_then(Arg::as_text) {
            match text {
                "-H" | "-L" | "-P" | "-E" | "-X" | "-s" | "--" => at += 1,
                "-D" | "-f" => at += 2,
                _ if text.starts_with("-O") => at += 1,
                _ => break,
            }
        }
        while let Some(word) = words.get(at) {
            if begins_expression(word) {
                break;
            }
            if word.has_unknown() && word.may_be_option() {
                self.uncertain_start(word);
            }
            self.starts.push(word.clone());
            at += 1;
        }
        words.get(at..).unwrap_or_default()
    }

    /// A starting point that might turn out to be part of the expression.
    fn uncertain_start(&mut self, word: &Arg) {
        let paths = word.parts.iter().any(|part| {
            matches!(part, Part::Unknown(unknown)
                if matches!(&unknown.from, Origin::PathsBelow(roots) if all_are_paths(roots)))
        });
        if word.splits && !paths {
            self.ledger.code(
                "starts",
                "searches from words that only the host knows, which may hold an action such as -delete",
            );
        } else if !paths {
            self.ledger.unknown(
                "starts",
                "searches from a word that only the host knows, which may be an action",
            );
        }
    }

    /// Reads the expression.
    fn expression(&mut self, words: &[Arg]) {
        let loosens = |word: &Arg| {
            matches!(
                word.as_text(),
                Some("-o" | "-or" | "!" | "-not" | "," | "(")
            )
        };
        self.loose = words.iter().any(loosens);
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let Some(text) = word.as_text() else {
                self.ledger.code(
                    "expression",
                    "searches by a word that only the host knows, which may be an action such as -delete",
                );
                return;
            };
            at += 1;
            at += match text {
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    self.exec(text, words.get(at..).unwrap_or_default())
                }
                "-delete" => {
                    self.deletes = Some(self.narrowed);
                    self.prints_names = false;
                    0
                }
                "-fls" | "-fprint" | "-fprint0" | "-fprintf" => self.writes(text, words, at),
                "-files0-from" => self.names_from(words.get(at)),
                _ => self.test(text, words.get(at)),
            };
        }
    }

    /// A test; yields how many words it takes.
    fn test(&mut self, text: &str, value: Option<&Arg>) -> usize {
        if listed(WIDE, text) {
            if text == "-ls" {
                self.prints_names = false;
            }
            return 0;
        }
        if listed(NARROW, text) {
            self.narrowed = true;
            return 0;
        }
        let compared = text.strip_prefix("-newer").is_some_and(|kinds| {
            kinds.len() == 2 && kinds.chars().all(|kind| "aBcmt".contains(kind))
        });
        if !(compared || listed(WIDE_VALUE, text) || listed(NARROW_VALUE, text)) {
            self.ledger.code(
                "test",
                "searches by a test that is not known and may be an action",
            );
            return 0;
        }
        let Some(value) = value else {
            self.ledger
                .unknown("test", "searches by a test whose value is missing");
            return 0;
        };
        if value.splits && !splits_harmlessly(value) {
            self.ledger.code(
                "test",
                "searches by words that only the host knows, which may hold an action such as -delete",
            );
        }
        let everything = matches!(value.as_text(), Some("*" | "**" | ".*"));
        if !listed(WIDE_VALUE, text) && !everything {
            self.narrowed = true;
        }
        match (text, value.as_text()) {
            ("-printf", _) => self.prints_names = false,
            ("-name", Some(pattern)) => self.ending = literal_end(pattern),
            ("-mindepth", _) => self.matches_start = false,
            ("-type", Some(kinds)) => self.matches_start &= kinds.contains('d'),
            _ => {}
        }
        1
    }

    /// An action that writes a file; yields how many words it takes.
    fn writes(&mut self, action: &str, words: &[Arg], at: usize) -> usize {
        let Some(path) = words.get(at) else {
            self.ledger
                .unknown(action, "writes a file whose name is missing");
            return 0;
        };
        self.ledger
            .path(EffectKind::Overwrites, path.clone(), action);
        self.prints_names = false;
        if action == "-fprintf" { 2 } else { 1 }
    }

    /// `-files0-from`: the starting points stand in a file.
    fn names_from(&mut self, file: Option<&Arg>) -> usize {
        if let Some(file) = file
            && !file.as_text().is_some_and(is_stdin)
        {
            self.ledger.reads(file.clone(), "-files0-from");
        }
        self.starts.push(Arg::unknown(Origin::Input, false));
        1
    }

    /// `-exec` and its like; yields how many words it takes.
    fn exec(&mut self, action: &str, words: &[Arg]) -> usize {
        self.prints_names = false;
        let end = words.iter().position(|word| word.as_text() == Some(";"));
        let plus = words
            .windows(2)
            .position(|pair| pair[0].as_text() == Some("{}") && pair[1].as_text() == Some("+"));
        let (length, taken) = match (end, plus) {
            (Some(end), Some(plus)) if plus + 1 < end => (plus + 1, plus + 2),
            (Some(end), _) => (end, end + 1),
            (None, Some(plus)) => (plus + 1, plus + 2),
            (None, None) => (words.len(), words.len()),
        };
        let with = |matched: &[Part]| -> Vec<Arg> {
            words[..length]
                .iter()
                .map(|word| replaced(word, "{}", matched))
                .collect()
        };
        let argv = with(&self.named_matches());
        if argv.iter().any(|word| word.splits && word.has_unknown()) {
            self.ledger.code(
                action,
                "runs a command with words that only the host knows, which may hold another action",
            );
        }
        if argv.is_empty() {
            self.ledger
                .unknown(action, "runs a command that is missing");
        }
        let context = action.ends_with("dir").then(|| Context {
            directories: Vec::new(),
            ..self.context.clone()
        });
        if action.starts_with("-ok") {
            self.ledger.says(
                EffectKind::Interactive,
                RiskLevel::High,
                action,
                "asks a person before each command",
            );
        }
        if self.loose || (self.matches_start && !self.narrowed) {
            for start in self.start_texts() {
                self.ledger
                    .runs(with(&[Part::Text(start)]), None, context.clone());
            }
        }
        self.ledger.runs(argv, None, context);
        taken
    }

    /// The starting points, where all of them are known.
    fn start_texts(&self) -> Vec<String> {
        match self.matches() {
            Origin::PathsBelow(roots) => roots,
            _ => Vec::new(),
        }
    }

    /// What `{}` stands for, with the beginning and the end that every match has.
    fn named_matches(&self) -> Vec<Part> {
        let from = self.matches();
        let mut parts = unknown(&from);
        let (Origin::PathsBelow(roots), Some(ending)) = (&from, &self.ending) else {
            return parts;
        };
        if let [root] = roots.as_slice()
            && !self.loose
            && !root.trim_end_matches('/').ends_with(ending.as_str())
        {
            // What begins with the root is known to be below it; of other words only that it is no option.
            if root.starts_with('/') {
                parts.push(Part::Text("/".to_owned()));
                parts.extend(unknown(&from));
            } else {
                parts.insert(0, Part::Text(format!("{}/", root.trim_end_matches('/'))));
            }
            parts.push(Part::Text(ending.clone()));
        }
        parts
    }

    /// What `{}` stands for.
    fn matches(&self) -> Origin {
        let roots: Option<Vec<String>> = if self.starts.is_empty() {
            Some(vec![".".to_owned()])
        } else {
            self.starts
                .iter()
                .map(|start| start.as_text().map(str::to_owned))
                .collect()
        };
        roots.map_or(Origin::Input, Origin::PathsBelow)
    }

    /// What was found.
    fn finish(mut self) -> Outcome {
        if self.starts.is_empty() {
            self.starts.push(Arg::text("."));
        }
        if let Some(narrowed) = self.deletes {
            for start in self.starts.clone() {
                let found = self.deletion(start, narrowed && !self.loose);
                self.ledger.add(found);
            }
        }
        if self.prints_names
            && let Origin::PathsBelow(roots) = self.matches()
        {
            self.ledger.prints(Output::PathsBelow(roots));
        }
        self.ledger.finish()
    }

    /// `-delete` below one starting point.
    fn deletion(&self, start: Arg, narrowed: bool) -> Found {
        let shown = start.shown();
        let (kind, sentence) = if narrowed {
            let sentence = format!("deletes files below {shown} that match");
            (EffectKind::Deletes, sentence)
        } else {
            let sentence = format!("deletes everything below {shown}");
            (EffectKind::DeletesTree, sentence)
        };
        Found {
            recursive: true,
            ..Found::to(kind, Target::Path(start), self.ledger.rule("delete"))
        }
        .saying(sentence)
    }
}

/// Whether a word begins the expression.
fn begins_expression(word: &Arg) -> bool {
    let beginning = word.beginning();
    (beginning.starts_with('-') && (beginning.len() > 1 || word.parts.len() > 1))
        || matches!(word.as_text(), Some("(" | ")" | "!" | ","))
}

/// Whether paths below these directories begin with a slash or a dot, and so are no options.
fn all_are_paths(roots: &[String]) -> bool {
    !roots.is_empty()
        && roots
            .iter()
            .all(|root| root.starts_with('/') || root.starts_with('.'))
}

/// What every name ends with that a pattern matches; nothing where that is not plain text.
fn literal_end(pattern: &str) -> Option<String> {
    let end = pattern.rsplit('*').next()?;
    let plain =
        !end.is_empty() && !end.contains(['?', '[', ']', '\\', '/']) && end != "." && end != "..";
    plain.then(|| end.to_owned())
}

/// Whether a word that may become several cannot become an action: an unquoted file pattern with a dot or a slash in
/// it, or one that begins with other text than a dash.
fn splits_harmlessly(word: &Arg) -> bool {
    let shown = word.shown();
    !word.has_unknown() && !shown.starts_with('-') && {
        let first_is_text = !matches!(word.parts.first(), Some(Part::Pattern(pattern))
            if pattern.starts_with(['*', '?', '[']));
        first_is_text || shown.contains(['.', '/'])
    }
}
