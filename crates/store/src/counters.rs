//! Numbers given once. A number is taken in the transaction that uses it, so one that is rolled back is given again
//! to nobody who could have seen it, and none is left out.

use crate::StoreError;
use crate::db::{Conn, args};

/// Takes the next number of a counter.
pub(crate) async fn next(db: &mut Conn<'_>, name: &'static str) -> Result<i64, StoreError> {
    let row = db
        .first(
            "counters.next",
            "update counters set next = next + 1 where name = $1 returning next - 1 as number",
            args![name],
        )
        .await?
        .ok_or_else(|| StoreError::Conflict {
            what: format!("the counter {name}"),
        })?;
    row.int("number")
        .map_err(|bad| row.named(bad, "counters", "name").into())
}
