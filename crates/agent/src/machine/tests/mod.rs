//! The machine driven by scripted answers: what is asked, looked at and concluded, told in lines.

mod limits;
mod looking;
mod opinions;
mod proofs;
mod talks;

use std::collections::VecDeque;

use serde_json::{Value, json};
use watchkeeper_model::{
    CheckName, ConversationKind, Evidence, Finding, IssueNumber, Said, Severity, Speaker, Step,
    Timestamp,
};

use super::*;
use crate::HostTraits;

pub(super) fn host(name: &str) -> HostName {
    HostName::new(name).expect("a host")
}

pub(super) fn finding(severity: Severity) -> Finding {
    Finding {
        host: host("web1"),
        check: CheckName::new("units").expect("a check"),
        subject: "nginx.service".to_owned(),
        severity,
        summary: "nginx.service failed: exit code 1".to_owned(),
        cause: "exit code 1".to_owned(),
        evidence: vec![Evidence::new(
            "journal",
            "bind() to 0.0.0.0:80 failed (98: Address already in use)",
        )],
    }
}

pub(super) fn diagnose() -> Task {
    Task::Diagnose(DiagnoseTask {
        finding: finding(Severity::Warning),
        issue: IssueNumber(7),
        traits: HostTraits::default(),
        attempts: Vec::new(),
        similar: vec![Known {
            label: "K1".to_owned(),
            title: "nginx after a kernel update".to_owned(),
            text: "port 80 was held by apache2.service".to_owned(),
            from_where: "issue 3".to_owned(),
            host: Some(host("web2")),
            confirmed: false,
        }],
        peers: vec![host("web2")],
    })
}

pub(super) fn talk(kind: ConversationKind, question: &str) -> ConverseTask {
    ConverseTask {
        kind,
        hosts: vec![host("web1"), host("web2")],
        host: None,
        action: None,
        summarised: None,
        history: Vec::new(),
        question: question.to_owned(),
        earlier: Vec::new(),
        known: Vec::new(),
    }
}

pub(super) fn said(by: Speaker, text: &str) -> Said {
    Said {
        seq: 1,
        by,
        at: Timestamp::from_millis(0),
        text: text.to_owned(),
        body: Value::Null,
    }
}

/// An answer of text.
pub(super) fn say(text: &str) -> Event {
    Event::Answered(Answer {
        model: "qwen3".to_owned(),
        text: text.to_owned(),
        calls: Vec::new(),
        prompt_tokens: 100,
        output_tokens: 10,
    })
}

/// An answer of calls.
pub(super) fn call(calls: &[(&str, Value)]) -> Event {
    let calls = calls.iter().map(|(name, arguments)| RawCall {
        id: "same".to_owned(),
        name: (*name).to_owned(),
        arguments: arguments.clone(),
    });
    Event::Answered(Answer {
        model: "qwen3".to_owned(),
        text: String::new(),
        calls: calls.collect(),
        prompt_tokens: 100,
        output_tokens: 10,
    })
}

/// A good conclusion as a call.
pub(super) fn conclude() -> Event {
    call(&[("conclude", good_conclusion())])
}

pub(super) fn good_conclusion() -> Value {
    json!({ "cause": "Port 80 is in use on web1 [F2].", "confidence": "high", "evidence": ["F2"] })
}

pub(super) fn restart() -> (&'static str, Value) {
    (
        "propose",
        json!({
            "steps": [{ "kind": "unit_restart", "unit": "nginx.service" }],
            "reason": "the port is free now", "evidence": ["F2"],
        }),
    )
}

/// A play: an investigation, what was asked and used in it, and what it answers to looks.
pub(super) struct Play {
    pub(super) investigation: Investigation,
    pub(super) asks: Vec<Ask>,
    pub(super) uses: Vec<Use>,
    pub(super) told: Vec<String>,
    pub(super) end: Option<Conclusion>,
    waiting: VecDeque<Effect>,
}

impl Play {
    pub(super) fn new(task: Task, limits: Limits) -> Self {
        let boundary = Boundary::from_random([9; 16]);
        let prompts = Prompts::shipped().named("hal");
        let (investigation, effects) =
            Investigation::begin(task, limits, &prompts, boundary).expect("it begins");
        let mut play = Self {
            investigation,
            asks: Vec::new(),
            uses: Vec::new(),
            told: Vec::new(),
            end: None,
            waiting: VecDeque::new(),
        };
        play.take(effects);
        play
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match &effect {
                Effect::Ask(ask) => {
                    let role = format!("{:?}", ask.role).to_lowercase();
                    let with = if !ask.tools.is_empty() {
                        " with tools"
                    } else if ask.schema.is_some() {
                        " by schema"
                    } else {
                        ""
                    };
                    self.told.push(format!("ask {role}{with}"));
                    self.asks.push(ask.clone());
                }
                Effect::Use(using) => {
                    let what = using.tool.provenance(using.host.as_ref());
                    self.told.push(format!("use {} {what}", using.label));
                    self.uses.push(using.clone());
                }
                Effect::Finish(conclusion) => {
                    self.told.push(ending(conclusion));
                    self.end = Some((**conclusion).clone());
                }
            }
            self.waiting.push_back(effect);
        }
    }

    pub(super) fn on(&mut self, event: Event) {
        let effects = self.investigation.on(event);
        self.take(effects);
    }

    /// Answers all looks that are waited for, then gives the answers one after another.
    pub(super) fn run(&mut self, answers: Vec<Event>) -> &mut Self {
        let mut answers = VecDeque::from(answers);
        while let Some(effect) = self.waiting.pop_front() {
            match effect {
                Effect::Use(using) => {
                    let outcome = look(&using);
                    self.on(Event::Seen(Seen {
                        call: using.call,
                        outcome,
                    }));
                }
                Effect::Ask(_) => match answers.pop_front() {
                    Some(answer) => self.on(answer),
                    None => return self,
                },
                Effect::Finish(_) => {}
            }
        }
        assert!(answers.is_empty(), "answers nobody asked for: {answers:?}");
        self
    }

    /// The last line that was said to the main model.
    pub(super) fn last_line(&self) -> &str {
        let last = self.investigation.transcript().last();
        last.map_or("", Line::text)
    }
}

/// What the tools of the play show.
fn look(using: &Use) -> Result<Look, String> {
    use crate::Tool;
    match &using.tool {
        Tool::Logs { .. } => Ok(Look::new(
            "nginx: port 80 is held by apache2.service, pid 4711",
        )),
        Tool::Knowledge { .. } => Ok(Look::new("apache2.service held port 80 once")),
        Tool::UnitStatus { unit } => Ok(Look::new(format!("{unit} is active since 10:00"))),
        Tool::Command { command } if command.starts_with("long") => {
            let lines: Vec<String> = (0..2_000)
                .map(|line| format!("{line}: all is well"))
                .collect();
            Ok(Look::new(lines.join("\n")))
        }
        Tool::Command { .. } => Err("it is not read-only".to_owned()),
        _ => Ok(Look::default()),
    }
}

fn ending(conclusion: &Conclusion) -> String {
    let steps = |steps: &[Step]| {
        let steps: Vec<String> = steps.iter().map(Step::summary).collect();
        steps.join(", ")
    };
    let mut told = format!(
        "finish {} ({:?}): {}",
        conclusion.outcome.as_str(),
        conclusion.confidence,
        conclusion.text.replace('\n', " | ")
    );
    if let Some(proposal) = &conclusion.proposal {
        told = format!("{told} => {} on {}", steps(&proposal.steps), proposal.host);
    }
    if let Some(revision) = &conclusion.revision {
        told = format!("{told} => revised to {}", steps(&revision.steps));
    }
    if let Some(opinion) = &conclusion.opinion {
        told = format!("{told} (risk {:?} says {})", opinion.level, opinion.by);
    }
    for objection in &conclusion.objections {
        told = format!("{told} (objection: {objection})");
    }
    told
}

/// Plays a task with answers, and compares what happened.
pub(super) fn check(task: Task, limits: Limits, answers: Vec<Event>, expect: &[&str]) -> Play {
    let mut play = Play::new(task, limits);
    play.run(answers);
    assert_eq!(play.told, expect, "{:#?}", play.told);
    play
}
