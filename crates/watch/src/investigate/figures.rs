//! Figures: the numbers of a look, by name, and what they say over time. They are taken from the observations that are
//! stored anyway, so that a model that asks how something came about is told by numbers and not by memory.

use std::fmt::Write as _;

use watchkeeper_health::{Facts, Stall};
use watchkeeper_model::Timestamp;
use watchkeeper_store::Sample;

/// Most pairs of samples that a slope is taken over; more say no more.
const MOST_SAMPLES: usize = 200;
/// A change over the whole window below this share of the middle value is called level.
const LEVEL_SHARE: f64 = 0.02;
const HOUR_MS: f64 = 3_600_000.0;

/// A number of a look: what it is called, e.g. `disk.used_percent /srv`, and how much it is.
pub(crate) type Figure = (String, f64);

/// The numbers of a look, in the order people read them.
pub(crate) fn figures(facts: &Facts) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |name: &str, value: f64| figures.push((name.to_owned(), value));
    if let Some(load) = facts.load.present() {
        add("load.1", load.one);
        add("load.5", load.five);
        add("load.15", load.fifteen);
    }
    if let Some(memory) = facts.memory.present() {
        let share = share(memory.available_bytes, memory.total_bytes);
        add("memory.used_percent", 100.0 - share);
    }
    if let Some(swap) = facts.swap.present().filter(|swap| swap.total_bytes > 0) {
        add(
            "swap.used_percent",
            100.0 - share(swap.free_bytes, swap.total_bytes),
        );
    }
    if let Some(pressure) = facts.pressure.present() {
        let each = [
            ("cpu", pressure.cpu),
            ("memory", pressure.memory),
            ("io", pressure.io),
        ];
        for (what, stall) in each {
            if let Some(Stall { some_60, .. }) = stall {
                add(&format!("pressure.{what}_percent"), some_60);
            }
        }
    }
    if let Some(disks) = facts.disks.present() {
        for disk in &disks.file_systems {
            add(
                &format!("disk.used_percent {}", disk.target),
                disk.used_percent(),
            );
            if let Some(inodes) = disk.inodes_percent() {
                add(&format!("inodes.used_percent {}", disk.target), inodes);
            }
        }
    }
    if let Some(units) = facts.units.present() {
        add("units.failed", units.failed.len() as f64);
    }
    if let Some(journal) = facts.journal.present() {
        add("journal.errors", f64::from(journal.count));
    }
    if let Some(processes) = facts.processes.present() {
        add("processes.zombies", f64::from(processes.zombies));
        add("processes.blocked", f64::from(processes.blocked));
    }
    if let Some(identity) = facts.identity.present() {
        add("uptime_hours", identity.uptime_s as f64 / 3_600.0);
    }
    figures
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 100.0;
    }
    part as f64 * 100.0 / whole as f64
}

/// What one figure did over a window of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Course {
    pub(crate) samples: usize,
    pub(crate) first: f64,
    pub(crate) last: f64,
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) most: f64,
    /// How much it grows in an hour, by the middle of the slopes between all pairs: a single spike does not turn it.
    pub(crate) per_hour: f64,
    /// How long the window is, in hours.
    pub(crate) hours: f64,
}

/// The course of a figure; none without samples. They are the oldest first.
pub(crate) fn course(samples: &[Sample]) -> Option<Course> {
    let (first, last) = (samples.first()?, samples.last()?);
    let mut values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
    values.sort_by(f64::total_cmp);
    Some(Course {
        samples: samples.len(),
        first: first.value,
        last: last.value,
        least: *values.first()?,
        middle: middle(&values)?,
        most: *values.last()?,
        per_hour: slope(samples),
        hours: span_hours(first.at, last.at),
    })
}

fn span_hours(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millis() - from.as_millis()) as f64 / HOUR_MS
}

/// The middle of sorted values.
pub(crate) fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    Some(if sorted.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(sorted[half - 1], upper)
    })
}

fn slope(samples: &[Sample]) -> f64 {
    let stride = samples.len().div_ceil(MOST_SAMPLES).max(1);
    let some: Vec<&Sample> = samples.iter().step_by(stride).collect();
    let mut slopes = Vec::new();
    for (place, from) in some.iter().enumerate() {
        for to in &some[place + 1..] {
            let hours = span_hours(from.at, to.at);
            if hours > 0.0 {
                slopes.push((to.value - from.value) / hours);
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    middle(&slopes).unwrap_or(0.0)
}

impl Course {
    /// The trend in words.
    pub(crate) fn trend(&self) -> String {
        let change = self.per_hour * self.hours;
        if self.samples < 3 || change.abs() <= self.middle.abs() * LEVEL_SHARE {
            return "level".to_owned();
        }
        let mut words = format!("{:+} an hour", short(self.per_hour));
        let left = 100.0 - self.last;
        if self.per_hour > 0.0 && (0.0..=100.0).contains(&self.last) && left > 0.0 {
            let _ = write!(words, ", 100 in {} h", short(left / self.per_hour));
        }
        words
    }
}

/// A number with as many digits as a reader needs.
pub(crate) fn short(value: f64) -> Short {
    Short(value)
}

/// A number as [`short`] writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = if self.0 == 0.0 || self.0.abs() >= 100.0 {
            0
        } else if self.0.abs() >= 1.0 {
            1
        } else {
            3
        };
        if f.sign_plus() {
            write!(f, "{:+.digits$}", self.0)
        } else {
            write!(f, "{:.digits$}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample> {
        (0..)
            .zip(values)
            .map(|(hour, value)| Sample {
                at: Timestamp::from_millis(hour * 3_600_000),
                value: *value,
            })
            .collect()
    }

    #[test]
    fn a_course_has_its_middle_and_a_trend_that_a_spike_does_not_turn() {
        let growing = course(&samples(&[60.0, 62.0, 95.0, 66.0, 68.0, 70.0])).expect("samples");
        assert_eq!((growing.least, growing.most), (60.0, 95.0));
        assert_eq!(growing.middle, 67.0);
        assert_eq!(growing.trend(), "+2.0 an hour, 100 in 15.0 h");
        let level = course(&samples(&[5.0, 5.0, 5.0])).expect("samples");
        assert_eq!(level.trend(), "level");
        assert_eq!(course(&[]), None);
    }

    #[test]
    fn numbers_are_as_short_as_a_reader_needs() {
        let shown: Vec<String> = [0.0, 0.0421, 7.25, 1234.5]
            .iter()
            .map(|value| short(*value).to_string())
            .collect();
        assert_eq!(shown, ["0", "0.042", "7.2", "1234"]);
    }
}
