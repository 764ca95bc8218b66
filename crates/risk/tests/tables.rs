//! Every example of every command table gets exactly its level, through the whole crate.

use watchkeeper_risk::{HostFacts, Tables, assess_text};

#[test]
fn every_example_of_every_table_gets_its_level() {
    let facts = HostFacts::default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for example in Tables::shipped().examples() {
        count += 1;
        let level = assess_text(example.command, &facts).assessment.level;
        if level != example.level {
            wrong.push(format!(
                "{}: {}: {level}, expected {}",
                example.family, example.command, example.level
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} examples are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_family_shows_what_only_looks_and_what_does_not() {
    let mut families: Vec<(&str, bool, bool)> = Vec::new();
    for example in Tables::shipped().examples() {
        let only_looks = example.level == watchkeeper_model::RiskLevel::ReadOnly;
        match families
            .iter_mut()
            .find(|family| family.0 == example.family)
        {
            Some(family) => {
                family.1 |= only_looks;
                family.2 |= !only_looks;
            }
            None => families.push((example.family, only_looks, !only_looks)),
        }
    }
    let lacking: Vec<&str> = families
        .iter()
        .filter(|(_, looks, does)| !(*looks && *does))
        .map(|family| family.0)
        .collect();
    assert!(lacking.is_empty(), "{}", lacking.join(" "));
}
