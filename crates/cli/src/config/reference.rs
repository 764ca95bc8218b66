//! docs/config.md, the reference of every setting: its keys come from the shape, types and ranges from what a
//! value that cannot be meant is refused with, defaults from the defaults, and words from the comments of
//! docs/config.example.toml. Nothing in it is written by hand but its head, so it is as the program is.

use toml::{Table, Value};

use super::tests::{EXAMPLE, World, example};
use super::{Config, Key, layers, shape};

/// Where it lies, from this crate.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/config.md");

const HEAD: &str = "# Every setting
For looking up: type, default, range and effect of each key. It is made from the program and from
[config.example.toml](config.example.toml) by a test; that file is the better one to copy from.

Nothing has to be set. Files are read in the order that [config.example.toml](config.example.toml) gives at its top, and a later one wins. `watch.interval` here is
`interval` under `[watch]` in a file, `WATCHKEEPER_WATCH__INTERVAL` in the environment, and `--set watch.interval=1m` at the end of any command.
`watchkeeper config check` says all that is wrong, `watchkeeper config show` what holds and where it was said. For NAME stands a name of yours.

A changed file counts when the daemon is told (`systemctl reload watchkeeper`, SIGHUP), but for what is built once, which waits for a restart: `log`, `[store]`, `[server]`,
`web.listen`, `web.proxies`, `ssh.known_hosts`, `ssh.user_known_hosts`. A daemon says so when it is told; `watchkeeper status` names files that have changed and are not in force yet.

| type | how it is written |
|---|---|
| text, path, name | `\"in quotes\"`; a path begins with `/` |
| length of time | `\"90s\"`, `\"5m\"`, `\"1h30m\"`, `\"7d\"` |
| time of day | `\"22:00\"` |
| list | `[\"a\", \"b\"]` |
| whole number, number | `5`, `0.5` |
";

/// Key, section and the rest of the name of one line.
struct Entry {
    section: String,
    name: String,
    kind: String,
    default: String,
    range: String,
    effect: String,
}

/// What nobody would write: of each kind one that is too small, too large, or of another kind.
fn absurd() -> [Value; 7] {
    [
        Value::Integer(0),
        Value::Integer(4_000_000_000),
        Value::Float(-1.0),
        Value::Float(1e12),
        Value::String("0s".to_owned()),
        Value::String("99999d".to_owned()),
        Value::String("zzz".to_owned()),
    ]
}

/// Why the value does not fit the shape; none where it does.
fn refused(key: &Key, value: Value) -> Option<String> {
    let error = <Config as serde::Deserialize>::deserialize(Value::Table(key.around(value)));
    error.err().map(|error| error.message().to_owned())
}

/// A table that fits nothing.
fn nonsense() -> Value {
    Value::Table(Table::from_iter([("zzz".to_owned(), Value::Integer(0))]))
}

/// The words that may stand there, where it is one of a few.
fn choices(message: &str) -> Option<String> {
    let words = message.split("expected").nth(1)?;
    message.contains("unknown variant").then(|| {
        // What only tests may say is no choice.
        let words = words.split('`').skip(1).step_by(2);
        let words: Vec<String> = words
            .filter(|word| *word != "simulated")
            .map(quoted)
            .collect();
        words.join(", ")
    })
}

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

/// What kind of value a key takes; `wrap` puts it where it stands, for what lies in a list.
fn kind_of(key: &Key, wrap: &dyn Fn(Value) -> Value) -> String {
    let said = |value: Value| refused(key, wrap(value)).unwrap_or_default();
    let of_table = said(nonsense());
    if let Some(words) =
        choices(&of_table).or_else(|| choices(&said(Value::String("zzz".to_owned()))))
    {
        return format!("one of {words}");
    }
    if of_table.contains("expected a sequence") && of_table.contains("map") {
        let inner = kind_of(key, &|value| Value::Array(vec![wrap(value)]));
        return format!("list of {}", plural(inner.trim_start_matches("one of ")));
    }
    for (expected, kind) in [
        ("expected a boolean", "`true` or `false`"),
        ("expected u", "whole number"),
        ("expected i", "whole number"),
        ("expected f", "number"),
        ("expected path", "path"),
        ("expected socket address", "address and port"),
        ("expected IP address", "IP address"),
        ("expected a sequence", "table of lists"),
    ] {
        if of_table.contains(expected) {
            return kind.to_owned();
        }
    }
    let of_text = said(Value::String("zzz".to_owned()));
    let kinds = [
        ("length of time", "length of time"),
        ("time of day", "time of day"),
        ("socket", "address and port"),
        ("IP address", "IP address"),
    ];
    let kind = kinds.iter().find(|(words, _)| of_text.contains(words));
    kind.map_or("text", |(_, kind)| kind).to_owned()
}

fn plural(kind: &str) -> String {
    match kind {
        "text" => "texts".to_owned(),
        "path" => "paths".to_owned(),
        "IP address" => "IP addresses".to_owned(),
        other => other.to_owned(),
    }
}

/// What may stand there, told by the refusal of what may not.
fn range_of(key: &str) -> String {
    let mut told = Vec::new();
    for value in absurd() {
        let value = match value {
            Value::String(text) => format!("{text:?}"),
            value => value.to_string(),
        };
        told.extend(
            World::new()
                .file("etc/config.toml", &said(key, &value))
                .errors(),
        );
    }
    let mut ranges: Vec<String> = told.iter().filter_map(|line| range_in(key, line)).collect();
    ranges.dedup();
    ranges.into_iter().next().unwrap_or_else(|| "–".to_owned())
}

/// A file that says this key, and what else must be said with it.
fn said(key: &str, value: &str) -> String {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let heading = |section: &str| match section {
        "" => String::new(),
        "lanes" => "[[lanes]]\nmodel = \"m\"\n".to_owned(),
        "notify.channels" => {
            "[[notify.channels]]\nurl = \"https://push.example.org\"\ntoken_file = \"/t\"\n"
                .to_owned()
        }
        "notify.routes" => "[[notify.routes]]\n".to_owned(),
        other => format!("[{other}]\n"),
    };
    match section {
        "lanes.timeouts" | "lanes.breaker" => {
            format!("{}[{section}]\n{name} = {value}\n", heading("lanes"))
        }
        section => format!("{}{name} = {value}\n", heading(section)),
    }
}

/// The range in the words of a refusal that is about this key.
fn range_in(key: &str, line: &str) -> Option<String> {
    let name = key.rsplit('.').next().unwrap_or(key);
    if !line.contains(name) && !line.contains("is not an absolute path") {
        return None;
    }
    if let Some((_, range)) = line.split_once("must lie between ") {
        return Some(range.replace(" and ", " to "));
    }
    if let Some((_, range)) = line.split_once(", and must be ") {
        return Some(range.to_owned());
    }
    for (words, range) in [
        (
            "a percentage is above 0 and at most 100",
            "above 0, at most 100",
        ),
        ("no more than 500", "at most 500"),
        ("must be shorter than", "shorter than `watch.interval`"),
    ] {
        if line.contains(words) {
            return Some(range.to_owned());
        }
    }
    let least = if name == "warning_seconds" {
        "at least 5"
    } else {
        "above 0"
    };
    line.contains("it must be above 0")
        .then(|| least.to_owned())
}

/// The defaults, with one of everything that may be there several times.
fn defaults() -> Table {
    let one_of_each =
        "[hosts.zzz]\n[groups.zzz]\n[[lanes]]\n[[notify.channels]]\n[[notify.routes]]\n";
    let config: Config = toml::from_str(one_of_each).expect("nothing needs to be said");
    Table::try_from(config).expect("it can be written")
}

fn default_of(key: &Key, defaults: &Table) -> String {
    // Those that depend on the machine are told in words.
    let depends = ["name", "notify.channels[0].url"];
    let value = key.find(defaults).map(|value| match value {
        // Some are kept with fewer digits than they are written with.
        Value::Float(number) => (*number as f32).to_string(),
        value => super::written(value),
    });
    match value {
        Some(value) if !depends.contains(&key.to_string().as_str()) && value != "\"\"" => {
            quoted(&value)
        }
        _ => "–".to_owned(),
    }
}

/// The comment that stands over a key in the example, as one line.
fn effect_of(key: &str) -> String {
    let mut comment = String::new();
    let mut section = String::new();
    let mut lines = EXAMPLE.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(prose) = line.strip_prefix("# ") {
            comment.push_str(if comment.is_empty() { "" } else { " " });
            comment.push_str(prose);
            continue;
        }
        let text = line.strip_prefix('#').unwrap_or(line);
        if let Some(heading) = text.strip_prefix('[') {
            let name = heading.trim_start_matches('[').split(']').next();
            name.unwrap_or_default().clone_into(&mut section);
            comment.clear();
        } else if let Some((name, _)) = text.split_once(" = ") {
            let dot = if section.is_empty() { "" } else { "." };
            if format!("{section}{dot}{name}") == key && !comment.is_empty() {
                break;
            }
            // Where the next line is a setting too, the comment over this one is about both.
            if !lines.peek().is_some_and(|next| is_a_setting(next)) {
                comment.clear();
            }
        } else {
            comment.clear();
        }
    }
    comment.replace('|', "\\|")
}

fn is_a_setting(line: &str) -> bool {
    !line.starts_with("# ") && line.contains(" = ")
}

/// The key as the example has it.
fn in_example(key: &Key) -> String {
    key.to_string()
        .replace("hosts.zzz", "hosts.web1")
        .replace("groups.zzz", "groups.production")
        .replace("[0]", "")
}

fn entries() -> Vec<Entry> {
    let defaults = defaults();
    let known = shape::keys::<Config>();
    let places: Vec<String> = example().into_iter().map(|line| line.key).collect();
    let mut keys: Vec<_> = known
        .into_iter()
        .map(|known| (in_example(&known.key), known.key))
        .filter(|(name, _)| !(name.contains(".thresholds.")))
        .collect();
    keys.sort_by_key(|(name, _)| places.iter().position(|place| place == name));
    let entry = |(name, key): (String, Key)| {
        let (section, short) = name.rsplit_once('.').unwrap_or(("", &name));
        Entry {
            kind: kind_of(&key, &|value| value),
            default: default_of(&key, &defaults),
            range: range_of(&name),
            effect: effect_of(&name),
            section: section.to_owned(),
            name: short.to_owned(),
        }
    };
    keys.into_iter().map(entry).collect()
}

fn heading(section: &str) -> String {
    let shown = match section {
        "" => return "At the top".to_owned(),
        "hosts.web1" => "[hosts.NAME]",
        "groups.production" => "[groups.NAME]",
        "lanes" => "[[lanes]]",
        "notify.channels" => "[[notify.channels]]",
        "notify.routes" => "[[notify.routes]]",
        other => return format!("`[{other}]`"),
    };
    format!("`{shown}`")
}

fn reference() -> String {
    let mut text = HEAD.to_owned();
    let mut section = None;
    for entry in entries() {
        if section.as_ref() != Some(&entry.section) {
            text.push_str(&format!(
                "\n## {}\n| key | type | default | range | effect |\n|---|---|---|---|---|\n",
                heading(&entry.section)
            ));
            section = Some(entry.section.clone());
        }
        let Entry {
            name,
            kind,
            default,
            range,
            effect,
            ..
        } = entry;
        text.push_str(&format!(
            "| `{name}` | {kind} | {default} | {range} | {effect} |\n"
        ));
    }
    text.push_str(
        "\n`[hosts.NAME.thresholds.…]` and `[groups.NAME.thresholds.…]` take each key of `[thresholds.…]`, for one host or the hosts of a group.\n",
    );
    text
}

#[test]
fn the_reference_of_settings_is_what_the_program_knows() {
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/config.md is of another version: cargo test -p watchkeeper-cli -- --ignored write_the_reference"
    );
}

#[test]
fn every_line_of_the_reference_says_all_it_can() {
    let mut seen = 0;
    for Entry {
        section,
        name,
        kind,
        range,
        effect,
        ..
    } in entries()
    {
        seen += 1;
        assert!(effect.len() > 10, "{section}.{name}: {effect}");
        // Some thresholds are bounded by the others of their check only.
        let bounded = ["whole number", "number", "length of time"].contains(&kind.as_str())
            && !section.starts_with("thresholds.");
        let free = ["port", "keep_alive"];
        assert!(
            !bounded || range != "–" || free.contains(&name.as_str()),
            "{section}.{name}: a {kind} without bounds"
        );
    }
    let known = shape::keys::<Config>();
    let own = known
        .iter()
        .filter(|known| !known.key.to_string().contains(".thresholds."));
    assert_eq!(seen, own.count());
    assert!(!layers::leaves(&defaults()).is_empty());
}

#[test]
#[ignore = "writes docs/config.md anew; for who has changed the configuration"]
fn write_the_reference() {
    std::fs::write(FILE, reference()).expect("it can be written");
}
