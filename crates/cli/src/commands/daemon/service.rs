//! What the service manager is told (sd_notify(3)). Without one, nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Part;

/// The watch goes on.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The watch ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The start takes longer, and why.
pub(super) fn starting(why: &str, at_most: Duration) {
    let more = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Status(why),
        NotifyState::ExtendTimeoutUsec(more),
    ]);
}

/// Says that the process lives as often as the service manager wants to hear it.
pub(super) fn keep_watchdog_fed(parts: &mut JoinSet<Part>, stop: &CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    let stop = stop.child_token();
    parts.spawn(async move {
        let mut times = tokio::time::interval(within / 2);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok("the watchdog"),
                _ = times.tick() => tell(&[NotifyState::Watchdog]),
            }
        }
    });
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(error = %error, "the service manager cannot be told");
    }
}
