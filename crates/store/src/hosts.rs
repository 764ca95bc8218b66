//! The watch over hosts: when each is due, who is looking at it, and how its last look went. A look is a lease, so
//! that several controllers share the fleet and a lost one holds nothing up for long.

use std::time::Duration;

use watchkeeper_model::{ControllerId, HostName, LookFailure, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args, json_text, skip_locked};
use crate::query::Query;
use crate::{Listed, StoreError};

/// A time during which a row belongs to one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub by: ControllerId,
    /// Until when.
    pub until: Timestamp,
}

impl Lease {
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, BadColumn> {
        let by = row.maybe_parsed("lease_by")?;
        Ok(by
            .zip(row.maybe_time("lease_until")?)
            .map(|(by, until)| Self { by, until }))
    }
}

/// How a host is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedHost {
    /// Which.
    pub host: HostName,
    /// Whether an inventory names it.
    pub enabled: bool,
    /// When it is to be looked at next.
    pub next_due: Timestamp,
    /// Who is looking.
    pub lease: Option<Lease>,
    /// When a look last ended.
    pub looked_at: Option<Timestamp>,
    /// Why that look returned nothing; none when it returned something.
    pub failure: Option<LookFailure>,
    /// How many looks in a row returned nothing.
    pub failures: i64,
}

impl TryFrom<&Row> for WatchedHost {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            host: row.parsed("name")?,
            enabled: row.flag("enabled")?,
            next_due: row.time("next_due")?,
            lease: Lease::read(row)?,
            looked_at: row.maybe_time("looked_at")?,
            failure: row.maybe_json("failure")?,
            failures: row.int("failures")?,
        })
    }
}

/// The hosts that are watched.
pub struct Hosts<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

/// Which hosts are due, as who claims them sees it.
#[derive(Clone, Copy, Debug)]
pub struct DueHosts<'a> {
    /// Whose inventory.
    pub watch: &'a str,
    /// What time it is.
    pub now: Timestamp,
    /// No host is due later than this. One that says so was told so when a clock was wrong: it is due now.
    pub latest: Timestamp,
    /// For how long they are leased. No lease lasts longer either.
    pub lease: Duration,
    /// At most so many.
    pub limit: u32,
}

/// How far the clocks of controllers may lie apart until what one of them wrote down is not believed.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_secs(600);

/// Hosts written by one statement.
pub(crate) const HOSTS_PER_STATEMENT: usize = 500;

impl<A> Hosts<'_, A> {
    /// One host.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, host: &HostName) -> Result<Option<WatchedHost>, StoreError> {
        let row = self
            .db
            .first(
                "hosts.get",
                "select name, enabled, next_due, lease_by, lease_until, looked_at, failure, failures from hosts
                 where name = $1",
                args![host],
            )
            .await?;
        Ok(row.map(|row| row.read("hosts", "name")).transpose()?)
    }

    /// Hosts by name, after `after`; also those that no inventory names any more.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        after: Option<&HostName>,
        limit: u32,
    ) -> Result<Listed<WatchedHost>, StoreError> {
        let mut query = Query::new(
            "select name, enabled, next_due, lease_by, lease_until, looked_at, failure, failures from hosts
             where true",
            args![],
        );
        query.filter(" and name > ", after);
        let (sql, args) = query.page(" order by name", limit).finish();
        Ok(Listed::read(
            &self.db.all("hosts.list", sql, args).await?,
            "hosts",
            "name",
        ))
    }

    /// When the next host of this watch is due that nobody looks at.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn next_due(&mut self, watch: &str) -> Result<Option<Timestamp>, StoreError> {
        let row = self
            .db
            .first(
                "hosts.next_due",
                "select min(case when lease_until > next_due then lease_until else next_due end) as due from hosts
                 where enabled = $1
                     and exists (select 1 from inventory_hosts as i where i.watch = $2 and i.host = hosts.name)",
                args![true, watch],
            )
            .await?;
        let due = row.map(|row| {
            row.maybe_time("due")
                .map_err(|bad| row.named(bad, "hosts", "due"))
        });
        Ok(due.transpose()?.flatten())
    }
}

impl Hosts<'_, Writing<'_>> {
    /// Leases one host, due or not. False when somebody is looking at it, or it is not known.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn claim(
        &mut self,
        host: &HostName,
        controller: &ControllerId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let claimed = self
            .db
            .execute(
                "hosts.claim",
                "update hosts set lease_by = $1, lease_until = $2
                 where name = $3 and (lease_until is null or lease_until <= $4)",
                args![controller.as_str(), now.after(lease), host, now],
            )
            .await?;
        Ok(claimed == 1)
    }

    /// Leases those of these hosts that nobody looks at, due or not, and says which.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn claim_all(
        &mut self,
        hosts: &[&HostName],
        controller: &ControllerId,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<HostName>, StoreError> {
        let mut claimed = Vec::with_capacity(hosts.len());
        for some in hosts.chunks(HOSTS_PER_STATEMENT) {
            let mut query = Query::new(
                "update hosts set lease_by = $1, lease_until = $2 where (lease_until is null or lease_until <= $3)",
                args![controller.as_str(), now.after(lease), now],
            );
            query.any_of(" and name in", some.iter().map(|host| host.as_str()));
            query.push(" returning name");
            let (sql, args) = query.finish();
            for row in &self.db.all("hosts.claim_all", sql, args).await? {
                let name = row
                    .parsed("name")
                    .map_err(|bad| row.named(bad, "hosts", "name"))?;
                claimed.push(name);
            }
        }
        Ok(claimed)
    }

    /// Leases the hosts of a watch that are due and that nobody looks at, most overdue first.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn claim_due(
        &mut self,
        controller: &ControllerId,
        due: &DueHosts<'_>,
    ) -> Result<Listed<WatchedHost>, StoreError> {
        let sql = skip_locked!(
            "update hosts set lease_by = $1, lease_until = $2 where name in (
                 select name from hosts
                 where (next_due <= $3 or next_due > $7) and enabled = $4
                     and (lease_until is null or lease_until <= $3 or lease_until > $8)
                     and exists (select 1 from inventory_hosts as i where i.watch = $6 and i.host = hosts.name)
                 order by next_due, name limit $5",
            ") returning name, enabled, next_due, lease_by, lease_until, looked_at, failure, failures"
        );
        let args = args![
            controller.as_str(),
            due.now.after(due.lease),
            due.now,
            true,
            i64::from(due.limit),
            due.watch,
            due.latest.after(CLOCK_SLACK),
            due.now.after(due.lease).after(CLOCK_SLACK)
        ];
        let mut claimed: Listed<WatchedHost> = Listed::read(
            &self.db.all("hosts.claim_due", sql, args).await?,
            "hosts",
            "name",
        );
        claimed
            .rows
            .sort_by(|a, b| (a.next_due, &a.host).cmp(&(b.next_due, &b.host)));
        Ok(claimed)
    }

    /// Has a host looked at as soon as somebody can.
    ///
    /// # Errors
    /// A host that is not known is a conflict.
    pub async fn make_due(&mut self, host: &HostName, now: Timestamp) -> Result<(), StoreError> {
        self.access.pending.wake();
        let sql = "update hosts set next_due = $1 where name = $2";
        self.db
            .change_one("hosts.make_due", sql, args![now, host], || {
                format!("host {host}")
            })
            .await
    }

    /// Gives the lease back without a look; nothing happens where it is another's by now.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn give_back(
        &mut self,
        host: &HostName,
        controller: &ControllerId,
    ) -> Result<(), StoreError> {
        self.db
            .execute(
                "hosts.give_back",
                "update hosts set lease_by = null, lease_until = null where name = $1 and lease_by = $2",
                args![host, controller.as_str()],
            )
            .await
            .map(drop)
    }

    /// Ends every lease, for who has the store alone: whoever made them is gone. Says how many there were.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn end_leases(&mut self) -> Result<u64, StoreError> {
        self.db
            .execute(
                "hosts.end_leases",
                "update hosts set lease_by = null, lease_until = null where lease_by is not null",
                args![],
            )
            .await
    }

    /// Records how a look ended and gives the lease back.
    ///
    /// # Errors
    /// It is a conflict when the lease was lost meanwhile: somebody else may have looked since.
    pub async fn finish_look(
        &mut self,
        host: &HostName,
        controller: &ControllerId,
        at: Timestamp,
        outcome: Result<(), &LookFailure>,
        next_due: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = outcome.is_err();
        let failure = outcome.err().map(json_text);
        self.db
            .change_one(
                "hosts.finish_look",
                "update hosts set lease_by = null, lease_until = null, looked_at = $1, failure = $2,
                     failures = case when $3 then failures + 1 else 0 end, next_due = $4
                 where name = $5 and lease_by = $6",
                args![at, failure, failed, next_due, host, controller.as_str()],
                || format!("the look at {host}"),
            )
            .await
    }
}
