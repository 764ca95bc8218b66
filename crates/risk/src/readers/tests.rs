use proptest::prelude::*;

use super::*;

/// Lines that look only, one for about every reader.
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

/// Lines that change something, show a secret, never end, or are not proved.
const NOT_PROVED: &[&str] = &[
    "",
    " ",
    " uptime",
    "uptime ",
    "df  -h",
    "uptime\n",
    "df\tid",
    "df;id",
    "df; id",
    "df & id",
    "df|sh",
    "df > /etc/passwd",
    "df $(id)",
    "df `id`",
    "df $HOME",
    "df ~",
    "df \"/\"",
    "df '/'",
    "df \\-h",
    "df #",
    "ls /*",
    "ls /etc/{a,b}",
    "ls !x",
    "LD_PRELOAD=/tmp/x uptime",
    "PATH=/tmp uptime",
    "/usr/bin/uptime",
    "./uptime",
    "sudo uptime",
    "env uptime",
    "ssh host",
    "ssh",
    "ss -K",
    "ss -tK",
    "ss --kill",
    "ss -D /tmp/x",
    "psql",
    "ps auxe",
    "ps e",
    "journalctl -f",
    "journalctl --vacuum-time=1s",
    "journalctl --vacuum-size=1M",
    "journalctl --rotate",
    "journalctl --rota",
    "journalctl --flush",
    "journalctl --sync",
    "journalctl -D /tmp",
    "journalctl --file=/etc/shadow",
    "journalctl --cursor-file=/etc/x",
    "journalctl -n",
    "journalctl -n x",
    "journalctl -u",
    "journalctl -u -f",
    "journalctl _PID=1",
    "journalctl --setup-keys",
    "systemctl",
    "systemctl restart nginx",
    "systemctl stop nginx",
    "systemctl status -H root@db1 nginx",
    "systemctl -H db1 status nginx",
    "systemctl status --host=db1 nginx",
    "systemctl show nginx",
    "systemctl show -p Environment nginx",
    "systemctl show --property=ActiveState,Environment nginx",
    "systemctl list-units restart -M x",
    "systemctl edit nginx",
    "systemctl kill nginx",
    "ip link set eth0 down",
    "ip addr flush dev eth0",
    "ip addr show dev eth0 up",
    "ip route flush cache",
    "ip -batch /tmp/x",
    "ip netns exec x id",
    "ip -b /tmp/x",
    "cat /etc/shadow",
    "cat /root/.ssh/id_ed25519",
    "cat /proc/1/environ",
    "cat /proc/meminfo /etc/shadow",
    "cat",
    "date 112110102026",
    "date -s 2020-01-01",
    "date --set=2020-01-01",
    "hostname evil",
    "hostname -F /tmp/x",
    "dmesg -c",
    "dmesg -C",
    "dmesg -w",
    "mount /dev/sda1 /mnt",
    "swapon /dev/sdb",
    "timedatectl set-ntp false",
    "chronyc makestep",
    "vmstat 1",
    "du --files0-from=/etc/shadow",
    "uptime --help=x",
    "find / -delete",
    "rm -rf /",
    "curl http://x",
    "id root -Z",
    "nixos-rebuild switch",
    "dｆ",
    "d\u{435}f",
    "df\u{a0}-h",
    "df \u{2013}h",
    "ss\u{200b}",
    "df\u{0}",
    "df\r",
    "df -",
    "df --",
];

#[test]
fn lines_that_look_only_are_proved() {
    for line in READS {
        assert!(is_proven_read_only(line), "{line}");
    }
}

#[test]
fn nothing_else_is_proved() {
    for line in NOT_PROVED {
        assert!(!is_proven_read_only(line), "{line:?}");
    }
}

#[test]
fn no_second_command_rides_on_a_proved_line() {
    for line in READS {
        for tail in [
            "; id",
            "\nid",
            " && id",
            " | sh",
            " > /etc/x",
            " $(id)",
            "\u{2028}id",
            " `id`",
            " &",
        ] {
            assert!(
                !is_proven_read_only(&format!("{line}{tail}")),
                "{line}{tail}"
            );
        }
    }
}

proptest! {
    #[test]
    fn one_character_beyond_the_alphabet_undoes_the_proof(
        line in proptest::sample::select(READS),
        at in any::<proptest::sample::Index>(),
        c in any::<char>().prop_filter("is beyond the alphabet", |c| {
            !c.is_ascii_alphanumeric() && !"_./=:@%+,- ".contains(*c)
        }),
    ) {
        let at = at.index(line.len() + 1);
        let line = format!("{}{c}{}", &line[..at], &line[at..]);
        prop_assert!(!is_proven_read_only(&line), "{:?}", line);
    }

    #[test]
    fn a_word_put_before_a_proved_line_undoes_the_proof(
        line in proptest::sample::select(READS),
        word in "[A-Za-z0-9_./=:@%+,-]{1,12}",
    ) {
        let line = format!("{word} {line}");
        prop_assert!(!is_proven_read_only(&line), "{}", line);
    }

    #[test]
    fn any_text_can_be_asked(text in any::<String>()) {
        let _ = is_proven_read_only(&text);
    }
}
