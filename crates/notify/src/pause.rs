//! How long a channel is left alone after it failed.

use std::time::Duration;

/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause of our own.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);
/// The longest pause that a server may ask for: a day, which is what servers with a daily allowance mean.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3_600);

/// The pause after so many failures in a row, and what the server asked for where that is longer.
#[must_use]
pub fn pause_after(failures: u32, asked: Option<Duration>) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
    let own = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    own.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_an_hour_and_a_server_may_ask_for_more() {
        let seconds = |failures, asked: Option<u64>| {
            pause_after(failures, asked.map(Duration::from_secs)).as_secs()
        };
        assert_eq!(
            [0, 1, 2, 3, 8, 9, 1_000].map(|n| seconds(n, None)),
            [10, 10, 20, 40, 1_280, 1_800, 1_800]
        );
        assert_eq!(seconds(1, Some(120)), 120);
        assert_eq!(seconds(9, Some(1)), 1_800, "it never asks for less");
        assert_eq!(seconds(1, Some(7_200)), 7_200);
        assert_eq!(
            seconds(1, Some(u64::MAX)),
            86_400,
            "a nonsensical one is cut"
        );
    }
}
