//! The text of arithmetic: only what is certainly arithmetic passes. Numbers, names, operators, brackets and
//! expansions, and never two operands side by side: so no command can hide in what a parser took for a sum.

use crate::refusal::Refusal;
use crate::tree::{Piece, Word};

use crate::atoms::Atom;

/// What is refused.
const NOT_ARITHMETIC: Refusal = Refusal::unsupported("text that may not be arithmetic");

/// What stood last in an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Operand,
    Operator,
    Opened,
    Closed,
}

/// Whether a character can be part of a number or a name. `#` and `@` belong to numbers of other bases.
const fn is_operand(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | '@' | '.')
}

const fn is_operator(c: char) -> bool {
    matches!(
        c,
        '+' | '-'
            | '*'
            | '/'
            | '%'
            | '<'
            | '>'
            | '='
            | '!'
            | '&'
            | '|'
            | '^'
            | '~'
            | '?'
            | ':'
            | ','
    )
}

/// An expression in its normal form, from the characters and expansions that were read.
pub(crate) fn expression(atoms: Vec<Atom>) -> Result<Word, Refusal> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last = Last::Nothing;
    let mut blank = false;
    let mut after_expansion = false;
    let mut brackets = Vec::new();
    let mut opened_after_operand = false;
    for atom in atoms {
        let now = match &atom {
            Atom::Bare(' ' | '\t' | '\n') => {
                blank = true;
                continue;
            }
            Atom::Piece(_) => Last::Operand,
            Atom::Bare(c) if is_operand(*c) => Last::Operand,
            Atom::Bare(c) if is_operator(*c) => Last::Operator,
            Atom::Bare('(' | '[') => Last::Opened,
            Atom::Bare(')' | ']') => Last::Closed,
            _ => return Err(NOT_ARITHMETIC),
        };
        let beside = match (last, now) {
            (Last::Operand, Last::Operand) => blank,
            (Last::Closed, Last::Operand) => true,
            (Last::Operand | Last::Closed, Last::Opened) => atom == Atom::Bare('('),
            (Last::Nothing | Last::Operator | Last::Opened, Last::Opened) => {
                atom == Atom::Bare('[')
            }
            (Last::Opened, Last::Closed) => opened_after_operand || atom == Atom::Bare(')'),
            _ => false,
        };
        if beside {
            return Err(NOT_ARITHMETIC);
        }
        match &atom {
            Atom::Bare(c @ ('(' | '[')) => {
                opened_after_operand = *c == '[';
                brackets.push(*c);
            }
            Atom::Bare(')') if brackets.pop() != Some('(') => return Err(NOT_ARITHMETIC),
            Atom::Bare(']') if brackets.pop() != Some('[') => return Err(NOT_ARITHMETIC),
            _ => {}
        }
        // An expansion may turn out empty, and then its neighbours meet.
        let expansion = matches!(atom, Atom::Piece(_)) || after_expansion;
        let apart = blank
            && last != Last::Nothing
            && (expansion || (last, now) == (Last::Operator, Last::Operator));
        after_expansion = matches!(atom, Atom::Piece(_));
        push(&mut pieces, atom, apart);
        blank = false;
        last = now;
    }
    if !brackets.is_empty() {
        return Err(NOT_ARITHMETIC);
    }
    Ok(Word { pieces })
}

fn push(pieces: &mut Vec<Piece>, atom: Atom, apart: bool) {
    match (atom, pieces.last_mut()) {
        (Atom::Piece(piece), last) => {
            match last {
                Some(Piece::Plain(text)) if apart => text.push(' '),
                _ if apart => pieces.push(Piece::Plain(String::from(' '))),
                _ => {}
            }
            pieces.push(piece);
        }
        (Atom::Bare(c), Some(Piece::Plain(text))) => {
            if apart {
                text.push(' ');
            }
            text.push(c);
        }
        (Atom::Bare(c), _) if apart => pieces.push(Piece::Plain(String::from_iter([' ', c]))),
        (Atom::Bare(c), _) => pieces.push(Piece::Plain(String::from(c))),
        (Atom::Quoted(_) | Atom::EmptyQuotes, _) => {}
    }
}
