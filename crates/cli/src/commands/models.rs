//! `models`: what the servers of the lanes have, and fetching or loading a model there. It asks the servers itself,
//! with the lanes of the configuration it reads, so it works beside a daemon and without one.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::{Args, Subcommand};
use futures::future::join_all;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use watchkeeper_llm::{Lane, LlmError, ModelLine, Provider, PullProgress, remedy};

use super::{Ended, answer, put};
use crate::args::{Common, Output};
use crate::compose;
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::session::page;
use crate::show::{self, ModelRow, Page};
use crate::surroundings::Surroundings;

/// What to do with models.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

/// One thing to do with models; `list` where nothing is said.
#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// What the servers have, and what of the configuration is missing there
    List {
        /// Only of this lane
        #[arg(long)]
        lane: Option<String>,
    },
    /// Have a server fetch a model; Ctrl-C stops it, and it goes on where it was
    Pull {
        /// The model, as the server's registry calls it
        model: String,
        /// Of this lane; without it the lane that names the model, or the only one
        #[arg(long)]
        lane: Option<String>,
    },
    /// Have a server load a model, so that the next question need not wait for that
    Load {
        /// The model; without it, the lane's own
        model: Option<String>,
        /// Of this lane; without it the lane that names the model, or the only one
        #[arg(long)]
        lane: Option<String>,
    },
}

/// How often the bar is drawn anew.
const REDRAW_AFTER: Duration = Duration::from_millis(100);
/// A plain line is written for every so many percent.
const PERCENT_STEP: u64 = 10;

/// Does what was typed.
pub(super) async fn run(common: &Common, around: &Surroundings, args: &ModelsArgs) -> Ended {
    let config = Config::load(common, around)?.config;
    if config.lanes.is_empty() {
        return Err(CommandError::usage(anyhow!("no lane is configured"))
            .hint("add [[lanes]] with the model to ask: docs/config.example.toml"));
    }
    match args.command.as_ref() {
        None => list(common, around, &config.lanes, None).await,
        Some(ModelsCommand::List { lane }) => {
            list(common, around, &config.lanes, lane.as_deref()).await
        }
        Some(ModelsCommand::Pull { model, lane }) => {
            let lane = chosen(&config.lanes, lane.as_deref(), Some(model))?;
            pull(common, around, lane, model).await
        }
        Some(ModelsCommand::Load { model, lane }) => {
            let lane = chosen(&config.lanes, lane.as_deref(), model.as_ref())?;
            let own = roles(lane).first().map(|(_, model)| (*model).to_owned());
            load(
                common,
                lane,
                model.as_ref().or(own.as_ref()).unwrap_or(&lane.model),
            )
            .await
        }
    }
}

/// The models a lane names, each with what it is asked for.
fn roles(lane: &Lane) -> Vec<(&'static str, &str)> {
    let named = [
        ("main", lane.answers().then_some(&lane.model)),
        ("triage", lane.triage_model.as_ref()),
        ("critic", lane.critic_model.as_ref()),
        ("embedding", lane.embedding_model.as_ref()),
    ];
    named
        .into_iter()
        .filter_map(|(role, model)| Some((role, model?.as_str())))
        .collect()
}

/// The lane that is meant: the one that is named, the one that names the model, or the only one.
fn chosen<'l>(
    lanes: &'l [Lane],
    name: Option<&str>,
    model: Option<&String>,
) -> Result<&'l Lane, CommandError> {
    let names = lanes.iter().map(|lane| lane.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        let found = lanes.iter().find(|lane| lane.name == name);
        return found.ok_or_else(|| {
            CommandError::usage(anyhow!("there is no lane {name}")).hint(format!("one of: {names}"))
        });
    }
    if let [only] = lanes {
        return Ok(only);
    }
    let names_it = |lane: &&Lane| {
        roles(lane)
            .iter()
            .any(|(_, named)| Some(*named) == model.map(String::as_str))
    };
    let mut naming = lanes.iter().filter(names_it);
    match (naming.next(), naming.next()) {
        (Some(lane), None) => Ok(lane),
        _ => Err(CommandError::usage(anyhow!("several lanes could be meant"))
            .hint(format!("say one with --lane: {names}"))),
    }
}

/// The models of one lane, for machines.
#[derive(Debug, Serialize)]
struct OfLane {
    lane: String,
    url: String,
    models: Vec<ModelLine>,
    missing: Vec<String>,
    error: Option<String>,
    remedy: Option<String>,
}

async fn list(common: &Common, around: &Surroundings, lanes: &[Lane], only: Option<&str>) -> Ended {
    let lanes: Vec<&Lane> = match only {
        Some(name) => vec![chosen(lanes, Some(name), None)?],
        None => lanes.iter().collect(),
    };
    let found = join_all(lanes.iter().map(|lane| of_lane(lane))).await;
    let well = found
        .iter()
        .all(|of_lane| of_lane.error.is_none() && of_lane.missing.is_empty());
    answer(common.output, &found, |found| {
        listed(&page(around), &lanes, found)
    })?;
    Ok(if well { 0 } else { Kind::Failed.exit_status() })
}

async fn of_lane(lane: &Lane) -> OfLane {
    let mut told = OfLane {
        lane: lane.name.clone(),
        url: lane.url.to_string(),
        models: Vec::new(),
        missing: Vec::new(),
        error: None,
        remedy: None,
    };
    let provider = match compose::lane_parts(lane) {
        Ok(parts) => parts.provider,
        Err(error) => {
            told.error = Some(CommandError::failed(error).line());
            return told;
        }
    };
    match provider.models().await {
        Ok(models) => {
            let missing = roles(lane)
                .into_iter()
                .filter(|(_, name)| !models.iter().any(|model| model.is(name)));
            told.missing = missing.map(|(_, name)| name.to_owned()).collect();
            told.missing.dedup();
            told.models = models;
        }
        Err(error) => {
            told.remedy = Some(remedy(lane, &error));
            told.error = Some(CommandError::failed(error).line());
        }
    }
    told
}

fn listed(page: &Page, lanes: &[&Lane], found: &[OfLane]) -> String {
    let mut rows = Vec::new();
    let mut after = String::new();
    for (lane, of_lane) in lanes.iter().zip(found) {
        let roles_of = |is: &dyn Fn(&str) -> bool| {
            let roles = roles(lane);
            roles
                .iter()
                .filter(|(_, name)| is(name))
                .map(|(role, _)| *role)
                .collect::<Vec<_>>()
        };
        for name in &of_lane.missing {
            rows.push(ModelRow {
                lane: of_lane.lane.clone(),
                model: name.clone(),
                roles: roles_of(&|role| role == name),
                there: false,
                size: None,
                context: None,
                loaded: None,
            });
            after.push_str(&format!(
                "Try: watchkeeper models pull {name} --lane {}\n",
                of_lane.lane
            ));
        }
        for model in &of_lane.models {
            rows.push(ModelRow {
                lane: of_lane.lane.clone(),
                model: model.name.clone(),
                roles: roles_of(&|role| model.is(role)),
                there: true,
                size: model.size,
                context: model.context,
                loaded: model.loaded,
            });
        }
        if let Some(error) = &of_lane.error {
            after.push_str(&format!("lane {}: {error}\n", of_lane.lane));
        }
        if let Some(remedy) = &of_lane.remedy {
            after.push_str(&format!("Try: {remedy}\n"));
        }
    }
    let after = watchkeeper_model::visible_block(&after).into_owned();
    if rows.is_empty() {
        return after;
    }
    let gap = if after.is_empty() { "" } else { "\n" };
    format!("{}{gap}{after}", show::model_table(page, &rows))
}

/// What was fetched or loaded, for machines.
#[derive(Debug, Serialize)]
struct Done<'d> {
    lane: &'d str,
    model: &'d str,
    seconds: u64,
}

async fn pull(common: &Common, around: &Surroundings, lane: &Lane, model: &str) -> Ended {
    let provider = compose::lane_parts(lane)?.provider;
    let begun = Instant::now();
    let mut told = Telling::of(common, around);
    let cancel = CancellationToken::new();
    let pulled = {
        let mut on_progress = |progress| told.take(&progress);
        let pulling = provider.pull(model, &mut on_progress, &cancel);
        tokio::pin!(pulling);
        tokio::select! {
            pulled = &mut pulling => pulled,
            _ = tokio::signal::ctrl_c() => {
                cancel.cancel();
                pulling.await
            }
        }
    };
    told.end();
    pulled.map_err(|error| failure(lane, error))?;
    let done = Done {
        lane: &lane.name,
        model,
        seconds: begun.elapsed().as_secs(),
    };
    answer(common.output, &done, |done| {
        format!("{} is there, after {} s\n", done.model, done.seconds)
    })?;
    Ok(0)
}

async fn load(common: &Common, lane: &Lane, model: &str) -> Ended {
    let provider = compose::lane_parts(lane)?.provider;
    let begun = Instant::now();
    let loaded = tokio::select! {
        loaded = provider.preload(model, lane.keep_alive) => loaded,
        _ = tokio::signal::ctrl_c() => Err(LlmError::Cancelled),
    };
    loaded.map_err(|error| failure(lane, error))?;
    let done = Done {
        lane: &lane.name,
        model,
        seconds: begun.elapsed().as_secs(),
    };
    let context = in_memory(&*provider, model).await;
    match common.output {
        Output::Json => answer(common.output, &done, |_| String::new())?,
        Output::Text => put(&format!(
            "{model} is loaded{}, and stays for {}; it took {} s\n",
            context.map_or_else(String::new, |tokens| format!(
                " with a context of {tokens} tokens"
            )),
            lane.keep_alive,
            done.seconds
        ))?,
    }
    Ok(0)
}

/// The context a model was loaded with, where the server says it.
async fn in_memory(provider: &dyn Provider, model: &str) -> Option<u32> {
    let models = provider.models().await.ok()?;
    models.iter().find(|line| line.is(model))?.context
}

fn failure(lane: &Lane, error: LlmError) -> CommandError {
    match &error {
        LlmError::Cancelled => CommandError::failed(anyhow!("stopped"))
            .kind(Kind::Interrupted)
            .hint("the same command again: it goes on where it was"),
        LlmError::NotOffered { .. } => {
            CommandError::failed(error).hint("do it with that server's own tools")
        }
        LlmError::NoSuchModel { .. } => {
            CommandError::failed(error).hint("look the name up at ollama.com/library")
        }
        _ => {
            let hint = remedy(lane, &error);
            CommandError::failed(error).hint(hint)
        }
    }
}

/// Tells how far it is on standard error: a bar on a terminal, plain lines else, nothing for machines.
struct Telling {
    how: How,
    page: Page,
    /// What part is told of now, when it began, and how much of it was there then.
    part: Option<(String, Instant, u64)>,
    drawn: Option<Instant>,
    last: Option<(String, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Bar,
    Lines,
    Silent,
}

impl Telling {
    fn of(common: &Common, around: &Surroundings) -> Self {
        let how = match common.output {
            Output::Json => How::Silent,
            Output::Text if around.stderr_terminal => How::Bar,
            Output::Text => How::Lines,
        };
        Self {
            how,
            page: page(around),
            part: None,
            drawn: None,
            last: None,
        }
    }

    fn take(&mut self, progress: &PullProgress) {
        match self.how {
            How::Bar => self.draw(progress),
            How::Lines => self.write(progress),
            How::Silent => {}
        }
    }

    /// Where nobody reads standard error any more, nobody needs to know.
    fn say(text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    fn draw(&mut self, progress: &PullProgress) {
        let now = Instant::now();
        let done = progress.done.unwrap_or(0);
        let is_new = self
            .part
            .as_ref()
            .is_none_or(|(status, ..)| *status != progress.status);
        if is_new {
            self.part = Some((progress.status.clone(), now, done));
        }
        let is_whole = progress.done.is_some() && progress.done == progress.total;
        let is_soon = self.drawn.is_some_and(|drawn| now - drawn < REDRAW_AFTER);
        if is_soon && !is_new && !is_whole {
            return;
        }
        self.drawn = Some(now);
        let (_, begun, had) = self.part.as_ref().expect("it was set above");
        let came = done.saturating_sub(*had);
        let bar = show::progress_bar(&self.page, progress, came, now - *begun);
        Self::say(&format!("\r\u{1b}[K{bar}"));
    }

    fn write(&mut self, progress: &PullProgress) {
        let step = match (progress.done, progress.total) {
            (Some(done), Some(total)) => show::percent(done, total) / PERCENT_STEP,
            _ => 0,
        };
        let now = (progress.status.clone(), step);
        if self.last.as_ref() != Some(&now) {
            Self::say(&format!("{}\n", show::progress_line(progress)));
            self.last = Some(now);
        }
    }

    fn end(&self) {
        if self.drawn.is_some() {
            Self::say("\r\u{1b}[K");
        }
    }
}
