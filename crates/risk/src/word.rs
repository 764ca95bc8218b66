//! A word of a command as far as it is known before it runs. Nothing is guessed: what is not known is kept as such,
//! with where it comes from.

/// One word, or what becomes some words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Arg {
    /// Its parts, in order; adjoining texts are one.
    pub(crate) parts: Vec<Part>,
    /// Whether it may become several words, or none: an unknown that stands unquoted, a file pattern.
    pub(crate) splits: bool,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Exactly this.
    Text(String),
    /// A live file pattern, e.g. `*`, `?`, `[a-z]`.
    Pattern(String),
    /// Something that only the host knows.
    Unknown(Unknown),
}

/// What is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Unknown {
    /// Where it comes from.
    pub(crate) from: Origin,
    /// Whether it is known to be a plain value: no blank, no slash, no dash at its beginning; a number, a date, a
    /// host's own name.
    pub(crate) plain: bool,
}

/// Where an unknown comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A variable that the text does not set; it may be empty.
    Variable(String),
    /// What a command prints.
    Output,
    /// Names that a command prints, parted by line ends: of units, containers, accounts. None has a blank in it or begins
    /// with a dash; there may be none at all.
    PlainWords,
    /// Lines that a command prints of which each begins with such a name, behind which a blank or a colon stands.
    NamedLines,
    /// Names of files below these directories, as `find` and `ls` print them.
    PathsBelow(Vec<String>),
    /// A line of standard input, or of a file that is read.
    Input,
    /// Text from elsewhere: the network.
    Network,
}

impl Arg {
    /// A word that is exactly this text.
    #[must_use]
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::Text(text.into())],
            splits: false,
        }
    }

    /// A word of which nothing is known.
    #[must_use]
    pub(crate) fn unknown(from: Origin, splits: bool) -> Self {
        Self {
            parts: vec![Part::Unknown(Unknown { from, plain: false })],
            splits,
        }
    }

    /// The text, where all of it is known.
    #[must_use]
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The known text that it begins with; the whole text where all of it is known.
    #[must_use]
    pub(crate) fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether any part is not known; a pattern counts as known.
    #[must_use]
    pub(crate) fn has_unknown(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Unknown(_)))
    }

    /// Whether it might be read as an option: it begins with a dash, or with something that may be one.
    #[must_use]
    pub(crate) fn may_be_option(&self) -> bool {
        match self.parts.first() {
            None => false,
            Some(Part::Text(text)) => text.starts_with('-'),
            Some(Part::Pattern(_)) => true,
            Some(Part::Unknown(unknown)) => !unknown.plain && !self.are_plain_words(),
        }
    }

    /// Whether it is names that begin with no dash, whatever becomes of it: what follows them must not begin with one
    /// either, for there may be no name at all.
    fn are_plain_words(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text(text) => !text.starts_with('-'),
            Part::Pattern(_) => false,
            Part::Unknown(unknown) => matches!(unknown.from, Origin::PlainWords),
        })
    }

    /// The word as a person reads it: unknowns as `$name` or `…`.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Pattern(text) => text.clone(),
                Part::Unknown(unknown) => match &unknown.from {
                    Origin::Variable(name) => format!("${name}"),
                    _ => "…".to_owned(),
                },
            })
            .collect()
    }
}
