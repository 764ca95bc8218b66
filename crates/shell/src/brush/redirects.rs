//! Redirections of `brush-parser`.

use brush_parser::ast;

use super::Lowering;
use crate::reader::Kind;
use crate::refusal::Refusal;
use crate::tree::{Descriptor, Piece, Redirect, RedirectKind, Word};

impl Lowering {
    pub(super) fn redirect(&self, redirect: &ast::IoRedirect) -> Result<Redirect, Refusal> {
        let (descriptor, kind) = match redirect {
            ast::IoRedirect::File(descriptor, kind, target) => {
                (*descriptor, self.file(kind, target)?)
            }
            ast::IoRedirect::HereDocument(descriptor, document) => {
                let body = if document.requires_expansion {
                    self.reader.here_document(&document.doc.value)?
                } else {
                    Word {
                        pieces: vec![Piece::Quoted(document.doc.value.clone())],
                    }
                };
                (*descriptor, RedirectKind::HereDocument(body))
            }
            ast::IoRedirect::HereString(descriptor, word) => (
                *descriptor,
                RedirectKind::HereString(self.word(word, Kind::Single)?),
            ),
            ast::IoRedirect::OutputAndError(word, append) => {
                let word = self.word(word, Kind::Argument)?;
                let kind = if *append {
                    RedirectKind::AppendBoth(word)
                } else {
                    RedirectKind::WriteBoth(word)
                };
                (None, kind)
            }
        };
        let descriptor = match descriptor.map(u32::try_from) {
            Some(Ok(number)) => Some(Descriptor::Number(number)),
            Some(Err(_)) => return Err(Refusal::unsupported("a negative descriptor")),
            None => None,
        };
        Ok(Redirect { descriptor, kind })
    }

    fn file(
        &self,
        kind: &ast::IoFileRedirectKind,
        target: &ast::IoFileRedirectTarget,
    ) -> Result<RedirectKind, Refusal> {
        use ast::IoFileRedirectKind as K;
        let word = match target {
            ast::IoFileRedirectTarget::Filename(word) => self.word(word, Kind::Argument)?,
            ast::IoFileRedirectTarget::Fd(number) => Word {
                pieces: vec![Piece::Plain(number.to_string())],
            },
            ast::IoFileRedirectTarget::ProcessSubstitution(kind, subshell) => {
                self.process(kind, subshell)?
            }
            ast::IoFileRedirectTarget::Duplicate(word) => self.word(word, Kind::Argument)?,
        };
        Ok(match kind {
            K::Read => RedirectKind::Read(word),
            K::Write => RedirectKind::Write(word),
            K::Append => RedirectKind::Append(word),
            K::ReadAndWrite => RedirectKind::ReadWrite(word),
            K::Clobber => RedirectKind::Clobber(word),
            K::DuplicateInput => RedirectKind::DuplicateInput(word),
            K::DuplicateOutput => RedirectKind::DuplicateOutput(word),
        })
    }
}
