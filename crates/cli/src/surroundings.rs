//! What the process finds around it: the environment, the terminal, the account. Read here, once, and nowhere
//! else; everything below gets values.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use nix::unistd::{Uid, User};

/// Where the system's watch keeps what it must not lose.
pub(crate) const SYSTEM_STATE: &str = "/var/lib/watchkeeper";
/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 80;
/// Wider lines are not read any more.
const MAX_WIDTH: usize = 120;

/// The surroundings of one process.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// The account's number.
    pub(crate) uid: u32,
    /// The account's group.
    pub(crate) gid: u32,
    /// The account's name.
    pub(crate) user: String,
    /// Its home.
    pub(crate) home: PathBuf,
    /// `/etc/watchkeeper`.
    pub(crate) system_config: PathBuf,
    /// Whether the account owns `/var/lib/watchkeeper`: a service runs as it.
    pub(crate) owns_system_state: bool,
    /// `$XDG_RUNTIME_DIR`.
    pub(crate) runtime_dir: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub(crate) config_home: PathBuf,
    /// `$XDG_STATE_HOME`, or `~/.local/state`.
    pub(crate) state_home: PathBuf,
    /// The agent's socket.
    pub(crate) ssh_auth_sock: Option<PathBuf>,
    /// `$VISUAL` or `$EDITOR`.
    pub(crate) editor: Option<String>,
    /// `WATCHKEEPER_…`, without the prefix.
    pub(crate) settings: BTreeMap<String, String>,
    /// The machine's name, up to the first dot.
    pub(crate) hostname: String,
    /// Whether somebody reads standard error on a terminal.
    pub(crate) stderr_terminal: bool,
    /// Whether somebody types.
    pub(crate) stdin_terminal: bool,
    /// Whether somebody reads standard output on a terminal.
    pub(crate) stdout_terminal: bool,
    /// Whether colour is wanted: a terminal, and neither `NO_COLOR` nor `TERM=dumb`.
    pub(crate) colour: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Whether standard error goes to the journal, which has times and levels of its own.
    pub(crate) journal: bool,
}

impl Surroundings {
    /// Looks around.
    pub(crate) fn read() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one file that reads the environment"
        )]
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let uid = Uid::effective();
        let account = User::from_uid(uid).ok().flatten();
        let home = var("HOME")
            .map(PathBuf::from)
            .or_else(|| account.as_ref().map(|user| user.dir.clone()));
        let home = home.unwrap_or_else(|| PathBuf::from("/"));
        let stdout_terminal = std::io::stdout().is_terminal();
        let columns = var("COLUMNS")
            .and_then(|text| text.parse().ok())
            .or_else(terminal_columns);
        Self {
            uid: uid.as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            user: account.map_or_else(|| format!("uid {uid}"), |user| user.name),
            system_config: PathBuf::from("/etc/watchkeeper"),
            owns_system_state: std::fs::metadata(SYSTEM_STATE)
                .is_ok_and(|found| found.uid() == uid.as_raw()),
            runtime_dir: var("XDG_RUNTIME_DIR").map(PathBuf::from),
            config_home: var("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from),
            state_home: var("XDG_STATE_HOME")
                .map_or_else(|| home.join(".local/state"), PathBuf::from),
            home,
            ssh_auth_sock: var("SSH_AUTH_SOCK").map(PathBuf::from),
            editor: var("VISUAL").or_else(|| var("EDITOR")),
            settings: settings(),
            hostname: hostname(),
            stderr_terminal: std::io::stderr().is_terminal(),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal,
            colour: stdout_terminal
                && var("NO_COLOR").is_none()
                && var("TERM").as_deref() != Some("dumb"),
            journal: var("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal(),
            width: columns.map_or(DEFAULT_WIDTH, |width| width.clamp(40, MAX_WIDTH)),
        }
    }
}

fn settings() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter_map(|(name, value)| Some((name.strip_prefix("WATCHKEEPER_")?.to_owned(), value)))
        .collect()
}

fn hostname() -> String {
    let whole = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_default();
    whole
        .split('.')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or("watch")
        .to_owned()
}

/// Columns of the terminal now, within what is read well; `default` where there is none.
pub(crate) fn columns_now(default: usize) -> usize {
    terminal_columns().map_or(default, |width| width.clamp(40, MAX_WIDTH))
}

fn terminal_columns() -> Option<usize> {
    // clap's `wrap_help` brings the one dependency that asks the terminal.
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

#[cfg(test)]
impl Surroundings {
    /// An ordinary account on a machine without any configuration; files lie below `root`.
    pub(crate) fn example(root: &std::path::Path) -> Self {
        Self {
            uid: 1_000,
            gid: 1_000,
            user: "ada".to_owned(),
            home: root.join("home"),
            system_config: root.join("etc"),
            owns_system_state: false,
            runtime_dir: None,
            config_home: root.join("home/.config"),
            state_home: root.join("home/.local/state"),
            ssh_auth_sock: None,
            editor: None,
            settings: BTreeMap::new(),
            hostname: "web1".to_owned(),
            stderr_terminal: false,
            stdin_terminal: false,
            stdout_terminal: false,
            colour: false,
            width: DEFAULT_WIDTH,
            journal: false,
        }
    }
}
