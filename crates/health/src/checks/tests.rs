//! Tables of facts and what the checks say of them.

use std::fmt::Write as _;

use watchkeeper_model::{CheckOutcome, HostName, LookFailure, Severity, Timestamp};

use super::*;
use crate::parse::tests::*;
use crate::*;

/// The time at which the samples were taken.
fn now() -> Timestamp {
    Timestamp::from_millis(1_795_257_163_000)
}

pub(super) fn look(facts: Facts) -> Look {
    Look {
        host: HostName::new("web1").expect("a host"),
        at: now(),
        result: Ok(facts),
    }
}

fn failed(failure: LookFailure) -> Look {
    Look {
        host: HostName::new("web1").expect("a host"),
        at: now(),
        result: Err(failure),
    }
}

/// One line for each result: check, subject, what it says.
fn told(results: &[CheckResult]) -> String {
    let mut lines = String::new();
    for result in results {
        let subject = if result.subject.is_empty() {
            String::new()
        } else {
            format!(" [{}]", result.subject)
        };
        let said = match &result.outcome {
            CheckOutcome::Passed { detail } => format!("ok: {detail}"),
            CheckOutcome::Found { finding } => format!("{}: {}", finding.severity, finding.summary),
            CheckOutcome::Unknown { why } => format!("unknown: {why}"),
        };
        let _ = writeln!(lines, "{}{subject} {said}", result.check);
    }
    lines
}

fn all(answer: &str) -> String {
    told(&run_checks(
        &look(facts(answer)),
        None,
        &Thresholds::default(),
    ))
}

/// What one check says of facts that were changed from the healthy sample.
fn says(check: &str, change: impl FnOnce(&mut Facts)) -> String {
    says_after(check, None, change)
}

fn says_after(check: &str, previous: Option<&Facts>, change: impl FnOnce(&mut Facts)) -> String {
    let mut facts = facts(FEDORA);
    change(&mut facts);
    let results = run_checks(&look(facts), previous, &Thresholds::default());
    let of_check: Vec<_> = results
        .into_iter()
        .filter(|result| result.check.as_str() == check)
        .collect();
    told(&of_check).trim_end().to_owned()
}

pub(super) fn present<T>(section: &mut Section<T>) -> &mut T {
    match section {
        Section::Present(value) => value,
        Section::Missing { why } | Section::Broken { why } => panic!("not present: {why}"),
    }
}

#[test]
fn a_healthy_debian_host_reads_well() {
    insta::assert_snapshot!(all(DEBIAN), @"
    reachable ok: Debian GNU/Linux 12 (bookworm), up 6 s
    load ok: 0.08 0.02 0.01 on 2 processors
    cpu ok: something waited for a processor 5 % of the time
    memory ok: 4 % of 512 MiB
    swap ok: no swap
    disk [/] ok: 1 % of 256 MiB
    disk [/srv/data] ok: 1 % of 25 MiB
    inodes [/] ok: 1 %
    inodes [/srv/data] ok: 1 %
    mounts ok: 1 file system as it should be
    units ok: no unit has failed, the system is running
    oom ok: none in 15 min
    journal ok: 0 errors in 15 min
    reboot ok: running 6.18.44-fc-v669
    zombies ok: 0 zombies
    clock ok: within 8 s of ours
    clock [synchronisation] ok: the clock is that of the machine around
    certificates [/etc/ssl/site/site.crt] ok: 3649 d left
    certificates [/nope.pem] warning: /nope.pem is listed and not there
    nixos-switch ok: not NixOS
    ");
}

#[test]
fn a_troubled_debian_host_tells_every_trouble() {
    insta::assert_snapshot!(all(TROUBLED), @"
    reachable ok: Debian GNU/Linux 12 (bookworm), up 102 s
    load ok: 2.59 0.75 0.26 on 2 processors
    cpu ok: something waited for a processor 5 % of the time
    memory ok: 4 % of 512 MiB
    swap ok: no swap
    disk [/] critical: / is 97 % full (7.6 MiB left)
    disk [/srv/data] ok: 4 % of 25 MiB
    inodes [/] ok: 1 %
    inodes [/srv/data] ok: 1 %
    mounts [/srv/data] critical: /srv/data is read-only (ext4 on /dev/loop0)
    units [backup.service] warning: backup.service failed 59 s ago: exit code 2
    units [importer.service] critical: importer.service failed 60 s ago: killed by signal KILL
    units [labapp.service] critical: labapp.service failed 61 s ago: exit code 78
    units [nginx.service] critical: nginx.service failed 60 s ago: killed by signal KILL
    oom [perl] warning: the kernel killed perl for lack of memory
    journal [payments] warning: payments wrote 60 errors in 15 min
    reboot warning: a reboot is needed (for linux-image-amd64)
    zombies [spooler.service] warning: spooler.service has left 30 ended children unreaped
    clock ok: within 1 s of ours
    clock [synchronisation] ok: the clock is that of the machine around
    certificates [/etc/ssl/site/site.crt] ok: 3649 d left
    certificates [/nope.pem] warning: /nope.pem is listed and not there
    nixos-switch ok: not NixOS
    ");
}

#[test]
fn an_alpine_host_without_systemd_is_understood() {
    insta::assert_snapshot!(all(ALPINE), @"
    reachable ok: Alpine Linux v3.20, up 14 d
    load ok: 0.21 0.30 0.28 on 2 processors
    cpu unknown: it is measured between two looks, and this is the first
    memory ok: 25 % of 990 MiB
    swap ok: 0 % of 2.0 GiB
    disk [/] critical: / is 97 % full (513 MiB left)
    disk [/boot] ok: 11 % of 250 MiB
    inodes [/] ok: 4 %
    inodes [/boot] ok: 1 %
    mounts ok: 2 file systems as it should be
    units [nginx] critical: nginx failed
    units [sshguard] critical: sshguard failed: crashed
    oom [java] warning: the kernel killed java for lack of memory
    journal unknown: no journal is kept here
    reboot warning: a reboot is needed: the modules of the running kernel 6.6.30-0-lts are gone
    zombies ok: 0 zombies
    clock ok: within 1 s of ours
    clock [synchronisation] warning: the clock is not synchronised
    certificates ok: none are listed
    nixos-switch ok: not NixOS
    ");
}

#[test]
fn a_nixos_host_after_a_failed_switch_is_understood() {
    insta::assert_snapshot!(all(NIXOS), @"
    reachable ok: NixOS 24.05 (Uakari), up 14 d
    load ok: 0.21 0.30 0.28 on 4 processors
    cpu ok: something waited for a processor 1 % of the time
    cpu [steal] unknown: it is measured between two looks, and this is the first
    memory ok: 38 % of 4.0 GiB
    swap ok: no swap
    disk [/] ok: 79 % of 38 GiB
    disk [/boot] ok: 12 % of 511 MiB
    inodes [/] ok: 34 %
    mounts ok: 3 file systems as it should be
    units ok: no unit has failed, the system is degraded
    oom ok: none in 15 min
    journal ok: 0 errors in 15 min
    reboot warning: a reboot is needed: kernel, initrd, kernel-modules of the running system are not those that were booted
    zombies ok: 0 zombies
    clock ok: within 1 s of ours
    clock [synchronisation] ok: kept by systemd-timesyncd
    certificates ok: none are listed
    nixos-switch critical: the switch to generation 42 failed
    ");
}

#[test]
fn an_arch_host_after_an_update_is_understood() {
    insta::assert_snapshot!(all(ARCH), @"
    reachable ok: Arch Linux, up 14 d
    load warning: load is 16.9 over five minutes on 8 processors
    cpu ok: something waited for a processor 1 % of the time
    memory warning: memory is 95 % used (879 MiB of 16 GiB available)
    swap critical: swap is 98 % used (195 MiB left), and 5 % of memory is available
    disk [/] ok: 80 % of 499 GiB
    disk [/boot] ok: 20 % of 1.0 GiB
    disk [/mnt/old disk] warning: /mnt/old disk is 99 % full (10 GiB left)
    inodes [/mnt/old disk] critical: /mnt/old disk has used 99 % of its inodes (15 left)
    mounts [/mnt/old disk] critical: /mnt/old disk is read-only (xfs on /dev/sdb1)
    units ok: no unit has failed, the system is running
    oom ok: none in 15 min
    journal ok: 0 errors in 15 min
    reboot warning: a reboot is needed: the modules of the running kernel 6.9.1-arch1-1 are gone
    zombies ok: 0 zombies
    clock ok: within 1 s of ours
    clock [synchronisation] warning: the clock is not synchronised
    certificates ok: none are listed
    nixos-switch ok: not NixOS
    ");
}

#[test]
fn a_fedora_host_seen_without_rights_is_understood() {
    insta::assert_snapshot!(all(FEDORA), @"
    reachable ok: Fedora Linux 40 (Server Edition), up 14 d
    load ok: 0.21 0.30 0.28 on 4 processors
    cpu ok: something waited for a processor 1 % of the time
    cpu [steal] unknown: it is measured between two looks, and this is the first
    memory ok: 38 % of 4.0 GiB
    swap ok: no swap
    disk [/] ok: 40 % of 15 GiB
    disk [/boot] ok: 29 % of 1.0 GiB
    inodes [/] ok: 2 %
    inodes [/boot] ok: 1 %
    mounts ok: 2 file systems as it should be
    units ok: no unit has failed, the system is running
    oom ok: none since boot
    journal unknown: the journal is readable for root and the group systemd-journal only
    reboot info: a newer kernel 6.8.10-300.fc40.x86_64 waits for a reboot (running 6.8.5-301.fc40.x86_64)
    zombies ok: 0 zombies
    clock ok: within 1 s of ours
    clock [synchronisation] ok: kept by chronyd
    certificates [/etc/pki/tls/certs/site.crt] critical: /etc/pki/tls/certs/site.crt ends in 4 d
    certificates [/etc/pki/tls/certs/old.crt] critical: /etc/pki/tls/certs/old.crt ended 20 d ago
    certificates [/etc/pki/tls/certs/far.crt] ok: 3649 d left
    certificates [/none.pem] warning: /none.pem is listed and not there
    certificates [/secret.pem] unknown: /secret.pem may not be read by this account
    certificates [/etc/passwd] warning: /etc/passwd holds no certificate
    nixos-switch ok: not NixOS
    ");
}

#[test]
fn every_failure_to_look_has_its_own_words_and_nothing_else_passes() {
    let s = str::to_owned;
    let failures = [
        LookFailure::NameNotResolved {
            name: s("db1.lan"),
            detail: s("NXDOMAIN"),
        },
        LookFailure::Unreachable {
            address: s("10.0.0.5:22"),
            detail: s("connection refused"),
        },
        LookFailure::Silent {
            address: s("10.0.0.5:22"),
            waited_ms: 10_000,
        },
        LookFailure::ClosedEarly {
            address: s("10.0.0.5:22"),
            detail: s("end of file"),
        },
        LookFailure::HostKeyUnknown {
            host: s("db1"),
            fingerprint: s("SHA256:abc"),
        },
        LookFailure::HostKeyChanged {
            host: s("db1"),
            known: s("SHA256:abc"),
            offered: s("SHA256:def"),
        },
        LookFailure::HostKeyRevoked {
            host: s("db1"),
            fingerprint: s("SHA256:abc"),
        },
        LookFailure::LoginRefused {
            login: s("ops"),
            methods: s("publickey"),
        },
        LookFailure::PasswordOnly { login: s("ops") },
        LookFailure::KeyUnusable {
            path: s("/etc/watchkeeper/key"),
            detail: s("permission denied"),
        },
        LookFailure::ConnectionLost {
            detail: s("reset by peer"),
        },
        LookFailure::TimedOut { limit_ms: 10_000 },
        LookFailure::TooLarge {
            limit_bytes: 4 << 20,
        },
        LookFailure::Unreadable {
            detail: s("it does not come to its end"),
        },
        LookFailure::Misconfigured {
            detail: s("the port is 0"),
        },
    ];
    let mut lines = String::new();
    for failure in failures {
        let results = run_checks(&failed(failure), None, &Thresholds::default());
        assert_eq!(results.len(), CHECKS.len());
        let (first, rest) = results.split_first().expect("there are results");
        assert!(
            rest.iter()
                .all(|result| matches!(result.outcome, CheckOutcome::Unknown { .. }))
        );
        lines += &told(std::slice::from_ref(first));
    }
    insta::assert_snapshot!(lines, @"
    reachable critical: the name db1.lan has no address
    reachable critical: no connection to 10.0.0.5:22: connection refused
    reachable critical: 10.0.0.5:22 takes the connection and then says nothing for 10 s
    reachable critical: 10.0.0.5:22 closed the connection before the login
    reachable warning: host key not known yet, nothing is run: SHA256:abc
    reachable critical: host key changed: blocked until a person has looked
    reachable critical: host key revoked: blocked until a person has looked
    reachable critical: login refused for ops
    reachable warning: login as ops needs a password, and only keys are used
    reachable warning: our key /etc/watchkeeper/key cannot be used: permission denied
    reachable warning: the connection was lost during the look
    reachable critical: no answer within 10 s
    reachable warning: it answers with more than 4.0 MiB
    reachable warning: it answers, but not with the probe's words: it does not come to its end
    reachable warning: its entry in the inventory cannot be used: the port is 0
    ");
}

#[test]
fn load_needs_both_averages_and_counts_processors() {
    let of = |one: f64, five: f64, cores: Option<u32>| {
        says("load", |facts| {
            let load = present(&mut facts.load);
            (load.one, load.five, load.cores) = (one, five, cores);
        })
    };
    let table = [
        of(9.0, 1.0, Some(4)),
        of(1.0, 9.0, Some(4)),
        of(9.0, 8.5, Some(4)),
        of(99.0, 70.0, Some(4)),
        of(9.0, 9.0, Some(16)),
        of(9.0, 9.0, None),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    load ok: 9.00 1.00 0.28 on 4 processors
    load ok: 1.00 9.00 0.28 on 4 processors
    load warning: load is 8.5 over five minutes on 4 processors
    load critical: load is 70.0 over five minutes on 4 processors
    load ok: 9.00 9.00 0.28 on 16 processors
    load unknown: the number of processors is not known
    ");
}

#[test]
fn cpu_is_measured_between_two_looks_of_one_boot() {
    let before = facts(FEDORA);
    let later = |busy: u64, idle: u64, steal: u64| {
        move |facts: &mut Facts| {
            let cpu = present(&mut facts.cpu);
            cpu.busy += busy;
            cpu.idle += idle;
            cpu.steal += steal;
        }
    };
    let table = [
        says("cpu", |facts| {
            facts.pressure = Section::missing("old kernel");
        }),
        says("cpu", |_| {}),
        says_after("cpu", Some(&before), later(9_800, 200, 0)),
        says_after("cpu", Some(&before), later(3_000, 7_000, 2_500)),
        says_after("cpu", Some(&before), later(10, 10, 0)),
        says_after("cpu", Some(&before), |facts| {
            later(9_800, 200, 0)(facts);
            present(&mut facts.identity).boot = Some("another.1".to_owned());
            facts.pressure = Section::missing("old kernel");
        }),
        says_after("cpu", Some(&before), |facts| {
            later(9_900, 100, 0)(facts);
            let stall = Stall {
                some_60: 95.0,
                some_300: 90.0,
                full_300: None,
            };
            present(&mut facts.pressure).cpu = Some(stall);
        }),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    cpu unknown: it is measured between two looks, and this is the first
    cpu ok: something waited for a processor 1 % of the time
    cpu [steal] unknown: it is measured between two looks, and this is the first
    cpu warning: the processors were 98 % busy since the last look
    cpu ok: 30 % busy
    cpu [steal] warning: the machine around this one takes 25 % of the processors
    cpu ok: something waited for a processor 1 % of the time
    cpu [steal] unknown: it is measured between two looks, and this is the first
    cpu unknown: it is measured between two looks, and this is the first
    cpu critical: the processors were 99 % busy since the last look
    ");
}

#[test]
fn memory_and_swap_need_share_and_amount() {
    let memory = |total_mib: u64, available_mib: u64| {
        says("memory", |facts| {
            facts.memory = Section::Present(Memory {
                total_bytes: total_mib << 20,
                available_bytes: available_mib << 20,
            });
        })
    };
    let swap = |free_mib: u64, available_mib: u64| {
        says("swap", |facts| {
            facts.memory = Section::Present(Memory {
                total_bytes: 4096 << 20,
                available_bytes: available_mib << 20,
            });
            facts.swap = Section::Present(Swap {
                total_bytes: 1024 << 20,
                free_bytes: free_mib << 20,
            });
        })
    };
    let table = [
        memory(512, 30),
        memory(512, 12),
        memory(1 << 20, 80_000),
        memory(8192, 4000),
        swap(0, 3000),
        swap(100, 500),
        swap(10, 500),
        swap(900, 100),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    memory warning: memory is 94 % used (30 MiB of 512 MiB available)
    memory critical: memory is 98 % used (12 MiB of 512 MiB available)
    memory ok: 92 % of 1.0 TiB
    memory ok: 51 % of 8.0 GiB
    swap ok: 100 % of 1.0 GiB
    swap warning: swap is 90 % used (100 MiB left), and 12 % of memory is available
    swap critical: swap is 99 % used (10 MiB left), and 12 % of memory is available
    swap ok: 12 % of 1.0 GiB
    ");
}

#[test]
fn disk_needs_share_and_amount() {
    let of = |size_gib: f64, left_gib: f64| {
        says("disk", |facts| {
            let gib = |gib: f64| (gib * 1_073_741_824.0) as u64;
            present(&mut facts.disks).file_systems = vec![FileSystem {
                target: "/".to_owned(),
                source: "/dev/sda1".to_owned(),
                kind: "ext4".to_owned(),
                size_bytes: gib(size_gib),
                used_bytes: gib(size_gib - left_gib),
                available_bytes: gib(left_gib),
                inodes: 1000,
                inodes_used: 100,
            }];
        })
    };
    let table = [
        of(20.0, 1.9),
        of(20.0, 0.5),
        of(8000.0, 300.0),
        of(100.0, 60.0),
        of(0.25, 0.0),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    disk [/] warning: / is 91 % full (1.9 GiB left)
    disk [/] critical: / is 98 % full (512 MiB left)
    disk [/] ok: 96 % of 7.8 TiB
    disk [/] ok: 40 % of 100 GiB
    disk [/] critical: / is 100 % full (0 B left)
    ");
}

#[test]
fn a_clock_a_year_off_is_found_by_comparing_it_with_ours() {
    let of = |offset: i64| says("clock", |facts| present(&mut facts.clock).epoch_s += offset);
    let table = [
        of(0),
        of(20),
        of(-45),
        of(31_536_000),
        of(-31_536_000),
        of(i64::MAX / 2),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    clock ok: within 1 s of ours
    clock [synchronisation] ok: kept by chronyd
    clock ok: within 20 s of ours
    clock [synchronisation] ok: kept by chronyd
    clock warning: the clock is 45 s behind ours
    clock [synchronisation] ok: kept by chronyd
    clock critical: the clock is 365 d ahead of ours
    clock [synchronisation] ok: kept by chronyd
    clock critical: the clock is 365 d behind ours
    clock [synchronisation] ok: kept by chronyd
    clock critical: the clock is 53375995583650 d ahead of ours
    clock [synchronisation] ok: kept by chronyd
    ");
}

#[test]
fn oom_without_a_readable_log_goes_by_the_kernels_count() {
    let before = {
        let mut facts = facts(FEDORA);
        facts.oom = oom(3);
        facts
    };
    fn oom(count: u64) -> Section<Oom> {
        Section::Present(Oom {
            window_s: 900,
            kills: Err("hidden".to_owned()),
            since_boot: Some(count),
        })
    }
    let table = [
        says("oom", |facts| facts.oom = oom(0)),
        says("oom", |facts| facts.oom = oom(5)),
        says_after("oom", Some(&before), |facts| facts.oom = oom(5)),
        says_after("oom", Some(&before), |facts| facts.oom = oom(3)),
        says_after("oom", Some(&before), |facts| facts.oom = oom(1)),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    oom ok: none since boot
    oom unknown: 5 since boot, it is not known when: hidden
    oom warning: the kernel killed 2 processes for lack of memory since the last look
    oom ok: none since the last look
    oom unknown: 1 since boot, it is not known when: hidden
    ");
}

#[test]
fn a_flood_of_errors_that_was_not_read_whole_is_never_told_as_whole() {
    let source = |name: &str, count| ErrorSource {
        identifier: name.to_owned(),
        unit: None,
        count,
        samples: Vec::new(),
    };
    let of = |sources: Vec<ErrorSource>| {
        says("journal", |facts| {
            facts.journal = Section::Present(Journal {
                window_s: 900,
                sources,
                count: 500,
                at_least: true,
            });
        })
    };
    let table = [
        of(vec![source("a", 500)]),
        of((0..25).map(|n| source(&format!("p{n}"), 20)).collect()),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    journal [a] critical: a wrote at least 500 errors in 15 min
    journal unknown: only the newest 500 errors were read
    journal [all programs] warning: more than 500 errors in 15 min, from many programs
    journal unknown: only the newest 500 errors were read
    ");
}

#[test]
fn units_of_our_own_runs_are_never_told() {
    let said = says("units", |facts| {
        let unit = |name: &str| FailedUnit {
            name: name.to_owned(),
            ..FailedUnit::default()
        };
        present(&mut facts.units).failed = vec![unit("watchkeeper-01abc.1.service")];
    });
    assert_eq!(said, "units ok: no unit has failed, the system is running");
}

#[test]
fn a_unit_with_a_hostile_name_is_told_and_shown_harmlessly() {
    let answer = TROUBLED.replace("labapp.service", "a\u{1b}[2J\"'`b.service");
    let results = run_checks(&look(facts(&answer)), None, &Thresholds::default());
    let subject = "a\\u{1b}[2J\"'`b.service";
    let result = results
        .iter()
        .find(|result| result.subject == subject)
        .expect("it is told");
    assert!(
        watchkeeper_model::UnitName::new(result.subject.clone()).is_err(),
        "no typed repair can name it"
    );
    let CheckOutcome::Found { finding } = &result.outcome else {
        panic!("it is a finding")
    };
    assert!(finding.summary.starts_with(subject), "{}", finding.summary);
}

#[test]
fn fingerprints_and_causes_are_the_same_in_the_next_cycle() {
    let first = run_checks(&look(facts(TROUBLED)), None, &Thresholds::default());
    let previous = facts(TROUBLED);
    let mut later = facts(TROUBLED);
    present(&mut later.load).five += 0.7;
    for unit in &mut present(&mut later.units).failed {
        unit.failed_for_s = unit.failed_for_s.map(|seconds| seconds + 300);
        unit.journal.reverse();
    }
    for disk in &mut present(&mut later.disks).file_systems {
        disk.available_bytes -= disk.available_bytes / 100;
    }
    let look = Look {
        at: now().after(std::time::Duration::from_secs(7)),
        ..look(later)
    };
    let second = run_checks(&look, Some(&previous), &Thresholds::default());
    let identity = |results: &[CheckResult]| -> Vec<_> {
        results
            .iter()
            .filter_map(|result| match &result.outcome {
                CheckOutcome::Found { finding } => {
                    Some((finding.fingerprint(), finding.evidence_digest()))
                }
                _ => None,
            })
            .collect()
    };
    assert!(identity(&first).len() >= 9);
    assert_eq!(identity(&first), identity(&second));
}

#[test]
fn what_was_firing_and_is_not_told_any_more_is_well_only_where_all_was_seen() {
    let firing = vec![
        (check_name("units"), "gone.service".to_owned()),
        (check_name("disk"), "/srv/gone".to_owned()),
        (check_name("journal"), "gone".to_owned()),
        (check_name("plugin-of-old"), String::new()),
    ];
    let of = |look: &Look| {
        let results = run_checks(look, None, &Thresholds::default());
        let known = results.len();
        told(&outcomes(results, &firing)[known..])
    };
    insta::assert_snapshot!(of(&look(facts(FEDORA))), @"
    units [gone.service] ok: it is not in trouble any more
    disk [/srv/gone] ok: it is not in trouble any more
    journal [gone] unknown: the journal is readable for root and the group systemd-journal only
    plugin-of-old unknown: the check was not made
    ");
    insta::assert_snapshot!(of(&failed(LookFailure::TimedOut { limit_ms: 10_000 })), @"
    units [gone.service] unknown: the host could not be looked at
    disk [/srv/gone] unknown: the host could not be looked at
    journal [gone] unknown: the host could not be looked at
    plugin-of-old unknown: the check was not made
    ");
}

#[test]
fn a_list_of_failed_units_that_was_cut_clears_nobody() {
    let mut facts = facts(TROUBLED);
    present(&mut facts.units).complete = false;
    let results = run_checks(&look(facts), None, &Thresholds::default());
    let results = outcomes(results, &[(check_name("units"), "gone.service".to_owned())]);
    let last = results.last().expect("there are results");
    assert!(
        matches!(last.outcome, CheckOutcome::Unknown { .. }),
        "{last:?}"
    );
}

#[test]
fn more_subjects_than_fit_are_told_as_a_number() {
    let mut facts = facts(TROUBLED);
    let unit = |n: usize| FailedUnit {
        name: format!("u{n}.service"),
        ..FailedUnit::default()
    };
    present(&mut facts.units).failed = (0..120).map(unit).collect();
    let results = run_checks(&look(facts), None, &Thresholds::default());
    let units: Vec<_> = results
        .iter()
        .filter(|result| result.check.as_str() == "units")
        .collect();
    assert_eq!(units.len(), MAX_SUBJECTS + 1);
    assert!(
        matches!(&units[MAX_SUBJECTS].outcome, CheckOutcome::Unknown { why } if why.starts_with("70 more"))
    );
}

#[test]
fn thresholds_are_overridden_one_by_one_and_nonsense_is_refused() {
    let patch: ThresholdsPatch =
        serde_json::from_str(r#"{"disk": {"warning_percent": 80.0, "warning_left_gib": 50.0}}"#)
            .expect("a patch");
    let thresholds = Thresholds::default().apply(&patch);
    assert_eq!(
        (
            thresholds.disk.warning_percent,
            thresholds.disk.critical_percent
        ),
        (80.0, 95.0)
    );
    assert_eq!(thresholds.validate(), Ok(()));
    assert_eq!(Thresholds::default().validate(), Ok(()));
    let refused = |json: &str| {
        let patch: ThresholdsPatch = serde_json::from_str(json).expect("a patch");
        Thresholds::default()
            .apply(&patch)
            .validate()
            .expect_err("nonsense")
            .to_string()
    };
    let table = [
        refused(r#"{"disk": {"warning_percent": 99.0}}"#),
        refused(r#"{"memory": {"critical_available_percent": 20.0}}"#),
        refused(r#"{"swap": {"warning_percent": 0.0}}"#),
        refused(r#"{"inodes": {"critical_percent": 101.0}}"#),
        refused(r#"{"clock": {"warning_seconds": 1}}"#),
        refused(r#"{"journal": {"critical_count": 5000}}"#),
    ];
    insta::assert_snapshot!(table.join("\n"), @"
    thresholds.disk.critical_percent: critical must not come before warning
    thresholds.memory.critical_available_percent: critical must not come before warning
    thresholds.swap.warning_percent: a percentage is above 0 and at most 100
    thresholds.inodes.critical_percent: a percentage is above 0 and at most 100
    thresholds.clock.warning_seconds: it must be above 0 (seconds of the clock: at least 5)
    thresholds.journal.critical_count: no more than 500 errors are read in a look
    ");
    assert!(serde_json::from_str::<ThresholdsPatch>(r#"{"disk": {"warn_percent": 80}}"#).is_err());
    assert!(serde_json::from_str::<Thresholds>(r#"{"disc": {}}"#).is_err());
}

#[test]
fn names_and_causes_of_all_checks_are_valid() {
    for check in &CHECKS {
        assert_eq!(check_name(check.name).as_str(), check.name);
        assert!(
            check.about.ends_with('.') && check.rule.fire_after > 0 && check.rule.clear_after > 0
        );
    }
    let results = run_checks(&look(facts(TROUBLED)), None, &Thresholds::default());
    for result in results {
        if let CheckOutcome::Found { finding } = result.outcome {
            assert!(!finding.cause.is_empty() && finding.evidence.len() <= Evidence::MAX_PIECES);
            assert!(finding.severity >= Severity::Info);
        }
    }
}
