//! Every key has an effect: with a value that is not its default, what is built of the configuration differs, and a
//! test by name shows what is done otherwise then. Where no test shows it, that is said here and nowhere else.

use std::path::Path;

use super::tests::World;
use super::{Config, Key, shape};
use crate::compose;

/// One line for each key: the key, a value that is not its default, the way it takes, and the test of its effect as
/// `crate: name`. `built`: by what is built of the configuration, which then differs. `taken`: from the configuration
/// where it is used, or from a file that the test of its effect makes.
const TABLE: &str = include_str!("effects.txt");

/// One line of the table.
struct Effect {
    key: &'static str,
    value: &'static str,
    is_built: bool,
    test: &'static str,
}

fn effects() -> Vec<Effect> {
    let read = |line: &'static str| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [key, value, way, test] = cells[..] else {
            panic!("four cells: {line}");
        };
        Effect {
            key,
            value,
            is_built: way == "built",
            test,
        }
    };
    TABLE.lines().map(read).collect()
}

/// Keys of which no test shows the effect yet, and why.
const UNSHOWN: [(&str, &str); 7] = [
    ("log", "that a daemon says less or more is not compared"),
    (
        "lanes.timeouts.connect",
        "no address of this machine takes a connection without answering it",
    ),
    (
        "notify.group_interval",
        "that a message waits for it is shown with its default only",
    ),
    ("notify.give_up", "it is shown with its default only"),
    (
        "run.verify_looks",
        "no simulated host looks ill yet after a step that ended well",
    ),
    ("run.verify_pause", "the same"),
    ("watch.jitter", "looks are spread by chance within it"),
];

/// What must be said with a key so that it makes sense; it stands in both files that are compared.
fn beside(key: &str) -> &'static str {
    match key {
        "groups.production.autonomy" | "groups.production.tier" => {
            "[hosts.web1]\ngroups = [\"production\"]\n"
        }
        "egress.groups" => "[hosts.web1]\ngroups = [\"production\"]\n[[lanes]]\nmodel = \"m\"\n",
        "lanes.standby_for" => "[[lanes]]\nname = \"gpu\"\nmodel = \"m\"\n",
        _ => "",
    }
}

/// A file without the key, and the same with it.
fn files(key: &str, value: &str) -> (String, String) {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let line = format!("{name} = {value}\n");
    let channel = "[[notify.channels]]\nurl = \"https://push.example.org\"\ntoken_file = \"/t\"\n";
    let mail = "[[notify.channels]]\nkind = \"mail\"\nurl = \"smtps://mail.example.org:465\"\n";
    let (before, after) = match key {
        "web.public_url" => ("[web]\nlisten = \"127.0.0.1:8470\"\n".to_owned(), ""),
        "web.listen" => (
            "[web]\npublic_url = \"https://watch.example.org\"\n".to_owned(),
            "",
        ),
        "notify.quiet_from" => ("[notify]\nquiet_to = \"06:00\"\n".to_owned(), ""),
        "notify.quiet_to" => ("[notify]\nquiet_from = \"22:00\"\n".to_owned(), ""),
        "notify.zone" => ("[notify]\ndigest_at = \"08:00\"\n".to_owned(), ""),
        "notify.digest_channels" => ("[notify]\ndigest_at = \"08:00\"\n".to_owned(), channel),
        "notify.channels.topic" => (
            "[[notify.channels]]\nkind = \"ntfy\"\nurl = \"https://ntfy.example.org\"\n".to_owned(),
            "",
        ),
        "notify.channels.kind" => (
            "[[notify.channels]]\nurl = \"https://push.example.org\"\ntoken_file = \"/t\"\n"
                .to_owned(),
            "",
        ),
        "notify.channels.url" => ("[[notify.channels]]\ntoken_file = \"/t\"\n".to_owned(), ""),
        "notify.channels.token_file" => (
            "[[notify.channels]]\nurl = \"https://push.example.org\"\n".to_owned(),
            "",
        ),
        "notify.channels.login" => (
            format!(
                "{mail}from = \"w@example.org\"\nto = [\"a@example.org\"]\ntoken_file = \"/t\"\n"
            ),
            "",
        ),
        "notify.channels.from" => (format!("{mail}to = [\"a@example.org\"]\n"), ""),
        "notify.channels.to" => (format!("{mail}from = \"w@example.org\"\n"), ""),
        "notify.routes.channels" => (format!("{channel}[[notify.routes]]\n"), ""),
        "lanes.model" => ("[[lanes]]\n".to_owned(), ""),
        _ => match section {
            "" => (String::new(), ""),
            "lanes" => ("[[lanes]]\nmodel = \"m\"\n".to_owned(), ""),
            "lanes.timeouts" | "lanes.breaker" => {
                (format!("[[lanes]]\nmodel = \"m\"\n[{section}]\n"), "")
            }
            "notify.channels" => (channel.to_owned(), ""),
            "notify.routes" => ("[[notify.routes]]\n".to_owned(), ""),
            other => (format!("[{other}]\n"), ""),
        },
    };
    let rest = format!("{after}{}", beside(key));
    (format!("{before}{rest}"), format!("{before}{line}{rest}"))
}

/// What is built of a configuration, as text.
fn built(text: &str) -> Result<String, String> {
    let world = World::new().file("etc/config.toml", text);
    let config = world.look().config;
    let prepared = compose::prepare(&config, world.around());
    let place = world.around().home.display().to_string();
    let text = format!("{:?}", prepared.map_err(|error| error.to_string())?);
    Ok(text.replace(&place, ""))
}

fn in_example(key: &Key) -> String {
    key.to_string()
        .replace("hosts.zzz", "hosts.web1")
        .replace("groups.zzz", "groups.production")
        .replace("[0]", "")
}

#[test]
fn every_key_is_in_the_table_and_nothing_else_is() {
    let known: Vec<String> = shape::keys::<Config>()
        .iter()
        .map(|known| in_example(&known.key))
        .filter(|key| key.starts_with("thresholds.") || !key.contains(".thresholds."))
        .collect();
    let listed: Vec<&str> = effects().iter().map(|effect| effect.key).collect();
    let missing: Vec<&String> = known
        .iter()
        .filter(|key| !listed.contains(&key.as_str()))
        .collect();
    let strange: Vec<&&str> = listed
        .iter()
        .filter(|key| !known.contains(&(**key).to_owned()))
        .collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "{missing:?} {strange:?}"
    );
    assert_eq!(known.len(), listed.len(), "each once");
}

#[tokio::test]
async fn every_value_is_taken_and_reaches_what_is_built_of_it() {
    let mut wrong = Vec::new();
    for Effect {
        key,
        value,
        is_built,
        ..
    } in effects()
    {
        let (without, with) = files(key, value);
        let errors = World::new().file("etc/config.toml", &with).errors();
        if !errors.is_empty() {
            wrong.push(format!("{key}: {errors:?}"));
        }
        let differs = || built(&without).ok() != built(&with).ok() && built(&with).is_ok();
        if is_built && !differs() {
            wrong.push(format!(
                "{key}: {:?} makes no difference",
                built(&with).err()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The Rust files below a directory, as one text.
fn source(dir: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(dir)
        .expect("a directory of ours")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            text.push_str(&source(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("a file of ours"));
        }
    }
    text
}

#[test]
fn the_test_of_each_effect_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = std::collections::BTreeMap::new();
    let mut missing = Vec::new();
    for Effect { key, test, .. } in effects() {
        let Some((place, name)) = test.split_once(": ") else {
            let told = UNSHOWN.iter().any(|(unshown, _)| *unshown == key);
            assert!(
                told,
                "{key} has no test of its effect, and it is not said why"
            );
            continue;
        };
        let text = sources.entry(place).or_insert_with(|| match place {
            "tests" => source(&root.join("tests/tests")),
            place => source(&root.join("crates").join(place)),
        });
        let defined = [format!("fn {name}("), format!("fn {name}<")];
        if !defined.iter().any(|words| text.contains(words)) {
            missing.push(format!("{key}: {test}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
