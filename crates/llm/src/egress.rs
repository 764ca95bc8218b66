//! What may leave for which lane. What hosts say goes to a lane on this very machine always, to one on its owner's
//! premises (`private`) unless a rule says less, and anywhere else only where a rule says so. Pure; asked per host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchkeeper_model::GroupName;

use crate::Lane;

/// Stands for all lanes on the owner's premises.
pub const PRIVATE: &str = "private";
/// Stands for every host that none of the rules of its groups is about.
pub const EVERY_HOST: &str = "*";

/// Where the text of hosts may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Egress {
    /// For a group, or `*`: the lanes by name, `private` for all on the owner's premises.
    pub rules: BTreeMap<String, Vec<String>>,
}

/// Why a host's text does not go to a lane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressRefused {
    /// The rule of one of its groups names other lanes.
    #[error(
        "what hosts of `{group}` say may not go to lane `{lane}`: egress.groups names other lanes for them"
    )]
    ByRule {
        /// Whose rule.
        group: String,
        /// Which lane.
        lane: String,
    },
    /// No rule speaks of it, and the lane is not on the owner's premises.
    #[error(
        "what hosts say does not go to lane `{lane}`, which is not on the owner's premises: no rule of egress.groups allows it"
    )]
    NotPrivate {
        /// Which lane.
        lane: String,
    },
}

impl Egress {
    /// Whether what a host of these groups says may be sent to a lane. Each of its groups that has a rule must allow
    /// it; where none has one, the rule for every host counts; without that, the premises.
    ///
    /// # Errors
    /// Says which rule forbids it.
    pub fn may_send(&self, groups: &[GroupName], lane: &Lane) -> Result<(), EgressRefused> {
        if lane.url.is_local() {
            return Ok(());
        }
        let mut is_ruled = false;
        for group in groups {
            if let Some(lanes) = self.rules.get(group.as_str()) {
                is_ruled = true;
                Self::allows(group.as_str(), lanes, lane)?;
            }
        }
        if is_ruled {
            return Ok(());
        }
        match self.rules.get(EVERY_HOST) {
            Some(lanes) => Self::allows(EVERY_HOST, lanes, lane),
            None if lane.private => Ok(()),
            None => Err(EgressRefused::NotPrivate {
                lane: lane.name.clone(),
            }),
        }
    }

    fn allows(group: &str, lanes: &[String], lane: &Lane) -> Result<(), EgressRefused> {
        let is_named = lanes
            .iter()
            .any(|name| *name == lane.name || (name == PRIVATE && lane.private));
        if is_named {
            return Ok(());
        }
        Err(EgressRefused::ByRule {
            group: group.to_owned(),
            lane: lane.name.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        let mut lane = Lane::new("m");
        lane.name = name.to_owned();
        let url = match name {
            "here" => "http://127.0.0.1:11434",
            "gpu" => "http://gpu.example.org:8000",
            _ => "https://api.example.com",
        };
        lane.url = url.parse().expect("an address");
        lane.private = name == "gpu";
        lane
    }

    /// Which of three lanes (this machine, the owner's, somebody else's) a host of these groups may be told to.
    fn check(rules: &[(&str, &[&str])], groups: &[&str], expected: &[&str]) {
        let egress = Egress {
            rules: rules
                .iter()
                .map(|(group, lanes)| {
                    let lanes = lanes.iter().map(|lane| (*lane).to_owned()).collect();
                    ((*group).to_owned(), lanes)
                })
                .collect(),
        };
        let groups: Vec<GroupName> = groups
            .iter()
            .map(|group| GroupName::new(*group).expect("a group"))
            .collect();
        let allowed: Vec<&str> = ["here", "gpu", "cloud"]
            .into_iter()
            .filter(|name| egress.may_send(&groups, &lane(name)).is_ok())
            .collect();
        assert_eq!(allowed, expected, "{rules:?} for {groups:?}");
    }

    #[test]
    fn without_a_rule_nothing_leaves_the_premises() {
        check(&[], &[], &["here", "gpu"]);
        check(&[], &["web"], &["here", "gpu"]);
        check(&[("db", &["cloud"])], &["web"], &["here", "gpu"]);
    }

    #[test]
    fn a_rule_says_all_that_is_allowed_beyond_this_machine() {
        check(&[("web", &["cloud"])], &["web"], &["here", "cloud"]);
        check(
            &[("web", &["private", "cloud"])],
            &["web"],
            &["here", "gpu", "cloud"],
        );
        check(&[("web", &["gpu"])], &["web"], &["here", "gpu"]);
        check(&[("web", &[])], &["web"], &["here"]);
    }

    #[test]
    fn of_several_groups_each_that_has_a_rule_must_allow_it() {
        let rules: &[(&str, &[&str])] = &[("web", &["private", "cloud"]), ("secret", &[])];
        check(rules, &["web", "secret"], &["here"]);
        check(rules, &["secret", "web"], &["here"]);
        check(rules, &["web", "unsaid"], &["here", "gpu", "cloud"]);
    }

    #[test]
    fn the_rule_for_every_host_counts_where_no_group_has_one() {
        let rules: &[(&str, &[&str])] = &[("*", &["cloud"]), ("db", &["private"])];
        check(rules, &[], &["here", "cloud"]);
        check(rules, &["web"], &["here", "cloud"]);
        check(rules, &["db"], &["here", "gpu"]);
    }

    #[test]
    fn a_refusal_names_the_lane_and_the_rule() {
        let egress = Egress {
            rules: BTreeMap::from([("db".to_owned(), Vec::new())]),
        };
        let group = GroupName::new("db").expect("a group");
        let refused = egress
            .may_send(&[group], &lane("cloud"))
            .expect_err("refused");
        assert!(refused.to_string().contains("`db`") && refused.to_string().contains("`cloud`"));
        let refused = egress.may_send(&[], &lane("cloud")).expect_err("refused");
        assert_eq!(
            refused,
            EgressRefused::NotPrivate {
                lane: "cloud".to_owned()
            }
        );
    }
}
