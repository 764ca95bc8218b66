//! A Postgres of the tests' own: from the system's server package, on a Unix socket only, as another account where the
//! tests run as root (the server refuses root), and with every database a copy of a template.
//!
//! nextest runs each test as a process of its own, so one cluster is shared by all of them, and by later runs: it lies
//! in a directory of the temporary directory, named by account and server version, made by the first that needs it.
//! Three files there are locked, and the kernel lets go of a lock however a process ends:
//! - `users`, shared, by each process that uses the cluster, for as long as it lives;
//! - `start`, exclusively, by who starts or stops it;
//! - `watchdog`, exclusively, by a small shell process that waits until nobody holds `users`, waits a little for the
//!   next test, and then stops the server. So some seconds after the last test, killed ones included, no process is
//!   left; the data stays for a quick start the next time.
//!
//! What the tests write is not synced to disk.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::{Uid, User};

const NOT_FOUND: &str = "postgresql server binaries not found: run tests/install";
/// The account of the database, and of the server where the tests run as root.
const ROLE: &str = "watchkeeper";
/// How long the server waits for the next test, in seconds.
const LINGER_S: &str = "5";

const SETTINGS: &str = "\
listen_addresses = ''
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 200
shared_buffers = 32MB
";

const WATCHDOG: &str = r#"
base=$1 bin=$2 linger=$3 keep=$4
watch() {
  flock -n 7 || return
  while :; do
    flock -x 9; flock -u 9
    sleep "$linger"
    flock -x 8
    flock -xn 9 && break
    flock -u 8
  done
  "$bin/pg_ctl" -D "$base/data" -m fast -w stop
  [ "$keep" = keep ] || rm -rf "$base"
}
watch 7<"$base/watchdog" 8<"$base/start" 9<"$base/users" &
"#;

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    base: PathBuf,
    bin: PathBuf,
    account: Option<(u32, u32)>,
    _user: File,
}

/// A database for one test. It is dropped with this value.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: String,
    base: PathBuf,
    bin: PathBuf,
    /// The server stays up while its databases are used, also where the cluster's value is gone.
    _user: File,
}

impl Database {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that was stopped by its test has nothing to drop.
        let _ = psql(
            &self.bin,
            &self.base,
            &format!("drop database if exists {} with (force)", self.name),
        );
    }
}

impl Cluster {
    /// The cluster that all tests share; started if it is not up.
    ///
    /// # Panics
    /// When there is no server to be had.
    #[must_use]
    pub fn shared() -> Self {
        let bin = binaries();
        let account = account();
        let version = bin
            .parent()
            .and_then(Path::file_name)
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let uid = account.map_or_else(|| Uid::current().as_raw(), |(uid, _)| uid);
        let base = std::env::temp_dir().join(format!("watchkeeper-pg-{uid}-{version}"));
        Self::at(base, bin, account, true)
    }

    /// A cluster for one test alone, which may stop and start it. It ends with the test.
    ///
    /// # Panics
    /// When there is no server to be had.
    #[must_use]
    pub fn private() -> Self {
        let base = std::env::temp_dir().join(format!(
            "watchkeeper-pg-p{}-{}",
            std::process::id(),
            count()
        ));
        Self::at(base, binaries(), account(), false)
    }

    fn at(base: PathBuf, bin: PathBuf, account: Option<(u32, u32)>, keep: bool) -> Self {
        make_base(&base, account);
        let start = lock_file(&base, "start");
        start.lock().expect("the kernel locks files");
        let users = lock_file(&base, "users");
        users.lock_shared().expect("the kernel locks files");
        let cluster = Self {
            base,
            bin,
            account,
            _user: users,
        };
        if !cluster.answers() {
            cluster.make_data();
            cluster.start();
            cluster.drop_leftovers();
        }
        if lock_file(&cluster.base, "watchdog").try_lock().is_ok() {
            cluster.set_watchdog(keep);
        }
        cluster
    }

    /// A database that is a copy of the template `key`, which `prepare` fills, given its address, when there is none
    /// yet. A key stands for one content for ever: take a digest. `prepare` must close what it opens.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn database(&self, key: &str, prepare: impl AsyncFnOnce(String)) -> Database {
        let template = format!("tpl_{key}");
        let lock = lock_file(&self.base, "start");
        lock.lock().expect("the kernel locks files");
        if self
            .sql(&format!(
                "select 1 from pg_database where datname = '{template}'"
            ))
            .is_empty()
        {
            let raw = format!("raw_{key}");
            self.sql(&format!("drop database if exists {raw} with (force)"));
            self.sql(&format!("create database {raw}"));
            prepare(self.url(&raw)).await;
            self.sql(&format!("alter database {raw} rename to {template}"));
        }
        drop(lock);
        let user = lock_file(&self.base, "users");
        user.lock_shared().expect("the kernel locks files");
        let name = format!("t_{}_{}", std::process::id(), count());
        self.sql(&format!("drop database if exists {name} with (force)"));
        self.sql(&format!("create database {name} template {template}"));
        Database {
            url: self.url(&name),
            name,
            base: self.base.clone(),
            bin: self.bin.clone(),
            _user: user,
        }
    }

    /// Starts the server.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(&self) {
        let log = self.base.join("log");
        let started = self.run(
            "pg_ctl",
            &[
                "start",
                "-w",
                "-D",
                &self.path("data"),
                "-l",
                &log.to_string_lossy(),
            ],
        );
        assert!(started, "the server did not start; see {}", log.display());
    }

    /// Ends the server at once, as a crash would.
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn stop(&self) {
        assert!(
            self.run(
                "pg_ctl",
                &["stop", "-w", "-m", "immediate", "-D", &self.path("data")]
            ),
            "the server did not stop"
        );
    }

    /// Runs SQL as the database's owner, in the database `postgres`; returns what it prints.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn sql(&self, sql: &str) -> String {
        psql(&self.bin, &self.base, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn url(&self, database: &str) -> String {
        let host = self.path("sock").replace('/', "%2F");
        format!("postgres://{ROLE}@localhost/{database}?host={host}")
    }

    fn path(&self, name: &str) -> String {
        self.base.join(name).to_string_lossy().into_owned()
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.base.join("sock/.s.PGSQL.5432")).is_ok()
    }

    fn make_data(&self) {
        let data = self.base.join("data");
        if data.join("PG_VERSION").exists() {
            return;
        }
        let fresh = self.path("fresh");
        let _ = std::fs::remove_dir_all(&fresh);
        let made = self.run("mkdir", &["-p", "-m", "0700", &self.path("sock")])
            && self.run(
                "initdb",
                &[
                    "--no-sync",
                    "--no-instructions",
                    "-A",
                    "trust",
                    "-U",
                    ROLE,
                    "-E",
                    "UTF8",
                    "--locale=C",
                    "-D",
                    &fresh,
                ],
            );
        assert!(made, "initdb failed in {fresh}");
        let conf = Path::new(&fresh).join("postgresql.conf");
        let text = format!(
            "{SETTINGS}unix_socket_directories = '{}'\n",
            self.path("sock")
        );
        std::fs::write(conf, text).expect("the new cluster's configuration can be written");
        std::fs::rename(fresh, data).expect("both are in the same directory");
    }

    /// Drops the databases of tests that were killed.
    fn drop_leftovers(&self) {
        for name in self
            .sql("select datname from pg_database where datname like 't\\_%'")
            .lines()
        {
            self.sql(&format!("drop database if exists {name} with (force)"));
        }
    }

    fn set_watchdog(&self, keep: bool) {
        let (linger, keep) = if keep {
            (LINGER_S, "keep")
        } else {
            ("0", "remove")
        };
        let bin = self.bin.to_string_lossy();
        let mut command = self.command("sh");
        command.args([
            "-c",
            WATCHDOG,
            "postgres-watchdog",
            &self.path(""),
            &bin,
            linger,
            keep,
        ]);
        // In a group of its own, so that what ends the tests does not end it before its work is done.
        let set = command
            .process_group(0)
            .status()
            .is_ok_and(|status| status.success());
        assert!(set, "there is a shell");
    }

    fn command(&self, program: &str) -> Command {
        command(&self.bin, &self.base, program, self.account)
    }

    fn run(&self, program: &str, args: &[&str]) -> bool {
        self.command(program)
            .args(args)
            .status()
            .is_ok_and(|status| status.success())
    }
}

fn count() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server's own programs, run on this machine for tests"
)]
fn command(bin: &Path, base: &Path, program: &str, account: Option<(u32, u32)>) -> Command {
    let own = bin.join(program);
    let mut command = Command::new(if own.exists() {
        own
    } else {
        PathBuf::from(program)
    });
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir(base);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    command
}

fn psql(bin: &Path, base: &Path, sql: &str) -> Result<String, String> {
    let socket = base.join("sock");
    let output = command(bin, base, "psql", None)
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            ROLE,
            "-d",
            "postgres",
            "-h",
        ])
        .arg(socket)
        .args(["-c", sql])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// The newest server's programs: Debian keeps them apart by version, others in one place.
fn binaries() -> PathBuf {
    let version = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse::<u32>().ok())
            .unwrap_or(0)
    };
    let by_version = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = by_version
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(version);
    let elsewhere = ["/usr/bin", "/usr/local/bin", "/run/current-system/sw/bin"].map(PathBuf::from);
    newest
        .map(|path| path.join("bin"))
        .or_else(|| {
            elsewhere
                .into_iter()
                .find(|bin| bin.join("initdb").exists())
        })
        .expect(NOT_FOUND)
}

/// As whom the server runs: ourselves, or where we are root, an account that is not.
fn account() -> Option<(u32, u32)> {
    if !Uid::current().is_root() {
        return None;
    }
    let user = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten());
    let user = user.expect("there is an account named postgres or nobody");
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// Makes the directory for that account alone. One that is somebody else's is not used: it could hold anything.
fn make_base(base: &Path, account: Option<(u32, u32)>) {
    let _ = std::fs::DirBuilder::new().mode(0o700).create(base);
    let found = std::fs::symlink_metadata(base).expect("the directory was just made, or was there");
    let ourselves = Uid::current().as_raw();
    let owner = account.map_or(ourselves, |(uid, _)| uid);
    let ours = found.is_dir() && (found.uid() == owner || found.uid() == ourselves);
    assert!(
        ours && found.mode() & 0o077 == 0,
        "{} is not ours alone: remove it",
        base.display()
    );
    if let Some((uid, gid)) = account {
        std::os::unix::fs::chown(base, Some(uid), Some(gid))
            .expect("root may give a directory away");
    }
}

fn lock_file(base: &Path, name: &str) -> File {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(base.join(name))
        .expect("a file can be made in a directory of ours")
}
