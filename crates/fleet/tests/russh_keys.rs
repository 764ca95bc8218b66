//! Logging in with every kind of key, from files and from a real agent, and through jump hosts.

mod russh_support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use russh_support::*;
use watchkeeper_fleet::{EnrolError, Enrolled, OfferedKey, SshTarget, enrol};
use watchkeeper_model::LookFailure;
use watchkeeper_testkit::ssh_host::{HostKeyKind, SshHost};

#[tokio::test]
async fn every_kind_of_key_logs_in_on_every_kind_of_host() {
    let dir = tempfile::tempdir().expect("a directory");
    for kind in [HostKeyKind::Ed25519, HostKeyKind::Ecdsa, HostKeyKind::Rsa] {
        let host = SshHost::builder().host_key(kind).start().await;
        for (name, args) in [
            ("ed25519", &["-t", "ed25519", "-N", ""][..]),
            ("ecdsa", &["-t", "ecdsa", "-b", "384", "-N", ""][..]),
            ("rsa", &["-t", "rsa", "-b", "2048", "-N", ""][..]),
            (
                "pem",
                &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""][..],
            ),
        ] {
            let (path, public) = keygen(dir.path(), &format!("{kind:?}-{name}"), args);
            host.accepts(&public);
            let with = SshTarget {
                identity_files: vec![path],
                ..target(&host)
            };
            run(&connect(with), echo("x"))
                .await
                .unwrap_or_else(|seen| panic!("{kind:?} {name}: {seen}"));
        }
    }
}

#[tokio::test]
async fn an_encrypted_key_opens_with_the_passphrase_from_its_file_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let host = SshHost::start().await;
    let (path, public) = keygen(
        dir.path(),
        "key",
        &["-t", "ed25519", "-N", "open sesame", "-a", "1"],
    );
    host.accepts(&public);
    let secret = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let file = dir.path().join(name);
        std::fs::write(&file, text).expect("written");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("ours");
        file
    };
    let with = |passphrase: PathBuf| SshTarget {
        identity_files: vec![path.clone()],
        passphrase_file: Some(passphrase),
        ..target(&host)
    };
    run(&connect(with(secret("right", "open sesame\n"))), echo("x"))
        .await
        .expect("it opens");
    for (passphrase, words) in [
        (secret("wrong", "open wheat\n"), "is not its own"),
        (dir.path().join("absent"), "passphrase file is not there"),
    ] {
        let seen = failure(with(passphrase)).await;
        assert_eq!(seen.kind(), "key_unusable");
        assert!(seen.to_string().contains(words), "{seen}");
        assert!(!seen.to_string().contains("wheat"));
    }
}

/// A real ssh-agent, ended with the test.
struct Agent {
    socket: PathBuf,
    process: std::process::Child,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the real agent is the measure")]
async fn agent(dir: &Path, keys: &[&Path]) -> Agent {
    let socket = dir.join("agent");
    let process = std::process::Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("ssh-agent is there: run tests/install");
    let agent = Agent { socket, process };
    until(|| std::os::unix::net::UnixStream::connect(&agent.socket).is_ok()).await;
    for key in keys {
        let added = std::process::Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status()
            .expect("ssh-add is there: run tests/install");
        assert!(added.success());
    }
    agent
}

#[tokio::test]
async fn keys_of_an_agent_log_in_without_their_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let host = SshHost::start().await;
    let (strange, _) = keygen(dir.path(), "strange", &["-t", "ed25519", "-N", ""]);
    let (rsa, public) = keygen(dir.path(), "rsa", &["-t", "rsa", "-b", "2048", "-N", ""]);
    host.accepts(&public);
    let agent = agent(dir.path(), &[&strange, &rsa]).await;
    std::fs::remove_file(&rsa).expect("the agent has it");
    for identity_files in [Vec::new(), vec![rsa.clone()]] {
        let with = SshTarget {
            identity_files,
            agent_socket: Some(agent.socket.clone()),
            ..target(&host)
        };
        run(&connect(with), echo("x"))
            .await
            .expect("the agent signs");
    }
}

#[tokio::test]
async fn an_agent_that_holds_too_many_keys_does_not_use_up_the_tries_of_ours() {
    let dir = tempfile::tempdir().expect("a directory");
    let host = SshHost::start().await;
    let made: Vec<_> = (0..9)
        .map(|n| keygen(dir.path(), &format!("k{n}"), &["-t", "ed25519", "-N", ""]))
        .collect();
    host.accepts(&made[8].1);
    let paths: Vec<&Path> = made.iter().map(|(path, _)| path.as_path()).collect();
    let agent = agent(dir.path(), &paths).await;
    let agent_socket = Some(agent.socket.clone());
    let ours = SshTarget {
        identity_files: vec![made[8].0.clone()],
        agent_socket,
        ..target(&host)
    };
    run(&connect(ours.clone()), echo("x"))
        .await
        .expect("the one that is set comes first");
    let any = SshTarget {
        identity_files: Vec::new(),
        ..ours
    };
    assert_eq!(failure(any).await.kind(), "login_refused");
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_told_unless_a_file_works() {
    let host = SshHost::start().await;
    let socket = host.dir().join("no-agent");
    let agent_socket = Some(socket.clone());
    let with_file = SshTarget {
        agent_socket: agent_socket.clone(),
        ..target(&host)
    };
    run(&connect(with_file), echo("x"))
        .await
        .expect("the file works");
    let without = SshTarget {
        agent_socket,
        identity_files: Vec::new(),
        ..target(&host)
    };
    let seen = failure(without).await;
    let path = socket.display().to_string();
    assert!(
        matches!(&seen, LookFailure::KeyUnusable { path: told, .. } if *told == path),
        "{seen}"
    );
}

/// A host that only its jump host can name, and the way to it.
async fn behind_a_jump() -> (SshHost, SshHost, SshTarget) {
    let (jump, inner) = (SshHost::start().await, SshHost::start().await);
    jump.resolves("inner.private", inner.address());
    let known = inner
        .known_hosts_lines()
        .replace("127.0.0.1", "inner.private");
    std::fs::write(inner.known_hosts(), known).expect("written");
    let way = SshTarget {
        address: "inner.private".to_owned(),
        jump: vec![target(&jump)],
        ..target(&inner)
    };
    (jump, inner, way)
}

#[tokio::test]
async fn a_host_behind_a_jump_host_is_reached() {
    let (jump, inner, way) = behind_a_jump().await;
    let connection = connect(way);
    let output = run(&connection, echo("inside")).await.expect("it answers");
    assert_eq!(output.stdout, b"inside\n");
    assert_eq!((jump.commands(), inner.commands()), (0, 1));
    jump.cuts_connections();
    run(&connection, echo("x"))
        .await
        .expect("both are reached anew");
    assert_eq!((jump.connections(), inner.connections()), (2, 2));
}

#[tokio::test]
async fn every_hop_is_proved_and_failures_name_the_right_one() {
    let (jump, inner, way) = behind_a_jump().await;
    inner.changes_key();
    let seen = failure(way.clone()).await;
    assert_eq!(seen.kind(), "host_key_changed");
    assert!(seen.to_string().contains("inner.private"), "{seen}");

    jump.changes_key();
    let seen = failure(way.clone()).await;
    assert_eq!(seen.kind(), "host_key_changed");
    assert!(
        seen.to_string()
            .contains(&format!("[127.0.0.1]:{}", jump.port())),
        "{seen}"
    );

    let (jump, inner, way) = behind_a_jump().await;
    inner.goes_down().await;
    let seen = failure(way.clone()).await;
    assert_eq!(seen.kind(), "unreachable");
    assert!(
        seen.to_string().contains("inner.private") && seen.to_string().contains("jump host"),
        "{seen}"
    );
    inner.comes_back().await;
    inner.goes_silent();
    let seen = failure(SshTarget {
        connect_timeout: Duration::from_secs(2),
        ..way.clone()
    })
    .await;
    assert_eq!(seen.kind(), "silent", "{seen}");
    jump.refuses_keys();
    assert_eq!(failure(way).await.kind(), "login_refused");
}

#[tokio::test]
async fn two_jumps_in_a_row_lead_to_the_third_host() {
    let (first, second, third) = (
        SshHost::start().await,
        SshHost::start().await,
        SshHost::start().await,
    );
    let way = SshTarget {
        jump: vec![target(&first), target(&second)],
        ..target(&third)
    };
    run(&connect(way), echo("x")).await.expect("it answers");
    assert_eq!((first.logins(), second.logins(), third.logins()), (1, 1, 1));
}

#[tokio::test]
async fn a_shown_key_is_enrolled_and_believed_from_then_on() {
    let host = SshHost::start().await;
    let path = host.dir().join("ours");
    let way = SshTarget {
        known_hosts: vec![path.clone()],
        ..target(&host)
    };
    assert_eq!(failure(way.clone()).await.kind(), "host_key_unknown");
    let shown = in_time(engine().offered_key(&way))
        .await
        .expect("it shows its key");
    assert_eq!(
        (shown.algorithm.as_str(), &shown.fingerprint),
        ("ssh-ed25519", &host.fingerprint())
    );
    assert_eq!(shown.line + "\n", host.known_hosts_lines());
    assert_eq!(host.logins(), 0, "nobody logs in for that");

    let shown = in_time(engine().offered_key(&way))
        .await
        .expect("it shows its key");
    let done = enrol(
        &path,
        &way.address,
        way.port,
        &shown,
        Some(&host.fingerprint()),
        false,
    );
    assert_eq!(done.expect("enrolled"), Enrolled::Added);
    run(&connect(way.clone()), echo("x"))
        .await
        .expect("it is believed");

    let new = host.changes_key();
    let shown = in_time(engine().offered_key(&way))
        .await
        .expect("it shows its key");
    let refused = enrol(&path, &way.address, way.port, &shown, Some(&new), false);
    assert!(matches!(refused, Err(EnrolError::Changed { .. })));
    enrol(&path, &way.address, way.port, &shown, Some(&new), true).expect("replaced on request");
    run(&connect(way), echo("x"))
        .await
        .expect("it is believed again");
}

#[tokio::test]
async fn a_key_behind_a_jump_host_is_shown_too_and_only_through_one_that_is_proved() {
    let (jump, inner, way) = behind_a_jump().await;
    let shown = in_time(engine().offered_key(&way))
        .await
        .expect("it shows its key");
    assert_eq!(shown.fingerprint, inner.fingerprint());
    assert!(shown.line.starts_with("[inner.private]:"));
    jump.changes_key();
    let seen = in_time(engine().offered_key(&way))
        .await
        .expect_err("the jump host is another");
    assert_eq!(seen.kind(), "host_key_changed");
}

#[tokio::test]
async fn what_shows_no_key_is_told_as_it_is() {
    let host = SshHost::start().await;
    host.says_instead(b"220 smtp\r\n");
    let seen = in_time(engine().offered_key(&target(&host)))
        .await
        .expect_err("no key");
    assert_eq!(seen.kind(), "closed_early");
    host.goes_down().await;
    let seen = in_time(engine().offered_key(&target(&host)))
        .await
        .expect_err("no key");
    assert_eq!(seen.kind(), "unreachable");
}

#[test]
fn a_key_can_be_enrolled_from_its_public_file_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_, public) = keygen(dir.path(), "host", &["-t", "ed25519", "-N", ""]);
    let key = OfferedKey::from_public_key("web1", 2222, &public).expect("a key");
    assert_eq!(key.line, format!("[web1]:2222 {public}"));
    assert!(OfferedKey::from_public_key("web1", 22, "no key").is_err());
}
