//! Which machine and system a host is.

use super::files::Files;
use super::{Absent, Frames, line, name, settle};
use crate::{Identity, Machine, Section};

/// Products that are virtual machines, as DMI names them, and what a person calls them.
const HYPERVISORS: [(&str, &str); 10] = [
    ("qemu", "kvm"),
    ("kvm", "kvm"),
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("xen", "xen"),
    ("amazon ec2", "ec2"),
    ("google", "gce"),
    ("microsoft corporation virtual", "hyper-v"),
    ("bochs", "kvm"),
    ("openstack", "openstack"),
];

/// What kind of machine it is, from what is at hand: the manager's word, marks of containers, DMI.
pub(super) fn machine(frames: &Frames<'_>, files: &Result<Files<'_>, Absent>) -> Machine {
    let files = files.as_ref().ok();
    let said = frames.done("manager").ok().and_then(|(_, lines)| {
        lines
            .iter()
            .find_map(|line| line.strip_prefix("Virtualization="))
            .filter(|word| !word.is_empty())
    });
    let container = frames.done("machine").ok().and_then(|(_, lines)| {
        lines
            .iter()
            .find_map(|line| line.strip_prefix("container "))
    });
    if let Some(mark) = container {
        let by = files
            .and_then(|files| files.first("/run/systemd/container").ok())
            .or(said);
        let guess = if mark.ends_with("/.dockerenv") {
            "docker"
        } else {
            "podman"
        };
        return Machine::Container {
            by: name(by.unwrap_or(guess)),
        };
    }
    if let Some(by) = said {
        return Machine::Virtual { by: name(by) };
    }
    let dmi =
        |file: &str| files.and_then(|files| files.first(&format!("/sys/class/dmi/id/{file}")).ok());
    let model = [dmi("sys_vendor"), dmi("product_name")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let lower = model.to_ascii_lowercase();
    match HYPERVISORS.iter().find(|(word, _)| lower.contains(word)) {
        _ if model.is_empty() => Machine::Unknown,
        Some((_, by)) => Machine::Virtual {
            by: (*by).to_owned(),
        },
        None => Machine::Physical {
            model: name(model.trim()),
        },
    }
}

pub(super) fn identity(files: &Result<Files<'_>, Absent>, machine: Machine) -> Section<Identity> {
    settle(files.as_ref().map_err(Clone::clone).and_then(|files| {
        let os = |key: &str| {
            files
                .value("/etc/os-release", key)
                .map(|text| line(unquoted(text)))
        };
        let uptime = files.first("/proc/uptime")?;
        let uptime_s = uptime
            .split(['.', ' '])
            .next()
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(|| Absent::broken("/proc/uptime holds no number"))?;
        let os_id = os("ID=").unwrap_or_else(|| "linux".to_owned());
        Ok(Identity {
            hostname: name(files.first("/proc/sys/kernel/hostname")?),
            kernel: name(files.first("/proc/sys/kernel/osrelease")?),
            arch: files.first("/proc/sys/kernel/arch").ok().map(name),
            os_name: os("PRETTY_NAME=").unwrap_or_else(|| os_id.clone()),
            os_id,
            os_version: os("VERSION_ID="),
            boot: boot(files),
            uptime_s,
            cores: cores(files),
            machine,
            kernel_taint: files
                .first("/proc/sys/kernel/tainted")
                .ok()
                .and_then(|bits| bits.parse().ok()),
        })
    }))
}

/// boot_id `.` start time of PID 1, the field 22 of its stat.
fn boot(files: &Files<'_>) -> Option<String> {
    let id = files.first("/proc/sys/kernel/random/boot_id").ok()?;
    let start = files
        .first("/proc/1/stat")
        .ok()?
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(19)?;
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (id.len() == 36 && plain(id) && start.parse::<u64>().is_ok()).then(|| format!("{id}.{start}"))
}

/// How many processors a list such as `0-3,8` names.
pub(super) fn cores(files: &Files<'_>) -> Option<u32> {
    let list = files.first("/sys/devices/system/cpu/online").ok()?;
    let mut count = 0_u32;
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (
            first.trim().parse::<u32>().ok()?,
            last.trim().parse::<u32>().ok()?,
        );
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    (count > 0).then_some(count)
}

/// A value of os-release without its quotes.
fn unquoted(text: &str) -> &str {
    let strip = |quote| {
        text.strip_prefix(quote)
            .and_then(|text: &str| text.strip_suffix(quote))
    };
    strip('"').or_else(|| strip('\'')).unwrap_or(text)
}
