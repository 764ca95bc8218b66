//! The whole configuration: which layer wins, what is told of errors, and that every key is documented.

use super::*;
use crate::args::Output;

pub(super) struct World {
    dir: tempfile::TempDir,
    around: Surroundings,
    common: Common,
}

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let common = Common {
            config: vec![],
            set: vec![],
            output: Output::Text,
            no_daemon: false,
        };
        Self {
            dir,
            around,
            common,
        }
    }

    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("made");
        std::fs::write(&path, text).expect("written");
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.around
            .settings
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn given(mut self, path: &str) -> Self {
        self.common.config.push(self.dir.path().join(path));
        self
    }

    fn flag(mut self, flag: &str) -> Self {
        self.common.set.push(flag.to_owned());
        self
    }

    pub(super) fn around(&self) -> &Surroundings {
        &self.around
    }

    pub(super) fn look(&self) -> Loaded {
        Config::look(&self.common, &self.around)
    }

    /// The errors, with the directory left out.
    pub(super) fn errors(&self) -> Vec<String> {
        let root = format!("{}/", self.dir.path().display());
        self.look()
            .errors
            .iter()
            .map(|error| error.line().replace(&root, ""))
            .collect()
    }

    fn origin(&self, key: &str) -> String {
        self.look()
            .origin(key)
            .to_string()
            .replace(&format!("{}/", self.dir.path().display()), "")
    }
}

#[test]
fn with_no_configuration_the_defaults_hold() {
    let world = World::new();
    let loaded = world.look().strict().expect("nothing is wrong");
    assert!(loaded.files.is_empty());
    assert_eq!(loaded.config.name.as_str(), "web1");
    assert_eq!(
        loaded.config.policy.autonomy,
        watchkeeper_model::Autonomy::Suggest
    );
    assert!(loaded.config.hosts.is_empty());
}

#[test]
fn every_layer_wins_over_the_one_before_it() {
    let said = |minutes: u32| format!("[watch]\ninterval = \"{minutes}m\"\n");
    let interval = |world: &World| {
        world
            .look()
            .strict()
            .expect("nothing is wrong")
            .config
            .watch
            .interval
            .to_string()
    };
    let world = World::new().file("etc/config.toml", &said(1));
    assert_eq!(
        (
            interval(&world).as_str(),
            world.origin("watch.interval").as_str()
        ),
        ("1m", "etc/config.toml:2")
    );
    let world = world
        .file("etc/conf.d/10-a.toml", &said(2))
        .file("etc/conf.d/20-b.toml", &said(3));
    assert_eq!(
        (
            interval(&world).as_str(),
            world.origin("watch.interval").as_str()
        ),
        ("3m", "etc/conf.d/20-b.toml:2")
    );
    let world = world.file("home/.config/watchkeeper/config.toml", &said(4));
    assert_eq!(interval(&world), "4m");
    let world = world.variable("WATCH__INTERVAL", "5m");
    assert_eq!(
        (
            interval(&world).as_str(),
            world.origin("watch.interval").as_str()
        ),
        ("5m", "$WATCHKEEPER_WATCH__INTERVAL")
    );
    let world = world.file("given.toml", &said(6)).given("given.toml");
    assert_eq!(
        (
            interval(&world).as_str(),
            world.origin("watch.interval").as_str()
        ),
        ("6m", "given.toml:2")
    );
    let world = world.flag("watch.interval=7m");
    assert_eq!(
        (
            interval(&world).as_str(),
            world.origin("watch.interval").as_str()
        ),
        ("7m", "--set")
    );
}

#[test]
fn what_does_not_end_in_toml_is_no_drop_in() {
    let world = World::new()
        .file("etc/conf.d/config.toml.bak", "nonsense")
        .file("etc/conf.d/README", "nonsense");
    assert_eq!(world.errors(), Vec::<String>::new());
}

#[test]
fn hosts_of_several_files_are_watched_together() {
    let world = World::new()
        .file("etc/config.toml", "[hosts.web1]\nport = 2222\n")
        .file(
            "etc/conf.d/db.toml",
            "[hosts.db1]\n[hosts.web1]\nlogin = \"ops\"\n",
        );
    let config = world.look().strict().expect("nothing is wrong").config;
    let web1 = &config.hosts[&HostName::new("web1").expect("a name")];
    assert_eq!(
        (config.hosts.len(), web1.port, web1.login.as_deref()),
        (2, Some(2222), Some("ops"))
    );
}

#[test]
fn every_error_of_every_layer_is_told() {
    let world = World::new()
        .file(
            "etc/config.toml",
            "nmae = \"x\"\n[watch]\nintervall = \"5m\"\nparallel = 0\n",
        )
        .file(
            "etc/conf.d/a.toml",
            "[hosts.web1]\nadress = \"x\"\nautonomy = \"auto\"\n",
        )
        .variable("WATCH__JITTER", "soon")
        .flag("policy.autonomie=observe")
        .given("absent.toml");
    let mut errors = world.errors();
    errors.sort();
    let begins = [
        "$WATCHKEEPER_WATCH__JITTER: watch.jitter: `soon` is not a length of time",
        "--set: policy.autonomie: unknown key `autonomie`; did you mean `autonomy`?",
        "could not read absent.toml: ",
        "etc/conf.d/a.toml:2: unknown key `adress`; did you mean `address`?",
        "etc/conf.d/a.toml:3: unknown variant `auto`",
        "etc/config.toml:1: unknown key `nmae`; did you mean `name`?",
        "etc/config.toml:3: unknown key `intervall`; did you mean `interval`?",
        "etc/config.toml:4: watch.parallel is 0, and must lie between 1 and 1000",
    ];
    assert_eq!(errors.len(), begins.len(), "{errors:#?}");
    for (error, begin) in errors.iter().zip(begins) {
        assert!(
            error.starts_with(begin),
            "{error}\n  should begin with {begin}"
        );
    }
}

#[test]
fn what_makes_no_sense_together_is_told_where_it_was_said() {
    let world = World::new().file(
        "etc/config.toml",
        "[thresholds.disk]\nwarning_percent = 80\n\n[hosts.web1.thresholds.disk]\ncritical_percent = 70.0\n\n\
         [[lanes]]\nmodel = \"a\"\n[[lanes]]\nmodel = \"b\"\n",
    );
    let errors = world.errors();
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(
        errors[0].starts_with("etc/config.toml:4: host web1: thresholds.disk.critical_percent"),
        "{errors:#?}"
    );
    assert!(
        errors[1].starts_with("etc/config.toml:9: two lanes are called local"),
        "{errors:#?}"
    );
}

#[test]
fn what_is_wrong_is_left_out_and_the_rest_holds() {
    let world = World::new().file("etc/config.toml", "[watch]\ninterval = 5\nparallel = 3\n");
    let loaded = world.look();
    assert_eq!((loaded.errors.len(), loaded.config.watch.parallel), (1, 3));
    assert!(loaded.strict().is_err());
}

#[test]
fn root_does_not_read_what_others_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = World::new().file("etc/config.toml", "[watch]\nparallel = 3\n");
    let path = world.dir.path().join("etc/config.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).expect("changed");
    assert_eq!(
        world.look().config.watch.parallel,
        3,
        "for others it is read"
    );
    world.around.uid = 0;
    let loaded = world.look();
    assert_eq!(loaded.config.watch.parallel, 20);
    assert!(
        loaded.errors[0].line().contains("(mode 664)"),
        "{}",
        loaded.errors[0].line()
    );
    assert_eq!(
        loaded.errors[0].remedy(),
        Some(format!("chmod go-w {}", path.display()))
    );
}

#[test]
fn places_are_the_systems_for_root_and_a_service_and_else_ones_own() {
    let mut world = World::new();
    let socket = |world: &World| world.look().config.server.socket;
    assert_eq!(
        socket(&world),
        world.around.state_home.join("watchkeeper/socket")
    );
    let own = world.look().config.store.url.to_string();
    assert_eq!(
        own,
        format!(
            "sqlite:{}/watchkeeper/watchkeeper.db",
            world.around.state_home.display()
        )
    );
    world.around.owns_system_state = true;
    assert_eq!(socket(&world), Path::new("/run/watchkeeper/socket"));
    world.around.owns_system_state = false;
    world.around.uid = 0;
    assert_eq!(socket(&world), Path::new("/run/watchkeeper/socket"));
    assert_eq!(
        world.look().config.store.url.to_string(),
        "sqlite:/var/lib/watchkeeper/watchkeeper.db"
    );
    assert_eq!(world.origin("server.socket"), "default");
}

#[test]
fn settings_are_shown_with_their_origin_and_without_passwords() {
    let world = World::new().file(
        "etc/config.toml",
        "[store]\nurl = \"postgres://ops:s3cret@db/watch\"\n[hosts.web1]\n[[lanes]]\nmodel = \"m\"\n\
         url = \"http://u:s3cret@gpu:11434\"\nprivate = true\n",
    );
    let loaded = world.look().strict().expect("nothing is wrong");
    let settings = loaded.settings();
    let shown: Vec<String> = settings
        .iter()
        .map(|setting| {
            format!(
                "{} = {} ({})",
                setting.key,
                setting.value.as_deref().unwrap_or("-"),
                setting.origin
            )
        })
        .map(|line| line.replace(&format!("{}/", world.dir.path().display()), ""))
        .collect();
    let all = shown.join("\n");
    assert!(!all.contains("s3cret"), "{all}");
    for line in [
        "store.url = \"postgres://ops:***@db/watch\" (etc/config.toml:2)",
        "store.password_file = - (default)",
        "watch.interval = \"5m\" (default)",
        "hosts.web1 = {} (etc/config.toml:3)",
        "lanes[0].model = \"m\" (etc/config.toml:5)",
        "lanes[0].context = 8192 (default)",
    ] {
        assert!(
            shown.iter().any(|shown| shown == line),
            "{line} is missing in\n{all}"
        );
    }
}

/// One line of the example that sets something, commented out or not.
#[derive(Debug)]
pub(super) struct Line<'e> {
    pub(super) key: String,
    text: &'e str,
    documented: bool,
}

pub(super) const EXAMPLE: &str = include_str!("../../../../docs/config.example.toml");

/// Reads the example: `# ` begins prose, `#key = value` is a setting that is commented out, `#[section]` a heading.
pub(super) fn example() -> Vec<Line<'static>> {
    let mut section = String::new();
    let mut documented = false;
    let mut lines = Vec::new();
    for line in EXAMPLE.lines() {
        let text = line.strip_prefix('#').unwrap_or(line);
        if line.starts_with("# ") || line == "#" {
            documented = true;
        } else if let Some(heading) = text.strip_prefix('[') {
            section = heading
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap_or_default()
                .to_owned();
            documented = false;
        } else if let Some((key, _)) = text.split_once(" = ") {
            let key = if section.is_empty() {
                key.to_owned()
            } else {
                format!("{section}.{key}")
            };
            lines.push(Line {
                key,
                text,
                documented,
            });
            // The comment over a group of keys is about all of them.
        } else if text.trim().is_empty() {
            documented = false;
        }
    }
    lines
}

/// The example with everything in it said.
fn example_said() -> String {
    let said = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_key_is_documented_in_the_example() {
    let lines = example();
    let as_in_example = |key: &Key| {
        let key = key.to_string();
        key.replace("hosts.zzz", "hosts.web1")
            .replace("groups.zzz", "groups.production")
            .replace("lanes[0]", "lanes")
            .replace("notify.channels[0]", "notify.channels")
            .replace("notify.routes[0]", "notify.routes")
    };
    for known in shape::keys::<Config>() {
        let key = as_in_example(&known.key);
        if known.repeated && key.contains(".thresholds.") {
            continue; // They are those of [thresholds], and the example says so.
        }
        let line = lines.iter().find(|line| line.key == key);
        let line = line.unwrap_or_else(|| panic!("{key} is not in docs/config.example.toml"));
        assert!(
            line.documented,
            "{key} stands in docs/config.example.toml without a comment over it"
        );
    }
}

#[test]
fn the_example_loads_as_it_is_and_with_everything_said() {
    for text in [EXAMPLE.to_owned(), example_said()] {
        let world = World::new().file("etc/config.toml", &text);
        assert_eq!(world.errors(), Vec::<String>::new());
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let defaults = Table::try_from(Config::default()).expect("it can be written");
    let samples = ["name", "hosts.", "groups.", "lanes."];
    for line in example() {
        if samples.iter().any(|sample| line.key.starts_with(sample)) {
            continue;
        }
        let Some(default) = Key::from(line.key.as_str()).find(&defaults) else {
            continue;
        };
        let said: Table =
            toml::from_str(line.text).unwrap_or_else(|error| panic!("{}: {error}", line.text));
        let said = said.values().next().expect("it sets something");
        let same = said == default
            || said.as_integer().map(|int| int as f64) == default.as_float() && default.is_float();
        assert!(same, "{}: the default is {default}", line.text);
    }
}
