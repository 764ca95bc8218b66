//! Restoring: into an empty store, all or nothing, and compared with the backup before it counts.

use std::io::Read;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use watchkeeper_model::{About, Action, ActionNumber, ActionState, Actor, LogRecord, Timestamp};

use super::archive::{self, Piece, finished};
use super::chain::{Chain, LOG};
use super::tables::{Table, quoted, tables};
use super::write::endless;
use super::{BackupError, BackupFile, Manifest, TableLine, rows};
use crate::db::{Conn, Sql, args};
use crate::{ActionFilter, MAX_PAGE, Store, StoreError, Tx, Verification, migrations};

/// Tables in which a store that nobody has used yet has no row.
const EMPTY: [&str; 8] = [
    LOG,
    "hosts",
    "observations",
    "issues",
    "actions",
    "jobs",
    "entries",
    "conversations",
];
/// What is good once and for a short time: it may have been used since the backup was taken.
const GOOD_ONCE: [&str; 3] = ["link_forms", "links", "enrolments"];
/// Why an action that was approved is not run after a restore.
const VOID: &str =
    "it was approved before the store was restored from a backup, and may have been run since";
/// What people are told the numbers of, and decide by.
const NUMBERED: [&str; 5] = ["action", "issue", "conversation", "entry", "device"];
/// So many numbers are left out for each day that has begun since the backup was taken: those that were given out
/// after it must not come to mean something else.
const NUMBERS_A_DAY: i64 = 1_000;
/// Days that are counted at most.
const MAX_DAYS: i64 = 3_650;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// How many actions were approved, wholly or in part, and are not any more.
    pub stale: usize,
    /// How many numbers are left out.
    pub numbers_left_out: i64,
    /// How many browsers are known, those included that were removed after the backup was taken.
    pub devices: i64,
    /// The files that came with it.
    pub files: Vec<BackupFile>,
}

impl Store {
    /// Reads a backup to its end and verifies everything that can be without a store: digests, counts, the log's chain.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn verify_backup(input: impl Read) -> Result<Manifest, BackupError> {
        let mut chain = Chain::new();
        let manifest = archive::read(input, async |piece| match piece {
            Piece::Lines { table: LOG, lines } => chain.follow(lines),
            _ => Ok(()),
        })
        .await?;
        chain.ends_at(manifest.log)?;
        Ok(manifest)
    }

    /// Fills this store, which was opened by [`Store::open_untouched`] and must be empty, from a backup. The log tells of
    /// it as done by `by`.
    ///
    /// # Errors
    /// Says why not; nothing was changed then.
    pub async fn restore(
        &self,
        input: impl Read,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Restored, BackupError> {
        let mut tx = self.begin().await?;
        endless(&mut tx.parts().0).await?;
        migrations::lock(&mut tx.parts().0).await?;
        let mut files = Vec::new();
        let mut ground: Vec<Table> = Vec::new();
        let manifest = archive::read(input, async |piece| {
            match piece {
                Piece::Heading(heading) => {
                    let mut db = tx.parts().0;
                    ground = make_ground(&mut db, heading.schema).await?;
                    let names = ground.iter().map(|table| &table.name);
                    if !names.eq(heading.tables.iter()) {
                        return Err(BackupError::OtherTables {
                            schema: heading.schema,
                        });
                    }
                }
                Piece::Lines { table, lines } => {
                    let table = ground.iter().find(|known| known.name == table);
                    let table = table.expect("the heading names every table");
                    rows::insert(&mut tx.parts().0, table, lines).await?;
                }
                Piece::File(file) => files.push(file),
            }
            Ok(())
        })
        .await?;
        compare(&mut tx, &ground, &manifest).await?;
        migrations::bring_to(&mut tx.parts().0, migrations::newest()).await?;
        void_links(&mut tx, &ground).await?;
        let stale = void_approvals(&mut tx, by, at).await?;
        let numbers_left_out = leave_numbers_out(&mut tx, manifest.heading.taken_at, at).await?;
        let devices = known_devices(&mut tx).await?;
        let mut entry = told(&manifest, by, at);
        entry.body["approvals_void"] = stale.into();
        entry.body["numbers_left_out"] = numbers_left_out.into();
        tx.log().append(entry)?;
        tx.commit().await?;
        Ok(Restored {
            manifest,
            stale,
            numbers_left_out,
            devices,
            files,
        })
    }
}

/// An empty store with the tables of the backup and without a row.
async fn make_ground(db: &mut Conn<'_>, schema: i64) -> Result<Vec<Table>, BackupError> {
    let before = tables(db).await?;
    for table in before.iter().filter(|table| is_of_note(table)) {
        let sql = Sql::Built(format!(
            "select 1 as found from {} limit 1",
            quoted(&table.name)
        ));
        if db.first("restore.empty", sql, args![]).await?.is_some() {
            return Err(BackupError::NotEmpty {
                table: table.name.clone(),
            });
        }
    }
    let applied = migrations::applied(db).await?;
    if applied > schema {
        return Err(BackupError::TablesAhead {
            store: applied,
            backup: schema,
        });
    }
    migrations::bring_to(db, schema).await?;
    let ground = tables(db).await?;
    // What a new store has by itself: its id, its counters, the head of its log. The log itself keeps what it has.
    for table in ground.iter().rev().filter(|table| table.name != LOG) {
        let sql = Sql::Built(format!("delete from {}", quoted(&table.name)));
        db.execute("restore.empty", sql, args![]).await?;
    }
    Ok(ground)
}

fn is_of_note(table: &Table) -> bool {
    EMPTY.contains(&table.name.as_str())
}

/// Reads what was restored, and the log, as if they were to be backed up again.
async fn compare(tx: &mut Tx, ground: &[Table], manifest: &Manifest) -> Result<(), BackupError> {
    for table in ground {
        let (mut count, mut tally) = (0, Sha256::new());
        rows::each_line(&mut tx.parts().0, table, |line| {
            count += 1;
            tally.update(line);
            tally.update("\n");
            Ok(())
        })
        .await?;
        let found = TableLine {
            table: table.name.clone(),
            rows: count,
            sha256: finished(tally),
        };
        if !manifest.rows.contains(&found) {
            return Err(BackupError::Differs { table: found.table });
        }
    }
    match tx.log().verify(1, None).await? {
        Verification::Verified { head, .. } if head == (manifest.log.seq, manifest.log.hash) => {
            Ok(())
        }
        Verification::Verified { .. } => Err(BackupError::Differs {
            table: LOG.to_owned(),
        }),
        Verification::Broken { seq, why } => Err(BackupError::Chain { seq, why }),
    }
}

/// Takes back what decides once: links of messages, and those by which a browser becomes known.
async fn void_links(tx: &mut Tx, ground: &[Table]) -> Result<(), StoreError> {
    let mut db = tx.parts().0;
    for name in GOOD_ONCE {
        if ground.iter().any(|table| table.name == name) {
            let sql = Sql::Built(format!("delete from {}", quoted(name)));
            db.execute("restore.void", sql, args![]).await?;
        }
    }
    Ok(())
}

/// Takes back what was approved and not begun, also by some of those who must. A row that cannot be read cannot be run
/// either, and hides no other.
async fn void_approvals(tx: &mut Tx, by: &Actor, at: Timestamp) -> Result<usize, StoreError> {
    let mut waiting = ActionFilter {
        states: vec!["approved", "held"],
        ..ActionFilter::default()
    };
    let mut voided = 0;
    loop {
        let some = tx.actions().list(&waiting, MAX_PAGE).await?;
        let unread = some.corrupt.iter().filter_map(|bad| bad.id.parse().ok());
        let numbers = some.rows.iter().map(|action| action.number.0).chain(unread);
        let Some(last) = numbers.min() else {
            return Ok(voided);
        };
        waiting.before = Some(ActionNumber(last));
        for action in some.rows.into_iter().filter(is_approved) {
            void(tx, action, by, at).await?;
            voided += 1;
        }
    }
}

/// Whether somebody has approved it.
fn is_approved(action: &Action) -> bool {
    match &action.state {
        ActionState::Approved { .. } => true,
        ActionState::Held { approvals, .. } => !approvals.is_empty(),
        _ => false,
    }
}

async fn void(tx: &mut Tx, action: Action, by: &Actor, at: Timestamp) -> Result<(), StoreError> {
    let state = ActionState::Stale {
        at,
        why: VOID.to_owned(),
    };
    let stale = action.clone().become_state(state);
    let stale = stale.expect("what waits may become stale");
    tx.actions().change(&action, &stale).await?;
    tx.log().append(LogRecord {
        at,
        actor: by.clone(),
        event: "action.stale".to_owned(),
        about: About {
            host: Some(action.plan.host.clone()),
            issue: action.issue,
            action: Some(action.number),
            run: None,
        },
        body: json!({ "why": VOID }),
    })
}

/// Has numbers go on where none was given out between the backup and now. A clock that is wrong leaves out a day's.
async fn leave_numbers_out(
    tx: &mut Tx,
    taken: Timestamp,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let since = now.as_millis().saturating_sub(taken.as_millis()).max(0);
    let left_out = (since / DAY_MS + 1).min(MAX_DAYS) * NUMBERS_A_DAY;
    let mut db = tx.parts().0;
    for counter in NUMBERED {
        let sql = "update counters set next = next + $1 where name = $2";
        db.execute("restore.numbers", sql, args![left_out, counter])
            .await?;
    }
    Ok(left_out)
}

async fn known_devices(tx: &mut Tx) -> Result<i64, StoreError> {
    let sql = "select count(*) as known from devices where removed_at is null";
    let row = tx
        .parts()
        .0
        .first("restore.devices", sql, args![])
        .await?
        .ok_or_else(|| StoreError::Conflict {
            what: "the known browsers".to_owned(),
        })?;
    row.int("known")
        .map_err(|bad| row.named(bad, "devices", "number").into())
}

fn told(manifest: &Manifest, by: &Actor, at: Timestamp) -> LogRecord {
    LogRecord {
        at,
        actor: by.clone(),
        event: "store.restored".to_owned(),
        about: About::default(),
        body: json!({
            "taken_at": manifest.heading.taken_at,
            "program": manifest.heading.program,
            "migration": manifest.heading.schema,
            "log_seq": manifest.log.seq,
            "log_hash": manifest.log.hash,
        }),
    }
}
