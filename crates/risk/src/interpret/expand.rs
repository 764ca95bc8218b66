//! Word expansion: a word of the tree becomes the words that a command gets, in the order in which a shell does it:
//! braces, tilde, parameters, substitutions and arithmetic, splitting, file patterns, removal of quotes. File patterns
//! stay patterns, and what is not known stays unknown.

use std::borrow::Cow;

use watchkeeper_model::{EffectKind, RiskLevel};
use watchkeeper_shell::{Braces, Piece, Word};

use super::braces;
use super::limits::MOST_BRACE_WORDS;
use super::parameter::Got;
use super::pattern::{Pattern, push_live};
use super::state::State;
use super::value::{Held, Printed, Value, any_of, push_text, unknown_of};
use super::walk::Walker;
use crate::word::{Arg, Origin, Part, Unknown};

/// A word that a command gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) arg: Arg,
    /// How it was hidden, where any of it was.
    pub(super) hidden: Option<&'static str>,
}

impl Field {
    pub(super) fn into_value(self) -> Value {
        Value {
            parts: self.arg.parts,
            hidden: self.hidden,
        }
    }
}

/// At what text is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Separators {
    /// Blank, tab and new line.
    Blanks,
    /// These characters.
    These(String),
}

impl Separators {
    fn is(&self, c: char) -> bool {
        match self {
            Self::Blanks => is_blank(c),
            Self::These(set) => set.contains(c),
        }
    }
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

/// The words as they grow.
struct Builder {
    done: Vec<Field>,
    current: Field,
    /// Whether the current word is there, even if it is empty.
    begun: bool,
    /// Whether the last word ended at a blank, so that a separator that follows belongs to the same gap.
    after_blank: bool,
    /// Whether nothing is split and no pattern is live: an assignment, the word of a `case`.
    single: bool,
}

impl Builder {
    fn new(single: bool) -> Self {
        Self {
            done: Vec::new(),
            current: Field::default(),
            begun: false,
            after_blank: false,
            single,
        }
    }

    fn plain(&mut self, text: &str) {
        if self.single {
            push_text(&mut self.current.arg.parts, text);
        } else if push_live(&mut self.current.arg.parts, text) {
            self.current.arg.splits = true;
        }
        self.begun = true;
    }

    fn quoted(&mut self, text: &str) {
        push_text(&mut self.current.arg.parts, text);
        self.begun = true;
    }

    fn quoted_value(&mut self, value: &Value) {
        for part in &value.parts {
            match part {
                Part::Text(text) => push_text(&mut self.current.arg.parts, text),
                other => self.current.arg.parts.push(other.clone()),
            }
        }
        self.current.hidden = self.current.hidden.or(value.hidden);
        self.begun = true;
    }

    /// What stands unquoted: it is split, and patterns in it are live.
    fn split(&mut self, value: &Value, separators: &Separators) {
        if self.single {
            self.quoted_value(value);
            return;
        }
        for part in &value.parts {
            match part {
                Part::Text(text) => self.split_text(text, value.hidden, separators),
                Part::Unknown(unknown) => {
                    self.current.arg.splits |= !unknown.plain;
                    let blanks = matches!(separators, Separators::Blanks);
                    // Split in the middle, a name may begin with a dash.
                    self.current.arg.parts.push(match unknown.from {
                        Origin::PlainWords if !blanks => Part::Unknown(Unknown {
                            from: Origin::Output,
                            ..unknown.clone()
                        }),
                        _ => part.clone(),
                    });
                    self.begun = true;
                }
                Part::Pattern(_) => {
                    self.current.arg.splits = true;
                    self.current.arg.parts.push(part.clone());
                    self.begun = true;
                }
            }
            if self.begun {
                self.current.hidden = self.current.hidden.or(value.hidden);
            }
        }
    }

    fn split_text(&mut self, text: &str, hidden: Option<&'static str>, separators: &Separators) {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c| separators.is(c)).unwrap_or(rest.len());
            if end > 0 {
                self.current.arg.splits |= push_live(&mut self.current.arg.parts, &rest[..end]);
                self.current.hidden = self.current.hidden.or(hidden);
                self.begun = true;
                self.after_blank = false;
            }
            let Some(c) = rest[end..].chars().next() else {
                break;
            };
            if is_blank(c) {
                if self.begun {
                    self.end_word();
                    self.after_blank = true;
                }
            } else if self.after_blank {
                self.after_blank = false;
            } else {
                self.begun = true;
                self.end_word();
            }
            rest = &rest[end + c.len_utf8()..];
        }
    }

    /// `"$@"` and its like: each is a word of its own.
    fn each(&mut self, values: &[Value]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                if self.single {
                    self.quoted(" ");
                } else {
                    self.end_word();
                }
            }
            self.quoted_value(value);
        }
    }

    fn end_word(&mut self) {
        if self.begun {
            self.done.push(std::mem::take(&mut self.current));
        }
        self.begun = false;
    }
}

impl<'a> Walker<'a> {
    /// The words that words become.
    pub(super) fn words(&mut self, words: &'a [Word], state: &mut State<'a>) -> Vec<Field> {
        let mut fields = Vec::with_capacity(words.len());
        for word in words {
            self.word(word, state, &mut fields);
        }
        fields
    }

    pub(super) fn word(&mut self, word: &'a Word, state: &mut State<'a>, into: &mut Vec<Field>) {
        let before = into.len();
        if braces::has_braces(word) {
            let Some(words) = braces::expand(word) else {
                self.limit("words of one brace expansion", MOST_BRACE_WORDS, state);
                let arg = Arg::unknown(Origin::Output, true);
                into.push(Field { arg, hidden: None });
                return;
            };
            for pieces in words {
                if self.stopped {
                    return;
                }
                let mut builder = Builder::new(false);
                for piece in pieces {
                    match piece {
                        Cow::Borrowed(piece) => self.piece(piece, &mut builder, state),
                        Cow::Owned(Piece::Plain(text)) => builder.plain(&text),
                        Cow::Owned(_) => {}
                    }
                }
                builder.end_word();
                into.append(&mut builder.done);
            }
        } else {
            let mut builder = Builder::new(false);
            for (index, piece) in word.pieces.iter().enumerate() {
                if opens_class(&word.pieces[index..]) {
                    builder
                        .current
                        .arg
                        .parts
                        .push(Part::Pattern("*".to_owned()));
                    builder.current.arg.splits = true;
                    builder.begun = true;
                    break;
                }
                self.piece(piece, &mut builder, state);
            }
            builder.end_word();
            into.append(&mut builder.done);
        }
        let bytes = into[before..]
            .iter()
            .map(|field| bytes_of(&field.arg))
            .sum();
        self.spend(bytes, state);
    }

    /// What a word says where nothing is split: an assignment, a redirection's text, the word of a `case`.
    pub(super) fn single(&mut self, word: &'a Word, state: &mut State<'a>) -> Value {
        let mut builder = Builder::new(true);
        for piece in &word.pieces {
            self.piece(piece, &mut builder, state);
        }
        let mut value = builder.current.into_value();
        value.bound();
        self.spend(value.bytes(), state);
        value
    }

    /// `"$@"`.
    pub(super) fn positional_fields(&mut self, state: &mut State<'a>) -> Vec<Field> {
        match self.positional_list(state) {
            Some(values) => values
                .into_iter()
                .map(|value| Field {
                    hidden: value.hidden,
                    arg: value.into_arg(),
                })
                .collect(),
            None => vec![Field {
                arg: Arg::unknown(Origin::Variable("@".to_owned()), true),
                hidden: None,
            }],
        }
    }

    fn piece(&mut self, piece: &'a Piece, builder: &mut Builder, state: &mut State<'a>) {
        match piece {
            Piece::Plain(text) => builder.plain(text),
            Piece::Quoted(text) => builder.quoted(text),
            Piece::Tilde(text) => {
                let value = self.tilde(text, state);
                builder.quoted_value(&value);
            }
            Piece::Parameter(parameter) => {
                let got = self.parameter(parameter, state);
                self.got(got, parameter.quoted, builder, state);
            }
            Piece::Substitution { script, quoted } => {
                let printed = self.substitution(script, state);
                let value = self.one_of(printed).without_final_newlines();
                self.placed(&value, *quoted, builder, state);
            }
            Piece::Process { output, script } => {
                let path = self.process(*output, script, state);
                builder.quoted(&path);
            }
            Piece::Arithmetic { expression, quoted } => {
                let value = match self.arithmetic_word(expression, state) {
                    Some(number) => Value::text(number.to_string()),
                    None => Value::plain(Origin::Output),
                };
                self.placed(&value, *quoted, builder, state);
            }
            Piece::Braces(braces) => self.literal_braces(braces, builder, state),
        }
    }

    fn got(&mut self, got: Got<'a>, quoted: bool, builder: &mut Builder, state: &mut State<'a>) {
        match got {
            Got::One(value) => self.placed(&value, quoted, builder, state),
            Got::Nothing => builder.begun |= quoted,
            Got::Each(values) if quoted => builder.each(&values),
            Got::Each(values) => {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        if builder.single {
                            builder.quoted(" ");
                        } else {
                            builder.end_word();
                        }
                    }
                    self.placed(value, false, builder, state);
                }
            }
            Got::Some(value) => {
                builder.quoted_value(&value);
                builder.current.arg.splits = true;
            }
            Got::Word(word) if quoted => {
                let value = self.single(word, state);
                builder.quoted_value(&value);
            }
            Got::Word(word) => {
                for piece in &word.pieces {
                    match piece {
                        Piece::Plain(text) => {
                            self.placed(&Value::text(text.as_str()), false, builder, state);
                        }
                        piece => self.piece(piece, builder, state),
                    }
                }
            }
        }
    }

    fn placed(
        &mut self,
        value: &Value,
        quoted: bool,
        builder: &mut Builder,
        state: &mut State<'a>,
    ) {
        if quoted || builder.single {
            builder.quoted_value(value);
        } else {
            let separators = self.separators(state);
            builder.split(value, &separators);
        }
    }

    /// At what unquoted text is split now.
    pub(super) fn separators(&mut self, state: &State<'a>) -> Separators {
        let Some(variable) = state.variable("IFS") else {
            return Separators::Blanks;
        };
        match variable.held.as_slice() {
            [Held::Unset] => Separators::Blanks,
            [Held::Scalar(value)] if value.as_text().is_some() => {
                Separators::These(value.as_text().unwrap_or_default().to_owned())
            }
            _ => {
                self.flag(
                    EffectKind::RunsCode,
                    RiskLevel::High,
                    "shell.unknown_separators",
                    "splits words at characters that are not known",
                    state,
                );
                Separators::Blanks
            }
        }
    }

    /// One of the texts that are possible.
    pub(super) fn one_of(&mut self, printed: Printed) -> Value {
        let count = printed.0.len();
        match self.choices.choose(count) {
            Some(index) => printed.0.into_iter().nth(index).unwrap_or_default(),
            None => unknown_of(printed.0.iter()),
        }
    }

    fn substitution(
        &mut self,
        script: &'a watchkeeper_shell::Script,
        state: &State<'a>,
    ) -> Printed {
        let mut printed = self.subshell(script, state);
        if let [item] = script.items.as_slice()
            && item.rest.is_empty()
            && let [watchkeeper_shell::Command::Simple(simple)] = item.first.commands.as_slice()
            && simple.words.is_empty()
            && let [redirect] = simple.redirects.as_slice()
            && let watchkeeper_shell::RedirectKind::Read(word) = &redirect.kind
        {
            // `$(<file)` is what the file says.
            let path = word.as_literal().unwrap_or_default();
            let unknown = || vec![Value::unknown(Origin::Input)];
            printed = Printed(self.file_values(&path, state).unwrap_or_else(unknown));
        }
        printed
    }

    /// `<(…)` and `>(…)`: the name of a descriptor.
    fn process(
        &mut self,
        output: bool,
        script: &'a watchkeeper_shell::Script,
        state: &State<'a>,
    ) -> String {
        let mut inner = state.clone();
        if output {
            inner.set_stdin(super::state::Stdin::Value(Value::unknown(Origin::Input)));
        }
        self.forks += 1;
        let printed = self.subshell(script, &inner);
        self.forks -= 1;
        let path = format!("/dev/fd/{}", self.descriptor);
        self.descriptor = self.descriptor.saturating_sub(1);
        if !output {
            let values = if printed.is_nothing() {
                vec![Value::default()]
            } else {
                printed.0
            };
            self.files.insert(path.clone(), values);
        }
        path
    }

    fn tilde(&mut self, text: &str, state: &mut State<'a>) -> Value {
        let name = text.strip_prefix('~').unwrap_or(text);
        match name {
            "" => match state.variable("HOME") {
                Some(variable) => any_of("HOME", &variable.held),
                None => self.home(state),
            },
            "+" => match state.context.directories.as_slice() {
                [one] => Value::text(one.as_str()),
                _ => Value::unknown(Origin::Variable("PWD".to_owned())),
            },
            "-" => match state.previous.as_slice() {
                [one] => Value::text(one.as_str()),
                _ => Value::unknown(Origin::Variable("OLDPWD".to_owned())),
            },
            "root" => Value::text("/root"),
            name => Value::text(format!("/home/{name}")),
        }
    }

    /// The home of the account that runs commands here.
    pub(super) fn home(&self, state: &State<'a>) -> Value {
        let context = &state.context;
        match context.account.as_deref() {
            Some("root") => Value::text("/root"),
            Some(account) if !account.is_empty() && !account.contains('/') => {
                Value::text(format!("/home/{account}"))
            }
            None if context.elsewhere.is_empty() => match self.facts.start_directories().as_slice()
            {
                [one] => Value::text(one.as_str()),
                _ => Value::unknown(Origin::Variable("HOME".to_owned())),
            },
            _ => Value::unknown(Origin::Variable("HOME".to_owned())),
        }
    }

    /// Braces where they are not expanded.
    fn literal_braces(&mut self, braces: &'a Braces, builder: &mut Builder, state: &mut State<'a>) {
        match braces {
            Braces::Range { from, to, step } => {
                let step = step
                    .as_ref()
                    .map_or_else(String::new, |step| format!("..{step}"));
                builder.quoted(&format!("{{{from}..{to}{step}}}"));
            }
            Braces::List(words) => {
                builder.quoted("{");
                for (index, word) in words.iter().enumerate() {
                    if index > 0 {
                        builder.quoted(",");
                    }
                    for piece in &word.pieces {
                        self.piece(piece, builder, state);
                    }
                }
                builder.quoted("}");
            }
        }
    }

    /// A word as a pattern, where it is known.
    pub(super) fn pattern(&mut self, word: &'a Word, state: &mut State<'a>) -> Option<Pattern> {
        let mut pattern = Pattern::default();
        let mut known = true;
        for piece in &word.pieces {
            match piece {
                Piece::Plain(text) => known &= pattern.push_live(text),
                Piece::Quoted(text) => pattern.push_quoted(text),
                piece => {
                    let mut builder = Builder::new(true);
                    self.piece(piece, &mut builder, state);
                    let value = builder.current.into_value();
                    let quoted = matches!(piece, Piece::Parameter(p) if p.quoted)
                        || matches!(piece, Piece::Substitution { quoted: true, .. });
                    match value.as_text() {
                        Some(text) if quoted => pattern.push_quoted(text),
                        Some(text) => known &= pattern.push_live(text),
                        None => known = false,
                    }
                }
            }
        }
        known.then_some(pattern)
    }
}

/// Whether a `[…]` begins in the first piece and ends in a later one, with quoted text between.
fn opens_class(pieces: &[Piece]) -> bool {
    let [Piece::Plain(first), rest @ ..] = pieces else {
        return false;
    };
    let open = first
        .rfind('[')
        .is_some_and(|at| !first[at + 1..].contains(']'));
    open && rest
        .iter()
        .any(|piece| matches!(piece, Piece::Plain(text) if text.contains(']')))
}

fn bytes_of(arg: &Arg) -> usize {
    arg.parts
        .iter()
        .map(|part| match part {
            Part::Text(text) | Part::Pattern(text) => text.len(),
            Part::Unknown(_) => 1,
        })
        .sum()
}
