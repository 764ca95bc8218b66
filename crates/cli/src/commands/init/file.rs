//! The text of the file: what was wished, with a sentence about each, and what could be said further.

use std::fmt::Write as _;

use toml::Value;

use super::{Wished, Wishes};

const HEAD: &str = "\
# Written by `watchkeeper init`. Whatever is not said here stays as it is by default: `watchkeeper config show` tells it all,
# config.example.toml in the documentation explains it, and `watchkeeper config check` tells what is wrong.

";

/// The file.
pub(super) fn text(wishes: &Wishes) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("# What the watch is called: in messages, and in the commands that `watchkeeper links` makes.\n");
    line(&mut text, "name", wishes.name.as_str());
    text.push_str(
        "\n[policy]\n# How much it may do by itself: observe (changes are recorded only), suggest (every change waits for you),\n# auto-safe (low risk runs by itself), auto-full (medium risk, too). What is forbidden never runs.\n",
    );
    line(&mut text, "autonomy", &wishes.autonomy.to_string());
    hosts(&mut text, wishes);
    model(&mut text, wishes);
    gotify(&mut text, wishes);
    text
}

fn hosts(text: &mut String, wishes: &Wishes) {
    if wishes.hosts.is_empty() {
        text.push_str(
            "\n# The hosts: with none, this machine is watched. One more is two lines:\n#[hosts.web1]\n#address = \"192.0.2.10\"\n",
        );
        return;
    }
    text.push_str(
        "\n# The hosts. A host's key is accepted once, by `watchkeeper enrol NAME`, after you have compared it.\n",
    );
    for (place, host) in wishes.hosts.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        if wishes.this_machine.as_ref() == Some(&host.name) {
            text.push_str("# This machine: the service is locked away from most of it, and looks at it by SSH.\n");
        }
        one_host(text, host);
        if wishes.become_root {
            text.push_str("become_root = true\n");
        }
    }
}

fn one_host(text: &mut String, host: &Wished) {
    let _ = writeln!(text, "[hosts.{}]", key(host.name.as_str()));
    if let Some(address) = &host.address {
        line(text, "address", address);
    }
    if let Some(port) = host.port {
        let _ = writeln!(text, "port = {port}");
    }
    if let Some(login) = &host.login {
        line(text, "login", login);
    }
    if !host.jump.is_empty() {
        let jump = host.jump.iter().cloned().map(Value::String).collect();
        let _ = writeln!(text, "jump = {}", Value::Array(jump));
    }
    if let Some(alias) = &host.host_key_alias {
        line(text, "host_key_alias", alias);
    }
}

fn model(text: &mut String, wishes: &Wishes) {
    let Some(model) = &wishes.model else {
        text.push_str(
            "\n# A model to ask where no runbook knows a repair; it can look, and never decides:\n#[[lanes]]\n#model = \"qwen3:8b\"\n",
        );
        return;
    };
    text.push_str(
        "\n# The model that is asked where no runbook knows a repair. It can look, and never decides.\n[[lanes]]\n",
    );
    line(text, "name", "local");
    line(text, "url", &model.url);
    line(text, "model", &model.name);
}

fn gotify(text: &mut String, wishes: &Wishes) {
    let Some(gotify) = &wishes.gotify else {
        return;
    };
    text.push_str(
        "\n# Where messages go. The token lies in a file of its own, which the account of the service can read.\n[[notify.channels]]\n",
    );
    line(text, "name", "gotify");
    line(text, "kind", "gotify");
    line(text, "url", &gotify.url);
    line(text, "token_file", &gotify.token_file.display().to_string());
}

fn line(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} = {}", Value::String(value.to_owned()));
}

/// A key of a table: bare where it may be.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.chars().all(bare) {
        name.to_owned()
    } else {
        Value::String(name.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Model;
    use super::*;
    use watchkeeper_model::{Autonomy, HostName};

    fn host(name: &str) -> Wished {
        Wished::named(HostName::new(name).expect("a name"))
    }

    #[test]
    fn every_wish_stands_in_the_file() {
        let wishes = Wishes {
            name: HostName::new("hal").expect("a name"),
            hosts: vec![
                host("web1"),
                Wished {
                    address: Some("192.0.2.7".to_owned()),
                    port: Some(2222),
                    login: Some("ops".to_owned()),
                    jump: vec!["ops@bastion".to_owned()],
                    host_key_alias: Some("alias".to_owned()),
                    ..host("db1.example.org")
                },
            ],
            this_machine: Some(HostName::new("web1").expect("a name")),
            become_root: true,
            autonomy: Autonomy::AutoSafe,
            model: Some(Model {
                url: "http://127.0.0.1:11434".to_owned(),
                name: "a\"b".to_owned(),
            }),
            gotify: None,
            notes: Vec::new(),
        };
        let text = text(&wishes);
        assert!(
            text.contains("looks at it by SSH.\n[hosts.web1]\n"),
            "{text}"
        );
        assert!(!text.contains("\n\n\n"), "{text}");
        let table: toml::Table = text.parse().expect("it is TOML");
        assert_eq!(table["name"].as_str(), Some("hal"));
        assert_eq!(table["policy"]["autonomy"].as_str(), Some("auto-safe"));
        let db1 = &table["hosts"]["db1.example.org"];
        assert_eq!(db1["port"].as_integer(), Some(2222));
        assert_eq!(db1["jump"][0].as_str(), Some("ops@bastion"));
        assert_eq!(table["hosts"]["web1"]["become_root"].as_bool(), Some(true));
        assert_eq!(table["lanes"][0]["model"].as_str(), Some("a\"b"));
    }

    #[test]
    fn what_was_not_wished_is_a_comment() {
        let wishes = Wishes {
            name: HostName::new("hal").expect("a name"),
            hosts: Vec::new(),
            this_machine: None,
            become_root: false,
            autonomy: Autonomy::Suggest,
            model: None,
            gotify: None,
            notes: Vec::new(),
        };
        let table: toml::Table = text(&wishes).parse().expect("it is TOML");
        let keys: Vec<_> = table.keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "policy"]);
    }
}
