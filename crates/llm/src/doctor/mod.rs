//! The model doctor: tries a lane for real, step by step, and says what to type where something is wrong. A step that
//! could not be tried is not fine. Whether an answer is right is not its question; whether it has the form that was
//! asked for is.

mod remedy;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{Lane, LlmError, Provider};
use steps::Examination;

pub use remedy::of as remedy;

/// One step and what it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorLine {
    /// What was tried.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was seen, one line.
    pub detail: String,
    /// What to type or change, where it is not.
    pub remedy: Option<String>,
}

/// The steps of every lane, in their order.
const STEPS: [Step; 6] = [
    Step::Server,
    Step::Models,
    Step::Context,
    Step::Schema,
    Step::Tools,
    Step::Vectors,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Server,
    Models,
    Context,
    Schema,
    Tools,
    Vectors,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Models => "model",
            Self::Context => "context",
            Self::Schema => "schema",
            Self::Tools => "tools",
            Self::Vectors => "vectors",
        }
    }

    /// Whether it has a model answer, which a lane for vectors alone has not.
    const fn needs_answers(self) -> bool {
        matches!(self, Self::Context | Self::Schema | Self::Tools)
    }
}

/// Tries a lane: server, models, context, an answer of a given form and its speed, a tool, vectors. Where there is
/// no server or no model, what follows is told as not tried.
pub async fn examine(
    lane: &Lane,
    provider: &dyn Provider,
    cancel: &CancellationToken,
) -> Vec<DoctorLine> {
    let examination = Examination { lane, provider };
    let mut lines = Vec::new();
    let steps: Vec<Step> = STEPS
        .into_iter()
        .filter(|step| lane.answers() || !step.needs_answers())
        .collect();
    for (place, step) in steps.iter().copied().enumerate() {
        let found = tokio::select! {
            biased;
            () = cancel.cancelled() => return lines,
            found = examination.of(step, cancel) => found,
        };
        let all_fine = found.iter().all(|line| line.ok);
        lines.extend(found);
        if !all_fine && matches!(step, Step::Server | Step::Models) {
            lines.extend(not_tried(lane, &steps[place + 1..]));
            break;
        }
    }
    lines
}

/// Tries lanes side by side, those of one endpoint one after the other: they would only wait for each other.
pub async fn examine_all(
    lanes: &[(Lane, Arc<dyn Provider>)],
    cancel: &CancellationToken,
) -> Vec<Vec<DoctorLine>> {
    let mut endpoints: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, (lane, _)) in lanes.iter().enumerate() {
        endpoints
            .entry(lane.url.to_string())
            .or_default()
            .push(place);
    }
    let of_endpoint = async |places: Vec<usize>| {
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let (lane, provider) = &lanes[place];
            found.push((place, examine(lane, &**provider, cancel).await));
        }
        found
    };
    let mut found: Vec<(usize, Vec<DoctorLine>)> =
        join_all(endpoints.into_values().map(of_endpoint))
            .await
            .into_iter()
            .flatten()
            .collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, lines)| lines).collect()
}

/// The lines of steps that were not tried.
fn not_tried(lane: &Lane, steps: &[Step]) -> Vec<DoctorLine> {
    let without_vectors = lane.embedding_model.is_none();
    steps
        .iter()
        .filter(|step| !(**step == Step::Vectors && without_vectors))
        .map(|step| DoctorLine::not_tried(step.name()))
        .collect()
}

impl DoctorLine {
    fn fine(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok: true,
            detail: detail.into(),
            remedy: None,
        }
    }

    fn wrong(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            name,
            ok: false,
            detail: detail.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn failed(name: &'static str, lane: &Lane, error: &LlmError) -> Self {
        Self::wrong(name, chain(error), remedy::of(lane, error))
    }

    fn not_tried(name: &'static str) -> Self {
        Self {
            name,
            ok: false,
            detail: "not tried".to_owned(),
            remedy: None,
        }
    }
}

/// An error with all that lies under it.
fn chain(error: &LlmError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn shown(text: &str) -> String {
    crate::error::one_line(text, 120)
}
