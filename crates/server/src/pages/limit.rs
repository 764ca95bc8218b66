//! How much one address may ask: some at once, then so many a second. What is full is refused at once and costs nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests of one address at once: a page, its reloads, and a person who goes back and forth.
pub(super) const BURST: u32 = 60;
/// How long one more takes.
const REFILL: Duration = Duration::from_secs(1);
/// Addresses that are counted apart; those beyond share one count.
const MAX_ADDRESSES: usize = 4_096;

/// Who has asked how much lately.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    by: HashMap<IpAddr, Count>,
    by_others: Option<Count>,
}

/// What is left of a share.
#[derive(Clone, Copy, Debug)]
struct Count {
    left: u32,
    since: Instant,
}

impl Count {
    fn full(now: Instant) -> Self {
        Self {
            left: BURST,
            since: now,
        }
    }

    /// As it is now.
    fn at(self, now: Instant) -> Self {
        let passed = now.saturating_duration_since(self.since);
        let more = u32::try_from(passed.as_millis() / REFILL.as_millis()).unwrap_or(u32::MAX);
        Self {
            left: self.left.saturating_add(more).min(BURST),
            since: self.since + REFILL.saturating_mul(more.min(BURST)),
        }
    }
}

impl Limiter {
    /// Takes one request of this address; false where it has asked too much.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = &mut *asked;
        if asked.by.len() >= MAX_ADDRESSES && !asked.by.contains_key(&address) {
            asked.by.retain(|_, count| count.at(now).left < BURST);
        }
        let count = if asked.by.len() >= MAX_ADDRESSES && !asked.by.contains_key(&address) {
            asked.by_others.get_or_insert_with(|| Count::full(now))
        } else {
            asked.by.entry(address).or_insert_with(|| Count::full(now))
        };
        *count = count.at(now);
        if count.left == 0 {
            return false;
        }
        if count.left == BURST {
            count.since = now;
        }
        count.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn who_asks_too_much_waits_and_nobody_else_does() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        for _ in 0..BURST {
            assert!(limiter.take(address(1), now));
        }
        assert!(!limiter.take(address(1), now));
        assert!(limiter.take(address(2), now));
        let later = now + REFILL;
        assert!(limiter.take(address(1), later));
        assert!(!limiter.take(address(1), later));
        let much_later = now + REFILL * 10 * BURST;
        for _ in 0..BURST {
            assert!(limiter.take(address(1), much_later));
        }
        assert!(!limiter.take(address(1), much_later), "no more is saved up");
    }

    #[test]
    fn a_crowd_of_addresses_takes_no_more_room_than_there_is() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let many = u32::try_from(MAX_ADDRESSES).expect("it fits") + BURST;
        for n in 0..many {
            assert!(limiter.take(address(n), now));
        }
        assert!(!limiter.take(address(many), now), "they share one count");
        let asked = limiter.asked.lock().expect("unlocked");
        assert_eq!(asked.by.len(), MAX_ADDRESSES);
        drop(asked);
        assert!(limiter.take(address(many), now + REFILL));
        let asked = limiter.asked.lock().expect("unlocked");
        assert_eq!(asked.by.len(), 1, "whose share is whole again is forgotten");
    }
}
