//! Figures over time: what trends and baselines are made of.

use watchkeeper_model::{HostName, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::observations::PRUNED_AT_ONCE;
use crate::query::Query;
use crate::{Listed, StoreError};

/// One figure at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub value: f64,
}

impl TryFrom<&Row> for Sample {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            at: row.time("at")?,
            value: row.real("value")?,
        })
    }
}

/// Samples.
pub struct Samples<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

/// Samples written by one statement.
const SAMPLES_PER_STATEMENT: usize = 1_000;

impl<A> Samples<'_, A> {
    /// The figures of one metric of one host since then, oldest first.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        host: &HostName,
        metric: &str,
        since: Timestamp,
        limit: u32,
    ) -> Result<Listed<Sample>, StoreError> {
        let sql = "select host, at, value from samples where host = $1 and metric = $2 and at >= $3
                   order by at limit $4";
        let args = args![host, metric, since, i64::from(limit.min(crate::MAX_PAGE))];
        Ok(Listed::read(
            &self.db.all("samples.list", sql, args).await?,
            "samples",
            "host",
        ))
    }
}

impl Samples<'_, Writing<'_>> {
    /// Keeps the figures of one look. What is not a number is left out.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn insert(
        &mut self,
        host: &HostName,
        at: Timestamp,
        figures: &[(&str, f64)],
    ) -> Result<(), StoreError> {
        let figures: Vec<_> = figures
            .iter()
            .filter(|(_, value)| value.is_finite())
            .collect();
        for some in figures.chunks(SAMPLES_PER_STATEMENT) {
            let mut query = Query::new(
                "insert into samples (host, metric, at, value) values ",
                args![],
            );
            query.rows(
                some.iter()
                    .map(|(metric, value)| args![host, *metric, at, *value]),
            );
            query.push(" on conflict (host, metric, at) do nothing");
            let (sql, args) = query.finish();
            self.db.execute("samples.insert", sql, args).await?;
        }
        Ok(())
    }

    /// Forgets what is older; a bounded number at a time. Says how many: call again until there are none.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "delete from samples where (host, metric, at) in (
                       select host, metric, at from samples where at < $1 limit $2)";
        self.db
            .execute("samples.prune", sql, args![before, PRUNED_AT_ONCE])
            .await
    }
}
