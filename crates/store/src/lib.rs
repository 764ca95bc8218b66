//! Repositories over Postgres and SQLite, migrations, and the hash-chained log.
//!
//! A use case opens one transaction and commits it visibly; what changes, and the log entry that tells of it, commit
//! together:
//! ```ignore
//! let mut tx = store.begin().await?;
//! let held = tx.actions().get(number).await?;
//! let approved = held.clone().approve(by, revision, now, DAY)?;
//! tx.actions().change(&held, &approved).await?;
//! tx.log().append(record)?;
//! tx.commit().await?;
//! ```
//! A change that finds the row in another state than expected is a conflict and leaves the transaction good; a statement
//! that the database refuses (a second active issue of a finding, a full disk) ends it, and its commit says so.
//!
//! Looking is `store.read()`: one moment, no waiting for writers. A row that cannot be read is named and hides no other.
//! Which state may follow which is the model's to say; that only one of two who take the same step succeeds is kept here.

mod access;
mod actions;
mod backup;
mod changes;
mod channels;
mod conversations;
mod counters;
mod db;
mod deliveries;
mod devices;
mod entries;
mod error;
mod findings;
mod hosts;
mod inventories;
mod issues;
mod jobs;
mod lanes;
mod links;
mod lock;
mod log;
mod looked_at;
mod meta;
mod migrations;
mod observations;
mod query;
mod runs;
mod samples;
mod store;
mod told;
mod vectors;
mod verify;

pub use access::{Reading, Writing};
pub use actions::{ActionFilter, Actions, EarlierFix, FixMarks, NewAction};
pub use backup::{
    BackupError, BackupFile, BackupTerms, FileLine, Heading, LeftOut, LogHead, Manifest, Restored,
    TableLine,
};
pub use changes::{Changes, Wake};
pub use channels::{ChannelState, Channels};
pub use conversations::{
    ConversationFilter, Conversations, Gist, NewConversation, NewSaid, Summary,
};
pub use db::Listed;
pub use deliveries::{Deliveries, Delivery, DeliveryFilter, NewDelivery};
pub use devices::{Device, Devices, Enrolment, NewDevice};
pub use entries::{Brought, Entries, EntryChanges, EntryFilter, NewEntry, StoredEntry};
pub use error::{CorruptRow, MigrationError, StoreError};
pub use findings::{Findings, TrackedFinding};
pub use hosts::{DueHosts, Hosts, Lease, WatchedHost};
pub use issues::{IssueFilter, Issues, NewIssue};
pub use jobs::{
    Claimer, Completed, EnqueueError, EnqueueRefused, Enqueued, FAIR_SHARE, JobFilter, Jobs,
    MAX_CLAIMED, MAX_JOB_MEMBERS, MAX_OUTPUT_BYTES, MAX_OUTPUT_PIECES, MAX_PROGRESS_BYTES, NewJob,
    Order, OutputPiece, PIECE_NOTE, Position, PutBack, QueueFigures, QueueLimits, Retry, Turn,
    Used, Waiting, Word,
};
pub use lanes::{EVERY_LANE, LaneSighting, Lanes, PausedLane};
pub use links::{Link, LinkUse, Links};
pub use lock::{LockRefused, StoreLock};
pub use log::{ExportError, Log, LogFilter, LogOrder, MAX_EVENT_BYTES};
pub use looked_at::{KeptLook, LookedAt, MAX_LOOK_BYTES};
pub use meta::Meta;
pub use observations::{MAX_OBSERVATION_BYTES, Observation, Observations};
pub use query::MAX_PAGE;
pub use runs::{MAX_STEP_OUTPUT_BYTES, RunMarks, Runs, StepEnd, StepPlace, StoredRun};
pub use samples::{Sample, Samples};
pub use store::{Read, Store, StoreOptions, Tx};
pub use told::{Told, ToldIssue};
pub use vectors::{StoredVector, Unembedded, Vectors};
pub use verify::{Break, Verification};
