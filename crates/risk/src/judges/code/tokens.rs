//! Words of programs in Python, Perl, Ruby, JavaScript, PHP, Lua and Tcl, as far as strings, comments and names are
//! told apart. Where a language cannot be read without running it, the words are said to be unsure: then they serve to
//! find commands in them, and never to prove that there are none.

use super::super::options::listed;

/// Most words that are looked at.
const MOST_TOKENS: usize = 20_000;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Perl,
    Ruby,
    Node,
    Php,
    Lua,
    Tcl,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword; a variable of Perl or PHP with its `$`, `@` or `%`.
    Name(String),
    /// A string; `live` where something in it is computed.
    Text {
        /// What it says, with plain escapes resolved.
        text: String,
        /// Whether a part of it is computed.
        live: bool,
    },
    /// A command in backquotes.
    Command(String),
    /// A number, as it is written.
    Number(String),
    /// A regular expression, or another thing that only computes.
    Value,
    /// An operator's character, or a bracket.
    Sign(char),
    /// The end of a line.
    Line,
}

/// The words of a program.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) tokens: Vec<Token>,
    /// Whether every word is certain.
    pub(super) sure: bool,
}

/// Names behind which a slash begins an expression.
const BEFORE_EXPRESSION: &str = "if unless elsif and or not split grep map print return while until when x lt gt le ge eq ne cmp \
    typeof case in of puts p say keys values each scalar sort reverse join push delete exists defined";

/// Names of Perl behind which a delimiter stands.
const QUOTING: &str = "q qq qw qx m qr s tr y";

/// Reads a program.
pub(super) fn read(text: &str, language: Language) -> Words {
    let mut reader = Reader {
        letters: text.chars().collect(),
        at: 0,
        language,
        words: Words {
            tokens: Vec::new(),
            sure: true,
        },
    };
    while reader.at < reader.letters.len() {
        if reader.words.tokens.len() > MOST_TOKENS {
            reader.words.sure = false;
            break;
        }
        reader.next();
    }
    reader.words
}

struct Reader {
    letters: Vec<char>,
    at: usize,
    language: Language,
    words: Words,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    fn stands(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(ahead, letter)| self.peek(ahead) == Some(letter))
    }

    fn push(&mut self, token: Token) {
        self.words.tokens.push(token);
    }

    fn next(&mut self) {
        use Language::{Lua, Node, Perl, Php, Python, Ruby};
        let Some(letter) = self.peek(0) else { return };
        match letter {
            '\n' => {
                self.at += 1;
                self.push(Token::Line);
            }
            _ if letter.is_whitespace() => self.at += 1,
            '#' if matches!(self.language, Python | Perl | Ruby | Php | Language::Tcl) => {
                self.skip_line();
            }
            '/' if self.stands("//") && matches!(self.language, Node | Php) => self.skip_line(),
            '/' if self.stands("/*") && matches!(self.language, Node | Php) => self.skip_to("*/"),
            '-' if self.stands("--") && self.language == Lua => {
                self.words.sure &= !self.stands("--[");
                self.skip_line();
            }
            '[' if self.stands("[[") && self.language == Lua => self.long_text(),
            '\'' | '"' => self.string(letter, ""),
            '`' => self.backquotes(),
            '$' | '@' | '%' if self.language == Perl => self.variable(letter),
            '$' if self.language == Php => self.variable(letter),
            '/' if matches!(self.language, Perl | Ruby | Node) && self.expects_operand() => {
                self.expression('/');
            }
            '<' if matches!(self.language, Perl | Ruby | Php) => self.less(),
            '%' if self.language == Ruby && self.expects_operand() => self.percent(),
            '?' if self.stands("?>") && self.language == Php => self.unsure(),
            '=' if self.stands("\n=") && matches!(self.language, Perl | Ruby) => self.unsure(),
            '\\' if self.peek(1) == Some('\n') => self.at += 2,
            _ if letter.is_ascii_digit() => self.number(),
            _ if letter.is_alphabetic() || letter == '_' => self.name(),
            _ if letter.is_ascii() => {
                self.at += 1;
                self.push(Token::Sign(letter));
            }
            _ => self.unsure(),
        }
    }

    /// Takes a letter that is not understood.
    fn unsure(&mut self) {
        self.words.sure = false;
        let letter = self.peek(0).unwrap_or(' ');
        self.at += 1;
        self.push(Token::Sign(letter));
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            self.at += 1;
        }
    }

    fn skip_to(&mut self, end: &str) {
        while self.at < self.letters.len() && !self.stands(end) {
            self.at += 1;
        }
        self.at += end.len();
    }

    fn number(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|letter| {
            letter.is_ascii_alphanumeric()
                || letter == '_'
                || (letter == '.' && self.peek(1).is_some_and(|next| next.is_ascii_digit()))
        }) {
            self.at += 1;
        }
        let number = self.letters[start..self.at].iter().collect();
        self.push(Token::Number(number));
    }

    fn long_text(&mut self) {
        self.at += 2;
        let start = self.at;
        while self.at < self.letters.len() && !self.stands("]]") {
            self.at += 1;
        }
        let text = self.letters[start..self.at].iter().collect();
        self.at += 2;
        self.push(Token::Text { text, live: false });
    }

    /// Whether an operand may stand here. Where that is open, the words are not certain.
    fn expects_operand(&mut self) -> bool {
        match self.words.tokens.last() {
            None | Some(Token::Line) => true,
            Some(Token::Sign('}')) => {
                self.words.sure = false;
                false
            }
            Some(Token::Sign(')' | ']')) => false,
            Some(Token::Sign(_)) => true,
            Some(Token::Name(name)) if listed(BEFORE_EXPRESSION, name) => true,
            Some(Token::Name(name)) => {
                let variable = name.starts_with(['$', '@', '%']) || self.language == Language::Node;
                self.words.sure &= variable;
                false
            }
            Some(_) => false,
        }
    }

    /// A string; three quotes hold more lines in Python.
    fn string(&mut self, quote: char, prefix: &str) {
        let long: String = [quote; 3].iter().collect();
        let triple = self.language == Language::Python && self.stands(&long);
        self.at += if triple { 3 } else { 1 };
        let raw = prefix.contains(['r', 'R']);
        let mut text = String::new();
        let mut closed = false;
        while let Some(letter) = self.peek(0) {
            if (triple && self.stands(&long)) || (!triple && letter == quote) {
                self.at += if triple { 3 } else { 1 };
                closed = true;
                break;
            }
            self.at += 1;
            if letter == '\\' {
                self.escape(quote, raw, &mut text);
            } else {
                text.push(letter);
            }
        }
        self.words.sure &= closed;
        let live = self.is_live(&text, quote, prefix);
        self.push(Token::Text { text, live });
    }

    fn escape(&mut self, quote: char, raw: bool, text: &mut String) {
        let Some(letter) = self.peek(0) else { return };
        self.at += 1;
        let single = quote == '\''
            && matches!(
                self.language,
                Language::Perl | Language::Ruby | Language::Php
            );
        if raw || (single && letter != '\\' && letter != '\'') {
            text.push('\\');
            text.push(letter);
            return;
        }
        match letter {
            'n' if !single => text.push('\n'),
            't' if !single => text.push('\t'),
            'r' if !single => text.push('\r'),
            '\n' => {}
            'x' if !single => {
                let digits: String = (0..2).filter_map(|ahead| self.peek(ahead)).collect();
                match u32::from_str_radix(&digits, 16)
                    .ok()
                    .and_then(char::from_u32)
                {
                    Some(value) => {
                        text.push(value);
                        self.at += 2;
                    }
                    None => self.words.sure = false,
                }
            }
            'u' | 'N' | 'U' | '0'..='9' if !single => {
                self.words.sure = false;
                text.push(letter);
            }
            other => text.push(other),
        }
    }

    /// Whether a part of a string is computed.
    fn is_live(&self, text: &str, quote: char, prefix: &str) -> bool {
        match self.language {
            Language::Python => prefix.contains(['f', 'F']) && text.contains('{'),
            Language::Perl => quote == '"' && has_live_part(text),
            Language::Php => quote == '"' && (has_live_part(text) || text.contains("{$")),
            Language::Ruby => quote == '"' && text.contains('#'),
            Language::Tcl => text.contains(['[', '$']),
            Language::Node | Language::Lua => false,
        }
    }

    fn backquotes(&mut self) {
        self.at += 1;
        let start = self.at;
        while self.peek(0).is_some_and(|letter| letter != '`') {
            self.at += if self.peek(0) == Some('\\') { 2 } else { 1 };
        }
        self.at = self.at.min(self.letters.len());
        let text: String = self.letters[start..self.at].iter().collect();
        self.at += 1;
        match self.language {
            Language::Node => {
                let live = text.contains("${");
                self.push(Token::Text { text, live });
            }
            Language::Perl | Language::Ruby | Language::Php => self.push(Token::Command(text)),
            _ => self.words.sure = false,
        }
    }

    /// A variable of Perl or PHP; a modulo sign where an operand stood before.
    fn variable(&mut self, sigil: char) {
        if sigil == '%'
            && (!self.expects_operand() || !self.peek(1).is_some_and(|next| next.is_alphabetic()))
        {
            self.at += 1;
            self.push(Token::Sign('%'));
            return;
        }
        let start = self.at;
        self.at += 1;
        if self.peek(0) == Some('#')
            && self
                .peek(1)
                .is_some_and(|next| next.is_alphabetic() || next == '_')
        {
            self.at += 1;
        }
        match self.peek(0) {
            Some(letter) if letter.is_alphanumeric() || letter == '_' => {
                while self
                    .peek(0)
                    .is_some_and(|next| next.is_alphanumeric() || next == '_')
                {
                    self.at += 1;
                }
                self.words.sure &= !self.stands("::");
            }
            Some('.' | ',' | '/' | '&' | '0' | '!' | ';' | '|' | '"')
                if sigil == '$' && self.language == Language::Perl =>
            {
                self.at += 1;
            }
            _ => self.words.sure = false,
        }
        let name = self.letters[start..self.at].iter().collect();
        self.push(Token::Name(name));
    }

    /// `<` compares, or reads a line, or begins a text of lines.
    fn less(&mut self) {
        let reads = ["<STDIN>", "<>"].into_iter().find(|form| self.stands(form));
        if self.language == Language::Perl && self.expects_operand() {
            if let Some(form) = reads {
                self.at += form.len();
                self.push(Token::Name("<>".to_owned()));
                return;
            }
            self.words.sure = false;
        }
        if self.stands("<<") && !matches!(self.peek(2), Some(' ' | '=')) {
            self.words.sure = false;
        }
        self.at += 1;
        self.push(Token::Sign('<'));
    }

    /// `%w(…)` and its like of Ruby.
    fn percent(&mut self) {
        self.words.sure = false;
        if self.stands("%x") && self.peek(2).is_some_and(|next| !next.is_alphanumeric()) {
            self.at += 2;
            let text = self.delimited().unwrap_or_default();
            self.push(Token::Command(text));
        } else {
            self.at += 1;
            self.push(Token::Sign('%'));
        }
    }

    /// What stands between a delimiter and its end, from the delimiter on.
    fn delimited(&mut self) -> Option<String> {
        let open = self.peek(0)?;
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            other => other,
        };
        self.at += 1;
        let start = self.at;
        let mut depth = 1_usize;
        while let Some(letter) = self.peek(0) {
            match letter {
                '\\' => self.at += 1,
                _ if letter == close => {
                    depth -= 1;
                    if depth == 0 {
                        let text = self.letters[start..self.at].iter().collect();
                        self.at += 1;
                        return Some(text);
                    }
                }
                _ if letter == open => depth += 1,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.letters.len();
        self.words.sure = false;
        None
    }

    /// A regular expression with its letters.
    fn expression(&mut self, _delimiter: char) {
        let text = self.delimited().unwrap_or_default();
        let flags = self.flags();
        self.check_expression(&text, &flags, false);
        self.push(Token::Value);
    }

    fn flags(&mut self) -> String {
        let start = self.at;
        while self
            .peek(0)
            .is_some_and(|letter| letter.is_ascii_alphabetic())
        {
            self.at += 1;
        }
        self.letters[start..self.at].iter().collect()
    }

    /// An expression may hold code, and the letter `e` runs what replaces a match.
    fn check_expression(&mut self, text: &str, flags: &str, replaces: bool) {
        let code = text.contains("(?{")
            || text.contains("(??{")
            || text.contains("@{")
            || text.contains("#{")
            || has_live_part(text);
        let unknown = if replaces { flags.contains('e') } else { false };
        if code || unknown || !flags.chars().all(|flag| "gimsxoeruy".contains(flag)) {
            self.words.sure = false;
        }
    }

    fn name(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|letter| {
            letter.is_alphanumeric()
                || letter == '_'
                || (letter == '$' && self.language == Language::Node)
        }) {
            self.at += 1;
        }
        let name: String = self.letters[start..self.at].iter().collect();
        let quote = self.peek(0).filter(|next| matches!(next, '\'' | '"'));
        let prefix = self.language == Language::Python
            && name.len() <= 2
            && name.chars().all(|letter| "rRbBuUfF".contains(letter));
        match quote {
            Some(quote) if prefix => self.string(quote, &name),
            _ if self.language == Language::Perl && listed(QUOTING, &name) => self.quoting(&name),
            _ => self.push(Token::Name(name)),
        }
    }

    /// Whether the brace that was read last certainly opens a block.
    fn opens_block(&self) -> bool {
        let before = self.words.tokens.iter().rev().nth(1);
        match before {
            None | Some(Token::Line | Token::Sign(')' | ';')) => true,
            Some(Token::Name(name)) => matches!(name.as_str(), "BEGIN" | "END" | "else" | "do"),
            Some(_) => false,
        }
    }

    /// `q(…)`, `s/…/…/` and their like of Perl.
    fn quoting(&mut self, name: &str) {
        let in_subscript =
            self.words.tokens.last() == Some(&Token::Sign('{')) && !self.opens_block();
        let fits = self
            .peek(0)
            .is_some_and(|next| next.is_ascii_punctuation() && !"=,;)}_->'".contains(next));
        if in_subscript || !fits {
            self.words.sure = false;
            self.push(Token::Name(name.to_owned()));
            return;
        }
        let open = self.peek(0).unwrap_or('/');
        let first = self.delimited().unwrap_or_default();
        match name {
            "q" => self.push(Token::Text {
                text: first,
                live: false,
            }),
            "qq" => {
                let live = has_live_part(&first);
                self.push(Token::Text { text: first, live });
            }
            "qx" => self.push(Token::Command(first)),
            "qw" => self.push(Token::Value),
            "s" | "tr" | "y" => {
                if "([{<".contains(open) {
                    self.words.sure = false;
                } else {
                    self.at -= 1;
                }
                let second = self.delimited().unwrap_or_default();
                let flags = self.flags();
                if name == "s" {
                    self.check_expression(&first, &flags, true);
                    self.words.sure &= !has_live_part(&second);
                }
                self.push(Token::Value);
            }
            _ => {
                let flags = self.flags();
                self.check_expression(&first, &flags, false);
                self.push(Token::Value);
            }
        }
    }
}

/// Whether a text of Perl or PHP has a part that may run something: `@{…}`, `${…}`, a subscript that is no plain word.
pub(super) fn has_live_part(text: &str) -> bool {
    if text.contains("@{") || text.contains("${") || text.contains("->") || text.contains("$$") {
        return true;
    }
    let mut rest = text;
    while let Some(start) = rest.find(['$', '@']) {
        rest = &rest[start + 1..];
        let end = rest
            .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .unwrap_or(rest.len());
        let after = &rest[end..];
        let Some(open) = after
            .chars()
            .next()
            .filter(|open| matches!(open, '[' | '{'))
        else {
            continue;
        };
        let close = if open == '[' { ']' } else { '}' };
        let Some((inside, _)) = after[1..].split_once(close) else {
            continue;
        };
        if !inside
            .chars()
            .all(|letter| letter.is_alphanumeric() || "_$-.".contains(letter))
        {
            return true;
        }
    }
    false
}
