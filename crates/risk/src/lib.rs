//! How dangerous the steps of an action are, computed by code from the steps alone; pure and total.
//!
//! What follows from a risk is `policy`'s to say. A shell script is not understood here: apart from a few lines
//! that are proved to look only, it is high; and a few plainly catastrophic ones are forbidden.

mod assess;
mod catastrophe;
mod critical;
mod invocation;
mod judges;
mod readers;
mod shell;
mod spec;
mod units;
mod word;

pub use assess::{Opinion, assess, raise};
pub use critical::{CRITICAL_UNITS, CriticalPart, critical_part};
pub use readers::is_proven_read_only;
pub use spec::{EntryFault, TableFault, Tables, TablesError};
