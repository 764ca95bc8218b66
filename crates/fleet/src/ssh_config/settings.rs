//! What an SSH configuration says of one host: as `ssh -G` prints it, or, without that program, from the plain keys of the
//! files.

use std::path::{Path, PathBuf};

use super::files::{Files, Line, expand_home};
use super::syntax::patterns_match;
use crate::SshTarget;

/// What is said of one host. What is not said is absent or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// The name or address to connect to.
    pub address: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The account.
    pub login: Option<String>,
    /// Private keys, with `~` and tokens expanded.
    pub identity_files: Vec<PathBuf>,
    /// The agent's socket, `none`, or a variable that holds it.
    pub identity_agent: Option<String>,
    /// The name the host key is kept under.
    pub host_key_alias: Option<String>,
    /// The user's and the system's files of known hosts.
    pub known_hosts: Vec<PathBuf>,
    /// Jump hosts as written, the nearest first.
    pub proxy_jump: Vec<String>,
    /// Whether a command makes the connection.
    pub proxy_command: bool,
}

impl HostSettings {
    /// Reads what `ssh -G` printed.
    pub(super) fn of_printed(printed: &str, home: &Path) -> Self {
        let mut settings = Self::default();
        for line in printed.lines() {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            settings.set(keyword, &[value.to_owned()]);
        }
        settings.expand(home);
        settings
    }

    /// Reads the plain keys of the files: blocks of `Host` and `Match all`, the first value winning. Not done, and
    /// therefore left to `ssh -G`: other kinds of `Match`, `CanonicalizeHostname`, and tokens but `%h %n %p %r %d %%`.
    pub(super) fn of_files(files: &Files, name: &str, home: &Path) -> Self {
        let mut settings = Self::default();
        let mut applies = true;
        for Line { keyword, args } in &files.lines {
            match keyword.as_str() {
                "host" => applies = patterns_match(args, name),
                "match" => applies = args.len() == 1 && args[0].eq_ignore_ascii_case("all"),
                _ if applies => settings.set(keyword, args),
                _ => {}
            }
        }
        let address = settings.address.take().unwrap_or_else(|| name.to_owned());
        settings.address = Some(
            address
                .replace("%h", name)
                .replace("%n", name)
                .replace("%%", "%"),
        );
        settings.expand(home);
        settings
    }

    fn set(&mut self, keyword: &str, args: &[String]) {
        let Some(first) = args.first().filter(|first| !first.is_empty()) else {
            return;
        };
        match keyword {
            "hostname" => keep(&mut self.address, first),
            "port" => self.port = self.port.or_else(|| first.parse().ok()),
            "user" => keep(&mut self.login, first),
            "identityfile" if first != "none" => self.identity_files.push(first.into()),
            "identityagent" => keep(&mut self.identity_agent, first),
            "hostkeyalias" => keep(&mut self.host_key_alias, &first.to_ascii_lowercase()),
            "userknownhostsfile" | "globalknownhostsfile" => self.known_hosts.extend(
                args.iter()
                    .flat_map(|arg| arg.split_whitespace())
                    .filter(|file| *file != "none")
                    .map(PathBuf::from),
            ),
            "proxyjump" if first != "none" && self.proxy_jump.is_empty() && !self.proxy_command => {
                self.proxy_jump = first.split(',').map(|hop| hop.trim().to_owned()).collect();
            }
            "proxycommand" if first != "none" && self.proxy_jump.is_empty() => {
                self.proxy_command = true;
            }
            _ => {}
        }
    }

    fn expand(&mut self, home: &Path) {
        let files = std::mem::take(&mut self.identity_files);
        self.identity_files = files
            .iter()
            .filter_map(|file| self.expand_path(file, home))
            .collect();
        let files = std::mem::take(&mut self.known_hosts);
        self.known_hosts = files
            .iter()
            .filter_map(|file| self.expand_path(file, home))
            .collect();
        if let Some(agent) = self.identity_agent.take() {
            let path = expand_home(Path::new(&agent), home);
            self.identity_agent = Some(path.to_string_lossy().into_owned());
        }
    }

    /// None where a token stands in it that cannot be told here.
    fn expand_path(&self, path: &Path, home: &Path) -> Option<PathBuf> {
        let path = expand_home(path, home);
        let text = path.to_str()?;
        if text.contains("${") {
            return None;
        }
        let mut expanded = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                expanded.push(c);
                continue;
            }
            match chars.next()? {
                '%' => expanded.push('%'),
                'd' => expanded.push_str(home.to_str()?),
                'h' => expanded.push_str(self.address.as_deref()?),
                'p' => expanded.push_str(&self.port.unwrap_or(SshTarget::DEFAULT_PORT).to_string()),
                'r' => expanded.push_str(self.login.as_deref()?),
                _ => return None,
            }
        }
        let path = PathBuf::from(expanded);
        path.is_absolute().then_some(path)
    }
}

/// The first value wins.
fn keep(slot: &mut Option<String>, value: &str) {
    slot.get_or_insert_with(|| value.to_owned());
}
