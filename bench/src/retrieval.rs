//! An entrant of the race in `retrieval/`: the exact search of `knowledge` over vectors of a file, and what it found.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use watchkeeper_knowledge::{Card, Exact, Filter, Point, VectorStore};
use watchkeeper_model::{Collection, EntryNumber, Reach, Timestamp};

const MODEL: &str = "race";
/// Numbers of a vector.
const WIDTH: usize = 384;
/// How many are looked for.
const NEAREST: usize = 10;
/// Queries before the clock runs.
const WARM: usize = 5;
/// Vectors that are put at once.
const BATCH: usize = 5_000;

/// Where the vectors are.
#[derive(Debug, Args)]
pub(crate) struct RetrievalArgs {
    /// A directory with `rows.f32` and `queries.f32`, 384 numbers a row
    directory: PathBuf,
}

/// Keeps the rows, asks every query, prints one line of JSON.
pub(crate) fn run(args: &RetrievalArgs) -> anyhow::Result<()> {
    let rows = read(&args.directory.join("rows.f32"))?;
    let queries = read(&args.directory.join("queries.f32"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(race(&rows, &queries))
}

async fn race(rows: &[f32], queries: &[f32]) -> anyhow::Result<()> {
    let store = Exact::default();
    let begin = Instant::now();
    let mut number = 0;
    for some in rows.chunks(BATCH * WIDTH) {
        let points = some.chunks_exact(WIDTH).map(|row| {
            number += 1;
            point(number, row)
        });
        store.upsert(MODEL, points.collect()).await?;
    }
    let build = begin.elapsed();
    let filter = Filter::everything(Timestamp::from_millis(0));
    for query in queries.chunks_exact(WIDTH).take(WARM) {
        store.search(MODEL, query, &filter, NEAREST).await?;
    }
    let (mut took, mut found) = (Vec::new(), Vec::new());
    for query in queries.chunks_exact(WIDTH) {
        let begin = Instant::now();
        let near = store.search(MODEL, query, &filter, NEAREST).await?;
        took.push(begin.elapsed().as_secs_f64() * 1_000.0);
        found.push(
            near.iter()
                .map(|near| near.number.0 - 1)
                .collect::<Vec<_>>(),
        );
    }
    let line = json!({
        "build_s": build.as_secs_f64(), "took_ms": took, "found": found, "peak_mib": peak_mib()?,
    });
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}

fn point(number: i64, row: &[f32]) -> Point {
    let card = Card {
        number: EntryNumber(number),
        collection: Collection::Knowledge,
        kind: "note".to_owned(),
        host: None,
        labels: Vec::new(),
        reach: Reach::All,
        expires_at: None,
    };
    Point {
        card: Arc::new(card),
        vector: row.to_vec(),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<f32>> {
    let bytes =
        std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect())
}

fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmHWM")?
        .parse()?;
    Ok(kib / 1024.0)
}
