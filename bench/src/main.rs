//! What Watchkeeper costs. `sweep` is an entrant of the race in `race/`, over hosts that run a real sshd; `simulated`
//! looks at hosts that answer at once from a recording; `stores` approves and claims; `queue` drives the queue of jobs. Figures go to stdout, and the
//! README says what they mean.

mod machine;
mod mind;
mod queue;
mod recorded;
mod retrieval;
mod setting;
mod simulated;
mod stores;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures Watchkeeper.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Probes hosts over SSH, once or as often as a line comes in.
    Sweep(sweep::SweepArgs),
    /// Looks at hosts that answer from a recording.
    Simulated(simulated::SimulatedArgs),
    /// Approves and claims, on SQLite and on Postgres.
    Stores(stores::StoresArgs),
    /// Asks a scripted model by the queue and without it, and in the middle of another answer.
    Mind(mind::MindArgs),
    /// Finds the nearest vectors, for a race with others.
    Retrieval(retrieval::RetrievalArgs),
    /// Drives the queue, for a race with others.
    Queue(queue::QueueArgs),
}

fn main() -> ExitCode {
    let done = match Args::parse().what {
        What::Sweep(args) => sweep::run(args),
        What::Simulated(args) => simulated::run(&args),
        What::Stores(args) => stores::run(&args),
        What::Mind(args) => mind::run(&args),
        What::Retrieval(args) => retrieval::run(&args),
        What::Queue(args) => queue::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
