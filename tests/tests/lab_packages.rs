//! The Debian package and the archive on fresh hosts, with the program that cargo has just built: installed, configured,
//! locked away, watched by systemd, reloaded, upgraded while an action runs, removed, installed again with its data
//! there, purged.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinSet;
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_tests::binary::until_within;
use watchkeeper_tests::lab::{Host, Lab};
use watchkeeper_tests::package::{Keeper, UNIT, made, outside, said};
use watchkeeper_tests::repair::{SCRIPT, executions, nothing_left};

const LONG: Duration = Duration::from_secs(90);
/// What systemd-analyze says at most, in tenths: 0 is locked away wholly, 100 not at all.
const EXPOSURE: &str = "13";

#[test]
fn a_package_is_installed_configured_locked_away_and_taken_away_again() {
    let lab = Lab::roomy(&["pkg-box"]);
    let out = tempfile::tempdir().expect("a directory");
    let package = made("build-deb", out.path(), &["--fast"]);
    let here = Keeper {
        host: &lab.hosts[0],
    };

    here.install(&package, "/root/watchkeeper.deb");
    assert_eq!(here.sh(&format!("systemctl is-enabled {UNIT}")), "enabled");
    assert_eq!(
        here.property("ActiveState"),
        "inactive",
        "nothing is watched before it is configured"
    );
    assert!(here.holds("getent passwd watchkeeper && getent group watchkeeper"));
    assert!(here.holds("test -s /usr/share/man/man1/watchkeeper-approve-show.1.gz"));
    assert!(here.holds(
        "bash -c '. /usr/share/bash-completion/completions/watchkeeper && complete -p watchkeeper'"
    ));
    assert!(here.holds("test -s /usr/share/doc/watchkeeper/examples/homelab/orders.toml"));
    assert_eq!(
        here.sh("stat -c %U:%a /var/lib/watchkeeper"),
        "watchkeeper:700"
    );

    begins(&here);
    is_locked_away(&here);
    is_kept_alive(&here);
    reloads(&here);
    comes_and_goes(&here, &package);
}

/// `init` for the machine itself, and everything that it lists to be done, typed as it stands there: the first look is one
/// of it.
fn begins(here: &Keeper<'_>) {
    let words = ["--this-machine", "watch", "--become-root"];
    let report = here.json(&[&["init", "--name", "hal"], &words[..]].concat());
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(
        here.sh("stat -c %U:%G:%a /etc/watchkeeper/config.toml"),
        "root:watchkeeper:640"
    );
    // What root has looked at before the service began shuts it out of nothing.
    assert_eq!(here.sh("find /var/lib/watchkeeper ! -user watchkeeper"), "");
    let notes = report["notes"].to_string();
    assert!(notes.contains(&here.host.fingerprint()), "{notes}");

    let steps = report["next"].as_array().expect("there is something to do");
    let commands = steps
        .iter()
        .filter_map(|step| step["commands"].as_array())
        .flatten();
    let commands: Vec<&str> = commands.filter_map(|command| command.as_str()).collect();
    for said in [
        "ssh-keygen",
        "authorized_keys",
        "systemctl enable --now",
        "links",
    ] {
        assert!(
            commands.iter().any(|command| command.contains(said)),
            "{said}: {commands:#?}"
        );
    }
    assert!(
        !commands.iter().any(|command| command.contains("enrol")),
        "its key need not be compared: {commands:#?}"
    );
    for command in commands {
        // There is nothing to decide yet.
        if !command.contains("approve") {
            here.sh(command);
        }
    }
    here.is_active();
    here.run(&["check"], 0);
    assert_eq!(here.sh("stat -c %a /run/watchkeeper/socket"), "666");
    here.run(&["doctor"], 0);
}

/// The score of each unit, and that the daemon works under it.
fn is_locked_away(here: &Keeper<'_>) {
    for unit in [UNIT, "watchkeeper-worker@gpu.service"] {
        let analyze = format!("systemd-analyze security --no-pager --threshold={EXPOSURE} {unit}");
        let done = here.host.tries(&["sh", "-c", &analyze]);
        assert!(done.status.success(), "{}", said(&done));
    }
    let pid = here.property("MainPID");
    assert_eq!(here.sh(&format!("ps -o user= -p {pid}")), "watchkeeper");
    let status = here.sh(&format!("cat /proc/{pid}/status"));
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{line}: {status}");
    }
}

/// systemd hears of it in time, and ends what says nothing any more.
fn is_kept_alive(here: &Keeper<'_>) {
    here.sh(&format!(
        "mkdir -p /run/systemd/system/{UNIT}.d && printf '[Service]\\nWatchdogSec=3s\\nRestartSec=100ms\\n' > /run/systemd/system/{UNIT}.d/test.conf && systemctl daemon-reload && systemctl restart {UNIT}"
    ));
    here.is_active();
    let mut heard = std::collections::BTreeSet::new();
    until_within(LONG, "it is heard of three times", &mut || {
        heard.insert(here.property("WatchdogTimestampMonotonic"));
        heard.len() > 3
    });
    assert_eq!(here.property("NRestarts"), "0", "{}", here.journal());
    let pid = here.property("MainPID");
    here.sh(&format!("kill -STOP {pid}"));
    here.becomes("what hangs is started anew", |this| {
        this.property("NRestarts") == "1" && this.property("ActiveState") == "active"
    });
    here.run(&["log", "verify"], 0);
    here.sh(&format!(
        "rm -r /run/systemd/system/{UNIT}.d && systemctl daemon-reload"
    ));
}

/// A reload is told to systemd as over, also where the configuration is refused.
fn reloads(here: &Keeper<'_>) {
    let pid = here.property("MainPID");
    let times = |this: &Keeper<'_>, what: &str| this.journal().matches(what).count();
    let before = times(here, "was read again");
    here.sh(&format!("systemctl reload {UNIT}"));
    here.becomes("it was read again", |this| {
        times(this, "was read again") > before
    });
    here.is_active();
    here.sh("printf 'nam = 1\\n' > /etc/watchkeeper/conf.d/50-bad.toml");
    here.sh(&format!("systemctl reload {UNIT}"));
    here.becomes("there is an issue about it", |this| refused(this));
    here.is_active();
    here.sh("rm /etc/watchkeeper/conf.d/50-bad.toml");
    here.sh(&format!("systemctl reload {UNIT}"));
    here.becomes("the issue is over", |this| !refused(this));
    assert_eq!(here.property("MainPID"), pid, "it was never started anew");
}

/// Whether there is an issue about the configuration.
fn refused(here: &Keeper<'_>) -> bool {
    let issues = here.json(&["issues", "list"]).to_string();
    issues.contains("the configuration cannot be used")
}

/// Removed, installed again, purged.
fn comes_and_goes(here: &Keeper<'_>, package: &Path) {
    here.run(&["issues", "create", "the fan is loud"], 0);
    here.sh("dpkg -r watchkeeper");
    assert!(here.holds(
        "test -s /var/lib/watchkeeper/watchkeeper.db && test -s /etc/watchkeeper/config.toml"
    ));
    assert!(!here.holds("pgrep -u watchkeeper"), "nothing of it runs");
    assert!(!here.holds("test -e /usr/bin/watchkeeper"));

    here.install(package, "/root/watchkeeper.deb");
    here.is_active();
    assert!(here.run(&["issues", "list"], 0).contains("the fan is loud"));
    here.run(&["log", "verify"], 0);
    here.run(&["check"], 0);
    here.run(&["backup", "/root/watch.backup"], 0);
    here.sh("cp /var/lib/watchkeeper/.ssh/id_ed25519 /root/key");

    here.sh("systemctl enable watchkeeper-worker@gpu && dpkg -P watchkeeper");
    assert!(!here.holds("test -e /var/lib/watchkeeper || test -e /etc/watchkeeper"));
    assert_eq!(
        here.sh("find /etc/systemd /run/systemd/system -name '*watchkeeper*'"),
        "",
        "no link to a unit that is gone"
    );
    assert!(!here.holds(&format!("systemctl cat {UNIT}")));
    assert_eq!(here.sh("dpkg --audit"), "");

    here.install(package, "/root/watchkeeper.deb");
    assert_eq!(
        here.property("ActiveState"),
        "inactive",
        "as on the first day"
    );
    here.run(&["config", "check"], 0);
    comes_back(here);
    here.sh("dpkg -P watchkeeper");
}

/// A backup restored where the package was just installed: the service finds everything, and may read it.
fn comes_back(here: &Keeper<'_>) {
    let told = here.run(&["restore", "/root/watch.backup"], 0);
    assert!(
        told.contains("put back /etc/watchkeeper/config.toml"),
        "{told}"
    );
    assert_eq!(
        here.sh("stat -c %U:%G:%a /etc/watchkeeper/config.toml"),
        "root:watchkeeper:640"
    );
    assert_eq!(here.sh("find /var/lib/watchkeeper ! -user watchkeeper"), "");
    here.sh("install -o watchkeeper -g watchkeeper -m 600 /root/key /var/lib/watchkeeper/.ssh/id_ed25519");
    here.sh("systemctl start watchkeeper");
    here.is_active();
    assert!(here.run(&["issues", "list"], 0).contains("the fan is loud"));
    // Its key was accepted before, and need not be compared again.
    here.run(&["check"], 0);
    here.run(&["log", "verify"], 0);
}

#[test]
fn a_package_is_upgraded_while_an_action_runs_and_it_ran_once() {
    let lab = Lab::roomy(&["pkg-keeper", "pkg-web"]);
    let (here, web) = (
        Keeper {
            host: &lab.hosts[0],
        },
        &lab.hosts[1],
    );
    let out = tempfile::tempdir().expect("a directory");
    let old = made(
        "build-deb",
        out.path(),
        &["--fast", "--version", "0.1.0~old"],
    );
    let new = made("build-deb", out.path(), &["--fast", "--version", "0.1.0"]);
    here.install(&old, "/root/old.deb");
    watches(&here, web);

    web.fault(&["svc-crash"]);
    here.run(&["check"], 2);
    let steps = out.path().join("steps.json");
    let edit = json!({ "reason": "one that takes its time", "steps": [{ "kind": "shell", "script": SCRIPT }] });
    std::fs::write(&steps, edit.to_string()).expect("written");
    here.host.put(&steps, "/root/steps.json");
    here.run(&["approve", "edit", "0", "--file", "/root/steps.json"], 0);
    here.run(&["approve", "0", "--no-wait"], 0);
    until_within(LONG, "the step begins", &mut || executions(web) == 1);

    here.run(&["backup", "/root/while.backup"], 0);
    let pid = here.property("MainPID");
    let mine = here.sh("cat /etc/watchkeeper/config.toml");
    here.install(&new, "/root/new.deb");
    here.is_active();
    assert_eq!(here.sh("cat /etc/watchkeeper/config.toml"), mine);
    assert!(
        !here.holds("ls /etc/watchkeeper/*.dpkg-*"),
        "dpkg has nothing to ask, and leaves nothing beside it"
    );
    assert_ne!(here.property("MainPID"), pid, "the new version runs");
    assert_eq!(
        here.sh("dpkg-query -W -f '${Version}' watchkeeper"),
        "0.1.0"
    );
    web.inside(&["touch", "/var/tmp/go"]);
    here.becomes("the outcome is known", |this| {
        let sheet = this.json(&["approve", "show", "0"]);
        let state = sheet["action"]["state"]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            ["running", "verifying", "fixed"].contains(&state.as_str()),
            "{state}: {}",
            this.journal()
        );
        state == "fixed"
    });
    assert_eq!(executions(web), 1);
    assert_eq!(web.truth(), Vec::<String>::new());
    assert_eq!(nothing_left(web), "");
    here.run(&["log", "verify"], 0);
    what_ran_when_a_backup_was_taken_is_not_begun_again(&here, web);
}

/// The store is as it was while the step ran: the run is looked for on its host, where it is over, and left at that.
fn what_ran_when_a_backup_was_taken_is_not_begun_again(here: &Keeper<'_>, web: &Host) {
    here.sh("systemctl stop watchkeeper && mkdir /root/before && mv /var/lib/watchkeeper/watchkeeper.db* /root/before");
    let told = here.run(&["restore", "/root/while.backup"], 0);
    assert!(told.contains("go on 1000 later"), "{told}");
    here.sh("systemctl start watchkeeper");
    here.is_active();
    here.becomes("it is told what became of it", |this| {
        let sheet = this.json(&["approve", "show", "0"]);
        let state = &sheet["action"]["state"]["state"];
        assert!(
            *state == "running" || *state == "unknown",
            "{state}: {}",
            this.journal()
        );
        *state == "unknown"
    });
    assert_eq!(executions(web), 1);
    here.run(&["log", "verify"], 0);
}

/// Has the packaged daemon watch another host, where one person may edit and approve.
fn watches(here: &Keeper<'_>, web: &Host) {
    let host = format!("web=ops@{}", web.address);
    here.run(
        &[
            "init",
            "--name",
            "hal",
            "--host",
            &host,
            "--become-root",
            "--no-test",
        ],
        0,
    );
    here.sh("printf 'schema = 1\\nown_requests = \"allow\"\\n' > /etc/watchkeeper/orders.toml");
    here.sh("printf '[watch]\\ninterval = \"10m\"\\n[run]\\nlease = \"5s\"\\nverify_pause = \"1s\"\\n' > /etc/watchkeeper/conf.d/50-quick.toml");
    here.takes_key_of(web);
    here.sh("systemctl start watchkeeper");
    here.is_active();
    here.run(&["enrol", "web", "--fingerprint", &web.fingerprint()], 0);
    here.run(&["check"], 0);
}

#[test]
fn the_archive_installs_upgrades_in_place_and_takes_itself_away() {
    let lab = Lab::roomy(&["pkg-tar"]);
    let out = tempfile::tempdir().expect("a directory");
    let archive = made("tarball", out.path(), &[]);
    let here = Keeper {
        host: &lab.hosts[0],
    };
    here.host.put(&archive, "/root/watchkeeper.tar.gz");
    here.sh("cd /root && tar xzf watchkeeper.tar.gz && rm watchkeeper.tar.gz && mv watchkeeper-* new && cp -r new old");
    // What an older version had and the new one has not, and what it had otherwise.
    here.sh("cd /root/old && echo '.TH old 1' > share/man/man1/watchkeeper-gone.1 && echo '# older' >> units/watchkeeper.service");
    let refused = here.host.tries(&["/root/old/install", "--help"]);
    assert!(said(&refused).contains("no option"), "{}", said(&refused));
    here.sh("/root/old/install");
    assert!(
        here.holds("test -s /usr/local/share/man/man1/watchkeeper.1 && getent passwd watchkeeper")
    );
    here.run(&["init", "--no-test", "--name", "hal"], 0);
    here.sh("systemctl enable --now watchkeeper watchkeeper-worker@gpu || true");
    here.is_active();
    assert!(
        here.property("ExecStart")
            .contains("/usr/local/bin/watchkeeper")
    );
    here.run(&["issues", "create", "the fan is loud"], 0);

    let (pid, mine) = (
        here.property("MainPID"),
        here.sh("cat /etc/watchkeeper/config.toml"),
    );
    here.sh("/root/new/install");
    here.is_active();
    assert_ne!(here.property("MainPID"), pid, "the new version runs");
    assert!(!here.holds("grep -q '# older' /etc/systemd/system/watchkeeper.service"));
    assert!(!here.holds("test -e /usr/local/share/man/man1/watchkeeper-gone.1"));
    assert_eq!(here.sh("cat /etc/watchkeeper/config.toml"), mine);
    assert!(here.run(&["issues", "list"], 0).contains("the fan is loud"));
    here.run(&["log", "verify"], 0);

    // Taken away by the archive of any version.
    here.sh("/root/old/install --remove");
    assert!(!here.holds("pgrep -u watchkeeper"), "nothing of it runs");
    let left = "find /usr/local /etc/systemd /etc/sysusers.d /etc/tmpfiles.d -name '*watchkeeper*'";
    assert_eq!(here.sh(left), "");
    assert!(here.holds(
        "test -s /etc/watchkeeper/config.toml && test -s /var/lib/watchkeeper/watchkeeper.db"
    ));
    let again = here.host.tries(&["/root/new/install", "--remove"]);
    assert!(!again.status.success(), "{}", said(&again));
    assert!(
        said(&again).contains("is not installed"),
        "{}",
        said(&again)
    );
}

/// Lets a host of the lab reach a server that listens on a Unix socket of this machine; gives the port.
async fn forwarded(socket: String, tasks: &mut JoinSet<()>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await;
    let listener = listener.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tasks.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((mut outside, _)) = listener.accept().await {
            let socket = socket.clone();
            open.spawn(async move {
                if let Ok(mut inside) = UnixStream::connect(socket).await {
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_its_lane_under_its_unit() {
    const WORKER: &str = "watchkeeper-worker@gpu.service";
    let lab = Lab::roomy(&["pkg-gpu"]);
    let here = Keeper {
        host: &lab.hosts[0],
    };
    let out = tempfile::tempdir().expect("a directory");
    here.install(
        &made("build-deb", out.path(), &["--fast"]),
        "/root/watchkeeper.deb",
    );
    let database = Cluster::shared().database("empty", async |_| {}).await;
    let server = ModelServer::start_at((Ipv4Addr::UNSPECIFIED, 0).into()).await;
    server.does(Turn::replies("The certificate was never made."));
    let (place, directory) = database.url().split_once("?host=").expect("a socket");
    let name = place.rsplit('/').next().unwrap_or_default();
    let mut tasks = JoinSet::new();
    let socket = format!("{}/.s.PGSQL.5432", directory.replace("%2F", "/"));
    let (controller, port) = (outside(here.host), forwarded(socket, &mut tasks).await);
    let config = format!(
        "[store]\nurl = \"postgres://watchkeeper@{controller}:{port}/{name}\"\n\
         [watch]\ninterval = \"1h\"\ncertificates = [\"/etc/absent.pem\"]\n[llm]\npause = \"0s\"\n\
         [[lanes]]\nname = \"gpu\"\nprivate = true\nmodel = \"{MODEL}\"\nurl = \"http://{controller}:{}\"\n",
        server.address().port()
    );
    let file = out.path().join("50-gpu.toml");
    std::fs::write(&file, config).expect("written");
    here.host.put(&file, "/etc/watchkeeper/conf.d/50-gpu.toml");

    let looked = here.host.tries(&["watchkeeper", "check"]);
    assert!(looked.status.code() <= Some(2), "{}", said(&looked));
    let number = here.json(&["queue", "list", "--all"])["jobs"][0]["number"].to_string();
    let state = |this: &Keeper<'_>| {
        let shown = this.json(&["queue", "show", &number]);
        shown["state"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(state(&here), "queued", "nobody has begun yet");
    here.sh(&format!("systemctl start {WORKER}"));
    here.becomes("the job is done", |this| state(this) == "done");
    assert!(!server.requests().is_empty());
    let pid = here.sh(&format!("systemctl show -P MainPID {WORKER}"));
    assert_eq!(here.sh(&format!("ps -o user= -p {pid}")), "watchkeeper");
    let status = here.sh(&format!("cat /proc/{pid}/status"));
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    here.sh(&format!("systemctl stop {WORKER}"));
    assert_eq!(
        here.sh(&format!("systemctl show -P Result {WORKER}")),
        "success"
    );

    // A lane that the configuration does not have is named in its journal.
    here.sh("systemctl start watchkeeper-worker@nope");
    here.becomes("it is told", |this| {
        this.holds("journalctl -u watchkeeper-worker@nope | grep -q 'there is no lane'")
    });
    here.sh("systemctl stop watchkeeper-worker@nope");
}
