use std::time::Duration;

use super::*;

fn logs(at: u32) -> Event {
    call(&[("logs", json!({ "unit": format!("u{at}.service") }))])
}

fn last_word() -> Event {
    say(
        "{\"host\":\"web1\",\"cause\":\"Port 80 is in use.\",\"confidence\":\"low\",\"evidence\":[\"F2\"],\"proposal\":null}",
    )
}

/// What is said when something is used up.
fn used_up(limits: Limits, answers: Vec<Event>, expect: &str) {
    let mut play = Play::new(diagnose(), limits);
    play.run(answers);
    let last = play.asks.last().expect("a question");
    assert!(
        last.tools.is_empty() && last.schema.is_some(),
        "{:?}",
        play.told
    );
    let text = last.messages.last().map_or("", Line::text);
    assert!(
        text.contains(&format!("There are no more looks: {expect}.")),
        "{text}"
    );
    play.waiting.clear();
    play.on(last_word());
    assert_eq!(
        play.told.last().map(String::as_str),
        Some("finish diagnosed (Low): Port 80 is in use.")
    );
}

#[test]
fn when_something_is_used_up_one_last_question_asks_for_a_conclusion() {
    let default = Limits::default;
    used_up(
        Limits {
            steps: 2,
            ..default()
        },
        vec![logs(1), logs(2)],
        "all 2 steps are used",
    );
    used_up(
        Limits {
            tokens: 150,
            ..default()
        },
        vec![logs(1), logs(2)],
        "all 150 tokens are used",
    );
    used_up(
        Limits {
            calls: 2,
            ..default()
        },
        vec![logs(1), logs(2)],
        "all 2 looks are used",
    );
    let mut play = Play::new(
        diagnose(),
        Limits {
            time: Duration::from_secs(60),
            ..default()
        },
    );
    play.on(Event::Elapsed(Duration::from_secs(61)));
    play.run(vec![logs(1)]);
    assert_eq!(
        play.told.last().map(String::as_str),
        Some("ask main by schema")
    );
}

#[test]
fn far_beyond_the_time_there_is_no_last_question() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.on(Event::Elapsed(Duration::from_secs(751)));
    play.run(vec![logs(1)]);
    assert_eq!(
        play.told.last().map(String::as_str),
        Some(
            "finish budget_spent (InsufficientEvidence): There is no conclusion: its time or its questions are used up. Looked at: F1 what the check found; F2 journal; E1 journal of u1.service, last 2h, on web1."
        )
    );
}

#[test]
fn one_host_is_looked_at_so_often_and_no_more() {
    let limits = Limits {
        calls_per_host: 1,
        ..Limits::default()
    };
    let mut play = Play::new(diagnose(), limits);
    play.run(vec![logs(1), logs(2)]);
    assert_eq!(
        play.last_line(),
        "Refused: web1 was looked at 1 times, which is enough."
    );
    play.waiting.push_back(Effect::Ask(play.asks[0].clone()));
    play.run(vec![call(&[
        ("logs", json!({ "host": "web2" })),
        ("knowledge", json!({ "query": "nginx" })),
    ])]);
    assert_eq!(
        play.uses.len(),
        3,
        "other hosts and the store are still looked at"
    );
}

#[test]
fn refusals_are_counted_and_end_the_looking() {
    let limits = Limits {
        refusals: 1,
        ..Limits::default()
    };
    let wrong = || call(&[("format_disk", json!({}))]);
    used_up(
        limits,
        vec![wrong(), wrong()],
        "too many calls could not be used",
    );
}

#[test]
fn a_model_without_tools_is_asked_once_by_the_replys_schema() {
    let limits = || Limits {
        tools: false,
        ..Limits::default()
    };
    let reply = json!({
        "host": "web1", "cause": "Port 80 was in use.", "confidence": "medium",
        "evidence": ["bind() to 0.0.0.0:80 failed"],
        "proposal": { "host": "web1", "steps": [{ "kind": "unit_restart", "unit": "nginx.service" }], "reason": "it is free now",
            "risk": { "level": "high", "reason": "the shop" } },
    });
    check(
        diagnose(),
        limits(),
        vec![say(&reply.to_string())],
        &[
            "ask main by schema",
            "finish diagnosed (Medium): Port 80 was in use. => restart nginx.service on web1 (risk High says model qwen3)",
        ],
    );
    check(
        diagnose(),
        limits(),
        vec![
            say("I would restart nginx"),
            say(
                "{\"host\": \"web2\", \"cause\": \"x\", \"confidence\": \"high\", \"evidence\": []}",
            ),
        ],
        &[
            "ask main by schema",
            "ask main by schema",
            "finish insufficient_evidence (InsufficientEvidence): There is no conclusion: the model's answer could not be used: the reply is about the host web2, and web1 was asked about. Looked at: F1 what the check found; F2 journal.",
        ],
    );
}

#[test]
fn a_proposal_for_another_host_in_a_reply_is_refused() {
    let limits = Limits {
        tools: false,
        ..Limits::default()
    };
    let reply = json!({
        "host": "web1", "cause": "Port 80 was in use.", "confidence": "medium", "evidence": ["F2"],
        "proposal": { "host": "web2", "steps": [{ "kind": "unit_restart", "unit": "nginx.service" }], "reason": "x" },
    })
    .to_string();
    let mut play = Play::new(diagnose(), limits);
    play.run(vec![say(&reply), say(&reply)]);
    assert_eq!(play.end.expect("it ended").proposal, None);
}

#[test]
fn a_model_that_fails_for_good_resolves_nothing() {
    check(
        diagnose(),
        Limits::default(),
        vec![Event::NoAnswer(NoAnswer::Failed(
            "connection refused".to_owned(),
        ))],
        &[
            "ask main with tools",
            "finish insufficient_evidence (InsufficientEvidence): There is no conclusion: the model did not answer: connection refused. Looked at: F1 what the check found; F2 journal.",
        ],
    );
}

fn too_long(room: u64) -> Event {
    Event::NoAnswer(NoAnswer::TooLong { room })
}

#[test]
fn what_does_not_fit_is_shown_in_short_first() {
    let long = call(&[("command", json!({ "command": "long 1" }))]);
    let mut play = Play::new(diagnose(), Limits::default());
    play.run(vec![long]);
    let before = play.asks.last().expect("a question").tokens();
    play.waiting.clear();
    play.on(too_long(before - 500));
    let ask = play.asks.last().expect("a question");
    assert!(ask.tokens() <= before - 500, "{} of {before}", ask.tokens());
    let text = ask.messages.last().map_or("", Line::text);
    assert!(
        text.ends_with("(Shown in short; call output with label E1 for more.)"),
        "{text}"
    );
    assert!(!ask.messages[1].text().contains("K1"), "notes go first");
}

#[test]
fn a_long_history_is_summarised_by_a_question_of_its_own() {
    let history = (0..30)
        .map(|at| {
            let by = if at % 2 == 0 {
                Speaker::Person
            } else {
                Speaker::Model
            };
            Said {
                seq: at + 1,
                ..said(by, &format!("{at} {}", "words and words ".repeat(40)))
            }
        })
        .collect();
    let task = ConverseTask {
        history,
        ..talk(ConversationKind::Chat, "And now?")
    };
    let limits = Limits {
        room: Some(4_000),
        ..Limits::default()
    };
    let play = check(
        Task::Converse(task),
        limits,
        vec![
            say("They spoke of words."),
            say("More words."),
            say("All is well."),
        ],
        &[
            "ask main",
            "ask main",
            "ask main with tools",
            "finish answered (Medium): All is well.",
        ],
    );
    for ask in &play.asks {
        assert!(ask.tokens() <= 4_000, "{}", ask.tokens());
    }
    let through = play.end.as_ref().and_then(|end| end.summarised.clone());
    let through = through.expect("the summary can be kept");
    assert_eq!(through.text, "More words.");
    assert!((16..=30).contains(&through.through), "{through:?}");
    let last = play.asks.last().expect("a question");
    assert!(
        last.messages[1].text().contains("Earlier, in short"),
        "{:?}",
        last.messages[1]
    );
    assert!(
        last.messages
            .last()
            .is_some_and(|line| line.text().contains("And now?"))
    );
}

#[test]
fn where_the_tools_do_not_fit_it_is_asked_without_them() {
    let limits = Limits {
        room: Some(1_300),
        ..Limits::default()
    };
    let play = check(
        diagnose(),
        limits,
        vec![last_word()],
        &[
            "ask main by schema",
            "finish diagnosed (Low): Port 80 is in use.",
        ],
    );
    let text = play.asks[0].messages.last().map_or("", Line::text);
    assert!(
        text.contains("There are no more looks: the model's context is full."),
        "{text}"
    );
}

#[test]
fn what_cannot_be_made_to_fit_is_refused_in_plain_words() {
    let mut play = Play::new(diagnose(), Limits::default());
    play.on(too_long(100));
    assert_eq!(
        play.told.last().map(String::as_str),
        Some(
            "finish budget_spent (InsufficientEvidence): There is no conclusion: what is asked does not fit the model's context (some 100 tokens), shortened as far as it can be. Looked at: F1 what the check found; F2 journal."
        )
    );
}

#[test]
fn a_server_that_always_says_too_long_is_not_asked_for_ever() {
    let mut play = Play::new(diagnose(), Limits::default());
    for _ in 0..100 {
        play.on(too_long(1_000_000));
    }
    assert!(play.end.is_some());
    assert!(play.asks.len() < 12, "{}", play.asks.len());
}

#[test]
fn a_conclusion_called_as_the_last_word_counts() {
    let limits = || Limits {
        steps: 1,
        ..Limits::default()
    };
    check(
        diagnose(),
        limits(),
        vec![
            logs(1),
            call(&[
                restart(),
                (
                    "conclude",
                    json!({ "cause": "Port 80 is in use.", "confidence": "low", "evidence": ["F2"] }),
                ),
            ]),
        ],
        &[
            "ask main with tools",
            "use E1 journal of u1.service, last 2h, on web1",
            "ask main by schema",
            "finish diagnosed (Low): Port 80 is in use. => restart nginx.service on web1",
        ],
    );
}
