//! The tree of `rable`, lowered. It must say the same as the primary one.

mod redirects;

use rable::{ListOperator, Node, NodeKind, PipeSep};

use crate::brush::{for_body, for_words};
use crate::reader::{Kind, Reader, may_declare};
use crate::refusal::{Parser, Refusal, contained};
use crate::tree::{
    ArmEnd, CaseArm, Command, Compound, Connector, Item, Pipeline, Redirect, Script, Simple, Test,
    Word,
};

const UNEXPECTED: Refusal = Refusal::unsupported("a construct of unknown form");

/// The script that a text is.
pub(crate) fn script(text: &str, reader: Reader) -> Result<Script, Refusal> {
    let nodes = parse(text)?;
    let lowering = Lowering::new(text, reader);
    let mut script = Script::default();
    for node in &nodes {
        lowering.items(node, &mut script.items)?;
    }
    Ok(script)
}

/// The script in a text that is one subshell and nothing else; nothing where it is not.
pub(crate) fn subshell(text: &str, reader: Reader) -> Result<Option<Script>, Refusal> {
    let nodes = parse(text)?;
    let lowering = Lowering::new(text, reader);
    match nodes.as_slice() {
        [
            Node {
                kind: NodeKind::Subshell { body, redirects },
                span,
            },
        ] if redirects.is_empty() && span.start == 0 && span.end == lowering.source.len() => {
            Ok(Some(lowering.list(body)?))
        }
        _ => Ok(None),
    }
}

fn parse(text: &str) -> Result<Vec<Node>, Refusal> {
    contained(Parser::Rable, || {
        rable::parse(text, false).map_err(|err| Refusal::unparsable(Parser::Rable, err.message()))
    })
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

    fn list(&self, node: &Node) -> Result<Script, Refusal> {
        let mut script = Script::default();
        self.items(node, &mut script.items)?;
        Ok(script)
    }

    /// A list, which is nested to the left, one operator at a time.
    fn items(&self, node: &Node, out: &mut Vec<Item>) -> Result<(), Refusal> {
        match &node.kind {
            NodeKind::Empty | NodeKind::Comment { .. } => Ok(()),
            NodeKind::List { items } => match items.as_slice() {
                [only] => {
                    self.items(&only.command, out)?;
                    ended(out, only.operator)
                }
                [left, right]
                    if matches!(left.operator, Some(ListOperator::And | ListOperator::Or)) =>
                {
                    out.push(self.and_or(&left.command, left.operator, &right.command)?);
                    ended(out, right.operator)
                }
                [left, right] => {
                    self.items(&left.command, out)?;
                    ended(out, left.operator)?;
                    self.items(&right.command, out)?;
                    ended(out, right.operator)
                }
                _ => Err(UNEXPECTED),
            },
            _ => {
                out.push(Item {
                    first: self.pipeline(node)?,
                    rest: Vec::new(),
                    background: false,
                });
                Ok(())
            }
        }
    }

    fn and_or(
        &self,
        left: &Node,
        operator: Option<ListOperator>,
        right: &Node,
    ) -> Result<Item, Refusal> {
        let mut items = Vec::new();
        self.items(left, &mut items)?;
        let (Some(mut item), true) = (items.pop(), items.is_empty()) else {
            return Err(UNEXPECTED);
        };
        let connector = match operator {
            Some(ListOperator::And) => Connector::And,
            _ => Connector::Or,
        };
        if item.background {
            return Err(UNEXPECTED);
        }
        item.rest.push((connector, self.pipeline(right)?));
        Ok(item)
    }

    fn pipeline(&self, node: &Node) -> Result<Pipeline, Refusal> {
        match &node.kind {
            NodeKind::Negation { pipeline } => {
                let mut inner = self.pipeline(pipeline)?;
                inner.negated = !inner.negated;
                Ok(inner)
            }
            NodeKind::Time { pipeline, .. } => {
                let mut inner = self.pipeline(pipeline)?;
                if inner.timed || inner.negated {
                    return Err(Refusal::unsupported("`time` before `time` or behind `!`"));
                }
                inner.timed = true;
                Ok(inner)
            }
            NodeKind::Pipeline {
                commands,
                separators,
            } => self.piped(commands, separators),
            NodeKind::Empty => Ok(Pipeline {
                timed: false,
                negated: false,
                commands: Vec::new(),
            }),
            _ => Ok(Pipeline {
                timed: false,
                negated: false,
                commands: vec![self.command(node)?],
            }),
        }
    }

    fn piped(&self, nodes: &[Node], separators: &[PipeSep]) -> Result<Pipeline, Refusal> {
        let mut commands = Vec::with_capacity(nodes.len());
        for node in nodes {
            // `|&` behind a compound is left as a redirection between the commands.
            if let (NodeKind::Redirect { .. }, Some(Command::Compound { redirects, .. })) =
                (&node.kind, commands.last_mut())
            {
                redirects.push(self.redirect(node)?);
            } else {
                commands.push(self.command(node)?);
            }
        }
        if commands.len() != separators.len() + 1 {
            return Err(UNEXPECTED);
        }
        Ok(Pipeline {
            timed: false,
            negated: false,
            commands,
        })
    }

    fn command(&self, node: &Node) -> Result<Command, Refusal> {
        let (body, redirects) = match &node.kind {
            NodeKind::Command {
                assignments,
                words,
                redirects,
            } => {
                let plain = assignments.is_empty() && redirects.is_empty();
                if let Some(declaration) = self.declaration(words, plain)? {
                    return Ok(declaration);
                }
                return Ok(Command::Simple(self.simple(
                    assignments,
                    words,
                    redirects,
                )?));
            }
            NodeKind::Function { name, body } => {
                let body = Box::new(self.command(body)?);
                return Ok(Command::Function {
                    name: name.clone(),
                    body,
                });
            }
            NodeKind::Coproc { name, command } => {
                let body = Box::new(self.command(command)?);
                return Ok(Command::Coprocess {
                    name: name.clone(),
                    body,
                });
            }
            NodeKind::Subshell { body, redirects } => {
                (Compound::Subshell(self.list(body)?), redirects)
            }
            NodeKind::BraceGroup { body, redirects } => {
                (Compound::Group(self.list(body)?), redirects)
            }
            NodeKind::If { redirects, .. } => (self.if_clause(node)?, redirects),
            NodeKind::While {
                condition,
                body,
                redirects,
            } => (self.loop_clause(false, condition, body)?, redirects),
            NodeKind::Until {
                condition,
                body,
                redirects,
            } => (self.loop_clause(true, condition, body)?, redirects),
            NodeKind::For {
                var,
                words,
                body,
                redirects,
            } => (self.for_clause(var, words.as_deref(), body)?, redirects),
            NodeKind::ForArith {
                init,
                cond,
                incr,
                body,
                redirects,
            } => {
                let compound = Compound::ArithmeticFor {
                    expressions: [
                        self.reader.arithmetic(init)?,
                        self.reader.arithmetic(cond)?,
                        self.reader.arithmetic(incr)?,
                    ],
                    body: self.list(body)?,
                };
                (compound, redirects)
            }
            NodeKind::Case {
                word,
                patterns,
                redirects,
            } => (self.case(word, patterns)?, redirects),
            NodeKind::ArithmeticCommand {
                redirects,
                raw_content,
                ..
            } => (
                Compound::Arithmetic(self.reader.arithmetic(raw_content)?),
                redirects,
            ),
            NodeKind::ConditionalExpr { body, redirects } => {
                (Compound::Test(self.test(body)?), redirects)
            }
            NodeKind::Select { .. } => return Err(Refusal::unsupported("`select`")),
            _ => return Err(UNEXPECTED),
        };
        let redirects = self.redirects(redirects)?;
        Ok(Command::Compound { body, redirects })
    }

    fn loop_clause(&self, until: bool, condition: &Node, body: &Node) -> Result<Compound, Refusal> {
        Ok(Compound::Loop {
            until,
            condition: self.list(condition)?,
            body: self.list(body)?,
        })
    }

    fn for_clause(
        &self,
        name: &str,
        words: Option<&[Node]>,
        body: &Node,
    ) -> Result<Compound, Refusal> {
        let words = match words {
            Some(words) => Some(self.words(words, Kind::Argument)?),
            None => None,
        };
        Ok(Compound::For {
            name: name.to_owned(),
            words: for_words(words),
            body: for_body(self.list(body)?),
        })
    }

    fn if_clause(&self, node: &Node) -> Result<Compound, Refusal> {
        let mut branches = Vec::new();
        let mut next = Some(node);
        let mut otherwise = None;
        while let Some(node) = next.take() {
            match &node.kind {
                NodeKind::If {
                    condition,
                    then_body,
                    else_body,
                    redirects,
                } => {
                    // An `if` of its own in `else` is told from `elif` by the word that it begins with.
                    let is_elif = branches.is_empty()
                        || self.begins(node, "elif")
                        || !self.begins(node, "if");
                    if !is_elif || (!branches.is_empty() && !redirects.is_empty()) {
                        otherwise = Some(self.list(node)?);
                        break;
                    }
                    branches.push((self.list(condition)?, self.list(then_body)?));
                    next = else_body.as_deref();
                }
                _ => otherwise = Some(self.list(node)?),
            }
        }
        Ok(Compound::If {
            branches,
            otherwise,
        })
    }

    fn begins(&self, node: &Node, word: &str) -> bool {
        let end = node.span.start + word.len();
        self.source
            .get(node.span.start..end)
            .is_some_and(|found| found.iter().collect::<String>() == word)
    }

    fn case(&self, word: &Node, patterns: &[rable::CasePattern]) -> Result<Compound, Refusal> {
        let mut arms = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            arms.push(CaseArm {
                patterns: self.words(&pattern.patterns, Kind::Single)?,
                body: match &pattern.body {
                    Some(body) => self.list(body)?,
                    None => Script::default(),
                },
                end: match pattern.terminator.as_str() {
                    ";&" => ArmEnd::FallThrough,
                    ";;&" => ArmEnd::TestNext,
                    _ => ArmEnd::Break,
                },
            });
        }
        let word = self.word(word, Kind::Single)?;
        Ok(Compound::Case { word, arms })
    }

    fn declaration(&self, words: &[Node], plain: bool) -> Result<Option<Command>, Refusal> {
        match words.first().map(raw) {
            Some(Ok(name)) if may_declare(name) => {}
            _ => return Ok(None),
        }
        let raws: Vec<&str> = words.iter().map(raw).collect::<Result<_, _>>()?;
        self.reader.declaration(&raws, plain)
    }

    fn simple(
        &self,
        assignments: &[Node],
        words: &[Node],
        redirects: &[Node],
    ) -> Result<Simple, Refusal> {
        let mut simple = Simple::default();
        for node in assignments {
            let assignment = self.reader.assignment(raw(node)?)?;
            simple
                .assignments
                .push(assignment.ok_or(Refusal::Disagreement)?);
        }
        simple.words = self.words(words, Kind::Argument)?;
        simple.redirects = self.redirects(redirects)?;
        Ok(simple)
    }

    fn words(&self, nodes: &[Node], kind: Kind) -> Result<Vec<Word>, Refusal> {
        nodes.iter().map(|node| self.word(node, kind)).collect()
    }

    fn word(&self, node: &Node, kind: Kind) -> Result<Word, Refusal> {
        self.reader.word(raw(node)?, kind)
    }

    fn redirects(&self, nodes: &[Node]) -> Result<Vec<Redirect>, Refusal> {
        nodes.iter().map(|node| self.redirect(node)).collect()
    }

    fn test(&self, node: &Node) -> Result<Test, Refusal> {
        Ok(match &node.kind {
            NodeKind::CondAnd { left, right } => {
                Test::And(Box::new(self.test(left)?), Box::new(self.test(right)?))
            }
            NodeKind::CondOr { left, right } => {
                Test::Or(Box::new(self.test(left)?), Box::new(self.test(right)?))
            }
            NodeKind::CondNot { operand } => Test::Not(Box::new(self.test(operand)?)),
            NodeKind::CondParen { inner } => self.test(inner)?,
            NodeKind::UnaryTest { op, operand } => {
                let operator = match op.as_str() {
                    "-a" => "-e",
                    "-h" => "-L",
                    other => other,
                };
                Test::Unary(operator.to_owned(), self.word(operand, Kind::Single)?)
            }
            NodeKind::BinaryTest { op, left, right } => {
                let operator = if op == "=" { "==" } else { op };
                let kind = if op == "=~" {
                    Kind::Regex
                } else {
                    Kind::Single
                };
                Test::Binary(
                    self.word(left, Kind::Single)?,
                    operator.to_owned(),
                    self.word(right, kind)?,
                )
            }
            _ => return Err(UNEXPECTED),
        })
    }
}

/// Marks the last item by the operator behind it.
fn ended(items: &mut [Item], operator: Option<ListOperator>) -> Result<(), Refusal> {
    if operator == Some(ListOperator::Background) {
        let last = items.last_mut().ok_or(UNEXPECTED)?;
        last.background = true;
    }
    Ok(())
}

/// The text of a word.
fn raw(node: &Node) -> Result<&str, Refusal> {
    match &node.kind {
        NodeKind::Word { value, .. }
        | NodeKind::CondTerm { value, .. }
        | NodeKind::WordLiteral { value } => Ok(value),
        _ => Err(UNEXPECTED),
    }
}
