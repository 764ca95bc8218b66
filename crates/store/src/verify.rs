//! Verifying the log: every entry is hashed again, in order, against the one before it and against the head.

use watchkeeper_model::{Digest, LogEntry};

use crate::db::{Row, args};
use crate::log::{Log, Stored};
use crate::{CorruptRow, StoreError};

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The chain holds.
    Verified {
        /// How many entries were looked at.
        entries: i64,
        /// The last entry that was looked at, and its hash.
        head: (i64, Digest),
    },
    /// The chain breaks; what stands before `seq` is good.
    Broken {
        /// Where.
        seq: i64,
        /// How.
        why: Break,
    },
}

/// How a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// The entry was changed after it was written: its hash is not that of what it tells.
    #[error("the entry was changed after it was written")]
    Changed,
    /// The entry does not follow the one before it: one of them was put there, or moved.
    #[error("the entry does not follow the one before it")]
    Unchained,
    /// The entry is not there.
    #[error("the entry is missing")]
    Missing,
    /// The log ends otherwise than its head says: entries were added or replaced behind the store's back.
    #[error("the log does not end here, its head says")]
    OtherHead,
    /// The entry cannot be read.
    #[error(transparent)]
    Unreadable(#[from] CorruptRow),
}

/// Entries read at a time.
const PAGE: i64 = 500;

impl<A> Log<'_, A> {
    /// Verifies the entries `from` to `to`, or to the end, in pages. Counting from 1; an entry before `from` is taken as
    /// good.
    ///
    /// # Errors
    /// Says why the store cannot be read; a broken chain is a result.
    pub async fn verify(&mut self, from: i64, to: Option<i64>) -> Result<Verification, StoreError> {
        let (head_seq, head_hash) = match self.head().await {
            Err(StoreError::CorruptRow(bad)) => {
                return Ok(Verification::Broken {
                    seq: 0,
                    why: Break::Unreadable(bad),
                });
            }
            other => other?,
        };
        let from = from.max(1);
        let last = to.unwrap_or(head_seq).min(head_seq);
        let mut link = match self.link_before(from).await? {
            Ok(link) => link,
            Err(broken) => return Ok(broken),
        };
        while link.seq < last {
            let until = last.min(link.seq + PAGE);
            let rows = self.page(link.seq, until).await?;
            for row in &rows {
                match link.follow(row) {
                    Ok(next) => link = next,
                    Err(broken) => return Ok(broken),
                }
            }
            if link.seq < until {
                return Ok(Verification::Broken {
                    seq: link.seq + 1,
                    why: Break::Missing,
                });
            }
        }
        if last == head_seq && link.seq == last {
            if link.hash != head_hash {
                return Ok(Verification::Broken {
                    seq: head_seq,
                    why: Break::OtherHead,
                });
            }
            if !self.page(head_seq, i64::MAX).await?.is_empty() {
                return Ok(Verification::Broken {
                    seq: head_seq + 1,
                    why: Break::OtherHead,
                });
            }
        }
        Ok(Verification::Verified {
            entries: (last - from + 1).max(0),
            head: (link.seq, link.hash),
        })
    }

    async fn link_before(&mut self, from: i64) -> Result<Result<Link, Verification>, StoreError> {
        if from == 1 {
            return Ok(Ok(Link {
                seq: 0,
                hash: LogEntry::genesis(),
            }));
        }
        let rows = self.page(from - 2, from - 1).await?;
        Ok(
            match rows.first().map(|row| row.read::<Stored>("log", "seq")) {
                Some(Ok(entry)) => Ok(Link {
                    seq: entry.seq,
                    hash: entry.hash,
                }),
                Some(Err(bad)) => Err(Verification::Broken {
                    seq: from - 1,
                    why: Break::Unreadable(bad),
                }),
                None => Err(Verification::Broken {
                    seq: from - 1,
                    why: Break::Missing,
                }),
            },
        )
    }

    async fn page(&mut self, after: i64, until: i64) -> Result<Vec<Row>, StoreError> {
        self.db
            .all(
                "log.verify",
                "select seq, at, actor, event, host, issue, action, run, body, previous, hash from log
                 where seq > $1 and seq <= $2 order by seq limit $3",
                args![after, until, PAGE],
            )
            .await
    }
}

/// How far the chain is known to hold.
struct Link {
    seq: i64,
    hash: Digest,
}

impl Link {
    fn follow(&self, row: &Row) -> Result<Self, Verification> {
        let expected = self.seq + 1;
        let broken = |why| Verification::Broken { seq: expected, why };
        let entry = row
            .read::<Stored>("log", "seq")
            .map_err(|bad| broken(Break::Unreadable(bad)))?;
        if entry.seq != expected {
            return Err(broken(Break::Missing));
        }
        if entry.previous != self.hash {
            return Err(broken(Break::Unchained));
        }
        let Stored {
            seq,
            at,
            actor,
            event,
            about,
            body,
            previous,
            hash,
        } = &entry;
        if LogEntry::hash_of(*seq, *at, actor, event, about, body, *previous) != *hash {
            return Err(broken(Break::Changed));
        }
        Ok(Self {
            seq: expected,
            hash: *hash,
        })
    }
}
