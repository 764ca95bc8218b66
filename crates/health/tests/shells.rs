//! The probe run for real on this machine, in every shell it must work in. It changes nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use watchkeeper_health::{
    CHECKS, Facts, Look, Nonce, Probe, Section, Thresholds, parse, run_checks, script,
};
use watchkeeper_model::{CheckOutcome, HostName, Timestamp};

/// The shells, with the arguments that make each of them a shell.
const SHELLS: [&[&str]; 4] = [&["dash"], &["bash"], &["busybox", "sh"], &["mksh"]];
const NONCE: [u8; 16] = [0x5a; 16];
/// Longest answer of a machine that is not in deep trouble.
const MAX_ANSWER_BYTES: usize = 1 << 20;

fn probe() -> Probe {
    let paths = ["/etc/ssl/certs/ca-certificates.crt", "/does/not/exist.pem"].map(str::to_owned);
    Probe::new(Nonce::from_random(NONCE))
        .certificates(paths)
        .expect("paths of certificates")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runs the script in real shells"
)]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// The answer of the probe in a shell; `before` runs first in the same environment.
fn answer(shell: &[&str], before: impl FnOnce(&mut Command)) -> Vec<u8> {
    let mut command = command(shell[0]);
    command
        .args(&shell[1..])
        .arg("-c")
        .arg(script())
        .arg("watchkeeper")
        .args(probe().args());
    command.stdin(Stdio::null());
    before(&mut command);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}: run tests/install", shell[0]));
    assert!(
        output.stderr.is_empty(),
        "{shell:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.stdout.len() < MAX_ANSWER_BYTES,
        "{} bytes",
        output.stdout.len()
    );
    output.stdout
}

fn read(answer: &[u8]) -> Facts {
    parse(answer, &Nonce::from_random(NONCE))
        .unwrap_or_else(|error| panic!("{error}:\n{}", String::from_utf8_lossy(answer)))
}

fn broken(facts: &Facts) -> Vec<String> {
    let value = serde_json::to_value(facts).expect("facts are data");
    let sections = value.as_object().expect("facts have sections");
    sections
        .iter()
        .filter(|(_, section)| section.get("broken").is_some())
        .map(|(name, section)| format!("{name}: {section}"))
        .collect()
}

#[test]
fn the_probe_is_readable_in_every_shell_and_no_section_is_broken() {
    for shell in SHELLS {
        let facts = read(&answer(shell, |_| {}));
        assert_eq!(broken(&facts), Vec::<String>::new(), "{shell:?}");
        assert!(
            facts
                .identity
                .present()
                .is_some_and(|identity| identity.boot.is_some()),
            "{shell:?}"
        );
        for present in [
            facts.load.present().is_some(),
            facts.cpu.present().is_some(),
            facts.memory.present().is_some(),
            facts
                .disks
                .present()
                .is_some_and(|disks| disks.file_systems.iter().any(|disk| disk.target == "/")),
            facts.mounts.present().is_some(),
            facts.processes.present().is_some(),
            facts.clock.present().is_some(),
            facts
                .certificates
                .present()
                .is_some_and(|certificates| certificates.len() == 2),
        ] {
            assert!(present, "{shell:?}: {facts:?}");
        }
    }
}

#[test]
fn all_shells_say_the_same() {
    let stable = |mut facts: Facts| {
        facts.load = Section::missing("");
        facts.cpu = Section::missing("");
        facts.memory = Section::missing("");
        facts.pressure = Section::missing("");
        facts.disks = Section::missing("");
        facts.processes = Section::missing("");
        facts.clock = Section::missing("");
        facts.mounts = Section::missing("");
        if let Section::Present(identity) = &mut facts.identity {
            identity.uptime_s = 0;
        }
        facts
    };
    let first = stable(read(&answer(SHELLS[0], |_| {})));
    for shell in &SHELLS[1..] {
        assert_eq!(stable(read(&answer(shell, |_| {}))), first, "{shell:?}");
    }
}

#[test]
fn a_spoiled_environment_does_not_spoil_the_answer() {
    for shell in SHELLS {
        let facts = read(&answer(shell, |command| {
            command
                .env("LC_ALL", "C.UTF-8")
                .env("TZ", "Asia/Tokyo")
                .env("BLOCK_SIZE", "7");
            command
                .env("POSIXLY_CORRECT", "1")
                .env("GREP_OPTIONS", "--color=always")
                .env("IFS", "/");
            command.env("CDPATH", "/").env("nonce", "x");
        }));
        assert_eq!(broken(&facts), Vec::<String>::new(), "{shell:?}");
    }
}

#[test]
fn zombies_are_told_with_their_parent_in_every_shell() {
    // A parent that sleeps and never waits; it says on stdout that its children have ended.
    let script = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do (exit 0) & done; exec sleep 60";
    let mut parent = command("dash");
    let mut parent = parent
        .args(["-c", script])
        .spawn()
        .expect("dash: run tests/install");
    let deadline = monotonic() + Duration::from_secs(20);
    for shell in SHELLS {
        loop {
            let facts = read(&answer(shell, |_| {}));
            let processes = facts.processes.present().expect("processes").clone();
            let ours = processes
                .parents
                .iter()
                .find(|known| known.pid == parent.id());
            if ours.is_some_and(|known| known.zombies == 12 && known.name == "sleep") {
                break;
            }
            assert!(monotonic() < deadline, "{shell:?}: {processes:?}");
        }
    }
    parent.kill().expect("it runs");
    parent.wait().expect("it has ended");
}

fn monotonic() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the machine's real clock is compared with itself"
)]
fn checks_over_this_machine_say_something_of_everything() {
    let facts = read(&answer(SHELLS[0], |_| {}));
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let at =
        Timestamp::from_millis(i64::try_from(since.as_millis()).expect("before the year 9999"));
    let look = Look {
        host: HostName::local(),
        at,
        result: Ok(facts),
    };
    let results = run_checks(&look, None, &Thresholds::default());
    for check in &CHECKS {
        assert!(
            results
                .iter()
                .any(|result| result.check.as_str() == check.name),
            "{}",
            check.name
        );
    }
    let clock = results
        .iter()
        .find(|result| result.check.as_str() == "clock")
        .expect("the clock is told");
    assert!(
        matches!(clock.outcome, CheckOutcome::Passed { .. }),
        "{clock:?}"
    );
}

#[test]
fn the_script_travels_without_comments_and_passes_shellcheck() {
    assert!(
        !script()
            .lines()
            .any(|line| line.trim_start().starts_with('#'))
    );
    assert!(script().len() < 10 * 1024, "{} bytes", script().len());
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/probe.sh");
    let output = command("shellcheck").args(["-s", "sh", source]).output();
    let output = output.expect("shellcheck: run tests/install");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn paths_that_could_break_the_frame_are_refused() {
    for path in ["relative.pem", "", "-x", "/a\nb.pem", "/a\u{1b}b"] {
        assert!(
            Probe::new(Nonce::from_random(NONCE))
                .certificates([path.to_owned()])
                .is_err(),
            "{path:?}"
        );
    }
}
