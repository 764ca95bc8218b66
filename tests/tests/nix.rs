//! The NixOS module: that it can be read, that each of its options does something, that what it writes can be used, and
//! that it agrees with the program. Evaluated over our own stand-in for nixpkgs' library and NixOS (tests/nix), so that
//! what is held here is what the module says; whether NixOS takes it is for the test of virtual machines in flake.nix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use watchkeeper_health::script as probe;
use watchkeeper_model::{Step, UnitName};
use watchkeeper_remedy::{HostTraits, Init, PackageManager, render, texts};
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::nix::{error_of, nix_instantiate, root, system, text, value_of};

/// Everything that stands in tests/nix, evaluated once.
static ALL: LazyLock<Value> = LazyLock::new(|| value_of("import ./all.nix"));

/// The exposure of each unit, as `systemd-analyze security` tells it, in tenths. docs/nixos.md says the same.
const EXPOSURE: [(&str, u32); 9] = [
    ("watchkeeper", 15),
    ("watchkeeper-models", 15),
    ("watchkeeper-repository", 15),
    ("watchkeeper-this-machine", 13),
    ("watchkeeper-secrets", 13),
    ("watchkeeper-repository-secrets", 13),
    ("watchkeeper-enrol-this-machine", 11),
    ("watchkeeper-key", 7),
    ("watchkeeper-repository-index", 7),
];

fn list<'v>(value: &'v Value, place: &str) -> &'v [Value] {
    value
        .pointer(place)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn map<'v>(value: &'v Value, place: &str) -> &'v Map<String, Value> {
    value
        .pointer(place)
        .and_then(Value::as_object)
        .unwrap_or_else(|| panic!("there is no set at {place}"))
}

fn words(values: &[Value]) -> Vec<&str> {
    values.iter().filter_map(Value::as_str).collect()
}

fn nix_files(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).expect("a directory can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            nix_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "nix") {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn every_nix_file_can_be_parsed() {
    let root = root();
    let mut files = vec![
        root.join("module.nix").display().to_string(),
        root.join("flake.nix").display().to_string(),
    ];
    for dir in ["nix", "tests/nix", "examples/nixos"] {
        nix_files(&root.join(dir), &mut files);
    }
    assert!(files.len() > 25, "{files:?}");
    for file in files {
        let parsed = nix_instantiate(&["--parse", &file], &root);
        let said = String::from_utf8_lossy(&parsed.stderr);
        assert!(parsed.status.success(), "{file}: {said}");
    }
}

#[test]
fn the_flake_needs_nothing_but_nixpkgs_and_offers_what_the_page_says() {
    let flake = value_of("import ./outputs.nix");
    assert_eq!(words(list(&flake, "/inputs")), ["nixpkgs"]);
    let offered: Vec<&str> = map(&flake, "/outputs").keys().map(String::as_str).collect();
    assert_eq!(
        offered,
        [
            "checks",
            "devShells",
            "formatter",
            "nixosModules",
            "overlays",
            "packages"
        ]
    );
    for output in ["checks", "devShells", "formatter", "packages"] {
        let systems = words(list(&flake, &format!("/outputs/{output}")));
        assert_eq!(systems, ["aarch64-linux", "x86_64-linux"], "{output}");
    }
    let checks = words(list(&flake, "/checks"));
    assert!(checks.contains(&"machines") && checks.contains(&"package"));
    for name in map(&ALL, "/configurations").keys() {
        assert!(
            checks.contains(&format!("configuration-{name}").as_str()),
            "{name}"
        );
    }
    assert_eq!(flake["package"], "package.nix");
    assert_eq!(
        flake["ofTheModule"], flake["package"],
        "the module runs the flake's own package"
    );
}

/// What is, where it is not what was expected.
fn unexpected(cases: &[Value]) -> Vec<String> {
    let differs = cases.iter().filter(|case| case["is"] != case["expected"]);
    differs
        .map(|case| {
            format!(
                "{}: {} and not {}",
                case["name"], case["is"], case["expected"]
            )
        })
        .collect()
}

#[test]
fn the_stand_in_merges_and_refuses_as_the_library_of_nixpkgs_was_read_to_do() {
    let semantics = list(&ALL, "/semantics");
    assert!(semantics.len() > 60, "{}", semantics.len());
    assert_eq!(unexpected(semantics), Vec::<String>::new());
}

#[test]
fn a_definition_that_is_refused_is_named_with_its_option_and_its_file() {
    let told = error_of(
        "(import ./system.nix { } { imports = [ ./semantics-one.nix ]; }).result.settings",
    );
    assert!(
        told.contains("The option `x' does not exist") && told.contains("semantics-one.nix'"),
        "{told}"
    );
}

#[test]
fn what_the_machine_around_the_module_says_otherwise_is_taken_up() {
    let surroundings = list(&ALL, "/surroundings");
    assert!(surroundings.len() > 10, "{}", surroundings.len());
    assert_eq!(unexpected(surroundings), Vec::<String>::new());
}

#[test]
fn the_test_of_virtual_machines_says_what_the_module_and_the_program_take() {
    let machines = map(&ALL, "/machines/nodes");
    assert_eq!(machines.len(), 4);
    for (name, machine) in machines {
        assert_eq!(machine["failed"], Value::Array(Vec::new()), "{name}");
    }
    let home = Home::new();
    let mut typed = BTreeSet::new();
    for said in text(&ALL, "/machines/testScript").split('"') {
        let words = said.rsplit("-- ").next().unwrap_or_default();
        let Some((_, words)) = ["{name}-", "hal-", "box-"].iter().find_map(|called| {
            words
                .split_once(called)
                .filter(|(before, _)| before.is_empty())
        }) else {
            continue;
        };
        // What the script puts in is a number, a host or a fingerprint.
        let words = words.trim_end_matches(" </dev/null").split(' ');
        let mut words: Vec<&str> = words
            .map(|word| if word.contains('{') { "0" } else { word })
            .collect();
        words.push("--help");
        home.run(&words).ended_with(&[0]);
        typed.insert(words[0].to_owned());
    }
    let tools: Vec<&str> = typed.iter().map(String::as_str).collect();
    assert_eq!(tools, ["approve", "check", "enrol", "log"]);
}

/// The first part of each path that a source file names from outside its own crate.
fn named_from_outside(file: &Path, root: &Path) -> BTreeSet<String> {
    let source = std::fs::read_to_string(file).expect("a source can be read");
    let dir = file.parent().expect("it lies somewhere");
    let named = source
        .split('"')
        .filter(|literal| literal.starts_with("../"));
    let mut found = BTreeSet::new();
    for literal in named {
        let Ok(path) = std::fs::canonicalize(dir.join(literal)) else {
            continue;
        };
        let first = path
            .strip_prefix(root)
            .ok()
            .and_then(|path| path.iter().next());
        found.extend(first.map(|part| part.to_string_lossy().into_owned()));
    }
    found
}

fn rust_files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_source_of_the_package_has_all_that_is_compiled_in() {
    let package = value_of(
        "let lib = import ./lib // { licenses.asl20 = \"asl20\"; platforms.linux = [ ]; \
         fileset = { unions = map baseNameOf; toSource = source: source.fileset; }; }; in \
         { inherit (import ../../nix/package.nix { inherit lib; stdenv = { buildPlatform.canExecute = _: true; hostPlatform = { }; }; \
         rustPlatform.buildRustPackage = package: package; installShellFiles = null; versionCheckHook = null; }) \
         pname version src meta; }",
    );
    let source = words(list(&package, "/src"));
    let root = root();
    let mut files = Vec::new();
    rust_files(&root.join("crates"), &mut files);
    assert!(files.len() > 200, "{}", files.len());
    let mut needed = BTreeSet::from(["Cargo.lock".to_owned(), "Cargo.toml".to_owned()]);
    for file in files {
        needed.extend(named_from_outside(&file, &root));
    }
    assert!(needed.contains("runbooks"), "{needed:?}");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("it can be read");
    let manifest: toml::Table = manifest.parse().expect("it is TOML");
    let members = manifest["workspace"]["members"]
        .as_array()
        .expect("members");
    needed.extend(members.iter().filter_map(|member| {
        let member = member.as_str()?;
        Some(member.trim_end_matches("/*").to_owned())
    }));
    let missing: Vec<&String> = needed
        .iter()
        .filter(|part| !source.contains(&part.as_str()))
        .collect();
    assert!(missing.is_empty(), "nix/package.nix leaves out {missing:?}");
    assert_eq!(
        package["version"],
        manifest["workspace"]["package"]["version"]
            .as_str()
            .unwrap_or_default()
    );
    assert_eq!(package["meta"]["mainProgram"], "watchkeeper");
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).expect("it can be read");
    assert!(
        !lock.contains("source = \"git"),
        "a crate from git needs its hash in nix/package.nix"
    );
}

#[test]
fn every_option_has_an_effect() {
    let mut shown = BTreeSet::new();
    for effect in list(&ALL, "/effects") {
        let option = text(effect, "/option");
        assert_eq!(
            effect["after"], effect["is"],
            "{option} does not what is said of it"
        );
        assert_ne!(
            effect["before"], effect["is"],
            "{option} changes nothing that would not be so without it"
        );
        assert_eq!(
            list(effect, "/failed").len(),
            0,
            "{option}: {:?}",
            effect["failed"]
        );
        shown.insert(option);
    }
    let declared: BTreeSet<&str> = words(list(&ALL, "/options")).into_iter().collect();
    assert!(declared.len() > 45, "{declared:?}");
    assert_eq!(declared, shown);
}

#[test]
fn every_option_stands_in_the_documentation_with_its_effect() {
    let page =
        std::fs::read_to_string(root().join("docs/nixos.md")).expect("docs/nixos.md can be read");
    let rows: BTreeMap<&str, &str> = page
        .lines()
        .filter_map(|line| {
            let (option, rest) = line.strip_prefix("| `")?.split_once("` |")?;
            Some((option, rest))
        })
        .collect();
    for effect in list(&ALL, "/effects") {
        let (option, place) = (text(effect, "/option"), text(effect, "/where"));
        let row = rows.get(option);
        assert!(row.is_some(), "{option} is missing in docs/nixos.md");
        assert!(
            row.is_some_and(|row| row.contains(place)),
            "docs/nixos.md does not say of {option}: {place}"
        );
    }
}

#[test]
fn every_option_can_be_told_of_in_the_manual_of_nixos() {
    assert_eq!(words(list(&ALL, "/untold")), Vec::<&str>::new());
}

#[test]
fn what_cannot_be_meant_is_told_in_one_plain_message() {
    let contradictions = list(&ALL, "/contradictions");
    assert!(contradictions.len() > 35, "{}", contradictions.len());
    for one in contradictions {
        let failed = words(list(one, "/failed"));
        assert_eq!(failed.len(), 1, "{}: {failed:#?}", one["name"]);
        let said = failed[0].replace('\n', " ");
        assert!(
            said.contains(text(one, "/words")),
            "{}: {said}",
            one["name"]
        );
    }
}

#[test]
fn what_is_of_another_type_or_unknown_is_refused() {
    for (set, said) in [
        ("autonomyLevel = \"auto\"", "autonomyLevel' is not of type"),
        ("checkInterval = 0", "checkInterval' is not of type"),
        ("uid = \"2501\"", "uid' is not of type"),
        (
            "settings = { watch = x: x; }",
            "settings.watch' is not of type `TOML value'",
        ),
        ("gotifyToken = \"secret\"", "gotifyToken' does not exist"),
        ("hosts.web1 = 5", "hosts.web1' is not of type"),
        (
            "hosts.web1.groups = null",
            "hosts.web1.groups' is not of type",
        ),
        (
            "settings.watch.cron = null",
            "watch.cron' is not of type `TOML value'",
        ),
        ("orders = 5", "orders' is not of type"),
        ("target.door = 5", "door' is read-only"),
        ("target.controllerKeys = [ \"a\nb\" ]", "single-line string"),
        (
            "target.steps.start = [ \"nginx; id\" ]",
            "steps.start.[entry 1]' is not of type",
        ),
        (
            "target.steps.vacuumJournalTo = [ 1 ]",
            "vacuumJournalTo.[entry 1]' is not of type",
        ),
    ] {
        let told = error_of(&format!(
            "(import ./system.nix {{ }} {{ services.openssh.enable = true; services.watchkeeper = {{ enable = true; target = {{ enable = true; controllerKeys = [ \"ssh-ed25519 AAAA\" ]; }}; }}; \
             imports = [ {{ services.watchkeeper.{set}; }} ]; }}).result"
        ));
        assert!(told.contains(said), "{set}: {told}");
    }
}

/// Puts files of this machine in the place of those of a store.
fn on_this_machine(value: &Value, dir: &Path) -> Value {
    match value {
        Value::String(path) if path.starts_with("/nix/store/") => {
            let name = path.rsplit('/').next().unwrap_or_default();
            let name = name
                .split_once('-')
                .map_or(name, |(_, name)| name)
                .to_owned();
            Value::String(dir.join(name).display().to_string())
        }
        Value::Array(list) => list
            .iter()
            .map(|value| on_this_machine(value, dir))
            .collect(),
        Value::Object(set) => set
            .iter()
            .map(|(key, value)| (key.clone(), on_this_machine(value, dir)))
            .collect(),
        value => value.clone(),
    }
}

#[test]
fn what_the_module_writes_can_be_used() {
    let home = Home::new();
    let configurations = map(&ALL, "/configurations");
    assert!(configurations.len() >= 12);
    for (name, made) in configurations {
        assert_eq!(
            made["failed"],
            Value::Array(Vec::new()),
            "{name} can be meant"
        );
        let dir = home.path().join(name);
        std::fs::create_dir_all(dir.join("watchkeeper-runbooks")).expect("a directory can be made");
        std::fs::write(dir.join("placeholder"), "secret\n").expect("a file can be written");
        if let Some(orders) = made
            .pointer("/etc/watchkeeper~1orders.toml/text")
            .and_then(Value::as_str)
        {
            std::fs::write(dir.join("orders.toml"), orders).expect("a file can be written");
        }
        let config = toml::to_string(&on_this_machine(&made["tried"], &dir))
            .expect("the configuration can be written as TOML");
        let file = dir.join("config.toml");
        std::fs::write(&file, &config).expect("a file can be written");
        let checked = home.run(&["config", "check", &file.display().to_string()]);
        assert_eq!(
            checked.output.status.code(),
            Some(0),
            "{name}: {}\n{config}",
            checked.stdout()
        );
    }
}

#[test]
fn the_example_of_a_host_that_is_watched_allows_what_it_says() {
    let made = &ALL["example-target"];
    assert_eq!(made["failed"], Value::Array(Vec::new()));
    let key = text(
        made,
        "/users/watchkeeper-target/openssh/authorizedKeys/keys/0",
    );
    assert!(
        key.starts_with("restrict,from=\"10.0.0.2\" ssh-ed25519 "),
        "{key}"
    );
    // Start and its undoing, restart, and the journal.
    assert_eq!(text(made, "/door/steps").lines().count(), 4);
}

#[test]
fn what_is_checked_at_build_differs_only_in_files_that_are_not_there_yet() {
    let made = &ALL["configurations"]["many-controllers"];
    assert_eq!(
        made["settings"]["store"]["password_file"],
        "/run/credentials/watchkeeper.service/store"
    );
    assert!(
        made["tried"]["store"]["password_file"]
            .as_str()
            .is_some_and(|file| file.ends_with("-placeholder"))
    );
    for (name, made) in map(&ALL, "/configurations") {
        let command = text(made, "/check");
        assert!(
            command.contains("config check \"$tried\"") && command.contains("cp \"$written\""),
            "{name}: {command}"
        );
        let mut tried = made["tried"].clone();
        for key in ["runbooks", "orders"] {
            tried[key] = made["settings"][key].clone();
        }
        if tried["orders"].is_null() {
            tried.as_object_mut().expect("a set").remove("orders");
        }
        same_but_for_files(&made["settings"], &tried, name);
    }
}

fn same_but_for_files(said: &Value, tried: &Value, place: &str) {
    match (said, tried) {
        (Value::Object(said), Value::Object(tried)) => {
            assert_eq!(
                said.keys().collect::<Vec<_>>(),
                tried.keys().collect::<Vec<_>>(),
                "{place}"
            );
            for (key, value) in said {
                if !key.ends_with("_file") {
                    same_but_for_files(value, &tried[key], &format!("{place}.{key}"));
                }
            }
        }
        (Value::Array(said), Value::Array(tried)) => {
            assert_eq!(said.len(), tried.len(), "{place}");
            for (said, tried) in said.iter().zip(tried) {
                same_but_for_files(said, tried, place);
            }
        }
        (said, tried) => assert_eq!(said, tried, "{place}"),
    }
}

#[test]
fn no_secret_and_no_path_of_one_leaves_the_unit_that_needs_it() {
    for (name, made) in map(&ALL, "/configurations") {
        let config = made["settings"].to_string();
        assert!(!config.contains("/run/secrets"), "{name}: {config}");
        for (unit, service) in map(made, "/serviceConfig") {
            let whole = text(made, &format!("/units/{unit}"));
            for line in whole.lines().filter(|line| line.contains("/run/secrets")) {
                assert!(
                    line.starts_with("LoadCredential="),
                    "{name}, {unit}: {line}"
                );
            }
            // A file that is missing is named first, and nothing of the unit runs.
            for credential in words(list(service, "/LoadCredential")) {
                let file = credential.split_once(':').expect("name and file").1;
                let first = if unit.starts_with("watchkeeper-repository") {
                    "watchkeeper-repository-secrets"
                } else {
                    "watchkeeper-secrets"
                };
                let looks = text(made, &format!("/scripts/{first}"));
                assert!(
                    looks.contains(&format!("look {file} services.watchkeeper.")),
                    "{looks}"
                );
                assert!(whole.contains(&format!("{first}.service")), "{whole}");
            }
        }
    }
}

/// A unit that this machine can look at: with a program that is there.
fn loadable(unit: &str) -> String {
    let mut text = String::new();
    for line in unit.lines() {
        match line.split_once("=/nix/store/") {
            Some((key @ ("ExecStart" | "ExecReload"), _)) => {
                text.push_str(&format!("{key}=/bin/true\n"));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "units are judged by systemd itself"
)]
fn systemd_analyze(words: &[&str]) -> (bool, String) {
    let output = Command::new("systemd-analyze")
        .args(words)
        .env("SYSTEMD_COLORS", "0")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("systemd-analyze: run tests/install");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// The units of these configurations as files, one of each name.
fn units(dir: &Path) -> Vec<(String, String)> {
    let mut files = BTreeMap::new();
    for made in map(&ALL, "/configurations").values() {
        for (name, unit) in map(made, "/units") {
            let ours = name.starts_with("watchkeeper") && text(unit, "").contains("ExecStart=");
            if ours {
                let file = dir.join(format!("{name}.service"));
                std::fs::write(&file, loadable(text(unit, ""))).expect("a file can be written");
                files.insert(name.clone(), file.display().to_string());
            }
        }
        for (name, timer) in map(made, "/timers") {
            std::fs::write(dir.join(format!("{name}.timer")), text(timer, ""))
                .expect("a file can be written");
        }
    }
    // What NixOS and its other modules bring.
    for name in ["ollama", "postgresql", "qdrant"] {
        let unit = "[Service]\nExecStart=/bin/true\n";
        std::fs::write(dir.join(format!("{name}.service")), unit).expect("a file can be written");
    }
    files.into_iter().collect()
}

#[test]
fn every_unit_is_one_that_systemd_takes_without_a_remark() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let files = units(dir.path());
    let mut words = vec!["verify".to_owned(), "--man=no".to_owned()];
    words.extend(files.iter().map(|(_, file)| file.clone()));
    words.push(
        dir.path()
            .join("watchkeeper-repository.timer")
            .display()
            .to_string(),
    );
    let (taken, said) = systemd_analyze(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let ours: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("watchkeeper"))
        .collect();
    assert!(taken && ours.is_empty(), "{said}");
}

#[test]
fn every_unit_is_no_more_exposed_than_the_documentation_says() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let files = units(dir.path());
    let named: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        named,
        EXPOSURE.iter().map(|(name, _)| *name).collect(),
        "every unit has a score, and every score a unit"
    );
    let page =
        std::fs::read_to_string(root().join("docs/nixos.md")).expect("docs/nixos.md can be read");
    for (name, file) in files {
        let tenths = EXPOSURE
            .iter()
            .find(|(unit, _)| *unit == name)
            .map_or(0, |(_, tenths)| *tenths);
        let (within, said) = systemd_analyze(&[
            "security",
            "--offline=true",
            "--no-pager",
            &format!("--threshold={tenths}"),
            &file,
        ]);
        assert!(within, "{name}: {}", said.lines().last().unwrap_or(&said));
        let row = format!("| `{name}.service` | {}.{} |", tenths / 10, tenths % 10);
        assert!(page.contains(&row), "docs/nixos.md does not say: {row}");
    }
}

#[test]
fn what_the_older_module_was_told_still_counts() {
    let upgrade = &ALL["upgrade"];
    assert_eq!(upgrade["failed"], Value::Array(Vec::new()));
    let settings = &upgrade["settings"];
    assert_eq!(
        (
            &settings["name"],
            &settings["policy"]["autonomy"],
            &settings["watch"]["interval"]
        ),
        (&"macha".into(), &"auto-safe".into(), &"120s".into())
    );
    assert_eq!(settings["lanes"][0]["model"], "gpt-oss:20b");
    assert_eq!(settings["hosts"]["web1"]["address"], "web1");
    assert_eq!(upgrade["ollama"]["package"], "ollama-rocm");
    assert_eq!(upgrade["users"]["macha"]["uid"], 2501);
    let warnings = words(list(upgrade, "/warnings"));
    assert_eq!(warnings.len(), 15, "{warnings:#?}");
    assert!(
        warnings
            .iter()
            .all(|warning| warning.contains("has been renamed to `services.watchkeeper."))
    );
    let token = words(list(upgrade, "/token")).join("\n");
    assert!(
        token.contains("ai-sysadmin.gotifyToken' in `")
            && token.contains("no longer has any effect")
            && token.contains("gotifyTokenFile"),
        "{token}"
    );
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "what the build would run is run by a shell, as there"
)]
fn the_commands_of_a_name_come_with_completions_and_pages() {
    let made = &ALL["configurations"]["fleet"];
    let package = list(made, "/packages")
        .iter()
        .find(|package| package["name"] == "hal-commands")
        .expect("the commands are installed");
    let home = Home::new();
    let command = home.command(&[]);
    let script = text(package, "/text");
    let (_, store) = script
        .split_once("/nix/store/")
        .expect("the program is named");
    let (program, _) = store.split_once(' ').expect("words follow");
    let ours = command.get_program().to_string_lossy().into_owned();
    let script = script.replace(&format!("/nix/store/{program}"), &ours);
    let out = home.path().join("out");
    let built = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("out", &out)
        .env("HOME", home.path())
        .output()
        .expect("bash is there");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    for file in [
        "share/bash-completion/completions/hal-check",
        "share/fish/vendor_completions.d/hal-approve.fish",
        "share/zsh/site-functions/_hal-do",
        "share/man/man1/hal-check.1",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let zsh = std::fs::read_to_string(out.join("share/zsh/site-functions/_hal-do"))
        .expect("the completions can be read");
    assert!(zsh.starts_with("#compdef hal-do\n") && !zsh.contains("#compdef hal-check"));
    let asked = Command::new(out.join("bin/hal-check"))
        .arg("--help")
        .output()
        .expect("the link starts");
    assert!(String::from_utf8_lossy(&asked.stdout).contains("Usage: hal-check"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_this_machine_is_reached_by_the_address_that_the_module_writes() {
    let cluster = Cluster::shared();
    let database = cluster.database("empty", async |_| ()).await;
    // As the tests' own server is reached: postgres://ROLE@localhost/NAME?host=SOCKET.
    let (role, rest) = database
        .url()
        .strip_prefix("postgres://")
        .and_then(|rest| rest.split_once("@localhost/"))
        .expect("a role");
    let (name, socket) = rest.split_once("?host=").expect("a socket");
    let written = text(&ALL["configurations"]["fleet"], "/settings/store/url");
    let address = written
        .replace("postgres:///watchkeeper?", &format!("postgres:///{name}?"))
        .replace("host=/run/postgresql", &format!("host={socket}"))
        .replace("user=watchkeeper", &format!("user={role}"));
    assert_ne!(address, written);
    let home = Home::new().with_store(&address);
    home.run(&["status"]).ended_with(&[0]);
}

/// A unit file's settings, several of one name joined.
fn service_settings(unit: &str) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for line in unit
        .lines()
        .skip_while(|line| *line != "[Service]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
    {
        if let Some((key, value)) = line.split_once('=') {
            let value = match value {
                "yes" => "true",
                "no" => "false",
                value => value,
            };
            let whole = settings.entry(key.to_owned()).or_default();
            *whole = format!("{whole} {value}").trim().to_owned();
        }
    }
    settings
}

#[test]
fn the_daemon_is_locked_away_as_in_the_other_packages() {
    let file = root().join("packaging/units/watchkeeper.service");
    let theirs = service_settings(&std::fs::read_to_string(&file).expect("the unit can be read"));
    let made = &ALL["configurations"]["in-short"];
    let ours = service_settings(text(made, "/units/watchkeeper"));
    let place = |key: &str| {
        [
            "ExecStart",
            "ExecReload",
            "Environment",
            "EnvironmentFile",
            "ExecStartPre",
        ]
        .contains(&key)
    };
    let keys: BTreeSet<&String> = theirs
        .keys()
        .chain(ours.keys())
        .filter(|key| !place(key))
        .collect();
    for key in keys {
        let words = |text: Option<&String>| -> BTreeSet<String> {
            text.map_or("", String::as_str)
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(
            words(ours.get(key)),
            words(theirs.get(key)),
            "{key} in nix/ and in packaging/units"
        );
    }
}

#[test]
fn the_door_to_root_knows_the_texts_of_the_program() {
    let door = &system(
        "{ services.openssh.enable = true; services.watchkeeper.target = { enable = true; controllerKeys = [ \"ssh-ed25519 AAAA\" ]; }; }",
    )["door"];
    let theirs = [
        ("start", texts::START),
        ("attach", texts::ATTACH),
        ("cancel", texts::CANCEL),
        ("wipe", texts::WIPE),
        ("boot", texts::BOOT),
        ("probe", probe()),
    ];
    for (name, theirs) in theirs {
        assert_eq!(text(door, &format!("/texts/{name}")), theirs, "{name}");
    }
    // The two that go around every command are the crate's own, and stand in its source.
    let source = std::fs::read_to_string(root().join("crates/fleet/src/wrapper.rs"))
        .expect("the source can be read");
    for name in ["outer", "inner"] {
        let constant = format!("const {}: &str = concat!(", name.to_uppercase());
        let (_, rest) = source.split_once(&constant).expect("the constant is there");
        let (literals, _) = rest.split_once("\n);").expect("it ends");
        let joined: String = literals
            .lines()
            .filter_map(|line| {
                line.trim()
                    .strip_prefix('"')?
                    .strip_suffix("\",")
                    .map(str::to_owned)
            })
            .collect();
        let joined = joined.replace("\\\"", "\"").replace("\\\\", "\\");
        assert_eq!(text(door, &format!("/texts/{name}")), joined, "{name}");
    }
    assert_eq!(map(door, "/texts").len(), theirs.len() + 2);
}

#[test]
fn the_steps_that_are_allowed_are_the_texts_that_would_run() {
    let unit = |name: &str| UnitName::new(name).expect("a unit");
    let traits = HostTraits {
        os: "nixos".to_owned(),
        init: Init::Systemd,
        package_manager: Some(PackageManager::Nix),
    };
    let steps = [
        Step::UnitStart {
            unit: unit("nginx.service"),
        },
        Step::UnitStop {
            unit: unit("nginx.service"),
        },
        Step::UnitRestart {
            unit: unit("a\\x2db@c:d.service"),
        },
        Step::UnitReload {
            unit: unit("nginx.service"),
        },
        Step::UnitResetFailed {
            unit: unit("-.mount"),
        },
        Step::JournalVacuum { keep_mib: 500 },
        Step::PackageCacheClean {},
    ];
    let rendered: BTreeSet<String> = steps
        .iter()
        .map(|step| {
            render(step, &traits)
                .expect("a NixOS host can do it")
                .script
        })
        .collect();
    let theirs = value_of(
        "builtins.sort builtins.lessThan ((import ../../nix/target/texts.nix (import ./lib)).scripts { start = [ \"nginx.service\" ]; stop = [ ]; \
         restart = [ \"a\\\\x2db@c:d.service\" ]; reload = [ \"nginx.service\" ]; resetFailed = [ \"-.mount\" ]; \
         vacuumJournalTo = [ 500 ]; collectGarbage = true; })",
    );
    let theirs: BTreeSet<String> = words(list(&theirs, ""))
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(rendered, theirs);
}

#[test]
fn no_configuration_allows_to_stop_what_the_program_never_stops() {
    let root = root();
    let file = root.join("crates/risk/lists/units.toml");
    let text = std::fs::read_to_string(file).expect("the list can be read");
    let lists: toml::Table = text.parse().expect("it is TOML");
    let named = |part: &toml::Value| -> Vec<String> {
        let names = part["names"].as_str().unwrap_or_default();
        let names = names.split_whitespace().filter(|name| *name != "-");
        names
            .map(|name| name.replace('*', "x"))
            .flat_map(|name| [format!("{name}.service"), format!("{name}@a.b.socket")])
            .collect()
    };
    let critical: Vec<String> = lists["critical"]
        .as_array()
        .expect("a list of parts")
        .iter()
        .flat_map(named)
        .collect();
    assert!(critical.len() > 200, "{}", critical.len());
    let power = named(&lists["power"]);
    let others = ["nginx.service", "sshfs.mount", "my-reboot-tool.service"];
    let asked = |which: &str, units: &[String]| -> Vec<String> {
        let units = serde_json::to_string(units).expect("they are JSON");
        let missed = value_of(&format!(
            "builtins.filter (unit: !(import ../../nix/target/units.nix (import ./lib)).{which} unit) \
             (builtins.fromJSON ''{units}'')"
        ));
        words(list(&missed, ""))
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(asked("critical", &critical), Vec::<String>::new());
    assert_eq!(asked("power", &power), Vec::<String>::new());
    let others = others.map(str::to_owned);
    assert_eq!(asked("critical", &others), others);
    assert_eq!(asked("power", &others), others);
}

#[test]
fn a_reload_follows_every_file_that_the_module_writes() {
    let made = &ALL["configurations"]["with-orders"];
    let triggers = words(list(made, "/triggers/watchkeeper"));
    for file in ["watchkeeper/config.toml", "watchkeeper/orders.toml"] {
        assert!(
            triggers.contains(&text(
                &made["etc"],
                &format!("/{}/path", file.replace('/', "~1"))
            )),
            "{file}"
        );
    }
}
