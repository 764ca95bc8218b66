//! What the use cases answer, shaped for reading: every face (CLI, API, later the web) shows these, and
//! `--output json` is them, so their field names are a promise. Wording and layout are the faces' work.

mod action;
mod check;
mod issue;
mod orders;
mod queue;
mod status;

pub use action::*;
pub use check::*;
pub use issue::*;
pub use orders::*;
pub use queue::*;
pub use status::*;
