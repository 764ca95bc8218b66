//! What is told from the store, without a word to any host: the facts of the last look, how figures went, how hosts
//! differ. Every answer says how old it is, and what is missing is said to be missing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use watchkeeper_health::Facts;
use watchkeeper_model::{HostName, Timestamp, bounded, visible};
use watchkeeper_store::{Observation, Sample};

use super::command::NotSeen;
use super::figures::{Course, Figure, course, figures, middle, short};
use crate::WatchError;
use crate::watch::Watch;

/// Looks that a history is read from, where there are more than one page of the store: spread evenly over the window.
const SPREAD_LOOKS: u32 = 300;
/// A pause between two looks is told where it is so many times as long as the usual one.
const LONG_PAUSE: u32 = 3;
/// Figures in one table.
const MOST_FIGURES: usize = 60;
/// Longest account of one section of facts, in characters.
const MAX_SECTION_CHARS: usize = 4_000;
/// Values of one figure that stand beside each other in a comparison.
const MOST_COMPARED: usize = 40;
/// A host differs where it is further from the middle than so many times the usual distance.
const FAR: f64 = 4.0;

impl Watch {
    /// Sections of the facts of the last look; none named: all of them, each short.
    pub(super) async fn told_facts(
        &self,
        host: &HostName,
        sections: &[String],
    ) -> Result<String, NotSeen> {
        let (at, facts) = self.last_facts(host).await?;
        let Value::Object(all) = serde_json::to_value(&facts).unwrap_or_default() else {
            return Err(NotSeen::Senseless {
                why: "the facts of the last look cannot be read".to_owned(),
            });
        };
        let unknown: Vec<&str> = sections
            .iter()
            .map(String::as_str)
            .filter(|name| !all.contains_key(*name))
            .collect();
        if !unknown.is_empty() {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            return Err(NotSeen::Senseless {
                why: format!(
                    "there is no section {}; there are: {}",
                    visible(&unknown.join(", ")),
                    known.join(", ")
                ),
            });
        }
        let mut text = format!("facts of {host}, seen {}\n", self.age(at));
        let wanted = |name: &str| sections.is_empty() || sections.iter().any(|one| one == name);
        for (name, value) in all.iter().filter(|(name, _)| wanted(name)) {
            let value = bounded(&value.to_string(), MAX_SECTION_CHARS).into_owned();
            let _ = writeln!(text, "{name}: {value}");
        }
        Ok(text)
    }

    /// How figures went over a window: one line for each, with its middle and its trend.
    pub(super) async fn told_metrics(
        &self,
        host: &HostName,
        wanted: &[String],
        window: Duration,
    ) -> Result<String, NotSeen> {
        let window = window.min(self.current().settings.looking.keep_observations);
        let history = self.history(host, window).await?;
        if history.looks.is_empty() {
            return Err(NotSeen::Senseless {
                why: format!("no look at {host} of that time is stored"),
            });
        }
        let rests_on = self.rests_on(host, &history, window);
        let history = history.looks;
        let mut courses: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
        for (at, figures) in &history {
            for (name, value) in figures {
                if is_wanted(name, wanted) {
                    let (at, value) = (*at, *value);
                    courses.entry(name).or_default().push(Sample { at, value });
                }
            }
        }
        if courses.is_empty() {
            let mut known: Vec<&str> = history
                .last()
                .map(|(_, figures)| figures.iter().map(|(name, _)| name.as_str()).collect())
                .unwrap_or_default();
            known.truncate(MOST_FIGURES);
            return Err(NotSeen::Senseless {
                why: format!("there is no such figure; there are: {}", known.join(", ")),
            });
        }
        let mut text = format!("{rests_on}\nfigure | last | first | min | median | max | trend\n");
        for (name, samples) in courses.into_iter().take(MOST_FIGURES) {
            if let Some(course) = course(&samples) {
                text.push_str(&line(name, &course));
            }
        }
        Ok(text)
    }

    /// How a host stands beside others, by the last look at each: figures by value, and what else differs by word.
    pub(super) async fn compared(
        &self,
        host: &HostName,
        others: &[HostName],
        wanted: &[String],
    ) -> Result<String, NotSeen> {
        let mut seen: Vec<(HostName, Facts)> = Vec::new();
        let mut unseen: Vec<String> = Vec::new();
        for name in std::iter::once(host).chain(others.iter().filter(|other| *other != host)) {
            match self.last_facts(name).await {
                Ok((_, facts)) => seen.push((name.clone(), facts)),
                Err(NotSeen::Watch(error)) => return Err(error.into()),
                Err(_) => unseen.push(name.to_string()),
            }
        }
        if seen.len() < 2 {
            return Err(NotSeen::Senseless {
                why: "there is no other host whose last look is known".to_owned(),
            });
        }
        let mut text = words_beside(&seen);
        text.push_str(&figures_beside(host, &seen, wanted));
        if !unseen.is_empty() {
            let _ = writeln!(text, "nothing is known of: {}", unseen.join(", "));
        }
        Ok(text)
    }

    async fn last_facts(&self, host: &HostName) -> Result<(Timestamp, Facts), NotSeen> {
        let mut read = self.store().read().await.map_err(WatchError::from)?;
        let latest = read.observations().latest(host).await;
        let latest = self.or_absent(latest).map_err(WatchError::from)?;
        latest
            .and_then(|seen| Some((seen.at, serde_json::from_value(seen.body).ok()?)))
            .ok_or_else(|| NotSeen::Senseless {
                why: format!("{host} was never seen, so nothing is known of it"),
            })
    }

    /// The figures of the looks at a host that are stored of a window. Where there are too many to read, some of them, spread
    /// evenly, and the last.
    async fn history(&self, host: &HostName, window: Duration) -> Result<History, WatchError> {
        let since = self.now().before(window);
        let mut read = self.store().read().await?;
        let all = read
            .observations()
            .list(host, since, watchkeeper_store::MAX_PAGE)
            .await?;
        self.remember_corrupt(&all.corrupt);
        let mut history = History::default();
        if all.rows.len() + all.corrupt.len() < watchkeeper_store::MAX_PAGE as usize {
            all.rows.iter().for_each(|seen| history.add(seen));
            return Ok(history);
        }
        let step = window / SPREAD_LOOKS;
        history.apart = Some(step);
        let mut from = since;
        while from <= self.now() {
            let next = read.observations().list(host, from, 1).await?;
            self.remember_corrupt(&next.corrupt);
            let Some(seen) = next.rows.first() else { break };
            history.add(seen);
            from = seen.at.after(step);
        }
        let latest = read.observations().latest(host).await;
        if let Some(latest) = self.or_absent(latest)?
            && history.looks.last().is_none_or(|(at, _)| *at < latest.at)
        {
            history.add(&latest);
        }
        Ok(history)
    }

    /// On what a history rests, in a sentence that a reader can doubt it by.
    fn rests_on(&self, host: &HostName, history: &History, window: Duration) -> String {
        let (Some((first, _)), Some((last, _))) = (history.looks.first(), history.looks.last())
        else {
            return String::new();
        };
        let mut text = format!(
            "{} stored looks at {host}, the first {}, the last {}",
            history.looks.len(),
            self.age(*first),
            self.age(*last)
        );
        let mut pauses: Vec<Duration> = history
            .looks
            .windows(2)
            .map(|two| two[1].0.since(two[0].0))
            .collect();
        pauses.sort_unstable();
        let usual = pauses.get(pauses.len() / 2).copied().unwrap_or_default();
        if let Some(apart) = history.apart {
            let _ = write!(
                text,
                "; there are more, and these are some {} apart, so a peak between them is not seen",
                span(apart)
            );
        } else if !usual.is_zero() {
            let _ = write!(text, ", one every {}", span(usual));
        }
        if let Some(longest) = pauses.last().filter(|pause| **pause > usual * LONG_PAUSE) {
            let _ = write!(text, "; for {} nothing was seen", span(*longest));
        }
        let kept = self.current().settings.looking.keep_observations;
        let began = self.now().since(*first);
        if began + usual * LONG_PAUSE < window {
            let _ = write!(
                text,
                "; of {} only this much is stored, where looks are kept for {}",
                span(window),
                span(kept)
            );
        }
        text
    }

    /// How long ago something was, in words.
    fn age(&self, at: Timestamp) -> String {
        format!("{} ago", span(self.now().since(at)))
    }
}

/// Figures of looks, the oldest first.
#[derive(Default)]
struct History {
    looks: Vec<(Timestamp, Vec<Figure>)>,
    /// How far they are apart, where they are not all that are stored.
    apart: Option<Duration>,
}

impl History {
    fn add(&mut self, seen: &Observation) {
        if let Ok(facts) = serde_json::from_value::<Facts>(seen.body.clone()) {
            self.looks.push((seen.at, figures(&facts)));
        }
    }
}

/// A length of time, as people say it.
fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Whether a figure is asked for: by its name, or by how its name begins.
fn is_wanted(name: &str, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|begin| name.starts_with(begin.trim()))
}

fn line(name: &str, course: &Course) -> String {
    let [now, first, least, middle, most] = [
        course.last,
        course.first,
        course.least,
        course.middle,
        course.most,
    ]
    .map(short);
    format!(
        "{name} | {now} | {first} | {least} | {middle} | {most} | {}\n",
        course.trend()
    )
}

/// What kind of machine each is, where they differ.
fn words_beside(seen: &[(HostName, Facts)]) -> String {
    let of = |facts: &Facts, what: &str| {
        let identity = facts.identity.present();
        match what {
            "system" => identity.map(|identity| identity.os_name.clone()),
            "kernel" => identity.map(|identity| identity.kernel.clone()),
            _ => facts.units.present().map(|units| {
                let mut failed: Vec<&str> =
                    units.failed.iter().map(|unit| unit.name.as_str()).collect();
                failed.sort_unstable();
                if failed.is_empty() {
                    "none".to_owned()
                } else {
                    failed.join(", ")
                }
            }),
        }
        .unwrap_or_else(|| "not known".to_owned())
    };
    let mut text = String::new();
    for what in ["system", "kernel", "failed units"] {
        let mut by_value: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (host, facts) in seen {
            by_value
                .entry(of(facts, what))
                .or_default()
                .push(host.as_str());
        }
        if by_value.len() == 1 {
            let same = by_value.keys().next().map_or("", String::as_str);
            let _ = writeln!(text, "{what}: the same on all ({same})");
            continue;
        }
        for (value, hosts) in by_value {
            let _ = writeln!(text, "{what}: {value} on {}", hosts.join(", "));
        }
    }
    text
}

fn figures_beside(host: &HostName, seen: &[(HostName, Facts)], wanted: &[String]) -> String {
    let mut by_name: BTreeMap<String, Vec<(&HostName, f64)>> = BTreeMap::new();
    for (name, facts) in seen {
        for (figure, value) in figures(facts) {
            if is_wanted(&figure, wanted) {
                by_name.entry(figure).or_default().push((name, value));
            }
        }
    }
    let mut text = String::from("figure | here | median of all | differs\n");
    for (figure, values) in by_name.into_iter().take(MOST_COMPARED) {
        let Some((_, here)) = values.iter().find(|(name, _)| *name == host) else {
            continue;
        };
        let mut sorted: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(usual) = middle(&sorted) else {
            continue;
        };
        let differs = if is_far(*here, usual, &sorted) {
            "yes"
        } else {
            "no"
        };
        let _ = writeln!(
            text,
            "{figure} | {} | {} | {differs}",
            short(*here),
            short(usual)
        );
    }
    text
}

/// Whether a value stands far from the others, by the middle of their distances from the middle.
fn is_far(value: f64, usual: f64, sorted: &[f64]) -> bool {
    let mut distances: Vec<f64> = sorted.iter().map(|one| (one - usual).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let spread = middle(&distances).unwrap_or(0.0);
    // Where the others are all alike, a twentieth of what they have is a distance.
    let spread = spread.max(usual.abs() / 20.0).max(0.5);
    (value - usual).abs() > FAR * spread
}
