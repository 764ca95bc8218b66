//! Points in time and where they come from. Formatting for people ("4 min ago") is the faces' work.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last millisecond that can be written as a date; later ones are held to it.
const LATEST_MS: i64 = 253_402_207_199_999;
/// The first millisecond that can be written as a date with a four-digit year.
const EARLIEST_MS: i64 = -62_135_596_800_000;

impl Timestamp {
    /// From unix milliseconds; what lies outside the years 1 to 9999 is held to the nearest of them.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        if ms > LATEST_MS {
            Self(LATEST_MS)
        } else if ms < EARLIEST_MS {
            Self(EARLIEST_MS)
        } else {
            Self(ms)
        }
    }

    /// Unix milliseconds, as stored.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(span)))
    }

    /// This much earlier.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(span)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn civil(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.civil())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .map(|at| Self::from_millis(at.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from. The real one lives in `cli`, the one tests move by hand in `testkit`.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_json() {
        let at = Timestamp::from_millis(1_700_000_000_123);
        let json = serde_json::to_string(&at).expect("a timestamp is a string");
        assert_eq!(json, "\"2023-11-14T22:13:20.123Z\"");
        assert_eq!(
            serde_json::from_str::<Timestamp>(&json).expect("read back"),
            at
        );
    }

    #[test]
    fn arithmetic_never_leaves_the_calendar() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.after(Duration::from_secs(1)), end);
        assert_eq!(end.since(end.after(Duration::from_secs(9))), Duration::ZERO);
        assert!(end.to_string().starts_with("9999-"), "{end}");
    }
}
