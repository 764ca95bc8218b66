//! What turns a finding into a proposal: runbooks, prompts, the schema of a model's reply, and redaction; pure.
//!
//! Nothing here asks a model or touches a host. What comes out is a diagnosis that is still to be rendered, assessed
//! and judged, whoever made it.

mod prompt;
mod redact;
mod reply;
mod runbook;

pub use prompt::{
    Attempt, Boundary, DiagnoseFinding, Piece, Prompt, PromptError, Prompts, StepKind,
    SystemContext,
};
pub use redact::{REDACTED, redact, redact_finding};
pub use reply::{ModelReply, ReplyRefused, parse_reply, reply_schema};
pub use runbook::{
    HostTraits, Init, MatchRule, Pattern, Runbook, RunbookError, RunbookErrors, RunbookFault,
    Runbooks,
};
