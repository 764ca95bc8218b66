//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use watchkeeper_model::{Clock, Timestamp};

/// A clock moved by hand. Share it by `Arc`: whoever holds it sees the same time.
#[derive(Debug)]
pub struct MockClock(AtomicI64);

/// Where a new clock stands: noon of an ordinary day, 2026-06-15T12:00:00Z.
pub const NOON: Timestamp = Timestamp::from_millis(1_781_524_800_000);

impl MockClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().after(span));
    }

    /// Puts the clock at `now`, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for MockClock {
    fn default() -> Self {
        Self::at(NOON)
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_until_it_is_moved() {
        let clock = MockClock::default();
        assert_eq!(clock.now().to_string(), "2026-06-15T12:00:00.000Z");
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now().since(NOON), Duration::from_secs(60));
        clock.set(NOON);
        assert_eq!(clock.now(), NOON);
    }
}
