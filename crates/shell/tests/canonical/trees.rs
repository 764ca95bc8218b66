//! Trees, said in full where the normal form decides.

use watchkeeper_shell::{
    AssignedValue, Assignment, Braces, Command, Compound, Connector, Descriptor, Item, Operation,
    Parameter, Piece, Pipeline, Redirect, RedirectKind, Script, Simple, Word, parse,
};

/// All simple commands of a script that stand in its lists and in the values of assignments, in order.
pub(crate) fn simples(script: &Script) -> Vec<&Simple> {
    let mut found = Vec::new();
    for item in &script.items {
        let pipelines =
            std::iter::once(&item.first).chain(item.rest.iter().map(|(_, pipeline)| pipeline));
        for command in pipelines.flat_map(|pipeline| &pipeline.commands) {
            let Command::Simple(simple) = command else {
                continue;
            };
            found.push(simple);
            for assignment in &simple.assignments {
                if let AssignedValue::Scalar(word) = &assignment.value {
                    for piece in &word.pieces {
                        if let Piece::Substitution { script, .. } = piece {
                            found.extend(simples(script));
                        }
                    }
                }
            }
        }
    }
    found
}

fn words(text: &str) -> Vec<Word> {
    let parsed = parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    simples(&parsed.script)[0].words[1..].to_vec()
}

fn word(pieces: Vec<Piece>) -> Word {
    Word { pieces }
}

fn plain(text: &str) -> Piece {
    Piece::Plain(text.into())
}

fn quoted(text: &str) -> Piece {
    Piece::Quoted(text.into())
}

fn parameter(name: &str, quoted: bool, operation: Operation) -> Piece {
    Piece::Parameter(Parameter {
        name: name.into(),
        index: None,
        indirect: false,
        operation,
        quoted,
    })
}

#[test]
fn quotes_that_make_no_difference_leave_no_trace() {
    for text in [
        "x rm",
        "x r''m",
        "x \"rm\"",
        "x r\\m",
        "x $'r\\x6d'",
        "x 'r'\"m\"",
        "x r\\\nm",
    ] {
        assert_eq!(words(text), [word(vec![plain("rm")])], "{text}");
    }
    for text in ["x 'a b'", "x a\\ b", "x a' 'b", "x \"a b\"", "x a$' 'b"] {
        assert_eq!(words(text), [word(vec![quoted("a b")])], "{text}");
    }
    assert_eq!(words("x '*'a*"), [word(vec![quoted("*"), plain("a*")])]);
    assert_eq!(
        words("x [a'-'z]"),
        [word(vec![plain("[a"), quoted("-"), plain("z]")])]
    );
    assert_eq!(words("x ''"), [word(vec![quoted("")])]);
    assert_eq!(words("x a''"), [word(vec![plain("a")])]);
}

#[test]
fn expansions_are_pieces_that_know_their_quotes() {
    assert_eq!(
        words("x a$b\"c$d\"~"),
        [word(vec![
            plain("a"),
            parameter("b", false, Operation::Get),
            plain("c"),
            parameter("d", true, Operation::Get),
            plain("~"),
        ])]
    );
    assert_eq!(
        words("x ~/a ~b '~'"),
        [
            word(vec![Piece::Tilde(String::new()), plain("/a")]),
            word(vec![Piece::Tilde("b".into())]),
            word(vec![quoted("~")]),
        ]
    );
    assert_eq!(
        words("x \"${y:-a b}\" ${y:-c*}"),
        [
            word(vec![parameter(
                "y",
                true,
                Operation::Default(true, Box::new(word(vec![quoted("a b")])))
            )]),
            word(vec![parameter(
                "y",
                false,
                Operation::Default(true, Box::new(word(vec![plain("c*")])))
            )]),
        ]
    );
    assert_eq!(
        words("x {a,'b c'} {1..3}"),
        [
            word(vec![Piece::Braces(Braces::List(vec![
                word(vec![plain("a")]),
                word(vec![quoted("b c")])
            ]))]),
            word(vec![Piece::Braces(Braces::Range {
                from: "1".into(),
                to: "3".into(),
                step: None
            })]),
        ]
    );
}

#[test]
fn commands_in_words_are_scripts() {
    let mut unseen = Vec::new();
    for text in [
        "x $(mark 1)",
        "x `mark 1`",
        "x \"$(mark 1)\"",
        "x \"`mark 1`\"",
        "x ${y:-$(mark 1)}",
        "x \"${y:-$(mark 1)}\"",
        "x \"${y:-'$(mark 1)'}\"",
        "x $(( $(mark 1) ))",
        "x $((a[$(mark 1)]))",
        "x ${a[$(mark 1)]}",
        "x {a,$(mark 1)}",
        "x <(mark 1)",
        "x <<E\n$(mark 1)\nE",
        "x <<E\n`mark 1`\nE",
        "x <<<$(mark 1)",
        "x >$(mark 1)",
        "x=($(mark 1)) y",
        "x ${y/$(mark 1)/z}",
        "x ${y:$(mark 1)}",
        "x \"${y#$(mark 1)}\"",
        "[[ a == $(mark 1) ]]",
        "case $(mark 1) in a) b;; esac",
        "for x in $(mark 1); do a; done",
        "(( x[$(mark 1)] ))",
        "for ((i=$(mark 1); 1; 2)); do a; done",
        "x `y \\`mark 1\\``",
        "x \"$(y \"$(mark 1)\")\"",
        "x $(case a in (b) mark 1;; esac)",
        "x $( (mark 1) )",
        "( ( mark 1 ) )",
        "x \"$(y # it's )\nmark 1)\"",
    ] {
        let shown = parse(text).map_or_else(
            |refusal| refusal.to_string(),
            |parsed| format!("{:?}", parsed.script),
        );
        let command =
            "words: [Word { pieces: [Plain(\"mark\")] }, Word { pieces: [Plain(\"1\")] }]";
        if !shown.contains(command) {
            unseen.push((text, shown));
        }
    }
    assert!(unseen.is_empty(), "{unseen:#?}");
}

#[test]
fn text_in_single_quotes_and_quoted_here_documents_is_no_script() {
    for text in [
        "x '$(mark 1)'",
        "x \\$(mark\\ 1\\)",
        "x \"\\$(mark 1)\"",
        "x <<'E'\n$(mark 1)\nE",
        "x \"\\`mark 1\\`\"",
        "x # $(mark 1)",
        "x $'$(mark 1)'",
    ] {
        if let Ok(parsed) = parse(text) {
            assert!(
                !format!("{:?}", parsed.script).contains("Substitution"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_whole_line_is_what_it_says() {
    let parsed = parse("a=1 ls >f 2>&1 && b | c &").expect("is parsed");
    let simple = |name: &str, from, to| {
        let mut simple = Simple {
            words: vec![word(vec![plain(name)])],
            ..Simple::default()
        };
        (simple.place.from, simple.place.to) = (from, to);
        simple
    };
    let mut first = simple("ls", 0, 14);
    first.assignments = vec![Assignment {
        name: "a".into(),
        index: None,
        append: false,
        value: AssignedValue::Scalar(word(vec![plain("1")])),
    }];
    first.redirects = vec![
        Redirect {
            descriptor: None,
            kind: RedirectKind::Write(word(vec![plain("f")])),
        },
        Redirect {
            descriptor: Some(Descriptor::Number(2)),
            kind: RedirectKind::DuplicateOutput(word(vec![plain("1")])),
        },
    ];
    let pipeline = |commands| Pipeline {
        timed: false,
        negated: false,
        commands,
    };
    let expected = Script {
        items: vec![Item {
            first: pipeline(vec![Command::Simple(first)]),
            rest: vec![(
                Connector::And,
                pipeline(vec![
                    Command::Simple(simple("b", 18, 19)),
                    Command::Simple(simple("c", 22, 23)),
                ]),
            )],
            background: true,
        }],
    };
    assert_eq!(parsed.script, expected);
}

#[test]
fn nested_parentheses_are_subshells_and_not_arithmetic() {
    for text in ["( ( ls ) )", "((ls); )", "( (ls) )", "(\n(ls))"] {
        let parsed = parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        let Command::Compound {
            body: Compound::Subshell(inner),
            ..
        } = &parsed.script.items[0].first.commands[0]
        else {
            panic!("{text} is no subshell");
        };
        assert!(matches!(
            inner.items[0].first.commands[0],
            Command::Compound {
                body: Compound::Subshell(_),
                ..
            }
        ));
    }
}
