//! How dangerous the steps of an action are, computed by code from the steps alone; pure and total.
//!
//! What follows from a risk is `policy`'s to say. A shell script is not understood here: apart from a few lines
//! that are proved to look only, it is high; and a few plainly catastrophic ones are forbidden.

mod assess;
mod canonical;
mod catastrophe;
mod classify;
mod critical;
mod facts;
mod invocation;
mod judges;
mod judges_net;
mod readers;
mod shell;
mod spec;
mod units;
mod word;

pub use assess::{Opinion, assess, raise};
pub use canonical::{CanonicalScript, canonical, quote_words};
pub use critical::{CriticalPart, critical_part};
pub use facts::{HostFacts, InitSystem};
pub use readers::is_proven_read_only;
pub use spec::{EntryFault, TableExample, TableFault, Tables, TablesError};
