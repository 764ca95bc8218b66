//! What the standing orders say about an assessed action, whether a fix may be proposed once more, and what each
//! role may do; pure. How dangerous an action is, is `risk`'s to say.

mod again;
mod judge;
mod roles;
mod settings;

pub use again::{Candidate, MayPropose, PastFix, fix_digest, may_propose};
pub use judge::{Facts, judge};
pub use roles::{NotAllowed, Operation, Role, may};
pub use settings::{InvalidPolicy, InvalidUnitPattern, PolicySettings, UnitPattern};
