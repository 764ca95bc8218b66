//! How the watch is doing. Nothing here is stored: it is counted when asked.

use watchkeeper_fleet::{Engine, HostEntry};
use watchkeeper_health::Facts;
use watchkeeper_model::{HostName, IssueState, Severity};
use watchkeeper_store::{
    ActionFilter, IssueFilter, JobFilter, LogFilter as StoredFilter, LogOrder, Read, WatchedHost,
};

use crate::WatchError;
use crate::cycle::{chain, identity};
use crate::view::{
    HostCounts, JobCounts, LogStatus, SeverityCounts, StatusReport, SystemLine, Unseen,
};
use crate::watch::Watch;

/// Rows read for one answer.
const MAX_ROWS: u32 = 1_000;

impl Watch {
    /// How the watch is doing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn status(&self, daemon: bool) -> Result<StatusReport, WatchError> {
        let current = self.current();
        let changed_files = self.changed_files().await;
        let mut read = self.store().read().await?;
        let (issues, troubled) = self.open_issues(&mut read).await?;
        let actions = read.actions().counts().await?;
        let count = |words: &[&str]| {
            actions
                .iter()
                .filter(|(state, _)| words.contains(&state.as_str()))
                .map(|(_, n)| n)
                .sum()
        };
        let jobs = read.jobs().counts().await?;
        let jobs_in = |word: &str| {
            jobs.iter()
                .find(|(state, _)| state == word)
                .map_or(0, |(_, n)| *n)
        };
        let watched = self.watched(&mut read).await?;
        self.look_for_corrupt(&mut read).await?;
        let newest = StoredFilter {
            order: LogOrder::NewestFirst,
            ..StoredFilter::default()
        };
        let newest = read
            .log()
            .list(&newest, 1)
            .await?
            .rows
            .first()
            .map(|entry| entry.record.at);
        Ok(StatusReport {
            name: current.settings.name.clone(),
            daemon,
            autonomy: current.settings.policy.autonomy,
            hosts: self.host_counts(&watched, &troubled),
            issues,
            waiting_actions: count(&["held"]),
            running_actions: count(&["approved", "running", "verifying"]),
            unknown_actions: count(&["unknown"]),
            jobs: JobCounts {
                queued: jobs_in("queued"),
                leased: jobs_in("leased"),
                failed: jobs_in("failed"),
            },
            model: self.model_status(),
            channels: self.channel_lines(&mut read).await?,
            store: current.settings.store_label.clone(),
            last_look: watched.iter().filter_map(|host| host.looked_at).max(),
            log: LogStatus {
                entries: read.log().head().await?.0,
                newest,
            },
            corrupt: self.corrupt_rows(),
            changed_files,
        })
    }

    /// The hosts of the inventory, with what is known of each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn systems(&self) -> Result<Vec<SystemLine>, WatchError> {
        let current = self.current();
        let mut read = self.store().read().await?;
        let (_, troubled) = self.open_issues(&mut read).await?;
        let entries: Vec<_> = self.fleet().inventory().entries().cloned().collect();
        let mut lines = Vec::with_capacity(entries.len());
        for entry in &entries {
            let watched = self.or_absent(read.hosts().get(&entry.name).await)?;
            let observation = self.or_absent(read.observations().latest(&entry.name).await)?;
            let facts =
                observation.and_then(|seen| serde_json::from_value::<Facts>(seen.body).ok());
            lines.push(SystemLine {
                host: entry.name.clone(),
                reached: String::new(),
                tier: entry.tier,
                autonomy: current.settings.autonomy(entry),
                groups: entry.groups.clone(),
                state: host_state(watched.as_ref(), &troubled, &entry.name).to_owned(),
                identity: facts.as_ref().and_then(identity),
                last_look: watched.as_ref().and_then(|host| host.looked_at),
                failure: watched
                    .and_then(|host| host.failure)
                    .as_ref()
                    .map(Unseen::from),
            });
        }
        // Finding the way may take a process of its own: the store is not kept meanwhile.
        drop(read);
        for (line, entry) in lines.iter_mut().zip(&entries) {
            line.reached = self.reached(entry).await;
        }
        Ok(lines)
    }

    /// How a host is reached, in words.
    async fn reached(&self, entry: &HostEntry) -> String {
        match entry.engine() {
            Engine::Local => "this machine".to_owned(),
            Engine::Simulated => "simulated".to_owned(),
            engine => match self.ssh_target(entry).await {
                Ok(target) => format!(
                    "{}@{} by {}",
                    target.login,
                    target.address_and_port(),
                    engine.as_str()
                ),
                Err(error) => chain(&error),
            },
        }
    }

    async fn open_issues(
        &self,
        read: &mut Read,
    ) -> Result<(SeverityCounts, Vec<HostName>), WatchError> {
        let states = vec![IssueState::Open, IssueState::Acknowledged];
        let filter = IssueFilter {
            states,
            ..IssueFilter::default()
        };
        let open = read.issues().list(&filter, MAX_ROWS).await?;
        self.remember_corrupt(&open.corrupt);
        let mut counts = SeverityCounts::default();
        for issue in &open.rows {
            match issue.severity {
                Severity::Critical => counts.critical += 1,
                Severity::Warning => counts.warning += 1,
                Severity::Info => counts.info += 1,
            }
        }
        let serious = open
            .rows
            .into_iter()
            .filter(|issue| issue.severity > Severity::Info);
        Ok((counts, serious.filter_map(|issue| issue.host).collect()))
    }

    /// Reads what else is under way only to name the rows that cannot be read.
    async fn look_for_corrupt(&self, read: &mut Read) -> Result<(), WatchError> {
        let actions = ActionFilter {
            states: vec!["held", "approved", "running", "verifying"],
            ..ActionFilter::default()
        };
        let jobs = JobFilter {
            states: vec!["queued", "leased"],
            ..JobFilter::default()
        };
        self.remember_corrupt(&read.actions().list(&actions, MAX_ROWS).await?.corrupt);
        self.remember_corrupt(&read.runs().list_live(MAX_ROWS).await?.corrupt);
        self.remember_corrupt(&read.findings().firing(MAX_ROWS).await?.corrupt);
        self.remember_corrupt(&read.jobs().list(&jobs, MAX_ROWS).await?.corrupt);
        Ok(())
    }

    async fn watched(&self, read: &mut Read) -> Result<Vec<WatchedHost>, WatchError> {
        let mut all: Vec<WatchedHost> = Vec::new();
        loop {
            let after = all.last().map(|host| host.host.clone());
            let page = read.hosts().list(after.as_ref(), MAX_ROWS).await?;
            self.remember_corrupt(&page.corrupt);
            let full = page.rows.len() + page.corrupt.len() >= MAX_ROWS as usize;
            all.extend(page.rows);
            if !full {
                return Ok(all);
            }
        }
    }

    fn host_counts(&self, watched: &[WatchedHost], troubled: &[HostName]) -> HostCounts {
        let mut counts = HostCounts::default();
        for entry in self.fleet().inventory().entries() {
            let known = watched.iter().find(|host| host.host == entry.name);
            match host_state(known, troubled, &entry.name) {
                "unreachable" => counts.unreachable += 1,
                "troubled" => counts.troubled += 1,
                "healthy" => counts.healthy += 1,
                _ => counts.not_looked_at += 1,
            }
        }
        counts
    }
}

/// One word for a host. No data is never healthy.
fn host_state(
    watched: Option<&WatchedHost>,
    troubled: &[HostName],
    host: &HostName,
) -> &'static str {
    match watched {
        Some(known) if known.failure.is_some() => "unreachable",
        Some(known) if known.looked_at.is_some() => {
            if troubled.contains(host) {
                "troubled"
            } else {
                "healthy"
            }
        }
        _ => "not_looked_at",
    }
}
