//! `git`: settings on the command line that have it run code, the working tree that a verb is about, files of a commit
//! that are secret by their name.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed, words};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Sections of settings that only shape output.
const SHAPING_SECTIONS: &str = "color column log advice diffcolor blame grep status i18n gc tag branch format notes init user author committer";
/// Single settings that only shape output, or make git safer.
const SHAPING: &str = "safe.directory core.quotepath core.abbrev core.filemode core.autocrlf core.eol core.longpaths core.ignorecase core.precomposeunicode core.bare diff.renames diff.algorithm diff.context diff.mnemonicprefix diff.noprefix diff.wserrorhighlight diff.colormoved protocol.version pull.rebase pull.ff merge.ff rebase.autostash fetch.prune push.default http.lowspeedlimit http.lowspeedtime http.postbuffer commit.gpgsign tag.gpgsign submodule.recurse status.showuntrackedfiles";
/// Settings that are harmless with one of these values: nothing is run.
const SWITCHED_OFF: [(&str, &str); 8] = [
    ("core.pager", "cat"),
    ("pager.*", "false cat"),
    ("core.fsmonitor", "false"),
    ("core.hookspath", "/dev/null"),
    ("diff.external", ""),
    ("credential.helper", ""),
    ("core.editor", "true : false"),
    ("core.askpass", "true false"),
];
/// Settings that shape output, whose sections hold others that run code.
const EXCEPTIONS: &str = "gc.recentobjectshook log.showsignature";
/// Sections and settings of a repository in which a change matters only to people.
const PERSONAL: &str = "user color column log advice author committer init pull push fetch merge rebase branch gc status commit tag format i18n help grep blame";

/// Verbs that show what is in files.
const SHOWS: &str = "log show diff diff-tree diff-index diff-files blame annotate grep cat-file archive whatchanged";
/// Verbs that reach another repository.
const REACHES: &str = "fetch pull clone push ls-remote remote submodule archive";

/// Judges `git`.
pub(crate) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let verb = matched.verbs.first().map_or("", String::as_str);
    settings(&mut notes, invocation);
    let places = places(invocation);
    if listed(SHOWS, verb) {
        shown(&mut notes, matched, &places);
    }
    if listed(REACHES, verb) {
        other_repositories(&mut notes, verb, &matched.operands);
    }
    changed(&mut notes, verb, matched, &places);
    notes.finish()
}

/// The words before the verb, where settings and directories stand.
fn front(invocation: &Invocation) -> Vec<(&str, Option<Arg>)> {
    let mut found = Vec::new();
    let mut rest = words(invocation).iter();
    while let Some(word) = rest.next() {
        let text = word.beginning();
        if !text.starts_with('-') {
            break;
        }
        match text {
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--attr-source"
            | "--config-env" | "--super-prefix" | "--exec-path"
                if word.as_text().is_some() =>
            {
                found.push((text, rest.next().cloned()));
            }
            _ => {
                if let Some((name, _)) = text.split_once('=') {
                    let value = without_beginning(word, name.len() + 1);
                    found.push((name, Some(value)));
                }
            }
        }
    }
    found
}

/// A word without the first bytes of its known beginning.
fn without_beginning(word: &Arg, bytes: usize) -> Arg {
    let mut tail = word.clone();
    if let Some(crate::word::Part::Text(text)) = tail.parts.first_mut() {
        *text = text.get(bytes..).unwrap_or_default().to_owned();
    }
    tail
}

/// `-c NAME=VALUE` before the verb.
fn settings(notes: &mut Notes, invocation: &Invocation) {
    for (name, value) in front(invocation) {
        if name != "-c" {
            continue;
        }
        let harmless = value
            .as_ref()
            .and_then(Arg::as_text)
            .is_some_and(is_harmless_setting);
        let text = value.as_ref().and_then(Arg::as_text).unwrap_or_default();
        if let Some((name, command)) = text.split_once("=!")
            && name.to_ascii_lowercase().starts_with("alias.")
        {
            notes.runs(["sh", "-c", command].map(Arg::text).to_vec(), None);
        }
        if !harmless {
            notes.says(
                EffectKind::Environment,
                RiskLevel::High,
                "-c",
                "runs git with a setting that may have it run code",
            );
        }
    }
}

fn is_harmless_setting(setting: &str) -> bool {
    let (name, value) = setting.split_once('=').unwrap_or((setting, "true"));
    let name = name.to_ascii_lowercase();
    let section = name.split('.').next().unwrap_or_default();
    let off = SWITCHED_OFF.iter().any(|(own, values)| {
        let same = own
            .strip_suffix('*')
            .map_or(*own == name, |beginning| name.starts_with(beginning));
        same && (listed(values, value)
            || (value.is_empty() && (values.is_empty() || *own == "core.pager")))
    });
    off || listed(SHAPING, &name)
        || (listed(SHAPING_SECTIONS, section) && !listed(EXCEPTIONS, &name))
}

/// Where git works, as far as options say.
#[derive(Default)]
struct Places {
    directory: Option<Arg>,
    work_tree: Option<Arg>,
}

fn places(invocation: &Invocation) -> Places {
    let mut places = Places::default();
    for (name, value) in front(invocation) {
        match name {
            "-C" => {
                let inner = value.unwrap_or_default();
                places.directory = Some(match places.directory.take() {
                    Some(outer) => below(&outer, &inner),
                    None => inner,
                });
            }
            "--work-tree" => places.work_tree = value,
            _ => {}
        }
    }
    places
}

impl Places {
    /// The directory that a verb is about.
    fn tree(&self) -> Arg {
        match (&self.work_tree, &self.directory) {
            (Some(tree), Some(directory)) => below(directory, tree),
            (Some(tree), None) => tree.clone(),
            (None, Some(directory)) => directory.clone(),
            (None, None) => Arg::text("."),
        }
    }

    /// A path as the verb's words name it.
    fn path(&self, word: &Arg) -> Arg {
        match &self.directory {
            Some(directory) => below(directory, word),
            None => word.clone(),
        }
    }
}

/// A path below a directory, unless it is absolute itself.
fn below(directory: &Arg, path: &Arg) -> Arg {
    if path.beginning().starts_with(['/', '~']) {
        return path.clone();
    }
    let mut parts = directory.parts.clone();
    match parts.last_mut() {
        Some(crate::word::Part::Text(text)) => text.push('/'),
        _ => parts.push(crate::word::Part::Text("/".to_owned())),
    }
    for part in &path.parts {
        match (parts.last_mut(), part) {
            (Some(crate::word::Part::Text(end)), crate::word::Part::Text(text)) => {
                end.push_str(text);
            }
            _ => parts.push(part.clone()),
        }
    }
    Arg {
        parts,
        splits: directory.splits || path.splits,
    }
}

/// Files whose content is shown: by their names, and all below a directory that is named.
fn shown(notes: &mut Notes, matched: &Matched, places: &Places) {
    for word in &matched.operands {
        let path = match word.as_text().and_then(|text| text.split_once(':')) {
            Some((_, path)) if !path.is_empty() => Arg::text(path),
            _ => word.clone(),
        };
        if path.as_text().is_some_and(is_revision) || path.as_text().is_none() && !has_path(&path) {
            continue;
        }
        notes.path(EffectKind::Reads, places.path(&path), "shows");
    }
    let names_only = [
        "--name-only",
        "--name-status",
        "--stat",
        "--shortstat",
        "--numstat",
        "--oneline",
    ]
    .iter()
    .any(|name| matched.has_surely(name));
    let patch = matched.has("-p") || matched.has("--patch") || matched.has("-u");
    let verb = matched.verbs.first().map_or("", String::as_str);
    if (verb == "log" || names_only) && !patch {
        return;
    }
    if places.directory.is_some() || places.work_tree.is_some() {
        let tree = places.tree();
        if tree.as_text().is_some_and(holds_the_system) {
            notes.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "shows",
                "shows what changed in files of the system, passwords among them",
            );
        }
    }
}

/// Whether a directory is one in which passwords of the system are kept.
fn holds_the_system(directory: &str) -> bool {
    let trimmed = directory.trim_end_matches(['/', '.']);
    listed("/etc /root /var /home", trimmed) || trimmed.is_empty() && directory.starts_with('/')
}

fn has_path(word: &Arg) -> bool {
    word.beginning().contains('/') || word.beginning().starts_with('.')
}

/// Whether a word can only be a name of a commit.
fn is_revision(text: &str) -> bool {
    text.starts_with("HEAD")
        || text.starts_with('@')
        || text.contains("..") && !text.contains("../")
        || text.contains(['~', '^']) && !text.starts_with('~')
}

/// Addresses of other repositories: helpers in them run code, and what is sent to an address is gone.
fn other_repositories(notes: &mut Notes, verb: &str, operands: &[Arg]) {
    for (place, word) in operands.iter().enumerate() {
        let text = word.beginning();
        let helper = text.contains("::") && !text.starts_with('[');
        if helper || (word.has_unknown() && text.is_empty() && verb == "clone") {
            notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "address",
                "speaks to a repository by a program that is named here",
            );
        }
        // Only the first is the repository; of the others, `here:there` says what is fetched.
        let goes_out = matches!(verb, "fetch" | "pull" | "push" | "clone" | "ls-remote");
        let copied =
            goes_out && place == 0 && text.contains(':') && !text.starts_with(['/', '.', ':', '+']);
        let address = text.contains("://") || (text.contains('@') && text.contains(':')) || copied;
        if address && verb == "push" {
            notes.add(
                EffectKind::Sends,
                Target::Url(word.clone()),
                Some(RiskLevel::High),
                "address",
                "",
            );
        } else if address && verb != "remote" {
            notes.add(
                EffectKind::Probes,
                Target::Url(word.clone()),
                None,
                "address",
                "",
            );
        }
    }
    if verb == "push"
        && operands
            .iter()
            .any(|word| word.beginning().starts_with(['+', ':']))
    {
        notes.says(
            EffectKind::Writes,
            RiskLevel::High,
            "refspec",
            "changes or deletes history of another repository",
        );
    }
}

/// Working trees whose files are thrown away.
fn changed(notes: &mut Notes, verb: &str, matched: &Matched, places: &Places) {
    let dry = ["-n", "--dry-run"]
        .iter()
        .any(|name| matched.has_surely(name));
    match verb {
        "clean" if !dry => {
            let operands: Vec<Arg> = if matched.operands.is_empty() {
                vec![places.tree()]
            } else {
                matched
                    .operands
                    .iter()
                    .map(|word| places.path(word))
                    .collect()
            };
            for path in operands {
                notes.add(
                    EffectKind::DeletesTree,
                    Target::Path(path),
                    Some(RiskLevel::High),
                    "clean",
                    "",
                );
            }
        }
        "reset"
            if ["--hard", "--merge", "--keep"]
                .iter()
                .any(|name| matched.has(name)) =>
        {
            overwrites_tree(notes, &places.tree());
        }
        "checkout" | "restore" => {
            let everything = matched
                .operands
                .iter()
                .any(|word| matches!(word.as_text(), Some("." | "./" | ":/" | "*")));
            if everything || matched.has("-f") || matched.has("--force") {
                overwrites_tree(notes, &places.tree());
            }
        }
        _ => {}
    }
}

fn overwrites_tree(notes: &mut Notes, tree: &Arg) {
    notes.add(
        EffectKind::Overwrites,
        Target::Named(tree.clone()),
        Some(RiskLevel::High),
        "tree",
        "throws away changes that are in no commit",
    );
}

/// Judges `git config`: one word is a question, two are a change.
pub(crate) fn config(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let (mut operands, mut asks, mut changes) = (matched.operands.as_slice(), false, false);
    if let Some((first, rest)) = operands.split_first() {
        match first.as_text() {
            Some("get" | "list") => (operands, asks) = (rest, true),
            Some("set" | "unset" | "rename-section" | "remove-section" | "edit") => {
                (operands, changes) = (rest, true);
            }
            _ => {}
        }
    }
    asks |= [
        "--get",
        "--get-all",
        "--get-regexp",
        "--get-urlmatch",
        "-l",
        "--list",
        "--get-color",
        "--get-colorbool",
    ]
    .iter()
    .any(|name| matched.has_surely(name));
    changes |= [
        "--add",
        "--replace-all",
        "--unset",
        "--unset-all",
        "--rename-section",
        "--remove-section",
        "--append",
    ]
    .iter()
    .any(|name| matched.has(name));
    let several = operands.len() > 1 || operands.iter().any(|word| word.splits);
    if !changes && (asks || !several) {
        return notes.finish();
    }
    let name = operands.first().and_then(Arg::as_text).unwrap_or_default();
    let section = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let wide = matched.has("--system") || matched.has("--global");
    let personal =
        listed(PERSONAL, &section) && !name.contains("cmd") && !name.contains("template");
    let (level, sentence) = if personal && !wide {
        (RiskLevel::Medium, "changes a setting of a repository")
    } else {
        (
            RiskLevel::High,
            "changes a setting by which git may run code, or for everybody",
        )
    };
    notes.says(EffectKind::Environment, level, "config", sentence);
    notes.finish()
}

/// Judges `etckeeper vcs`: git in `/etc`.
pub(crate) fn etckeeper(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let front = ["git", "-C", "/etc"].map(Arg::text);
    notes.runs([&front, matched.operands.as_slice()].concat(), None);
    notes.finish()
}
