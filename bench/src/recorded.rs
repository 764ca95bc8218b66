//! Hosts that answer a probe at once with a recording, so that what a look costs the controller stands alone.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use watchkeeper_fleet::{
    Connection, Connector, Engine, Exit, HostEntry, Inventory, Output, RemoteCommand,
};
use watchkeeper_model::{Clock as _, GroupName, HostName, LookFailure};

use crate::machine::MachineClock;

/// The nonce in the recordings.
const RECORDED_NONCE: &str = "00112233445566778899aabbccddeeff";
/// Where a probe's nonce stands among the arguments: `-c SCRIPT watchkeeper NONCE WINDOW`.
const NONCE_AT: usize = 3;
/// What a Debian answers.
const WELL: &str = include_str!("../../crates/health/samples/debian-lab.txt");
/// The only trouble in that, which is left out.
const ABSENT_CERTIFICATE: &str = "certificate /nope.pem\nabsent\n";
/// What a Debian answers that has many troubles at once.
const TROUBLED: &str = include_str!("../../crates/health/samples/debian-troubled.txt");
/// What stands before the host's own time.
const BEFORE_NOW: &str = "\nnow ";
/// The group of the hosts in trouble.
const TROUBLED_GROUP: &str = "troubled";

/// Makes connections that answer from the recordings.
#[derive(Debug)]
pub(crate) struct Recorded {
    well: Recording,
    troubled: Recording,
}

/// What comes before a host's own time, and what after.
type Recording = Arc<(String, String)>;

fn recording(text: &str) -> anyhow::Result<Recording> {
    let text = text.replace(ABSENT_CERTIFICATE, "");
    let (before, rest) = text
        .split_once(BEFORE_NOW)
        .context("the recording has no time")?;
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    Ok(Arc::new((
        format!("{before}{BEFORE_NOW}"),
        after.to_owned(),
    )))
}

impl Recorded {
    /// So many hosts, of which one in `troubled_each` is in trouble; none with 0.
    pub(crate) fn fleet(
        count: usize,
        troubled_each: usize,
    ) -> anyhow::Result<(Inventory, Arc<Self>)> {
        let entry = |number: usize| -> anyhow::Result<HostEntry> {
            let troubled = troubled_each > 0 && number.is_multiple_of(troubled_each);
            Ok(HostEntry {
                engine: Some(Engine::Simulated),
                groups: if troubled {
                    vec![GroupName::new(TROUBLED_GROUP)?]
                } else {
                    Vec::new()
                },
                ..HostEntry::new(HostName::new(format!("host{number:05}"))?)
            })
        };
        let entries = (0..count).map(entry).collect::<anyhow::Result<Vec<_>>>()?;
        let recorded = Self {
            well: recording(WELL)?,
            troubled: recording(TROUBLED)?,
        };
        Ok((Inventory::new(entries, Vec::new())?, Arc::new(recorded)))
    }
}

#[async_trait]
impl Connector for Recorded {
    async fn connect(&self, entry: &HostEntry) -> Result<Arc<dyn Connection>, LookFailure> {
        let recording = if entry.groups.is_empty() {
            &self.well
        } else {
            &self.troubled
        };
        Ok(Arc::new(Answering(Arc::clone(recording))))
    }
}

#[derive(Debug)]
struct Answering(Recording);

#[async_trait]
impl Connection for Answering {
    async fn run(&self, command: RemoteCommand) -> Result<Output, LookFailure> {
        let nonce = command
            .args()
            .get(NONCE_AT)
            .map(|nonce| String::from_utf8_lossy(nonce));
        let nonce = nonce.ok_or_else(|| LookFailure::CommandRefused {
            detail: "only probes are answered".to_owned(),
        })?;
        let now = MachineClock.now().as_millis() / 1_000;
        let (before, after) = &*self.0;
        let said = format!("{before}{now}{after}").replace(RECORDED_NONCE, &nonce);
        Ok(Output {
            stdout: said.into_bytes(),
            stderr: Vec::new(),
            exit: Exit::Code(0),
        })
    }

    async fn close(&self) {}
}
