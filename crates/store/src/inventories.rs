//! Inventories: which watch names which hosts. Controllers whose watch has one name share an inventory; a watch of
//! another name has its own hosts in the same store, and neither disables what the other names.

use std::collections::BTreeSet;
use std::time::Duration;

use watchkeeper_model::{HostName, Timestamp};

use crate::StoreError;
use crate::access::Writing;
use crate::db::args;
use crate::hosts::{HOSTS_PER_STATEMENT, Hosts};
use crate::query::Query;

/// An inventory that no controller has told of for so long is forgotten: its controllers are gone for good, or tell it
/// anew when they are back.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);

impl Hosts<'_, Writing<'_>> {
    /// Takes over the inventory of a watch: new hosts are due at `now`, known ones go on as they were, those that no
    /// watch names any more are disabled, with all that is known of them kept. Says how many were disabled.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn sync(
        &mut self,
        watch: &str,
        inventory: &[HostName],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        // The row is held from here on: controllers that share an inventory tell it one after another.
        self.db
            .execute(
                "hosts.sync",
                "insert into inventories (watch, told_at) values ($1, $2)
                 on conflict (watch) do update set told_at = excluded.told_at",
                args![watch, now],
            )
            .await?;
        self.db
            .execute(
                "hosts.sync",
                "delete from inventories where told_at < $1 and watch <> $2",
                args![now.before(FORGOTTEN_AFTER), watch],
            )
            .await?;
        self.name_hosts(watch, inventory).await?;
        self.db
            .execute(
                "hosts.sync",
                "insert into hosts (name, enabled, listed, next_due, failures)
                 select host, true, 0, $2, 0 from inventory_hosts where watch = $1 on conflict (name) do nothing",
                args![watch, now],
            )
            .await?;
        self.db
            .execute(
                "hosts.sync",
                "update hosts set enabled = $1 where enabled = $2
                     and exists (select 1 from inventory_hosts as i where i.host = hosts.name)",
                args![true, false],
            )
            .await?;
        self.db
            .execute(
                "hosts.sync",
                "update hosts set enabled = $1 where enabled = $2
                     and not exists (select 1 from inventory_hosts as i where i.host = hosts.name)",
                args![false, true],
            )
            .await
    }

    /// Writes down what has changed in the inventory of a watch.
    async fn name_hosts(&mut self, watch: &str, inventory: &[HostName]) -> Result<(), StoreError> {
        let mut known = BTreeSet::new();
        let sql = "select host from inventory_hosts where watch = $1";
        for row in self.db.all("hosts.sync", sql, args![watch]).await? {
            let host = row.text("host");
            known.insert(host.map_err(|bad| row.named(bad, "inventory_hosts", "host"))?);
        }
        let named: BTreeSet<String> = inventory.iter().map(ToString::to_string).collect();
        let gone: Vec<&String> = known.difference(&named).collect();
        for hosts in gone.chunks(HOSTS_PER_STATEMENT) {
            let mut query =
                Query::new("delete from inventory_hosts where watch = $1", args![watch]);
            query.any_of(" and host in", hosts.iter().map(|host| host.as_str()));
            let (sql, args) = query.finish();
            self.db.execute("hosts.sync", sql, args).await?;
        }
        let new: Vec<&String> = named.difference(&known).collect();
        for hosts in new.chunks(HOSTS_PER_STATEMENT) {
            let mut query =
                Query::new("insert into inventory_hosts (watch, host) values ", args![]);
            query.rows(hosts.iter().map(|host| args![watch, host.as_str()]));
            query.push(" on conflict (watch, host) do nothing");
            let (sql, args) = query.finish();
            self.db.execute("hosts.sync", sql, args).await?;
        }
        Ok(())
    }
}
