//! Builtins that run something, or that change what runs later.

use std::rc::Rc;

use watchkeeper_model::{EffectKind, RiskLevel};

use super::Called;
use super::print::joined;
use crate::interpret::limits::MOST_NESTED;
use crate::interpret::loops::{Frame, FrameKind};
use crate::interpret::simple::Lookup;
use crate::interpret::state::{State, Stdin};
use crate::interpret::value::{Printed, Value};
use crate::interpret::walk::{Done, Walker};
use crate::invocation::{Found, Target};
use crate::word::Origin;

/// Most aliases that are remembered.
const MOST_ALIASES: usize = 32;

/// Files that only assign names and versions of the system, and belong to it.
const RELEASE_FILES: &[&str] = &["/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release"];

/// What is assigned there.
const RELEASE_NAMES: &[&str] = &[
    "ID",
    "VERSION_ID",
    "VERSION_CODENAME",
    "UBUNTU_CODENAME",
    "VARIANT_ID",
    "BUILD_ID",
    "DISTRIB_ID",
    "DISTRIB_RELEASE",
    "DISTRIB_CODENAME",
];

/// Options of `shopt` that change which names patterns match, and no more.
const PATTERN_OPTIONS: &[&str] = &[
    "nullglob",
    "failglob",
    "dotglob",
    "globstar",
    "nocaseglob",
    "inherit_errexit",
    "checkwinsize",
    "globasciiranges",
    "huponexit",
    "checkjobs",
];

impl<'a> Walker<'a> {
    pub(super) fn eval(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let text = joined(called.arguments());
        self.run_here(&text, state)
    }

    /// Runs text in this shell.
    fn run_here(&mut self, text: &Value, state: &mut State<'a>) -> Done<'a> {
        if self.nested == MOST_NESTED {
            self.limit("commands that run commands", MOST_NESTED, state);
            return Done::default();
        }
        self.nested += 1;
        let done = self.each_choice(state, |walker, state| walker.text(text, None, state));
        self.nested -= 1;
        done
    }

    pub(super) fn source(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let Some(field) = called.arguments().first() else {
            return Done::default();
        };
        let path = field.arg.as_text().map(str::to_owned);
        if path
            .as_deref()
            .is_some_and(|path| RELEASE_FILES.contains(&path))
        {
            let target = Target::Path(field.arg.clone());
            self.emit(
                Found::to(EffectKind::Reads, target, "shell.source"),
                &state.context,
            );
            for name in RELEASE_NAMES {
                let value = Value::plain(Origin::Variable((*name).to_owned()));
                self.assign_text(name, &value, state);
            }
            return Done::default();
        }
        let values = match path.as_deref() {
            Some("/dev/stdin" | "/proc/self/fd/0" | "/dev/fd/0") => {
                Some(state.stdin.iter().map(Stdin::value).collect())
            }
            Some(path) => self.file_values(path, state),
            None => None,
        };
        let ours = path
            .as_deref()
            .is_some_and(|path| path.starts_with("/dev/fd/"))
            && values.is_some();
        if !ours {
            let found = Found::to(
                EffectKind::RunsCode,
                Target::Path(field.arg.clone()),
                "shell.source",
            )
            .at_least(RiskLevel::High)
            .saying("runs a file as part of this shell");
            self.emit(found, &state.context);
        }
        let outer = Rc::clone(&state.positional);
        if called.arguments().len() > 1 {
            let rest = &called.arguments()[1..];
            Rc::make_mut(&mut state.positional).lists = vec![
                rest.iter()
                    .cloned()
                    .map(|field| field.into_value())
                    .collect(),
            ];
        }
        self.frames.push(Frame::new(FrameKind::Function));
        let mut all = Done::default();
        let leaves = self.leaves;
        let before = state.clone();
        for (index, value) in values.unwrap_or_default().iter().enumerate() {
            let mut inner = before.clone();
            let done = self.run_here(value, &mut inner);
            if index == 0 {
                *state = inner;
                all = done;
            } else {
                all.or(state, done, inner);
            }
        }
        if let Some(frame) = self.frames.pop()
            && let Some(mut left) = frame.left
        {
            left.dead = before.dead;
            all.settle(state);
            state.join(left);
        }
        self.leaves.functions = leaves.functions;
        state.positional = outer;
        all
    }

    pub(super) fn exec(&mut self, mut called: Called, state: &mut State<'a>) -> Done<'a> {
        while let Some(text) = called.first() {
            let text = text.as_str();
            let takes = match text {
                "-a" => {
                    let say = "runs a program under another name";
                    self.flag(
                        EffectKind::Environment,
                        RiskLevel::High,
                        "shell.exec",
                        say,
                        state,
                    );
                    2
                }
                "-c" | "-l" | "-cl" | "-lc" | "--" => 1,
                text if text.starts_with('-') => {
                    self.unread_option("exec", state);
                    1
                }
                _ => break,
            };
            let end = (1 + takes).min(called.fields.len());
            called.fields.drain(1..end);
        }
        called.fields.remove(0);
        self.fields(called.fields, Lookup::Programs, called.redirected, state)
    }

    fn unread_option(&mut self, name: &str, state: &State<'a>) {
        let say = format!("has an option of {name} that cannot be seen past");
        self.flag(
            EffectKind::Unknown,
            RiskLevel::High,
            "shell.unknown_option",
            &say,
            state,
        );
    }

    pub(super) fn command_builtin(
        &mut self,
        mut called: Called,
        state: &mut State<'a>,
    ) -> Done<'a> {
        while let Some(text) = called.first() {
            let text = text.as_str();
            match text {
                "-v" | "-V" | "-pv" | "-pV" => {
                    let one = called.texts().nth(1).flatten();
                    let alone = called.fields.len() == 3 && text.ends_with('v');
                    return Done::printed(match one.filter(|_| alone) {
                        Some(name) => Value::text(format!("{name}\n")),
                        None => Value::unknown(Origin::Output),
                    });
                }
                "-p" | "--" => {}
                text if text.starts_with('-') => self.unread_option("command", state),
                _ => break,
            }
            called.fields.remove(1);
        }
        called.fields.remove(0);
        self.fields(called.fields, Lookup::NoFunctions, called.redirected, state)
    }

    pub(super) fn builtin_builtin(
        &mut self,
        mut called: Called,
        state: &mut State<'a>,
    ) -> Done<'a> {
        called.fields.remove(0);
        if called.fields.first().and_then(|field| field.arg.as_text()) == Some("--") {
            called.fields.remove(0);
        }
        self.fields(called.fields, Lookup::NoFunctions, called.redirected, state)
    }

    pub(super) fn trap(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let arguments = match called.texts().next() {
            Some(Some("--")) => &called.arguments()[1..],
            _ => called.arguments(),
        };
        let Some(first) = arguments.first() else {
            return Done::printed(Value::unknown(Origin::Output));
        };
        let reset = arguments.len() == 1
            || matches!(first.arg.as_text(), Some("" | "-" | "-l" | "-p" | "-lp"));
        if reset && first.arg.as_text().is_some() {
            return Done::default();
        }
        let text = first.clone().into_value();
        self.run_later(&text, state);
        let traps = Rc::make_mut(&mut state.traps);
        if !traps.contains(&text) && traps.len() < 64 {
            traps.push(text);
        }
        Done::default()
    }

    pub(super) fn alias(&mut self, called: &Called, state: &State<'a>) -> Done<'a> {
        let sets = called
            .arguments()
            .iter()
            .any(|field| field.arg.has_unknown() || field.arg.shown().contains('='));
        if sets {
            let say = "makes a name stand for another command";
            self.flag(
                EffectKind::Environment,
                RiskLevel::High,
                "shell.alias",
                say,
                state,
            );
        }
        for text in called.texts().flatten() {
            if let Some((name, body)) = text.split_once('=')
                && self.aliases.len() < MOST_ALIASES
            {
                self.aliases.insert(name.to_owned(), body.to_owned());
            }
        }
        Done::printed(Value::unknown(Origin::Output))
    }

    pub(super) fn shopt(&mut self, called: &Called, state: &State<'a>) -> Done<'a> {
        let sets = called.texts().any(|text| {
            text.is_none_or(|text| matches!(text, "-s" | "-u" | "-so" | "-uo" | "-qs" | "-sq"))
        });
        let plain = called.texts().all(|text| {
            text.is_some_and(|text| text.starts_with('-') || PATTERN_OPTIONS.contains(&text))
        });
        let ordinary = called
            .texts()
            .flatten()
            .filter(|text| text.starts_with('-'))
            .all(|text| matches!(text, "-s" | "-u" | "-p" | "-q" | "-qs" | "-sq"));
        if (sets && !plain) || !ordinary {
            let say = "changes how the shell reads what follows";
            self.flag(
                EffectKind::Environment,
                RiskLevel::High,
                "shell.shopt",
                say,
                state,
            );
        }
        Done::printed(Value::unknown(Origin::Output))
    }

    /// `enable`, `complete`, `compopt`, `bind`.
    pub(super) fn changes_commands(&mut self, called: &Called, state: &State<'a>) -> Done<'a> {
        let shows = called
            .texts()
            .all(|text| matches!(text, Some("-p" | "-a" | "-l" | "-v" | "-ps" | "-P")));
        if !shows {
            let say = "changes what commands and keys do in this shell";
            self.flag(
                EffectKind::Environment,
                RiskLevel::High,
                "shell.changes_commands",
                say,
                state,
            );
        }
        Done::printed(Value::unknown(Origin::Output))
    }

    pub(super) fn hash(&mut self, called: &Called, state: &State<'a>) -> Done<'a> {
        let sets = called
            .texts()
            .any(|text| text.is_none_or(|text| text.starts_with('-') && text.contains('p')));
        if sets {
            let say = "makes a name stand for another program";
            self.flag(
                EffectKind::Environment,
                RiskLevel::High,
                "shell.hash",
                say,
                state,
            );
        }
        Done::printed(Value::unknown(Origin::Output))
    }

    pub(super) fn history(&mut self, called: &Called, state: &State<'a>) -> Done<'a> {
        let fix = called.fields[0].arg.as_text() == Some("fc");
        let shows = called.texts().all(|text| {
            text.is_some_and(|text| {
                text.bytes().all(|byte| byte.is_ascii_digit())
                    || (fix
                        && text.starts_with('-')
                        && text.contains('l')
                        && !text.contains(['e', 's']))
            })
        });
        if !shows || (fix && called.arguments().is_empty()) {
            let say = "changes what remembers the commands of a session";
            self.flag(
                EffectKind::Audit,
                RiskLevel::High,
                "shell.history",
                say,
                state,
            );
        }
        Done {
            printed: Printed::one(Value::unknown(Origin::Output)),
            failed: None,
        }
    }
}
