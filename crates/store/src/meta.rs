//! What the store knows of itself: its id, and small values that belong to the store as a whole.

use crate::StoreError;
use crate::access::Writing;
use crate::db::{Conn, args};

/// Keys and values.
pub struct Meta<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> Meta<'_, A> {
    /// The value of a key.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn get(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        let row = self
            .db
            .first(
                "meta.get",
                "select key, value from meta where key = $1",
                args![key],
            )
            .await?;
        row.map(|row| {
            row.text("value")
                .map_err(|bad| row.named(bad, "meta", "key").into())
        })
        .transpose()
    }

    /// The store's id: random, given when it was made.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn store_id(&mut self) -> Result<String, StoreError> {
        Ok(self.get("store_id").await?.unwrap_or_default())
    }
}

impl Meta<'_, Writing<'_>> {
    /// Sets the value of a key where it is still as it was seen. False where somebody else was quicker.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn swap(
        &mut self,
        key: &str,
        seen: Option<&str>,
        value: &str,
    ) -> Result<bool, StoreError> {
        let changed = match seen {
            Some(seen) => {
                let sql = "update meta set value = $1 where key = $2 and value = $3";
                self.db
                    .execute("meta.swap", sql, args![value, key, seen])
                    .await?
            }
            None => {
                let sql =
                    "insert into meta (key, value) values ($1, $2) on conflict (key) do nothing";
                self.db.execute("meta.swap", sql, args![key, value]).await?
            }
        };
        Ok(changed == 1)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.db
            .execute(
                "meta.set",
                "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
                args![key, value],
            )
            .await
            .map(drop)
    }
}
