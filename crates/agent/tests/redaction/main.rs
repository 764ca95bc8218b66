//! How well secrets are found: over a labelled corpus of lines with secrets and without, and where a terminal broke
//! the lines. The figures stand in `tests/corpus/redaction/README.md`.

mod corpus;
mod wraps;

use corpus::{Harmless, Planted, harmless, planted};
use watchkeeper_agent::redact;

/// Of a hundred harmless lines, so many may be changed.
const MOST_PERCENT_CHANGED: usize = 1;

#[test]
fn no_secret_of_the_listed_forms_is_missed_and_hardly_a_harmless_line_is_changed() {
    let planted = planted();
    let missed: Vec<String> = planted.iter().filter_map(Planted::missed).collect();
    let harmless = harmless();
    let lines: usize = harmless.iter().map(|text| text.text.lines().count()).sum();
    let changed: Vec<String> = harmless.iter().flat_map(Harmless::changed).collect();
    let figures = format!(
        "{} of {} lines with secrets missed, {} of {lines} harmless lines changed\n{}\n{}",
        missed.len(),
        planted.len(),
        changed.len(),
        missed.join("\n"),
        changed.join("\n"),
    );
    assert!(planted.len() >= 250 && lines >= 400, "{figures}");
    assert!(missed.is_empty(), "{figures}");
    assert!(
        changed.len() * 100 <= lines * MOST_PERCENT_CHANGED,
        "{figures}"
    );
}

#[test]
fn what_was_redacted_once_stays_as_it_is() {
    let texts = planted().into_iter().map(|planted| planted.text);
    for text in texts.chain(harmless().into_iter().map(|harmless| harmless.text)) {
        let once = redact(&text).into_owned();
        assert_eq!(redact(&once), once, "{text}");
    }
}

#[test]
fn the_name_of_a_secret_stays_where_it_has_one() {
    for (text, expect) in [
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=[redacted]"),
        (
            "mysql -u root -phunter2 app",
            "mysql -u root -p[redacted] app",
        ),
        (
            "curl -u ann:pw1 https://x",
            "curl -u ann:[redacted] https://x",
        ),
        (
            "postgres://app:s3cret@db1/app",
            "postgres://app:[redacted]@db1/app",
        ),
        (
            "ann:$6$abcdefgh$0123456789abcdefghijkl:1:2",
            "ann:[redacted]:1:2",
        ),
        ("db1:5432:app:ann:secret", "db1:5432:app:ann:[redacted]"),
        (
            "- name: DB_PASSWORD\n  value: x1",
            "- name: DB_PASSWORD\n  value: [redacted]",
        ),
    ] {
        assert_eq!(redact(text), expect);
    }
}
