//! The labelled lines. In `secrets.txt` each line is one text, with `\n` for a line end; what is secret stands between
//! `«` and `»`, so that nothing that looks for tokens takes a made-up one for real. In `harmless.txt` each part below a
//! heading is one text, because what stands around a line says what it is.

use watchkeeper_agent::redact;

const SECRETS: &str = include_str!("../corpus/redaction/secrets.txt");
const HARMLESS: &str = include_str!("../corpus/redaction/harmless.txt");
/// What begins a heading.
const HEADING: &str = "## ";

/// A text with secrets.
pub(crate) struct Planted {
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
}

impl Planted {
    fn read(line: &str) -> Self {
        let line = line.replace("\\n", "\n");
        let secrets = line
            .split('«')
            .skip(1)
            .map(|rest| rest.split('»').next().unwrap_or(rest).to_owned())
            .collect();
        Self {
            text: line.replace(['«', '»'], ""),
            secrets,
        }
    }

    /// What of the secrets stays: any piece of eight characters, or all of a shorter one.
    pub(crate) fn missed(&self) -> Option<String> {
        const LEAST: usize = 8;
        let redacted = redact(&self.text);
        let stays = |secret: &String| {
            let chars: Vec<char> = secret.chars().collect();
            chars
                .windows(LEAST.min(chars.len()))
                .any(|piece| redacted.contains(&piece.iter().collect::<String>()))
        };
        self.secrets
            .iter()
            .find(|secret| stays(secret))
            .map(|secret| format!("missed {secret:?} in {:?}: {redacted:?}", self.text))
    }
}

/// A text without a secret.
pub(crate) struct Harmless {
    pub(crate) text: String,
}

impl Harmless {
    /// Its lines that are changed.
    pub(crate) fn changed(&self) -> Vec<String> {
        let redacted = redact(&self.text);
        let mut left = redacted.lines();
        let differs = self.text.lines().filter(|line| left.next() != Some(*line));
        differs.map(|line| format!("changed {line:?}")).collect()
    }
}

pub(crate) fn planted() -> Vec<Planted> {
    SECRETS
        .lines()
        .filter(|line| !line.starts_with(HEADING))
        .map(Planted::read)
        .collect()
}

pub(crate) fn harmless() -> Vec<Harmless> {
    let parts = HARMLESS.split(HEADING).skip(1);
    parts
        .map(|part| Harmless {
            text: part
                .split_once('\n')
                .map_or("", |(_, text)| text)
                .to_owned(),
        })
        .collect()
}
