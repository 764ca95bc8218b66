//! Redirections: what they read and write, and what they make of a command's input and output.

use std::rc::Rc;

use watchkeeper_model::EffectKind;
use watchkeeper_shell::{Descriptor, Redirect, RedirectKind, Word};

use super::state::{State, Stdin};
use super::value::{Printed, Value};
use super::walk::{Done, Walker, bounded};
use crate::invocation::{Found, Target};
use crate::word::Arg;

/// What redirections make of a command's input and output.
#[derive(Default)]
pub(super) struct Redirected {
    /// Its standard input, where that is another.
    pub(super) stdin: Option<Vec<Stdin>>,
    /// Where its standard output goes.
    pub(super) out: Out,
    /// Whether standard error goes where standard output goes.
    pub(super) merged: bool,
}

/// Where standard output goes.
#[derive(Clone, Debug, Default)]
pub(super) enum Out {
    /// Where it went.
    #[default]
    Same,
    /// To another descriptor.
    Other,
    /// Into a file, at its end or in place of what it held.
    File {
        /// Which.
        path: Arg,
        /// Whether at its end.
        append: bool,
    },
}

impl<'a> Walker<'a> {
    /// Runs something with redirections.
    pub(super) fn redirected(
        &mut self,
        redirects: &'a [Redirect],
        state: &mut State<'a>,
        run: impl Fn(&mut Self, &mut State<'a>) -> Done<'a>,
    ) -> Done<'a> {
        self.each_choice(state, |walker, state| {
            let words = std::mem::take(&mut walker.words);
            let redirected = walker.redirect(redirects, state);
            walker.words = words;
            let outer = (Rc::clone(&state.stdin), state.merged);
            if let Some(stdin) = &redirected.stdin {
                state.choosy |= stdin.len() > 1;
                state.stdin = Rc::new(stdin.clone());
            }
            state.merged |= redirected.merged;
            let mut done = run(walker, state);
            for state in done.failed.iter_mut().chain([&mut *state]) {
                if redirected.stdin.is_some() {
                    state.stdin = Rc::clone(&outer.0);
                }
                state.merged = outer.1;
            }
            done.printed = walker.route(done.printed, &redirected.out, state);
            done
        })
    }

    /// Does redirections, in order.
    pub(super) fn redirect(
        &mut self,
        redirects: &'a [Redirect],
        state: &mut State<'a>,
    ) -> Redirected {
        let mut all = Redirected::default();
        for redirect in redirects {
            let number = match &redirect.descriptor {
                Some(Descriptor::Number(number)) => Some(*number),
                Some(Descriptor::Variable(name)) => {
                    let value = Value::plain(crate::word::Origin::Variable(name.clone()));
                    self.assign_text(name, &value, state);
                    Some(10)
                }
                None => None,
            };
            self.one_redirect(&redirect.kind, number, &mut all, state);
        }
        all
    }

    fn one_redirect(
        &mut self,
        kind: &'a RedirectKind,
        number: Option<u32>,
        all: &mut Redirected,
        state: &mut State<'a>,
    ) {
        let (overwrites, writes) = (EffectKind::Overwrites, EffectKind::Writes);
        match kind {
            RedirectKind::Read(word) => self.read_from(word, number, all, state),
            RedirectKind::Write(word) | RedirectKind::Clobber(word) => {
                let out = self.write_to(word, (overwrites, "redirect.write"), false, state);
                if number.unwrap_or(1) == 1 {
                    all.out = out;
                }
            }
            RedirectKind::Append(word) => {
                let out = self.write_to(word, (writes, "redirect.append"), true, state);
                if number.unwrap_or(1) == 1 {
                    all.out = out;
                }
            }
            RedirectKind::ReadWrite(word) => {
                let out = self.write_to(word, (writes, "redirect.read_write"), true, state);
                match number.unwrap_or(0) {
                    0 => {
                        if let Out::File { path, .. } = out {
                            all.stdin = Some(vec![Stdin::File(path)]);
                        }
                    }
                    1 => all.out = out,
                    _ => {}
                }
            }
            RedirectKind::WriteBoth(word) => {
                all.out = self.write_to(word, (overwrites, "redirect.write"), false, state);
            }
            RedirectKind::AppendBoth(word) => {
                all.out = self.write_to(word, (writes, "redirect.append"), true, state);
            }
            RedirectKind::DuplicateInput(word) => {
                let value = self.single(word, state);
                if number.unwrap_or(0) == 0 && value.as_text() != Some("0") {
                    let unknown = Value::unknown(crate::word::Origin::Input);
                    all.stdin = Some(vec![Stdin::Value(unknown)]);
                }
            }
            RedirectKind::DuplicateOutput(word) => self.duplicate(word, number, all, state),
            RedirectKind::HereString(word) => {
                let mut value = self.single(word, state);
                value.push_text("\n");
                if number.unwrap_or(0) == 0 {
                    all.stdin = Some(vec![Stdin::Value(value)]);
                }
            }
            RedirectKind::HereDocument(word) => {
                let value = self.single(word, state);
                if number.unwrap_or(0) == 0 {
                    all.stdin = Some(vec![Stdin::Value(value)]);
                }
            }
        }
    }

    fn duplicate(
        &mut self,
        word: &'a Word,
        number: Option<u32>,
        all: &mut Redirected,
        state: &mut State<'a>,
    ) {
        let value = self.single(word, state);
        let descriptor = value.as_text().is_some_and(|text| {
            let digits = text.strip_suffix('-').unwrap_or(text);
            digits.bytes().all(|byte| byte.is_ascii_digit())
        }) || value.is_plain() && value.as_text().is_none();
        let from = number.unwrap_or(1);
        if descriptor {
            match (from, value.as_text()) {
                (1, Some("1")) => {}
                (1, _) => all.out = Out::Other,
                (_, Some("1")) => all.merged = true,
                // Descriptors that are kept aside may come back as any other.
                (0 | 2, _) => {}
                _ => all.merged = true,
            }
        } else if matches!(from, 1 | 2) {
            let rule = (EffectKind::Overwrites, "redirect.write");
            let out = self.write_value(value.into_arg(), rule, false, state);
            if from == 1 {
                all.out = out;
            }
        }
    }

    fn target(&mut self, word: &'a Word, state: &mut State<'a>) -> Arg {
        let mut fields = Vec::new();
        self.word(word, state, &mut fields);
        if fields.len() == 1 {
            return fields.swap_remove(0).arg;
        }
        Arg::text("")
    }

    fn read_from(
        &mut self,
        word: &'a Word,
        number: Option<u32>,
        all: &mut Redirected,
        state: &mut State<'a>,
    ) {
        let path = self.target(word, state);
        let known = path
            .as_text()
            .and_then(|text| self.file_values(text, state));
        let ours = path.beginning().starts_with("/dev/fd/") && known.is_some();
        if !ours {
            self.file_effect(&path, EffectKind::Reads, "redirect.read", "<", state);
        }
        if number.unwrap_or(0) == 0 {
            all.stdin = Some(match known {
                Some(values) => values.into_iter().map(Stdin::Value).collect(),
                None if is_network(&path) => {
                    vec![Stdin::Value(Value::unknown(crate::word::Origin::Network))]
                }
                None => vec![Stdin::File(path)],
            });
        }
    }

    fn write_to(
        &mut self,
        word: &'a Word,
        rule: (EffectKind, &str),
        append: bool,
        state: &mut State<'a>,
    ) -> Out {
        let path = self.target(word, state);
        self.write_value(path, rule, append, state)
    }

    fn write_value(
        &mut self,
        path: Arg,
        (kind, rule): (EffectKind, &str),
        append: bool,
        state: &State<'a>,
    ) -> Out {
        let sign = if append { ">>" } else { ">" };
        if !(path.beginning().starts_with("/dev/fd/")) {
            self.file_effect(&path, kind, rule, sign, state);
        }
        Out::File { path, append }
    }

    fn file_effect(
        &mut self,
        path: &Arg,
        kind: EffectKind,
        rule: &str,
        sign: &str,
        state: &State<'a>,
    ) {
        let before = self.words.clone();
        let blank = if before.is_empty() { "" } else { " " };
        let shown = format!("{before}{blank}{sign} {}", path.shown());
        self.words = bounded(&shown, super::limits::MOST_SHOWN);
        let found = if is_network(path) {
            let host = path.shown();
            let host = host
                .trim_start_matches("/dev/tcp/")
                .trim_start_matches("/dev/udp/");
            let target = Target::Host(Arg::text(host.replacen('/', ":", 1)));
            // What it opens can be written to as well, and a name can carry data.
            let only_opens =
                self.opens_only && kind == EffectKind::Reads && path.as_text().is_some();
            let kind = if only_opens {
                EffectKind::Probes
            } else {
                EffectKind::Sends
            };
            Found::to(kind, target, "redirect.network")
        } else {
            Found::to(kind, Target::Path(path.clone()), rule)
        };
        self.emit(found, &state.context);
        self.words = before;
    }

    /// What of a command's output goes on to what reads it.
    pub(super) fn route(&mut self, printed: Printed, out: &Out, state: &State<'a>) -> Printed {
        match out {
            Out::Same => printed,
            Out::Other if state.merged => {
                let mut printed = printed;
                printed.or(Printed::default());
                printed
            }
            Out::Other => Printed::default(),
            Out::File { path, append } => {
                if let Some(path) = path.as_text() {
                    let path = resolved(path, state);
                    if matches!(
                        path.as_str(),
                        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1"
                    ) {
                        return printed;
                    }
                    self.keep_file(path, printed, *append);
                }
                Printed::default()
            }
        }
    }

    /// What a file says that was written to on the way. What else may have changed it is not known, unless it is a
    /// descriptor of ours.
    pub(super) fn file_values(&self, path: &str, state: &State<'a>) -> Option<Vec<Value>> {
        let path = resolved(path, state);
        let mut values = self.files.get(&path)?.clone();
        if !path.starts_with("/dev/fd/") {
            values.push(Value::unknown(crate::word::Origin::Input));
        }
        Some(values)
    }

    /// Remembers what is written to a file.
    fn keep_file(&mut self, path: String, printed: Printed, append: bool) {
        if path.starts_with("/dev/") {
            return;
        }
        let mut whole = match self.files.remove(&path) {
            Some(values) if append => Printed(values),
            _ => Printed::default(),
        };
        whole.then(printed);
        let mut values = whole.0;
        if values.is_empty() {
            values.push(Value::default());
        }
        self.written.insert(path.clone());
        if self.files.len() < 64 {
            self.files.insert(path, values);
        }
    }
}

fn is_network(path: &Arg) -> bool {
    let beginning = path.beginning();
    beginning.starts_with("/dev/tcp/") || beginning.starts_with("/dev/udp/")
}

/// A path against the directory, where there is one.
pub(super) fn resolved(path: &str, state: &State<'_>) -> String {
    match state.context.directories.as_slice() {
        [one] if !path.starts_with('/') => normal(&format!("{one}/{path}")),
        _ => normal(path),
    }
}

/// A path without `.`, `..` and double slashes.
pub(super) fn normal(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute {
        format!("/{joined}")
    } else if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}
