//! The service of points: keep, forget, read, count, and search for the nearest.

use q::points_server::Points;
use qdrant_client::qdrant as q;
use tonic::{Request, Response, Status};

use super::conditions::holds;
use super::server::{Collection, Service, Stored, served};

/// How many points a search finds where no limit is given.
const DEFAULT_LIMIT: u64 = 10;

fn id_of(id: Option<q::PointId>) -> Result<u64, Status> {
    match id.and_then(|id| id.point_id_options) {
        Some(q::point_id::PointIdOptions::Num(number)) => Ok(number),
        Some(q::point_id::PointIdOptions::Uuid(_)) => {
            Err(Status::unimplemented("the stand-in has numbers"))
        }
        None => Err(Status::invalid_argument("Malformed id: no id")),
    }
}

fn id(number: u64) -> Option<q::PointId> {
    Some(q::PointId::from(number))
}

fn direction(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|number| *number /= length);
    }
    vector
}

fn fits(collection: &Collection, vector: &[f32]) -> Result<(), Status> {
    if vector.len() as u64 == collection.size {
        return Ok(());
    }
    let (expected, got) = (collection.size, vector.len());
    Err(Status::invalid_argument(format!(
        "Wrong input: Vector dimension error: expected dim: {expected}, got {got}"
    )))
}

fn dense(vectors: Option<q::Vectors>) -> Result<Vec<f32>, Status> {
    let other = || Status::unimplemented("the stand-in has one dense vector for each point");
    let Some(q::vectors::VectorsOptions::Vector(vector)) =
        vectors.and_then(|all| all.vectors_options)
    else {
        return Err(other());
    };
    if let Some(q::vector::Vector::Dense(dense)) = vector.vector {
        return Ok(dense.data);
    }
    #[expect(deprecated, reason = "a client may still send it so")]
    let data = vector.data;
    if data.is_empty() {
        Err(other())
    } else {
        Ok(data)
    }
}

fn output(vector: Vec<f32>) -> q::VectorsOutput {
    let dense = q::vector_output::Vector::Dense(q::DenseVector { data: vector });
    let vector = q::VectorOutput {
        vector: Some(dense),
        ..q::VectorOutput::default()
    };
    q::VectorsOutput {
        vectors_options: Some(q::vectors_output::VectorsOptions::Vector(vector)),
    }
}

fn asked(query: Option<q::Query>) -> Result<Vec<f32>, Status> {
    let Some(q::query::Variant::Nearest(input)) = query.and_then(|query| query.variant) else {
        return Err(Status::unimplemented("the stand-in finds the nearest"));
    };
    match input.variant {
        Some(q::vector_input::Variant::Dense(dense)) => Ok(dense.data),
        _ => Err(Status::unimplemented(
            "the stand-in is asked by a dense vector",
        )),
    }
}

fn completed() -> Response<q::PointsOperationResponse> {
    let result = q::UpdateResult {
        operation_id: Some(1),
        status: q::UpdateStatus::Completed.into(),
    };
    Response::new(q::PointsOperationResponse {
        result: Some(result),
        ..q::PointsOperationResponse::default()
    })
}

fn nearest(
    collection: &Collection,
    query: &q::QueryPoints,
    vector: &[f32],
) -> Result<Vec<q::ScoredPoint>, Status> {
    let mut found = Vec::new();
    for (number, stored) in &collection.points {
        if holds(query.filter.as_ref(), &stored.payload)? {
            let score = stored.vector.iter().zip(vector).map(|(a, b)| a * b).sum();
            found.push(q::ScoredPoint {
                id: id(*number),
                score,
                ..q::ScoredPoint::default()
            });
        }
    }
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    found.truncate(usize::try_from(query.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX));
    Ok(found)
}

served! {
    Points {
        async fn upsert(
            &self,
            request: Request<q::UpsertPoints>,
        ) -> Result<Response<q::PointsOperationResponse>, Status> {
            self.0.enter(&request)?;
            let upsert = request.into_inner();
            self.0.with(&upsert.collection_name, |collection| {
                let mut ready = Vec::new();
                for point in upsert.points {
                    let vector = dense(point.vectors)?;
                    fits(collection, &vector)?;
                    let stored = Stored { payload: point.payload, vector: direction(vector) };
                    ready.push((id_of(point.id)?, stored));
                }
                collection.points.extend(ready);
                Ok(completed())
            })
        }

        async fn delete(
            &self,
            request: Request<q::DeletePoints>,
        ) -> Result<Response<q::PointsOperationResponse>, Status> {
            self.0.enter(&request)?;
            let delete = request.into_inner();
            let Some(q::points_selector::PointsSelectorOneOf::Points(points)) =
                delete.points.and_then(|points| points.points_selector_one_of)
            else {
                return Err(Status::unimplemented("the stand-in forgets by number"));
            };
            self.0.with(&delete.collection_name, |collection| {
                for point in points.ids {
                    collection.points.remove(&id_of(Some(point))?);
                }
                Ok(completed())
            })
        }

        async fn get(&self, request: Request<q::GetPoints>) -> Result<Response<q::GetResponse>, Status> {
            self.0.enter(&request)?;
            let get = request.into_inner();
            self.0.with(&get.collection_name, |collection| {
                let mut result = Vec::new();
                for point in get.ids {
                    let number = id_of(Some(point))?;
                    if let Some(stored) = collection.points.get(&number) {
                        result.push(q::RetrievedPoint {
                            id: id(number),
                            vectors: Some(output(stored.vector.clone())),
                            ..q::RetrievedPoint::default()
                        });
                    }
                }
                Ok(Response::new(q::GetResponse { result, ..q::GetResponse::default() }))
            })
        }

        async fn count(&self, request: Request<q::CountPoints>) -> Result<Response<q::CountResponse>, Status> {
            self.0.enter(&request)?;
            let count = request.into_inner();
            self.0.with(&count.collection_name, |collection| {
                let mut counted = 0;
                for stored in collection.points.values() {
                    counted += u64::from(holds(count.filter.as_ref(), &stored.payload)?);
                }
                Ok(Response::new(q::CountResponse {
                    result: Some(q::CountResult { count: counted }),
                    ..q::CountResponse::default()
                }))
            })
        }

        async fn query(&self, request: Request<q::QueryPoints>) -> Result<Response<q::QueryResponse>, Status> {
            self.0.enter(&request)?;
            let query = request.into_inner();
            let vector = asked(query.query.clone())?;
            self.0.with(&query.collection_name, |collection| {
                fits(collection, &vector)?;
                let result = nearest(collection, &query, &direction(vector))?;
                Ok(Response::new(q::QueryResponse { result, ..q::QueryResponse::default() }))
            })
        }
    }
    not served {
        update_vectors(UpdatePointVectors) -> PointsOperationResponse;
        delete_vectors(DeletePointVectors) -> PointsOperationResponse;
        set_payload(SetPayloadPoints) -> PointsOperationResponse;
        overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
        delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
        clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
        create_field_index(CreateFieldIndexCollection) -> PointsOperationResponse;
        delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
        create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
        delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
        search(SearchPoints) -> SearchResponse;
        search_batch(SearchBatchPoints) -> SearchBatchResponse;
        search_groups(SearchPointGroups) -> SearchGroupsResponse;
        scroll(ScrollPoints) -> ScrollResponse;
        recommend(RecommendPoints) -> RecommendResponse;
        recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
        recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
        discover(DiscoverPoints) -> DiscoverResponse;
        discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
        update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
        query_batch(QueryBatchPoints) -> QueryBatchResponse;
        query_groups(QueryPointGroups) -> QueryGroupsResponse;
        facet(FacetCounts) -> FacetResponse;
        search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
        search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
    }
}
