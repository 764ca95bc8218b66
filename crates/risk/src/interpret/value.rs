//! Values: what a variable holds, what a command prints, what stands on a standard input. A value is a text of which
//! some parts may not be known; where several values are possible, they stand in a list.

use std::rc::Rc;

use super::limits::{MOST_ALTERNATIVES, MOST_VALUE_BYTES};
use crate::word::{Arg, Origin, Part, Unknown};

/// As how many bytes a part counts that is not known.
const UNKNOWN_BYTES: usize = 64;

/// A text, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Value {
    /// Its parts; adjoining texts are one, and none is empty.
    pub(super) parts: Vec<Part>,
    /// How it was hidden, where it was decoded on the way.
    pub(super) hidden: Option<&'static str>,
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let parts = if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text)]
        };
        Self {
            parts,
            hidden: None,
        }
    }

    pub(super) fn unknown(from: Origin) -> Self {
        Self::of_unknown(from, false)
    }

    /// A number, a name: something without blanks and slashes.
    pub(super) fn plain(from: Origin) -> Self {
        Self::of_unknown(from, true)
    }

    fn of_unknown(from: Origin, plain: bool) -> Self {
        Self {
            parts: vec![Part::Unknown(Unknown { from, plain })],
            hidden: None,
        }
    }

    pub(super) fn of_arg(arg: &Arg) -> Self {
        let mut value = Self::default();
        for part in &arg.parts {
            value.push(part.clone());
        }
        value
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        push_text(&mut self.parts, text);
    }

    pub(super) fn push(&mut self, part: Part) {
        match part {
            Part::Text(text) => self.push_text(&text),
            other => self.parts.push(other),
        }
    }

    pub(super) fn append(&mut self, other: &Self) {
        for part in &other.parts {
            self.push(part.clone());
        }
        self.hidden = self.hidden.or(other.hidden);
        self.bound();
    }

    /// Forgets what it says where it is too long.
    pub(super) fn bound(&mut self) {
        if self.bytes() > MOST_VALUE_BYTES {
            let hidden = self.hidden;
            *self = Self::unknown(self.origin());
            self.hidden = hidden;
        }
    }

    /// How long it is; what is not known counts as well.
    pub(super) fn bytes(&self) -> usize {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Pattern(text) => text.len(),
                Part::Unknown(_) => UNKNOWN_BYTES,
            })
            .sum()
    }

    /// Where what is not known of it comes from; the least trusted source where there are several.
    pub(super) fn origin(&self) -> Origin {
        match self.least_trusted() {
            // Whatever is made of names may begin with a dash.
            Origin::PlainWords | Origin::NamedLines => Origin::Output,
            from => from,
        }
    }

    /// The same for lines of it as they are, or for the words in it: names stay names.
    pub(super) fn origin_of_lines(&self) -> Origin {
        let names = match self.parts.as_slice() {
            [Part::Unknown(unknown)] => Some(unknown),
            [Part::Unknown(unknown), Part::Text(end)] if end == "\n" => Some(unknown),
            _ => None,
        };
        match names.map(|unknown| &unknown.from) {
            Some(from @ (Origin::PlainWords | Origin::NamedLines)) => from.clone(),
            _ => self.origin(),
        }
    }

    fn least_trusted(&self) -> Origin {
        let mut worst: Option<Origin> = None;
        for part in &self.parts {
            let from = match part {
                Part::Unknown(unknown) => unknown.from.clone(),
                Part::Pattern(_) => Origin::PathsBelow(vec![self.literal_directory()]),
                Part::Text(_) => continue,
            };
            match (&mut worst, from) {
                (Some(Origin::PathsBelow(held)), Origin::PathsBelow(more)) => held.extend(more),
                (Some(held), from) if rank(&from) <= rank(held) => {}
                (worst, from) => *worst = Some(from),
            }
        }
        worst.unwrap_or(Origin::Output)
    }

    /// The directory that its known beginning names.
    fn literal_directory(&self) -> String {
        match self.parts.first() {
            Some(Part::Text(text)) => text
                .rfind('/')
                .map_or(".", |end| if end == 0 { "/" } else { &text[..end] })
                .to_owned(),
            _ => ".".to_owned(),
        }
    }

    /// The same without the new lines at its end, as a command substitution has it.
    pub(super) fn without_final_newlines(mut self) -> Self {
        if let Some(Part::Text(text)) = self.parts.last_mut() {
            let kept = text.trim_end_matches('\n').len();
            text.truncate(kept);
            if text.is_empty() {
                self.parts.pop();
            }
        }
        self
    }

    pub(super) fn into_arg(self) -> Arg {
        Arg {
            parts: self.parts,
            splits: false,
        }
    }

    /// Whether it is a plain word: no blank, no slash, no dash at its beginning.
    pub(super) fn is_plain(&self) -> bool {
        match self.parts.as_slice() {
            [Part::Text(text)] => {
                !text.starts_with('-')
                    && text
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_.-:".contains(c))
                    && text != "."
                    && text != ".."
            }
            [Part::Unknown(unknown)] => unknown.plain,
            _ => false,
        }
    }
}

const fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Variable(_) => 0,
        Origin::PathsBelow(_) => 1,
        Origin::Output | Origin::PlainWords | Origin::NamedLines => 2,
        Origin::Input => 3,
        Origin::Network => 4,
    }
}

/// Adds text to parts and keeps adjoining texts one.
pub(super) fn push_text(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Part::Text(last)) = parts.last_mut() {
        last.push_str(text);
    } else {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// What a command prints: the texts that are possible. None at all means that it prints nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Printed(pub(super) Vec<Value>);

impl Printed {
    pub(super) fn one(value: Value) -> Self {
        if value.parts.is_empty() {
            Self::default()
        } else {
            Self(vec![value])
        }
    }

    pub(super) const fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// This, and then the other.
    pub(super) fn then(&mut self, next: Self) {
        if next.is_nothing() {
            return;
        }
        if self.is_nothing() {
            *self = next;
            return;
        }
        if self.0.len() * next.0.len() > MOST_ALTERNATIVES {
            *self = Self::one(unknown_of(self.0.iter().chain(&next.0)));
            return;
        }
        let mut both = Vec::with_capacity(self.0.len() * next.0.len());
        for first in &self.0 {
            for second in &next.0 {
                let mut value = first.clone();
                value.append(second);
                both.push(value);
            }
        }
        self.0 = both;
    }

    /// This, and then the other where that is still come to.
    pub(super) fn then_perhaps(&mut self, next: Self, perhaps: bool) {
        if !perhaps || next.is_nothing() {
            self.then(next);
            return;
        }
        let before = self.clone();
        self.then(next);
        self.or(before);
    }

    /// This, or the other.
    pub(super) fn or(&mut self, other: Self) {
        if *self == other {
            return;
        }
        if self.is_nothing() {
            self.0.push(Value::default());
        }
        let others = if other.is_nothing() {
            vec![Value::default()]
        } else {
            other.0
        };
        for value in others {
            if !self.0.contains(&value) {
                self.0.push(value);
            }
        }
        if self.0.len() > MOST_ALTERNATIVES {
            *self = Self::one(unknown_of(self.0.iter()));
        }
    }
}

/// One value that may be any of these.
pub(super) fn unknown_of<'v>(values: impl Iterator<Item = &'v Value>) -> Value {
    let mut all = Value::default();
    let mut plain = true;
    for value in values {
        plain &= value.is_plain();
        all.hidden = all.hidden.or(value.hidden);
        for part in &value.parts {
            if !matches!(part, Part::Text(_)) {
                all.parts.push(part.clone());
            }
        }
    }
    let mut unknown = Value::of_unknown(all.origin(), plain);
    unknown.hidden = all.hidden;
    unknown
}

/// What a variable may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing: it is not set.
    Unset,
    /// A text.
    Scalar(Value),
    /// An array, with its keys.
    Array(Rc<Vec<(String, Value)>>),
}

/// A variable: what it may hold, and its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// The possibilities; never empty.
    pub(super) held: Vec<Held>,
    /// Whether programs get it.
    pub(super) exported: bool,
    /// What `declare` makes of what is assigned.
    pub(super) attribute: Attribute,
}

/// What becomes of a text that is assigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Attribute {
    /// It is kept.
    #[default]
    None,
    /// It is evaluated.
    Integer,
    /// In small letters.
    Lower,
    /// In capitals.
    Upper,
    /// An array whose keys are text.
    Keyed,
}

impl Variable {
    pub(super) fn scalar(value: Value) -> Self {
        Self {
            held: vec![Held::Scalar(value)],
            exported: false,
            attribute: Attribute::None,
        }
    }

    pub(super) fn unset() -> Self {
        Self {
            held: vec![Held::Unset],
            exported: false,
            attribute: Attribute::None,
        }
    }

    /// What either of two may hold.
    pub(super) fn joined(name: &str, one: &Self, other: &Self) -> Self {
        let mut held = one.held.clone();
        for next in &other.held {
            if !held.contains(next) {
                held.push(next.clone());
            }
        }
        if held.len() > MOST_ALTERNATIVES {
            held = vec![Held::Scalar(any_of(name, &held))];
        }
        Self {
            held,
            exported: one.exported || other.exported,
            attribute: if one.attribute == other.attribute {
                one.attribute
            } else {
                Attribute::None
            },
        }
    }
}

/// One value that stands for everything a variable may hold.
pub(super) fn any_of(name: &str, held: &[Held]) -> Value {
    let mut values = Vec::new();
    let mut unset = false;
    for one in held {
        match one {
            Held::Unset => unset = true,
            Held::Scalar(value) => values.push(value.clone()),
            Held::Array(items) => values.extend(items.iter().map(|(_, value)| value.clone())),
        }
    }
    let mut all = unknown_of(values.iter());
    if let [Part::Unknown(unknown)] = all.parts.as_mut_slice() {
        if rank(&unknown.from) <= rank(&Origin::Output) && !unknown.plain {
            unknown.from = Origin::Variable(name.to_owned());
        }
        unknown.plain &= !unset && !values.is_empty();
    }
    all
}
