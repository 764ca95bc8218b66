//! Where random bits come from. Seeded by whoever builds the watch, so that tests can repeat themselves.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use watchkeeper_model::{RunId, Timestamp};

/// A source of random bits.
#[derive(Debug)]
pub struct Chance(Mutex<StdRng>);

impl Chance {
    /// From a seed; a real one comes from the operating system.
    #[must_use]
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self(Mutex::new(StdRng::from_seed(seed)))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }

    /// An id for a run that begins now.
    pub fn run_id(&self, now: Timestamp) -> RunId {
        RunId::from_parts(now, self.bytes())
    }

    /// A word that nobody can guess: 32 hexadecimal digits.
    pub fn nonce(&self) -> String {
        self.bytes::<16>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
