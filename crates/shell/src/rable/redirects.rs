//! Redirections of `rable`.

use rable::{Node, NodeKind};

use super::{Lowering, UNEXPECTED, raw};
use crate::reader::Kind;
use crate::refusal::Refusal;
use crate::tree::{Descriptor, Piece, Redirect, RedirectKind, Word};

impl Lowering {
    pub(super) fn redirect(&self, node: &Node) -> Result<Redirect, Refusal> {
        match &node.kind {
            NodeKind::Redirect {
                op,
                target,
                fd,
                varfd,
            } => {
                let descriptor = match (varfd, u32::try_from(*fd)) {
                    (Some(name), _) => Some(Descriptor::Variable(name.clone())),
                    (None, Ok(number)) => Some(Descriptor::Number(number)),
                    (None, Err(_)) => None,
                };
                let kind = self.kind(node, op, target)?;
                Ok(Redirect { descriptor, kind })
            }
            NodeKind::HereDoc {
                content,
                quoted,
                fd,
                ..
            } => {
                let body = if *quoted {
                    Word {
                        pieces: vec![Piece::Quoted(content.clone())],
                    }
                } else {
                    self.reader.here_document(content)?
                };
                Ok(Redirect {
                    descriptor: u32::try_from(*fd).ok().map(Descriptor::Number),
                    kind: RedirectKind::HereDocument(body),
                })
            }
            _ => Err(UNEXPECTED),
        }
    }

    fn kind(&self, node: &Node, operator: &str, target: &Node) -> Result<RedirectKind, Refusal> {
        if operator == ">&-" {
            // The direction of a closing redirection is only in the text.
            let word = Word {
                pieces: vec![Piece::Plain(String::from('-'))],
            };
            return Ok(if self.source.get(node.span.start) == Some(&'<') {
                RedirectKind::DuplicateInput(word)
            } else {
                RedirectKind::DuplicateOutput(word)
            });
        }
        let kind = if operator == "<<<" {
            Kind::Single
        } else {
            Kind::Argument
        };
        let word = self.reader.word(raw(target)?, kind)?;
        Ok(match operator {
            "<" => RedirectKind::Read(word),
            ">" => RedirectKind::Write(word),
            ">|" => RedirectKind::Clobber(word),
            ">>" => RedirectKind::Append(word),
            "<>" => RedirectKind::ReadWrite(word),
            "<&" => RedirectKind::DuplicateInput(word),
            ">&" => RedirectKind::DuplicateOutput(word),
            "&>" => RedirectKind::WriteBoth(word),
            "&>>" => RedirectKind::AppendBoth(word),
            "<<<" => RedirectKind::HereString(word),
            _ => return Err(UNEXPECTED),
        })
    }
}
