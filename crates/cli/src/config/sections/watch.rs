//! `[watch]`: when hosts are looked at, and what is kept.

use std::path::PathBuf;
use std::str::FromStr as _;

use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;

use super::Faults;
use crate::config::key::Key;

/// When hosts are looked at, and what is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WatchSection {
    /// How often every host is looked at.
    pub(crate) interval: Span,
    /// When every host is looked at, as in a crontab and in UTC; takes the place of `interval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cron: Option<String>,
    /// Looks begin up to so much later, so that many controllers and hosts do not begin at once.
    pub(crate) jitter: Span,
    /// Hosts looked at side by side.
    pub(crate) parallel: u32,
    /// How long a look at one host may take, from connecting to the last byte.
    pub(crate) look_deadline: Span,
    /// A trouble that comes back within this time is the same issue again.
    pub(crate) reopen_within: Span,
    /// How long observations are kept.
    pub(crate) keep_observations: Span,
    /// Certificates to watch on every host, as absolute paths there.
    pub(crate) certificates: Vec<PathBuf>,
}

impl Default for WatchSection {
    fn default() -> Self {
        Self {
            interval: Span::minutes(5),
            cron: None,
            jitter: Span::seconds(10),
            parallel: 20,
            look_deadline: Span::seconds(60),
            reopen_within: Span::hours(24),
            keep_observations: Span::days(7),
            certificates: Vec::new(),
        }
    }
}

/// When looks begin.
#[derive(Clone, Debug)]
pub(crate) enum Timing {
    /// So long after one another.
    Every(Span),
    /// By the calendar.
    Cron(Box<cron::Schedule>),
}

impl WatchSection {
    /// When looks begin.
    ///
    /// # Errors
    /// Says what is wrong with the cron expression.
    pub(crate) fn timing(&self) -> Result<Timing, String> {
        match &self.cron {
            None => Ok(Timing::Every(self.interval)),
            Some(text) => parse_cron(text).map(|schedule| Timing::Cron(Box::new(schedule))),
        }
    }

    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("watch").name(name);
        faults.span(
            key("interval"),
            self.interval,
            Span::seconds(5),
            Span::days(7),
        );
        faults.span(key("jitter"), self.jitter, Span::seconds(0), Span::hours(1));
        faults.span(
            key("look_deadline"),
            self.look_deadline,
            Span::seconds(1),
            Span::hours(1),
        );
        faults.span(
            key("reopen_within"),
            self.reopen_within,
            Span::seconds(0),
            Span::days(365),
        );
        faults.span(
            key("keep_observations"),
            self.keep_observations,
            Span::hours(1),
            Span::days(3_650),
        );
        faults.count(key("parallel"), self.parallel, 1, 1_000);
        if self.cron.is_none() && self.jitter >= self.interval {
            faults.add(
                key("jitter"),
                format!(
                    "watch.jitter is {} and must be shorter than watch.interval",
                    self.jitter
                ),
            );
        }
        if let Err(why) = self.timing() {
            faults.add(key("cron"), why);
        }
        for (place, path) in self
            .certificates
            .iter()
            .enumerate()
            .filter(|(_, path)| !path.is_absolute())
        {
            faults.add(
                key("certificates").place(place),
                format!("{} is not an absolute path", path.display()),
            );
        }
    }
}

/// A crontab's five fields, or six with seconds before them, or seven with years after them.
fn parse_cron(text: &str) -> Result<cron::Schedule, String> {
    let fields = text.split_whitespace().count();
    let whole = if fields == 5 {
        format!("0 {}", numbered_from_sunday(text))
    } else {
        text.to_owned()
    };
    cron::Schedule::from_str(&whole).map_err(|_| {
        format!("{text:?} is no time of a crontab; `*/10 * * * *` is every ten minutes")
    })
}

/// In a crontab Sunday is 0 or 7 and Monday is 1; where seconds are written too, days count from Sunday as 1.
fn numbered_from_sunday(text: &str) -> String {
    const DAYS: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if let Some(days) = fields.last_mut() {
        let (list, step) = days
            .split_once('/')
            .map_or((days.as_str(), ""), |(list, step)| (list, step));
        let named = list.split(',').map(|range| {
            let day = |text: &str| {
                text.parse::<usize>()
                    .ok()
                    .and_then(|day| DAYS.get(day).copied())
                    .map_or_else(|| text.to_owned(), str::to_owned)
            };
            range.split('-').map(day).collect::<Vec<_>>().join("-")
        });
        let named = named.collect::<Vec<_>>().join(",");
        *days = if step.is_empty() {
            named
        } else {
            format!("{named}/{step}")
        };
    }
    fields.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crontab_means_what_it_means_in_a_crontab() {
        for text in [
            "*/10 * * * *",
            "0 3 * * 1-5",
            "30 4 1,15 * 0",
            "0 0 3 * * MON",
            "0 3 * * 7",
        ] {
            assert!(parse_cron(text).is_ok(), "{text}");
        }
        assert_eq!(numbered_from_sunday("0 3 * * 1-5"), "0 3 * * MON-FRI");
        assert_eq!(numbered_from_sunday("0 3 * * 0,3"), "0 3 * * SUN,WED");
        for text in ["", "hourly", "61 * * * *", "* * *"] {
            assert!(parse_cron(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_by_key() {
        let section = WatchSection {
            interval: Span::seconds(1),
            parallel: 0,
            cron: Some("now and then".to_owned()),
            certificates: vec!["cert.pem".into()],
            ..WatchSection::default()
        };
        let mut faults = Faults::default();
        section.check(&mut faults);
        let keys: Vec<String> = faults.0.iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(
            keys,
            [
                "watch.interval",
                "watch.parallel",
                "watch.cron",
                "watch.certificates[0]"
            ]
        );
        assert_eq!(
            faults.0[0].1,
            "watch.interval is 1s, and must lie between 5s and 7d"
        );
    }
}
