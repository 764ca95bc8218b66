//! The real time. Everything below takes a clock; this is the one that is read.

use std::time::{SystemTime, UNIX_EPOCH};

use watchkeeper_model::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is where the time comes from"
        )]
        let now = SystemTime::now();
        // A machine without a battery wakes up before 1970.
        let (sign, distance) = match now.duration_since(UNIX_EPOCH) {
            Ok(after) => (1, after),
            Err(error) => (-1, error.duration()),
        };
        Timestamp::from_millis(sign * i64::try_from(distance.as_millis()).unwrap_or(i64::MAX))
    }
}
