//! `cd`, `pushd`, `popd`: where the shell is from then on. One that may fail leaves it where it was.

use std::rc::Rc;

use super::Called;
use crate::interpret::redirect::normal;
use crate::interpret::state::State;
use crate::interpret::value::{Printed, Value, any_of};
use crate::interpret::walk::{Done, Walker};
use crate::word::{Arg, Origin};

impl<'a> Walker<'a> {
    pub(super) fn cd(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let mut options = true;
        let operands: Vec<&Arg> = called
            .arguments()
            .iter()
            .map(|field| &field.arg)
            .filter(|arg| {
                let text = arg.as_text().unwrap_or_default();
                let option = options && text.len() > 1 && text.starts_with('-');
                options &= option && text != "--";
                !option
            })
            .collect();
        let before = state.clone();
        let to = match operands.as_slice() {
            [] => {
                let home = state.variable("HOME").map_or_else(
                    || self.home(state),
                    |variable| any_of("HOME", &variable.held),
                );
                self.gone_to(&home.into_arg(), state)
            }
            [one] if one.as_text() == Some("-") => state.previous.to_vec(),
            [one] => self.gone_to(one, state),
            _ => Vec::new(),
        };
        state.previous = Rc::new(state.context.directories.clone());
        state.set_directories(to);
        Done {
            printed: Printed::default(),
            failed: Some(before),
        }
    }

    /// The directories that a path may name from here; none where that is not known.
    fn gone_to(&self, arg: &Arg, state: &State<'a>) -> Vec<String> {
        let Some(path) = arg.as_text() else {
            return Vec::new();
        };
        if path.starts_with('/') {
            return vec![normal(path)];
        }
        state
            .context
            .directories
            .iter()
            .map(|from| normal(&format!("{from}/{path}")))
            .collect()
    }

    pub(super) fn pushed(&mut self, called: &Called, state: &mut State<'a>) -> Done<'a> {
        let before = state.clone();
        let push = called.fields[0].arg.as_text() == Some("pushd");
        let to = match called.arguments() {
            [one] if push => self.gone_to(&one.arg, state),
            [] if !push && !state.pushed.is_empty() => {
                Rc::make_mut(&mut state.pushed).pop().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if push {
            let here = state.context.directories.clone();
            Rc::make_mut(&mut state.pushed).push(here);
        }
        state.previous = Rc::new(state.context.directories.clone());
        state.set_directories(to);
        let mut done = Done::printed(Value::unknown(Origin::Output));
        done.failed = Some(before);
        done
    }
}
