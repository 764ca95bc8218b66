//! The commands of the typed tools, put together by code around values that were read and checked. A model names a unit,
//! a path, a target; the words around them are ours. Each is judged like any other command all the same.

use watchkeeper_agent::{LogPriority, NetworkCheck, ProcessOrder};
use watchkeeper_model::UnitName;
use watchkeeper_remedy::Init;
use watchkeeper_risk::quote_words;

/// What `systemctl show` tells beside `systemctl status`.
const PROPERTIES: &str = "Result,ExecMainCode,ExecMainStatus,NRestarts,FragmentPath,DropInPaths,\
                          ActiveEnterTimestamp,InactiveEnterTimestamp";
/// Lines that are fetched where only some of them are wanted.
pub(super) const LINES_SEARCHED: u32 = 5_000;

/// These words as a text that is exactly them.
fn text(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    quote_words(&words)
}

/// How a unit stands.
pub(super) fn unit_status(unit: &UnitName, init: Init) -> String {
    let name = unit.as_str();
    match init {
        Init::Openrc => text(&[
            "rc-service",
            name.strip_suffix(".service").unwrap_or(name),
            "status",
        ]),
        Init::Systemd | Init::Other => {
            let status = text(&[
                "systemctl",
                "status",
                "--no-pager",
                "--full",
                "--lines=10",
                "--",
                name,
            ]);
            let show = text(&[
                "systemctl",
                "show",
                "--no-pager",
                "-p",
                PROPERTIES,
                "--",
                name,
            ]);
            format!("{status}; {show}")
        }
    }
}

/// Lines of the journal, the newest first: where there are too many, the oldest are left out.
pub(super) fn logs(
    unit: Option<&UnitName>,
    priority: Option<LogPriority>,
    since_s: u64,
    lines: u32,
    init: Init,
) -> String {
    if init == Init::Openrc {
        return text(&["tail", "-n", &lines.to_string(), "/var/log/messages"]);
    }
    let lines = format!("--lines={lines}");
    let since = format!("--since=-{since_s}s");
    let mut words = vec![
        "journalctl",
        "--no-pager",
        "--quiet",
        "-r",
        "-o",
        "short-iso",
        &lines,
        &since,
    ];
    let of = unit.map(|unit| format!("--unit={unit}"));
    let from = priority.map(|priority| format!("--priority={}", priority.as_str()));
    words.extend(of.as_deref());
    words.extend(from.as_deref());
    text(&words)
}

/// Lines of a file.
pub(super) fn read_file(path: &str, from_line: u32, lines: u32) -> String {
    let from = format!("+{from_line}");
    format!(
        "{} | {}",
        text(&["tail", "-n", &from, "--", path]),
        text(&["head", "-n", &lines.to_string()])
    )
}

/// The largest processes.
pub(super) fn processes(sort_by: ProcessOrder, limit: u32, init: Init) -> String {
    if init == Init::Openrc {
        // The ps of busybox knows no order.
        return text(&["ps", "-o", "pid,user,stat,rss,etime,args"]);
    }
    let order = match sort_by {
        ProcessOrder::Cpu => "--sort=-pcpu",
        ProcessOrder::Memory => "--sort=-rss",
    };
    format!(
        "{} | {}",
        text(&[
            "ps",
            "-eo",
            "pid,ppid,user,stat,pcpu,pmem,rss,etime,args",
            order,
        ]),
        text(&["head", "-n", &(limit + 1).to_string()])
    )
}

/// One look at the network. The target was checked.
pub(super) fn network(check: NetworkCheck, target: &str) -> String {
    match check {
        NetworkCheck::Ping => text(&["ping", "-n", "-c", "3", "-W", "2", target]),
        NetworkCheck::Dns => text(&["getent", "ahosts", target]),
        NetworkCheck::Port => {
            let (host, port) = target.rsplit_once(':').unwrap_or((target, "0"));
            let host = host.trim_start_matches('[').trim_end_matches(']');
            text(&["nc", "-z", "-v", "-w", "5", host, port])
        }
        NetworkCheck::Http => text(&[
            "curl",
            "-sS",
            "-o",
            "/dev/null",
            "-m",
            "10",
            "-w",
            "%{http_code} in %{time_total} s\\n",
            target,
        ]),
    }
}

/// Entries of a journal that were printed newest first, in the order in which they were written. What is indented
/// belongs to the line before it.
pub(super) fn oldest_first(printed: &str) -> Vec<&str> {
    let lines: Vec<&str> = printed.lines().collect();
    let mut entries: Vec<&[&str]> = Vec::new();
    let mut begin = 0;
    for at in 1..=lines.len() {
        if at == lines.len() || !lines[at].starts_with(char::is_whitespace) {
            entries.push(&lines[begin..at]);
            begin = at;
        }
    }
    entries.into_iter().rev().flatten().copied().collect()
}

/// The last so many lines that hold a text, whatever its case.
pub(super) fn holding(lines: Vec<&str>, grep: Option<&str>, most: usize) -> String {
    let wanted = grep.map(str::to_lowercase);
    let found: Vec<&str> = lines
        .into_iter()
        .filter(|line| {
            wanted
                .as_ref()
                .is_none_or(|wanted| line.to_lowercase().contains(wanted))
        })
        .collect();
    found[found.len().saturating_sub(most)..].join("\n")
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::RiskLevel;
    use watchkeeper_risk::{HostFacts, assess_text};

    use super::*;

    fn unit(name: &str) -> UnitName {
        UnitName::new(name).expect("a unit")
    }

    #[test]
    fn what_the_tools_run_only_looks() {
        let odd = unit("a\\x2db@c:d.service");
        let mut texts = Vec::new();
        for init in [Init::Systemd, Init::Openrc, Init::Other] {
            texts.push(unit_status(&odd, init));
            texts.push(logs(Some(&odd), Some(LogPriority::Err), 3_600, 500, init));
            texts.push(logs(None, None, 60, LINES_SEARCHED, init));
            texts.push(processes(ProcessOrder::Memory, 15, init));
        }
        texts.push(read_file("/etc/nginx/with a 'quote'.conf", 10, 400));
        texts.push(network(NetworkCheck::Ping, "web2"));
        texts.push(network(NetworkCheck::Dns, "web2"));
        texts.push(network(NetworkCheck::Port, "[::1]:443"));
        texts.push(network(NetworkCheck::Http, "http://web2:8080/health"));
        for text in texts {
            let judged = assess_text(&text, &HostFacts::default());
            assert_eq!(judged.assessment.level, RiskLevel::ReadOnly, "{text}");
        }
    }

    #[test]
    fn a_secrets_path_is_judged_as_one() {
        for path in ["/etc/shadow", "/etc/ssh/../shadow", "/root/.ssh/id_ed25519"] {
            let judged = assess_text(&read_file(path, 1, 10), &HostFacts::default());
            assert!(judged.assessment.level > RiskLevel::ReadOnly, "{path}");
        }
    }

    #[test]
    fn a_journal_is_turned_by_entries_and_not_by_lines() {
        let printed = "b: panic\n  at main\n  at run\na: begins";
        let lines = oldest_first(printed);
        assert_eq!(lines, ["a: begins", "b: panic", "  at main", "  at run"]);
        assert_eq!(holding(lines, Some("AT "), 1), "  at run");
        assert_eq!(holding(oldest_first(""), None, 5), "");
    }
}
