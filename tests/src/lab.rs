//! The lab: real hosts with systemd and sshd on this machine. Each test brings up hosts of its own names, and takes
//! them down when it ends.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;

/// Hosts that are up for one test.
#[derive(Debug)]
pub struct Lab {
    /// The hosts, in the order they were asked for.
    pub hosts: Vec<Host>,
}

/// One host of the lab.
#[derive(Clone, Debug, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// The account with sudo.
    pub user: String,
    /// The private key of that account.
    pub key: PathBuf,
    /// Its host key, as in a known_hosts file without the name.
    pub host_key: String,
}

#[derive(Deserialize)]
struct Inventory {
    hosts: Vec<Host>,
}

impl Lab {
    /// Brings up fresh hosts of these names.
    ///
    /// # Panics
    /// When the lab cannot: it says what is missing.
    #[must_use]
    pub fn up(names: &[&str]) -> Self {
        lab(&[&["up", "--fresh"], names].concat());
        let inventory = lab(&[&["inventory"], names].concat());
        let inventory: Inventory =
            serde_json::from_slice(&inventory.stdout).expect("the inventory is JSON");
        Self {
            hosts: inventory.hosts,
        }
    }

    /// The same with more room than a host usually has: for what is installed there.
    ///
    /// # Panics
    /// When the lab cannot: it says what is missing.
    #[must_use]
    pub fn roomy(names: &[&str]) -> Self {
        let size = [("LAB_MEMORY", "1536M"), ("LAB_DISK", "1G")];
        let words = [&["up", "--fresh"], names].concat();
        let mut command = lab_command(&words);
        command.envs(size);
        let output = command.output().expect("the lab starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lab {words:?}: {said}");
        let inventory = lab(&[&["inventory"], names].concat());
        let inventory: Inventory =
            serde_json::from_slice(&inventory.stdout).expect("the inventory is JSON");
        Self {
            hosts: inventory.hosts,
        }
    }

    /// The configuration that watches these hosts, with more lines before the hosts.
    #[must_use]
    pub fn config(&self, more: &str) -> String {
        let mut text = format!("{more}\n");
        for host in &self.hosts {
            text.push_str(&format!(
                "[hosts.{}]\naddress = \"{}\"\nport = {}\nlogin = \"{}\"\nidentity_files = [\"{}\"]\nbecome_root = true\n\n",
                host.name,
                host.address,
                host.port,
                host.user,
                host.key.display()
            ));
        }
        text
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let names: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
        let _ = try_lab(&[&["down"], names.as_slice()].concat());
    }
}

impl Host {
    /// Breaks something; returns when the effect is there.
    ///
    /// # Panics
    /// When the lab cannot.
    pub fn fault(&self, words: &[&str]) {
        lab(&[&["fault", self.name.as_str()], words].concat());
    }

    /// Mends it.
    ///
    /// # Panics
    /// When the lab cannot.
    pub fn heal(&self, words: &[&str]) {
        lab(&[&["heal", self.name.as_str()], words].concat());
    }

    /// What is really wrong there now.
    ///
    /// # Panics
    /// When the lab cannot tell.
    #[must_use]
    pub fn truth(&self) -> Vec<String> {
        let truth: Value =
            serde_json::from_slice(&lab(&["truth", &self.name]).stdout).expect("the truth is JSON");
        let wrong = truth["wrong"].as_array().cloned().unwrap_or_default();
        wrong
            .iter()
            .filter_map(|kind| kind.as_str().map(str::to_owned))
            .collect()
    }

    /// Runs a command inside as root, past sshd and network.
    ///
    /// # Panics
    /// When it fails.
    pub fn inside(&self, words: &[&str]) -> String {
        let output = lab(&[&["in", self.name.as_str()], words].concat());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command inside as root, past sshd and network, however it ends.
    ///
    /// # Panics
    /// When the lab does not start.
    #[must_use]
    pub fn tries(&self, words: &[&str]) -> Output {
        try_lab(&[&["in", self.name.as_str()], words].concat()).expect("the lab starts")
    }

    /// Puts a file of this machine there.
    ///
    /// # Panics
    /// When it cannot.
    pub fn put(&self, from: &std::path::Path, to: &str) {
        let file = std::fs::File::open(from).expect("the file is there");
        let script = "mkdir -p \"$(dirname \"$1\")\" && cat >\"$1\"";
        let done = lab_command(&["in", &self.name, "sh", "-c", script, "sh", to])
            .stdin(file)
            .status()
            .expect("the lab starts");
        assert!(done.success(), "{} is not put at {to}", from.display());
    }

    /// Whether anything on this machine has a connection to its sshd, by the kernel's list.
    ///
    /// # Panics
    /// When the kernel's list cannot be read.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        const ESTABLISHED: &str = "01";
        let bytes = self.address.rsplit('.').map(|byte| {
            let byte: u8 = byte.parse().expect("an IPv4 address");
            format!("{byte:02X}")
        });
        let remote = format!("{}:{:04X}", bytes.collect::<String>(), self.port);
        let list = std::fs::read_to_string("/proc/net/tcp").expect("the kernel lists connections");
        list.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(2) == Some(&remote.as_str()) && words.get(3) == Some(&ESTABLISHED)
        })
    }

    /// The fingerprint of its host key, by `ssh-keygen`.
    ///
    /// # Panics
    /// When it cannot be computed.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the fingerprint is computed by another program than ours"
    )]
    pub fn fingerprint(&self) -> String {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let file = dir.path().join("key.pub");
        std::fs::write(&file, &self.host_key).expect("a file can be written");
        let output = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(&file)
            .output()
            .expect("ssh-keygen: run tests/install");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace()
            .find(|word| word.starts_with("SHA256:"))
            .expect("a fingerprint")
            .to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "the lab is a program of its own")]
fn lab_command(words: &[&str]) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lab/lab"));
    command.args(words);
    command
}

fn try_lab(words: &[&str]) -> std::io::Result<Output> {
    lab_command(words).output()
}

fn lab(words: &[&str]) -> Output {
    let output = try_lab(words).expect("the lab starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "lab {words:?} ended with {}: {said}",
        output.status
    );
    output
}
