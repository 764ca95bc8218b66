//! What a model may have a host reach over the network: the hosts of the inventory, the host itself, and plain
//! addresses. A name of its own choice could carry away what was read, since whoever serves it would be told.

use std::net::IpAddr;

use watchkeeper_agent::NetworkCheck;
use watchkeeper_fleet::Inventory;
use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::visible;

use super::command::NotSeen;

/// Longest path of a web address.
const MAX_PATH_CHARS: usize = 100;

/// Whether a target may be reached.
pub(super) fn may_reach(
    check: NetworkCheck,
    target: &str,
    inventory: &Inventory,
) -> Result<(), NotSeen> {
    if !stands(Guard::Targets) {
        return Ok(());
    }
    let name = match check {
        NetworkCheck::Ping | NetworkCheck::Dns => target,
        NetworkCheck::Port => target.rsplit_once(':').map_or(target, |(name, _)| name),
        NetworkCheck::Http => of_url(target)?,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let listed = inventory
        .entries()
        .any(|entry| entry.name.as_str() == name || entry.address.as_deref() == Some(name));
    let address = name.parse::<IpAddr>();
    let plain = match address {
        Ok(IpAddr::V4(_)) => true,
        // Half of such an address is its owner's to fill.
        Ok(IpAddr::V6(address)) => address.is_loopback(),
        Err(_) => false,
    };
    let own = listed || address.is_ok_and(|address| address.is_loopback());
    if !own && plain && check == NetworkCheck::Http && says_something(target) {
        return Err(NotSeen::Senseless {
            why: "of an address that is not in the inventory only the first page may be asked for"
                .to_owned(),
        });
    }
    if listed || plain || name == "localhost" {
        return Ok(());
    }
    Err(NotSeen::Senseless {
        why: format!(
            "{} may not be reached: only hosts of the inventory, localhost and IPv4 addresses",
            visible(name)
        ),
    })
}

/// Whether a web address has a path: whoever answers at an address of a model's choice would be told it.
fn says_something(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/')
        .is_some_and(|(_, path)| !path.is_empty())
}

/// The host of a web address that asks for a page and says nothing.
fn of_url(url: &str) -> Result<&str, NotSeen> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"))
        .unwrap_or(url);
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    if place.contains(['@', '?']) || path.contains('?') || path.chars().count() > MAX_PATH_CHARS {
        return Err(NotSeen::Senseless {
            why: "a web address may hold no question and no account, and only a short path"
                .to_owned(),
        });
    }
    let bare = if place.starts_with('[') {
        place.split_once(']').map_or(place, |(address, _)| address)
    } else {
        place.split_once(':').map_or(place, |(name, _)| name)
    };
    Ok(bare)
}

#[cfg(test)]
mod tests {
    use watchkeeper_fleet::HostEntry;

    use super::*;

    fn inventory() -> Inventory {
        let entry = |text: &str| {
            serde_json::from_str::<HostEntry>(text).expect("an entry of the inventory")
        };
        let entries = vec![
            entry(r#"{ "name": "web1", "address": "web1.internal.example" }"#),
            entry(r#"{ "name": "db1" }"#),
        ];
        Inventory::new(entries, Vec::new()).expect("an inventory")
    }

    #[test]
    fn only_what_is_ours_is_reached() {
        use NetworkCheck::{Dns, Http, Ping, Port};
        let table = [
            (Ping, "web1", true),
            (Dns, "web1.internal.example", true),
            (Dns, "c2VjcmV0.evil.example", false),
            (Ping, "127.0.0.1", true),
            (Ping, "192.0.2.7", true),
            (Port, "db1:5432", true),
            (Port, "[::1]:80", true),
            (Port, "evil.example:443", false),
            (Http, "http://web1:8080/health", true),
            (Http, "https://localhost/", true),
            (Http, "http://web1/?key=value", false),
            (Http, "http://web1@evil.example/", false),
            (Http, "http://[::1]:8080/", true),
            (Http, "http://evil.example/", false),
            (Http, "http://127.0.0.1:8080/health", true),
            (Http, "http://192.0.2.7:8080/", true),
            (Http, "http://192.0.2.7:8080/what-was-read", false),
            (Ping, "2001:db8::1", false),
        ];
        for (check, target, may) in table {
            let answer = may_reach(check, target, &inventory());
            assert_eq!(answer.is_ok(), may, "{target}: {answer:?}");
        }
    }
}
