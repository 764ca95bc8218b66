//! Browsers that are known as a person's, and what makes them known. Secrets come in as their digests: what is kept here
//! opens nothing. Whether the person still has a role is told where they connect.

use watchkeeper_model::{DeviceNumber, Digest, Person, Timestamp};

use crate::access::Writing;
use crate::db::{BadColumn, Conn, Row, args};
use crate::observations::PRUNED_AT_ONCE;
use crate::{Listed, StoreError, counters};

/// A browser that is, or was, known as a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub number: DeviceNumber,
    /// Whose.
    pub person: Person,
    /// What it is called.
    pub label: String,
    /// Since when it is known.
    pub added_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it last decided something.
    pub decided_at: Option<Timestamp>,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
}

impl Device {
    /// Whether it is known now.
    #[must_use]
    pub fn is_known(&self, now: Timestamp) -> bool {
        self.removed_at.is_none() && now < self.expires_at
    }
}

/// A browser before it has a number.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Whose.
    pub person: Person,
    /// What it is called.
    pub label: String,
    /// The digest of what it will show.
    pub secret: Digest,
    /// Since when it is known.
    pub added_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What makes one browser known, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// As whose.
    pub person: Person,
    /// What it is to be called; none: what it says of itself.
    pub label: Option<String>,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// How long it is good.
    pub expires_at: Timestamp,
    /// When a browser used it.
    pub used_at: Option<Timestamp>,
}

fn person(row: &Row) -> Result<Person, BadColumn> {
    let uid = row.int("uid")?;
    Ok(Person {
        name: row.text("person")?,
        uid: u32::try_from(uid).map_err(|error| BadColumn::new("uid", error))?,
    })
}

impl TryFrom<&Row> for Device {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            number: DeviceNumber(row.int("number")?),
            person: person(row)?,
            label: row.text("label")?,
            added_at: row.time("added_at")?,
            expires_at: row.time("expires_at")?,
            decided_at: row.maybe_time("decided_at")?,
            removed_at: row.maybe_time("removed_at")?,
        })
    }
}

impl TryFrom<&Row> for Enrolment {
    type Error = BadColumn;

    fn try_from(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            person: person(row)?,
            label: row.maybe_text("label")?,
            asked_by: row.text("asked_by")?,
            asked_at: row.time("asked_at")?,
            expires_at: row.time("expires_at")?,
            used_at: row.maybe_time("used_at")?,
        })
    }
}

macro_rules! devices {
    ($rest:literal) => {
        concat!(
            "select number, person, uid, label, added_at, expires_at, decided_at, removed_at from devices ",
            $rest
        )
    };
}

/// Devices.
pub struct Devices<'c, A> {
    pub(crate) db: Conn<'c>,
    #[expect(dead_code, reason = "says at compile time whether changes are allowed")]
    pub(crate) access: A,
}

impl<A> Devices<'_, A> {
    /// One device, known or not any more.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn get(&mut self, number: DeviceNumber) -> Result<Option<Device>, StoreError> {
        let sql = devices!("where number = $1");
        let row = self.db.first("devices.get", sql, args![number.0]).await?;
        Ok(row.map(|row| row.read("devices", "number")).transpose()?)
    }

    /// The device that shows this, known or not any more.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn by_secret(&mut self, secret: Digest) -> Result<Option<Device>, StoreError> {
        let sql = devices!("where secret = $1");
        let args = args![secret.to_string()];
        let row = self.db.first("devices.by_secret", sql, args).await?;
        Ok(row.map(|row| row.read("devices", "number")).transpose()?)
    }

    /// The devices that are known now, by person.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn known(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Listed<Device>, StoreError> {
        let sql = devices!(
            "where removed_at is null and expires_at > $1 order by person, number limit $2"
        );
        let args = args![now, i64::from(limit.min(crate::MAX_PAGE))];
        let rows = self.db.all("devices.known", sql, args).await?;
        Ok(Listed::read(&rows, "devices", "number"))
    }

    /// How many devices of a person are known now.
    ///
    /// # Errors
    /// Says why the store cannot be read.
    pub async fn count(&mut self, person: &str, now: Timestamp) -> Result<i64, StoreError> {
        let sql = "select count(*) as count from devices
                   where person = $1 and removed_at is null and expires_at > $2";
        let row = self.db.first("devices.count", sql, args![person, now]);
        match row.await? {
            Some(row) => row
                .int("count")
                .map_err(|bad| row.named(bad, "devices", "count").into()),
            None => Ok(0),
        }
    }

    /// What this token makes known.
    ///
    /// # Errors
    /// Says why the store, or this row, cannot be read.
    pub async fn enrolment(&mut self, token: Digest) -> Result<Option<Enrolment>, StoreError> {
        let sql = "select token, person, uid, label, asked_by, asked_at, expires_at, used_at
                   from enrolments where token = $1";
        let args = args![token.to_string()];
        let row = self.db.first("devices.enrolment", sql, args).await?;
        Ok(row.map(|row| row.read("enrolments", "token")).transpose()?)
    }
}

impl Devices<'_, Writing<'_>> {
    /// Keeps what will make a browser known.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn ask(&mut self, token: Digest, enrolment: &Enrolment) -> Result<(), StoreError> {
        let sql = "insert into enrolments (token, person, uid, label, asked_by, asked_at, expires_at, used_at)
                   values ($1, $2, $3, $4, $5, $6, $7, null)";
        let args = args![
            token.to_string(),
            enrolment.person.name.as_str(),
            i64::from(enrolment.person.uid),
            enrolment.label.clone(),
            enrolment.asked_by.as_str(),
            enrolment.asked_at,
            enrolment.expires_at,
        ];
        self.db.execute("devices.ask", sql, args).await.map(drop)
    }

    /// Uses up what makes a browser known.
    ///
    /// # Errors
    /// It is a conflict when it was used before, or is too old.
    pub async fn use_enrolment(&mut self, token: Digest, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update enrolments set used_at = $1
                   where token = $2 and used_at is null and expires_at > $1";
        let args = args![now, token.to_string()];
        self.db
            .change_one("devices.use_enrolment", sql, args, || {
                "the enrolment".to_owned()
            })
            .await
    }

    /// Makes a browser known, and gives it its number.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn add(&mut self, new: NewDevice) -> Result<Device, StoreError> {
        let device = Device {
            number: DeviceNumber(counters::next(&mut self.db, "device").await?),
            person: new.person,
            label: new.label,
            added_at: new.added_at,
            expires_at: new.expires_at,
            decided_at: None,
            removed_at: None,
        };
        let sql = "insert into devices (number, person, uid, label, secret, added_at, expires_at)
                   values ($1, $2, $3, $4, $5, $6, $7)";
        let args = args![
            device.number.0,
            device.person.name.as_str(),
            i64::from(device.person.uid),
            device.label.as_str(),
            new.secret.to_string(),
            device.added_at,
            device.expires_at,
        ];
        self.db.execute("devices.add", sql, args).await?;
        Ok(device)
    }

    /// Notes that a device has decided something.
    ///
    /// # Errors
    /// It is a conflict when it is not known any more.
    pub async fn has_decided(
        &mut self,
        number: DeviceNumber,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "update devices set decided_at = $1
                   where number = $2 and removed_at is null and expires_at > $1";
        let args = args![now, number.0];
        self.db
            .change_one("devices.has_decided", sql, args, || {
                format!("device {number}")
            })
            .await
    }

    /// Has a device known no longer.
    ///
    /// # Errors
    /// It is a conflict when it is not known any more.
    pub async fn remove(&mut self, number: DeviceNumber, now: Timestamp) -> Result<(), StoreError> {
        let sql = "update devices set removed_at = $1 where number = $2 and removed_at is null";
        let args = args![now, number.0];
        self.db
            .change_one("devices.remove", sql, args, || format!("device {number}"))
            .await
    }

    /// Forgets devices and enrolments that were over before this; a bounded number at a time. Says how many.
    ///
    /// # Errors
    /// Says why the store cannot be changed.
    pub async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let devices = "delete from devices where number in (
                           select number from devices where expires_at < $1 or removed_at < $1 limit $2)";
        let enrolments = "delete from enrolments where token in (
                              select token from enrolments where expires_at < $1 limit $2)";
        let mut gone = 0;
        for sql in [devices, enrolments] {
            let args = args![before, PRUNED_AT_ONCE];
            gone += self.db.execute("devices.prune", sql, args).await?;
        }
        Ok(gone)
    }
}
