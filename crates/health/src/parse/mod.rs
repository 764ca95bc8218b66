//! From the bytes that a host returned to [`Facts`]. Nothing that a host sends makes these functions panic, and no
//! section that is cut, doubled, failed or strange becomes `Present`. Every text that is kept is made visible and
//! bounded here, where it enters.

mod certificates;
mod clock;
mod disks;
mod files;
mod frame;
mod identity;
mod journal;
mod nixos;
mod processes;
mod reboot;
mod units;
mod vitals;

#[cfg(test)]
pub(crate) mod tests;

use watchkeeper_model::{LookFailure, bounded, visible};

use crate::{Facts, Nonce, Section};

pub(crate) use frame::{Frame, Frames};
pub(crate) use journal::MAX_KILLS;

/// Longest name kept: of a unit, a process, a mount point.
const MAX_NAME_CHARS: usize = 255;
/// Longest line of text kept.
const MAX_LINE_CHARS: usize = 400;

/// Text of a host, made fit to be kept and shown.
fn clean(text: &str, max: usize) -> String {
    bounded(&visible(text), max).into_owned()
}

fn name(text: &str) -> String {
    clean(text, MAX_NAME_CHARS)
}

fn line(text: &str) -> String {
    clean(text, MAX_LINE_CHARS)
}

/// Reads the answer of the probe that was sent with this nonce.
///
/// # Errors
/// `Unreadable` where the answer is not this probe's, or does not come to its end.
pub fn parse(answer: &[u8], nonce: &Nonce) -> Result<Facts, LookFailure> {
    let frames = frame::split(answer, nonce.as_str())?;
    let files = files::Files::of(&frames);
    let machine = identity::machine(&frames, &files);
    let clock = clock::clock(&frames);
    let now = clock.present().map(|clock| clock.epoch_s);
    let mounts = files.as_ref().map_err(Clone::clone).and_then(disks::mounts);
    let (journal, oom) = journal::journal(&frames, &files, machine.is_container());
    Ok(Facts {
        identity: identity::identity(&files, machine),
        load: section(&files, vitals::load),
        cpu: section(&files, vitals::cpu),
        memory: section(&files, vitals::memory),
        swap: section(&files, vitals::swap),
        pressure: section(&files, vitals::pressure),
        disks: disks::disks(&frames, mounts.as_ref().ok()),
        mounts: settle(mounts),
        units: units::units(&frames, now),
        journal,
        oom,
        reboot: settle(reboot::reboot(&frames)),
        processes: settle(processes::processes(&frames)),
        clock,
        certificates: settle(certificates::certificates(&frames)),
        nixos: settle(nixos::nixos(&frames)),
    })
}

/// Why a section is not present.
#[derive(Clone, Debug)]
pub(crate) enum Absent {
    /// The host cannot give it.
    Missing(String),
    /// It cannot be read.
    Broken(String),
}

impl Absent {
    fn missing(why: impl Into<String>) -> Self {
        Self::Missing(why.into())
    }

    fn broken(why: impl Into<String>) -> Self {
        Self::Broken(why.into())
    }
}

fn settle<T>(read: Result<T, Absent>) -> Section<T> {
    match read {
        Ok(value) => Section::Present(value),
        Err(Absent::Missing(why)) => Section::Missing { why },
        Err(Absent::Broken(why)) => Section::Broken { why },
    }
}

fn section<T>(
    files: &Result<files::Files<'_>, Absent>,
    read: impl Fn(&files::Files<'_>) -> Result<T, Absent>,
) -> Section<T> {
    settle(files.as_ref().map_err(Clone::clone).and_then(read))
}
