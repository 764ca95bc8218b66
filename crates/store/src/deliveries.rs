//! Deliveries: one message to one channel each, with the notices that it tells of. What notices are, and when something
//! is due or given up, is for those who make them; here it is kept that a delivery is sent by who has its channel leased,
//! and that what is being sent takes in nothing more.

use std::time::Duration;

use watchkeeper_model::{ControllerId, DeliveryNumber, DeliveryState, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args, json_text};
use crate::observations::PRUNED_AT_ONCE;
use crate::query::{MAX_PAGE, Query};
use crate::{Listed, StoreError, counters};

/// What was made so much later than it is now was made by a clock that has been set back since: it counts as due.
const CLOCK_SLACK: Duration = Duration::from_secs(120);

/// One message to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub number: DeliveryNumber,
    /// What its receiver can tell a second copy by.
    pub id: String,
    /// To which channel.
    pub channel: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// What notices have in common that go into one message.
    pub key: String,
    /// How much it asks for, as a word.
    pub urgency: String,
    /// Whether it goes out as it is.
    pub alone: bool,
    /// The number that a person gave it.
    pub priority: Option<i64>,
    /// The notices.
    pub notices: serde_json::Value,
    /// Notices that it knows by their number only.
    pub more: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it may be sent.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it was not sent at the last try.
    pub error: Option<String>,
    /// When it was sent, given up or folded.
    pub ended_at: Option<Timestamp>,
    /// The delivery that tells of it.
    pub folded_into: Option<DeliveryNumber>,
}

impl TryFrom<&Row> for Delivery {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: DeliveryNumber(row.int("number")?),
            id: row.text("id")?,
            channel: row.text("channel")?,
            state: row.parsed("state")?,
            key: row.text("key")?,
            urgency: row.text("urgency")?,
            alone: row.int("alone")? != 0,
            priority: row.maybe_int("priority")?,
            notices: row.json("notices")?,
            more: row.int("more")?,
            made_at: row.time("made_at")?,
            due_at: row.time("due_at")?,
            attempts: row.int("attempts")?,
            error: row.maybe_text("error")?,
            ended_at: row.maybe_time("ended_at")?,
            folded_into: row.maybe_int("folded_into")?.map(DeliveryNumber),
        })
    }
}

/// A delivery before it has a number.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// What its receiver can tell a second copy by.
    pub id: String,
    /// To which channel.
    pub channel: String,
    /// What notices have in common that go into one message.
    pub key: String,
    /// How much it asks for, as a word.
    pub urgency: String,
    /// Whether it goes out as it is.
    pub alone: bool,
    /// The number that a person gave it.
    pub priority: Option<i64>,
    /// The notices.
    pub notices: serde_json::Value,
    /// Notices that it knows by their number only.
    pub more: i64,
    /// When it is made.
    pub made_at: Timestamp,
    /// When it may be sent.
    pub due_at: Timestamp,
}

/// Which deliveries are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// To this channel.
    pub channel: Option<String>,
    /// In one of these states.
    pub states: Vec<DeliveryState>,
    /// With a smaller number than this, for the next page.
    pub before: Option<DeliveryNumber>,
}

/// Deliveries.
pub struct Deliveries<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

/// What a statement reads of a delivery.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select number, id, channel, state, key, urgency, alone, priority, notices, more, made_at, due_at, attempts,
                 error, ended_at, folded_into
             from deliveries ",
            $rest
        )
    };
}

impl<A> Deliveries<'_, A> {
    /// One delivery.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, number: DeliveryNumber) -> Result<Option<Delivery>, StoreError> {
        let sql = select!("where number = $1");
        let row = self
            .db
            .first("deliveries.get", sql, args![number.0])
            .await?;
        Ok(row
            .map(|row| row.read("deliveries", "number"))
            .transpose()?)
    }

    /// Deliveries that fit the filter, the newest first.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Listed<Delivery>, StoreError> {
        let mut query = Query::new(select!("where true"), args![]);
        query.filter(" and channel = ", filter.channel.as_deref());
        query.any_of(
            " and state in",
            filter.states.iter().map(|state| state.as_str()),
        );
        query.filter(" and number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by number desc", limit).finish();
        let rows = self.db.all("deliveries.list", sql, args).await?;
        Ok(Listed::read(&rows, "deliveries", "number"))
    }

    /// Whether a channel is to be sent something by now; with `only_critical`, something critical.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn is_due(
        &mut self,
        channel: &str,
        now: Timestamp,
        only_critical: bool,
    ) -> Result<bool, StoreError> {
        let sql = "select number from deliveries
             where state = 'queued' and channel = $1 and (due_at <= $2 or made_at > $3) and (urgency = 'critical' or $4 = 0)
             limit 1";
        let args = args![
            channel,
            now,
            now.after(CLOCK_SLACK),
            i64::from(only_critical)
        ];
        let row = self.db.first("deliveries.is_due", sql, args).await?;
        Ok(row.is_some())
    }

    /// What a channel is to be sent by now, the most urgent first, then the oldest: what is critical is among it, however
    /// much else waits.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn due(
        &mut self,
        channel: &str,
        now: Timestamp,
        only_critical: bool,
    ) -> Result<Listed<Delivery>, StoreError> {
        let sql = select!(
            "where state = 'queued' and channel = $1 and (due_at <= $2 or made_at > $3) and (urgency = 'critical' or $4 = 0)
             order by case urgency when 'critical' then 0 when 'attention' then 1 else 2 end, number limit $5"
        );
        let args = args![
            channel,
            now,
            now.after(CLOCK_SLACK),
            i64::from(only_critical),
            i64::from(MAX_PAGE)
        ];
        let rows = self.db.all("deliveries.due", sql, args).await?;
        Ok(Listed::read(&rows, "deliveries", "number"))
    }

    /// The newest delivery of a channel about a key.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn last_of_key(
        &mut self,
        channel: &str,
        key: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let sql = select!("where channel = $1 and key = $2 order by number desc limit 1");
        let row = self
            .db
            .first("deliveries.last_of_key", sql, args![channel, key])
            .await?;
        Ok(row
            .map(|row| row.read("deliveries", "number"))
            .transpose()?)
    }

    /// How many wait and how many were given up, by channel. What was sent is not counted: that is most of the table.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn unsent(&mut self) -> Result<Vec<(String, DeliveryState, i64)>, StoreError> {
        let sql = "select channel, state, count(*) as count from deliveries where state = 'dead' group by channel, state
             union all
             select channel, state, count(*) as count from deliveries where state = 'queued' group by channel, state
             order by channel, state";
        let rows = self.db.all("deliveries.unsent", sql, args![]).await?;
        let read = |row: &Row| {
            Ok((
                row.text("channel")?,
                row.parsed("state")?,
                row.int("count")?,
            ))
        };
        rows.iter()
            .map(|row| read(row).map_err(|bad| row.named(bad, "deliveries", "channel").into()))
            .collect()
    }

    /// How many a channel has taken within a time. What was sent by a clock that was ahead is not among them.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn sent_between(
        &mut self,
        channel: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = "select count(*) as count from deliveries
             where channel = $1 and state = 'sent' and ended_at > $2 and ended_at <= $3";
        let row = self
            .db
            .first("deliveries.sent", sql, args![channel, since, until])
            .await?;
        row.map_or(Ok(0), |row| {
            row.int("count")
                .map_err(|bad| row.named(bad, "deliveries", "count").into())
        })
    }
}

impl Deliveries<'_, Writing<'_>> {
    /// Makes one that waits.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn make(&mut self, new: &NewDelivery) -> Result<DeliveryNumber, StoreError> {
        let number = counters::next(&mut self.db, "delivery").await?;
        let sql = "insert into deliveries (number, id, channel, state, key, urgency, alone, priority, notices, more, made_at,
                 due_at, attempts)
             values ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, $11, 0)";
        let args = args![
            number,
            new.id.as_str(),
            new.channel.as_str(),
            new.key.as_str(),
            new.urgency.as_str(),
            i64::from(new.alone),
            new.priority,
            json_text(&new.notices),
            new.more,
            new.made_at,
            new.due_at,
        ];
        self.db.execute("deliveries.make", sql, args).await?;
        Ok(DeliveryNumber(number))
    }

    /// Has a delivery that nobody has tried yet tell of more. False where somebody has it, or has changed it meanwhile.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn extend(
        &mut self,
        seen: &Delivery,
        notices: &serde_json::Value,
        more: i64,
        urgency: &str,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set notices = $1, more = $2, urgency = $3, due_at = $4
             where number = $5 and state = 'queued' and attempts = 0 and notices = $6 and more = $7";
        let args = args![
            json_text(notices),
            more,
            urgency,
            due_at,
            seen.number.0,
            json_text(&seen.notices),
            seen.more,
        ];
        Ok(self.db.execute("deliveries.extend", sql, args).await? == 1)
    }

    /// Counts a try, for who has the channel leased. False where it is no longer theirs to send.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn begin_try(
        &mut self,
        number: DeliveryNumber,
        by: &ControllerId,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set attempts = attempts + 1
             where number = $1 and state = 'queued'
                 and exists (select 1 from channels where name = deliveries.channel and leased_by = $2)";
        let begun = self
            .db
            .execute("deliveries.begin_try", sql, args![number.0, by.as_str()]);
        Ok(begun.await? == 1)
    }

    /// Its channel has taken it. False where it was no longer waiting.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn sent(
        &mut self,
        number: DeliveryNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set state = 'sent', ended_at = $1, error = null where number = $2 and state = 'queued'";
        let sent = self.db.execute("deliveries.sent", sql, args![at, number.0]);
        Ok(sent.await? == 1)
    }

    /// A try failed; it waits on.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn try_failed(
        &mut self,
        number: DeliveryNumber,
        error: &str,
    ) -> Result<(), StoreError> {
        let sql = "update deliveries set error = $1 where number = $2 and state = 'queued'";
        self.db
            .execute("deliveries.try_failed", sql, args![error, number.0])
            .await
            .map(drop)
    }

    /// Gives one up. False where it was no longer waiting.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn give_up(
        &mut self,
        number: DeliveryNumber,
        error: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set state = 'dead', ended_at = $1, error = $2 where number = $3 and state = 'queued'";
        let given_up = self
            .db
            .execute("deliveries.give_up", sql, args![at, error, number.0]);
        Ok(given_up.await? == 1)
    }

    /// Another one tells of it. False where it was no longer waiting.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn fold(
        &mut self,
        number: DeliveryNumber,
        into: DeliveryNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set state = 'folded', ended_at = $1, folded_into = $2
             where number = $3 and state = 'queued'";
        let folded = self
            .db
            .execute("deliveries.fold", sql, args![at, into.0, number.0]);
        Ok(folded.await? == 1)
    }

    /// Ends one of which nothing holds any more, so that it is not sent. False where it was no longer waiting.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn drop_unsent(
        &mut self,
        number: DeliveryNumber,
        why: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set state = 'folded', ended_at = $1, error = $2 where number = $3 and state = 'queued'";
        let dropped = self
            .db
            .execute("deliveries.drop_unsent", sql, args![at, why, number.0]);
        Ok(dropped.await? == 1)
    }

    /// Has one that was given up wait again, now. False where it was not given up.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn retry(
        &mut self,
        number: DeliveryNumber,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "update deliveries set state = 'queued', ended_at = null, made_at = $1, due_at = $1, attempts = 0, error = null
             where number = $2 and state = 'dead'";
        let retried = self
            .db
            .execute("deliveries.retry", sql, args![now, number.0]);
        Ok(retried.await? == 1)
    }

    /// Removes some of those that ended before then, and of those that were given up before another time.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(
        &mut self,
        before: Timestamp,
        given_up_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let sql = "delete from deliveries where number in (
                 select number from deliveries
                 where (ended_at < $1 and state <> 'dead') or (ended_at < $2 and state = 'dead') limit $3)";
        let args = args![before, given_up_before, PRUNED_AT_ONCE];
        self.db.execute("deliveries.prune", sql, args).await
    }
}
