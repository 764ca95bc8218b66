//! What the use cases answer, shaped for reading: every face (CLI, API, later the web) shows these, and
//! `--output json` is them, so their field names are a promise. Wording and layout are the faces' work.

mod action;
mod before;
mod check;
mod diagnosis;
mod issue;
mod links;
mod notify;
mod orders;
mod queue;
mod status;
mod talk;

pub use action::*;
pub use before::*;
pub use check::*;
pub use diagnosis::*;
pub use issue::*;
pub use links::*;
pub use notify::*;
pub use orders::*;
pub use queue::*;
pub use status::*;
pub use talk::*;
