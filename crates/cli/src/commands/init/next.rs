//! What to do next: in order, each a command as it is typed.

use std::path::Path;

use watchkeeper_watch::view::{DoctorLine, DoctorState};

use super::Wishes;
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

/// The steps.
pub(super) fn steps(wishes: &Wishes, around: &Surroundings, tests: &[DoctorLine]) -> Vec<String> {
    let service = is_system(around) && UNITS.iter().any(|unit| Path::new(unit).exists());
    let mut steps = Vec::new();
    if service && !wishes.hosts.is_empty() && !has_a_key(Path::new(SYSTEM_STATE)) {
        steps.push(format!(
            "a key for the service: runuser -u watchkeeper -- ssh-keygen -t ed25519 -N '' -f {SYSTEM_STATE}/.ssh/id_ed25519"
        ));
        steps.push(format!(
            "let it in on each host: ssh-copy-id -f -i {SYSTEM_STATE}/.ssh/id_ed25519.pub LOGIN@HOST"
        ));
    }
    if service {
        steps.push("start the service: systemctl enable --now watchkeeper".to_owned());
    }
    for host in wishes.hosts.iter().take(NAMED) {
        steps.push(format!(
            "compare its key and accept it: watchkeeper enrol {}",
            host.name
        ));
    }
    if wishes.hosts.len() > NAMED {
        steps.push(format!(
            "the same for the {} others",
            wishes.hosts.len() - NAMED
        ));
    }
    steps.push("look at everything: watchkeeper check".to_owned());
    steps.push("see what is proposed, and decide: watchkeeper approve list, watchkeeper approve show 0, watchkeeper approve 0".to_owned());
    let name = &wishes.name;
    steps.push(if is_system(around) {
        format!("short commands ({name}-check, {name}-approve, …): watchkeeper links --name {name}")
    } else {
        format!("short commands ({name}-check, {name}-approve, …): watchkeeper links --name {name} --dir ~/.local/bin")
    });
    if !service {
        steps.push("watch all the time: watchkeeper daemon".to_owned());
    }
    if tests.iter().any(|line| line.state == DoctorState::Failed) {
        steps.push("whenever something does not work: watchkeeper doctor".to_owned());
    }
    steps
}

fn has_a_key(home: &Path) -> bool {
    let ssh = home.join(".ssh");
    ["id_ed25519", "id_ecdsa", "id_rsa"]
        .iter()
        .any(|key| ssh.join(key).exists())
}
