//! What the queue adds to a model's answer. `first token`: from a person's words to the first token they see, by the
//! queue (conversation, job, lease, output in the store, follower) and by the provider alone, against the same scripted
//! server, which answers at once. `makes room`: from a person's words to the moment at which the server is asked for
//! them, while the only lane is in the middle of an answer to somebody else that never ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use watchkeeper_fleet::{Fleet, Inventory};
use watchkeeper_llm::{ChatEvent, Lane, Message, Provider, ToolsSwitch, connect};
use watchkeeper_model::{Clock as _, ConversationKind, JobRequest, Person, Priority};
use watchkeeper_store::{NewJob, Store};
use watchkeeper_testkit::model_server::{MODEL, ModelServer, Turn};
use watchkeeper_testkit::postgres::Cluster;
use watchkeeper_watch::{Fault, LaneParts, NewTalk, OnLeaving, Watch, Words, view, work};

use crate::machine::{MachineClock, say};
use crate::setting::{engines, runtime, watch_with};

/// What the background job says until it is put aside.
const LINE: &str = "still at it ";
/// What is asked by the background job, and by a person.
const BATCH: &str = "How is each of the thousand?";
const QUESTION: &str = "Is all well?";

#[derive(Debug, Args)]
pub(crate) struct MindArgs {
    /// How often each is measured.
    #[arg(long, default_value_t = 100)]
    samples: usize,
}

pub(crate) fn run(args: &MindArgs) -> anyhow::Result<()> {
    runtime(2)?.block_on(measure(args))
}

async fn measure(args: &MindArgs) -> anyhow::Result<()> {
    say("| store | what | p50 ms | p99 ms |")?;
    say("|---|---|---|---|")?;
    let dir = tempfile::tempdir().context("a temporary directory")?;
    let lite = format!("sqlite:{}", dir.path().join("mind.db").display());
    one_store("sqlite", &lite, args.samples).await?;
    let cluster = Cluster::private();
    for setting in ["fsync", "full_page_writes"] {
        cluster.sql(&format!("alter system set {setting} = on"));
    }
    cluster.stop();
    cluster.start();
    let database = cluster.database("empty", async |_| {}).await;
    one_store("postgres", database.url(), args.samples).await
}

/// The watch with one lane, the server behind it, and whoever asks.
struct Room {
    watch: Watch,
    server: ModelServer,
    provider: Arc<dyn Provider>,
    lane: Lane,
}

async fn one_store(name: &str, url: &str, samples: usize) -> anyhow::Result<()> {
    let home = tempfile::tempdir().context("a temporary directory")?;
    let server = ModelServer::start().await.decides(|body| {
        if body.to_string().contains(BATCH) {
            Turn::tokens(vec![LINE; 4]).hanging_after(2)
        } else {
            Turn::replies("It is well.")
        }
    });
    let mut lane = Lane::new(MODEL);
    lane.url = server.url().parse().context("the server's address")?;
    lane.tools = ToolsSwitch::Off;
    let provider = connect(lane.clone(), None)?;
    let parts = LaneParts {
        lane: lane.clone(),
        provider: Arc::clone(&provider),
    };
    let engines = engines(home.path(), "nobody", &home.path().join("known_hosts"));
    let fleet = Fleet::new(Inventory::local(), Arc::clone(&engines) as _);
    let watch = watch_with(Store::open(url).await?, fleet, engines, 1, vec![parts])?;
    let stop = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "it is waited for below")]
    let working = tokio::spawn(work(watch.clone(), stop.clone()));
    let room = Room {
        watch,
        server,
        provider,
        lane,
    };
    room.first_tokens(name, samples).await?;
    room.makes_room(name, samples).await?;
    stop.cancel();
    working.await.context("the worker")?;
    Ok(())
}

impl Room {
    async fn first_tokens(&self, store: &str, samples: usize) -> anyhow::Result<()> {
        let (mut queued, mut alone, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..samples {
            let by_queue = self.first_token_by_queue().await?;
            let by_provider = self.first_token_alone().await?;
            queued.push(by_queue);
            alone.push(by_provider);
            added.push(by_queue.saturating_sub(by_provider));
        }
        say(&row(store, "first token, provider alone", &mut alone))?;
        say(&row(store, "first token, by the queue", &mut queued))?;
        say(&row(store, "added by the queue", &mut added))
    }

    async fn asks(&self, question: &str) -> anyhow::Result<view::Asked> {
        let talk = NewTalk {
            kind: ConversationKind::Ask,
            hosts: Vec::new(),
            action: None,
            lane: None,
        };
        let begun = self.watch.begin_conversation(ops(), talk).await?;
        let words = Words {
            text: question.to_owned(),
            ..Words::default()
        };
        Ok(self.watch.say(begun.number, &ops(), words).await?)
    }

    async fn first_token_by_queue(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let job = self.asks(QUESTION).await?.job;
        let mut following = self.watch.follow_job(job, 0, OnLeaving::Stay);
        let mut first = None;
        while let Some(followed) = following.next().await? {
            match followed.event {
                view::JobEvent::Token { .. } => {
                    first.get_or_insert_with(|| began.elapsed());
                }
                view::JobEvent::Failed { why } => anyhow::bail!("the job failed: {why}"),
                _ => {}
            }
        }
        first.context("the answer had no token")
    }

    async fn first_token_alone(&self) -> anyhow::Result<Duration> {
        let messages = self.asked_last().context("the queue asked before")?;
        let request = self.lane.request(messages);
        let (began, mut first) = (Instant::now(), None);
        let mut on_event = |event| {
            if matches!(event, ChatEvent::Token(_)) {
                first.get_or_insert_with(|| began.elapsed());
            }
        };
        let never = CancellationToken::new();
        self.provider.chat(&request, &mut on_event, &never).await?;
        first.context("the answer had no token")
    }

    /// What the queue asked last, so that both ask the same.
    fn asked_last(&self) -> Option<Vec<Message>> {
        let generations = self.server.generations();
        let messages = generations.last()?.get("messages")?.as_array()?;
        let message = |message: &Value| {
            let text = message.get("content")?.as_str()?;
            Some(match message.get("role")?.as_str()? {
                "system" => Message::system(text),
                _ => Message::user(text),
            })
        };
        messages.iter().map(message).collect()
    }

    async fn makes_room(&self, store: &str, samples: usize) -> anyhow::Result<()> {
        let mut waits = Vec::new();
        for _ in 0..samples {
            waits.push(self.made_room_after().await?);
        }
        say(&row(store, "makes room for a person", &mut waits))
    }

    /// A batch job is in the middle of an answer that never ends; a person asks.
    async fn made_room_after(&self) -> anyhow::Result<Duration> {
        let batch = self.batch_job().await?;
        let before = self.server.generations().len();
        let began = Instant::now();
        let job = self.asks(QUESTION).await?.job;
        while self.server.generations().len() == before {
            ensure!(began.elapsed() < Duration::from_secs(20), "no room is made");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let waited = began.elapsed();
        let mut following = self.watch.follow_job(job, 0, OnLeaving::Stay);
        while following.next().await?.is_some() {}
        // It may have been answered by now, which is as good.
        match self.watch.cancel_job(batch, ops()).await {
            Err(error) if error.fault() != Fault::Conflict => Err(error.into()),
            _ => Ok(waited),
        }
    }

    /// A job of the lowest priority that the lane has begun to answer: a question of a person, asked anew as a batch.
    async fn batch_job(&self) -> anyhow::Result<watchkeeper_model::JobNumber> {
        self.watch.pause_lane(None, ops()).await?;
        let asked = self.asks(BATCH).await?;
        self.watch.cancel_job(asked.job, ops()).await?;
        let request = JobRequest::AnswerPerson {
            conversation: asked.conversation,
            seq: asked.seq,
        };
        let now = MachineClock.now();
        let deadline = now.after(Duration::from_secs(3_600));
        let new = NewJob::new(request, Priority::Background, now, deadline);
        let job = self.watch.queue_job(new).await?.job().number;
        let before = self.server.generations().len();
        self.watch.resume_lane(None, ops()).await?;
        let began = Instant::now();
        while self.server.generations().len() == before {
            ensure!(
                began.elapsed() < Duration::from_secs(20),
                "the batch does not begin"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(job)
    }
}

fn ops() -> Person {
    Person {
        name: "ops".to_owned(),
        uid: 1_000,
    }
}

fn row(store: &str, what: &str, times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    format!("| {store} | {what} | {:.2} | {:.2} |", at(50), at(99))
}
