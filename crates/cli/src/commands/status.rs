//! `status` and `systems`.

use watchkeeper_watch::view::{StatusReport, SystemLine};

use super::{Ended, answer};
use crate::session::Session;
use crate::show;

/// How the watch is doing.
pub(super) async fn status(session: &Session) -> Ended {
    let status: StatusReport = session.client.get("/v1/status").await?;
    answer(session.output, &status, |status| {
        show::status_report(&session.page, status)
    })?;
    Ok(0)
}

/// The hosts.
pub(super) async fn systems(session: &Session) -> Ended {
    let systems: Vec<SystemLine> = session.client.get("/v1/systems").await?;
    answer(session.output, &systems, |systems| {
        show::systems(&session.page, systems)
    })?;
    Ok(0)
}
