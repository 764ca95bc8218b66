//! What is looked at before any parser sees a text: length, characters, and how much could stand in each other.
//!
//! The parsers cannot be trusted with depth: one overflows its stack, the other takes time with a high power of it.
//! Depth is therefore counted here without knowing what is quoted, so that no trick with quotes lowers the count:
//! between any two quote characters every opener counts, and a closer makes up only for the innermost opener of
//! that same stretch, of its own kind, outside comments and before any here-document. The count is never less than
//! the depth that a parser can meet, and more for texts with much punctuation in quotes.

use crate::refusal::Refusal;

/// The longest text, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;
/// The greatest depth that is counted, see the module.
pub const MAX_DEPTH: usize = 32;
/// The most words, counted by blanks.
pub const MAX_WORDS: usize = 2_000;
/// The most openers in all: parentheses, braces and words that open a compound.
pub const MAX_OPENERS: usize = 400;
/// The most separators in all: `;`, `&`, `|` and new lines.
pub const MAX_SEPARATORS: usize = 600;
/// The most quote characters, dollars and backquotes in all.
pub const MAX_MARKS: usize = 1_500;
/// The most digits where a parser counts on a number: before `<` and `>`, after `~`.
pub const MAX_NUMBER_DIGITS: usize = 6;

/// Whether a text may be shown to the parsers.
pub(crate) fn check(text: &str) -> Result<(), Refusal> {
    if text.len() > MAX_BYTES {
        return Err(Refusal::TooLong { limit: MAX_BYTES });
    }
    for (at, c) in text.char_indices() {
        character(c, at)?;
    }
    numbers(text)?;
    parentheses(text)?;
    let mut count = Count::default();
    for word in text.split([' ', '\t', '\n']) {
        if !word.is_empty() {
            count.words += 1;
        }
    }
    // A backslash before a new line joins lines, also in the middle of a word that opens something.
    count.run(&text.replace("\\\n", ""))
}

/// Whether a character may stand in a text at all.
fn character(c: char, at: usize) -> Result<(), Refusal> {
    let code = u32::from(c);
    if c == '\n' || c == '\t' || (' '..='~').contains(&c) {
        return Ok(());
    }
    if c.is_control() {
        return Err(Refusal::Control { code, at });
    }
    if is_deceptive(c) {
        return Err(Refusal::Deceptive { code, at });
    }
    Ok(())
}

/// Whether a character looks like nothing, like a blank, or like ASCII, or changes how its neighbours are shown.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    matches!(u32::from(c),
        // Blanks that the shell does not take for blanks.
        0x00A0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000
        // What has no width or turns the text round.
        | 0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFE00..=0xFE0F
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFF | 0x1D159 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF
        // Marks that are drawn over what stands before them.
        | 0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F
        // Twins of ASCII letters and punctuation, and quotes and dashes that are taken for the shell's.
        | 0x02B9..=0x02BC | 0x02C6..=0x02CF | 0x037E | 0x2010..=0x2015 | 0x2018..=0x201F | 0x2024 | 0x2026
        | 0x2032..=0x2037 | 0x2039 | 0x203A | 0x2044 | 0x204E | 0x2212 | 0x2215 | 0x2216 | 0x2217 | 0x2223 | 0x2236
        | 0x223C | 0x2460..=0x24FF | 0x2768..=0x2775 | 0x29F5 | 0x29F8 | 0xA789 | 0xFE50..=0xFE6F
        | 0xFF00..=0xFF65 | 0x1D400..=0x1D7FF | 0x1F100..=0x1F1E5
        // Nobody knows how these look.
        | 0xE000..=0xF8FF | 0xF0000..=0x0010_FFFF
    )
}

/// Refuses long runs of digits where one of the parsers counts on a number that fits.
fn numbers(text: &str) -> Result<(), Refusal> {
    let refused = Err(Refusal::TooMany {
        what: "digits of a descriptor or directory",
        limit: MAX_NUMBER_DIGITS,
    });
    let mut digits = 0;
    let mut after_tilde = false;
    let mut before = ' ';
    let mut escaped = false;
    for c in text.chars() {
        // What joins lines ends no number, however often it is escaped.
        if c == '\\' || (escaped && c == '\n') {
            escaped = c == '\\';
            continue;
        }
        escaped = false;
        if c.is_ascii_digit() {
            digits += 1;
            if digits > MAX_NUMBER_DIGITS && after_tilde {
                return refused;
            }
        } else {
            if digits > MAX_NUMBER_DIGITS && matches!(c, '<' | '>') {
                return refused;
            }
            digits = 0;
            after_tilde = c == '~' || (before == '~' && matches!(c, '+' | '-'));
        }
        before = c;
    }
    Ok(())
}

/// Refuses two opening parentheses on lines that a backslash joins: to the shell they touch, and begin arithmetic.
fn parentheses(text: &str) -> Result<(), Refusal> {
    for (at, _) in text.match_indices("(\\") {
        let rest = text[at + 1..].trim_start_matches(['\\', '\n']);
        if rest.starts_with('(') && text[at + 1..text.len() - rest.len()].contains('\n') {
            return Err(Refusal::unsupported("`((` on two lines"));
        }
    }
    Ok(())
}

/// What can stand open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Paren,
    /// `${`, and `{` within a word.
    Brace,
    /// `{` as a word of its own.
    Group,
    If,
    Loop,
    Case,
    /// Words that nest what follows them and are closed by nothing of their own.
    Prefix,
}

impl Open {
    fn by(word: &str) -> Option<Self> {
        match word {
            "if" => Some(Self::If),
            "while" | "until" | "for" | "select" => Some(Self::Loop),
            "case" => Some(Self::Case),
            "elif" | "function" | "coproc" | "time" => Some(Self::Prefix),
            _ => None,
        }
    }

    fn closed_by(word: &str) -> Option<Self> {
        match word {
            "fi" => Some(Self::If),
            "done" => Some(Self::Loop),
            "esac" => Some(Self::Case),
            _ => None,
        }
    }
}

/// What is counted.
#[derive(Default)]
struct Count {
    words: usize,
    depth: usize,
    openers: usize,
    separators: usize,
    marks: usize,
    /// What stands open in this stretch.
    open: Vec<Open>,
    /// Until the end of the line closers may be part of a comment.
    comment: bool,
    /// From the first here-document on closers may be part of its body.
    here: bool,
    /// The last character that is no blank.
    before: char,
}

impl Count {
    fn run(&mut self, text: &str) -> Result<(), Refusal> {
        self.before = ';';
        for stretch in text.split(['\'', '"', '`']) {
            self.stretch(stretch)?;
            self.depth += self.open.len();
            self.open.clear();
            self.marks += 1;
            self.before = '"';
        }
        self.within()
    }

    fn stretch(&mut self, stretch: &str) -> Result<(), Refusal> {
        let mut characters = stretch.chars().peekable();
        let mut last = '"';
        while let Some(c) = characters.next() {
            if c.is_ascii_alphabetic() && !is_name(last) {
                let mut word = String::from(c);
                while let Some(next) = characters.next_if(|next| is_name(*next)) {
                    word.push(next);
                }
                self.word(&word);
                last = 'a';
                self.before = 'a';
            } else {
                self.mark(c, last, characters.peek().copied());
                last = c;
                if c != ' ' && c != '\t' {
                    self.before = c;
                }
                if c == '\\' {
                    characters.next_if(|next| matches!(next, ')' | '}' | '\\'));
                    last = 'a';
                }
            }
            if self.depth + self.open.len() > MAX_DEPTH {
                return Err(Refusal::TooDeep { limit: MAX_DEPTH });
            }
        }
        Ok(())
    }

    fn word(&mut self, word: &str) {
        if let Some(open) = Open::by(word) {
            // `time` and its like before a command nest nothing more than the command itself.
            self.open.push(open);
            self.openers += 1;
        } else if let Some(open) = Open::closed_by(word)
            && matches!(self.before, ';' | '&' | '\n' | ')' | '}')
        {
            while self.open.last() == Some(&Open::Prefix) {
                self.open.pop();
            }
            self.close(open);
        }
    }

    fn mark(&mut self, c: char, last: char, next: Option<char>) {
        match c {
            '(' => self.open(Open::Paren),
            '{' if last != '$' && next.is_none_or(|next| matches!(next, ' ' | '\t' | '\n')) => {
                self.open(Open::Group);
            }
            '{' => self.open(Open::Brace),
            ')' => self.close(Open::Paren),
            '}' if self.open.last() == Some(&Open::Group) => {
                if matches!(self.before, ';' | '&' | '\n' | ')' | '}') {
                    self.close(Open::Group);
                }
            }
            '}' => self.close(Open::Brace),
            ';' | '&' | '|' => self.separators += 1,
            '\n' => {
                self.separators += 1;
                self.comment = false;
            }
            '#' if matches!(last, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')') => {
                self.comment = true;
            }
            '<' if last == '<' => self.here = true,
            '$' => self.marks += 1,
            _ => {}
        }
    }

    fn open(&mut self, open: Open) {
        self.open.push(open);
        self.openers += 1;
    }

    fn close(&mut self, open: Open) {
        if !self.comment && !self.here && self.open.last() == Some(&open) {
            self.open.pop();
        }
    }

    fn within(&self) -> Result<(), Refusal> {
        let counts = [
            ("words", self.words, MAX_WORDS),
            ("openers", self.openers, MAX_OPENERS),
            ("separators", self.separators, MAX_SEPARATORS),
            ("quotes and expansions", self.marks, MAX_MARKS),
        ];
        for (what, counted, limit) in counts {
            if counted > limit {
                return Err(Refusal::TooMany { what, limit });
            }
        }
        Ok(())
    }
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
