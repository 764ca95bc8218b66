//! What may leave for which lane: asked for the host of a question when it is queued, and again when it is served,
//! because rules change meanwhile and a lane may be another worker's.

use watchkeeper_fleet::HostEntry;
use watchkeeper_llm::{Egress, EgressRefused, Lane};
use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{GroupName, HostName};

use crate::WatchError;
use crate::watch::Watch;

/// The lanes that may have what a host says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MayHave {
    /// Any that is known here, and so any.
    Any,
    /// These.
    These(Vec<String>),
    /// None, for this reason.
    None(EgressRefused),
}

impl Watch {
    /// The rules of what may leave.
    pub(crate) fn egress(&self) -> Egress {
        self.current().settings.asking.egress.clone()
    }

    /// Whether what these hosts say may go to a lane. One that is not in the inventory has no groups.
    pub(crate) fn may_leave<'a>(
        &self,
        hosts: impl IntoIterator<Item = &'a HostName>,
        lane: &Lane,
    ) -> Result<(), EgressRefused> {
        if !stands(Guard::Leaving) {
            return Ok(());
        }
        let egress = self.egress();
        for host in hosts {
            egress.may_send(&self.groups_of(host), lane)?;
        }
        Ok(())
    }

    fn groups_of(&self, host: &HostName) -> Vec<GroupName> {
        match self.entry(host) {
            Ok(entry) => entry.groups.clone(),
            Err(_) => Vec::new(),
        }
    }

    /// The lanes that may have what a host says.
    pub(crate) fn lanes_for(&self, entry: &HostEntry) -> MayHave {
        let (current, egress) = (self.current(), self.egress());
        let mut allowed = Vec::new();
        let mut refused = None;
        for parts in &current.lanes {
            match egress.may_send(&entry.groups, &parts.lane) {
                Ok(()) => allowed.push(parts.lane.name.clone()),
                Err(why) => refused = Some(why),
            }
        }
        match (refused, allowed.is_empty()) {
            (None, _) => MayHave::Any,
            (Some(why), true) => MayHave::None(why),
            (Some(_), false) => MayHave::These(allowed),
        }
    }

    /// Whether anybody may answer: a lane here, or one of another worker that was heard of lately.
    pub(crate) async fn has_lanes(&self) -> Result<bool, WatchError> {
        if !self.current().lanes.is_empty() {
            return Ok(true);
        }
        let mut read = self.store().read().await?;
        let since = self.now().before(super::asking::FRESH);
        Ok(!read.lanes().seen_since(since).await?.rows.is_empty())
    }
}
