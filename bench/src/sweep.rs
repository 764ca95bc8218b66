//! An entrant of the race: probes hosts over SSH. Cold, it leaves after one sweep and says `ok COUNT`. With `--keep` it
//! says `ready` once connected, and for each line it reads it probes all hosts and says `done COUNT`.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, stream};
use watchkeeper_fleet::{Engines, Fleet, HostEntry, Inventory, Output, RemoteCommand};
use watchkeeper_health::{Nonce, Probe, script};
use watchkeeper_model::{HostName, LookFailure};
use watchkeeper_store::Store;
use watchkeeper_watch::Watch;

use crate::machine::{memory_kib, say};
use crate::setting::{engines, runtime, watch};

/// What is done with each host.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Work {
    /// The script that all tools of the race run; its bytes come back, and that is all.
    Race,
    /// Watchkeeper's own probe; its bytes come back, and that is all.
    Probe,
    /// `watchkeeper check`: its own probe, parsed, checked and stored.
    Check,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// A file with one address a line.
    #[arg(long)]
    hosts: PathBuf,
    /// The account to log in with.
    #[arg(long)]
    user: String,
    /// Its private key.
    #[arg(long)]
    key: PathBuf,
    /// The port of all hosts.
    #[arg(long, default_value_t = 22)]
    port: u16,
    /// The file of their known keys.
    #[arg(long)]
    known_hosts: PathBuf,
    /// The script of the race.
    #[arg(long, required_if_eq("work", "race"))]
    script: Option<PathBuf>,
    /// Hosts at once.
    #[arg(long, default_value_t = 20)]
    parallel: usize,
    /// What is done with each host.
    #[arg(long, value_enum, default_value_t = Work::Race)]
    work: Work,
    /// Keeps the connections, and sweeps as often as a line comes in.
    #[arg(long)]
    keep: bool,
    /// Threads of the runtime; none but the first with 0.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// A store that is kept, instead of a new one that goes with the process.
    #[arg(long)]
    store: Option<PathBuf>,
    /// Says at the end what is resident in memory.
    #[arg(long)]
    memory: bool,
}

pub(crate) fn run(args: SweepArgs) -> anyhow::Result<()> {
    runtime(args.threads)?.block_on(sweeps(args))
}

async fn sweeps(args: SweepArgs) -> anyhow::Result<()> {
    let home = tempfile::tempdir().context("a temporary directory")?;
    let sweeper = Sweeper::new(&args, home.path()).await?;
    if args.keep {
        sweeper.sweep().await?;
        say("ready")?;
        for line in std::io::stdin().lock().lines() {
            line?;
            say(&format!("done {}", sweeper.sweep().await?))?;
        }
    } else {
        say(&format!("ok {}", sweeper.sweep().await?))?;
    }
    if args.memory {
        eprintln!(
            "resident KiB: {} now, {} at most",
            memory_kib("VmRSS")?,
            memory_kib("VmHWM")?
        );
    }
    Ok(())
}

enum Sweeper {
    Bytes {
        fleet: Fleet,
        /// The text of the race, or none for Watchkeeper's own.
        text: Option<Vec<u8>>,
        parallel: usize,
    },
    Check(Watch),
}

impl Sweeper {
    async fn new(args: &SweepArgs, home: &Path) -> anyhow::Result<Self> {
        let engines = engines(home, &args.user, &args.known_hosts);
        let fleet = fleet(args, Arc::clone(&engines))?;
        let parallel = args.parallel;
        Ok(match (args.work, &args.script) {
            (Work::Race, Some(script)) => {
                let text = std::fs::read(script).with_context(|| script.display().to_string())?;
                Self::Bytes {
                    fleet,
                    text: Some(text),
                    parallel,
                }
            }
            (Work::Race, None) | (Work::Probe, _) => Self::Bytes {
                fleet,
                text: None,
                parallel,
            },
            (Work::Check, _) => {
                let path = args.store.clone().unwrap_or_else(|| home.join("store.db"));
                let store = Store::open(&format!("sqlite:{}", path.display())).await?;
                Self::Check(watch(store, fleet, engines, parallel)?)
            }
        })
    }

    /// Probes all hosts and says how many answered to the end.
    async fn sweep(&self) -> anyhow::Result<usize> {
        match self {
            Self::Check(watch) => {
                let report = watch.check(&[], |_| ()).await?;
                let whole = report
                    .hosts
                    .iter()
                    .filter(|host| host.failure.is_none() && host.errors.is_empty());
                Ok(whole.count())
            }
            Self::Bytes {
                fleet,
                text,
                parallel,
            } => {
                let probes = fleet
                    .hosts()
                    .into_iter()
                    .map(|host| probe(fleet, host, text.as_deref()));
                let answered = stream::iter(probes).buffer_unordered(*parallel);
                Ok(answered
                    .filter(|answered| std::future::ready(*answered))
                    .count()
                    .await)
            }
        }
    }
}

/// Probes one host, and tells a person why where it does not answer.
async fn probe(fleet: &Fleet, host: HostName, text: Option<&[u8]>) -> bool {
    let (command, end) = match text {
        Some(text) => (
            RemoteCommand::new("sh").arg("-c").arg(text),
            "== end".to_owned(),
        ),
        None => own_probe(),
    };
    let answered = fleet.run(&host, command).await;
    let whole = answered
        .as_ref()
        .is_ok_and(|output| ends_with(output, &end));
    if !whole {
        eprintln!("{host}: {}", why(&answered));
    }
    whole
}

fn own_probe() -> (RemoteCommand, String) {
    let probe = Probe::new(Nonce::from_random(rand::random()));
    let command = probe
        .args()
        .iter()
        .fold(RemoteCommand::script(script()), RemoteCommand::arg);
    (command, format!("@{} end", probe.nonce().as_str()))
}

fn ends_with(output: &Output, end: &str) -> bool {
    output.stdout.trim_ascii_end().ends_with(end.as_bytes())
}

fn why(answered: &Result<Output, LookFailure>) -> String {
    match answered {
        Ok(output) => format!(
            "cut, {:?}: {}",
            output.exit,
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(failure) => failure.to_string(),
    }
}

fn fleet(args: &SweepArgs, engines: Arc<Engines>) -> anyhow::Result<Fleet> {
    let text =
        std::fs::read_to_string(&args.hosts).with_context(|| args.hosts.display().to_string())?;
    let entry = |address: &str| -> anyhow::Result<HostEntry> {
        Ok(HostEntry {
            address: Some(address.to_owned()),
            port: Some(args.port),
            login: Some(args.user.clone()),
            identity_files: vec![std::path::absolute(&args.key)?],
            use_agent: false,
            ..HostEntry::new(HostName::new(address)?)
        })
    };
    let entries = text
        .split_whitespace()
        .map(entry)
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Fleet::new(Inventory::new(entries, Vec::new())?, engines))
}
