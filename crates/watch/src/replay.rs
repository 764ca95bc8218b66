//! What the actions of the last days would have got under other orders. Nothing is changed: it is asked again, in the
//! order in which they were proposed, with the same circumstances as far as they are known.

use std::collections::BTreeSet;
use std::time::Duration;

use watchkeeper_fleet::HostEntry;
use watchkeeper_model::{Action, Decision, Digest, HostName, Timestamp};
use watchkeeper_policy::{Orders, Recent, Rules, judge};
use watchkeeper_risk::assess_on;
use watchkeeper_store::ActionFilter;

use crate::WatchError;
use crate::orders::{PlannedSteps, StandingOrders};
use crate::view::{ReplayReport, Replayed, what_it_does};
use crate::watch::Watch;

/// Actions read at a time.
const PAGE: u32 = 200;
/// Most actions that are asked about again; older ones are left out, and that is said.
const MOST_ACTIONS: usize = 5_000;
/// Longest time that is looked back.
pub const MAX_REPLAY_DAYS: u32 = 365;
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

/// Something that would have run by itself.
struct WouldRun {
    at: Timestamp,
    host: HostName,
    steps: Digest,
}

impl Watch {
    /// Asks what the actions of the last days would have got under these orders.
    ///
    /// # Errors
    /// Says what is wrong with the orders, or that the store does not answer.
    pub async fn replay(&self, text: &str, days: u32) -> Result<ReplayReport, WatchError> {
        if !(1..=MAX_REPLAY_DAYS).contains(&days) {
            return Err(WatchError::invalid(format!(
                "days is {days}, and must lie between 1 and {MAX_REPLAY_DAYS}"
            )));
        }
        let orders = StandingOrders::parse(text)
            .map_err(|error| WatchError::invalid(crate::cycle::chain(&error)))?;
        let since = self.now().before(DAY.saturating_mul(days));
        let (mut actions, left_out) = self.actions_since(since).await?;
        actions.sort_by_key(|action| (action.proposed_at, action.number));
        let mut past: Vec<WouldRun> = Vec::new();
        let mut report = ReplayReport {
            days,
            actions: actions.len(),
            left_out,
            changes: Vec::new(),
            gone: BTreeSet::new(),
        };
        for action in &actions {
            let Ok(entry) = self.entry(&action.plan.host) else {
                report.gone.insert(action.plan.host.clone());
                continue;
            };
            let steps = PlannedSteps::from(&action.plan);
            let recent = recent_of(
                &past,
                self,
                &entry,
                &steps,
                &orders.orders,
                action.proposed_at,
            );
            let again = self.judge_under(&orders, &entry, action, &steps, recent);
            if again.would == Decision::Run {
                past.push(WouldRun {
                    at: action.proposed_at,
                    host: action.plan.host.clone(),
                    steps: steps.digest(),
                });
            }
            if again.was != again.would {
                report.changes.push(again);
            }
        }
        Ok(report)
    }

    fn judge_under(
        &self,
        orders: &StandingOrders,
        entry: &HostEntry,
        action: &Action,
        steps: &PlannedSteps,
        recent: Recent,
    ) -> Replayed {
        let current = self.current();
        let rules = Rules {
            settings: &current.settings.policy,
            orders: &orders.orders,
        };
        let at = (recent, action.proposed_at);
        let mut facts = current.facts(entry, &action.plan, steps, &action.proposer, at);
        facts.moment = orders.moment(action.proposed_at);
        let host = self.host_facts(&action.plan.login);
        let assessment = assess_on(&steps.steps, &steps.undo, &host);
        let verdict = judge(&rules, &assessment, &facts);
        Replayed {
            number: action.number,
            host: action.plan.host.clone(),
            what: what_it_does(&action.plan.steps),
            proposed_at: action.proposed_at,
            risk: assessment.level,
            was: action.verdict.decision,
            would: verdict.decision,
            because: verdict.because,
            orders: verdict.orders,
        }
    }

    async fn actions_since(&self, since: Timestamp) -> Result<(Vec<Action>, bool), WatchError> {
        let mut actions: Vec<Action> = Vec::new();
        let mut filter = ActionFilter::default();
        loop {
            let mut read = self.store().read().await?;
            let page = read.actions().list(&filter, PAGE).await?;
            drop(read);
            self.remember_corrupt(&page.corrupt);
            let Some(last) = page.rows.last().map(|action| action.number) else {
                return Ok((actions, false));
            };
            let over = page.rows.iter().all(|action| action.proposed_at < since);
            filter.before = Some(last);
            actions.extend(
                page.rows
                    .into_iter()
                    .filter(|action| action.proposed_at >= since),
            );
            if over {
                return Ok((actions, false));
            }
            if actions.len() >= MOST_ACTIONS {
                actions.truncate(MOST_ACTIONS);
                return Ok((actions, true));
            }
        }
    }
}

/// What would have been done lately, had these orders stood.
fn recent_of(
    past: &[WouldRun],
    watch: &Watch,
    entry: &HostEntry,
    steps: &PlannedSteps,
    orders: &Orders,
    now: Timestamp,
) -> Recent {
    let since = now.before(HOUR);
    let mut counts: Vec<(HostName, u32)> = Vec::new();
    for run in past.iter().filter(|run| run.at > since) {
        match counts.iter_mut().find(|(host, _)| *host == run.host) {
            Some((_, count)) => *count += 1,
            None => counts.push((run.host.clone(), 1)),
        }
    }
    let digest = steps.digest();
    let within = now.before(orders.spread.within.0);
    let same: BTreeSet<HostName> = past
        .iter()
        .filter(|run| run.steps == digest && run.at > within)
        .map(|run| run.host.clone())
        .collect();
    watch.counted(entry, &counts, &same.into_iter().collect::<Vec<_>>())
}
