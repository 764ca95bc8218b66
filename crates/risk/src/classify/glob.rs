//! One name with parts that may be anything, and whether two such names can be the same one. Everything is taken
//! rather too widely than too narrowly: two patterns that might meet do.

/// Longest pattern of one name, in tokens; a longer one may be anything.
const MAX_TOKENS: usize = 256;

/// One name of a path, a unit, a package or a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
    /// The name, where it is a certain one: most are, and are compared as such.
    text: Option<String>,
    /// Whether it begins with a live pattern, which a shell never lets stand for a dot.
    hides_dot: bool,
}

/// A part of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any characters, or none.
    Run,
    /// One of some characters, or none of them where it is negated.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// A name of which nothing is known yet.
    pub(crate) const fn empty() -> Self {
        Self {
            tokens: Vec::new(),
            text: Some(String::new()),
            hides_dot: false,
        }
    }

    /// Exactly this name.
    pub(crate) fn text(text: &str) -> Self {
        let mut glob = Self::empty();
        glob.push_text(text);
        glob
    }

    /// A pattern from one of our lists; it may begin with a dot.
    pub(crate) fn listed(pattern: &str) -> Self {
        let mut glob = Self::empty();
        glob.push_pattern(pattern);
        glob.hides_dot = false;
        glob
    }

    /// Appends text that stands for itself.
    pub(crate) fn push_text(&mut self, text: &str) {
        self.tokens.extend(text.chars().map(Token::Char));
        self.limit();
    }

    /// Appends a live pattern.
    pub(crate) fn push_pattern(&mut self, pattern: &str) {
        let first = self.tokens.is_empty();
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            if matches!(c, '?' | '*' | '+' | '@' | '!') && rest.peek() == Some(&'(') {
                skip_group(&mut rest);
                self.push_run();
                continue;
            }
            match c {
                '*' => self.push_run(),
                '?' => self.tokens.push(Token::One),
                '[' => {
                    let mut set = rest.clone();
                    match read_set(&mut set) {
                        Some(token) => {
                            rest = set;
                            self.tokens.push(token);
                        }
                        None => self.tokens.push(Token::Char('[')),
                    }
                }
                '\\' => self.tokens.extend(rest.next().map(Token::Char)),
                c => self.tokens.push(Token::Char(c)),
            }
        }
        if first {
            self.hides_dot = !matches!(self.tokens.first(), None | Some(Token::Char(_)));
        }
        self.limit();
    }

    /// Appends something of which nothing is known, within the name.
    pub(crate) fn push_unknown(&mut self) {
        self.push_run();
        self.limit();
    }

    /// Whether it stands for every name, or every one that does not begin with a dot.
    pub(crate) fn is_anything(&self) -> bool {
        !self.tokens.is_empty() && self.tokens.iter().all(|token| *token == Token::Run)
    }

    /// Whether it is one certain name.
    pub(crate) const fn is_text(&self) -> bool {
        self.text.is_some()
    }

    /// The name, where it is a certain one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Whether every name that it stands for begins with a dot.
    pub(crate) fn begins_with_dot(&self) -> bool {
        self.tokens.first() == Some(&Token::Char('.'))
    }

    /// Whether some name is in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        if self.hides_dot && other.tokens.first() == Some(&Token::Char('.')) {
            return false;
        }
        if let (Some(one), Some(two)) = (&self.text, &other.text) {
            return one == two;
        }
        if differ(self.tokens.first(), other.tokens.first())
            || differ(self.tokens.last(), other.tokens.last())
        {
            return false;
        }
        meet(&self.tokens, &other.tokens)
    }

    /// Whether every name in this one is surely in the other.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        other.is_anything() || (self.is_text() && self.meets(other)) || self.tokens == other.tokens
    }

    /// Whether it was surely written with the other, a list's pattern, in mind: what is literal in it stands in the
    /// other too. `id_r*` is meant as `id_rsa`; `*` is meant as nothing in particular.
    pub(crate) fn aims_at(&self, other: &Self) -> bool {
        if !self.meets(other) {
            return false;
        }
        let (own, listed) = (self.literals(), other.literals());
        if !own.iter().any(|c| c.is_alphanumeric()) {
            return false;
        }
        let mut rest = listed.iter();
        let within = own.iter().all(|c| rest.any(|other| other == c));
        let ending = self.shared(other, true);
        (within && own.len() * 2 >= listed.len())
            || self.shared(other, false) >= 2
            || (ending >= 3 && ending == listed.len())
    }

    fn literals(&self) -> Vec<char> {
        self.tokens
            .iter()
            .filter_map(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            })
            .collect()
    }

    /// How many characters stand for themselves in it.
    pub(crate) fn weight(&self) -> usize {
        self.literals().len()
    }

    /// Whether it names what the other, a list's name or pattern, stands for: a name does when it is one of those, a
    /// pattern when it stands for everything, when it can be a listed name, or when it aims at a listed pattern.
    pub(crate) fn hits(&self, other: &Self) -> bool {
        if self.is_text() || other.is_text() {
            return self.meets(other);
        }
        let everything = other.is_anything() || (self.is_anything() && self.hides_dot);
        (everything && self.meets(other)) || self.aims_at(other)
    }

    /// How many characters both begin with, or end with.
    fn shared(&self, other: &Self, at_end: bool) -> usize {
        let same = |(one, two): &(&Token, &Token)| one == two && matches!(one, Token::Char(_));
        let pairs = self.tokens.iter().zip(&other.tokens);
        if at_end {
            let pairs = self.tokens.iter().rev().zip(other.tokens.iter().rev());
            pairs.take_while(same).count()
        } else {
            pairs.take_while(same).count()
        }
    }

    fn push_run(&mut self) {
        if self.tokens.last() != Some(&Token::Run) {
            self.tokens.push(Token::Run);
        }
    }

    fn limit(&mut self) {
        if self.tokens.len() > MAX_TOKENS {
            self.tokens.truncate(MAX_TOKENS);
            self.push_run();
        }
        self.text = self
            .tokens
            .iter()
            .map(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            })
            .collect();
    }
}

/// Skips `(…)` of an extended pattern.
fn skip_group(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let mut depth = 0_usize;
    for c in rest.by_ref() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Reads a set after its `[`; nothing where it is not closed.
fn read_set(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let mut negated = false;
    if matches!(rest.peek(), Some('!' | '^')) {
        rest.next();
        negated = true;
    }
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        let from = match rest.next()? {
            ']' if !first => return Some(Token::Set { negated, ranges }),
            '[' if matches!(rest.peek(), Some(':' | '.' | '=')) => {
                while rest.next()? != ']' {}
                ranges.push(('\0', char::MAX));
                first = false;
                continue;
            }
            '\\' => rest.next()?,
            c => c,
        };
        first = false;
        let mut ahead = rest.clone();
        let to = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(to)) if to != ']' => {
                rest.next();
                rest.next();
                to
            }
            _ => from,
        };
        ranges.push((from.min(to), from.max(to)));
    }
}

/// Whether two tokens at the same end of two names rule out that they are the same.
fn differ(one: Option<&Token>, two: Option<&Token>) -> bool {
    matches!((one, two), (Some(Token::Char(one)), Some(Token::Char(two))) if one != two)
}

/// Whether two patterns have a text in common, by the pairs of places that can be reached in both at once.
fn meet(one: &[Token], two: &[Token]) -> bool {
    let width = two.len() + 1;
    let mut reached = vec![false; (one.len() + 1) * width];
    reached[0] = true;
    for i in 0..=one.len() {
        for j in 0..=two.len() {
            if !reached[i * width + j] {
                continue;
            }
            let (a, b) = (one.get(i), two.get(j));
            if a == Some(&Token::Run) {
                reached[(i + 1) * width + j] = true;
            }
            if b == Some(&Token::Run) {
                reached[i * width + j + 1] = true;
            }
            if let (Some(a), Some(b)) = (a, b) {
                match (a, b) {
                    (Token::Run, Token::Run) => {}
                    (Token::Run, _) => reached[i * width + j + 1] = true,
                    (_, Token::Run) => reached[(i + 1) * width + j] = true,
                    _ if overlap(a, b) => reached[(i + 1) * width + j + 1] = true,
                    _ => {}
                }
            }
        }
    }
    reached[one.len() * width + two.len()]
}

fn overlap(one: &Token, two: &Token) -> bool {
    match (one, two) {
        (Token::Char(a), Token::Char(b)) => a == b,
        (Token::Char(c), Token::Set { negated, ranges })
        | (Token::Set { negated, ranges }, Token::Char(c)) => {
            ranges.iter().any(|(from, to)| from <= c && c <= to) != *negated
                || ranges.contains(&('\0', char::MAX))
        }
        (
            Token::Set {
                negated: false,
                ranges: a,
            },
            Token::Set {
                negated: false,
                ranges: b,
            },
        ) => a
            .iter()
            .any(|(from, to)| b.iter().any(|(low, high)| from <= high && low <= to)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Glob {
        let mut glob = Glob::empty();
        glob.push_pattern(text);
        glob
    }

    fn meets(one: &str, two: &str) -> bool {
        pattern(one).meets(&Glob::listed(two))
    }

    #[test]
    fn patterns_meet_what_they_could_stand_for() {
        for (one, two) in [
            ("sh?d?w", "shadow"),
            ("s*", "shadow"),
            ("[r-t]hadow", "shadow"),
            ("[!a]hadow", "shadow"),
            ("*", "shadow"),
            ("*_key", "ssh_host_*_key"),
            ("id_*", "id_rsa*"),
            ("[[:alpha:]]hadow", "shadow"),
            ("@(shadow|x)", "shadow"),
            ("[a-z]*", "[p-q]?sswd"),
            (".*", ".env"),
        ] {
            assert!(meets(one, two), "{one} {two}");
        }
        for (one, two) in [
            ("sh?d", "shadow"),
            ("*.log", "*.pem"),
            ("[a-c]hadow", "shadow"),
            ("*", ".env"),
            ("?env", ".env"),
            ("[.]env", ".env"),
            ("", "x"),
        ] {
            assert!(!meets(one, two), "{one} {two}");
        }
    }

    #[test]
    fn a_pattern_aims_at_what_it_shares_letters_with() {
        for (one, two, expect) in [
            ("*", "*.pem", false),
            ("a*", "*.pem", false),
            ("*.p?m", "*.pem", true),
            ("*.p*", "*.pem", true),
            ("id_*", "id_rsa*", true),
            ("*.log", "*.pem", false),
            ("*.*", "*.pem", false),
            ("*.conf", "*secret*.conf", false),
            ("*secret*", "*secret*.conf", true),
            ("server*.key", "*.key", true),
        ] {
            assert_eq!(
                pattern(one).aims_at(&Glob::listed(two)),
                expect,
                "{one} {two}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_two_patterns_can_be_compared_and_it_does_not_matter_in_which_order(
            one in "[a-c*?\\[\\]!.-]{0,8}",
            two in "[a-c*?\\[\\]!.-]{0,8}",
        ) {
            let (one, two) = (Glob::listed(&one), Glob::listed(&two));
            prop_assert_eq!(one.meets(&two), two.meets(&one));
        }

        #[test]
        fn a_text_meets_itself_and_the_star(text in "[^*?\\[\\\\]{1,20}") {
            prop_assert!(Glob::text(&text).meets(&Glob::text(&text)));
            prop_assert!(Glob::text(&text).meets(&Glob::listed("*")));
        }

        #[test]
        fn any_pattern_can_be_read(text in any::<String>()) {
            let _ = pattern(&text).meets(&Glob::listed("a*b"));
        }
    }
}
