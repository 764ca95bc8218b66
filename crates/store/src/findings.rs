//! What checks found about each subject, with the tracker's own memory of it (how often seen, how often not), which
//! means nothing here.

use watchkeeper_model::{CheckName, Finding, Fingerprint, HostName, IssueNumber, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args, json_text};
use crate::query::Query;
use crate::{Listed, StoreError};

/// What is known of one subject of one check of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedFinding {
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// Where.
    pub host: HostName,
    /// Which check.
    pub check: CheckName,
    /// Of what.
    pub subject: String,
    /// The tracker's memory.
    pub memory: serde_json::Value,
    /// The finding as last seen.
    pub finding: Option<Finding>,
    /// Whether it counts as there.
    pub firing: bool,
    /// The issue it belongs to.
    pub issue: Option<IssueNumber>,
    /// When this last changed.
    pub changed_at: Timestamp,
}

impl TryFrom<&Row> for TrackedFinding {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            fingerprint: row.parsed("fingerprint")?,
            host: row.parsed("host")?,
            check: row.parsed("check_name")?,
            subject: row.text("subject")?,
            memory: row.json("memory")?,
            finding: row.maybe_json("finding")?,
            firing: row.flag("firing")?,
            issue: row.maybe_int("issue")?.map(IssueNumber),
            changed_at: row.time("changed_at")?,
        })
    }
}

/// Findings.
pub struct Findings<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

/// Findings written by one statement.
const FINDINGS_PER_STATEMENT: usize = 200;

impl<A> Findings<'_, A> {
    /// All that is known of a host, by one statement.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn of_host(&mut self, host: &HostName) -> Result<Listed<TrackedFinding>, StoreError> {
        let sql = "select fingerprint, host, check_name, subject, memory, finding, firing, issue, changed_at
                   from findings where host = $1 order by check_name, subject";
        Ok(Listed::read(
            &self.db.all("findings.of_host", sql, args![host]).await?,
            "findings",
            "fingerprint",
        ))
    }

    /// One finding.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(
        &mut self,
        fingerprint: Fingerprint,
    ) -> Result<Option<TrackedFinding>, StoreError> {
        let sql = "select fingerprint, host, check_name, subject, memory, finding, firing, issue, changed_at
                   from findings where fingerprint = $1";
        let row = self
            .db
            .first("findings.get", sql, args![fingerprint.to_string()])
            .await?;
        Ok(row
            .map(|row| row.read("findings", "fingerprint"))
            .transpose()?)
    }

    /// Those that count as there, of all hosts.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn firing(&mut self, limit: u32) -> Result<Listed<TrackedFinding>, StoreError> {
        let sql = "select fingerprint, host, check_name, subject, memory, finding, firing, issue, changed_at
                   from findings where firing = $1 order by host, check_name, subject limit $2";
        let args = args![true, i64::from(limit.min(crate::MAX_PAGE))];
        Ok(Listed::read(
            &self.db.all("findings.firing", sql, args).await?,
            "findings",
            "fingerprint",
        ))
    }
}

impl Findings<'_, Writing<'_>> {
    /// Keeps what is known now, new or not.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn upsert(&mut self, findings: &[TrackedFinding]) -> Result<(), StoreError> {
        for some in findings.chunks(FINDINGS_PER_STATEMENT) {
            let mut query = Query::new(
                "insert into findings
                     (fingerprint, host, check_name, subject, memory, finding, firing, issue, changed_at) values ",
                args![],
            );
            query.rows(some.iter().map(|known| {
                args![
                    known.fingerprint.to_string(),
                    &known.host,
                    known.check.as_str(),
                    known.subject.as_str(),
                    json_text(&known.memory),
                    known.finding.as_ref().map(json_text),
                    known.firing,
                    known.issue.map(|number| number.0),
                    known.changed_at,
                ]
            }));
            query.push(
                " on conflict (fingerprint) do update set
                     memory = excluded.memory, finding = excluded.finding, firing = excluded.firing,
                     issue = excluded.issue, changed_at = excluded.changed_at",
            );
            let (sql, args) = query.finish();
            self.db.execute("findings.upsert", sql, args).await?;
        }
        Ok(())
    }

    /// Forgets what is no longer worth remembering.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn delete(&mut self, fingerprints: &[Fingerprint]) -> Result<(), StoreError> {
        for some in fingerprints.chunks(FINDINGS_PER_STATEMENT) {
            let mut query = Query::new("delete from findings where ", args![]);
            query.any_of("fingerprint in", some.iter().map(Fingerprint::to_string));
            let (sql, args) = query.finish();
            self.db.execute("findings.delete", sql, args).await?;
        }
        Ok(())
    }
}
