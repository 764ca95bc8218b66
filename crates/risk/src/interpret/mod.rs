//! The abstract interpreter: it runs a script as a shell would, with values that may not be known, and says what every
//! command in it would be started with and what that does. How bad an effect is, is `classify`'s to say; what a single
//! program does, `spec`'s and `judges`'.
//!
//! Every branch counts. A state (`state.rs`) is what the shell knows at one place; where ways meet, states join, and a
//! variable has several values. A command whose words have several values is run once for each combination
//! (`choice.rs`). What a command prints is a value too, and becomes the next one's standard input or a part of a word.
//! Loops are followed for some rounds, and what changes after that is not known. Nothing that stands behind `exit` is
//! left out: it only keeps states from joining that never meet. Every limit is in `limits.rs`, and passing one is an
//! effect.

mod arithmetic;
mod braces;
mod builtins;
mod choice;
mod decode;
mod environment;
mod expand;
mod limits;
mod links;
mod loops;
mod nested;
mod parameter;
mod pattern;
mod program;
mod redirect;
mod simple;
mod state;
mod value;
mod walk;

#[cfg(test)]
mod tests;

use watchkeeper_model::Decoded;
use watchkeeper_shell::{Place, Script};

use crate::facts::HostFacts;
use crate::invocation::{Context, Found, Invocation, Outcome};
use crate::spec::{ProgramPlace, program_place};
use walk::{Texts, Walker};

/// What is known of single programs.
pub(crate) trait Commands {
    /// What it does; nothing where the program is not known.
    fn judge(&self, invocation: &Invocation) -> Option<Outcome>;

    /// Whether a program of this name is known.
    fn knows(&self, program: &str) -> bool;

    /// Where a program lies that is named by a path.
    fn program_place(&self, path: &str) -> ProgramPlace {
        program_place(path)
    }
}

/// Where a script begins.
#[derive(Clone, Copy)]
pub(crate) struct Start<'s> {
    /// What is known of programs.
    pub(crate) commands: &'s dyn Commands,
    /// What is known of the host.
    pub(crate) facts: &'s HostFacts,
    /// The directories in which it may be started; none where that is not known.
    pub(crate) directories: &'s [String],
}

/// What a script does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its effects, in the order in which they were met, each once.
    pub(crate) effects: Vec<SeenEffect>,
    /// Texts that were hidden in it.
    pub(crate) decoded: Vec<Decoded>,
}

/// One effect and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenEffect {
    /// What it is.
    pub(crate) found: Found,
    /// Where the command runs that has it.
    pub(crate) context: Context,
    /// The outermost simple command that leads to it, in the canonical text; nothing where it has none.
    pub(crate) place: Option<Place>,
    /// The words of the command that has it, as a person reads them, bounded.
    pub(crate) words: String,
}

/// Runs through a script and says what it does.
pub(crate) fn interpret(script: &Script, start: &Start<'_>) -> Seen {
    let texts = Texts::default();
    let mut walker = Walker::new(start, &texts);
    walker.run(script, start.directories);
    walker.into_seen()
}
