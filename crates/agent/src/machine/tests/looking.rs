use super::*;

#[test]
fn a_finding_is_looked_into_and_a_repair_proposed() {
    let play = check(
        diagnose(),
        Limits::default(),
        vec![
            call(&[("logs", json!({ "unit": "nginx.service", "since": "2h" }))]),
            call(&[
                ("unit_status", json!({ "unit": "apache2" })),
                ("logs", json!({ "host": "web2" })),
            ]),
            call(&[restart()]),
            call(&[(
                "conclude",
                json!({
                    "cause": "Port 80 is held by apache2.service [E1]. It is active [E2].",
                    "confidence": "high", "evidence": ["E1"],
                }),
            )]),
        ],
        &[
            "ask main with tools",
            "use E1 journal of nginx.service, last 2h, on web1",
            "ask main with tools",
            "use E2 status of apache2.service on web1",
            "use E3 journal, last 2h, on web2",
            "ask main with tools",
            "ask main with tools",
            "finish diagnosed (High): Port 80 is held by apache2.service [E1]. It is active [E2]. => restart nginx.service on web1",
        ],
    );
    let end = play.end.expect("it ended");
    let labels: Vec<&str> = end
        .looked_at
        .iter()
        .map(|look| look.label.as_str())
        .collect();
    assert_eq!(labels, ["F1", "F2", "E1", "E2", "E3"]);
    assert_eq!((end.spent.asks, end.spent.uses), (4, 3));
    assert_eq!(end.spent.tokens(), 440);
    assert_eq!(
        end.proposal.expect("a proposal").verify.summary(),
        "the check units passes for nginx.service 15 s later"
    );
}

#[test]
fn what_a_tool_shows_is_fenced_under_its_label_and_kept_reduced() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![call(&[(
        "command",
        json!({ "command": "long output" }),
    )])]);
    let mark = "ajajajajajajajajajaj";
    let text = play.last_line();
    assert!(
        text.starts_with(&format!("<<{mark} E1: command `long output` on web1\n")),
        "{text}"
    );
    assert!(text.contains(&format!("\n{mark}>>\n(")), "{text}");
    assert!(
        text.ends_with("call output with label E1 and from_line or grep for them.)"),
        "{text}"
    );
    let look = &play.investigation.looked_at()[2];
    assert!(look.shown.len() <= 4_000 && look.bytes > 30_000, "{look:?}");
}

#[test]
fn results_stand_in_the_order_of_the_calls_under_ids_of_our_own() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.on(call(&[
        ("logs", json!({})),
        ("nonsense", json!({})),
        ("unit_status", json!({ "unit": "nginx.service" })),
    ]));
    let calls: Vec<CallId> = play.uses.iter().map(|using| using.call.clone()).collect();
    for call in calls.iter().rev() {
        play.on(Event::Seen(Seen {
            call: call.clone(),
            outcome: Ok(Look::new(format!("seen {call}"))),
        }));
    }
    let lines = &play.investigation.transcript()[2..];
    let shown: Vec<String> = lines
        .iter()
        .map(|line| match line {
            Line::Assistant { calls, .. } => {
                let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
                format!("calls {}", ids.join(" "))
            }
            Line::Tool { call, label, .. } => format!("{call} {}", label.as_deref().unwrap_or("-")),
            _ => "other".to_owned(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "calls call_1 call_2 call_3",
            "call_1 E1",
            "call_2 -",
            "call_3 E2"
        ]
    );
}

/// What a call that cannot be used is answered.
fn refused(name: &str, arguments: Value, expect: &str) {
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![call(&[(name, arguments)])]);
    assert_eq!(play.last_line(), expect);
    assert_eq!(play.uses, [], "nothing is looked at");
    assert_eq!(
        play.told.len(),
        2,
        "the model is asked again: {:?}",
        play.told
    );
}

#[test]
fn a_call_that_cannot_be_used_gets_one_line_that_says_what_would_be_right() {
    refused(
        "format_disk",
        json!({}),
        "Refused: there is no tool format_disk; there are unit_status, logs, command, read_file, processes, metrics, network, facts, host_config, compare, similar_issues, knowledge, output, propose, conclude.",
    );
    refused(
        "command",
        json!({}),
        "Refused: command of command must be one command line that only reads, such as `df -h`.",
    );
    refused(
        "command",
        json!([1]),
        "Refused: the arguments of command must be one JSON object.",
    );
    refused(
        "logs",
        json!({ "lines": "many" }),
        "Refused: lines of logs must be a whole number.",
    );
    refused(
        "logs",
        json!({ "unit": "a b;c" }),
        "Refused: unit of logs must be the name of a unit with its suffix, such as nginx.service.",
    );
    refused(
        "logs",
        json!({ "host": "db9" }),
        "Refused: there is no host db9 to look at here; there are web1, web2.",
    );
    refused(
        "logs",
        json!({ "host": "-oProxyCommand=x" }),
        "Refused: host of logs must be the name of a host.",
    );
    refused(
        "output",
        json!({ "label": "E7" }),
        "Refused: there is no E7; there are F1, F2, K1.",
    );
    refused(
        "read_file",
        json!({ "path": "etc/passwd" }),
        "Refused: path of read_file must be an absolute path.",
    );
    refused(
        "network",
        json!({ "check": "ping", "target": "-f" }),
        "Refused: target of network must be a bare name or address.",
    );
}

#[test]
fn a_proposal_that_may_not_be_is_refused_with_a_line() {
    let propose = |changed: &[(&str, Value)]| {
        let mut arguments = restart().1;
        for (key, value) in changed {
            arguments[*key] = value.clone();
        }
        arguments
    };
    refused(
        "propose",
        propose(&[("host", json!("web2"))]),
        "Refused: the host of a proposal must be one of web1.",
    );
    refused(
        "propose",
        propose(&[("evidence", json!(["E9"]))]),
        "Refused: evidence of a proposal must be labels of what was seen: F1, F2, K1.",
    );
    refused(
        "propose",
        propose(&[("evidence", json!([]))]),
        "Refused: evidence of a proposal must be labels of what was seen: F1, F2, K1.",
    );
    refused(
        "propose",
        propose(&[("steps", json!([]))]),
        "Refused: steps of propose must be a list of at least one step with its kind.",
    );
    refused(
        "propose",
        propose(&[("risk", json!({ "level": "read_only" }))]),
        "Refused: risk of propose must have the level low, medium or high.",
    );
    refused(
        "propose",
        propose(&[(
            "steps",
            json!([{ "kind": "unit_stop", "unit": "ssh.service" }]),
        )]),
        "Refused: step 1 of the reply is of the kind unit_stop, which a model cannot propose.",
    );
}

#[test]
fn arguments_as_text_and_calls_in_prose_are_read() {
    check(
        diagnose(),
        Limits::default(),
        vec![
            call(&[("logs", json!("{\"unit\": \"nginx\", \"lines\": \"20\"}"))]),
            say(
                "Let me look:\n```json\n{\"name\": \"unit_status\", \"arguments\": {\"unit\": \"nginx.service\"}}\n```",
            ),
            say(
                "Here is my answer: {\"cause\": \"Port 80 is in use [F2].\", \"confidence\": \"medium\", \"evidence\": [\"F2\"]} Good luck",
            ),
        ],
        &[
            "ask main with tools",
            "use E1 journal of nginx.service, last 2h, on web1",
            "ask main with tools",
            "use E2 status of nginx.service on web1",
            "ask main with tools",
            "finish diagnosed (Medium): Port 80 is in use [F2].",
        ],
    );
}

#[test]
fn the_same_call_again_is_answered_from_before_and_three_times_ends_the_looking() {
    let again = || call(&[("logs", json!({ "unit": "nginx.service" }))]);
    let play = check(
        diagnose(),
        Limits::default(),
        vec![
            again(),
            call(&[(
                "logs",
                json!({ "since": "2h", "unit": "nginx", "host": "web1" }),
            )]),
            again(),
            again(),
            say(
                "{\"host\":\"web1\",\"cause\":\"Port 80 is held by apache2.service.\",\"confidence\":\"low\",\"evidence\":[\"E1\"],\"proposal\":null}",
            ),
        ],
        &[
            "ask main with tools",
            "use E1 journal of nginx.service, last 2h, on web1",
            "ask main with tools",
            "ask main with tools",
            "ask main with tools",
            "ask main by schema",
            "finish diagnosed (Low): Port 80 is held by apache2.service.",
        ],
    );
    let last = play.asks.last().expect("a last question");
    assert!(last.tools.is_empty());
    let text = last.messages.last().map_or("", Line::text);
    assert!(
        text.contains("held by apache2.service, pid 4711"),
        "what was seen is shown: {text}"
    );
    assert!(
        text.contains("There are no more looks: the same was asked for again and again."),
        "{text}"
    );
    let all = last
        .messages
        .iter()
        .all(|line| matches!(line, Line::System { .. } | Line::User { .. }));
    assert!(all, "the last question needs no tools");
}

#[test]
fn forty_calls_in_one_answer_are_bounded() {
    let many: Vec<(&str, Value)> = (0..40)
        .map(|at| ("logs", json!({ "unit": format!("u{at}.service") })))
        .collect();
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![call(&many)]);
    assert_eq!(play.uses.len(), 5);
    let Line::Assistant { calls, .. } = &play.investigation.transcript()[2] else {
        panic!("an answer is expected");
    };
    assert_eq!(calls.len(), 5, "every call that is kept has its result");
    let same = vec![("logs", json!({ "unit": "nginx.service" })); 40];
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![call(&same)]);
    assert_eq!(play.uses.len(), 1);
    assert_eq!(
        play.told.last().map(String::as_str),
        Some("ask main by schema")
    );
}

#[test]
fn a_model_that_only_writes_is_asked_for_the_last_word_by_schema() {
    check(
        diagnose(),
        Limits::default(),
        vec![
            say("\u{6211}\u{4e0d}\u{77e5}\u{9053}"),
            say(""),
            say("{\"cause\": \"x\"}"),
            say("no"),
        ],
        &[
            "ask main with tools",
            "ask main with tools",
            "ask main by schema",
            "ask main by schema",
            "finish budget_spent (InsufficientEvidence): There is no conclusion: no tool was called, and the last answer could not be used (there is no JSON object in the answer). Looked at: F1 what the check found; F2 journal.",
        ],
    );
}

#[test]
fn a_look_that_fails_is_told_and_cannot_be_cited() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![call(&[("command", json!({ "command": "rm -rf /" }))])]);
    assert!(
        play.last_line().contains("(failed: it is not read-only)"),
        "{}",
        play.last_line()
    );
    let unfounded = || {
        call(&[(
            "conclude",
            json!({ "cause": "The disk is gone [E1].", "confidence": "high", "evidence": [] }),
        )])
    };
    play.waiting.clear();
    play.on(unfounded());
    assert_eq!(
        play.last_line(),
        "Refused: nothing of the cause is supported by what was seen: nothing was seen under E1. Cite labels of what was seen (F1, F2, E1, K1), look further, or conclude that the evidence does not tell."
    );
    play.on(unfounded());
    assert_eq!(
        play.told.last().map(String::as_str),
        Some(
            "finish insufficient_evidence (InsufficientEvidence): The disk is gone [E1]. (unsupported: nothing was seen under E1) | Nothing of this is supported by what was seen, so it counts as insufficient evidence and nothing is proposed."
        )
    );
}

#[test]
fn looks_beside_a_conclusion_are_not_made() {
    check(
        diagnose(),
        Limits::default(),
        vec![call(&[
            ("logs", json!({})),
            restart(),
            ("conclude", good_conclusion()),
        ])],
        &[
            "ask main with tools",
            "finish diagnosed (High): Port 80 is in use on web1 [F2]. => restart nginx.service on web1",
        ],
    );
}

#[test]
fn a_comparison_looks_only_at_hosts_that_are_given() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![call(&[
        (
            "compare",
            json!({ "what": "unit", "name": "nginx", "hosts": ["web2", "db1"] }),
        ),
        ("compare", json!({ "what": "unit", "name": "nginx" })),
    ])]);
    assert_eq!(
        play.told[1..2],
        ["use E1 unit nginx.service compared with web2, on web1"]
    );
    let refused = play.investigation.transcript()[3].text();
    assert_eq!(
        refused,
        "Refused: there is no host db1 to look at here; there are web1, web2."
    );
}
