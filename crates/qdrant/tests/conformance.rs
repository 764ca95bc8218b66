//! One list of cases, each run on the vectors in memory and on a Qdrant server over real gRPC: what is true of one store
//! of vectors is true of the other.

use std::sync::Arc;

use watchkeeper_knowledge::{Audience, Card, Exact, Filter, Near, Point, VectorError, VectorStore};
use watchkeeper_model::{Collection, EntryNumber, HostName, Reach, Timestamp};
use watchkeeper_qdrant::Qdrant;
use watchkeeper_testkit::qdrant::QdrantServer;

const MODEL: &str = "all-minilm:l6-v2";
const NOW: Timestamp = Timestamp::from_millis(1_781_524_800_000);

macro_rules! on_both {
    ($($case:ident)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&watchkeeper_knowledge::Exact::default()).await;
            })*
        }
        mod qdrant {
            $(#[tokio::test]
            async fn $case() {
                let server = super::QdrantServer::start().await;
                let store = super::Qdrant::new(&server.url(), None).expect("an address");
                super::$case(&store).await;
            })*
        }
    };
}

on_both! {
    the_nearest_are_found_in_their_order
    only_what_the_filter_admits_is_found
    what_is_kept_again_is_replaced
    what_is_removed_is_not_found
    models_are_kept_apart
    vectors_of_another_length_are_refused
    what_is_no_vector_is_refused
    a_model_that_is_not_known_has_nothing
    a_forgotten_model_may_come_back_with_another_length
    many_are_kept_counted_and_read_back
    a_vector_without_direction_does_no_harm
}

fn host(name: &str) -> HostName {
    HostName::new(name).expect("a name")
}

fn card(number: i64) -> Card {
    Card {
        number: EntryNumber(number),
        collection: Collection::Knowledge,
        kind: "note".to_owned(),
        host: None,
        labels: Vec::new(),
        reach: Reach::All,
        expires_at: None,
    }
}

fn point(number: i64, vector: &[f32]) -> Point {
    Point {
        card: Arc::new(card(number)),
        vector: vector.to_vec(),
    }
}

async fn keep(store: &dyn VectorStore, points: Vec<Point>) {
    store.upsert(MODEL, points).await.expect("they are kept");
}

async fn found(store: &dyn VectorStore, query: &[f32], filter: &Filter) -> Vec<i64> {
    let near: Vec<Near> = store
        .search(MODEL, query, filter, 10)
        .await
        .expect("it searches");
    near.iter().map(|near| near.number.0).collect()
}

async fn all(store: &dyn VectorStore, query: &[f32]) -> Vec<i64> {
    found(store, query, &Filter::everything(NOW)).await
}

async fn the_nearest_are_found_in_their_order(store: &dyn VectorStore) {
    keep(
        store,
        vec![
            point(1, &[1.0, 0.0, 0.0]),
            point(2, &[3.0, 3.0, 0.0]),
            point(3, &[0.0, 0.1, 0.0]),
            point(4, &[-1.0, 0.0, 0.0]),
        ],
    )
    .await;
    assert_eq!(
        all(store, &[2.0, 0.5, 0.0]).await,
        [1, 2, 3, 4],
        "by direction, not by length"
    );
    let near = store
        .search(MODEL, &[0.0, 5.0, 0.0], &Filter::everything(NOW), 2)
        .await
        .expect("it searches");
    assert_eq!(
        near.iter().map(|near| near.number.0).collect::<Vec<_>>(),
        [3, 2]
    );
    assert!((near[0].likeness - 1.0).abs() < 1e-5);
    assert!((near[1].likeness - 0.5_f32.sqrt()).abs() < 1e-5);
    let none = store
        .search(MODEL, &[1.0, 0.0, 0.0], &Filter::everything(NOW), 0)
        .await;
    assert!(none.expect("it searches").is_empty());
}

/// Cards that differ in all that a filter asks for.
fn cards() -> Vec<Card> {
    let mut cards = Vec::new();
    for number in 1..=96_i64 {
        let bit = |place: i64| (number >> place) & 1 == 1;
        let about = bit(1).then(|| host(if bit(2) { "web1" } else { "db1" }));
        cards.push(Card {
            collection: if bit(0) {
                Collection::Knowledge
            } else {
                Collection::Configs
            },
            kind: if bit(3) { "outcome" } else { "file" }.to_owned(),
            labels: ["disk", "raid"]
                .into_iter()
                .zip([bit(4), bit(5)])
                .filter(|(_, has)| *has)
                .map(|(label, _)| label.to_owned())
                .collect(),
            reach: match (&about, number % 3) {
                (_, 0) => Reach::All,
                (Some(host), _) => Reach::Host(host.clone()),
                (None, _) => Reach::Nobody,
            },
            host: about,
            expires_at: match number % 5 {
                0 => Some(Timestamp::from_millis(NOW.as_millis() - 1)),
                1 => Some(NOW),
                2 => Some(Timestamp::from_millis(NOW.as_millis() + 1)),
                _ => None,
            },
            ..card(number)
        });
    }
    cards
}

fn filters() -> Vec<Filter> {
    let everything = Filter::everything(NOW);
    let words = |list: &[&str]| {
        list.iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let for_hosts = |list: &[&str]| Audience::Hosts(list.iter().map(|name| host(name)).collect());
    vec![
        everything.clone(),
        Filter {
            collections: vec![Collection::Configs],
            ..everything.clone()
        },
        Filter {
            collections: vec![Collection::Configs, Collection::Knowledge],
            ..everything.clone()
        },
        Filter {
            collections: vec![Collection::Hosts],
            ..everything.clone()
        },
        Filter {
            kinds: words(&["file"]),
            ..everything.clone()
        },
        Filter {
            kinds: words(&["file", "outcome"]),
            ..everything.clone()
        },
        Filter {
            labels: words(&["disk"]),
            ..everything.clone()
        },
        Filter {
            labels: words(&["disk", "raid"]),
            ..everything.clone()
        },
        Filter {
            labels: words(&["dis"]),
            ..everything.clone()
        },
        Filter {
            host: Some(host("web1")),
            ..everything.clone()
        },
        Filter {
            audience: for_hosts(&["web1"]),
            ..everything.clone()
        },
        Filter {
            audience: for_hosts(&["web1", "db1"]),
            ..everything.clone()
        },
        Filter {
            audience: for_hosts(&["all"]),
            ..everything.clone()
        },
        Filter {
            audience: for_hosts(&[]),
            ..everything.clone()
        },
        Filter {
            at: Timestamp::from_millis(0),
            ..everything.clone()
        },
        Filter {
            kinds: words(&["file"]),
            labels: words(&["raid"]),
            audience: for_hosts(&["db1"]),
            ..everything
        },
    ]
}

async fn only_what_the_filter_admits_is_found(store: &dyn VectorStore) {
    let cards = cards();
    let points = cards.iter().map(|card| Point {
        card: Arc::new(card.clone()),
        vector: vec![1.0, card.number.0 as f32 / 100.0],
    });
    keep(store, points.collect()).await;
    for filter in filters() {
        let near = store
            .search(MODEL, &[1.0, 0.0], &filter, 1_000)
            .await
            .expect("it searches");
        let mut found: Vec<i64> = near.iter().map(|near| near.number.0).collect();
        found.sort_unstable();
        let admitted = cards.iter().filter(|card| filter.admits(card));
        let expected: Vec<i64> = admitted.map(|card| card.number.0).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

async fn what_is_kept_again_is_replaced(store: &dyn VectorStore) {
    keep(store, vec![point(1, &[1.0, 0.0]), point(2, &[0.0, 1.0])]).await;
    let mut other = card(1);
    other.kind = "outcome".to_owned();
    keep(
        store,
        vec![Point {
            card: Arc::new(other),
            vector: vec![0.1, 1.0],
        }],
    )
    .await;
    assert_eq!(all(store, &[0.0, 1.0]).await, [2, 1]);
    assert_eq!(store.count(MODEL).await.expect("it counts"), 2);
    let outcomes = Filter {
        kinds: vec!["outcome".to_owned()],
        ..Filter::everything(NOW)
    };
    assert_eq!(found(store, &[1.0, 0.0], &outcomes).await, [1]);
}

async fn what_is_removed_is_not_found(store: &dyn VectorStore) {
    keep(
        store,
        vec![
            point(1, &[1.0, 0.0]),
            point(2, &[0.9, 0.1]),
            point(3, &[0.5, 0.5]),
        ],
    )
    .await;
    store
        .upsert("other", vec![point(2, &[1.0])])
        .await
        .expect("it is kept");
    store
        .remove(&[EntryNumber(2), EntryNumber(77)])
        .await
        .expect("what is not there is no error");
    store.remove(&[]).await.expect("nothing is no error");
    assert_eq!(all(store, &[1.0, 0.0]).await, [1, 3]);
    assert_eq!(
        store.count("other").await.expect("it counts"),
        0,
        "of every model"
    );
}

async fn models_are_kept_apart(store: &dyn VectorStore) {
    keep(store, vec![point(1, &[1.0, 0.0])]).await;
    store
        .upsert("BAAI/bge m3", vec![point(2, &[1.0, 0.0, 0.0])])
        .await
        .expect("it is kept");
    assert_eq!(all(store, &[1.0, 0.0]).await, [1]);
    assert_eq!(
        store.models().await.expect("it lists"),
        ["BAAI/bge m3", MODEL]
    );
}

async fn vectors_of_another_length_are_refused(store: &dyn VectorStore) {
    keep(store, vec![point(1, &[1.0, 0.0])]).await;
    let mixed = store
        .upsert(MODEL, vec![point(2, &[1.0, 0.0]), point(3, &[1.0])])
        .await;
    assert!(
        matches!(
            mixed,
            Err(VectorError::Dimensions {
                expected: 2,
                got: 1,
                ..
            })
        ),
        "{mixed:?}"
    );
    let query = store
        .search(MODEL, &[1.0, 0.0, 0.0], &Filter::everything(NOW), 1)
        .await;
    assert!(
        matches!(
            query,
            Err(VectorError::Dimensions {
                expected: 2,
                got: 3,
                ..
            })
        ),
        "{query:?}"
    );
    assert_eq!(all(store, &[1.0, 0.0]).await, [1], "nothing of it was kept");
}

async fn what_is_no_vector_is_refused(store: &dyn VectorStore) {
    for bad in [&[][..], &[f32::NAN], &[1.0, f32::INFINITY], &[0.5; 10_000]] {
        let refused = store.upsert(MODEL, vec![point(1, bad)]).await;
        assert!(
            matches!(refused, Err(VectorError::NotAVector { .. })),
            "{refused:?}"
        );
        let refused = store.search(MODEL, bad, &Filter::everything(NOW), 1).await;
        assert!(
            matches!(refused, Err(VectorError::NotAVector { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(store.count(MODEL).await.expect("it counts"), 0);
}

async fn a_model_that_is_not_known_has_nothing(store: &dyn VectorStore) {
    assert!(all(store, &[1.0]).await.is_empty());
    assert_eq!(store.count(MODEL).await.expect("it counts"), 0);
    assert!(
        store
            .get(MODEL, &[EntryNumber(1)])
            .await
            .expect("it reads")
            .is_empty()
    );
    assert!(store.models().await.expect("it lists").is_empty());
    store.forget(MODEL).await.expect("that is no error");
    store
        .upsert(MODEL, Vec::new())
        .await
        .expect("nothing is no error");
    assert!(store.models().await.expect("it lists").is_empty());
}

async fn a_forgotten_model_may_come_back_with_another_length(store: &dyn VectorStore) {
    keep(store, vec![point(1, &[1.0, 0.0])]).await;
    store.forget(MODEL).await.expect("it is forgotten");
    keep(store, vec![point(2, &[1.0, 0.0, 0.0])]).await;
    assert_eq!(all(store, &[1.0, 0.0, 0.0]).await, [2]);
}

async fn many_are_kept_counted_and_read_back(store: &dyn VectorStore) {
    let angle = |number: i64| (number as f32 / 400.0).sin_cos();
    let points = (1..=600).map(|number| {
        let (sin, cos) = angle(number);
        point(number, &[3.0 * sin, 3.0 * cos])
    });
    keep(store, points.collect()).await;
    assert_eq!(store.count(MODEL).await.expect("it counts"), 600);
    let read = store
        .get(MODEL, &[EntryNumber(300), EntryNumber(601)])
        .await
        .expect("it reads");
    let (sin, cos) = angle(300);
    assert_eq!(read.len(), 1);
    assert!(
        (read[0].1[0] - sin).abs() < 1e-5 && (read[0].1[1] - cos).abs() < 1e-5,
        "of length one"
    );
    assert_eq!(all(store, &[0.0, 1.0]).await, (1..=10).collect::<Vec<_>>());
}

async fn a_vector_without_direction_does_no_harm(store: &dyn VectorStore) {
    keep(store, vec![point(1, &[0.0, 0.0]), point(2, &[1.0, 0.0])]).await;
    assert_eq!(all(store, &[1.0, 0.0]).await, [2, 1]);
    assert_eq!(all(store, &[0.0, 0.0]).await.len(), 2);
}

#[tokio::test]
async fn a_server_that_is_down_or_wants_a_key_says_so() {
    let server = QdrantServer::start().await;
    server.want_key("kettle");
    let without = Qdrant::new(&server.url(), None).expect("an address");
    let refused = without.models().await.expect_err("it wants a key");
    assert!(
        matches!(&refused, VectorError::Server { later: false, .. }),
        "{refused}"
    );
    let with = Qdrant::new(&server.url(), Some("kettle")).expect("an address");
    assert!(with.models().await.expect("it is let in").is_empty());
    assert!(!format!("{with:?}").contains("kettle"));
    server.be_down(true);
    let down = with.models().await.expect_err("it is down");
    assert!(
        matches!(&down, VectorError::Server { later: true, .. }),
        "{down}"
    );
    let nobody = Qdrant::new("http://127.0.0.1:1", None).expect("an address");
    assert!(nobody.count(MODEL).await.is_err());
    assert!(Qdrant::new("not an address", None).is_err());
}

#[tokio::test]
async fn collections_of_others_are_left_alone() {
    let server = QdrantServer::start().await;
    let store = Qdrant::new(&server.url(), None).expect("an address");
    keep(&store, vec![point(1, &[1.0])]).await;
    assert_eq!(server.collections(), ["watchkeeper.all-minilm~3al6-v2"]);
    let exact = Exact::default();
    keep(&exact, vec![point(1, &[1.0])]).await;
    assert_eq!(
        store.models().await.expect("it lists"),
        exact.models().await.expect("it lists")
    );
}
