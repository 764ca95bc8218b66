//! Links that a message carries: each leads one person to one revision of one action, and is good for one decision. What
//! is kept is the digest of a link, never the link. That a decision uses its link in the same transaction is the caller's
//! to see to.

use watchkeeper_model::{ActionNumber, DeviceNumber, Digest, Revision, Timestamp};

use crate::StoreError;
use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::observations::PRUNED_AT_ONCE;

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The digest of its token.
    pub token: Digest,
    /// To which action.
    pub action: ActionNumber,
    /// To which revision of it.
    pub revision: Revision,
    /// With which digest.
    pub digest: Digest,
    /// For whom, by the account's name.
    pub person: String,
    /// What carried it.
    pub channel: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How long it is good.
    pub expires_at: Timestamp,
    /// Whether a newer one for the same decision of the same person by the same channel has ended it.
    pub replaced: bool,
    /// What came of it.
    pub used: Option<LinkUse>,
}

/// The one decision that was made on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkUse {
    /// When.
    pub at: Timestamp,
    /// On which device.
    pub by: DeviceNumber,
    /// Which decision, as a word.
    pub decision: String,
}

impl TryFrom<&Row> for Link {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        let used = match row.maybe_time("used_at")? {
            Some(at) => Some(LinkUse {
                at,
                by: DeviceNumber(row.int("used_by")?),
                decision: row.text("used_for")?,
            }),
            None => None,
        };
        Ok(Self {
            token: row.parsed("token")?,
            action: ActionNumber(row.int("action")?),
            revision: Revision(row.int("revision")?),
            digest: row.parsed("digest")?,
            person: row.text("person")?,
            channel: row.text("channel")?,
            made_at: row.time("made_at")?,
            expires_at: row.time("expires_at")?,
            replaced: row.int("newer")? > 0,
            used,
        })
    }
}

/// Links.
pub struct Links<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> Links<'_, A> {
    /// The link of this token.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, token: Digest) -> Result<Option<Link>, StoreError> {
        // One that was ended by a newer one ends at the very moment at which that was made.
        let sql = "select token, action, revision, digest, person, channel, made_at, expires_at, used_at, used_by, used_for,
                       (select count(*) from links n
                        where n.action = l.action and n.revision = l.revision and n.person = l.person
                            and n.channel = l.channel and n.made_at = l.expires_at and n.token <> l.token) as newer
                   from links l where token = $1";
        let args = args![token.to_string()];
        let row = self.db.first("links.get", sql, args).await?;
        Ok(row.map(|row| row.read("links", "token")).transpose()?)
    }
}

impl Links<'_, Writing<'_>> {
    /// Keeps a new link. Those that the same person has for the same decision from the same channel end with it, so that
    /// of all tries to send a message one link is good.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn make(&mut self, link: &Link) -> Result<(), StoreError> {
        let before = "update links set expires_at = $1
                      where action = $2 and revision = $3 and person = $4 and channel = $5
                          and used_at is null and expires_at > $1";
        let args = args![
            link.made_at,
            link.action.0,
            link.revision.0,
            link.person.as_str(),
            link.channel.as_str(),
        ];
        self.db.execute("links.end_before", before, args).await?;
        let sql = "insert into links (token, action, revision, digest, person, channel, made_at, expires_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let args = args![
            link.token.to_string(),
            link.action.0,
            link.revision.0,
            link.digest.to_string(),
            link.person.as_str(),
            link.channel.as_str(),
            link.made_at,
            link.expires_at,
        ];
        self.db.execute("links.make", sql, args).await.map(drop)
    }

    /// Uses a link up for a decision.
    ///
    /// # Errors
    /// It is a conflict when it was used before, or is too old.
    pub async fn use_up(&mut self, token: Digest, used: &LinkUse) -> Result<(), StoreError> {
        let sql = "update links set used_at = $1, used_by = $2, used_for = $3
                   where token = $4 and used_at is null and expires_at > $1";
        let args = args![
            used.at,
            used.by.0,
            used.decision.as_str(),
            token.to_string()
        ];
        self.db
            .change_one("links.use_up", sql, args, || "the link".to_owned())
            .await
    }

    /// Remembers the form that a device was handed on a link, in the place of one before.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn hand_form(
        &mut self,
        link: Digest,
        device: DeviceNumber,
        form: Digest,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "insert into link_forms (link, device, form, expires_at) values ($1, $2, $3, $4)
                   on conflict (link, device) do update set form = excluded.form, expires_at = excluded.expires_at";
        let args = args![link.to_string(), device.0, form.to_string(), expires_at];
        self.db
            .execute("links.hand_form", sql, args)
            .await
            .map(drop)
    }

    /// Takes back the form that a device was handed on a link: it counts once.
    ///
    /// # Errors
    /// It is a conflict when this device was not handed this form, or too long ago.
    pub async fn take_form(
        &mut self,
        link: Digest,
        device: DeviceNumber,
        form: Digest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "delete from link_forms where link = $1 and device = $2 and form = $3 and expires_at > $4";
        let args = args![link.to_string(), device.0, form.to_string(), now];
        self.db
            .change_one("links.take_form", sql, args, || "the form".to_owned())
            .await
    }

    /// Forgets links that were over before this, with their forms; a bounded number at a time. Says how many.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "delete from links where token in (select token from links where expires_at < $1 limit $2)";
        let args = args![before, PRUNED_AT_ONCE];
        self.db.execute("links.prune", sql, args).await
    }
}
