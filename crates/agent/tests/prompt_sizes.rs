//! How long each kind of prompt is, in tokens by `model::estimate_tokens`, with one typical finding or question and one
//! thing that is known of it. A change that makes prompts longer is seen here.

use std::fmt::Write as _;

use serde_json::{Value, json};
use watchkeeper_agent::{
    Answer, Ask, Boundary, ConverseTask, DiagnoseTask, Effect, Event, HostTraits, Investigation,
    Known, Limits, Look, Prompts, RawCall, Seen, Task, Tool,
};
use watchkeeper_model::{
    CheckName, ConversationKind, Evidence, Finding, HostName, IssueNumber, Said, Severity, Speaker,
    Timestamp, estimate_tokens,
};

fn host(name: &str) -> HostName {
    HostName::new(name).expect("a host's name")
}

/// One thing that is known.
fn note() -> Known {
    Known {
        label: "K1".to_owned(),
        title: "nginx.service failed: exit code 1".to_owned(),
        text: "apache2 held port 80; stopping it and starting nginx fixed it.".to_owned(),
        from_where: "issue 3, fixed by action 5".to_owned(),
        host: Some(host("web2")),
        confirmed: true,
    }
}

fn diagnose() -> Task {
    let journal = "Nov 21 10:00:01 web1 nginx[812]: nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n";
    Task::Diagnose(DiagnoseTask {
        finding: Finding {
            host: host("web1"),
            check: CheckName::new("units").expect("a check's name"),
            subject: "nginx.service".to_owned(),
            severity: Severity::Warning,
            summary: "nginx.service failed 3 min ago: exit code 1".to_owned(),
            cause: "exit code 1".to_owned(),
            evidence: vec![Evidence::new("journal", &journal.repeat(5))],
        },
        issue: IssueNumber(1),
        traits: HostTraits {
            os: Some("debian".to_owned()),
            init: None,
        },
        attempts: Vec::new(),
        similar: vec![note()],
        peers: vec![host("web2"), host("web3")],
    })
}

fn talk(kind: ConversationKind) -> Task {
    Task::Converse(ConverseTask {
        kind,
        question: "Why did nginx fail on web1 last night?".to_owned(),
        known: vec![note()],
        ..ConverseTask::sample()
    })
}

/// A talk that does not fit any more, so that its beginning is summarised first.
fn long_talk() -> Task {
    let said = |seq| Said {
        seq,
        by: Speaker::Person,
        at: Timestamp::from_millis(0),
        text: "And how full is the disk of web1, and since when does it fill up?".repeat(3),
        body: Value::Null,
    };
    Task::Converse(ConverseTask {
        history: (1..60).map(said).collect(),
        ..ConverseTask::sample()
    })
}

fn begin(task: Task, limits: Limits) -> (Investigation, Ask) {
    let boundary = Boundary::from_random([7; 16]);
    let prompts = Prompts::shipped().named("hal");
    let (investigation, effects) =
        Investigation::begin(task, limits, &prompts, boundary).expect("it begins");
    (investigation, asked(effects).expect("a question"))
}

fn asked(effects: Vec<Effect>) -> Option<Ask> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Ask(ask) => Some(ask),
        _ => None,
    })
}

fn answer(calls: Vec<(&str, Value)>) -> Event {
    let calls = calls.into_iter().map(|(name, arguments)| RawCall {
        id: String::new(),
        name: name.to_owned(),
        arguments,
    });
    Event::Answered(Answer {
        calls: calls.collect(),
        ..Answer::default()
    })
}

/// Tokens of each message, of the tools and of the whole.
fn size(ask: &Ask) -> String {
    let mut told = String::new();
    for line in &ask.messages {
        let _ = write!(told, "{} + ", estimate_tokens(line.text()));
    }
    let tools: u64 = ask
        .tools
        .iter()
        .map(|tool| estimate_tokens(&json!(tool).to_string()))
        .sum();
    let schema = ask
        .schema
        .as_ref()
        .map_or(0, |schema| estimate_tokens(&schema.to_string()));
    format!(
        "{told}tools {tools}, schema {schema}; whole {}",
        ask.tokens()
    )
}

#[test]
fn the_size_of_every_kind_of_prompt_is_as_committed() {
    let mut told = String::new();
    let mut tell = |name: &str, ask: &Ask| {
        let _ = writeln!(told, "{name}: {}", size(ask));
    };
    let (_, ask) = begin(
        diagnose(),
        Limits {
            triage: true,
            ..Limits::default()
        },
    );
    tell("triage", &ask);
    let (mut investigation, ask) = begin(
        diagnose(),
        Limits {
            critic: true,
            ..Limits::default()
        },
    );
    tell("diagnose", &ask);
    let effects = investigation.on(answer(vec![("logs", json!({ "unit": "nginx.service" }))]));
    let Some(Effect::Use(using)) = effects.into_iter().next() else {
        panic!("a look is expected");
    };
    let line = "Nov 21 10:00:01 web1 apache2[4711]: AH00558: apache2: listening on 0.0.0.0:80, serving request 17 in 3 ms\n";
    let look = Look::new(line.repeat(100));
    let effects = investigation.on(Event::Seen(Seen {
        call: using.call,
        outcome: Ok(look),
    }));
    tell(
        "diagnose after 100 lines of a log",
        &asked(effects).expect("a question"),
    );
    let effects = investigation.on(answer(vec![
        ("propose", json!({ "steps": [{ "kind": "unit_restart", "unit": "nginx.service" }], "reason": "the port is free", "evidence": ["F2"] })),
        ("conclude", json!({ "cause": "Port 80 was in use [F2].", "confidence": "high", "evidence": ["F2"] })),
    ]));
    tell("critic", &asked(effects).expect("a question"));
    let (_, ask) = begin(
        diagnose(),
        Limits {
            tools: false,
            ..Limits::default()
        },
    );
    tell("diagnose without tools", &ask);
    for kind in [
        ConversationKind::Ask,
        ConversationKind::Chat,
        ConversationKind::Do,
        ConversationKind::Discuss,
    ] {
        let (_, ask) = begin(talk(kind), Limits::default());
        tell(kind.as_str(), &ask);
    }
    let (_, ask) = begin(
        talk(ConversationKind::Do),
        Limits {
            tools: false,
            ..Limits::default()
        },
    );
    tell("do without tools", &ask);
    let (_, ask) = begin(
        long_talk(),
        Limits {
            room: Some(1_600),
            ..Limits::default()
        },
    );
    tell("summarise", &ask);
    insta::assert_snapshot!(told, @r"
    triage: 221 + 393 + tools 0, schema 225; whole 646
    diagnose: 295 + 740 + tools 2620, schema 0; whole 3402
    diagnose after 100 lines of a log: 295 + 740 + 0 + 161 + tools 2620, schema 0; whole 3596
    critic: 251 + 600 + tools 0, schema 219; whole 883
    diagnose without tools: 295 + 1021 + tools 0, schema 1978; whole 1348
    ask: 295 + 233 + tools 1525, schema 0; whole 1857
    chat: 295 + 247 + tools 1525, schema 0; whole 1871
    do: 295 + 281 + tools 2009, schema 0; whole 2370
    discuss: 295 + 489 + tools 2009, schema 0; whole 2578
    do without tools: 295 + 515 + tools 0, schema 343; whole 842
    summarise: 162 + 786 + tools 0, schema 0; whole 980
    ");
}

#[test]
fn the_size_of_every_tool_is_as_committed() {
    let told: Vec<String> = Tool::specs()
        .iter()
        .map(|spec| {
            format!(
                "{} {}",
                spec.name,
                estimate_tokens(&json!(spec).to_string())
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    unit_status 118
    logs 223
    command 119
    read_file 147
    processes 128
    metrics 168
    network 180
    facts 114
    host_config 123
    compare 194
    similar_issues 98
    knowledge 91
    output 169
    propose 501
    conclude 247
    ");
}
