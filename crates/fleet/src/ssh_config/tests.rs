//! Over files in a temporary home, by `ssh -G` and by our own reading: both must say the same.

use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary directory"));
        home.write("config", config);
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.path().join(".ssh").join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, text).expect("a file");
    }

    /// By `ssh -G`, and without it.
    fn both(&self) -> [SshConfig; 2] {
        let config = || {
            SshConfig::new(
                self.path().to_owned(),
                Some(self.path().join(".ssh/config")),
            )
        };
        [config(), config().with_program("/nonexistent/ssh".into())]
    }
}

fn names(imported: &ImportedHosts) -> Vec<&str> {
    imported
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect()
}

#[test]
fn only_concrete_names_are_hosts_and_includes_are_followed() {
    let home = Home::new(
        "Host *\n  User ops\nHost web1 web2 !web3 web*\nInclude conf.d/*.conf nothing\nhost web1\n",
    );
    home.write("conf.d/b.conf", "Host=db1");
    home.write("conf.d/a.conf", "Include ~/.ssh/config\nHost \"app1\"");
    let [config, _] = home.both();
    assert_eq!(names(&config.hosts()), ["web1", "web2", "app1", "db1"]);
}

#[test]
fn hostile_names_are_left_out_and_lose_no_other() {
    let home = Home::new("Host good -oProxyCommand=id \"a b\" a;id $(id) local also-good\n");
    let [config, _] = home.both();
    let imported = config.hosts();
    assert_eq!(names(&imported), ["good", "also-good"]);
    assert_eq!(imported.refused.len(), 5, "{imported:?}");
}

#[tokio::test]
async fn ssh_and_our_own_reading_agree_on_the_plain_keys() {
    // For `ssh` the home is that of the account, so what it expands itself is written out here.
    let home = Home::new(
        "Host web1\n HostName 10.0.0.1\n Port 2222\n IdentityFile ~/.ssh/%r-%h-100%%\n HostKeyAlias Web\n\
         Host web*\n User ops\n Port 1\n ProxyJump jump@bastion:23,second\n IdentityAgent /run/agent\n\
         Host odd\n ProxyCommand nc %h %p\n\
         Match all\n UserKnownHostsFile /etc/mine /etc/theirs\n GlobalKnownHostsFile none\n",
    );
    let mut found = Vec::new();
    for config in home.both() {
        let settings = config.settings("web1").await.expect("settings");
        assert!(
            config
                .settings("odd")
                .await
                .expect("settings")
                .proxy_command
        );
        found.push(settings);
    }
    let path = |name: &str| home.path().join(name);
    let expect = HostSettings {
        address: Some("10.0.0.1".to_owned()),
        port: Some(2222),
        login: Some("ops".to_owned()),
        identity_files: vec![path(".ssh/ops-10.0.0.1-100%")],
        identity_agent: Some("/run/agent".to_owned()),
        host_key_alias: Some("web".to_owned()),
        known_hosts: vec!["/etc/mine".into(), "/etc/theirs".into()],
        proxy_jump: vec!["jump@bastion:23".to_owned(), "second".to_owned()],
        proxy_command: false,
    };
    assert_eq!(found, [expect.clone(), expect]);
}

#[tokio::test]
async fn a_change_of_a_file_is_seen() {
    let home = Home::new("");
    let more = home.path().join(".ssh/more");
    home.write(
        "config",
        &format!("Include {}\nHost web1\n Port 2222\n", more.display()),
    );
    for config in home.both() {
        home.write("more", "");
        assert_eq!(
            config.settings("web1").await.expect("settings").port,
            Some(2222)
        );
        home.write("more", "Host web1\n Port 2223\n");
        assert_eq!(
            config.settings("web1").await.expect("settings").port,
            Some(2223)
        );
    }
}

#[tokio::test]
async fn a_broken_configuration_says_what_is_wrong() {
    let home = Home::new("Host web1\n NoSuchKey yes\n");
    let [config, _] = home.both();
    let failure = config.settings("web1").await.expect_err("broken");
    assert!(
        failure.kind() == "misconfigured" && failure.to_string().contains("nosuchkey"),
        "{failure}"
    );
    assert!(config.settings("-oProxyCommand=id").await.is_err());
}

/// A configuration whose `ssh` counts how often it is asked.
fn counted(home: &Home) -> SshConfig {
    use std::os::unix::fs::PermissionsExt as _;
    let ssh = home.path().join("ssh");
    let count = home.path().join("count");
    let text = format!("#!/bin/sh\necho >>{}\nexec ssh \"$@\"\n", count.display());
    std::fs::write(&ssh, text).expect("a file");
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let [config, _] = home.both();
    config.with_program(ssh)
}

fn asked(home: &Home) -> usize {
    std::fs::read_to_string(home.path().join("count")).map_or(0, |text| text.lines().count())
}

#[tokio::test]
async fn destinations_that_no_line_tells_apart_are_asked_for_once() {
    let home = Home::new("Host db*\n User dba\n IdentityFile ~/.ssh/db\nHost *\n Port 2200\n");
    let (config, [plain, _]) = (counted(&home), home.both());
    let names: Vec<String> = (0..20)
        .flat_map(|n| [format!("web{n}"), format!("db{n}")])
        .collect();
    let found = futures::future::join_all(names.iter().map(|name| config.settings(name))).await;
    assert_eq!(asked(&home), 2, "once for each kind");
    for (name, found) in names.iter().zip(found) {
        let found = found.expect("settings");
        assert_eq!(
            found,
            plain.ask(name, None).await.expect("settings"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn destinations_that_a_line_may_tell_apart_are_asked_for_each() {
    for text in [
        "HostName 10.0.0.1\n",
        "HostName %h.example\n",
        "IdentityFile ~/.ssh/%h\n",
        "HostKeyAlias %h\n",
        "Match host web1\n User ops\n",
        "CanonicalizeHostname no\n",
    ] {
        let home = Home::new(text);
        let (config, [plain, _]) = (counted(&home), home.both());
        for name in ["web1", "web2"] {
            let found = config.settings(name).await.expect("settings");
            assert_eq!(
                found,
                plain.ask(name, None).await.expect("settings"),
                "{text}"
            );
        }
        assert_eq!(asked(&home), 2, "{text}");
    }
}

#[tokio::test]
async fn an_answer_for_all_is_forgotten_when_a_file_changes() {
    let home = Home::new("User ops\n");
    let config = counted(&home);
    config.settings("web1").await.expect("settings");
    home.write("config", "User another\n");
    let found = config.settings("web2").await.expect("settings");
    assert_eq!(found.login.as_deref(), Some("another"));
    assert_eq!(asked(&home), 2);
}
