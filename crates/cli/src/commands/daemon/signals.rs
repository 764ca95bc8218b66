//! Signals: what they ask for.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Wake {
    /// To stop; the signal's name.
    Stop(&'static str),
    /// To read the configuration again.
    Reload,
}

/// The signals that a process that stays listens for.
#[derive(Debug)]
pub(in crate::commands) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(in crate::commands) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub(in crate::commands) async fn next(&mut self) -> Wake {
        tokio::select! {
            _ = self.terminate.recv() => Wake::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Wake::Stop("SIGINT"),
            _ = self.hang_up.recv() => Wake::Reload,
        }
    }

    /// The next one that asks to stop.
    pub(in crate::commands) async fn stop(&mut self) -> &'static str {
        loop {
            if let Wake::Stop(signal) = self.next().await {
                return signal;
            }
        }
    }
}
