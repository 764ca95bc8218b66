//! What a repository may do: look, or also change. Methods that change exist on [`Writing`] only, so that nothing is
//! changed outside a [`crate::Tx`].

use crate::db::Conn;
use crate::log::Pending;
use crate::{
    Actions, Channels, Conversations, Deliveries, Devices, Entries, Findings, Hosts, Issues, Jobs,
    Lanes, Links, Log, LookedAt, Meta, Observations, Read, Runs, Samples, Told, Tx, Vectors,
};

/// May look.
#[derive(Debug)]
pub struct Reading;

/// May look and change.
#[derive(Debug)]
pub struct Writing<'c> {
    pub(crate) pending: &'c mut Pending,
}

impl<'c> Writing<'c> {
    pub(crate) fn new(pending: &'c mut Pending) -> Self {
        Self { pending }
    }
}

/// Declares repositories and how to come by them.
macro_rules! repositories {
    ($($(#[$doc:meta])* $method:ident: $name:ident;)*) => {
        $(
            impl<'c, A> $name<'c, A> {
                fn over((db, access): (Conn<'c>, A)) -> Self {
                    Self { db, access }
                }
            }
        )*

        impl Tx {
            $($(#[$doc])* pub fn $method(&mut self) -> $name<'_, Writing<'_>> {
                $name::over(self.parts())
            })*
        }

        impl Read {
            $($(#[$doc])* pub fn $method(&mut self) -> $name<'_, Reading> {
                $name::over(self.parts())
            })*
        }
    };
}

repositories! {
    /// The hosts that are watched, and who is looking at them.
    hosts: Hosts;
    /// What looks returned.
    observations: Observations;
    /// Figures over time.
    samples: Samples;
    /// What checks found, and the tracker's memory of it.
    findings: Findings;
    /// The troubles as people see them.
    issues: Issues;
    /// The proposed changes and where they stand.
    actions: Actions;
    /// The executions.
    runs: Runs;
    /// The LLM queue.
    jobs: Jobs;
    /// The lanes that serve it.
    lanes: Lanes;
    /// What was looked at while a question was answered.
    looked_at: LookedAt;
    /// What is known.
    entries: Entries;
    /// What is known, as models see it.
    vectors: Vectors;
    /// What people and the watch said to each other.
    conversations: Conversations;
    /// The browsers that are known as a person's.
    devices: Devices;
    /// The links that messages carry.
    links: Links;
    /// What is told to people.
    deliveries: Deliveries;
    /// How the ways to people fare.
    channels: Channels;
    /// Who heard of which issue.
    told: Told;
    /// What happened.
    log: Log;
    /// What the store knows of itself.
    meta: Meta;
}
