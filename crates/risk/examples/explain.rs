//! Judges each line of standard input, for people who tune tables: its level and score, the canonical text, and what it
//! does. `-l LOGIN` says who logs in; `-s` prints the level and the line only.

use std::io::{self, BufRead, Write};

use watchkeeper_risk::{HostFacts, assess_text, explain};

fn main() -> io::Result<()> {
    let mut facts = HostFacts::default();
    let mut short = false;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => short = true,
            "-l" => facts.login = words.next(),
            _ => {
                eprintln!("usage: explain [-s] [-l LOGIN] < LINES");
                std::process::exit(2);
            }
        }
    }
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let judged = assess_text(&line, &facts);
        let assessment = &judged.assessment;
        if short {
            writeln!(out, "{:<9} {line}", assessment.level)?;
            continue;
        }
        writeln!(out, "{} {}  {line}", assessment.level, assessment.score)?;
        match &judged.canonical {
            Some(text) if *text != line => writeln!(out, "  = {}", text.escape_debug())?,
            Some(_) => {}
            None => writeln!(out, "  = (no canonical text)")?,
        }
        for said in explain(assessment) {
            writeln!(out, "  {said}")?;
        }
        for effect in &assessment.effects {
            writeln!(
                out,
                "  - {} {:?} {} {:?} {} {}",
                effect.kind,
                effect.target,
                effect.class.as_str(),
                effect.certainty,
                effect.level,
                effect.rule
            )?;
        }
    }
    Ok(())
}
