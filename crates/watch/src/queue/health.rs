//! What was last heard of each model. In memory only: after a restart nothing is known, and that is said.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use watchkeeper_model::Timestamp;

use crate::view::ModelStatus;
use crate::watch::Watch;

/// The last word of each lane, by name.
#[derive(Debug, Default)]
pub(crate) struct LaneHealth(Mutex<BTreeMap<String, Heard>>);

#[derive(Clone, Debug)]
struct Heard {
    at: Timestamp,
    failure: Option<String>,
}

impl LaneHealth {
    pub(crate) fn answered(&self, lane: &str, at: Timestamp) {
        self.set(lane, Heard { at, failure: None });
    }

    pub(crate) fn failed(&self, lane: &str, at: Timestamp, why: String) {
        self.set(
            lane,
            Heard {
                at,
                failure: Some(why),
            },
        );
    }

    fn set(&self, lane: &str, heard: Heard) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(lane.to_owned(), heard);
    }

    fn get(&self, lane: &str) -> Option<Heard> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(lane)
            .cloned()
    }
}

impl Watch {
    /// Whether a model helps, in words. A model that was not heard of is not healthy.
    pub(crate) fn model_status(&self) -> ModelStatus {
        let current = self.current();
        if current.lanes.is_empty() {
            let text = "no model configured (runbooks only)".to_owned();
            return ModelStatus {
                configured: false,
                healthy: None,
                text,
            };
        }
        let mut healthy = None;
        let mut words = Vec::new();
        for parts in &current.lanes {
            let lane = &parts.lane;
            let said = match self.lane_health().get(&lane.name) {
                None => "not asked yet".to_owned(),
                Some(Heard { at, failure: None }) => {
                    healthy = Some(true);
                    format!("answered at {at}")
                }
                Some(Heard {
                    at,
                    failure: Some(why),
                }) => {
                    healthy = Some(healthy.unwrap_or(false));
                    format!("failed at {at}: {why}")
                }
            };
            words.push(format!("{} at {}: {said}", lane.model, lane.url));
        }
        ModelStatus {
            configured: true,
            healthy,
            text: words.join("; "),
        }
    }
}
