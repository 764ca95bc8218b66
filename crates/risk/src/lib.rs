//! How dangerous the steps of an action are, computed by code from the steps alone; pure and total.
//!
//! What follows from a risk is `policy`'s to say. A text goes one way: `shell` takes it apart, `interpret` runs it with
//! values that may not be known, `spec` and `judges` say what each program does, `classify` how bad that is on this host,
//! and `assess` joins all of it into one assessment. Typed steps join there too. Whatever is not proved is not read-only.

mod assess;
mod canonical;
mod catastrophe;
mod classify;
mod critical;
mod facts;
mod interpret;
mod invocation;
mod judges;
mod judges_infra;
mod judges_net;
mod judges_small;
mod spec;
mod units;
mod word;

pub use assess::{
    Opinion, TextAssessment, assess, assess_bytes, assess_on, assess_text, assess_text_in, explain,
    is_proven_read_only, raise,
};
pub use canonical::{CanonicalScript, canonical, quote_words};
pub use critical::{CriticalPart, critical_part};
pub use facts::{HostFacts, InitSystem};
pub use spec::{EntryFault, TableExample, TableFault, Tables, TablesError};
