//! Whether everything on the pages can be read: the contrast of every colour of text on every colour that it stands on,
//! by day and by night, as WCAG 2 counts it. Level AA asks for 4.5; the pages keep a little more than that.

use std::collections::{BTreeMap, BTreeSet};

use super::STYLE;

/// The least contrast of text.
const TEXT: f64 = 5.0;
/// The least contrast of what is no text and yet means something.
const SHAPE: f64 = 3.0;

/// Text, and what it stands on.
const PAIRS: [(&str, &str); 24] = [
    ("ink", "paper"),
    ("soft", "paper"),
    ("ink", "sheet"),
    ("soft", "sheet"),
    ("link", "sheet"),
    ("stop", "sheet"),
    ("ink", "code"),
    ("soft", "code"),
    ("link", "code"),
    ("calm", "calm-bg"),
    ("warm", "warm-bg"),
    ("hot", "hot-bg"),
    ("busy", "busy-bg"),
    ("ink", "calm-bg"),
    ("ink", "warm-bg"),
    ("ink", "hot-bg"),
    ("ink", "busy-bg"),
    ("calm", "sheet"),
    ("warm", "sheet"),
    ("hot", "sheet"),
    ("busy", "sheet"),
    ("go-ink", "go"),
    ("mark-ink", "mark"),
    ("warm", "code"),
];
/// Edges, marks and outlines, and what they stand on.
const SHAPES: [(&str, &str); 5] = [
    ("soft", "sheet"),
    ("stop", "sheet"),
    ("link", "sheet"),
    ("go", "sheet"),
    ("go", "paper"),
];
/// What only parts one thing from another, and would not be missed.
const ORNAMENT: [&str; 1] = ["line"];

type Colours = BTreeMap<String, [f64; 3]>;

/// The colours of the style, by their names: by day, and by night.
fn colours() -> [Colours; 2] {
    let mut found = STYLE.split(":root {").skip(1).map(|block| {
        let block = block.split('}').next().expect("a block has an end");
        let named = block.split("--").skip(1).filter_map(|line| {
            let (name, value) = line.split_once(": #")?;
            Some((name.to_owned(), channels(value.get(..6)?)?))
        });
        named.collect()
    });
    [(); 2].map(|()| found.next().expect("by day and by night"))
}

fn channels(hex: &str) -> Option<[f64; 3]> {
    let one = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    Some([one(0)?, one(2)?, one(4)?].map(|part| f64::from(part) / 255.0))
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn everything_can_be_read_by_day_and_by_night() {
    let black_on_white = contrast([0.0; 3], [1.0; 3]);
    assert!((black_on_white - 21.0).abs() < 0.001, "{black_on_white}");
    for (colours, when) in colours().iter().zip(["by day", "by night"]) {
        for (pairs, least) in [(&PAIRS[..], TEXT), (&SHAPES[..], SHAPE)] {
            for (above, below) in pairs {
                let found = contrast(colours[*above], colours[*below]);
                assert!(
                    found >= least,
                    "{above} on {below} {when}: {found:.2} is less than {least}"
                );
            }
        }
    }
}

#[test]
fn no_colour_stands_beside_the_tables() {
    let known: BTreeSet<&str> = PAIRS
        .iter()
        .chain(&SHAPES)
        .flat_map(|(above, below)| [*above, *below])
        .chain(ORNAMENT)
        .collect();
    let used = STYLE.split("var(--").skip(1);
    for name in used.filter_map(|rest| rest.split(')').next()) {
        assert!(known.contains(name), "{name} is in no table");
    }
    let [by_day, by_night] = colours();
    assert!(by_day.keys().eq(by_night.keys()), "a night of its own");
    assert!(by_day.keys().all(|name| known.contains(name.as_str())));
    let rules = STYLE.rsplit("@media (prefers-color-scheme: dark)").next();
    let rules = rules
        .and_then(|rest| rest.split_once("* {"))
        .expect("rules");
    for colour in ["#", "rgb(", "hsl(", "opacity: .8"] {
        assert!(
            !rules.1.contains(colour),
            "a colour without a name: {colour}"
        );
    }
}

#[test]
fn who_wants_no_motion_gets_none() {
    let (rules, calm) = STYLE
        .split_once("@media (prefers-reduced-motion: reduce) {")
        .expect("a rule");
    let moving = rules.matches("animation:").count() + rules.matches("transition").count();
    let calm = calm.split('\n').next().unwrap_or_default();
    assert_eq!(moving, calm.matches("animation: none").count(), "{calm}");
}
