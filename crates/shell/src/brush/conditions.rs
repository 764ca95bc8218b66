//! `[[ … ]]` of `brush-parser`, with the operators as they are written.

use brush_parser::ast;

use super::Lowering;
use crate::reader::Kind;
use crate::refusal::Refusal;
use crate::tree::Test;

impl Lowering {
    pub(super) fn test(&self, expression: &ast::ExtendedTestExpr) -> Result<Test, Refusal> {
        use ast::ExtendedTestExpr as E;
        Ok(match expression {
            E::And(left, right) => {
                Test::And(Box::new(self.test(left)?), Box::new(self.test(right)?))
            }
            E::Or(left, right) => Test::Or(Box::new(self.test(left)?), Box::new(self.test(right)?)),
            E::Not(inner) => Test::Not(Box::new(self.test(inner)?)),
            E::Parenthesized(inner) => self.test(inner)?,
            E::UnaryTest(operator, word) => {
                Test::Unary(unary(operator).to_owned(), self.word(word, Kind::Single)?)
            }
            E::BinaryTest(operator, left, right) => {
                let operator = binary(operator);
                let kind = if operator == "=~" {
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
        })
    }
}

fn unary(operator: &ast::UnaryPredicate) -> &'static str {
    use ast::UnaryPredicate as U;
    match operator {
        U::FileExists => "-e",
        U::FileExistsAndIsBlockSpecialFile => "-b",
        U::FileExistsAndIsCharSpecialFile => "-c",
        U::FileExistsAndIsDir => "-d",
        U::FileExistsAndIsRegularFile => "-f",
        U::FileExistsAndIsSetgid => "-g",
        U::FileExistsAndIsSymlink => "-L",
        U::FileExistsAndHasStickyBit => "-k",
        U::FileExistsAndIsFifo => "-p",
        U::FileExistsAndIsReadable => "-r",
        U::FileExistsAndIsNotZeroLength => "-s",
        U::FdIsOpenTerminal => "-t",
        U::FileExistsAndIsSetuid => "-u",
        U::FileExistsAndIsWritable => "-w",
        U::FileExistsAndIsExecutable => "-x",
        U::FileExistsAndOwnedByEffectiveGroupId => "-G",
        U::FileExistsAndModifiedSinceLastRead => "-N",
        U::FileExistsAndOwnedByEffectiveUserId => "-O",
        U::FileExistsAndIsSocket => "-S",
        U::ShellOptionEnabled => "-o",
        U::ShellVariableIsSetAndAssigned => "-v",
        U::ShellVariableIsSetAndNameRef => "-R",
        U::StringHasZeroLength => "-z",
        U::StringHasNonZeroLength => "-n",
    }
}

fn binary(operator: &ast::BinaryPredicate) -> &'static str {
    use ast::BinaryPredicate as B;
    match operator {
        B::FilesReferToSameDeviceAndInodeNumbers => "-ef",
        B::LeftFileIsNewerOrExistsWhenRightDoesNot => "-nt",
        B::LeftFileIsOlderOrDoesNotExistWhenRightDoes => "-ot",
        B::StringExactlyMatchesPattern | B::StringExactlyMatchesString => "==",
        B::StringDoesNotExactlyMatchPattern | B::StringDoesNotExactlyMatchString => "!=",
        B::StringMatchesRegex | B::StringContainsSubstring => "=~",
        B::LeftSortsBeforeRight => "<",
        B::LeftSortsAfterRight => ">",
        B::ArithmeticEqualTo => "-eq",
        B::ArithmeticNotEqualTo => "-ne",
        B::ArithmeticLessThan => "-lt",
        B::ArithmeticLessThanOrEqualTo => "-le",
        B::ArithmeticGreaterThan => "-gt",
        B::ArithmeticGreaterThanOrEqualTo => "-ge",
    }
}
