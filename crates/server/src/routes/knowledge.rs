//! What is known: lists, the search, what people teach and decide about entries, and configuration files.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{Collection, Entry, EntryNumber, HostName, Timestamp};
use watchkeeper_watch::{
    ConfigFile, ConfigsIndexed, EntryEdit, EntryQuery, Exported, Found, Imported, KnownQuery,
    Moved, RepositoryFile, Seeding, Taught, VectorPlace,
};

use super::Shared;
use crate::caller::Caller;
use crate::extract::{Body, Piece, Query};
use crate::problem::{Kind, Problem};

/// Which entries are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    collection: Option<Collection>,
    kind: Option<String>,
    host: Option<HostName>,
    label: Option<String>,
    all: bool,
    before: Option<i64>,
    limit: Option<i64>,
}

/// What is brought of what ships.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SeedQuery {
    /// What a person has edited or forgotten, too.
    again: bool,
}

/// What is searched for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchBody {
    /// The question, in any words.
    pub text: String,
    /// In one of these collections; none: in all.
    pub collections: Vec<Collection>,
    /// Of one of these kinds; none: of any.
    pub kinds: Vec<String>,
    /// With all of these labels.
    pub labels: Vec<String>,
    /// About this host.
    pub host: Option<HostName>,
    /// At most so many; none: ten.
    pub limit: Option<usize>,
}

/// What a person teaches.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryBody {
    /// Its topic.
    pub title: String,
    /// What it says.
    pub text: String,
    /// A word for what it is.
    #[serde(default = "note")]
    pub kind: String,
    /// The host it is about.
    #[serde(default)]
    pub host: Option<HostName>,
    /// Further words to filter by.
    #[serde(default)]
    pub labels: Vec<String>,
    /// After this it is not found any more.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

fn note() -> String {
    "note".to_owned()
}

/// What a person changes about an entry; what is left out stays.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntryEditBody {
    /// Its topic.
    pub title: Option<String>,
    /// What it says.
    pub text: Option<String>,
    /// A word for what it is.
    pub kind: Option<String>,
    /// Further words to filter by.
    pub labels: Option<Vec<String>>,
    /// After this it is not found any more.
    pub expires_at: Option<Timestamp>,
    /// It is found for ever.
    pub never_expires: bool,
}

/// Lines of a file of entries.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportBody {
    /// The lines.
    pub lines: Vec<String>,
    /// Whoever brings them says that they are right.
    pub found_right: bool,
}

/// Where vectors are to be searched.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveBody {
    /// The place.
    pub to: VectorPlace,
}

/// Which configuration files are read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigsBody {
    /// Of which host.
    pub host: HostName,
    /// Files and directories; none: those that are configured.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// Files of the operator's repository.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryBody {
    /// The files.
    pub files: Vec<RepositoryFile>,
    /// The paths of all files there are: what is kept of others is forgotten.
    pub all: Option<Vec<String>>,
}

/// One page of an export.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExportQuery {
    before: Option<i64>,
    limit: Option<i64>,
}

/// Which configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileQuery {
    host: HostName,
    path: Option<String>,
}

/// What is kept of a host's configuration.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConfigsAnswer {
    /// The paths of all files that are kept.
    pub paths: Vec<String>,
    /// The file that was asked for.
    pub file: Option<ConfigFile>,
}

type Answer<T> = Result<Json<T>, Problem>;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ListQuery>,
) -> Answer<Vec<Entry>> {
    let query = EntryQuery {
        collections: query.collection.into_iter().collect(),
        kind: query.kind,
        host: query.host,
        label: query.label,
        all: query.all,
        before: query.before.map(EntryNumber),
        limit: query.limit,
    };
    Ok(Json(shared.serving.watch.entries(&query).await?))
}

pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Piece(number): Piece<EntryNumber>,
) -> Answer<Entry> {
    Ok(Json(shared.serving.watch.entry_of(number).await?))
}

pub(super) async fn search(
    State(shared): State<Arc<Shared>>,
    Body(body): Body<SearchBody>,
) -> Answer<Vec<Found>> {
    let query = KnownQuery {
        text: body.text,
        collections: body.collections,
        kinds: body.kinds,
        labels: body.labels,
        host: body.host,
        limit: body.limit.unwrap_or_default(),
        ..KnownQuery::default()
    };
    Ok(Json(shared.serving.watch.known(&query).await?))
}

pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<EntryBody>,
) -> Answer<Entry> {
    let taught = Taught {
        title: body.title,
        text: body.text,
        kind: body.kind,
        host: body.host,
        labels: body.labels,
        expires_at: body.expires_at,
    };
    Ok(Json(
        shared
            .serving
            .watch
            .add_entry(caller.person, taught)
            .await?,
    ))
}

pub(super) async fn edit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<EntryNumber>,
    Body(body): Body<EntryEditBody>,
) -> Answer<Entry> {
    let expires_at = match body.expires_at {
        None if body.never_expires => Some(None),
        expires_at => expires_at.map(Some),
    };
    let edit = EntryEdit {
        title: body.title,
        text: body.text,
        kind: body.kind,
        labels: body.labels,
        expires_at,
    };
    Ok(Json(
        shared
            .serving
            .watch
            .edit_entry(number, caller.person, edit)
            .await?,
    ))
}

pub(super) async fn verify(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<EntryNumber>,
) -> Answer<Entry> {
    Ok(Json(
        shared
            .serving
            .watch
            .verify_entry(number, caller.person)
            .await?,
    ))
}

pub(super) async fn forget(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Piece(number): Piece<EntryNumber>,
) -> Answer<Entry> {
    let entry = shared.serving.watch.entry_of(number).await?;
    shared
        .serving
        .watch
        .forget_entry(number, caller.person)
        .await?;
    Ok(Json(entry))
}

pub(super) async fn seed(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<SeedQuery>,
) -> Answer<Seeding> {
    let watch = &shared.serving.watch;
    Ok(Json(watch.seed(caller.person, query.again).await?))
}

pub(super) async fn export(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<ExportQuery>,
) -> Answer<Exported> {
    let before = query.before.map(EntryNumber);
    Ok(Json(
        shared
            .serving
            .watch
            .export_entries(before, query.limit)
            .await?,
    ))
}

pub(super) async fn import(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<ImportBody>,
) -> Answer<Imported> {
    let watch = &shared.serving.watch;
    let imported = watch
        .import_entries(caller.person, &body.lines, body.found_right)
        .await?;
    Ok(Json(imported))
}

pub(super) async fn relocate(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<MoveBody>,
) -> Answer<Moved> {
    Ok(Json(
        shared
            .serving
            .watch
            .move_vectors(caller.person, body.to)
            .await?,
    ))
}

pub(super) async fn configs(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<FileQuery>,
) -> Answer<ConfigsAnswer> {
    let watch = &shared.serving.watch;
    let paths = watch.config_paths(&query.host).await?;
    let file = match &query.path {
        None => None,
        Some(path) => {
            let file = watch.config_file(&query.host, path).await?;
            let absent = || {
                Problem::new(
                    Kind::NotFound,
                    format!("nothing is kept of {path} of {}", query.host),
                )
            };
            Some(file.ok_or_else(absent)?)
        }
    };
    Ok(Json(ConfigsAnswer { paths, file }))
}

pub(super) async fn index_configs(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<ConfigsBody>,
) -> Answer<ConfigsIndexed> {
    let watch = &shared.serving.watch;
    Ok(Json(
        watch
            .index_configs(caller.person, &body.host, &body.paths)
            .await?,
    ))
}

pub(super) async fn index_repository(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(body): Body<RepositoryBody>,
) -> Answer<ConfigsIndexed> {
    let watch = &shared.serving.watch;
    let all = body.all.as_deref();
    Ok(Json(
        watch
            .index_repository(caller.person, &body.files, all)
            .await?,
    ))
}
