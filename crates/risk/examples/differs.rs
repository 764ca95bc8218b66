//! Prints every line of the labelled corpora that is not judged as labelled, for people who improve the tables from
//! manuals. What may never happen is held by the tests in `tests/judging`; this only shows what is left.

use std::io::{self, Write};

use watchkeeper_risk::{HostFacts, assess_text};

#[expect(dead_code, reason = "the tests ask for the tags too")]
#[path = "../tests/judging/corpus.rs"]
mod corpus;

fn main() -> io::Result<()> {
    let facts = HostFacts::default();
    let mut out = io::stdout().lock();
    for corpus in corpus::corpora() {
        for line in &corpus.lines {
            let level = assess_text(&line.cmd, &facts).assessment.level;
            if level != line.label {
                writeln!(
                    out,
                    "{}: {:?} is {}, and was judged {level}: {}",
                    corpus.name, line.cmd, line.label, line.why
                )?;
            }
        }
    }
    Ok(())
}
