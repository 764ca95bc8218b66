//! What the standing orders say about an assessed action, who may approve it, whether a fix may be proposed once
//! more, and what each role may do; pure. How dangerous an action is, is `risk`'s to say.

mod again;
mod approvals;
mod judge;
mod orders;
mod roles;
mod settings;

pub use again::{Candidate, MayPropose, PastFix, fix_digest, may_propose};
pub use approvals::{ApprovalNeed, MayNotApprove, approval_need, may_approve};
pub use judge::{Facts, Recent, Rules, judge};
pub use orders::{
    ApprovalRule, AssessedExample, Budget, Condition, Date, Dates, Example, ExampleFailed,
    InvalidOrders, InvalidPattern, InvalidTime, LocalMoment, Never, Order, OrderDecision, Orders,
    OrdersProblem, OwnRequests, Pattern, Pause, Preset, Spread, TimeOfDay, Weekday, WindowEntry,
};
pub use roles::{NotAllowed, Operation, Role, may};
pub use settings::{InvalidPolicy, InvalidUnitPattern, PolicySettings, UnitPattern};
