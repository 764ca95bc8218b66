//! Judging what was concluded: its claims against what was seen, the second opinion, and the finish. Everything here only
//! takes away: confidence falls, risk rises, proposals go.

use serde_json::{Value, json};
use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{
    Confidence, ConversationKind, Proposal, RiskLevel, Step, UnitName, Verification, bounded,
};
use watchkeeper_risk::Opinion;

use super::case::Matter;
use super::{
    Answer, Claim, Conclusion, Effect, Investigation, Outcome, Phase, Revised, SecondOpinion,
};
use crate::claims;
use crate::prompt::{block, line};
use crate::tools::{Conclude, Propose, RiskView};

/// Seconds that things may settle before the look that verifies a model's proposal.
const SETTLE_S: u32 = 15;
/// Longest answer that is kept, in characters.
const MAX_TEXT_CHARS: usize = 16_000;
/// Longest objection, in characters.
const MAX_OBJECTION_CHARS: usize = 600;
/// Things looked at that are named in a text; all of them stand beside it.
const MAX_NAMED: usize = 12;

/// The schema of a second opinion.
pub(super) fn critic_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "agrees": { "type": "boolean" },
            "objection": { "type": ["string", "null"] },
            "risk": {
                "type": ["object", "null"],
                "properties": {
                    "level": { "type": "string", "enum": ["low", "medium", "high"] },
                    "reason": { "type": "string" },
                },
                "required": ["level", "reason"],
                "additionalProperties": false,
            },
        },
        "required": ["agrees", "objection", "risk"],
        "additionalProperties": false,
    })
}

impl Investigation {
    /// Ends a finding's investigation with what a model concluded and proposed, after a second opinion where one is wanted.
    pub(super) fn conclude(&mut self, conclude: Conclude) -> Vec<Effect> {
        let conclusion = self.judged(conclude);
        self.second_opinion(conclusion)
    }

    /// Why a conclusion is handed back once: it says a cause and nothing of it is supported.
    pub(super) fn unfounded(&self, conclude: &Conclude) -> Option<String> {
        if conclude.confidence == Confidence::InsufficientEvidence {
            return None;
        }
        let ground = self.case.ground(&self.seen);
        let claims = claims::claims(&conclude.cause, &conclude.evidence, &ground);
        if claims.iter().any(|claim| claim.supported) {
            return None;
        }
        let first = claims.first()?.why_not.clone()?;
        Some(format!(
            "nothing of the cause is supported by what was seen: {first}. Cite labels of what was seen ({}), look further, or conclude that the evidence does not tell",
            self.labels()
        ))
    }

    /// Ends it without a second opinion and without a proposal.
    pub(super) fn conclude_plainly(&mut self, conclude: Conclude) -> Vec<Effect> {
        self.draft = None;
        let conclusion = self.judged(conclude);
        self.finish(conclusion)
    }

    fn judged(&mut self, conclude: Conclude) -> Conclusion {
        let ground = self.case.ground(&self.seen);
        let mut claims = claims::claims(&conclude.cause, &conclude.evidence, &ground);
        if conclude.confidence == Confidence::InsufficientEvidence {
            // That something cannot be told need not be proved; what is cited beside it is held to it.
            claims.retain(|claim| !claim.evidence.is_empty());
        }
        let draft = self.draft.take();
        let mut conclusion = Conclusion {
            text: shown(&claims::marked(&conclude.cause, &claims)),
            confidence: conclude.confidence,
            ..self.empty(Outcome::Diagnosed)
        };
        let supported = claims.iter().filter(|claim| claim.supported).count();
        conclusion.claims = claims;
        if conclude.confidence == Confidence::InsufficientEvidence {
            conclusion.outcome = Outcome::InsufficientEvidence;
        } else if supported == 0 {
            conclusion.outcome = Outcome::InsufficientEvidence;
            conclusion.confidence = Confidence::InsufficientEvidence;
            conclusion.text.push_str(
                "\nNothing of this is supported by what was seen, so it counts as insufficient evidence and nothing is proposed.",
            );
        } else if supported < conclusion.claims.len() {
            conclusion.confidence = conclusion.confidence.min(Confidence::Medium);
        }
        if let Some(why) = conclude.needs_person {
            conclusion.outcome = Outcome::NeedsPerson;
            let why = shown(&why);
            conclusion
                .text
                .push_str(&format!("\nA person must look: {why}"));
        }
        match draft {
            Some(draft) if conclusion.outcome == Outcome::Diagnosed => {
                conclusion.opinion = draft.risk.clone().map(|risk| self.opinion(risk));
                conclusion.proposal = self.proposal(draft);
            }
            Some(draft) => {
                let steps: Vec<String> = draft.steps.iter().map(Step::summary).collect();
                let steps = line(&steps.join(", "), 400);
                conclusion
                    .text
                    .push_str(&format!("\nConsidered and not proposed: {steps}."));
            }
            None => {}
        }
        conclusion
    }

    /// Ends a talk with an answer, and maybe what is proposed.
    pub(super) fn conclude_talk(&mut self, text: &str, propose: Option<Propose>) -> Vec<Effect> {
        let text = &*bounded(text.trim(), MAX_TEXT_CHARS);
        let ground = self.case.ground(&self.seen);
        // A sentence in a talk need not cite anything; one that does is held to it.
        let claims: Vec<Claim> = claims::claims(text, &[], &ground)
            .into_iter()
            .filter(|claim| !claim.evidence.is_empty())
            .collect();
        let mut answer = shown(text);
        if let (true, Some(propose)) = (answer.is_empty(), &propose) {
            answer = shown(&propose.reason);
        }
        for claim in claims.iter().filter(|claim| !claim.supported) {
            let why = claim.why_not.as_deref().unwrap_or_default();
            answer.push_str(&format!(
                "\n(Unsupported: \"{}\": {why})",
                shown(&claim.text)
            ));
        }
        let mut conclusion = Conclusion {
            text: answer,
            confidence: Confidence::Medium,
            claims,
            ..self.empty(Outcome::Answered)
        };
        if let Some(propose) = propose {
            conclusion.opinion = propose.risk.clone().map(|risk| self.opinion(risk));
            match self.case.about {
                Matter::Talk(ConversationKind::Discuss) => {
                    conclusion.revision = Some(revised(propose));
                }
                _ => conclusion.proposal = self.proposal(propose),
            }
        }
        self.second_opinion(conclusion)
    }

    /// The proposal of a draft whose host was found to be allowed; none otherwise.
    fn proposal(&self, draft: Propose) -> Option<Proposal> {
        let host = draft.host.clone().or_else(|| self.case.host.clone())?;
        if !self.case.may_change.contains(&host) && stands(Guard::Hosts) {
            return None;
        }
        let verify = match self.case.finding() {
            Some(finding) => Verification::CheckPasses {
                check: finding.check.clone(),
                subject: finding.subject.clone(),
                settle_s: SETTLE_S,
            },
            None => unit_to_verify(&draft).map_or(
                Verification::HostAnswers { settle_s: SETTLE_S },
                |unit| Verification::UnitActive {
                    unit,
                    settle_s: SETTLE_S,
                },
            ),
        };
        Some(Proposal {
            host,
            steps: draft.steps,
            reason: draft.reason,
            verify,
            undo: draft.undo,
        })
    }

    fn opinion(&self, risk: RiskView) -> Opinion {
        Opinion {
            level: risk.level,
            by: format!("model {}", line(&self.model, 80)),
            reason: risk.reason,
        }
    }

    /// Asks for a second opinion where one is wanted and there is something to judge.
    fn second_opinion(&mut self, conclusion: Conclusion) -> Vec<Effect> {
        let changes = conclusion.proposal.is_some() || conclusion.revision.is_some();
        let judged = conclusion.outcome == Outcome::Diagnosed || changes;
        if !(self.limits.critic && judged) {
            return self.finish(conclusion);
        }
        self.phase = Phase::Critic(Box::new(conclusion));
        self.emit()
    }

    /// Takes the second opinion. It may object or raise the risk; that it agrees changes nothing.
    pub(super) fn take_critic(&mut self, answer: &Answer, mut draft: Conclusion) -> Vec<Effect> {
        let object = crate::json::object_in(&answer.text);
        let agrees = object
            .as_ref()
            .and_then(|object| object.get("agrees")?.as_bool());
        let (Some(object), Some(agrees)) = (object, agrees) else {
            return self.without_second_opinion(draft);
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        if agrees {
            draft.second_opinion = SecondOpinion::Agreed;
        } else {
            let objection = text(object.get("objection"))
                .map(|objection| line(objection.trim(), MAX_OBJECTION_CHARS))
                .filter(|objection| !objection.is_empty());
            draft
                .objections
                .push(objection.unwrap_or_else(|| "it objects and does not say why".to_owned()));
            draft.second_opinion = SecondOpinion::Objected;
            draft.confidence = lowered(draft.confidence);
        }
        let risk = object.get("risk").and_then(Value::as_object);
        let level = risk.and_then(|risk| level(risk.get("level")?.as_str()?));
        if let Some(level) = level {
            let reason = text(risk.and_then(|risk| risk.get("reason"))).unwrap_or_default();
            let further = Opinion {
                level,
                by: format!("second opinion of {}", line(&answer.model, 80)),
                reason: line(&reason, Opinion::MAX_REASON_CHARS),
            };
            draft.opinion = Some(match draft.opinion.take() {
                Some(first) if first.level >= further.level => first,
                _ => further,
            });
        }
        self.finish(draft)
    }

    /// Goes on without a second opinion that was wanted, and says so.
    pub(super) fn without_second_opinion(&mut self, mut draft: Conclusion) -> Vec<Effect> {
        draft.second_opinion = SecondOpinion::NotHad;
        self.finish(draft)
    }

    /// Ends it because something is used up.
    pub(super) fn finish_spent(&mut self, why: &str) -> Vec<Effect> {
        self.finish_without(Outcome::BudgetSpent, why)
    }

    /// Ends it because no model gave an answer that can be used.
    pub(super) fn finish_unanswered(&mut self, why: &str) -> Vec<Effect> {
        self.finish_without(Outcome::InsufficientEvidence, why)
    }

    fn finish_without(&mut self, outcome: Outcome, why: &str) -> Vec<Effect> {
        let what = match self.case.about {
            Matter::Finding(_) => "conclusion",
            Matter::Talk(_) => "answer",
        };
        let text = format!(
            "There is no {what}: {}. {}",
            line(why, 600),
            self.looked_at_in_words()
        );
        let conclusion = Conclusion {
            text,
            ..self.empty(outcome)
        };
        self.finish(conclusion)
    }

    fn looked_at_in_words(&self) -> String {
        let looks: Vec<String> = self
            .seen
            .iter()
            .take(MAX_NAMED)
            .map(|look| match &look.failed {
                Some(_) => format!("{} {} (failed)", look.label, look.input),
                None => format!("{} {}", look.label, look.input),
            })
            .collect();
        if looks.is_empty() {
            return "Nothing was looked at.".to_owned();
        }
        let more = self.seen.len().saturating_sub(looks.len());
        let more = (more > 0).then(|| format!(" and {more} more"));
        format!(
            "Looked at: {}{}.",
            looks.join("; "),
            more.unwrap_or_default()
        )
    }

    fn empty(&self, outcome: Outcome) -> Conclusion {
        Conclusion {
            outcome,
            text: String::new(),
            confidence: Confidence::InsufficientEvidence,
            claims: Vec::new(),
            proposal: None,
            revision: None,
            opinion: None,
            objections: Vec::new(),
            second_opinion: SecondOpinion::NotAsked,
            looked_at: Vec::new(),
            spent: self.spent.clone(),
            model: self.model.clone(),
            summarised: self.summarised.clone(),
        }
    }

    fn finish(&mut self, mut conclusion: Conclusion) -> Vec<Effect> {
        conclusion.looked_at.clone_from(&self.seen);
        conclusion.spent = self.spent.clone();
        let conclusion = Box::new(conclusion);
        self.phase = Phase::Over(conclusion.clone());
        vec![Effect::Finish(conclusion)]
    }
}

/// A model's text, fit to be shown and kept.
fn shown(text: &str) -> String {
    bounded(&block(text.trim()), MAX_TEXT_CHARS).into_owned()
}

fn lowered(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
        Confidence::InsufficientEvidence => Confidence::InsufficientEvidence,
    }
}

fn level(word: &str) -> Option<RiskLevel> {
    match word {
        "low" => Some(RiskLevel::Low),
        "medium" => Some(RiskLevel::Medium),
        "high" => Some(RiskLevel::High),
        _ => None,
    }
}

/// The unit that must be active after a wish: the one named, or the last that is started.
fn unit_to_verify(draft: &Propose) -> Option<UnitName> {
    let started = draft.steps.iter().rev().find_map(|step| match step {
        Step::UnitRestart { unit } | Step::UnitStart { unit } | Step::UnitReload { unit } => {
            Some(unit.clone())
        }
        _ => None,
    });
    draft.verify_unit.clone().or(started)
}

fn revised(propose: Propose) -> Revised {
    Revised {
        verify: propose.verify_unit.map(|unit| Verification::UnitActive {
            unit,
            settle_s: SETTLE_S,
        }),
        steps: propose.steps,
        undo: propose.undo,
        reason: propose.reason,
    }
}
