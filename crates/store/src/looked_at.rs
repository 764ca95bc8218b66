//! What was looked at while a question was answered: each look whole, under the label it is cited by. The owner is
//! `job 12` or `conversation 3`; which labels there are is the agent's to say.

use watchkeeper_model::{HostName, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::observations::PRUNED_AT_ONCE;
use crate::{Listed, StoreError};

/// Longest text of one look.
pub const MAX_LOOK_BYTES: usize = 1024 * 1024;

/// One look, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLook {
    /// Its place among the looks of its owner, from 1.
    pub place: i64,
    /// What it is cited by, e.g. `E3`.
    pub label: String,
    /// Where it was made; none: in what is stored here.
    pub host: Option<HostName>,
    /// With which tool.
    pub tool: String,
    /// What the tool was given, in a line.
    pub input: String,
    /// All that was seen; redacted.
    pub text: String,
    /// What of it the model was shown.
    pub shown: String,
    /// How much the host said before anything was taken away.
    pub bytes: i64,
    /// When.
    pub at: Timestamp,
}

impl TryFrom<&Row> for KeptLook {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            place: row.int("place")?,
            label: row.text("label")?,
            host: row.maybe_parsed("host")?,
            tool: row.text("tool")?,
            input: row.text("input")?,
            text: row.text("text")?,
            shown: row.text("shown")?,
            bytes: row.int("bytes")?,
            at: row.time("at")?,
        })
    }
}

/// What was looked at.
pub struct LookedAt<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> LookedAt<'_, A> {
    /// One look.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, owner: &str, label: &str) -> Result<Option<KeptLook>, StoreError> {
        let sql = "select owner, place, label, host, tool, input, text, shown, bytes, at
                   from looked_at where owner = $1 and label = $2";
        let row = self
            .db
            .first("looked_at.get", sql, args![owner, label])
            .await?;
        Ok(row.map(|row| row.read("looked_at", "owner")).transpose()?)
    }

    /// The looks of an owner, first to last.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(&mut self, owner: &str, limit: u32) -> Result<Listed<KeptLook>, StoreError> {
        let sql = "select owner, place, label, host, tool, input, text, shown, bytes, at
                   from looked_at where owner = $1 order by place limit $2";
        let args = args![owner, i64::from(limit.min(crate::MAX_PAGE))];
        Ok(Listed::read(
            &self.db.all("looked_at.list", sql, args).await?,
            "looked_at",
            "owner",
        ))
    }
}

impl<A> LookedAt<'_, A> {
    /// The last looks of an owner in their order, without their whole texts: for who goes on citing them.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn last(&mut self, owner: &str, limit: u32) -> Result<Listed<KeptLook>, StoreError> {
        let sql = "select owner, place, label, host, tool, input, '' as text, shown, bytes, at
                   from looked_at where owner = $1 order by place desc limit $2";
        let args = args![owner, i64::from(limit.min(crate::MAX_PAGE))];
        let rows = self.db.all("looked_at.last", sql, args).await?;
        let mut listed = Listed::read(&rows, "looked_at", "owner");
        listed.rows.reverse();
        Ok(listed)
    }
}

impl LookedAt<'_, Writing<'_>> {
    /// Keeps a look. A second one in the same place takes the place of the first: it is the same question, asked again
    /// after a worker was lost.
    ///
    /// # Errors
    /// Refuses one that is too large; says why the store cannot be changed.
    pub async fn keep(&mut self, owner: &str, look: &KeptLook) -> Result<(), StoreError> {
        let limit = MAX_LOOK_BYTES;
        if look.text.len() > limit {
            return Err(StoreError::TooLarge {
                what: "a look",
                bytes: look.text.len(),
                limit,
            });
        }
        let sql = "insert into looked_at (owner, place, label, host, tool, input, text, shown, bytes, at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                   on conflict (owner, place) do update set
                       label = excluded.label, host = excluded.host, tool = excluded.tool, input = excluded.input,
                       text = excluded.text, shown = excluded.shown, bytes = excluded.bytes, at = excluded.at";
        let args = args![
            owner,
            look.place,
            look.label.as_str(),
            look.host.as_ref().map(ToString::to_string),
            look.tool.as_str(),
            look.input.as_str(),
            look.text.as_str(),
            look.shown.as_str(),
            look.bytes,
            look.at,
        ];
        self.db.execute("looked_at.keep", sql, args).await.map(drop)
    }

    /// Forgets what is older; a bounded number at a time. Says how many: call again until there are none.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "delete from looked_at where (owner, place) in (
                       select owner, place from looked_at where at < $1 limit $2)";
        self.db
            .execute("looked_at.prune", sql, args![before, PRUNED_AT_ONCE])
            .await
    }
}
