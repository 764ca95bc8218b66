//! What holds for every script.

use proptest::prelude::*;
use watchkeeper_shell::{
    ArmEnd, AssignedValue, Assignment, Braces, CaseArm, Command, Compound, Connector, Item,
    Operation, Parameter, Piece, Pipeline, Place, Redirect, RedirectKind, Script, Simple, Word,
};

use super::Fake;
use crate::facts::HostFacts;
use crate::interpret::{Seen, SeenEffect, Start, interpret};

fn run(script: &Script) -> Seen {
    let facts = HostFacts::default();
    interpret(
        script,
        &Start {
            commands: &Fake,
            facts: &facts,
            directories: &["/home/ops".to_owned()],
        },
    )
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "rm",
        "ls",
        "-rf",
        "/",
        "x",
        "f",
        "a",
        "eval",
        "sh",
        "bash",
        "-c",
        "cd",
        "echo",
        "printf",
        "%s",
        "read",
        "exit",
        "break",
        "set",
        "--",
        "*",
        "[",
        "export",
        "a=b",
        "IFS",
        "trap",
        "source",
        "/dev/stdin",
        "xargs",
        "sudo",
        "local",
        "shift",
        "unset",
        "-v",
        "1",
        "exec",
        "rm /x",
        "a[",
        "$(rm)",
        "é",
    ])
    .prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "b", "x", "IFS", "HOME", "1", "@", "#", "PATH", "f",
    ])
    .prop_map(str::to_owned)
}

fn word(script: BoxedStrategy<Script>) -> BoxedStrategy<Word> {
    let leaf = prop::collection::vec(
        prop_oneof![
            text().prop_map(Piece::Plain),
            text().prop_map(Piece::Quoted),
            Just(Piece::Tilde("~".to_owned())),
        ],
        0..3,
    )
    .prop_map(|pieces| Word { pieces });
    let inner = leaf.clone().boxed();
    let piece = prop_oneof![
        4 => text().prop_map(Piece::Plain),
        3 => text().prop_map(Piece::Quoted),
        3 => (name(), any::<bool>(), operation(inner.clone())).prop_map(|(name, quoted, operation)| {
            Piece::Parameter(Parameter { name, index: None, indirect: quoted && operation == Operation::Get, operation, quoted })
        }),
        1 => (script.clone(), any::<bool>()).prop_map(|(script, quoted)| Piece::Substitution { script, quoted }),
        1 => (script, any::<bool>()).prop_map(|(script, output)| Piece::Process { output, script }),
        1 => (inner.clone(), any::<bool>()).prop_map(|(word, quoted)| Piece::Arithmetic { expression: Box::new(word), quoted }),
        1 => prop::collection::vec(inner, 1..3).prop_map(|words| Piece::Braces(Braces::List(words))),
        1 => Just(Piece::Braces(Braces::Range { from: "1".into(), to: "9999999999999".into(), step: None })),
    ];
    prop::collection::vec(piece, 0..4)
        .prop_map(|pieces| Word { pieces })
        .boxed()
}

fn operation(word: BoxedStrategy<Word>) -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => Just(Operation::Get),
        1 => Just(Operation::Length),
        1 => word.clone().prop_map(|word| Operation::Default(true, Box::new(word))),
        1 => word.clone().prop_map(|word| Operation::Assign(false, Box::new(word))),
        1 => word.clone().prop_map(|word| Operation::CutPrefix(true, Box::new(word))),
        1 => word.clone().prop_map(|word| Operation::Slice(Box::new(word.clone()), Some(Box::new(word)))),
        1 => word.prop_map(|word| Operation::Replace {
            which: watchkeeper_shell::Replaced::All,
            pattern: Box::new(word.clone()),
            replacement: Some(Box::new(word)),
        }),
    ]
}

fn simple(script: BoxedStrategy<Script>) -> impl Strategy<Value = Command> {
    let word = word(script);
    let redirect = (word.clone(), 0..6_u8).prop_map(|(word, kind)| Redirect {
        descriptor: None,
        kind: match kind {
            0 => RedirectKind::Read(word),
            1 => RedirectKind::Write(word),
            2 => RedirectKind::HereString(word),
            3 => RedirectKind::DuplicateOutput(word),
            4 => RedirectKind::HereDocument(word),
            _ => RedirectKind::ReadWrite(word),
        },
    });
    let assignment = (name(), word.clone(), any::<bool>(), any::<bool>()).prop_map(
        |(name, word, append, array)| Assignment {
            name,
            index: None,
            append,
            value: if array {
                AssignedValue::Array(vec![(None, word)])
            } else {
                AssignedValue::Scalar(word)
            },
        },
    );
    (
        prop::collection::vec(assignment, 0..2),
        prop::collection::vec(word, 0..4),
        prop::collection::vec(redirect, 0..2),
    )
        .prop_map(|(assignments, words, redirects)| {
            Command::Simple(Simple {
                assignments,
                words,
                redirects,
                place: Place::default(),
            })
        })
}

fn command(script: BoxedStrategy<Script>) -> impl Strategy<Value = Command> {
    let compound = prop_oneof![
        script.clone().prop_map(Compound::Group),
        script.clone().prop_map(Compound::Subshell),
        (script.clone(), script.clone()).prop_map(|(condition, body)| Compound::If {
            branches: vec![(condition, body)],
            otherwise: None
        }),
        (any::<bool>(), script.clone(), script.clone()).prop_map(|(until, condition, body)| {
            Compound::Loop {
                until,
                condition,
                body,
            }
        }),
        (name(), word(script.clone()), script.clone()).prop_map(|(name, word, body)| {
            Compound::For {
                name,
                words: Some(vec![word]),
                body,
            }
        }),
        (word(script.clone()), script.clone(), script.clone()).prop_map(|(word, one, other)| {
            Compound::Case {
                word: word.clone(),
                arms: vec![
                    CaseArm {
                        patterns: vec![word.clone()],
                        body: one,
                        end: ArmEnd::FallThrough,
                    },
                    CaseArm {
                        patterns: vec![word],
                        body: other,
                        end: ArmEnd::Break,
                    },
                ],
            }
        }),
        word(script.clone()).prop_map(Compound::Arithmetic),
    ];
    prop_oneof![
        5 => simple(script.clone()),
        2 => compound.prop_map(|body| Command::Compound { body, redirects: Vec::new() }),
        1 => (name(), script).prop_map(|(name, body)| Command::Function {
            name,
            body: Box::new(Command::Compound { body: Compound::Group(body), redirects: Vec::new() })
        }),
    ]
}

fn script() -> BoxedStrategy<Script> {
    let empty = Just(Script::default()).boxed();
    empty
        .prop_recursive(4, 40, 4, |inner| {
            let pipeline = prop::collection::vec(command(inner), 1..3)
                .prop_map(|commands| Pipeline {
                    timed: false,
                    negated: false,
                    commands,
                })
                .boxed();
            let item = (
                pipeline.clone(),
                prop::collection::vec((any::<bool>(), pipeline), 0..2),
                any::<bool>(),
            )
                .prop_map(|(first, rest, background)| Item {
                    first,
                    rest: rest
                        .into_iter()
                        .map(|(and, pipeline)| {
                            (if and { Connector::And } else { Connector::Or }, pipeline)
                        })
                        .collect(),
                    background,
                });
            prop::collection::vec(item, 0..4)
                .prop_map(|items| Script { items })
                .boxed()
        })
        .boxed()
}

fn holds(all: &[SeenEffect], one: &SeenEffect) -> bool {
    all.contains(one)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn no_tree_panics_and_what_is_appended_takes_nothing_away(first in script(), second in script()) {
        let alone = run(&first);
        let mut both = first;
        both.items.extend(second.items);
        let together = run(&both);
        for effect in &alone.effects {
            prop_assert!(holds(&together.effects, effect), "{effect:?} is gone");
        }
        prop_assert_eq!(run(&both), together);
    }
}
