//! The russh engine against a real OpenSSH server, where only the real one is the measure.

mod russh_support;

use russh_support::*;
use watchkeeper_fleet::{Connection as _, SESSIONS_PER_CONNECTION, SshTarget};
use watchkeeper_testkit::sshd::{Sshd, SshdOptions};

fn with(more: &str) -> Sshd {
    Sshd::start(&SshdOptions {
        more: more.to_owned(),
        ..SshdOptions::default()
    })
}

#[tokio::test]
async fn a_server_that_allows_fewer_sessions_than_we_want_makes_us_wait() {
    let sshd = with("Match all\nMaxSessions 2\n");
    let connection = connect(way(&sshd));
    let all = (0..SESSIONS_PER_CONNECTION * 2).map(|_| connection.run(echo("x")));
    for output in in_time(futures::future::join_all(all)).await {
        assert_eq!(output.expect("it waited its turn").stdout, b"x\n");
    }
}

#[tokio::test]
async fn a_certificate_that_ssh_keygen_made_is_believed() {
    let sshd = Sshd::start(&SshdOptions::default());
    let (authority, line) = keygen(sshd.dir(), "authority", &["-t", "ed25519", "-N", ""]);
    sign(
        &["-h", "-n", "127.0.0.1", "-V", "20260101:20270101"],
        &authority,
        &sshd.dir().join("host_key.pub"),
    );
    let certificate = sshd.dir().join("host_key-cert.pub");
    std::fs::copy(sshd.dir().join("host_key"), sshd.dir().join("copy")).expect("copied");
    let certified = with(&format!(
        "HostKey {}\nHostCertificate {}\n",
        sshd.dir().join("copy").display(),
        certificate.display()
    ));
    let known = sshd.dir().join("authorities");
    std::fs::write(&known, format!("@cert-authority 127.0.0.1 {line}\n")).expect("written");
    let target = SshTarget {
        known_hosts: vec![known],
        ..way(&certified)
    };
    run(&connect(target), echo("x"))
        .await
        .expect("an authority vouches for it");
}

#[tokio::test]
async fn a_users_certificate_beside_the_key_logs_in() {
    let dir = tempfile::tempdir().expect("a directory");
    let (authority, _) = keygen(dir.path(), "authority", &["-t", "ed25519", "-N", ""]);
    let sshd = with(&format!("TrustedUserCAKeys {}.pub\n", authority.display()));
    let (key, _) = keygen(dir.path(), "mine", &["-t", "ed25519", "-N", ""]);
    let target = SshTarget {
        identity_files: vec![key.clone()],
        ..way(&sshd)
    };
    assert_eq!(failure(target.clone()).await.kind(), "login_refused");
    sign(
        &["-n", sshd.login()],
        &authority,
        &key.with_extension("pub"),
    );
    run(&connect(target), echo("x"))
        .await
        .expect("the certificate lets it in");
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates as people have them come from ssh-keygen"
)]
fn sign(args: &[&str], authority: &std::path::Path, public: &std::path::Path) {
    let done = std::process::Command::new("ssh-keygen")
        .args(["-q", "-I", "test"])
        .args(args)
        .arg("-s")
        .arg(authority)
        .arg(public)
        .status()
        .expect("ssh-keygen is there: run tests/install");
    assert!(done.success());
}
