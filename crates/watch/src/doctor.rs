//! What is wrong with how the watch is set up, as far as it can tell from the inside: hosts, models, the log.

use futures::StreamExt as _;
use futures::stream;
use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::HostEntry;
use watchkeeper_llm::examine_all;

use crate::cycle::chain;
use crate::view::{DoctorLine, DoctorState, LogVerdict};
use crate::watch::Watch;

/// Hosts that are tried at a time, so that one that hangs delays no other.
const HOSTS_AT_ONCE: usize = 32;

impl Watch {
    /// Tries everything for real.
    pub async fn doctor(&self) -> Vec<DoctorLine> {
        let mut lines = vec![self.doctor_log().await];
        lines.extend(self.changed_files().await.into_iter().map(|file| {
            line(
                "config".to_owned(),
                DoctorState::Warning,
                format!("{file} was changed, and what it says now is not in force"),
                "systemctl reload watchkeeper, or SIGHUP for the daemon".to_owned(),
            )
        }));
        lines.extend(self.doctor_hosts().await);
        let lanes: Vec<_> = self
            .current()
            .lanes
            .iter()
            .map(|parts| (parts.lane.clone(), parts.provider.clone()))
            .collect();
        let found = examine_all(&lanes, &CancellationToken::new()).await;
        for ((lane, _), of_lane) in lanes.iter().zip(found) {
            for found in of_lane {
                let state = if found.ok {
                    DoctorState::Ok
                } else {
                    DoctorState::Failed
                };
                let name = format!("lane {}: {}", lane.name, found.name);
                let remedy = found.remedy.unwrap_or_default();
                lines.push(line(name, state, found.detail, remedy));
            }
        }
        lines.extend(self.doctor_channels().await);
        lines
    }

    /// Looks at every host, several at a time; the lines are in the order of the hosts.
    async fn doctor_hosts(&self) -> Vec<DoctorLine> {
        let inventory = self.fleet().inventory();
        let mut lines: Vec<_> = stream::iter(inventory.entries().cloned().enumerate())
            .map(|(place, entry)| async move { (place, self.doctor_host(&entry).await) })
            .buffer_unordered(HOSTS_AT_ONCE)
            .collect()
            .await;
        lines.sort_by_key(|(place, _)| *place);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    async fn doctor_host(&self, entry: &HostEntry) -> DoctorLine {
        let name = format!("host {}", entry.name);
        let seen = self.look(entry).await;
        let (state, detail, remedy) = match (&seen.look.result, &seen.root_refused) {
            (Err(failure), _) => (DoctorState::Failed, failure.to_string(), failure.remedy()),
            (Ok(_), Some(said)) => {
                let remedy = format!(
                    "allow `sudo -n` for the login on {}, or set become_root = false",
                    entry.name
                );
                let detail = format!("sudo is refused: {said}");
                (DoctorState::Warning, detail, remedy)
            }
            (Ok(_), None) => {
                let detail = format!("seen in {} ms", seen.took.as_millis());
                (DoctorState::Ok, detail, String::new())
            }
        };
        line(name, state, detail, remedy)
    }

    /// Whether each channel answers, and what is kept of how it fared.
    async fn doctor_channels(&self) -> Vec<DoctorLine> {
        let mut lines = Vec::new();
        let kept = async {
            let mut read = self.store().read().await?;
            self.channel_lines(&mut read).await
        };
        let kept = kept.await.unwrap_or_default();
        for channel in &self.channels().channels {
            let name = &channel.settings().name;
            let kept = kept.iter().find(|one| one.name == *name);
            let failed =
                kept.and_then(|one| one.error.clone().filter(|_| one.healthy == Some(false)));
            let (state, detail, remedy) = match (channel.examine().await, failed) {
                (Err(error), _) => (
                    DoctorState::Failed,
                    chain(&error),
                    error.advice().to_owned(),
                ),
                (Ok(_), Some(error)) => (
                    DoctorState::Failed,
                    format!("the last message was not taken: {error}"),
                    format!("mend it, then: watchkeeper notify test {name}"),
                ),
                (Ok(said), None) => (
                    DoctorState::Ok,
                    said.unwrap_or_else(|| {
                        "its secret can be read; it is not asked for more".to_owned()
                    }),
                    String::new(),
                ),
            };
            lines.push(line(format!("channel {name}"), state, detail, remedy));
            if let Some(dead) = kept.map(|one| one.dead).filter(|dead| *dead > 0) {
                lines.push(line(
                    format!("channel {name}: messages"),
                    DoctorState::Warning,
                    format!("{dead} were given up"),
                    "watchkeeper notify list --state dead, then: watchkeeper notify retry N"
                        .to_owned(),
                ));
            }
        }
        lines
    }

    async fn doctor_log(&self) -> DoctorLine {
        match self.verify_log().await {
            Ok(LogVerdict::Intact { entries, .. }) => line(
                "log".to_owned(),
                DoctorState::Ok,
                format!("{entries} entries, intact"),
                String::new(),
            ),
            Ok(LogVerdict::Broken { seq, why }) => {
                let remedy =
                    "compare with an export kept elsewhere: watchkeeper log export".to_owned();
                line(
                    "log".to_owned(),
                    DoctorState::Failed,
                    format!("broken at entry {seq}: {why}"),
                    remedy,
                )
            }
            Err(error) => line(
                "log".to_owned(),
                DoctorState::Failed,
                chain(&error),
                "check the store".to_owned(),
            ),
        }
    }
}

fn line(name: String, state: DoctorState, detail: String, remedy: String) -> DoctorLine {
    DoctorLine {
        name,
        state,
        detail,
        remedy,
    }
}
