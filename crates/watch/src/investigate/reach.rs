//! What a model's own command reaches beyond its host, told by the effects of its assessment and by nothing else. A name
//! of a model's choice can carry away what was read, since whoever serves it is told; and what another host would say is
//! that host's to be asked for, by its own rules. So a command may go to the host's own addresses only; for hosts of the
//! inventory there is the tool `network`.

use std::net::IpAddr;

use watchkeeper_fleet::HostEntry;
use watchkeeper_model::{Effect, EffectKind};

/// What stands before a command that is run in a container of the host.
const CONTAINER: &str = "container ";

/// Whether an effect goes beyond the host.
pub(super) fn leaves(effect: &Effect, host: &HostEntry) -> bool {
    let elsewhere = !effect.elsewhere.is_empty() && !effect.elsewhere.starts_with(CONTAINER);
    let reaches = match effect.kind {
        EffectKind::Sends => true,
        EffectKind::Probes => !is_own(&effect.target, host),
        _ => false,
    };
    elsewhere || reaches
}

/// Whether a target is the host itself: by a loopback address, or as the inventory calls it. Anything that is not plainly
/// so is not.
fn is_own(target: &str, host: &HostEntry) -> bool {
    let Some(machine) = machine_of(target) else {
        return false;
    };
    let loops = machine.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loops
        || machine == "localhost"
        || machine == host.name.as_str()
        || host.address.as_deref() == Some(machine)
}

/// The machine of a name, an address with a port, or a web address; none where it is written in any other way.
fn machine_of(target: &str) -> Option<&str> {
    let web = ["http://", "https://"];
    let page = web.iter().find_map(|scheme| target.strip_prefix(scheme));
    let place = match page {
        Some(page) => page.split(['/', '?', '#']).next()?,
        None => target,
    };
    let (machine, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None if place.parse::<IpAddr>().is_ok() => (place, ""),
        None => match place.find(':') {
            Some(colon) => place.split_at(colon),
            None => (place, ""),
        },
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|number| number.parse::<u16>().is_ok());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
    (is_port && !machine.is_empty() && machine.chars().all(is_plain)).then_some(machine)
}

#[cfg(test)]
mod tests {
    use watchkeeper_risk::{HostFacts, assess_text};

    use super::*;

    fn host() -> HostEntry {
        let text = r#"{ "name": "web1", "address": "web1.internal.example" }"#;
        serde_json::from_str(text).expect("an entry of the inventory")
    }

    #[test]
    fn only_what_is_plainly_the_host_itself_is() {
        for (target, expect) in [
            ("localhost", true),
            ("127.0.0.1:9100", true),
            ("::1", true),
            ("[::1]:80", true),
            ("web1", true),
            ("web1.internal.example:443", true),
            ("http://localhost:9200/_cat/indices?v", true),
            ("http://[::1]/", true),
            ("db1", false),
            ("127.0.0.1.evil.example", false),
            ("http://localhost@evil.example/", false),
            ("http://localhost\\@evil.example/", false),
            ("http://{localhost,evil.example}/", false),
            ("ssh://localhost/x", false),
            ("web1:/etc/", false),
            ("localhost:80x", false),
            ("0.0.0.0", false),
            ("", false),
        ] {
            assert_eq!(is_own(target, &host()), expect, "{target}");
        }
    }

    /// Commands that only look by their level, each with a way to another machine that its effects must tell.
    #[test]
    fn what_carries_a_name_to_another_machine_is_told_by_its_effects() {
        let held = |command: &&str| {
            let assessment = assess_text(command, &HostFacts::default()).assessment;
            assessment.level > watchkeeper_model::RiskLevel::ReadOnly
                || assessment
                    .effects
                    .iter()
                    .any(|effect| leaves(effect, &host()))
        };
        let commands = include_str!("reach_out.txt").lines();
        let not_held: Vec<&str> = commands
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter(|command| !held(command))
            .collect();
        assert!(not_held.is_empty(), "{not_held:#?}");
    }

    #[test]
    fn what_stays_on_the_host_is_not_held() {
        for command in include_str!("reach_own.txt").lines() {
            if command.is_empty() || command.starts_with('#') {
                continue;
            }
            let assessment = assess_text(command, &HostFacts::default()).assessment;
            let level = assessment.level;
            assert_eq!(level, watchkeeper_model::RiskLevel::ReadOnly, "{command}");
            let goes = assessment
                .effects
                .iter()
                .find(|effect| leaves(effect, &host()));
            assert!(goes.is_none(), "{command}: {goes:?}");
        }
    }
}
