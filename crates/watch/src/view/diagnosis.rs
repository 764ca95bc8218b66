//! Diagnoses as people see them: the cause, what each sentence rests on, what was looked at, and what was said against it.

use serde::{Deserialize, Serialize};
use watchkeeper_agent::{Claim, Conclusion, LookedAt, SecondOpinion};
use watchkeeper_model::{
    Confidence, HostName, IssueNumber, JobNumber, Proposer, Timestamp, bounded, visible,
};

// All of it together fits into one entry of the log, whatever script it is written in.

/// Longest cause, in characters.
const MAX_CAUSE_CHARS: usize = 2_000;
/// Looks that are told of.
const LOOKS_TOLD: usize = 20;
/// Longest line that tells what a look showed, in characters.
const MAX_LINE_CHARS: usize = 100;
/// Claims that are told of.
const CLAIMS_TOLD: usize = 10;
/// Objections that are told of.
const OBJECTIONS_TOLD: usize = 4;
/// Longest of either, in characters.
const MAX_WORDS_CHARS: usize = 300;
/// Labels of one claim that are told of, and how long each may be.
const LABELS_TOLD: usize = 6;
const MAX_LABEL_CHARS: usize = 20;

/// A diagnosis by a model. A runbook's is a text and no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisView {
    /// Who concluded it.
    pub by: Proposer,
    /// The job that asked.
    pub job: JobNumber,
    /// When.
    pub at: Timestamp,
    /// What came of it: `diagnosed`, `insufficient_evidence`, `needs_person`, `budget_spent`.
    pub outcome: String,
    /// The cause, or what is not known.
    pub cause: String,
    /// How sure.
    pub confidence: Confidence,
    /// Its sentences, each with what it rests on.
    pub claims: Vec<ClaimView>,
    /// What was looked at.
    pub looked_at: Vec<LookView>,
    /// How the second opinion ended: `not_asked`, `agreed`, `objected`, `not_had`.
    pub second_opinion: String,
    /// What it has against the diagnosis or the proposal.
    pub objections: Vec<String>,
    /// Where it was really looked into, where that was another host with a like trouble.
    pub as_on: Option<AsOn>,
    /// What became of the proposal, where there is something to say.
    pub remark: Option<String>,
}

/// One sentence and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimView {
    /// The sentence.
    pub text: String,
    /// The labels it cites.
    pub evidence: Vec<String>,
    /// Whether they exist and hold what it says.
    pub supported: bool,
    /// What is missing.
    pub why_not: Option<String>,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookView {
    /// What it is cited by.
    pub label: String,
    /// Where.
    pub host: Option<HostName>,
    /// What was looked at.
    pub what: String,
    /// What it showed, in a line; or why it showed nothing.
    pub line: String,
    /// Whether something was seen.
    pub seen: bool,
}

/// The like trouble that was looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOn {
    /// On which host.
    pub host: HostName,
    /// Which issue.
    pub issue: IssueNumber,
}

impl DiagnosisView {
    /// What a conclusion says to people.
    #[must_use]
    pub fn of(conclusion: &Conclusion, job: JobNumber, at: Timestamp) -> Self {
        Self {
            by: Proposer::Model {
                name: conclusion.model.clone(),
            },
            job,
            at,
            outcome: conclusion.outcome.as_str().to_owned(),
            cause: bounded(&conclusion.text, MAX_CAUSE_CHARS).into_owned(),
            confidence: conclusion.confidence,
            claims: conclusion
                .claims
                .iter()
                .take(CLAIMS_TOLD)
                .map(ClaimView::from)
                .collect(),
            looked_at: conclusion
                .looked_at
                .iter()
                .take(LOOKS_TOLD)
                .map(LookView::from)
                .collect(),
            second_opinion: match conclusion.second_opinion {
                SecondOpinion::NotAsked => "not_asked",
                SecondOpinion::Agreed => "agreed",
                SecondOpinion::Objected => "objected",
                SecondOpinion::NotHad => "not_had",
            }
            .to_owned(),
            objections: conclusion
                .objections
                .iter()
                .take(OBJECTIONS_TOLD)
                .map(|words| words_of(words, MAX_WORDS_CHARS))
                .collect(),
            as_on: None,
            remark: None,
        }
    }

    /// The looks that its sentences cite; where nothing was found out, all of them.
    #[must_use]
    pub fn cited(&self) -> Vec<&LookView> {
        if self.outcome != "diagnosed" {
            return self.looked_at.iter().collect();
        }
        let cited = |look: &&LookView| {
            self.claims
                .iter()
                .any(|claim| claim.evidence.contains(&look.label))
        };
        self.looked_at.iter().filter(cited).collect()
    }
}

impl From<&Claim> for ClaimView {
    fn from(claim: &Claim) -> Self {
        Self {
            text: words_of(&claim.text, MAX_WORDS_CHARS),
            evidence: claim
                .evidence
                .iter()
                .take(LABELS_TOLD)
                .map(|label| words_of(label, MAX_LABEL_CHARS))
                .collect(),
            supported: claim.supported,
            why_not: claim
                .why_not
                .as_ref()
                .map(|why| words_of(why, MAX_LINE_CHARS)),
        }
    }
}

impl From<&LookedAt> for LookView {
    fn from(look: &LookedAt) -> Self {
        let line = match &look.failed {
            Some(why) => why.as_str(),
            None => telling_line(&look.shown),
        };
        Self {
            label: look.label.clone(),
            host: look.host.clone(),
            what: words_of(&look.input, MAX_LINE_CHARS),
            line: words_of(line, MAX_LINE_CHARS),
            seen: look.failed.is_none(),
        }
    }
}

/// The line of a text that tells most: the first that speaks of a failure, else the first.
fn telling_line(text: &str) -> &str {
    const TELLING: [&str; 5] = ["fail", "error", "panic", "denied", "killed"];
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tells = |line: &&str| {
        let line = line.to_lowercase();
        TELLING.iter().any(|word| line.contains(word))
    };
    lines().find(tells).or_else(|| lines().next()).unwrap_or("")
}

fn words_of(text: &str, max: usize) -> String {
    bounded(&visible(text), max).into_owned()
}

#[cfg(test)]
mod tests {
    use watchkeeper_agent::{Outcome, Spent};
    use watchkeeper_model::LogRecord;

    use super::*;

    #[test]
    fn the_longest_diagnosis_fits_into_one_entry_of_the_log() {
        let long = "\u{20000}".repeat(5_000);
        let claim = Claim {
            text: long.clone(),
            evidence: vec![long.clone(); 30],
            supported: false,
            why_not: Some(long.clone()),
        };
        let look = LookedAt {
            label: "E1".to_owned(),
            host: Some(HostName::new("a".repeat(60)).expect("a name")),
            tool: "logs".to_owned(),
            input: long.clone(),
            shown: long.clone(),
            failed: None,
            is_note: false,
            bytes: 0,
            took_ms: 0,
        };
        let conclusion = Conclusion {
            outcome: Outcome::Diagnosed,
            text: long.clone(),
            confidence: Confidence::High,
            claims: vec![claim; 40],
            proposal: None,
            revision: None,
            opinion: None,
            objections: vec![long; 10],
            second_opinion: SecondOpinion::Objected,
            looked_at: vec![look; 40],
            spent: Spent::default(),
            model: "m".to_owned(),
            summarised: None,
        };
        let view = DiagnosisView::of(&conclusion, JobNumber(1), Timestamp::from_millis(0));
        let bytes = serde_json::to_string(&view).expect("json").len();
        // The cause stands in the entry's text once more.
        assert!(bytes + 2_100 * 4 < LogRecord::MAX_BODY_BYTES, "{bytes}");
    }

    #[test]
    fn the_line_that_tells_is_the_one_about_the_failure() {
        let text = "nginx starts\nbind() to 0.0.0.0:80 failed\nexits";
        assert_eq!(telling_line(text), "bind() to 0.0.0.0:80 failed");
        assert_eq!(telling_line("\n up 3 days\nfine"), "up 3 days");
        assert_eq!(telling_line(""), "");
    }
}
