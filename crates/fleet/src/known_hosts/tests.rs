//! Judgements by table: each hole that a check of host keys can have is a test by name.

use std::path::Path;

use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, Certificate, EcdsaCurve, PrivateKey, PublicKey};
use watchkeeper_model::Timestamp;

use super::*;

const NOON: u64 = 1_781_524_800;

fn now() -> Timestamp {
    Timestamp::from_millis(i64::try_from(NOON).expect("small") * 1_000)
}

fn ed25519() -> PrivateKey {
    PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).expect("a key")
}

fn ecdsa() -> PrivateKey {
    let curve = EcdsaCurve::NistP256;
    PrivateKey::random(&mut rand::rng(), Algorithm::Ecdsa { curve }).expect("a key")
}

fn public(key: &PrivateKey) -> PublicKey {
    PublicKey::new(key.public_key().key_data().clone(), "")
}

fn text(key: &PrivateKey) -> String {
    public(key).to_openssh().expect("a line")
}

fn known(lines: &[String]) -> KnownHosts {
    let mut known = KnownHosts::default();
    known.add(Path::new("known_hosts"), lines.join("\n").as_bytes());
    known
}

fn word(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Known { .. } => "known",
        Judgement::Certified { .. } => "certified",
        Judgement::Unknown { .. } => "unknown",
        Judgement::Changed { .. } => "changed",
        Judgement::Revoked { .. } => "revoked",
    }
}

/// What is thought of `key` for `host:port`, when these are the lines.
fn check(lines: &[String], host: &str, port: u16, key: &PrivateKey, expect: &str) {
    let judgement = judge(&known(lines), host, port, Offered::Key(&public(key)), now());
    assert_eq!(
        word(&judgement),
        expect,
        "{host}:{port} {lines:?}: {judgement:?}"
    );
}

#[test]
fn a_known_key_is_known_and_nothing_else_is() {
    let (a, b) = (ed25519(), ed25519());
    let lines = [format!("web1,10.0.0.1 {} ops@desk", text(&a))];
    check(&lines, "web1", 22, &a, "known");
    check(&lines, "WEB1", 22, &a, "known");
    check(&lines, "10.0.0.1", 22, &a, "known");
    check(&lines, "web2", 22, &a, "unknown");
    check(&lines, "web1", 22, &b, "changed");
    check(&[], "web1", 22, &a, "unknown");
}

#[test]
fn a_key_of_another_algorithm_is_a_changed_key() {
    let (known_key, shown) = (ed25519(), ecdsa());
    check(
        &[format!("web1 {}", text(&known_key))],
        "web1",
        22,
        &shown,
        "changed",
    );
    check(
        &[format!("web1 {}", text(&shown))],
        "web1",
        22,
        &known_key,
        "changed",
    );
    let both = [
        format!("web1 {}", text(&known_key)),
        format!("web1 {}", text(&shown)),
    ];
    check(&both, "web1", 22, &shown, "known");
}

#[test]
fn a_revoked_key_is_revoked_whatever_else_grants_it() {
    let key = ed25519();
    let grant = format!("web1 {}", text(&key));
    let revoke = |names: &str| format!("@revoked {names} {}", text(&key));
    check(
        &[grant.clone(), revoke("web1")],
        "web1",
        22,
        &key,
        "revoked",
    );
    check(&[revoke("*"), grant.clone()], "web1", 22, &key, "revoked");
    check(&[revoke("web1")], "web1", 2222, &key, "revoked");
    check(&[grant, revoke("web2")], "web1", 22, &key, "known");
}

#[test]
fn an_authority_grants_no_plain_key_not_even_its_own() {
    let authority = ed25519();
    let lines = [format!("@cert-authority * {}", text(&authority))];
    check(&lines, "web1", 22, &authority, "unknown");
    check(&lines, "web1", 22, &ed25519(), "unknown");
}

#[test]
fn a_port_has_its_own_keys_and_falls_back_only_on_the_very_key() {
    let (a, b) = (ed25519(), ed25519());
    let lines = [format!("[web1]:2222 {}", text(&a))];
    check(&lines, "web1", 2222, &a, "known");
    check(&lines, "web1", 22, &a, "unknown");
    check(&lines, "web1", 2223, &a, "unknown");
    check(&lines, "web1", 2222, &b, "changed");
    let portless = [format!("web1 {}", text(&a))];
    check(&portless, "web1", 2222, &a, "known");
    check(&portless, "web1", 2222, &b, "unknown");
    let both = [
        format!("web1 {}", text(&a)),
        format!("[web1]:2222 {}", text(&b)),
    ];
    check(&both, "web1", 2222, &a, "changed");
}

#[test]
fn wildcards_and_negation_are_understood() {
    let key = ed25519();
    let lines = [format!("*.lan,!guest.lan {}", text(&key))];
    check(&lines, "web1.lan", 22, &key, "known");
    check(&lines, "guest.lan", 22, &key, "unknown");
    check(&lines, "web1.lan", 22, &ed25519(), "changed");
}

#[test]
fn a_line_that_cannot_be_read_grants_nothing_and_is_reported_with_its_place() {
    let key = ed25519();
    let good = text(&key);
    let (kind, encoded) = good.split_once(' ').expect("two words");
    let broken = [
        format!("web1 {kind} {}", &encoded[..encoded.len() - 6]),
        format!("web1 ssh-rsa {encoded}"),
        format!("web1 {kind}"),
        "web1".to_owned(),
        format!("@unknown-marker web1 {good}"),
        format!("@revoked\u{a0}web1 {good}"),
        format!("a,,web1 {good}"),
        format!("|1|short|hash {good}"),
    ];
    for line in &broken {
        let lines = ["# a comment".to_owned(), String::new(), line.clone()];
        check(&lines, "web1", 22, &key, "unknown");
        let known = known(&lines);
        assert_eq!(known.broken().len(), 1, "{line}");
        assert_eq!(known.broken()[0].place.line, 3, "{line}");
        assert!(
            known.broken()[0].to_string().starts_with("known_hosts:3: "),
            "{line}"
        );
    }
    let mut known = KnownHosts::default();
    known.add(Path::new("k"), b"web1 \xff\xfe\n");
    assert_eq!(known.broken().len(), 1);
}

#[test]
fn a_broken_line_does_not_hide_those_around_it() {
    let key = ed25519();
    let lines = [
        "web1 broken".to_owned(),
        format!("web1 {}\r", text(&key)),
        "@x".to_owned(),
    ];
    check(&lines, "web1", 22, &key, "known");
}

#[test]
fn several_files_are_one_list_and_an_absent_one_is_empty() {
    let dir = tempfile::tempdir().expect("a directory");
    let (key, other) = (ed25519(), ed25519());
    let files = ["a", "b", "absent"].map(|name| dir.path().join(name));
    std::fs::write(&files[0], format!("web1 {}\n", text(&key))).expect("written");
    std::fs::write(
        &files[1],
        format!("web1 {}\n@revoked * {}", text(&other), text(&key)),
    )
    .expect("written");
    let known = KnownHosts::read(&files).expect("they can be read");
    let judge_it = |key: &PrivateKey| judge(&known, "web1", 22, Offered::Key(&public(key)), now());
    assert!(
        matches!(judge_it(&key), Judgement::Revoked { at, .. } if at.file == files[1] && at.line == 2)
    );
    assert!(matches!(judge_it(&other), Judgement::Known { .. }));
}

/// A host's certificate for these names, valid from NOON - 10 to NOON + 10, changed by `change`.
fn certificate(
    host: &PrivateKey,
    authority: &PrivateKey,
    change: impl FnOnce(&mut Builder),
) -> Certificate {
    let key = host.public_key().key_data().clone();
    let mut builder = Builder::new_with_random_nonce(&mut rand::rng(), key, NOON - 10, NOON + 10)
        .expect("a time");
    change(&mut builder);
    builder.sign(authority).expect("a certificate")
}

fn hosts(builder: &mut Builder, name: &str) {
    builder.cert_type(CertType::Host).expect("a kind");
    builder.valid_principal(name).expect("a name");
}

fn check_certificate(
    lines: &[String],
    host: &str,
    port: u16,
    certificate: &Certificate,
    at: u64,
    expect: Result<(), CertificateRefused>,
) {
    let at = Timestamp::from_millis(i64::try_from(at).expect("small") * 1_000);
    let judgement = judge(
        &known(lines),
        host,
        port,
        Offered::Certificate(certificate),
        at,
    );
    let found = match judgement {
        Judgement::Certified { .. } => Ok(()),
        Judgement::Unknown {
            certificate: Some(why),
            ..
        } => Err(why),
        other => panic!("{other:?}"),
    };
    assert_eq!(found, expect, "{host}:{port} at {at}");
}

#[test]
fn a_certificate_counts_for_its_authority_its_name_and_its_time_only() {
    use CertificateRefused as No;
    let (host, authority, other) = (ed25519(), ed25519(), ed25519());
    let lines = [format!("@cert-authority *.lan {}", text(&authority))];
    let good = certificate(&host, &authority, |b| hosts(b, "web1.lan"));
    check_certificate(&lines, "web1.lan", 22, &good, NOON, Ok(()));
    check_certificate(&lines, "WEB1.lan", 2222, &good, NOON, Ok(()));
    check_certificate(&lines, "web2.lan", 22, &good, NOON, Err(No::OtherName));
    check_certificate(&lines, "web1.net", 22, &good, NOON, Err(No::NoAuthority));
    check_certificate(&lines, "web1.lan", 22, &good, NOON - 11, Err(No::OtherTime));
    check_certificate(&lines, "web1.lan", 22, &good, NOON + 10, Err(No::OtherTime));
    let forged = certificate(&host, &other, |b| hosts(b, "web1.lan"));
    check_certificate(&lines, "web1.lan", 22, &forged, NOON, Err(No::NoAuthority));
}

#[test]
fn a_users_certificate_one_for_all_names_and_one_with_conditions_do_not_count() {
    use CertificateRefused as No;
    let (host, authority) = (ed25519(), ed25519());
    let lines = [format!("@cert-authority * {}", text(&authority))];
    let users = certificate(&host, &authority, |b| {
        b.cert_type(CertType::User).expect("a kind");
        b.valid_principal("web1").expect("a name");
    });
    check_certificate(&lines, "web1", 22, &users, NOON, Err(No::NotAHosts));
    let golden = certificate(&host, &authority, |b| {
        b.cert_type(CertType::Host).expect("a kind");
        b.all_principals_valid().expect("for all");
    });
    check_certificate(&lines, "web1", 22, &golden, NOON, Err(No::OtherName));
    let pattern = certificate(&host, &authority, |b| hosts(b, "*"));
    check_certificate(&lines, "web1", 22, &pattern, NOON, Err(No::OtherName));
    let critical = certificate(&host, &authority, |b| {
        hosts(b, "web1");
        b.critical_option("unheard-of", "x").expect("an option");
    });
    check_certificate(&lines, "web1", 22, &critical, NOON, Err(No::CriticalOption));
}

#[test]
fn a_certificate_whose_content_was_changed_does_not_count() {
    let (host, authority) = (ed25519(), ed25519());
    let lines = [format!("@cert-authority * {}", text(&authority))];
    let good = certificate(&host, &authority, |b| hosts(b, "web1"));
    let mut bytes = good.to_bytes().expect("bytes");
    let at = bytes
        .windows(4)
        .position(|w| w == b"web1")
        .expect("the name is in it");
    bytes[at + 3] = b'2';
    let changed = Certificate::from_bytes(&bytes).expect("still a certificate");
    check_certificate(
        &lines,
        "web2",
        22,
        &changed,
        NOON,
        Err(CertificateRefused::BadSignature),
    );
}

#[test]
fn a_certificate_that_does_not_count_is_judged_as_the_key_in_it() {
    let (host, authority, other) = (ed25519(), ed25519(), ed25519());
    let late = certificate(&host, &authority, |b| hosts(b, "web1"));
    let judged = |lines: &[String]| {
        let later = Timestamp::from_millis(i64::try_from(NOON + 99).expect("small") * 1_000);
        word(&judge(
            &known(lines),
            "web1",
            22,
            Offered::Certificate(&late),
            later,
        ))
    };
    let authority_line = format!("@cert-authority * {}", text(&authority));
    assert_eq!(judged(std::slice::from_ref(&authority_line)), "unknown");
    assert_eq!(
        judged(&[authority_line.clone(), format!("web1 {}", text(&host))]),
        "known"
    );
    assert_eq!(
        judged(&[authority_line, format!("web1 {}", text(&other))]),
        "changed"
    );
}

#[test]
fn a_revoked_authority_and_a_revoked_key_void_a_certificate() {
    let (host, authority) = (ed25519(), ed25519());
    let good = certificate(&host, &authority, |b| hosts(b, "web1"));
    for revoked in [&host, &authority] {
        let lines = [
            format!("@cert-authority * {}", text(&authority)),
            format!("@revoked * {}", text(revoked)),
        ];
        let judgement = judge(
            &known(&lines),
            "web1",
            22,
            Offered::Certificate(&good),
            now(),
        );
        assert_eq!(word(&judgement), "revoked");
    }
}

#[test]
fn known_algorithms_are_those_of_plain_lines_for_the_name() {
    let (a, b) = (ed25519(), ecdsa());
    let known = known(&[
        format!("web1 {}", text(&b)),
        format!("web1 {}", text(&a)),
        format!("@revoked web1 {}", text(&a)),
        format!("web2 {}", text(&a)),
    ]);
    assert_eq!(known.algorithms("web1"), [b.algorithm(), a.algorithm()]);
    assert!(!known.has_authority("web1"));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the real ssh-keygen is the measure"
)]
fn names_are_found_exactly_where_ssh_keygen_finds_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("known_hosts");
    let key = text(&ed25519());
    let plain = format!(
        "web1,10.0.0.1 {key}\n[web2]:2222 {key}\n*.lan,!guest.lan {key}\nweb? {key}\nUPPER {key}\n[*.wan]:22?2 {key}\n"
    );
    std::fs::write(&path, &plain).expect("written");
    let names = [
        "web1",
        "web2",
        "web3",
        "web33",
        "10.0.0.1",
        "10.0.0.10",
        "[web2]:2222",
        "[web2]:2223",
        "a.lan",
        "guest.lan",
        "lan",
        "upper",
        "[a.wan]:2222",
        "[a.wan]:2322",
        "[a.wan]:222",
        "*",
        "*.lan",
        "we*",
    ];
    for hashed in [false, true] {
        if hashed {
            let done = std::process::Command::new("ssh-keygen")
                .arg("-H")
                .arg("-f")
                .arg(&path)
                .output();
            assert!(
                done.expect("ssh-keygen is there: run tests/install")
                    .status
                    .success()
            );
            assert!(
                std::fs::read_to_string(&path)
                    .expect("text")
                    .contains("|1|")
            );
        }
        let known = KnownHosts::read(std::slice::from_ref(&path)).expect("it can be read");
        for name in names {
            let found = std::process::Command::new("ssh-keygen")
                .args(["-F", name, "-f"])
                .arg(&path)
                .output();
            let theirs = found
                .expect("ssh-keygen is there: run tests/install")
                .status
                .success();
            let ours = known.about(name, Marker::Plain).next().is_some();
            assert_eq!(ours, theirs, "{name}, hashed: {hashed}");
        }
    }
}
