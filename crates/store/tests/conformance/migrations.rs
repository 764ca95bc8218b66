//! Migrations: the same list on both, each tried over the data of those before it.

use std::path::{Path, PathBuf};

use tokio::task::JoinSet;
use watchkeeper_model::{ActionNumber, Digest, IssueNumber};
use watchkeeper_store::{MigrationError, Store, StoreError, Verification};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;

use crate::ground::{DAY, Ground, held, run_id};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../migrations")
        .join(name)
}

fn files(name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory(name)).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn text(kind: &str, file: &str) -> String {
    std::fs::read_to_string(directory(kind).join(file)).unwrap()
}

#[test]
fn both_databases_have_the_same_migrations_numbered_without_gaps_each_with_sample_data() {
    let names = files("postgres");
    assert_eq!(names, files("sqlite"));
    assert_eq!(names, files("sample"));
    for (place, name) in names.iter().enumerate() {
        assert!(
            name.starts_with(&format!("{:04}_", place + 1)) && name.ends_with(".sql"),
            "{name}"
        );
    }
}

/// Makes the tables of the first so many migrations in a database without any, each with its sample data.
pub(crate) async fn apply_with_samples(bare: &Ground, first: usize) {
    let kind = if bare.is_postgres() {
        "postgres"
    } else {
        "sqlite"
    };
    bare.spoil("create table migrations (number bigint primary key, digest text not null)")
        .await;
    for (place, file) in files(kind).iter().enumerate().take(first) {
        let migration = text(kind, file);
        bare.spoil(&migration).await;
        bare.spoil(&text("sample", file)).await;
        let digest = Digest::of_bytes(migration.as_bytes());
        bare.spoil(&format!(
            "insert into migrations (number, digest) values ({}, '{digest}')",
            place + 1
        ))
        .await;
    }
}

/// Has the store read all of the sample data, in the tables of every migration.
pub(crate) async fn migrations_apply_over_sample_data(ground: &Ground) {
    let bare = ground.bare().await;
    apply_with_samples(&bare, usize::MAX).await;
    let store = bare.open().await;
    let mut read = store.read().await.unwrap();
    let web1 = build::host("web1");
    assert_eq!(
        read.hosts()
            .list(None, 10)
            .await
            .unwrap()
            .strict()
            .unwrap()
            .len(),
        2
    );
    assert!(read.observations().latest(&web1).await.unwrap().is_some());
    assert_eq!(
        read.samples()
            .list(&web1, "load", NOON, 10)
            .await
            .unwrap()
            .strict()
            .unwrap()
            .len(),
        1
    );
    assert!(read.issues().get(IssueNumber(1)).await.unwrap().is_some());
    assert_eq!(
        read.findings()
            .firing(10)
            .await
            .unwrap()
            .strict()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        read.actions()
            .list(&Default::default(), 10)
            .await
            .unwrap()
            .strict()
            .unwrap()
            .len(),
        2
    );
    let run = read
        .runs()
        .of_action(ActionNumber(0))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((run.run.id, run.run.steps.len()), (run_id(7), 1));
    assert_eq!(
        read.jobs()
            .list(&Default::default(), 10)
            .await
            .unwrap()
            .strict()
            .unwrap()
            .len(),
        2
    );
    assert!(matches!(
        read.log().verify(1, None).await.unwrap(),
        Verification::Verified { entries: 2, .. }
    ));
    assert_eq!(read.meta().store_id().await.unwrap().len(), 32);
    drop(read);
    assert_eq!(
        held(&store).await.number,
        ActionNumber(2),
        "numbers go on where they were"
    );
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.observations().prune(NOON.after(DAY)).await.unwrap(), 0);
}

async fn refusal(ground: &Ground) -> MigrationError {
    match Store::open(&ground.url)
        .await
        .expect_err("it cannot be opened")
    {
        StoreError::Migration(error) => error,
        other => panic!("{other}"),
    }
}

pub(crate) async fn a_store_of_a_newer_version_is_refused(ground: &Ground) {
    ground.open().await.close().await;
    let digest = Digest::of_bytes(b"newer");
    ground
        .spoil(&format!(
            "insert into migrations (number, digest) values (999, '{digest}')"
        ))
        .await;
    assert!(matches!(
        refusal(ground).await,
        MigrationError::Newer { number: 999 }
    ));
}

pub(crate) async fn an_edited_migration_is_refused(ground: &Ground) {
    ground.open().await.close().await;
    let other = Digest::of_bytes(b"edited");
    ground
        .spoil(&format!(
            "update migrations set digest = '{other}' where number = 2"
        ))
        .await;
    assert!(
        matches!(refusal(ground).await, MigrationError::Edited { number: 2, applied, .. } if applied == other)
    );
}

pub(crate) async fn many_open_a_new_store_at_once(ground: &Ground) {
    let bare = ground.bare().await;
    let mut opening = JoinSet::new();
    for _ in 0..6 {
        let url = bare.url.clone();
        opening.spawn(async move {
            let store = Store::open(&url).await?;
            store.read().await?.meta().store_id().await
        });
    }
    let ids: Vec<_> = opening
        .join_all()
        .await
        .into_iter()
        .map(|id| id.expect("it opens"))
        .collect();
    assert!(
        ids.iter().all(|id| id.len() == 32 && *id == ids[0]),
        "{ids:?}"
    );
}
