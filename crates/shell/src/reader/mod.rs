//! Raw words into pieces. Which words there are, each parser says for itself; what stands in a word is read here,
//! once for both, and where a substitution ends is again for the parser to say: the first `)` with which it reads
//! a whole subshell. `brush_parser::word` is not used, for it keeps what it reads in a cache of the process.

mod assignment;
mod declaration;
mod parameter;
mod quotes;
mod substitution;

pub(crate) use declaration::may_declare;

use crate::arithmetic;
use crate::atoms::{self, Atom};
use crate::refusal::{Parser, Refusal};
use crate::tree::{Assignment, Braces, Operation, Piece, Word};

/// How deep substitutions are taken apart. The parsers read all that is nested again at each level.
pub const MAX_SUBSTITUTION_DEPTH: usize = 12;

/// What kind of word a raw word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An argument: braces, and a tilde at its beginning.
    Argument,
    /// A word in which braces are text: what is compared, a target, a here-string.
    Single,
    /// A regular expression after `=~`, in which parentheses and bars are text.
    Regex,
}

/// What surrounds the text that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Nothing,
    DoubleQuotes,
    HereDocument,
}

impl Around {
    fn quoted(self) -> bool {
        self != Self::Nothing
    }
}

/// Reads the raw words of one parser.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    /// Whose they are.
    pub(crate) by: Parser,
    /// In how many substitutions they stand.
    pub(crate) depth: usize,
}

impl Reader {
    /// A raw word.
    pub(crate) fn word(self, raw: &str, kind: Kind) -> Result<Word, Refusal> {
        let mut cursor = Cursor::new(self, raw);
        let mut read = Vec::new();
        let stop = if kind == Kind::Regex {
            Stop::End
        } else {
            Stop::Word
        };
        cursor.bare(stop, Around::Nothing, &mut read)?;
        if kind == Kind::Regex {
            return Ok(atoms::regex(&read));
        }
        let read = tildes(&read, kind == Kind::Argument && begins_like_assignment(raw));
        let word = atoms::word(&read, kind == Kind::Argument);
        names_end_with_braces(&word)?;
        Ok(word)
    }

    /// The body of a here-document whose delimiter was not quoted.
    pub(crate) fn here_document(self, raw: &str) -> Result<Word, Refusal> {
        let mut cursor = Cursor::new(self, raw);
        let mut read = Vec::new();
        cursor.double(Around::HereDocument, &mut read)?;
        Ok(here_document_word(read))
    }

    /// An arithmetic expression.
    pub(crate) fn arithmetic(self, raw: &str) -> Result<Word, Refusal> {
        let mut cursor = Cursor::new(self, raw);
        let read = cursor.arithmetic_atoms(|_, _| false)?;
        if cursor.peek().is_some() {
            return Err(Refusal::unsupported("unbalanced arithmetic"));
        }
        arithmetic::expression(read)
    }

    /// A raw assignment; nothing where it is none.
    pub(crate) fn assignment(self, raw: &str) -> Result<Option<Assignment>, Refusal> {
        Cursor::new(self, raw).assignment()
    }
}

/// Refuses a name at the end of a part in braces if what stands behind the braces would continue it: they are
/// expanded before names are looked at.
fn names_end_with_braces(word: &Word) -> Result<(), Refusal> {
    for (at, piece) in word.pieces.iter().enumerate() {
        let Piece::Braces(Braces::List(parts)) = piece else {
            continue;
        };
        let continues = match word.pieces.get(at + 1) {
            Some(Piece::Plain(text)) => {
                text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '['))
            }
            Some(Piece::Braces(_)) => true,
            _ => false,
        };
        if continues && parts.iter().any(ends_with_name) {
            return Err(Refusal::unsupported("a name that braces would continue"));
        }
        for part in parts {
            names_end_with_braces(part)?;
        }
    }
    Ok(())
}

fn ends_with_name(word: &Word) -> bool {
    match word.pieces.last() {
        Some(Piece::Parameter(parameter)) => {
            !parameter.quoted && parameter.operation == Operation::Get
        }
        Some(Piece::Braces(Braces::List(parts))) => parts.iter().any(ends_with_name),
        _ => false,
    }
}

/// The body of a here-document: all literal text of it is one kind.
pub(crate) fn here_document_word(read: Vec<Atom>) -> Word {
    let mut pieces: Vec<Piece> = Vec::new();
    for atom in read {
        match (atom, pieces.last_mut()) {
            (Atom::Bare(c) | Atom::Quoted(c), Some(Piece::Quoted(text))) => text.push(c),
            (Atom::Bare(c) | Atom::Quoted(c), _) => pieces.push(Piece::Quoted(String::from(c))),
            (Atom::Piece(piece), _) => pieces.push(piece),
            (Atom::EmptyQuotes, _) => {}
        }
    }
    if pieces.is_empty() {
        pieces.push(Piece::Quoted(String::new()));
    }
    Word { pieces }
}

/// Whether the shell may treat a word as an assignment, in which tildes after `=` and `:` are expanded.
fn begins_like_assignment(raw: &str) -> bool {
    let name = raw.split(['=', '+', '[']).next().unwrap_or_default();
    raw.contains('=') && is_name(name)
}

/// Whether a text is the name of a variable.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Turns the tildes that are expanded into pieces: at the beginning, and in assignments after `=` and `:`.
fn tildes(read: &[Atom], assignment: bool) -> Vec<Atom> {
    let mut out = Vec::with_capacity(read.len());
    let mut rest = read;
    let mut may = true;
    while let Some(atom) = rest.first() {
        if may && *atom == Atom::Bare('~') {
            let ends =
                |atom: &Atom| *atom == Atom::Bare('/') || (assignment && *atom == Atom::Bare(':'));
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            let name: Option<String> = rest[1..end]
                .iter()
                .map(|atom| match atom {
                    Atom::Bare(c) if atoms::is_plain(*c) => Some(*c),
                    _ => None,
                })
                .collect();
            may = false;
            match name {
                Some(name) => {
                    out.push(Atom::Piece(Piece::Tilde(name)));
                    rest = &rest[end..];
                }
                // With anything quoted or expanded in its name it is text.
                None => {
                    out.push(Atom::Quoted('~'));
                    rest = &rest[1..];
                }
            }
            continue;
        }
        may = assignment && matches!(atom, Atom::Bare('=' | ':'));
        out.push(atom.clone());
        rest = &rest[1..];
    }
    out
}

/// Where reading of unquoted text ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// At the end of the text, with nothing in it that ends a word.
    Word,
    /// At the end of the text, whatever stands in it.
    End,
    /// Before a blank or the `)` that ends an array.
    Element,
    /// Before `}`.
    Brace,
    /// Before `}` or `/`.
    BraceOrSlash,
    /// Before the `]` that belongs to a bracket already open.
    Bracket,
}

/// A place in the characters of a raw word.
struct Cursor {
    characters: Vec<char>,
    at: usize,
    reader: Reader,
    /// In how many quoted `${x:-…}` the cursor stands.
    values: usize,
}

const UNCLOSED: Refusal = Refusal::unsupported("a quote or expansion without its end");

impl Cursor {
    fn new(reader: Reader, text: &str) -> Self {
        Self {
            characters: text.chars().collect(),
            at: 0,
            reader,
            values: 0,
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn after(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Unquoted text up to where it ends.
    fn bare(&mut self, stop: Stop, around: Around, out: &mut Vec<Atom>) -> Result<(), Refusal> {
        let mut brackets = 0_usize;
        while let Some(c) = self.peek() {
            match (stop, c) {
                (Stop::Brace | Stop::BraceOrSlash, '}') | (Stop::BraceOrSlash, '/') => {
                    return Ok(());
                }
                (Stop::Element, ' ' | '\t' | '\n' | ')') => return Ok(()),
                (Stop::Bracket, ']') if brackets == 0 => return Ok(()),
                (Stop::Bracket, ']') => brackets -= 1,
                (Stop::Bracket, '[') => brackets += 1,
                _ => {}
            }
            let is_anchor = stop == Stop::End
                && c == '$'
                && self.after(1).is_none_or(|c| ")| \t\n".contains(c));
            if !is_anchor && self.quote_or_expansion(around, out)? {
                continue;
            }
            let ends_words = matches!(
                c,
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'
            );
            if ends_words && matches!(stop, Stop::Word | Stop::Element) {
                return Err(Refusal::unsupported("a word that the parser did not end"));
            }
            self.at += 1;
            out.push(Atom::Bare(c));
        }
        match stop {
            Stop::Word | Stop::End => Ok(()),
            Stop::Element | Stop::Brace | Stop::BraceOrSlash | Stop::Bracket => Err(UNCLOSED),
        }
    }

    /// What begins at the cursor, if it is more than a character.
    fn quote_or_expansion(&mut self, around: Around, out: &mut Vec<Atom>) -> Result<bool, Refusal> {
        match (self.peek(), self.after(1)) {
            (Some('\''), _) | (Some('"'), _) if around == Around::HereDocument => Err(
                Refusal::unsupported("quotes in an expansion in a here-document"),
            ),
            (Some('\''), _) | (Some('$'), Some('\'')) if self.values > 0 => {
                Err(Refusal::unsupported("an apostrophe in a quoted expansion"))
            }
            (Some('\\'), next) => {
                self.at += 2;
                match next {
                    Some('\n') => {}
                    Some(c) => out.push(Atom::Quoted(c)),
                    None => return Err(Refusal::unsupported("a backslash at the end")),
                }
                Ok(true)
            }
            (Some('\''), _) => {
                self.at += 1;
                self.single(out)?;
                Ok(true)
            }
            (Some('"'), _) => {
                self.at += 1;
                self.double(Around::DoubleQuotes, out)?;
                Ok(true)
            }
            (Some('$'), _) => {
                self.dollar(Around::Nothing, out)?;
                Ok(true)
            }
            (Some('`'), _) => {
                self.backquotes(around, Around::Nothing, out)?;
                Ok(true)
            }
            (Some(c @ ('<' | '>')), Some('(')) => {
                self.at += 2;
                let script = self.substituted()?;
                out.push(Atom::Piece(Piece::Process {
                    output: c == '>',
                    script,
                }));
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
