//! How long judging takes: over the labelled corpora, and for text that was made to be slow. `cargo bench -p
//! watchkeeper-risk`. The aims: 99 of 100 lines of up to 1 KB below 1 ms, and anything within the limits below 50 ms.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use watchkeeper_risk::{HostFacts, assess_text};

/// Rounds over a corpus.
const ROUNDS: usize = 20;
/// Rounds over a text that was made to be slow.
const SLOW_ROUNDS: usize = 5;
/// The aim for ordinary lines.
const LINE_AIM: Duration = Duration::from_millis(1);
/// The aim for everything.
const ANY_AIM: Duration = Duration::from_millis(50);

#[derive(serde::Deserialize)]
struct Line {
    cmd: String,
}

fn main() {
    let facts = HostFacts::default();
    let began = Instant::now();
    black_box(assess_text("true", &facts));
    println!("first line, with the tables read: {:?}\n", began.elapsed());
    println!(
        "{:<34} {:>7} {:>9} {:>9} {:>9} {:>9}  aim",
        "corpus", "lines", "mean", "p50", "p99", "worst"
    );
    for (name, text) in [
        ("given", include_str!("../tests/corpus/dev.jsonl")),
        (
            "own, harmless",
            include_str!("../tests/corpus/own_harmless.jsonl"),
        ),
        (
            "own, dangerous",
            include_str!("../tests/corpus/own_dangerous.jsonl"),
        ),
    ] {
        let lines: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Line>(line).expect("a line").cmd)
            .filter(|line| line.len() <= 1_024)
            .collect();
        // Of each line the fastest of all rounds: what else the machine does is not what is measured.
        let mut times: Vec<Duration> = lines
            .iter()
            .map(|line| {
                let rounds = (0..ROUNDS).map(|_| time(line, &facts));
                rounds.min().unwrap_or_default()
            })
            .collect();
        print_row(name, lines.len(), &mut times, LINE_AIM);
    }
    println!();
    for (name, text) in slow() {
        let fastest = (0..SLOW_ROUNDS).map(|_| time(&text, &facts)).min();
        let mut times = [fastest.unwrap_or_default()];
        print_row(name, 1, &mut times, ANY_AIM);
    }
}

fn time(line: &str, facts: &HostFacts) -> Duration {
    let began = Instant::now();
    black_box(assess_text(black_box(line), facts));
    began.elapsed()
}

fn print_row(name: &str, lines: usize, times: &mut [Duration], aim: Duration) {
    times.sort_unstable();
    let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap_or(u32::MAX);
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    let met = if at(99) <= aim { "met" } else { "MISSED" };
    let shown = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
    println!(
        "{name:<34} {lines:>7} {:>9} {:>9} {:>9} {:>9}  p99 {met}",
        shown(mean),
        shown(at(50)),
        shown(at(99)),
        shown(times[times.len() - 1])
    );
}

/// Text that was made to be slow, most of it just within the limits.
fn slow() -> Vec<(&'static str, String)> {
    let repeated = |text: &str, times: usize| text.repeat(times);
    vec![
        ("10 MB of text", repeated("echo aaaaaaa; ", 750_000)),
        ("10,000 parentheses", repeated("(", 10_000)),
        ("a million words", repeated("a ", 1_000_000)),
        (
            "30 nested substitutions",
            format!("{}ls{}", repeated("echo $(", 30), repeated(")", 30)),
        ),
        (
            "30 nested double quotes",
            format!("{}ls{}", repeated("echo \"$(", 30), repeated(")\"", 30)),
        ),
        ("16 KB of pipes", repeated("cat | ", 2_700) + "cat"),
        ("16 KB of lists", repeated("ls; ", 4_000)),
        ("16 KB of one word", "a".repeat(16_000)),
        (
            "braces of 10^9 words",
            "for i in {1..1000000000}; do rm /tmp/$i; done".to_owned(),
        ),
        (
            "braces in braces",
            format!("echo {}", repeated("{a,b}", 40)),
        ),
        (
            "loops in loops",
            format!(
                "{}ls{}",
                repeated("for i in 1 2 3 4 5 6 7 8; do ", 10),
                repeated("; done", 10)
            ),
        ),
        (
            "a function that calls itself",
            "f() { f; f; }; f".to_owned(),
        ),
        (
            "functions that call each other",
            "a() { b; b; }; b() { c; c; }; c() { d; d; }; d() { a; a; }; a".to_owned(),
        ),
        (
            "a here-document that never ends",
            format!("cat <<END\n{}", repeated("line\n", 3_000)),
        ),
        (
            "many variables",
            (0..900)
                .map(|n| format!("a{n}=$a{}; ", n + 1))
                .collect::<String>(),
        ),
        (
            "many branches",
            format!(
                "{}rm $x",
                (0..200)
                    .map(|n| format!("if true; then x={n}; fi; "))
                    .collect::<String>()
            ),
        ),
        ("eval of eval", repeated("eval ", 200) + "ls"),
        (
            "a variable that doubles",
            format!("x=aaaaaaaaaa; {}rm $x", repeated("x=$x$x; ", 60)),
        ),
        (
            "a pattern that backtracks",
            format!("rm -rf /{}", repeated("*a", 200)),
        ),
    ]
}
