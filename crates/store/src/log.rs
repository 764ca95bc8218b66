//! The log: appended to in the transaction of the change it tells of, gapless, each entry bound to the one before.
//!
//! Entries wait in the transaction until its commit and are written then, last of all. So the head of the chain, the
//! one row that all writers queue for, is locked for two statements only, and always after everything else: it never
//! stands in a deadlock. `actor` and `body` are kept as the very text that was hashed.

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use watchkeeper_model::{
    About, ActionNumber, Digest, HostName, IssueNumber, LogEntry, LogRecord, RunId, Timestamp,
};

use crate::access::Writing;
use crate::changes::CHANNEL;
use crate::db::{BadColumn, Conn, Row, args, json_text};
use crate::query::{MAX_PAGE, Query};
use crate::{Listed, StoreError};

/// Longest name of an event.
pub const MAX_EVENT_BYTES: usize = 80;
/// Entries written by one statement.
const ENTRIES_PER_STATEMENT: usize = 200;

/// What a transaction has still to do when it commits.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    records: Vec<Prepared>,
    wake: bool,
}

#[derive(Debug)]
struct Prepared {
    record: LogRecord,
    actor: String,
    body: String,
}

impl Pending {
    /// Has the commit wake those who wait for changes, also where it logs nothing.
    pub(crate) fn wake(&mut self) {
        self.wake = true;
    }

    /// Writes what waits, and gives every entry its place.
    pub(crate) async fn write(&mut self, db: &mut Conn<'_>) -> Result<Vec<LogEntry>, StoreError> {
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            if self.wake {
                notify(db).await?;
            }
            return Ok(Vec::new());
        }
        let (head, hash) = lock_head(db).await?;
        let entries = chain(&records, head, hash);
        let rows: Vec<_> = entries.iter().zip(&records).collect();
        for some in rows.chunks(ENTRIES_PER_STATEMENT) {
            insert(db, some).await?;
        }
        if let Some(last) = entries.last() {
            move_head(db, head, last).await?;
        }
        Ok(entries)
    }
}

async fn notify(db: &mut Conn<'_>) -> Result<(), StoreError> {
    if db.is_postgres() {
        db.execute("log.notify", "select pg_notify($1, '')", args![CHANNEL])
            .await?;
    }
    Ok(())
}

async fn lock_head(db: &mut Conn<'_>) -> Result<(i64, Digest), StoreError> {
    let sql = crate::db::Sql::Differs {
        pg: "select id, seq, hash from log_head for update",
        lite: "select id, seq, hash from log_head",
    };
    let row = db
        .first("log.append", sql, args![])
        .await?
        .ok_or_else(|| StoreError::Conflict {
            what: "the head of the log".to_owned(),
        })?;
    row.read::<Head>("log_head", "id")
        .map(|head| (head.seq, head.hash))
        .map_err(StoreError::from)
}

fn chain(records: &[Prepared], head: i64, mut previous: Digest) -> Vec<LogEntry> {
    let entry = |(seq, prepared): (i64, &Prepared)| {
        let record = &prepared.record;
        let hash = LogEntry::hash_of(
            seq,
            record.at,
            &prepared.actor,
            &record.event,
            &record.about,
            &prepared.body,
            previous,
        );
        let entry = LogEntry {
            seq,
            record: record.clone(),
            previous,
            hash,
        };
        previous = hash;
        entry
    };
    (head + 1..).zip(records).map(entry).collect()
}

async fn insert(db: &mut Conn<'_>, rows: &[(&LogEntry, &Prepared)]) -> Result<(), StoreError> {
    let mut query = Query::new(
        "insert into log (seq, at, actor, event, host, issue, action, run, body, previous, hash) values ",
        args![],
    );
    query.rows(rows.iter().map(|(entry, prepared)| {
        let LogRecord {
            at, event, about, ..
        } = &entry.record;
        args![
            entry.seq,
            *at,
            prepared.actor.as_str(),
            event.as_str(),
            about.host.as_ref().map(ToString::to_string),
            about.issue.map(|number| number.0),
            about.action.map(|number| number.0),
            about.run.as_ref().map(ToString::to_string),
            prepared.body.as_str(),
            entry.previous.to_string(),
            entry.hash.to_string(),
        ]
    }));
    let (sql, args) = query.finish();
    db.execute("log.append", sql, args).await.map(drop)
}

/// Moves the head and, on Postgres, notifies in the same round trip.
async fn move_head(db: &mut Conn<'_>, from: i64, last: &LogEntry) -> Result<(), StoreError> {
    let sql = crate::db::Sql::Differs {
        pg: "update log_head set seq = $1, hash = $2 where seq = $3 returning pg_notify('watchkeeper', '')",
        lite: "update log_head set seq = $1, hash = $2 where seq = $3",
    };
    let args = args![last.seq, last.hash.to_string(), from];
    db.change_one("log.append", sql, args, || "the head of the log".to_owned())
        .await
}

/// The end of the chain.
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: Digest,
}

impl TryFrom<&Row> for Head {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            seq: row.int("seq")?,
            hash: row.parsed("hash")?,
        })
    }
}

/// An entry with the texts it was hashed over.
pub(crate) struct Stored {
    pub(crate) seq: i64,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) event: String,
    pub(crate) about: About,
    pub(crate) body: String,
    pub(crate) previous: Digest,
    pub(crate) hash: Digest,
}

impl TryFrom<&Row> for Stored {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.time("at")?,
            actor: row.text("actor")?,
            event: row.text("event")?,
            about: About {
                host: row.maybe_parsed("host")?,
                issue: row.maybe_int("issue")?.map(IssueNumber),
                action: row.maybe_int("action")?.map(ActionNumber),
                run: row.maybe_parsed("run")?,
            },
            body: row.text("body")?,
            previous: row.parsed("previous")?,
            hash: row.parsed("hash")?,
        })
    }
}

impl TryFrom<&Row> for LogEntry {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let stored = Stored::try_from(row)?;
        let record = LogRecord {
            at: stored.at,
            actor: row.json("actor")?,
            event: stored.event,
            about: stored.about,
            body: row.json("body")?,
        };
        Ok(Self {
            seq: stored.seq,
            record,
            previous: stored.previous,
            hash: stored.hash,
        })
    }
}

/// Which end of the log a list begins at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogOrder {
    /// The oldest entry first.
    #[default]
    OldestFirst,
    /// The newest entry first.
    NewestFirst,
}

/// Which entries are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// About this host.
    pub host: Option<HostName>,
    /// About this issue.
    pub issue: Option<IssueNumber>,
    /// About this action.
    pub action: Option<ActionNumber>,
    /// About this run.
    pub run: Option<RunId>,
    /// Events that begin so, e.g. `action.`.
    pub event_prefix: Option<String>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// Earlier than this.
    pub until: Option<Timestamp>,
    /// After this entry.
    pub after: Option<i64>,
    /// Before this entry.
    pub before: Option<i64>,
    /// From which end.
    pub order: LogOrder,
}

/// The log.
pub struct Log<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

const COLUMNS: &str =
    "select seq, at, actor, event, host, issue, action, run, body, previous, hash from log";

impl<A> Log<'_, A> {
    /// Entries that fit the filter, at most `limit`. Entries of the transaction itself are not among them: they get
    /// their places when it commits.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &LogFilter,
        limit: u32,
    ) -> Result<Listed<LogEntry>, StoreError> {
        Ok(Listed::read(&self.rows(filter, limit).await?, "log", "seq"))
    }

    /// The last entry's number and hash; 0 and the genesis while there is none. Whoever keeps a copy elsewhere can tell
    /// later whether the end of the log, or all of it, was replaced.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn head(&mut self) -> Result<(i64, Digest), StoreError> {
        let row = self
            .db
            .first("log.head", "select id, seq, hash from log_head", args![])
            .await?;
        match row {
            Some(row) => Ok(row
                .read::<Head>("log_head", "id")
                .map(|head| (head.seq, head.hash))?),
            None => Ok((0, LogEntry::genesis())),
        }
    }

    /// Writes entries as JSON Lines, oldest first, and says how many. `actor` and `body` stand there as the very text
    /// that was hashed, so that the chain can be verified from the export alone.
    ///
    /// # Errors
    /// Says why the store cannot be read or the lines not be written; names an entry that is not JSON.
    pub async fn export(
        &mut self,
        filter: &LogFilter,
        out: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<u64, ExportError> {
        let mut filter = LogFilter {
            order: LogOrder::OldestFirst,
            ..filter.clone()
        };
        let mut count = 0;
        loop {
            let rows = self.rows(&filter, MAX_PAGE).await?;
            for row in &rows {
                row.read::<LogEntry>("log", "seq")
                    .map_err(StoreError::from)?;
                let stored = row.read::<Stored>("log", "seq").map_err(StoreError::from)?;
                out.write_all(json_line(&stored).as_bytes()).await?;
                filter.after = Some(stored.seq);
                count += 1;
            }
            if rows.len() < MAX_PAGE as usize {
                out.flush().await?;
                return Ok(count);
            }
        }
    }

    async fn rows(&mut self, filter: &LogFilter, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut query = Query::new(COLUMNS, args![]);
        query.push(" where true");
        query.filter(" and host = ", filter.host.as_ref().map(HostName::as_str));
        query.filter(" and issue = ", filter.issue.map(|number| number.0));
        query.filter(" and action = ", filter.action.map(|number| number.0));
        query.filter(" and run = ", filter.run.as_ref().map(RunId::as_str));
        query.filter(" and at >= ", filter.since);
        query.filter(" and at < ", filter.until);
        query.filter(" and seq > ", filter.after);
        query.filter(" and seq < ", filter.before);
        if let Some(prefix) = &filter.event_prefix {
            // LIKE differs in case between the two; the characters of an event all lie below the tilde.
            query.filter(" and event >= ", Some(prefix.as_str()));
            query.filter(" and event < ", Some(format!("{prefix}~")));
        }
        let order = match filter.order {
            LogOrder::OldestFirst => " order by seq",
            LogOrder::NewestFirst => " order by seq desc",
        };
        let (sql, args) = query.page(order, limit).finish();
        self.db.all("log.list", sql, args).await
    }
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Where it was written to.
    #[error("the export could not be written")]
    Write(#[from] std::io::Error),
}

fn json_line(entry: &Stored) -> String {
    let Stored {
        seq,
        at,
        actor,
        event,
        about,
        body,
        previous,
        hash,
    } = entry;
    format!(
        "{{\"seq\":{seq},\"at\":{},\"actor\":{actor},\"event\":{},\"about\":{},\"body\":{body},\"previous\":\"{previous}\",\
         \"hash\":\"{hash}\"}}\n",
        json_text(at),
        json_text(event),
        json_text(about),
    )
}

impl Log<'_, Writing<'_>> {
    /// Has the transaction's commit write this entry.
    ///
    /// # Errors
    /// Refuses a body that is too large, and a name that does not name an event.
    pub fn append(&mut self, record: LogRecord) -> Result<(), StoreError> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if record.event.is_empty()
            || record.event.len() > MAX_EVENT_BYTES
            || !record.event.chars().all(allowed)
        {
            return Err(StoreError::NotAnEvent {
                event: record.event.chars().take(MAX_EVENT_BYTES).collect(),
            });
        }
        let actor = json_text(&record.actor);
        let body = json_text(&record.body);
        for (what, text) in [
            ("the actor of a log entry", &actor),
            ("the body of a log entry", &body),
        ] {
            if text.len() > LogRecord::MAX_BODY_BYTES {
                return Err(StoreError::TooLarge {
                    what,
                    bytes: text.len(),
                    limit: LogRecord::MAX_BODY_BYTES,
                });
            }
        }
        self.access.pending.records.push(Prepared {
            record,
            actor,
            body,
        });
        Ok(())
    }
}
