//! Following the log through the lines of a backup, without a database.

use serde::Deserialize;
use watchkeeper_model::{About, ActionNumber, Digest, IssueNumber, LogEntry, Timestamp};

use super::{BackupError, LogHead};
use crate::Break;

/// The table.
pub(super) const LOG: &str = "log";

/// A line of the log.
#[derive(Deserialize)]
struct Line {
    seq: i64,
    at: i64,
    actor: String,
    event: String,
    host: Option<String>,
    issue: Option<i64>,
    action: Option<i64>,
    run: Option<String>,
    body: String,
    previous: Digest,
    hash: Digest,
}

/// How far the log is known to hold.
pub(super) struct Chain {
    end: LogHead,
}

impl Chain {
    /// At the beginning.
    pub(super) fn new() -> Self {
        Self {
            end: LogHead {
                seq: 0,
                hash: LogEntry::genesis(),
            },
        }
    }

    /// Follows some lines.
    pub(super) fn follow(&mut self, lines: &str) -> Result<(), BackupError> {
        for line in lines.lines() {
            self.step(line)?;
        }
        Ok(())
    }

    fn step(&mut self, line: &str) -> Result<(), BackupError> {
        let seq = self.end.seq + 1;
        let broken = |why| Err(BackupError::Chain { seq, why });
        let unread = |why: String| BackupError::damaged(format!("log entry {seq}: {why}"));
        let line: Line = serde_json::from_str(line).map_err(|error| unread(error.to_string()))?;
        if line.seq != seq {
            return broken(Break::Missing);
        }
        if line.previous != self.end.hash {
            return broken(Break::Unchained);
        }
        let about = About {
            host: read(line.host.as_deref()).map_err(unread)?,
            issue: line.issue.map(IssueNumber),
            action: line.action.map(ActionNumber),
            run: read(line.run.as_deref()).map_err(unread)?,
        };
        let at = Timestamp::from_millis(line.at);
        let (actor, event, body) = (&line.actor, &line.event, &line.body);
        if LogEntry::hash_of(seq, at, actor, event, &about, body, line.previous) != line.hash {
            return broken(Break::Changed);
        }
        self.end = LogHead {
            seq,
            hash: line.hash,
        };
        Ok(())
    }

    /// Whether it ends where the backup says.
    pub(super) fn ends_at(&self, head: LogHead) -> Result<(), BackupError> {
        if self.end == head {
            return Ok(());
        }
        Err(BackupError::Chain {
            seq: self.end.seq,
            why: Break::OtherHead,
        })
    }
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: Option<&str>,
) -> Result<Option<T>, String> {
    let read = text.map(str::parse::<T>).transpose();
    read.map_err(|error| error.to_string())
}
