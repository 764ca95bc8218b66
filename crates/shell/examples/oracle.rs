//! Parser fuzz with bash as the oracle, in a sandbox (see `README.md`):
//! `cargo run --release -p watchkeeper-shell --example oracle -- --scripts 20000 --seed 7`.
//! `--show N` prints that many of the scripts that were missed or that differ. Exits with 1 if there is one of either.

#[path = "../tests/oracle/bash.rs"]
mod bash;
#[path = "../tests/oracle/campaign.rs"]
mod campaign;
#[path = "../tests/oracle/generator.rs"]
mod generator;
#[path = "../tests/oracle/sandbox.rs"]
mod sandbox;
#[path = "../tests/oracle/visible.rs"]
mod visible;

use std::process::ExitCode;
use std::thread;

/// Runs beside each other.
const THREADS: usize = 2;

#[expect(clippy::print_stdout, reason = "it reports to a person")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1))
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let (scripts, seed, show) = (
        option("--scripts", 20_000),
        option("--seed", 7),
        option("--show", 5),
    );
    let reports: Vec<campaign::Report> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                scope.spawn(move || {
                    campaign::run(scripts / THREADS, (seed * THREADS + number) as u64)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a run does not panic"))
            .collect()
    });
    let sum = |count: fn(&campaign::Report) -> usize| reports.iter().map(count).sum::<usize>();
    let misses = sum(|report| report.misses.len());
    let different = sum(|report| report.different.len());
    println!(
        "scripts {}, accepted {} ({} ran markers), refused {} (parsers disagree {}, unparsable {}, not renderable {}, unsupported {}), bash cannot read {}, batches unfinished {}, misses {}, canonical text differs {}",
        sum(|report| report.scripts),
        sum(|report| report.accepted),
        sum(|report| report.ran),
        sum(|report| report.disagreed
            + report.unparsable
            + report.not_renderable
            + report.unsupported),
        sum(|report| report.disagreed),
        sum(|report| report.unparsable),
        sum(|report| report.not_renderable),
        sum(|report| report.unsupported),
        sum(|report| report.bash_refuses),
        sum(|report| report.unfinished),
        misses,
        different,
    );
    for report in &reports {
        for text in report.misses.iter().take(show) {
            println!("=== missed\n{text}");
        }
        for text in report.different.iter().take(show) {
            println!("=== differs\n{text}");
        }
        for text in report.strays.iter().take(show) {
            println!("=== not renderable\n{text}");
        }
    }
    ExitCode::from(u8::from(misses + different > 0))
}
