//! What this process knows of each of its lanes: how it behaved lately, what it serves, what it has done. In memory;
//! what others are to see of it is said to the store now and then. After a restart nothing is known, and that is said.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use watchkeeper_llm::{Breaker, BreakerSettings, Lane, LlmError, May};
use watchkeeper_model::{ControllerId, JobNumber, Need, Timestamp};
use watchkeeper_store::Order;

use crate::cycle::chain;
use crate::queue::desk::Spent;
use crate::view::ModelStatus;
use crate::watch::Watch;

/// How long a busy server is left alone that does not say for how long.
const BUSY_PAUSE: Duration = Duration::from_secs(2);

/// The lanes of this process, by name.
#[derive(Debug, Default)]
pub(crate) struct LaneBook(Mutex<BTreeMap<String, LanePage>>);

/// One lane.
#[derive(Clone, Debug)]
pub(crate) struct LanePage {
    /// Whether it may be asked.
    pub(crate) breaker: Breaker,
    /// What is wrong with it, while something is.
    pub(crate) fault: Option<String>,
    /// Since when it is counted.
    pub(crate) watched_since: Timestamp,
    /// What its places serve, and since when.
    pub(crate) serving: BTreeMap<u32, (JobNumber, Timestamp)>,
    /// How long its places were busy, what they serve now left out.
    pub(crate) busy: Duration,
    /// Jobs it has answered.
    pub(crate) served: i64,
    /// Tries that failed on it.
    pub(crate) failed: i64,
    /// Tokens it has written.
    pub(crate) output_tokens: i64,
    /// How long it took to write them.
    pub(crate) output: Duration,
    /// Jobs it has begun, as they count for whose turn is next.
    begun: u64,
    /// Its smaller models that are not there, each with what was said and until when it is not asked for again.
    lacks: BTreeMap<String, Lack>,
    heard: Option<Heard>,
}

#[derive(Clone, Debug)]
struct Lack {
    fault: String,
    until: Timestamp,
}

#[derive(Clone, Debug)]
struct Heard {
    at: Timestamp,
    failure: Option<String>,
}

impl LanePage {
    fn new(settings: BreakerSettings, now: Timestamp) -> Self {
        Self {
            breaker: Breaker::new(settings),
            fault: None,
            watched_since: now,
            serving: BTreeMap::new(),
            busy: Duration::ZERO,
            served: 0,
            failed: 0,
            output_tokens: 0,
            output: Duration::ZERO,
            begun: 0,
            lacks: BTreeMap::new(),
            heard: None,
        }
    }

    /// How long its places were busy so far.
    pub(crate) fn busy_until(&self, now: Timestamp) -> Duration {
        let under_way = self.serving.values().map(|(_, since)| now.since(*since));
        under_way.fold(self.busy, Duration::saturating_add)
    }

    /// What is wrong with it: with all of it, or else with one of its models.
    pub(crate) fn fault(&self) -> Option<&str> {
        let of_a_model = || self.lacks.values().next().map(|lack| &lack.fault);
        self.fault.as_ref().or_else(of_a_model).map(String::as_str)
    }
}

impl LaneBook {
    fn pages(&self) -> MutexGuard<'_, BTreeMap<String, LanePage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, lane: &Lane, now: Timestamp, change: impl FnOnce(&mut LanePage) -> T) -> T {
        let mut pages = self.pages();
        let page = pages
            .entry(lane.name.clone())
            .or_insert_with(|| LanePage::new(lane.breaker, now));
        change(page)
    }

    /// What is known of a lane.
    pub(crate) fn page(&self, lane: &Lane, now: Timestamp) -> LanePage {
        self.change(lane, now, |page| page.clone())
    }

    /// Begins anew with a lane that has changed or is gone.
    pub(crate) fn forget(&self, lane: &str) {
        self.pages().remove(lane);
    }

    /// Whether a lane may be asked now.
    pub(crate) fn may_try(&self, lane: &Lane, now: Timestamp) -> May {
        self.change(lane, now, |page| page.breaker.may_try(now))
    }

    /// A probe was taken, and then there was nothing to ask.
    pub(crate) fn gave_back(&self, lane: &Lane, now: Timestamp) {
        self.change(lane, now, |page| page.breaker.gave_back(now));
    }

    /// A place of a lane begins with a job.
    pub(crate) fn begins(&self, lane: &Lane, place: u32, job: JobNumber, now: Timestamp) {
        self.change(lane, now, |page| {
            page.begun = page.begun.wrapping_add(1);
            page.serving.insert(place, (job, now));
        });
    }

    /// In which order a lane takes its next job.
    pub(crate) fn order(&self, lane: &Lane, now: Timestamp) -> Order {
        self.change(lane, now, |page| Order::of(page.begun))
    }

    /// What a lane offers now: no vectors while its model for them is known to be missing.
    pub(crate) fn offers(&self, lane: &Lane, now: Timestamp) -> Vec<Need> {
        let mut needs = offers(lane);
        let Some(model) = lane.embedding_model.as_ref().filter(|_| lane.answers()) else {
            return needs;
        };
        let missing = self.change(lane, now, |page| {
            page.lacks.get(model).is_some_and(|lack| now < lack.until)
        });
        if missing {
            needs.retain(|need| *need != Need::Embed);
        }
        needs
    }

    /// A place of a lane is done with its job, however that ended.
    pub(crate) fn ends(&self, lane: &Lane, place: u32, spent: &Spent, now: Timestamp) {
        self.change(lane, now, |page| {
            if let Some((_, since)) = page.serving.remove(&place) {
                page.busy = page.busy.saturating_add(now.since(since));
            }
            let tokens = i64::try_from(spent.output_tokens).unwrap_or(i64::MAX);
            page.output_tokens = page.output_tokens.saturating_add(tokens);
            let took = Duration::from_millis(spent.output_ms);
            page.output = page.output.saturating_add(took);
        });
    }

    /// A model of a lane has answered a question.
    pub(crate) fn answered(&self, lane: &Lane, model: &str, now: Timestamp) {
        self.change(lane, now, |page| {
            page.breaker.succeeded(now);
            page.fault = None;
            page.lacks.remove(model);
            page.heard = Some(Heard {
                at: now,
                failure: None,
            });
        });
    }

    /// A question to a model of a lane has no answer. One that we broke off ourselves says nothing of it; and where the
    /// model is missing, only what that model is for: the lane's others answer still.
    pub(crate) fn refused(&self, lane: &Lane, model: &str, error: &LlmError, now: Timestamp) {
        self.change(lane, now, |page| {
            if matches!(error, LlmError::Cancelled) {
                page.breaker.gave_back(now);
                return;
            }
            if is_lack(error) && lane.answers() && model != lane.model {
                page.breaker.gave_back(now);
                let (fault, until) = (chain(error), now.after(lane.breaker.pause.0));
                page.lacks.insert(model.to_owned(), Lack { fault, until });
                return;
            }
            match error {
                LlmError::Busy { retry_after, .. } => page
                    .breaker
                    .asked_to_wait(now, retry_after.unwrap_or(BUSY_PAUSE)),
                error if is_unfit(error) => {
                    // It will not be otherwise until somebody does something about it.
                    let pause = lane.breaker.pause.0;
                    page.breaker.asked_to_wait(now, pause);
                }
                error if error.blames_the_lane() => page.breaker.failed(now),
                _ => page.breaker.succeeded(now),
            }
            if error.blames_the_lane() || is_unfit(error) {
                page.fault = Some(chain(error));
            }
            page.heard = Some(Heard {
                at: now,
                failure: Some(chain(error)),
            });
        });
    }

    /// A job on a lane was answered, to its end.
    pub(crate) fn served(&self, lane: &Lane, now: Timestamp) {
        self.change(lane, now, |page| page.served += 1);
    }

    /// A try at a job failed on a lane.
    pub(crate) fn failed(&self, lane: &Lane, why: String, now: Timestamp) {
        self.change(lane, now, |page| {
            page.failed += 1;
            page.heard = Some(Heard {
                at: now,
                failure: Some(why),
            });
        });
    }

    fn heard(&self, lane: &str) -> Option<Heard> {
        self.pages().get(lane).and_then(|page| page.heard.clone())
    }
}

/// Whether a lane cannot answer anything as it stands, so that a question that met this has not been tried at all:
/// another lane may answer it.
pub(crate) const fn is_unfit(error: &LlmError) -> bool {
    match error {
        LlmError::NoSuchModel { .. } | LlmError::NotOffered { .. } => true,
        LlmError::Status { code, .. } => matches!(code, 401 | 403),
        _ => false,
    }
}

/// Whether what is missing is one model, and not the server.
const fn is_lack(error: &LlmError) -> bool {
    matches!(
        error,
        LlmError::NoSuchModel { .. } | LlmError::NotOffered { .. }
    )
}

/// What a lane offers.
pub(crate) fn offers(lane: &Lane) -> Vec<Need> {
    let mut needs = Vec::new();
    if lane.answers() {
        needs.push(Need::Answer);
    }
    if lane.embedding_model.is_some() {
        needs.push(Need::Embed);
    }
    needs
}

/// The models of a lane, each once.
pub(crate) fn models(lane: &Lane) -> Vec<String> {
    let named = [
        lane.answers().then_some(&lane.model),
        lane.triage_model.as_ref(),
        lane.critic_model.as_ref(),
        lane.embedding_model.as_ref(),
    ];
    let mut models = Vec::new();
    for model in named.into_iter().flatten() {
        if !models.contains(model) {
            models.push(model.clone());
        }
    }
    models
}

/// The name of an endpoint, the same for all lanes and workers that use it: each of its places serves one of them at a
/// time. What is local to a machine is named with the machine.
pub(crate) fn endpoint_name(lane: &Lane, worker: &ControllerId) -> String {
    let url = &lane.url;
    if url.is_local() {
        format!("{url} on {}", machine(worker))
    } else {
        url.to_string()
    }
}

/// The machine of a controller: what stands before the random part of its id.
fn machine(worker: &ControllerId) -> &str {
    let id = worker.as_str();
    id.rsplit_once('-').map_or(id, |(machine, _)| machine)
}

impl Watch {
    /// Whether a model helps, in words. A model that was not heard of is not healthy.
    pub(crate) fn model_status(&self) -> ModelStatus {
        let current = self.current();
        if current.lanes.is_empty() {
            let text = "no model configured (runbooks only)".to_owned();
            return ModelStatus {
                configured: false,
                healthy: None,
                text,
            };
        }
        let mut healthy = None;
        let mut words = Vec::new();
        for parts in &current.lanes {
            let lane = &parts.lane;
            let said = match self.lane_book().heard(&lane.name) {
                None => "not asked yet".to_owned(),
                Some(Heard { at, failure: None }) => {
                    healthy = Some(true);
                    format!("answered at {at}")
                }
                Some(Heard {
                    at,
                    failure: Some(why),
                }) => {
                    healthy = Some(healthy.unwrap_or(false));
                    format!("failed at {at}: {why}")
                }
            };
            words.push(format!(
                "{} at {}: {said}",
                models(lane).join(", "),
                lane.url
            ));
        }
        ModelStatus {
            configured: true,
            healthy,
            text: words.join("; "),
        }
    }
}
