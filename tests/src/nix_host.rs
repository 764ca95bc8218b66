//! A Debian host of the lab set up as NixOS would set up what the module makes: units with their scripts, and the
//! program where the store would have it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::binary::binary;
use crate::lab::Host;
use crate::nix::text;

/// Where the program lies there.
const PROGRAM: &str = "/usr/bin/watchkeeper";

/// A text as one word of a shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Writes a file on a host.
pub fn write(host: &Host, path: &str, body: &str) {
    let script = format!("printf %s {} >{path}", quoted(body));
    host.inside(&["sh", "-c", &script]);
}

/// Installs the program and its configuration.
pub fn install_program(host: &Host, config: &str) {
    host.put(&binary(), PROGRAM);
    host.inside(&["chmod", "755", PROGRAM]);
    host.inside(&["mkdir", "-p", "/etc/watchkeeper"]);
    write(host, "/etc/watchkeeper/config.toml", config);
}

/// Installs a program of this machine with the libraries that it needs.
///
/// # Panics
/// When this machine does not have it.
#[expect(
    clippy::disallowed_methods,
    reason = "which libraries a program needs is told by another program than ours"
)]
pub fn bring(host: &Host, program: &str) {
    let listed = Command::new("ldd")
        .arg(program)
        .output()
        .expect("ldd is there");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let libraries = listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    for file in libraries.chain([program]) {
        if !host.tries(&["test", "-e", file]).status.success() {
            host.put(Path::new(file), file);
        }
    }
    host.inside(&["chmod", "755", program]);
}

/// Names the program as it is installed there.
#[must_use]
pub fn installed(text: &str) -> String {
    let mut parts = text.split("/nix/store/");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("/bin/watchkeeper") {
            Some((package, after)) if !package.contains([' ', '"', '\n']) => {
                whole.push_str(PROGRAM);
                whole.push_str(after);
            }
            _ => {
                whole.push_str("/nix/store/");
                whole.push_str(part);
            }
        }
    }
    whole
}

/// Installs a unit of the module, with its script.
pub fn install_unit(host: &Host, made: &Value, name: &str) {
    let script = text(made, &format!("/scripts/{name}"));
    let program = format!("/usr/local/sbin/{name}-start");
    if !script.is_empty() {
        let script = installed(script);
        write(host, &program, &format!("#!/bin/sh\nset -e\n{script}"));
        host.inside(&["chmod", "755", &program]);
    }
    let unit: Vec<String> = text(made, &format!("/units/{name}"))
        .lines()
        .map(|line| match line.split_once("=/nix/store/") {
            Some(("ExecReload", _)) => "ExecReload=/bin/kill -HUP $MAINPID".to_owned(),
            Some(("ExecStart", _)) if !script.is_empty() => format!("ExecStart={program}"),
            _ => installed(line),
        })
        .collect();
    write(
        host,
        &format!("/etc/systemd/system/{name}.service"),
        &(unit.join("\n") + "\n"),
    );
}

/// Installs each unit of the module.
///
/// # Panics
/// When there are none.
pub fn install_units(host: &Host, made: &Value) {
    let units = made["units"].as_object().expect("a set of units");
    for unit in units.keys().filter(|unit| unit.starts_with("watchkeeper")) {
        install_unit(host, made, unit);
    }
    host.inside(&["systemctl", "daemon-reload"]);
}

/// Makes an account of the system.
pub fn account(host: &Host, home: &str, name: &str, more: &[&str]) {
    let words = [
        "useradd",
        "--system",
        "--home-dir",
        home,
        "--shell",
        "/bin/sh",
    ];
    host.inside(&[&words, more, &[name]].concat());
}

/// Starts a unit.
///
/// # Panics
/// When it does not start; the journal says why.
pub fn start(host: &Host, unit: &str) {
    let started = host.tries(&["systemctl", "restart", unit]);
    assert!(
        started.status.success(),
        "{unit}: {}",
        host.inside(&["sh", "-c", "journalctl -u 'watchkeeper*' -n 60 --no-pager"])
    );
}

/// Runs the program as root there: its exit code, and all that it said.
#[must_use]
pub fn watchkeeper(host: &Host, words: &[&str]) -> (Option<i32>, String) {
    let done = host.tries(&[&["watchkeeper"], words].concat());
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}
