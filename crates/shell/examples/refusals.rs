//! Which texts are refused, and why: `cargo run -p watchkeeper-shell --example refusals < corpus.jsonl`. Reads JSON Lines
//! with a `cmd` each, prints every refused text with its reason, and at the end how often each reason was given.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;
use watchkeeper_shell::parse;

#[expect(clippy::print_stdout, reason = "it reports to a person")]
fn main() -> io::Result<()> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut texts = 0_usize;
    for line in io::stdin().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let Some(text) = line.get("cmd").and_then(Value::as_str) else {
            continue;
        };
        texts += 1;
        if let Err(refusal) = parse(text) {
            println!("{refusal}: {text:?}");
            *reasons.entry(refusal.to_string()).or_default() += 1;
        }
    }
    println!("{texts} texts, {} refused", reasons.values().sum::<usize>());
    for (reason, count) in reasons {
        println!("{count:>6} {reason}");
    }
    Ok(())
}
