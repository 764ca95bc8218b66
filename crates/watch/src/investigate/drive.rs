//! The driver of the agent's machine: asks the models it wants asked, uses the tools it wants used, and keeps its state
//! with the job after every event. It decides nothing itself: what is looked at is `sight`'s to allow, what is proposed
//! goes the one way through `actions`.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use watchkeeper_agent::{
    Answer, Ask, Boundary, Conclusion, Effect, Event, Investigation, Limits, Line, NoAnswer,
    Prompts, RawCall, Seen, Task, ToolEffect, Use, redact,
};
use watchkeeper_llm::{ChatRequest, Lane, LlmError, Message, Reply, ToolCall, ToolsSwitch};
use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{About, HostName, Timestamp, visible};
use watchkeeper_store::{KeptLook, MAX_LOOK_BYTES, StoreError};

use super::sight::Sight;
use crate::WatchError;
use crate::queue::{Desk, JobError, ModelRole};
use crate::watch::Watch;

/// The kind of the notes that tell what was looked at.
pub(crate) const LOOKED: &str = "looked";
/// Hosts that are looked at side by side for one question.
const HOSTS_AT_ONCE: usize = 4;
/// The tool's name where the finding itself is looked at.
const FINDING: &str = "finding";
/// Where the finding's own evidence is kept: before everything that tools returned.
const FIRST_PLACE_OF_FINDING: i64 = -1_000;

/// What is to be found out, and for whom.
pub(crate) struct Investigate {
    /// What is to be found out.
    pub(crate) task: Task,
    /// Whose looks these are: `job 12`, `conversation 3`.
    pub(crate) owner: String,
    /// What entries of the log about it are about.
    pub(crate) about: About,
}

/// One investigation under way.
struct Drive<'a> {
    watch: &'a Watch,
    desk: &'a Desk<'a>,
    sight: Arc<Sight<'a>>,
    machine: Investigation,
    wanted: VecDeque<Effect>,
    told_at: Timestamp,
}

impl Watch {
    /// Finds out what a task asks, on the lane of a desk. A job that was put back goes on where it was left.
    pub(crate) async fn investigate(
        &self,
        desk: &Desk<'_>,
        asked: Investigate,
    ) -> Result<Conclusion, JobError> {
        let lane = &desk.parts.lane;
        let sight = Sight {
            watch: self,
            owner: &asked.owner,
            lane,
            about: asked.about,
            peers: peers(&asked.task),
        };
        let kept = desk.progress().await?;
        let kept = kept
            .filter(|kept| self.may_be_resumed(kept, lane))
            .and_then(resumed);
        let tools = lane.tools != ToolsSwitch::Off;
        let (machine, wanted) = match kept {
            Some(machine) => {
                let wanted = machine.resume();
                (machine, wanted)
            }
            None => self.begin(desk, asked.task.clone(), tools)?,
        };
        let mut drive = Drive {
            watch: self,
            desk,
            sight: Arc::new(sight),
            machine,
            wanted: wanted.into(),
            told_at: self.now(),
        };
        match drive.run().await {
            // The server knows the model and says that it calls no tools: it is asked by a schema instead.
            Err(JobError::Llm(error)) if tools && says_no_tools(&error, lane.tools) => {
                let (machine, wanted) = self.begin(desk, asked.task, false)?;
                drive.machine = machine;
                drive.wanted = wanted.into();
                drive.run().await
            }
            ended => ended,
        }
    }

    /// Whether what was begun for another lane may go on here: it may hold text of every host.
    fn may_be_resumed(&self, kept: &Value, lane: &Lane) -> bool {
        !stands(Guard::Leaving)
            || kept["lane"].as_str() == Some(lane.name.as_str())
            || self.may_leave(&self.fleet().hosts(), lane).is_ok()
    }

    fn begin(
        &self,
        desk: &Desk<'_>,
        task: Task,
        tools: bool,
    ) -> Result<(Investigation, Vec<Effect>), JobError> {
        let lane = &desk.parts.lane;
        let room = desk.parts.provider.measure(&lane.request(Vec::new())).room;
        let limits = Limits {
            tools,
            triage: lane.triage_model.is_some(),
            critic: lane.critic_model.is_some(),
            room: Some(room),
            ..Limits::default()
        };
        let boundary = Boundary::from_random(self.chance().bytes());
        Ok(Investigation::begin(
            task,
            limits,
            &Prompts::shipped().named(&self.current().settings.name),
            boundary,
        )?)
    }
}

impl Drive<'_> {
    async fn run(&mut self) -> Result<Conclusion, JobError> {
        self.keep_given().await?;
        while let Some(effect) = self.wanted.pop_front() {
            match effect {
                Effect::Finish(conclusion) => return Ok(*conclusion),
                Effect::Ask(ask) => {
                    let event = self.ask(&ask).await?;
                    self.tell(event).await?;
                }
                Effect::Use(first) => {
                    let uses = self.uses_with(first);
                    self.use_tools(uses).await?;
                }
            }
        }
        Err(JobError::Impossible {
            why: "the investigation stopped without a conclusion".to_owned(),
        })
    }

    /// All uses that are wanted together with this one.
    fn uses_with(&mut self, first: Use) -> Vec<Use> {
        let mut uses = vec![first];
        let mut others = VecDeque::new();
        for effect in self.wanted.drain(..) {
            match effect {
                Effect::Use(wanted) => uses.push(wanted),
                other => others.push_back(other),
            }
        }
        self.wanted = others;
        uses
    }

    /// Tells the machine what happened and how much time has passed, and keeps its state.
    async fn tell(&mut self, event: Event) -> Result<(), JobError> {
        let now = self.watch.now();
        let passed = now.since(self.told_at);
        self.told_at = now;
        // The time first: whether more may be looked at is decided with it.
        self.wanted.extend(self.machine.on(Event::Elapsed(passed)));
        self.wanted.extend(self.machine.on(event));
        let state = serde_json::to_value(&self.machine).map_err(|error| JobError::Impossible {
            why: format!("the state of the investigation cannot be kept: {error}"),
        })?;
        let kept = self
            .desk
            .checkpoint(&json!({ "investigation": state, "lane": self.desk.parts.lane.name }))
            .await;
        match kept {
            // It goes on all the same: whoever takes it up begins where it was last kept.
            Err(JobError::Watch(WatchError::Store(error @ StoreError::TooLarge { .. }))) => {
                tracing::warn!(job.id = %self.desk.job.number, %error, "an investigation is not kept any more");
                Ok(())
            }
            kept => kept,
        }
    }

    async fn ask(&self, ask: &Ask) -> Result<Event, JobError> {
        let role = role(ask.role);
        let mut request = self
            .desk
            .parts
            .lane
            .request(ask.messages.iter().map(message).collect());
        self.desk.model(role).clone_into(&mut request.model);
        request.tools = ask
            .tools
            .iter()
            .map(|tool| watchkeeper_llm::Tool {
                name: tool.name.clone(),
                description: tool.description.clone(),
                parameters: tool.parameters.clone(),
            })
            .collect();
        request.schema.clone_from(&ask.schema);
        match (self.put(role, &request).await, role) {
            (Ok(reply), _) => Ok(Event::Answered(answer(&request.model, reply))),
            (Err(LlmError::Cancelled), _) => Err(LlmError::Cancelled.into()),
            (
                Err(LlmError::PromptTooLong {
                    reserved, context, ..
                }),
                _,
            ) => Ok(Event::NoAnswer(NoAnswer::TooLong {
                room: context.saturating_sub(reserved),
            })),
            (Err(error), ModelRole::Main) => Err(error.into()),
            // Without the small model or the second opinion the work goes on, and says so.
            (Err(error), ModelRole::Triage | ModelRole::Critic) => {
                Ok(Event::NoAnswer(NoAnswer::Failed(error.to_string())))
            }
        }
    }

    async fn put(&self, role: ModelRole, request: &ChatRequest) -> Result<Reply, LlmError> {
        match role {
            ModelRole::Main => self.desk.ask(request).await,
            ModelRole::Triage | ModelRole::Critic => self.desk.ask_quietly(request).await,
        }
    }

    /// Uses tools: those for one host one after the other, those for several hosts side by side.
    async fn use_tools(&mut self, uses: Vec<Use>) -> Result<(), JobError> {
        let mut by_host: Vec<(Option<HostName>, Vec<Use>)> = Vec::new();
        for wanted in uses {
            match by_host.iter_mut().find(|(host, _)| *host == wanted.host) {
                Some((_, same)) => same.push(wanted),
                None => by_host.push((wanted.host.clone(), vec![wanted])),
            }
        }
        let mut left: usize = by_host.iter().map(|(_, uses)| uses.len()).sum();
        let (send, mut seen) = mpsc::channel(left.max(1));
        let sight = Arc::clone(&self.sight);
        let looks: Vec<BoxFuture<'_, ()>> = by_host
            .into_iter()
            .map(|(_, uses)| look_one_by_one(Arc::clone(&sight), uses, send.clone()).boxed())
            .collect();
        let looking = stream::iter(looks)
            .buffer_unordered(HOSTS_AT_ONCE)
            .collect::<Vec<()>>();
        let mut looking = std::pin::pin!(looking.fuse());
        while left > 0 {
            tokio::select! {
                biased;
                () = self.desk.cancel.cancelled() => return Err(LlmError::Cancelled.into()),
                Some((wanted, outcome)) = seen.recv() => {
                    // What was seen is taken at once: whoever takes the job up again does not look a second time. The
                    // other looks go on meanwhile, since one of them may hold a transaction that this waits for.
                    let outcome = outcome?;
                    let mut taking = std::pin::pin!(self.take(&wanted, outcome));
                    loop {
                        tokio::select! {
                            taken = &mut taking => break taken?,
                            _ = &mut looking => {}
                        }
                    }
                    left -= 1;
                }
                _ = &mut looking => {}
            }
        }
        Ok(())
    }

    /// Takes what a tool showed: tells the machine, keeps it whole under its label, and says so to whoever follows.
    async fn take(&mut self, wanted: &Use, seen: Seen) -> Result<(), JobError> {
        let told = wanted.tool.provenance(wanted.host.as_ref());
        let told = redact(&told).into_owned();
        let note = match &seen.outcome {
            Ok(look) => format!("{told} · {:.1} s", look.took_ms as f64 / 1_000.0),
            Err(why) => format!("{told} · {why}"),
        };
        self.desk.out.note(LOOKED, &visible(&note));
        let look = seen.outcome.clone().ok();
        let event = Event::Seen(seen);
        if let Some(look) = look.filter(|_| wanted.tool.effect() < ToolEffect::Concludes) {
            let text = within(&look.text).to_owned();
            let kept = KeptLook {
                place: place(&wanted.label),
                label: wanted.label.clone(),
                host: wanted.host.clone(),
                tool: wanted.tool.name().as_str().to_owned(),
                input: told,
                shown: String::new(),
                bytes: i64::try_from(look.bytes).unwrap_or(i64::MAX),
                at: self.watch.now(),
                text,
            };
            // Kept before the machine knows of it, so that what it cites can always be found.
            self.keep(std::slice::from_ref(&kept)).await?;
            self.tell(event).await?;
            let seen = self.machine.looked_at().iter();
            let shown = seen
                .filter(|look| look.label == wanted.label)
                .map(|look| look.shown.clone())
                .next()
                .unwrap_or_default();
            self.keep(&[KeptLook { shown, ..kept }]).await
        } else {
            self.tell(event).await
        }
    }

    /// Keeps what was given from the beginning under its labels, so that it can be asked for like any other look.
    async fn keep_given(&self) -> Result<(), JobError> {
        let given = self.machine.looked_at().iter();
        let given: Vec<KeptLook> = given
            .filter(|look| look.tool == FINDING)
            .map(|look| KeptLook {
                place: FIRST_PLACE_OF_FINDING + place(&look.label),
                label: look.label.clone(),
                host: look.host.clone(),
                tool: look.tool.clone(),
                input: look.input.clone(),
                text: within(&look.shown).to_owned(),
                shown: look.shown.clone(),
                bytes: i64::try_from(look.bytes).unwrap_or(i64::MAX),
                at: self.watch.now(),
            })
            .collect();
        self.keep(&given).await
    }

    async fn keep(&self, looks: &[KeptLook]) -> Result<(), JobError> {
        if looks.is_empty() {
            return Ok(());
        }
        let mut tx = self.watch.store().begin().await?;
        for look in looks {
            tx.looked_at().keep(self.sight.owner, look).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Uses tools one after the other and hands on what each showed.
async fn look_one_by_one(
    sight: Arc<Sight<'_>>,
    uses: Vec<Use>,
    seen: mpsc::Sender<(Use, Result<Seen, WatchError>)>,
) {
    for wanted in uses {
        let outcome = sight.use_tool(&wanted).await;
        // Nobody listens any more only where the whole is given up.
        let _ = seen.send((wanted, outcome)).await;
    }
}

/// Hosts that may be looked at beside the one a tool names.
fn peers(task: &Task) -> Vec<HostName> {
    match task {
        Task::Diagnose(asked) => asked.peers.clone(),
        Task::Converse(asked) => asked.hosts.clone(),
    }
}

/// The machine as whoever had the job before left it. One that cannot be read any more is begun anew.
fn resumed(mut progress: Value) -> Option<Investigation> {
    serde_json::from_value(progress.get_mut("investigation")?.take()).ok()
}

/// Whether a server refused the question because its model calls no tools.
fn says_no_tools(error: &LlmError, switch: ToolsSwitch) -> bool {
    switch == ToolsSwitch::Auto
        && matches!(error, LlmError::Status { code: 400, .. })
        && error.to_string().contains("tool")
}

fn role(role: watchkeeper_agent::ModelRole) -> ModelRole {
    match role {
        watchkeeper_agent::ModelRole::Main => ModelRole::Main,
        watchkeeper_agent::ModelRole::Triage => ModelRole::Triage,
        watchkeeper_agent::ModelRole::Critic => ModelRole::Critic,
    }
}

fn message(line: &Line) -> Message {
    match line {
        Line::System { text } => Message::system(text),
        Line::User { text } => Message::user(text),
        Line::Assistant { text, calls } => Message::Assistant {
            content: text.clone(),
            tool_calls: calls
                .iter()
                .map(|call| ToolCall {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    arguments: call.arguments.clone(),
                })
                .collect(),
        },
        Line::Tool {
            call, name, text, ..
        } => Message::Tool {
            call_id: call.0.clone(),
            name: name.clone(),
            content: text.clone(),
        },
    }
}

fn answer(model: &str, reply: Reply) -> Answer {
    Answer {
        model: model.to_owned(),
        text: reply.text,
        calls: reply
            .tool_calls
            .into_iter()
            .map(|call| RawCall {
                id: call.id,
                name: call.name,
                arguments: call.arguments,
            })
            .collect(),
        prompt_tokens: reply.done.prompt_tokens.unwrap_or(0),
        output_tokens: reply.done.output_tokens.unwrap_or(0),
    }
}

/// The number of a label: 3 of `E3`.
fn place(label: &str) -> i64 {
    let digits = label.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or(0)
}

/// As much of a text as is kept.
fn within(text: &str) -> &str {
    if text.len() <= MAX_LOOK_BYTES {
        return text;
    }
    let mut end = MAX_LOOK_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
