//! Guards that a test takes out, to show that it is this guard that holds an attack, and nothing else that happens to stand
//! in its way.
//!
//! In the product every guard stands: `stands` is a constant there, and what takes a guard out is not compiled. Only tests of
//! whole ways ask for it, by the feature `testing`, which `testkit` alone turns on and no crate of the product uses
//! (`tests/tests/workspace.rs` holds that). The switch is a static, against the usual rule, because most guards are pure
//! functions that know no world they could be told by.

/// Something that keeps hostile text, or a model that obeys it, from doing harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A command that does more than look is not run to look.
    Judge,
    /// A command of a model's own words reaches no other machine.
    Reach,
    /// The network tool reaches only what is ours.
    Targets,
    /// Only the hosts of a case are looked at and changed.
    Hosts,
    /// What a host says goes only to the lanes that may have it.
    Leaving,
    /// Secrets are replaced where text enters.
    Redaction,
    /// What has more risk than may run by itself waits for a person, or is refused.
    Verdict,
    /// What comes from one host speaks for no other.
    Speaking,
    /// What a model quotes from what it saw is no call and no proposal of its own.
    Quotation,
    /// What was thought out on one host is carried over to another only where it is about the same thing.
    CarryingOver,
}

/// Whether a guard stands. In the product it always does.
#[cfg(not(feature = "testing"))]
#[must_use]
#[inline]
pub const fn stands(_guard: Guard) -> bool {
    true
}

#[cfg(feature = "testing")]
pub use switch::{TakenOut, stands, take_out};

#[cfg(feature = "testing")]
mod switch {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Guard;

    static OUT: AtomicU32 = AtomicU32::new(0);

    const fn bit(guard: Guard) -> u32 {
        1 << guard as u32
    }

    /// Whether a guard stands.
    #[must_use]
    pub fn stands(guard: Guard) -> bool {
        OUT.load(Ordering::SeqCst) & bit(guard) == 0
    }

    /// These guards are out in the whole process until this is dropped. Whoever holds it lets nobody else test meanwhile.
    #[derive(Debug)]
    #[must_use]
    pub struct TakenOut(());

    /// Takes guards out.
    pub fn take_out(guards: &[Guard]) -> TakenOut {
        let out = guards.iter().fold(0, |out, guard| out | bit(*guard));
        OUT.store(out, Ordering::SeqCst);
        TakenOut(())
    }

    impl Drop for TakenOut {
        fn drop(&mut self) {
            OUT.store(0, Ordering::SeqCst);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_guard_is_out_as_long_as_it_is_held_out() {
            assert!(stands(Guard::Judge));
            let out = take_out(&[Guard::Judge, Guard::Reach]);
            assert!(!stands(Guard::Judge) && !stands(Guard::Reach) && stands(Guard::Verdict));
            drop(out);
            assert!(stands(Guard::Judge) && stands(Guard::Reach));
        }
    }
}
