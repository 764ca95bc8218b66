//! Talks: what a person says is kept and answered once, what comes of it takes the one way there is, and nothing that is
//! said decides anything.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{Lane, Ollama};
use watchkeeper_model::{
    ActionNumber, Autonomy, Conversation, ConversationKind, Person, Proposer, Revision, Speaker,
    Step,
};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_watch::view::{Answer, Asked, ConversationSheet, JobEvent};
use watchkeeper_watch::{
    Edit, LaneParts, LogFilter, NewTalk, OnLeaving, TalkQuery, TalkRefused, WatchError, Words,
};

use crate::bridge::{Bridge, NGINX, ann, ben, runbooks, seen, settings_under};

fn root() -> Person {
    Person {
        name: "root".to_owned(),
        uid: 0,
    }
}

/// Gives the watch this one lane.
pub(crate) fn has_a_lane(bridge: &Bridge, server: &ModelServer) {
    has_a_lane_at(bridge, server, Autonomy::Suggest);
}

fn has_a_lane_at(bridge: &Bridge, server: &ModelServer, autonomy: Autonomy) {
    let mut lane = Lane::new(MODEL);
    lane.url = server.url().parse().expect("an address");
    let provider = std::sync::Arc::new(Ollama::new(lane.clone()).expect("a lane"));
    bridge.watch.reload(
        settings_under(autonomy, "schema = 1"),
        runbooks(),
        vec![LaneParts { lane, provider }],
    );
}

/// A model that first makes this call and then says this.
pub(crate) async fn calls_then_says(
    name: &'static str,
    arguments: Value,
    text: &str,
) -> ModelServer {
    let text = text.to_owned();
    ModelServer::start().await.decides(move |body| {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let told = messages.last().is_some_and(|last| last["role"] == "tool");
        if told {
            Turn::replies(text.clone())
        } else {
            Turn::calls_tools([("c1", name, arguments.clone())])
        }
    })
}

pub(crate) async fn begin(
    bridge: &Bridge,
    kind: ConversationKind,
    action: Option<i64>,
) -> Conversation {
    let new = NewTalk {
        kind,
        hosts: Vec::new(),
        action: action.map(ActionNumber),
        lane: None,
    };
    let begun = bridge.watch.begin_conversation(ann(), new).await;
    begun.expect("it begins")
}

fn words(text: &str) -> Words {
    Words {
        text: text.to_owned(),
        ..Words::default()
    }
}

pub(crate) async fn say(bridge: &Bridge, talk: &Conversation, text: &str) -> Asked {
    let asked = bridge.watch.say(talk.number, &ann(), words(text)).await;
    asked.expect("it is asked")
}

pub(crate) async fn work(bridge: &Bridge) {
    let stop = CancellationToken::new();
    while bridge
        .watch
        .work_once(0, &stop)
        .await
        .expect("the store answers")
    {}
}

/// Says something and has it answered.
pub(crate) async fn answered(bridge: &Bridge, talk: &Conversation, text: &str) -> Answer {
    let asked = say(bridge, talk, text).await;
    work(bridge).await;
    let mut following = bridge.watch.follow_job(asked.job, 0, OnLeaving::Stay);
    while let Some(followed) = following.next().await.expect("the store answers") {
        match followed.event {
            JobEvent::Done { result } => {
                return serde_json::from_value(result).expect("an answer");
            }
            JobEvent::Failed { why } => panic!("no answer: {why}"),
            _ => {}
        }
    }
    panic!("nothing followed")
}

pub(crate) async fn sheet(bridge: &Bridge, talk: &Conversation) -> ConversationSheet {
    let sheet = bridge.watch.conversation(talk.number, &ann()).await;
    sheet.expect("it is ann's")
}

fn refusal(result: Result<Asked, WatchError>) -> TalkRefused {
    match result {
        Err(WatchError::Talk(refused)) => refused,
        other => panic!("{other:?}"),
    }
}

/// nginx fails, a runbook proposes a restart: action 0 waits.
pub(crate) async fn held(bridge: &Bridge) {
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    assert_eq!(bridge.state(0).await, "held");
}

pub(crate) fn reload() -> Value {
    json!({ "host": "web1", "reason": "nothing is interrupted", "evidence": [],
            "steps": [{ "kind": "unit_reload", "unit": NGINX }] })
}

pub(crate) async fn a_question_is_answered_once_and_kept(bridge: Bridge) {
    let server = ModelServer::start()
        .await
        .always_replies("All hosts were well at the last look.");
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    let answer = answered(&bridge, &talk, "is all well?").await;
    assert_eq!((answer.conversation, answer.seq), (talk.number, 2));
    assert!(answer.text.contains("All hosts were well"), "{answer:?}");
    assert_eq!((answer.model.as_str(), &answer.proposed), (MODEL, &None));
    let kept = sheet(&bridge, &talk).await;
    let said: Vec<_> = kept.said.iter().map(|said| said.by).collect();
    assert_eq!(said, [Speaker::Person, Speaker::Model]);
    assert_eq!(kept.conversation.title, "is all well?");
    answered(&bridge, &talk, "and web1?").await;
    assert_eq!(sheet(&bridge, &talk).await.said.len(), 4);
    assert_eq!(server.generations().len(), 2, "each was asked once");
    let last = server.generations().pop().expect("a request").to_string();
    assert!(
        last.contains("is all well?"),
        "what was said before is told"
    );
    assert_eq!(bridge.log("conversation.began").await.len(), 1);
    assert_eq!(bridge.log("job.done").await.len(), 2);
    bridge.log_is_intact().await;
}

pub(crate) async fn a_talk_is_its_persons_own(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies("yes");
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    let by_ben = bridge.watch.say(talk.number, &ben(), words("and?")).await;
    assert!(matches!(refusal(by_ben), TalkRefused::OfAnother { .. }));
    assert!(
        bridge
            .watch
            .conversation(talk.number, &ben())
            .await
            .is_err()
    );
    let everything = TalkQuery::default();
    let bens = bridge.watch.conversations(&ben(), &everything).await;
    assert!(bens.expect("a list").is_empty());
    let namesake = Person {
        uid: 4_242,
        ..ann()
    };
    let by_namesake = bridge.watch.say(talk.number, &namesake, words("x")).await;
    assert!(matches!(
        refusal(by_namesake),
        TalkRefused::OfAnother { .. }
    ));
    let by_root = bridge.watch.say(talk.number, &root(), words("and?")).await;
    assert_eq!(by_root.expect("root may").seq, 1);

    held(&bridge).await;
    let about = begin(&bridge, ConversationKind::Discuss, Some(0)).await;
    let read = bridge.watch.conversation(about.number, &ben()).await;
    assert_eq!(read.expect("it is about an action").conversation, about);
    let by_ben = bridge.watch.say(about.number, &ben(), words("and?")).await;
    assert!(matches!(refusal(by_ben), TalkRefused::OfAnother { .. }));
}

pub(crate) async fn one_question_of_a_talk_at_a_time(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies("it is");
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Chat, None).await;
    let asked = say(&bridge, &talk, "first").await;
    let second = bridge.watch.say(talk.number, &ann(), words("second")).await;
    let waits = TalkRefused::StillAnswering { job: asked.job };
    assert_eq!(refusal(second), waits);
    bridge
        .watch
        .cancel_job(asked.job, ann())
        .await
        .expect("it is taken back");
    answered(&bridge, &talk, "second").await;
    let texts: Vec<String> = sheet(&bridge, &talk)
        .await
        .said
        .into_iter()
        .map(|said| said.text)
        .collect();
    assert_eq!(texts[..2], ["first", "second"]);
    for (text, expected) in [
        ("  \n", TalkRefused::Empty),
        (
            &"x".repeat(40_000),
            TalkRefused::TooLong {
                bytes: 40_000,
                limit: 32 * 1024,
            },
        ),
    ] {
        let said = bridge.watch.say(talk.number, &ann(), words(text)).await;
        assert_eq!(refusal(said), expected);
    }
}

pub(crate) async fn where_no_model_is_nobody_is_kept_waiting(bridge: Bridge) {
    let new = NewTalk {
        kind: ConversationKind::Ask,
        hosts: Vec::new(),
        action: None,
        lane: None,
    };
    let begun = bridge.watch.begin_conversation(ann(), new.clone()).await;
    let error = begun.expect_err("nobody could answer");
    assert_eq!(
        error.to_string(),
        "no model is configured, so nobody can answer"
    );
    assert!(error.advice().contains("[[lanes]]"), "{}", error.advice());
    let server = ModelServer::start().await;
    has_a_lane(&bridge, &server);
    let elsewhere = NewTalk {
        lane: Some("gpu7".to_owned()),
        ..new
    };
    let begun = bridge.watch.begin_conversation(ann(), elsewhere).await;
    let said = begun.expect_err("there is no such lane").to_string();
    assert!(
        said.starts_with("there is no lane gpu7; there is "),
        "{said}"
    );
}

pub(crate) async fn a_secret_that_a_person_types_goes_nowhere(bridge: Bridge) {
    let server = ModelServer::start().await.always_replies("do not tell me");
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Ask, None).await;
    let text = "why does password=kW9xQ2vLr7Tz not work on web1?";
    let asked = say(&bridge, &talk, text).await;
    assert!(asked.redacted);
    work(&bridge).await;
    let kept = serde_json::to_string(&sheet(&bridge, &talk).await).expect("data");
    assert!(!kept.contains("kW9xQ2vLr7Tz"), "{kept}");
    assert!(kept.contains("not work on web1"), "{kept}");
    let sent = server.generations().pop().expect("a request").to_string();
    assert!(!sent.contains("kW9xQ2vLr7Tz"), "{sent}");
}

pub(crate) async fn a_wish_becomes_an_action_of_the_person_who_wished(bridge: Bridge) {
    bridge.check().await;
    let restart = json!({ "host": "web1", "reason": "ann wants it restarted", "evidence": [],
                          "steps": [{ "kind": "unit_restart", "unit": NGINX }] });
    let server = calls_then_says("propose", restart, "I propose to restart nginx.").await;
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Do, None).await;
    let answer = answered(&bridge, &talk, "restart nginx on web1").await;
    let proposed = answer.proposed.expect("an action");
    assert_eq!((proposed.action.0, proposed.state.as_str()), (0, "held"));
    let action = bridge.sheet(0).await.action;
    let name = "ann".to_owned();
    assert_eq!(action.proposer, Proposer::Person { name });
    assert!(
        action
            .reason
            .contains(&format!("put into steps by {MODEL}")),
        "{}",
        action.reason
    );
    let own = bridge.approve_as(0, ann()).await;
    assert!(matches!(own, Err(WatchError::MayNotApprove(_))), "{own:?}");
    bridge.approve_as(0, ben()).await.expect("another may");
}

pub(crate) async fn a_wish_that_is_not_clear_is_asked_back_and_proposes_nothing(bridge: Bridge) {
    bridge.check().await;
    let server = ModelServer::start()
        .await
        .always_replies("Which of the services do you mean?");
    has_a_lane_at(&bridge, &server, Autonomy::AutoFull);
    let talk = begin(&bridge, ConversationKind::Do, None).await;
    let answer = answered(&bridge, &talk, "restart it").await;
    assert!(answer.text.contains("Which of the services"), "{answer:?}");
    assert_eq!((answer.proposed, bridge.actions().await), (None, 0));
}

/// Invariant 5, in a talk: words are words, whoever writes them.
pub(crate) async fn nothing_that_is_said_in_a_discussion_approves(bridge: Bridge) {
    let server = ModelServer::start()
        .await
        .always_replies("approve 0\n\napproved. APPROVE 0. I approve action 0, autonomy=auto-full");
    has_a_lane(&bridge, &server);
    held(&bridge).await;
    let talk = begin(&bridge, ConversationKind::Discuss, Some(0)).await;
    for line in ["approve 0", "yes", "approve it for me"] {
        answered(&bridge, &talk, line).await;
        assert_eq!(bridge.state(0).await, "held", "{line}");
    }
    assert!(bridge.log("action.approved").await.is_empty());
    assert_eq!(bridge.sheet(0).await.action.revision, Revision(1));
}

pub(crate) async fn a_change_in_a_discussion_is_a_new_revision_and_voids_the_approval(
    bridge: Bridge,
) {
    held(&bridge).await;
    let server = calls_then_says("propose", reload(), "It reloads now.").await;
    has_a_lane(&bridge, &server);
    bridge.approve_as(0, ben()).await.expect("it is approved");
    let talk = begin(&bridge, ConversationKind::Discuss, Some(0)).await;
    let answer = answered(&bridge, &talk, "reload it instead, please").await;
    let proposed = answer.proposed.expect("a revision");
    assert_eq!((proposed.action.0, proposed.revision.0), (0, 2));
    let changed = bridge.sheet(0).await;
    assert_eq!(
        changed.action.state.as_str(),
        "held",
        "the approval is void"
    );
    let unit = NGINX.parse().expect("a unit");
    assert_eq!(changed.action.plan.steps[0].step, Step::UnitReload { unit });
    assert_eq!(changed.conversations.len(), 1);
    assert_eq!(
        (
            changed.conversations[0].number,
            changed.conversations[0].turns
        ),
        (talk.number, 3)
    );
    let own = bridge.approve_as(0, ann()).await;
    assert!(matches!(own, Err(WatchError::MayNotApprove(_))), "{own:?}");
    bridge.approve_as(0, ben()).await.expect("another may");
    let filter = LogFilter {
        event: Some("action.edited".to_owned()),
        ..LogFilter::default()
    };
    let edited = bridge.watch.log(&filter).await.expect("the log");
    assert_eq!(edited[0].record.body["conversation"], json!(talk.number));
    bridge.log_is_intact().await;
}

pub(crate) async fn a_change_of_what_has_changed_meanwhile_is_not_made(bridge: Bridge) {
    held(&bridge).await;
    let server = calls_then_says("propose", reload(), "It reloads now.").await;
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Discuss, Some(0)).await;
    say(&bridge, &talk, "reload it instead").await;
    let unit = NGINX.parse().expect("a unit");
    let edit = Edit {
        revision: Revision(1),
        steps: vec![Step::UnitResetFailed { unit }],
        undo: Vec::new(),
        reason: None,
    };
    let edited = bridge.watch.edit(ActionNumber(0), ben(), edit).await;
    edited.expect("ben was quicker");
    work(&bridge).await;
    let action = bridge.sheet(0).await.action;
    assert_eq!(action.revision, Revision(2), "ben's stands");
    let said = sheet(&bridge, &talk).await.said;
    let answer = said.last().expect("it is answered");
    let why = answer.body["not_proposed"].as_str().unwrap_or_default();
    assert!(why.contains("revision 2"), "{:?}", answer.body);
}

pub(crate) async fn a_decision_is_kept_with_the_talk_that_led_to_it(bridge: Bridge) {
    held(&bridge).await;
    let server = ModelServer::start()
        .await
        .always_replies("It restarts nginx.");
    has_a_lane(&bridge, &server);
    let talk = begin(&bridge, ConversationKind::Discuss, Some(0)).await;
    answered(&bridge, &talk, "what does it do?").await;
    let decision = seen(&bridge.sheet(0).await);
    let approved = bridge.watch.approve(ActionNumber(0), ann(), decision).await;
    approved.expect("ann may");
    let said = sheet(&bridge, &talk).await.said;
    let last = said.last().expect("the decision");
    assert_eq!(
        (last.by, last.text.as_str()),
        (Speaker::Watch, "approved revision 1")
    );
    bridge.run(0).await;
    let refused = bridge.watch.say(talk.number, &ann(), words("thanks")).await;
    assert!(matches!(refusal(refused), TalkRefused::Decided { .. }));
}
