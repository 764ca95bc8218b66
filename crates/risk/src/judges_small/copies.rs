//! `cp`, `mv`, `ln`, `install`: the last operand is a file or a directory, and in a directory it is the source's name
//! that is written.

use watchkeeper_model::{Certainty, EffectKind, RiskLevel};

use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::{Arg, Part};

use super::modes::raises_rights;
use super::notes::{Notes, below, last_part};

/// Endings of names that files are set aside under.
const ASIDE: [&str; 9] = [
    ".bak", ".backup", ".orig", ".old", ".save", ".saved", ".prev", ".copy", "~",
];

/// Where nothing is kept that another name could lead to.
const SCRATCH: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];

/// Where it goes to, and whether that is a directory.
struct Destination<'w> {
    path: &'w Arg,
    is_directory: Option<bool>,
}

/// The judge.
pub(super) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let command = notes.command().trim_start_matches('g').to_owned();
    if command == "install" {
        install_mode(&mut notes, matched);
        if matched.has("-d") || matched.has("--directory") {
            for directory in &matched.operands {
                notes.to(EffectKind::Writes, Target::Path(directory.clone()), "-d");
            }
            return notes.finish();
        }
    }
    let Some((sources, destination)) = parted(&command, matched) else {
        notes.says(
            EffectKind::Unknown,
            RiskLevel::High,
            "operands",
            "does not say where to",
        );
        return notes.finish();
    };
    for source in sources {
        takes(&mut notes, &command, matched, source);
        puts(&mut notes, &command, matched, (source, &destination));
    }
    if command == "mv" && destination.path.as_text() == Some("/dev/null") {
        notes.says(
            EffectKind::Deletes,
            RiskLevel::High,
            "dev_null",
            "puts a file in the place of /dev/null",
        );
    }
    notes.finish()
}

/// Sources and destination.
fn parted<'w>(command: &str, matched: &'w Matched) -> Option<(&'w [Arg], Destination<'w>)> {
    let operands = matched.operands.as_slice();
    let given = matched
        .value("-t")
        .or_else(|| matched.value("--target-directory"));
    if let Some(path) = given {
        let is_directory = Some(true);
        return Some((operands, Destination { path, is_directory }));
    }
    let (path, sources) = operands.split_last()?;
    if sources.is_empty() {
        // `ln -s TARGET` makes a link in the current directory.
        return (command == "ln" && !path.splits).then_some((
            operands,
            Destination {
                path: here(),
                is_directory: Some(true),
            },
        ));
    }
    let exactly = matched.has_surely("-T") || matched.has_surely("--no-target-directory");
    let named = path.as_text().is_some_and(|text| {
        text.ends_with('/') || matches!(text.rsplit('/').next(), Some("." | ".."))
    });
    let several = sources.len() > 1 || sources.iter().any(|source| source.splits);
    let is_directory = if exactly {
        Some(false)
    } else if named || several {
        Some(true)
    } else {
        None
    };
    Some((sources, Destination { path, is_directory }))
}

/// The current directory as a word.
fn here() -> &'static Arg {
    static HERE: std::sync::LazyLock<Arg> = std::sync::LazyLock::new(|| Arg::text("."));
    &HERE
}

/// What becomes of the source.
fn takes(notes: &mut Notes, command: &str, matched: &Matched, source: &Arg) {
    let symbolic = matched.has_surely("-s") || matched.has_surely("--symbolic");
    match command {
        "mv" => {
            let kind = if is_whole_tree(source) {
                EffectKind::DeletesTree
            } else {
                EffectKind::Deletes
            };
            notes.to(kind, Target::Path(source.clone()), "source").say =
                Some("moves it away from where it is".to_owned());
        }
        "ln" if symbolic => points_to(notes, source),
        _ => {
            let recursive = ["-r", "-R", "--recursive", "-a", "--archive"]
                .into_iter()
                .any(|name| matched.has(name));
            notes
                .to(EffectKind::Reads, Target::Path(source.clone()), "source")
                .recursive = recursive;
        }
    }
}

/// What a symbolic link points to: whatever is done by the new name is done there, and what is read by it is read there.
fn points_to(notes: &mut Notes, source: &Arg) {
    notes
        .to(EffectKind::Reads, Target::Path(source.clone()), "points_to")
        .certainty = Certainty::Possible;
    let text = source.beginning();
    let scratch = SCRATCH.iter().any(|place| text.starts_with(place)) && !text.contains("..");
    if !text.starts_with('/') || scratch {
        return;
    }
    let level = if source.as_text().is_none() || is_whole_tree(source) || text.contains("..") {
        RiskLevel::High
    } else {
        RiskLevel::Medium
    };
    notes.says(
        EffectKind::Writes,
        level,
        "points_to",
        "makes another name for a place outside of scratch space",
    );
}

/// Whether a source certainly is a directory with much in it: it is written as one, or stands right below the root.
fn is_whole_tree(source: &Arg) -> bool {
    source.as_text().is_some_and(|text| {
        text.ends_with('/')
            || (text.starts_with('/') && !text[1..].trim_end_matches('/').contains('/'))
    })
}

/// What is written.
fn puts(notes: &mut Notes, command: &str, matched: &Matched, (source, to): (&Arg, &Destination)) {
    let keeps = ["-n", "--no-clobber", "-b", "--backup"]
        .into_iter()
        .any(|name| matched.has_surely(name));
    let forced = matched.has("-f") || matched.has("--force");
    let kind = |name: &Arg| {
        if keeps || (command == "ln" && !forced) || is_aside(source, name) {
            EffectKind::Writes
        } else {
            EffectKind::Overwrites
        }
    };
    let inside = below(to.path, &last_part(source));
    if to.is_directory != Some(false) {
        let found = notes.to(kind(&inside), Target::Path(inside), "destination");
        if to.is_directory.is_none() {
            found.certainty = Certainty::Possible;
        }
    }
    if to.is_directory != Some(true) {
        notes.to(kind(to.path), Target::Path(to.path.clone()), "destination");
    }
}

/// Whether a name is one under which the source is set aside: nothing is replaced that anybody would miss.
fn is_aside(source: &Arg, name: &Arg) -> bool {
    let name = last_part(name);
    if let Some(text) = name.as_text()
        && ASIDE.iter().any(|ending| text.ends_with(ending))
    {
        return true;
    }
    let own = last_part(source);
    let Some(own) = own.as_text().filter(|own| !own.is_empty()) else {
        return false;
    };
    let Some(rest) = name.beginning().strip_prefix(own) else {
        return false;
    };
    let plain = name.parts.iter().all(|part| match part {
        Part::Text(_) => true,
        Part::Unknown(unknown) => unknown.plain,
        Part::Pattern(_) => false,
    });
    let longer = !rest.is_empty() || name.parts.len() > 1;
    plain && longer && (rest.is_empty() || rest.starts_with(['.', '-', '_', '~']))
}

/// The mode that `install` gives.
fn install_mode(notes: &mut Notes, matched: &Matched) {
    let modes = matched
        .values("-m")
        .into_iter()
        .chain(matched.values("--mode"));
    let raises = modes
        .map(Arg::as_text)
        .any(|mode| mode.is_none_or(raises_rights));
    if raises {
        notes.says(
            EffectKind::Permissions,
            RiskLevel::High,
            "mode",
            "has a program run with its owner's rights",
        );
    }
}
