//! The shipped entries and configuration files by their parts; see `configs`.
