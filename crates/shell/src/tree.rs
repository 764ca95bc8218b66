//! The tree: what a shell text says, in a normal form. Ways of writing that mean the same (kinds of quotes,
//! line continuations, blanks, comments, `|&`) are one here; whatever is expanded later is kept apart from what
//! is literal. The places in it are byte ranges of the canonical text, not of what was typed.
//!
//! The normal form of literal text: a character that means itself quoted or not (letters, digits, `_-./,:=+@%`) is
//! `Plain` however it was written, so `r''m` is one `Plain("rm")`; a character that has a meaning unquoted is
//! `Quoted` where it was quoted and `Plain` where it was live. A stretch of text without any live character is one
//! piece: `Plain` if it needs no quotes, else `Quoted` as a whole (`a' 'b` is `Quoted("a b")`). In a stretch with
//! live characters the quoted ones stay `Quoted` pieces of their own, and beside a live `[` or `{` quoted text is
//! never made `Plain`, because quotes change what a bracket matches and what is a brace expansion. An empty `Quoted` is kept only where without it
//! the word could vanish. A word that is one brace is `Quoted`. Within arithmetic, text is `Plain` with blanks only where two operators need them.
//! Texts of here-documents are `Quoted`, and so is literal text in the word of `"${x:-word}"`.

/// A byte range of the canonical text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// The first byte.
    pub from: u32,
    /// The byte after the last.
    pub to: u32,
}

/// A list of commands, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its parts, each ended by `;`, `&` or a new line.
    pub items: Vec<Item>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The first.
    pub first: Pipeline,
    /// What follows, by how the one before ended.
    pub rest: Vec<(Connector, Pipeline)>,
    /// Whether it is started with `&`.
    pub background: bool,
}

/// How one pipeline follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands joined by `|`. `|&` is written as the redirection `2>&1` that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Whether `time` stands before it.
    pub timed: bool,
    /// Whether its status is turned round by `!`.
    pub negated: bool,
    /// Its commands; never empty in a text that was understood.
    pub commands: Vec<Command>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Words, perhaps with assignments and redirections.
    Simple(Simple),
    /// A construct that holds commands, with redirections for all of it.
    Compound {
        /// Which.
        body: Compound,
        /// In the order in which they are done.
        redirects: Vec<Redirect>,
    },
    /// `name() …`: defines and does not run.
    Function {
        /// Its name.
        name: String,
        /// What runs when it is called: a compound, with its own redirections.
        body: Box<Self>,
    },
    /// `coproc [NAME] command`.
    Coprocess {
        /// Its name, if one is given.
        name: Option<String>,
        /// What runs.
        body: Box<Self>,
    },
}

/// Assignments, words and redirections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    /// Assignments that stand before the first word.
    pub assignments: Vec<Assignment>,
    /// The command's name and arguments; assignments as arguments of `declare`, `export`, `local`, `readonly` and
    /// `typeset` are words too; with an array among them the command is the group `{ declare x && x=(a b); }`.
    pub words: Vec<Word>,
    /// In the order in which they are done.
    pub redirects: Vec<Redirect>,
    /// Where it stands in the canonical text.
    pub place: Place,
}

/// `name=value`, `name+=value`, `name[i]=value`, `name=(values)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// The subscript, as a word that is expanded as arithmetic or as a key.
    pub index: Option<Word>,
    /// Whether it is `+=`.
    pub append: bool,
    /// What is assigned.
    pub value: AssignedValue,
}

/// What is assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssignedValue {
    /// One word, in which nothing is split and no file name expanded.
    Scalar(Word),
    /// `(a b [k]=c)`: each with its subscript, if it has one.
    Array(Vec<(Option<Word>, Word)>),
}

/// A construct that holds commands. A group that is all of the body of a `for` is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compound {
    /// `{ …; }`
    Group(Script),
    /// `( … )`
    Subshell(Script),
    /// `if …; then …; elif …; else …; fi`: each condition with what it guards.
    If {
        /// Condition and body of `if` and of each `elif`.
        branches: Vec<(Script, Script)>,
        /// The body of `else`.
        otherwise: Option<Script>,
    },
    /// `while` and `until`.
    Loop {
        /// Whether it is `until`.
        until: bool,
        /// The condition.
        condition: Script,
        /// The body.
        body: Script,
    },
    /// `for name in words; do …; done`.
    For {
        /// The variable.
        name: String,
        /// The words; nothing means `"$@"`.
        words: Option<Vec<Word>>,
        /// The body.
        body: Script,
    },
    /// `for ((a; b; c)); do …; done`.
    ArithmeticFor {
        /// The three expressions.
        expressions: [Word; 3],
        /// The body.
        body: Script,
    },
    /// `case word in pattern) …;; esac`.
    Case {
        /// What is compared.
        word: Word,
        /// The arms, in order.
        arms: Vec<CaseArm>,
    },
    /// `(( … ))`: the expression, in which expansions are pieces.
    Arithmetic(Word),
    /// `[[ … ]]`: every operand in order; operators do not matter to what is run.
    Test(Test),
}

/// One arm of a `case`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseArm {
    /// Its patterns.
    pub patterns: Vec<Word>,
    /// What runs.
    pub body: Script,
    /// How it goes on.
    pub end: ArmEnd,
}

/// How a `case` goes on after an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmEnd {
    /// `;;`
    Break,
    /// `;&`: into the next body.
    FallThrough,
    /// `;;&`: to the next pattern that matches.
    TestNext,
}

/// The expression of `[[ … ]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `-f word`
    Unary(String, Word),
    /// `a == b`
    Binary(Word, String, Word),
    /// `! e`
    Not(Box<Self>),
    /// `a && b`
    And(Box<Self>, Box<Self>),
    /// `a || b`
    Or(Box<Self>, Box<Self>),
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Which descriptor, where one is written.
    pub descriptor: Option<Descriptor>,
    /// What happens to it.
    pub kind: RedirectKind,
}

/// The descriptor before a redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// `2>`
    Number(u32),
    /// `{name}>`
    Variable(String),
}

/// What a redirection does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `< word`
    Read(Word),
    /// `> word`
    Write(Word),
    /// `>| word`
    Clobber(Word),
    /// `>> word`
    Append(Word),
    /// `<> word`
    ReadWrite(Word),
    /// `<& word`: a number, `-`, `N-`, or what is expanded.
    DuplicateInput(Word),
    /// `>& word`, also the form that opens a file.
    DuplicateOutput(Word),
    /// `&> word` (`>&word` where the word is no descriptor is `DuplicateOutput`).
    WriteBoth(Word),
    /// `&>> word`
    AppendBoth(Word),
    /// `<<< word`
    HereString(Word),
    /// `<< delimiter`: the body, without the tabs that `<<-` takes away. A body whose delimiter was quoted is
    /// one piece of quoted text.
    HereDocument(Word),
}

/// A word: pieces that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Its pieces; adjoining literals of one kind are one piece. Empty for `''`… which is one empty `Quoted`.
    pub pieces: Vec<Piece>,
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands unquoted: `*`, `?`, `[…]`, extended globs and braces in it are live. A tilde at its
    /// beginning is a `Tilde`, not text.
    Plain(String),
    /// Text that stands for itself: quoted in any way, escaped, or decoded from `$'…'`.
    Quoted(String),
    /// `~`, `~name`, `~+`, `~-` at the beginning of a word (or after `=` and `:` in an assignment).
    Tilde(String),
    /// `$name`, `${…}`.
    Parameter(Parameter),
    /// `$(…)` and backquotes.
    Substitution {
        /// What runs.
        script: Script,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `<(…)` and `>(…)`.
    Process {
        /// Whether it is `>(…)`.
        output: bool,
        /// What runs.
        script: Script,
    },
    /// `$((…))`, with its expansions as pieces.
    Arithmetic {
        /// The expression.
        expression: Box<Word>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `{a,b}` and `{1..9}`, live only outside quotes.
    Braces(Braces),
}

/// A brace expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Braces {
    /// `{a,b,c}`: each alternative may hold pieces and braces of its own.
    List(Vec<Word>),
    /// `{1..9}`, `{01..10..2}`, `{a..f}`: as written, from, to, step.
    Range {
        /// From.
        from: String,
        /// To.
        to: String,
        /// The step, if one is written.
        step: Option<String>,
    },
}

/// A parameter and what is done to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name: a variable, a digit, or one of `@ * # ? - $ !`.
    pub name: String,
    /// The subscript, `@` and `*` included.
    pub index: Option<Box<Word>>,
    /// `${!name}`: the value is the name of the parameter that is meant.
    pub indirect: bool,
    /// What is done to it.
    pub operation: Operation,
    /// Whether it stands in double quotes.
    pub quoted: bool,
}

impl Parameter {
    /// Whether it can expand to no word at all even in double quotes, as `"$@"` does.
    #[must_use]
    pub fn may_be_no_word(&self) -> bool {
        let all = |name: &str| name == "@";
        let index_is_all = self.index.as_ref().is_some_and(
            |index| matches!(index.pieces.as_slice(), [Piece::Plain(text)] if all(text)),
        );
        all(&self.name)
            || index_is_all
            || self.indirect
            || matches!(
                self.operation,
                Operation::NamesBeginningWith
                    | Operation::Keys
                    | Operation::Default(..)
                    | Operation::Alternative(..)
            )
    }
}

/// What is done to a parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing.
    Get,
    /// `${#name}`
    Length,
    /// `${name:-word}`, `${name-word}`; the flag says whether empty counts as unset (the colon).
    Default(bool, Box<Word>),
    /// `${name:=word}`
    Assign(bool, Box<Word>),
    /// `${name:?word}`
    Fail(bool, Box<Word>),
    /// `${name:+word}`
    Alternative(bool, Box<Word>),
    /// `${name#pattern}`, `##` where the flag is set.
    CutPrefix(bool, Box<Word>),
    /// `${name%pattern}`, `%%` where the flag is set.
    CutSuffix(bool, Box<Word>),
    /// `${name:offset:length}`, both arithmetic.
    Slice(Box<Word>, Option<Box<Word>>),
    /// `${name/pattern/replacement}`.
    Replace {
        /// Which matches.
        which: Replaced,
        /// The pattern.
        pattern: Box<Word>,
        /// The replacement; nothing deletes.
        replacement: Option<Box<Word>>,
    },
    /// `${name^}`, `${name^^}`, `${name,}`, `${name,,}` with the operator as written.
    Case(String, Option<Box<Word>>),
    /// `${name@Q}` and its like, with the letter.
    Transform(char),
    /// `${!name*}`, `${!name@}`: names that begin so.
    NamesBeginningWith,
    /// `${!name[@]}`: the keys of an array.
    Keys,
}

/// Which matches are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The first.
    First,
    /// All of them.
    All,
    /// Only at the beginning.
    Prefix,
    /// Only at the end.
    Suffix,
}

impl Word {
    /// A word that stands for itself.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![Piece::Quoted(text.into())],
        }
    }

    /// The text, where nothing in the word is expanded. Unquoted text counts only without a live character.
    #[must_use]
    pub fn as_literal(&self) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Quoted(part) => text.push_str(part),
                Piece::Plain(part) if !part.contains(['*', '?', '[', '(']) => text.push_str(part),
                _ => return None,
            }
        }
        Some(text)
    }
}
