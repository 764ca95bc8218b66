//! What is told from the store, without a word to any host: the facts of the last look, how figures went, how hosts
//! differ. Every answer says how old it is, and what is missing is said to be missing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use watchkeeper_health::Facts;
use watchkeeper_model::{HostName, Timestamp, bounded, visible};
use watchkeeper_store::Sample;

use super::command::NotSeen;
use super::figures::{Course, Figure, course, figures, middle, short};
use crate::WatchError;
use crate::watch::Watch;

/// The longest window of a history; observations are kept no longer by default.
const LONGEST_WINDOW: Duration = Duration::from_secs(7 * 86_400);
/// Pages of observations that one history is read from.
const HISTORY_PAGES: usize = 3;
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
        let window = window.min(LONGEST_WINDOW);
        let history = self.history(host, self.now().before(window)).await?;
        let Some((last_at, _)) = history.last() else {
            return Err(NotSeen::Senseless {
                why: format!("nothing was seen of {host} in that time"),
            });
        };
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
        let mut text = format!(
            "{} looks at {host}, the last {}\nfigure | now | first | min | median | max | trend\n",
            history.len(),
            self.age(*last_at)
        );
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

    async fn history(
        &self,
        host: &HostName,
        mut since: Timestamp,
    ) -> Result<Vec<(Timestamp, Vec<Figure>)>, WatchError> {
        let mut history = Vec::new();
        let mut read = self.store().read().await?;
        for _ in 0..HISTORY_PAGES {
            let page = read
                .observations()
                .list(host, since, watchkeeper_store::MAX_PAGE)
                .await?;
            self.remember_corrupt(&page.corrupt);
            let full = page.rows.len() + page.corrupt.len() >= watchkeeper_store::MAX_PAGE as usize;
            for seen in page.rows {
                since = seen.at.after(Duration::from_millis(1));
                if let Ok(facts) = serde_json::from_value::<Facts>(seen.body) {
                    history.push((seen.at, figures(&facts)));
                }
            }
            if !full {
                break;
            }
        }
        Ok(history)
    }

    /// How long ago something was, in words.
    fn age(&self, at: Timestamp) -> String {
        let seconds = self.now().since(at).as_secs();
        match seconds {
            0..120 => format!("{seconds} s ago"),
            120..7_200 => format!("{} min ago", seconds / 60),
            7_200..172_800 => format!("{} h ago", seconds / 3_600),
            _ => format!("{} d ago", seconds / 86_400),
        }
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
