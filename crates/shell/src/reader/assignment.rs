//! Assignments: the name, the subscript, and one value or the elements of an array.

use super::{Around, Cursor, Stop, UNCLOSED, is_name, names_end_with_braces, tildes};
use crate::atoms::{self, Atom};
use crate::refusal::Refusal;
use crate::tree::{AssignedValue, Assignment, Word};

impl Cursor {
    /// The whole text as an assignment; nothing where it is none.
    pub(super) fn assignment(mut self) -> Result<Option<Assignment>, Refusal> {
        let mut name = String::new();
        while let Some(c) = self
            .peek()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        {
            name.push(c);
            self.at += 1;
        }
        if !is_name(&name) {
            return Ok(None);
        }
        let index = if self.take('[') {
            Some(self.subscript()?)
        } else {
            None
        };
        let append = self.take('+');
        if !self.take('=') {
            return Ok(None);
        }
        let value = if self.peek() == Some('(') {
            self.at += 1;
            AssignedValue::Array(self.elements()?)
        } else {
            let mut read = Vec::new();
            self.bare(Stop::Word, Around::Nothing, &mut read)?;
            AssignedValue::Scalar(scalar(&read))
        };
        Ok(Some(Assignment {
            name,
            index,
            append,
            value,
        }))
    }

    fn elements(&mut self) -> Result<Vec<(Option<Word>, Word)>, Refusal> {
        let mut elements = Vec::new();
        loop {
            match self.peek().ok_or(UNCLOSED)? {
                ' ' | '\t' | '\n' => self.at += 1,
                ')' => {
                    self.at += 1;
                    if self.peek().is_some() {
                        return Err(Refusal::unsupported("text behind an array"));
                    }
                    return Ok(elements);
                }
                '#' => {
                    // Where the parser ended the array elsewhere, the text is not used up at its end.
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '[' => {
                    self.at += 1;
                    let index = self.subscript()?;
                    if !self.take('=') {
                        return Err(Refusal::unsupported(
                            "an element that begins with a bracket",
                        ));
                    }
                    let mut read = Vec::new();
                    self.bare(Stop::Element, Around::Nothing, &mut read)?;
                    elements.push((Some(index), scalar(&read)));
                }
                _ => elements.push((None, self.element()?)),
            }
        }
    }

    fn element(&mut self) -> Result<Word, Refusal> {
        let mut read = Vec::new();
        self.bare(Stop::Element, Around::Nothing, &mut read)?;
        let word = atoms::word(&tildes(&read, false), true);
        names_end_with_braces(&word)?;
        Ok(word)
    }
}

/// The value of an assignment, in which a tilde also counts after a colon.
fn scalar(read: &[Atom]) -> Word {
    atoms::word(&tildes(read, true), false)
}
