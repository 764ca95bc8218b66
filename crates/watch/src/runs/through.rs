//! A host as a connection: every command goes through the fleet, which keeps, drops and renews what lies beneath.

use async_trait::async_trait;
use watchkeeper_fleet::{Connection, Fleet, Output, RemoteCommand};
use watchkeeper_model::{HostName, LookFailure};

/// One host of the fleet.
#[derive(Debug)]
pub(super) struct Through<'a> {
    fleet: &'a Fleet,
    host: &'a HostName,
}

impl<'a> Through<'a> {
    pub(super) fn new(fleet: &'a Fleet, host: &'a HostName) -> Self {
        Self { fleet, host }
    }
}

#[async_trait]
impl Connection for Through<'_> {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        self.fleet.run(self.host, command).await
    }

    async fn close(&self) {}
}
