//! Units, packages, processes, machines, and how sentences read.

use super::*;

fn unit(kind: EffectKind, name: &str) -> Effect {
    effect(kind, Target::Unit(word(name)))
}

#[test]
fn units_get_the_level_of_what_their_loss_means() {
    use EffectKind::{Disables, Enables, Reads, Reloads, Restarts, Signals, Starts, Stops};
    use RiskLevel::{Forbidden, High, Low, Medium, ReadOnly};
    for (name, levels) in [
        // reads, reloads, starts, restarts, stops, enables, disables, signals
        (
            "ssh",
            [
                ReadOnly, High, Medium, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "sshd.service",
            [
                ReadOnly, High, Medium, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "SSH.socket",
            [
                ReadOnly, High, Medium, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "systemd-networkd",
            [
                ReadOnly, High, High, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "wg-quick@wg0",
            [
                ReadOnly, High, High, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "ssh*",
            [
                ReadOnly, High, Medium, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "s*.service",
            [
                ReadOnly, High, High, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "*",
            [
                ReadOnly, High, High, High, Forbidden, Medium, Forbidden, Forbidden,
            ],
        ),
        (
            "nginx",
            [ReadOnly, Low, Medium, Medium, High, Medium, High, Medium],
        ),
        (
            "postgresql@15-main",
            [ReadOnly, Low, Medium, Medium, High, Medium, High, Medium],
        ),
        (
            "docker.service",
            [ReadOnly, Low, Medium, Medium, High, Medium, High, Medium],
        ),
        (
            "my-app",
            [ReadOnly, Low, Medium, Medium, High, Medium, High, Medium],
        ),
        (
            "node_exporter",
            [ReadOnly, Low, Low, Low, Medium, Low, Medium, Medium],
        ),
        (
            "prometheus-node-exporter.service",
            [ReadOnly, Low, Low, Low, Medium, Low, Medium, Medium],
        ),
        (
            "cups",
            [ReadOnly, Low, Low, Low, Medium, Low, Medium, Medium],
        ),
        (
            "backup.timer",
            [ReadOnly, Low, Low, Low, Medium, Low, Medium, Medium],
        ),
        (
            "srv.mount",
            [ReadOnly, Medium, Medium, High, High, Medium, High, High],
        ),
        (
            "reboot.target",
            [High, High, High, High, High, High, High, High],
        ),
        (
            "$UNIT",
            [ReadOnly, High, High, High, High, Medium, High, High],
        ),
    ] {
        let kinds = [
            Reads, Reloads, Starts, Restarts, Stops, Enables, Disables, Signals,
        ];
        for (kind, level) in kinds.into_iter().zip(levels) {
            let effect = unit(kind, name);
            let asked = if kind == Reads { ReadOnly } else { level };
            assert_eq!(effect.level, asked, "{kind} {name}: {}", effect.sentence);
        }
    }
}

#[test]
fn classes_of_units_are_those_of_their_weight() {
    for (name, class) in [
        ("ssh", TargetClass::Critical),
        ("nginx", TargetClass::ServiceConfig),
        ("my-app", TargetClass::Data),
        ("telegraf", TargetClass::Scratch),
        ("srv.mount", TargetClass::System),
    ] {
        assert_eq!(unit(EffectKind::Restarts, name).class, class, "{name}");
    }
}

#[test]
fn packages_that_the_host_needs_are_never_removed() {
    use EffectKind::{PackageIndex, PackageInstalls, PackageRemoves};
    use RiskLevel::{Forbidden, High, Low, Medium};
    for (kind, name, level) in [
        (PackageRemoves, "nginx", Medium),
        (PackageRemoves, "htop", Medium),
        (PackageRemoves, "openssh-server", Forbidden),
        (PackageRemoves, "libc6", Forbidden),
        (PackageRemoves, "libc6:amd64", Forbidden),
        (PackageRemoves, "systemd", Forbidden),
        (PackageRemoves, "linux-image-6.1.0-18-amd64", Forbidden),
        (PackageRemoves, "linux-*", Forbidden),
        (PackageRemoves, "*", Forbidden),
        (PackageRemoves, "postgresql-15", High),
        (PackageRemoves, "mariadb-server", High),
        (PackageRemoves, "docker-ce", High),
        (PackageRemoves, "$PKG", High),
        (PackageInstalls, "htop", Medium),
        (PackageInstalls, "htop=3.2.1", Medium),
        (PackageInstalls, "openssh-server-", Forbidden),
        (PackageInstalls, "openssh-server", High),
        (PackageInstalls, "linux-image-amd64", High),
        (PackageInstalls, "./x.deb", High),
        (PackageInstalls, "/tmp/x.rpm", High),
        (PackageInstalls, "https://example.org/x.rpm", High),
        (PackageInstalls, "nixpkgs#hello", Medium),
        (PackageInstalls, "$PKG", High),
        (PackageIndex, "htop", Low),
    ] {
        let effect = effect(kind, Target::Package(word(name)));
        assert_eq!(effect.level, level, "{kind} {name}: {}", effect.sentence);
    }
}

#[test]
fn processes_that_hold_the_host_are_never_ended() {
    use RiskLevel::{Forbidden, High, Low, Medium, ReadOnly};
    for (name, level, expect) in [
        ("1", None, Forbidden),
        ("-1", None, Forbidden),
        ("0", None, Forbidden),
        ("1", Some(ReadOnly), ReadOnly),
        ("1", Some(Low), High),
        ("4321", None, Medium),
        ("4321", Some(Low), Low),
        ("-4321", None, Medium),
        ("sshd", None, Forbidden),
        ("sshd", Some(Low), High),
        ("sshd", Some(ReadOnly), ReadOnly),
        ("/usr/sbin/sshd", None, Forbidden),
        ("sshd: ops", None, High),
        ("systemd-journald", None, Forbidden),
        ("ssh", None, Forbidden),
        ("sh", None, High),
        ("sys.*", None, High),
        (".*", None, Forbidden),
        ("", None, Forbidden),
        ("java", None, Medium),
        ("java", Some(High), High),
        ("nginx", None, Medium),
        ("$PID", None, Medium),
    ] {
        let found = Found {
            level,
            ..Found::to(EffectKind::Signals, Target::Process(word(name)), "test")
        };
        let effect = classify(&found, &at_home(), &host());
        assert_eq!(
            effect.level, expect,
            "{name} {level:?}: {}",
            effect.sentence
        );
    }
}

#[test]
fn what_goes_out_with_a_name_is_sent() {
    use EffectKind::{Probes, Sends};
    for (kind, name, level) in [
        (Probes, "example.org", RiskLevel::ReadOnly),
        (Probes, "%", RiskLevel::ReadOnly),
        (Probes, "$X", RiskLevel::High),
        (Probes, "$X.example.org", RiskLevel::High),
        (
            Probes,
            "http://169.254.169.254/latest/meta-data/",
            RiskLevel::High,
        ),
        (Sends, "example.org", RiskLevel::High),
    ] {
        for target in [Target::Host(word(name)), Target::Url(word(name))] {
            assert_eq!(effect(kind, target).level, level, "{kind} {name}");
        }
    }
    let file = effect(Probes, Target::Url(word("file:///etc/shadow")));
    assert_eq!(file.level, RiskLevel::High);
}

#[test]
fn without_a_class_the_level_is_the_one_that_is_said() {
    let found = Found::to(EffectKind::Storage, Target::Named(word("tank")), "test");
    assert_eq!(classify(&found, &at_home(), &host()).level, RiskLevel::High);
    let low = found.at_least(RiskLevel::Low);
    assert_eq!(classify(&low, &at_home(), &host()).level, RiskLevel::Low);
    let nothing = Found::plain(EffectKind::Reads, "test");
    assert_eq!(
        classify(&nothing, &at_home(), &host()).level,
        RiskLevel::ReadOnly
    );
}

#[test]
fn with_a_class_a_level_that_is_said_only_raises() {
    let read = |path: &str, level| {
        let found = Found::to(EffectKind::Reads, Target::Path(word(path)), "test").at_least(level);
        classify(&found, &at_home(), &host()).level
    };
    assert_eq!(read("/etc/shadow", RiskLevel::Low), RiskLevel::High);
    assert_eq!(read("/etc/passwd", RiskLevel::Medium), RiskLevel::Medium);
}

#[test]
fn the_way_in_is_never_cut() {
    let facts = HostFacts {
        management_interfaces: vec!["eth0".to_owned()],
        management_ports: vec![2222],
        ..HostFacts::default()
    };
    let host = Host::new(&facts);
    for (kind, name, level) in [
        (EffectKind::NetworkConfig, "eth0", RiskLevel::Forbidden),
        (EffectKind::NetworkConfig, "docker0", RiskLevel::High),
        (EffectKind::Signals, "2222/tcp", RiskLevel::Forbidden),
        (EffectKind::Signals, "8080/tcp", RiskLevel::Medium),
    ] {
        let found = Found::to(kind, Target::Named(word(name)), "test");
        assert_eq!(classify(&found, &at_home(), &host).level, level, "{name}");
    }
}

#[test]
fn homes_elsewhere_hold_what_homes_hold() {
    let facts = HostFacts {
        homes: vec!["/export/people/*".to_owned()],
        ..HostFacts::default()
    };
    let host = Host::new(&facts);
    for (name, path, level) in [
        (
            "write",
            "/export/people/eve/.ssh/authorized_keys",
            RiskLevel::High,
        ),
        ("write", "/export/people/eve/.bashrc", RiskLevel::High),
        ("rm-r", "/export/people/eve/.cache", RiskLevel::Low),
        ("grep-r", "/export/people/eve", RiskLevel::Medium),
    ] {
        let (kind, recursive) = verb(name);
        let found = Found {
            recursive,
            ..Found::to(kind, Target::Path(word(path)), "test")
        };
        assert_eq!(
            classify(&found, &at_home(), &host).level,
            level,
            "{name} {path}"
        );
    }
}

#[test]
fn files_below_a_directory_are_as_bad_as_the_directory_allows() {
    for (name, directory, level) in [
        ("read", "/var/log", RiskLevel::ReadOnly),
        ("read", "/etc", RiskLevel::Medium),
        ("read", "/", RiskLevel::Medium),
        ("read", "/root/.ssh", RiskLevel::Medium),
        ("rm", "/tmp/build", RiskLevel::Medium),
        ("rm", "/var/log", RiskLevel::High),
        ("rm", "/etc", RiskLevel::High),
        ("rm-r", "/", RiskLevel::High),
    ] {
        let effect = path_effect(name, below(directory));
        assert_eq!(
            effect.level, level,
            "{name} {directory}: {}",
            effect.sentence
        );
    }
}

#[test]
fn what_is_deleted_here_and_there_below_is_no_tree() {
    for (path, level) in [
        ("/tmp", RiskLevel::Low),
        ("/srv/app/cache", RiskLevel::Medium),
        ("/var/log", RiskLevel::High),
        ("/etc", RiskLevel::High),
        ("/", RiskLevel::High),
    ] {
        let found = Found {
            recursive: true,
            ..Found::to(EffectKind::Deletes, Target::Path(word(path)), "test")
        };
        let effect = classify(&found, &at_home(), &host());
        assert_eq!(effect.level, level, "{path}: {}", effect.sentence);
        assert_eq!(effect.kind, EffectKind::Deletes);
    }
}

#[test]
fn words_that_split_may_name_anything() {
    let split = |name: &str, path: &str| {
        let arg = Arg {
            splits: true,
            ..word(path)
        };
        path_effect(name, arg).level
    };
    assert_eq!(split("rm", "/tmp/$X"), RiskLevel::High);
    assert_eq!(split("read", "/var/log/$X"), RiskLevel::Medium);
    assert_eq!(split("rm", "/tmp/*"), RiskLevel::Medium);
    assert_eq!(split("read", "/var/log/*"), RiskLevel::ReadOnly);
}

#[test]
fn sentences_read_well_at_night() {
    for (name, path, sentence) in [
        (
            "rm-r",
            "/var/lib/mysql",
            "deletes /var/lib/mysql and all that is in it (database files): that cannot be undone",
        ),
        (
            "rm-r",
            "/etc/ssh",
            "deletes /etc/ssh and all that is in it (the way into the host): that is never done",
        ),
        ("rm", "/tmp/x", "deletes /tmp/x (scratch space)"),
        (
            "read",
            "/etc/shadow",
            "reads /etc/shadow, which is a secret: password hashes",
        ),
        (
            "read",
            "/etc/sh*",
            "reads /etc/sh*, which may be a secret: password hashes",
        ),
        (
            "read",
            "$FILE",
            "reads $FILE; only the host knows which file that is",
        ),
        (
            "grep-r",
            "/etc",
            "reads /etc; there may be secrets in it: password hashes",
        ),
        (
            "write",
            "/etc/fstab",
            "writes to /etc/fstab (which file systems are mounted at boot)",
        ),
        (
            "write",
            "/proc/sys/vm/swappiness",
            "writes to /proc/sys/vm/swappiness (the running kernel)",
        ),
        (
            "overwrite",
            "/dev/sda",
            "replaces what /dev/sda holds (a disk, or something else that is kept below file systems): that is never done",
        ),
        (
            "write",
            "notes.txt",
            "writes to /home/ops/notes.txt (files of an account)",
        ),
        (
            "write",
            "../eve/x",
            "writes to /home/eve/x (files of an account)",
        ),
    ] {
        assert_eq!(path_effect(name, word(path)).sentence, sentence);
    }
    for (kind, name, sentence) in [
        (
            EffectKind::Restarts,
            "nginx",
            "restarts nginx, on which others depend; what it serves is interrupted meanwhile",
        ),
        (
            EffectKind::Restarts,
            "ssh",
            "restarts ssh, which is the way into the host",
        ),
        (
            EffectKind::Stops,
            "ssh",
            "stops ssh, which is the way into the host: that is never done",
        ),
        (
            EffectKind::Stops,
            "my-app",
            "stops my-app; it stays down until it is started again",
        ),
    ] {
        assert_eq!(unit(kind, name).sentence, sentence);
    }
}

#[test]
fn where_it_happens_is_said() {
    let context = Context {
        elsewhere: "container web".to_owned(),
        directories: vec!["/".to_owned()],
        ..Context::default()
    };
    let found = Found::to(EffectKind::Writes, Target::Path(word("/etc/motd")), "test");
    let effect = classify(&found, &context, &host());
    assert_eq!(effect.elsewhere, "container web");
    assert!(
        effect.sentence.ends_with(", in the container web"),
        "{}",
        effect.sentence
    );
    let said = Found::plain(EffectKind::Firewall, "test").saying("blocks every new connection");
    let context = Context {
        elsewhere: "root@web2".to_owned(),
        ..Context::default()
    };
    assert_eq!(
        classify(&said, &context, &host()).sentence,
        "blocks every new connection, on root@web2"
    );
}

#[test]
fn a_changed_root_is_judged_as_if_it_were_the_host() {
    let context = Context {
        root: "/mnt".to_owned(),
        directories: vec!["/".to_owned()],
        ..Context::default()
    };
    let found = Found::to(EffectKind::Reads, Target::Path(word("/etc/shadow")), "test");
    assert_eq!(classify(&found, &context, &host()).level, RiskLevel::High);
}

#[test]
fn every_kind_has_its_words() {
    let kinds: Vec<EffectKind> = serde_json::from_str(
        r#"["reads","probes","writes","overwrites","deletes","deletes_tree","permissions","permissions_tree","reloads",
        "starts","restarts","stops","enables","disables","signals","power","package_index","package_installs",
        "package_removes","kernel","mounts","storage","snapshots","network_config","firewall","accounts","access","boot",
        "schedules","database_writes","database_admin","containers","audit","sends","privilege","secrets","environment",
        "interactive","unbounded","runs_code","unknown"]"#,
    )
    .expect("all kinds");
    for kind in kinds {
        for target in [
            Target::None,
            Target::Named(word("x")),
            Target::Path(word("/srv/x")),
        ] {
            let effect = effect(kind, target);
            assert!(
                effect.sentence.len() > 6 && !effect.sentence.contains("{}"),
                "{kind}: {}",
                effect.sentence
            );
        }
    }
}

fn any_word() -> impl Strategy<Value = Arg> {
    "[a-z/.*?$%~\\[\\]-]{0,24}".prop_map(|text| word(&text))
}

fn any_found() -> impl Strategy<Value = Found> {
    let kinds = proptest::sample::select(vec![
        EffectKind::Reads,
        EffectKind::Writes,
        EffectKind::Overwrites,
        EffectKind::Deletes,
        EffectKind::DeletesTree,
        EffectKind::Permissions,
        EffectKind::Restarts,
        EffectKind::Signals,
        EffectKind::PackageRemoves,
        EffectKind::Probes,
    ]);
    (kinds, any_word(), 0..7_u8, any::<bool>()).prop_map(|(kind, word, target, recursive)| {
        let target = match target {
            0 => Target::Unit(word),
            1 => Target::Package(word),
            2 => Target::Process(word),
            3 => Target::Host(word),
            4 => Target::Named(word),
            _ => Target::Path(word),
        };
        Found {
            recursive,
            ..Found::to(kind, target, "test")
        }
    })
}

proptest! {
    #[test]
    fn anything_gets_a_level_and_a_sentence_and_always_the_same(found in any_found()) {
        let one = classify(&found, &at_home(), &host());
        prop_assert!(!one.sentence.is_empty());
        prop_assert_eq!(one, classify(&found, &at_home(), &host()));
    }

    #[test]
    fn more_directories_never_make_less_of_it(found in any_found()) {
        let mut context = at_home();
        let before = classify(&found, &context, &host()).level;
        context.directories.push("/etc".to_owned());
        prop_assert!(classify(&found, &context, &host()).level >= before);
    }

    #[test]
    fn what_an_owner_adds_never_makes_less_of_it(found in any_found(), path in "/[a-z]{1,3}(/[a-z]{1,3})?") {
        let facts = HostFacts {
            critical_paths: vec![path.clone()],
            secret_paths: vec![path],
            critical_units: vec!["a*".to_owned()],
            heavy_units: vec!["b*".to_owned()],
            ..HostFacts::default()
        };
        let before = classify(&found, &at_home(), &host()).level;
        prop_assert!(classify(&found, &at_home(), &Host::new(&facts)).level >= before);
    }

    #[test]
    fn a_level_that_is_said_never_lowers_what_is_done_to_a_file(found in any_found(), least in 0..5_u8) {
        prop_assume!(FileVerb::of(found.kind, false).is_some());
        let (Target::Path(word) | Target::Unit(word) | Target::Package(word) | Target::Process(word)
            | Target::Host(word) | Target::Named(word)) = found.target.clone() else {
            return Ok(());
        };
        let found = Found { target: Target::Path(word), ..found };
        let least = [
            RiskLevel::ReadOnly,
            RiskLevel::Low,
            RiskLevel::Medium,
            RiskLevel::High,
            RiskLevel::Forbidden,
        ][usize::from(least)];
        let before = classify(&found, &at_home(), &host()).level;
        let after = classify(&found.at_least(least), &at_home(), &host()).level;
        prop_assert_eq!(after, before.max(least));
    }

    #[test]
    fn any_text_is_a_path(text in any::<String>()) {
        let _ = path_effect("rm-r", Arg::text(text));
    }
}
