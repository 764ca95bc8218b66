//! What has no tree, and why.

use watchkeeper_shell::{Parser, Refusal, parse, parse_bytes};

/// Texts that no shell takes, or that the two parsers cannot agree on.
const REFUSED: &[&str] = &[
    "if",
    "if a",
    "if a; then b",
    "for",
    "for x in a; do b",
    "while a; do b",
    "case x in",
    "case x",
    "a |",
    "| a",
    "a &&",
    "&& a",
    "a ||",
    "; a",
    "a ;; b",
    "(a",
    "a)",
    "( )",
    "{ a",
    "{ a }",
    "a }; }",
    "'a",
    "\"a",
    "`a",
    "$(a",
    "${a",
    "$((1",
    "echo $(a",
    "echo \"$(a\"",
    "a >",
    "a <",
    "a <<",
    "a <<X",
    "a <<X\nb",
    "a <<'X\nb\nX'",
    "f() a",
    "f() {",
    "function",
    "[[ a",
    "[[ a ]",
    "[[ ]]",
    "((1",
    "done",
    "fi",
    "then a",
    "do a",
    "esac",
    "a (b)",
    "a & & b",
    "a & ; b",
    "a=(b",
    "a=(b c) (d)",
    "x[$(a b)]=2 c",
    "echo $x{a,b}",
    "echo {$x,a}b",
    "echo {$,a}b",
    "case x in (esac) a;; esac",
    "select x in a; do b; done",
    "${ a; }",
    "echo ${ a; }",
    "echo ${|a;}",
    "echo ${a b}",
    "echo ${}",
    "echo ${a!}",
    "echo ${a@Z}",
    "echo ${a:}x}",
    "echo $((1 2))",
    "echo $((a b))",
    "echo $((a) (b))",
    "echo $((a); (b))",
    "echo $((a; b))",
    "((a b))",
    "((rm x))",
    "((a); b; (c)",
    "echo $(( 'a' ))",
    "echo !(a)",
    "ls @(a|b)",
    "a \\",
    "time time a",
    "! time a",
    "time -- a",
    "echo $'\\0'",
    "echo $'\\xff'",
    "echo $'\\ud800'",
    "echo $'\\cA'",
    "exec {fd}>x",
    "for x in; do a; done",
    "echo \"${x:-'}\"",
    "echo \"${x/a/'b'}\"",
    "cat <<X\n${x:-\"a\"}\nX",
    "echo $$(a)",
    "echo \"$$(a)\"",
    "a=([b c)",
    "echo a(b)",
    "for 1x in a; do b; done",
    "a$(b <<X\nc\nX\nd; e)",
    "echo \"${x-a `\\\"b\\\"` c}\"",
    "echo ~999999999999999999999999",
    "99999999999999>x",
    "echo $(( a[] ))",
    "ls <(",
    "a=b c(",
    "f{() { a; }",
    "case x in a) b;; esac)",
    "((1)",
    "$((1)",
    "echo $[a b]",
    "a <<X; b\nX ",
    "if a; then; fi",
    "while; do a; done",
    "{ }",
    "a;;",
    "a\n)",
    "!",
    "(!)",
    "time",
    "a && !",
    "case x in (a) ! ;; esac",
    "echo $(case x in a) echo ';; b';; c) d;; esac)",
    "declare -r x=(a)",
    "readonly x=(a)",
    "declare -g x=(a)",
    "declare -n x=(a)",
    "declare x=($(a))",
    "declare x=(`a`)",
    "declare x=(<(a))",
    "declare x=(1) y=(2)",
    "declare x=(\"${x[@]}\" 2)",
    "declare x=($?)",
    "declare x=(${_})",
    "declare x=(${!y})",
    "declare x+=(2)",
    "declare UID=(2)",
    "declare BASH_X=(2)",
    "a=b declare x=(2)",
    "declare x=(2) >f",
    "\\declare x=(2)",
    "command declare x=(2)",
    "x=(a #b",
    "x=(a #b)",
    "echo $(( a[\"$x\"] ))",
    "echo $(( \"1\" ))",
    "echo $(( \"$x$y\" ))",
    "echo ${x:\"$i\"}",
    "9999\\\n999>x",
    "(\\\n(a))",
    "echo $(\\\n(a))",
    "echo `(\\\\\n(a))`",
    "echo $[\"$x\"]",
    "`99999999\\\\\n>x`",
];

#[test]
fn what_is_no_script_or_not_certain_is_refused() {
    let taken: Vec<_> = REFUSED
        .iter()
        .filter_map(|text| Some((text, parse(text).ok()?.canonical)))
        .collect();
    assert!(taken.is_empty(), "taken for scripts: {taken:#?}");
}

#[test]
fn characters_that_deceive_are_refused_with_their_place() {
    let cases: &[(&str, Refusal)] = &[
        ("ls\r\n", Refusal::Control { code: 0xd, at: 2 }),
        ("ls \0", Refusal::Control { code: 0, at: 3 }),
        ("ls \x1b[2J", Refusal::Control { code: 0x1b, at: 3 }),
        ("ls \u{7f}", Refusal::Control { code: 0x7f, at: 3 }),
        ("ls \u{85}", Refusal::Control { code: 0x85, at: 3 }),
        (
            "ls '\u{202e}x'",
            Refusal::Deceptive {
                code: 0x202e,
                at: 4,
            },
        ),
        (
            "l\u{200b}s",
            Refusal::Deceptive {
                code: 0x200b,
                at: 1,
            },
        ),
        ("ls\u{a0}-la", Refusal::Deceptive { code: 0xa0, at: 2 }),
        (
            "ls\u{3000}-la",
            Refusal::Deceptive {
                code: 0x3000,
                at: 2,
            },
        ),
        (
            "\u{feff}ls",
            Refusal::Deceptive {
                code: 0xfeff,
                at: 0,
            },
        ),
        (
            "ls \u{ff0d}l",
            Refusal::Deceptive {
                code: 0xff0d,
                at: 3,
            },
        ),
        (
            "echo \u{2018}a\u{2019}",
            Refusal::Deceptive {
                code: 0x2018,
                at: 5,
            },
        ),
        (
            "echo a\u{2013}b",
            Refusal::Deceptive {
                code: 0x2013,
                at: 6,
            },
        ),
        (
            "echo \u{e0041}",
            Refusal::Deceptive {
                code: 0xe0041,
                at: 5,
            },
        ),
        ("\u{441}at x", Refusal::ForeignName),
    ];
    for (text, refusal) in cases {
        assert_eq!(parse(text), Err(refusal.clone()), "{text:?}");
    }
    assert_eq!(parse_bytes(b"ls \xff"), Err(Refusal::NotUtf8 { at: 3 }));
    assert_eq!(parse(""), Err(Refusal::Empty));
    assert_eq!(parse("  \n # nothing\n"), Err(Refusal::Empty));
}

#[test]
fn a_decoded_character_that_deceives_is_shown_escaped() {
    let canonical = |text: &str| parse(text).expect("is parsed").canonical;
    assert_eq!(
        canonical("echo $'\\u202e' $'\\r\\a\\x7f' $'a\\u00a0b'"),
        "echo $'\\u202E' $'\\r\\x07\\x7f' $'a\\u00A0b'"
    );
    assert_eq!(canonical("echo \"$x\"$'\\e'y"), "echo \"$x\"$'\\x1b'\"y\"");
}

#[test]
fn a_refusal_says_who_and_keeps_the_reason_short() {
    let Err(Refusal::Unparsable { by, reason }) = parse("if a; then b") else {
        panic!("is not refused by a parser");
    };
    assert_eq!(by, Parser::Brush);
    assert!(!reason.is_empty() && reason.is_ascii() && reason.len() <= 160);
}
