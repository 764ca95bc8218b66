//! The simulated host, looked at with the system's own ssh.

use std::process::{Output, Stdio};

use watchkeeper_testkit::ssh_host::{ExecRule, SshHost};

#[expect(
    clippy::disallowed_methods,
    reason = "the test is about what the system's ssh sees"
)]
async fn ssh(host: &SshHost, command: &str) -> Output {
    tokio::process::Command::new("ssh")
        .args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
        ])
        .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"])
        .args(["-o", "GlobalKnownHostsFile=none"])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            host.known_hosts().display()
        ))
        .arg("-i")
        .arg(host.client_key())
        .args(["-p", &host.port().to_string(), "-l", host.login()])
        .args(["127.0.0.1", command])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("ssh is there: run tests/install")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_systems_ssh_can_log_in_and_run_a_command() {
    let host = SshHost::start().await;
    let seen = ssh(&host, "pwd; echo wrong >&2; exit 7").await;
    assert_eq!(text(&seen.stdout).trim(), host.home().display().to_string());
    assert_eq!(text(&seen.stderr), "wrong\n");
    assert_eq!(seen.status.code(), Some(7));
    assert_eq!(host.logins(), 1);
}

#[tokio::test]
async fn a_failed_unit_is_seen_and_healed_by_a_restart_that_is_counted() {
    let host = SshHost::start().await;
    host.unit("nginx.service").fails("exit-code");
    let failed = ssh(&host, "systemctl --failed --no-legend --plain").await;
    assert_eq!(
        text(&failed.stdout).split_whitespace().collect::<Vec<_>>(),
        [
            "nginx.service",
            "loaded",
            "failed",
            "failed",
            "nginx.service"
        ]
    );
    let show = "systemctl show -p ActiveState,Result nginx; systemctl is-active nginx; systemctl is-system-running";
    let seen = ssh(&host, show).await;
    let lines = text(&seen.stdout);
    assert!(
        lines.contains("ActiveState=failed\n") && lines.contains("Result=exit-code\n"),
        "{lines}"
    );
    assert!(lines.ends_with("failed\ndegraded\n"), "{lines}");

    let restart = ssh(
        &host,
        "sudo -n systemctl restart nginx.service && systemctl is-active nginx",
    )
    .await;
    assert_eq!(
        text(&restart.stdout),
        "active\n",
        "{}",
        text(&restart.stderr)
    );
    assert_eq!(host.times("restart", "nginx.service"), 1);
    assert!(host.unit("nginx.service").is_active());
}

#[tokio::test]
async fn a_unit_broken_for_good_fails_again() {
    let host = SshHost::start().await;
    host.unit("app.service").fails_for_good("exit-code");
    let seen = ssh(&host, "systemctl restart app.service").await;
    assert_eq!(seen.status.code(), Some(1));
    assert!(
        text(&seen.stderr).contains("control process exited"),
        "{}",
        text(&seen.stderr)
    );
    host.heals("app.service");
    let seen = ssh(&host, "systemctl is-active app.service").await;
    assert_eq!(text(&seen.stdout), "active\n");
}

#[tokio::test]
async fn verbs_answer_as_systemctl_does() {
    let host = SshHost::start().await;
    let _ = host.unit("web.service");
    host.unit("old.service").is_masked();
    for (command, code, out) in [
        ("systemctl restart none.service", 5, ""),
        ("systemctl restart old.service", 1, ""),
        (
            "systemctl stop web.service; systemctl is-active web.service",
            3,
            "inactive\n",
        ),
        ("systemctl reload web.service", 1, ""),
        (
            "systemctl start web.service && systemctl reload web.service",
            0,
            "",
        ),
        (
            "systemctl show -p LoadState --value none.service",
            0,
            "not-found\n",
        ),
        ("systemctl is-enabled old.service", 1, "masked\n"),
    ] {
        let seen = ssh(&host, command).await;
        assert_eq!(
            (seen.status.code(), text(&seen.stdout).as_str()),
            (Some(code), out),
            "{command}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn disks_journal_clock_and_updates_are_as_the_test_set_them() {
    let host = SshHost::start().await;
    host.disk("/", 96);
    host.disk("/srv/data", 10);
    host.inodes("/var", 99);
    let seen = text(
        &ssh(
            &host,
            "df -P -k; df -i -P /var/log; df --output=target,pcent -B1 /srv/data/x",
        )
        .await
        .stdout,
    );
    assert!(
        seen.contains("/dev/vda1 20971520 20132659 838861 96% /\n"),
        "{seen}"
    );
    assert!(seen.contains("99% /var\n"), "{seen}");
    assert!(seen.contains("/srv/data 10%\n"), "{seen}");

    host.journal("nginx.service", 3, "bind() to 0.0.0.0:80 failed");
    host.journal("cron.service", 6, "all is well");
    host.kernel_says(2, "Out of memory: Killed process 1 (x)");
    let seen = text(
        &ssh(
            &host,
            "journalctl -u nginx -p err -n 5 -o cat --since '-1h'; journalctl -k -o json",
        )
        .await
        .stdout,
    );
    assert!(
        seen.starts_with("bind() to 0.0.0.0:80 failed\n{\"__REALTIME"),
        "{seen}"
    );
    assert!(
        seen.contains("\"PRIORITY\":\"2\"") && !seen.contains("well"),
        "{seen}"
    );

    host.journal_takes(900);
    let seen = text(
        &ssh(
            &host,
            "journalctl --disk-usage; journalctl --vacuum-size=200M",
        )
        .await
        .stdout,
    );
    assert_eq!(
        seen,
        "Archived and active journals take up 900.0M in the file system.\n"
    );
    assert_eq!((host.journal_mib(), host.times("vacuum", "200M")), (200, 1));

    host.clock_is_synchronized(false);
    host.has_update("openssl", true);
    let seen = text(
        &ssh(
            &host,
            "timedatectl show -p NTPSynchronized --value; apt-get -s upgrade",
        )
        .await
        .stdout,
    );
    assert!(
        seen.starts_with("no\n") && seen.contains("Inst openssl [1.0-1] (1.0-2 Debian-Security"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_tool_can_be_missing_and_sudo_can_be_refused() {
    let host = SshHost::start().await;
    host.lacks("journalctl");
    host.refuses_sudo();
    let seen = ssh(&host, "command -v journalctl || echo none; sudo -n true").await;
    assert_eq!(text(&seen.stdout), "none\n");
    assert_eq!(seen.status.code(), Some(1));
}

#[tokio::test]
async fn what_is_left_running_ends_with_the_host() {
    let host = SshHost::start().await;
    let seen = ssh(
        &host,
        "setsid sleep 600 >/dev/null 2>&1 </dev/null & echo started",
    )
    .await;
    assert_eq!(text(&seen.stdout), "started\n");
    let left = host.processes();
    assert!(!left.is_empty());
    drop(host);
    for pid in left {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let alive = !state.is_empty() && !state.contains(") Z ");
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        assert!(
            !alive || environment.is_empty(),
            "{pid} is still there: {state}"
        );
    }
}

#[tokio::test]
async fn signals_refused_commands_and_many_bytes_reach_the_client() {
    let host = SshHost::start().await;
    let seen = ssh(&host, "kill -KILL $$").await;
    assert_eq!(seen.status.code(), Some(255), "{seen:?}");
    let seen = ssh(&host, "head -c 3000000 /dev/zero").await;
    assert_eq!(seen.stdout.len(), 3_000_000);
    host.does_with_commands(ExecRule::PrintsFirst(b"Welcome\n".to_vec()));
    assert_eq!(text(&ssh(&host, "echo x").await.stdout), "Welcome\nx\n");
    host.does_with_commands(ExecRule::Refuses);
    assert_eq!(ssh(&host, "echo x").await.status.code(), Some(255));
}

#[tokio::test]
async fn the_host_has_its_own_run_its_own_tools_and_its_own_boots() {
    let host = SshHost::start().await;
    assert!(
        host.is_private(),
        "this machine lets tests make mount namespaces"
    );
    let seen = ssh(
        &host,
        "ls -d /run/systemd/system; PATH=/usr/bin:/bin systemctl is-system-running",
    )
    .await;
    assert_eq!(
        text(&seen.stdout),
        "/run/systemd/system\nrunning\n",
        "{seen:?}"
    );
    let first = ssh(
        &host,
        "touch /run/mine /var/lib/mine; cat /proc/sys/kernel/random/boot_id",
    )
    .await;
    let again = ssh(
        &host,
        "ls /run/mine /var/lib/mine && cat /proc/sys/kernel/random/boot_id",
    )
    .await;
    assert!(
        text(&again.stdout).ends_with(&text(&first.stdout)),
        "{again:?}"
    );
    assert!(!std::path::Path::new("/run/mine").exists());
    host.reboots();
    let after = ssh(
        &host,
        "cat /proc/sys/kernel/random/boot_id; ls /run/mine /var/lib/mine",
    )
    .await;
    assert!(
        text(&after.stdout).ends_with("\n/var/lib/mine\n"),
        "{after:?}"
    );
    assert!(!text(&after.stdout).starts_with(&text(&first.stdout)));
}

#[tokio::test]
async fn a_transient_unit_runs_detached_and_only_once_under_its_name() {
    let host = SshHost::start().await;
    let start = "systemd-run --quiet --collect --unit=job.service -p KillMode=process -E PATH=/usr/bin:/bin /bin/sh -c";
    let seen = ssh(
        &host,
        &format!("{start} 'while [ ! -e /run/go ]; do sleep 0.02; done; echo x >>/run/ran'"),
    )
    .await;
    assert_eq!(seen.status.code(), Some(0), "{seen:?}");
    let twice = ssh(&host, &format!("{start} true")).await;
    assert!(text(&twice.stderr).contains("already"), "{twice:?}");
    assert!(!host.processes().is_empty());
    let seen = ssh(
        &host,
        "touch /run/go; while [ ! -e /run/ran ]; do sleep 0.02; done; cat /run/ran",
    )
    .await;
    assert_eq!(text(&seen.stdout), "x\n");
}
