//! Quiet hours and the hour of the digest, by the owner's clock. Summer time: an hour that is left out is the one after
//! it, one that comes twice counts the first time for a digest, and both times for quiet hours.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use watchkeeper_model::Timestamp;

/// A time of the day, to the minute: `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    minute: u16,
}

/// Why a text is no time of the day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no time of the day like 22:00")]
pub struct NotATime {
    text: String,
}

impl FromStr for TimeOfDay {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let read = || {
            let (hour, minute) = text.split_once(':')?;
            let digits = |part: &str| {
                let two = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
                if two { part.parse::<u16>().ok() } else { None }
            };
            let (hour, minute) = (digits(hour)?, digits(minute)?);
            (hour < 24 && minute < 60).then_some(Self {
                minute: hour * 60 + minute,
            })
        };
        read().ok_or_else(|| NotATime {
            text: text.chars().take(40).collect(),
        })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> jiff::Zoned {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .unwrap_or_default()
        .to_zoned(zone.clone())
}

/// Hours in which only what is critical is sent.
#[derive(Clone, Debug)]
pub struct QuietHours {
    /// Since when.
    pub from: TimeOfDay,
    /// Until when; before `from`, on the next day.
    pub to: TimeOfDay,
    /// Whose clock.
    pub zone: TimeZone,
}

impl QuietHours {
    /// Whether it is quiet then. Where both times are the same it never is.
    #[must_use]
    pub fn are_at(&self, at: Timestamp) -> bool {
        let local = local(at, &self.zone);
        let unsigned = |number: i8| u16::try_from(number).unwrap_or(0);
        let minute = unsigned(local.hour()) * 60 + unsigned(local.minute());
        let (from, to) = (self.from.minute, self.to.minute);
        if from <= to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }
}

/// Once a day at a time.
#[derive(Clone, Debug)]
pub struct DailyAt {
    /// When.
    pub at: TimeOfDay,
    /// By whose clock.
    pub zone: TimeZone,
}

impl DailyAt {
    /// The last time that it was due, not after `now`.
    #[must_use]
    pub fn last_before(&self, now: Timestamp) -> Timestamp {
        let today = local(now, &self.zone).date();
        let yesterday = today.yesterday().unwrap_or(today);
        [today, yesterday]
            .into_iter()
            .filter_map(|day| self.on(day))
            .find(|due| *due <= now)
            .unwrap_or(now)
    }

    fn on(&self, day: jiff::civil::Date) -> Option<Timestamp> {
        let signed = |number: u16| i8::try_from(number).unwrap_or(0);
        let time = jiff::civil::Time::new(
            signed(self.at.minute / 60),
            signed(self.at.minute % 60),
            0,
            0,
        );
        let due = day.to_datetime(time.ok()?).to_zoned(self.zone.clone());
        Some(Timestamp::from_millis(
            due.ok()?.timestamp().as_millisecond(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> TimeOfDay {
        text.parse().expect(text)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").expect("the zones are installed")
    }

    #[test]
    fn times_of_the_day_are_read_strictly() {
        assert_eq!(time("22:05").to_string(), "22:05");
        for text in [
            "",
            "24:00",
            "22:60",
            "7:00",
            "22",
            "22:5",
            "+2:00",
            "２２:00",
        ] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }

    #[test]
    fn quiet_hours_go_over_midnight_and_follow_the_owners_clock() {
        let quiet = QuietHours {
            from: time("22:00"),
            to: time("07:00"),
            zone: berlin(),
        };
        for (moment, expect) in [
            ("2026-06-15T19:59:00Z", false),
            ("2026-06-15T20:00:00Z", true),
            ("2026-06-16T04:59:00Z", true),
            ("2026-06-16T05:00:00Z", false),
            ("2026-01-15T20:59:00Z", false),
            ("2026-01-15T21:00:00Z", true),
            // The night in which the clock goes back: two o'clock comes twice, and it is quiet both times.
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T01:30:00Z", true),
            ("2026-10-25T06:00:00Z", false),
        ] {
            assert_eq!(quiet.are_at(at(moment)), expect, "{moment}");
        }
        let noon = QuietHours {
            from: time("12:00"),
            to: time("13:00"),
            zone: TimeZone::UTC,
        };
        assert!(noon.are_at(at("2026-06-15T12:30:00Z")));
        assert!(!noon.are_at(at("2026-06-15T13:00:00Z")));
        let never = QuietHours {
            to: time("12:00"),
            ..noon
        };
        assert!(!never.are_at(at("2026-06-15T12:00:00Z")));
    }

    #[test]
    fn the_digest_is_due_once_a_day_also_when_the_clock_is_changed() {
        let digest = DailyAt {
            at: time("02:30"),
            zone: berlin(),
        };
        for (now, due) in [
            ("2026-06-15T12:00:00Z", "2026-06-15T00:30:00Z"),
            ("2026-06-15T00:29:00Z", "2026-06-14T00:30:00Z"),
            ("2026-06-15T00:30:00Z", "2026-06-15T00:30:00Z"),
            // Half past two is left out: half past three by the new clock.
            ("2026-03-29T12:00:00Z", "2026-03-29T01:30:00Z"),
            // It comes twice: the first counts.
            ("2026-10-25T12:00:00Z", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(digest.last_before(at(now)), at(due), "{now}");
        }
    }
}
