//! A sweep over hosts that answer at once: what parsing, checks, hysteresis, issues and storing cost.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;
use watchkeeper_fleet::Fleet;
use watchkeeper_store::Store;

use crate::machine::{cpu, memory_kib, say};
use crate::recorded::Recorded;
use crate::setting::{engines, runtime, watch};

#[derive(Debug, Args)]
pub(crate) struct SimulatedArgs {
    /// How many hosts.
    #[arg(long, default_value_t = 1_000)]
    hosts: usize,
    /// How many sweeps, one after the other, over one store.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// One host in so many is in trouble; none with 0.
    #[arg(long, default_value_t = 20)]
    troubled_each: usize,
    /// Hosts at once.
    #[arg(long, default_value_t = 20)]
    parallel: usize,
    /// Threads of the runtime; none but the first with 0.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Where the store is made; a temporary directory if left out.
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &SimulatedArgs) -> anyhow::Result<()> {
    runtime(args.threads)?.block_on(sweeps(args))
}

async fn sweeps(args: &SimulatedArgs) -> anyhow::Result<()> {
    let home = match &args.dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let home = home.context("a temporary directory")?;
    let path = home.path().join("store.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await?;
    let (inventory, recorded) = Recorded::fleet(args.hosts, args.troubled_each)?;
    let engines = engines(home.path(), "nobody", &home.path().join("known_hosts"));
    let watch = watch(
        store,
        Fleet::new(inventory, recorded),
        engines,
        args.parallel,
    )?;
    let before = memory_kib("VmRSS")?;
    say("| round | hosts/s | CPU ms/host | wall s | open issues | waiting actions |")?;
    say("|---|---|---|---|---|---|")?;
    for round in 1..=args.rounds {
        let (began, used) = (Instant::now(), cpu()?);
        let report = watch.check(&[], |_| ()).await?;
        let (wall, used) = (began.elapsed().as_secs_f64(), cpu()?.saturating_sub(used));
        let seen = report
            .hosts
            .iter()
            .filter(|host| host.failure.is_none() && host.errors.is_empty())
            .count();
        ensure!(
            seen == args.hosts,
            "{seen} of {} hosts were seen: {:?}",
            args.hosts,
            report.hosts.iter().find(|host| !host.errors.is_empty())
        );
        let count = args.hosts as f64;
        let (speed, each) = (count / wall, used.as_secs_f64() * 1e3 / count);
        let (issues, actions) = (report.open_issues, report.waiting_actions);
        say(&format!(
            "| {round} | {speed:.0} | {each:.3} | {wall:.2} | {issues} | {actions} |"
        ))?;
    }
    let size = std::fs::metadata(&path)?.len() / 1024;
    let (now, peak) = (memory_kib("VmRSS")?, memory_kib("VmHWM")?);
    say(&format!(
        "resident: {before} KiB before, {now} KiB after, {peak} KiB at most; the store's file: {size} KiB"
    ))
}
