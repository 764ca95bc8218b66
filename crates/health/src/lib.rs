//! The probe script, its parsers, the checks and their hysteresis: values in, findings out; pure.
//!
//! A look goes one way: [`Probe`] says what to run on a host, [`parse`] makes [`Facts`] of the answer, [`run_checks`]
//! makes results of the facts, [`outcomes`] says what they mean for what was firing before, and [`step`] decides when
//! a finding fires and when it clears. What is missing or broken on the way is `Unknown` at its end, never `Passed`.
//! Reaching the host is `fleet`'s work, remembering is `store`'s.

mod checks;
mod facts;
mod figures;
mod hysteresis;
mod parse;
mod probe;
mod thresholds;

pub use checks::{CHECKS, Check, Look, MAX_SUBJECTS, check_name, outcomes, run_checks};
pub use facts::*;
pub use hysteresis::*;
pub use parse::parse;
pub use probe::{Nonce, Probe, ProbeRefused, script};
pub use thresholds::*;
