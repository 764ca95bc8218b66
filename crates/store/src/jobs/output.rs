//! What a job says while it is served, for those who follow it from elsewhere, and what it has reached, for the worker
//! that takes it up again. Both have an end: a model that talks without end fills neither the disk nor a follower.

use watchkeeper_model::{ControllerId, JobNumber, Timestamp};

use super::Jobs;
use crate::access::Writing;
use crate::db::{BadColumn, Row, args, json_text};
use crate::query::Query;
use crate::{Listed, StoreError};

/// Most pieces of output that are kept of one job, the note that there was more included.
pub const MAX_OUTPUT_PIECES: i64 = 5_000;
/// Most bytes of output that are kept of one job.
pub const MAX_OUTPUT_BYTES: i64 = 1 << 20;
/// Largest progress of a job, in bytes.
pub const MAX_PROGRESS_BYTES: usize = 1 << 20;
/// The kind of a piece that the queue itself says.
pub const PIECE_NOTE: &str = "note";
/// What is said last, where a job says more than is kept.
const NO_MORE: &str = "there is more, which is not kept here";
/// Most pieces that one look returns.
const MAX_PIECES_READ: i64 = 1_000;

/// A piece of what a job says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPiece {
    /// Its place: greater than that of all before it, also of those of earlier tries.
    pub seq: i64,
    /// What it is, in a word of the worker: a token, a note.
    pub kind: String,
    /// The text.
    pub text: String,
}

impl TryFrom<&Row> for OutputPiece {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            seq: row.int("seq")?,
            kind: row.text("kind")?,
            text: row.text("text")?,
        })
    }
}

/// How much a job has said.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    seq: i64,
    nth: i64,
    bytes: i64,
}

impl TryFrom<&Row> for Said {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            seq: row.int("seq")?,
            nth: row.int("nth")?,
            bytes: row.int("bytes")?,
        })
    }
}

impl<A> Jobs<'_, A> {
    /// What a job said after `seq`, in its order, at most 1,000 pieces: whoever has those asks again.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn said_since(
        &mut self,
        number: JobNumber,
        seq: i64,
    ) -> Result<Listed<OutputPiece>, StoreError> {
        let sql = "select job, seq, kind, text from job_output where job = $1 and seq > $2 order by seq limit $3";
        let rows = self
            .db
            .all(
                "jobs.said_since",
                sql,
                args![number.0, seq, MAX_PIECES_READ],
            )
            .await?;
        Ok(Listed::read(&rows, "job_output", "job"))
    }

    /// The place of what a job said last; 0 where it has said nothing. A worker goes on after it.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn last_said(&mut self, number: JobNumber) -> Result<i64, StoreError> {
        Ok(self.said(number).await?.seq)
    }

    /// What a job has reached, as its last worker left it.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn progress(
        &mut self,
        number: JobNumber,
    ) -> Result<Option<serde_json::Value>, StoreError> {
        let sql = "select number, progress from jobs where number = $1";
        let row = self.db.first("jobs.progress", sql, args![number.0]).await?;
        let progress = row.map(|row| {
            row.maybe_json("progress")
                .map_err(|bad| row.named(bad, "jobs", "number"))
        });
        Ok(progress.transpose()?.flatten())
    }

    async fn said(&mut self, number: JobNumber) -> Result<Said, StoreError> {
        let sql =
            "select job, seq, nth, bytes from job_output where job = $1 order by seq desc limit 1";
        let row = self
            .db
            .first("jobs.last_said", sql, args![number.0])
            .await?;
        let said = row.map(|row| row.read("job_output", "job"));
        Ok(said.transpose()?.unwrap_or_default())
    }
}

impl Jobs<'_, Writing<'_>> {
    /// Keeps what a job says. Pieces of one kind that come together are kept as one, under the last one's place; of those
    /// that are there already nothing happens; and when the job has said as much as is kept, one note says so and the
    /// rest is refused. Says how many pieces are kept.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn say(
        &mut self,
        number: JobNumber,
        pieces: &[OutputPiece],
    ) -> Result<usize, StoreError> {
        let said = self.said(number).await?;
        let rows = kept(said, pieces);
        if rows.is_empty() {
            return Ok(0);
        }
        self.access.pending.wake();
        let mut query = Query::new(
            "insert into job_output (job, seq, kind, text, nth, bytes) values ",
            args![],
        );
        query.rows(rows.iter().map(|(piece, said)| {
            args![
                number.0,
                piece.seq,
                piece.kind.as_str(),
                piece.text.as_str(),
                said.nth,
                said.bytes
            ]
        }));
        query.push(" on conflict (job, seq) do nothing");
        let (sql, args) = query.finish();
        self.db.execute("jobs.say", sql, args).await?;
        Ok(rows.len())
    }

    /// Keeps what a job has reached, for the next worker if this one is lost or the job is put back.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost or the job cancelled; what is too large is refused.
    pub async fn set_progress(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
        progress: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let text = json_text(progress);
        if text.len() > MAX_PROGRESS_BYTES {
            return Err(StoreError::TooLarge {
                what: "the progress of a job",
                bytes: text.len(),
                limit: MAX_PROGRESS_BYTES,
            });
        }
        self.db
            .change_one(
                "jobs.set_progress",
                "update jobs set progress = $1 where number = $2 and state = 'leased' and lease_by = $3",
                args![text, number.0, worker.as_str()],
                || format!("job {number}"),
            )
            .await
    }

    /// Removes what jobs said that were over before this time. Says how many pieces.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune_output(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql =
            "delete from job_output where job in (select number from jobs where ended_at < $1)";
        self.db
            .execute("jobs.prune_output", sql, args![before])
            .await
    }
}

/// What is kept of the pieces, each with how much there is with it.
fn kept(mut said: Said, pieces: &[OutputPiece]) -> Vec<(OutputPiece, Said)> {
    let mut rows: Vec<(OutputPiece, Said)> = Vec::new();
    for piece in pieces {
        if piece.seq <= said.seq || said.nth >= MAX_OUTPUT_PIECES {
            continue;
        }
        let before = said;
        let bytes = i64::try_from(piece.text.len()).unwrap_or(i64::MAX);
        said.seq = piece.seq;
        said.bytes = before.bytes.saturating_add(bytes);
        if said.bytes > MAX_OUTPUT_BYTES || before.nth + 1 >= MAX_OUTPUT_PIECES {
            // The note counts as the last piece, whatever its number: nothing comes after it.
            said.nth = MAX_OUTPUT_PIECES;
            said.bytes = before.bytes;
            rows.push((no_more(piece.seq), said));
            continue;
        }
        match rows.last_mut() {
            Some((last, with)) if last.kind == piece.kind => {
                last.seq = piece.seq;
                last.text.push_str(&piece.text);
                said.nth = with.nth;
                *with = said;
            }
            _ => {
                said.nth = before.nth + 1;
                rows.push((piece.clone(), said));
            }
        }
    }
    rows
}

fn no_more(seq: i64) -> OutputPiece {
    OutputPiece {
        seq,
        kind: PIECE_NOTE.to_owned(),
        text: NO_MORE.to_owned(),
    }
}
