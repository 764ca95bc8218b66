//! An address as a square that a phone's camera reads, in half blocks: two rows of the square are one line of text.

use anstyle::Ansi256Color;
use qrcode::{Color, EcLevel, QrCode};

use super::page::Page;

/// The white that must be around a square, in its own dots.
const QUIET: usize = 4;
/// Dark on light whatever the terminal's own colours are: cameras read that best.
const INK: Ansi256Color = Ansi256Color(16);
const PAPER: Ansi256Color = Ansi256Color(231);

/// The square, with an empty line under it; empty where the page is too narrow, or nothing could be read from it.
pub(crate) fn qr(page: &Page, address: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(address, EcLevel::L) else {
        return String::new();
    };
    let width = code.width() + 2 * QUIET;
    if width > page.width {
        return String::new();
    }
    let is_dark = |x: usize, y: usize| {
        let within = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.width());
        matches!((within(x), within(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark)
    };
    let style = INK.on(PAPER);
    let mut text = String::new();
    for top in (0..width).step_by(2) {
        let line: String = (0..width)
            .map(|x| block(page, is_dark(x, top), is_dark(x, top + 1)))
            .collect();
        if page.colour {
            text += &format!("{style}{line}{style:#}\n");
        } else {
            text += &format!("{line}\n");
        }
    }
    text + "\n"
}

/// Two dots, one above the other. Without colours what is light is drawn, because most terminals are dark.
fn block(page: &Page, upper_is_dark: bool, lower_is_dark: bool) -> char {
    match (upper_is_dark == page.colour, lower_is_dark == page.colour) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::Timestamp;

    use super::*;
    use crate::show::page::columns;

    const ADDRESS: &str = "https://watch.example.org/d/7QxkPq0tGm3oZC0c5yPqY1o2rS3tU4vW5xY6zuTn0nZ";

    fn page(width: usize, colour: bool) -> Page {
        Page {
            width,
            colour,
            now: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_square_has_every_dot_of_its_code_and_white_around_it() {
        let code = QrCode::with_error_correction_level(ADDRESS, EcLevel::L).expect("a code");
        let text = qr(&page(80, false), ADDRESS);
        let lines: Vec<Vec<char>> = text
            .trim_end()
            .lines()
            .map(|line| line.chars().collect())
            .collect();
        let width = code.width() + 2 * QUIET;
        assert!(lines.iter().all(|line| line.len() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
        for y in 0..width {
            for x in 0..width {
                let drawn = match lines[y / 2][x] {
                    '█' => true,
                    '▀' => y % 2 == 0,
                    '▄' => y % 2 == 1,
                    _ => false,
                };
                let within = |at: usize| (QUIET..QUIET + code.width()).contains(&at);
                let dark = within(x) && within(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
                assert_eq!(drawn, !dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn with_colours_it_is_dark_on_light() {
        let text = qr(&page(80, true), ADDRESS);
        let first = text.lines().next().expect("a line");
        assert!(
            first.starts_with("\u{1b}[38;5;16m\u{1b}[48;5;231m "),
            "{first:?}"
        );
        assert!(first.ends_with("\u{1b}[0m"), "{first:?}");
    }

    #[test]
    fn where_it_does_not_fit_there_is_none() {
        let fits = qr(&page(80, false), ADDRESS);
        let width = columns(fits.lines().next().expect("a line"));
        assert!(width <= 45, "{width}");
        assert_eq!(qr(&page(width - 1, false), ADDRESS), "");
        assert_eq!(qr(&page(400, false), &"x".repeat(5_000)), "");
    }
}
