use proptest::prelude::*;

use super::*;
use crate::facts::HostFacts;
use crate::word::Unknown;

mod others;
mod table;

/// A word as a shell would take it: patterns live, `$name` a variable that is not set, `%` a plain value.
fn word(text: &str) -> Arg {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let part = match c {
            '*' | '?' => Part::Pattern(c.to_string()),
            '[' => {
                let mut set = String::from(c);
                for c in rest.by_ref() {
                    set.push(c);
                    if c == ']' {
                        break;
                    }
                }
                Part::Pattern(set)
            }
            '$' => {
                let mut name = String::new();
                while let Some(c) = rest.next_if(char::is_ascii_alphanumeric) {
                    name.push(c);
                }
                Part::Unknown(Unknown {
                    from: Origin::Variable(name),
                    plain: false,
                })
            }
            '%' => Part::Unknown(Unknown {
                from: Origin::Output,
                plain: true,
            }),
            c => {
                literal.push(c);
                continue;
            }
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(part);
    }
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Text(literal));
    }
    Arg {
        parts,
        splits: false,
    }
}

fn below(directory: &str) -> Arg {
    Arg::unknown(Origin::PathsBelow(vec![directory.to_owned()]), true)
}

fn at_home() -> Context {
    Context {
        directories: vec!["/home/ops".to_owned()],
        ..Context::default()
    }
}

fn host() -> Host {
    Host::new(&HostFacts::default())
}

/// The kind and whether it goes down a tree, by one word.
fn verb(name: &str) -> (EffectKind, bool) {
    match name {
        "read" => (EffectKind::Reads, false),
        "grep-r" => (EffectKind::Reads, true),
        "write" => (EffectKind::Writes, false),
        "overwrite" => (EffectKind::Overwrites, false),
        "rm" => (EffectKind::Deletes, false),
        "rm-r" => (EffectKind::DeletesTree, true),
        "chmod" => (EffectKind::Permissions, false),
        "chmod-r" => (EffectKind::Permissions, true),
        other => panic!("no such verb: {other}"),
    }
}

fn path_effect(name: &str, path: Arg) -> Effect {
    let (kind, recursive) = verb(name);
    let found = Found {
        recursive,
        ..Found::to(kind, Target::Path(path), "test")
    };
    classify(&found, &at_home(), &host())
}

fn effect(kind: EffectKind, target: Target) -> Effect {
    classify(&Found::to(kind, target, "test"), &at_home(), &host())
}

#[test]
fn paths_get_the_level_of_what_they_are() {
    let mut wrong = Vec::new();
    for row in table::PATHS
        .lines()
        .map(str::trim)
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
    {
        let [name, path, level] = row.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("a row has three words: {row}");
        };
        let path = if path == "''" { "" } else { path };
        let effect = path_effect(name, word(path));
        if effect.level.as_str() != level {
            wrong.push(format!(
                "{row}: {} {:?} {}",
                effect.level, effect.class, effect.sentence
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
