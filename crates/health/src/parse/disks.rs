//! File systems: which are mounted and how, and how much room they have. Kept are those that hold data: no pseudo
//! file systems, no images, no layers of containers, nothing remote; and `/` whatever it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
use super::{Absent, Frame, Frames, frame, name};
use crate::{Disks, FileSystem, Mount, Section};

/// Most file systems kept. A host with more is not understood: a list that is cut would pass for one that is whole.
const MAX_FILE_SYSTEMS: usize = 1_000;

/// Types that hold data on a disk of this host.
const DATA: [&str; 16] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "vfat",
    "exfat", "ntfs", "ntfs3", "nilfs2", "ufs",
];

/// Where containers are shown files of the machine around them.
const SHOWN_IN: [&str; 5] = ["/run/host/", "/etc/", "/dev/", "/proc/", "/sys/"];

fn holds_data(kind: &str, target: &str) -> bool {
    target == "/" || DATA.contains(&kind) && !SHOWN_IN.iter().any(|place| target.starts_with(place))
}

/// Undoes the octal escapes of /proc: blank, tab, line end and backslash.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let pairs = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    Cow::Owned(pairs.iter().fold(text.to_owned(), |text, (code, plain)| {
        text.replace(code, plain)
    }))
}

/// The mounts that hold data. Of several on one place the last one counts: it hides the others.
pub(super) fn mounts(files: &Files<'_>) -> Result<Vec<Mount>, Absent> {
    let wanted = read_only_in_fstab(files);
    let mut mounts = BTreeMap::new();
    for line in files.lines("/proc/self/mountinfo")? {
        let mount = mount(line)
            .ok_or_else(|| Absent::broken("a line of /proc/self/mountinfo cannot be read"))?;
        mounts.insert(mount.target.clone(), mount);
    }
    let mut mounts: Vec<_> = mounts
        .into_values()
        .filter(|mount| holds_data(&mount.kind, &mount.target))
        .collect();
    if mounts.len() > MAX_FILE_SYSTEMS {
        return Err(Absent::broken(format!(
            "there are more than {MAX_FILE_SYSTEMS} file systems"
        )));
    }
    for mount in &mut mounts {
        mount.read_only_wanted = wanted.contains(&mount.target);
    }
    if !mounts.iter().any(|mount| mount.target == "/") {
        return Err(Absent::broken(
            "/proc/self/mountinfo does not name the root",
        ));
    }
    Ok(mounts)
}

fn mount(line: &str) -> Option<Mount> {
    let (view, system) = line.split_once(" - ")?;
    let target = view.split(' ').nth(4)?;
    let mut system = system.split(' ');
    let (kind, source, options) = (system.next()?, system.next()?, system.next()?);
    Some(Mount {
        target: name(&unescaped(target)),
        source: name(&unescaped(source)),
        kind: name(kind),
        read_only: options.split(',').any(|option| option == "ro"),
        read_only_wanted: false,
    })
}

fn read_only_in_fstab(files: &Files<'_>) -> BTreeSet<String> {
    let lines = files.lines("/etc/fstab").unwrap_or_default();
    lines
        .iter()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (target, options) = (fields.nth(1)?, fields.nth(1)?);
            options
                .split(',')
                .any(|option| option == "ro")
                .then(|| name(&unescaped(target)))
        })
        .collect()
}

/// Room in the file systems, by GNU's df or by any other.
pub(super) fn disks(frames: &Frames<'_>, mounts: Option<&Vec<Mount>>) -> Section<Disks> {
    match rows(frames, mounts) {
        Ok(rows) if rows.len() > MAX_FILE_SYSTEMS => Section::broken(format!(
            "there are more than {MAX_FILE_SYSTEMS} file systems"
        )),
        Ok(rows) => {
            let file_systems = one_each(rows);
            let unread = unread(&file_systems, mounts);
            Section::Present(Disks {
                file_systems,
                unread,
            })
        }
        Err(absent) => super::settle(Err(absent)),
    }
}

fn rows(frames: &Frames<'_>, mounts: Option<&Vec<Mount>>) -> Result<Vec<FileSystem>, Absent> {
    let (status, lines) = frames.done("disks")?;
    let rows: Vec<_> = lines
        .iter()
        .skip(1)
        .filter_map(|line| gnu_row(line))
        .collect();
    match status {
        // With 1 some could not be read: which, only the mounts tell.
        1 if mounts.is_none() => Err(frame::failed("df", status)),
        0 | 1 if rows.iter().any(|row| row.target == "/") => Ok(rows),
        _ if matches!(frames.get("blocks"), Some(Frame::Done { .. })) => plain_rows(frames, mounts),
        0 | 1 => Err(Absent::broken("df does not name the root")),
        _ => Err(frame::failed("df", status)),
    }
}

/// `source fstype size used avail itotal iused iavail target`; blanks may stand in the first and the last.
fn gnu_row(line: &str) -> Option<FileSystem> {
    let words: Vec<_> = words(line);
    let number = |place: usize| {
        let (_, word) = words.get(place)?;
        if *word == "-" {
            Some(0)
        } else {
            word.parse::<u64>().ok()
        }
    };
    let first =
        (2..words.len()).find(|place| (*place..place + 6).all(|place| number(place).is_some()))?;
    let (target, _) = words.get(first + 6)?;
    let row = FileSystem {
        target: name(&line[*target..]),
        source: name(line[..words[first - 1].0].trim()),
        kind: name(words[first - 1].1),
        size_bytes: number(first)?,
        used_bytes: number(first + 1)?,
        available_bytes: number(first + 2)?,
        inodes: number(first + 3)?,
        inodes_used: number(first + 4)?,
    };
    holds_data(&row.kind, &row.target).then_some(row)
}

/// Words with the place where they begin.
fn words(line: &str) -> Vec<(usize, &str)> {
    line.split_whitespace()
        .map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
        .collect()
}

/// `df -P -k` beside `df -P -i`; the types come from the mounts.
fn plain_rows(frames: &Frames<'_>, mounts: Option<&Vec<Mount>>) -> Result<Vec<FileSystem>, Absent> {
    let mounts =
        mounts.ok_or_else(|| Absent::broken("the types of the file systems are not known"))?;
    let (status, blocks) = frames.done("blocks")?;
    if !(0..=1).contains(&status) {
        return Err(frame::failed("df", status));
    }
    let inodes: BTreeMap<String, [u64; 3]> = match frames.done("inodes") {
        Ok((0 | 1, lines)) => lines
            .iter()
            .skip(1)
            .filter_map(|line| plain_row(line))
            .collect(),
        _ => BTreeMap::new(),
    };
    let mut rows = Vec::new();
    for (target, [size, used, available]) in
        blocks.iter().skip(1).filter_map(|line| plain_row(line))
    {
        let Some(mount) = mounts.iter().find(|mount| mount.target == target) else {
            continue;
        };
        let [total, taken, _] = inodes.get(&target).copied().unwrap_or_default();
        rows.push(FileSystem {
            target,
            source: mount.source.clone(),
            kind: mount.kind.clone(),
            size_bytes: size.saturating_mul(1024),
            used_bytes: used.saturating_mul(1024),
            available_bytes: available.saturating_mul(1024),
            inodes: total,
            inodes_used: taken,
        });
    }
    if rows.iter().any(|row| row.target == "/") {
        Ok(rows)
    } else {
        Err(Absent::broken("df does not name the root"))
    }
}

/// `source total used available percent target`; blanks may stand in the first and the last.
fn plain_row(line: &str) -> Option<(String, [u64; 3])> {
    let words = words(line);
    let number = |place: usize| {
        let (_, word) = words.get(place)?;
        if *word == "-" {
            Some(0)
        } else {
            word.parse::<u64>().ok()
        }
    };
    let ratio = |place: usize| {
        words
            .get(place)
            .is_some_and(|(_, word)| *word == "-" || word.ends_with('%'))
    };
    let first = (1..words.len()).find(|place| {
        (*place..place + 3).all(|place| number(place).is_some()) && ratio(place + 3)
    })?;
    let (target, _) = words.get(first + 4)?;
    Some((
        name(&line[*target..]),
        [number(first)?, number(first + 1)?, number(first + 2)?],
    ))
}

/// One row for each device, at its shortest place: a bind mount is not a second disk.
fn one_each(rows: Vec<FileSystem>) -> Vec<FileSystem> {
    let mut kept = BTreeMap::<(bool, String), FileSystem>::new();
    for row in rows.into_iter().filter(|row| row.size_bytes > 0) {
        let device = row.source.starts_with("/dev/");
        let key = (
            device,
            if device {
                row.source.clone()
            } else {
                row.target.clone()
            },
        );
        let better =
            |seen: &FileSystem| (row.target.len(), &row.target) < (seen.target.len(), &seen.target);
        if kept.get(&key).is_none_or(better) {
            kept.insert(key, row);
        }
    }
    let mut rows: Vec<_> = kept.into_values().collect();
    rows.sort_by(|a, b| a.target.cmp(&b.target));
    rows
}

/// Mounts of which no row tells.
fn unread(rows: &[FileSystem], mounts: Option<&Vec<Mount>>) -> Vec<String> {
    let known = |mount: &&Mount| {
        !rows
            .iter()
            .any(|row| row.target == mount.target || row.source == mount.source)
    };
    mounts
        .into_iter()
        .flatten()
        .filter(known)
        .map(|mount| mount.target.clone())
        .collect()
}
