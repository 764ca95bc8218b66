//! A job that the lane which has it may not serve: what it is about may not leave for there. It is left to the lanes of
//! other workers.

use watchkeeper_model::{ControllerId, JobNumber, Timestamp};

use super::{Jobs, PutBack};
use crate::StoreError;
use crate::access::Writing;
use crate::db::args;
use crate::lanes::Lanes;

impl Jobs<'_, Writing<'_>> {
    /// Gives a job back that its lane may not serve, for the other lanes that were told of and may have it; the try does
    /// not count. False, and nothing is changed, where there is no other.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost or the job cancelled.
    pub async fn leave_to_others(
        &mut self,
        number: JobNumber,
        worker: &ControllerId,
        lane: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "select number, lanes from jobs where number = $1";
        let row = self
            .db
            .first("jobs.leave_to_others", sql, args![number.0])
            .await?;
        let text = row.map(|row| {
            row.maybe_text("lanes")
                .map_err(|bad| row.named(bad, "jobs", "number"))
        });
        let text = text.transpose()?.flatten();
        let mut names: Vec<String> = match &text {
            Some(text) => text.split('|').map(str::to_owned).collect(),
            None => {
                let told = Lanes::within(&mut self.db).list().await?;
                told.rows.into_iter().map(|told| told.name).collect()
            }
        };
        names.retain(|name| !name.is_empty() && name != lane);
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Ok(false);
        }
        self.put_back(number, worker, at, PutBack::Stopped).await?;
        let sql = "update jobs set lanes = $1 where number = $2";
        let args = args![format!("|{}|", names.join("|")), number.0];
        self.db.execute("jobs.leave_to_others", sql, args).await?;
        Ok(true)
    }
}
