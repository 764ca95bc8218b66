//! What each kind of step means on a host: its text, its rights, its limits, what must be true before it, how it
//! is verified and what undoes it. Pure, but for asking a host whether a pre-check holds.

mod host_traits;
mod looking;
mod pre_check;
mod proposal;
mod quote;
mod render;
mod wall;

pub use host_traits::*;
pub use looking::*;
pub use pre_check::*;
pub use proposal::*;
pub use render::*;
pub use wall::{breach, is_behind_wall};
