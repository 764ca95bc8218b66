//! From the words of a person to a command on a host: inventory, `~/.ssh/config`, engine, real sshd.

use std::path::Path;
use std::sync::Arc;

use watchkeeper_fleet::{
    Engines, Fleet, HostEntry, Inventory, RemoteCommand, Routes, SshConfig, SshDefaults,
};
use watchkeeper_model::{HostName, LookFailure};
use watchkeeper_testkit::clock::{MockClock, NOON};
use watchkeeper_testkit::sshd::{Sshd, SshdOptions, program};

/// A fleet whose `~/.ssh/config` is this text, `{…}` replaced by what belongs to the server.
fn fleet(sshd: &Sshd, ssh_config: &str, hosts: &[&str]) -> Fleet {
    let dir = sshd.dir();
    let file = dir.join("ssh_config");
    let fill = |text: &str| {
        text.replace("{port}", &sshd.port().to_string())
            .replace("{login}", sshd.login())
            .replace("{key}", &sshd.client_key().display().to_string())
            .replace("{busybox}", &program("busybox").display().to_string())
    };
    std::fs::write(&file, fill(ssh_config)).expect("a file");
    let config = SshConfig::new(dir.to_owned(), Some(file));
    let entries = hosts
        .iter()
        .map(|text| toml::from_str::<HostEntry>(&fill(text)).expect("an entry"))
        .collect();
    let inventory = Inventory::new(entries, config.hosts().entries).expect("an inventory");
    let engines = Engines::new(
        Routes::new(config, defaults(sshd)),
        Arc::new(MockClock::at(NOON)),
        runtime(dir),
    );
    Fleet::new(inventory, Arc::new(engines))
}

fn defaults(sshd: &Sshd) -> SshDefaults {
    SshDefaults {
        known_hosts: sshd.known_hosts(),
        user_known_hosts: false,
        agent_socket: None,
        login: "nobody-else".to_owned(),
    }
}

fn runtime(dir: &Path) -> std::path::PathBuf {
    dir.join("run")
}

async fn client_port(fleet: &Fleet, host: &str) -> Result<String, LookFailure> {
    let host = HostName::new(host).expect("a name");
    let command = RemoteCommand::script("set -- $SSH_CONNECTION; echo \"$2\"");
    fleet
        .run(&host, command)
        .await
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
}

const COMMON: &str =
    "Host web1 odd behind\n HostName 127.0.0.1\n Port {port}\n User {login}\n IdentityFile {key}\n";

#[tokio::test]
async fn hosts_of_ssh_config_are_reached_and_their_connections_kept() {
    let sshd = Sshd::start(&SshdOptions::default());
    let config = format!(
        "{COMMON}Host odd\n ProxyCommand {{busybox}} nc %h %p\nHost behind\n ProxyJump web1\n"
    );
    let fleet = fleet(&sshd, &config, &[]);
    for host in ["web1", "odd", "behind"] {
        let port = client_port(&fleet, host)
            .await
            .unwrap_or_else(|failure| panic!("{host}: {failure}"));
        assert!(port.trim().parse::<u16>().is_ok(), "{host}: {port:?}");
        assert_eq!(
            client_port(&fleet, host).await,
            Ok(port),
            "{host} was connected to again"
        );
    }
    fleet.close_all().await;
}

#[tokio::test]
async fn the_systems_ssh_goes_through_jump_hosts_too() {
    let sshd = Sshd::start(&SshdOptions::default());
    let hosts = [
        "name = 'far'\naddress = '127.0.0.1'\nport = {port}\nlogin = '{login}'\nidentity_files = ['{key}']\n\
         engine = 'system-ssh'\njump = ['web1']",
    ];
    let fleet = fleet(&sshd, COMMON, &hosts);
    assert!(
        client_port(&fleet, "far")
            .await
            .is_ok_and(|port| port.trim().parse::<u16>().is_ok())
    );
    fleet.close_all().await;
}

#[tokio::test]
async fn one_host_without_a_way_loses_no_other() {
    let sshd = Sshd::start(&SshdOptions::default());
    let hosts = [
        "name = 'lost'\naddress = '-oProxyCommand=id'",
        "name = 'local'",
    ];
    let fleet = fleet(&sshd, COMMON, &hosts);
    assert_eq!(
        client_port(&fleet, "lost")
            .await
            .expect_err("no way")
            .kind(),
        "misconfigured"
    );
    assert_eq!(client_port(&fleet, "local").await, Ok("\n".to_owned()));
    assert!(client_port(&fleet, "web1").await.is_ok());
    fleet.close_all().await;
}
