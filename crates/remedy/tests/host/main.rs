//! The run protocol on real processes: each test runs in a host of its own, made of namespaces (see `pod`), in every
//! shell that a host may have, as root and as an ordinary user. systemd itself is the lab's to try;
//! here only its answers are played.

mod ends;
mod follow;
mod hostile;
mod once;
mod pod;
mod texts;
mod unit;
