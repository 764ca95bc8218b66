//! The standing orders in use: what they are asked about one action now, and what was done lately. What they say is
//! `policy`'s; reading their file is `cli`'s.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use watchkeeper_fleet::HostEntry;
use watchkeeper_model::{
    Digest, DigestWriter, GroupName, HostName, Plan, Proposer, Step, Timestamp,
};
use watchkeeper_policy::{
    AssessedExample, Date, Facts, InvalidOrders, LocalMoment, Orders, Recent, Rules, TimeOfDay,
    Weekday,
};
use watchkeeper_store::{Runs, StoreError};

use crate::watch::{Current, Watch};

/// Budgets count by the hour.
const BUDGET_HOUR: Duration = Duration::from_secs(3_600);

/// The standing orders and the time zone that their windows are meant in.
#[derive(Clone, Debug)]
pub struct StandingOrders {
    /// The orders.
    pub orders: Arc<Orders>,
    /// Where the owner's clock stands.
    pub zone: TimeZone,
}

impl Default for StandingOrders {
    fn default() -> Self {
        Self {
            orders: Arc::new(Orders::default()),
            zone: TimeZone::UTC,
        }
    }
}

/// Why a text cannot be used as standing orders.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The orders themselves.
    #[error(transparent)]
    Invalid(#[from] InvalidOrders),
    /// A time zone that this machine does not know.
    #[error(
        "`timezone = {zone:?}` is not known here: write one like \"Europe/Berlin\", and see that the zones are installed (tzdata)"
    )]
    Zone {
        /// What it says.
        zone: String,
        /// Why not.
        #[source]
        source: jiff::Error,
    },
}

/// An example's step as it would be planned and judged.
fn example(step: Step) -> AssessedExample {
    let step = match step {
        Step::Shell { script } => Step::Shell {
            script: watchkeeper_risk::canonical(&script).map_or(script, |found| found.text),
        },
        step => step,
    };
    let assessment = watchkeeper_risk::assess(std::slice::from_ref(&step), &[]);
    AssessedExample { step, assessment }
}

impl StandingOrders {
    /// Reads and checks a file of orders; its examples are assessed by the rules that hold for real actions.
    ///
    /// # Errors
    /// Says all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, OrdersError> {
        let orders = Orders::parse(text, &example)?;
        let zone = match &orders.timezone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|source| OrdersError::Zone {
                zone: name.clone(),
                source,
            })?,
        };
        Ok(Self {
            orders: Arc::new(orders),
            zone,
        })
    }

    /// What time it is where the owner is.
    #[must_use]
    pub fn moment(&self, at: Timestamp) -> LocalMoment {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
        let local = at.to_zoned(self.zone.clone());
        let unsigned = |number: i8| u8::try_from(number).unwrap_or(0);
        let minute = TimeOfDay {
            minute: u16::from(unsigned(local.hour())) * 60 + u16::from(unsigned(local.minute())),
        };
        LocalMoment {
            date: Date {
                year: local.year(),
                month: unsigned(local.month()),
                day: unsigned(local.day()),
            },
            weekday: match local.weekday() {
                jiff::civil::Weekday::Monday => Weekday::Mon,
                jiff::civil::Weekday::Tuesday => Weekday::Tue,
                jiff::civil::Weekday::Wednesday => Weekday::Wed,
                jiff::civil::Weekday::Thursday => Weekday::Thu,
                jiff::civil::Weekday::Friday => Weekday::Fri,
                jiff::civil::Weekday::Saturday => Weekday::Sat,
                jiff::civil::Weekday::Sunday => Weekday::Sun,
            },
            minute: minute.minute,
        }
    }
}

/// The steps of a plan and of its undo, which orders are asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedSteps {
    pub(crate) steps: Vec<Step>,
    pub(crate) undo: Vec<Step>,
}

impl From<&Plan> for PlannedSteps {
    fn from(plan: &Plan) -> Self {
        let steps_of = |planned: &[watchkeeper_model::PlannedStep]| {
            planned.iter().map(|planned| planned.step.clone()).collect()
        };
        Self {
            steps: steps_of(&plan.steps),
            undo: steps_of(&plan.undo),
        }
    }
}

impl PlannedSteps {
    /// The digest of the steps, wherever they run.
    pub(crate) fn digest(&self) -> Digest {
        let writer = DigestWriter::new("watchkeeper steps 1");
        self.steps
            .iter()
            .fold(writer, |writer, step| {
                writer.field(serde_json::json!(step).to_string())
            })
            .finish()
    }
}

impl Current {
    /// Everything the owner decided.
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            settings: &self.settings.policy,
            orders: &self.settings.orders.orders,
        }
    }

    /// What the orders are asked about.
    pub(crate) fn facts<'a>(
        &self,
        entry: &'a HostEntry,
        plan: &'a Plan,
        steps: &'a PlannedSteps,
        proposer: &'a Proposer,
        (recent, now): (Recent, Timestamp),
    ) -> Facts<'a> {
        Facts {
            host: &plan.host,
            groups: &entry.groups,
            tier: entry.tier,
            autonomy: entry.autonomy,
            steps: &steps.steps,
            undo: &steps.undo,
            privilege: plan.privilege,
            proposer,
            worded_by_model: matches!(proposer, Proposer::Model { .. }),
            moment: self.settings.orders.moment(now),
            recent,
        }
    }
}

impl Watch {
    /// What was done lately without a person, as budgets and the spread count it.
    pub(crate) async fn recent<A>(
        &self,
        runs: &mut Runs<'_, A>,
        entry: &HostEntry,
        steps: &PlannedSteps,
    ) -> Result<Recent, StoreError> {
        let now = self.now();
        let within = self.current().settings.orders.orders.spread.within.0;
        let counts = runs.by_orders_since(now.before(BUDGET_HOUR)).await?;
        let same = runs
            .hosts_with_steps_since(steps.digest(), now.before(within))
            .await?;
        Ok(self.counted(entry, &counts, &same))
    }

    /// What was done lately, from the runs on each host and the hosts on which the same was done.
    pub(crate) fn counted(
        &self,
        entry: &HostEntry,
        counts: &[(HostName, u32)],
        same: &[HostName],
    ) -> Recent {
        let others: Vec<&HostName> = same.iter().filter(|host| **host != entry.name).collect();
        let counted = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut recent = Recent {
            on_host: counts
                .iter()
                .find(|(host, _)| *host == entry.name)
                .map_or(0, |(_, count)| *count),
            in_fleet: counts.iter().map(|(_, count)| *count).sum(),
            same_on_hosts: counted(others.len()),
            ..Recent::default()
        };
        for hosts in self.members_of(&entry.groups).values() {
            let runs = counts.iter().filter(|(host, _)| hosts.contains(host));
            recent.in_group = recent.in_group.max(runs.map(|(_, count)| *count).sum());
            let same = others.iter().filter(|host| hosts.contains(host)).count();
            // The group of which the largest share was done decides.
            let larger =
                same * recent.group_size as usize >= recent.same_in_group as usize * hosts.len();
            if recent.group_size == 0 || larger {
                (recent.same_in_group, recent.group_size) = (counted(same), counted(hosts.len()));
            }
        }
        recent
    }

    /// The hosts of each of these groups.
    fn members_of(&self, groups: &[GroupName]) -> BTreeMap<GroupName, Vec<HostName>> {
        let mut members: BTreeMap<GroupName, Vec<HostName>> = groups
            .iter()
            .map(|group| (group.clone(), Vec::new()))
            .collect();
        for entry in self.fleet().inventory().entries() {
            for group in &entry.groups {
                if let Some(hosts) = members.get_mut(group) {
                    hosts.push(entry.name.clone());
                }
            }
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owners_clock_is_the_zones() {
        let orders = StandingOrders {
            zone: TimeZone::fixed(jiff::tz::offset(2)),
            ..StandingOrders::default()
        };
        // 2026-06-15T23:30:00Z, a Monday, is Tuesday two hours east.
        let moment = orders.moment(Timestamp::from_millis(1_781_566_200_000));
        assert_eq!(moment.date.to_string(), "2026-06-16");
        assert_eq!((moment.weekday, moment.minute), (Weekday::Tue, 90));
    }

    #[test]
    fn an_example_is_compared_as_the_text_that_would_run() {
        let orders = |command: &str, example: &str, other: &str| {
            StandingOrders::parse(&format!(
                "schema = 1\n[[order]]\nname = \"one\"\ndecision = \"allow\"\n\
                 when = {{ commands = [\"{command}\"] }}\nmatch = [\"{example}\"]\nnot_match = [\"{other}\"]\n"
            ))
        };
        let canonical = "systemctl restart nginx.service";
        let written = "systemctl   'restart' nginx.service # at night";
        assert!(orders(canonical, written, "systemctl restart ssh.service").is_ok());
        // What is not canonical is never run, so such an order is for nothing, and its example says so.
        assert!(orders(written, written, "systemctl restart ssh.service").is_err());
        assert!(orders(canonical, canonical, written).is_err());
    }
}
