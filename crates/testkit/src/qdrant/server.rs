//! The server's handle, its state, and the service of collections.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use q::collections_server::{Collections, CollectionsServer};
use q::points_server::PointsServer;
use q::qdrant_server::{Qdrant, QdrantServer as HealthServer};
use qdrant_client::qdrant as q;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// A running Qdrant server; clones are the same.
#[derive(Clone)]
pub struct QdrantServer {
    address: SocketAddr,
    state: Arc<State>,
    _tasks: Arc<JoinSet<()>>,
}

impl fmt::Debug for QdrantServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QdrantServer({})", self.address)
    }
}

#[derive(Default)]
pub(super) struct State {
    collections: Mutex<BTreeMap<String, Collection>>,
    key: Mutex<Option<String>>,
    is_down: Mutex<bool>,
}

/// A collection: how long its vectors are, and its points by number.
#[derive(Default)]
pub(super) struct Collection {
    pub(super) size: u64,
    pub(super) points: BTreeMap<u64, Stored>,
}

/// A point.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) payload: std::collections::HashMap<String, q::Value>,
    /// Of length one, as a real server keeps them for cosine.
    pub(super) vector: Vec<f32>,
}

/// One of its services.
#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<State>);

/// Implements a service's trait: what is served, and the names of what is not.
macro_rules! served {
    ($service:ident { $($own:tt)* } not served { $($name:ident($request:ident) -> $reply:ident;)* }) => {
        #[tonic::async_trait]
        impl $service for Service {
            $($own)*
            $(async fn $name(&self, _: Request<q::$request>) -> Result<Response<q::$reply>, Status> {
                Err(Status::unimplemented(concat!("the stand-in does not serve ", stringify!($name))))
            })*
        }
    };
}
pub(super) use served;

impl QdrantServer {
    /// Starts a server on a free port of the loopback interface, without collections.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(State::default());
        let service = Service(Arc::clone(&state));
        let served = tonic::transport::Server::builder()
            .add_service(CollectionsServer::new(service.clone()))
            .add_service(PointsServer::new(service.clone()))
            .add_service(HealthServer::new(service))
            .serve_with_incoming(TcpListenerStream::new(listener));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It ends with the test.
            let _ = served.await;
        });
        Self {
            address,
            state,
            _tasks: Arc::new(tasks),
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on requests need this key.
    pub fn want_key(&self, key: &str) {
        *held(&self.state.key) = Some(key.to_owned());
    }

    /// From now on every request fails as one to a server that is overloaded, or not any more.
    pub fn be_down(&self, down: bool) {
        *held(&self.state.is_down) = down;
    }

    /// The names of its collections.
    #[must_use]
    pub fn collections(&self) -> Vec<String> {
        held(&self.state.collections).keys().cloned().collect()
    }

    /// Spoils a point's vector, as a disk could.
    ///
    /// # Panics
    /// When there is no such point.
    pub fn spoil(&self, collection: &str, point: u64) {
        let mut collections = held(&self.state.collections);
        let stored = collections
            .get_mut(collection)
            .expect("a collection")
            .points
            .get_mut(&point);
        stored
            .expect("a point")
            .vector
            .iter_mut()
            .for_each(|number| *number = -*number);
    }
}

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// What every request goes through first.
    pub(super) fn enter<T>(&self, request: &Request<T>) -> Result<(), Status> {
        if *held(&self.is_down) {
            return Err(Status::unavailable("the server is starting"));
        }
        let key = held(&self.key).clone();
        let given = request
            .metadata()
            .get("api-key")
            .and_then(|key| key.to_str().ok());
        if key.is_some() && key.as_deref() != given {
            return Err(Status::permission_denied("Invalid API key or JWT"));
        }
        Ok(())
    }

    /// Does something with a collection that must be there.
    pub(super) fn with<T>(
        &self,
        name: &str,
        does: impl FnOnce(&mut Collection) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let mut collections = held(&self.collections);
        let collection = collections.get_mut(name).ok_or_else(|| {
            Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"))
        })?;
        does(collection)
    }
}

fn done(result: bool) -> Response<q::CollectionOperationResponse> {
    Response::new(q::CollectionOperationResponse { result, time: 0.0 })
}

served! {
    Qdrant {
        async fn health_check(
            &self,
            request: Request<q::HealthCheckRequest>,
        ) -> Result<Response<q::HealthCheckReply>, Status> {
            self.0.enter(&request)?;
            Ok(Response::new(q::HealthCheckReply {
                title: "qdrant - vector search engine".to_owned(),
                version: "1.15.0".to_owned(),
                commit: None,
            }))
        }
    }
    not served {}
}

served! {
    Collections {
        async fn get(
            &self,
            request: Request<q::GetCollectionInfoRequest>,
        ) -> Result<Response<q::GetCollectionInfoResponse>, Status> {
            self.0.enter(&request)?;
            let name = request.into_inner().collection_name;
            self.0.with(&name, |collection| {
                let params = q::VectorParams {
                    size: collection.size,
                    distance: q::Distance::Cosine.into(),
                    ..q::VectorParams::default()
                };
                let vectors = q::VectorsConfig {
                    config: Some(q::vectors_config::Config::Params(params)),
                };
                let config = q::CollectionConfig {
                    params: Some(q::CollectionParams {
                        vectors_config: Some(vectors),
                        ..q::CollectionParams::default()
                    }),
                    ..q::CollectionConfig::default()
                };
                let info = q::CollectionInfo {
                    config: Some(config),
                    points_count: Some(collection.points.len() as u64),
                    ..q::CollectionInfo::default()
                };
                Ok(Response::new(q::GetCollectionInfoResponse {
                    result: Some(info),
                    time: 0.0,
                }))
            })
        }

        async fn list(
            &self,
            request: Request<q::ListCollectionsRequest>,
        ) -> Result<Response<q::ListCollectionsResponse>, Status> {
            self.0.enter(&request)?;
            let names = held(&self.0.collections).keys().cloned().collect::<Vec<_>>();
            let collections = names.into_iter().map(|name| q::CollectionDescription { name });
            Ok(Response::new(q::ListCollectionsResponse {
                collections: collections.collect(),
                time: 0.0,
            }))
        }

        async fn create(
            &self,
            request: Request<q::CreateCollection>,
        ) -> Result<Response<q::CollectionOperationResponse>, Status> {
            self.0.enter(&request)?;
            let create = request.into_inner();
            let Some(q::vectors_config::Config::Params(params)) = create.vectors_config.and_then(|vectors| vectors.config) else {
                return Err(Status::unimplemented("the stand-in has collections of one unnamed vector"));
            };
            if params.distance() != q::Distance::Cosine {
                return Err(Status::unimplemented("the stand-in knows the cosine"));
            }
            let mut collections = held(&self.0.collections);
            let name = create.collection_name;
            if collections.contains_key(&name) {
                let said = format!("Wrong input: Collection `{name}` already exists!");
                return Err(Status::already_exists(said));
            }
            let collection = Collection { size: params.size, ..Collection::default() };
            collections.insert(name, collection);
            Ok(done(true))
        }

        async fn delete(
            &self,
            request: Request<q::DeleteCollection>,
        ) -> Result<Response<q::CollectionOperationResponse>, Status> {
            self.0.enter(&request)?;
            let name = request.into_inner().collection_name;
            Ok(done(held(&self.0.collections).remove(&name).is_some()))
        }

        async fn collection_exists(
            &self,
            request: Request<q::CollectionExistsRequest>,
        ) -> Result<Response<q::CollectionExistsResponse>, Status> {
            self.0.enter(&request)?;
            let name = request.into_inner().collection_name;
            let exists = held(&self.0.collections).contains_key(&name);
            Ok(Response::new(q::CollectionExistsResponse {
                result: Some(q::CollectionExists { exists }),
                time: 0.0,
            }))
        }
    }
    not served {
        update(UpdateCollection) -> CollectionOperationResponse;
        update_aliases(ChangeAliases) -> CollectionOperationResponse;
        list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
        list_aliases(ListAliasesRequest) -> ListAliasesResponse;
        collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
        update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
        create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
        delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
        list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
    }
}
