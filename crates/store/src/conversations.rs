//! Conversations: what people, models and the watch said to each other, in order. Nothing that was said is changed or
//! taken back; a whole conversation ends after a time. Who may say something, how much, and how long it is kept, is the
//! use cases' to decide.

use watchkeeper_model::{
    ActionNumber, Conversation, ConversationKind, ConversationNumber, HostName, Person, Said,
    Speaker, Timestamp,
};

use crate::access::Writing;
use crate::db::{Arg, BadColumn, Conn, Row, args, json_text};
use crate::observations::PRUNED_AT_ONCE;
use crate::query::{MAX_PAGE, Query};
use crate::{Listed, StoreError, counters};

impl TryFrom<&Row> for Conversation {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: ConversationNumber(row.int("number")?),
            kind: row.parsed("kind")?,
            title: row.text("title")?,
            person: row.json("person")?,
            action: row.maybe_int("action")?.map(ActionNumber),
            hosts: row.json("hosts")?,
            lane: row.maybe_text("lane")?,
            started_at: row.time("started_at")?,
            updated_at: row.time("updated_at")?,
            turns: row.int("turns")?,
            bytes: row.int("bytes")?,
        })
    }
}

impl TryFrom<&Row> for Said {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            seq: row.int("seq")?,
            by: row.parsed("by_whom")?,
            at: row.time("at")?,
            text: row.text("text")?,
            body: row.json("body")?,
        })
    }
}

/// A conversation before it has a number.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// What it is for.
    pub kind: ConversationKind,
    /// What it is called.
    pub title: String,
    /// Whose it is.
    pub person: Person,
    /// The action it is about.
    pub action: Option<ActionNumber>,
    /// The hosts it is about; none: all of them.
    pub hosts: Vec<HostName>,
    /// The lane its person asked for.
    pub lane: Option<String>,
    /// When it begins.
    pub at: Timestamp,
}

/// Something before it has its place in a conversation.
#[derive(Clone, Debug)]
pub struct NewSaid {
    /// Who says it.
    pub by: Speaker,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// Particulars.
    pub body: serde_json::Value,
}

/// What is kept beside a conversation for the next answer in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gist {
    /// The hosts that something in it rests on.
    pub rests_on: Vec<HostName>,
    /// Its older part in short.
    pub summary: Option<Summary>,
}

/// The older part of a conversation, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The place of the last of what it sums up.
    pub through: i64,
    /// In a model's words.
    pub text: String,
}

impl TryFrom<&Row> for Gist {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let summary = row.maybe_text("summary")?;
        Ok(Self {
            rests_on: row.json("rests_on")?,
            summary: match (row.maybe_int("summary_through")?, summary) {
                (Some(through), Some(text)) => Some(Summary { through, text }),
                _ => None,
            },
        })
    }
}

/// Which conversations are wanted; what is none or empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// Of the account of this name.
    pub person: Option<String>,
    /// About this action.
    pub action: Option<ActionNumber>,
    /// For one of these.
    pub kinds: Vec<ConversationKind>,
    /// With a smaller number than this, for the next page.
    pub before: Option<ConversationNumber>,
}

/// What a statement reads of a conversation.
macro_rules! columns {
    () => {
        "number, kind, title, person, action, hosts, lane, started_at, updated_at, turns, bytes"
    };
}

/// Conversations.
pub struct Conversations<'c, A> {
    pub(crate) db: Conn<'c>,
    pub(crate) access: A,
}

impl<A> Conversations<'_, A> {
    /// One conversation.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(
        &mut self,
        number: ConversationNumber,
    ) -> Result<Option<Conversation>, StoreError> {
        let sql = concat!(
            "select ",
            columns!(),
            " from conversations where number = $1"
        );
        self.one("conversations.get", sql, args![number.0]).await
    }

    /// Conversations that fit the filter, the newest first, at most `limit`.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn list(
        &mut self,
        filter: &ConversationFilter,
        limit: u32,
    ) -> Result<Listed<Conversation>, StoreError> {
        let mut query = Query::new(
            concat!("select ", columns!(), " from conversations where true"),
            args![],
        );
        query.filter(" and person_name = ", filter.person.as_deref());
        query.filter(" and action = ", filter.action.map(|number| number.0));
        query.any_of(
            " and kind in",
            filter.kinds.iter().map(|kind| kind.as_str()),
        );
        query.filter(" and number < ", filter.before.map(|number| number.0));
        let (sql, args) = query.page(" order by number desc", limit).finish();
        Ok(Listed::read(
            &self.db.all("conversations.list", sql, args).await?,
            "conversations",
            "number",
        ))
    }

    /// What was said before this place, or at the end where none is named: the last `limit` of it, in order.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn said(
        &mut self,
        number: ConversationNumber,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Listed<Said>, StoreError> {
        let sql =
            "select seq, by_whom, at, text, body from said where conversation = $1 and seq < $2
             order by seq desc limit $3";
        let args = args![
            number.0,
            before.unwrap_or(i64::MAX),
            i64::from(limit.min(MAX_PAGE))
        ];
        let rows = self.db.all("conversations.said", sql, args).await?;
        let mut listed = Listed::read(&rows, "said", "seq");
        listed.rows.reverse();
        Ok(listed)
    }

    /// What was said at one place.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn said_at(
        &mut self,
        number: ConversationNumber,
        seq: i64,
    ) -> Result<Option<Said>, StoreError> {
        let sql =
            "select seq, by_whom, at, text, body from said where conversation = $1 and seq = $2";
        let args = args![number.0, seq];
        let row = self.db.first("conversations.said_at", sql, args).await?;
        Ok(row.map(|row| row.read("said", "seq")).transpose()?)
    }

    /// What is kept beside a conversation.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn gist(&mut self, number: ConversationNumber) -> Result<Option<Gist>, StoreError> {
        let sql = "select number, rests_on, summary, summary_through from conversations where number = $1";
        let args = args![number.0];
        let row = self.db.first("conversations.gist", sql, args).await?;
        Ok(row
            .map(|row| row.read("conversations", "number"))
            .transpose()?)
    }

    async fn one(
        &mut self,
        operation: &'static str,
        sql: &'static str,
        args: Vec<Arg>,
    ) -> Result<Option<Conversation>, StoreError> {
        let row = self.db.first(operation, sql, args).await?;
        Ok(row
            .map(|row| row.read("conversations", "number"))
            .transpose()?)
    }
}

impl Conversations<'_, Writing<'_>> {
    /// Begins a conversation and gives it its number.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn begin(&mut self, new: NewConversation) -> Result<Conversation, StoreError> {
        let conversation = Conversation {
            number: ConversationNumber(counters::next(&mut self.db, "conversation").await?),
            kind: new.kind,
            title: new.title,
            person: new.person,
            action: new.action,
            hosts: new.hosts,
            lane: new.lane,
            started_at: new.at,
            updated_at: new.at,
            turns: 0,
            bytes: 0,
        };
        let sql = "insert into conversations (number, kind, title, person, person_name, action, hosts, lane,
                 started_at, updated_at, turns, bytes, rests_on)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '[]')";
        let args = args![
            conversation.number.0,
            conversation.kind.as_str(),
            conversation.title.as_str(),
            json_text(&conversation.person),
            conversation.person.name.as_str(),
            conversation.action.map(|number| number.0),
            json_text(&conversation.hosts),
            conversation.lane.clone(),
            conversation.started_at,
            conversation.updated_at,
        ];
        self.db.execute("conversations.begin", sql, args).await?;
        Ok(conversation)
    }

    /// One conversation, which nobody else adds to until the transaction ends.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn lock(
        &mut self,
        number: ConversationNumber,
    ) -> Result<Option<Conversation>, StoreError> {
        // An update that changes nothing is a lock on both databases.
        let sql = concat!(
            "update conversations set turns = turns where number = $1 returning ",
            columns!()
        );
        self.one("conversations.lock", sql, args![number.0]).await
    }

    /// Adds what somebody says, in the next place. A text that is too long is refused: cutting is the caller's.
    ///
    /// # Errors
    /// It is a conflict where there is no such conversation; refuses what is too large.
    pub async fn say(
        &mut self,
        number: ConversationNumber,
        new: NewSaid,
    ) -> Result<Said, StoreError> {
        let body = json_text(&new.body);
        let bytes = new.text.len().max(body.len());
        if bytes > Said::MAX_BYTES {
            let (what, limit) = ("what was said", Said::MAX_BYTES);
            return Err(StoreError::TooLarge { what, bytes, limit });
        }
        self.access.pending.wake();
        let said = i64::try_from(new.text.len()).unwrap_or(i64::MAX);
        let sql = "update conversations set turns = turns + 1, bytes = bytes + $1,
                 updated_at = case when updated_at > $2 then updated_at else $2 end
             where number = $3 returning number, turns";
        let args = args![said, new.at, number.0];
        let row = self.db.first("conversations.say", sql, args).await?;
        let row = row.ok_or_else(|| StoreError::Conflict {
            what: format!("conversation {number}"),
        })?;
        let seq = row
            .int("turns")
            .map_err(|bad| row.named(bad, "conversations", "number"))?;
        let sql = "insert into said (conversation, seq, by_whom, at, text, body) values ($1, $2, $3, $4, $5, $6)";
        let args = args![
            number.0,
            seq,
            new.by.as_str(),
            new.at,
            new.text.as_str(),
            body
        ];
        self.db.execute("conversations.say", sql, args).await?;
        let NewSaid { by, at, text, body } = new;
        Ok(Said {
            seq,
            by,
            at,
            text,
            body,
        })
    }

    /// Names a conversation.
    ///
    /// # Errors
    /// It is a conflict where there is no such conversation.
    pub async fn entitle(
        &mut self,
        number: ConversationNumber,
        title: &str,
    ) -> Result<(), StoreError> {
        let sql = "update conversations set title = $1 where number = $2";
        self.db
            .change_one("conversations.entitle", sql, args![title, number.0], || {
                format!("conversation {number}")
            })
            .await
    }

    /// Sets what the conversation is about and who answers it, from now on.
    ///
    /// # Errors
    /// It is a conflict where there is no such conversation.
    pub async fn aim(
        &mut self,
        number: ConversationNumber,
        hosts: &[HostName],
        lane: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "update conversations set hosts = $1, lane = $2 where number = $3";
        let args = args![json_text(&hosts), lane.map(str::to_owned), number.0];
        self.db
            .change_one("conversations.aim", sql, args, || {
                format!("conversation {number}")
            })
            .await
    }

    /// Keeps what the next answer in it needs, in the place of what was kept.
    ///
    /// # Errors
    /// It is a conflict where there is no such conversation; refuses a summary that is too large.
    pub async fn keep_gist(
        &mut self,
        number: ConversationNumber,
        gist: &Gist,
    ) -> Result<(), StoreError> {
        let summary = gist.summary.as_ref();
        let bytes = summary.map_or(0, |summary| summary.text.len());
        if bytes > Said::MAX_BYTES {
            let (what, limit) = ("a summary", Said::MAX_BYTES);
            return Err(StoreError::TooLarge { what, bytes, limit });
        }
        let sql = "update conversations set rests_on = $1, summary = $2, summary_through = $3 where number = $4";
        let args = args![
            json_text(&gist.rests_on),
            summary.map(|summary| summary.text.clone()),
            summary.map(|summary| summary.through),
            number.0,
        ];
        self.db
            .change_one("conversations.keep_gist", sql, args, || {
                format!("conversation {number}")
            })
            .await
    }

    /// Removes conversations in which nothing was said since then, with what was said and looked at in them, but for those
    /// about an action that is not over. At most so many as one transaction carries; says how many.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "select number from conversations where updated_at < $1
                 and not exists (select 1 from actions where actions.number = conversations.action
                     and actions.state in ('held', 'approved', 'running', 'verifying'))
             order by updated_at limit $2";
        let args = args![before, PRUNED_AT_ONCE];
        let rows = self.db.all("conversations.prune", sql, args).await?;
        let mut removed = 0;
        for row in &rows {
            let number = row
                .int("number")
                .map_err(|bad| row.named(bad, "conversations", "number"))?;
            let owner = format!("conversation {number}");
            let said = "delete from said where conversation = $1";
            self.db
                .execute("conversations.prune", said, args![number])
                .await?;
            let looks = "delete from looked_at where owner = $1";
            self.db
                .execute("conversations.prune", looks, args![owner.as_str()])
                .await?;
            let whole = "delete from conversations where number = $1";
            removed += self
                .db
                .execute("conversations.prune", whole, args![number])
                .await?;
        }
        Ok(removed)
    }
}
