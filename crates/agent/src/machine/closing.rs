//! Answers that end it: the last word about a finding by the reply's schema, an answer to a person, and what a model
//! writes where a call was expected.

use serde_json::{Map, Value, json};
use watchkeeper_model::{Confidence, Finding};

use super::case::Matter;
use super::looking::Handled;
use super::{Answer, Effect, Investigation, Phase};
use crate::claims;
use crate::reply::{ModelReply, ReplyRefused};
use crate::tools::{Conclude, Propose, RiskView, Tool};
use crate::{parse_reply, reply_schema};

/// Answers to the last question that may be refused.
const MAX_LAST_REFUSALS: usize = 1;

/// Calls that are heeded in an answer to the last question, which has no tools.
const MAX_LAST_CALLS: usize = 5;

/// What an answer with JSON in it comes to.
pub(super) struct Ending {
    pub(super) conclude: Conclude,
    pub(super) propose: Option<Propose>,
}

/// The schema of an answer in a talk in which something may be proposed.
fn talk_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "answer": { "type": "string" },
            "proposal": {
                "type": ["object", "null"],
                "properties": {
                    "host": { "type": "string" },
                    "steps": crate::tools::steps_schema(),
                    "reason": { "type": "string" },
                },
                "required": ["host", "steps", "reason"],
            },
        },
        "required": ["answer", "proposal"],
    })
}

impl Investigation {
    /// The schema of the last word; none where it is plain text.
    pub(super) fn closing_schema(&self) -> Option<Value> {
        match &self.case.about {
            Matter::Finding(finding) => Some(reply_schema(&finding.host)),
            Matter::Talk(_) if self.case.may_change.is_empty() => None,
            Matter::Talk(_) => Some(talk_schema()),
        }
    }

    /// Takes an answer without a call where calls were possible.
    pub(super) fn take_text(&mut self, text: &str) -> Vec<Effect> {
        if text.trim().is_empty() {
            return self.refuse_text(text, "The answer was empty. Call a tool, or answer.");
        }
        if self.case.finding().is_none() {
            return self.end_talk(text);
        }
        match self.ending_in(text) {
            Some(Ok(ending)) => self.end_finding(ending),
            Some(Err(why)) => self.refuse_text(text, &format!("Refused: {why}.")),
            None => self.refuse_text(
                text,
                "That was no call of a tool. Look with a tool, or end by calling conclude.",
            ),
        }
    }

    /// Takes the last word.
    pub(super) fn take_closing(
        &mut self,
        answer: &Answer,
        why: Option<String>,
        mut refused: Vec<String>,
    ) -> Vec<Effect> {
        // A model may call in spite of having no tools; what ends it counts.
        let read: Vec<_> = answer
            .calls
            .iter()
            .take(MAX_LAST_CALLS)
            .map(|call| self.read(call))
            .collect();
        for (_, tool) in read.into_iter().flatten() {
            match tool {
                Tool::Propose(propose) => match self.take_proposal(propose) {
                    Handled::Proposes(propose) => {
                        return self.conclude_talk(&answer.text, Some(propose));
                    }
                    _ => continue,
                },
                Tool::Conclude(conclude) => return self.conclude(conclude),
                _ => {}
            }
        }
        if self.case.finding().is_none() {
            if answer.text.trim().is_empty() {
                refused.push("the answer was empty".to_owned());
                return self.ask_last_again(why, refused);
            }
            return self.end_talk(&answer.text);
        }
        let ending = self
            .ending_in(&answer.text)
            .unwrap_or_else(|| Err("there is no JSON object in the answer".to_owned()));
        match ending {
            Ok(ending) => self.end_finding(ending),
            Err(bad) => {
                refused.push(bad);
                self.ask_last_again(why, refused)
            }
        }
    }

    fn ask_last_again(&mut self, why: Option<String>, refused: Vec<String>) -> Vec<Effect> {
        if refused.len() > MAX_LAST_REFUSALS {
            let last = refused.last().map_or("", String::as_str);
            let what = match &why {
                Some(why) => format!("{why}, and the last answer could not be used ({last})"),
                None => format!("the model's answer could not be used: {last}"),
            };
            return match why {
                Some(_) => self.finish_spent(&what),
                None => self.finish_unanswered(&what),
            };
        }
        self.phase = Phase::Closing { why, refused };
        self.emit()
    }

    fn end_finding(&mut self, ending: Ending) -> Vec<Effect> {
        self.draft = ending.propose;
        self.conclude(ending.conclude)
    }

    /// Reads a conclusion about a finding in a text; none where there is none, why not where it is no good one.
    fn ending_in(&self, text: &str) -> Option<Result<Ending, String>> {
        let finding = self.case.finding()?;
        let object = self.own_object(text)?;
        object.get("cause")?;
        Some(self.ending(finding, object))
    }

    fn ending(&self, finding: &Finding, mut object: Map<String, Value>) -> Result<Ending, String> {
        let ground = self.case.ground(&self.seen);
        if !object.contains_key("host") && !object.contains_key("proposal") {
            let read = Tool::parse("conclude", &Value::Object(object));
            return match read.map_err(|refused| refused.to_string())? {
                Tool::Conclude(mut conclude) => {
                    conclude.evidence = claims::labels_of_lines(&conclude.evidence, &ground);
                    Ok(Ending {
                        conclude,
                        propose: self.draft.clone(),
                    })
                }
                _ => Err(String::new()),
            };
        }
        // Where no host is named, the finding's own is meant.
        let host = Value::from(finding.host.as_str());
        if let Some(Value::Object(proposal)) = object.get_mut("proposal") {
            proposal.entry("host").or_insert_with(|| host.clone());
        }
        object.entry("host").or_insert(host);
        let text = Value::Object(object).to_string();
        let reply = parse_reply(&text, finding, &self.model).map_err(|why| told(&why))?;
        let evidence = claims::labels_of_lines(&reply.evidence, &ground);
        Ok(ending_of(reply, evidence))
    }

    /// Ends a talk with what a model wrote: text, or an object with an answer and maybe a proposal.
    fn end_talk(&mut self, text: &str) -> Vec<Effect> {
        let object = self
            .own_object(text)
            .filter(|object| object.contains_key("answer") || object.contains_key("proposal"));
        let Some(object) = object else {
            return self.conclude_talk(text, None);
        };
        let answer = object.get("answer").and_then(Value::as_str).unwrap_or("");
        let proposed = object.get("proposal").filter(|value| value.is_object());
        let propose = proposed.and_then(|arguments| match Tool::parse("propose", arguments) {
            Ok(Tool::Propose(propose)) => self.allowed(propose),
            _ => None,
        });
        if proposed.is_some() && propose.is_none() {
            let note = "What the model proposed could not be used, so nothing is proposed.";
            let answer = format!("{answer}\n\n{note}");
            return self.conclude_talk(&answer, None);
        }
        let answer = answer.to_owned();
        self.conclude_talk(&answer, propose)
    }

    /// A proposal whose host may be changed here.
    fn allowed(&self, mut propose: Propose) -> Option<Propose> {
        let host = propose.host.take().or_else(|| self.case.host.clone())?;
        let may = self.case.may_change.contains(&host);
        propose.host = Some(host);
        may.then_some(propose)
    }
}

fn ending_of(reply: ModelReply, evidence: Vec<String>) -> Ending {
    let risk = reply.opinion.map(|opinion| RiskView {
        level: opinion.level,
        reason: opinion.reason,
    });
    let propose = reply.diagnosis.proposal.map(|proposal| Propose {
        host: Some(proposal.host),
        steps: proposal.steps,
        reason: proposal.reason,
        evidence: evidence.clone(),
        undo: proposal.undo,
        verify_unit: None,
        risk,
    });
    Ending {
        conclude: Conclude {
            cause: reply.diagnosis.cause,
            confidence: reply.diagnosis.confidence,
            evidence,
            needs_person: None,
        },
        propose: propose.filter(|_| reply.diagnosis.confidence != Confidence::InsufficientEvidence),
    }
}

/// Why a reply is refused, with what lies beneath it.
fn told(why: &ReplyRefused) -> String {
    match std::error::Error::source(why) {
        Some(source) => format!("{why}: {source}"),
        None => why.to_string(),
    }
}
