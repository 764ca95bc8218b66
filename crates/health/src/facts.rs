//! Facts: what one look at one host returned, section by section. They are stored as the observation. All text is the
//! host's, made visible and bounded where it was read; the limits stand in `parse`.

use serde::{Deserialize, Serialize};

/// One section: what was read, or why it was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section<T> {
    /// It was read, whole.
    Present(T),
    /// The host cannot give it: a tool, a file or a right is missing.
    Missing {
        /// Which.
        why: String,
    },
    /// It was cut, failed, or does not read as it should.
    Broken {
        /// How.
        why: String,
    },
}

impl<T> Section<T> {
    /// A missing section.
    #[must_use]
    pub fn missing(why: impl Into<String>) -> Self {
        Self::Missing { why: why.into() }
    }

    /// A broken section.
    #[must_use]
    pub fn broken(why: impl Into<String>) -> Self {
        Self::Broken { why: why.into() }
    }

    /// What was read.
    #[must_use]
    pub const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing { .. } | Self::Broken { .. } => None,
        }
    }

    /// What was read, or why it was not.
    ///
    /// # Errors
    /// Why it was not read.
    pub fn get(&self) -> Result<&T, &str> {
        match self {
            Self::Present(value) => Ok(value),
            Self::Missing { why } | Self::Broken { why } => Err(why),
        }
    }
}

/// What one look returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Which machine and system this is.
    pub identity: Section<Identity>,
    /// Load averages.
    pub load: Section<Load>,
    /// Processor time since boot.
    pub cpu: Section<Cpu>,
    /// Memory.
    pub memory: Section<Memory>,
    /// Swap.
    pub swap: Section<Swap>,
    /// Pressure stall information.
    pub pressure: Section<Pressure>,
    /// File systems with their room.
    pub disks: Section<Disks>,
    /// Mounted file systems that hold data.
    pub mounts: Section<Vec<Mount>>,
    /// Failed units or services.
    pub units: Section<Units>,
    /// Errors in the journal.
    pub journal: Section<Journal>,
    /// Processes killed for lack of memory.
    pub oom: Section<Oom>,
    /// What asks for a reboot.
    pub reboot: Section<Reboot>,
    /// Zombies and waiting processes.
    pub processes: Section<Processes>,
    /// The host's clock.
    pub clock: Section<ClockFacts>,
    /// The listed certificates.
    pub certificates: Section<Vec<Certificate>>,
    /// What NixOS has built, booted and set; `None` on other systems.
    pub nixos: Section<Option<Nixos>>,
}

impl Facts {
    /// Passes every free text of the host (lines of journals, of the kernel, descriptions) through `redact`. To be
    /// called before anything is stored or judged.
    pub fn redact(&mut self, redact: impl Fn(&str) -> String) {
        let each = |texts: &mut Vec<String>| texts.iter_mut().for_each(|text| *text = redact(text));
        if let Section::Present(units) = &mut self.units {
            for unit in &mut units.failed {
                each(&mut unit.journal);
                unit.description = redact(&unit.description);
            }
        }
        if let Section::Present(journal) = &mut self.journal {
            journal
                .sources
                .iter_mut()
                .for_each(|source| each(&mut source.samples));
        }
        if let Section::Present(Oom {
            kills: Ok(kills), ..
        }) = &mut self.oom
        {
            kills
                .iter_mut()
                .for_each(|kill| kill.line = redact(&kill.line));
        }
    }
}

/// Which machine and system this is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The host's own name.
    pub hostname: String,
    /// The kernel's release.
    pub kernel: String,
    /// The processor's architecture, where the kernel says it.
    pub arch: Option<String>,
    /// `ID` of os-release: `debian`, `nixos`.
    pub os_id: String,
    /// `VERSION_ID` of os-release.
    pub os_version: Option<String>,
    /// `PRETTY_NAME` of os-release.
    pub os_name: String,
    /// Which boot this is: boot_id `.` start time of PID 1 (ARCHITECTURE.md, runs). None where it cannot be read.
    pub boot: Option<String>,
    /// How long it has been up.
    pub uptime_s: u64,
    /// Processors in use.
    pub cores: Option<u32>,
    /// What kind of machine it is.
    pub machine: Machine,
    /// The kernel's taint bits; 0 is clean.
    pub kernel_taint: Option<u64>,
}

/// What kind of machine a host is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Machine {
    /// It cannot be told.
    #[default]
    Unknown,
    /// Hardware of its own.
    Physical {
        /// Its maker and model.
        model: String,
    },
    /// A virtual machine.
    Virtual {
        /// By what.
        by: String,
    },
    /// A container: kernel, clock and kernel log are another's.
    Container {
        /// By what.
        by: String,
    },
}

impl Machine {
    /// Whether kernel and clock are another machine's.
    #[must_use]
    pub const fn is_container(&self) -> bool {
        matches!(self, Self::Container { .. })
    }
}

/// Load averages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Over one minute.
    pub one: f64,
    /// Over five minutes.
    pub five: f64,
    /// Over fifteen minutes.
    pub fifteen: f64,
    /// Processors in use; the averages are judged per processor.
    pub cores: Option<u32>,
    /// Processes that wait uninterruptibly, now.
    pub blocked: Option<u32>,
}

/// Processor time since boot, in ticks, summed over all processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Doing something.
    pub busy: u64,
    /// Doing nothing, for want of a disk.
    pub iowait: u64,
    /// Doing nothing.
    pub idle: u64,
    /// Taken by the machine around this one; part of `busy`.
    pub steal: u64,
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What could be had without swapping.
    pub available_bytes: u64,
}

/// Swap, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swap {
    /// All of it; 0 where there is none.
    pub total_bytes: u64,
    /// What is free.
    pub free_bytes: u64,
}

/// Share of time in which tasks waited, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Some task waited, over the last minute.
    pub some_60: f64,
    /// Some task waited, over the last five minutes.
    pub some_300: f64,
    /// All tasks waited, over the last five minutes.
    pub full_300: Option<f64>,
}

/// Pressure stall information.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    /// Waiting for a processor.
    pub cpu: Option<Stall>,
    /// Waiting for memory.
    pub memory: Option<Stall>,
    /// Waiting for a disk.
    pub io: Option<Stall>,
}

/// Room in file systems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disks {
    /// One entry for each file system that holds data.
    pub file_systems: Vec<FileSystem>,
    /// Mount points of such file systems whose room could not be read.
    pub unread: Vec<String>,
}

/// Room in one file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// Where it is mounted; the shortest of several places.
    pub target: String,
    /// The device or data set.
    pub source: String,
    /// Its type.
    pub kind: String,
    /// Its size.
    pub size_bytes: u64,
    /// What is used.
    pub used_bytes: u64,
    /// What those without privileges can still use.
    pub available_bytes: u64,
    /// Inodes; 0 where they are not counted.
    pub inodes: u64,
    /// Inodes in use.
    pub inodes_used: u64,
}

impl FileSystem {
    /// Percent used, as `df` says it: of what is usable without privileges, rounded up.
    #[must_use]
    pub fn used_percent(&self) -> f64 {
        percent(
            self.used_bytes,
            self.used_bytes.saturating_add(self.available_bytes),
        )
    }

    /// Percent of the inodes used; none where they are not counted.
    #[must_use]
    pub fn inodes_percent(&self) -> Option<f64> {
        (self.inodes > 0).then(|| percent(self.inodes_used, self.inodes))
    }
}

/// `part` of `whole` in percent; 0 of nothing.
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

/// One mounted file system that holds data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where.
    pub target: String,
    /// The device.
    pub source: String,
    /// Its type.
    pub kind: String,
    /// Whether the file system itself (not only this view of it) is read-only.
    pub read_only: bool,
    /// Whether /etc/fstab asks for that.
    pub read_only_wanted: bool,
}

/// What starts and keeps services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manager {
    /// systemd.
    Systemd,
    /// OpenRC.
    Openrc,
}

/// Failed units or services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// What keeps them.
    pub manager: Manager,
    /// The manager's word for the whole system: `running`, `degraded`, `starting`.
    pub state: Option<String>,
    /// Those that failed.
    pub failed: Vec<FailedUnit>,
    /// Whether all of them stand there.
    pub complete: bool,
}

/// One failed unit or service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedUnit {
    /// Its name; a service of OpenRC has no suffix.
    pub name: String,
    /// What it is.
    pub description: String,
    /// systemd's word for how it failed: `exit-code`, `signal`, `timeout`, `oom-kill`; `crashed` or `failed` for OpenRC.
    pub result: Option<String>,
    /// systemd's word for the kind of service: `oneshot`, `notify`.
    pub kind: Option<String>,
    /// How its main process ended: 1 by itself, 2 by a signal, 3 by a signal with a dump.
    pub main_code: Option<u32>,
    /// The exit status or signal of its main process.
    pub main_status: Option<i32>,
    /// How often it was restarted since it was started.
    pub restarts: Option<u32>,
    /// How long ago it failed, by the host's clock.
    pub failed_for_s: Option<u64>,
    /// Where its unit file is.
    pub path: Option<String>,
    /// Its last lines in the journal, oldest first.
    pub journal: Vec<String>,
}

/// Errors in the journal (priority err and worse) in a window of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// How far back was read.
    pub window_s: u64,
    /// By who wrote them, most first.
    pub sources: Vec<ErrorSource>,
    /// How many there were.
    pub count: u32,
    /// Whether there were more, which were not read.
    pub at_least: bool,
}

/// Errors of one writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorSource {
    /// What it calls itself.
    pub identifier: String,
    /// The unit it runs in.
    pub unit: Option<String>,
    /// How many.
    pub count: u32,
    /// Some of them, oldest first, with how often each was said.
    pub samples: Vec<String>,
}

/// Processes killed for lack of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oom {
    /// How far back was read.
    pub window_s: u64,
    /// Those in the window of time, where the kernel's log could be read; else why not.
    pub kills: Result<Vec<OomKill>, String>,
    /// The kernel's count since boot; none in a container, where it counts the whole machine.
    pub since_boot: Option<u64>,
}

/// One process killed for lack of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomKill {
    /// Its name.
    pub process: String,
    /// Its number.
    pub pid: u32,
    /// The kernel's line.
    pub line: String,
}

/// What asks for a reboot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reboot {
    /// The distribution's own mark is there.
    pub marked: bool,
    /// The packages that set the mark.
    pub packages: Vec<String>,
    /// Kernels that are installed.
    pub kernels: Vec<Kernel>,
}

/// One installed kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Its release.
    pub release: String,
    /// Whether its image is there, and not only its modules.
    pub image: bool,
}

/// Zombies and waiting processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// How many zombies.
    pub zombies: u32,
    /// How many processes wait uninterruptibly.
    pub blocked: u32,
    /// Whether all of them were listed, and every parent was named.
    pub complete: bool,
    /// Who does not reap the zombies, most first.
    pub parents: Vec<ZombieParent>,
    /// Names of some processes that wait uninterruptibly.
    pub blocked_names: Vec<String>,
}

/// A process that does not reap its children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZombieParent {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// The unit it runs in.
    pub unit: Option<String>,
    /// How many zombies it has.
    pub zombies: u32,
}

/// The host's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// What it says, in seconds since 1970.
    pub epoch_s: i64,
    /// Whether something keeps it right.
    pub sync: Sync,
}

/// Whether something keeps a clock right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sync {
    /// Yes.
    Synchronised {
        /// What.
        by: String,
    },
    /// No.
    NotSynchronised {
        /// What should.
        by: String,
    },
    /// The clock is that of the machine around this container.
    NotOurs,
    /// It cannot be told.
    Unknown {
        /// Why.
        why: String,
    },
}

/// One listed certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its path on the host.
    pub path: String,
    /// What was read.
    pub state: CertificateState,
}

/// What was read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CertificateState {
    /// It ends then, in seconds since 1970.
    Ends {
        /// When.
        epoch_s: i64,
    },
    /// There is no such file.
    Absent,
    /// The account may not read it.
    Unreadable,
    /// The file holds no certificate.
    Invalid,
}

/// What NixOS has built, booted and set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nixos {
    /// The system that was booted.
    pub booted: Option<String>,
    /// The system that runs.
    pub current: Option<String>,
    /// The system that the profile names.
    pub profile: Option<String>,
    /// The profile's generation.
    pub generation: Option<u64>,
    /// Which of kernel, initrd and modules differ between the booted and the running system.
    pub differing: Vec<String>,
}
