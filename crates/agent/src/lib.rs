//! What turns a finding into a proposal: runbooks, the agent's state machine with its tools and prompts, the schema of a
//! model's reply, and redaction; pure.
//!
//! Nothing here asks a model or touches a host: the machine says what is to be asked and looked at, and its driver in
//! `watch` does it. What comes out is a diagnosis that is still to be rendered, assessed and judged, whoever made it.

mod claims;
mod json;
mod machine;
mod prompt;
mod redact;
mod reduce;
mod reply;
mod runbook;
mod tools;

pub use machine::{
    ActionBrief, Answer, Ask, CallId, Claim, Conclusion, ConverseTask, DiagnoseTask, EarlierLook,
    Effect, Event, Investigation, Known, Limits, Line, Look, LookedAt, ModelRole, NoAnswer,
    Outcome, RawCall, Revised, SecondOpinion, Seen, Spent, Summarised, Task, ToolSpec, Use,
};
pub use prompt::{
    Attempt, Boundary, DiagnoseFinding, Piece, Prompt, PromptError, Prompts, StepKind,
    SystemContext,
};
pub use redact::{REDACTED, redact, redact_finding};
pub use reduce::{CUT, LeftOut, Reduced, TextKind, reduce};
pub use reply::{ModelReply, ReplyRefused, parse_reply, reply_schema};
pub use runbook::{
    HostTraits, Init, MatchRule, Pattern, Runbook, RunbookError, RunbookErrors, RunbookFault,
    Runbooks,
};
pub use tools::{
    Compared, Conclude, LogPriority, NetworkCheck, ProcessOrder, Propose, RiskView, Tool,
    ToolEffect, ToolLimits, ToolName, ToolRefused, host_of,
};
