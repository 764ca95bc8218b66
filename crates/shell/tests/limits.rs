//! Nothing is too long, too deep or too odd for an answer: quickly, and on a small stack.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use watchkeeper_shell::{MAX_BYTES, MAX_DEPTH, Refusal, parse, parse_bytes};

/// The stack of a test's thread, said aloud: it is what the parsers must do with.
const STACK: usize = 2 * 1024 * 1024;
/// Far more than any answer takes in an unoptimised build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

fn on_a_small_stack(check: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(check)
        .expect("a thread starts");
    thread.join().expect("the check holds");
}

#[test]
fn what_is_too_long_is_refused_unread() {
    let begun = Instant::now();
    let limit = Err(Refusal::TooLong { limit: MAX_BYTES });
    assert_eq!(parse(&"a ".repeat(5_000_000)), limit);
    assert_eq!(parse(&"(".repeat(10_000_000)), limit);
    assert_eq!(parse(&"a\n".repeat(1_000_000)), limit);
    assert_eq!(parse_bytes(&vec![0xff; 10_000_000]), limit);
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn what_is_too_deep_is_refused_before_any_parser() {
    on_a_small_stack(|| {
        for (open, middle, close) in NESTINGS {
            for depth in [100, 1_000, 5_000] {
                let text = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
                let unclosed = open.repeat(depth);
                for text in [text, unclosed] {
                    let text = &text[..text.len().min(MAX_BYTES)];
                    let begun = Instant::now();
                    assert!(parse(text).is_err(), "{open} {depth}");
                    assert!(begun.elapsed() < PATIENCE, "{open} {depth}");
                }
            }
        }
    });
}

/// Everything that nests.
const NESTINGS: &[(&str, &str, &str)] = &[
    ("(", "a", ")"),
    ("( ", "a", " )"),
    ("{ ", "a;", " };"),
    ("if ", "a", "; then b; fi"),
    ("if a; then ", "b", "; fi"),
    ("while a; do ", "b", "; done"),
    ("for x in a; do ", "b", "; done"),
    ("case a in b) ", "c", ";; esac"),
    ("f() { ", "a;", " };"),
    ("function f ", "{ a; }", ""),
    ("coproc ", "a", ""),
    ("time ", "a", ""),
    ("x $(", "a", ")"),
    ("x \"$(", "a", ")\""),
    ("x <(", "a", ")"),
    ("x ${y:-", "a", "}"),
    ("x \"${y:-\"", "a", "\"}\""),
    ("x $((", "1", "))"),
    ("((", "1", "))"),
    ("[[ ( ", "a", " ) ]]"),
    ("x {a,", "b", "}"),
    ("if a; then b; elif ", "c", "; then d; fi"),
    ("( ')' ", "a", " )"),
    ("( \\) ", "a", " )"),
    ("( # )\n", "a", "\n)"),
    ("{ x } ; ", "a;", " };"),
    ("if x fi; then ", "a", "; fi"),
    ("i\\\nf a; then ", "b", "; fi"),
    ("( \")\" ", "a", " )"),
    ("x ${y:-\\}", "a", "}"),
    ("x ${y:-$(z })", "a", "}"),
    ("( case x in a) ", "b", ";; esac )"),
    ("while echo done; do ", "a", "; done"),
];

#[test]
fn what_nests_within_the_limit_needs_only_a_small_stack() {
    on_a_small_stack(|| {
        for (open, middle, close) in NESTINGS {
            for depth in 1..=MAX_DEPTH {
                let text = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
                let begun = Instant::now();
                let _ = parse(&text);
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{open} {depth} took {:?}",
                    begun.elapsed()
                );
            }
        }
    });
}

#[test]
fn long_flat_texts_are_answered_in_time() {
    on_a_small_stack(|| {
        for part in [
            "a ",
            "a;",
            "a\n",
            "a|",
            "a&",
            "a&&",
            "'' ",
            "\"\" ",
            "$x ",
            "${x} ",
            "$(a) ",
            "`a` ",
            "{} ",
            "{a,b} ",
            "a=b ",
            ">f ",
            "<<E\nE\n",
            "\\\n",
            "! ",
            "~ ",
            "[ ",
            "a[1]=2 ",
            "'",
            "\"",
            "`",
            "$",
            "\\",
            "#",
            "{",
            "}",
            "(",
            ")",
            "[[ ",
            "((",
            "$((",
            "$'",
            "<(",
            "x=(",
            "''",
            "\"$x\"",
            "{a}",
            "a{,}",
            "*",
            "time ",
            "function f ",
            "coproc ",
            "if ",
            "case x in ",
            ";;",
            "f() ",
            "a&&(b)||",
            "((1)) ",
            "[[ a ]]&&",
        ] {
            for length in [300, 1_000, MAX_BYTES] {
                let text = part.repeat(length / part.len());
                let begun = Instant::now();
                let _ = parse(&text);
                let _ = parse(&format!("x{text}"));
                assert!(
                    begun.elapsed() < PATIENCE,
                    "{part:?} x {length} took {:?}",
                    begun.elapsed()
                );
            }
        }
    });
}

#[test]
fn a_text_on_which_a_parser_panics_is_refused() {
    for text in ["<<``$(\n)\n", "a $(b <<``$(\n)\n"] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_bytes(&bytes);
    }

    #[test]
    fn no_text_of_shell_characters_makes_it_panic(text in "[ab'\"\\\\$`(){}\\[\\]<>|&;#=!~*?\n -]{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_parsed_has_a_text_that_gives_the_same(
        parts in proptest::collection::vec(proptest::sample::select(PARTS), 1..12),
    ) {
        let text = parts.concat();
        if let Ok(parsed) = parse(&text) {
            let again = parse(&parsed.canonical);
            prop_assert_eq!(again, Ok(parsed));
        }
    }
}

/// Parts of scripts, to be put together at random.
const PARTS: &[&str] = &[
    "ls ",
    "-la ",
    "; ",
    " | ",
    " && ",
    "\n",
    "'a b' ",
    "\"$x\" ",
    "$(id) ",
    "`id` ",
    "${x:-y} ",
    "\"${x#'a'}\" ",
    "{a,b} ",
    "*.txt ",
    "~/a ",
    ">f ",
    "2>&1 ",
    "( ",
    ") ",
    "{ ",
    "} ",
    "if a; then b; fi ",
    "for x in a; do b; done ",
    "$((1+2)) ",
    "[[ a == b ]] ",
    "<<E\na $x\nE\n",
    "a=b ",
    "\\ ",
    "''",
    "& ",
    "! ",
    "case x in a) b;; esac ",
    "<(a) ",
    "# c\n",
    "$'\\n' ",
    "\"a",
    "b\" ",
    "x=(1 2) ",
    "((x++)) ",
    "f() { a; } ",
];
