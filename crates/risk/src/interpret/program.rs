//! Programs: one is looked up, its effects are noted, and what it runs in its turn is followed.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::decode;
use super::redirect::resolved;
use super::state::{State, Stdin};
use super::value::{Printed, Value};
use super::walk::{Done, Walker};
use crate::invocation::{Found, Input, Invocation, Outcome, Output, Target};
use crate::spec::ProgramPlace;
use crate::word::{Arg, Origin};

/// Wrappers that print what the command prints that they run, and nothing else.
const TRANSPARENT: &[&str] = &[
    "sudo", "doas", "env", "nice", "ionice", "timeout", "nohup", "setsid", "stdbuf", "chrt",
    "taskset", "runuser", "su", "bash", "sh", "dash", "ash", "zsh", "ksh", "busybox", "toybox",
    "chroot", "setpriv", "flock", "chronic", "unshare", "nsenter",
];

/// Programs that never read standard input.
const NOT_READING: &[&str] = &[
    "basename",
    "chmod",
    "chown",
    "curl",
    "date",
    "df",
    "dig",
    "dirname",
    "du",
    "getent",
    "host",
    "hostname",
    "id",
    "ip",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "ping",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sleep",
    "ss",
    "stat",
    "systemctl",
    "touch",
    "uname",
    "wget",
    "which",
];

/// Programs that run the file that they are given, as a shell does.
const SHELLS: &[&str] = &["bash", "sh", "dash", "ash", "zsh", "ksh"];

/// Programs that bring files from elsewhere.
const BRINGING: &[&str] = &[
    "aria2c", "curl", "fetch", "ftp", "git", "nc", "rsync", "scp", "sftp", "wget",
];

impl<'a> Walker<'a> {
    /// A program with its arguments.
    pub(super) fn program(&mut self, argv: Vec<Arg>, state: &mut State<'a>) -> Done<'a> {
        let Some(name) = argv.first().and_then(Arg::as_text).map(str::to_owned) else {
            return Done::default();
        };
        if !self.tick(state) {
            return Done::default();
        }
        self.words = Self::shown_words(argv.iter());
        self.choose_stdin(state);
        if let Some(done) = self.script_file(&name, &argv, state) {
            return done;
        }
        let path = name.contains('/').then(|| resolved(&name, state));
        let place = path.as_deref().map_or(ProgramPlace::Known, |path| {
            let absolute = name.starts_with('/');
            self.commands
                .program_place(if absolute { &name } else { path })
        });
        let base = name.rsplit('/').next().unwrap_or_default();
        if place == ProgramPlace::Known
            && let Some(done) = self.printing_program(base, &argv, state)
        {
            return done;
        }
        let decoder = decode::decoder_of(base, &argv);
        let locates = matches!(base, "which") && argv.len() == 2;
        let located = argv
            .get(1)
            .filter(|_| locates)
            .and_then(|arg| arg.as_text().map(str::to_owned));
        let ends_in_time = matches!(base, "timeout" | "gtimeout") && ends_in_time(&argv[1..]);
        let exported = self.environment_words(base, &argv, state);
        let invocation = Invocation {
            argv,
            stdin: state.stdin.first().map_or(Input::Nothing, Stdin::input),
            context: crate::invocation::Context::clone(&state.context),
        };
        let outcome = match place {
            ProgramPlace::Known => self.commands.judge(&invocation),
            _ => None,
        };
        let Some(mut outcome) = outcome else {
            self.unknown_program(&name, path.as_deref(), place, state);
            self.touch_stdin(state);
            return Done::printed(Value::unknown(Origin::Output));
        };
        if let Some(decoder) = decoder {
            outcome.output = Output::Decoded(decoder);
        } else if let Some(name) = located {
            outcome.output = Output::Text(name + "\n");
        }
        let outer = self.timed;
        if ends_in_time {
            self.timed = Some(self.nested + 1);
        }
        let printed = self.outcome(base, outcome, &exported, state);
        self.timed = outer;
        if matches!(base, "ln" | "cp") {
            self.note_links(&invocation.argv, state);
        }
        if !NOT_READING.contains(&base) {
            self.touch_stdin(state);
        }
        Done {
            printed,
            failed: None,
        }
    }

    /// Notes what a program does, and follows what it runs.
    fn outcome(
        &mut self,
        base: &str,
        outcome: Outcome,
        exported: &[(String, Value)],
        state: &mut State<'a>,
    ) -> Printed {
        let words = self.words.clone();
        for found in outcome.found {
            self.note_written(&found, state);
            self.emit(found, &state.context);
        }
        if BRINGING.contains(&base) {
            self.brought = true;
        }
        let nested = outcome.nested.len();
        let mut printed = Printed::default();
        let mut all = State::clone(state);
        for (name, value) in exported {
            self.assign_value(name, value, true, &mut all);
        }
        for one in outcome.nested {
            let mut inner = all.clone();
            let done = self.nested(one, &mut inner);
            self.words.clone_from(&words);
            printed.then(done);
        }
        let own = self.output(outcome.output, state);
        if nested == 0 {
            return own;
        }
        if nested > 1 || !TRANSPARENT.contains(&base) {
            printed.then(Printed::one(Value::unknown(Origin::Output)));
        }
        printed
    }

    /// What a program prints.
    fn output(&mut self, output: Output, state: &State<'a>) -> Printed {
        let stdin = || {
            state
                .stdin
                .first()
                .map_or_else(Value::default, Stdin::value)
        };
        Printed::one(match output {
            Output::Text(text) => Value::text(text),
            Output::Plain => Value::plain(Origin::Output),
            // What it complains of is no name.
            Output::PlainWords | Output::NamedLines | Output::FirstField if state.merged => {
                Value::unknown(Origin::Output)
            }
            Output::PlainWords => Value::unknown(Origin::PlainWords),
            Output::NamedLines => Value::unknown(Origin::NamedLines),
            Output::FirstField => Value::unknown(match stdin().origin_of_lines() {
                Origin::PlainWords | Origin::NamedLines => Origin::PlainWords,
                Origin::PathsBelow(_) => Origin::Output,
                from => from,
            }),
            Output::PathsBelow(directories) => Value::unknown(Origin::PathsBelow(directories)),
            Output::Network => Value::unknown(Origin::Network),
            Output::Input => stdin(),
            Output::InputLines => {
                let input = stdin();
                return match input.as_text() {
                    Some(text) if text.lines().count() > 1 => {
                        Printed(vec![Value::unknown(Origin::Output), input])
                    }
                    Some(_) => Printed::one(input),
                    None if input.is_plain() => Printed::one(input),
                    None => Printed::one(Value::unknown(input.origin_of_lines())),
                };
            }
            Output::Decoded(decoder) => {
                let how = decode::name(&decoder);
                let input = stdin();
                let text = input
                    .as_text()
                    .and_then(|text| decode::decode(&decoder, text));
                let mut value = match text {
                    Some(text) => {
                        if decode::hides(&decoder) {
                            self.decoded(how, &text);
                        }
                        Value::text(text)
                    }
                    None => Value::unknown(if input.as_text().is_some() {
                        Origin::Output
                    } else {
                        input.origin()
                    }),
                };
                value.hidden = input.hidden.or(Some(how));
                value
            }
            Output::Unknown => Value::unknown(Origin::Output),
        })
    }

    fn unknown_program(
        &mut self,
        name: &str,
        path: Option<&str>,
        place: ProgramPlace,
        state: &State<'a>,
    ) {
        let written = match path {
            Some(path) => self.brought || self.written.contains(path),
            None => self
                .written
                .iter()
                .any(|path| path.rsplit('/').next() == Some(name)),
        };
        let (level, rule, say) = if written {
            let say = "runs a program that was made or brought on the way";
            (RiskLevel::High, "shell.written_program", say)
        } else if place == ProgramPlace::Scratch {
            let say = "runs a program from where everybody may put one";
            (RiskLevel::High, "shell.scratch_program", say)
        } else {
            let say = "runs a program that is not known";
            (RiskLevel::Medium, "shell.unknown_program", say)
        };
        self.flag_named(EffectKind::Unknown, level, (rule, say), name, state);
    }

    /// A script that stands in a file that was made on the way: it is read.
    fn script_file(&mut self, name: &str, argv: &[Arg], state: &mut State<'a>) -> Option<Done<'a>> {
        let base = name.rsplit('/').next().unwrap_or_default();
        let (path, arguments) = if SHELLS.contains(&base) {
            (argv.get(1)?.as_text()?, argv.get(1..)?)
        } else if name.contains('/') {
            (name, argv)
        } else {
            return None;
        };
        let values = self.file_values(path, state)?;
        if !path.starts_with("/dev/fd/") {
            let rule = (
                "shell.written_program",
                "runs a program that was made or brought on the way",
            );
            self.flag_named(EffectKind::Unknown, RiskLevel::High, rule, path, state);
        }
        let mut inner = state.child(None);
        set_arguments(arguments, &mut inner);
        let mut printed = Printed::default();
        for value in values {
            let mut one = inner.clone();
            self.nested += 1;
            let done = self.text(&value, None, &mut one);
            self.nested -= 1;
            printed.or(done.printed);
        }
        Some(Done {
            printed,
            failed: None,
        })
    }

    /// Takes one of the inputs that are possible.
    pub(super) fn choose_stdin(&mut self, state: &mut State<'a>) {
        if state.stdin.len() > 1 {
            let stdin = match self.choices.choose(state.stdin.len()) {
                Some(index) => state.stdin[index].clone(),
                None => Stdin::Value(Value::unknown(Origin::Input)),
            };
            state.set_stdin(stdin);
        }
    }

    /// What of a known input is left for the next command is not known any more.
    fn touch_stdin(&self, state: &mut State<'a>) {
        if let [Stdin::Value(value)] = state.stdin.as_slice()
            && !value.parts.is_empty()
            && value.as_text().is_some()
        {
            let known = Stdin::Value(value.clone());
            let rest = Stdin::Value(Value::unknown(Origin::Input));
            state.stdin = std::rc::Rc::new(vec![known, rest]);
            state.choosy = true;
        }
    }

    fn note_written(&mut self, found: &Found, state: &State<'a>) {
        let writes = matches!(
            found.kind,
            EffectKind::Writes | EffectKind::Overwrites | EffectKind::Permissions
        );
        if let (true, Target::Path(path)) = (writes, &found.target)
            && let Some(path) = path.as_text()
            && self.written.len() < 1024
        {
            self.written.insert(resolved(path, state));
        }
    }

    /// The variables that `env`, `sudo` and `doas` set for what they run.
    fn environment_words(
        &mut self,
        base: &str,
        argv: &[Arg],
        state: &State<'a>,
    ) -> Vec<(String, Value)> {
        const WITH_VALUE: &[&str] = &[
            "-u", "-C", "-g", "-p", "-h", "-D", "-R", "-T", "-U", "--unset", "--chdir", "--user",
            "--group",
        ];
        let mut set = Vec::new();
        if !matches!(base, "env" | "sudo" | "doas") {
            return set;
        }
        let mut skip = false;
        for arg in &argv[1..] {
            if std::mem::take(&mut skip) {
                continue;
            }
            let beginning = arg.beginning();
            if beginning.starts_with('-') {
                skip = WITH_VALUE.contains(&beginning);
                continue;
            }
            let Some((name, _)) = beginning.split_once('=') else {
                if base != "env" && arg.as_text() == Some("env") {
                    continue;
                }
                break;
            };
            let name = name.to_owned();
            let mut value = Value::of_arg(arg);
            if let Some(crate::word::Part::Text(text)) = value.parts.first_mut() {
                text.drain(..=name.len());
                if text.is_empty() {
                    value.parts.remove(0);
                }
            }
            self.check_environment(&name, &value, state);
            set.push((name, value));
        }
        set
    }
}

/// Whether `timeout` with these words ends what it runs: after a time that is known, by a signal that ends it.
fn ends_in_time(words: &[Arg]) -> bool {
    let mut words = words.iter().map(Arg::as_text);
    loop {
        match words.next().flatten() {
            Some("-v" | "--verbose" | "-p" | "--preserve-status" | "-f" | "--foreground") => {}
            Some("-k" | "--kill-after") => {
                if !words.next().flatten().is_some_and(is_duration) {
                    return false;
                }
            }
            Some(duration) => return is_duration(duration),
            None => return false,
        }
    }
}

/// Whether it is a time of some seconds, minutes or hours; 0 is no limit.
fn is_duration(text: &str) -> bool {
    let number = text.strip_suffix(['s', 'm', 'h']).unwrap_or(text);
    let written = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    written && number.len() <= 6 && number.parse::<f64>().is_ok_and(|number| number > 0.0)
}

/// `$0`, `$1`… of a script.
pub(super) fn set_arguments(arguments: &[Arg], state: &mut State<'_>) {
    let positional = std::rc::Rc::make_mut(&mut state.positional);
    let mut values = arguments.iter().map(Value::of_arg);
    if let Some(zero) = values.next() {
        positional.zero = zero;
    }
    positional.lists = if arguments.iter().any(|arg| arg.splits) {
        Vec::new()
    } else {
        vec![values.collect()]
    };
}
