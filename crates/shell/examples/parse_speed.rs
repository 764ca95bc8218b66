//! How long `parse` takes: `cargo run --release -p watchkeeper-shell --example parse_speed < corpus.jsonl`. Reads JSON
//! Lines with a `cmd` each; prints the mean, the percentiles and the slowest of them in microseconds, and then the
//! same for texts that are as hard as the limits allow.

use std::io;
use std::time::Instant;

use serde_json::Value;
use watchkeeper_shell::{MAX_BYTES, parse};

/// How often each text is parsed; the fastest counts, because the machine does other things too.
const ROUNDS: usize = 7;
/// How many of the slowest are shown.
const SHOWN: usize = 8;
/// The longest text that counts as a line.
const LINE: usize = 1024;

#[expect(clippy::print_stdout, reason = "it reports to a person")]
fn main() -> io::Result<()> {
    let mut texts = Vec::new();
    for line in io::stdin().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let text = line.get("cmd").and_then(Value::as_str);
        texts.extend(text.filter(|text| text.len() <= LINE).map(str::to_owned));
    }
    report("lines up to 1 KiB", &texts);
    let hard: Vec<String> = HARD
        .iter()
        .flat_map(|(open, middle, close)| nested(open, middle, close))
        .collect();
    report("nested as deep as is accepted", &hard);
    let long: Vec<String> = LONG
        .iter()
        .filter_map(|part| longest(|times| part.repeat(times), MAX_BYTES / part.len()))
        .collect();
    report("long as is accepted", &long);
    println!(
        "{} refused kinds of nesting or length left out",
        HARD.len() + LONG.len() - hard.len() - long.len()
    );
    Ok(())
}

/// Everything that nests.
const HARD: &[(&str, &str, &str)] = &[
    ("( ", "a", " )"),
    ("{ ", "a;", " };"),
    ("if a; then ", "b", "; fi"),
    ("while a; do ", "b", "; done"),
    ("case a in b) ", "c", ";; esac"),
    ("x $(", "a", ")"),
    ("x \"$(", "a", ")\""),
    ("x $(y '(' ) $(", "a", ")"),
    ("x <(", "a", ")"),
    ("x \"${y:-", "a", "}\""),
    ("x $((1+", "1", "))"),
    ("[[ ( ", "a", " ) ]]"),
    ("x {a,", "b", "}"),
    ("f() { ", "a;", " };"),
];

/// What can stand beside itself.
const LONG: &[&str] = &[
    "a ",
    "a;",
    "a|b;",
    "'a' ",
    "\"$x\" ",
    "$(a) ",
    "`a` ",
    "{a,b} ",
    "a=b ",
    "\"$(a 'b')\" ",
    "${x:-y} ",
    "a >f;",
    "(a);",
    "[[ a ]];",
    "abcdefghijklmnopqrstuvwxyz ",
    "$(a $(b)) ",
    "a <<E\nb\nE\n",
];

/// The deepest nesting that is accepted.
fn nested(open: &str, middle: &str, close: &str) -> Option<String> {
    longest(
        |depth| format!("{}{middle}{}", open.repeat(depth), close.repeat(depth)),
        40,
    )
}

/// The greatest of the texts that is accepted, found by halving.
fn longest(text: impl Fn(usize) -> String, most: usize) -> Option<String> {
    let (mut taken, mut refused) = (0, most + 1);
    while refused - taken > 1 {
        let middle = usize::midpoint(taken, refused);
        if parse(&text(middle)).is_ok() {
            taken = middle;
        } else {
            refused = middle;
        }
    }
    (taken > 0).then(|| text(taken))
}

#[expect(clippy::print_stdout, reason = "it reports to a person")]
fn report(name: &str, texts: &[String]) {
    let mut times: Vec<(u128, &str)> = texts
        .iter()
        .map(|text| (fastest(text), text.as_str()))
        .collect();
    times.sort();
    let Some(last) = times.len().checked_sub(1) else {
        return;
    };
    let at = |hundredths: usize| micros(times[last * hundredths / 10_000].0);
    let mean = times.iter().map(|(time, _)| time).sum::<u128>() / times.len() as u128;
    println!(
        "{name}: {} texts, mean {}, median {}, p99 {}, p99.9 {}, worst {} us",
        times.len(),
        micros(mean),
        at(5_000),
        at(9_900),
        at(9_990),
        at(10_000),
    );
    for (time, text) in times.iter().rev().take(SHOWN) {
        let shown: String = text.chars().take(100).collect();
        println!(
            "  {:>10} us {:>6} bytes {shown:?}",
            micros(*time),
            text.len()
        );
    }
}

fn fastest(text: &str) -> u128 {
    let once = || {
        let begun = Instant::now();
        let parsed = parse(text);
        let time = begun.elapsed().as_nanos();
        drop(parsed);
        time
    };
    (0..ROUNDS).map(|_| once()).min().unwrap_or_default()
}

/// Nanoseconds as microseconds with one digit behind the point.
fn micros(nanos: u128) -> String {
    format!("{}.{}", nanos / 1_000, nanos % 1_000 / 100)
}
