//! Builtins: commands that change what the shell knows, or that run text.

mod code;
mod directories;
mod input;
mod print;
mod variables;

use watchkeeper_model::{EffectKind, RiskLevel};

use super::expand::Field;
use super::loops::FrameKind;
use super::state::State;
use super::value::Value;
use super::walk::{Done, Walker};
use crate::invocation::Found;
use crate::word::{Arg, Origin};

/// A builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    /// It changes nothing that matters here.
    Quiet,
    /// It prints something that is not known.
    Shows,
    /// `[`, `test`
    Test,
    /// `echo`
    Echo,
    /// `printf`
    Printf,
    /// `pwd`
    Pwd,
    /// `cd`
    Cd,
    /// `pushd`
    Pushd,
    /// `popd`
    Popd,
    /// `declare`, `typeset`
    Declare,
    /// `export`
    Export,
    /// `local`
    Local,
    /// `readonly`
    Readonly,
    /// `unset`
    Unset,
    /// `set`
    Set,
    /// `shift`
    Shift,
    /// `let`
    Let,
    /// `getopts`
    Getopts,
    /// `read`
    Read,
    /// `mapfile`, `readarray`
    Mapfile,
    /// `eval`
    Eval,
    /// `source`, `.`
    Source,
    /// `exec`
    Exec,
    /// `command`
    Command,
    /// `builtin`
    NoFunction,
    /// `trap`
    Trap,
    /// `alias`
    Alias,
    /// `shopt`
    Shopt,
    /// `enable`
    Enable,
    /// `hash`
    Hash,
    /// `complete`, `compopt`, `bind`
    Complete,
    /// `history`, `fc`
    History,
    /// `ulimit`, `umask`
    Limits,
    /// `exit`
    Exit,
    /// `return`
    Return,
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `suspend`
    Suspend,
}

/// The builtin of a name.
pub(super) fn by_name(name: &str) -> Option<Builtin> {
    Some(match name {
        ":" | "true" | "false" | "wait" | "bg" | "fg" | "disown" | "logout" | "unalias" => {
            Builtin::Quiet
        }
        "jobs" | "times" | "type" | "caller" | "compgen" | "dirs" | "help" => Builtin::Shows,
        "test" | "[" => Builtin::Test,
        "echo" => Builtin::Echo,
        "printf" => Builtin::Printf,
        "pwd" => Builtin::Pwd,
        "cd" | "chdir" => Builtin::Cd,
        "pushd" => Builtin::Pushd,
        "popd" => Builtin::Popd,
        "declare" | "typeset" => Builtin::Declare,
        "export" => Builtin::Export,
        "local" => Builtin::Local,
        "readonly" => Builtin::Readonly,
        "unset" => Builtin::Unset,
        "set" => Builtin::Set,
        "shift" => Builtin::Shift,
        "let" => Builtin::Let,
        "getopts" => Builtin::Getopts,
        "read" => Builtin::Read,
        "mapfile" | "readarray" => Builtin::Mapfile,
        "eval" => Builtin::Eval,
        "source" | "." => Builtin::Source,
        "exec" => Builtin::Exec,
        "command" => Builtin::Command,
        "builtin" => Builtin::NoFunction,
        "trap" => Builtin::Trap,
        "alias" => Builtin::Alias,
        "shopt" => Builtin::Shopt,
        "enable" => Builtin::Enable,
        "hash" => Builtin::Hash,
        "complete" | "compopt" | "bind" => Builtin::Complete,
        "history" | "fc" => Builtin::History,
        "ulimit" | "umask" => Builtin::Limits,
        "exit" => Builtin::Exit,
        "return" => Builtin::Return,
        "break" => Builtin::Break,
        "continue" => Builtin::Continue,
        "suspend" => Builtin::Suspend,
        _ => return None,
    })
}

/// A builtin as it is called.
pub(super) struct Called {
    /// Its name and its arguments.
    pub(super) fields: Vec<Field>,
    /// Whether it has redirections.
    pub(super) redirected: bool,
}

impl Called {
    fn arguments(&self) -> &[Field] {
        &self.fields[1..]
    }

    /// The first argument, where it is known.
    fn first(&self) -> Option<String> {
        self.texts().next().flatten().map(str::to_owned)
    }

    fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.arguments().iter().map(|field| field.arg.as_text())
    }
}

impl<'a> Walker<'a> {
    /// Runs a builtin.
    pub(super) fn builtin(
        &mut self,
        builtin: Builtin,
        fields: Vec<Field>,
        redirected: bool,
        state: &mut State<'a>,
    ) -> Done<'a> {
        let name = fields[0].arg.as_text().unwrap_or_default();
        let rule = format!("shell.{name}");
        self.emit(Found::plain(EffectKind::Reads, rule), &state.context);
        let called = Called { fields, redirected };
        match builtin {
            Builtin::Quiet => Done::default(),
            Builtin::Shows => Done::printed(Value::unknown(Origin::Output)),
            Builtin::Test => self.test_words(&called, state),
            Builtin::Echo => self.echo(&called),
            Builtin::Printf => self.printf(&called, state),
            Builtin::Pwd => self.pwd(state),
            Builtin::Cd => self.cd(&called, state),
            Builtin::Pushd | Builtin::Popd => self.pushed(&called, state),
            Builtin::Declare => self.declare(&called, false, false, state),
            Builtin::Readonly => self.declare(&called, false, false, state),
            Builtin::Export => self.declare(&called, true, false, state),
            Builtin::Local => self.declare(&called, false, true, state),
            Builtin::Unset => self.unset(&called, state),
            Builtin::Set => self.set(&called, state),
            Builtin::Shift => self.shift(&called, state),
            Builtin::Let => self.let_words(&called, state),
            Builtin::Getopts => self.getopts(&called, state),
            Builtin::Read => self.read(&called, state),
            Builtin::Mapfile => self.mapfile(&called, state),
            Builtin::Eval => self.eval(&called, state),
            Builtin::Source => self.source(&called, state),
            Builtin::Exec => self.exec(called, state),
            Builtin::Command => self.command_builtin(called, state),
            Builtin::NoFunction => self.builtin_builtin(called, state),
            Builtin::Trap => self.trap(&called, state),
            Builtin::Alias => self.alias(&called, state),
            Builtin::Shopt => self.shopt(&called, state),
            Builtin::Enable | Builtin::Complete => self.changes_commands(&called, state),
            Builtin::Hash => self.hash(&called, state),
            Builtin::History => self.history(&called, state),
            Builtin::Limits => self.limits(&called, state),
            Builtin::Exit | Builtin::Return | Builtin::Break | Builtin::Continue => {
                self.leave(builtin, &called, state)
            }
            Builtin::Suspend => {
                let say = "stops the shell until a person wakes it";
                self.flag(
                    EffectKind::Interactive,
                    RiskLevel::High,
                    "shell.suspend",
                    say,
                    state,
                );
                Done::default()
            }
        }
    }

    /// Programs that are builtins as well and do the same.
    pub(super) fn printing_program(
        &mut self,
        base: &str,
        argv: &[Arg],
        state: &mut State<'a>,
    ) -> Option<Done<'a>> {
        let builtin = match by_name(base) {
            Some(Builtin::Test) => Builtin::Test,
            Some(Builtin::Echo) => Builtin::Echo,
            Some(Builtin::Printf) => Builtin::Printf,
            Some(Builtin::Pwd) => Builtin::Pwd,
            Some(Builtin::Quiet) if matches!(base, "true" | "false") => Builtin::Quiet,
            _ => return None,
        };
        let mut fields: Vec<Field> = argv
            .iter()
            .map(|arg| Field {
                arg: arg.clone(),
                hidden: None,
            })
            .collect();
        fields[0].arg = Arg::text(base);
        Some(self.builtin(builtin, fields, false, state))
    }

    fn test_words(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let mut follows = false;
        for field in called.arguments() {
            let value = field.clone().into_value();
            if follows {
                self.check_subscript_text(&value, state);
            }
            follows = matches!(field.arg.as_text(), Some("-v" | "-R"));
        }
        Done::default()
    }

    fn check_subscript_text(&mut self, value: &Value, state: &State<'a>) {
        if value.as_text().is_some() {
            self.check_subscript(value, state);
        }
    }

    fn limits(&mut self, called: &Called, state: &State<'a>) -> Done<'a> {
        let sets = called
            .texts()
            .any(|text| text.is_none_or(|text| !text.starts_with('-')));
        if sets {
            let say = "changes limits of this shell and of what it starts";
            self.flag(
                EffectKind::Environment,
                RiskLevel::Low,
                "shell.limits",
                say,
                state,
            );
        }
        Done::printed(Value::unknown(Origin::Output))
    }

    /// `exit`, `return`, `break`, `continue`: what follows counts all the same, but it is not come to from here.
    fn leave(&mut self, builtin: Builtin, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let plain = !called.redirected
            && called.arguments().len() <= 1
            && called.texts().all(|text| {
                text.is_some_and(|text| text.len() < 4 && text.bytes().all(|b| b.is_ascii_digit()))
            });
        let left = match builtin {
            Builtin::Break | Builtin::Continue => {
                let levels = match called.first() {
                    Some(text) if plain => text.parse().unwrap_or(1),
                    None if plain => 1,
                    _ => usize::MAX,
                };
                self.leave_loops(levels, builtin == Builtin::Continue || !plain, state)
            }
            _ => self.leave_function(builtin == Builtin::Return, state),
        };
        if plain && left {
            state.dead = true;
        }
        Done::default()
    }

    /// Leaves so many loops, the last of them perhaps for its next round. Whether that surely happens.
    fn leave_loops(&mut self, levels: usize, repeats: bool, state: &State<'a>) -> bool {
        let mut loops = 0;
        self.leaves.loops += 1;
        for frame in self.frames.iter_mut().rev() {
            if frame.kind != FrameKind::Loop || loops == levels {
                break;
            }
            loops += 1;
            let last = loops == levels || levels == usize::MAX;
            if last && repeats {
                frame.repeat(state);
            }
            if !(last && repeats) || levels == usize::MAX {
                frame.leave(state);
                frame.ends = true;
            }
        }
        loops == levels
    }

    /// Leaves the function, or the shell. Whether that surely happens.
    fn leave_function(&mut self, returns: bool, state: &State<'a>) -> bool {
        if returns {
            self.leaves.functions += 1;
        } else {
            self.leaves.shells += 1;
        }
        for frame in self.frames.iter_mut().rev() {
            match frame.kind {
                FrameKind::Barrier => break,
                FrameKind::Loop => frame.ends = true,
                FrameKind::Function if returns => {
                    frame.leave(state);
                    return true;
                }
                FrameKind::Function => {}
            }
        }
        !returns
    }
}
