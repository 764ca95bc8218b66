//! Each threshold moves what its own check says, and nothing is moved by none.

use watchkeeper_model::{CheckOutcome, Severity};

use super::tests::{look, present};
use super::*;
use crate::parse::tests::*;
use crate::*;

/// What a host shows, and what one threshold makes of it.
struct Row {
    key: &'static str,
    /// Below it, or above, as the key is read.
    value: f64,
    before: Option<Severity>,
    after: Option<Severity>,
    shows: Box<dyn Fn(&mut Facts)>,
}

const WARNING: Option<Severity> = Some(Severity::Warning);
const CRITICAL: Option<Severity> = Some(Severity::Critical);
const MIB: u64 = 1 << 20;
const GIB: f64 = 1_073_741_824.0;
const DAY: i64 = 86_400;

/// The worst that a check says of the healthy sample with a change.
fn worst(check: &str, thresholds: &Thresholds, shows: &dyn Fn(&mut Facts)) -> Option<Severity> {
    let previous = facts(FEDORA);
    let mut now = facts(FEDORA);
    shows(&mut now);
    run_checks(&look(now), Some(&previous), thresholds)
        .into_iter()
        .filter(|result| result.check.as_str() == check)
        .filter_map(|result| match result.outcome {
            CheckOutcome::Found { finding } => Some(finding.severity),
            CheckOutcome::Passed { .. } | CheckOutcome::Unknown { .. } => None,
        })
        .max()
}

fn with(key: &str, value: f64) -> Thresholds {
    let (section, name) = key.split_once('.').expect("a section and a name");
    let whole = name.ends_with("_count")
        || name.ends_with("_mib")
        || name.ends_with("_seconds")
        || name.ends_with("_days");
    let value = if whole {
        serde_json::json!(value as u64)
    } else {
        serde_json::json!(value)
    };
    let patch = serde_json::json!({ section: { name: value } });
    let patch: ThresholdsPatch = serde_json::from_value(patch).expect("a patch");
    Thresholds::default().apply(&patch)
}

fn row(
    key: &'static str,
    value: f64,
    (before, after): (Option<Severity>, Option<Severity>),
    shows: impl Fn(&mut Facts) + 'static,
) -> Row {
    Row {
        key,
        value,
        before,
        after,
        shows: Box::new(shows),
    }
}

fn load(each: f64) -> impl Fn(&mut Facts) {
    move |facts| {
        let load = present(&mut facts.load);
        (load.one, load.five, load.cores) = (each * 4.0, each * 4.0, Some(4));
    }
}

/// Busy, stolen, and waiting for a processor, each in percent.
fn cpu(busy: u64, steal: u64, waiting: f64) -> impl Fn(&mut Facts) {
    move |facts| {
        let now = present(&mut facts.cpu);
        now.busy += busy * 100;
        now.idle += (100 - busy) * 100;
        now.steal += steal * 100;
        present(&mut facts.pressure).cpu = Some(Stall {
            some_60: waiting,
            some_300: waiting,
            full_300: None,
        });
    }
}

/// Memory available of 4 GiB, and swap free of 1 GiB, in MiB.
fn memory(available: u64, swap_free: u64) -> impl Fn(&mut Facts) {
    move |facts| {
        facts.memory = Section::Present(Memory {
            total_bytes: 4_096 * MIB,
            available_bytes: available * MIB,
        });
        facts.swap = Section::Present(Swap {
            total_bytes: 1_024 * MIB,
            free_bytes: swap_free * MIB,
        });
    }
}

/// A file system of so many GiB with so many left, and so many of a hundred inodes used.
fn disk(size: f64, left: f64, inodes: u64) -> impl Fn(&mut Facts) {
    move |facts| {
        present(&mut facts.disks).file_systems = vec![FileSystem {
            target: "/".to_owned(),
            source: "/dev/sda1".to_owned(),
            kind: "ext4".to_owned(),
            size_bytes: (size * GIB) as u64,
            used_bytes: ((size - left) * GIB) as u64,
            available_bytes: (left * GIB) as u64,
            inodes: 100,
            inodes_used: inodes,
        }];
    }
}

fn errors(count: u32) -> impl Fn(&mut Facts) {
    move |facts| {
        facts.journal = Section::Present(Journal {
            window_s: 900,
            sources: vec![ErrorSource {
                identifier: "payments".to_owned(),
                unit: None,
                count,
                samples: Vec::new(),
            }],
            count,
            at_least: false,
        });
    }
}

fn kills(count: u32) -> impl Fn(&mut Facts) {
    move |facts| {
        let kill = |pid| OomKill {
            process: "perl".to_owned(),
            pid,
            line: "killed".to_owned(),
        };
        facts.oom = Section::Present(Oom {
            window_s: 900,
            kills: Ok((1..=count).map(kill).collect()),
            since_boot: Some(u64::from(count)),
        });
    }
}

fn zombies(count: u32) -> impl Fn(&mut Facts) {
    move |facts| {
        let processes = present(&mut facts.processes);
        processes.zombies = count;
        processes.parents = vec![ZombieParent {
            pid: 7,
            name: "spooler".to_owned(),
            unit: None,
            zombies: count,
        }];
    }
}

fn clock(ahead_s: i64) -> impl Fn(&mut Facts) {
    move |facts| present(&mut facts.clock).epoch_s += ahead_s
}

fn certificate(days: i64) -> impl Fn(&mut Facts) {
    move |facts| {
        let now = present(&mut facts.clock).epoch_s;
        facts.certificates = Section::Present(vec![Certificate {
            path: "/etc/site.pem".to_owned(),
            state: CertificateState::Ends {
                epoch_s: now + days * DAY,
            },
        }]);
    }
}

/// Every threshold, with facts on which a change of it alone tells.
fn rows() -> Vec<Row> {
    let (warns, worse, calms) = ((None, WARNING), (WARNING, CRITICAL), (WARNING, None));
    vec![
        row("load.warning_per_core", 0.5, warns, load(1.0)),
        row("load.critical_per_core", 2.5, worse, load(3.0)),
        row("cpu.warning_percent", 50.0, warns, cpu(60, 0, 1.0)),
        row(
            "cpu.critical_pressure_percent",
            40.0,
            worse,
            cpu(98, 0, 50.0),
        ),
        row("cpu.steal_warning_percent", 5.0, warns, cpu(60, 10, 1.0)),
        row(
            "memory.warning_available_percent",
            20.0,
            warns,
            memory(614, 1_024),
        ),
        row(
            "memory.warning_available_mib",
            200.0,
            calms,
            memory(300, 1_024),
        ),
        row(
            "memory.critical_available_percent",
            9.0,
            worse,
            memory(300, 1_024),
        ),
        row(
            "memory.critical_available_mib",
            50.0,
            (CRITICAL, WARNING),
            memory(100, 1_024),
        ),
        row("swap.warning_percent", 60.0, warns, memory(400, 300)),
        row("swap.critical_percent", 85.0, worse, memory(400, 100)),
        row(
            "swap.memory_available_percent",
            50.0,
            warns,
            memory(1_640, 100),
        ),
        row("disk.warning_percent", 80.0, warns, disk(20.0, 3.0, 1)),
        row("disk.warning_left_gib", 60.0, warns, disk(1_000.0, 50.0, 1)),
        row("disk.critical_percent", 91.0, worse, disk(20.0, 1.6, 1)),
        row("disk.critical_left_gib", 10.0, worse, disk(200.0, 8.0, 1)),
        row("inodes.warning_percent", 70.0, warns, disk(20.0, 15.0, 80)),
        row("inodes.critical_percent", 93.0, worse, disk(20.0, 15.0, 95)),
        row("journal.warning_count", 10.0, warns, errors(20)),
        row("journal.critical_count", 80.0, worse, errors(100)),
        row("oom.critical_count", 2.0, worse, kills(2)),
        row("zombies.warning_count", 3.0, warns, zombies(5)),
        row("zombies.critical_count", 50.0, worse, zombies(100)),
        row("clock.warning_seconds", 10.0, warns, clock(20)),
        row("clock.critical_seconds", 60.0, worse, clock(100)),
        row("certificates.warning_days", 40.0, warns, certificate(30)),
        row("certificates.critical_days", 12.0, worse, certificate(10)),
    ]
}

#[test]
fn each_threshold_moves_what_its_check_says() {
    for Row {
        key,
        value,
        before,
        after,
        shows,
    } in rows()
    {
        let check = key.split('.').next().expect("a check's name");
        let said = |thresholds: &Thresholds| worst(check, thresholds, shows.as_ref());
        assert_eq!(
            said(&Thresholds::default()),
            before,
            "{key} as it is by default"
        );
        assert_eq!(said(&with(key, value)), after, "{key} = {value}");
    }
}

#[test]
fn no_threshold_is_left_out_of_the_table() {
    let all = serde_json::to_value(Thresholds::default()).expect("it can be written");
    let mut missing = Vec::new();
    for (section, keys) in all.as_object().expect("sections") {
        for name in keys.as_object().expect("keys").keys() {
            let key = format!("{section}.{name}");
            if !rows().iter().any(|row| row.key == key) {
                missing.push(key);
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}
