//! A trouble on this very machine, with no lab: a certificate that is listed and not there, in a home of its own. A
//! runbook of that home proposes to copy a spare to its place, which mends it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::binary::Home;

/// A home whose certificate is missing, and nothing looked at yet.
///
/// # Panics
/// When the files cannot be made.
#[must_use]
pub fn certificate() -> Home {
    certificate_with("")
}

/// The same with more lines of configuration, which stand first.
///
/// # Panics
/// When the files cannot be made.
#[must_use]
pub fn certificate_with(more: &str) -> Home {
    let home = Home::new();
    let runbooks = home.path().join("runbooks");
    std::fs::create_dir(&runbooks).expect("a directory can be made");
    let (spare, site) = (home.path().join("spare.pem"), site(&home));
    issue(&spare);
    let runbook = format!(
        "name = \"certificate-missing\"\ntitle = \"A certificate is put back\"\nconfidence = \"high\"\n\
         explain = \"{{{{summary}}}}\"\nreason = \"a spare lies beside it\"\n\
         [match]\ncheck = \"certificates\"\ncause = [\"absent\"]\n\
         [[step]]\nkind = \"shell\"\nscript = \"cp {} {}\"\n\
         [verify]\nkind = \"check_passes\"\nsettle_s = 1\n\
         [[example]]\nmatches = true\nsubject = \"/etc/site.pem\"\ncause = \"absent\"\n\
         [[example]]\nmatches = false\nsubject = \"/etc/site.pem\"\ncause = \"expired\"\n",
        spare.display(),
        site.display()
    );
    std::fs::write(runbooks.join("certificate-missing.toml"), runbook)
        .expect("a file can be written");
    let config = format!(
        "{more}\n[watch]\ninterval = \"1h\"\ncertificates = [\"{}\"]\n[runbooks]\ndir = \"{}\"\n\
         [run]\nverify_pause = \"1s\"\n",
        site.display(),
        runbooks.display()
    );
    home.config(&config)
}

/// The same home after a look: action 0 is held.
///
/// # Panics
/// When it is not.
#[must_use]
pub fn certificate_found() -> Home {
    let home = certificate();
    find(&home);
    home
}

/// The same, where the repair stops in its middle until [`goes_on`].
///
/// # Panics
/// When the files cannot be made.
#[must_use]
pub fn certificate_found_and_mended_slowly(more: &str) -> Home {
    let home = certificate_with("");
    let runbook = home.path().join("runbooks/certificate-missing.toml");
    let text = std::fs::read_to_string(&runbook).expect("it is there");
    let waits = format!(
        "script = \"echo half; while [ ! -e {} ]; do sleep 0.1; done; echo whole; cp ",
        home.path().join("go").display()
    );
    std::fs::write(&runbook, text.replace("script = \"cp ", &waits))
        .expect("a file can be written");
    let config = home.path().join(".config/watchkeeper/config.toml");
    let text = std::fs::read_to_string(&config).expect("it is there");
    std::fs::write(&config, text + more).expect("a file can be written");
    find(&home);
    home
}

/// Lets that repair go on.
///
/// # Panics
/// When no file can be made.
pub fn goes_on(home: &Home) {
    std::fs::write(home.path().join("go"), "").expect("a file can be written");
}

/// Looks, and has action 0 proposed.
///
/// # Panics
/// When it is not.
pub fn find(home: &Home) {
    home.run(&["check"]).ended_with(&[1, 2]);
    let actions = home.json(&["approve", "list"], &[0]);
    assert_eq!(actions[0]["state"], "held", "{actions:#}");
}

/// Where the certificate belongs.
#[must_use]
pub fn site(home: &Home) -> PathBuf {
    home.path().join("site.pem")
}

/// The line of a report about the certificate.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn line(report: &Value) -> Value {
    let lines = report["hosts"][0]["results"].as_array().cloned();
    let mut lines = lines.unwrap_or_default().into_iter();
    lines
        .find(|line| line["check"] == "certificates")
        .expect("the certificate is checked")
}

/// Issues a certificate that is good for a year.
#[expect(
    clippy::disallowed_methods,
    reason = "a certificate is made by another program than ours"
)]
fn issue(path: &std::path::Path) {
    let made = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365",
        ])
        .args(["-subj", "/CN=site", "-keyout", "/dev/null", "-out"])
        .arg(path)
        .output()
        .expect("openssl: run tests/install");
    assert!(made.status.success(), "{made:?}");
}
