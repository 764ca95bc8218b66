//! Load, processors, memory, swap and pressure.

use super::Absent;
use super::files::Files;
use super::identity::cores;
use crate::{Cpu, Load, Memory, Pressure, Stall, Swap};

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && *number >= 0.0)
}

pub(super) fn load(files: &Files<'_>) -> Result<Load, Absent> {
    let mut numbers = files
        .first("/proc/loadavg")?
        .split_whitespace()
        .map_while(finite);
    let (Some(one), Some(five), Some(fifteen)) = (numbers.next(), numbers.next(), numbers.next())
    else {
        return Err(Absent::broken("/proc/loadavg does not hold three numbers"));
    };
    let blocked = files
        .value("/proc/stat", "procs_blocked ")
        .and_then(|count| count.parse().ok());
    Ok(Load {
        one,
        five,
        fifteen,
        cores: cores(files),
        blocked,
    })
}

pub(super) fn cpu(files: &Files<'_>) -> Result<Cpu, Absent> {
    files.lines("/proc/stat")?;
    let broken = || Absent::broken("/proc/stat has no line of all processors");
    let line = files.value("/proc/stat", "cpu ").ok_or_else(broken)?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .map_while(|text| text.parse().ok())
        .take(8)
        .collect();
    let [user, nice, system, idle, rest @ ..] = ticks.as_slice() else {
        return Err(broken());
    };
    let at = |place: usize| rest.get(place).copied().unwrap_or(0);
    let (iowait, irq, softirq, steal) = (at(0), at(1), at(2), at(3));
    let busy = [*user, *nice, *system, irq, softirq, steal]
        .into_iter()
        .fold(0, u64::saturating_add);
    Ok(Cpu {
        busy,
        iowait,
        idle: *idle,
        steal,
    })
}

fn kib(files: &Files<'_>, key: &str) -> Option<u64> {
    let value = files.value("/proc/meminfo", key)?.strip_suffix(" kB")?;
    value.trim().parse::<u64>().ok()?.checked_mul(1024)
}

pub(super) fn memory(files: &Files<'_>) -> Result<Memory, Absent> {
    files.lines("/proc/meminfo")?;
    // Kernels before 3.14 do not estimate what is available.
    let available = kib(files, "MemAvailable:").or_else(|| {
        let free = kib(files, "MemFree:")?;
        free.checked_add(kib(files, "Buffers:")?)?
            .checked_add(kib(files, "Cached:")?)
    });
    match (kib(files, "MemTotal:"), available) {
        (Some(total_bytes), Some(available_bytes)) if total_bytes > 0 => Ok(Memory {
            total_bytes,
            available_bytes: available_bytes.min(total_bytes),
        }),
        _ => Err(Absent::broken(
            "/proc/meminfo does not say how much there is",
        )),
    }
}

pub(super) fn swap(files: &Files<'_>) -> Result<Swap, Absent> {
    files.lines("/proc/meminfo")?;
    match (kib(files, "SwapTotal:"), kib(files, "SwapFree:")) {
        (Some(total_bytes), Some(free_bytes)) => Ok(Swap {
            total_bytes,
            free_bytes: free_bytes.min(total_bytes),
        }),
        _ => Err(Absent::broken(
            "/proc/meminfo does not say how much swap there is",
        )),
    }
}

pub(super) fn pressure(files: &Files<'_>) -> Result<Pressure, Absent> {
    let of = |kind: &str| stall(files, &format!("/proc/pressure/{kind}"));
    let pressure = Pressure {
        cpu: of("cpu"),
        memory: of("memory"),
        io: of("io"),
    };
    if pressure.cpu.is_none() && pressure.memory.is_none() && pressure.io.is_none() {
        return Err(Absent::missing("this kernel does not tell its pressure"));
    }
    Ok(pressure)
}

fn stall(files: &Files<'_>, path: &str) -> Option<Stall> {
    let field = |line: &str, key: &str| {
        let value = line
            .split(' ')
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        value.and_then(finite).filter(|percent| *percent <= 100.0)
    };
    let some = files.value(path, "some ")?;
    Some(Stall {
        some_60: field(some, "avg60")?,
        some_300: field(some, "avg300")?,
        full_300: files
            .value(path, "full ")
            .and_then(|full| field(full, "avg300")),
    })
}
