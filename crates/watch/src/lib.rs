//! The use cases and loops of the watch: looking, tracking issues, diagnosing, approving, running, reading the log.
//!
//! Deciding is in the pure crates (`health`, `risk`, `policy`, `agent`) and in `tracking`; doing is in `fleet`,
//! `remedy`, `llm` and `store`. Here they meet: each use case reads as what happens, opens one transaction at a time,
//! and holds none while it waits for a host or a model.

mod actions;
mod chance;
mod cycle;
mod diagnose;
mod doctor;
mod error;
mod hosts;
mod investigate;
mod issues;
mod knowledge;
mod learn;
mod links;
mod log;
mod look;
mod loops;
mod notify;
mod orders;
mod queue;
mod record;
mod replay;
mod runs;
mod settings;
mod settle;
mod sheets;
mod sources;
mod status;
mod talk;
mod tracking;
mod traits;
pub mod view;
mod watch;

pub use actions::{Decision, Edit};
pub use chance::Chance;
pub use error::{Fault, WatchError};
pub use issues::{IssueQuery, NewIssue};
pub use knowledge::{
    ConfigFile, ConfigsIndexed, EntryEdit, EntryLine, EntryQuery, Exported, Found, Imported,
    Knowing, KnownQuery, MAX_IMPORT_LINES, Moved, RefusedFile, RefusedLine, RepositoryFile, Seeded,
    Seeding, Taught, VectorPlace,
};
pub use links::{Bearer, LinkRefused, Shown, Web, needs_code, with_code};
pub use log::{LogFilter, LogGrowth};
pub use loops::{Every, Loops, Schedule};
pub use notify::{DailyDigest, NewWords, Notifying};
pub use orders::{OrdersError, StandingOrders};
pub use queue::{Following, OnLeaving, QueueQuery, work};
pub use replay::MAX_REPLAY_DAYS;
pub use runs::Ran;
pub use settings::{Asking, Looking, Running, Settings, ThresholdLayers};
pub use sheets::ActionQuery;
pub use sources::Sources;
pub use talk::{NewTalk, Roles, TalkQuery, TalkRefused, Words};
pub use watch::{LaneParts, Parts, Watch};
// Who may ask what of the watch, for whoever stands before it.
pub use watchkeeper_policy::{MayNotApprove, NotAllowed, Operation, Role, may};
