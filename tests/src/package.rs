//! The packages, made with the program that cargo has just built, and a fresh host of the lab that has one installed.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::binary::{binary, until_within};
use crate::lab::Host;

const LONG: Duration = Duration::from_secs(90);
/// The service.
pub const UNIT: &str = "watchkeeper.service";

/// Runs one of the packaging scripts with the built program; gives the file that it made.
///
/// # Panics
/// When it cannot be made.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the packages are made by scripts"
)]
pub fn made(script: &str, out: &Path, more: &[&str]) -> PathBuf {
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging")).join(script);
    let output = Command::new(&script)
        .arg("--binary")
        .arg(binary())
        .arg("--out")
        .arg(out)
        .args(more)
        .output()
        .expect("the script is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", script.display());
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// The controller: a host that has the package.
#[derive(Debug)]
pub struct Keeper<'h> {
    /// The host.
    pub host: &'h Host,
}

impl Keeper<'_> {
    /// Runs in a shell, and must end well.
    ///
    /// # Panics
    /// When it does not go as it should.
    pub fn sh(&self, line: &str) -> String {
        let done = self.host.tries(&["sh", "-euc", line]);
        assert!(done.status.success(), "{line}: {}", said(&done));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Whether it ends well in a shell.
    ///
    /// # Panics
    /// When it does not go as it should.
    #[must_use]
    pub fn holds(&self, line: &str) -> bool {
        self.host.tries(&["sh", "-euc", line]).status.success()
    }

    /// Runs a command of ours, which must end so; what it wrote.
    ///
    /// # Panics
    /// When it does not go as it should.
    pub fn run(&self, words: &[&str], status: i32) -> String {
        let done = self.host.tries(&[&["watchkeeper"], words].concat());
        assert_eq!(
            done.status.code(),
            Some(status),
            "{words:?}: {}\n{}",
            said(&done),
            self.journal()
        );
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// What a command says as JSON.
    ///
    /// # Panics
    /// When it does not go as it should.
    #[must_use]
    pub fn json(&self, words: &[&str]) -> Value {
        let text = self.run(&[words, &["--output", "json"]].concat(), 0);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// A property of the service's unit.
    ///
    /// # Panics
    /// When it does not go as it should.
    #[must_use]
    pub fn property(&self, name: &str) -> String {
        self.sh(&format!("systemctl show -P {name} {UNIT}"))
    }

    /// Puts the package there and installs it.
    ///
    /// # Panics
    /// When it does not go as it should.
    pub fn install(&self, package: &Path, as_name: &str) {
        self.host.put(package, as_name);
        // As a person does it: by apt, which sees to what the package depends on. The hosts reach no archive of others.
        self.sh(&format!(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install {as_name} && rm {as_name}"
        ));
    }

    /// Waits until it holds.
    ///
    /// # Panics
    /// When it does not go as it should.
    pub fn becomes(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        until_within(LONG, what, &mut || holds(self));
    }

    /// Waits until the service runs.
    ///
    /// # Panics
    /// When it does not go as it should.
    pub fn is_active(&self) {
        self.becomes("the service runs", |this| {
            this.property("ActiveState") == "active"
        });
    }

    /// The last of what the service wrote to its journal.
    ///
    /// # Panics
    /// When it does not go as it should.
    #[must_use]
    pub fn journal(&self) -> String {
        let done = self
            .host
            .tries(&["journalctl", "-u", UNIT, "-n", "60", "--no-pager"]);
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// The key that the lab's hosts let in, for the account of the service.
    ///
    /// # Panics
    /// When it does not go as it should.
    pub fn takes_key_of(&self, host: &Host) {
        self.host
            .put(&host.key, "/var/lib/watchkeeper/.ssh/id_ed25519");
        self.sh("chown watchkeeper: /var/lib/watchkeeper/.ssh/id_ed25519 && chmod 600 /var/lib/watchkeeper/.ssh/id_ed25519");
    }
}

/// The address of this machine, as the hosts see it.
///
/// # Panics
/// When the host does not know it.
#[must_use]
pub fn outside(host: &Host) -> Ipv4Addr {
    let found = host.inside(&["getent", "hosts", "controller.lab"]);
    let address = found.split_whitespace().next().unwrap_or_default();
    address.parse().expect("the lab names this machine")
}

/// What it wrote.
#[must_use]
pub fn said(done: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    )
}
