//! What is wrong with a configuration, where it stands, and what was likely meant.

use std::fmt;
use std::path::PathBuf;

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In a file, at a line from 1.
    File(PathBuf, usize),
    /// In a variable of the environment.
    Variable(String),
    /// By a flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file cannot be read.
    #[error("could not read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that root reads and others write.
    #[error("{} can be written by others than its owner (mode {mode:03o}), and root will not read it", path.display())]
    Writable {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A value does not fit, or a key is unknown.
    #[error("{origin}: {message}{}", hint(likely.as_deref()))]
    Invalid {
        /// Where it stands.
        origin: Origin,
        /// What is wrong.
        message: String,
        /// The key that was likely meant.
        likely: Option<String>,
    },
}

fn hint(likely: Option<&str>) -> String {
    likely.map_or_else(String::new, |key| format!("; did you mean `{key}`?"))
}

impl ConfigError {
    /// An error about a value, with what was likely meant.
    pub(crate) fn invalid(origin: Origin, (message, likely): (String, Option<String>)) -> Self {
        Self::Invalid {
            origin,
            message,
            likely,
        }
    }

    /// Whether it lies in a file, and not in what was typed or set just now.
    pub(crate) fn lies_in_a_file(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Writable { .. } => true,
            Self::Invalid { origin, .. } => matches!(origin, Origin::File(..)),
        }
    }

    /// The error with its cause, as one line.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => format!("{self}: {source}"),
            Self::Writable { .. } | Self::Invalid { .. } => self.to_string(),
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> Option<String> {
        match self {
            Self::Unreadable { path, source }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some(format!(
                    "chmod a+r {} (secrets belong into files of their own)",
                    path.display()
                ))
            }
            Self::Unreadable { .. } => None,
            Self::Writable { path, .. } => Some(format!("chmod go-w {}", path.display())),
            Self::Invalid { .. } => None,
        }
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug)]
pub(crate) struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.first().map(ConfigError::line).unwrap_or_default();
        match self.0.len() {
            0 | 1 => write!(f, "the configuration cannot be used: {first}"),
            many => write!(
                f,
                "the configuration cannot be used: {first} (and {} more)",
                many - 1
            ),
        }
    }
}

impl std::error::Error for ConfigErrors {}

/// Serde's words for an unknown key, in ours, with the nearest of the keys it expected.
pub(super) fn explain(message: &str) -> (String, Option<String>) {
    let message = message.trim().trim_end_matches('.').replace('\n', "; ");
    let Some((key, known)) = unknown_field(&message) else {
        return (message, None);
    };
    let likely = nearest(&key, known.iter().map(String::as_str));
    let said = match (&likely, known.is_empty()) {
        (Some(_), _) | (None, true) => format!("unknown key `{key}`"),
        (None, false) => format!("unknown key `{key}`; here may stand {}", known.join(", ")),
    };
    (said, likely)
}

/// The key that serde does not know, and those it does.
pub(super) fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let (key, expected) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let known = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    Some((key.to_owned(), known))
}

/// The known word that is most like this one, if one is alike at all.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.8;
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serdes_words_for_an_unknown_key_become_ours() {
        let explained = explain("unknown field `prot`, expected one of `port`, `login`");
        assert_eq!(
            explained,
            ("unknown key `prot`".to_owned(), Some("port".to_owned()))
        );
        let explained = explain("unknown field `zzz`, expected `port` or `login`");
        assert_eq!(
            explained,
            (
                "unknown key `zzz`; here may stand port, login".to_owned(),
                None
            )
        );
        assert_eq!(explain("invalid type: integer").0, "invalid type: integer");
    }

    #[test]
    fn many_errors_are_counted_in_one_line() {
        let error = |line| {
            ConfigError::invalid(
                Origin::File("a.toml".into(), line),
                ("it is wrong".to_owned(), None),
            )
        };
        assert_eq!(
            ConfigErrors(vec![error(1), error(2)]).to_string(),
            "the configuration cannot be used: a.toml:1: it is wrong (and 1 more)"
        );
    }
}
