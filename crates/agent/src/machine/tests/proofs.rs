use std::time::Duration;

use proptest::prelude::*;
use watchkeeper_model::Confidence;

use super::*;

/// Goes through a checkpoint.
fn again(investigation: &Investigation) -> Investigation {
    let text = serde_json::to_string(investigation).expect("it can be written down");
    serde_json::from_str(&text).expect("it can be read")
}

#[test]
fn a_resumed_investigation_asks_nothing_twice() {
    let limits = Limits {
        triage: true,
        critic: true,
        ..Limits::default()
    };
    let answers = [
        say("{\"needs_main\": true}"),
        call(&[
            ("logs", json!({})),
            ("unit_status", json!({ "unit": "nginx.service" })),
        ]),
        call(&[restart(), ("conclude", good_conclusion())]),
        say("{\"agrees\": true, \"objection\": null, \"risk\": null}"),
    ];
    let mut whole = Play::new(diagnose(), limits.clone());
    whole.run(answers.to_vec());
    // The same with a restart before every event.
    let mut parted = Play::new(diagnose(), limits);
    let mut answers = VecDeque::from(answers.to_vec());
    while parted.end.is_none() {
        parted.investigation = again(&parted.investigation);
        let todo = parted.investigation.resume();
        let first = todo.into_iter().next().expect("something is to be done");
        match first {
            Effect::Use(using) => {
                let outcome = look(&using);
                parted.on(Event::Seen(Seen {
                    call: using.call,
                    outcome,
                }));
            }
            Effect::Ask(_) => parted.on(answers.pop_front().expect("an answer")),
            Effect::Finish(_) => break,
        }
    }
    assert_eq!(parted.told, whole.told);
    assert_eq!(parted.end, whole.end);
    let over = again(&parted.investigation);
    assert_eq!(
        over.resume(),
        vec![Effect::Finish(Box::new(whole.end.expect("it ended")))]
    );
}

#[test]
fn what_is_seen_is_asked_for_once_after_a_restart() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.on(call(&[
        ("logs", json!({})),
        ("unit_status", json!({ "unit": "nginx.service" })),
    ]));
    let first = play.uses[0].clone();
    play.on(Event::Seen(Seen {
        call: first.call,
        outcome: Ok(Look::new("x")),
    }));
    let resumed = again(&play.investigation);
    assert_eq!(resumed.resume(), vec![Effect::Use(play.uses[1].clone())]);
}

#[test]
fn events_that_nobody_waits_for_change_nothing() {
    let mut play = Play::new(diagnose(), Limits::default());
    let seen = Seen {
        call: CallId("call_1".to_owned()),
        outcome: Ok(Look::new("x")),
    };
    play.on(Event::Seen(seen.clone()));
    assert_eq!(play.told.len(), 1);
    play.on(call(&[("logs", json!({}))]));
    play.on(say("too early"));
    play.on(Event::NoAnswer(NoAnswer::TooLong { room: 1 }));
    assert_eq!(play.told.len(), 2);
    play.on(Event::Seen(Seen {
        call: CallId("call_99".to_owned()),
        outcome: Ok(Look::new("x")),
    }));
    assert_eq!(play.told.len(), 2);
    play.on(Event::Seen(seen.clone()));
    play.on(Event::Seen(seen));
    assert_eq!(play.told.len(), 3);
}

/// Something a model or the world may do, good or bad.
fn event() -> impl Strategy<Value = Event> {
    let hosts = prop_oneof![
        Just(json!("web1")),
        Just(json!("web2")),
        Just(json!("db9")),
        Just(Value::Null),
        Just(json!(3))
    ];
    let names = prop_oneof![
        Just("logs"),
        Just("command"),
        Just("compare"),
        Just("output"),
        Just("propose"),
        Just("conclude"),
        Just("rm"),
        Just(""),
    ];
    let one = (names, hosts, 0..4_u32, any::<bool>()).prop_map(|(name, host, at, sure)| {
        let arguments = json!({
            "host": host, "command": format!("long {at}"), "unit": format!("u{at}.service"), "what": "unit", "name": "nginx",
            "label": format!("E{at}"), "steps": [{ "kind": "unit_restart", "unit": "nginx.service" }], "reason": "x",
            "evidence": [if sure { "F2".to_owned() } else { format!("E{at}") }], "risk": { "level": (if sure { "high" } else { "low" }) },
            "cause": format!("Port 80 is in use [F2]. It is {at} [E{at}]."), "confidence": (if sure { "high" } else { "low" }),
        });
        (name, arguments)
    });
    let calls = prop::collection::vec(one, 0..8).prop_map(|calls| call(&calls));
    let texts = prop_oneof![
        any::<String>().prop_map(|text| say(&text)),
        Just(say(
            "{\"needs_main\": false, \"cause\": \"Port 80 is in use.\", \"evidence\": [\"F2\"]}"
        )),
        Just(say(
            "{\"host\":\"web2\",\"cause\":\"x\",\"confidence\":\"high\",\"evidence\":[],\"proposal\":{\"host\":\"web2\",\"steps\":[{\"kind\":\"package_cache_clean\"}],\"reason\":\"x\"}}"
        )),
        Just(say(
            "{\"agrees\": false, \"objection\": \"no\", \"risk\": {\"level\": \"low\", \"reason\": \"fine\"}}"
        )),
        Just(say(
            "{\"answer\":\"x\",\"proposal\":{\"host\":\"db9\",\"steps\":[{\"kind\":\"package_cache_clean\"}],\"reason\":\"x\"}}"
        )),
        Just(say(
            "{\"answer\":\"x\",\"proposal\":{\"host\":\"web2\",\"steps\":[{\"kind\":\"package_cache_clean\"}],\"reason\":\"x\"}}"
        )),
    ];
    let failures = prop_oneof![
        (0..20_000_u64).prop_map(|room| Event::NoAnswer(NoAnswer::TooLong { room })),
        Just(Event::NoAnswer(NoAnswer::Failed("gone".to_owned()))),
        (0..400_u64).prop_map(|s| Event::Elapsed(Duration::from_secs(s))),
        (0..12_u32, any::<bool>(), any::<String>()).prop_map(|(at, well, text)| Event::Seen(
            Seen {
                call: CallId(format!("call_{at}")),
                outcome: if well { Ok(Look::new(text)) } else { Err(text) },
            }
        )),
    ];
    prop_oneof![4 => calls, 3 => texts, 2 => failures]
}

fn task() -> impl Strategy<Value = Task> {
    prop_oneof![
        Just(diagnose()),
        Just(Task::Converse(talk(ConversationKind::Ask, "?"))),
        Just(Task::Converse(talk(ConversationKind::Do, "reload"))),
        Just(Task::Converse(ConverseTask::sample())),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let switches = (any::<bool>(), any::<bool>(), any::<bool>());
    let room = prop_oneof![3 => Just(None), 1 => (0..5_000_u64).prop_map(Some)];
    (0..5_u32, 0..6_u32, 0..3_000_u64, switches, room).prop_map(
        |(steps, calls, tokens, (tools, triage, critic), room)| Limits {
            room,
            steps,
            calls,
            tokens,
            tools,
            triage,
            critic,
            ..Limits::default()
        },
    )
}

/// The hosts for which something may be proposed.
fn allowed(task: &Task) -> Vec<HostName> {
    match task {
        Task::Diagnose(task) => vec![task.finding.host.clone()],
        Task::Converse(task) if task.kind == ConversationKind::Do => task.hosts.clone(),
        Task::Converse(_) => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_it_ends_within_its_limits_and_proposes_nothing_elsewhere(
        task in task(),
        limits in limits(),
        events in prop::collection::vec(event(), 0..60),
    ) {
        let (steps, calls) = (limits.steps, limits.calls);
        let may = allowed(&task);
        let mut play = Play::new(task, limits);
        for event in events {
            let over = play.end.is_some();
            let told = play.told.len();
            play.on(event);
            prop_assert!(!over || play.told.len() == told, "nothing follows a finish");
        }
        // What is still open is answered with nonsense until it ends.
        for _ in 0..200 {
            let Some(todo) = play.investigation.resume().into_iter().next() else { break };
            match todo {
                Effect::Ask(_) => play.on(say("nonsense")),
                Effect::Use(using) => play.on(Event::Seen(Seen { call: using.call, outcome: Ok(Look::new("x")) })),
                Effect::Finish(_) => break,
            }
        }
        prop_assert!(play.end.is_some(), "it ends: {:?}", play.told);
        prop_assert!(play.asks.len() <= steps as usize + FURTHER_ASKS as usize, "{:?}", play.told);
        prop_assert!(play.uses.len() <= calls as usize, "{:?}", play.told);
        let end = play.end.clone().expect("it ended");
        if let Some(proposal) = &end.proposal {
            prop_assert!(may.contains(&proposal.host), "{proposal:?}");
        }
        if end.confidence == Confidence::InsufficientEvidence {
            prop_assert_eq!(&end.proposal, &None);
        }
        for using in &play.uses {
            let known = using.host.as_ref().is_none_or(|host| ["web1", "web2"].contains(&host.as_str()));
            prop_assert!(known, "{using:?}");
        }
        prop_assert_eq!(&again(&play.investigation).resume(), &play.investigation.resume());
    }

    #[test]
    fn nothing_a_second_opinion_says_makes_anything_safer_or_likelier(text in ".{0,200}", level in 0..4_usize, agrees in any::<bool>()) {
        let limits = Limits { critic: true, ..Limits::default() };
        let mut proposal = restart();
        proposal.1["risk"] = json!({ "level": "medium", "reason": "x" });
        let mut play = Play::new(diagnose(), limits);
        let level = ["low", "medium", "high", "read_only"][level];
        let doubt = json!({ "agrees": agrees, "objection": text, "risk": { "level": level, "reason": text }, "approve": true });
        play.run(vec![call(&[proposal]), conclude(), say(&doubt.to_string())]);
        let end = play.end.expect("it ended");
        let opinion = end.opinion.expect("the first opinion stays or is raised");
        prop_assert!(opinion.level >= watchkeeper_model::RiskLevel::Medium);
        prop_assert!(end.confidence <= Confidence::High);
        prop_assert_eq!(agrees, end.objections.is_empty());
    }
}
