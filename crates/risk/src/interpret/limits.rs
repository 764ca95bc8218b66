//! The limits of reading a script. Passing one is never silent: it is an effect of level high that names the limit.

/// Shells in wrappers in shells: `sudo sh -c 'ssh h "…"'` is three.
pub(super) const MOST_NESTED: usize = 8;
/// Constructs, calls and nested texts that stand in one another.
pub(super) const MOST_LEVELS: usize = 100;
/// Commands that are run through, loops and calls counted as often as they are followed, and each command as often as
/// it is run with other values.
pub(super) const MOST_COMMANDS: u32 = 8_000;
/// Bytes that all expansions together may yield.
pub(super) const MOST_EXPANDED_BYTES: usize = 1 << 20;
/// Bytes of one value; a longer one is not known.
pub(super) const MOST_VALUE_BYTES: usize = 16 << 10;
/// Words that one word with braces may become.
pub(super) const MOST_BRACE_WORDS: usize = 256;
/// Values that one variable may have at one place.
pub(super) const MOST_ALTERNATIVES: usize = 16;
/// Ways to combine such values within one command.
pub(super) const MOST_COMBINATIONS: usize = 64;
/// Words of a `for` that are followed one by one.
pub(super) const MOST_LOOP_WORDS: usize = 64;
/// Rounds of a loop after which what still changes is not known any more.
pub(super) const LOOP_ROUNDS: usize = 4;
/// Variables that are kept in mind.
pub(super) const MOST_VARIABLES: usize = 256;
/// Functions that call one another.
pub(super) const MOST_CALLS: usize = 24;
/// Different texts for nested shells.
pub(super) const MOST_TEXTS: usize = 256;
/// Directories in which a command may run; with more, the directory is not known.
pub(super) const MOST_DIRECTORIES: usize = 16;
/// Bytes of a text that is decoded.
pub(super) const MOST_DECODED_BYTES: usize = 64 << 10;
/// Bytes of a value in which patterns are matched.
pub(super) const MOST_MATCHED_BYTES: usize = 4096;
/// Characters of a command's words as they are shown.
pub(super) const MOST_SHOWN: usize = 200;
