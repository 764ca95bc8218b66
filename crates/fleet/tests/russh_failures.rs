//! Every way in which a host cannot be reached or logged in to has its own word.

mod russh_support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use russh_support::*;
use watchkeeper_fleet::{Connection as _, SshTarget};
use watchkeeper_model::LookFailure;
use watchkeeper_testkit::ssh_host::{HostKeyKind, SshHost};

const SHORT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    let host = SshHost::start().await;
    for address in [
        "no-such-host.invalid",
        "-oProxyCommand=touch x",
        "a b\u{1b}[2J",
        "$(id)",
        "",
    ] {
        let seen = failure(SshTarget {
            address: address.to_owned(),
            ..target(&host)
        })
        .await;
        assert_eq!(seen.kind(), "name_not_resolved", "{address:?}: {seen}");
        assert!(!seen.to_string().contains('\u{1b}'), "{seen}");
    }
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let host = SshHost::start().await;
    host.goes_down().await;
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "unreachable");
    assert!(seen.to_string().contains("refused"), "{seen}");
}

#[tokio::test]
async fn a_host_that_swallows_packets_is_unreachable_after_the_timeout() {
    let host = SshHost::start().await;
    // A backlog of one that nobody takes from: the kernel drops what comes after it.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let full = socket.listen(1).expect("a listener");
    let address = full.local_addr().expect("an address");
    let mut fill = Vec::new();
    for _ in 0..4 {
        let connecting = tokio::net::TcpStream::connect(address);
        fill.push(tokio::time::timeout(Duration::from_millis(200), connecting).await);
    }
    let port = address.port();
    let seen = failure(SshTarget {
        port,
        connect_timeout: SHORT,
        ..target(&host)
    })
    .await;
    assert_eq!(seen.kind(), "unreachable", "{seen}");
    assert!(
        seen.to_string().contains("nothing came back in 500 ms"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_host_that_accepts_and_says_nothing_is_silent() {
    let host = SshHost::start().await;
    host.goes_silent();
    let address = format!("127.0.0.1:{}", host.port());
    let seen = failure(SshTarget {
        connect_timeout: SHORT,
        ..target(&host)
    })
    .await;
    assert_eq!(
        seen,
        LookFailure::Silent {
            address,
            waited_ms: 500
        }
    );
}

#[tokio::test]
async fn a_banner_that_comes_late_but_in_time_is_waited_for() {
    let host = SshHost::start().await;
    host.greets_after(Duration::from_millis(300));
    let output = run(&connect(target(&host)), echo("hello"))
        .await
        .expect("it answers");
    assert_eq!(output.stdout, b"hello\n");
}

#[tokio::test]
async fn a_login_that_is_never_answered_is_silence_too() {
    let host = SshHost::start().await;
    host.never_answers_logins();
    let seen = failure(SshTarget {
        connect_timeout: Duration::from_secs(2),
        ..target(&host)
    })
    .await;
    assert_eq!(seen.kind(), "silent", "{seen}");
}

#[tokio::test]
async fn a_connection_closed_before_the_banner_is_closed_early() {
    let host = SshHost::start().await;
    host.closes_at_once();
    assert_eq!(failure(target(&host)).await.kind(), "closed_early");
    host.says_instead(b"Exceeded MaxStartups\r\n");
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "closed_early");
    assert!(seen.to_string().contains("Exceeded MaxStartups"), "{seen}");
}

#[tokio::test]
async fn what_does_not_speak_ssh_is_closed_early_and_quoted_harmlessly() {
    let host = SshHost::start().await;
    host.says_instead(b"HTTP/1.1 400 Bad\x1b[2J Request\r\n\r\n");
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "closed_early");
    assert!(
        seen.to_string()
            .contains("HTTP/1.1 400 Bad\\u{1b}[2J Request"),
        "{seen}"
    );
    host.says_instead(&vec![b'x'; 100_000]);
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "closed_early");
    assert!(seen.to_string().len() < 400, "{seen}");
}

#[tokio::test]
async fn an_unknown_key_is_refused_and_nothing_is_learned() {
    let host = SshHost::start().await;
    let empty = host.dir().join("empty");
    let unknown = SshTarget {
        known_hosts: vec![empty.clone()],
        ..target(&host)
    };
    let seen = failure(unknown.clone()).await;
    let expect = LookFailure::HostKeyUnknown {
        host: format!("[127.0.0.1]:{}", host.port()),
        fingerprint: host.fingerprint(),
    };
    assert_eq!(seen, expect);
    assert_eq!(failure(unknown).await, expect);
    assert!(!empty.exists());
    assert_eq!(host.logins(), 0);
}

#[tokio::test]
async fn a_changed_key_blocks_the_host() {
    let host = SshHost::start().await;
    let known = host.fingerprint();
    let offered = host.changes_key();
    let seen = failure(target(&host)).await;
    let name = format!("[127.0.0.1]:{}", host.port());
    assert_eq!(
        seen,
        LookFailure::HostKeyChanged {
            host: name,
            known,
            offered
        }
    );
    assert!(seen.blocks_host());
    assert_eq!((host.logins(), host.commands()), (0, 0));
}

#[tokio::test]
async fn a_key_of_another_algorithm_is_a_changed_key_and_not_an_unknown_one() {
    let host = SshHost::start().await;
    let offered = host.changes_key_to(HostKeyKind::Ecdsa);
    let seen = failure(target(&host)).await;
    assert!(
        matches!(&seen, LookFailure::HostKeyChanged { offered: o, .. } if *o == offered),
        "{seen}"
    );
    assert_eq!(host.logins(), 0);
}

#[tokio::test]
async fn a_key_that_changes_while_the_connection_is_kept_blocks_the_next_one() {
    let host = SshHost::start().await;
    let connection = connect(target(&host));
    run(&connection, echo("x")).await.expect("it answers");
    host.changes_key();
    run(&connection, echo("x"))
        .await
        .expect("the kept connection is still good");
    host.cuts_connections();
    let seen = run(&connection, echo("x"))
        .await
        .expect_err("it is blocked");
    assert_eq!(seen.kind(), "host_key_changed");
}

#[tokio::test]
async fn a_host_with_two_keys_is_asked_for_the_one_that_is_known() {
    for kinds in [
        [HostKeyKind::Ed25519, HostKeyKind::Ecdsa],
        [HostKeyKind::Ed25519, HostKeyKind::Rsa],
    ] {
        let host = SshHost::builder()
            .host_key(kinds[0])
            .host_key(kinds[1])
            .start()
            .await;
        let second = host
            .known_hosts_lines()
            .lines()
            .nth(1)
            .expect("two lines")
            .to_owned();
        std::fs::write(host.known_hosts(), second).expect("written");
        run(&connect(target(&host)), echo("x"))
            .await
            .expect("its second key is known");
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_also_when_a_line_grants_it() {
    let host = SshHost::start().await;
    let revoked = format!("@revoked * {}\n", host.public_keys()[0]);
    std::fs::write(host.known_hosts(), host.known_hosts_lines() + &revoked).expect("written");
    let seen = failure(target(&host)).await;
    assert_eq!(seen.kind(), "host_key_revoked");
    assert!(seen.blocks_host());
}

#[tokio::test]
async fn a_file_of_known_hosts_is_read_again_when_it_changes() {
    let host = SshHost::start().await;
    let path = host.dir().join("later");
    let connection = connect(SshTarget {
        known_hosts: vec![path.clone()],
        ..target(&host)
    });
    let seen = run(&connection, echo("x"))
        .await
        .expect_err("it is unknown");
    assert_eq!(seen.kind(), "host_key_unknown");
    std::fs::write(&path, host.known_hosts_lines()).expect("written");
    run(&connection, echo("x")).await.expect("now it is known");
}

#[tokio::test]
async fn a_certificate_of_a_known_authority_is_enough_and_one_out_of_time_is_not() {
    let host = SshHost::start().await;
    let authority =
        russh::keys::PrivateKey::random(&mut rand::rng(), russh::keys::Algorithm::Ed25519)
            .expect("a key");
    let line = format!(
        "@cert-authority 127.0.0.* {}\n",
        authority.public_key().to_openssh().expect("a line")
    );
    std::fs::write(host.known_hosts(), line).expect("written");
    let noon = 1_781_524_800;
    host.is_certified_by(&authority, &["127.0.0.1"], noon - 60, noon + 60);
    run(&connect(target(&host)), echo("x"))
        .await
        .expect("an authority vouches for it");
    host.is_certified_by(&authority, &["127.0.0.1"], noon - 60, noon - 30);
    assert_eq!(failure(target(&host)).await.kind(), "host_key_unknown");
    host.is_certified_by(&authority, &["web1"], noon - 60, noon + 60);
    assert_eq!(failure(target(&host)).await.kind(), "host_key_unknown");
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_a_refused_login() {
    let host = SshHost::start().await;
    host.refuses_keys();
    let seen = failure(target(&host)).await;
    let expect = LookFailure::LoginRefused {
        login: "ops".to_owned(),
        methods: "publickey".to_owned(),
    };
    assert_eq!(seen, expect);
    host.answers_again();
    let seen = failure(SshTarget {
        login: "mallory".to_owned(),
        ..target(&host)
    })
    .await;
    assert_eq!(seen.kind(), "login_refused");
}

#[tokio::test]
async fn a_server_that_takes_passwords_only_is_told_from_one_that_refuses_us() {
    let host = SshHost::start().await;
    host.takes_passwords_only();
    let expect = LookFailure::PasswordOnly {
        login: "ops".to_owned(),
    };
    assert_eq!(failure(target(&host)).await, expect);
    let without = SshTarget {
        identity_files: Vec::new(),
        ..target(&host)
    };
    assert_eq!(failure(without).await, expect);
}

#[tokio::test]
async fn a_key_file_that_cannot_be_used_says_what_is_wrong_with_it() {
    let host = SshHost::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, bytes: &[u8], mode: u32| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("ours");
        path
    };
    let good = std::fs::read(host.client_key()).expect("a key");
    let (encrypted, _) = keygen(
        dir.path(),
        "encrypted",
        &["-t", "ed25519", "-N", "secret", "-a", "1"],
    );
    for (path, words) in [
        (dir.path().join("absent"), "not there"),
        (dir.path().to_owned(), "not a file"),
        (write("open", &good, 0o640), "mode 0640"),
        (write("garbage", b"no key", 0o600), "not a private key"),
        (
            write("cut", &good[..good.len() / 2], 0o600),
            "not a private key",
        ),
        (write("binary", &[0xff; 100], 0o600), ""),
        (write("large", &vec![b'x'; 100_000], 0o600), "too large"),
        (encrypted, "no passphrase_file"),
    ] {
        let seen = failure(SshTarget {
            identity_files: vec![path.clone()],
            ..target(&host)
        })
        .await;
        let LookFailure::KeyUnusable { path: told, detail } = &seen else {
            panic!("{path:?}: {seen}")
        };
        assert!(detail.contains(words), "{path:?}: {detail}");
        assert_eq!(*told, path.display().to_string());
    }
    let none = failure(SshTarget {
        identity_files: Vec::new(),
        ..target(&host)
    })
    .await;
    assert_eq!(none.kind(), "key_unusable");
}

#[tokio::test]
async fn an_absent_key_is_passed_over_where_another_works() {
    let host = SshHost::start().await;
    let identity_files = vec![host.dir().join("absent"), host.client_key()];
    run(
        &connect(SshTarget {
            identity_files,
            ..target(&host)
        }),
        echo("x"),
    )
    .await
    .expect("the second works");
}

#[tokio::test]
async fn a_changed_key_is_told_also_where_our_own_key_is_unusable() {
    let host = SshHost::start().await;
    host.changes_key();
    let seen = failure(SshTarget {
        identity_files: Vec::new(),
        ..target(&host)
    })
    .await;
    assert_eq!(seen.kind(), "host_key_changed");
}

#[tokio::test]
async fn many_who_wait_for_one_dial_share_its_failure() {
    let host = SshHost::start().await;
    host.goes_silent();
    let connection = connect(SshTarget {
        connect_timeout: SHORT,
        ..target(&host)
    });
    let all = (0..20).map(|_| connection.run(echo("x")));
    let seen = in_time(futures::future::join_all(all)).await;
    assert!(
        seen.iter()
            .all(|result| matches!(result, Err(LookFailure::Silent { .. }))),
        "{seen:?}"
    );
    assert_eq!(host.connections(), 1);
}
