//! Reading the configuration again, all or nothing: a bad one is an issue, and the old one stays in force.

use watchkeeper_watch::Watch;

use super::files::Files;
use super::service;
use crate::args::Common;
use crate::compose::{self, House};
use crate::config::Config;
use crate::failure::CommandError;
use crate::surroundings::Surroundings;

/// Tells the issue about the configuration from others about the watch itself.
pub(super) const ISSUE: &str = "config";

/// Takes what the files say now; gives the configuration that is in force then.
pub(super) async fn reload(
    (common, around, files): (&Common, &Surroundings, &Files),
    house: &House,
    old: Config,
) -> Config {
    service::reloading();
    let texts = files.texts();
    let read = Config::load(common, around)
        .map_err(CommandError::from)
        .and_then(|loaded| {
            let prepared = compose::prepare(&loaded.config, around).map_err(CommandError::usage)?;
            Ok((loaded.config, prepared))
        });
    let now = match read {
        Ok((new, prepared)) => {
            house.take(prepared).await;
            files.took(texts);
            let later = after_a_restart(&old, &new);
            if !later.is_empty() {
                tracing::warn!(
                    keys = later.join(" "),
                    "some of what has changed counts after a restart only"
                );
            }
            tracing::info!(
                hosts = house.fleet.inventory().len(),
                lanes = new.lanes.len(),
                "the configuration was read again"
            );
            all_is_well(&house.watch).await;
            note(&house.watch).await;
            new
        }
        Err(error) => {
            let detail = error.line();
            tracing::error!(
                error = detail,
                "the configuration cannot be used; the old one stays in force"
            );
            let title = "the configuration cannot be used; the old one stays in force";
            if let Err(error) = house.watch.raise_own_issue(ISSUE, title, &detail).await {
                tracing::error!(error = %error, "no issue could be raised about it");
            }
            old
        }
    };
    service::ready();
    now
}

/// The configuration in force is the one that the files say.
pub(super) async fn all_is_well(watch: &Watch) {
    if let Err(error) = watch.clear_own_issue(ISSUE).await {
        tracing::error!(error = %error, "the issue about the configuration could not be resolved");
    }
}

/// Tells the log what is in force.
pub(super) async fn note(watch: &Watch) {
    if let Err(error) = watch.note_configuration().await {
        tracing::error!(error = %error, "the log could not be told which configuration is in force");
    }
}

/// What was changed and is built once only.
fn after_a_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("log", old.log != new.log),
        ("store", old.store != new.store),
        ("server", old.server != new.server),
        ("web.listen", old.web.listen != new.web.listen),
        ("web.proxies", old.web.proxies != new.web.proxies),
        (
            "ssh.known_hosts",
            old.ssh.known_hosts != new.ssh.known_hosts,
        ),
        (
            "ssh.user_known_hosts",
            old.ssh.user_known_hosts != new.ssh.user_known_hosts,
        ),
    ];
    changed
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(key, _)| key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_after_a_restart_only_is_named() {
        let old = Config::default();
        let mut new = old.clone();
        new.watch.parallel = 3;
        assert!(after_a_restart(&old, &new).is_empty());
        new.watch.interval = watchkeeper_model::Span::minutes(1);
        new.log = "debug".to_owned();
        assert_eq!(
            after_a_restart(&old, &new),
            ["log"],
            "an interval counts at once"
        );
    }
}
