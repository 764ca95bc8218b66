//! What a measurement needs of the machine: the time, random bits, and what this process has used so far.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use watchkeeper_model::{Clock, Timestamp};

/// The clock of this machine.
#[derive(Debug)]
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement of the whole watch needs a clock that goes"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let ms = since.map_or(0, |since| since.as_millis());
        Timestamp::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
    }
}

/// Processor time of this process and all its threads, user and system.
pub(crate) fn cpu() -> anyhow::Result<Duration> {
    let usage =
        getrusage(UsageWho::RUSAGE_SELF).context("the kernel does not say what was used")?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

/// A figure of `/proc/self/status`, in KiB: `VmRSS` is what is resident now, `VmHWM` the most that ever was.
pub(crate) fn memory_kib(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("there is no /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let figure = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
    figure
        .and_then(|figure| figure.parse().ok())
        .with_context(|| format!("/proc/self/status does not say {name}"))
}

/// Prints one line at once: who waits for it may be a program.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
