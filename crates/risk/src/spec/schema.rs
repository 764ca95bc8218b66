//! The form of the command tables in `tables/*.toml`: one file for a family of commands, one entry for a command. How
//! an entry is read is said in `tables/README.md`; that an entry is valid is checked where the tables are loaded.

use serde::Deserialize;
use watchkeeper_model::{EffectKind, RiskLevel};

/// One file of tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// Its commands.
    pub(crate) command: Vec<Node>,
}

/// A command, or one verb of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Node {
    /// Its names, parted by blanks.
    pub(crate) names: String,
    /// Where its behaviour is written down; needed for a command.
    pub(crate) manual: String,
    /// How its options are written; a verb has its command's where it says nothing.
    pub(crate) style: Option<Style>,
    /// Options without a value that change nothing.
    pub(crate) flags: String,
    /// Options with a value that change nothing.
    pub(crate) values: String,
    /// Options with a value only after `=` (or joined to the letter) that change nothing.
    pub(crate) optional: String,
    /// Those of `values` and `optional` whose value says which other machine is asked.
    pub(crate) machines: String,
    /// Whether its operands may hold names of machines that it looks up, as the filters of `ss` and `tcpdump` do.
    pub(crate) resolves: bool,
    /// Options that change what it does.
    pub(crate) option: Vec<OptionNode>,
    /// Whether `-5` and `+5` are options, as with `head`.
    pub(crate) numeric: bool,
    /// Whether a shortened long option is an option that is not listed besides what it may be: so where nothing is
    /// said, for it may be the full name of one that is not listed. `false` where all long options are listed and may be
    /// shortened. Verbs have it too.
    pub(crate) exact_options: Option<bool>,
    /// What an option that is not listed means: medium where nothing is said. A wrapper's is always high.
    pub(crate) unknown_option: Option<RiskLevel>,
    /// Verbs: the first operand selects one.
    pub(crate) verb: Vec<Self>,
    /// Whether a verb may be shortened to any beginning of it, as with `ip`.
    pub(crate) verbs_shorten: bool,
    /// What a verb that is not listed means: medium where nothing is said.
    pub(crate) unknown_verb: Option<RiskLevel>,
    /// What it does without a verb, where it has verbs, and without operands where its effects are on those: it only
    /// looks where this is set.
    pub(crate) bare_reads: bool,
    /// Most operands; one more is an unknown effect.
    pub(crate) most_operands: Option<usize>,
    /// The only operands there may be, where there are few.
    pub(crate) only_operands: String,
    /// What it does. Nothing: it only looks.
    pub(crate) effects: Vec<EffectNode>,
    /// Options with which none of its effects happen: dry runs.
    pub(crate) dry: String,
    /// That it runs another command.
    pub(crate) runs: Option<Runs>,
    /// What it prints, where that is of use.
    pub(crate) prints: Option<Prints>,
    /// Options of which one must stand for that to hold: `docker ps -q`. Nothing: it holds without.
    pub(crate) prints_needs: String,
    /// Options with which that does not hold: `grep -o`.
    pub(crate) prints_unless: String,
    /// Whether it is a person's tool that waits at a terminal, unless one of these options stands: `"-b"`; `"always"`.
    pub(crate) interactive_unless: String,
    /// Whether it goes on for ever, unless one of these options stands: `"-c"`; `"always"`.
    pub(crate) unbounded_unless: String,
    /// Code that judges it in addition: the name of a judge.
    pub(crate) judge: String,
    /// Examples, with the level that each must get. At least one that only looks and one that does not, where there
    /// are such.
    pub(crate) examples: Vec<Example>,
}

/// How options are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Style {
    /// `-abc`, `-n VALUE`, `-nVALUE`, `--name`, `--name=VALUE`, `--name VALUE`, long names shortened; anywhere.
    Gnu,
    /// As `gnu`, and the first operand ends the options: wrappers, `bash`, `docker`.
    Posix,
    /// `-name VALUE` and `--name VALUE` and `-name=VALUE`, no bundles: `openssl`, `terraform`, `find`.
    LongDash,
    /// `name=VALUE` words: `dd`.
    KeyValue,
    /// As `gnu`, and the first word is a bundle even without a dash: `tar`, `ps`, `ar`.
    OldBundle,
    /// No options at all: every word is an operand, as with `echo`, `test`, `expr`.
    None,
}

/// An option that changes what the command does.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OptionNode {
    /// Its names, parted by blanks.
    pub(crate) names: String,
    /// Whether a value follows.
    pub(crate) value: Value,
    /// The only values that the effects hold for; nothing: all.
    pub(crate) only: String,
    /// The only values that the effects do not hold for.
    pub(crate) except: String,
    /// What it does.
    pub(crate) effects: Vec<EffectNode>,
    /// Whether it takes the place of the command's own effects, as `--list` or `--help` does.
    pub(crate) instead: bool,
    /// That its value is run.
    pub(crate) runs: Option<Runs>,
}

/// Whether a value follows an option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Value {
    /// None.
    #[default]
    None,
    /// Always.
    Required,
    /// Only after `=` or joined to the letter.
    Optional,
}

/// Something that a command does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EffectNode {
    /// What.
    pub(crate) does: EffectKind,
    /// To which words: see `Selector`.
    #[serde(default)]
    pub(crate) to: Selector,
    /// What those words are.
    #[serde(default, rename = "as")]
    pub(crate) target: TargetKind,
    /// A fixed target in place of `to`.
    #[serde(default)]
    pub(crate) fixed: String,
    /// Only with one of these options.
    #[serde(default, rename = "if")]
    pub(crate) needs: String,
    /// Not with any of these options.
    #[serde(default)]
    pub(crate) unless: String,
    /// The least level; without a target, exactly the level.
    #[serde(default)]
    pub(crate) level: Option<RiskLevel>,
    /// A plain sentence fragment: `blocks every new connection`.
    #[serde(default)]
    pub(crate) say: String,
    /// Whether it goes down a tree: always, or with one of these options (`"always"`, `"-r -R --recursive"`).
    #[serde(default)]
    pub(crate) recursive: String,
}

/// Which words an effect is done to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Selector {
    /// None: the effect has no named target.
    #[default]
    None,
    /// Every operand (after the verb).
    Operands,
    /// The first operand.
    First,
    /// The second operand.
    Second,
    /// The third operand.
    Third,
    /// The last operand, where there are at least two.
    Last,
    /// All but the first.
    Rest,
    /// All but the last.
    ButLast,
    /// The value of the option.
    Value,
}

/// What a word names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TargetKind {
    /// Anything, by its name: it has no class.
    #[default]
    Name,
    /// A file, directory or device node.
    Path,
    /// A unit or service.
    Unit,
    /// A package.
    Package,
    /// A process.
    Process,
    /// A machine or an address.
    Host,
    /// An address of a page.
    Url,
}

/// That something is run.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Runs {
    /// What is run.
    pub(crate) what: RunsWhat,
    /// How many operands stand before it (`timeout 5 cmd`: 1).
    pub(crate) skip: usize,
    /// Where it runs.
    pub(crate) context: RunsWhere,
    /// Whether `NAME=value` words may stand before it, as with `env` and `sudo`.
    pub(crate) assignments: bool,
    /// What it has on standard input.
    pub(crate) stdin: RunsStdin,
    /// Whether words that only the host knows are added at the end, as with `xargs`.
    pub(crate) adds_words: bool,
    /// Whether the command may be left out: then it only looks (`env`), or has a shell (`high`).
    pub(crate) bare: Bare,
}

/// What a wrapper is without a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bare {
    /// A shell, or something else that waits for a person: high.
    #[default]
    Shell,
    /// It only looks.
    Reads,
    /// The shell that reads standard input.
    ShellInput,
}

/// What is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunsWhat {
    /// The operands are a command and its words.
    #[default]
    Words,
    /// The operands, joined by blanks, are text for a shell: `ssh`, `watch`.
    JoinedText,
    /// The operand, or the option's value, is text for a shell; further operands are its arguments.
    Text,
    /// The option's value, split at blanks, is a command: `env -S`.
    SplitText,
    /// The option's value is one program without words.
    Program,
    /// A file with code that is not seen here.
    File,
}

/// Where it is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunsWhere {
    /// Here.
    #[default]
    Here,
    /// On the machine that the first skipped operand names.
    Remote,
    /// In the container that the first skipped operand names.
    Container,
    /// In the directory that the first skipped operand names.
    Chroot,
}

/// What it has on standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunsStdin {
    /// The wrapper's.
    #[default]
    Same,
    /// Nothing.
    Nothing,
}

/// What a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prints {
    /// One plain value: a number, a date, a name without blanks or slashes.
    Plain,
    /// Names without blanks, of which none begins with a dash, one a line.
    PlainWords,
    /// Lines that begin with such a name, behind which a blank or a colon stands.
    NamedLines,
    /// The first field of the lines of its input, where `-f 1` is all that is asked for.
    FirstField,
    /// Names of files as `ls` prints them: its operands, and bare names of what is below them.
    PathsBelowOperands,
    /// Text from the network.
    Network,
    /// Lines of its input or of its operands, some or all of them, unchanged.
    InputLines,
    /// Exactly its input where it has neither options nor operands, as `cat`.
    Input,
}

/// An example of an entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    /// The command line.
    pub(crate) cmd: String,
    /// The level that it must get.
    pub(crate) level: RiskLevel,
}
