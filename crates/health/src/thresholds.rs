//! Thresholds: from when on a figure is a finding. Every one has a default; the configuration overrides single ones
//! for the fleet, a group or a host through [`ThresholdsPatch`]es applied one over the other.

use serde::{Deserialize, Serialize};

/// Thresholds that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("thresholds.{key}: {why}")]
pub struct InvalidThreshold {
    /// Which, as it is written in the configuration: `disk.warning_percent`.
    pub key: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Declares the thresholds of one check beside the patch that overrides some of them, so that the two cannot differ.
macro_rules! thresholds {
    ($(#[$doc:meta])* $name:ident, $patch:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        #[doc = concat!("Overrides some of [`", stringify!($name), "`].")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $patch {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }

        impl $name {
            fn apply(&mut self, patch: &$patch) {
                $(if let Some(value) = patch.$field { self.$field = value; })+
            }
        }
    };
}

thresholds!(
    /// When the load is too high.
    LoadThresholds, LoadPatch {
        /// Load per processor, over one and over five minutes, from which on it is a warning.
        warning_per_core: f64 = 2.0,
        /// Load per processor, over one and over five minutes, from which on it is critical.
        critical_per_core: f64 = 4.0,
    }
);
thresholds!(
    /// When the processors are too busy.
    CpuThresholds, CpuPatch {
        /// Percent busy between two looks from which on it is a warning.
        warning_percent: f64 = 95.0,
        /// Percent of time in which something waits for a processor, from which on a warning is critical.
        critical_pressure_percent: f64 = 80.0,
        /// Percent taken by the machine around this one from which on it is a warning.
        steal_warning_percent: f64 = 20.0,
    }
);
thresholds!(
    /// When memory runs short. Percent and bytes must both be undercut.
    MemoryThresholds, MemoryPatch {
        /// Percent available below which it is a warning.
        warning_available_percent: f64 = 10.0,
        /// MiB available below which it is a warning.
        warning_available_mib: u64 = 4_096,
        /// Percent available below which it is critical.
        critical_available_percent: f64 = 5.0,
        /// MiB available below which it is critical.
        critical_available_mib: u64 = 1_024,
    }
);
thresholds!(
    /// When swap runs out while memory is short too.
    SwapThresholds, SwapPatch {
        /// Percent used from which on it is a warning.
        warning_percent: f64 = 80.0,
        /// Percent used from which on it is critical.
        critical_percent: f64 = 95.0,
        /// Percent of memory available above which full swap is no trouble.
        memory_available_percent: f64 = 25.0,
    }
);
thresholds!(
    /// When a file system is too full. Percent and bytes must both be passed.
    DiskThresholds, DiskPatch {
        /// Percent used from which on it is a warning.
        warning_percent: f64 = 90.0,
        /// GiB left below which it is a warning.
        warning_left_gib: f64 = 20.0,
        /// Percent used from which on it is critical.
        critical_percent: f64 = 95.0,
        /// GiB left below which it is critical.
        critical_left_gib: f64 = 5.0,
    }
);
thresholds!(
    /// When a file system runs out of inodes.
    InodesThresholds, InodesPatch {
        /// Percent used from which on it is a warning.
        warning_percent: f64 = 90.0,
        /// Percent used from which on it is critical.
        critical_percent: f64 = 97.0,
    }
);
thresholds!(
    /// When errors in the journal are a burst.
    JournalThresholds, JournalPatch {
        /// Errors of one writer in the window from which on it is a warning.
        warning_count: u32 = 50,
        /// Errors of one writer in the window from which on it is critical; at most 500 are read.
        critical_count: u32 = 500,
    }
);
thresholds!(
    /// When processes killed for lack of memory are critical; one is a warning.
    OomThresholds, OomPatch {
        /// Kills of one program in the window from which on it is critical.
        critical_count: u32 = 3,
    }
);
thresholds!(
    /// When there are too many zombies.
    ZombiesThresholds, ZombiesPatch {
        /// Zombies of one parent from which on it is a warning.
        warning_count: u32 = 10,
        /// Zombies of one parent from which on it is critical.
        critical_count: u32 = 1_000,
    }
);
thresholds!(
    /// When a clock is wrong. The comparison with ours is no finer than the time an answer takes.
    ClockThresholds, ClockPatch {
        /// Seconds apart from which on it is a warning.
        warning_seconds: u64 = 30,
        /// Seconds apart from which on it is critical.
        critical_seconds: u64 = 300,
    }
);
thresholds!(
    /// When a certificate ends too soon.
    CertificatesThresholds, CertificatesPatch {
        /// Days left below which it is a warning.
        warning_days: u32 = 21,
        /// Days left below which it is critical.
        critical_days: u32 = 7,
    }
);

/// All thresholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// The check `load`.
    pub load: LoadThresholds,
    /// The check `cpu`.
    pub cpu: CpuThresholds,
    /// The check `memory`.
    pub memory: MemoryThresholds,
    /// The check `swap`.
    pub swap: SwapThresholds,
    /// The check `disk`.
    pub disk: DiskThresholds,
    /// The check `inodes`.
    pub inodes: InodesThresholds,
    /// The check `journal`.
    pub journal: JournalThresholds,
    /// The check `oom`.
    pub oom: OomThresholds,
    /// The check `zombies`.
    pub zombies: ZombiesThresholds,
    /// The check `clock`.
    pub clock: ClockThresholds,
    /// The check `certificates`.
    pub certificates: CertificatesThresholds,
}

/// Overrides some thresholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ThresholdsPatch {
    /// The check `load`.
    pub load: LoadPatch,
    /// The check `cpu`.
    pub cpu: CpuPatch,
    /// The check `memory`.
    pub memory: MemoryPatch,
    /// The check `swap`.
    pub swap: SwapPatch,
    /// The check `disk`.
    pub disk: DiskPatch,
    /// The check `inodes`.
    pub inodes: InodesPatch,
    /// The check `journal`.
    pub journal: JournalPatch,
    /// The check `oom`.
    pub oom: OomPatch,
    /// The check `zombies`.
    pub zombies: ZombiesPatch,
    /// The check `clock`.
    pub clock: ClockPatch,
    /// The check `certificates`.
    pub certificates: CertificatesPatch,
}

impl Thresholds {
    /// These, with what the patch says in their place.
    #[must_use]
    pub fn apply(mut self, patch: &ThresholdsPatch) -> Self {
        self.load.apply(&patch.load);
        self.cpu.apply(&patch.cpu);
        self.memory.apply(&patch.memory);
        self.swap.apply(&patch.swap);
        self.disk.apply(&patch.disk);
        self.inodes.apply(&patch.inodes);
        self.journal.apply(&patch.journal);
        self.oom.apply(&patch.oom);
        self.zombies.apply(&patch.zombies);
        self.clock.apply(&patch.clock);
        self.certificates.apply(&patch.certificates);
        self
    }

    /// Checks that they make sense together.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self) -> Result<(), InvalidThreshold> {
        self.percents()?;
        self.amounts()?;
        let ordered = [
            (
                "load.critical_per_core",
                self.load.critical_per_core >= self.load.warning_per_core,
            ),
            (
                "swap.critical_percent",
                self.swap.critical_percent >= self.swap.warning_percent,
            ),
            (
                "disk.critical_percent",
                self.disk.critical_percent >= self.disk.warning_percent,
            ),
            (
                "disk.critical_left_gib",
                self.disk.critical_left_gib <= self.disk.warning_left_gib,
            ),
            (
                "inodes.critical_percent",
                self.inodes.critical_percent >= self.inodes.warning_percent,
            ),
            (
                "journal.critical_count",
                self.journal.critical_count >= self.journal.warning_count,
            ),
            (
                "zombies.critical_count",
                self.zombies.critical_count >= self.zombies.warning_count,
            ),
            (
                "clock.critical_seconds",
                self.clock.critical_seconds >= self.clock.warning_seconds,
            ),
            (
                "certificates.critical_days",
                self.certificates.critical_days <= self.certificates.warning_days,
            ),
            (
                "memory.critical_available_percent",
                self.memory.critical_available_percent <= self.memory.warning_available_percent,
            ),
            (
                "memory.critical_available_mib",
                self.memory.critical_available_mib <= self.memory.warning_available_mib,
            ),
        ];
        first_false(&ordered, "critical must not come before warning")
    }

    fn percents(&self) -> Result<(), InvalidThreshold> {
        let percents = [
            ("cpu.warning_percent", self.cpu.warning_percent),
            (
                "cpu.critical_pressure_percent",
                self.cpu.critical_pressure_percent,
            ),
            ("cpu.steal_warning_percent", self.cpu.steal_warning_percent),
            (
                "memory.warning_available_percent",
                self.memory.warning_available_percent,
            ),
            (
                "memory.critical_available_percent",
                self.memory.critical_available_percent,
            ),
            ("swap.warning_percent", self.swap.warning_percent),
            ("swap.critical_percent", self.swap.critical_percent),
            (
                "swap.memory_available_percent",
                self.swap.memory_available_percent,
            ),
            ("disk.warning_percent", self.disk.warning_percent),
            ("disk.critical_percent", self.disk.critical_percent),
            ("inodes.warning_percent", self.inodes.warning_percent),
            ("inodes.critical_percent", self.inodes.critical_percent),
        ];
        let valid = percents.map(|(key, value)| (key, value > 0.0 && value <= 100.0));
        first_false(&valid, "a percentage is above 0 and at most 100")
    }

    fn amounts(&self) -> Result<(), InvalidThreshold> {
        let amounts = [
            ("load.warning_per_core", self.load.warning_per_core),
            ("load.critical_per_core", self.load.critical_per_core),
            ("disk.warning_left_gib", self.disk.warning_left_gib),
            ("disk.critical_left_gib", self.disk.critical_left_gib),
            (
                "journal.warning_count",
                f64::from(self.journal.warning_count),
            ),
            ("oom.critical_count", f64::from(self.oom.critical_count)),
            (
                "zombies.warning_count",
                f64::from(self.zombies.warning_count),
            ),
            // Below this the time an answer takes would be taken for the clock's fault.
            (
                "clock.warning_seconds",
                if self.clock.warning_seconds >= 5 {
                    1.0
                } else {
                    0.0
                },
            ),
        ];
        let valid = amounts.map(|(key, value)| (key, value > 0.0 && value.is_finite()));
        first_false(
            &valid,
            "it must be above 0 (seconds of the clock: at least 5)",
        )?;
        first_false(
            &[("journal.critical_count", self.journal.critical_count <= 500)],
            "no more than 500 errors are read in a look",
        )
    }
}

fn first_false(rules: &[(&str, bool)], why: &'static str) -> Result<(), InvalidThreshold> {
    match rules.iter().find(|(_, holds)| !holds) {
        Some((key, _)) => Err(InvalidThreshold {
            key: (*key).to_owned(),
            why,
        }),
        None => Ok(()),
    }
}
