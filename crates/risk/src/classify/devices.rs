//! What lies below `/dev`, and the addresses that bash makes of `/dev/tcp`.

use watchkeeper_model::{RiskLevel, TargetClass};

use super::host::Host;
use super::matrix::FileVerb;
use super::path::{Path, Segment, Via};

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// Nothing is kept there.
    Sink,
    /// Somebody's terminal.
    Terminal,
    /// The log.
    Log,
    /// A disk, or what may be one.
    Disk,
    /// It takes the host down, or opens its memory.
    Dangerous,
    /// A connection to another machine.
    Network,
}

/// What a path below `/dev` is; nothing for a path elsewhere, and for `/dev` itself.
pub(crate) fn device(path: &Path, host: &Host) -> Option<Device> {
    if let Some(sink) = own_descriptor(path) {
        return Some(sink);
    }
    let [Segment::Name(dev), rest @ ..] = path.segments.as_slice() else {
        return None;
    };
    let sure = dev.is_text();
    if rest.is_empty()
        || !dev.meets(&super::glob::Glob::text("dev"))
        || path.via >= Via::UnknownDirectory
    {
        return None;
    }
    let below = Path {
        segments: rest.to_vec(),
        via: path.via,
    };
    let devices = &host.lists.devices;
    let may = |list: &[Vec<Segment>]| {
        list.iter().any(|entry| {
            let relation = below.relation(entry);
            relation.equal || relation.below
        })
    };
    let surely = |list: &[Vec<Segment>]| {
        list.iter()
            .any(|entry| below.is_surely_within(entry) && below.is_certain())
    };
    if below
        .name(0)
        .is_some_and(|name| name.as_text() == Some("shm"))
    {
        return None;
    }
    if below
        .name(0)
        .is_some_and(|name| matches!(name.as_text(), Some("tcp" | "udp")))
    {
        return Some(Device::Network);
    }
    if surely(&devices.sinks) {
        Some(Device::Sink)
    } else if surely(&devices.terminals) {
        Some(Device::Terminal)
    } else if surely(&devices.logs) {
        Some(Device::Log)
    } else if may(&devices.disks) {
        Some(Device::Disk)
    } else if may(&devices.dangerous) {
        Some(Device::Dangerous)
    } else if sure {
        Some(Device::Disk)
    } else {
        None
    }
}

/// `/proc/self/fd/N`: what the command was given.
fn own_descriptor(path: &Path) -> Option<Device> {
    let names = path.names()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    matches!(names.as_slice(), ["proc", "self" | "thread-self", "fd", _]).then_some(Device::Sink)
}

impl Device {
    /// What it is to the host.
    pub(crate) const fn class(self) -> TargetClass {
        match self {
            Self::Sink => TargetClass::Sink,
            Self::Terminal | Self::Log => TargetClass::Scratch,
            Self::Network => TargetClass::Plain,
            Self::Disk => TargetClass::Whole,
            Self::Dangerous => TargetClass::Critical,
        }
    }

    /// What it is, in parentheses.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Sink => "nothing is kept there",
            Self::Terminal => "somebody's terminal",
            Self::Log => "the log",
            Self::Disk => "a disk, or something else that is kept below file systems",
            Self::Dangerous => "a device that opens the host's memory or takes it down",
            Self::Network => "a connection to another machine",
        }
    }

    /// What a verb asks for there.
    pub(crate) const fn level(self, verb: FileVerb) -> RiskLevel {
        match (self, verb) {
            (Self::Sink | Self::Terminal | Self::Log, FileVerb::Read)
            | (Self::Sink, FileVerb::Write | FileVerb::Overwrite) => RiskLevel::ReadOnly,
            (Self::Terminal | Self::Log, FileVerb::Write | FileVerb::Overwrite) => RiskLevel::Low,
            (Self::Network, _)
            | (Self::Disk | Self::Dangerous, FileVerb::Read)
            | (Self::Terminal | Self::Log | Self::Dangerous, FileVerb::Mode) => RiskLevel::High,
            _ => RiskLevel::Forbidden,
        }
    }
}
