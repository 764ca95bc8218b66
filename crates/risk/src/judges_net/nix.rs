//! Nix: where a flake or an expression comes from, settings by which a build may do more, commands that run in a shell
//! of packages. Expressions themselves are judged in `judges`.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, has_any, marked, operands, values_of};
use crate::invocation::{Invocation, Nested, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Settings that say how a build goes and not what it may do or whom it trusts.
const MILD_SETTINGS: [&str; 24] = [
    "substitute",
    "max-jobs",
    "cores",
    "keep-going",
    "keep-failed",
    "keep-outputs",
    "keep-derivations",
    "connect-timeout",
    "stalled-download-timeout",
    "timeout",
    "max-silent-time",
    "log-lines",
    "warn-dirty",
    "eval-cache",
    "fallback",
    "narinfo-cache-negative-ttl",
    "narinfo-cache-positive-ttl",
    "tarball-ttl",
    "experimental-features",
    "extra-experimental-features",
    "http-connections",
    "download-attempts",
    "builders-use-substitutes",
    "allow-import-from-derivation",
];
/// Options of `nix run`, `nix shell` and `nix develop` without a value.
const FLAGS: &str = "--impure --offline --refresh --quiet --verbose -v -L --print-build-logs --no-write-lock-file --show-trace \
    --no-update-lock-file --debug --json --pure-eval --no-link --keep-going -k --ignore-environment -i --fallback \
    --no-eval-cache --no-warn-dirty --help --unpack --build --check --configure --install --installcheck";
/// Those with a value.
const VALUES: &str = "--keep -k --unset -u --phase --log-format --inputs-from --max-jobs -j --cores --system \
    --extra-experimental-features --experimental-features --profile";

/// Where a flake comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// This host: a path, or the store.
    Own,
    /// The packages of the system's makers.
    Makers,
    /// Anybody, or that cannot be told.
    Foreign,
}

fn source(reference: &str) -> Source {
    let (place, _) = reference.split_once('#').unwrap_or((reference, ""));
    let place = place
        .trim_start_matches("git+")
        .split('?')
        .next()
        .unwrap_or_default();
    if reference.contains(OPEN) {
        return Source::Foreign;
    }
    let scratch = ["/tmp", "/var/tmp", "/dev/shm"];
    let path = place
        .trim_start_matches("path:")
        .trim_start_matches("file://");
    if scratch
        .iter()
        .any(|folder| path == *folder || path.starts_with(&format!("{folder}/")))
    {
        return Source::Foreign;
    }
    if path.is_empty() || path == "self" || path.starts_with(['.', '/', '~']) {
        return Source::Own;
    }
    let lower = path.to_ascii_lowercase();
    let makers = lower == "nixpkgs"
        || lower.starts_with("nixpkgs/")
        || lower.starts_with("github:nixos/nixpkgs")
        || lower.starts_with("flake:nixpkgs")
        || lower == "nixos"
        || lower.starts_with("<nixpkgs");
    if makers {
        Source::Makers
    } else {
        Source::Foreign
    }
}

/// `nix`, `nix-build` and all others that build: settings and search paths.
pub(super) fn settings(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("nix", invocation);
    for name in values_of(matched, &["--option"]) {
        let text = marked(name);
        if !MILD_SETTINGS.contains(&text.as_str()) {
            code(
                &mut notes,
                "setting",
                "changes whom a build trusts or what it may do",
            );
        }
    }
    for entry in values_of(matched, &["-I", "--include", "--nix-path"]) {
        let text = marked(entry);
        let place = text
            .split_once('=')
            .map_or(text.as_str(), |(_, place)| place);
        let remote =
            place.contains("://") || place.starts_with("channel:") || place.starts_with("flake:");
        if (remote && source(place) != Source::Makers)
            || place.contains(OPEN)
            || source(place) == Source::Foreign && place.starts_with('/')
        {
            code(&mut notes, "search_path", "builds from what lies elsewhere");
        }
    }
    notes.finish()
}

/// Files and addresses that `nix-build`, `nix-env` and `nix-shell` are given.
pub(super) fn files(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("nix", invocation);
    let given = operands(matched);
    let files = values_of(matched, &["-f", "--file"])
        .into_iter()
        .map(marked);
    for text in given.into_iter().chain(files) {
        if text.contains("://")
            || text.contains(OPEN)
            || text.starts_with("channel:")
            || text.starts_with("/tmp/")
        {
            code(&mut notes, "source", "builds what lies elsewhere");
        }
    }
    let mut all = settings(invocation, matched);
    let own = notes.finish();
    all.found.extend(own.found);
    all
}

/// `nix build`, `nix profile install`: flakes that are built.
pub(super) fn flakes(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("nix", invocation);
    let files = has_any(matched, &["-f", "--file", "--expr"]);
    for reference in &matched.operands {
        let text = marked(reference);
        if !files && source(&text) == Source::Foreign {
            notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "source",
                "builds what anybody may have written",
            );
        }
    }
    if has_any(matched, &["--flake"]) {
        foreign_flake(&values_of(matched, &["--flake"]), &mut notes);
    }
    notes.finish()
}

fn foreign_flake(references: &[&Arg], notes: &mut Notes) {
    for reference in references {
        if source(&marked(reference)) != Source::Own {
            code(notes, "source", "takes the whole system from elsewhere");
        }
    }
}

/// `nixos-rebuild` and its like: where the configuration comes from, and for whom it is.
pub(super) fn rebuild(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut all = settings(invocation, matched);
    let mut notes = Notes::new("nix", invocation);
    foreign_flake(&values_of(matched, &["--flake", "-F"]), &mut notes);
    let looks = [
        "dry-build",
        "dry-run",
        "dry-activate",
        "build",
        "list-generations",
        "build-vm",
    ];
    let acts = !matched
        .verbs
        .first()
        .is_some_and(|verb| looks.contains(&verb.as_str()));
    for host in values_of(matched, &["--target-host"]) {
        if acts {
            let rule = notes.rule("target_host");
            notes.add(
                crate::invocation::Found::to(EffectKind::Sends, Target::Named(host.clone()), rule)
                    .at_least(RiskLevel::High)
                    .saying("sets up another machine anew"),
            );
        }
    }
    all.found.extend(notes.finish().found);
    all
}

fn code(notes: &mut Notes, what: &str, sentence: &str) {
    notes.says(EffectKind::RunsCode, RiskLevel::High, what, sentence);
}

/// `nix run`, `nix shell`, `nix develop`: all words after the verb, as they stand.
pub(super) fn run(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("nix", invocation);
    let words = &matched.operands;
    // The three are one entry of the table, so which it is stands in the words alone.
    let verb = invocation
        .argv
        .iter()
        .filter_map(Arg::as_text)
        .find(|word| ["run", "shell", "develop"].contains(word))
        .unwrap_or("run");
    let mut references = Vec::new();
    let mut command = None;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = marked(word);
        at += 1;
        match text.as_str() {
            "--" => break,
            "-c" | "--command" => {
                command = words.get(at..);
                break;
            }
            flag if listed(FLAGS, flag) => {}
            value if listed(VALUES, value) => at += 1,
            "--override-input"
            | "--option"
            | "--arg"
            | "--argstr"
            | "-f"
            | "--file"
            | "--expr"
            | "-I"
            | "--accept-flake-config" => {
                code(
                    &mut notes,
                    "setting",
                    "builds in a way that is not looked at",
                );
                at += 1;
            }
            other if other.starts_with('-') => notes.says(
                EffectKind::Unknown,
                RiskLevel::High,
                "unknown_option",
                "has an option that is not known",
            ),
            _ => {
                references.push(text);
                // What follows the program of `nix run` is the program's.
                if verb == "run" {
                    break;
                }
            }
        }
    }
    if references.is_empty() {
        references.push(".".to_owned());
    }
    judge_run(verb, &references, command, &mut notes);
    notes.finish()
}

fn judge_run(verb: &str, references: &[String], command: Option<&[Arg]>, notes: &mut Notes) {
    let worst = references
        .iter()
        .map(|reference| source(reference))
        .max()
        .unwrap_or(Source::Own);
    match (worst, verb) {
        (Source::Foreign, _) => code(notes, "source", "runs what anybody may have written"),
        (_, "run") => notes.says(
            EffectKind::RunsCode,
            RiskLevel::Medium,
            "program",
            "builds a program and runs it",
        ),
        (Source::Own, "develop") => notes.says(
            EffectKind::RunsCode,
            RiskLevel::Medium,
            "hook",
            "runs what a project sets up its shell with",
        ),
        _ => notes.says(
            EffectKind::Writes,
            RiskLevel::Low,
            "fetches",
            "fetches programs into the store",
        ),
    }
    match command {
        Some([]) | None if verb != "run" => notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "waits",
            "waits for a person at a terminal",
        ),
        Some(argv) => notes.nest(Nested::Argv {
            argv: argv.to_vec(),
            stdin: None,
            context: None,
        }),
        None => {}
    }
}

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// `nix copy`: to where.
pub(super) fn copy(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("nix", invocation);
    for to in values_of(matched, &["--to", "-t"]) {
        let text = marked(to);
        let own = text.starts_with("file:///")
            || text.starts_with('/')
            || text == "daemon"
            || text == "local";
        if own {
            notes.says(
                EffectKind::Writes,
                RiskLevel::Medium,
                "to",
                "copies store paths to another place",
            );
        } else {
            notes.says(
                EffectKind::Sends,
                RiskLevel::High,
                "to",
                "copies store paths to another machine",
            );
        }
    }
    notes.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, expect: Source) {
        assert_eq!(source(reference), expect, "{reference}");
    }

    #[test]
    fn where_a_flake_comes_from_is_told_by_its_text() {
        check(".#web", Source::Own);
        check("#web", Source::Own);
        check("/etc/nixos#web", Source::Own);
        check("path:/etc/nixos", Source::Own);
        check("/nix/store/abc-hello", Source::Own);
        check("nixpkgs#hello", Source::Makers);
        check("github:NixOS/nixpkgs/nixos-24.05#hello", Source::Makers);
        check("github:someone/x", Source::Foreign);
        check("git+https://example.org/x", Source::Foreign);
        check("/tmp/x", Source::Foreign);
        check("\u{e001}#x", Source::Foreign);
        check("other#x", Source::Foreign);
    }
}
