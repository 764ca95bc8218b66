use serde_json::{Value, json};
use watchkeeper_model::{HostName, RiskLevel};

use super::*;

/// What a call is read as, in the words that are told beside its label; or why it is refused.
fn check(name: &str, arguments: &Value, expect: &str) {
    let host = HostName::new("web1").expect("a host");
    let told = match Tool::parse(name, arguments) {
        Ok(tool) => tool.provenance(Some(&host)),
        Err(refused) => format!("refused: {refused}"),
    };
    assert_eq!(told, expect, "{name} {arguments}");
}

#[test]
fn calls_are_read_with_what_is_missing_filled_in() {
    check(
        "command",
        &json!({ "command": " df -h " }),
        "command `df -h` on web1",
    );
    check(
        "read_file",
        &json!({ "path": "/etc/fstab" }),
        "file /etc/fstab on web1",
    );
    check(
        "read_file",
        &json!({ "path": "/var/log/a", "from_line": "20" }),
        "file /var/log/a from line 20 on web1",
    );
    check(
        "unit_status",
        &json!({ "unit": "nginx" }),
        "status of nginx.service on web1",
    );
    check("logs", &json!({}), "journal, last 2h, on web1");
    check(
        "logs",
        &json!({ "unit": "a.timer", "since": "30 m", "grep": "oom" }),
        "journal of a.timer with `oom`, last 30m, on web1",
    );
    check(
        "logs",
        &json!({ "since": "-1h" }),
        "journal, last 1h, on web1",
    );
    check(
        "logs",
        &json!({ "since": "2d ago" }),
        "journal, last 2d, on web1",
    );
    check("metrics", &json!({}), "measurements of the last 1d on web1");
    check(
        "metrics",
        &json!({ "metrics": "load1", "window": "6h" }),
        "load1 of the last 6h on web1",
    );
    check(
        "processes",
        &json!({ "sort_by": "MEM" }),
        "processes by memory on web1",
    );
    check(
        "network",
        &json!({ "check": "port", "target": "[::1]:5432" }),
        "port [::1]:5432 on web1",
    );
    check(
        "network",
        &json!({ "check": "http", "target": "https://a.example/x?y=1" }),
        "http https://a.example/x?y=1 on web1",
    );
    check(
        "host_config",
        &json!({ "path": "/etc/nginx/nginx.conf" }),
        "configuration file /etc/nginx/nginx.conf on web1",
    );
    check(
        "host_config",
        &json!({ "query": "listen 80" }),
        "configuration about `listen 80` on web1",
    );
    check(
        "similar_issues",
        &json!({ "query": "nginx failed" }),
        "past issues like `nginx failed`",
    );
    check(
        "knowledge",
        &json!({ "query": "nginx" }),
        "notes about `nginx`",
    );
    check(
        "facts",
        &json!({ "sections": ["disk", "memory"] }),
        "last look: disk, memory on web1",
    );
    check(
        "compare",
        &json!({ "what": "unit", "name": "nginx", "hosts": "web2" }),
        "unit nginx.service compared with web2, on web1",
    );
    check(
        "output",
        &json!({ "label": "[e2]", "from_line": 40.0 }),
        "more of E2 from line 40",
    );
}

#[test]
fn what_could_be_an_option_a_path_or_a_trick_is_refused() {
    check(
        "network",
        &json!({ "check": "ping", "target": "-c99" }),
        "refused: target of network must be a bare name or address",
    );
    check(
        "network",
        &json!({ "check": "dns", "target": "a b" }),
        "refused: target of network must be a bare name or address",
    );
    check(
        "network",
        &json!({ "check": "port", "target": "db1" }),
        "refused: target of network must be like db1:5432",
    );
    check(
        "network",
        &json!({ "check": "port", "target": "db1:0" }),
        "refused: target of network must be like db1:5432",
    );
    check(
        "network",
        &json!({ "check": "http", "target": "file:///etc/shadow" }),
        "refused: target of network must be a plain http or https address without credentials",
    );
    check(
        "network",
        &json!({ "check": "http", "target": "https://user:pw@a/" }),
        "refused: target of network must be a plain http or https address without credentials",
    );
    check(
        "network",
        &json!({ "check": "http", "target": "http://a/$(id)" }),
        "refused: target of network must be a plain http or https address without credentials",
    );
    check(
        "network",
        &json!({ "check": "scan", "target": "a" }),
        "refused: check of network must be one of ping, port, dns, http",
    );
    check(
        "read_file",
        &json!({ "path": "../x" }),
        "refused: path of read_file must be an absolute path",
    );
    check(
        "read_file",
        &json!({ "path": "/a\nb" }),
        "refused: path of read_file must be one line without control characters",
    );
    check(
        "command",
        &json!({ "command": "a\u{1b}[2J" }),
        "refused: command of command must be one line without control characters",
    );
    check(
        "output",
        &json!({ "label": "E1; rm" }),
        "refused: label of output must be a label such as E2",
    );
    check(
        "facts",
        &json!({ "sections": [1] }),
        "refused: sections of facts must be a list of short texts",
    );
    check(
        "logs",
        &json!({ "since": "yesterday" }),
        "refused: since of logs must be a length of time such as 30m, 2h or 1d",
    );
    check(
        "host_config",
        &json!({}),
        "refused: query of host_config or path must be given",
    );
    check(
        "shell",
        &json!({}),
        "refused: there is no tool shell; there are unit_status, logs, command, read_file, processes, metrics, network, facts, host_config, compare, similar_issues, knowledge, output, propose, conclude",
    );
    check(
        "command",
        &json!(7),
        "refused: the arguments of command must be one JSON object",
    );
    check(
        "command",
        &json!("ls"),
        "refused: the arguments of command must be one JSON object",
    );
    let long =
        Tool::parse("command", &json!({ "command": "x".repeat(60_000) })).expect_err("too long");
    assert!(long.to_string().contains("more than 49152"), "{long}");
}

#[test]
fn numbers_are_held_to_what_is_allowed() {
    let lines = |arguments: Value| match Tool::parse("logs", &arguments) {
        Ok(Tool::Logs { lines, since, .. }) => (lines, since.to_string()),
        other => panic!("logs are expected: {other:?}"),
    };
    assert_eq!(
        lines(json!({ "lines": 1_000_000, "since": "900d" })),
        (500, "30d".to_owned())
    );
    assert_eq!(lines(json!({ "lines": 0 })), (1, "2h".to_owned()));
}

#[test]
fn a_proposal_is_read_with_typed_steps() {
    let arguments = json!({
        "host": "web1", "reason": "password=hunter2 is free now", "evidence": ["[E2]", "F1"],
        "steps": { "kind": "unit_restart", "unit": "nginx.service" },
        "undo": [], "verify_unit": "nginx.service", "risk": { "level": "high", "reason": "the\nshop" },
        "approved": true, "autonomy": "auto-full",
    });
    let Ok(Tool::Propose(propose)) = Tool::parse("propose", &arguments) else {
        panic!("a proposal is expected");
    };
    assert_eq!(propose.steps.len(), 1);
    assert_eq!(propose.evidence, ["E2", "F1"]);
    assert_eq!(propose.reason, "password=[redacted] is free now");
    let risk = propose.risk.expect("a view of the risk");
    assert_eq!(
        (risk.level, risk.reason.as_str()),
        (RiskLevel::High, "the\\nshop")
    );
}

#[test]
fn a_script_with_a_secret_is_not_proposed() {
    let arguments = json!({
        "reason": "x", "evidence": [], "steps": [{ "kind": "shell", "script": "mysql --password hunter2" }],
    });
    let refused = Tool::parse("propose", &arguments).expect_err("a secret");
    assert!(
        refused.to_string().contains("looks like a secret"),
        "{refused}"
    );
}

#[test]
fn what_is_told_of_the_tools_is_short_and_fits_what_is_read() {
    for (name, spec) in ToolName::ALL.into_iter().zip(Tool::specs()) {
        assert_eq!(spec.name, name.as_str());
        assert_eq!(ToolName::find(&spec.name), Some(name));
        assert!(spec.description.len() <= 90, "{}", spec.description);
        assert_eq!(spec.parameters["type"], "object");
        let required = spec.parameters["required"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let properties = spec.parameters["properties"]
            .as_object()
            .expect("an object");
        assert!(
            required
                .iter()
                .all(|key| key.as_str().is_some_and(|key| properties.contains_key(key)))
        );
        let alone = name.spec_for_one_host();
        assert!(alone.parameters["properties"].get("host").is_none());
    }
}

#[test]
fn what_reads_a_host_has_limits_and_what_closes_has_none() {
    for name in ToolName::ALL {
        let limits = name.limits();
        let looks = name.effect() < ToolEffect::Concludes;
        assert_eq!(looks, limits.output_bytes > 0, "{name}");
        assert_eq!(looks, !limits.time.is_zero(), "{name}");
        assert!(
            limits.time.as_secs() <= 60 && limits.output_bytes <= 256 * 1024,
            "{name}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_call_is_read_or_refused(
        name in proptest::sample::select(ToolName::ALL.to_vec()),
        key in "host|command|unit|path|lines|since|grep|steps|evidence|cause|what|target|label|risk",
        text in proptest::prelude::any::<String>(),
        number in proptest::prelude::any::<f64>(),
    ) {
        for value in [json!(text), json!(number), json!([text]), json!({ "a": text }), Value::Null] {
            let arguments = json!({ (key.as_str()): value });
            if let Ok(tool) = Tool::parse(name.as_str(), &arguments) {
                proptest::prop_assert_eq!(tool.name(), name);
                let again: Tool = serde_json::from_value(serde_json::to_value(&tool).expect("it can be written")).expect("it can be read");
                proptest::prop_assert_eq!(again, tool);
            }
            let _ = host_of(name, &arguments);
        }
    }
}
