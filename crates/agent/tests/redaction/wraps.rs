//! Secrets that a terminal broke over lines.

use proptest::prelude::*;
use watchkeeper_agent::redact;

/// A text as a terminal of a width shows it.
fn wrapped(text: &str, width: usize) -> String {
    let lines = text.lines().map(|line| {
        let chars: Vec<char> = line.chars().collect();
        let pieces = chars
            .chunks(width)
            .map(|piece| piece.iter().collect::<String>());
        pieces.collect::<Vec<_>>().join("\n")
    });
    lines.collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn a_secret_that_a_terminal_broke_does_not_stay(
        form in 0..8_usize,
        secret in "[A-Z][a-z][0-9][A-Za-z0-9]{24,37}",
        lead in 0..150_usize,
        width in proptest::sample::select(vec![80_usize, 100, 120, 132, 160]),
    ) {
        let lead: String = "the service said so and more ".chars().cycle().take(lead).collect();
        let line = match form {
            0 => format!("{lead} password={secret} and on"),
            1 => format!("{lead} Authorization: Bearer {secret}"),
            2 => format!("{lead} ghp_{secret} was used"),
            3 => format!("{lead} postgres://app:{secret}@db1/app"),
            4 => format!("{lead} mysql -u root -p{secret} app"),
            5 => format!("{lead} \"token\": \"{secret}\", \"a\": 1"),
            6 => format!("{lead} eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{secret}"),
            _ => format!("{lead} glpat-{secret} was used"),
        };
        let before = "Nov 21 10:00:00 web1 app[1]: begins";
        let after = "Nov 21 10:00:01 web1 app[1]: ends";
        let shown = wrapped(&format!("{before}\n{line}\n{after}"), width);
        let redacted = redact(&shown);
        let bare = redacted.replace('\n', "");
        for piece in secret.as_bytes().windows(10) {
            let piece = std::str::from_utf8(piece).expect("ASCII");
            prop_assert!(!bare.contains(piece), "{} of {} stays in {}", piece, secret, redacted);
        }
        prop_assert!(redacted.starts_with(before) && redacted.ends_with(after), "{}", redacted);
        prop_assert_eq!(redact(&redacted), redacted.as_ref());
    }
}
