//! The tree of `brush-parser`, lowered. It is the primary one. Its tokens are taken without its cache; two opening
//! parentheses that do not touch are kept apart with a new line, because it takes them for arithmetic.

mod conditions;
mod redirects;

use brush_parser::{ParserOptions, SourceSpan, Token, ast};

use crate::reader::{Kind, Reader, may_declare};
use crate::refusal::{Parser, Refusal, contained};
use crate::tree::{
    ArmEnd, CaseArm, Command, Compound, Connector, Item, Operation, Piece, Pipeline, Redirect,
    Script, Simple, Word,
};

/// The script that a text is.
pub(crate) fn script(text: &str, reader: Reader) -> Result<Script, Refusal> {
    let program = program(text)?;
    let lowering = Lowering::new(text, reader);
    let mut script = Script::default();
    for list in &program.complete_commands {
        script.items.extend(lowering.list(list)?.items);
    }
    Ok(script)
}

/// The script in a text that is one subshell and nothing else; nothing where it is not.
pub(crate) fn subshell(text: &str, reader: Reader) -> Result<Option<Script>, Refusal> {
    let program = program(text)?;
    let lowering = Lowering::new(text, reader);
    let [list] = program.complete_commands.as_slice() else {
        return Ok(None);
    };
    let [ast::CompoundListItem(and_or, ast::SeparatorOperator::Sequence)] = list.0.as_slice()
    else {
        return Ok(None);
    };
    match and_or.first.seq.as_slice() {
        [ast::Command::Compound(ast::CompoundCommand::Subshell(subshell), None)]
            if and_or.additional.is_empty()
                && and_or.first.timed.is_none()
                && !and_or.first.bang
                && lowering.is_all(&subshell.loc) =>
        {
            Ok(Some(lowering.list(&subshell.list)?))
        }
        _ => Ok(None),
    }
}

fn program(text: &str) -> Result<ast::Program, Refusal> {
    let options = ParserOptions {
        enable_extended_globbing: false,
        ..ParserOptions::default()
    };
    // On some here-documents in substitutions without an end its tokenizer panics.
    contained(Parser::Brush, || {
        let tokens = brush_parser::uncached_tokenize_str(text, &options.tokenizer_options())
            .map_err(|err| Refusal::unparsable(Parser::Brush, &err.to_string()))?;
        brush_parser::parse_tokens(&parted(tokens), &options)
            .map_err(|err| Refusal::unparsable(Parser::Brush, &err.to_string()))
    })
}

/// The tokens with a new line between opening parentheses that do not touch, and between `esac` and a closing one,
/// which would be taken for a pattern.
fn parted(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let part = match (out.last(), &token) {
            (Some(Token::Operator(before, left)), Token::Operator(now, right)) => {
                before == "(" && now == "(" && left.end.index != right.start.index
            }
            (Some(Token::Word(before, _)), Token::Operator(now, _)) => {
                before == "esac" && now == ")"
            }
            _ => false,
        };
        if part {
            out.push(Token::Operator(
                String::from("\n"),
                token.location().clone(),
            ));
        }
        out.push(token);
    }
    out
}

/// A text without what joins lines before it, which the tokenizer counts to the token.
fn without_continuations(text: &str) -> &str {
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        match trimmed.strip_prefix("\\\n") {
            Some(next) => rest = next,
            None => return trimmed,
        }
    }
}

struct Lowering {
    source: Vec<char>,
    reader: Reader,
}

impl Lowering {
    fn new(text: &str, reader: Reader) -> Self {
        Self {
            source: text.chars().collect(),
            reader,
        }
    }

    fn is_all(&self, span: &SourceSpan) -> bool {
        span.start.index == 0 && span.end.index == self.source.len()
    }

    fn text(&self, span: &SourceSpan) -> Option<String> {
        let text = self.source.get(span.start.index..span.end.index)?;
        Some(text.iter().collect())
    }

    /// A word as it was written: its token has lost blanks and here-documents inside of substitutions.
    fn raw(&self, word: &ast::Word) -> String {
        let same_ends = |written: &String| {
            written.chars().next() == word.value.chars().next()
                && written.chars().next_back() == word.value.chars().next_back()
        };
        word.loc
            .as_ref()
            .and_then(|span| self.text(span))
            .map(|written| without_continuations(&written).to_owned())
            .filter(same_ends)
            .unwrap_or_else(|| word.value.clone())
    }

    fn word(&self, word: &ast::Word, kind: Kind) -> Result<Word, Refusal> {
        self.reader.word(&self.raw(word), kind)
    }

    fn list(&self, list: &ast::CompoundList) -> Result<Script, Refusal> {
        let mut items = Vec::with_capacity(list.0.len());
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            let mut rest = Vec::new();
            for more in &and_or.additional {
                rest.push(match more {
                    ast::AndOr::And(pipeline) => (Connector::And, self.pipeline(pipeline)?),
                    ast::AndOr::Or(pipeline) => (Connector::Or, self.pipeline(pipeline)?),
                });
            }
            items.push(Item {
                first: self.pipeline(&and_or.first)?,
                rest,
                background: matches!(separator, ast::SeparatorOperator::Async),
            });
        }
        Ok(Script { items })
    }

    fn pipeline(&self, pipeline: &ast::Pipeline) -> Result<Pipeline, Refusal> {
        if let Some(ast::Command::Simple(ast::SimpleCommand {
            prefix: None,
            word_or_name: Some(name),
            ..
        })) = pipeline.seq.first()
            && (name.value == "time" || (pipeline.timed.is_some() && name.value == "--"))
        {
            return Err(Refusal::unsupported("`time` before `time` or behind `!`"));
        }
        Ok(Pipeline {
            timed: pipeline.timed.is_some(),
            negated: pipeline.bang,
            commands: pipeline
                .seq
                .iter()
                .map(|command| self.command(command))
                .collect::<Result<_, _>>()?,
        })
    }

    fn command(&self, command: &ast::Command) -> Result<Command, Refusal> {
        match command {
            ast::Command::Simple(simple) => match self.declaration(simple)? {
                Some(declaration) => Ok(declaration),
                None => Ok(Command::Simple(self.simple(simple)?)),
            },
            ast::Command::Compound(compound, redirects) => {
                self.compound(compound, redirects.as_ref())
            }
            ast::Command::Function(function) => Ok(Command::Function {
                name: self.raw(&function.fname),
                body: Box::new(self.compound(&function.body.0, function.body.1.as_ref())?),
            }),
            ast::Command::ExtendedTest(test, redirects) => Ok(Command::Compound {
                body: Compound::Test(self.test(&test.expr)?),
                redirects: self.redirects(redirects.as_ref())?,
            }),
        }
    }

    fn compound(
        &self,
        compound: &ast::CompoundCommand,
        redirects: Option<&ast::RedirectList>,
    ) -> Result<Command, Refusal> {
        use ast::CompoundCommand as C;
        let redirects = self.redirects(redirects)?;
        let body = match compound {
            C::Coprocess(coprocess) => {
                if !redirects.is_empty() {
                    return Err(Refusal::unsupported("redirections of a coprocess"));
                }
                let name = coprocess.name.as_ref().map(|name| self.raw(name));
                let body = Box::new(self.command(&coprocess.body)?);
                return Ok(Command::Coprocess { name, body });
            }
            C::Arithmetic(arithmetic) => {
                let written = self.text(&arithmetic.loc).unwrap_or_default();
                let inner = written
                    .strip_prefix("((")
                    .and_then(|rest| rest.strip_suffix("))"))
                    .ok_or(Refusal::unsupported(
                        "parentheses that may not be arithmetic",
                    ))?;
                Compound::Arithmetic(self.reader.arithmetic(inner)?)
            }
            C::ArithmeticForClause(clause) => {
                let part = |part: &Option<ast::UnexpandedArithmeticExpr>| {
                    self.reader
                        .arithmetic(part.as_ref().map_or("", |part| &part.value))
                };
                Compound::ArithmeticFor {
                    expressions: [
                        part(&clause.initializer)?,
                        part(&clause.condition)?,
                        part(&clause.updater)?,
                    ],
                    body: self.list(&clause.body.list)?,
                }
            }
            C::BraceGroup(group) => Compound::Group(self.list(&group.list)?),
            C::Subshell(subshell) => Compound::Subshell(self.list(&subshell.list)?),
            C::ForClause(clause) => self.for_clause(clause)?,
            C::CaseClause(clause) => self.case(clause)?,
            C::IfClause(clause) => self.if_clause(clause)?,
            C::WhileClause(clause) | C::UntilClause(clause) => Compound::Loop {
                until: matches!(compound, C::UntilClause(_)),
                condition: self.list(&clause.0)?,
                body: self.list(&clause.1.list)?,
            },
        };
        Ok(Command::Compound { body, redirects })
    }

    fn for_clause(&self, clause: &ast::ForClauseCommand) -> Result<Compound, Refusal> {
        let words = match &clause.values {
            Some(words) => Some(self.words(words, Kind::Argument)?),
            None => None,
        };
        Ok(Compound::For {
            name: clause.variable_name.clone(),
            words: for_words(words),
            body: for_body(self.list(&clause.body.list)?),
        })
    }

    fn words(&self, words: &[ast::Word], kind: Kind) -> Result<Vec<Word>, Refusal> {
        words.iter().map(|word| self.word(word, kind)).collect()
    }

    fn case(&self, clause: &ast::CaseClauseCommand) -> Result<Compound, Refusal> {
        let mut arms = Vec::with_capacity(clause.cases.len());
        for case in &clause.cases {
            if case
                .patterns
                .first()
                .is_some_and(|pattern| pattern.value == "esac")
            {
                return Err(Refusal::unsupported("`esac` as a pattern"));
            }
            arms.push(CaseArm {
                patterns: self.words(&case.patterns, Kind::Single)?,
                body: match &case.cmd {
                    Some(list) => self.list(list)?,
                    None => Script::default(),
                },
                end: match case.post_action {
                    ast::CaseItemPostAction::ExitCase => ArmEnd::Break,
                    ast::CaseItemPostAction::UnconditionallyExecuteNextCaseItem => {
                        ArmEnd::FallThrough
                    }
                    ast::CaseItemPostAction::ContinueEvaluatingCases => ArmEnd::TestNext,
                },
            });
        }
        Ok(Compound::Case {
            word: self.word(&clause.value, Kind::Single)?,
            arms,
        })
    }

    fn if_clause(&self, clause: &ast::IfClauseCommand) -> Result<Compound, Refusal> {
        let mut branches = vec![(self.list(&clause.condition)?, self.list(&clause.then)?)];
        let mut otherwise = None;
        for part in clause.elses.iter().flatten() {
            match &part.condition {
                Some(condition) => branches.push((self.list(condition)?, self.list(&part.body)?)),
                None => otherwise = Some(self.list(&part.body)?),
            }
        }
        Ok(Compound::If {
            branches,
            otherwise,
        })
    }

    fn declaration(&self, command: &ast::SimpleCommand) -> Result<Option<Command>, Refusal> {
        if !command
            .word_or_name
            .as_ref()
            .is_some_and(|name| may_declare(&name.value))
        {
            return Ok(None);
        }
        let suffix = command.suffix.iter().flat_map(|suffix| &suffix.0);
        let mut plain = command.prefix.is_none();
        let mut raws: Vec<String> = command
            .word_or_name
            .iter()
            .map(|name| self.raw(name))
            .collect();
        for item in suffix {
            match item {
                ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word)
                | ast::CommandPrefixOrSuffixItem::Word(word) => raws.push(self.raw(word)),
                ast::CommandPrefixOrSuffixItem::IoRedirect(_)
                | ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => plain = false,
            }
        }
        let raws: Vec<&str> = raws.iter().map(String::as_str).collect();
        self.reader.declaration(&raws, plain)
    }

    fn simple(&self, command: &ast::SimpleCommand) -> Result<Simple, Refusal> {
        let mut simple = Simple::default();
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    simple.redirects.push(self.redirect(redirect)?);
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                    let assignment = self.reader.assignment(&self.raw(word))?;
                    simple
                        .assignments
                        .push(assignment.ok_or(Refusal::Disagreement)?);
                }
                ast::CommandPrefixOrSuffixItem::Word(_)
                | ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => {
                    return Err(Refusal::Disagreement);
                }
            }
        }
        if let Some(name) = &command.word_or_name {
            simple.words.push(self.word(name, Kind::Argument)?);
        }
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            match item {
                ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                    simple.redirects.push(self.redirect(redirect)?);
                }
                ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word)
                | ast::CommandPrefixOrSuffixItem::Word(word) => {
                    simple.words.push(self.word(word, Kind::Argument)?);
                }
                ast::CommandPrefixOrSuffixItem::ProcessSubstitution(kind, subshell) => {
                    simple.words.push(self.process(kind, subshell)?);
                }
            }
        }
        Ok(simple)
    }

    fn process(
        &self,
        kind: &ast::ProcessSubstitutionKind,
        subshell: &ast::SubshellCommand,
    ) -> Result<Word, Refusal> {
        let piece = Piece::Process {
            output: matches!(kind, ast::ProcessSubstitutionKind::Write),
            script: self.list(&subshell.list)?,
        };
        Ok(Word {
            pieces: vec![piece],
        })
    }

    fn redirects(&self, list: Option<&ast::RedirectList>) -> Result<Vec<Redirect>, Refusal> {
        list.iter()
            .flat_map(|list| &list.0)
            .map(|redirect| self.redirect(redirect))
            .collect()
    }
}

/// The body of a `for`: a group that is all of it says nothing, and may stand for `do … done`.
pub(crate) fn for_body(mut script: Script) -> Script {
    while let [
        Item {
            first:
                Pipeline {
                    timed: false,
                    negated: false,
                    commands,
                },
            rest,
            background: false,
        },
    ] = script.items.as_mut_slice()
        && let (
            [
                Command::Compound {
                    body: Compound::Group(inner),
                    redirects,
                },
            ],
            true,
        ) = (commands.as_mut_slice(), rest.is_empty())
        && redirects.is_empty()
    {
        script = std::mem::take(inner);
    }
    script
}

/// The words of a `for`: `"$@"` alone is what no words mean.
pub(crate) fn for_words(words: Option<Vec<Word>>) -> Option<Vec<Word>> {
    words.filter(|words| match words.as_slice() {
        [word] => match word.pieces.as_slice() {
            [Piece::Parameter(parameter)] => {
                parameter.name != "@" || !parameter.quoted || parameter.operation != Operation::Get
            }
            _ => true,
        },
        _ => true,
    })
}
