//! How long a job waits about: what is ahead of it, shared by the places that serve now, each taking as long as such
//! answers took lately. Pure. It is an estimate: what a person may expect, and nothing that anything rests on.

use std::time::Duration;

use watchkeeper_model::Priority;
use watchkeeper_store::Position;

use crate::view::Place;

/// Where a job stands, and how long that takes about.
pub(crate) fn estimate(position: &Position, priority: Priority) -> Place {
    let about = position.typical.map(|typical| {
        let places = position.running.max(1);
        let rounds = u32::try_from(position.ahead / places).unwrap_or(u32::MAX);
        let behind = typical.saturating_mul(rounds);
        // What is served now is half done, on average; for a person it is put aside.
        let waits = position.running > 0 && priority < Priority::Interactive;
        behind.saturating_add(if waits { typical / 2 } else { Duration::ZERO })
    });
    Place {
        ahead: position.ahead,
        about_ms: about.map(|about| u64::try_from(about.as_millis()).unwrap_or(u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(ahead: i64, running: i64, priority: Priority) -> Option<u64> {
        let position = Position {
            ahead,
            running,
            typical: Some(Duration::from_secs(20)),
        };
        let place = estimate(&position, priority);
        assert_eq!(place.ahead, ahead);
        place.about_ms.map(|ms| ms / 1_000)
    }

    #[test]
    fn a_person_does_not_wait_for_what_is_put_aside() {
        assert_eq!(about(0, 1, Priority::Interactive), Some(0));
        assert_eq!(about(2, 1, Priority::Interactive), Some(40));
        assert_eq!(about(0, 1, Priority::Finding), Some(10));
    }

    #[test]
    fn many_places_share_what_is_ahead() {
        assert_eq!(about(10, 2, Priority::Finding), Some(110));
        assert_eq!(about(10, 0, Priority::Finding), Some(200));
        assert_eq!(about(i64::MAX, 1, Priority::Finding), Some(85_899_345_910));
    }

    #[test]
    fn where_nothing_was_answered_yet_nothing_is_promised() {
        let position = Position {
            ahead: 3,
            running: 1,
            typical: None,
        };
        let place = estimate(&position, Priority::Finding);
        assert_eq!((place.ahead, place.about_ms), (3, None));
    }
}
