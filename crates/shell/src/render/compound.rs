//! The text of compound commands.

use super::Printer;
use crate::reader::is_name;
use crate::refusal::Refusal;
use crate::tree::{ArmEnd, CaseArm, Compound, Script, Test, Word};

impl<'a> Printer<'a> {
    pub(super) fn compound(&mut self, compound: &'a mut Compound) -> Result<(), Refusal> {
        match compound {
            Compound::Group(script) => {
                self.push("{ ");
                self.terminated(script)?;
                self.push("}");
            }
            Compound::Subshell(script) => {
                self.push("(");
                self.closed(script)?;
            }
            Compound::If {
                branches,
                otherwise,
            } => {
                let mut word = "if ";
                for (condition, body) in branches {
                    self.push(word);
                    self.terminated(condition)?;
                    self.push("then ");
                    self.terminated(body)?;
                    word = "elif ";
                }
                if let Some(body) = otherwise {
                    self.push("else ");
                    self.terminated(body)?;
                }
                self.push("fi");
            }
            Compound::Loop {
                until,
                condition,
                body,
            } => {
                self.push(if *until { "until " } else { "while " });
                self.terminated(condition)?;
                self.body(body)?;
            }
            Compound::For { name, words, body } => self.for_clause(name, words.as_mut(), body)?,
            Compound::ArithmeticFor { expressions, body } => {
                self.push("for ((");
                let mut between = "";
                for expression in expressions {
                    self.push(between);
                    self.expression(expression)?;
                    between = "; ";
                }
                self.push(")); ");
                self.body(body)?;
            }
            Compound::Case { word, arms } => self.case(word, arms)?,
            Compound::Arithmetic(expression) => {
                self.push("((");
                self.expression(expression)?;
                self.push("))");
            }
            Compound::Test(test) => {
                self.push("[[ ");
                self.test(test, 0)?;
                self.push(" ]]");
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &'a mut Script) -> Result<(), Refusal> {
        self.push("do ");
        self.terminated(body)?;
        self.push("done");
        Ok(())
    }

    fn for_clause(
        &mut self,
        name: &str,
        words: Option<&'a mut Vec<Word>>,
        body: &'a mut Script,
    ) -> Result<(), Refusal> {
        if !is_name(name) {
            return Err(Refusal::unsupported("a loop variable of that name"));
        }
        self.push("for ");
        self.push(name);
        if let Some(words) = words {
            self.push(" in");
            for word in words {
                self.push(" ");
                self.word(word)?;
            }
        }
        self.push("; ");
        self.body(body)
    }

    fn case(&mut self, word: &'a mut Word, arms: &'a mut [CaseArm]) -> Result<(), Refusal> {
        self.push("case ");
        self.word(word)?;
        self.push(" in ");
        for arm in arms {
            let mut before = "(";
            for pattern in &mut arm.patterns {
                self.push(before);
                self.word(pattern)?;
                before = " | ";
            }
            self.push(") ");
            if !arm.body.items.is_empty() {
                let background = arm.body.items.last().is_some_and(|item| item.background);
                self.script(&mut arm.body)?;
                if self.pending.is_empty() {
                    self.push(" ");
                } else {
                    self.end(background)?;
                }
            }
            self.push(match arm.end {
                ArmEnd::Break => ";; ",
                ArmEnd::FallThrough => ";& ",
                ArmEnd::TestNext => ";;& ",
            });
        }
        self.push("esac");
        Ok(())
    }

    /// A condition; `within` is how tightly what it stands in binds: 1 for `||`, 2 for `&&`, 3 for `!`.
    fn test(&mut self, test: &'a mut Test, within: u8) -> Result<(), Refusal> {
        let binds = match test {
            Test::Or(..) => 1,
            Test::And(..) => 2,
            Test::Not(_) => 3,
            Test::Unary(..) | Test::Binary(..) => 4,
        };
        let parenthesised = binds < within;
        if parenthesised {
            self.push("( ");
        }
        match test {
            Test::Or(left, right) => {
                self.test(left, 1)?;
                self.push(" || ");
                self.test(right, 2)?;
            }
            Test::And(left, right) => {
                self.test(left, 2)?;
                self.push(" && ");
                self.test(right, 3)?;
            }
            Test::Not(inner) => {
                self.push("! ");
                self.test(inner, 3)?;
            }
            Test::Unary(operator, word) => {
                self.push(operator);
                self.push(" ");
                self.word(word)?;
            }
            Test::Binary(left, operator, right) => {
                self.word(left)?;
                self.push(" ");
                self.push(operator);
                self.push(" ");
                if operator == "=~" {
                    self.regex(right)?;
                } else {
                    self.word(right)?;
                }
            }
        }
        if parenthesised {
            self.push(" )");
        }
        Ok(())
    }
}
