//! Why a connection does not come about: each cause has its own word, from every engine.

use std::time::Duration;

use watchkeeper_fleet::{RemoteCommand, SshTarget};
use watchkeeper_model::LookFailure;
use watchkeeper_testkit::sshd::{Sshd, SshdOptions};

use crate::subject::{MakeEngine, target};

async fn failure(
    engine: MakeEngine,
    change: impl FnOnce(&mut SshTarget),
    sshd: &Sshd,
) -> LookFailure {
    let mut target = target(sshd);
    target.connect_timeout = Duration::from_secs(2);
    change(&mut target);
    let connection = engine(target, sshd.dir());
    let failure = connection
        .run(RemoteCommand::new("true"))
        .await
        .expect_err("no connection");
    connection.close().await;
    failure
}

fn server() -> Sshd {
    Sshd::start(&SshdOptions::default())
}

pub(crate) async fn an_unknown_host_key_is_refused_with_its_fingerprint(engine: MakeEngine) {
    let sshd = server();
    let empty = sshd.dir().join("empty");
    let failure = failure(engine, |target| target.known_hosts = vec![empty], &sshd).await;
    let LookFailure::HostKeyUnknown { host, fingerprint } = failure else {
        panic!("{failure}")
    };
    assert_eq!(host, format!("[127.0.0.1]:{}", sshd.port()));
    assert!(
        fingerprint.starts_with("SHA256:") && fingerprint.len() > 40,
        "{fingerprint}"
    );
}

pub(crate) async fn a_changed_host_key_blocks(engine: MakeEngine) {
    let sshd = server();
    sshd.forge_known_hosts();
    let failure = failure(engine, |_| {}, &sshd).await;
    assert!(failure.blocks_host(), "{failure}");
}

pub(crate) async fn a_server_that_takes_passwords_only_is_told(engine: MakeEngine) {
    let sshd = Sshd::start(&SshdOptions {
        passwords_only: true,
        ..SshdOptions::default()
    });
    assert_eq!(failure(engine, |_| {}, &sshd).await.kind(), "password_only");
}

pub(crate) async fn a_key_that_is_not_let_in_is_a_refused_login(engine: MakeEngine) {
    let sshd = server();
    let other = sshd.dir().join("host_key");
    let failure = failure(engine, |target| target.identity_files = vec![other], &sshd).await;
    assert_eq!(failure.kind(), "login_refused", "{failure}");
}

pub(crate) async fn a_key_file_that_is_not_there_is_an_unusable_key(engine: MakeEngine) {
    let sshd = server();
    let none = sshd.dir().join("no-such-key");
    let failure = failure(engine, |target| target.identity_files = vec![none], &sshd).await;
    assert_eq!(failure.kind(), "key_unusable", "{failure}");
}

pub(crate) async fn a_closed_port_is_unreachable(engine: MakeEngine) {
    let sshd = server();
    let failure = failure(engine, |target| target.port = 1, &sshd).await;
    assert_eq!(failure.kind(), "unreachable", "{failure}");
}

pub(crate) async fn a_name_without_an_address_is_told(engine: MakeEngine) {
    let sshd = server();
    let failure = failure(
        engine,
        |target| target.address = "no-such-host.invalid".to_owned(),
        &sshd,
    )
    .await;
    assert_eq!(failure.kind(), "name_not_resolved", "{failure}");
}

pub(crate) async fn a_server_that_says_nothing_is_silent(engine: MakeEngine) {
    let sshd = server();
    sshd.freeze();
    assert_eq!(failure(engine, |_| {}, &sshd).await.kind(), "silent");
}

pub(crate) async fn a_failure_at_a_jump_host_is_that_hosts(engine: MakeEngine) {
    let sshd = server();
    let mut hop = target(&sshd);
    hop.known_hosts = vec![sshd.dir().join("empty")];
    let failure = failure(engine, |target| target.jump = vec![hop], &sshd).await;
    assert_eq!(failure.kind(), "host_key_unknown", "{failure}");
}
