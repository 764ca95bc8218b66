//! Symbolic links that the text makes on its way: what is done later through one is done to what it points to, too.

use super::redirect::{normal, resolved};
use super::state::State;
use super::walk::Walker;
use crate::invocation::{Context, Found, Target};
use crate::word::{Arg, Part};
use watchkeeper_model::EffectKind;

/// Most links that are remembered.
const MOST_LINKS: usize = 32;

/// A link, absolute where that is known, and what it points to.
pub(super) struct Link {
    at: String,
    to: Vec<Part>,
}

impl<'a> Walker<'a> {
    /// Remembers the links that `ln -s` and `cp -s` make, under each name that they may get.
    pub(super) fn note_links(&mut self, argv: &[Arg], state: &State<'a>) {
        let words = argv.get(1..).unwrap_or_default();
        let symbolic = words.iter().filter_map(Arg::as_text).any(|word| {
            matches!(word, "--symbolic" | "--symbolic-link")
                || word.starts_with('-') && !word.starts_with("--") && word.contains('s')
        });
        let operands: Vec<&Arg> = words
            .iter()
            .filter(|word| !word.beginning().starts_with('-'))
            .collect();
        let (targets, place) = match operands.as_slice() {
            [target] => (std::slice::from_ref(target), Some(".")),
            [targets @ .., place] => (targets, place.as_text()),
            [] => return,
        };
        let Some(place) = place.filter(|_| symbolic) else {
            return;
        };
        for target in targets {
            let name = target
                .as_text()
                .and_then(|text| text.trim_end_matches('/').rsplit('/').next());
            let inside = name.map(|name| format!("{place}/{name}"));
            for at in std::iter::once(place).chain(inside.as_deref()) {
                let at = resolved(at, state);
                let to = points_to(&at, target);
                let to_itself = matches!(to.as_slice(), [Part::Text(to)] if *to == at);
                if self.links.len() < MOST_LINKS && !to_itself && at != "/" {
                    self.links.push(Link { at, to });
                }
            }
        }
    }

    /// The same thing done to what a link on its path points to.
    pub(super) fn through_links(&self, found: &Found, context: &Context) -> Vec<Found> {
        let Target::Path(path) = &found.target else {
            return Vec::new();
        };
        if self.links.is_empty() {
            return Vec::new();
        }
        let beginning = path.beginning();
        let written: Vec<String> = if beginning.starts_with('/') {
            vec![beginning.to_owned()]
        } else {
            let directories = context.directories.iter();
            directories
                .map(|directory| format!("{directory}/{beginning}"))
                .collect()
        };
        let removes = matches!(found.kind, EffectKind::Deletes | EffectKind::DeletesTree);
        let whole = path.as_text().is_some();
        let mut all = Vec::new();
        for written in written {
            let slash = if written.ends_with('/') { "/" } else { "" };
            let written = format!("{}{slash}", normal(&written));
            for link in &self.links {
                let Some(rest) = written.strip_prefix(&link.at) else {
                    continue;
                };
                let below = rest.starts_with('/');
                let itself = rest.is_empty() && whole && !removes;
                if !below && !itself {
                    continue;
                }
                let known = usize::from(!beginning.is_empty());
                let mut parts = link.to.clone();
                match parts.last_mut() {
                    Some(Part::Text(text)) => text.push_str(rest),
                    _ => parts.push(Part::Text(rest.to_owned())),
                }
                parts.extend(path.parts.iter().skip(known).cloned());
                all.push(Found {
                    target: Target::Path(Arg {
                        parts,
                        splits: path.splits,
                    }),
                    ..found.clone()
                });
            }
        }
        all
    }
}

/// Where a link leads that stands at this place: a relative one from beside itself.
fn points_to(at: &str, target: &Arg) -> Vec<Part> {
    if let Some(target) = target.as_text() {
        let from = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("{at}/../{target}")
        };
        return vec![Part::Text(normal(&from))];
    }
    let mut parts = target.parts.clone();
    if let Some(Part::Text(text)) = parts.first_mut()
        && !text.starts_with('/')
    {
        *text = format!("{at}/../{text}");
    }
    parts
}
