//! Forgetting. A job that is over is kept for a while, so that people see what came of it; one that was given up for
//! longer, since it can be asked again. One that something else still goes by stays: the last questions about an issue
//! that is not closed say whether it is asked about again, and a conversation that goes on names the jobs that answered.

use watchkeeper_model::Timestamp;

use super::Jobs;
use crate::StoreError;
use crate::access::Writing;
use crate::db::{Row, Sql, args, json_text, skip_locked};

/// Most jobs that one call forgets; the next goes on.
const PRUNED_AT_ONCE: i64 = 500;

const OLD: Sql = skip_locked!(
    "select number from jobs where ended_at < $1 and (state <> 'failed' or ended_at < $2)
         and not exists (select 1 from issues where issues.number = jobs.issue and issues.state <> 'closed')
         and not exists (select 1 from job_members join issues on issues.number = job_members.issue
             where job_members.job = jobs.number and issues.state <> 'closed')
         and not exists (select 1 from conversations where jobs.kind = 'answer_person'
             and conversations.updated_at >= $1
             and jobs.coalescing_key like 'answer_person ' || conversations.number || ' %')
     order by ended_at limit $3",
    ""
);

impl Jobs<'_, Writing<'_>> {
    /// Forgets the jobs that were over before `over_before`, those that were given up only if that was before
    /// `dead_before` too, with their members and what they said; at most 500 at once. Says how many: call again until
    /// there are none.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(
        &mut self,
        over_before: Timestamp,
        dead_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let args = args![over_before, dead_before, PRUNED_AT_ONCE];
        let rows = self.db.all("jobs.prune", OLD, args).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let number = |row: &Row| {
            row.int("number")
                .map_err(|bad| row.named(bad, "jobs", "number").into())
        };
        let numbers = rows
            .iter()
            .map(number)
            .collect::<Result<Vec<i64>, StoreError>>()?;
        let numbers = json_text(&numbers);
        for (table, column) in [
            ("job_output", "job"),
            ("job_members", "job"),
            ("jobs", "number"),
        ] {
            let listed = if self.db.is_postgres() {
                "(select value::bigint from json_array_elements_text($1::json))"
            } else {
                "(select value from json_each($1))"
            };
            let sql = format!("delete from {table} where {column} in {listed}");
            let args = args![numbers.as_str()];
            self.db.execute("jobs.prune", Sql::Built(sql), args).await?;
        }
        Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}
