//! Learning: what was done about a trouble and how it ended is written down as an entry of what is known, in the same
//! transaction that records it. The words are code's own, so that nothing needs a model and nothing a host says is passed
//! on: which check, which subject, which steps, which end, how long it took. A model may put a lesson into words beside
//! it (`words`), which is an opinion and speaks for its host only.
//!
//! What hosts are like (`hosts`) and what was talked about (`talks`) are entries of collections of their own, with an end.
//!
//! The next like finding is shown what was done before, on every host (`before`).

mod before;
mod hosts;
mod outcome;
mod talks;
mod words;

pub(crate) use hosts::HostsKnown;
pub(crate) use talks::Exchange;
