//! Arrays in declarations: `declare -a x=(a b)` is the group `{ declare -a x && x=(a b); }`, where that is certainly
//! the same. It is not where the declaration makes the variable read-only or global, where it holds more than the one
//! name, or where a value could tell that the declaration has run before it: a substitution, the variable itself,
//! the last status.

use super::{Reader, is_name};
use crate::refusal::Refusal;
use crate::tree::{
    AssignedValue, Command, Compound, Connector, Item, Piece, Pipeline, Script, Simple, Word,
};

/// Commands whose arguments may be arrays.
const DECLARE: [&str; 5] = ["declare", "typeset", "local", "export", "readonly"];
/// Options that are the same with the value behind the declaration.
const OPTIONS: [char; 6] = ['a', 'A', 'i', 'l', 'u', 'x'];
/// Variables that the shell keeps for itself: they are read-only, or say what has run.
const KEPT: [&str; 8] = [
    "UID",
    "EUID",
    "PPID",
    "SHELLOPTS",
    "GROUPS",
    "FUNCNAME",
    "PIPESTATUS",
    "DIRSTACK",
];

const UNCERTAIN: Refusal = Refusal::unsupported("an array in a declaration of this form");

impl Reader {
    /// The declaration that raw words are, if one of them is an array. `plain` says that nothing else belongs to the
    /// command.
    pub(crate) fn declaration(
        self,
        raws: &[&str],
        plain: bool,
    ) -> Result<Option<Command>, Refusal> {
        let [command, arguments @ ..] = raws else {
            return Ok(None);
        };
        if !may_declare(command) || !arguments.iter().any(|raw| is_array(raw)) {
            return Ok(None);
        }
        let Some((array, options)) = arguments.split_last() else {
            return Ok(None);
        };
        let Some((name, value)) = array.split_once("=(") else {
            return Err(UNCERTAIN);
        };
        let is_kept = KEPT.contains(&name) || name.starts_with("BASH");
        let certain = plain
            && *command != "readonly"
            && is_name(name)
            && !is_kept
            && options.iter().all(|option| is_option(option))
            && is_steady(value, name);
        if !certain {
            return Err(UNCERTAIN);
        }
        let Some(assignment) = self.assignment(array)? else {
            return Err(UNCERTAIN);
        };
        if !matches!(assignment.value, AssignedValue::Array(_)) {
            return Err(UNCERTAIN);
        }
        let words = std::iter::once(*command)
            .chain(options.iter().copied())
            .chain([name])
            .map(plain_word)
            .collect();
        let declares = Simple {
            words,
            ..Simple::default()
        };
        let assigns = Simple {
            assignments: vec![assignment],
            ..Simple::default()
        };
        let item = Item {
            first: alone(declares),
            rest: vec![(Connector::And, alone(assigns))],
            background: false,
        };
        Ok(Some(Command::Compound {
            body: Compound::Group(Script { items: vec![item] }),
            redirects: Vec::new(),
        }))
    }
}

/// Whether a command is one whose arguments may be arrays.
pub(crate) fn may_declare(command: &str) -> bool {
    DECLARE.contains(&command)
}

fn is_array(raw: &str) -> bool {
    raw.split_once("=(")
        .is_some_and(|(name, _)| is_name(name.trim_end_matches('+')))
}

fn is_option(raw: &str) -> bool {
    raw.strip_prefix('-')
        .is_some_and(|letters| !letters.is_empty() && letters.chars().all(|c| OPTIONS.contains(&c)))
}

/// Whether the elements of an array are the same before and behind the declaration: they run nothing, and expand
/// only variables with names of their own.
fn is_steady(value: &str, name: &str) -> bool {
    if value.contains('`') || value.contains("<(") || value.contains(">(") {
        return false;
    }
    if value.contains('$') && value.contains(name) {
        return false;
    }
    value.split('$').skip(1).all(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '*'))
            && !rest.starts_with("BASH")
    })
}

fn plain_word(text: &str) -> Word {
    Word {
        pieces: vec![Piece::Plain(text.to_owned())],
    }
}

fn alone(simple: Simple) -> Pipeline {
    Pipeline {
        timed: false,
        negated: false,
        commands: vec![Command::Simple(simple)],
    }
}
