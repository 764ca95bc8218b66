//! Symbolic links that the text makes on its way: what is done later through one is done to what it points to, too.

use super::redirect::{normal, resolved};
use super::state::State;
use super::walk::Walker;
use crate::invocation::{Context, Found, Target};
use crate::word::{Arg, Part};
use watchkeeper_model::EffectKind;

/// Most links that are remembered.
const MOST_LINKS: usize = 32;

/// A link and what it points to, both absolute where that is known.
pub(super) struct Link {
    at: String,
    to: String,
}

impl<'a> Walker<'a> {
    /// Remembers the links that `ln -s` makes, under each name that they may get.
    pub(super) fn note_links(&mut self, argv: &[Arg], state: &State<'a>) {
        let words: Vec<&str> = argv.iter().skip(1).filter_map(Arg::as_text).collect();
        let symbolic = words.iter().any(|word| {
            *word == "--symbolic"
                || word.starts_with('-') && !word.starts_with("--") && word.contains('s')
        });
        let operands: Vec<&str> = words
            .into_iter()
            .filter(|word| !word.starts_with('-'))
            .collect();
        let (targets, place) = match operands.as_slice() {
            [target] => (std::slice::from_ref(target), "."),
            [targets @ .., place] => (targets, *place),
            [] => return,
        };
        for target in targets.iter().filter(|_| symbolic) {
            let name = target.trim_end_matches('/').rsplit('/').next();
            let inside = format!("{place}/{}", name.unwrap_or_default());
            for at in [place, &inside] {
                let at = resolved(at, state);
                let to = if target.starts_with('/') {
                    normal(target)
                } else {
                    normal(&format!("{at}/../{target}"))
                };
                if self.links.len() < MOST_LINKS && at != to && at != "/" {
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
                let mut parts = vec![Part::Text(format!("{}{rest}", link.to))];
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
