//! Which markers a tree shows: the numbers behind every command called `mark`, and behind every command whose name
//! is not literal.

use std::collections::BTreeSet;

use watchkeeper_shell::{
    AssignedValue, Assignment, Braces, Command, Compound, Operation, Piece, Pipeline, Redirect,
    RedirectKind, Script, Simple, Test, Word,
};

/// The markers that can be run, as far as a tree shows.
pub(crate) fn visible(script: &Script) -> Seen {
    let mut seen = Seen::default();
    seen.script(script);
    seen
}

/// What a tree shows.
#[derive(Default)]
pub(crate) struct Seen {
    numbers: BTreeSet<String>,
    /// Whether a marker is run whose number is not literal.
    any: bool,
}

impl Seen {
    /// Whether the tree shows the command that ran a marker.
    pub(crate) fn shows(&self, number: &str) -> bool {
        self.any || self.numbers.contains(number)
    }

    fn script(&mut self, script: &Script) {
        for item in &script.items {
            self.pipeline(&item.first);
            for (_, pipeline) in &item.rest {
                self.pipeline(pipeline);
            }
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        for command in &pipeline.commands {
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound { body, redirects } => {
                self.compound(body);
                self.redirects(redirects);
            }
            Command::Function { body, .. } | Command::Coprocess { body, .. } => self.command(body),
        }
    }

    fn simple(&mut self, simple: &Simple) {
        for assignment in &simple.assignments {
            self.assignment(assignment);
        }
        self.redirects(&simple.redirects);
        for word in &simple.words {
            self.word(word);
        }
        let Some(name) = simple.words.first() else {
            return;
        };
        match name.as_literal() {
            Some(name) if name == "mark" => {
                let Some(number) = simple.words.get(1) else {
                    self.numbers.insert(String::new());
                    return;
                };
                if let Some(number) = number.as_literal() {
                    self.insert(&number);
                } else {
                    self.any = true;
                }
            }
            Some(_) => {}
            None => simple
                .words
                .iter()
                .take(2)
                .for_each(|word| self.numbers(word)),
        }
    }

    /// The marker writes down only digits, up to the underscore that ends a number.
    fn insert(&mut self, number: &str) {
        self.numbers.insert(
            number
                .split('_')
                .next()
                .unwrap_or_default()
                .chars()
                .filter(char::is_ascii_digit)
                .collect(),
        );
    }

    /// Every literal in a word whose command is not known: any of them may be the marker's.
    fn numbers(&mut self, word: &Word) {
        for piece in &word.pieces {
            match piece {
                Piece::Plain(text) | Piece::Quoted(text) => self.insert(text),
                Piece::Braces(Braces::List(parts)) => {
                    parts.iter().for_each(|part| self.numbers(part));
                }
                // With part of it dynamic, the number can be any.
                _ => self.any = true,
            }
        }
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.maybe(assignment.index.as_ref());
        match &assignment.value {
            AssignedValue::Scalar(word) => self.word(word),
            AssignedValue::Array(elements) => {
                for (index, word) in elements {
                    self.maybe(index.as_ref());
                    self.word(word);
                }
            }
        }
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
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
                | RedirectKind::HereDocument(word) => self.word(word),
            }
        }
    }

    fn compound(&mut self, compound: &Compound) {
        match compound {
            Compound::Group(script) | Compound::Subshell(script) => self.script(script),
            Compound::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    self.script(condition);
                    self.script(body);
                }
                otherwise.iter().for_each(|body| self.script(body));
            }
            Compound::Loop {
                condition, body, ..
            } => {
                self.script(condition);
                self.script(body);
            }
            Compound::For { words, body, .. } => {
                words.iter().flatten().for_each(|word| self.word(word));
                self.script(body);
            }
            Compound::ArithmeticFor { expressions, body } => {
                expressions.iter().for_each(|word| self.word(word));
                self.script(body);
            }
            Compound::Case { word, arms } => {
                self.word(word);
                for arm in arms {
                    arm.patterns.iter().for_each(|word| self.word(word));
                    self.script(&arm.body);
                }
            }
            Compound::Arithmetic(word) => self.word(word),
            Compound::Test(test) => self.test(test),
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Unary(_, word) => self.word(word),
            Test::Binary(left, _, right) => {
                self.word(left);
                self.word(right);
            }
            Test::Not(inner) => self.test(inner),
            Test::And(left, right) | Test::Or(left, right) => {
                self.test(left);
                self.test(right);
            }
        }
    }

    fn maybe(&mut self, word: Option<&Word>) {
        if let Some(word) = word {
            self.word(word);
        }
    }

    fn word(&mut self, word: &Word) {
        for piece in &word.pieces {
            match piece {
                Piece::Plain(_)
                | Piece::Quoted(_)
                | Piece::Tilde(_)
                | Piece::Braces(Braces::Range { .. }) => {}
                Piece::Substitution { script, .. } | Piece::Process { script, .. } => {
                    self.script(script);
                }
                Piece::Arithmetic { expression, .. } => self.word(expression),
                Piece::Braces(Braces::List(parts)) => parts.iter().for_each(|part| self.word(part)),
                Piece::Parameter(parameter) => {
                    self.maybe(parameter.index.as_deref());
                    self.operation(&parameter.operation);
                }
            }
        }
    }

    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Default(_, word)
            | Operation::Assign(_, word)
            | Operation::Fail(_, word)
            | Operation::Alternative(_, word)
            | Operation::CutPrefix(_, word)
            | Operation::CutSuffix(_, word) => self.word(word),
            Operation::Slice(offset, length) => {
                self.word(offset);
                self.maybe(length.as_deref());
            }
            Operation::Replace {
                pattern,
                replacement,
                ..
            } => {
                self.word(pattern);
                self.maybe(replacement.as_deref());
            }
            Operation::Case(_, pattern) => self.maybe(pattern.as_deref()),
            Operation::Get
            | Operation::Length
            | Operation::Transform(_)
            | Operation::NamesBeginningWith
            | Operation::Keys => {}
        }
    }
}
