//! `queue`: what waits for the models, what one job says, and what people decide about it.

use clap::{Args, Subcommand};
use watchkeeper_model::JobNumber;
use watchkeeper_server::LaneBody;
use watchkeeper_watch::view::{JobView, QueueView};

use super::{Ended, answer};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// What to do with the queue to the models.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    #[command(subcommand)]
    pub(crate) command: Option<QueueCommand>,
}

/// One thing to do with the queue; `list` where nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// What waits and is served, how the lanes fare
    List {
        /// Jobs that are over, too
        #[arg(long, short)]
        all: bool,
        /// Only jobs that were given up
        #[arg(long, conflicts_with = "all")]
        dead: bool,
        /// At most so many jobs
        #[arg(long, short = 'n')]
        limit: Option<i64>,
    },
    /// One job: what it is about, where it stands, what it has said
    Show {
        /// The job
        #[arg(value_name = "N")]
        number: JobNumber,
    },
    /// Take a job back, also one that is being served
    Cancel {
        /// The job
        #[arg(value_name = "N")]
        number: JobNumber,
    },
    /// Ask once more what was given up or taken back
    Retry {
        /// The job
        #[arg(value_name = "N")]
        number: JobNumber,
    },
    /// Have a lane take no further jobs; what it has it goes on with
    Pause {
        /// The lane; without it, every lane
        lane: Option<String>,
    },
    /// Have a lane take jobs again
    Resume {
        /// The lane; without it, what was paused for every lane
        lane: Option<String>,
    },
}

/// Does one thing with the queue.
pub(super) async fn run(session: &Session, args: &QueueArgs) -> Ended {
    let client = &session.client;
    let everything = QueueCommand::List {
        all: false,
        dead: false,
        limit: None,
    };
    match args.command.as_ref().unwrap_or(&everything) {
        QueueCommand::List { all, dead, limit } => {
            let limit = limit.map_or_else(String::new, |limit| format!("&limit={limit}"));
            let path = format!("/v1/queue?all={all}&dead={dead}{limit}");
            let queue: QueueView = client.get(&path).await?;
            told(session, &queue)?;
        }
        QueueCommand::Show { number } => {
            let job: JobView = client.get(&format!("/v1/jobs/{number}")).await?;
            answer(session.output, &job, |job| {
                show::job_sheet(&session.page, job, &session.called)
            })?;
        }
        QueueCommand::Cancel { number } => decide(session, *number, "cancel").await?,
        QueueCommand::Retry { number } => decide(session, *number, "retry").await?,
        QueueCommand::Pause { lane } => switch(session, lane.clone(), "pause").await?,
        QueueCommand::Resume { lane } => switch(session, lane.clone(), "resume").await?,
    }
    Ok(0)
}

async fn decide(session: &Session, number: JobNumber, what: &str) -> Result<(), CommandError> {
    let path = format!("/v1/jobs/{number}/{what}");
    let job: JobView = session.client.post(&path, &()).await?;
    answer(session.output, &job, |job| {
        format!("job {number} is {}\n", job.line.job.state.as_str())
    })
}

async fn switch(session: &Session, lane: Option<String>, what: &str) -> Result<(), CommandError> {
    let path = format!("/v1/queue/{what}");
    let queue: QueueView = session.client.post(&path, &LaneBody { lane }).await?;
    told(session, &queue)
}

fn told(session: &Session, queue: &QueueView) -> Result<(), CommandError> {
    answer(session.output, queue, |queue| {
        show::queue_report(&session.page, queue, &session.called)
    })
}
