//! Tables: the head stays, then the rows whose numbers stand out in their column, then the first rows.

/// Rows that are looked at to tell whether a text is a table.
const SAMPLE: usize = 12;
/// Fewest columns of a table.
const LEAST_COLUMNS: usize = 3;
/// Room for the notes of gaps, as a share of the whole.
const NOTES_SHARE: usize = 6;

/// Whether a text looks like a head and rows with as many columns, in most of which the head has a word.
pub(super) fn is_table(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let Some(head) = lines.next() else {
        return false;
    };
    let columns = head.split_whitespace().count();
    let named = head
        .split_whitespace()
        .filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    if columns < LEAST_COLUMNS || named < columns {
        return false;
    }
    let rows: Vec<usize> = lines
        .take(SAMPLE)
        .map(|line| line.split_whitespace().count())
        .collect();
    let alike = rows
        .iter()
        .filter(|&&row| row + 1 >= columns && row <= columns + 3)
        .count();
    let numbers = text
        .lines()
        .nth(1)
        .is_some_and(|row| row.split_whitespace().filter_map(figure).count() >= 2);
    rows.len() >= 3 && alike * 5 >= rows.len() * 4 && numbers
}

/// The rows that fit, and how many they are.
pub(super) fn reduce(text: &str, room: usize) -> (String, usize) {
    let lines: Vec<&str> = text.lines().collect();
    let mut chosen = vec![false; lines.len()];
    let mut left = room - room / NOTES_SHARE;
    let mut kept = Vec::new();
    for at in order(&lines) {
        let cost = lines[at].len() + digits(at + 1) + 3;
        if cost <= left {
            left -= cost;
            chosen[at] = true;
            kept.push(at);
        }
    }
    loop {
        let shown = render(&lines, &chosen);
        if shown.len() <= room {
            return (shown, kept.len());
        }
        for at in kept.split_off(kept.len() - kept.len().div_ceil(8)) {
            chosen[at] = false;
        }
        if kept.is_empty() {
            return (String::new(), 0);
        }
    }
}

/// The head, the rows by how far they stand out, and the others in their order.
fn order(lines: &[&str]) -> Vec<usize> {
    let rows: Vec<Vec<Option<f64>>> = lines
        .iter()
        .map(|line| line.split_whitespace().take(24).map(figure).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut outstanding = vec![0.0_f64; lines.len()];
    for column in 0..columns {
        let mut values: Vec<f64> = rows
            .iter()
            .filter_map(|row| row.get(column).copied().flatten())
            .collect();
        if values.len() < 3 {
            continue;
        }
        values.sort_by(f64::total_cmp);
        let middle = values[values.len() / 2];
        let spread = (values[values.len() * 9 / 10] - middle).abs().max(1.0);
        for (at, row) in rows.iter().enumerate() {
            if let Some(value) = row.get(column).copied().flatten() {
                outstanding[at] = outstanding[at].max((value - middle) / spread);
            }
        }
    }
    let mut order: Vec<usize> = (1..lines.len()).collect();
    order.sort_by(|&a, &b| outstanding[b].total_cmp(&outstanding[a]).then(a.cmp(&b)));
    order.insert(0, 0);
    order.truncate(lines.len());
    order
}

/// A word as a figure: `97%`, `1.5G`, `12`.
fn figure(word: &str) -> Option<f64> {
    let bare = word.trim_end_matches('%');
    let (number, scale) = match bare.chars().last()? {
        'K' | 'k' => (&bare[..bare.len() - 1], 1e3),
        'M' => (&bare[..bare.len() - 1], 1e6),
        'G' => (&bare[..bare.len() - 1], 1e9),
        'T' => (&bare[..bare.len() - 1], 1e12),
        _ => (bare, 1.0),
    };
    let plain = number
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
    plain
        .then(|| number.parse::<f64>().ok())
        .flatten()
        .map(|number| number * scale)
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

fn render(lines: &[&str], chosen: &[bool]) -> String {
    let (mut text, mut gap) = (String::new(), 0);
    let flush = |gap: &mut usize, text: &mut String| {
        if *gap > 0 {
            text.push_str(&format!("[{gap} rows left out]\n"));
            *gap = 0;
        }
    };
    for (at, line) in lines.iter().enumerate() {
        if chosen[at] {
            flush(&mut gap, &mut text);
            text.push_str(&format!("{}| {line}\n", at + 1));
        } else {
            gap += 1;
        }
    }
    flush(&mut gap, &mut text);
    text
}
