//! A job that the lane which has it may not serve: what it is about may not leave for there. It is left to the lanes of
//! other workers.

use watchkeeper_model::{ControllerId, JobNumber, Timestamp};

use super::{Jobs, PutBack};
use crate::StoreError;
use crate::access::Writing;
use crate::db::args;
use crate::lanes::Lanes;

impl<A> Jobs<'_, A> {
    /// The lanes that may have a job; none where any may.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn lanes(&mut self, number: JobNumber) -> Result<Option<Vec<String>>, StoreError> {
        let sql = "select number, lanes from jobs where number = $1";
        let row = self.db.first("jobs.lanes", sql, args![number.0]).await?;
        let text = row.map(|row| {
            row.maybe_text("lanes")
                .map_err(|bad| row.named(bad, "jobs", "number"))
        });
        let text = text.transpose()?.flatten();
        Ok(text.map(|text| {
            let names = text.split('|').filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        }))
    }
}

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
        let mut names = match self.lanes(number).await? {
            Some(names) => names,
            None => {
                let told = Lanes::within(&mut self.db).list().await?;
                told.rows.into_iter().map(|told| told.name).collect()
            }
        };
        names.retain(|name| name != lane);
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
