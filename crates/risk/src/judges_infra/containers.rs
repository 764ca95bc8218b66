//! Containers: what a new one is given of the host, what a look at one shows, what is copied in and out.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed};
use super::templates::may_show_environment;
use crate::invocation::{Context, Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::{Arg, Part};

/// Kinds of objects that have no environment.
const WITHOUT_ENVIRONMENT: &str = "image network volume pod node plugin";

/// A directory of the host as a container sees it.
struct Mount {
    source: String,
    target: String,
}

/// Judges `docker run`: the image is code that nobody sees; what the container is given of the host makes it worse; and
/// a command of its own is judged where it would act.
pub(crate) fn run(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    notes.says(
        EffectKind::RunsCode,
        RiskLevel::Medium,
        "image",
        "runs what an image holds",
    );
    let mounts = host_mounts(&mut notes, matched);
    let Some((image, command)) = matched.operands.split_first() else {
        return notes.finish();
    };
    let argv: Vec<Arg> = matched
        .value("--entrypoint")
        .into_iter()
        .chain(command)
        .cloned()
        .collect();
    if argv.is_empty() {
        return notes.finish();
    }
    let seen: Vec<Arg> = argv.iter().map(|word| on_the_host(word, &mounts)).collect();
    if seen != argv || reaches_the_host(matched) {
        notes.runs(seen, None);
    }
    notes.runs(argv, Some(container(invocation, image)));
    notes.finish()
}

/// Whether the container's devices or processes are those of the host.
fn reaches_the_host(matched: &Matched) -> bool {
    let of_host = |name: &str| {
        matched
            .values(name)
            .iter()
            .any(|value| value.as_text() != Some("private"))
    };
    matched.has("--privileged") || matched.has("--device") || of_host("--pid")
}

fn container(invocation: &Invocation, image: &Arg) -> Context {
    let outer = &invocation.context.elsewhere;
    let inner = format!("container of {}", image.shown());
    Context {
        elsewhere: if outer.is_empty() {
            inner
        } else {
            format!("{inner} on {outer}")
        },
        ..Context::default()
    }
}

fn host_mounts(notes: &mut Notes, matched: &Matched) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for option in &matched.options {
        let by_volume = option.is("-v") || option.is("--volume");
        if !by_volume && !option.is("--mount") {
            continue;
        }
        let Some(text) = option.value.as_ref().and_then(Arg::as_text) else {
            given(notes, None);
            continue;
        };
        let mount = if by_volume && !text.contains("type=") {
            volume(text)
        } else {
            long_mount(text)
        };
        if let Some(mount) = mount {
            given(notes, Some(&mount.source));
            mounts.push(mount);
        }
    }
    mounts
}

/// `SOURCE:TARGET[:OPTIONS]`; nothing where the source is no path of the host.
fn volume(text: &str) -> Option<Mount> {
    let mut parts = text.split(':');
    let (source, target) = (parts.next()?, parts.next()?);
    let path = source.starts_with(['/', '.', '~']) || source.contains('/');
    path.then(|| mount(source, target))
}

/// `type=bind,source=…,target=…`
fn long_mount(text: &str) -> Option<Mount> {
    let field = |names: &str| {
        text.split(',')
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| listed(names, name))
            .map(|(_, value)| value)
    };
    let source = field("source src")?;
    let path = source.starts_with(['/', '.', '~']);
    path.then(|| mount(source, field("target destination dst").unwrap_or(source)))
}

fn mount(source: &str, target: &str) -> Mount {
    let trimmed = |path: &str| path.trim_end_matches('/').to_owned();
    Mount {
        source: trimmed(source),
        target: trimmed(target),
    }
}

fn given(notes: &mut Notes, source: Option<&str>) {
    let target = source.map_or(Target::None, |source| {
        let shown = if source.is_empty() { "/" } else { source };
        Target::Named(Arg::text(shown))
    });
    notes.add(
        EffectKind::Containers,
        target,
        Some(RiskLevel::High),
        "mount",
        "gives a container files of the host",
    );
}

/// A word of the container's command as it would be written on the host.
fn on_the_host(word: &Arg, mounts: &[Mount]) -> Arg {
    let parts = word.parts.iter().map(|part| match part {
        Part::Text(text) => {
            let moved = mounts
                .iter()
                .fold(text.clone(), |text, mount| moved(&text, mount));
            Part::Text(moved)
        }
        other => other.clone(),
    });
    Arg {
        parts: parts.collect(),
        splits: word.splits,
    }
}

/// A text with every path below the mount's target below its source.
fn moved(text: &str, mount: &Mount) -> String {
    if mount.target.is_empty() {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&mount.target) {
        let (before, after) = (&rest[..at], &rest[at + mount.target.len()..]);
        let begins = !before
            .ends_with(|letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
        let ends = !after
            .starts_with(|letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter));
        out.push_str(before);
        if begins && ends {
            out.push_str(&mount.source);
            if mount.source.is_empty() && !after.starts_with('/') {
                out.push('/');
            }
        } else {
            out.push_str(&mount.target);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Judges `docker inspect`: without a template, or with one that reaches the environment, it shows passwords.
pub(crate) fn inspect(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let kind = matched.value("--type").and_then(Arg::as_text);
    if kind.is_some_and(|kind| listed(WITHOUT_ENVIRONMENT, kind)) {
        return notes.finish();
    }
    let templates: Vec<&Arg> = ["-f", "--format"]
        .iter()
        .flat_map(|name| matched.values(name))
        .collect();
    let harmless = !templates.is_empty()
        && templates.iter().all(|template| {
            template
                .as_text()
                .is_some_and(|text| !may_show_environment(text))
        });
    if !harmless {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "environment",
            "shows the environment of a container, with the passwords in it",
        );
    }
    notes.finish()
}

/// Judges `docker cp` and `kubectl cp`.
pub(crate) fn copy(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let last = matched.operands.len().saturating_sub(1);
    for (index, word) in matched.operands.iter().enumerate() {
        let inside = path_inside(word);
        let source = index < last || last == 0;
        match (inside, source) {
            (Some(path), true) => notes.path(EffectKind::Reads, Arg::text(path), "source"),
            (Some(_), false) => notes.add(
                EffectKind::Containers,
                Target::Named(word.clone()),
                Some(RiskLevel::Medium),
                "target",
                "changes files in a container",
            ),
            (None, true) if word.as_text() != Some("-") => {
                notes.path(EffectKind::Reads, word.clone(), "source");
            }
            (None, false) if word.as_text() != Some("-") => {
                notes.path(EffectKind::Overwrites, word.clone(), "target");
            }
            _ => {}
        }
    }
    notes.finish()
}

/// The path in a container that a word like `web:/etc/hosts` names.
fn path_inside(word: &Arg) -> Option<String> {
    let text = word.as_text()?;
    let (container, path) = text.split_once(':')?;
    let named = !container.is_empty() && !container.starts_with(['/', '.', '~']);
    named.then(|| path.to_owned())
}
