//! What turns a finding into a proposal: runbooks, prompts, the schema of a model's reply, and redaction; pure.
//!
//! Nothing here asks a model or touches a host. What comes out is a diagnosis that is still to be rendered, assessed
//! and judged, whoever made it.

mod redact;
mod runbook;

pub use redact::{REDACTED, redact};
pub use runbook::{
    HostTraits, Init, MatchRule, Pattern, Runbook, RunbookError, RunbookErrors, RunbookFault,
    Runbooks,
};
