//! Lines: those that tell of trouble are kept first, then the end and the beginning, then what is rare. They stay in their
//! order, with their numbers; runs of lines that differ only in numbers are one line and a count.

use std::collections::HashMap;

use super::CUT;

/// Words that make a line one that tells of trouble, in small letters, the worst first.
const TROUBLE: [(&str, u8); 22] = [
    ("panic", 3),
    ("fatal", 3),
    ("segfault", 3),
    ("out of memory", 3),
    ("oom-kill", 3),
    ("killed process", 3),
    ("i/o error", 3),
    ("corrupt", 3),
    ("emerg", 3),
    ("critical", 3),
    ("error", 2),
    ("failed", 2),
    ("failure", 2),
    ("denied", 2),
    ("refused", 2),
    ("no space left", 3),
    ("cannot", 2),
    ("exception", 2),
    ("timed out", 2),
    ("timeout", 1),
    ("warn", 1),
    ("not found", 1),
];
/// Longest beginning of a line that is shown when room is short.
const LONG_LINE: usize = 400;
/// Room for the notes of gaps, as a share of the whole.
const NOTES_SHARE: usize = 6;
/// Most bytes of one line in which trouble is looked for.
const LOOKED_AT: usize = 2_000;

/// Whether a text was made shorter before: its lines have their numbers already.
pub(super) fn is_reduced(text: &str) -> bool {
    let numbered = |line: &str| {
        line.split_once("| ").is_some_and(|(number, _)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let note = |line: &str| line.starts_with('[') && line.ends_with(']');
    text.lines().any(numbered) && text.lines().all(|line| numbered(line) || note(line))
}

/// Lines that are alike and follow each other.
struct Run<'a> {
    /// The first of them.
    first: &'a str,
    /// Its number, from 1; none where it stands in the line already.
    number: Option<usize>,
    /// How many there are.
    count: usize,
    /// How much it tells of trouble.
    trouble: u8,
    /// How rare its form is in the whole.
    seen: usize,
}

/// The lines that fit, and how many of them are shown whole.
pub(super) fn reduce(text: &str, room: usize) -> (String, usize) {
    let runs = runs(text);
    let mut chosen = vec![false; runs.len()];
    let mut left = room - room / NOTES_SHARE;
    let mut kept = Vec::new();
    for at in order(&runs) {
        let cost = cost(&runs[at]);
        if cost <= left {
            left -= cost;
            chosen[at] = true;
            kept.push(at);
        }
    }
    loop {
        let (shown, whole) = render(&runs, &chosen);
        if shown.len() <= room {
            return (shown, whole);
        }
        // The notes of many gaps took more than their share: what matters least goes, an eighth at a time.
        for at in kept.split_off(kept.len() - kept.len().div_ceil(8)) {
            chosen[at] = false;
        }
        if kept.is_empty() {
            return (String::new(), 0);
        }
    }
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs: Vec<(Run<'_>, u64)> = Vec::new();
    let mut forms: HashMap<u64, usize> = HashMap::new();
    let numbered = is_reduced(text);
    for (index, line) in text.lines().enumerate() {
        let form = form(line);
        *forms.entry(form).or_default() += 1;
        match runs.last_mut() {
            Some((run, last)) if *last == form && !numbered => run.count += 1,
            _ => runs.push((
                Run {
                    first: line,
                    number: (!numbered).then_some(index + 1),
                    count: 1,
                    trouble: trouble(line),
                    seen: 0,
                },
                form,
            )),
        }
    }
    let counted = runs.into_iter().map(|(mut run, form)| {
        run.seen = forms.get(&form).copied().unwrap_or(1);
        run
    });
    counted.collect()
}

/// What is the same for lines that differ only in digits.
fn form(line: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    let mut in_number = false;
    for byte in line.bytes() {
        let digit = byte.is_ascii_digit();
        if !(digit && in_number) {
            (if digit { b'0' } else { byte }).hash(&mut hasher);
        }
        in_number = digit;
    }
    hasher.finish()
}

fn trouble(line: &str) -> u8 {
    let mut end = line.len().min(LOOKED_AT);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let lower = line[..end].to_lowercase();
    let found = TROUBLE.iter().filter(|(word, _)| lower.contains(word));
    found.map(|(_, weight)| *weight).max().unwrap_or(0)
}

/// The runs in the order in which they are kept: the first and last lines, then trouble by weight and rareness, the later
/// first, then the end and the beginning in turn.
fn order(runs: &[Run<'_>]) -> Vec<usize> {
    let last = runs.len().saturating_sub(1);
    let mut troubled: Vec<usize> = (0..runs.len()).filter(|&at| runs[at].trouble > 0).collect();
    troubled.sort_by_key(|&at| {
        let run = &runs[at];
        (
            std::cmp::Reverse(run.trouble),
            run.seen.ilog2(),
            std::cmp::Reverse(at),
        )
    });
    let mut order = Vec::with_capacity(runs.len());
    let mut taken = vec![false; runs.len()];
    let ends = [0, last];
    let turns = (0..runs.len()).flat_map(|step| [last - step.min(last), step]);
    for at in ends.into_iter().chain(troubled).chain(turns) {
        if at < runs.len() && !std::mem::replace(&mut taken[at], true) {
            order.push(at);
        }
    }
    order
}

/// Bytes a run takes.
fn cost(run: &Run<'_>) -> usize {
    let mut text = String::new();
    write(run, &mut text);
    text.len()
}

fn write(run: &Run<'_>, text: &mut String) {
    if let Some(number) = run.number {
        text.push_str(&format!("{number}| "));
    }
    if run.first.len() > LONG_LINE {
        let mut end = LONG_LINE;
        while !run.first.is_char_boundary(end) {
            end -= 1;
        }
        text.push_str(&run.first[..end]);
        text.push_str(CUT);
    } else {
        text.push_str(run.first);
    }
    text.push('\n');
    if run.count > 1 {
        let further = run.count - 1;
        let until = run.number.unwrap_or_default() + further;
        text.push_str(&format!("[{further} more like it, up to line {until}]\n"));
    }
}

fn render(runs: &[Run<'_>], chosen: &[bool]) -> (String, usize) {
    let (mut text, mut kept, mut gap) = (String::new(), 0, 0);
    // The notes of a text that was made shorter before are lines of it, so its gaps are not counted again.
    let counted = runs.iter().any(|run| run.number.is_some());
    let close_gap = |gap: &mut usize, text: &mut String| {
        if *gap > 0 && counted {
            text.push_str(&format!("[{gap} lines left out]\n"));
        } else if *gap > 0 {
            text.push_str("[further lines left out]\n");
        }
        *gap = 0;
    };
    for (run, chosen) in runs.iter().zip(chosen) {
        if !chosen {
            gap += run.count;
            continue;
        }
        close_gap(&mut gap, &mut text);
        write(run, &mut text);
        kept += usize::from(run.first.len() <= LONG_LINE);
    }
    close_gap(&mut gap, &mut text);
    (text, kept)
}
