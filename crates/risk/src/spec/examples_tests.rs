//! Every example of the tables that needs no shell gets its level: a quicker look than the test over the whole crate.

use watchkeeper_model::RiskLevel;

use super::Tables;
use super::grammar::is_assignment;
use super::tables::Known;
use crate::classify::{Host, classify};
use crate::facts::HostFacts;
use crate::invocation::{Context, Input, Invocation, Nested};
use crate::word::Arg;

/// The words of a line in which only quotes are special; nothing where a shell is needed.
fn words(line: &str) -> Option<Vec<Arg>> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut open) = (None, false);
    for letter in line.chars() {
        match quote {
            Some(own) if own == letter => quote = None,
            Some('"') if "$`\\".contains(letter) => return None,
            None if letter == '\'' || letter == '"' => {
                quote = Some(letter);
                if !open {
                    words.push(String::new());
                }
                open = true;
            }
            None if letter == ' ' => open = false,
            None if "|&;<>()$`\\*?[{~#\n".contains(letter) => return None,
            _ => {
                if !open {
                    words.push(String::new());
                }
                open = true;
                words.last_mut()?.push(letter);
            }
        }
    }
    Some(words.into_iter().map(Arg::text).collect())
}

/// The level of a command and of what it runs; nothing where that needs a shell or a program that is not known.
fn level(argv: &[Arg], context: &Context, host: &Host, depth: usize) -> Option<RiskLevel> {
    let front = argv.iter().take_while(|word| is_assignment(word)).count();
    let invocation = Invocation {
        argv: argv.get(front..)?.to_vec(),
        stdin: Input::Nothing,
        context: context.clone(),
    };
    let name = invocation.argv.first()?.as_text()?;
    if matches!(Tables::shipped().entry(name), Some(Known::Faulty)) {
        return None;
    }
    let outcome = Tables::shipped().judge(&invocation)?;
    let mut worst = RiskLevel::ReadOnly;
    for found in &outcome.found {
        worst = worst.max(classify(found, context, host).level);
    }
    for nested in outcome.nested {
        let (argv, inner) = match nested {
            Nested::Argv { argv, context, .. } => (argv, context),
            Nested::Shell { text, context, .. } => (words(text.as_text()?)?, context),
            Nested::ShellInput { .. } => return None,
        };
        if depth > 8 || argv.is_empty() {
            return None;
        }
        let inner = inner.unwrap_or_else(|| context.clone());
        worst = worst.max(level(&argv, &inner, host, depth + 1)?);
    }
    Some(worst)
}

#[test]
fn every_example_that_needs_no_shell_gets_its_level() {
    let host = Host::new(&HostFacts::default());
    let mut wrong = Vec::new();
    let mut tried = 0;
    for example in Tables::shipped().examples() {
        let level =
            words(example.command).and_then(|argv| level(&argv, &Context::default(), &host, 0));
        let Some(level) = level else { continue };
        tried += 1;
        if level != example.level {
            wrong.push(format!(
                "{}: {}: {level}, expected {}",
                example.family, example.command, example.level
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried} examples are wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn an_option_that_is_not_listed_never_lowers_an_example() {
    let host = Host::new(&HostFacts::default());
    let mut lowered = Vec::new();
    for example in Tables::shipped().examples() {
        let Some(mut argv) = words(example.command) else {
            continue;
        };
        let before = level(&argv, &Context::default(), &host, 0);
        argv.push(Arg::text("--no-such-option"));
        let after = level(&argv, &Context::default(), &host, 0);
        if let (Some(before), Some(after)) = (before, after)
            && after < before
        {
            lowered.push(format!(
                "{}: {}: from {before} to {after}",
                example.family, example.command
            ));
        }
    }
    assert!(lowered.is_empty(), "{}", lowered.join("\n"));
}
