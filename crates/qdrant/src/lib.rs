//! Vectors on a Qdrant server, behind the same trait as those in memory. A model is a collection of its own there; an
//! entry is a point with the number of the entry, and its payload is the entry's card, by which searches are filtered.
//! Texts do not go to the server: what it finds is read from the store.
//!
//! It is a crate by itself because its client brings gRPC with it, and nothing but the binary needs to wait for that.

mod card;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::vectors_config::Config;
use qdrant_client::qdrant::{
    CountPointsBuilder, CreateCollectionBuilder, DeletePointsBuilder, Distance, GetPointsBuilder,
    PointId, PointStruct, PointsIdsList, QueryPointsBuilder, UpsertPointsBuilder,
    VectorParamsBuilder, point_id::PointIdOptions,
};
use qdrant_client::qdrant::{Query, vector_output, vectors_output};
use qdrant_client::{Qdrant as Client, QdrantError};
use watchkeeper_knowledge::{Filter, Near, Point, VectorError, VectorStore, direction};
use watchkeeper_model::{EntryNumber, bounded, visible};

/// How long the server may take for one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Points in one request.
const POINTS_AT_ONCE: usize = 256;
/// What the names of our collections begin with; others on the server are not ours.
const PREFIX: &str = "watchkeeper.";
/// Longest account of what the server said.
const MAX_WHY_CHARS: usize = 300;

/// A Qdrant server.
pub struct Qdrant {
    client: Client,
    url: String,
    /// How long the vectors of each model are, as far as that is known here.
    dimensions: Mutex<HashMap<String, usize>>,
}

impl std::fmt::Debug for Qdrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds the key.
        f.write_str("Qdrant")
    }
}

impl Qdrant {
    /// A server by its address, which is not asked for anything yet.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str, key: Option<&str>) -> Result<Self, VectorError> {
        let mut client = Client::from_url(url)
            .timeout(PATIENCE)
            .connect_timeout(CONNECT_WITHIN)
            .skip_compatibility_check();
        if let Some(key) = key {
            client = client.api_key(key);
        }
        Ok(Self {
            client: client.build().map_err(|error| failed("begin", &error))?,
            url: url.to_owned(),
            dimensions: Mutex::default(),
        })
    }

    /// How long the vectors of a model are; none: the model has no collection.
    async fn dimensions(&self, model: &str) -> Result<Option<usize>, VectorError> {
        if let Some(known) = self.known().get(model) {
            return Ok(Some(*known));
        }
        let name = collection(model);
        let info = match self.client.collection_info(&name).await {
            Err(error) if is_absent(&error) => return Ok(None),
            info => info.map_err(|error| failed("describe a collection", &error))?,
        };
        let config = info
            .result
            .and_then(|info| info.config?.params?.vectors_config?.config);
        let Some(Config::Params(params)) = config else {
            return Err(VectorError::Server {
                operation: "describe a collection",
                why: format!("{name} is not as Watchkeeper makes them"),
                later: false,
            });
        };
        let dimensions = usize::try_from(params.size).unwrap_or(usize::MAX);
        self.known().insert(model.to_owned(), dimensions);
        Ok(Some(dimensions))
    }

    /// Makes the collection of a model, unless it is there.
    async fn make(&self, model: &str, dimensions: usize) -> Result<usize, VectorError> {
        if let Some(there) = self.dimensions(model).await? {
            return Ok(there);
        }
        let vectors = VectorParamsBuilder::new(dimensions as u64, Distance::Cosine);
        let create = CreateCollectionBuilder::new(collection(model)).vectors_config(vectors);
        match self.client.create_collection(create).await {
            Ok(_) => {}
            // Another controller was first.
            Err(_) if self.dimensions(model).await?.is_some() => {}
            Err(error) => return Err(failed("make a collection", &error)),
        }
        Ok(self.dimensions(model).await?.unwrap_or(dimensions))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, usize>> {
        self.dimensions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl VectorStore for Qdrant {
    fn name(&self) -> &'static str {
        "qdrant"
    }

    fn whereabouts(&self) -> String {
        self.url.clone()
    }

    async fn upsert(&self, model: &str, points: Vec<Point>) -> Result<(), VectorError> {
        let mut ready = Vec::with_capacity(points.len());
        let mut expected = self.dimensions(model).await?;
        for point in points {
            let vector = direction(model, &point.vector)?;
            same_length(model, *expected.get_or_insert(vector.len()), vector.len())?;
            let payload = card::payload(&point.card);
            ready.push(PointStruct::new(id(point.card.number), vector, payload));
        }
        let Some(dimensions) = expected.filter(|_| !ready.is_empty()) else {
            return Ok(());
        };
        same_length(model, self.make(model, dimensions).await?, dimensions)?;
        let name = collection(model);
        for some in ready.chunks(POINTS_AT_ONCE) {
            let upsert = UpsertPointsBuilder::new(&name, some).wait(true);
            let upserted = self.client.upsert_points(upsert).await;
            upserted.map_err(|error| failed("keep vectors", &error))?;
        }
        Ok(())
    }

    async fn remove(&self, numbers: &[EntryNumber]) -> Result<(), VectorError> {
        if numbers.is_empty() {
            return Ok(());
        }
        for model in self.models().await? {
            for some in numbers.chunks(POINTS_AT_ONCE) {
                let ids = PointsIdsList {
                    ids: some.iter().map(|number| id(*number)).collect(),
                };
                let delete = DeletePointsBuilder::new(collection(&model))
                    .points(ids)
                    .wait(true);
                match self.client.delete_points(delete).await {
                    Err(error) if is_absent(&error) => {}
                    deleted => drop(deleted.map_err(|error| failed("forget vectors", &error))?),
                }
            }
        }
        Ok(())
    }

    async fn search(
        &self,
        model: &str,
        query: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Near>, VectorError> {
        let query = direction(model, query)?;
        let Some(expected) = self.dimensions(model).await? else {
            return Ok(Vec::new());
        };
        same_length(model, expected, query.len())?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let search = QueryPointsBuilder::new(collection(model))
            .query(Query::new_nearest(query))
            .filter(card::condition(filter))
            .limit(limit as u64);
        let found = match self.client.query(search).await {
            Err(error) if is_absent(&error) => {
                self.known().remove(model);
                return Ok(Vec::new());
            }
            found => found.map_err(|error| failed("search", &error))?,
        };
        let near = found.result.into_iter().filter_map(|point| {
            Some(Near {
                number: number(point.id?)?,
                likeness: point.score,
            })
        });
        Ok(near.collect())
    }

    async fn count(&self, model: &str) -> Result<u64, VectorError> {
        let count = CountPointsBuilder::new(collection(model)).exact(true);
        match self.client.count(count).await {
            Err(error) if is_absent(&error) => Ok(0),
            counted => {
                let counted = counted.map_err(|error| failed("count", &error))?;
                Ok(counted.result.map_or(0, |result| result.count))
            }
        }
    }

    async fn get(
        &self,
        model: &str,
        numbers: &[EntryNumber],
    ) -> Result<Vec<(EntryNumber, Vec<f32>)>, VectorError> {
        let ids: Vec<PointId> = numbers.iter().map(|number| id(*number)).collect();
        let get = GetPointsBuilder::new(collection(model), ids).with_vectors(true);
        let found = match self.client.get_points(get).await {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            found => found.map_err(|error| failed("read vectors", &error))?,
        };
        let read = found.result.into_iter().filter_map(|point| {
            let vectors_output::VectorsOptions::Vector(vector) = point.vectors?.vectors_options?
            else {
                return None;
            };
            let vector_output::Vector::Dense(dense) = vector.into_vector() else {
                return None;
            };
            Some((number(point.id?)?, dense.data))
        });
        Ok(read.collect())
    }

    async fn models(&self) -> Result<Vec<String>, VectorError> {
        let listed = self.client.list_collections().await;
        let listed = listed.map_err(|error| failed("list collections", &error))?;
        let mut models: Vec<String> = listed
            .collections
            .into_iter()
            .filter_map(|collection| model_of(&collection.name))
            .collect();
        models.sort();
        Ok(models)
    }

    async fn forget(&self, model: &str) -> Result<(), VectorError> {
        self.known().remove(model);
        match self.client.delete_collection(collection(model)).await {
            Err(error) if is_absent(&error) => Ok(()),
            deleted => deleted
                .map(drop)
                .map_err(|error| failed("forget a collection", &error)),
        }
    }
}

/// The collection of a model: its name in the characters that a collection may have.
fn collection(model: &str) -> String {
    let mut name = PREFIX.to_owned();
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("~{byte:02x}"));
        }
    }
    name
}

/// The model of a collection; none: it is not ours.
fn model_of(collection: &str) -> Option<String> {
    let mut rest = collection.strip_prefix(PREFIX)?.bytes();
    let mut model = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'~' {
            let hex = [rest.next()?, rest.next()?];
            model.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            model.push(byte);
        }
    }
    String::from_utf8(model).ok()
}

fn id(number: EntryNumber) -> PointId {
    PointId::from(number.0.unsigned_abs())
}

fn number(id: PointId) -> Option<EntryNumber> {
    match id.point_id_options? {
        PointIdOptions::Num(number) => i64::try_from(number).ok().map(EntryNumber),
        PointIdOptions::Uuid(_) => None,
    }
}

fn same_length(model: &str, expected: usize, got: usize) -> Result<(), VectorError> {
    if expected == got {
        return Ok(());
    }
    Err(VectorError::Dimensions {
        model: model.to_owned(),
        expected,
        got,
    })
}

fn is_absent(error: &QdrantError) -> bool {
    matches!(error, QdrantError::ResponseError { status } if i32::from(status.code()) == NOT_FOUND)
}

/// gRPC's number for what is not there, and those for what may work later.
const NOT_FOUND: i32 = 5;
const PASSING: [i32; 4] = [1, 4, 8, 14];

fn failed(operation: &'static str, error: &QdrantError) -> VectorError {
    let (said, later) = match error {
        QdrantError::ResponseError { status } => (
            plain(status.message()),
            PASSING.contains(&i32::from(status.code())),
        ),
        QdrantError::ResourceExhaustedError { status, .. } => (status.message().to_owned(), true),
        other => (other.to_string(), matches!(other, QdrantError::Io(_))),
    };
    VectorError::Server {
        operation,
        why: bounded(&visible(&said), MAX_WHY_CHARS).into_owned(),
        later,
    }
}

/// What the client says, as a person would: of a connection that cannot be made it gives its own insides.
fn plain(said: &str) -> String {
    if said.starts_with("Failed to connect") {
        let cause = said.split_once("message: \"").map(|(_, rest)| rest);
        let cause = cause.and_then(|rest| rest.split('"').next());
        return cause.map_or_else(
            || "no connection to it".to_owned(),
            |cause| format!("no connection to it: {cause}"),
        );
    }
    if said == "transport error" {
        return "what answers at its address does not speak Qdrant's gRPC, whose port is 6334 unless it was changed"
            .to_owned();
    }
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_cannot_be_made_is_said_plainly() {
        let said = "Failed to connect to http://127.0.0.1:1/: tonic::transport::Error(Transport, ConnectError(ConnectError(\"tcp \
            connect error\", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused, message: \"Connection refused\" })))";
        assert_eq!(plain(said), "no connection to it: Connection refused");
        assert_eq!(
            plain("Failed to connect to http://x/: deadline"),
            "no connection to it"
        );
        assert!(plain("transport error").contains("6334"));
        assert_eq!(plain("Wrong input"), "Wrong input");
    }

    #[test]
    fn a_collection_says_its_model() {
        for model in ["all-minilm:l6-v2", "BAAI/bge-m3", "~", "ä b", ""] {
            let name = collection(model);
            assert!(name.is_ascii() && !name.contains([':', '/', ' ']), "{name}");
            assert_eq!(model_of(&name).as_deref(), Some(model));
        }
        assert_eq!(model_of("somebody-elses"), None);
        assert_eq!(model_of("watchkeeper.~zz"), None);
    }
}
