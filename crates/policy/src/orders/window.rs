//! Times of the week and days of the year. What time it is in the owner's time zone is told from outside: this
//! crate knows no clock and no zones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment in the owner's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalMoment {
    /// The day.
    pub date: Date,
    /// The day of the week.
    pub weekday: Weekday,
    /// The minute of the day, 0 to 1439.
    pub minute: u16,
}

/// A day of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    /// The year.
    pub year: i16,
    /// The month, from 1.
    pub month: u8,
    /// The day, from 1.
    pub day: u8,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All, from Monday.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    /// The day before.
    #[must_use]
    pub fn before(self) -> Self {
        let at = Self::ALL.iter().position(|day| *day == self).unwrap_or(0);
        Self::ALL[(at + 6) % 7]
    }
}

/// A time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    /// Minutes since midnight, 0 to 1440.
    pub minute: u16,
}

/// A time of the week, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowEntry {
    /// The days on which it begins; every day where nothing is said.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// When it begins.
    pub from: TimeOfDay,
    /// When it ends; no later than it begins means on the next day.
    pub to: TimeOfDay,
}

impl WindowEntry {
    /// Whether a moment lies within.
    #[must_use]
    pub fn holds(&self, moment: LocalMoment) -> bool {
        let begins_on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        let (from, to) = (self.from.minute, self.to.minute);
        if from < to {
            return begins_on(moment.weekday) && (from..to).contains(&moment.minute);
        }
        (begins_on(moment.weekday) && moment.minute >= from)
            || (begins_on(moment.weekday.before()) && moment.minute < to)
    }
}

/// Some days in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl Dates {
    /// Whether a day is one of them.
    #[must_use]
    pub fn hold(self, date: Date) -> bool {
        (self.from..=self.to).contains(&date)
    }
}

/// Why a text is no time of day or no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTime {
    /// No time of day.
    #[error("`{text}` is no time of day: write `22:00`")]
    TimeOfDay {
        /// The text, cut.
        text: String,
    },
    /// No day.
    #[error("`{text}` is no day: write \"2026-12-24\"")]
    Date {
        /// The text, cut.
        text: String,
    },
}

impl FromStr for TimeOfDay {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || InvalidTime::TimeOfDay { text: cut(text) };
        let (hour, minute) = text.split_once(':').ok_or_else(refused)?;
        let (hour, minute) = (
            digits(hour, 2).ok_or_else(refused)?,
            digits(minute, 2).ok_or_else(refused)?,
        );
        let total = hour * 60 + minute;
        if minute > 59 || total > 24 * 60 {
            return Err(refused());
        }
        Ok(Self { minute: total })
    }
}

impl FromStr for Date {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || InvalidTime::Date { text: cut(text) };
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else {
            return Err(refused());
        };
        let year = digits(year, 4).ok_or_else(refused)?;
        let month = digits(month, 2).ok_or_else(refused)?;
        let day = digits(day, 2).ok_or_else(refused)?;
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return Err(refused()),
        };
        if !(1..=last).contains(&day) {
            return Err(refused());
        }
        let small = |number: u16| u8::try_from(number).map_err(|_| refused());
        Ok(Self {
            year: i16::try_from(year).map_err(|_| refused())?,
            month: small(month)?,
            day: small(day)?,
        })
    }
}

/// Exactly so many digits, as a number.
fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn cut(text: &str) -> String {
    watchkeeper_model::bounded(&watchkeeper_model::visible(text), 40).into_owned()
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for Date {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(weekday: Weekday, time: &str) -> LocalMoment {
        LocalMoment {
            date: "2026-11-21".parse().expect("a day"),
            weekday,
            minute: time.parse::<TimeOfDay>().expect("a time").minute,
        }
    }

    fn window(days: &[Weekday], from: &str, to: &str) -> WindowEntry {
        WindowEntry {
            days: days.to_vec(),
            from: from.parse().expect("a time"),
            to: to.parse().expect("a time"),
        }
    }

    #[test]
    fn a_window_holds_from_its_beginning_to_before_its_end() {
        let office = window(&[Weekday::Mon, Weekday::Fri], "09:00", "17:30");
        assert!(office.holds(at(Weekday::Mon, "09:00")));
        assert!(office.holds(at(Weekday::Fri, "17:29")));
        assert!(!office.holds(at(Weekday::Fri, "17:30")));
        assert!(!office.holds(at(Weekday::Sat, "10:00")));
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
        let night = window(&[Weekday::Sat], "22:00", "06:00");
        assert!(night.holds(at(Weekday::Sat, "23:00")));
        assert!(night.holds(at(Weekday::Sun, "05:59")));
        assert!(!night.holds(at(Weekday::Sun, "06:00")));
        assert!(!night.holds(at(Weekday::Sat, "05:00")));
        let always = window(&[], "00:00", "00:00");
        assert!(always.holds(at(Weekday::Wed, "12:00")));
        let day = window(&[Weekday::Wed], "00:00", "24:00");
        assert!(day.holds(at(Weekday::Wed, "23:59")));
        assert!(!day.holds(at(Weekday::Thu, "00:00")));
    }

    #[test]
    fn days_and_times_are_read_exactly() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "26-01-01",
            "2026-01-32",
            "x",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        assert!("2028-02-29".parse::<Date>().is_ok());
        for text in ["24:01", "9:00", "09:60", "0900", "", "09:00:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }

    #[test]
    fn dates_hold_on_their_first_and_last_day() {
        let dates = Dates {
            from: "2026-12-23".parse().expect("a day"),
            to: "2027-01-02".parse().expect("a day"),
        };
        for (day, holds) in [
            ("2026-12-22", false),
            ("2026-12-23", true),
            ("2027-01-02", true),
            ("2027-01-03", false),
        ] {
            assert_eq!(dates.hold(day.parse().expect("a day")), holds, "{day}");
        }
    }
}
