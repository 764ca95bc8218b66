use std::fmt::Write as _;

use super::*;

fn log() -> String {
    let mut text = String::new();
    for line in 0..400 {
        let _ = match line {
            120 => writeln!(text, "10:02:00 app[7]: fatal: database is gone"),
            121..=180 => writeln!(text, "10:02:{line} app[7]: retry {line}"),
            300 => writeln!(text, "10:05:00 app[7]: warning: cache is cold"),
            _ => writeln!(
                text,
                "10:{line}:00 app[7]: served {} in {line} ms",
                "/x".repeat(line % 7)
            ),
        };
    }
    text
}

#[test]
fn a_text_that_fits_is_left_as_it_is() {
    let reduced = reduce("a\nb", TextKind::Unknown, 3);
    assert_eq!(reduced.text, "a\nb");
    assert_eq!(reduced.left_out, None);
}

#[test]
fn trouble_stays_with_its_line_number_and_repetition_is_counted() {
    let reduced = reduce(&log(), TextKind::Log, 1_000);
    assert!(
        reduced
            .text
            .contains("121| 10:02:00 app[7]: fatal: database is gone\n"),
        "{}",
        reduced.text
    );
    assert!(
        reduced
            .text
            .contains("301| 10:05:00 app[7]: warning: cache is cold\n"),
        "{}",
        reduced.text
    );
    assert!(reduced.text.starts_with("1| 10:0:00"), "{}", reduced.text);
    assert!(reduced.text.contains("\n400| "), "{}", reduced.text);
    assert!(
        reduced.text.contains(" lines left out]\n"),
        "{}",
        reduced.text
    );
    let left_out = reduced.left_out.expect("something is left out");
    assert_eq!(left_out.of_lines, 400);
    assert!(left_out.note("E4").contains("label E4"));
    let same = "connection reset\n".repeat(500);
    assert_eq!(
        reduce(&same, TextKind::Log, 200).text,
        "1| connection reset\n[499 more like it, up to line 500]\n"
    );
}

#[test]
fn a_table_keeps_its_head_and_what_stands_out() {
    let mut text = "Filesystem Size Used Avail Use% Mounted\n".to_owned();
    for row in 0..60 {
        let used = if row == 43 { 99 } else { 10 + row % 5 };
        let _ = writeln!(text, "/dev/sd{row} 100G {used}G 5G {used}% /mnt/{row}");
    }
    let reduced = reduce(&text, TextKind::Unknown, 400);
    assert!(
        reduced.text.starts_with("1| Filesystem Size"),
        "{}",
        reduced.text
    );
    assert!(
        reduced.text.contains("45| /dev/sd43 100G 99G"),
        "{}",
        reduced.text
    );
    assert!(reduced.text.contains("rows left out]"), "{}", reduced.text);
}

#[test]
fn json_keeps_its_shape() {
    let list: Vec<serde_json::Value> = (0..500)
        .map(|at| serde_json::json!({ "unit": format!("svc-{at}.service"), "ok": at % 2 == 0 }))
        .collect();
    let text = serde_json::json!({ "units": list, "note": "x".repeat(900) }).to_string();
    let reduced = reduce(&text, TextKind::Unknown, 600);
    assert!(
        reduced.text.contains("\"unit\": \"svc-0.service\""),
        "{}",
        reduced.text
    );
    assert!(reduced.text.contains("more entries]"), "{}", reduced.text);
    assert!(reduced.text.len() <= 600);
}

#[test]
fn one_endless_line_is_cut_and_says_so() {
    let reduced = reduce(&"x".repeat(10_000), TextKind::Unknown, 1_000);
    assert!(reduced.text.ends_with("x [cut]\n"), "{}", reduced.text);
    assert_eq!(reduced.left_out.map(|left_out| left_out.lines), Some(1));
    assert_eq!(reduce("0123456789", TextKind::Unknown, 5).text, "");
}

/// Whether every shown line stands in the text, cut or whole, or is a note.
fn verbatim(text: &str, shown: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    shown.lines().all(|line| {
        let Some((number, rest)) = line.split_once("| ") else {
            return line.starts_with('[') && line.ends_with(']');
        };
        let Ok(number) = number.parse::<usize>() else {
            return line.starts_with('[') && line.ends_with(']');
        };
        let Some(original) = lines.get(number - 1) else {
            return false;
        };
        *original == rest
            || rest
                .strip_suffix(CUT)
                .is_some_and(|begun| original.starts_with(begun))
    })
}

proptest::proptest! {
    #[test]
    fn what_is_shown_fits_and_stands_in_the_text(
        lines in proptest::collection::vec("[a-c0-9 ]{0,12}|error [0-9]{1,3}|[\\PC]{0,20}", 0..120),
        long in 0..3_usize,
        room in 0..2_000_usize,
    ) {
        let mut lines = lines;
        lines.extend(std::iter::repeat_n("y\u{fc}".repeat(700), long));
        let text = lines.join("\n");
        for kind in [TextKind::Log, TextKind::Table] {
            let reduced = reduce(&text, kind, room);
            proptest::prop_assert!(reduced.text.len() <= room);
            if reduced.left_out.is_some() {
                proptest::prop_assert!(verbatim(&text, &reduced.text), "{}", reduced.text);
            }
        }
    }

    #[test]
    fn any_text_of_any_kind_fits(text in proptest::prelude::any::<String>(), room in 0..200_usize) {
        for kind in [TextKind::Unknown, TextKind::Log, TextKind::Table, TextKind::Json, TextKind::Plain] {
            proptest::prop_assert!(reduce(&text, kind, room).text.len() <= room);
        }
    }
}
