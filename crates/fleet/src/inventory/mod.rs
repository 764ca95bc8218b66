//! The inventory: which hosts there are, and how each is reached. It comes from the config file and from
//! `~/.ssh/config`; one entry that cannot be used costs only that host.

mod target;

pub use target::*;
