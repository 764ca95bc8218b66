//! Looking at many hosts: bounded in parallel, each for itself, so that a slow or hanging one delays nobody else.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use std::collections::BTreeSet;
use std::sync::Arc;

use watchkeeper_fleet::{Engine, HostEntry};
use watchkeeper_health::Facts;
use watchkeeper_model::{HostName, IssueState, Timestamp};
use watchkeeper_store::{ActionFilter, IssueFilter, Read, StoreError};

use crate::WatchError;
use crate::look::Seen;
use crate::tracking::Tracked;
use crate::view::{
    ActionBrief, CheckLine, CheckProgress, CheckReport, HostIdentity, HostReport, OutcomeWord,
    Unseen, what_it_does,
};
use crate::watch::Watch;

/// How long a check waits for a host that somebody else is looking at.
const BUSY_WAIT: Duration = Duration::from_secs(60);
/// How often it asks.
const BUSY_POLL: Duration = Duration::from_millis(250);
/// Open issues that are counted one by one, where the store cannot count them.
const ISSUES_COUNTED: u32 = 1_000;
/// Actions of a host that are looked through for the report.
const ACTIONS_LOOKED_THROUGH: u32 = 100;

impl Watch {
    /// Refuses names that are not in the inventory.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn known_hosts(&self, hosts: &[HostName]) -> Result<(), WatchError> {
        hosts.iter().try_for_each(|host| self.entry(host).map(drop))
    }

    /// Looks at these hosts now, or at all when none is named, and says what was seen.
    ///
    /// # Errors
    /// When a host is not in the inventory, or the store does not answer. A host that is not reached is a report.
    pub async fn check(
        &self,
        hosts: &[HostName],
        mut progress: impl FnMut(CheckProgress),
    ) -> Result<CheckReport, WatchError> {
        let started_at = self.now();
        let entries = self.chosen(hosts)?;
        self.sync_inventory().await?;
        let parallel = self.current().settings.looking.parallel.max(1);
        let ahead = ClaimedAhead::new(&entries, parallel);
        // Made one by one as there is room: a future that waits its turn would cost its memory all the while.
        let mut running = stream::iter(entries.iter().cloned().enumerate())
            .map(|(place, entry)| {
                let ahead = &ahead;
                async move { (place, self.check_host(place, &entry, ahead).await) }
            })
            .buffer_unordered(parallel);
        let total = entries.len();
        let mut reports: Vec<Option<HostReport>> = vec![None; total];
        let mut done = 0;
        while let Some((place, report)) = running.next().await {
            done += 1;
            let seen = report.failure.is_none() && report.errors.is_empty();
            progress(CheckProgress {
                done,
                total,
                host: report.host.clone(),
                seen,
            });
            reports[place] = Some(report);
        }
        drop(running);
        let mut read = self.store().read().await?;
        let (open_issues, waiting_actions) = self.counts(&mut read).await?;
        Ok(CheckReport {
            started_at,
            took_ms: millis(self.now().since(started_at)),
            hosts: reports.into_iter().flatten().collect(),
            open_issues,
            waiting_actions,
            model: self.model_status().text,
        })
    }

    fn chosen(&self, hosts: &[HostName]) -> Result<Vec<Arc<HostEntry>>, WatchError> {
        if hosts.is_empty() {
            return Ok(self.fleet().inventory().entries().cloned().collect());
        }
        let mut chosen: Vec<Arc<HostEntry>> = Vec::new();
        for host in hosts {
            let entry = self.entry(host)?;
            if !chosen.contains(&entry) {
                chosen.push(entry);
            }
        }
        Ok(chosen)
    }

    /// Tells the store which hosts there are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sync_inventory(&self) -> Result<(), WatchError> {
        let names = self.fleet().hosts();
        let mut tx = self.store().begin().await?;
        tx.hosts().sync(&self.name(), &names, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Looks at one host, stores what was seen, and goes on to what follows from it.
    async fn check_host(
        &self,
        place: usize,
        entry: &HostEntry,
        ahead: &ClaimedAhead<'_>,
    ) -> HostReport {
        let claimed = match ahead.take(self, place).await {
            Ok(true) => Ok(()),
            Ok(false) => self.claim_host(entry).await,
            Err(error) => Err(error),
        };
        if let Err(error) = claimed {
            return failed_report(entry, &error);
        }
        self.check_claimed(entry, None).await
    }

    /// The same for a host whose lease this controller holds already.
    pub(crate) async fn check_claimed(
        &self,
        entry: &HostEntry,
        next_due: Option<Timestamp>,
    ) -> HostReport {
        let seen = self.look(entry).await;
        let tracked = match self.record_look(entry, &seen, next_due).await {
            Ok(tracked) => tracked,
            Err(error) => {
                self.remember_if_corrupt(&error);
                self.unstored_looks().insert(entry.name.clone());
                tracing::error!(host.id = %entry.name, error = chain(&error), "a look could not be stored");
                return HostReport {
                    errors: vec![chain(&error)],
                    ..report(entry, &seen, &[])
                };
            }
        };
        let mut errors = Vec::new();
        if let Err(error) = self.consider(entry, &seen, &tracked).await {
            self.remember_if_corrupt(&error);
            tracing::error!(host.id = %entry.name, error = chain(&error), "what follows from a look could not be done");
            errors.push(chain(&error));
        }
        let mut report = HostReport {
            errors,
            ..report(entry, &seen, &tracked)
        };
        if tracked.iter().any(Tracked::firing)
            && let Err(error) = self.name_actions(&mut report, &tracked).await
        {
            report.errors.push(chain(&error));
        }
        report
    }

    /// Gives back the leases of looks that could not be stored, so that nobody waits for them to run out.
    pub(crate) async fn give_back_leases(&self) -> Result<(), WatchError> {
        // Taken, not read: whoever comes second would give back a lease that was claimed anew.
        let hosts = std::mem::take(&mut *self.unstored_looks());
        if hosts.is_empty() {
            return Ok(());
        }
        let given_back = async {
            let mut tx = self.store().begin().await?;
            for host in &hosts {
                tx.hosts().give_back(host, self.controller()).await?;
            }
            tx.commit().await
        };
        if let Err(error) = given_back.await {
            self.unstored_looks().extend(hosts);
            return Err(error.into());
        }
        Ok(())
    }

    async fn claim_host(&self, entry: &HostEntry) -> Result<(), WatchError> {
        self.give_back_leases().await?;
        let give_up = tokio::time::Instant::now() + BUSY_WAIT;
        loop {
            let now = self.now();
            let mut tx = self.store().begin().await?;
            let claimed = tx
                .hosts()
                .claim(&entry.name, self.controller(), now, self.look_lease())
                .await?;
            tx.commit().await?;
            if claimed {
                return Ok(());
            }
            if tokio::time::Instant::now() >= give_up {
                return Err(WatchError::invalid(format!(
                    "another controller has been looking at {} for too long",
                    entry.name
                )));
            }
            tokio::time::sleep(BUSY_POLL).await;
        }
    }

    /// How long a look may take before another controller may make it: two probes of the slowest host, and some more.
    pub(crate) fn look_lease(&self) -> Duration {
        let inventory = self.fleet().inventory();
        let slowest = inventory.entries().map(|entry| entry.probe_timeout).max();
        let deadline = self.current().settings.looking.deadline;
        deadline.max(slowest.unwrap_or_default()) * 2 + Duration::from_secs(60)
    }

    async fn name_actions(
        &self,
        report: &mut HostReport,
        tracked: &[Tracked],
    ) -> Result<(), WatchError> {
        let states = vec!["held", "approved", "running", "verifying"];
        let filter = ActionFilter {
            states,
            host: Some(report.host.clone()),
            ..ActionFilter::default()
        };
        let actions = self
            .store()
            .read()
            .await?
            .actions()
            .list(&filter, ACTIONS_LOOKED_THROUGH)
            .await?;
        for (line, subject) in report.results.iter_mut().filter_map(|line| {
            let subject = tracked
                .iter()
                .find(|one| one.result.check == line.check && one.result.subject == line.subject);
            Some((line, subject?))
        }) {
            let action = actions
                .rows
                .iter()
                .find(|action| action.fingerprint == Some(subject.fingerprint));
            line.action = action.map(|action| ActionBrief {
                number: action.number,
                state: action.state.as_str().to_owned(),
                what: what_it_does(&action.plan.steps),
            });
        }
        Ok(())
    }
}

impl Watch {
    /// Open issues and waiting actions over all hosts. A state that cannot be read is none of them.
    pub(crate) async fn counts(&self, read: &mut Read) -> Result<(i64, i64), WatchError> {
        let issues = match read.issues().counts().await {
            Err(StoreError::CorruptRow(row)) => {
                self.remember_corrupt(&[row]);
                let filter = IssueFilter {
                    states: vec![IssueState::Open, IssueState::Acknowledged],
                    ..IssueFilter::default()
                };
                let open = read.issues().list(&filter, ISSUES_COUNTED).await?;
                vec![(IssueState::Open, open.rows.len() as i64)]
            }
            counted => counted?,
        };
        let open = issues
            .iter()
            .filter(|(state, _)| state.is_active())
            .map(|(_, count)| count)
            .sum();
        let held = read
            .actions()
            .counts()
            .await?
            .iter()
            .filter(|(state, _)| state == "held")
            .map(|(_, count)| count)
            .sum();
        Ok((open, held))
    }
}

fn report(entry: &HostEntry, seen: &Seen, tracked: &[Tracked]) -> HostReport {
    let mut results: Vec<CheckLine> = tracked
        .iter()
        .map(|subject| CheckLine {
            issue: subject.issue,
            firing: subject.firing(),
            ..CheckLine::of(&subject.result)
        })
        .collect();
    results.sort_by(|a, b| {
        (
            a.outcome != OutcomeWord::Found,
            b.severity,
            &a.check,
            &a.subject,
        )
            .cmp(&(
                b.outcome != OutcomeWord::Found,
                a.severity,
                &b.check,
                &b.subject,
            ))
    });
    HostReport {
        host: entry.name.clone(),
        local: entry.engine() == Engine::Local,
        identity: seen.look.result.as_ref().ok().and_then(identity),
        took_ms: millis(seen.took),
        failure: seen.look.result.as_ref().err().map(Unseen::from),
        results,
        errors: Vec::new(),
    }
}

fn failed_report(entry: &HostEntry, error: &WatchError) -> HostReport {
    HostReport {
        host: entry.name.clone(),
        local: entry.engine() == Engine::Local,
        identity: None,
        took_ms: 0,
        failure: None,
        results: Vec::new(),
        errors: vec![chain(error)],
    }
}

/// Hosts whose leases are taken several at a time, shortly before their turn: one commit for all of them.
struct ClaimedAhead<'a> {
    entries: &'a [Arc<HostEntry>],
    at_once: usize,
    state: tokio::sync::Mutex<Ahead>,
}

/// How far claiming has come, and what of it was not taken yet.
#[derive(Default)]
struct Ahead {
    until: usize,
    claimed: BTreeSet<HostName>,
}

impl<'a> ClaimedAhead<'a> {
    fn new(entries: &'a [Arc<HostEntry>], at_once: usize) -> Self {
        Self {
            entries,
            at_once,
            state: tokio::sync::Mutex::default(),
        }
    }

    /// Whether the lease of the host at this place is ours now. False where somebody else is looking at it.
    async fn take(&self, watch: &Watch, place: usize) -> Result<bool, WatchError> {
        let mut ahead = self.state.lock().await;
        if place >= ahead.until {
            watch.give_back_leases().await?;
            let end = self.entries.len().min(place + self.at_once);
            let names: Vec<&HostName> = self.entries[ahead.until..end]
                .iter()
                .map(|entry| &entry.name)
                .collect();
            let mut tx = watch.store().begin().await?;
            let claimed = tx
                .hosts()
                .claim_all(&names, watch.controller(), watch.now(), watch.look_lease())
                .await?;
            tx.commit().await?;
            ahead.claimed.extend(claimed);
            ahead.until = end;
        }
        Ok(ahead.claimed.remove(&self.entries[place].name))
    }
}

/// What a host is, from its facts.
pub(crate) fn identity(facts: &Facts) -> Option<HostIdentity> {
    let identity = facts.identity.present()?;
    Some(HostIdentity {
        hostname: identity.hostname.clone(),
        os: identity.os_name.clone(),
        kernel: identity.kernel.clone(),
        uptime_s: Some(identity.uptime_s),
        cores: identity.cores,
        memory_bytes: facts.memory.present().map(|memory| memory.total_bytes),
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
