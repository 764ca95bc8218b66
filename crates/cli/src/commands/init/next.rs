//! What to do next: in order, each with the commands as they are typed.

use std::path::Path;

use nix::unistd::User;
use serde::Serialize;
use watchkeeper_model::HostName;
use watchkeeper_watch::view::{DoctorLine, DoctorState};

use super::{Wished, Wishes};
use crate::config::is_system;
use crate::surroundings::{SYSTEM_STATE, Surroundings};

/// Where a package puts the unit of the service.
const UNITS: [&str; 3] = [
    "/lib/systemd/system/watchkeeper.service",
    "/usr/lib/systemd/system/watchkeeper.service",
    "/etc/systemd/system/watchkeeper.service",
];
/// Most hosts that are named in a step.
const NAMED: usize = 3;

/// Something to do.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// What it is for.
    pub(super) what: String,
    /// What to type; nothing where it is the same again.
    pub(super) commands: Vec<String>,
}

fn step(what: &str, commands: &[&str]) -> Step {
    Step {
        what: what.to_owned(),
        commands: commands.iter().map(|&command| command.to_owned()).collect(),
    }
}

/// Whether the unit of a service is installed.
pub(super) fn has_service() -> bool {
    UNITS.iter().any(|unit| Path::new(unit).exists())
}

/// The steps; the keys of `known` hosts are accepted already.
pub(super) fn steps(
    wishes: &Wishes,
    known: &[HostName],
    around: &Surroundings,
    tests: &[DoctorLine],
) -> Vec<Step> {
    let service = is_system(around) && has_service();
    let mut steps = Vec::new();
    if service && !wishes.hosts.is_empty() && !has_a_key(Path::new(SYSTEM_STATE)) {
        steps.extend(keys(wishes));
    }
    if service {
        let start = "systemctl enable --now watchkeeper";
        steps.push(step("start the service", &[start]));
    }
    let unknown = wishes.hosts.iter().map(|host| &host.name);
    let unknown: Vec<_> = unknown.filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        let enrol = |name: &&HostName| format!("watchkeeper enrol {name}");
        steps.push(Step {
            what: "compare the key of each host, and accept it".to_owned() + &others(unknown.len()),
            commands: unknown.iter().take(NAMED).map(enrol).collect(),
        });
    }
    steps.push(step("look at everything", &["watchkeeper check"]));
    steps.push(step(
        "see what is proposed, and decide",
        &[
            "watchkeeper approve list",
            "watchkeeper approve show 0",
            "watchkeeper approve 0",
        ],
    ));
    let name = &wishes.name;
    let links = if is_system(around) {
        format!("watchkeeper links --name {name}")
    } else {
        format!("watchkeeper links --name {name} --dir ~/.local/bin")
    };
    let short = format!("have short commands: {name}-check, {name}-approve and so on");
    steps.push(step(&short, &[&links]));
    if !service {
        steps.push(step("watch all the time", &["watchkeeper daemon"]));
    }
    if tests.iter().any(|line| line.state == DoctorState::Failed) {
        steps.push(step(
            "whenever something does not work",
            &["watchkeeper doctor"],
        ));
    }
    steps
}

/// What is said where not every host is named.
fn others(hosts: usize) -> String {
    match hosts.checked_sub(NAMED) {
        None | Some(0) => String::new(),
        Some(1) => " (one more in the same way)".to_owned(),
        Some(more) => format!(" ({more} more in the same way)"),
    }
}

/// A key for the service, and what lets it in.
fn keys(wishes: &Wishes) -> Vec<Step> {
    let key = format!("{SYSTEM_STATE}/.ssh/id_ed25519");
    let make = format!("runuser -u watchkeeper -- ssh-keygen -q -t ed25519 -N '' -f {key}");
    let mut steps = vec![step("make a key for the service", &[&make])];
    let is_here = |host: &&Wished| wishes.this_machine.as_ref() == Some(&host.name);
    let (here, elsewhere): (Vec<_>, Vec<_>) = wishes.hosts.iter().partition(is_here);
    for host in here {
        let login = host.login.as_deref().unwrap_or("root");
        steps.push(Step {
            what: "let it in on this machine".to_owned(),
            commands: let_in_here(login, wishes.become_root, &key),
        });
    }
    if !elsewhere.is_empty() {
        steps.push(Step {
            what: "let it in on each host".to_owned() + &others(elsewhere.len()),
            commands: elsewhere
                .iter()
                .take(NAMED)
                .map(|host| let_in(host, &key))
                .collect(),
        });
    }
    steps
}

fn let_in_here(login: &str, become_root: bool, key: &str) -> Vec<String> {
    let mut commands = Vec::new();
    if User::from_name(login).ok().flatten().is_none() {
        commands.push(format!("useradd --create-home --shell /bin/sh {login}"));
        if become_root {
            let file = format!("/etc/sudoers.d/{}", login.replace('.', "-"));
            commands.push(format!(
                "echo '{login} ALL=(root) NOPASSWD: ALL' > {file} && chmod 440 {file}"
            ));
        }
    }
    commands.push(format!("install -d -m 700 -o {login} ~{login}/.ssh"));
    commands.push(format!("cat {key}.pub >> ~{login}/.ssh/authorized_keys"));
    commands
}

fn let_in(host: &Wished, key: &str) -> String {
    let mut command = format!("ssh-copy-id -f -i {key}.pub");
    if let Some(port) = host.port {
        command.push_str(&format!(" -p {port}"));
    }
    if !host.jump.is_empty() {
        command.push_str(&format!(" -o ProxyJump={}", host.jump.join(",")));
    }
    let address = host.address.as_deref().unwrap_or(host.name.as_str());
    let login = host.login.as_ref().map(|login| format!("{login}@"));
    command + " " + &login.unwrap_or_default() + address
}

fn has_a_key(home: &Path) -> bool {
    let ssh = home.join(".ssh");
    ["id_ed25519", "id_ecdsa", "id_rsa"]
        .iter()
        .any(|key| ssh.join(key).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Wished {
        Wished::named(HostName::new(name).expect("a name"))
    }

    #[test]
    fn a_key_is_let_in_by_the_way_that_was_written() {
        let web1 = Wished {
            address: Some("192.0.2.7".to_owned()),
            port: Some(2222),
            login: Some("ops".to_owned()),
            jump: vec!["jump@bastion:23".to_owned(), "inner".to_owned()],
            ..host("web1")
        };
        assert_eq!(
            let_in(&web1, "/k"),
            "ssh-copy-id -f -i /k.pub -p 2222 -o ProxyJump=jump@bastion:23,inner ops@192.0.2.7"
        );
        assert_eq!(let_in(&host("db1"), "/k"), "ssh-copy-id -f -i /k.pub db1");
    }

    #[test]
    fn an_account_that_is_not_there_is_made_with_what_it_needs() {
        let lines = let_in_here("no-such.account", true, "/k");
        assert_eq!(
            lines,
            [
                "useradd --create-home --shell /bin/sh no-such.account",
                "echo 'no-such.account ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/no-such-account && chmod 440 /etc/sudoers.d/no-such-account",
                "install -d -m 700 -o no-such.account ~no-such.account/.ssh",
                "cat /k.pub >> ~no-such.account/.ssh/authorized_keys",
            ]
        );
        assert_eq!(let_in_here("root", true, "/k").len(), 2);
    }

    #[test]
    fn not_every_host_of_many_is_named() {
        assert_eq!(others(3), "");
        assert_eq!(others(4), " (one more in the same way)");
        assert_eq!(others(200), " (197 more in the same way)");
    }
}
