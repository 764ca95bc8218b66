//! What is told, to whom and how.
//!
//! A *notice* is what is to be told. A *route* says which notices go to which channels. A *delivery* is one message to
//! one channel, and may tell of several notices. A *channel* is the way there: Gotify, ntfy, a webhook, mail.
//!
//! Deciding is pure: routing, keys, folding, quiet hours, allowances, pauses and the texts take values and return
//! values. Only `channels` reaches out, one request for one message. Where notices come from, what is kept of
//! deliveries and who sends them is `watch`'s work.

mod allowance;
mod channels;
mod compose;
mod fold;
mod notice;
mod pause;
mod route;
mod settings;
mod story;
mod text;
mod times;

pub use allowance::{Allowance, MAX_BURST};
pub use channels::{Again, Channel, MAX_SECRET_BYTES, OpenError, SendError, Signature, open, sign};
pub use compose::{Message, Teller, compose, compose_at, gather, urgency_of};
pub use fold::{Folding, Waiting, fold};
pub use notice::{Class, Event, MAX_NOTICES, Notice, Urgency};
pub use pause::{LONGEST_PAUSE, pause_after};
pub use route::{Route, Routing};
pub use settings::{ChannelKind, ChannelSettings, InvalidChannel};
pub use story::span_words;
pub use text::{Line, Part, Text, code, one_line};
pub use times::{DailyAt, QuietHours, TimeOfDay};
