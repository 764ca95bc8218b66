//! Claims: what a conclusion says, sentence by sentence, and whether what it cites exists and holds the names and
//! numbers it gives. That a cited text really means what a sentence says, code cannot tell; that it is there, it can.

mod mentions;
mod sentences;

use watchkeeper_model::HostName;

use crate::machine::Claim;

/// Most sentences that are looked at; what is beyond counts as unsupported.
const MAX_CLAIMS: usize = 40;

/// Something that can be cited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Citable<'a> {
    /// Its label.
    pub(crate) label: &'a str,
    /// What was looked at.
    pub(crate) title: &'a str,
    /// What was shown; empty where nothing was seen.
    pub(crate) text: &'a str,
    /// Whether it is what somebody noted, and not how things are.
    pub(crate) is_note: bool,
}

/// What sentences may rest on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground<'a> {
    /// What was seen.
    pub(crate) evidence: Vec<Citable<'a>>,
    /// What everybody in the case knows: the host's name, the finding's words, the question.
    pub(crate) given: Vec<&'a str>,
    /// The hosts there are.
    pub(crate) hosts: Vec<&'a HostName>,
    /// Whether notes alone support a sentence.
    pub(crate) notes_suffice: bool,
}

/// Whether a text has the form of a label: `F1`, `E12`, `K3`.
pub(crate) fn is_label(text: &str) -> bool {
    let mut chars = text.chars();
    matches!(chars.next(), Some('E' | 'F' | 'K'))
        && (1..=5).contains(&chars.as_str().len())
        && chars.all(|c| c.is_ascii_digit())
}

/// The claims of a text. A sentence that cites nothing rests on `otherwise`.
pub(crate) fn claims(text: &str, otherwise: &[String], ground: &Ground<'_>) -> Vec<Claim> {
    let sentences = sentences::sentences(text);
    let claims = sentences.into_iter().enumerate();
    claims
        .map(|(at, sentence)| {
            let evidence = if sentence.labels.is_empty() {
                otherwise.to_vec()
            } else {
                sentence.labels
            };
            let why_not = if at < MAX_CLAIMS {
                missing(&sentence.text, &evidence, ground)
            } else {
                Some("there are too many sentences to look at".to_owned())
            };
            Claim {
                text: sentence.text,
                evidence,
                supported: why_not.is_none(),
                why_not,
            }
        })
        .collect()
}

/// What a sentence lacks; none where it is supported.
fn missing(sentence: &str, labels: &[String], ground: &Ground<'_>) -> Option<String> {
    if labels.is_empty() {
        return Some("it cites no evidence".to_owned());
    }
    let mut cited = Vec::new();
    for label in labels {
        let Some(found) = ground.evidence.iter().find(|one| one.label == label) else {
            return Some(format!("there is no {label}"));
        };
        if found.text.trim().is_empty() {
            return Some(format!("nothing was seen under {label}"));
        }
        cited.push(*found);
    }
    if !ground.notes_suffice && cited.iter().all(|one| one.is_note) {
        return Some("it rests on notes alone, not on what was seen".to_owned());
    }
    let mut texts: Vec<&str> = ground.given.clone();
    texts.extend(cited.iter().flat_map(|one| [one.title, one.text]));
    let missing = mentions::mentions(sentence, &ground.hosts)
        .into_iter()
        .find(|mention| !texts.iter().any(|text| mention.stands_in(text)));
    missing.map(|mention| format!("{mention} does not stand in {}", labels.join(", ")))
}

/// The labels that the lines a model quotes are found under: each line begins with a label, holds one in brackets, or
/// stands word for word in what was shown.
pub(crate) fn labels_of_lines(lines: &[String], ground: &Ground<'_>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for line in lines {
        let first = line.split([':', ' ', ',', '-']).next().unwrap_or_default();
        let first = first
            .trim_matches(['[', ']', '(', ')'])
            .to_ascii_uppercase();
        let mut found = if is_label(&first) {
            vec![first]
        } else {
            sentences::labels_in(line)
        };
        if found.is_empty() {
            let wanted = squeezed(line);
            let holds = |one: &&Citable<'_>| {
                wanted.chars().count() >= 4 && squeezed(one.text).contains(&wanted)
            };
            found.extend(
                ground
                    .evidence
                    .iter()
                    .find(holds)
                    .map(|one| one.label.to_owned()),
            );
        }
        for label in found {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    labels
}

/// The text in small letters with single blanks.
fn squeezed(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// A text with those of its claims marked that have no support.
pub(crate) fn marked(text: &str, claims: &[Claim]) -> String {
    let mut marked = text.trim().to_owned();
    let mut from = 0;
    for claim in claims {
        // Only labels that stood alone were joined to the sentence before, with single blanks; then the mark goes to the end.
        let end = marked[from..]
            .find(&claim.text)
            .map(|at| from + at + claim.text.len());
        let Some(why) = &claim.why_not else {
            from = end.unwrap_or(from);
            continue;
        };
        let note = format!(" (unsupported: {why})");
        let at = end.unwrap_or(marked.len());
        marked.insert_str(at, &note);
        from = end.map_or(from, |end| end + note.len());
    }
    marked
}

#[cfg(test)]
mod tests;
