//! The two calls with which a model says something instead of looking: a proposal and a conclusion.

use serde::{Deserialize, Serialize};
use watchkeeper_model::{Confidence, HostName, RiskLevel, Step, UnitName};

/// A change that a model proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Propose {
    /// Where; none: the host it is about.
    pub host: Option<HostName>,
    /// What, in this order.
    pub steps: Vec<Step>,
    /// Why.
    pub reason: String,
    /// The labels it rests on.
    pub evidence: Vec<String>,
    /// What puts things back; empty: the inverse of each step where it has one.
    pub undo: Vec<Step>,
    /// A unit that must be active afterwards; where a check asked, its check is what counts.
    pub verify_unit: Option<UnitName>,
    /// That it is riskier than it looks.
    pub risk: Option<RiskView>,
}

/// A model's view of a risk. It can raise the assessment, never lower it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskView {
    /// How bad: low, medium or high.
    pub level: RiskLevel,
    /// Why.
    pub reason: String,
}

/// What a model concludes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclude {
    /// The cause, a few sentences that may cite labels like `[E2]`.
    pub cause: String,
    /// How sure.
    pub confidence: Confidence,
    /// The labels on which sentences rest that cite none themselves.
    pub evidence: Vec<String>,
    /// Why a person must look, where one must.
    pub needs_person: Option<String>,
}
