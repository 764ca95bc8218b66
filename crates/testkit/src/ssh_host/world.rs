//! What the stand-ins on a simulated host show: units, disks, journal, clock, updates; and what they were asked to do.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::host::{Privacy, Shared, SshHost};

/// The stand-ins, by name.
const TOOLS: [(&str, &str); 7] = [
    ("systemctl", include_str!("tools/systemctl.sh")),
    ("journalctl", include_str!("tools/journalctl.sh")),
    ("df", include_str!("tools/df.sh")),
    ("timedatectl", include_str!("tools/timedatectl.sh")),
    ("apt-get", include_str!("tools/apt-get.sh")),
    ("sudo", include_str!("tools/sudo.sh")),
    ("systemd-run", include_str!("tools/systemd-run.sh")),
];

/// Where the real tools are.
const REAL: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];

/// A disk of the simulated host: 20 GiB, 1,310,720 inodes.
const DISK_KIB: u64 = 20 * 1024 * 1024;
const DISK_INODES: u64 = 1_310_720;

/// Makes the directory of a host in which all is well.
pub(super) fn furnish(dir: &Path, login: &str) {
    for part in [
        "home",
        "bin",
        "state/units",
        "state/faults",
        "state/calls",
        "state/done",
        "state/transient",
        "lacking",
        "root/run/systemd/system",
        "root/run/log/journal/simulated",
        "root/lib",
        "root/log",
    ] {
        std::fs::create_dir_all(dir.join(part)).expect("a directory of ours");
    }
    for (name, script) in TOOLS {
        install(dir, name, script);
    }
    // On NixOS the programs themselves are found through /run.
    for name in ["current-system", "booted-system", "wrappers"] {
        if let Ok(there) = Path::new("/run").join(name).canonicalize() {
            let _ = symlink(there, dir.join("root/run").join(name));
        }
    }
    let journal = dir.join("root/run/log/journal/simulated/system.journal");
    std::fs::write(journal, "").expect("a file of ours");
    set_boot(dir);
    write(dir, "journal", "");
    write(dir, "journal_mib", "64\n");
    write(dir, "clock_synchronized", "yes\n");
    write(dir, "updates", "");
    write(dir, "disks", "");
    write(dir, "login", &format!("{login}\n"));
    set_disk(dir, "/", 42, 10);
    for (name, description) in [
        ("ssh.service", "OpenBSD Secure Shell server"),
        (
            "cron.service",
            "Regular background program processing daemon",
        ),
        ("systemd-journald.service", "Journal Service"),
    ] {
        write_unit(dir, name, &running(name, description));
    }
}

/// A new boot id, written in place: it is mounted where the kernel's own is.
fn set_boot(dir: &Path) {
    let id = rand::random::<u128>();
    let hex = format!("{id:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    let text = parts.join("-") + "\n";
    std::fs::write(dir.join("state/boot_id"), text).expect("a file of ours");
}

fn install(dir: &Path, name: &str, script: &str) {
    let state = dir.join("state");
    let text = script.replace("@STATE@", state.to_str().expect("a plain path"));
    let path = dir.join("bin").join(name);
    std::fs::write(&path, text).expect("a file of ours");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a file of ours");
}

/// Writes a file of the state, whole or not at all: a stand-in may read it meanwhile.
fn write(dir: &Path, name: &str, text: &str) {
    let temporary = dir.join("state").join("new");
    std::fs::write(&temporary, text).expect("a file of ours");
    std::fs::rename(&temporary, dir.join("state").join(name)).expect("a file of ours");
}

fn write_unit(dir: &Path, name: &str, text: &str) {
    write(dir, &format!("units/{name}"), text);
}

fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join("state").join(name)).unwrap_or_default()
}

fn running(name: &str, description: &str) -> String {
    let sub = match name.rsplit('.').next() {
        Some("timer" | "socket" | "path") => "waiting",
        Some("mount") => "mounted",
        Some("target") => "active",
        _ => "running",
    };
    let kind = if sub == "running" {
        "Type=simple\nRestart=on-failure\n"
    } else {
        ""
    };
    format!(
        "{kind}Id={name}\nNames={name}\nDescription={description}\nLoadState=loaded\nActiveState=active\n\
         SubState={sub}\nUnitFileState=enabled\nResult=success\nExecMainStatus=0\nExecMainCode=0\nNRestarts=0\n\
         MainPID=4242\nFragmentPath=/lib/systemd/system/{name}\nNeedDaemonReload=no\n\
         InvocationID=0123456789abcdef0123456789abcdef\n\
         ActiveEnterTimestamp=Mon 2026-06-15 06:00:00 UTC\nActiveEnterTimestampMonotonic=1000000\n\
         StateChangeTimestamp=Mon 2026-06-15 06:00:00 UTC\nStateChangeTimestampMonotonic=1000000\n\
         InactiveEnterTimestamp=\nInactiveEnterTimestampMonotonic=0\n"
    )
}

fn set_disk(dir: &Path, mount: &str, percent: u64, inode_percent: u64) {
    let mut lines: Vec<String> = read(dir, "disks").lines().map(str::to_owned).collect();
    let source = format!("/dev/vd{}1", char::from(b'a' + (lines.len() as u8).min(25)));
    let used = DISK_KIB * percent / 100;
    let inodes = DISK_INODES * inode_percent / 100;
    let rest = format!("ext4\t{DISK_KIB}\t{used}\t{DISK_INODES}\t{inodes}");
    let start = format!("{mount}\t");
    match lines.iter_mut().find(|line| line.starts_with(&start)) {
        Some(line) => {
            let source = line.split('\t').nth(1).unwrap_or("/dev/vda1").to_owned();
            *line = format!("{mount}\t{source}\t{rest}");
        }
        None => lines.push(format!("{mount}\t{source}\t{rest}")),
    }
    write(dir, "disks", &(lines.join("\n") + "\n"));
}

impl Shared {
    /// The `PATH` of commands: the stand-ins, then the real tools, without those the host lacks.
    pub(super) fn path(&self) -> String {
        let stand_ins = self.dir.path().join("bin");
        let real = if self.rules().lacking.is_empty() {
            "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".to_owned()
        } else {
            self.dir.path().join("base").display().to_string()
        };
        format!("{}:{real}", stand_ins.display())
    }
}

impl SshHost {
    fn world(&self) -> &Path {
        self.shared.dir.path()
    }

    /// A unit of this host; it is made, running, if there is none yet.
    ///
    /// # Panics
    /// When the name holds a `/`.
    #[must_use]
    pub fn unit(&self, name: &str) -> Unit<'_> {
        assert!(!name.contains('/'), "{name:?} is no unit");
        if !self.world().join("state/units").join(name).exists() {
            write_unit(self.world(), name, &running(name, name));
        }
        Unit {
            host: self,
            name: name.to_owned(),
        }
    }

    /// The unit runs again, and nothing stands in its way any more.
    pub fn heals(&self, name: &str) {
        let unit = self.unit(name);
        unit.fault("heals");
        write_unit(self.world(), name, &running(name, name));
    }

    /// The disk at a mount point is filled to this many per cent.
    pub fn disk(&self, mount: &str, percent: u64) {
        set_disk(self.world(), mount, percent, 10);
    }

    /// The inodes at a mount point are used to this many per cent.
    pub fn inodes(&self, mount: &str, percent: u64) {
        set_disk(self.world(), mount, 42, percent);
    }

    /// The next `df` hangs, as on a dead network mount.
    pub fn disks_hang(&self) {
        write(self.world(), "df_hangs", "");
    }

    /// A line in the journal, now. The priority is syslog's: 3 is an error.
    pub fn journal(&self, unit: &str, priority: u8, message: &str) {
        let identifier = unit.split('.').next().unwrap_or(unit);
        self.journal_line(unit, identifier, priority, message);
    }

    /// A line of the kernel in the journal, now.
    pub fn kernel_says(&self, priority: u8, message: &str) {
        self.journal_line("", "kernel", priority, message);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the stand-in for journalctl asks the same clock"
    )]
    fn journal_line(&self, unit: &str, identifier: &str, priority: u8, message: &str) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let message = message.replace(['\n', '\t'], " ");
        let mut text = read(self.world(), "journal");
        let _ = writeln!(
            text,
            "{}\t{priority}\t{unit}\t{identifier}\t{message}",
            now.as_micros()
        );
        write(self.world(), "journal", &text);
    }

    /// How much the journal takes on the disk, in MiB.
    #[must_use]
    pub fn journal_mib(&self) -> u64 {
        read(self.world(), "journal_mib")
            .trim()
            .parse()
            .unwrap_or(0)
    }

    /// The journal takes this many MiB.
    pub fn journal_takes(&self, mib: u64) {
        write(self.world(), "journal_mib", &format!("{mib}\n"));
    }

    /// Whether the clock is held right.
    pub fn clock_is_synchronized(&self, yes: bool) {
        write(
            self.world(),
            "clock_synchronized",
            if yes { "yes\n" } else { "no\n" },
        );
    }

    /// A package update is pending.
    pub fn has_update(&self, package: &str, security: bool) {
        let origin = if security {
            "Debian-Security:12/stable-security"
        } else {
            "Debian:12.9/stable"
        };
        let text = read(self.world(), "updates") + &format!("{package} 1.0-1 1.0-2 {origin}\n");
        write(self.world(), "updates", &text);
    }

    /// Every `sudo` is refused from now on: a password is required.
    pub fn refuses_sudo(&self) {
        write(self.world(), "sudo_refuses", "");
    }

    /// Puts a tool of the test's own in front of all others; `@STATE@` in it becomes the directory of the state.
    pub fn tool(&self, name: &str, script: &str) {
        install(self.world(), name, script);
    }

    /// The host does not have this tool, neither the stand-in nor the real one.
    pub fn lacks(&self, tool: &str) {
        let base = self.world().join("base");
        if !base.exists() {
            std::fs::create_dir(&base).expect("a directory of ours");
            for directory in REAL {
                let Ok(entries) = std::fs::read_dir(directory) else {
                    continue;
                };
                for entry in entries.flatten() {
                    let _ = symlink(entry.path(), base.join(entry.file_name()));
                }
            }
        }
        // Mounted over the real one, a file that cannot be executed hides it.
        std::fs::write(self.world().join("lacking").join(tool), "").expect("a file of ours");
        let _ = std::fs::remove_file(self.world().join("bin").join(tool));
        let _ = std::fs::remove_file(base.join(tool));
        self.shared.rules().lacking.push(tool.to_owned());
    }

    /// How often a stand-in was really asked to do this to a unit, e.g. `times("restart", "nginx.service")`.
    /// For `vacuum` the unit is the size, for `clean` it is `-`.
    #[must_use]
    pub fn times(&self, verb: &str, unit: &str) -> usize {
        read(self.world(), &format!("done/{verb}"))
            .lines()
            .filter(|line| *line == unit)
            .count()
    }

    /// Every call of a stand-in, its arguments joined by blanks.
    #[must_use]
    pub fn calls(&self, tool: &str) -> Vec<String> {
        read(self.world(), &format!("calls/{tool}"))
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Processes that commands on this host started and that still run.
    #[must_use]
    pub fn processes(&self) -> Vec<i32> {
        let home = [
            b"HOME=".as_slice(),
            self.home().as_os_str().as_encoded_bytes(),
        ]
        .concat();
        let mounted = format!("{}/root/run ", self.dir_name());
        let started_here = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mounts =
                std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == home)
                || mounts.contains(&mounted)
        };
        let Ok(all) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        all.flatten()
            .filter_map(|entry| {
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse().ok())
            })
            .filter(started_here)
            .collect()
    }

    fn dir_name(&self) -> String {
        let name = self.world().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The host loses power and boots again: what ran is gone, `/run` is empty, the boot id is new.
    pub fn reboots(&self) {
        self.cuts_connections();
        self.kill_all();
        let run = self.world().join("root/run");
        for entry in std::fs::read_dir(&run)
            .expect("a directory of ours")
            .flatten()
        {
            let kept = [
                "systemd",
                "log",
                "current-system",
                "booted-system",
                "wrappers",
            ];
            if kept.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let path = entry.path();
            let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
        }
        let transient = self.world().join("state/transient");
        let _ = std::fs::remove_dir_all(&transient);
        std::fs::create_dir_all(&transient).expect("a directory of ours");
        set_boot(self.world());
    }

    /// Whether commands see the host's own `/run`, `/var/lib`, `/var/log`, boot id and tools in their usual places.
    /// Where the machine lets us make no mount namespaces, they see its own, and the stand-ins only by `PATH`.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.shared.private != Privacy::None
    }

    /// A path below the home directory.
    #[must_use]
    pub fn path_in_home(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }
}

/// A unit of a simulated host.
#[derive(Debug)]
pub struct Unit<'a> {
    host: &'a SshHost,
    name: String,
}

impl Unit<'_> {
    fn text(&self) -> String {
        read(self.host.world(), &format!("units/{}", self.name))
    }

    fn fault(&self, what: &str) -> &Self {
        write(
            self.host.world(),
            &format!("faults/{}", self.name),
            &format!("{what}\n"),
        );
        self
    }

    /// Sets one property as `systemctl show` prints it.
    pub fn property(&self, key: &str, value: &str) -> &Self {
        let start = format!("{key}=");
        let mut lines: Vec<String> = self.text().lines().map(str::to_owned).collect();
        match lines.iter_mut().find(|line| line.starts_with(&start)) {
            Some(line) => *line = format!("{start}{value}"),
            None => lines.push(format!("{start}{value}")),
        }
        write_unit(self.host.world(), &self.name, &(lines.join("\n") + "\n"));
        self
    }

    /// One property as `systemctl show` prints it; empty if there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> String {
        let start = format!("{key}=");
        let text = self.text();
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_default().to_owned()
    }

    /// Whether it is active.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.get("ActiveState") == "active"
    }

    /// It has failed with this result, e.g. `exit-code`, `oom-kill`, `timeout`. A restart brings it back.
    pub fn fails(&self, result: &str) -> &Self {
        self.fault("heals");
        self.property("ActiveState", "failed")
            .property("SubState", "failed")
            .property("Result", result)
            .property("ExecMainCode", "1")
            .property("ExecMainStatus", "1")
            .property("MainPID", "0")
    }

    /// It has failed, and every start fails in the same way.
    pub fn fails_for_good(&self, result: &str) -> &Self {
        self.fails(result).fault(&format!("fails {result}"))
    }

    /// A start takes two seconds, and then it runs.
    pub fn starts_slowly(&self) -> &Self {
        self.fails("timeout").fault("slow")
    }

    /// It has failed; started, it ends again and again, and systemd restarts it.
    pub fn flaps(&self) -> &Self {
        self.fails("exit-code").fault("flaps")
    }

    /// It has failed, and a start never comes to an end.
    pub fn hangs_on_start(&self) -> &Self {
        self.fails("timeout").fault("hangs")
    }

    /// Every start is refused: access denied.
    pub fn refuses_start(&self) -> &Self {
        self.fault("refuses")
    }

    /// It has ended, in order.
    pub fn stops(&self) -> &Self {
        self.property("ActiveState", "inactive")
            .property("SubState", "dead")
            .property("MainPID", "0")
    }

    /// It cannot be started at all.
    pub fn is_masked(&self) -> &Self {
        self.stops()
            .property("LoadState", "masked")
            .property("UnitFileState", "masked")
    }

    /// It was restarted this often by systemd itself.
    pub fn restarted(&self, times: u32) -> &Self {
        self.property("NRestarts", &times.to_string())
    }
}
