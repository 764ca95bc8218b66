//! One command as it would be started, and what judging it yields. This is the contract between the interpreter, which
//! makes invocations, the command tables and judges, which say what one does, and the classifier, which says how bad
//! that is. Judges never recurse: what a command runs in its turn, it hands back as `Nested`.

use watchkeeper_model::{Certainty, EffectKind, RiskLevel};

use crate::word::Arg;

/// One command as it would be started: after expansion, before anything is unwrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The program and its arguments; never empty. The program's name is known text.
    pub(crate) argv: Vec<Arg>,
    /// What it reads on standard input.
    pub(crate) stdin: Input,
    /// Where it would run.
    pub(crate) context: Context,
}

/// What stands on a standard input, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing: it is closed, which is how everything of ours is started.
    Nothing,
    /// Exactly this text.
    Text(String),
    /// The content of a file.
    File(Arg),
    /// What other commands print, with what is known of it.
    Unknown(crate::word::Origin),
}

/// Where a command runs, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// The machine or container, as written; empty for the host itself. `root@web2`, `container web`.
    pub(crate) elsewhere: String,
    /// The directories in which it may run: absolute, normalised; empty where that is not known.
    pub(crate) directories: Vec<String>,
    /// The directory that `/` means, where a chroot or a mounted root changed it; empty for `/`.
    pub(crate) root: String,
    /// The account, where a wrapper changed it; `root` by sudo.
    pub(crate) account: Option<String>,
}

/// What judging one command yields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What it does itself. A command that is known and does nothing yields `Reads` without a target.
    pub(crate) found: Vec<Found>,
    /// What it runs in its turn.
    pub(crate) nested: Vec<Nested>,
    /// What it prints, as far as it is known.
    pub(crate) output: Output,
}

/// What a command prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Output {
    /// Exactly this, with its final new line.
    Text(String),
    /// One plain value: a number, a date, a name without blanks or slashes.
    Plain,
    /// Names without blanks, of which none begins with a dash, one a line.
    PlainWords,
    /// Lines that begin with such a name, behind which a blank or a colon stands.
    NamedLines,
    /// The first field of each line of its input; lines are parted into fields by blanks or by colons.
    FirstField,
    /// Names of files below these directories.
    PathsBelow(Vec<String>),
    /// Text from the network.
    Network,
    /// Exactly its input, as `cat` without arguments does.
    Input,
    /// Some lines of its input, each unchanged, as `grep x` prints them.
    InputLines,
    /// What the input says when it is decoded so.
    Decoded(Decoder),
    /// Something.
    #[default]
    Unknown,
}

/// How an input is decoded. Where the input is known, the interpreter decodes it and goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decoder {
    /// `base64 -d`, `openssl base64 -d`
    Base64,
    /// `base32 -d`
    Base32,
    /// `xxd -r -p`
    Hex,
    /// `rev`
    Reverse,
    /// `tac`
    ReverseLines,
    /// `tr FROM TO` with both sets as expanded characters of equal length.
    Translate(Vec<char>, Vec<char>),
    /// `tr -d SET`
    DeleteChars(Vec<char>),
}

/// Something that a command does, before it is said how bad that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What.
    pub(crate) kind: EffectKind,
    /// To what.
    pub(crate) target: Target,
    /// How sure.
    pub(crate) certainty: Certainty,
    /// The least level; without a target that has a class, exactly the level. Nothing: what kind and target say.
    pub(crate) level: Option<RiskLevel>,
    /// The rule that says so: family, command and what of it, e.g. `text.sort.-o`.
    pub(crate) rule: String,
    /// A plain sentence fragment in place of the usual one, e.g. `blocks every new connection`.
    pub(crate) say: Option<String>,
    /// Whether it may be done many times or to a whole tree below the target.
    pub(crate) recursive: bool,
}

/// To what something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Nothing that has a name.
    None,
    /// A file or directory, not yet resolved against the directory in which it runs.
    Path(Arg),
    /// A unit or service.
    Unit(Arg),
    /// A package.
    Package(Arg),
    /// A process, by number or name.
    Process(Arg),
    /// A machine or an address.
    Host(Arg),
    /// An address of a page.
    Url(Arg),
    /// Anything else, by its name.
    Named(Arg),
}

/// What a command runs in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nested {
    /// A command by its words. Unknown words may follow them, as with `xargs`: then they are in `argv` as such.
    Argv {
        /// Its words. Assignments that a wrapper takes (`sudo A=b cmd`) are those of an `env` in front of the command;
        /// those of `env` itself are left out: whoever follows the words judges them where they stand.
        argv: Vec<Arg>,
        /// Its standard input; nothing where it has the outer command's.
        stdin: Option<Input>,
        /// Where it runs; nothing where that is as for the outer command.
        context: Option<Context>,
    },
    /// Text for a shell.
    Shell {
        /// The text.
        text: Arg,
        /// `$0`, `$1`… of it.
        arguments: Vec<Arg>,
        /// Its standard input; nothing where it has the outer command's.
        stdin: Option<Input>,
        /// Where it runs; nothing where that is as for the outer command.
        context: Option<Context>,
        /// How the text was hidden, where it was: it is shown to people, and at least high.
        hidden: Option<String>,
    },
    /// What stands on the outer command's standard input, as text for a shell.
    ShellInput {
        /// Where it runs; nothing where that is as for the outer command.
        context: Option<Context>,
    },
}

impl Found {
    /// Something done to nothing that has a name.
    #[must_use]
    pub(crate) fn plain(kind: EffectKind, rule: impl Into<String>) -> Self {
        Self {
            kind,
            target: Target::None,
            certainty: Certainty::Certain,
            level: None,
            rule: rule.into(),
            say: None,
            recursive: false,
        }
    }

    /// Something done to a target.
    #[must_use]
    pub(crate) fn to(kind: EffectKind, target: Target, rule: impl Into<String>) -> Self {
        Self {
            target,
            ..Self::plain(kind, rule)
        }
    }

    /// The same with a least level.
    #[must_use]
    pub(crate) fn at_least(self, level: RiskLevel) -> Self {
        Self {
            level: Some(self.level.map_or(level, |own| own.max(level))),
            ..self
        }
    }

    /// The same in other words.
    #[must_use]
    pub(crate) fn saying(self, sentence: impl Into<String>) -> Self {
        Self {
            say: Some(sentence.into()),
            ..self
        }
    }
}
