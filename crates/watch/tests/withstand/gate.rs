//! A gate on the way to hosts: at one moment of what a controller asks of them it stops, so that a test can do there
//! what it likes, as exactly as the moment is named.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use watchkeeper_fleet::{Connection, Connector, HostEntry, Output, RemoteCommand};
use watchkeeper_model::LookFailure;
use watchkeeper_remedy::texts;

use crate::soon;

/// What a controller asks of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Request {
    Look,
    Boot,
    Start,
    Attach,
    Cancel,
    Wipe,
    Other,
}

impl Request {
    fn of(command: &RemoteCommand) -> Self {
        let known = [
            (watchkeeper_health::script(), Self::Look),
            (texts::BOOT, Self::Boot),
            (texts::START, Self::Start),
            (texts::ATTACH, Self::Attach),
            (texts::CANCEL, Self::Cancel),
            (texts::WIPE, Self::Wipe),
        ];
        let script = command.args().get(1).map(Vec::as_slice).unwrap_or_default();
        known
            .into_iter()
            .find(|(text, _)| text.as_bytes() == script)
            .map_or(Self::Other, |(_, request)| request)
    }
}

/// When it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moment {
    /// Before the request of this kind with this number, from 1, is sent.
    Before(Request, usize),
    /// After the host has answered it, and before the controller hears of it.
    After(Request, usize),
    /// After the answer with this number, from 1, that says a step is over, and before the controller hears of it.
    Ended(usize),
}

/// A gate. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    at: Moment,
    seen: Mutex<HashMap<(Request, bool), usize>>,
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// Closed at this moment.
    pub(crate) fn at(moment: Moment) -> Self {
        Self(Arc::new(Inner {
            at: moment,
            seen: Mutex::default(),
            reached: watch::Sender::new(false),
            open: watch::Sender::new(false),
        }))
    }

    /// Returns when the controller stands before it.
    pub(crate) async fn is_reached(&self) {
        let mut reached = self.0.reached.subscribe();
        soon("the gate is reached", reached.wait_for(|reached| *reached))
            .await
            .expect("it is there");
    }

    /// Lets the controller go on.
    pub(crate) fn open(&self) {
        self.0.open.send_replace(true);
    }

    fn count(&self, request: Request, says_done: bool) -> usize {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.entry((request, says_done)).or_default();
        *count += 1;
        *count
    }

    async fn pass(&self, here: bool) {
        if here && !*self.0.open.borrow() {
            self.0.reached.send_replace(true);
            let mut open = self.0.open.subscribe();
            open.wait_for(|open| *open).await.expect("it is there");
        }
    }
}

/// The real ways to hosts, behind a gate.
#[derive(Debug)]
pub(crate) struct Gated {
    pub(crate) ways: Arc<dyn Connector>,
    pub(crate) gate: Gate,
}

#[async_trait]
impl Connector for Gated {
    async fn connect(&self, entry: &HostEntry) -> Result<Arc<dyn Connection>, LookFailure> {
        let inner = self.ways.connect(entry).await?;
        let gate = self.gate.clone();
        Ok(Arc::new(GatedConnection { inner, gate }))
    }
}

#[derive(Debug)]
struct GatedConnection {
    inner: Arc<dyn Connection>,
    gate: Gate,
}

#[async_trait]
impl Connection for GatedConnection {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        let (gate, request) = (&self.gate, Request::of(&command));
        let count = gate.count(request, false);
        gate.pass(gate.0.at == Moment::Before(request, count)).await;
        let answer = self.inner.run(command).await;
        let ended = request == Request::Attach
            && answer.as_ref().is_ok_and(says_done)
            && gate.0.at == Moment::Ended(gate.count(request, true));
        gate.pass(ended || gate.0.at == Moment::After(request, count))
            .await;
        answer
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

fn says_done(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(" done out=")
}
