//! Prompts with a text planted in one place: as the machine makes them over a whole investigation, and as they would be
//! made without one of the guards.

use serde_json::{Value, json};
use watchkeeper_agent::{
    Answer, Attempt, Boundary, ConverseTask, DiagnoseTask, EarlierLook, Effect, Event, HostTraits,
    Investigation, Known, Limits, Line, Look, ModelRole, Prompts, RawCall, Seen, Task,
};
use watchkeeper_model::{
    ActionNumber, CheckName, ConversationKind, Evidence, Finding, HostName, IssueNumber, Said,
    Severity, Speaker, Step, Timestamp,
};

use crate::cases::Guard;
use crate::shown::{Message, Role};

/// Where text of others is put before a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Evidence of the finding.
    Evidence,
    /// The finding's subject: a unit, a file, a container.
    Subject,
    /// The finding's summary.
    Summary,
    /// The reason of a rejection of an earlier attempt.
    Attempt,
    /// The host's system, as it says.
    System,
    /// What a tool printed.
    Output,
    /// Why a tool printed nothing.
    Failure,
    /// Something that is known.
    Note,
    /// Where something that is known comes from.
    NoteOrigin,
    /// What was looked at earlier in a talk.
    Earlier,
    /// What the watch told in a talk.
    Told,
    /// What a person pasted earlier.
    Pasted,
    /// What the model itself said earlier.
    Reply,
    /// The question itself.
    Question,
    /// The arguments of the model's own call.
    Arguments,
    /// The reason of the action that is talked about.
    Reason,
}

pub(crate) const PLACES: &[Place] = &[
    Place::Evidence,
    Place::Subject,
    Place::Summary,
    Place::Attempt,
    Place::System,
    Place::Output,
    Place::Failure,
    Place::Note,
    Place::NoteOrigin,
    Place::Earlier,
    Place::Told,
    Place::Pasted,
    Place::Reply,
    Place::Question,
    Place::Arguments,
    Place::Reason,
];

impl Place {
    /// Whether the words are the person's or the model's own, and stand under their name.
    pub(crate) const fn is_said_by_itself(self) -> bool {
        matches!(self, Self::Pasted | Self::Reply | Self::Question)
    }

    const fn is_talk(self) -> bool {
        matches!(
            self,
            Self::Earlier | Self::Told | Self::Pasted | Self::Reply | Self::Question | Self::Reason
        )
    }
}

fn host() -> HostName {
    HostName::new("web1").expect("a host's name")
}

/// The text where it belongs, and something plain everywhere else.
fn at<'a>(place: Place, here: Place, planted: &'a str, plain: &'a str) -> &'a str {
    if place == here { planted } else { plain }
}

fn diagnose(place: Place, planted: &str) -> Task {
    let here = |here, plain: &str| at(place, here, planted, plain).to_owned();
    let unit = watchkeeper_model::UnitName::new("nginx.service").expect("a unit's name");
    Task::Diagnose(DiagnoseTask {
        finding: Finding {
            host: host(),
            check: CheckName::new("units").expect("a check's name"),
            subject: here(Place::Subject, "nginx.service"),
            severity: Severity::Warning,
            summary: here(Place::Summary, "nginx.service failed"),
            cause: "exit code 1".to_owned(),
            evidence: vec![Evidence::new(
                "journal",
                &here(Place::Evidence, "bind() failed"),
            )],
        },
        issue: IssueNumber(1),
        traits: HostTraits {
            os: Some(here(Place::System, "debian")),
            init: None,
        },
        attempts: vec![Attempt::new(
            ActionNumber(3),
            &[Step::UnitRestart { unit }],
            &here(Place::Attempt, "not fixed"),
        )],
        similar: vec![known(place, planted)],
        peers: vec![HostName::new("web2").expect("a host's name")],
    })
}

fn known(place: Place, planted: &str) -> Known {
    Known {
        label: "K1".to_owned(),
        title: "nginx after an update".to_owned(),
        text: at(place, Place::Note, planted, "apache2 held the port").to_owned(),
        from_where: at(place, Place::NoteOrigin, planted, "issue 3").to_owned(),
        host: Some(HostName::new("web2").expect("a host's name")),
        confirmed: false,
    }
}

fn talk(place: Place, planted: &str, kind: ConversationKind) -> Task {
    let here = |here, plain: &str| at(place, here, planted, plain).to_owned();
    let said = |seq, by, text| Said {
        seq,
        by,
        at: Timestamp::from_millis(0),
        text,
        body: Value::Null,
    };
    let sample = ConverseTask::sample();
    let action = sample.action.clone().map(|mut action| {
        action.reason = here(Place::Reason, "the port is free");
        action
    });
    Task::Converse(ConverseTask {
        kind,
        action,
        history: vec![
            said(1, Speaker::Person, here(Place::Pasted, "what is wrong?")),
            said(2, Speaker::Model, here(Place::Reply, "nginx is down")),
            said(
                3,
                Speaker::Watch,
                here(Place::Told, "action 0 was rejected"),
            ),
        ],
        question: here(Place::Question, "and now?"),
        earlier: vec![EarlierLook {
            label: "E1".to_owned(),
            title: "status of nginx.service on web1".to_owned(),
            shown: here(Place::Earlier, "inactive"),
        }],
        known: vec![known(place, planted)],
        ..sample
    })
}

/// Everything that is said to models in a whole investigation with the text in one place.
pub(crate) fn messages(place: Place, planted: &str) -> Vec<Message> {
    let tasks = if place.is_talk() {
        let kinds = [
            ConversationKind::Ask,
            ConversationKind::Chat,
            ConversationKind::Do,
            ConversationKind::Discuss,
        ];
        kinds.map(|kind| talk(place, planted, kind)).to_vec()
    } else {
        vec![diagnose(place, planted)]
    };
    let tools = [true, false];
    tasks
        .iter()
        .flat_map(|task| tools.map(|tools| run(task.clone(), place, planted, tools)))
        .flatten()
        .collect()
}

fn run(task: Task, place: Place, planted: &str, tools: bool) -> Vec<Message> {
    let limits = Limits {
        triage: true,
        critic: true,
        tools,
        ..Limits::default()
    };
    let boundary = Boundary::from_random(crate::RANDOM);
    let prompts = Prompts::shipped();
    let (mut investigation, mut effects) =
        Investigation::begin(task, limits, &prompts, boundary).expect("it begins");
    let mut messages = Vec::new();
    let mut asked = 0;
    while let Some(effect) = effects.pop() {
        let event = match effect {
            Effect::Ask(ask) => {
                messages.extend(ask.messages.iter().map(message));
                asked += u32::from(ask.role == ModelRole::Main);
                answer(
                    ask.role,
                    asked,
                    tools,
                    at(place, Place::Arguments, planted, "bind"),
                )
            }
            Effect::Use(using) => Event::Seen(Seen {
                call: using.call,
                outcome: match place {
                    Place::Failure => Err(planted.to_owned()),
                    _ => Ok(Look::new(
                        at(place, Place::Output, planted, "inactive").to_owned(),
                    )),
                },
            }),
            Effect::Finish(_) => break,
        };
        effects.extend(investigation.on(event));
    }
    messages.extend(investigation.transcript().iter().map(message));
    messages
}

/// What the model says: it looks once, with its own words, and concludes.
fn answer(role: ModelRole, asked: u32, tools: bool, words: &str) -> Event {
    let mut answer = Answer::default();
    match (role, asked) {
        (ModelRole::Triage, _) => answer.text = json!({ "needs_main": true }).to_string(),
        (ModelRole::Critic, _) => answer.text = json!({ "agrees": true }).to_string(),
        (ModelRole::Main, 1) if tools => {
            answer.calls = vec![call(
                "logs",
                json!({ "unit": "nginx.service", "grep": words }),
            )];
        }
        (ModelRole::Main, 2) if tools => {
            let steps = json!([{ "kind": "unit_restart", "unit": "nginx.service" }]);
            answer.calls = vec![call(
                "propose",
                json!({ "steps": steps, "reason": "it is down", "evidence": ["F1"] }),
            )];
        }
        (ModelRole::Main, _) => {
            answer.text = "It is down [E1].".to_owned();
            answer.calls = vec![call(
                "conclude",
                json!({ "cause": "It is down [F1].", "confidence": "low", "evidence": ["F1"] }),
            )];
        }
    }
    Event::Answered(answer)
}

fn call(name: &str, arguments: Value) -> RawCall {
    RawCall {
        id: "1".to_owned(),
        name: name.to_owned(),
        arguments,
    }
}

fn message(line: &Line) -> Message {
    let role = match line {
        Line::System { .. } => Role::System,
        Line::User { .. } => Role::User,
        Line::Assistant { .. } => Role::Assistant,
        Line::Tool { .. } => Role::Tool,
    };
    Message {
        role,
        text: line.text().to_owned(),
    }
}

/// A prompt as it would be without a guard: the text is put there by hand, with every other guard in its place.
pub(crate) fn without(guard: Guard, place: Place, planted: &str, mark: &str) -> Vec<Message> {
    let shown = match guard {
        // As it came: with what the guard would have taken out, parted, written out or replaced.
        Guard::Mark | Guard::Tokens | Guard::Visible | Guard::Redaction => planted.to_owned(),
        Guard::Fence => watchkeeper_model::visible_block(planted).replace(mark, "(mark)"),
    };
    let text = if guard == Guard::Fence {
        format!("What was seen:\n{shown}")
    } else {
        format!("What was seen:\n<<{mark} E1: journal\n{shown}\n{mark}>>")
    };
    let role = if place.is_said_by_itself() && guard == Guard::Fence {
        Role::System
    } else {
        Role::User
    };
    vec![Message { role, text }]
}
