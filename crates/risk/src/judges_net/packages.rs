//! Packages that come from elsewhere, and settings by which a package manager runs something. What a package of the
//! host's own sources is, the classifier knows by its name.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, OPEN, has_any, marked, values_of};
use crate::invocation::{Found, Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Settings of APT that change what is shown, how long is waited, or less than an option of its own does.
const APT_SETTINGS: [&str; 18] = [
    "debug::",
    "apt::color",
    "apt::get::show-",
    "apt::get::assume-no",
    "apt::get::assume-yes",
    "apt::get::simulate",
    "apt::install-recommends",
    "apt::install-suggests",
    "apt::cmd::disable-script-warning",
    "apt::status-fd",
    "apt::quiet",
    "quiet",
    "acquire::http::timeout",
    "acquire::https::timeout",
    "acquire::retries",
    "acquire::forceipv",
    "acquire::languages",
    "dpkg::lock::timeout",
];

/// `apt` and its like: settings that stand in the command.
pub(super) fn apt(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("packages", invocation);
    if has_any(matched, &["-c", "--config-file"]) {
        let sentence = "does what a file of settings says, which may run programs";
        notes.says(EffectKind::RunsCode, RiskLevel::High, "config", sentence);
    }
    for value in values_of(matched, &["-o", "--option"]) {
        let text = marked(value).to_ascii_lowercase();
        let mild = APT_SETTINGS.iter().any(|setting| text.starts_with(setting));
        if let Some(option) = text.strip_prefix("dpkg::options::=") {
            dpkg_option(option, &mut notes);
        } else if !mild || text.contains(OPEN) {
            let sentence = "changes a setting that may run a program or trust another source";
            notes.says(EffectKind::RunsCode, RiskLevel::High, "setting", sentence);
        }
    }
    notes.finish()
}

fn dpkg_option(option: &str, notes: &mut Notes) {
    match option.trim_matches(['"', '\'']) {
        "--force-confold" | "--force-confdef" | "--force-confmiss" | "--refuse-downgrade" => {}
        "--force-confnew" => notes.says(
            EffectKind::Writes,
            RiskLevel::Medium,
            "confnew",
            "replaces settings by new ones",
        ),
        "--force-remove-essential" | "--force-all" | "--force-remove-protected" => notes.says(
            EffectKind::PackageRemoves,
            RiskLevel::Forbidden,
            "force",
            "lets packages be removed that the host cannot do without",
        ),
        _ => notes.says(
            EffectKind::PackageInstalls,
            RiskLevel::High,
            "force",
            "has packages set up in a way in which they would be refused",
        ),
    }
}

/// `dnf`: settings that stand in the command.
pub(super) fn dnf(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("packages", invocation);
    let mild = [
        "color",
        "timeout",
        "retries",
        "install_weak_deps",
        "tsflags=nodocs",
        "keepcache",
        "metadata_expire",
        "fastestmirror",
        "max_parallel_downloads",
        "skip_if_unavailable",
        "ip_resolve",
        "minrate",
        "exit_on_lock",
        "assumeno",
    ];
    for value in values_of(matched, &["--setopt"]) {
        let text = marked(value).to_ascii_lowercase();
        let name = text
            .rsplit_once('.')
            .map_or(text.as_str(), |(front, last)| {
                if front.contains('=') {
                    text.as_str()
                } else {
                    last
                }
            });
        if !mild.iter().any(|setting| name.starts_with(setting)) || text.contains(OPEN) {
            let sentence = "changes a setting that may trust another source or load code";
            notes.says(EffectKind::RunsCode, RiskLevel::High, "setting", sentence);
        }
    }
    notes.finish()
}

/// `rpm`: macros that run programs; `-i` without `-q` installs.
pub(super) fn rpm(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("packages", invocation);
    let macros = values_of(matched, &["-E", "--eval", "-D", "--define", "--undefine"]);
    for value in macros {
        let text = marked(value);
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "%{}?!_:. -+".contains(letter);
        let named = [
            "lua",
            "load",
            "shell",
            "getenv",
            "exec",
            "uncompress",
            "expand",
        ];
        if !text.chars().all(plain) || named.iter().any(|name| text.contains(name)) {
            let sentence = "runs what stands in a macro";
            notes.says(EffectKind::RunsCode, RiskLevel::High, "macro", sentence);
        }
    }
    let modes = [
        "-q",
        "--query",
        "-V",
        "--verify",
        "-K",
        "--checksig",
        "-e",
        "--erase",
    ];
    let queries = modes.iter().any(|mode| matched.has_surely(mode));
    if has_any(matched, &["-i"]) && !queries && !matched.has_surely("--test") {
        let sentence = "installs a package file, wherever it came from";
        notes.says(
            EffectKind::PackageInstalls,
            RiskLevel::High,
            "install",
            sentence,
        );
    }
    for package in matched
        .operands
        .iter()
        .filter(|_| has_any(matched, &["-p", "--package"]))
    {
        let text = marked(package);
        if text.contains("://") {
            notes.to(EffectKind::Probes, Target::Url(package.clone()), "package");
        }
    }
    notes.finish()
}

/// The small programs of yum-utils: most only look.
pub(super) fn yum_utils(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("packages", invocation);
    let name = invocation.argv.first().map(marked).unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    match name {
        "yumdownloader" | "repotrack" | "yum-debug-dump" => notes.says(
            EffectKind::Writes,
            RiskLevel::Low,
            "fetches",
            "fetches packages into the current directory",
        ),
        "yum-builddep" | "debuginfo-install" | "dnf-automatic" => notes.says(
            EffectKind::PackageInstalls,
            RiskLevel::Medium,
            "installs",
            "installs packages",
        ),
        "yum-config-manager" if !(matched.operands.is_empty() && matched.has_surely("--dump")) => {
            notes.says(
                EffectKind::Access,
                RiskLevel::High,
                "sources",
                "changes where packages come from",
            );
        }
        _ => {}
    }
    notes.finish()
}

/// `pip`, `npm` and their like: a package by an address or a file is code that nobody vouches for.
pub(super) fn language(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::new("packages", invocation);
    let installs = [
        "install", "i", "in", "add", "ci", "download", "wheel", "get", "inject", "sync", "update",
        "fetch", "link",
    ];
    let verbs = &matched.verbs;
    let bare = verbs.is_empty();
    if !bare && !verbs.iter().any(|verb| installs.contains(&verb.as_str())) {
        return notes.finish();
    }
    for package in &matched.operands {
        if is_foreign(package) {
            let rule = notes.rule("foreign");
            notes.add(
                Found::to(EffectKind::RunsCode, Target::Named(package.clone()), rule)
                    .at_least(RiskLevel::High)
                    .saying("installs code from outside the package sources"),
            );
        }
    }
    notes.finish()
}

/// Whether a package is named by an address, a repository or a file that anybody may have put there.
fn is_foreign(package: &Arg) -> bool {
    let text = marked(package);
    let addressed = text.contains("://")
        || text.starts_with("git+")
        || text.starts_with("git@")
        || text.starts_with("github:")
        || text.contains(" @ ")
        || text.contains(OPEN);
    let filed = text.starts_with("/tmp/")
        || text.starts_with("/var/tmp/")
        || text.starts_with("/dev/shm/")
        || [".tgz", ".tar.gz", ".whl", ".zip", ".gem"]
            .iter()
            .any(|ending| text.ends_with(ending));
    addressed || filed
}
