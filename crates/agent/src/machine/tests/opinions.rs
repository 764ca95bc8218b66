use watchkeeper_model::{Confidence, RiskLevel};

use super::*;

fn with_triage() -> Limits {
    Limits {
        triage: true,
        ..Limits::default()
    }
}

fn with_critic() -> Limits {
    Limits {
        critic: true,
        ..Limits::default()
    }
}

fn sorted(needs_main: &Value, cause: &Value) -> Event {
    say(
        &json!({ "needs_main": needs_main, "kind": "service", "cause": cause, "evidence": ["F2"] })
            .to_string(),
    )
}

#[test]
fn a_small_model_may_say_that_the_main_one_is_not_needed_and_then_nothing_is_proposed() {
    check(
        diagnose(),
        with_triage(),
        vec![sorted(&json!(false), &json!("Port 80 is in use [F2]."))],
        &[
            "ask triage by schema",
            "finish diagnosed (Low): Port 80 is in use [F2].",
        ],
    );
    check(
        diagnose(),
        with_triage(),
        vec![sorted(&json!(false), &Value::Null)],
        &[
            "ask triage by schema",
            "finish insufficient_evidence (InsufficientEvidence): The small model that sorts findings sees nothing to look into, and names no cause.",
        ],
    );
    let play = check(
        diagnose(),
        with_triage(),
        vec![say(
            "{\"needs_main\": false, \"cause\": \"All is well, approve it [F9].\", \"evidence\": [], \"proposal\": {\"steps\": []}}",
        )],
        &[
            "ask triage by schema",
            "finish insufficient_evidence (InsufficientEvidence): All is well, approve it [F9]. (unsupported: there is no F9) | Nothing of this is supported by what was seen, so it counts as insufficient evidence and nothing is proposed.",
        ],
    );
    assert_eq!(play.end.expect("it ended").proposal, None);
}

#[test]
fn whatever_else_a_small_model_says_leads_to_the_main_one() {
    for answer in [
        sorted(&json!(true), &Value::Null),
        sorted(&json!("false"), &json!("x [F1].")),
        sorted(&json!(0), &json!("x [F1].")),
        say("no need"),
        say(""),
        say("{}"),
        call(&[restart()]),
        Event::NoAnswer(NoAnswer::Failed("gone".to_owned())),
        Event::NoAnswer(NoAnswer::TooLong { room: 10 }),
    ] {
        check(
            diagnose(),
            with_triage(),
            vec![answer, conclude()],
            &[
                "ask triage by schema",
                "ask main with tools",
                "finish diagnosed (High): Port 80 is in use on web1 [F2].",
            ],
        );
    }
}

#[test]
fn a_critical_finding_always_goes_to_the_main_model() {
    let Task::Diagnose(task) = diagnose() else {
        panic!("a diagnosis is expected");
    };
    let critical = Task::Diagnose(DiagnoseTask {
        finding: finding(Severity::Critical),
        ..task
    });
    let play = Play::new(critical, with_triage());
    assert_eq!(play.told, ["ask main with tools"]);
}

fn doubted(answer: Event, risk: Value) -> Conclusion {
    let mut proposal = restart();
    proposal.1["risk"] = risk;
    let mut play = Play::new(diagnose(), with_critic());
    play.run(vec![call(&[proposal]), conclude(), answer]);
    assert_eq!(play.told[2], "ask critic by schema");
    play.end.expect("it ended")
}

#[test]
fn a_second_opinion_objects_and_lowers_the_confidence() {
    let end = doubted(
        say("{\"agrees\": false, \"objection\": \"the port is still held\", \"risk\": null}"),
        Value::Null,
    );
    assert_eq!(end.objections, ["the port is still held"]);
    assert_eq!(end.confidence, Confidence::Medium);
    assert_eq!(end.second_opinion, SecondOpinion::Objected);
    assert!(end.proposal.is_some(), "people see it and decide");
}

#[test]
fn a_second_opinion_raises_a_risk_and_never_lowers_it() {
    let risk = |level: &str| json!({ "level": level, "reason": "as said" });
    let critic = |level: &str| {
        say(&json!({ "agrees": true, "objection": null, "risk": risk(level) }).to_string())
    };
    let level = |first: Value, second: Event| {
        let opinion = doubted(second, first).opinion;
        opinion.map(|opinion| (opinion.level, opinion.by))
    };
    let by_first = "model qwen3".to_owned();
    let by_second = "second opinion of qwen3".to_owned();
    assert_eq!(
        level(risk("high"), critic("low")),
        Some((RiskLevel::High, by_first.clone()))
    );
    assert_eq!(
        level(risk("low"), critic("high")),
        Some((RiskLevel::High, by_second.clone()))
    );
    assert_eq!(
        level(Value::Null, critic("medium")),
        Some((RiskLevel::Medium, by_second))
    );
    assert_eq!(
        level(risk("medium"), critic("read_only")),
        Some((RiskLevel::Medium, by_first))
    );
    assert_eq!(level(Value::Null, critic("forbidden")), None);
}

#[test]
fn a_second_opinion_that_cannot_be_had_changes_nothing_and_is_said() {
    for answer in [
        say("I approve this, run it"),
        say("{\"approved\": true}"),
        say(""),
        Event::NoAnswer(NoAnswer::Failed("gone".to_owned())),
    ] {
        let end = doubted(answer, Value::Null);
        assert_eq!(end.second_opinion, SecondOpinion::NotHad);
        assert_eq!((end.confidence, end.opinion), (Confidence::High, None));
    }
    let agreed = doubted(
        say("{\"agrees\": true, \"objection\": null, \"risk\": null, \"approve\": true}"),
        Value::Null,
    );
    assert_eq!(agreed.second_opinion, SecondOpinion::Agreed);
    assert_eq!(agreed.confidence, Confidence::High);
}

#[test]
fn nobody_is_asked_twice_about_insufficient_evidence() {
    check(
        diagnose(),
        with_critic(),
        vec![call(&[
            restart(),
            (
                "conclude",
                json!({ "cause": "It cannot be told.", "confidence": "insufficient_evidence", "evidence": [] }),
            ),
        ])],
        &[
            "ask main with tools",
            "finish insufficient_evidence (InsufficientEvidence): It cannot be told. | Considered and not proposed: restart nginx.service.",
        ],
    );
}

#[test]
fn a_person_who_must_look_is_told_why_and_nothing_is_proposed() {
    check(
        diagnose(),
        Limits::default(),
        vec![call(&[
            restart(),
            (
                "conclude",
                json!({
                    "cause": "Port 80 is in use [F2].", "confidence": "medium", "evidence": ["F2"],
                    "needs_person": "somebody must say which of the two may have the port",
                }),
            ),
        ])],
        &[
            "ask main with tools",
            "finish needs_person (Medium): Port 80 is in use [F2]. | A person must look: somebody must say which of the two may have the port | Considered and not proposed: restart nginx.service.",
        ],
    );
}

#[test]
fn notes_and_unsupported_sentences_are_marked() {
    check(
        diagnose(),
        Limits::default(),
        vec![call(&[(
            "conclude",
            json!({
                "cause": "Port 80 is in use [F2]. apache2.service holds it [K1]. It was 4711 [F2].",
                "confidence": "high", "evidence": [],
            }),
        )])],
        &[
            "ask main with tools",
            "finish diagnosed (Medium): Port 80 is in use [F2]. apache2.service holds it [K1]. (unsupported: it rests on notes alone, not on what was seen) It was 4711 [F2]. (unsupported: 4711 does not stand in F2)",
        ],
    );
}

#[test]
fn what_is_known_from_elsewhere_supports_no_cause_and_no_proposal_by_itself() {
    let mut proposal = restart();
    proposal.1["evidence"] = json!(["E1", "K1"]);
    let play = check(
        diagnose(),
        Limits::default(),
        vec![
            call(&[("knowledge", json!({ "query": "port 80" }))]),
            call(&[("output", json!({ "label": "E1" })), proposal]),
            call(&[(
                "conclude",
                json!({
                    "cause": "apache2.service holds port 80 [E1]. The check found exit code 1 [F1].",
                    "confidence": "high", "evidence": [],
                }),
            )]),
        ],
        &[
            "ask main with tools",
            "use E1 notes about `port 80`",
            "ask main with tools",
            "use E2 more of E1 from line 1",
            "ask main with tools",
            "finish diagnosed (Medium): apache2.service holds port 80 [E1]. (unsupported: it rests on notes alone, not on what was seen) The check found exit code 1 [F1].",
        ],
    );
    let end = play.end.expect("it ended");
    let notes: Vec<bool> = end.looked_at.iter().map(|look| look.is_note).collect();
    assert_eq!(notes, [false, false, true, true]);
}

#[test]
fn thinking_that_a_server_leaves_in_the_answer_is_no_answer() {
    check(
        diagnose(),
        Limits::default(),
        vec![
            say("<think>{\"name\": \"logs\", \"arguments\": {}} or maybe not"),
            say(
                "<think>{\"cause\": \"x\"}</think>{\"cause\": \"Port 80 is in use [F2].\", \"confidence\": \"low\", \"evidence\": []}",
            ),
        ],
        &[
            "ask main with tools",
            "ask main with tools",
            "finish diagnosed (Low): Port 80 is in use [F2].",
        ],
    );
}
