//! The repository with the NixOS configuration, followed by the units of the module on a real host: as locked away as they
//! are, as the accounts that they have, and by the socket of a daemon that decides what these may do.

use serde_json::Value;
use watchkeeper_tests::lab::{Host, Lab};
use watchkeeper_tests::nix::{system, text};
use watchkeeper_tests::nix_host::{
    account, bring, install_program, install_units, quoted, start, watchkeeper,
};

const UNIT: &str = "watchkeeper-repository";

/// Lets the daemon's account, whose repository it is here, run a line in it.
fn in_repository(host: &Host, line: &str) {
    let whole = format!("cd /srv/nixos && {line}");
    let words = ["runuser", "-u", "watchkeeper", "--", "sh", "-c"];
    host.inside(&[words.as_slice(), &[&whole]].concat());
}

fn commit(host: &Host, file: &str, body: &str) {
    in_repository(
        host,
        &format!(
            "printf %s {} >{file} && git add -A && git -c user.name=anna -c user.email=anna@example.org commit -qm change",
            quoted(body)
        ),
    );
}

fn issues(host: &Host) -> Vec<String> {
    let (status, said) = watchkeeper(host, &["issues", "list", "--output", "json"]);
    assert_eq!(status, Some(0), "{said}");
    let issues: Value = serde_json::from_str(&said).expect("issues are JSON");
    let issues = issues.as_array().cloned().unwrap_or_default();
    let titles = issues.iter().filter_map(|issue| issue["title"].as_str());
    // The host of this configuration is nowhere, which is another trouble.
    titles
        .filter(|title| title.contains("repository"))
        .map(str::to_owned)
        .collect()
}

fn followed(name: &str) -> Lab {
    let lab = Lab::up(&[name]);
    let host = &lab.hosts[0];
    let made = system(
        "{ services.watchkeeper = { enable = true; hosts.web1.address = \"127.0.0.1\"; \
         configRepo = \"file:///srv/nixos\"; }; }",
    );
    for program in ["/usr/bin/git", "/usr/bin/jq", "/usr/bin/nix-instantiate"] {
        bring(host, program);
    }
    host.inside(&["ln", "-s", "git", "/usr/bin/git-upload-pack"]);
    let config = toml::to_string(&made["settings"]).expect("it can be written as TOML");
    install_program(host, &config);
    account(
        host,
        text(&made, "/users/watchkeeper/home"),
        "watchkeeper",
        &[],
    );
    account(
        host,
        "/var/empty",
        "watchkeeper-indexer",
        &["-g", "watchkeeper"],
    );
    install_units(host, &made);
    let own = ["-d", "-o", "watchkeeper", "-g", "watchkeeper", "/srv/nixos"];
    host.inside(&[["install"].as_slice(), &own].concat());
    in_repository(host, "git init -q -b main");
    commit(host, "web1.nix", "{ services.nginx.enable = true; }\n");
    start(host, "watchkeeper");
    lab
}

#[test]
fn a_configuration_repository_is_followed_by_its_units_as_locked_away_as_they_are() {
    let lab = followed("repository");
    let host = &lab.hosts[0];
    start(host, UNIT);
    // Its success starts this one, which is waited for here.
    start(host, "watchkeeper-repository-index");
    let (_, found) = watchkeeper(host, &["configs", "search", "nginx"]);
    assert!(found.contains("web1.nix"), "{found}");
    assert_eq!(issues(host), Vec::<String>::new());

    // What cannot be read is one issue, by the daemon's own account; what was read stays.
    commit(host, "web1.nix", "{ services.nginx.enable = ; }\n");
    for _ in 0..2 {
        let failed = host.tries(&["systemctl", "start", UNIT]);
        assert!(!failed.status.success());
    }
    assert_eq!(
        issues(host),
        ["the newest commit of the configuration repository cannot be read as Nix"]
    );
    let kept = host.inside(&["cat", "/var/lib/watchkeeper-repository/kept/web1.nix"]);
    assert_eq!(kept, "{ services.nginx.enable = true; }\n");

    // A secret is named, by the account that reads it.
    let key = "''\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n''\n";
    commit(host, "web1.nix", "{ services.nginx.enable = true; }\n");
    commit(host, "key.nix", key);
    start(host, UNIT);
    start(host, "watchkeeper-repository-index");
    assert_eq!(
        issues(host),
        ["files of the configuration repository are not read"]
    );
}
