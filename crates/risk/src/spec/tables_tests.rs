//! The shipped tables load, and what is wrong with a table is told by file, command and reason.

use std::collections::BTreeSet;

use super::schema::Family;
use super::shipped::FILES;
use super::{TableFault, Tables};

const NO_JUDGE: &str = "names the judge";

/// One entry with everything that it needs, and these lines more.
fn entry(lines: &str) -> String {
    format!(
        "[[command]]\nnames = \"probe\"\nmanual = \"probe(1)\"\n\
         examples = [{{ cmd = \"probe\", level = \"read_only\" }}]\n{lines}\n"
    )
}

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    match Tables::load(files) {
        Ok(_) => Vec::new(),
        Err(error) => error.faults.iter().map(ToString::to_string).collect(),
    }
}

fn check(lines: &str, expect: &str) {
    assert_eq!(faults(&[("own", &entry(lines))]), [expect], "{lines}");
}

#[test]
fn every_shipped_table_loads() {
    let lines: Vec<String> = faults(FILES)
        .into_iter()
        .filter(|line| !line.contains(NO_JUDGE))
        .collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn the_search_for_names_finds_every_entry_that_reading_all_finds() {
    let mut read = Vec::new();
    for (family, text) in FILES {
        let Ok(commands) = toml::from_str::<Family>(text) else {
            continue;
        };
        for command in commands.command {
            let example = command
                .examples
                .into_iter()
                .next()
                .map(|example| example.cmd);
            let names = command.names.split_whitespace().map(str::to_owned);
            read.extend(names.map(|name| (name, (*family).to_owned(), example.clone())));
        }
    }
    let found = Tables::shipped();
    let examples: BTreeSet<(&str, &str)> = found
        .examples()
        .map(|own| (own.family, own.command))
        .collect();
    for (name, family, example) in &read {
        assert!(found.knows(name), "{family}: {name}");
        let example = example.as_deref().unwrap_or_default();
        assert!(examples.contains(&(family, example)), "{family}: {name}");
    }
    let mut names: Vec<String> = read.into_iter().map(|(name, ..)| name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names, found.names().collect::<Vec<_>>());
}

#[test]
fn every_judge_that_a_shipped_table_names_is_there() {
    let lines: Vec<String> = faults(FILES)
        .into_iter()
        .filter(|line| line.contains(NO_JUDGE))
        .collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn every_file_of_tables_is_in_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tables");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the tables are there")
        .filter_map(|file| {
            let name = file.expect("a readable folder").file_name();
            Some(name.to_str()?.strip_suffix(".toml")?.to_owned())
        })
        .collect();
    files.sort();
    let mut listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn an_entry_without_manual_or_example_is_refused() {
    let bare = "[[command]]\nnames = \"probe\"\n";
    assert_eq!(
        faults(&[("own", bare)]),
        ["own: probe: names no manual", "own: probe: has no example"]
    );
}

#[test]
fn a_command_that_is_in_two_files_is_refused() {
    assert_eq!(
        faults(&[("one", &entry("")), ("two", &entry(""))]),
        ["two: probe: is also in one"]
    );
}

#[test]
fn an_entry_that_makes_no_sense_is_refused_with_the_reason() {
    check(
        "flags = \"-a -b\"\nvalues = \"-b\"",
        "own: probe: lists the option -b twice",
    );
    check(
        "flags = \"-a\"\n[[command.option]]\nnames = \"-a\"",
        "own: probe: lists the option -a twice",
    );
    check(
        "flags = \"abc\"",
        "own: probe: lists abc, which is no option in its style",
    );
    check(
        "judge = \"nobody\"",
        "own: probe: names the judge nobody, which there is not",
    );
    check(
        "effects = [{ does = \"writes\", if = \"-x\" }]",
        "own: probe: names the option -x, which it does not list",
    );
    check(
        "effects = [{ does = \"writes\", to = \"value\" }]",
        "own: probe: has an effect on a value where there is none: does = \"writes\"",
    );
    check(
        "effects = [{ does = \"writes\", as = \"path\" }]",
        "own: probe: has an effect that says what its target is without having one: does = \"writes\"",
    );
    check(
        "runs = {}",
        "own: probe: runs something in a way that does not fit here: the command's own options are only told from the \
         other's in style posix",
    );
    check(
        "[[command.verb]]\nnames = \"up\"\n[[command.verb]]\nnames = \"down up\"",
        "own: probe: lists the verb up twice",
    );
    check(
        "[[command.verb]]\nnames = \"up\"\nflags = \"-a -a\"",
        "own: probe up: lists the option -a twice",
    );
}

#[test]
fn what_is_no_table_is_told_with_its_line_and_command() {
    let lines = faults(&[("own", &entry("colour = \"red\""))]);
    assert!(
        lines[0].starts_with("own: line 5, probe: unknown field `colour`"),
        "{lines:?}"
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let error = Tables::load(&[("one", "nothing"), ("two", &entry("judge = \"nobody\""))])
        .expect_err("both are wrong");
    assert!(matches!(
        error.faults.as_slice(),
        [TableFault::Form { .. }, TableFault::Entry { .. }]
    ));
    assert!(
        error
            .to_string()
            .starts_with("2 faults of the command tables: one: "),
        "{error}"
    );
}

#[test]
fn the_digest_changes_with_every_byte_of_a_table() {
    let digest = |text: &str| Tables::load(&[("own", text)]).expect("a table").digest();
    assert_ne!(digest(&entry("")), digest(&entry("# a remark")));
    let tables = Tables::load(&[("own", &entry(""))]).expect("a table");
    assert_ne!(tables.digest(), tables.digest_with([&b"list"[..]]));
    assert_ne!(
        tables.digest_with([&b"ab"[..], b"c"]),
        tables.digest_with([&b"a"[..], b"bc"])
    );
}
