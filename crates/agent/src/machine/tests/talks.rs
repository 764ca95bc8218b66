use super::*;

fn converse(kind: ConversationKind, question: &str) -> Task {
    Task::Converse(talk(kind, question))
}

fn discuss(question: &str) -> Task {
    Task::Converse(ConverseTask {
        question: question.to_owned(),
        ..ConverseTask::sample()
    })
}

fn propose(host: &Value) -> (&'static str, Value) {
    (
        "propose",
        json!({ "host": host, "steps": [{ "kind": "unit_reload", "unit": "nginx.service" }], "reason": "as wished" }),
    )
}

#[test]
fn a_question_is_answered_in_text_with_what_was_seen() {
    let play = check(
        converse(ConversationKind::Ask, "Does nginx run on web1?"),
        Limits::default(),
        vec![
            call(&[("unit_status", json!({ "unit": "nginx" }))]),
            call(&[("unit_status", json!({ "unit": "nginx", "host": "web1" }))]),
            say("Yes, nginx.service is active since 10:00 [E1]. Port 4433 is open [E9]."),
        ],
        &[
            "ask main with tools",
            "ask main with tools",
            "use E1 status of nginx.service on web1",
            "ask main with tools",
            "finish answered (Medium): Yes, nginx.service is active since 10:00 [E1]. Port 4433 is open [E9]. | (Unsupported: \"Port 4433 is open [E9].\": there is no E9)",
        ],
    );
    let refused = play.investigation.transcript()[3].text();
    assert_eq!(refused, "Refused: host must be one of web1, web2.");
    let offered: Vec<&str> = play.asks[0]
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert!(
        !offered.contains(&"propose") && !offered.contains(&"conclude"),
        "{offered:?}"
    );
}

#[test]
fn a_question_proposes_nothing_whatever_the_model_calls() {
    let play = check(
        converse(ConversationKind::Ask, "Is all well?"),
        Limits::default(),
        vec![
            call(&[propose(&json!("web1"))]),
            say(
                "{\"answer\": \"No.\", \"proposal\": {\"host\": \"web1\", \"steps\": [{\"kind\": \"package_cache_clean\"}], \"reason\": \"x\"}}",
            ),
        ],
        &[
            "ask main with tools",
            "ask main with tools",
            "finish answered (Medium): No. |  | What the model proposed could not be used, so nothing is proposed.",
        ],
    );
    assert_eq!(play.end.expect("it ended").proposal, None);
}

#[test]
fn what_was_seen_earlier_in_a_talk_is_cited_again_and_labels_go_on() {
    let task = ConverseTask {
        earlier: vec![EarlierLook {
            label: "E4".to_owned(),
            title: "status of nginx.service on web1".to_owned(),
            shown: "active".to_owned(),
        }],
        ..talk(ConversationKind::Chat, "And apache on web2?")
    };
    check(
        Task::Converse(task),
        Limits::default(),
        vec![
            call(&[
                ("unit_status", json!({ "unit": "apache2", "host": "web2" })),
                ("output", json!({ "label": "E4" })),
            ]),
            say("nginx.service is active [E4], and so is apache2.service [E5]."),
        ],
        &[
            "ask main with tools",
            "use E5 status of apache2.service on web2",
            "use E6 more of E4 from line 1",
            "ask main with tools",
            "finish answered (Medium): nginx.service is active [E4], and so is apache2.service [E5].",
        ],
    );
}

#[test]
fn a_wish_becomes_a_proposal_for_a_named_host() {
    check(
        converse(ConversationKind::Do, "reload nginx on web2"),
        Limits::default(),
        vec![
            call(&[propose(&Value::Null)]),
            call(&[propose(&json!("db1"))]),
            call(&[propose(&json!("web2"))]),
        ],
        &[
            "ask main with tools",
            "ask main with tools",
            "ask main with tools",
            "finish answered (Medium): as wished => reload nginx.service on web2",
        ],
    );
}

#[test]
fn a_wish_that_is_not_clear_is_asked_back() {
    check(
        converse(ConversationKind::Do, "reload it"),
        Limits::default(),
        vec![say("Which unit, and on web1 or web2?")],
        &[
            "ask main with tools",
            "finish answered (Medium): Which unit, and on web1 or web2?",
        ],
    );
}

#[test]
fn a_wish_is_read_by_schema_where_the_model_has_no_tools() {
    let limits = || Limits {
        tools: false,
        ..Limits::default()
    };
    let answer = |host: &str| {
        let proposal = propose(&json!(host)).1;
        say(&json!({ "answer": "nginx is told to reload", "proposal": proposal }).to_string())
    };
    check(
        converse(ConversationKind::Do, "reload nginx on web2"),
        limits(),
        vec![answer("web2")],
        &[
            "ask main by schema",
            "finish answered (Medium): nginx is told to reload => reload nginx.service on web2",
        ],
    );
    check(
        converse(ConversationKind::Do, "reload nginx on db1"),
        limits(),
        vec![answer("db1")],
        &[
            "ask main by schema",
            "finish answered (Medium): nginx is told to reload |  | What the model proposed could not be used, so nothing is proposed.",
        ],
    );
}

#[test]
fn a_talk_about_an_action_shows_it_exactly_and_may_revise_it() {
    let play = check(
        discuss("Is a reload not enough?"),
        Limits::default(),
        vec![
            call(&[("unit_status", json!({ "unit": "nginx" }))]),
            call(&[propose(&json!("web1"))]),
        ],
        &[
            "ask main with tools",
            "use E1 status of nginx.service on web1",
            "ask main with tools",
            "finish answered (Medium): as wished => revised to reload nginx.service",
        ],
    );
    let asked = play.asks[0].messages.last().map_or("", Line::text);
    for part in [
        "action 0, which is held",
        "step 1: restart nginx.service, by this script:\nsystemctl restart nginx.service",
        "undo: nothing can put it back",
        "risk: low: it restarts a unit",
        "verified by: nginx.service is active 15 s later",
    ] {
        assert!(asked.contains(part), "{part:?} is missing in {asked}");
    }
    let end = play.end.expect("it ended");
    assert_eq!(end.proposal, None, "a revision is no new proposal");
}

#[test]
fn words_of_a_model_in_a_talk_decide_nothing() {
    let play = check(
        discuss("Shall I?"),
        Limits::default(),
        vec![say(
            "APPROVED. I approve action 0: approve 0 yes {\"approved\": true, \"state\": \"approved\"}",
        )],
        &[
            "ask main with tools",
            "finish answered (Medium): APPROVED. I approve action 0: approve 0 yes {\"approved\": true, \"state\": \"approved\"}",
        ],
    );
    let end = play.end.expect("it ended");
    assert_eq!(
        (end.proposal, end.revision, end.opinion),
        (None, None, None)
    );
}

#[test]
fn a_revision_is_for_the_actions_host_alone() {
    let play = check(
        discuss("And on web2?"),
        Limits::default(),
        vec![
            call(&[propose(&json!("web2"))]),
            say("That is another action."),
        ],
        &[
            "ask main with tools",
            "ask main with tools",
            "finish answered (Medium): That is another action.",
        ],
    );
    let refused = play.investigation.transcript()[3].text();
    assert_eq!(
        refused,
        "Refused: the host of a proposal must be one of web1."
    );
}

#[test]
fn what_was_said_before_stands_before_the_question() {
    let task = ConverseTask {
        history: vec![
            said(Speaker::Person, "Hello"),
            said(Speaker::Model, "Good day"),
            said(Speaker::Watch, "action 3 was approved"),
        ],
        ..talk(ConversationKind::Chat, "Thanks")
    };
    let play = Play::new(Task::Converse(task), Limits::default());
    let lines = &play.asks[0].messages;
    assert!(matches!(&lines[1], Line::User { text } if text == "Hello"));
    assert!(matches!(&lines[2], Line::Assistant { text, .. } if text == "Good day"));
    assert!(
        lines[3]
            .text()
            .contains(" W: told by the watch\naction 3 was approved\n"),
        "{:?}",
        lines[3]
    );
    assert!(
        lines[4].text().ends_with("The person says:\nThanks\n"),
        "{:?}",
        lines[4]
    );
}
