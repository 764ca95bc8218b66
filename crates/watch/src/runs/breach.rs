//! What should only look, and tried to write: it was kept from it by the wall it ran behind (`remedy`), and it shows that
//! the tables are wrong. It is an issue, and until that is resolved nothing runs by itself on that host.

use watchkeeper_model::{Action, HostName, Phase, bounded, visible};
use watchkeeper_remedy::{breach, is_behind_wall};
use watchkeeper_store::{Issues, StepPlace, StoreError, Tx};

use crate::WatchError;
use crate::record::own_fingerprint;
use crate::watch::Watch;

/// Longest word of a host that is kept of a breach.
const MAX_WORDS_CHARS: usize = 300;

/// Tells the issue about a host from others about the watch itself.
fn key(host: &HostName) -> String {
    format!("wall {host}")
}

impl Watch {
    /// Raises the issue where a step that ran behind the wall says that it tried to write.
    pub(super) async fn tell_of_breach(
        &self,
        tx: &mut Tx,
        action: &Action,
        place: StepPlace,
        stderr: &str,
    ) -> Result<(), WatchError> {
        let steps = match place.phase {
            Phase::Apply => &action.plan.steps,
            Phase::Undo => &action.plan.undo,
        };
        let planned = steps.get(place.index as usize);
        let Some(planned) = planned.filter(|planned| is_behind_wall(planned)) else {
            return Ok(());
        };
        let Some(words) = breach(stderr) else {
            return Ok(());
        };
        let host = &action.plan.host;
        let title = format!("a step that should only look tried to write on {host}");
        let detail = format!(
            "action {}, step {} ({}): {}. It was kept from it. Nothing runs by itself on {host} until this issue is resolved; \
             please report the command, which is judged too low",
            action.number,
            place.index + 1,
            planned.step.summary(),
            bounded(words, MAX_WORDS_CHARS),
        );
        self.raise_own_issue_in(tx, &key(host), Some(host), (&title, &detail))
            .await
    }

    /// Raises the same issue where a command that was run only to look, outside any action, says that it tried to write.
    pub(crate) async fn tell_of_looking_breach(
        &self,
        host: &HostName,
        script: &str,
        words: &str,
    ) -> Result<(), WatchError> {
        let title = format!("a step that should only look tried to write on {host}");
        let detail = format!(
            "while looking, `{}`: {}. It was kept from it. Nothing runs by itself on {host} until this issue is resolved; \
             please report the command, which is judged too low",
            bounded(&visible(script), MAX_WORDS_CHARS),
            bounded(words, MAX_WORDS_CHARS),
        );
        let mut tx = self.store().begin().await?;
        self.raise_own_issue_in(&mut tx, &key(host), Some(host), (&title, &detail))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether something tried to write behind the wall of a host, and nobody has resolved that since.
    pub(crate) async fn wall_was_breached<A>(
        &self,
        issues: &mut Issues<'_, A>,
        host: &HostName,
    ) -> Result<bool, StoreError> {
        let active = issues.find_active(own_fingerprint(&key(host))).await?;
        Ok(active.is_some())
    }
}
