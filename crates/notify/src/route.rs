//! Routes: which notices go to which channels. A notice goes to the channels of every route that it fits. What ends
//! something goes where its beginning went, whatever the routes say; that is `watch`'s to know.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use watchkeeper_model::{GroupName, HostName, Severity};

use crate::notice::{Event, Notice};

/// Which notices go where. What is left empty fits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// What has happened; empty: everything but `diagnosed`.
    pub events: Vec<Event>,
    /// At least so bad. What a person sends by `notify` goes out however bad it is.
    pub severity: Severity,
    /// On one of these hosts.
    pub hosts: Vec<HostName>,
    /// On a host of one of these groups.
    pub groups: Vec<GroupName>,
    /// To these channels; empty: to all.
    pub channels: Vec<String>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            severity: Severity::Warning,
            hosts: Vec::new(),
            groups: Vec::new(),
            channels: Vec::new(),
        }
    }
}

impl Route {
    fn fits(&self, notice: &Notice, groups: &[GroupName]) -> bool {
        let event = if self.events.is_empty() {
            notice.event != Event::Diagnosed
        } else {
            self.events.contains(&notice.event)
        };
        let bad_enough = notice.event == Event::Message || notice.severity >= self.severity;
        let is_there = if self.hosts.is_empty() && self.groups.is_empty() {
            true
        } else {
            let host = notice.host.as_ref();
            host.is_some_and(|host| self.hosts.contains(host))
                || groups.iter().any(|group| self.groups.contains(group))
        };
        event && bad_enough && is_there
    }
}

/// All routes, over the channels that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// The channels by name, in their order.
    pub channels: Vec<String>,
    /// The routes; none: every warning and everything critical goes to every channel.
    pub routes: Vec<Route>,
}

impl Routing {
    /// The channels that a notice goes to, each once, in the order of the configuration. `groups` are those of its host.
    #[must_use]
    pub fn channels_for(&self, notice: &Notice, groups: &[GroupName]) -> Vec<String> {
        let everything = [Route::default()];
        let routes = if self.routes.is_empty() {
            &everything[..]
        } else {
            &self.routes
        };
        let fitting = routes.iter().filter(|route| route.fits(notice, groups));
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for route in fitting {
            if route.channels.is_empty() {
                wanted.extend(self.channels.iter().map(String::as_str));
            }
            wanted.extend(route.channels.iter().map(String::as_str));
        }
        let there = self.channels.iter().filter(|name| {
            wanted.contains(name.as_str()) && notice.of_channel.as_ref() != Some(*name)
        });
        there.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::opened;

    fn routing(routes: Vec<Route>) -> Routing {
        Routing {
            channels: vec!["phone".to_owned(), "mail".to_owned(), "ops".to_owned()],
            routes,
        }
    }

    fn to(channels: &[&str]) -> Route {
        Route {
            channels: channels.iter().map(ToString::to_string).collect(),
            ..Route::default()
        }
    }

    fn check(routing: &Routing, notice: &Notice, groups: &[&str], expect: &[&str]) {
        let groups: Vec<GroupName> = groups
            .iter()
            .map(|name| name.parse().expect("a group"))
            .collect();
        assert_eq!(
            routing.channels_for(notice, &groups),
            expect,
            "{notice:?} {groups:?}"
        );
    }

    #[test]
    fn with_no_routes_warnings_and_worse_go_everywhere() {
        let all = routing(Vec::new());
        let everywhere = &["phone", "mail", "ops"][..];
        check(
            &all,
            &opened("web1", 1, "x", Severity::Warning),
            &[],
            everywhere,
        );
        check(
            &all,
            &opened("web1", 1, "x", Severity::Critical),
            &[],
            everywhere,
        );
        check(&all, &opened("web1", 1, "x", Severity::Info), &[], &[]);
    }

    #[test]
    fn a_notice_goes_to_the_channels_of_every_route_it_fits_each_once() {
        let critical = Route {
            severity: Severity::Critical,
            ..to(&["phone", "mail"])
        };
        let web = Route {
            groups: vec!["web".parse().expect("a group")],
            ..to(&["ops"])
        };
        let db1 = Route {
            hosts: vec![HostName::new("db1").expect("a name")],
            ..to(&["mail"])
        };
        let all = routing(vec![critical, web, db1]);
        let cases: [(&str, Severity, &[&str], &[&str]); 5] = [
            (
                "web1",
                Severity::Critical,
                &["web"],
                &["phone", "mail", "ops"],
            ),
            ("web1", Severity::Warning, &["web"], &["ops"]),
            ("web1", Severity::Warning, &[], &[]),
            ("db1", Severity::Warning, &[], &["mail"]),
            ("db1", Severity::Info, &["web"], &[]),
        ];
        for (host, severity, groups, expect) in cases {
            check(&all, &opened(host, 1, "x", severity), groups, expect);
        }
    }

    #[test]
    fn diagnoses_are_told_only_where_they_are_asked_for_and_words_of_people_always() {
        let diagnosed = Notice {
            event: Event::Diagnosed,
            ..opened("web1", 1, "x", Severity::Critical)
        };
        check(&routing(Vec::new()), &diagnosed, &[], &[]);
        let asked = Route {
            events: vec![Event::Diagnosed],
            ..to(&["ops"])
        };
        check(&routing(vec![asked]), &diagnosed, &[], &["ops"]);
        let message = Notice {
            event: Event::Message,
            ..opened("web1", 1, "x", Severity::Info)
        };
        check(&routing(vec![to(&["phone"])]), &message, &[], &["phone"]);
    }

    #[test]
    fn a_channels_own_trouble_is_not_sent_there_and_a_channel_that_is_gone_gets_nothing() {
        let dead = Notice {
            of_channel: Some("phone".to_owned()),
            ..opened("web1", 1, "x", Severity::Warning)
        };
        check(&routing(Vec::new()), &dead, &[], &["mail", "ops"]);
        check(&routing(vec![to(&["gone"])]), &dead, &[], &[]);
    }
}
