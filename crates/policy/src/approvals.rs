//! Who may approve an action: how many different people, which, and never the one who asked for it.

use watchkeeper_model::{Assessment, Proposer, Step};

use crate::Facts;
use crate::orders::{Orders, OwnRequests, Pattern, Steps};

/// What an approval of one action needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalNeed {
    /// So many different people; at least one.
    pub approvers: u32,
    /// The rules that ask for it, by name.
    pub rules: Vec<String>,
    /// Who may: of each list one pattern must name the person. Everybody where there is none.
    pub people: Vec<(String, Vec<Pattern>)>,
}

/// Why a person's approval is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNotApprove {
    /// They asked for it themselves.
    #[error("{person} asked for this, so somebody else must approve it")]
    OwnRequest {
        /// Who.
        person: String,
    },
    /// They are not among those who may.
    #[error("the rule `{rule}` lets others approve this, and not {person}")]
    NotAmongThem {
        /// Who.
        person: String,
        /// Which rule.
        rule: String,
    },
    /// They have already approved it.
    #[error("{person} has approved this already, and {missing} more must")]
    Already {
        /// Who.
        person: String,
        /// How many others are missing.
        missing: u32,
    },
}

/// What an approval of this action needs.
#[must_use]
pub fn approval_need(orders: &Orders, assessment: &Assessment, facts: &Facts<'_>) -> ApprovalNeed {
    let steps: Vec<&Step> = facts.steps.iter().chain(facts.undo).collect();
    let mut need = ApprovalNeed {
        approvers: 1,
        rules: Vec::new(),
        people: Vec::new(),
    };
    for rule in &orders.approvals {
        let holds = rule.when.holds_for(orders, facts)
            && rule.when.holds_for_steps(&steps, Steps::Any)
            && (!rule.when.asks_of_effects()
                || assessment
                    .effects
                    .iter()
                    .any(|effect| rule.when.holds_for_effect(effect)));
        if !holds {
            continue;
        }
        need.approvers = need.approvers.max(rule.approvers);
        need.rules.push(rule.name.clone());
        if !rule.people.is_empty() {
            need.people.push((rule.name.clone(), rule.people.clone()));
        }
    }
    need
}

/// Whether a person may add their approval to those there are.
///
/// # Errors
/// Says why not.
pub fn may_approve(
    need: &ApprovalNeed,
    own: OwnRequests,
    proposer: &Proposer,
    person: &str,
    earlier: &[&str],
) -> Result<(), MayNotApprove> {
    let person_named = || person.to_owned();
    if let Proposer::Person { name } = proposer
        && name == person
        && own == OwnRequests::Refuse
    {
        return Err(MayNotApprove::OwnRequest {
            person: person_named(),
        });
    }
    if let Some((rule, _)) = need
        .people
        .iter()
        .find(|(_, people)| !people.iter().any(|pattern| pattern.matches(person)))
    {
        return Err(MayNotApprove::NotAmongThem {
            person: person_named(),
            rule: rule.clone(),
        });
    }
    if earlier.contains(&person) {
        let given = u32::try_from(earlier.len()).unwrap_or(u32::MAX);
        return Err(MayNotApprove::Already {
            person: person_named(),
            missing: need.approvers.saturating_sub(given),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(approvers: u32, people: &[&str]) -> ApprovalNeed {
        let patterns = people.iter().map(|name| name.parse().expect("a pattern"));
        ApprovalNeed {
            approvers,
            rules: vec!["two".to_owned()],
            people: if people.is_empty() {
                Vec::new()
            } else {
                vec![("two".to_owned(), patterns.collect())]
            },
        }
    }

    fn asked(need: &ApprovalNeed, own: OwnRequests, person: &str, earlier: &[&str]) -> String {
        let anna = Proposer::Person {
            name: "anna".to_owned(),
        };
        match may_approve(need, own, &anna, person, earlier) {
            Ok(()) => "yes".to_owned(),
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn nobody_approves_what_they_asked_for_unless_the_orders_say_so() {
        let one = need(1, &[]);
        assert_eq!(
            asked(&one, OwnRequests::Refuse, "anna", &[]),
            "anna asked for this, so somebody else must approve it"
        );
        assert_eq!(asked(&one, OwnRequests::Allow, "anna", &[]), "yes");
        assert_eq!(asked(&one, OwnRequests::Refuse, "bob", &[]), "yes");
    }

    #[test]
    fn approvals_are_by_different_people_and_only_by_those_who_may() {
        let two = need(2, &["b*"]);
        assert_eq!(asked(&two, OwnRequests::Refuse, "bob", &[]), "yes");
        assert_eq!(
            asked(&two, OwnRequests::Refuse, "bob", &["bob"]),
            "bob has approved this already, and 1 more must"
        );
        assert_eq!(
            asked(&two, OwnRequests::Refuse, "carl", &["bob"]),
            "the rule `two` lets others approve this, and not carl"
        );
    }
}
