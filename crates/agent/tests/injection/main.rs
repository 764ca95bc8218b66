//! Text that wants to be obeyed: planted wherever a host, a note or an earlier reply may put text before a model. Pure:
//! what the model is shown keeps it as data. What a model that obeys can do is held in `watch`'s tests.
//!
//! Each case names the guards it is held by, and is run without each of them, by prompts made by hand in their place: there
//! the attack must work, or the case shows nothing.

mod cases;
mod prompts;
mod shown;

use cases::{CASES, Case, Guard};
use prompts::Place;
use shown::breaches;

/// The mark of the prompts in these tests.
const RANDOM: [u8; 16] = [0x5a; 16];

fn mark() -> String {
    watchkeeper_agent::Boundary::from_random(RANDOM)
        .as_str()
        .to_owned()
}

/// The case's text with the mark in it, as if somebody had known it, and with its hidden characters.
fn planted(case: &Case) -> String {
    case.text.replace("MARK", &mark())
}

#[test]
fn what_is_planted_stays_data_in_every_prompt() {
    let mut failed = Vec::new();
    for case in CASES {
        let messages = prompts::messages(case.place, &planted(case));
        // Of a system only its name is told, and no fence stands there.
        let told = case.place != Place::System;
        assert!(
            !told
                || messages
                    .iter()
                    .any(|message| message.text.contains(case.sign)),
            "{}: it is never shown",
            case.name
        );
        for breach in breaches(&messages, &mark(), case) {
            failed.push(format!("{}: {breach}", case.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn without_its_guard_each_case_gets_through() {
    for case in CASES {
        for guard in case.guards {
            let messages = prompts::without(*guard, case.place, &planted(case), &mark());
            let found = breaches(&messages, &mark(), case);
            assert!(
                found
                    .iter()
                    .any(|breach| breach.guard == *guard || stands_free(*guard, breach.guard)),
                "{} is held without {guard:?}, so it shows nothing: {messages:?}",
                case.name
            );
        }
    }
}

/// Without the mark's guard a text forges a whole fence, and its own words stand free of the real one.
fn stands_free(taken_out: Guard, found: Guard) -> bool {
    taken_out == Guard::Mark && found == Guard::Fence
}

#[test]
fn there_are_forty_cases_and_more_and_every_guard_and_place_has_some() {
    assert!(CASES.len() >= 40, "{}", CASES.len());
    let mut names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len(), "names are different");
    for guard in [
        Guard::Fence,
        Guard::Mark,
        Guard::Tokens,
        Guard::Visible,
        Guard::Redaction,
    ] {
        assert!(
            CASES
                .iter()
                .filter(|case| case.guards.contains(&guard))
                .count()
                >= 3,
            "{guard:?}"
        );
    }
    for place in prompts::PLACES {
        assert!(CASES.iter().any(|case| case.place == *place), "{place:?}");
    }
}
