//! A text as sentences, each with the labels it cites.

use super::is_label;

/// One sentence, as it was written, without its line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) labels: Vec<String>,
}

/// Words after which a full stop ends no sentence.
const ABBREVIATIONS: [&str; 8] = ["e.g", "i.e", "etc", "vs", "no", "approx", "resp", "incl"];

/// The sentences of a text. Labels behind a full stop belong to the sentence before.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    let parts = text
        .lines()
        .flat_map(|line| parts(line).into_iter().enumerate());
    for (place, part) in parts {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        let (cited, rest) = leading_labels(part);
        // At the beginning of a line they belong to what follows, if anything does.
        let behind = place > 0 || rest.trim().is_empty();
        if behind
            && !cited.is_empty()
            && let Some(last) = sentences.last_mut()
        {
            last.labels.extend(cited);
            last.text = format!("{} {}", last.text, part[..part.len() - rest.len()].trim());
            if rest.trim().is_empty() {
                continue;
            }
            sentences.push(sentence(rest.trim()));
        } else {
            sentences.push(sentence(part));
        }
    }
    sentences
}

fn sentence(text: &str) -> Sentence {
    Sentence {
        text: text.to_owned(),
        labels: labels_in(text),
    }
}

/// A line cut behind `.`, `!`, `?` and `。` where a blank or a bracket follows.
fn parts(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        quoted ^= c == '`';
        let after = at + c.len_utf8();
        let ends = match c {
            '.' | '!' | '?' => line[after..].starts_with([' ', '\t']),
            '。' | '！' | '？' => true,
            _ => false,
        };
        if ends && !quoted && !(c == '.' && is_abbreviated(&line[from..at])) {
            parts.push(&line[from..after]);
            from = after;
        }
    }
    parts.push(&line[from..]);
    parts
}

fn is_abbreviated(before: &str) -> bool {
    let word = before.rsplit([' ', '(']).next().unwrap_or_default();
    ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

/// The labels in brackets: `[E1]`, `[E1, F2]`.
pub(super) fn labels_in(text: &str) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for open in text.match_indices(['[', '【']).map(|(at, _)| at) {
        for label in group(&text[open..]).map_or(Vec::new(), |(labels, _)| labels) {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    labels
}

/// The labels with which a text begins, and what follows them.
fn leading_labels(text: &str) -> (Vec<String>, &str) {
    let mut labels = Vec::new();
    let mut rest = text;
    while let Some((found, length)) = group(rest.trim_start()) {
        labels.extend(found);
        rest = &rest.trim_start()[length..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    (labels, rest)
}

/// The labels of the group in brackets with which a text begins, and the group's length in bytes.
fn group(text: &str) -> Option<(Vec<String>, usize)> {
    let open = text.chars().next().filter(|c| matches!(c, '[' | '【'))?;
    let close = text.find([']', '】'])?;
    let inner = &text[open.len_utf8()..close];
    let length = close + text[close..].chars().next().map_or(0, char::len_utf8);
    let words: Vec<&str> = inner
        .split([',', ';', ' '])
        .filter(|word| !word.is_empty())
        .collect();
    let all = !words.is_empty() && words.len() <= 20 && words.iter().all(|word| is_label(word));
    all.then(|| (words.into_iter().map(str::to_owned).collect(), length))
}
