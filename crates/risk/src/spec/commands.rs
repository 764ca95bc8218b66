//! The tables as the interpreter asks them.

use super::tables::Tables;
use crate::interpret::Commands;
use crate::invocation::{Invocation, Outcome};

impl Commands for Tables {
    fn judge(&self, invocation: &Invocation) -> Option<Outcome> {
        Self::judge(self, invocation)
    }

    fn knows(&self, program: &str) -> bool {
        Self::knows(self, program)
    }
}
