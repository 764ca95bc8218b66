//! How much a channel may be sent. What is critical may use twice as much: a flood of warnings never keeps it out.

use crate::notice::Urgency;

/// Most messages that are sent to one channel in one pass, whatever its allowance.
pub const MAX_BURST: u32 = 20;

/// What a channel may still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Messages an hour.
    pub per_hour: u32,
    /// Messages sent within the last hour.
    pub sent: u32,
}

impl Allowance {
    /// Whether another one may be sent now.
    #[must_use]
    pub const fn allows(self, urgency: Urgency) -> bool {
        match urgency {
            Urgency::Critical => self.sent < self.per_hour.saturating_mul(2),
            Urgency::Attention | Urgency::Information => self.sent < self.per_hour,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_never_keep_out_what_is_critical() {
        let at = |sent| Allowance { per_hour: 30, sent };
        assert!(at(29).allows(Urgency::Attention));
        assert!(!at(30).allows(Urgency::Attention));
        assert!(at(30).allows(Urgency::Critical));
        assert!(!at(60).allows(Urgency::Critical));
    }
}
