//! `[notify]`: who is told what, how, and when it can wait.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use watchkeeper_model::Span;
use watchkeeper_notify::{ChannelSettings, DailyAt, OpenError, QuietHours, Route, TimeOfDay, open};
use watchkeeper_watch::{DailyDigest, Notifying};

use super::Faults;
use crate::config::key::Key;

/// Most channels.
const MAX_CHANNELS: usize = 50;
/// Most routes.
const MAX_ROUTES: usize = 200;

/// Who is told what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NotifySection {
    /// How long a message waits for others that belong to it: ten hosts with one cause are one message.
    pub(crate) group_wait: Span,
    /// How soon after one message the next about the same cause may follow.
    pub(crate) group_interval: Span,
    /// How often a critical trouble is told again that nobody has acknowledged; `0s`: never.
    pub(crate) repeat_critical: Span,
    /// How many messages may be due at once before they are told in one.
    pub(crate) fold_above: u32,
    /// How long a channel may fail before that is an issue of its own.
    pub(crate) dead_after: Span,
    /// How long a message waits for a channel that fails before it is given up.
    pub(crate) give_up: Span,
    /// Whose clock quiet hours and the digest go by, e.g. `Europe/Berlin`; left out: this machine's own.
    pub(crate) zone: Option<String>,
    /// From when on only what is critical is sent, e.g. `22:00`.
    pub(crate) quiet_from: Option<TimeOfDay>,
    /// Until when, e.g. `07:00`.
    pub(crate) quiet_to: Option<TimeOfDay>,
    /// When it is told once a day how things stand, e.g. `08:00`.
    pub(crate) digest_at: Option<TimeOfDay>,
    /// The channels that get it; none said: all.
    pub(crate) digest_channels: Vec<String>,
    /// The ways to tell people.
    pub(crate) channels: Vec<ChannelSettings>,
    /// What goes where; none said: warnings and what is critical go to every channel.
    pub(crate) routes: Vec<Route>,
}

impl Default for NotifySection {
    fn default() -> Self {
        Self {
            group_wait: Span::seconds(30),
            group_interval: Span::minutes(5),
            repeat_critical: Span::hours(4),
            fold_above: 5,
            dead_after: Span::minutes(10),
            give_up: Span::days(3),
            zone: None,
            quiet_from: None,
            quiet_to: None,
            digest_at: None,
            digest_channels: Vec::new(),
            channels: Vec::new(),
            routes: Vec::new(),
        }
    }
}

impl NotifySection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("notify").name(name);
        for (name, found, least, most) in [
            (
                "group_wait",
                self.group_wait,
                Span::seconds(0),
                Span::minutes(10),
            ),
            (
                "group_interval",
                self.group_interval,
                Span::seconds(0),
                Span::days(1),
            ),
            (
                "repeat_critical",
                self.repeat_critical,
                Span::seconds(0),
                Span::days(30),
            ),
            (
                "dead_after",
                self.dead_after,
                Span::seconds(0),
                Span::days(7),
            ),
            ("give_up", self.give_up, Span::hours(1), Span::days(90)),
        ] {
            faults.span(key(name), found, least, most);
        }
        faults.count(key("fold_above"), self.fold_above, 1, 100);
        if let Err(why) = self.time_zone() {
            faults.add(key("zone"), why);
        }
        if self.quiet_from.is_some() != self.quiet_to.is_some() {
            let why = "notify.quiet_from and notify.quiet_to belong together";
            faults.add(key("quiet_from"), why);
        }
        if self.channels.len() > MAX_CHANNELS || self.routes.len() > MAX_ROUTES {
            let why = format!("there are more than {MAX_CHANNELS} channels or {MAX_ROUTES} routes");
            faults.add(key("channels"), why);
        }
        self.check_channels(faults);
        self.check_names(faults);
    }

    /// Tells what makes no sense in a channel, or in two of one name.
    fn check_channels(&self, faults: &mut Faults) {
        for (place, channel) in self.channels.iter().enumerate() {
            let key = Key::from("notify.channels").place(place);
            if let Err(error) = channel.validate() {
                faults.add(key.name(error.key), error.why);
            }
            let same = self.channels[..place].iter();
            if same.clone().any(|other| other.name == channel.name) {
                let why = format!(
                    "two channels are called {}; give each a name of its own",
                    channel.name
                );
                faults.add(key.name("name"), why);
            }
        }
    }

    /// A name of a channel that there is not would send nothing, silently.
    fn check_names(&self, faults: &mut Faults) {
        let is_known = |name: &String| self.channels.iter().any(|one| one.name == *name);
        let unknown = |name: &String| format!("there is no channel {name}");
        let routes = self.routes.iter().enumerate().flat_map(|(place, route)| {
            let key = Key::from("notify.routes").place(place).name("channels");
            route.channels.iter().map(move |name| (key.clone(), name))
        });
        let digest = self
            .digest_channels
            .iter()
            .map(|name| (Key::from("notify.digest_channels"), name));
        for (key, name) in routes.chain(digest) {
            if !is_known(name) {
                faults.add(key, unknown(name));
            }
        }
    }

    /// Whose clock quiet hours and the digest go by.
    fn time_zone(&self) -> Result<TimeZone, String> {
        match &self.zone {
            None => Ok(TimeZone::system()),
            Some(name) => TimeZone::get(name).map_err(|_| {
                format!(
                    "{name:?} is no time zone that this machine knows; write one like Europe/Berlin, and see that \
                     tzdata is installed"
                )
            }),
        }
    }

    /// How people are told.
    ///
    /// # Errors
    /// When a channel cannot be used: its authority cannot be read, or this system trusts nobody.
    pub(crate) fn notifying(&self) -> Result<Notifying, OpenError> {
        let zone = self.time_zone().unwrap_or(TimeZone::UTC);
        let quiet = self.quiet_from.zip(self.quiet_to);
        let channels = self.channels.iter().cloned().map(open);
        Ok(Notifying {
            channels: channels.collect::<Result<_, _>>()?,
            routes: self.routes.clone(),
            quiet: quiet.map(|(from, to)| QuietHours {
                from,
                to,
                zone: zone.clone(),
            }),
            digest: self.digest_at.map(|at| DailyDigest {
                at: DailyAt { at, zone },
                channels: self.digest_channels.clone(),
            }),
            group_wait: self.group_wait.0,
            group_interval: self.group_interval.0,
            repeat: Some(self.repeat_critical.0).filter(|span| !span.is_zero()),
            dead_after: self.dead_after.0,
            give_up: self.give_up.0,
            fold_above: self.fold_above as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, String)> {
        let section: NotifySection = toml::from_str(text).expect("it can be read");
        let mut faults = Faults::default();
        section.check(&mut faults);
        let told = faults.0.into_iter();
        told.map(|(key, why)| (key.to_string(), why)).collect()
    }

    #[test]
    fn what_makes_no_sense_is_told_by_key() {
        let wrong = faults(
            "zone = 'Nowhere/Else'\nquiet_from = '22:00'\ngive_up = '1s'\ndigest_channels = ['nobody']\n\
             [[channels]]\nname = 'phone'\nurl = 'http://push.example.org'\ntoken_file = '/t'\n\
             [[channels]]\nname = 'phone'\nkind = 'ntfy'\nurl = 'https://ntfy.example.org'\n\
             [[routes]]\nchannels = ['phone', 'mail']\n",
        );
        let keys: Vec<&str> = wrong.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "notify.give_up",
                "notify.zone",
                "notify.quiet_from",
                "notify.channels[0].url",
                "notify.channels[1].topic",
                "notify.channels[1].name",
                "notify.routes[0].channels",
                "notify.digest_channels",
            ]
        );
    }

    #[test]
    fn what_is_said_has_an_effect() {
        let section: NotifySection = toml::from_str(
            "zone = 'Europe/Berlin'\nquiet_from = '22:00'\nquiet_to = '07:00'\ndigest_at = '08:00'\n\
             repeat_critical = '0s'\ngroup_wait = '5s'\nfold_above = 9\n\
             [[channels]]\nname = 'phone'\nurl = 'https://push.example.org'\ntoken_file = '/t'\nperson = 'anna'\n\
             [[routes]]\nevents = ['held', 'outcome']\nseverity = 'critical'\ngroups = ['db']\nchannels = ['phone']\n",
        )
        .expect("it can be read");
        let mut found = Faults::default();
        section.check(&mut found);
        assert!(found.0.is_empty(), "{found:?}");
        let notifying = section.notifying().expect("it can be used");
        assert_eq!(notifying.channels.len(), 1);
        assert_eq!(
            notifying.channels[0].settings().person.as_deref(),
            Some("anna")
        );
        assert_eq!(notifying.repeat, None);
        assert_eq!(
            (notifying.fold_above, notifying.group_wait.as_secs()),
            (9, 5)
        );
        let quiet = notifying.quiet.expect("quiet hours");
        assert!(quiet.are_at("2026-06-15T20:30:00Z".parse().expect("a time")));
        assert!(notifying.digest.is_some());
        assert_eq!(notifying.routes.len(), 1);
    }
}
