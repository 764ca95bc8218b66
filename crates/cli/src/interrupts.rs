//! Ctrl-C while a command lasts. It is a word to whatever hears it just then, such as an answer that is to stop; where
//! nothing does, it ends the command.
//!
//! Once a process has asked for the signal, the system does not end it any more, for as long as it lives. So from the first
//! time on that something hears it, [`Interrupts::unheard`] stands beside the whole command and takes what is left.

use std::future::pending;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

/// The one place where Ctrl-C arrives.
#[derive(Debug, Default)]
pub(crate) struct Interrupts {
    came: watch::Sender<()>,
    wanted: Notify,
}

/// Hears Ctrl-C from when it was made until it is dropped.
#[derive(Debug)]
pub(crate) struct Hears(watch::Receiver<()>);

impl Interrupts {
    /// Hears it from now on.
    pub(crate) fn hear(&self) -> Hears {
        self.ask_for_it();
        Hears(self.came.subscribe())
    }

    /// From now on it ends the command with a word, and not without.
    pub(crate) fn ask_for_it(&self) {
        self.wanted.notify_one();
    }

    /// Resolves when it came and nothing heard it.
    pub(crate) async fn unheard(&self) {
        self.wanted.notified().await;
        // Where it cannot be asked for, the system ends the process.
        let Ok(mut presses) = signal(SignalKind::interrupt()) else {
            return pending().await;
        };
        while presses.recv().await.is_some() {
            if self.came.send(()).is_err() {
                return;
            }
        }
        pending::<()>().await;
    }
}

impl Hears {
    /// Resolves when it was pressed and this has not resolved for it yet. Dropping the future loses nothing.
    pub(crate) async fn pressed(&mut self) {
        if self.0.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::{Signal, raise};

    use super::*;

    #[tokio::test]
    async fn what_is_heard_ends_nothing_and_what_is_not_heard_does() {
        let interrupts = Interrupts::default();
        let mut hears = interrupts.hear();
        let pressed = async {
            // By then the other arm listens.
            tokio::task::yield_now().await;
            raise(Signal::SIGINT).expect("it is sent");
            hears.pressed().await;
        };
        tokio::select! {
            biased;
            () = interrupts.unheard() => panic!("it was heard"),
            () = pressed => {}
        }
        drop(hears);
        interrupts.ask_for_it();
        let raised = async {
            tokio::task::yield_now().await;
            raise(Signal::SIGINT).expect("it is sent");
            pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = interrupts.unheard() => {}
            () = raised => {}
        }
    }

    #[tokio::test]
    async fn it_is_not_heard_by_what_begins_after_it() {
        let interrupts = Interrupts::default();
        let first = interrupts.hear();
        interrupts.came.send(()).expect("one hears it");
        let mut second = interrupts.hear();
        assert!(second.0.has_changed().is_ok_and(|changed| !changed));
        drop(first);
        interrupts.came.send(()).expect("one hears it");
        second.pressed().await;
    }
}
