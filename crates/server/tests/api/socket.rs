//! The socket as a client finds it: its limits, and how it ends.

use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use watchkeeper_server::Gate;

use crate::house::{House, Served, get, send};
use crate::soon;

/// Connections that one account may have.
const MAX_OF_ONE_ACCOUNT: usize = 64;

async fn served() -> Served {
    let house = House::with_daemon().await.with_held_action().await;
    // Whoever runs these tests decides here.
    let gate = Gate {
        operators_group: own_group(),
        daemon_uid: Some(4_242),
    };
    house.at_a_socket(gate).await
}

fn own_group() -> String {
    let group = nix::unistd::Group::from_gid(nix::unistd::Gid::effective());
    group.expect("asked").expect("it has a name").name
}

/// What comes back for bytes that are no request.
async fn says(served: &Served, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(&served.socket)
        .await
        .expect("it is reached");
    stream.write_all(bytes).await.expect("sent");
    let mut said = Vec::new();
    // A server that does not read all that was sent may reset the connection after its answer.
    let _ = soon("the end of the connection", stream.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_decision_goes_over_the_socket_and_its_stream_comes_back() {
    let served = served().await;
    let body = served.house.decision(0).await;
    let approve = send(Method::POST, "/v1/actions/0/approve", &body);
    assert_eq!(served.ask(approve).await.status, 200);
    let events = served.ask(get("/v1/actions/0/events")).await.events();
    let run = served.house.bridge.run(0);
    let (_, events) = tokio::join!(run, events.rest());
    let last = &events.last().expect("an event").1;
    assert_eq!(
        (&last["state"], &last["last"]),
        (&json!("fixed"), &json!(true))
    );
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_others_are_answered() {
    let served = served().await;
    let said = says(&served, b"\x16\x03\x01 hello\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "y".repeat(70_000)
    );
    let said = says(&served, head.as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 431"), "{said}");
    let twice = b"POST /v1/issues HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let said = says(&served, twice).await;
    assert!(said.starts_with("HTTP/1.1 4"), "{said}");
    assert_eq!(served.ask(get("/v1/status")).await.status, 200);
}

#[tokio::test]
async fn a_request_that_breaks_off_does_nothing() {
    let served = served().await;
    let mut stream = UnixStream::connect(&served.socket)
        .await
        .expect("it is reached");
    let half = b"POST /v1/issues HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{\"title\":\"x\",";
    stream.write_all(half).await.expect("sent");
    drop(stream);
    let all = served.ask(get("/v1/issues?all=true")).await.json().await;
    let titles = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|line| line["title"].clone());
    assert!(!titles.collect::<Vec<Value>>().contains(&json!("x")));
}

#[tokio::test]
async fn an_account_with_too_many_connections_is_told_so() {
    let served = served().await;
    let mut open = Vec::new();
    for _ in 0..MAX_OF_ONE_ACCOUNT {
        open.push(
            UnixStream::connect(&served.socket)
                .await
                .expect("it is reached"),
        );
    }
    let problem = served.ask(get("/v1/status")).await.problem().await;
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&json!("unavailable"), &json!(503))
    );
    drop(open);
    let answered = async {
        while served.ask(get("/v1/status")).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    soon("a place that is given back", answered).await;
}

#[tokio::test]
async fn a_stop_ends_streams_answers_requests_and_takes_the_socket_away() {
    let mut served = served().await;
    served.house.bridge.approve(0).await;
    let log = served.ask(get("/v1/log/follow")).await.events();
    let mut run = served.ask(get("/v1/actions/0/events")).await.events();
    run.next().await.expect("its state");
    let idle = UnixStream::connect(&served.socket)
        .await
        .expect("it is reached");
    // Its head has come, its body comes after the stop.
    let mut late = UnixStream::connect(&served.socket)
        .await
        .expect("it is reached");
    let body = json!({ "title": "late", "severity": "info" }).to_string();
    let head = format!(
        "POST /v1/issues HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    late.write_all(head.as_bytes()).await.expect("sent");
    let asked_before = served.ask(get("/v1/status")).await;
    assert_eq!(asked_before.status, 200);

    let started = std::time::Instant::now();
    served.stop.cancel();
    for events in [log, run] {
        let (name, problem) = events.rest().await.pop().expect("a last word");
        assert_eq!(
            (name.as_str(), &problem["type"]),
            ("problem", &json!("unavailable"))
        );
        assert_eq!(problem["title"], "the daemon stops");
    }
    late.write_all(body.as_bytes()).await.expect("sent");
    let mut said = String::new();
    soon("the answer", late.read_to_string(&mut said))
        .await
        .expect("text");
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    served.stops().await;
    assert!(
        started.elapsed() < std::time::Duration::from_secs(5),
        "nothing was waited for"
    );
    assert!(
        !served.socket.exists(),
        "nobody finds a socket where nobody answers"
    );
    drop(idle);
    served.house.tasks.close();
    soon("the end of all that followed", served.house.tasks.wait()).await;
}

#[tokio::test]
async fn an_export_that_is_cut_is_not_taken_for_whole() {
    use http_body_util::BodyExt as _;
    let mut served = served().await;
    let long = "x".repeat(3_500);
    for _ in 0..400 {
        let body = json!({ "title": "filler", "severity": "info", "note": long });
        served.house.post("/v1/issues", &body).await.json().await;
    }
    let mut answer = served.ask(get("/v1/log/export")).await;
    assert_eq!(answer.status, 200);
    soon("the first piece", answer.body.frame())
        .await
        .expect("a frame")
        .expect("a piece");
    served.stop.cancel();
    let rest = soon("the end", answer.body.collect()).await;
    assert!(rest.is_err(), "it ends with an error");
    served.stops().await;
}
